//! What somebody who looks after a running tap has to do with it: its status over a socket, metrics and health over HTTP, the service
//! manager's watchdog.
//!
//! Nobody asks the threads that work. The main thread looks at their figures once a second ([`Observer`]) and lays the status down where
//! whoever is asked finds it ([`Shared`]); a status that is old says that the main thread hangs, too.

pub mod http;
mod metrics;
pub mod notify;
mod observer;
pub mod socket;
pub mod status;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use capture::Pace;
use indicatif::HumanCount;

use crate::clock;
use crate::config::Config;
use crate::pipeline::Running;
use notify::Manager;
use observer::Observer;
use socket::Socket;
use status::Status;

/// How often the figures are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// All that is done for who looks after a running tap.
#[derive(Debug)]
pub struct Operation {
    shared: Shared,
    observer: Observer,
    manager: Manager,
    looked: Option<Instant>,
    is_stopping: bool,
    /// Where metrics will be served: their thread begins when privileges are given up.
    listener: Option<TcpListener>,
    /// Nothing where there can be none, which costs the campaign nothing.
    socket: Option<Socket>,
}

impl Operation {
    /// Takes the address of metrics where the configuration has one, for the campaign that will be in the directory `out`.
    ///
    /// # Errors
    /// When they cannot be served there.
    pub fn prepare(config: &Config, out: &Path, pace: Pace) -> Result<Self> {
        let shared = Shared::default();
        let mut listener = None;
        if !config.operation.metrics.is_empty() {
            let address: SocketAddr = config.operation.metrics.parse().with_context(|| {
                format!(
                    "`operation.metrics`: {:?} is no address; write it like 127.0.0.1:9464",
                    config.operation.metrics
                )
            })?;
            listener = Some(http::listen(address)?);
        }
        Ok(Self {
            shared,
            observer: Observer::new(out, pace),
            manager: Manager::find(),
            looked: None,
            is_stopping: false,
            listener,
            socket: None,
        })
    }

    /// The tap captures, and may take `memory_bound` bytes.
    pub fn begin(&mut self, running: &Running, memory_bound: u64) {
        self.observer.memory_bound = memory_bound;
        self.socket = Socket::open(&self.observer.campaign, self.shared.clone())
            .inspect_err(|error| tracing::warn!("conntrack-tap status cannot be answered: {error}"))
            .ok();
        if let Some(listener) = self.listener.take() {
            let _ = http::serve(&listener, &self.shared)
                .inspect_err(|error| tracing::warn!("metrics cannot be served: {error}"));
        }
        self.attend(running, false);
        self.manager.ready();
    }

    /// Looks at the figures once a second, and tells them; once that the tap `is_stopping`.
    pub fn attend(&mut self, running: &Running, is_stopping: bool) {
        if is_stopping && !self.is_stopping {
            self.is_stopping = true;
            self.manager.stopping();
        }
        let now = clock::now();
        if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        let status = self.observer.look(running);
        self.manager.tell(&line(&status), status.stuck.is_empty(), now);
        self.shared.publish(status);
    }

    /// The configuration is being read again.
    pub fn reloading(&self) {
        self.manager.reloading();
    }

    /// It was read.
    pub fn reloaded(&self) {
        self.manager.ready();
    }
}

/// The status in a line.
fn line(status: &Status) -> String {
    let rate: f64 = status.sources.iter().map(|source| source.frames_per_s).sum();
    let (live, lost) = (HumanCount(status.tracker.live), HumanCount(status.lost_frames()));
    match status.ailment() {
        Some(ailment) => format!("NOT WELL: {}", ailment.replace('\n', " ")),
        None => format!("{rate:.0} frames/s, {live} connections open, {lost} frames lost"),
    }
}

/// A status that is older is none.
const STALE: Duration = Duration::from_secs(10);

/// The newest status, for those who are asked.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Published>>);

#[derive(Debug, Default)]
struct Published {
    status: Status,
    at: Option<Instant>,
}

impl Shared {
    /// Lays down the newest status.
    pub fn publish(&self, status: Status) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *published = Published { status, at: Some(clock::now()) };
    }

    /// The newest status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).status.clone()
    }

    /// Why the tap is not well; nothing where it is.
    #[must_use]
    pub fn ailment(&self) -> Option<String> {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match published.at {
            None => Some("it has not begun yet".to_owned()),
            Some(at) if clock::now().saturating_duration_since(at) > STALE => {
                Some(format!("its main thread has not been seen for {} s", at.elapsed().as_secs()))
            }
            Some(_) => published.status.ailment(),
        }
    }
}
