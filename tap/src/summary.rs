//! The last words of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use capture::PollerReport;
use indicatif::HumanCount;
use recorder::{Carried, EndedBy, Ledger, Manifest};
use serde::Serialize;

use crate::ledger::{self, in_words};
use crate::logging::printable;
use crate::pipeline::Tracked;

/// Problems listed one by one; the rest as a number. All of them stand in the campaign's events.
const LISTED: usize = 5;

/// What a run did, for people and for scripts.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Where every frame went, all sources together.
    pub ledger: Ledger,
    /// What was tracked.
    #[serde(flatten)]
    pub tracked: Tracked,
    /// Packets in no row, which came after that of their connection was written, by what they are.
    pub stragglers: BTreeMap<String, u64>,
    /// Packets that showed an anomaly, by its name.
    pub anomalies: BTreeMap<String, u64>,
    /// Connections that are kept for the next run; none of them has its row yet.
    pub carried: Option<Carried>,
    /// Why the recording ended.
    pub ended_by: Option<EndedBy>,
    /// Seconds that it took.
    pub seconds: f64,
    /// What was lost or skipped, in words. Empty: nothing.
    pub lost: Vec<String>,
    /// Where the campaign is.
    pub campaign: String,
}

impl Summary {
    /// Of a campaign that has ended.
    #[must_use]
    pub fn new(
        manifest: &Manifest,
        reports: &[PollerReport],
        tracked: Tracked,
        took: Duration,
        campaign: &Path,
    ) -> Self {
        Self {
            ledger: manifest.ledger(),
            tracked,
            stragglers: manifest.stragglers.clone(),
            anomalies: manifest.anomalies.clone(),
            carried: manifest.carried,
            ended_by: manifest.ended_by,
            seconds: took.as_secs_f64(),
            lost: lost(manifest, reports),
            campaign: campaign.display().to_string(),
        }
    }

    /// Whether nothing was lost or skipped.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty()
    }
}

fn lost(manifest: &Manifest, reports: &[PollerReport]) -> Vec<String> {
    let mut lost = Vec::new();
    for source in &manifest.sources {
        let dropped = source.ledger.dropped;
        if dropped.total() > 0 {
            lost.push(format!(
                "{}: {} of {} frames dropped (device {}, kernel {}, queue {})",
                source.name,
                HumanCount(dropped.total()),
                HumanCount(source.ledger.offered),
                dropped.device,
                dropped.kernel,
                dropped.queue
            ));
        }
        if let Err(imbalance) = source.ledger.balance() {
            lost.push(format!("{}: the ledger does not balance, {imbalance}: a defect of this program", source.name));
        }
    }
    if let Some(icmp) = manifest.icmp_errors.get("queue").filter(|icmp| **icmp > 0) {
        lost.push(format!(
            "{icmp} ICMP errors about TCP found no room in a queue, so that their connections do not tell of them"
        ));
    }
    let problems: Vec<String> = reports.iter().flat_map(|report| &report.problems).map(ToString::to_string).collect();
    let unlisted: u64 = reports.iter().map(|report| report.more_problems).sum();
    let more = problems.len().saturating_sub(LISTED) as u64 + unlisted;
    lost.extend(problems.into_iter().take(LISTED));
    if more > 0 {
        lost.push(format!("{more} more of the kind; conntrack-report events lists them"));
    }
    for (table, rows) in manifest.losses.rows.iter().filter(|(_, rows)| **rows > 0) {
        lost.push(format!("{rows} rows of table {table} were not written; conntrack-report events says why"));
    }
    lost
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.ledger;
        let rejected: u64 = ledger.rejected.values().sum();
        let other = ledger.delivered.saturating_sub(ledger.tcp).saturating_sub(rejected);
        let rate = (ledger.delivered as f64 / self.seconds.max(1e-9)) as u64;
        writeln!(
            f,
            "packets      {} in {:.1} s ({} a second): {} TCP, {} other, {} unusable",
            HumanCount(ledger.delivered),
            self.seconds,
            HumanCount(rate),
            HumanCount(ledger.tcp),
            HumanCount(other),
            HumanCount(rejected)
        )?;
        if rejected > 0 {
            writeln!(f, "unusable     {}", in_words(&ledger.rejected))?;
        }
        let Tracked { connections, evicted, late, time_wait_evicted, .. } = self.tracked;
        writeln!(f, "connections  {}", HumanCount(connections))?;
        if evicted > 0 {
            let why = "cut short: tracker.max_connections or tracker.max_attempts was reached (close_reason evicted)";
            writeln!(f, "evicted      {} connections and attempts {why}", HumanCount(evicted))?;
        }
        if late > 0 {
            writeln!(f, "late         {} packets, tracked out of order", HumanCount(late))?;
        }
        ledger::write_oddities(f, &self.stragglers, time_wait_evicted, &self.anomalies)?;
        if let Some(early @ (EndedBy::Stop | EndedBy::Duration)) = self.ended_by {
            writeln!(f, "ended        {}", early.as_str())?;
        }
        if let Some(Carried { connections, .. }) = self.carried {
            let next = "for the next run; conntrack-tap recover ends them instead";
            writeln!(f, "kept         {} open connections, {next}", HumanCount(connections))?;
        }
        for lost in &self.lost {
            writeln!(f, "LOST         {}", printable(lost))?;
        }
        if self.is_clean() {
            writeln!(f, "lost         nothing")?;
        }
        write!(f, "campaign     {0}; next: conntrack-report summary {0}", printable(&self.campaign))
    }
}
