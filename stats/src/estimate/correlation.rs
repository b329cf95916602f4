//! Correlation of several quantities, in one pass.

use super::{Estimate, Z95};

/// Fewer values have no correlation worth a name.
const FEWEST: u64 = 10;

/// Sums of products about the running means of `N` quantities (Welford 1962; Chan, Golub and LeVeque 1983): no cancellation.
#[derive(Clone, Debug)]
pub struct Comoments<const N: usize> {
    n: u64,
    means: [f64; N],
    products: [[f64; N]; N],
}

impl<const N: usize> Default for Comoments<N> {
    fn default() -> Self {
        Self { n: 0, means: [0.0; N], products: [[0.0; N]; N] }
    }
}

impl<const N: usize> Comoments<N> {
    /// Adds one value of each.
    pub fn add(&mut self, values: [f64; N]) {
        self.n += 1;
        let n = self.n as f64;
        let before: [f64; N] = std::array::from_fn(|i| values[i] - self.means[i]);
        for (mean, step) in self.means.iter_mut().zip(before) {
            *mean += step / n;
        }
        for (i, row) in self.products.iter_mut().enumerate() {
            for (j, product) in row.iter_mut().enumerate() {
                *product += before[i] * (values[j] - self.means[j]);
            }
        }
    }

    /// How many values of each.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Mean of quantity `i`.
    #[must_use]
    pub const fn mean(&self, i: usize) -> f64 {
        self.means[i]
    }

    /// Variance of quantity `i`, divided by n; 0 of nothing.
    #[must_use]
    pub fn variance(&self, i: usize) -> f64 {
        if self.n == 0 { 0.0 } else { self.products[i][i] / self.n as f64 }
    }

    /// Pearson's correlation of two quantities, with an interval by Fisher's transformation; `None` of fewer than ten values, and where one
    /// of the two does not vary.
    #[must_use]
    pub fn correlation(&self, i: usize, j: usize) -> Option<Estimate> {
        let scale = (self.products[i][i] * self.products[j][j]).sqrt();
        if self.n < FEWEST || scale <= 0.0 {
            return None;
        }
        let value = (self.products[i][j] / scale).clamp(-1.0, 1.0);
        let reach = Z95 / (self.n as f64 - 3.0).sqrt();
        let (low, high) = ((value.atanh() - reach).tanh(), (value.atanh() + reach).tanh());
        value.is_finite().then_some(Estimate { value, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Generator;
    use super::*;

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        let mut generator = Generator::new(8);
        let held = (0..200)
            .filter(|_| {
                let mut sums = Comoments::default();
                for _ in 0..50 {
                    let (x, y) = (generator.normal(), generator.normal());
                    sums.add([x, 0.6 * x + 0.8 * y]);
                }
                sums.correlation(0, 1).unwrap().covers(0.6)
            })
            .count();
        assert!((182..=198).contains(&held), "{held} of 200");
    }

    #[test]
    fn what_is_proportional_correlates_wholly_and_what_stands_still_not_at_all() {
        let mut sums = Comoments::default();
        (0..20).for_each(|n| sums.add([f64::from(n), 1e9 - 2.0 * f64::from(n), 3.0]));
        assert!((sums.correlation(0, 1).unwrap().value + 1.0).abs() < 1e-12);
        assert_eq!((sums.correlation(0, 2), sums.mean(0), sums.variance(0)), (None, 9.5, 33.25));
        assert_eq!(Comoments::<2>::default().correlation(0, 1), None);
    }
}
