//! Continuous-variable QKD with Gaussian-modulated coherent states (GG02): Grosshans, Grangier, PRL 88, 057902 (2002);
//! Lodewyck et al., PRA 76, 042305 (2007). Reverse reconciliation, collective attacks, asymptotic key, trusted detector.
//!
//! ```text
//! V = V_A + 1    χ_line = 1/T − 1 + ξ    χ_hom = (1 − η + v_el)/η    χ_het = (2 − η + 2v_el)/η    χ_tot = χ_line + χ_det/T
//! I_AB = [1/2 hom | 1 het]·log2((V + χ_tot)/(1 + χ_tot))      K = β·I_AB − χ_BE
//! χ_BE = G((λ1 − 1)/2) + G((λ2 − 1)/2) − G((λ3 − 1)/2) − G((λ4 − 1)/2)
//! λ12² = [A ± sqrt(A² − 4B)]/2    A = V²(1 − 2T) + 2T + T²(V + χ_line)²    B = T²(V·χ_line + 1)²
//! hom: C = [V√B + T(V + χ_line) + A·χ_hom]/[T(V + χ_tot)]    D = √B(V + √B·χ_hom)/[T(V + χ_tot)]
//! het: C = [A·χ² + B + 1 + 2χ(V√B + T(V + χ_line)) + 2T(V² − 1)]/[T(V + χ_tot)]²    D = [(V + √B·χ)/(T(V + χ_tot))]²
//! λ34² = [C ± sqrt(C² − 4D)]/2
//! ```
//! There is no sifted bit error rate: intercept-resend by flips does not apply to this model.

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::thermal_entropy;

const PRESETS: &[Preset] = &[
    Preset {
        name: "modern",
        source: "assumption",
        values: &[
            ("alpha", 0.2),
            ("VA", 4.0),
            ("xi", 0.01),
            ("eta", 0.6),
            ("vel", 0.1),
            ("beta", 0.95),
            ("clock", 1e8),
        ],
    },
    Preset {
        name: "lodewyck07",
        source: "Lodewyck et al., PRA 76, 042305 (2007); clock: assumption",
        values: &[
            ("alpha", 0.2),
            ("VA", 18.5),
            ("xi", 0.005),
            ("eta", 0.606),
            ("vel", 0.041),
            ("beta", 0.898),
            ("clock", 1e6),
        ],
    },
    Preset {
        name: "jouguet13_like",
        source: "near Jouguet et al., Nat. Photon. 7, 378 (2013); assumption",
        values: &[
            ("alpha", 0.2),
            ("VA", 2.5),
            ("xi", 0.001),
            ("eta", 0.552),
            ("vel", 0.015),
            ("beta", 0.948),
            ("clock", 1e6),
        ],
    },
];

parameters! {
    /// CV-QKD GG02 with homodyne detection (Lodewyck et al., PRA 76, 042305).
    pub struct CvGg02Homodyne, values Homodyne, presets PRESETS;
    /// Modulation variance, in units of shot noise.
    va as "VA": Modulation,
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Efficiency of reconciliation.
    beta: Efficiency,
    /// Efficiency of the detector.
    eta: Efficiency,
    /// Electronic noise of the detector, in units of shot noise.
    vel: NotNegative,
    /// Excess noise at the channel's input, in units of shot noise.
    xi: NotNegative,
}

parameters! {
    /// CV-QKD GG02 with heterodyne detection (Lodewyck et al., PRA 76, 042305).
    pub struct CvGg02Heterodyne, values Heterodyne, presets PRESETS;
    /// Modulation variance, in units of shot noise.
    va as "VA": Modulation,
    /// Attenuation [dB/km], where the model is asked for a distance; in a scenario the link's loss counts.
    alpha: NotNegative,
    /// Efficiency of reconciliation.
    beta: Efficiency,
    /// Efficiency of the detector.
    eta: Efficiency,
    /// Electronic noise of the detector, in units of shot noise.
    vel: NotNegative,
    /// Excess noise at the channel's input, in units of shot noise.
    xi: NotNegative,
}

/// The numbers of either detection.
#[derive(Clone, Debug)]
struct Gg02 {
    clock: f64,
    va: f64,
    alpha: f64,
    beta: f64,
    eta: f64,
    vel: f64,
    xi: f64,
    heterodyne: bool,
}

macro_rules! gg02 {
    ($record:ident, $heterodyne:literal) => {
        impl Parameters for $record {
            fn presets(&self) -> &'static [Preset] {
                PRESETS
            }

            fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
                let v = self.values()?;
                Ok(Arc::new(Gg02 {
                    clock: v.clock,
                    va: v.va,
                    alpha: v.alpha,
                    beta: v.beta,
                    eta: v.eta,
                    vel: v.vel,
                    xi: v.xi,
                    heterodyne: $heterodyne,
                }))
            }
        }
    };
}

gg02!(CvGg02Homodyne, false);
gg02!(CvGg02Heterodyne, true);

/// Symplectic eigenvalues from the sum and the product of their squares.
fn eigenvalues(sum: f64, product: f64) -> [f64; 2] {
    let root = (sum * sum - 4.0 * product).max(0.0).sqrt();
    let greater = f64::midpoint(sum, root);
    // By Vieta: the difference of two nearly equal numbers would lose its digits.
    [greater.max(0.0).sqrt(), (product / greater).max(0.0).sqrt()]
}

fn entropy(eigenvalues: [f64; 2]) -> f64 {
    eigenvalues
        .into_iter()
        .map(|value| thermal_entropy((value - 1.0) / 2.0))
        .sum()
}

impl Gg02 {
    /// Secret bits per pulse before they are cut off at 0, over a transmittance T.
    fn rate(&self, t: f64, flips: f64) -> f64 {
        let v = self.va + 1.0;
        // Intercepting and resending a pulse (a quarter of a flip) adds two shot-noise units.
        let line = 1.0 / t - 1.0 + self.xi + 8.0 * flips;
        let detector = if self.heterodyne {
            (2.0 - self.eta + 2.0 * self.vel) / self.eta
        } else {
            (1.0 - self.eta + self.vel) / self.eta
        };
        let total = line + detector / t;
        let mutual = libm::log1p((v - 1.0) / (1.0 + total)) / std::f64::consts::LN_2;
        let mutual = if self.heterodyne { mutual } else { mutual / 2.0 };
        let a = v * v * (1.0 - 2.0 * t) + 2.0 * t + (t * (v + line)) * (t * (v + line));
        let root_b = t * (v * line + 1.0);
        let (arrives, divisor) = (t * (v + line), t * (v + total));
        let (c, d) = if self.heterodyne {
            let c = a * detector * detector
                + root_b * root_b
                + 1.0
                + 2.0 * detector * (v * root_b + arrives)
                + 2.0 * t * (v * v - 1.0);
            let d = (v + root_b * detector) / divisor;
            (c / (divisor * divisor), d * d)
        } else {
            let c = v * root_b + arrives + a * detector;
            (c / divisor, root_b * (v + root_b * detector) / divisor)
        };
        let eve = entropy(eigenvalues(a, root_b * root_b)) - entropy(eigenvalues(c, d));
        self.beta * mutual - eve
    }
}

impl LinkModel for Gg02 {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let t = channel.transmittance();
        let rate = self.rate(t, channel.flips);
        // Entropies of some bits are subtracted: below this, rounding would show in the fall of the rate with loss.
        let resolved = 2e-10 * (1.0 + self.va);
        let rate = if rate > resolved { rate } else { 0.0 };
        Evaluation::pulsed(t, self.clock, rate)
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.alpha
    }
}
