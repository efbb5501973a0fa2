//! A link model of one's own: BB84 with an ideal single-photon source.
//!
//! ```text
//! cargo run --release --example own_link_model
//! ```

use qkdni::quantum::functions::{binary_entropy, flipped};
use qkdni::quantum::models::{Channel, Evaluation, LinkModel, bounds};

/// Shor and Preskill, PRL 85, 441 (2000): R = q·Y[1 − (1 + f)h(e)] with Y = η + Y0.
#[derive(Debug)]
struct SinglePhotons {
    /// Pulses per second.
    clock_hz: f64,
    /// Transmittance of the receiver.
    receiver: f64,
    /// Dark counts per pulse.
    dark: f64,
    /// Misalignment.
    error: f64,
}

impl LinkModel for SinglePhotons {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        let eta = channel.transmittance() * self.receiver;
        let dark = self.dark + channel.background;
        let gain = eta + dark;
        let qber = (flipped(self.error, channel.flips) * eta + 0.5 * dark) / gain;
        let rate = 0.5 * gain * (1.0 - 2.16 * binary_entropy(qber));
        Evaluation {
            qber: Some(qber),
            sifted_bps: Some(0.5 * gain * self.clock_hz),
            ..Evaluation::pulsed(eta, self.clock_hz, rate.max(0.0))
        }
    }
}

fn main() {
    let model = SinglePhotons {
        clock_hz: 1e8,
        receiver: 0.2,
        dark: 1e-6,
        error: 0.01,
    };
    for km in (0..=200).step_by(25) {
        let channel = model.over_distance(f64::from(km));
        let found = model.evaluate(&channel);
        let rate = found.rate_per_pulse.unwrap_or_default();
        assert!(rate <= bounds::plob(channel.transmittance()));
        println!(
            "{km:>4} km  {rate:.3e} bit per pulse  {:.3e} bit/s",
            found.rate_bps
        );
    }
    let reach = model
        .reach_db(&Channel::quiet(0.0, 0.0))
        .expect("dark counts end it");
    println!("reaches {reach:.1} dB");
}
