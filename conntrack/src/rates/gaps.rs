//! Gaps between the packets of a direction.

use serde::{Deserialize, Serialize};
use wire::Nanos;

use super::clock::Clock;

/// The gaps' sum and the sum of their squares, both exact, so that mean and variance neither drift nor cancel and no packet costs a
/// division: 2^64 ns are 584 years, and 2^128 ns² hold the square of that.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Gaps {
    clock: Clock,
    sum: u64,
    /// High and low half of a 128-bit number, which alone would ask for an alignment of 16.
    square_sum: [u64; 2],
}

impl Gaps {
    /// Takes in a packet.
    pub(super) fn add(&mut self, ts: Nanos) {
        let gap = self.clock.advance(ts).gap.unsigned_abs();
        let square_sum = self.sums().1.saturating_add(u128::from(gap) * u128::from(gap));
        self.sum = self.sum.saturating_add(gap);
        self.square_sum = [(square_sum >> 64) as u64, square_sum as u64];
    }

    /// The sum, ns, and the sum of squares, ns².
    pub(super) fn sums(&self) -> (u64, u128) {
        let [high, low] = self.square_sum;
        (self.sum, u128::from(high) << 64 | u128::from(low))
    }
}
