//! The clock of a port, and how wrong it is.

use wire::Nanos;

/// A clock that stamps frames, by its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Timestamps are multiples of this many nanoseconds, rounded towards the past; at least 1.
    pub tick: i64,
    /// How far it is ahead when the first frame comes, ns.
    pub offset: i64,
    /// How much too fast it runs, in parts per billion.
    pub drift: i64,
    /// When and how far somebody sets it.
    pub step: Option<Step>,
}

/// Somebody sets a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after the first frame, ns.
    pub after: i64,
    /// How far ahead, ns; negative: back.
    pub by: i64,
}

impl Clock {
    /// A clock that is right to the nanosecond.
    pub const EXACT: Self = Self { tick: 1, offset: 0, drift: 0, step: None };

    /// Whether what it shows never decreases.
    #[must_use]
    pub fn never_goes_back(&self) -> bool {
        const STANDING_STILL: i64 = -1_000_000_000;
        self.drift >= STANDING_STILL && self.step.is_none_or(|step| step.by >= 0)
    }

    /// What it shows at `now`, in a capture that began at `began`.
    #[must_use]
    pub fn stamp(&self, now: Nanos, began: Nanos) -> Nanos {
        let elapsed = now.since(began);
        // A division of 128 bits takes longer than all else that a device does with a frame.
        let drifted = if self.drift == 0 { 0 } else { self.drifted(elapsed) };
        let stepped = self.step.filter(|step| elapsed >= step.after).map_or(0, |step| step.by);
        let shown = now.plus(self.offset).plus(drifted).plus(stepped);
        Nanos(shown.0.saturating_sub(shown.0.rem_euclid(self.tick.max(1))))
    }

    /// What it has gained after so long, ns.
    fn drifted(&self, elapsed: i64) -> i64 {
        let drifted = i128::from(elapsed) * i128::from(self.drift) / 1_000_000_000;
        i64::try_from(drifted).unwrap_or(if drifted < 0 { i64::MIN } else { i64::MAX })
    }
}
