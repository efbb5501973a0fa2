//! Decoy-state BB84 with infinitely many decoys, asymptotic key: Lo, Ma, Chen, PRL 94, 230504 (2005); Ma, Qi, Zhao, Lo,
//! PRA 72, 012326 (2005); after GLLP.
//!
//! ```text
//! Y1 = Y0 + η      Qμ = Y0 + 1 − e^(−ημ)      EμQμ = e0·Y0 + e_det(1 − e^(−ημ))
//! e1 = (e0·Y0 + e_det·η)/Y1      Q1 = Y1·μ·e^−μ
//! R = q{−f·Qμ·h(Eμ) + Q1[1 − h(e1)]}
//! ```

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::{binary_entropy, flipped, one_minus_exp};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "modern",
        source: "assumption",
        values: &[
            ("alpha", 0.2),
            ("e_det", 0.01),
            ("Y0", 2e-6),
            ("eta_bob", 0.1),
            ("f", 1.16),
            ("mu", 0.5),
            ("nu", 0.1),
            ("e0", 0.5),
            ("q", 0.5),
            ("clock", 1e9),
        ],
    },
    Preset {
        name: "gys",
        source: "Gobby, Yuan, Shields, APL 84, 3762 (2004), as used by Ma et al. 2005; clock recalled, not checked",
        values: &[
            ("alpha", 0.21),
            ("e_det", 0.033),
            ("Y0", 1.7e-6),
            ("eta_bob", 0.045),
            ("f", 1.22),
            ("mu", 0.48),
            ("nu", 0.05),
            ("e0", 0.5),
            ("q", 0.5),
            ("clock", 2e6),
        ],
    },
];

parameters! {
    /// Decoy-state BB84, infinitely many decoys, asymptotic key (Lo, Ma, Chen, PRL 94, 230504).
    pub struct DecoyBb84Asymptotic, values Values, presets PRESETS;
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
    /// Share of pulses that are sifted: 1/2, towards 1 with biased bases.
    q: Efficiency,
}

impl Parameters for DecoyBb84Asymptotic {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        Ok(Arc::new(self.values()?))
    }
}

/// What a threshold receiver sees of coherent pulses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiver {
    /// Yield of an empty pulse.
    pub y0: f64,
    /// Error rate of background.
    pub e0: f64,
    /// Error rate of signals.
    pub e_det: f64,
    /// Transmittance, receiver included.
    pub eta: f64,
}

impl Receiver {
    /// The receiver behind a channel.
    pub fn behind(channel: &Channel, eta_bob: f64, y0: f64, e0: f64, e_det: f64) -> Receiver {
        Receiver {
            y0: (y0 + channel.background).min(1.0),
            e0,
            e_det: flipped(e_det, channel.flips),
            eta: channel.transmittance() * eta_bob,
        }
    }

    /// Gain and erroneous gain of pulses of that mean photon number.
    pub fn gain(&self, photons: f64) -> (f64, f64) {
        let signal = one_minus_exp(self.eta * photons);
        (self.y0 + signal, self.e0 * self.y0 + self.e_det * signal)
    }
}

impl LinkModel for Values {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let receiver = Receiver::behind(channel, self.eta_bob, self.y0, self.e0, self.e_det);
        let (gain, wrong) = receiver.gain(self.mu);
        let qber = wrong / gain;
        let y1 = receiver.y0 + receiver.eta;
        let e1 = (receiver.e0 * receiver.y0 + receiver.e_det * receiver.eta) / y1;
        let q1 = y1 * self.mu * libm::exp(-self.mu);
        let rate = self.q * (q1 * (1.0 - binary_entropy(e1)) - self.f * gain * binary_entropy(qber));
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
