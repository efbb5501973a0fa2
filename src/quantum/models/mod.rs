//! Link models: how much secret key a link makes over a given channel. One model per file.
//!
//! A model is a record of parameters, named as in the reference vectors, and an implementation of [`LinkModel`] over
//! their numbers. Formulas and sources stand in each file and in `docs/link-models.md`.

mod bbm92;
pub mod bounds;
mod cv_gg02;
mod decoy_asymptotic;
mod decoy_finite;
mod decoy_vacuum_weak;
mod fixed_rate;
mod gllp;
mod mdi;
mod measured_table;
mod parameters;
mod plob;
mod satellite;
mod satellite_pass;
mod twin_field;

pub use bbm92::{Bbm92Fixed, Bbm92Opt};
pub use cv_gg02::{CvGg02Heterodyne, CvGg02Homodyne};
pub use decoy_asymptotic::DecoyBb84Asymptotic;
pub use decoy_finite::{DecoyBb84FiniteFixed, DecoyBb84FiniteOpt};
pub use decoy_vacuum_weak::DecoyBb84VacuumWeak;
pub use fixed_rate::FixedRate;
pub use gllp::GllpNoDecoy;
pub use mdi::{MdiFixed, MdiOpt};
pub use measured_table::{MeasuredTable, MeasuredTableError, PRESETS as MEASURED_PRESETS};
pub use parameters::{Preset, Problem, Range};
pub use plob::PlobBound;
pub use satellite::SatelliteDownlink;
pub use satellite_pass::{Lump, Pass, Passes, SatellitePass};
pub use twin_field::{TwinFieldFixed, TwinFieldOpt};

use std::fmt;
use std::sync::Arc;

use crate::kernel::Span;

/// The quantum channel that a model is evaluated over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Channel {
    /// Length \[m\]; a satellite's slant range.
    pub length_m: f64,
    /// Total loss from sender to receiver, without the receiver's own \[dB\].
    pub loss_db: f64,
    /// Counts per pulse that the channel's own light, such as Raman scattering, makes in a receiver at its far end, all
    /// detectors together, on top of the model's own background.
    pub background: f64,
    /// The same where each of two arms ends after half of the channel: with a station in the middle.
    pub background_of_arm: f64,
    /// Probability that a signal bit is flipped on the way, on top of the model's own errors: intercept-resend on a
    /// fraction p of the pulses is p/4, misalignment that drifts likewise.
    pub flips: f64,
}

impl Channel {
    /// A quiet channel that only loses.
    pub fn quiet(length_m: f64, loss_db: f64) -> Channel {
        Channel {
            length_m,
            loss_db,
            background: 0.0,
            background_of_arm: 0.0,
            flips: 0.0,
        }
    }

    /// Share of the light that arrives.
    pub fn transmittance(&self) -> f64 {
        super::functions::transmittance(self.loss_db)
    }
}

/// What a model says about a channel.
#[derive(Clone, PartialEq, Debug)]
pub struct Evaluation {
    /// Transmittance as the model counts it, with or without detectors.
    pub eta: f64,
    /// Expected error rate of the sifted key; `None` where the protocol has none or there is no key to measure it in.
    pub qber: Option<f64>,
    /// Expected error rate by which a block is judged when it comes, key or not, where that is not `qber`.
    pub observed: Option<f64>,
    /// Secret bits per pulse, 0 beyond reach; `None` where the model knows no pulses, or the bound has no value.
    pub rate_per_pulse: Option<f64>,
    /// Secret key rate \[bit/s\].
    pub rate_bps: f64,
    /// Rate of sifted bits, in which errors are counted \[bit/s\].
    pub sifted_bps: Option<f64>,
    /// Time to acquire one block \[s\], where the model's blocks have a size.
    pub block_s: Option<f64>,
    /// What the model chose by itself, by parameter.
    pub optimum: Vec<(&'static str, f64)>,
}

impl Evaluation {
    /// The evaluation of a model that counts by pulses.
    pub fn pulsed(eta: f64, clock_hz: f64, rate_per_pulse: f64) -> Evaluation {
        Evaluation {
            eta,
            qber: None,
            observed: None,
            rate_per_pulse: Some(rate_per_pulse),
            rate_bps: rate_per_pulse * clock_hz,
            sifted_bps: None,
            block_s: None,
            optimum: Vec::new(),
        }
    }

