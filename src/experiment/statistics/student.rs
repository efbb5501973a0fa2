//! Means, Student intervals and paired differences.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;

/// Two values whose difference is below this part of the larger one are equal: what is left is rounding.
const ROUNDING: f64 = 1e-12;

/// What a row of values says: how many there are, their mean and their spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Number of values.
    pub count: usize,
    /// Arithmetic mean; NaN of no values.
    pub mean: f64,
    /// Sample variance (divisor n − 1); `None` with fewer than two values.
    pub variance: Option<f64>,
}

impl Sample {
    /// Reads the values in two passes: the mean first, then the squares around it.
    pub fn of(values: &[f64]) -> Sample {
        let count = values.len();
        let mean = if values
            .windows(2)
            .all(|pair| pair[0].to_bits() == pair[1].to_bits())
        {
            // Equal values have exactly their value as mean, which n·x / n need not give.
            values.first().copied().unwrap_or(f64::NAN)
        } else {
            values.iter().sum::<f64>() / count as f64
        };
        let variance = (count >= 2).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            squares / (count - 1) as f64
        });
        Sample {
            count,
            mean,
            variance,
        }
    }

    /// Standard error of the mean, s / √n; `None` with fewer than two values.
    pub fn standard_error(&self) -> Option<f64> {
        self.variance
            .map(|variance| (variance / self.count as f64).sqrt())
    }

    /// Student interval of the mean: mean ± t(n − 1) · s / √n; `None` with fewer than two values.
    ///
    /// # Panics
    /// If `level` does not lie between 0 and 1.
    pub fn interval(&self, level: f64) -> Option<[f64; 2]> {
        let error = self.standard_error()?;
        let half = student_quantile(self.count - 1, level) * error;
        Some([self.mean - half, self.mean + half])
    }
}

/// The t with P(|T| ≤ t) = `level` for Student's distribution with `degrees` degrees of freedom.
///
/// # Panics
/// If `degrees` is 0 or `level` does not lie between 0 and 1.
pub fn student_quantile(degrees: usize, level: f64) -> f64 {
    assert!(degrees > 0, "Student's distribution needs a degree of freedom");
    assert!(
        level > 0.0 && level < 1.0,
        "the level {level} is not between 0 and 1"
    );
    let student = StudentsT::new(0.0, 1.0, degrees as f64).expect("at least one degree of freedom");
    let outside = 1.0 - level;
    // The library's inverse is good to ten digits; two of Newton's steps make it as good as its tail.
    let step = |t: f64| t + (two_sided_p(t, degrees) - outside) / (2.0 * student.pdf(t));
    step(step(-student.inverse_cdf(outside / 2.0)))
}

/// P(|T| ≥ |t|) for Student's distribution with `degrees` degrees of freedom: the incomplete beta
/// function I(ν / (ν + t²); ν/2, ½), which keeps its digits however small it is.
///
/// # Panics
/// If `degrees` is 0.
pub fn two_sided_p(t: f64, degrees: usize) -> f64 {
    assert!(degrees > 0, "Student's distribution needs a degree of freedom");
    if t.is_infinite() {
        return 0.0;
    }
    let freedom = degrees as f64;
    beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// Two variants, replication by replication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Number of pairs.
    pub pairs: usize,
    /// Mean of the first variant over the pairs.
    pub mean_a: f64,
    /// Mean of the second variant over the pairs.
    pub mean_b: f64,
    /// Mean of the differences, second minus first.
    pub difference: f64,
    /// Student interval of the difference, of 95 %; `None` with fewer than two pairs.
    pub interval: Option<[f64; 2]>,
    /// p-value of the paired t-test, two-sided, not corrected; `None` with fewer than two pairs. Where
    /// the differences do not vary it is 0, or 1 if they are zero.
    pub p: Option<f64>,
}

/// The paired t-test of `pairs` (first variant, second variant); `None` without a pair.
///
/// A difference that is only rounding (below 10⁻¹² of the larger value) counts as zero.
pub fn paired(pairs: &[(f64, f64)]) -> Option<Paired> {
    if pairs.is_empty() {
        return None;
    }
    let differences: Vec<f64> = pairs.iter().map(|&(a, b)| difference(a, b)).collect();
    let column = |pick: fn(&(f64, f64)) -> f64| Sample::of(&pairs.iter().map(pick).collect::<Vec<_>>()).mean;
    let sample = Sample::of(&differences);
    let p = sample.standard_error().map(|error| match (sample.mean, error) {
        (0.0, _) => 1.0,
        (mean, error) => two_sided_p(mean / error, sample.count - 1),
    });
    Some(Paired {
        pairs: pairs.len(),
        mean_a: column(|pair| pair.0),
        mean_b: column(|pair| pair.1),
        difference: sample.mean,
        interval: sample.interval(super::CONFIDENCE),
        p,
    })
}

