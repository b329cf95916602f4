//! The tapped line itself, whose queues all connections share.
//!
//! A line sends one datagram after the other in each direction. What finds it busy waits, first come, first served, and passes the tap
//! when its last bit has been sent: so the tap sees what a slow line makes of bursts, and speakers feel it as delay. What would wait for
//! too long is dropped before the tap sees it.

use wire::Nanos;

/// A line, as data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Bits a second, each way, framing included.
    pub bits_per_second: f64,
    /// How datagrams are packed.
    pub framing: Framing,
    /// The longest that a datagram waits for its first bit to be sent, ns; then it is dropped.
    pub longest_wait: i64,
}

/// How datagrams are packed for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// IP over ATM: LLC/SNAP's 8 bytes (RFC 2684, 5.1) and the 8 of AAL5's trailer, padded to cells of 53 bytes that carry 48 (ITU-T
    /// I.363.5).
    Aal5,
}

impl Framing {
    /// Bytes on the line for a datagram of so many.
    #[must_use]
    pub const fn line_len(self, datagram: u32) -> u64 {
        match self {
            Self::Aal5 => (datagram as u64 + 16).div_ceil(48) * 53,
        }
    }

    /// Its name in the truth about the link.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aal5 => "aal5-llc-snap",
        }
    }
}

impl Line {
    /// How long a datagram of so many bytes takes, ns: rounded up, so that the line is never faster than it is.
    #[must_use]
    pub fn nanos(&self, datagram: u32) -> i64 {
        let bits = (8 * self.framing.line_len(datagram)) as f64;
        (bits * 1e9 / self.bits_per_second).ceil() as i64
    }
}

/// A line at work.
#[derive(Clone, Copy, Debug)]
pub struct Carrier {
    line: Line,
    /// Until when it is busy: outbound, inbound.
    busy_until: [Nanos; 2],
    dropped: u64,
}

impl Carrier {
    /// An idle line.
    #[must_use]
    pub const fn new(line: Line) -> Self {
        Self { line, busy_until: [Nanos::MIN; 2], dropped: 0 }
    }

    /// Takes a datagram at `now`; gives when its last bit has been sent, or `None` where it is dropped.
    pub fn take(&mut self, outbound: bool, datagram: u32, now: Nanos) -> Option<Nanos> {
        let busy_until = &mut self.busy_until[usize::from(!outbound)];
        let begins = now.max(*busy_until);
        if begins.since(now) > self.line.longest_wait {
            self.dropped += 1;
            return None;
        }
        *busy_until = begins.plus(self.line.nanos(datagram));
        Some(*busy_until)
    }

    /// Datagrams that would have waited for too long.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first paper's circuit.
    const PVC: Line = Line { bits_per_second: 4e6, framing: Framing::Aal5, longest_wait: 100_000_000 };
    /// A cell of it, ns.
    const CELL: i64 = 106_000;

    #[test]
    fn a_datagram_takes_whole_cells() {
        for (datagram, cells) in [(0, 1), (32, 1), (33, 2), (40, 2), (576, 13), (1500, 32)] {
            assert_eq!(Framing::Aal5.line_len(datagram), 53 * cells, "{datagram}");
            assert_eq!(PVC.nanos(datagram), CELL * cells as i64, "{datagram}");
        }
    }

    #[test]
    fn each_direction_sends_one_after_the_other_and_drops_what_would_wait_for_too_long() {
        let mut carrier = Carrier::new(PVC);
        for n in 1..=30 {
            assert_eq!(carrier.take(true, 1500, Nanos(0)), Some(Nanos(n * 32 * CELL)));
        }
        assert_eq!((carrier.take(true, 1500, Nanos(0)), carrier.dropped()), (None, 1), "after 102 ms");
        assert_eq!(carrier.take(false, 40, Nanos(0)), Some(Nanos(2 * CELL)), "the other way is free");
        let later = Nanos::from_secs(10);
        assert_eq!(carrier.take(true, 40, later), Some(later.plus(2 * CELL)));
    }
}
