use super::*;

/// 2026-01-01 00:00:00 UTC.
const START: Nanos = Nanos::from_secs(1_767_225_600);

const NOISY: Arrivals = Arrivals {
    per_second: 200.0,
    law: Law::SelfSimilar { hurst: 0.8, sigma: 0.4, step: 0.1, octaves: 14 },
    rhythm: &Rhythm::EVEN,
};
const BURSTS: Arrivals =
    Arrivals { per_second: 200.0, law: Law::Sessions { alpha: 1.4, shortest: 0.5, pace: 10.0 }, rhythm: &Rhythm::EVEN };
const POISSON: Arrivals = Arrivals { per_second: 200.0, law: Law::Poisson, rhythm: &Rhythm::EVEN };

/// Arrivals in each of `bins` bins of so many seconds.
fn counts(arrivals: &Arrivals, seed: u64, bins: usize, seconds: f64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut process = Process::new(arrivals, 1.0, START, &mut rng);
    let mut counts = vec![0.0; bins];
    let mut now = process.next(START, &mut rng);
    while let Some(count) = counts.get_mut((now.elapsed_since(START) as f64 / 1e9 / seconds) as usize) {
        *count += 1.0;
        now = process.next(now, &mut rng);
    }
    counts
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64
}

/// Half the slope of the variance of means over 2^from to 2^to bins, plus 1: it needs no trust in an estimator's library, and is good to
/// about 0.1 on stationary counts.
fn hurst(counts: &[f64], from: u32, to: u32) -> f64 {
    let logs = (from..=to).map(|octave| {
        let means: Vec<f64> = counts.chunks_exact(1 << octave).map(mean).collect();
        (f64::from(octave), variance(&means).log2())
    });
    let n = f64::from(to - from + 1);
    let (x, y, xx, xy) =
        logs.fold((0.0, 0.0, 0.0, 0.0), |sums, (x, y)| (sums.0 + x, sums.1 + y, sums.2 + x * x, sums.3 + x * y));
    1.0 + (n * xy - x * y) / (n * xx - x * x) / 2.0
}

#[test]
fn every_law_brings_as_many_as_it_says() {
    for (arrivals, tolerance) in [(POISSON, 0.01), (NOISY, 0.1), (BURSTS, 0.2)] {
        let counts = counts(&arrivals, 1, 1600, 1.0);
        assert!((mean(&counts) / 200.0 - 1.0).abs() < tolerance, "{:?}: {}", arrivals.law, mean(&counts));
    }
}

#[test]
fn poisson_counts_have_the_variance_of_their_mean_over_every_interval() {
    let counts = counts(&POISSON, 2, 1 << 16, 0.02);
    for octave in [0, 4, 8] {
        let sums: Vec<f64> = counts.chunks_exact(1 << octave).map(|chunk| chunk.iter().sum()).collect();
        let dispersion = variance(&sums) / mean(&sums);
        assert!((dispersion - 1.0).abs() < 0.15, "{dispersion} over 2^{octave} bins");
    }
}

#[test]
fn counts_have_the_hurst_parameter_of_their_law() {
    let of = |arrivals: &Arrivals| {
        let estimates: Vec<f64> = (0..8).map(|seed| hurst(&counts(arrivals, seed, 1 << 14, 0.1), 4, 9)).collect();
        mean(&estimates)
    };
    for arrivals in [POISSON, NOISY, BURSTS] {
        let (told, estimated) = (arrivals.law.hurst(), of(&arrivals));
        assert!((told - estimated).abs() < 0.06, "{:?}: {estimated}", arrivals.law);
    }
}

#[test]
fn the_rate_of_self_similar_arrivals_is_log_normal_about_its_mean() {
    // Within a step counts are Poisson given the rate, so that the rate's variance is what theirs has beyond their mean.
    let counts = counts(&NOISY, 3, 1 << 14, 0.1);
    let mean = mean(&counts);
    let told = (0.4_f64 * 0.4).exp() - 1.0;
    let measured = (variance(&counts) - mean) / (mean * mean);
    assert!((measured / told - 1.0).abs() < 0.15, "{measured} for {told}");
}

#[test]
fn a_rhythm_makes_noon_busier_than_night_and_sunday_quieter_than_thursday() {
    const OFFICE: Rhythm = {
        let mut of_day = [0.5; 24];
        let mut hour = 8;
        while hour < 18 {
            of_day[hour] = 2.0;
            hour += 1;
        }
        Rhythm::new(&of_day, &[1.0, 1.0, 1.0, 1.0, 1.0, 0.25, 0.25])
    };
    for law in [Law::Poisson, Law::SelfSimilar { hurst: 0.7, sigma: 0.2, step: 60.0, octaves: 14 }] {
        let hours = counts(&Arrivals { per_second: 0.5, law, rhythm: &OFFICE }, 4, 24 * 7, 3600.0);
        let total: f64 = hours.iter().sum();
        assert!((total / (0.5 * 7.0 * 86_400.0) - 1.0).abs() < 0.05, "a week has the mean rate: {total}");
        // The capture begins on a Thursday.
        let at = |day: usize, hour: usize| hours[day * 24 + hour];
        assert!((at(0, 12) / at(0, 2) - 4.0).abs() < 1.0, "{} at noon, {} at night", at(0, 12), at(0, 2));
        assert!((at(0, 12) / at(3, 12) - 4.0).abs() < 1.0, "{} on Thursday, {} on Sunday", at(0, 12), at(3, 12));
    }
}

#[test]
fn the_same_seed_gives_the_same_arrivals_and_a_longer_capture_begins_like_a_shorter() {
    for arrivals in [POISSON, NOISY, BURSTS] {
        let short = counts(&arrivals, 5, 100, 0.1);
        assert_eq!(short, counts(&arrivals, 5, 1000, 0.1)[..100]);
        assert_ne!(short, counts(&arrivals, 6, 100, 0.1));
    }
}

#[test]
fn a_rate_of_nothing_brings_nobody() {
    let mut rng = Rng::new(1);
    for law in [POISSON.law, NOISY.law, BURSTS.law] {
        let arrivals = Arrivals { per_second: 0.0, law, rhythm: &Rhythm::EVEN };
        assert_eq!(Process::new(&arrivals, 1.0, START, &mut rng).next(START, &mut rng), Nanos::MAX);
    }
}
