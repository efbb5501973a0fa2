//! Measurement-device-independent QKD with weak coherent states and infinitely many decoys, asymptotic key: Lo, Curty,
//! Qi, PRL 108, 130503 (2012); Ma, Razavi, PRA 86, 062319 (2012). Symmetric arms, equal intensities.
//!
//! An untrusted station stands in the middle: per arm e_a = sqrt(η_ch)·η_d, μ' = 2e_a·μ, x = e_a·μ/2.
//! ```text
//! Q_C = 2(1 − p)²e^(−μ'/2)[1 − (1 − p)e^(−e_a·μ/2)]²      Q_E = 2p(1 − p)²e^(−μ'/2)[I0(2x) − (1 − p)e^(−μ'/2)]
//! EQ = e_d·Q_C + (1 − e_d)Q_E      Y11 = (1 − p)²[e_a²/2 + (4e_a − 3e_a²)p + 4(1 − e_a)²p²]
//! e11·Y11 = e0·Y11 − (e0 − e_d)(1 − p)²e_a²/2      R = μ²·e^(−2μ)·Y11[1 − h(e11)] − f·Q·h(E)
//! ```

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::{bessel_i0_minus_1, binary_entropy, flipped};
use crate::quantum::optimum::maximum;

const PRESETS: &[Preset] = &[Preset {
    name: "reference",
    source: "detectors of Ursin et al., Nat. Phys. 3, 481 (2007), as used by Ma, Razavi 2012; mu and clock: assumption",
    values: &[
        ("alpha", 0.2),
        ("Y0", 6.02e-6),
        ("e0", 0.5),
        ("e_d", 0.015),
        ("eta_d", 0.145),
        ("f", 1.16),
        ("mu", 0.3),
        ("clock", 1e9),
    ],
}];

parameters! {
    /// MDI-QKD with weak coherent states, asymptotic (Lo, Curty, Qi, PRL 108, 130503); the intensity is chosen by the
    /// model.
    pub struct MdiOpt, values Opt, presets PRESETS;
    /// Dark count probability per pulse and detector.
    y0 as "Y0": ErrorRate,
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Error rate of background.
    e0: RandomBits,
    /// Misalignment error.
    e_d: ErrorRate,
    /// Efficiency of the station's detectors.
    eta_d: Efficiency,
    /// Inefficiency of error correction.
    f: AtLeastOne;

    /// MDI-QKD with weak coherent states, asymptotic (Lo, Curty, Qi, PRL 108, 130503), at a given intensity.
    pub struct MdiFixed, values Fixed;
    /// Mean photon number of either signal.
    mu: Intensity,
}

/// Intensities among which the best is sought.
const INTENSITIES: (f64, f64) = (1e-3, 2.0);

/// The model at an intensity, or at the best one.
#[derive(Clone, Debug)]
struct Mdi {
    values: Opt,
    mu: Option<f64>,
}

impl Parameters for MdiFixed {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let v = self.values()?;
        let values = v.common();
        Ok(Arc::new(Mdi {
            values,
            mu: Some(v.mu),
        }))
    }
}

impl Parameters for MdiOpt {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let values = self.values()?;
        Ok(Arc::new(Mdi { values, mu: None }))
    }
}

impl Mdi {
    /// Rate before it is cut off at 0, gain and error rate.
    fn rate(&self, channel: &Channel, mu: f64) -> (f64, f64, f64) {
        let v = &self.values;
        // The light of both arms, on four detectors.
        let p = (v.y0 + channel.background_of_arm / 2.0).min(0.5);
        let misaligned = flipped(v.e_d, channel.flips);
        let arm = channel.transmittance().sqrt() * v.eta_d;
        let dark = (1.0 - p) * (1.0 - p);
        let x = arm * mu / 2.0;
        let fades = libm::exp(-arm * mu);
        // 1 − (1 − p)e^(−y) and I0(2x) − (1 − p)e^(−μ'/2), without loss of digits.
        let seen = p * libm::exp(-x) - libm::expm1(-x);
        let correct = 2.0 * dark * fades * seen * seen;
        let excess = bessel_i0_minus_1(2.0 * x) - libm::expm1(-arm * mu) + p * fades;
        let erroneous = 2.0 * p * dark * fades * excess;
        let gain = correct + erroneous;
        if gain <= 0.0 {
            return (0.0, 0.0, v.e0); // nothing arrives, and nothing is dark
        }
        let qber = (misaligned * correct + (1.0 - misaligned) * erroneous) / gain;
        let signal = dark * arm * arm / 2.0;
        let y11 = signal
            + dark * (4.0 * arm - 3.0 * arm * arm) * p
            + dark * 4.0 * (1.0 - arm) * (1.0 - arm) * p * p;
        let e11 = v.e0 - (v.e0 - misaligned) * signal / y11;
        let kept = mu * mu * libm::exp(-2.0 * mu) * y11 * (1.0 - binary_entropy(e11));
        (kept - v.f * gain * binary_entropy(qber), gain, qber)
    }

    fn best(&self, channel: &Channel) -> f64 {
        self.mu
            .unwrap_or_else(|| maximum(INTENSITIES.0, INTENSITIES.1, 160, |mu| self.rate(channel, mu).0))
    }
}

impl LinkModel for Mdi {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let mu = self.best(channel);
        let (rate, gain, qber) = self.rate(channel, mu);
        Evaluation {
            qber: Some(qber),
            sifted_bps: Some(gain * self.values.clock),
            optimum: vec![("mu", mu)],
            ..Evaluation::pulsed(channel.transmittance(), self.values.clock, rate.max(0.0))
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.values.alpha
    }

    fn settled(&self, channel: &Channel) -> Option<Arc<dyn LinkModel>> {
        let mu = Some(self.best(channel));
        Some(Arc::new(Mdi {
            values: self.values.clone(),
            mu,
        }))
    }
}
