//! Fixed rate: a secret key rate as given, whatever the channel.

use super::{Channel, LinkModel};

/// A rate that was published or measured for a link.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FixedRate {
    /// Secret key rate \[bit/s\].
    pub rate_bps: f64,
}

impl LinkModel for FixedRate {
    fn rate_bps(&self, _channel: Channel) -> f64 {
        self.rate_bps
    }
}
