//! What became of every frame of a source.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::{Nanos, NotTcp, Reject};

use crate::{DeviceCounters, Progress};

/// EtherTypes (and PPP protocols) that are common enough to be named in a ledger
/// (<https://www.iana.org/assignments/ieee-802-numbers>).
const ETHER_NAMES: [(u16, &str); 16] = [
    (0x0027, "ppp_other"),
    (0x0806, "arp"),
    (0x8035, "rarp"),
    (0x809b, "appletalk"),
    (0x8100, "vlan"),
    (0x8137, "ipx"),
    (0x8809, "slow_protocols"),
    (0x8847, "mpls"),
    (0x8863, "pppoe_discovery"),
    (0x8864, "pppoe_session"),
    (0x888e, "eapol"),
    (0x8892, "profinet"),
    (0x88cc, "lldp"),
    (0x88e5, "macsec"),
    (0x88f7, "ptp"),
    (0x9000, "loopback_test"),
];

/// What became of the frames that a poller took from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollerCounters {
    /// TCP segments handed to a shard, or about to be.
    pub tcp: u64,
    /// IP packets that are not TCP, by protocol number.
    pub ip: [u64; 256],
    /// Frames that are not IP, by the EtherTypes that have a name here; the last one counts all others.
    ether: [u64; ETHER_NAMES.len() + 1],
    /// Frames of a link's own that have no EtherType.
    pub link: u64,
    /// Frames that cannot be used, by [`Reject::index`].
    pub rejected: [u64; Reject::ALL.len()],
    /// TCP segments lost because the queue to their shard was full, or its shard gone.
    pub dropped_queue: u64,
    /// ICMP errors about TCP handed to a shard, or about to be; each is also counted in [`Self::ip`].
    pub icmp_errors: u64,
    /// ICMP errors about TCP whose quote does not name a connection.
    pub icmp_unreadable: u64,
    /// ICMP errors about TCP for which the queue to the shard was full, or its shard gone.
    pub icmp_dropped: u64,
    /// How often a frame was older than the one before it.
    pub clock_steps: u64,
    /// Timestamp of the first frame.
    pub first: Option<Nanos>,
    /// The latest timestamp.
    pub last: Option<Nanos>,
}

impl Default for PollerCounters {
    fn default() -> Self {
        Self {
            tcp: 0,
            ip: [0; 256],
            ether: [0; ETHER_NAMES.len() + 1],
            link: 0,
            rejected: [0; Reject::ALL.len()],
            dropped_queue: 0,
            icmp_errors: 0,
            icmp_unreadable: 0,
            icmp_dropped: 0,
            clock_steps: 0,
            first: None,
            last: None,
        }
    }
}

impl PollerCounters {
    pub(crate) fn count_not_tcp(&mut self, what: NotTcp) {
        match what {
            NotTcp::Ip(protocol) => self.ip[usize::from(protocol)] += 1,
            NotTcp::Ether(kind) => {
                let index = ETHER_NAMES.binary_search_by_key(&kind, |&(kind, _)| kind).unwrap_or(ETHER_NAMES.len());
                self.ether[index] += 1;
            }
            NotTcp::Link => self.link += 1,
        }
    }

    /// Frames that are whole but not TCP.
    #[must_use]
    pub fn not_tcp(&self) -> u64 {
        self.ip.iter().chain(&self.ether).sum::<u64>() + self.link
    }

