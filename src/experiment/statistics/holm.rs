//! Holm's correction: the price of asking many questions at once.

/// Corrected p-values, in the order of the raw ones (S. Holm, Scand. J. Statist. 6, 65 (1979)).
///
/// Sorted upwards, the i-th of m (from 0) is multiplied by m − i, made at least as large as the one
/// before it, and at most 1. Rejecting those below α keeps the chance of any wrong rejection below α.
///
/// ```
/// use qkdni::experiment::statistics::holm;
/// assert_eq!(holm(&[0.5, 0.125]), [0.5, 0.25]);
/// ```
pub fn holm(raw: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by(|&left, &right| raw[left].total_cmp(&raw[right]));
    let mut corrected = vec![0.0; raw.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max((raw.len() - rank) as f64 * raw[index]).min(1.0);
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_example() {
        // 4 × 0.005, 3 × 0.01, 2 × 0.03; 1 × 0.04 is raised to the one before it.
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (value, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((value - expected).abs() < 1e-15, "{corrected:?}");
        }
        assert_eq!(holm(&[]), [] as [f64; 0]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    proptest! {
        #[test]
        fn corrected_lies_between_raw_and_bonferroni(raw in prop::collection::vec(0.0_f64..=1.0, 1..60)) {
            let corrected = holm(&raw);
            for (value, p) in corrected.iter().zip(&raw) {
                prop_assert!(value >= p && *value <= (p * raw.len() as f64).max(corrected_floor(&raw, *p)).min(1.0));
            }
        }

        #[test]
        fn order_is_kept(raw in prop::collection::vec(0.0_f64..=1.0, 2..60)) {
            let corrected = holm(&raw);
            for i in 0..raw.len() {
                for j in 0..raw.len() {
                    prop_assert!(raw[i] > raw[j] || corrected[i] <= corrected[j]);
                }
            }
        }
    }

    /// The largest Bonferroni value of the p-values up to `p`: no Holm value of `p` exceeds it.
    fn corrected_floor(raw: &[f64], p: f64) -> f64 {
        raw.iter()
            .filter(|value| **value <= p)
            .fold(0.0, |top, value| top.max(value * raw.len() as f64))
    }
}
