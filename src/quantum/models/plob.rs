//! The PLOB bound as a model, to be printed and plotted beside the others.

use std::sync::Arc;

use super::parameters::{Preset, Problem, parameters};
use super::{Channel, Evaluation, LinkModel, Parameters, bounds};

const PRESETS: &[Preset] = &[Preset {
    name: "fibre",
    source: "assumption",
    values: &[("alpha", 0.2)],
}];

parameters! {
    /// The PLOB bound: what no link over this channel can exceed. Not a link.
    pub struct PlobBound, values Values, presets PRESETS;
    /// Attenuation of the fibre [dB/km].
    alpha: NotNegative,
}

impl Parameters for PlobBound {
    fn presets(&self) -> &'static [Preset] {
        PRESETS
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        Ok(Arc::new(self.values()?))
    }
}

impl LinkModel for Values {
    /// The bound as the reference vectors print it, whose far end is the rounding of 1 − η; checks use [`bounds::plob`],
    /// which has all digits. No value at η = 1, where it is infinite.
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let eta = channel.transmittance();
        let rate = 0.0 - libm::log2(1.0 - eta);
        Evaluation {
            rate_per_pulse: rate.is_finite().then_some(rate),
            rate_bps: 0.0,
            optimum: vec![
                ("tgw", bounds::takeoka_guha_wilde(eta)),
                ("one_repeater", bounds::repeaters(eta, 1)),
            ],
            ..Evaluation::pulsed(eta, self.clock, 0.0)
        }
    }

    fn attenuation_db_per_km(&self) -> f64 {
        self.alpha
    }
}
