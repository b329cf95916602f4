//! The rhythm of day and week: how a rate follows the clock.

use wire::Nanos;

const HOUR: i64 = 3600 * Nanos::PER_SECOND;
const HOURS: usize = 24 * 7;
/// Hours from the beginning of a Monday to the beginning of 1970, which was a Thursday.
const MONDAY_TO_EPOCH: i64 = 3 * 24;

/// A factor for each instant of the week, 1 on average over it. Between full hours, UTC, it changes evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// At each full hour, from Monday 00:00 on.
    hours: [f64; HOURS],
    peak: f64,
}

impl Rhythm {
    /// No rhythm.
    pub const EVEN: Self = Self { hours: [1.0; HOURS], peak: 1.0 };

    /// The product of a factor for each hour of the day, from midnight UTC on, and one for each day, from Monday on; only their
    /// ratios matter. With nothing above zero it is [`Self::EVEN`].
    #[must_use]
    pub const fn new(of_day: &[f64; 24], of_week: &[f64; 7]) -> Self {
        let mut hours = [0.0; HOURS];
        let (mut sum, mut peak) = (0.0, 0.0);
        let mut at = 0;
        while at < HOURS {
            hours[at] = of_day[at % 24] * of_week[at / 24];
            sum += hours[at];
            peak = if hours[at] > peak { hours[at] } else { peak };
            at += 1;
        }
        if sum <= 0.0 {
            return Self::EVEN;
        }
        let mean = sum / HOURS as f64;
        at = 0;
        while at < HOURS {
            hours[at] /= mean;
            at += 1;
        }
        Self { hours, peak: peak / mean }
    }

    /// The largest factor.
    #[must_use]
    pub const fn peak(&self) -> f64 {
        self.peak
    }

    /// Whether the factor is always 1.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.peak <= 1.0
    }

    /// The factor at an instant.
    #[must_use]
    pub fn at(&self, now: Nanos) -> f64 {
        let hour = now.0.div_euclid(HOUR);
        let (from, to) = (self.full_hour(hour), self.full_hour(hour + 1));
        from + (to - from) * (now.0.rem_euclid(HOUR) as f64 / HOUR as f64)
    }

    /// The mean factor from `start` on for so many seconds.
    #[must_use]
    pub fn mean(&self, start: Nanos, seconds: f64) -> f64 {
        let end = start.plus((seconds * 1e9) as i64);
        // After so many weeks the rest changes nothing that can be seen.
        const LONG: i64 = 100 * HOURS as i64 * HOUR;
        if self.is_even() || end <= start || end.elapsed_since(start) > LONG {
            return 1.0;
        }
        let (mut from, mut area) = (start, 0.0);
        while from < end {
            let to = Nanos((from.0.div_euclid(HOUR) + 1) * HOUR).min(end);
            // The middle of what changes evenly is its mean.
            area += self.at(from.plus(to.elapsed_since(from) / 2)) * to.elapsed_since(from) as f64;
            from = to;
        }
        area / end.elapsed_since(start) as f64
    }

    fn full_hour(&self, hour: i64) -> f64 {
        self.hours[(hour + MONDAY_TO_EPOCH).rem_euclid(HOURS as i64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 14 December 1998, 00:00 UTC.
    const MONDAY: Nanos = Nanos::from_secs(913_593_600);

    fn office() -> Rhythm {
        let mut of_day = [1.0; 24];
        of_day[9..17].fill(5.0);
        Rhythm::new(&of_day, &[1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    }

    fn at(rhythm: &Rhythm, day: i64, hour: i64) -> f64 {
        rhythm.at(MONDAY.plus((day * 24 + hour) * HOUR))
    }

    #[test]
    fn the_factors_stand_at_their_hours_and_change_evenly_between_them() {
        let rhythm = office();
        assert!((at(&rhythm, 0, 12) / at(&rhythm, 0, 3) - 5.0).abs() < 1e-12);
        assert!((at(&rhythm, 5, 12) / at(&rhythm, 4, 12) - 0.5).abs() < 1e-12, "Saturday beside Friday");
        let between = rhythm.at(MONDAY.plus(8 * HOUR + HOUR / 2));
        assert!((between / at(&rhythm, 0, 3) - 3.0).abs() < 1e-12);
        assert!((at(&rhythm, 0, 12) - rhythm.peak()).abs() < 1e-12);
        assert_eq!(rhythm.at(MONDAY), rhythm.at(MONDAY.plus(7 * 24 * HOUR)), "a week later it is the same");
    }

    #[test]
    fn a_week_has_a_mean_of_one_wherever_it_begins_and_a_working_hour_more() {
        let rhythm = office();
        for start in [0, 5 * HOUR + 1234, 100 * HOUR] {
            assert!((rhythm.mean(MONDAY.plus(start), 7.0 * 86_400.0) - 1.0).abs() < 1e-9);
        }
        let noon = rhythm.mean(MONDAY.plus(12 * HOUR), 3600.0);
        assert!((noon - rhythm.peak()).abs() < 1e-9);
    }

    #[test]
    fn factors_of_nothing_are_no_rhythm() {
        assert_eq!(Rhythm::new(&[0.0; 24], &[1.0; 7]), Rhythm::EVEN);
        assert!(Rhythm::EVEN.is_even() && !office().is_even());
    }
}
