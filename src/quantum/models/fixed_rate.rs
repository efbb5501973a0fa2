//! Fixed rate: a secret key rate as given, whatever the channel.

use super::{Channel, Evaluation, LinkModel};

/// A rate that was published or measured for a link.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FixedRate {
    /// Secret key rate \[bit/s\].
    pub rate_bps: f64,
}

impl LinkModel for FixedRate {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        Evaluation {
            rate_per_pulse: None,
            rate_bps: self.rate_bps,
            ..Evaluation::pulsed(channel.transmittance(), 0.0, 0.0)
        }
    }
}
