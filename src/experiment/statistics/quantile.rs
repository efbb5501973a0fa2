//! Quantiles by nearest rank: always a value that was observed.

use super::student_quantile;

/// The `percent` quantile of the values that the iterators yield together: the smallest one such that
/// at least `percent` of all are not above it (rank ⌈percent · n / 100⌉ from 1); `None` of nothing.
///
/// Exact, no interpolation. Takes O(n) time on average and a copy of the samples.
///
/// ```
/// use qkdni::experiment::statistics::nearest_rank;
/// assert_eq!(nearest_rank([15, 20, 35, 40, 50], [40])[0], Some(20));
/// ```
///
/// # Panics
/// If a percentage lies above 100.
pub fn nearest_rank<const N: usize>(
    samples: impl IntoIterator<Item = u64>,
    percents: [u8; N],
) -> [Option<u64>; N] {
    let mut samples: Vec<u64> = samples.into_iter().collect();
    percents.map(|percent| {
        assert!(percent <= 100, "a quantile of {percent} %");
        let last = samples.len().checked_sub(1)?;
        let rank = (u128::from(percent) * samples.len() as u128).div_ceil(100) as usize;
        let index = rank.saturating_sub(1).min(last);
        Some(*samples.select_nth_unstable(index).1)
    })
}

/// Student interval of a quantile of pooled samples, by sectioning (P. W. Glynn, S. Asmussen, Stochastic Simulation
/// (2007), III.5): the replications' own quantiles scatter around that of all, `pooled`. Samples within a replication
/// may depend on each other. `None` with fewer than two replications that have samples.
pub fn section_interval(pooled: f64, sections: &[f64], level: f64) -> Option<[f64; 2]> {
    let count = sections.len();
    if count < 2 {
        return None;
    }
    let squares: f64 = sections.iter().map(|own| (own - pooled) * (own - pooled)).sum();
    let error = (squares / (count - 1) as f64 / count as f64).sqrt();
    let half = student_quantile(count - 1, level) * error;
    Some([pooled - half, pooled + half])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_at_the_edges() {
        let hundred = || 1..=100;
        assert_eq!(
            nearest_rank(hundred(), [0, 50, 99, 100]),
            [1, 50, 99, 100].map(Some)
        );
        assert_eq!(nearest_rank(1..=101, [50, 99]), [51, 100].map(Some));
        assert_eq!(nearest_rank([7], [50, 99]), [7, 7].map(Some));
        assert_eq!(nearest_rank([], [50, 99]), [None, None]);
    }

    proptest! {
        #[test]
        fn it_is_the_smallest_value_that_covers(samples in prop::collection::vec(0_u64..50, 1..200), percent in 0_u8..=100) {
            let [value] = nearest_rank(samples.iter().copied(), [percent]);
            let value = value.unwrap();
            let covered = |limit: u64| samples.iter().filter(|sample| **sample <= limit).count() * 100;
            prop_assert!(samples.contains(&value));
            prop_assert!(covered(value) >= usize::from(percent) * samples.len());
            let below = samples.iter().copied().filter(|sample| *sample < value).max();
            if let Some(below) = below {
                prop_assert!(covered(below) < usize::from(percent) * samples.len());
            }
        }
    }
}