    /// Frames that cannot be used.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// Frames that were accounted for in their place: TCP, not TCP, or rejected.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.tcp + self.not_tcp() + self.rejected()
    }

    /// Whether every frame that the device was offered is accounted for. Exact once the source has ended; before that, frames
    /// that wait in the device are missing.
    #[must_use]
    pub fn balances_with(&self, device: &DeviceCounters) -> bool {
        device.offered == self.delivered() + self.dropped_queue + device.dropped()
    }

    /// What is not TCP, by name, without the zeroes.
    pub fn not_tcp_by_name(&self) -> impl Iterator<Item = (Cow<'static, str>, u64)> {
        let ip = (0..=u8::MAX).map(|protocol| (ip_protocol_name(protocol), self.ip[usize::from(protocol)]));
        let names = ETHER_NAMES.iter().map(|&(_, name)| name).chain(["other_ether"]);
        let ether = names.zip(self.ether).map(|(name, count)| (Cow::Borrowed(name), count));
        ip.chain(ether).chain([(Cow::Borrowed("link"), self.link)]).filter(|&(_, count)| count > 0)
    }

    /// What was rejected, by name, without the zeroes.
    pub fn rejected_by_name(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Reject::ALL
            .iter()
            .map(|reject| (reject.as_str(), self.rejected[reject.index()]))
            .filter(|&(_, count)| count > 0)
    }
}

/// The name of an IP protocol in a ledger (<https://www.iana.org/assignments/protocol-numbers>), or `ip_N`.
fn ip_protocol_name(protocol: u8) -> Cow<'static, str> {
    Cow::Borrowed(match protocol {
        0 => "hopopt",
        1 => "icmp",
        2 => "igmp",
        4 => "ipip",
        17 => "udp",
        41 => "ipv6_in_ip",
        46 => "rsvp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmp6",
        59 => "ipv6_no_next_header",
        88 => "eigrp",
        89 => "ospf",
        97 => "etherip",
        103 => "pim",
        112 => "vrrp",
        115 => "l2tp",
        132 => "sctp",
        136 => "udplite",
        _ => return Cow::Owned(format!("ip_{protocol}")),
    })
}

/// A poller as seen from outside, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What became of the frames.
    pub counters: PollerCounters,
    /// What the device counted.
    pub device: DeviceCounters,
    /// How far it has come.
    pub progress: Progress,
    /// The poller is done.
    pub ended: bool,
}

/// A window on a running poller for other threads. The poller never waits for a reader: where one is just looking, the
/// update is left out, and the next one comes within milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<Mutex<Snapshot>>);

impl Gauge {
    /// The latest state.
    #[must_use]
    pub fn read(&self) -> Snapshot {
        self.lock().clone()
    }

    pub(crate) fn update(&self, write: impl FnOnce(&mut Snapshot)) {
        if let Ok(mut snapshot) = self.0.try_lock() {
            write(&mut snapshot);
        }
    }

    /// As [`Self::update`], but waits for a reader: the last word of a poller must not get lost.
    pub(crate) fn update_at_last(&self, write: impl FnOnce(&mut Snapshot)) {
        write(&mut self.lock());
    }

    /// A snapshot is counters only: also after a panic elsewhere it is as good as any.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ether_types_are_sorted_so_that_the_search_finds_them() {
        assert!(ETHER_NAMES.is_sorted_by_key(|&(kind, _)| kind));
    }

    #[test]
    fn every_kind_of_frame_is_counted_once_and_under_its_name() {
        let mut counters = PollerCounters { tcp: 5, dropped_queue: 2, ..PollerCounters::default() };
        let kinds = [
            NotTcp::Ip(17),
            NotTcp::Ip(17),
            NotTcp::Ip(200),
            NotTcp::Ether(0x806),
            NotTcp::Ether(0x1234),
            NotTcp::Link,
        ];
        for kind in kinds {
            counters.count_not_tcp(kind);
        }
        counters.rejected[Reject::BadIp.index()] = 3;
        let names: Vec<_> = counters.not_tcp_by_name().map(|(name, count)| format!("{name}={count}")).collect();
        assert_eq!(names.join(" "), "udp=2 ip_200=1 arp=1 other_ether=1 link=1");
        assert_eq!(counters.rejected_by_name().collect::<Vec<_>>(), [("bad_ip", 3)]);
        assert_eq!(counters.delivered(), 5 + 6 + 3);
        assert!(counters.balances_with(&DeviceCounters { offered: 20, dropped_device: 1, dropped_kernel: 3 }));
        assert!(!counters.balances_with(&DeviceCounters { offered: 20, dropped_device: 1, dropped_kernel: 2 }));
    }
}
