//! Decoy-state BB84 with vacuum and one weak decoy, asymptotic key: Ma, Qi, Zhao, Lo, PRA 72, 012326 (2005).
//!
//! ```text
//! Y1_L = μ/(μν − ν²)·[Qν·e^ν − Qμ·e^μ·ν²/μ² − (μ² − ν²)/μ²·Y0]
//! e1_U = (EνQν·e^ν − e0·Y0)/(Y1_L·ν)      R = q{−f·Qμ·h(Eμ) + Y1_L·μ·e^−μ[1 − h(e1_U)]}
//! ```

use std::sync::Arc;

use super::decoy_asymptotic::{PRESETS, Receiver};
use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::binary_entropy;

parameters! {
    /// Decoy-state BB84 with vacuum and one weak decoy, asymptotic key (Ma, Qi, Zhao, Lo, PRA 72, 012326).
    pub struct DecoyBb84VacuumWeak, values Values, presets PRESETS;
    /// Yield of an empty pulse: background and dark counts per pulse.
    y0 as "Y0": Probability,
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Error rate of background.
    e0: RandomBits,
    /// Probability that a photon hits the wrong detector.
    e_det: ErrorRate,
    /// Transmittance of the receiver, detector included.
    eta_bob: Efficiency,
    /// Inefficiency of error correction.
    f: AtLeastOne,
    /// Mean photon number of the signal.
    mu: Intensity,
    /// Mean photon number of the weak decoy, below the signal's.
    nu: Intensity,
    /// Share of pulses that are sifted: 1/2, towards 1 with biased bases.
    q: Efficiency,
}

impl Parameters for DecoyBb84VacuumWeak {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let values = self.values()?;
        if values.nu >= values.mu {
            let message = format!(
                "the decoy's intensity nu = {} is not below the signal's, mu = {}",
                values.nu, values.mu
            );
            return Err(vec![Problem::order(
                "nu",
                message,
                "intensities fall: mu > nu > 0",
            )]);
        }
        Ok(Arc::new(values))
    }
}

impl DecoyBb84VacuumWeak {
    /// The model with every parameter of the preset.
    pub(super) fn usual() -> DecoyBb84VacuumWeak {
        DecoyBb84VacuumWeak {
            preset: None,
            clock: None,
            y0: None,
            alpha: None,
            e0: None,
            e_det: None,
            eta_bob: None,
            f: None,
            mu: None,
            nu: None,
            q: None,
        }
    }
}

impl LinkModel for Values {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let receiver = Receiver::behind(channel, self.eta_bob, self.y0, self.e0, self.e_det);
        let (mu, nu, y0) = (self.mu, self.nu, receiver.y0);
        let ((gain, wrong), (gain_nu, wrong_nu)) = (receiver.gain(mu), receiver.gain(nu));
        let (up_mu, up_nu) = (libm::exp(mu), libm::exp(nu));
        let squares = nu * nu / (mu * mu);
        let y1 = mu / (mu * nu - nu * nu) * (gain_nu * up_nu - gain * up_mu * squares - (1.0 - squares) * y0);
        let qber = wrong / gain;
        let rate = if y1 > 0.0 {
            let e1 = (wrong_nu * up_nu - receiver.e0 * y0) / (y1 * nu);
            let kept = y1 * mu * libm::exp(-mu) * (1.0 - binary_entropy(e1));
            self.q * (kept - self.f * gain * binary_entropy(qber))
        } else {
            0.0
        };
        Evaluation {
            qber: Some(qber),
            sifted_bps: Some(self.q * gain * self.clock),
            ..Evaluation::pulsed(receiver.eta, self.clock, rate.max(0.0))
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.alpha
    }
}
