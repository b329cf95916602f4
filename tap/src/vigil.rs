//! What the main thread does while the others work: it shows progress, looks at the deadline, tells how the tap is, and reads the
//! configuration again when it is told to.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use toml::Table;

use crate::clock;
use crate::config::{Change, Config, Limit};
use crate::operation::Operation;
use crate::pipeline::{Order, Running};
use crate::progress::Progress;
use crate::signals::Asked;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The configuration that is in force, and where it came from.
#[derive(Debug)]
pub struct ConfigFile {
    /// The file.
    pub path: PathBuf,
    /// The options that go over it.
    pub overrides: Table,
    /// What is in force.
    pub config: Config,
}

/// The watch over a running pipeline.
#[derive(Debug)]
pub struct Vigil {
    /// When the run began.
    pub begun: Instant,
    /// After how long it ends.
    pub duration: Limit,
    /// How many producers of rows there are.
    pub producers: u16,
    /// What can be read again.
    pub file: Option<ConfigFile>,
    /// What signals have asked for.
    pub asked: Asked,
    /// Whom to tell.
    pub operation: Operation,
    /// Bytes that the process may take.
    pub memory_bound: u64,
}

impl Vigil {
    /// Watches until the pipeline ends, and ends it when its time is over: then true.
    pub fn keep(mut self, running: &Running, mut progress: Progress) -> bool {
        let mut is_over = false;
        self.operation.begin(running, self.memory_bound);
        while !running.has_ended_within(LOOK_EVERY) {
            if !is_over && self.deadline().is_some_and(|deadline| clock::now() >= deadline) {
                running.stop();
                is_over = true;
            }
            if self.asked.reload.swap(false, Ordering::Relaxed) {
                self.reload(running);
            }
            self.operation.attend(running, self.asked.stop.load(Ordering::Relaxed));
            progress.show(running.figures());
        }
        progress.end();
        is_over
    }

    fn deadline(&self) -> Option<Instant> {
        self.begun.checked_add(self.duration.span()?.duration())
    }

    /// Reads the configuration again. What can change meanwhile does; of the rest it is said that it has to wait.
    fn reload(&mut self, running: &Running) {
        let Some(file) = &mut self.file else { return };
        self.operation.reloading();
        match Config::load(Some(&file.path), file.overrides.clone()) {
            Ok(config) => {
                let changes = file.config.changes_to(&config);
                let (now, later): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| change.is_live());
                for change in later {
                    tracing::warn!("{change}: takes effect when the tap is started again");
                }
                if !now.is_empty() {
                    let sentence = now.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    tracing::warn!("the configuration is changed: {sentence}");
                    self.duration = config.campaign.duration;
                    running.line().order(Order { recording: config.recording(self.producers), sentence });
                }
                file.config = config;
            }
            Err(error) => tracing::error!("the configuration stays as it was: {error}"),
        }
        self.operation.reloaded();
    }
}
