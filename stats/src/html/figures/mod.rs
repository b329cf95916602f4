//! The figures, a file each.

mod arrivals;
mod connections;
mod distributions;
mod headline;
mod hurst;
mod logscale;
mod losses;
mod scales;
mod sequence;
mod time;
mod timeouts;
mod top;
mod week;

pub use arrivals::{arrivals, excesses};
pub use connections::{reasons, states};
pub use distributions::{durations, rates, round_trips, sizes, tails};
pub use headline::headline;
pub use hurst::hurst;
pub use logscale::logscale;
pub use losses::losses;
pub use scales::{dispersion, peaks};
pub use sequence::{chosen, sequences};
pub use time::{busiest, live, openings, packets, throughput};
pub use timeouts::timeouts;
pub use top::{hosts, services};
pub use week::week;

use super::Data;
use super::svg::{Axis, Scale, Style, Unit};
use crate::estimate::{median, quantile};
use crate::text::instant;

/// The title of a campaign's panel: none where there is but one.
fn panel(campaigns: &[Data], data: &Data) -> String {
    if campaigns.len() > 1 { data.name.clone() } else { String::new() }
}

/// One look for each of these names.
fn looks<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(Style, &'a str)> {
    names.into_iter().enumerate().map(|(at, name)| (Style(at), name)).collect()
}

/// The name of a campaign before the name of a row, where there are several.
fn of_campaign(campaigns: &[Data], data: &Data, name: &str) -> String {
    if campaigns.len() > 1 { format!("{}: {name}", data.name) } else { name.to_owned() }
}

/// An axis of the time between two instants, ns since the epoch.
fn clock(from: f64, to: f64) -> Axis {
    let begin = instant(from as i64, 0);
    Axis::new(format!("UTC, from {}", begin.get(..10).unwrap_or_default()), Scale::linear(Unit::Instant, from, to))
}

/// The largest of some numbers; 0 of none.
fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// The smallest positive one of some numbers.
fn smallest(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    values.into_iter().filter(|value| value.is_finite() && *value > 0.0).min_by(f64::total_cmp)
}

/// What a tenth of some numbers lie below, their median, and what a tenth lie above.
fn middle(values: &[f64]) -> Option<[f64; 3]> {
    Some([quantile(values, 0.1)?, median(values)?, quantile(values, 0.9)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_two_hours_lies_between_them() {
        assert_eq!(middle(&[4.0, 2.0]), Some([2.2, 3.0, 3.8]));
        assert_eq!(middle(&[]), None);
    }
}
