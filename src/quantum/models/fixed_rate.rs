//! Fixed rate: a secret key rate as given, whatever the channel.

use super::{BlockSchedule, Channel, LinkModel};

/// A rate that was published or measured for a link, delivered in blocks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FixedRate {
    /// Secret key rate \[bit/s\].
    pub rate_bps: f64,
    /// Secret bits per block.
    pub block_bits: u64,
}

impl LinkModel for FixedRate {
    fn rate_bps(&self, _channel: Channel) -> f64 {
        self.rate_bps
    }

    fn schedule(&self, _channel: Channel) -> Option<BlockSchedule> {
        BlockSchedule::from_rate(self.rate_bps, self.block_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    #[test]
    fn the_rate_is_what_was_asked_for() {
        let model = FixedRate { rate_bps: 20_000.0, block_bits: 65_536 };
        let schedule = model.schedule(Channel { length_m: 1, loss_db: 99.0 }).unwrap();
        assert_eq!(schedule, BlockSchedule { bits: 65_536, period: Span(3_276_800_000) });
        assert!((schedule.rate_bps() - 20_000.0).abs() < 1e-6);
        assert_eq!(FixedRate { rate_bps: 0.0, block_bits: 1 }.schedule(Channel { length_m: 1, loss_db: 0.0 }), None);
    }
}
