//! Runs that are correlated in themselves: where the warm-up ends, and what one long run says.

use super::Sample;

/// Observations that one batch of MSER-5 holds.
const BATCH: usize = 5;

/// Number of observations at the start that belong to the warm-up, by MSER-5 (K. P. White, Simulation 69, 323 (1997)):
/// the truncation that makes the standard error of the mean of the rest smallest, over means of five observations. Only
/// truncations of less than half of the series are candidates: a few batches at the end agree by chance.
///
/// `None` if there are fewer than ten batches, or if the best candidate is the last one: then the series has not settled.
///
/// ```
/// use qkdni::experiment::statistics::mser5;
/// let mut series = vec![1.0, 2.0, 3.0, 2.0, 2.0].repeat(20);
/// assert_eq!(mser5(&series), Some(0));
/// series[..10].fill(50.0);
/// assert_eq!(mser5(&series), Some(10));
/// ```
pub fn mser5(series: &[f64]) -> Option<usize> {
    let means: Vec<f64> = (series.chunks_exact(BATCH))
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    if means.len() < 10 {
        return None;
    }
    let error = |dropped: usize| {
        let rest = &means[dropped..];
        let mean = rest.iter().sum::<f64>() / rest.len() as f64;
        let squares: f64 = rest.iter().map(|value| (value - mean) * (value - mean)).sum();
        squares / (rest.len() as f64 * rest.len() as f64)
    };
    let half = means.len() / 2;
    // Half itself is looked at too: where it is best, the series has not settled.
    let best = (0..=half).min_by(|&left, &right| error(left).total_cmp(&error(right)))?;
    (best < half).then_some(best * BATCH)
}

/// Means of `batches` consecutive parts of equal size; what is left over at the end is not used. `None` if a part
/// would be empty.
///
/// # Panics
/// If `batches` is 0.
pub fn batch_means(series: &[f64], batches: usize) -> Option<Vec<f64>> {
    let size = series.len() / batches;
    if size == 0 {
        return None;
    }
    let parts = series.chunks_exact(size).take(batches);
    Some(parts.map(|part| Sample::of(part).mean).collect())
}

/// Correlation of neighbours (lag 1); `None` where nothing varies. Batches that are long enough have almost none.
pub fn neighbour_correlation(values: &[f64]) -> Option<f64> {
    let mean = Sample::of(values).mean;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let products: f64 = values
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    (squares > 0.0).then(|| products / squares)
}
