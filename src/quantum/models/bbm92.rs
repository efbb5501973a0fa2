//! BBM92 with a source of photon pairs by parametric down-conversion in the middle, asymptotic key: Ma, Fung, Lo, PRA
//! 76, 012307 (2007). λ is half the mean number of pairs per pulse; η_A = η_B = sqrt(η_ch)·η_det.
//!
//! ```text
//! Q = 1 − (1 − Y0)/(1 + η_Aλ)² − (1 − Y0)/(1 + η_Bλ)² + (1 − Y0)²/(1 + η_Aλ + η_Bλ − η_Aη_Bλ)²
//! EQ = e0·Q − 2(e0 − e_d)η_Aη_Bλ(1 + λ)/[(1 + η_Aλ)(1 + η_Bλ)(1 + η_Aλ + η_Bλ − η_Aη_Bλ)]
//! R = q·Q[1 − f·h(E) − h(E)], q = 1/2
//! ```

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::{binary_entropy, flipped};
use crate::quantum::optimum::maximum;

const PRESETS: &[Preset] = &[Preset {
    name: "reference",
    source: "detectors of Ursin et al., Nat. Phys. 3, 481 (2007), as used by Ma, Fung, Lo 2007; lam and clock: assumption",
    values: &[
        ("alpha", 0.2),
        ("Y0", 6.02e-6),
        ("e0", 0.5),
        ("e_d", 0.015),
        ("eta_det", 0.145),
        ("f", 1.22),
        ("lam", 0.05),
        ("clock", 1e8),
    ],
}];

parameters! {
    /// BBM92 with a pair source in the middle, asymptotic (Ma, Fung, Lo, PRA 76, 012307); the brightness is chosen by
    /// the model.
    pub struct Bbm92Opt, values Opt, presets PRESETS;
    /// Background and dark counts per pulse at either receiver.
    y0 as "Y0": Probability,
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Error rate of background.
    e0: RandomBits,
    /// Probability that a photon hits the wrong detector.
    e_d: ErrorRate,
    /// Transmittance of either receiver, detector included.
    eta_det: Efficiency,
    /// Inefficiency of error correction.
    f: AtLeastOne;

    /// BBM92 with a pair source in the middle, asymptotic (Ma, Fung, Lo, PRA 76, 012307), at a given brightness.
    pub struct Bbm92Fixed, values Fixed;
    /// Half the mean number of pairs per pulse.
    lam: Intensity,
}

/// Brightness among which the best is sought.
const BRIGHTNESS: (f64, f64) = (1e-5, 2.0);
/// Share of coincidences in equal bases.
const SIFTED: f64 = 0.5;

/// The model at a brightness, or at the best one.
#[derive(Clone, Debug)]
struct Bbm92 {
    values: Opt,
    lambda: Option<f64>,
}

impl Parameters for Bbm92Fixed {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let v = self.values()?;
        let values = v.common();
        let lambda = Some(v.lam);
        Ok(Arc::new(Bbm92 { values, lambda }))
    }
}

impl Parameters for Bbm92Opt {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let values = self.values()?;
        Ok(Arc::new(Bbm92 { values, lambda: None }))
    }
}

impl Bbm92 {
    fn arm(&self, channel: &Channel) -> f64 {
        channel.transmittance().sqrt() * self.values.eta_det
    }

    /// Rate before it is cut off at 0, gain and error rate.
    fn rate(&self, channel: &Channel, lambda: f64) -> (f64, f64, f64) {
        let v = &self.values;
        let arm = self.arm(channel);
        // Either receiver stands at the end of its own arm.
        let y0 = (v.y0 + channel.background_of_arm).min(1.0);
        let s = arm * lambda;
        let joint = s * (2.0 - arm);
        // 1/(1+s)² = 1 − u with u = s(2+s)/(1+s)², likewise for the joint term: the ones cancel exactly.
        let lost = |x: f64| x * (2.0 + x) / ((1.0 + x) * (1.0 + x));
        let (one, two) = (lost(s), lost(joint));
        let gain = y0 * y0 + 2.0 * (1.0 - y0) * one - (1.0 - y0) * (1.0 - y0) * two;
        if gain <= 0.0 {
            return (0.0, 0.0, v.e0); // nothing arrives, and nothing is dark
        }
        let pairs = 2.0 * arm * s * (1.0 + lambda) / ((1.0 + s) * (1.0 + s) * (1.0 + joint));
        let qber = v.e0 - (v.e0 - flipped(v.e_d, channel.flips)) * pairs / gain;
        let rate = SIFTED * gain * (1.0 - (v.f + 1.0) * binary_entropy(qber));
        (rate, gain, qber)
    }

    fn best(&self, channel: &Channel) -> f64 {
        self.lambda.unwrap_or_else(|| {
            maximum(BRIGHTNESS.0, BRIGHTNESS.1, 160, |lambda| {
                self.rate(channel, lambda).0
            })
        })
    }
}

impl LinkModel for Bbm92 {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let lambda = self.best(channel);
        let (rate, gain, qber) = self.rate(channel, lambda);
        let arm = self.arm(channel);
        Evaluation {
            qber: Some(qber),
            sifted_bps: Some(SIFTED * gain * self.values.clock),
            optimum: vec![("lam", lambda)],
            ..Evaluation::pulsed(arm * arm, self.values.clock, rate.max(0.0))
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.values.alpha
    }

    fn settled(&self, channel: &Channel) -> Option<Arc<dyn LinkModel>> {
        let lambda = Some(self.best(channel));
        Some(Arc::new(Bbm92 {
            values: self.values.clone(),
            lambda,
        }))
    }
}
