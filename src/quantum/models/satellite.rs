//! A satellite's downlink: what arrives, by slant range. The loss only; key comes of `satellite_pass`.
//!
//! ```text
//! d(θ) = sqrt((R sinθ)² + 2Rh + h²) − R sinθ      w = d·θ_full/2      a = D_r/2
//! η_geo = 1 − exp(−2a²/w²)      η = η_geo·T_zen^(1/sinθ)·η_rx·10^(−pointing/10)
//! ```

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters};
use crate::quantum::functions::{one_minus_exp, transmittance};

/// Mean radius of Earth \[km\].
pub const EARTH_RADIUS_KM: f64 = 6371.0;

const PRESETS: &[Preset] = &[Preset {
    name: "micius_like",
    source: "near Liao et al., Nature 549, 43 (2017); assumption",
    values: &[
        ("D_r", 1.0),
        ("T_zen", 0.8),
        ("eta_rx", 0.16),
        ("h_km", 500.0),
        ("pointing_db", 3.0),
        ("theta_full_urad", 10.0),
        ("clock", 1e8),
    ],
}];

parameters! {
    /// What arrives of a satellite's downlink at a slant range; no key by itself.
    pub struct SatelliteDownlink, values Values, presets PRESETS;
    /// Diameter of the receiving telescope in m.
    d_r as "D_r": Positive,
    /// Transmittance of the atmosphere at the zenith.
    t_zen as "T_zen": Efficiency,
    /// Transmittance of the receiver, detectors included.
    eta_rx: Efficiency,
    /// Height of the orbit in km.
    h_km: Positive,
    /// Loss by pointing errors in dB.
    pointing_db: NotNegative,
    /// Full divergence of the beam in µrad.
    theta_full_urad: Positive,
}

impl Parameters for SatelliteDownlink {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        Ok(Arc::new(self.values()?))
    }
}

impl SatelliteDownlink {
    /// The downlink with every parameter of the preset.
    pub(super) fn usual() -> SatelliteDownlink {
        SatelliteDownlink {
            preset: None,
            clock: None,
            d_r: None,
            t_zen: None,
            eta_rx: None,
            h_km: None,
            pointing_db: None,
            theta_full_urad: None,
        }
    }

    /// Height of the orbit \[km\]; 0 where it is wrong.
    pub(super) fn height_km(&self) -> f64 {
        self.values().map_or(0.0, |values| values.h_km)
    }
}

/// Sine of the elevation at which a satellite at that height stands that far away; `None` where it never does or
/// stands below the horizon.
pub fn sine_of_elevation(height_km: f64, range_km: f64) -> Option<f64> {
    let (r, h, d) = (EARTH_RADIUS_KM, height_km, range_km);
    let sine = (2.0 * r * h + h * h - d * d) / (2.0 * r * d);
    // A range that was rounded may lie a little below the height.
    (sine > 0.0 && sine <= 1.0 + 1e-9).then_some(sine.min(1.0))
}

impl LinkModel for Values {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let range_km = channel.length_m / 1e3;
        let eta = sine_of_elevation(self.h_km, range_km).map_or(0.0, |sine| {
            let radius = self.d_r / 2.0;
            let beam = range_km * 1e3 * self.theta_full_urad * 1e-6 / 2.0;
            one_minus_exp(2.0 * radius * radius / (beam * beam))
                * libm::pow(self.t_zen, 1.0 / sine)
                * self.eta_rx
                * transmittance(self.pointing_db)
        });
        Evaluation::pulsed(eta, self.clock, 0.0)
    }

    /// All of a downlink's loss follows from the range.
    fn attenuation_db_per_km(&self) -> f64 {
        0.0
    }
}
