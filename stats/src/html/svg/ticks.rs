//! Ticks at values that people count in, and what they say.

use chrono::DateTime;

use super::scale::Unit;

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Its value.
    pub value: f64,
    /// What it says.
    pub label: String,
    /// Whether it is left out where there is little room.
    pub minor: bool,
}

/// More labels than this do not fit a narrow screen.
const NARROW: usize = 5;

/// More ticks than this are too many for any.
const MOST: usize = 10;

/// About so many ticks are enough for an even axis.
const EVEN: f64 = 5.0;

/// Lengths of time worth a tick on a logarithmic axis, s.
const LENGTHS: [(f64, &str); 18] = [
    (1e-7, "100 ns"),
    (1e-6, "1 µs"),
    (1e-5, "10 µs"),
    (1e-4, "100 µs"),
    (1e-3, "1 ms"),
    (1e-2, "10 ms"),
    (0.1, "100 ms"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (36_000.0, "10 h"),
    (86_400.0, "1 d"),
    (604_800.0, "7 d"),
    (2_592_000.0, "30 d"),
    (31_536_000.0, "1 a"),
    (315_360_000.0, "10 a"),
];

/// Steps of a clock's axis, s.
const CLOCK: [f64; 27] = [
    1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0,
];

const DAY: f64 = 86_400.0;

/// Powers of ten, with their twos and fives where there are few of them.
#[must_use]
pub fn decades(from: f64, to: f64, unit: Unit) -> Vec<Tick> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let factors: &[f64] = if last - first <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let values = (first..=last).flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
    // The ends themselves were powers of ten before rounding.
    let within = values.filter(|&value| value >= from * (1.0 - 1e-9) && value <= to * (1.0 + 1e-9));
    thinned(within.map(|value| Tick { value, label: short(value, unit), minor: false }).collect())
}

/// Lengths of time that have names.
#[must_use]
pub fn lengths(from: f64, to: f64) -> Vec<Tick> {
    let within = LENGTHS.iter().filter(|(seconds, _)| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(seconds));
    let ticks: Vec<Tick> =
        within.map(|&(value, label)| Tick { value, label: label.to_owned(), minor: false }).collect();
    if ticks.len() < 2 { decades(from, to, Unit::Seconds) } else { thinned(ticks) }
}

/// Multiples of one, two or five times a power of ten.
#[must_use]
pub fn even(from: f64, to: f64, unit: Unit) -> Vec<Tick> {
    let rough = (to - from) / EVEN;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let first = (from / step).ceil();
    let count = ((to / step + 1e-9).floor() - first).clamp(0.0, MOST as f64) as usize;
    let value = |at: usize| (first + at as f64) * step;
    let ticks = (0..=count).map(value).map(|value| Tick { value, label: short(value, unit), minor: false });
    ticks.collect()
}

/// Instants, nanoseconds since the epoch, at round times of the day.
#[must_use]
pub fn instants(from: f64, to: f64) -> Vec<Tick> {
    let seconds = (to - from) / 1e9;
    let step = CLOCK.into_iter().find(|step| seconds / step <= 8.0).unwrap_or((seconds / 8.0 / DAY).ceil() * DAY);
    let first = (from / 1e9 / step).ceil();
    let count = ((to / 1e9 / step).floor() - first).clamp(0.0, MOST as f64) as usize;
    let tick = |at: usize| {
        let value = (first + at as f64) * step;
        Tick { value: value * 1e9, label: clock(value, step), minor: false }
    };
    thinned((0..=count).map(tick).collect())
}

/// Marks every other tick as minor, or drops it, where there are many.
fn thinned(mut ticks: Vec<Tick>) -> Vec<Tick> {
    while ticks.len() > MOST {
        ticks = ticks.into_iter().step_by(2).collect();
    }
    if ticks.len() > NARROW {
        ticks.iter_mut().skip(1).step_by(2).for_each(|tick| tick.minor = true);
    }
    ticks
}

/// A time of the day, or the day where the step is one or the day begins.
fn clock(seconds: f64, step: f64) -> String {
    let nanos = (seconds * 1e9).clamp(i64::MIN as f64, i64::MAX as f64) as i64;
    let begins_a_day = (seconds / DAY).fract() == 0.0;
    let format = match step {
        step if step >= DAY => "%a %-d",
        _ if begins_a_day => "%a %-d",
        step if step >= 60.0 => "%H:%M",
        step if step >= 1.0 => "%H:%M:%S",
        step if step >= 1e-3 => "%S%.3f s",
        _ => "%S%.6f s",
    };
    DateTime::from_timestamp_nanos(nanos).format(format).to_string()
}

/// A value with as few digits as it needs.
#[must_use]
pub fn short(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => super::super::words::length(value),
        Unit::Share => format!("{} %", digits(value * 100.0)),
        Unit::Bytes => prefixed(value) + "B",
        Unit::Number | Unit::Instant => prefixed(value).trim_end().to_owned(),
    }
}

/// A number and its decimal prefix, parted by a space.
fn prefixed(value: f64) -> String {
    const PREFIXES: [(f64, &str); 6] = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let found = PREFIXES.iter().find(|(factor, _)| value.abs() >= *factor * (1.0 - 1e-9));
    let (factor, prefix) = found.copied().unwrap_or((1.0, ""));
    format!("{} {prefix}", digits(value / factor))
}

/// Up to three significant digits, without zeros at the end.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn even_axes_count_in_ones_twos_and_fives() {
        assert_eq!(labels(&even(0.0, 10.0, Unit::Number)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&even(0.0, 1.45e6, Unit::Number)), ["0", "500 k", "1 M"]);
        assert_eq!(labels(&even(0.42, 1.03, Unit::Number)), ["0.6", "0.8", "1"]);
        assert_eq!(labels(&even(0.0, 0.07, Unit::Share)), ["0 %", "2 %", "4 %", "6 %"]);
    }

    #[test]
    fn logarithmic_axes_show_powers_of_ten_and_few_of_them() {
        assert_eq!(labels(&decades(1.0, 1e4, Unit::Bytes)), ["1 B", "10 B", "100 B", "1 kB", "10 kB"]);
        assert_eq!(labels(&decades(1.0, 12.0, Unit::Number)), ["1", "2", "5", "10"]);
        assert_eq!(labels(&decades(1e-3, 1.0, Unit::Share)), ["0.1 %", "1 %", "10 %", "100 %"]);
        let many = decades(1e-7, 1e6, Unit::Number);
        assert!(many.len() <= MOST && many[1].minor && !many[0].minor, "{many:?}");
        assert_eq!(labels(&lengths(0.01, 700.0)), ["10 ms", "100 ms", "1 s", "10 s", "1 min", "10 min"]);
    }

    #[test]
    fn a_clock_ticks_at_round_times_and_names_the_day_where_it_begins() {
        let begin = 913_593_600.0e9;
        assert_eq!(labels(&instants(begin, begin + 3.0 * DAY * 1e9))[..3], ["Mon 14", "12:00", "Tue 15"]);
        assert_eq!(labels(&instants(begin + 1e9, begin + 8.0e9))[..2], ["00:00:01", "00:00:02"]);
        assert_eq!(labels(&instants(begin + 1e9, begin + 1.005e9))[1], "01.001 s");
        assert!(instants(0.0, 9e18).len() <= MOST + 1);
    }
}
