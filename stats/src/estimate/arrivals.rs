//! Whether arrivals come as a Poisson process: exponential gaps that know nothing of each other (Paxson and Floyd 1995, appendix A).
//!
//! A clock has a tick, and what comes within one has the same stamp. The logarithms of Anderson and Darling's statistic take a gap of 0 for impossible, so that one or two of
//! them are enough to reject a true Poisson process. Of such a process the arrivals within a tick are spread over it evenly and independently of each other: stamps moved by
//! such a part of a tick are the process itself again, whatever the tick, and the test keeps its level.

use serde::Serialize;

use super::{Z95, mean};

/// Fewer gaps cannot tell.
const FEWEST: usize = 50;

/// D'Agostino and Stephens 1986, table 4.14: of exponential samples, 5 % have a larger modified A².
pub const CRITICAL: f64 = 1.321;

/// Ticks in the mean gap, below which the clock hides too much of the gaps: of a Poisson process one in a hundred would be 0 then.
const FEWEST_TICKS: f64 = 50.0;

/// The share of gaps of 0 from which on the clock may be too coarse.
const TIES: f64 = 0.01;

/// What the gaps between arrivals say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Arrivals {
    /// How many gaps.
    pub gaps: usize,
    /// Their mean, s.
    pub mean: f64,
    /// Their coefficient of variation; 1 of a Poisson process.
    pub variation: f64,
    /// The tick of the clock, s: the greatest common divisor of the gaps.
    pub tick: f64,
    /// Anderson and Darling's statistic against the exponential distribution of the same mean, modified for its being estimated (Stephens
    /// 1974: A² (1 + 0.6 / n)), of the stamps spread over their ticks.
    pub anderson_darling: f64,
    /// Correlation of neighbouring gaps.
    pub correlation: f64,
    /// Neither test speaks against a Poisson process, at 5 % each.
    pub poisson: bool,
}

/// Why arrivals are not tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Untested {
    /// Fewer than fifty gaps.
    TooFew,
    /// More than one gap in a hundred is 0, and the clock's tick is longer than a fiftieth of the mean gap.
    CoarseClock,
}

/// Tests the gaps between instants, ns, in order of time.
///
/// # Errors
/// [`Untested`] where they cannot tell.
pub fn test(instants: &[i64]) -> Result<Arrivals, Untested> {
    let nanos: Vec<u64> = instants.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).max(0) as u64).collect();
    if nanos.len() < FEWEST {
        return Err(Untested::TooFew);
    }
    let gaps: Vec<f64> = nanos.iter().map(|&gap| gap as f64 / 1e9).collect();
    let level = mean(&gaps).unwrap_or_default();
    let tick = nanos.iter().copied().fold(0, greatest_common_divisor);
    let ties = nanos.iter().filter(|&&gap| gap == 0).count() as f64;
    if level <= 0.0 || (ties > TIES * gaps.len() as f64 && tick as f64 / 1e9 * FEWEST_TICKS > level) {
        return Err(Untested::CoarseClock);
    }
    let spread = super::variance(&gaps).unwrap_or_default();
    let products: f64 = gaps.windows(2).map(|pair| (pair[0] - level) * (pair[1] - level)).sum();
    let correlation = if spread > 0.0 { products / (spread * gaps.len() as f64) } else { 0.0 };
    let anderson_darling = anderson_darling(gaps_within_ticks(instants, tick));
    let independent = correlation.abs() <= Z95 / (gaps.len() as f64).sqrt();
    Ok(Arrivals {
        gaps: gaps.len(),
        mean: level,
        variation: spread.sqrt() / level,
        tick: tick as f64 / 1e9,
        anderson_darling,
        correlation,
        poisson: independent && anderson_darling <= CRITICAL,
    })
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The gaps, ns, between instants each of which is moved by a part of a tick of its own.
fn gaps_within_ticks(instants: &[i64], tick: u64) -> Vec<f64> {
    let mut moved: Vec<(i64, f64)> = instants.iter().zip(0..).map(|(&ts, n)| (ts, part(n))).collect();
    moved.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let gap = |pair: &[(i64, f64)]| pair[1].0.saturating_sub(pair[0].0) as f64 + (pair[1].1 - pair[0].1) * tick as f64;
    moved.windows(2).map(gap).collect()
}

