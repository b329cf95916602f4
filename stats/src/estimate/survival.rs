//! Durations that a campaign cuts at its end, by the product-limit estimator (Kaplan and Meier 1958).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Z95;

/// Spans of which the end was seen, or only that they lasted so long, by length. Lengths are rounded to four significant digits, so that
/// any number of them takes a few megabytes at most.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// Length in nanoseconds; how many ended then, how many were cut.
    by_length: BTreeMap<u64, [u64; 2]>,
    /// How many ended, how many were cut.
    total: [u64; 2],
}

impl Spans {
    /// Adds a span.
    pub fn add(&mut self, nanos: u64, ended: bool) {
        let kind = usize::from(!ended);
        self.by_length.entry(rounded(nanos)).or_default()[kind] += 1;
        self.total[kind] += 1;
    }

    /// How many spans ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.total[0]
    }

    /// How many were cut.
    #[must_use]
    pub const fn cut(&self) -> u64 {
        self.total[1]
    }

    /// The curve, a step at each length at which something ended.
    #[must_use]
    pub fn curve(&self) -> Vec<Survivors> {
        let (mut share, mut greenwood) = (1.0_f64, 0.0);
        let mut at_risk = self.ended() + self.cut();
        let mut curve = Vec::new();
        for (&nanos, &[ended, cut]) in &self.by_length {
            if ended > 0 {
                let stay = at_risk - ended;
                share *= stay as f64 / at_risk as f64;
                greenwood += ended as f64 / (at_risk as f64 * stay as f64);
                curve.push(survivors(nanos as f64 / 1e9, share, greenwood));
            }
            at_risk -= ended + cut;
        }
        curve
    }
}

/// To four significant digits, halves up.
fn rounded(nanos: u64) -> u64 {
    let mut unit = 1;
    while nanos / unit >= 10_000 {
        unit *= 10;
    }
    (nanos / unit + u64::from(nanos % unit >= unit.div_ceil(2) && unit > 1)).saturating_mul(unit)
}

/// The share that lasts longer than a length, with its interval of confidence by Greenwood's formula on the log-log scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Survivors {
    /// The length, s.
    pub length: f64,
    /// The share that lasts longer.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// A length that a share of all does not outlast, s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// The share.
    pub of: f64,
    /// The length; nothing where so many never ended.
    pub length: Option<f64>,
    /// Lower end of its interval of confidence (Brookmeyer and Crowley 1982).
    pub low: Option<f64>,
    /// Upper end; nothing where the curve does not tell.
    pub high: Option<f64>,
}

fn survivors(length: f64, share: f64, greenwood: f64) -> Survivors {
    if share <= 0.0 || share >= 1.0 {
        return Survivors { length, share, low: share, high: share };
    }
    let reach = Z95 * greenwood.sqrt() / share.ln();
    let (a, b) = (share.powf((reach).exp()), share.powf((-reach).exp()));
    Survivors { length, share, low: a.min(b), high: a.max(b) }
}

/// The length that a share `of` does not outlast: the first step at which no more than 1 - `of` are left.
#[must_use]
pub fn quantile(curve: &[Survivors], of: f64) -> Quantile {
    /// Products of shares, and 1 - `of` itself, are off by so much at most; steps are further apart.
    const ROUNDING: f64 = 1e-9;
    let left_over = (1.0 - of) * (1.0 + ROUNDING);
    let first = |left: fn(&Survivors) -> f64| curve.iter().find(|step| left(step) <= left_over).map(|step| step.length);
    Quantile { of, length: first(|step| step.share), low: first(|step| step.low), high: first(|step| step.high) }
}

/// The share that lasts longer than `length`, with its interval; `None` before the first step.
#[must_use]
pub fn beyond(curve: &[Survivors], length: f64) -> Option<Survivors> {
    let steps = curve.partition_point(|step| step.length <= length);
    curve[..steps].last().map(|step| Survivors { length, ..*step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ended: &[u64], cut: &[u64]) -> Spans {
        let mut spans = Spans::default();
        ended.iter().for_each(|seconds| spans.add(seconds * 1_000_000_000, true));
        cut.iter().for_each(|seconds| spans.add(seconds * 1_000_000_000, false));
        spans
    }

    /// Freireich et al. 1963, the treated group: the textbook example, with the textbook's values.
    #[test]
    fn the_remission_times_of_the_textbook_come_out() {
        const ENDED: [u64; 9] = [6, 6, 6, 7, 10, 13, 16, 22, 23];
        const CUT: [u64; 12] = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
        let found = spans(&ENDED, &CUT).curve();
        let shares: Vec<String> = found.iter().map(|step| format!("{} {:.4}", step.length, step.share)).collect();
        assert_eq!(shares, ["6 0.8571", "7 0.8067", "10 0.7529", "13 0.6902", "16 0.6275", "22 0.5378", "23 0.4482"]);
        assert!((found[0].low - 0.6197).abs() < 1e-4 && (found[0].high - 0.9516).abs() < 1e-4, "{:?}", found[0]);
        let median = quantile(&found, 0.5);
        assert_eq!((median.length, median.low, median.high), (Some(23.0), Some(13.0), None));
        assert_eq!(quantile(&found, 0.9).length, None);
        assert_eq!(beyond(&found, 5.9), None);
        assert_eq!(beyond(&found, 21.0).map(|step| step.share), Some(found[4].share));
    }

    #[test]
    fn without_cuts_it_is_the_share_that_lasts_longer() {
        let shares: Vec<f64> = spans(&[1, 2, 3, 4], &[]).curve().iter().map(|step| step.share).collect();
        assert_eq!(shares, [0.75, 0.5, 0.25, 0.0]);
        assert!(spans(&[], &[7]).curve().is_empty());
    }

    #[test]
    fn without_cuts_a_quantile_is_that_of_the_sample_to_the_step() {
        for n in [10, 20, 100, 1000_u64] {
            let all: Vec<u64> = (1..=n).collect();
            let curve = spans(&all, &[]).curve();
            for percent in [10, 25, 30, 50, 70, 75, 90, 95, 99, 100_u64] {
                let expected = (n * percent).div_ceil(100);
                let found = quantile(&curve, percent as f64 / 100.0).length;
                assert_eq!(found, Some(expected as f64), "{percent} % of 1 to {n}");
            }
        }
    }

    #[test]
    fn lengths_keep_four_digits() {
        for (nanos, expected) in [(0, 0), (9999, 9999), (12_344, 12_340), (12_345, 12_350), (99_996, 100_000)] {
            assert_eq!(rounded(nanos), expected, "{nanos}");
        }
        assert_eq!(rounded(u64::MAX), u64::MAX);
    }
}
