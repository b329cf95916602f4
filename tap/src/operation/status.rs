//! How a running tap is: what `conntrack-tap status`, `/metrics` and `/healthz` tell.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use recorder::{Condition, Ledger, Table};
use serde::{Deserialize, Serialize};

use crate::ledger;
use crate::logging::printable;

/// The state of a running tap at an instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version and commit of the program.
    pub version: String,
    /// Number of the process.
    pub pid: u32,
    /// The campaign's directory.
    pub campaign: PathBuf,
    /// Seconds since it started.
    pub uptime_s: f64,
    /// Each source, and where its frames went so far.
    pub sources: Vec<SourceStatus>,
    /// The tracker.
    pub tracker: TrackerStatus,
    /// The recorder.
    pub recorder: Condition,
    /// Memory that the process occupies, bytes.
    pub memory_bytes: u64,
    /// What the bounds of the configuration allow, bytes.
    pub memory_bound_bytes: u64,
    /// Threads that did not show themselves of late.
    pub stuck: Vec<String>,
}

/// A source and its ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// As the user named it.
    pub name: String,
    /// Where its frames went.
    pub ledger: Ledger,
    /// Frames delivered a second, over the last seconds.
    pub frames_per_s: f64,
    /// Seconds from the newest packet's timestamp until now; of a live source only.
    pub lag_s: Option<f64>,
    /// How often its clock stepped back.
    pub clock_steps: u64,
}

/// What the shards did and hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrackerStatus {
    /// Connections begun.
    pub connections: u64,
    /// Connections begun a second, over the last seconds.
    pub connections_per_s: f64,
    /// Connections open.
    pub live: u64,
    /// Connections and attempts that went because a bound was reached.
    pub evicted: u64,
    /// Packets that came after younger ones had been tracked.
    pub late: u64,
    /// Packets of connections whose rows were written before, by what they are.
    pub stragglers: BTreeMap<String, u64>,
    /// Tuples in TIME_WAIT that were forgotten before their time because there were too many.
    pub time_wait_evicted: u64,
    /// Packets that showed an anomaly, by its name.
    pub anomalies: BTreeMap<String, u64>,
}

impl Status {
    /// Why it is not well; nothing where it is.
    #[must_use]
    pub fn ailment(&self) -> Option<String> {
        if !self.stuck.is_empty() {
            return Some(format!("no sign of life from {}", self.stuck.join(", ")));
        }
        self.recorder.failure.clone()
    }

    /// Frames lost, wherever.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.sources.iter().fold(0, |sum, source| sum.saturating_add(source.ledger.dropped.total()))
    }
}

impl fmt::Display for Status {
    /// For people: a line a fact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = humantime::format_duration(Duration::from_secs(self.uptime_s as u64));
        writeln!(f, "tap          version {}, process {}, up {up}", self.version, self.pid)?;
        writeln!(f, "campaign     {}", printable(&self.campaign.display().to_string()))?;
        for source in &self.sources {
            source.line(f)?;
        }
        let TrackerStatus { connections, connections_per_s, live, evicted, late, .. } = self.tracker;
        let (connections, live, late) = (HumanCount(connections), HumanCount(live), HumanCount(late));
        writeln!(
            f,
            "connections  {connections} ({connections_per_s:.0}/s), {live} open, {} evicted, {late} packets late",
            HumanCount(evicted)
        )?;
        let TrackerStatus { stragglers, time_wait_evicted, anomalies, .. } = &self.tracker;
        ledger::write_oddities(f, stragglers, *time_wait_evicted, anomalies)?;
        self.lines_of_the_recorder(f)?;
        let (memory, bound) = (HumanBytes(self.memory_bytes), HumanBytes(self.memory_bound_bytes));
        writeln!(f, "memory       {memory} of at most {bound}")?;
        match self.ailment() {
            Some(ailment) => write!(f, "health       NOT WELL: {}", printable(&ailment)),
            None => write!(f, "health       well"),
        }
    }
}

impl Status {
    fn lines_of_the_recorder(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorder = &self.recorder;
        let rows = Table::ALL.map(|table| format!("{} {table}", HumanCount(recorder.acknowledged(table))));
        writeln!(f, "recorded     {}", rows.join(", "))?;
        for table in Table::ALL {
            let lost = recorder.lost(table);
            if lost > 0 {
                writeln!(f, "LOST         {} rows of {table}", HumanCount(lost))?;
            }
        }
        let place = recorder.directory.as_ref().map_or("nowhere".to_owned(), |place| place.display().to_string());
        let (waiting, unsealed) = (HumanBytes(recorder.waiting_bytes), recorder.unsealed_segments);
        let oldest = humantime::format_duration(Duration::from_secs(recorder.oldest_journal_s as u64));
        writeln!(
            f,
            "disk         in {}, {waiting} not acknowledged; {unsealed} segments not sealed, the oldest for {oldest}",
            printable(&place)
        )?;
        for room in &recorder.rooms {
            let (free, total) = (HumanBytes(room.free_bytes), HumanBytes(room.total_bytes));
            writeln!(f, "room         {free} free of {total} in {}", printable(&room.directory.display().to_string()))?;
        }
        writeln!(
            f,
            "troubles     {} fail-overs, {} failures that were mended, {} segments deleted for room",
            recorder.failovers, recorder.failures, recorder.deleted_segments
        )
    }
}

impl SourceStatus {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ledger { offered, delivered, dropped, tcp, .. } = &self.ledger;
        let lag = self.lag_s.map_or(String::new(), |lag| format!(", newest {lag:.1} s ago"));
        writeln!(
            f,
            "source       {}: {} frames ({:.0}/s), {} TCP{lag}",
            printable(&self.name),
            HumanCount(*delivered),
            self.frames_per_s,
            HumanCount(*tcp)
        )?;
        if dropped.total() > 0 {
            let (lost, offered) = (HumanCount(dropped.total()), HumanCount(*offered));
            let (device, kernel, queue) = (dropped.device, dropped.kernel, dropped.queue);
            writeln!(f, "LOST         {lost} of {offered} frames (device {device}, kernel {kernel}, queue {queue})")?;
        }
        Ok(())
    }
}