    /// Time to acquire one block \[s\]: the model's; else, of a link that counts by pulses and makes key, a second, or as
    /// long as it takes to sift so many bits. Assumption.
    pub fn block_time_s(&self, block_sifted: u32) -> Option<f64> {
        let makes_key = self.rate_per_pulse.is_some() && self.rate_bps.is_finite() && self.rate_bps > 0.0;
        let sifting = self.sifted_bps.filter(|sifted| *sifted > 0.0);
        let sifting = sifting.map_or(1.0, |sifted| f64::from(block_sifted) / sifted);
        self.block_s.or(makes_key.then(|| sifting.max(1.0)))
    }
}

/// Sifted bits that a block has at least where nobody says. Assumption.
pub const BLOCK_SIFTED: u32 = 10_000;

/// How much key a link makes.
pub trait LinkModel: fmt::Debug + Send + Sync {
    /// Rate, error rate and block time over a channel.
    fn evaluate(&self, channel: &Channel) -> Evaluation;

    /// The channel of a fibre (or a slant range) of that length, by the model's own attenuation; for a table over
    /// distance. In a scenario the link says what it loses.
    fn over_distance(&self, length_km: f64) -> Channel {
        Channel::quiet(length_km * 1e3, length_km * self.attenuation_db_per_km())
    }

    /// Attenuation of the model's own fibre \[dB/km\]. Assumption where it has none: 0.2 dB/km.
    fn attenuation_db_per_km(&self) -> f64 {
        0.2
    }

    /// The model with everything that it chooses by itself fixed at what is best over a channel, as an operator sets
    /// a link up once; `None` where it chooses nothing.
    fn settled(&self, _channel: &Channel) -> Option<Arc<dyn LinkModel>> {
        None
    }

    /// Secret key rate over the channel \[bit/s\]; 0 beyond the model's reach.
    fn rate_bps(&self, channel: &Channel) -> f64 {
        self.evaluate(channel).rate_bps
    }

    /// The greatest loss with key \[dB\], to 0.01 dB, over channels that are otherwise like `channel`; `None` if there
    /// is key even at 300 dB.
    fn reach_db(&self, channel: &Channel) -> Option<f64> {
        let makes_key = |loss_db: f64| self.rate_bps(&Channel { loss_db, ..*channel }) > 0.0;
        let (mut near, mut far) = (0.0, 300.0);
        if makes_key(far) {
            return None;
        }
        while far - near > 0.01 {
            let middle = f64::midpoint(near, far);
            if makes_key(middle) {
                near = middle;
            } else {
                far = middle;
            }
        }
        Some(near)
    }
}

/// Reads a record of parameters as a model.
pub trait Parameters {
    /// The model's presets, the first being the default.
    fn presets(&self) -> &'static [Preset];

    /// The model with these parameters.
    ///
    /// # Errors
    /// Everything that is wrong with the parameters.
    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>>;
}

/// Whole numbers below this are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Secret key as it comes out of a module pair: blocks of equal size at equal distance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockSchedule {
    /// Secret bits per block.
    pub bits: u64,
    /// Time between blocks; the first comes one period after the link starts.
    pub period: Span,
}

impl BlockSchedule {
    /// The schedule that yields `rate_bps` in blocks of `block_bits`, the period rounded to a nanosecond. Where that
    /// changed the rate by more than a millionth, as many blocks come together as take half a millisecond.
    pub fn from_rate(rate_bps: f64, block_bits: u64) -> Option<BlockSchedule> {
        if rate_bps.is_nan() || rate_bps <= 0.0 || block_bits == 0 {
            return None;
        }
        let exact = block_bits as f64 * 1e9 / rate_bps;
        let together = if (libm::round(exact) / exact - 1.0).abs() > 1e-6 {
            libm::ceil(5e5 / exact).max(1.0)
        } else {
            1.0
        };
        let (bits, period) = (block_bits as f64 * together, libm::round(exact * together));
        let fits = bits < EXACT && (1.0..1e18).contains(&period);
        fits.then_some(BlockSchedule {
            bits: bits as u64,
            period: Span(period as u64),
        })
    }

    /// Mean rate \[bit/s\].
    pub fn rate_bps(&self) -> f64 {
        self.bits as f64 * 1e9 / self.period.0 as f64
    }

    /// What `systems` module pairs side by side make: the same blocks, more bits in each.
    #[must_use]
    pub fn times(self, systems: u64) -> BlockSchedule {
        BlockSchedule {
            bits: self.bits * systems,
            period: self.period,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_the_rate_to_a_nanosecond_of_the_period() {
        let schedule = BlockSchedule::from_rate(20_000.0, 65_536).unwrap();
        assert_eq!(
            schedule,
            BlockSchedule {
                bits: 65_536,
                period: Span(3_276_800_000)
            }
        );
        assert!((schedule.rate_bps() - 20_000.0).abs() < 1e-6);
        assert_eq!(
            schedule.times(3),
            BlockSchedule {
                bits: 3 * 65_536,
                ..schedule
            }
        );
        assert_eq!(BlockSchedule::from_rate(0.0, 1), None);
    }
}
