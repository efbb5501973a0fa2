//! How a link works from block to block, and what its channel loses besides fibre.

use crate::catalogue::record;
use crate::kernel::time::Span;
use crate::quantum::channel::{Scattering, beam_loss_db};
use crate::quantum::models;
use crate::units::{BitRate, Bits, Decibels, Fraction, Metres};

record! {
    /// How a link works from block to block. Given, or with a physical model, blocks are drawn one by one: errors are
    /// binomial in the sifted bits.
    pub struct Generation {
        /// From the end of a block's acquisition to its key; acquisition does not wait for it. Assumption: none.
        post_processing: Span = Span::ZERO,
        /// Sifted bits that a block has at least, where the model's blocks have no size of their own; it takes a second at
        /// least. Assumption: 10,000.
        block_sifted: u32 = models::BLOCK_SIFTED,
        /// Observed error rate above which a block is thrown away and an alarm raised. Assumption: 11 %, where one-way
        /// BB84 ends; one half for twin-field QKD by sending or not, whose errors come with the protocol.
        abort_above: Option<Fraction>,
        /// Probability that error correction fails and a block is lost. Assumption: never.
        frame_error: Fraction = Fraction(0),
        /// Authentication key that every block costs. Assumption: none.
        authentication: Bits = Bits::ZERO,
        /// Pre-shared key that authenticates the first blocks; later blocks refill it before they are handed over.
        start_key: Bits = Bits::ZERO,
        /// From the end of an interruption to the first pulse that counts. Assumption: none.
        resynchronisation: Span = Span::ZERO,
        /// How the loss wanders.
        loss_drift: Option<LossDrift>,
        /// How the probability of bit flips wanders.
        error_drift: Option<ErrorDrift>,
        /// Consumption that the link is provisioned for, for its reports over Cq and Mq.
        expected_consumption: Option<BitRate>,
        /// Both modules report state and performance over Cq and Mq so often, besides whenever the state changes.
        /// Default: only when it changes.
        report_every: Option<Span>,
        /// How much later than its key is made the first end has it.
        skew_first: Span = Span::ZERO,
        /// The same of the second end.
        skew_second: Span = Span::ZERO,
    }
}

impl Default for Generation {
    fn default() -> Self {
        super::defaults()
    }
}

record! {
    /// An Ornstein–Uhlenbeck process and a sine over the day, both of the loss.
    pub struct LossDrift {
        /// Standard deviation.
        deviation: Decibels = Decibels::ZERO,
        /// Time in which it forgets.
        correlation: Span = Span(3_600_000_000_000),
        /// Amplitude over the day.
        diurnal: Decibels = Decibels::ZERO,
    }
}

record! {
    /// An Ornstein–Uhlenbeck process and a sine over the day, both of the probability that a bit is flipped; below 0
    /// it counts as 0.
    pub struct ErrorDrift {
        /// Standard deviation.
        deviation: Fraction = Fraction(0),
        /// Time in which it forgets.
        correlation: Span = Span(3_600_000_000_000),
        /// Amplitude over the day.
        diurnal: Fraction = Fraction(0),
    }
}

record! {
    /// What a channel loses besides its fibre, and what light it adds.
    pub struct Channel {
        /// Number of splices.
        splices: u32 = 0,
        /// Loss of a splice. Assumption: 0.05 dB.
        splice_loss: Decibels = Decibels(50_000_000),
        /// Number of connectors.
        connectors: u32 = 0,
        /// Loss of a connector. Assumption: 0.3 dB.
        connector_loss: Decibels = Decibels(300_000_000),
        /// Loss of what else stands in the way: filters, switches, multiplexers.
        insertion_loss: Decibels = Decibels::ZERO,
        /// Classical channels in the same fibre.
        raman: Option<Raman>,
        /// The link goes through the air: the loss of length and attenuation is the air's.
        free_space: Option<FreeSpace>,
    }
}

