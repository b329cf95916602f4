//! Special functions that the estimators need (Abramowitz and Stegun, Handbook of Mathematical Functions, chapter 6).

/// From here on the asymptotic series are exact to the last digits.
const LARGE: f64 = 10.0;

/// ψ(x), the logarithmic derivative of the gamma function, for x > 0 (6.3.18).
#[must_use]
pub fn digamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < LARGE {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * (1.0 / 240.0 - y / 132.0))));
    sum + x.ln() - 0.5 / x - series
}

/// ψ'(x) = ζ(2, x), for x > 0 (6.4.12).
#[must_use]
pub fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < LARGE {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y * (1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * 5.0 / 66.0))));
    sum + 1.0 / x + 0.5 * y + series / x
}

/// Probability that a chi-squared variable with `degrees` of freedom exceeds `x`: the regularised upper incomplete gamma function
/// Q(degrees / 2, x / 2) by its recurrence in steps of two degrees (26.4.4, 26.4.5).
#[must_use]
pub fn chi_squared_above(x: f64, degrees: usize) -> f64 {
    let half = x / 2.0;
    let (mut sum, mut term, mut a) = if degrees.is_multiple_of(2) {
        (0.0, (-half).exp(), 1.0)
    } else {
        (erfc(half.sqrt()), (-half).exp() * (half / std::f64::consts::PI).sqrt() * 2.0, 1.5)
    };
    for _ in 0..degrees / 2 {
        sum += term;
        term *= half / a;
        a += 1.0;
    }
    sum.clamp(0.0, 1.0)
}

/// The complementary error function for x >= 0: by its series (7.1.6) where that converges fast, else by its continued fraction
/// (7.1.14).
#[must_use]
pub fn erfc(x: f64) -> f64 {
    const MIDDLE: f64 = 2.5;
    const TERMS: u32 = 60;
    let gauss = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x < MIDDLE {
        let (mut term, mut sum) = (x, x);
        for n in 1..TERMS {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return 1.0 - 2.0 * gauss * sum;
    }
    let fraction = (1..=TERMS).rev().fold(x, |rest, n| x + f64::from(n) / 2.0 / rest);
    gauss / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from scipy.special 1.17.
    #[test]
    fn they_agree_with_scipy() {
        let near = |ours: f64, theirs: f64| {
            assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1e-3), "{ours} {theirs}")
        };
        near(digamma(0.5), -1.963_510_026_021_423_5);
        near(digamma(2.0), 0.422_784_335_098_467_13);
        near(digamma(1000.5), 6.907_755_320_648_796);
        near(trigamma(0.5), 4.934_802_200_544_679);
        near(trigamma(2.0), 0.644_934_066_848_226_4);
        near(trigamma(1000.5), 0.000_999_999_916_666_695_8);
        near(erfc(0.3), 0.671_373_240_540_872_6);
        near(erfc(3.0), 2.209_049_699_858_544_5e-5);
        near(chi_squared_above(3.84, 1), 0.050_043_521_248_705_19);
        near(chi_squared_above(7.0, 3), 0.071_897_772_496_465_09);
        near(chi_squared_above(7.0, 4), 0.135_888_225_400_433_27);
        near(chi_squared_above(30.0, 12), 0.002_792_429_332_700_914_5);
    }
}