/// The n-th of numbers from 0 to 1 that look drawn by chance and are the same each time (SplitMix64: Steele, Lea and Flood 2014).
const fn part(n: u64) -> f64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn anderson_darling(mut gaps: Vec<f64>) -> f64 {
    let n = gaps.len() as f64;
    let level = mean(&gaps).unwrap_or_default();
    gaps.sort_unstable_by(f64::total_cmp);
    // Whatever chance may have made of two arrivals within a tick, the logarithm needs a gap.
    let below = |gap: f64| (-(-gap / level).exp_m1()).max(f64::MIN_POSITIVE);
    let sum: f64 = gaps
        .iter()
        .zip(gaps.iter().rev())
        .enumerate()
        .map(|(i, (&small, &large))| (2 * i + 1) as f64 * (below(small).ln() - large / level))
        .sum();
    (-n - sum / n) * (1.0 + 0.6 / n)
}

#[cfg(test)]
mod tests {
    use super::super::noise::Generator;
    use super::*;

    /// Instants with these gaps, in s, by a clock of this tick, ns.
    fn stamped(tick: i64, gaps: impl IntoIterator<Item = f64>) -> Vec<i64> {
        let mut now = 0.0;
        let stamp = |gap: f64| {
            now += gap * 1e9;
            now as i64 / tick * tick
        };
        gaps.into_iter().map(stamp).collect()
    }

    #[test]
    fn exponential_gaps_pass_about_as_often_as_the_tests_say_whatever_the_clock() {
        const SERIES: usize = 200;
        let mut generator = Generator::new(4);
        for (tick, per_second) in [(1, 0.3), (1, 1e6), (1000, 300.0), (1000, 1000.0), (1000, 3000.0), (1000, 15_000.0)]
        {
            let mut passed = 0;
            for _ in 0..SERIES {
                let gaps = (0..1500).map(|_| generator.exponential() / per_second);
                passed += usize::from(test(&stamped(tick, gaps)).unwrap().poisson);
            }
            assert!(
                (168..=193).contains(&passed),
                "{passed} of {SERIES} with a tick of {tick} ns at {per_second} a second"
            );
        }
    }

    #[test]
    fn a_clock_that_hides_the_gaps_is_said_and_not_tested() {
        let mut generator = Generator::new(4);
        let gaps: Vec<f64> = (0..3000).map(|_| generator.exponential() / 1000.0).collect();
        assert_eq!(test(&stamped(1_000_000, gaps.iter().copied())), Err(Untested::CoarseClock));
        assert_eq!(test(&stamped(15_000, gaps.iter().copied())).unwrap().tick, 15e-6);
        assert_eq!(test(&[7; 100]), Err(Untested::CoarseClock), "all at once");
    }

    #[test]
    fn arrivals_in_pairs_are_no_poisson_process_by_any_clock_that_tells_them_apart_from_others() {
        let mut generator = Generator::new(4);
        for tick in [1, 1000] {
            let gaps = (0..2000).map(|n| if n % 10 == 0 { 0.0 } else { generator.exponential() });
            assert!(!test(&stamped(tick, gaps)).unwrap().poisson, "{tick}");
        }
    }

    #[test]
    fn even_gaps_and_clustered_ones_fail() {
        assert!(!test(&stamped(1, [1.0; 100])).unwrap().poisson);
        let mut generator = Generator::new(4);
        let clustered = (0..2000).map(|n| generator.exponential() * if n / 100 % 2 == 0 { 1.0 } else { 5.0 });
        let found = test(&stamped(1, clustered)).unwrap();
        assert!(!found.poisson && found.correlation > 0.1 && found.variation > 1.2, "{found:?}");
        assert_eq!(test(&stamped(1, [1.0; 10])), Err(Untested::TooFew));
    }
}
