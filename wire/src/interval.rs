//! The base series: what passed in a bin of time.

use serde::{Deserialize, Serialize};

use crate::Nanos;

/// The counters of a bin of time: a row of the `intervals` table, or a part of one. A poller gives the part that is not TCP,
/// each shard the part of its connections; parts of the same bin add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Start of the bin, a multiple of its width.
    pub ts: Nanos,
    /// Width of the bin, ns.
    pub width: i64,
    /// TCP by direction: sent by originators, then by responders.
    pub halves: [IntervalHalf; 2],
    /// SYN segments without ACK.
    pub syn: u64,
    /// Connections whose first packet lies in the bin.
    pub opened: u64,
    /// Connections that ended in the bin, for whatever reason.
    pub closed: u64,
    /// Frames that are not TCP.
    pub other: OtherTraffic,
    /// Frames that the capture lost.
    pub lost: u64,
}

/// What passed in one direction in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalHalf {
    /// TCP packets.
    pub pkts: u64,
    /// Their IP bytes, headers included.
    pub ip_bytes: u64,
    /// Their payload bytes.
    pub payload_bytes: u64,
}

/// Frames of a bin that are not tracked, by protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherTraffic {
    /// UDP packets.
    pub udp: u64,
    /// ICMP packets.
    pub icmp: u64,
    /// ICMPv6 packets.
    pub icmp6: u64,
    /// IP packets of other protocols.
    pub other_ip: u64,
    /// Frames that are not IP.
    pub non_ip: u64,
    /// Frames rejected.
    pub rejected: u64,
}

impl Interval {
    /// An empty bin of `width` (> 0) around the instant `ts`.
    #[must_use]
    pub const fn around(ts: Nanos, width: i64) -> Self {
        const NOTHING: IntervalHalf = IntervalHalf { pkts: 0, ip_bytes: 0, payload_bytes: 0 };
        const SILENCE: OtherTraffic = OtherTraffic { udp: 0, icmp: 0, icmp6: 0, other_ip: 0, non_ip: 0, rejected: 0 };
        let start = Nanos(ts.0.saturating_sub(ts.0.rem_euclid(width)));
        Self { ts: start, width, halves: [NOTHING; 2], syn: 0, opened: 0, closed: 0, other: SILENCE, lost: 0 }
    }

    /// Whether the instant lies in the bin.
    #[must_use]
    pub const fn holds(&self, ts: Nanos) -> bool {
        ts.0 >= self.ts.0 && ts.since(self.ts) < self.width
    }

    /// Adds what `part` counted in the same bin.
    pub fn add(&mut self, part: &Self) {
        for (mine, theirs) in self.halves.iter_mut().zip(&part.halves) {
            mine.pkts += theirs.pkts;
            mine.ip_bytes += theirs.ip_bytes;
            mine.payload_bytes += theirs.payload_bytes;
        }
        self.syn += part.syn;
        self.opened += part.opened;
        self.closed += part.closed;
        self.other.udp += part.other.udp;
        self.other.icmp += part.other.icmp;
        self.other.icmp6 += part.other.icmp6;
        self.other.other_ip += part.other.other_ip;
        self.other.non_ip += part.other.non_ip;
        self.other.rejected += part.other.rejected;
        self.lost += part.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_start_at_multiples_of_their_width_also_before_the_epoch() {
        assert_eq!(Interval::around(Nanos(25), 10).ts, Nanos(20));
        assert_eq!(Interval::around(Nanos(-5), 10).ts, Nanos(-10));
        assert!(Interval::around(Nanos(-5), 10).holds(Nanos(-1)));
        assert!(!Interval::around(Nanos(-5), 10).holds(Nanos(0)));
    }
}
