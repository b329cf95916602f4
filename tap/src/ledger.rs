//! What the capture counted, as the campaign's ledger.

use std::collections::BTreeMap;
use std::fmt;

use capture::{DeviceCounters, PollerCounters, PollerReport};
use conntrack::{Anomaly, Straggler};
use indicatif::HumanCount;
use recorder::{Dropped, Ledger};

use crate::pipeline::Tracked;

/// The ledger of a source that has ended. Where its device and its poller were not counted alike, it does not balance.
#[must_use]
pub fn of(counters: &PollerCounters, device: &DeviceCounters) -> Ledger {
    let mut not_tcp = BTreeMap::new();
    for (name, count) in counters.not_tcp_by_name() {
        *not_tcp.entry(name.into_owned()).or_default() += count;
    }
    let rejected = counters.rejected_by_name().map(|(name, count)| (name.to_owned(), count)).collect();
    Ledger {
        offered: device.offered,
        delivered: counters.delivered(),
        dropped: Dropped {
            device: device.dropped_device,
            kernel: device.dropped_kernel,
            poller: 0,
            queue: counters.dropped_queue,
        },
        tcp: counters.tcp,
        not_tcp,
        rejected,
    }
}

/// The same while the source runs: frames that still wait in the device are not offered yet, so that it balances at any moment.
#[must_use]
pub fn so_far(counters: &PollerCounters, device: &DeviceCounters) -> Ledger {
    let ledger = of(counters, device);
    Ledger { offered: ledger.delivered.saturating_add(ledger.dropped.total()), ..ledger }
}

/// Packets in no row, of connections whose rows were written before they came, by what they are; without the zeroes.
#[must_use]
pub fn of_stragglers(tracked: &Tracked) -> BTreeMap<String, u64> {
    named(Straggler::ALL.iter().map(|name| name.as_str()).zip(tracked.stragglers))
}

/// Packets that showed an anomaly, by its name; without the zeroes.
#[must_use]
pub fn of_anomalies(tracked: &Tracked) -> BTreeMap<String, u64> {
    named(Anomaly::ALL.iter().map(|name| name.as_str()).zip(tracked.anomalies))
}

/// Counts as `12 one, 3 other`, without the zeroes.
#[must_use]
pub fn in_words(counts: &BTreeMap<String, u64>) -> String {
    let counts = counts.iter().filter(|(_, count)| **count > 0);
    counts.map(|(name, count)| format!("{} {name}", HumanCount(*count))).collect::<Vec<_>>().join(", ")
}

/// A line for each kind of packet that says more than that it came, if there is any.
///
/// # Errors
/// Those of the formatter.
pub fn write_oddities(
    f: &mut fmt::Formatter<'_>,
    stragglers: &BTreeMap<String, u64>,
    time_wait_evicted: u64,
    anomalies: &BTreeMap<String, u64>,
) -> fmt::Result {
    if !stragglers.is_empty() {
        let what = "packets after the row of their connection was written";
        writeln!(f, "stragglers   {} ({what})", in_words(stragglers))?;
    }
    if time_wait_evicted > 0 {
        let why = "tracker.max_time_wait was reached: what comes late of their connections is a row of its own";
        writeln!(f, "forgotten    {} tuples in TIME_WAIT; {why}", HumanCount(time_wait_evicted))?;
    }
    if !anomalies.is_empty() {
        writeln!(f, "anomalies    {}", in_words(anomalies))?;
    }
    Ok(())
}

fn named(counts: impl IntoIterator<Item = (&'static str, u64)>) -> BTreeMap<String, u64> {
    counts.into_iter().filter(|&(_, count)| count > 0).map(|(name, count)| (name.to_owned(), count)).collect()
}

/// What came of ICMP errors about TCP, by name, without the zeroes: of those `[attributed, unattributed]` by the shards, and of those that
/// reached none.
#[must_use]
pub fn of_icmp([attributed, unattributed]: [u64; 2], reports: &[PollerReport]) -> BTreeMap<String, u64> {
    let sum = |count: fn(&PollerCounters) -> u64| reports.iter().map(|report| count(&report.counters)).sum();
    named([
        ("attributed", attributed),
        ("unknown_connection", unattributed),
        ("unreadable_quote", sum(|counters| counters.icmp_unreadable)),
        ("queue", sum(|counters| counters.icmp_dropped)),
    ])
}
