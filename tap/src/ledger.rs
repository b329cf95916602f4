//! What the capture counted, as the campaign's ledger.

use std::collections::BTreeMap;

use capture::{DeviceCounters, PollerCounters};
use recorder::{Dropped, Ledger};

/// The ledger of a source. It balances once the source has ended.
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
