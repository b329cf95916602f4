//! The discrete wavelet transform with Daubechies' compactly supported wavelets (Daubechies 1988), by Mallat's pyramid.
//!
//! A wavelet with N vanishing moments is blind to polynomial trends below degree N, which is why a slow drift of the mean does not
//! pass for long memory.

/// Scaling filter of the wavelet with three vanishing moments: blind to linear and quadratic trends.
const THREE_MOMENTS: [f64; 6] = [
    0.332_670_552_950_082_6,
    0.806_891_509_311_092_5,
    0.459_877_502_118_491_4,
    -0.135_011_020_010_254_6,
    -0.085_441_273_882_026_66,
    0.035_226_291_885_709_53,
];

/// The mean square of the details of an octave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Octave {
    /// Details with a time scale of 2^j bins.
    pub j: u32,
    /// How many details there are.
    pub n: usize,
    /// Their mean square.
    pub energy: f64,
}

/// The mean square detail of each octave of a series, the finest first. Only details that no edge of the series touches are used.
#[must_use]
pub fn octaves(series: &[f64]) -> Vec<Octave> {
    let mut octaves = Vec::new();
    let mut approximation = series.to_vec();
    for j in 1.. {
        let (next, squares, n) = step(&approximation);
        if n == 0 {
            break;
        }
        octaves.push(Octave { j, n, energy: squares / n as f64 });
        approximation = next;
    }
    octaves
}

/// One step of the pyramid: the coarser approximation, and the sum of squares of so many details.
fn step(fine: &[f64]) -> (Vec<f64>, f64, usize) {
    let mut coarse = Vec::with_capacity(fine.len() / 2);
    let mut squares = 0.0;
    for window in fine.windows(THREE_MOMENTS.len()).step_by(2) {
        let mut detail = 0.0;
        let mut sum = 0.0;
        let mut sign = 1.0;
        for ((value, low), high) in window.iter().zip(THREE_MOMENTS).zip(THREE_MOMENTS.iter().rev()) {
            sum += low * value;
            detail += sign * high * value;
            sign = -sign;
        }
        coarse.push(sum);
        squares += detail * detail;
    }
    let n = coarse.len();
    (coarse, squares, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_trend_has_no_details() {
        let trend: Vec<f64> = (0..1000).map(|n| 3.0 + 0.5 * f64::from(n) - 0.01 * f64::from(n * n)).collect();
        for octave in octaves(&trend) {
            assert!(octave.energy < 1e-9 * 4f64.powi(octave.j as i32 * 2), "{octave:?}");
        }
    }

    #[test]
    fn the_transform_of_an_impulse_keeps_its_energy() {
        let mut impulse = vec![0.0; 4096];
        impulse[2048] = 1.0;
        let energy: f64 = octaves(&impulse).iter().map(|octave| octave.energy * octave.n as f64).sum();
        assert!((energy - 1.0).abs() < 0.01, "{energy}");
    }

    /// PyWavelets 1.9: `pywt.dwt(x, "db3", mode="zero")`, its details 2 to 5, which no edge touches.
    #[test]
    fn details_agree_with_py_wavelets() {
        let series: Vec<f64> = (0..12).map(|n| f64::from((n * n * 7) % 11)).collect();
        let (_, squares, n) = step(&series);
        assert_eq!(n, 4);
        assert!((squares - PYWT_SQUARES).abs() < 1e-12 * PYWT_SQUARES, "{squares}");
    }

    const PYWT_SQUARES: f64 = 58.302_568_798_744_18;
}
