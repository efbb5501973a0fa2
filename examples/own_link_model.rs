//! A link model of one's own: BB84 with an ideal single-photon source, as a table over distance and in a run.
//!
//! ```text
//! cargo run --release --example own_link_model
//! ```

use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::quantum::functions::{binary_entropy, flipped};
use qkdni::quantum::models::{BlockSchedule, Channel, Evaluation, LinkModel, bounds};
use qkdni::scenario::{compile, load};

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

/// The committed scenario, in which the border loses as much as so many kilometres: the share of requests that it serves.
fn served_over(model: &dyn LinkModel, km: f64) -> f64 {
    let loaded = load("scenarios/clause8/gwn-dd.json", &[]).unwrap_or_else(|findings| panic!("{findings}"));
    let mut plan = compile(&loaded.document);
    let border = plan
        .links
        .iter()
        .find(|(_, link)| link.name == "border")
        .expect("a border")
        .0;
    let channel = model.over_distance(km);
    let link = &mut plan.links[border];
    link.schedule = BlockSchedule::from_rate(model.rate_bps(&channel), 2560);
    link.loss_db = channel.loss_db;
    let outcome = simulate(&Arc::new(plan), 0, Options::default());
    assert!(outcome.audit.iter().all(|check| check.passed));
    let found = (outcome.metrics.iter()).find(|it| it.name == "served_share" && it.scope == "network");
    found.and_then(|it| it.value).expect("it is measured")
}

/// Prints the model's rate over distance, and what a border with it serves.
pub fn main() {
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
    let served = [50.0, 180.0, 210.0].map(|km| {
        let share = served_over(&model, km);
        println!(
            "a border of {km} km serves {:.1} % of the requests",
            100.0 * share
        );
        share
    });
    assert!(served[0] > served[1] && served[1] > served[2], "{served:?}");
}
