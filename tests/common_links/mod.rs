//! The validation rule for what links make (semantics, "Statistics"): a suite of m tests takes intervals of level
//! 1 − 10⁻³/m, each at most 1 % either way.

use qkdni::kernel::normal_quantile;

/// Intervals that `link_time` and `link_runs` take together: lost frames, two thresholds of the alarm block by block,
/// the rate and the alarms of whole runs.
const INTERVALS: f64 = 5.0;

/// What was found holds the exact value, in an interval that is narrow enough to tell. `least` is what the 1 % are of.
fn holds_within(found: f64, exact: f64, deviation: f64, least: f64) {
    let half = normal_quantile(1.0 - 1e-3 / INTERVALS / 2.0) * deviation;
    assert!(half <= 0.01 * least, "too few blocks: {half} of {least}");
    assert!((found - exact).abs() <= half, "{found}, not {exact} ± {half}");
}

/// A quantity whose estimate has that standard deviation.
#[allow(dead_code)] // one of the two suites counts shares only
pub fn holds(found: f64, exact: f64, deviation: f64) {
    holds_within(found, exact, deviation, exact);
}

/// A share of `count` independent blocks.
#[allow(dead_code)] // the other has none
pub fn share_holds(found: f64, exact: f64, count: f64) {
    let deviation = (exact * (1.0 - exact) / count).sqrt();
    holds_within(found, exact, deviation, exact.min(1.0 - exact));
}
