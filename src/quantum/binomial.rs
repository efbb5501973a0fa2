//! Errors in a block: a binomial number by one uniform draw, without rejection.

use crate::kernel::normal_quantile;

/// Variance above which the quantile is taken by expansion instead of by adding up probabilities.
const EXPANDED_FROM: f64 = 100.0;

/// The smallest k with P(K ≤ k) ≥ `u` for K binomial of `n` trials with probability `p`; `u` in \[0, 1).
///
/// Small variances: probabilities are added up. Large ones: the expansion of Cornish and Fisher (1937) to the fourth
/// cumulant, whose error in k falls with the variance and stays below one count.
pub fn binomial_quantile(n: u64, p: f64, u: f64) -> u64 {
    if p <= 0.0 || n == 0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial_quantile(n, 1.0 - p, 1.0 - u);
    }
    let q = 1.0 - p;
    let (mean, variance) = (n as f64 * p, n as f64 * p * q);
    if variance < EXPANDED_FROM {
        return added_up(n, p, u);
    }
    let deviation = variance.sqrt();
    let z = normal_quantile(u.clamp(1e-16, 1.0 - 1.2e-16));
    let (skewness, excess) = ((q - p) / deviation, (1.0 - 6.0 * p * q) / variance);
    let bent = z + (z * z - 1.0) * skewness / 6.0 + (z * z - 3.0) * z * excess / 24.0
        - (2.0 * z * z - 5.0) * z * skewness * skewness / 36.0;
    let k = libm::ceil(mean + deviation * bent - 0.5);
    k.clamp(0.0, n as f64) as u64
}

fn added_up(n: u64, p: f64, u: f64) -> u64 {
    let odds = p / (1.0 - p);
    let mut probability = libm::exp(n as f64 * libm::log1p(-p));
    let (mut sum, mut k) = (probability, 0);
    // Far in the tail the sum no longer changes.
    while sum < u && k < n && (probability > 1e-18 || (k as f64) < n as f64 * p) {
        probability *= odds * (n - k) as f64 / (k + 1) as f64;
        sum += probability;
        k += 1;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    /// P(K ≤ k − 1) < u ≤ P(K ≤ k), up to a thousandth of the tail.
    #[test]
    fn quantiles_are_those_of_the_distribution() {
        for (n, p) in [
            (10, 0.3),
            (1_000, 0.02),
            (50_000, 0.01),
            (1_000_000, 0.03),
            (4_000, 0.5),
            (300, 0.9),
        ] {
            let exact = Binomial::new(p, n).unwrap();
            for step in 1..2_000 {
                let u = f64::from(step) / 2_000.0;
                let k = binomial_quantile(n, p, u);
                let slack = 1e-3 * u.min(1.0 - u) + 1e-12;
                assert!(exact.cdf(k) >= u - slack, "{n} {p} {u}: {k}");
                assert!(k == 0 || exact.cdf(k - 1) <= u + slack, "{n} {p} {u}: {k}");
            }
            for u in [1e-6, 1e-4, 1.0 - 1e-4, 1.0 - 1e-6] {
                let k = binomial_quantile(n, p, u) as f64;
                let by_search = exact.inverse_cdf(u) as f64;
                assert!((k - by_search).abs() <= 1.0, "{n} {p} {u}: {k}, not {by_search}");
            }
        }
        assert_eq!(binomial_quantile(0, 0.5, 0.5), 0);
        assert_eq!(binomial_quantile(9, 0.0, 0.9), 0);
        assert_eq!(binomial_quantile(9, 1.0, 0.1), 9);
    }
}
