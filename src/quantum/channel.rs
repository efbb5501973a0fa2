//! What adds to a channel: light of classical neighbours, a beam's spread.

use super::functions::{one_minus_exp, transmittance};

/// Planck's constant times the speed of light \[J m\].
const PLANCK_TIMES_LIGHT: f64 = 6.626_070_15e-34 * 299_792_458.0;
/// Wavelength of the quantum channel \[m\]. Assumption: 1550 nm.
const WAVELENGTH: f64 = 1.55e-6;

/// Classical light that scatters into a quantum channel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scattering {
    /// Launch power \[mW\].
    pub power_mw: f64,
    /// Scattering \[1/(km nm)\].
    pub per_km_nm: f64,
    /// Width of the filter \[nm\].
    pub filter_nm: f64,
    /// Gate \[ns\].
    pub gate_ns: f64,
    /// Transmittance of the receiver, detector included.
    pub receiver: f64,
}

impl Scattering {
    /// Counts per gate that spontaneous Raman scattering of light running along makes: P·β·L·T·Δλ photons per second
    /// times gate and receiver (forward scattering; Chapuran et al., New J. Phys. 11, 105001 (2009), eq. 3).
    pub fn counts_per_gate(&self, length_km: f64, loss_db: f64) -> f64 {
        let power =
            self.power_mw * 1e-3 * self.per_km_nm * length_km * self.filter_nm * transmittance(loss_db);
        let photons = power * WAVELENGTH / PLANCK_TIMES_LIGHT;
        (photons * self.gate_ns * 1e-9 * self.receiver).clamp(0.0, 1.0)
    }
}

/// Loss \[dB\] of a Gaussian beam that spreads by a full angle \[µrad\] over a length \[m\] into an aperture \[m\]:
/// η = 1 − exp(−2a²/w²), w = d·θ/2, a = D/2.
pub fn beam_loss_db(length_m: f64, aperture_m: f64, divergence_urad: f64) -> f64 {
    let (radius, beam) = (aperture_m / 2.0, length_m * divergence_urad * 1e-6 / 2.0);
    -10.0 * libm::log10(one_minus_exp(2.0 * radius * radius / (beam * beam)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_milliwatt_over_fifty_kilometres_drowns_a_dark_count() {
        let light = Scattering {
            power_mw: 1.0,
            per_km_nm: 2e-9,
            filter_nm: 0.8,
            gate_ns: 1.0,
            receiver: 0.1,
        };
        // 1 mW · 2e-9 · 50 · 0.8 · 0.1 = 8 pW = 6.24e7 photons/s; a ns and a tenth of them: 6.24e-3.
        let counts = light.counts_per_gate(50.0, 10.0);
        assert!((counts / 6.24e-3 - 1.0).abs() < 2e-3, "{counts}");
    }

    #[test]
    fn a_beam_that_fills_the_aperture_loses_little() {
        assert!(beam_loss_db(1_000.0, 1.0, 10.0) < 1e-6);
        // w = 2.5 m, a = 0.5 m: 1 − e^−0.08 = 7.7 %.
        assert!((beam_loss_db(500_000.0, 1.0, 10.0) - 11.14).abs() < 0.02);
    }
}
