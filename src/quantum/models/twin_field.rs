//! Sending-or-not-sending twin-field QKD, asymptotic key: Wang, Yu, Hu, PRA 98, 062323 (2018).
//!
//! An untrusted station stands in the middle: per arm η = sqrt(η_ch)·η_d; x = ημ; ε is the probability to send.
//! ```text
//! R = 2ε(1 − ε)μe^−μ·s1[1 − h(e1)] − f·S_Z·h(E_Z)
//! S_Z = (1 − ε)²S00 + 2ε(1 − ε)S01 + ε²S11      E_Z = [(1 − ε)²S00 + ε²S11]/S_Z
//! S00 = 2p(1 − p)      S01 = 2[(1 − p)e^(−x/2) − (1 − p)²e^−x]      S11 = 2[(1 − p)e^−x·I0(x) − (1 − p)²e^−2x]
//! s1 = (1 − p)η + 2p(1 − p)(1 − η)      e1 = [(1 − p)η·e_a + p(1 − p)(1 − η)]/s1
//! ```
//! Its error rate in the Z basis comes of both or neither sending; flips on the way turn phases: they act on e_a.

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::{bessel_i0_minus_1, binary_entropy, flipped};
use crate::quantum::optimum::climb;

const PRESETS: &[Preset] = &[Preset {
    name: "reference",
    source: "parameters of the reference vectors, near Wang, Yu, Hu 2018; clock, mu and eps: assumption",
    values: &[
        ("alpha", 0.2),
        ("e_a", 0.05),
        ("eta_d", 0.3),
        ("f", 1.1),
        ("p_d", 1e-8),
        ("mu", 0.45),
        ("eps", 0.035),
        ("clock", 1e9),
    ],
}];

parameters! {
    /// SNS twin-field QKD, asymptotic (Wang, Yu, Hu, PRA 98, 062323); intensity and sending probability are chosen by
    /// the model.
    pub struct TwinFieldOpt, values Opt, presets PRESETS;
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Misalignment error of the phases.
    e_a: ErrorRate,
    /// Efficiency of the station's detectors.
    eta_d: Efficiency,
    /// Inefficiency of error correction.
    f: AtLeastOne,
    /// Dark count probability per pulse and detector.
    p_d: ErrorRate;

    /// SNS twin-field QKD, asymptotic (Wang, Yu, Hu, PRA 98, 062323), at a given intensity and sending probability.
    pub struct TwinFieldFixed, values Fixed;
    /// Probability to send.
    eps: Share,
    /// Mean photon number that is sent.
    mu: Intensity,
}

/// The model at a setting (μ, ε), or at the best one.
#[derive(Clone, Debug)]
struct TwinField {
    values: Opt,
    setting: Option<(f64, f64)>,
}

impl Parameters for TwinFieldFixed {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let v = self.values()?;
        let setting = Some((v.mu, v.eps));
        let values = v.common();
        Ok(Arc::new(TwinField { values, setting }))
    }
}

impl Parameters for TwinFieldOpt {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        let values = self.values()?;
        Ok(Arc::new(TwinField {
            values,
            setting: None,
        }))
    }
}

impl TwinField {
    /// Rate before it is cut off at 0, gain, error rate in the Z basis, phase error rate.
    fn rate(&self, channel: &Channel, (mu, eps): (f64, f64)) -> (f64, f64, f64, f64) {
        let v = &self.values;
        let eta = channel.transmittance().sqrt() * v.eta_d;
        // The light of both arms, on two detectors.
        let p = (v.p_d + channel.background_of_arm).min(0.5);
        let (x, dark) = (eta * mu, 1.0 - p);
        let none = 2.0 * p * dark;
        // Differences of numbers near 1, written so that no digits are lost.
        let half = libm::exp(-x / 2.0);
        let one = 2.0 * dark * half * (p * half - libm::expm1(-x / 2.0));
        let whole = libm::exp(-x);
        let both = 2.0 * dark * whole * (bessel_i0_minus_1(x) + p * whole - libm::expm1(-x));
        let right = 2.0 * eps * (1.0 - eps) * one;
        let wrong = (1.0 - eps) * (1.0 - eps) * none + eps * eps * both;
        let gain = right + wrong;
        if gain <= 0.0 {
            return (0.0, 0.0, 0.5, 0.5); // nothing arrives, and nothing is dark
        }
        let s1 = dark * eta + 2.0 * p * dark * (1.0 - eta);
        let e1 = (dark * eta * flipped(v.e_a, channel.flips) + p * dark * (1.0 - eta)) / s1;
        let kept = 2.0 * eps * (1.0 - eps) * mu * libm::exp(-mu) * s1 * (1.0 - binary_entropy(e1));
        (
            kept - v.f * gain * binary_entropy(wrong / gain),
            gain,
            wrong / gain,
            e1,
        )
    }

    fn best(&self, channel: &Channel) -> (f64, f64) {
        if let Some(setting) = self.setting {
            return setting;
        }
        // In logarithms, ε as odds; the rate relative to what a channel can carry, so that it is of order 1.
        let setting = |point: &[f64; 2]| {
            let odds = libm::exp(point[1].min(30.0));
            (libm::exp(point[0]).clamp(1e-6, 10.0), odds / (1.0 + odds))
        };
        let scale = channel.transmittance().sqrt();
        let rate = |point: &[f64; 2]| self.rate(channel, setting(point)).0 / scale;
        let mut start = ([0.0; 2], f64::NEG_INFINITY);
        for row in 0..24 {
            for column in 0..24 {
                let point = [
                    -7.0 + 8.5 * f64::from(row) / 23.0,
                    -9.0 + 9.0 * f64::from(column) / 23.0,
                ];
                let found = rate(&point);
                if found > start.1 {
                    start = (point, found);
                }
            }
        }
        setting(&climb(start.0, 0.2, rate).0)
    }
}

impl LinkModel for TwinField {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let setting = self.best(channel);
        let (rate, gain, qber, phase) = self.rate(channel, setting);
        Evaluation {
            qber: Some(qber),
            // Who intercepts disturbs the phases; errors in the Z basis are of who sent when.
            observed: Some(qber.max(phase)),
            sifted_bps: Some(gain * self.values.clock),
            optimum: vec![("mu", setting.0), ("eps", setting.1)],
            ..Evaluation::pulsed(channel.transmittance(), self.values.clock, rate.max(0.0))
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.values.alpha
    }

    fn settled(&self, channel: &Channel) -> Option<Arc<dyn LinkModel>> {
        let setting = Some(self.best(channel));
        Some(Arc::new(TwinField {
            values: self.values.clone(),
            setting,
        }))
    }
}