/// b − a, or 0 if that is only rounding.
fn difference(a: f64, b: f64) -> f64 {
    let difference = b - a;
    if difference.abs() <= ROUNDING * a.abs().max(b.abs()) {
        0.0
    } else {
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(value: f64, expected: f64, relative: f64) {
        assert!(
            (value - expected).abs() <= relative * expected.abs(),
            "{value} is not {expected} within {relative}"
        );
    }

    #[test]
    fn quantiles_agree_with_the_tables() {
        // From the closed forms of the distribution for whole degrees of freedom, by bisection.
        for (degrees, level, expected) in [
            (1, 0.95, 12.706_204_736_174_7),
            (2, 0.95, 4.302_652_729_749_46),
            (4, 0.95, 2.776_445_105_197_793),
            (9, 0.95, 2.262_157_162_798_204),
            (9, 0.99, 3.249_835_541_592_117),
            (29, 0.95, 2.045_229_642_132_704),
            (99, 0.95, 1.984_216_951_586_42),
        ] {
            close(student_quantile(degrees, level), expected, 1e-12);
        }
    }

    #[test]
    fn p_values_have_their_closed_forms() {
        // One degree of freedom is Cauchy's distribution, two have an algebraic form.
        for t in [0.1_f64, 1.0, 3.0, 40.0] {
            close(
                two_sided_p(t, 1),
                1.0 - 2.0 * libm::atan(t) / std::f64::consts::PI,
                1e-12 * (1.0 + t * t),
            );
            close(
                two_sided_p(t, 2),
                1.0 - t / (2.0 + t * t).sqrt(),
                1e-12 * (1.0 + t * t),
            );
        }
        close(two_sided_p(2.262_157_162_798_204, 9), 0.05, 1e-9);
    }

    #[test]
    fn paired_test_of_the_textbook() {
        // Student's own sleep data (1908): ten patients, two drugs; t = 4.0621, p = 0.002833.
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let pairs: Vec<_> = first.into_iter().zip(second).collect();
        let test = paired(&pairs).expect("ten pairs");
        close(test.difference, 1.58, 1e-12);
        close(test.p.expect("ten pairs"), 0.002_832_89, 1e-5);
        let [low, high] = test.interval.expect("ten pairs");
        close(low, 0.700_114_2, 1e-6);
        close(high, 2.459_885_8, 1e-6);
    }

    #[test]
    fn without_variance_a_difference_decides() {
        let test = paired(&[(4.0, 5.0); 3]).expect("three pairs");
        assert_eq!((test.p, test.interval), (Some(0.0), Some([1.0, 1.0])));
        let same = paired(&[(0.3, 0.1 + 0.2); 3]).expect("three pairs");
        assert_eq!((same.p, same.difference), (Some(1.0), 0.0));
    }

    #[test]
    fn one_pair_has_no_interval_and_none_nothing() {
        let test = paired(&[(1.0, 2.0)]).expect("one pair");
        assert_eq!((test.interval, test.p, test.difference), (None, None, 1.0));
        assert_eq!(paired(&[]), None);
    }

    #[test]
    fn an_interval_covers_as_often_as_it_says() {
        // 1000 experiments of ten nearly normal values (sums of twelve uniform ones) around 6.
        let mut state = 1_u64;
        let mut uniform = || {
            // SplitMix64.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut value = || (0..12).map(|_| uniform()).sum::<f64>();
        let covered = (0..1000)
            .filter(|_| {
                let values: Vec<f64> = (0..10).map(|_| value()).collect();
                let [low, high] = Sample::of(&values).interval(0.95).expect("ten values");
                low <= 6.0 && 6.0 <= high
            })
            .count();
        assert!((930..=970).contains(&covered), "{covered} of 1000");
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_mean_and_shrinks_with_the_level(
            values in prop::collection::vec(-1e6_f64..1e6, 2..40)
        ) {
            let sample = Sample::of(&values);
            let [low, high] = sample.interval(0.95).expect("two values");
            let [inner_low, inner_high] = sample.interval(0.5).expect("two values");
            prop_assert!(low <= inner_low && inner_low <= sample.mean);
            prop_assert!(sample.mean <= inner_high && inner_high <= high);
        }

        #[test]
        fn a_shift_moves_the_mean_only(values in prop::collection::vec(-1e3_f64..1e3, 2..40), shift in -1e3_f64..1e3) {
            let sample = Sample::of(&values);
            let moved = Sample::of(&values.iter().map(|value| value + shift).collect::<Vec<_>>());
            prop_assert!((moved.mean - sample.mean - shift).abs() < 1e-9);
            let (before, after) = (sample.variance.unwrap(), moved.variance.unwrap());
            prop_assert!((before - after).abs() <= 1e-6 * (1.0 + before));
        }

        #[test]
        fn exchange_of_the_variants_turns_the_sign(pairs in prop::collection::vec((-1e3_f64..1e3, -1e3_f64..1e3), 2..40)) {
            let there = paired(&pairs).unwrap();
            let back = paired(&pairs.iter().map(|&(a, b)| (b, a)).collect::<Vec<_>>()).unwrap();
            prop_assert!((there.difference + back.difference).abs() == 0.0);
            prop_assert_eq!(there.p, back.p);
        }

        #[test]
        fn p_and_interval_tell_the_same(pairs in prop::collection::vec((0.0_f64..1e3, 0.0_f64..1e3), 2..40)) {
            let test = paired(&pairs).unwrap();
            let [low, high] = test.interval.unwrap();
            let p = test.p.unwrap();
            prop_assume!((p - 0.05).abs() > 1e-6);
            prop_assert_eq!(p < 0.05, low > 0.0 || high < 0.0);
        }
    }
}