record! {
    /// Classical channels that scatter into the quantum channel (Raman), running with it; with a station in the middle, in
    /// either arm.
    pub struct Raman {
        /// Launch power of all channels together in mW, at the beginning of the fibre (of each arm).
        power_mw: f64,
        /// Scattering [1/(km nm)]. Assumption: 2e-9, near 1550 nm (Chapuran et al., New J. Phys. 11, 105001 (2009)).
        scattering: f64 = 2e-9,
        /// Width of the receiver's filter in nm. Assumption: 0.8 nm.
        filter_nm: f64 = 0.8,
        /// Detector gate in ns. Assumption: 1 ns.
        gate_ns: f64 = 1.0,
        /// Transmittance of the receiver, detector included. Assumption: 0.1.
        receiver: f64 = 0.1,
    }
}

record! {
    /// A beam through the air between two telescopes.
    pub struct FreeSpace {
        /// Diameter of the receiving telescope in m.
        aperture_m: f64,
        /// Full divergence of the beam in µrad.
        divergence_urad: f64,
        /// Loss by pointing errors. Assumption: none.
        pointing: Decibels = Decibels::ZERO,
    }
}

impl Channel {
    /// What it loses besides its fibre.
    pub fn added_loss(&self, length: Metres) -> Decibels {
        let each = |number: u32, loss: Decibels| u64::from(number).saturating_mul(loss.0);
        let beam = self.free_space.as_ref().map_or(0, |beam| {
            let spread = beam_loss_db(length.0 as f64, beam.aperture_m, beam.divergence_urad);
            beam.pointing
                .0
                .saturating_add(libm::round(spread.clamp(0.0, 1e3) * 1e9) as u64)
        });
        let sum = each(self.splices, self.splice_loss)
            .saturating_add(each(self.connectors, self.connector_loss))
            .saturating_add(self.insertion_loss.0)
            .saturating_add(beam);
        Decibels(sum)
    }
}

/// What a model sees of a fibre of that length and loss with what its channel adds.
pub fn quantum_channel(channel: Option<&Channel>, length: Metres, fibre: Decibels) -> models::Channel {
    let added = channel.map_or(Decibels::ZERO, |channel| channel.added_loss(length));
    let raman = channel.and_then(|channel| channel.raman.as_ref());
    let scattered = |share: f64| {
        raman.map_or(0.0, |raman| {
            let light = Scattering {
                power_mw: raman.power_mw,
                per_km_nm: raman.scattering,
                filter_nm: raman.filter_nm,
                gate_ns: raman.gate_ns,
                receiver: raman.receiver,
            };
            light.counts_per_gate(length.0 as f64 / 1e3 * share, fibre.as_db() * share)
        })
    };
    models::Channel {
        background: scattered(1.0),
        background_of_arm: scattered(0.5),
        ..models::Channel::quiet(length.0 as f64, Decibels(fibre.0.saturating_add(added.0)).as_db())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 mW · 2e-9 · 0.8 nm at 1550 nm, a ns and a tenth of the light: over 50 km and 10 dB, and over half of it.
    #[test]
    fn raman_light_is_counted_at_the_end_of_the_fibre_and_of_an_arm() {
        let channel = Channel {
            raman: Some(Raman {
                power_mw: 1.0,
                scattering: 2e-9,
                filter_nm: 0.8,
                gate_ns: 1.0,
                receiver: 0.1,
            }),
            ..super::super::defaults()
        };
        let seen = quantum_channel(Some(&channel), Metres(50_000), Decibels(10_000_000_000));
        assert!((seen.background / 6.24e-3 - 1.0).abs() < 2e-3, "{seen:?}");
        let half = seen.background / 2.0 * 10_f64.sqrt();
        assert!((seen.background_of_arm / half - 1.0).abs() < 1e-9, "{seen:?}");
        let quiet = quantum_channel(None, Metres(50_000), Decibels(10_000_000_000));
        assert_eq!((quiet.background, quiet.background_of_arm), (0.0, 0.0));
    }
}
