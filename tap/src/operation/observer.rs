//! Looks at the figures of a running pipeline.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use capture::Pace;

use super::status::{SourceStatus, Status, TrackerStatus};
use crate::cli::VERSION;
use crate::clock;
use crate::ledger;
use crate::pipeline::{Running, Tracked};

/// Rates are over this many seconds.
const WINDOW: usize = 10;

/// A thread that did nothing for so long is stuck: each shows itself every tenth of a second.
const STUCK: Duration = Duration::from_secs(10);

/// Sees a pipeline once a second.
#[derive(Debug)]
pub struct Observer {
    pub(super) campaign: PathBuf,
    pace: Pace,
    begun: Instant,
    /// Bytes that the process may take.
    pub(super) memory_bound: u64,
    seen: VecDeque<Seen>,
    threads: Vec<Thread>,
}

/// Figures at an instant, from which rates follow.
#[derive(Debug)]
struct Seen {
    at: Instant,
    frames: Vec<u64>,
    connections: u64,
}

/// A thread's last sign of life.
#[derive(Clone, Copy, Debug)]
struct Thread {
    beats: Option<u64>,
    since: Instant,
}

impl Observer {
    /// For the pipeline of the campaign in `campaign`.
    #[must_use]
    pub fn new(campaign: &Path, pace: Pace) -> Self {
        let (campaign, begun) = (campaign.to_owned(), clock::now());
        Self { campaign, pace, begun, memory_bound: 0, seen: VecDeque::new(), threads: Vec::new() }
    }

    /// How the pipeline is now.
    pub fn look(&mut self, running: &Running) -> Status {
        let now = clock::now();
        let snapshots = running.sources();
        let (tracked, live) = running.tracked();
        let Tracked { connections, evicted, late, time_wait_evicted, .. } = tracked;
        let frames: Vec<u64> = snapshots.iter().map(|(_, snapshot)| snapshot.counters.delivered()).collect();
        let rate = |before: u64, after: u64, since: Instant| {
            after.saturating_sub(before) as f64 / now.saturating_duration_since(since).as_secs_f64().max(1e-3)
        };
        let oldest = self.seen.front();
        let time_of_day = clock::time_of_day();
        let sources = snapshots.iter().enumerate().map(|(at, (name, snapshot))| SourceStatus {
            name: name.clone(),
            ledger: ledger::so_far(&snapshot.counters, &snapshot.device),
            frames_per_s: oldest.map_or(0.0, |oldest| rate(oldest.frames[at], frames[at], oldest.at)),
            lag_s: snapshot
                .counters
                .last
                .filter(|_| self.pace == Pace::Live)
                .map(|last| time_of_day.elapsed_since(last) as f64 / 1e9),
            clock_steps: snapshot.counters.clock_steps,
        });
        let status = Status {
            version: VERSION.to_owned(),
            pid: std::process::id(),
            campaign: self.campaign.clone(),
            uptime_s: now.saturating_duration_since(self.begun).as_secs_f64(),
            sources: sources.collect(),
            tracker: TrackerStatus {
                connections,
                connections_per_s: oldest.map_or(0.0, |oldest| rate(oldest.connections, connections, oldest.at)),
                live,
                evicted,
                late,
                stragglers: ledger::of_stragglers(&tracked),
                time_wait_evicted,
                anomalies: ledger::of_anomalies(&tracked),
            },
            recorder: running.line().condition(),
            memory_bytes: resident(),
            memory_bound_bytes: self.memory_bound,
            stuck: self.stuck(running, now),
        };
        self.seen.push_back(Seen { at: now, frames, connections });
        if self.seen.len() > WINDOW {
            self.seen.pop_front();
        }
        status
    }

    /// Threads that show no sign of life, by name. Those of a source that can wait may wait for long themselves.
    fn stuck(&mut self, running: &Running, now: Instant) -> Vec<String> {
        let pulses = running.pulses().beats();
        self.threads.resize(pulses.len(), Thread { beats: None, since: now });
        let mut stuck = Vec::new();
        for (thread, (name, beats)) in self.threads.iter_mut().zip(pulses) {
            // One that has ended need not show itself.
            if thread.beats != beats || beats.is_none() {
                *thread = Thread { beats, since: now };
            }
            if self.pace == Pace::Live && now.saturating_duration_since(thread.since) > STUCK {
                stuck.push(name);
            }
        }
        stuck
    }
}

/// Memory that the process occupies, bytes; 0 where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}
