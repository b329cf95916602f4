//! Sequence numbers, modulo 2^32 (RFC 9293, 3.4).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A TCP sequence number. It has no `Ord`, because "less" means nothing on a circle: use [`SeqNum::is_before`] and
/// [`SeqNum::distance`], which are right as long as the two are less than 2^31 apart. Arithmetic wraps, never panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeqNum(pub u32);

impl SeqNum {
    /// How far `self` lies after `earlier`; negative when it lies before.
    #[must_use]
    pub const fn distance(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }

    /// Whether `self` comes strictly before `other`.
    #[must_use]
    pub const fn is_before(self, other: Self) -> bool {
        self.distance(other) < 0
    }

    /// Whether `self` comes strictly after `other`.
    #[must_use]
    pub const fn is_after(self, other: Self) -> bool {
        self.distance(other) > 0
    }

    /// The later of the two.
    #[must_use]
    pub const fn later(self, other: Self) -> Self {
        if self.is_before(other) { other } else { self }
    }

    /// The number `count` further on.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// The number `count` further back.
    #[must_use]
    pub const fn minus(self, count: u32) -> Self {
        Self(self.0.wrapping_sub(count))
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_goes_around_the_circle() {
        assert!(SeqNum(u32::MAX).is_before(SeqNum(3)));
        assert!(SeqNum(3).is_after(SeqNum(u32::MAX)));
        assert_eq!(SeqNum(3).distance(SeqNum(u32::MAX)), 4);
        assert_eq!(SeqNum(u32::MAX).later(SeqNum(3)), SeqNum(3));
        assert_eq!(SeqNum(u32::MAX).plus(4), SeqNum(3));
        assert_eq!(SeqNum(3).minus(4), SeqNum(u32::MAX));
    }

    #[test]
    fn half_a_circle_apart_is_defined_and_does_not_panic() {
        assert_eq!(SeqNum(1 << 31).distance(SeqNum(0)), i32::MIN);
    }
}
