//! BB84 with weak coherent pulses and no decoys: Gottesman, Lo, Lütkenhaus, Preskill (GLLP), QIC 4, 325 (2004).
//!
//! ```text
//! Δ = [1 − e^−μ(1 + μ)]/Q      R = q·Q{−f·h(E) + (1 − Δ)[1 − h(E/(1 − Δ))]}
//! ```
//! Every multi-photon pulse is given up, so that the best intensity falls with the loss; the model chooses it. Published
//! reaches of 30 to 40 km depend on conventions; none is claimed.

use std::sync::Arc;

use super::decoy_asymptotic::{PRESETS, Receiver};
use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::binary_entropy;
use crate::quantum::optimum::maximum;

parameters! {
    /// BB84 with weak coherent pulses and no decoys (GLLP); the intensity is chosen by the model.
    pub struct GllpNoDecoy, values Values, presets PRESETS;
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
    /// Share of pulses that are sifted: 1/2, towards 1 with biased bases.
    q: Efficiency,
}

/// Intensities among which the best is sought.
const INTENSITIES: (f64, f64) = (1e-6, 2.0);

/// The model at an intensity, or at the best one.
#[derive(Clone, Debug)]
struct Gllp {
    values: Values,
    mu: Option<f64>,
}

impl Parameters for GllpNoDecoy {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let values = self.values()?;
        Ok(Arc::new(Gllp { values, mu: None }))
    }
}

impl Gllp {
    fn receiver(&self, channel: &Channel) -> Receiver {
        let v = &self.values;
        Receiver::behind(channel, v.eta_bob, v.y0, v.e0, v.e_det)
    }

    /// Rate before it is cut off at 0.
    fn rate(&self, receiver: &Receiver, mu: f64) -> f64 {
        let (gain, wrong) = receiver.gain(mu);
        // 1 − e^−μ(1 + μ), whose terms nearly cancel where μ is small.
        let several = -libm::expm1(-mu) - mu * libm::exp(-mu);
        let single = 1.0 - several / gain;
        let kept = if single > 0.0 {
            single * (1.0 - binary_entropy(wrong / gain / single))
        } else {
            0.0
        };
        self.values.q * gain * (kept - self.values.f * binary_entropy(wrong / gain))
    }

    fn best(&self, receiver: &Receiver) -> f64 {
        self.mu
            .unwrap_or_else(|| maximum(INTENSITIES.0, INTENSITIES.1, 160, |mu| self.rate(receiver, mu)))
    }
}

impl LinkModel for Gllp {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let receiver = self.receiver(channel);
        let mu = self.best(&receiver);
        let (gain, wrong) = receiver.gain(mu);
        Evaluation {
            qber: Some(wrong / gain),
            sifted_bps: Some(self.values.q * gain * self.values.clock),
            optimum: vec![("mu", mu)],
            ..Evaluation::pulsed(receiver.eta, self.values.clock, self.rate(&receiver, mu).max(0.0))
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.values.alpha
    }

    fn settled(&self, channel: &Channel) -> Option<Arc<dyn LinkModel>> {
        let mu = Some(self.best(&self.receiver(channel)));
        Some(Arc::new(Gllp {
            values: self.values.clone(),
            mu,
        }))
    }
}
