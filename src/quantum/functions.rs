//! Functions that the formulas of link models share. All of them rest on `libm`, so that a rate is the same on every
//! platform.

use std::f64::consts::LN_2;

/// Binary entropy \[bit\] of an error rate; 1 from one half on, where nothing is left to distil.
pub fn binary_entropy(error: f64) -> f64 {
    if error >= 0.5 {
        1.0
    } else if error <= 0.0 {
        0.0
    } else {
        -error * libm::log2(error) - (1.0 - error) * libm::log1p(-error) / LN_2
    }
}

/// Entropy \[bit\] of a thermal state of `photons` photons on average: (x + 1) log2(x + 1) − x log2 x.
pub fn thermal_entropy(photons: f64) -> f64 {
    if photons <= 0.0 {
        return 0.0;
    }
    (photons + 1.0) * libm::log1p(photons) / LN_2 - photons * libm::log2(photons)
}

/// I₀(x) − 1, the modified Bessel function of the first kind and order 0, by its power series: all terms are
/// positive, so that nothing cancels.
pub fn bessel_i0_minus_1(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 0.0, 1.0);
    loop {
        term *= quarter / (k * k);
        sum += term;
        if term <= sum * 1e-17 {
            return sum;
        }
        k += 1.0;
    }
}

/// 1 − e^(−x), without loss of digits where x is small.
pub fn one_minus_exp(x: f64) -> f64 {
    -libm::expm1(-x)
}

/// The share of a power that is left after a loss \[dB\].
pub fn transmittance(loss_db: f64) -> f64 {
    libm::pow(10.0, -loss_db / 10.0)
}

/// An error rate after every bit was flipped with probability `flips`, independently: e + f(1 − 2e).
///
/// Intercept-resend on a fraction p of pulses is f = p/4: an intercepted pulse is wrong with probability 1/4 + e/2.
pub fn flipped(error: f64, flips: f64) -> f64 {
    error + flips * (1.0 - 2.0 * error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_have_their_known_values() {
        let certain = [0.0, 0.5, 0.9].map(binary_entropy);
        assert_eq!(certain.map(f64::to_bits), [0.0_f64, 1.0, 1.0].map(f64::to_bits));
        // One-way BB84: 1 − 2h(e) = 0 at 11.0028 %.
        assert!((1.0 - 2.0 * binary_entropy(0.110_028)).abs() < 1e-5);
        assert!((thermal_entropy(1.0) - 2.0).abs() < 1e-15);
    }

    /// Abramowitz and Stegun, table 9.8.
    #[test]
    fn the_bessel_function_is_the_tabulated_one() {
        for (x, value) in [
            (0.0, 1.0),
            (1.0, 1.266_065_877_752_008),
            (5.0, 27.239_871_823_604_44),
        ] {
            assert!(((bessel_i0_minus_1(x) + 1.0) / value - 1.0).abs() < 1e-14);
        }
        assert!((bessel_i0_minus_1(1e-6) / 2.5e-13 - 1.0).abs() < 1e-12);
    }

    /// Intercept-resend on 37.5 % of the pulses of a link with 2 % errors gives 11 %.
    #[test]
    fn interception_flips_a_quarter() {
        assert!((flipped(0.02, 0.375 / 4.0) - 0.11).abs() < 1e-12);
    }
}
