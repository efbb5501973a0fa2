//! Link models: how much secret key a link makes over a given channel. One model per file.

mod fixed_rate;
mod measured_table;

pub use fixed_rate::FixedRate;
pub use measured_table::{MeasuredTable, MeasuredTableError};

use std::fmt;

use crate::kernel::Span;

/// The quantum channel that a model is evaluated over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Channel {
    /// Length \[m\].
    pub length_m: u64,
    /// Total loss \[dB\].
    pub loss_db: f64,
}

/// Secret key as it comes out of a module pair: blocks of equal size at equal distance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockSchedule {
    /// Secret bits per block.
    pub bits: u64,
    /// Time between blocks; the first comes one period after the link starts.
    pub period: Span,
}

impl BlockSchedule {
    /// The schedule that yields `rate_bps` in blocks of `block_bits`, the period rounded to a nanosecond.
    pub fn from_rate(rate_bps: f64, block_bits: u64) -> Option<BlockSchedule> {
        if rate_bps.is_nan() || rate_bps <= 0.0 || block_bits == 0 {
            return None;
        }
        let period = libm::round(block_bits as f64 * 1e9 / rate_bps);
        (1.0..1e18).contains(&period).then_some(BlockSchedule {
            bits: block_bits,
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

/// How much key a link makes.
pub trait LinkModel: fmt::Debug + Send + Sync {
    /// Secret key rate over the channel \[bit/s\]; 0 beyond the model's reach.
    fn rate_bps(&self, channel: Channel) -> f64;
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
