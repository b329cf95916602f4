//! Scales: where a value stands along an axis, from 0 to 1.

use super::ticks::{self, Tick};

/// What the numbers along an axis are, and so how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, ratios, bit/s: the axis' title says what.
    Number,
    /// Bytes.
    Bytes,
    /// Lengths of time, s.
    Seconds,
    /// Parts of a whole, which is 1.
    Share,
    /// Nanoseconds since the epoch, in UTC.
    Instant,
}

/// Where values stand along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: Unit,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// Even, between two values; somewhat wider where they are the same.
    #[must_use]
    pub fn linear(unit: Unit, from: f64, to: f64) -> Self {
        let from = if from.is_finite() { from } else { 0.0 };
        let to = if to.is_finite() && to > from { to } else { from + 1.0 };
        Self { unit, from, to, logarithmic: false }
    }

    /// Logarithmic, between two positive values.
    #[must_use]
    pub fn logarithmic(unit: Unit, from: f64, to: f64) -> Self {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let from = if positive(from) { from } else { 1.0 };
        let to = if positive(to) && to > from { to } else { from * 10.0 };
        Self { unit, from, to, logarithmic: true }
    }

    /// Where a value stands: 0 at the beginning, 1 at the end, never beyond.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// Values worth a tick.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        match (self.unit, self.logarithmic) {
            (Unit::Instant, _) => ticks::instants(self.from, self.to),
            (Unit::Seconds, true) => ticks::lengths(self.from, self.to),
            (unit, true) => ticks::decades(self.from, self.to, unit),
            (unit, false) => ticks::even(self.from, self.to, unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_proportion_and_never_beyond_the_ends() {
        let even = Scale::linear(Unit::Number, 10.0, 20.0);
        assert_eq!([5.0, 10.0, 15.0, 99.0, f64::NAN].map(|value| even.place(value)), [0.0, 0.0, 0.5, 1.0, 0.0]);
        let decades = Scale::logarithmic(Unit::Bytes, 1.0, 1e4);
        assert!((decades.place(100.0) - 0.5).abs() < 1e-12);
        assert_eq!([0.0, -1.0, f64::INFINITY].map(|value| decades.place(value)), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn ends_that_are_none_make_a_scale_all_the_same() {
        for (from, to) in [(f64::NAN, f64::NAN), (0.0, 0.0), (3.0, 1.0), (f64::NEG_INFINITY, f64::INFINITY)] {
            for scale in [Scale::linear(Unit::Number, from, to), Scale::logarithmic(Unit::Seconds, from, to)] {
                assert!(scale.place(2.0).is_finite() && !scale.ticks().is_empty(), "{scale:?}");
            }
        }
    }
}
