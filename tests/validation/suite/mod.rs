//! Closed forms and published runs against whole simulations, scenario → plan → world. A file per form; shared by the
//! tests, which run a reduced suite (form 5 is the auditor's), and by `examples/validation_soak.rs`, which runs all of it and
//! writes the table.
//!
//! Statistics: a suite of m quantities uses intervals of level 1 − 10⁻³/m. Each must hold the exact value and, in the full
//! suite, have a half-width of at most 1 % of it; probabilities above ½ stand for their complement. Seeds are fixed: the
//! scenario's, replications 0 … k − 1.

pub mod availability;
pub mod block_store;
pub mod capacity;
pub mod erlang;
pub mod key_store;
pub mod km_server;
pub mod latency;
pub mod multipath;
pub mod published;
pub mod rerouting;

use std::sync::Arc;

use qkdni::architecture::message::FailureCause;
use qkdni::architecture::{Address, Envelope, Message, Observation};
use qkdni::experiment::statistics::student_quantile;
use qkdni::ids::{FaultId, Id as _};
use qkdni::kernel::Time;
use qkdni::network::plan::Plan;
use qkdni::observe::Observer;
use qkdni::scenario::{compile, load};

/// How much is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Replications.
    pub replications: u32,
    /// Duration of each, as a scenario says it.
    pub duration: &'static str,
}

/// What is estimated, and what it must be.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// In words.
    pub name: String,
    /// The exact value.
    pub exact: f64,
    /// Half-width that the reduced suite must reach, in parts of the exact value.
    #[allow(dead_code)] // for the tests
    pub reduced_half_width: f64,
}

/// What one replication says.
#[derive(Clone, Debug)]
pub struct Estimates {
    /// One of each quantity.
    pub values: Vec<f64>,
    /// Control variates: random, with an expectation of exactly 0, and correlated with the values.
    pub controls: Vec<f64>,
}

/// One simulation that estimates some quantities.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Number of the closed form.
    pub form: &'static str,
    /// `FILE` or `FILE:VARIANT` below `scenarios/validation`.
    pub scenario: String,
    /// What it estimates.
    pub quantities: Vec<Quantity>,
    /// What the full suite runs.
    pub full: Effort,
    /// What the tests run.
    #[allow(dead_code)] // for the tests
    pub reduced: Effort,
    /// Runs one replication.
    pub estimate: fn(&Arc<Plan>, u32) -> Estimates,
}

/// An interval for a quantity.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The estimate.
    pub mean: f64,
    /// Half of the interval.
    pub half_width: f64,
}

impl Found {
    /// Whether the interval holds a value.
    pub fn holds(&self, exact: f64) -> bool {
        (self.mean - exact).abs() <= self.half_width
    }
}

/// All experiments.
pub fn experiments() -> Vec<Experiment> {
    let mut all = key_store::experiments();
    all.extend(km_server::experiments());
    all.extend(erlang::experiments());
    all.extend(availability::experiments());
    all.extend(rerouting::experiments());
    all
}

/// The level of every interval: of m quantities all hold with a probability of .999 and more.
pub fn level() -> f64 {
    let m: usize = experiments().iter().map(|one| one.quantities.len()).sum();
    1.0 - 1e-3 / m as f64
}

/// The plan of a scenario below `scenarios`.
pub fn plan(scenario: &str, sets: &[&str]) -> Arc<Plan> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = load(&format!("scenarios/{scenario}"), &sets).unwrap_or_else(|wrong| panic!("{wrong}"));
    Arc::new(compile(&loaded.document))
}

impl Experiment {
    /// The plan of so much.
    pub fn plan(&self, effort: Effort) -> Arc<Plan> {
        let duration = format!("run.duration={}", effort.duration);
        plan(&format!("validation/{}", self.scenario), &[&duration])
    }
}

/// Intervals of the expectations from one row per replication: means, corrected by the regression on the controls.
///
/// With q controls of known expectation the estimate is the intercept of a linear regression of the values on them, and its
/// interval Student's with k − q − 1 degrees of freedom (Lavenberg, Welch, Management Sci. 27 (1981) 322).
pub fn intervals(rows: &[Estimates], level: f64) -> Vec<Found> {
    let controls = rows[0].controls.len();
    // The design: 1 and the controls, scaled so that the normal equations are well conditioned.
    let scale: Vec<f64> = (0..controls)
        .map(|at| {
            let squares: f64 = rows.iter().map(|row| row.controls[at] * row.controls[at]).sum();
            (squares / rows.len() as f64).sqrt().max(f64::MIN_POSITIVE)
        })
        .collect();
    let design: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| {
            let scaled = row
                .controls
                .iter()
                .zip(&scale)
                .map(|(value, scale)| value / scale);
            std::iter::once(1.0).chain(scaled).collect()
        })
        .collect();
    let size = controls + 1;
    let mut normal = vec![vec![0.0; size]; size];
    for row in &design {
        for (i, line) in normal.iter_mut().enumerate() {
            for (j, entry) in line.iter_mut().enumerate() {
                *entry += row[i] * row[j];
            }
        }
    }
    let inverse = inverse(normal);
    let degrees = rows.len() - size;
    let quantile = student_quantile(degrees, level);
    let of = |at: usize| {
        let products: Vec<f64> = (0..size)
            .map(|i| {
                design
                    .iter()
                    .zip(rows)
                    .map(|(x, row)| x[i] * row.values[at])
                    .sum()
            })
            .collect();
        let beta: Vec<f64> = inverse
            .iter()
            .map(|line| line.iter().zip(&products).map(|(a, b)| a * b).sum())
            .collect();
        let residue = |x: &Vec<f64>, y: f64| y - x.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>();
        let squares: f64 = (design.iter().zip(rows))
            .map(|(x, row)| libm::pow(residue(x, row.values[at]), 2.0))
            .sum();
        Found {
            mean: beta[0],
            half_width: quantile * (squares / degrees as f64 * inverse[0][0]).sqrt(),
        }
    };
    (0..rows[0].values.len()).map(of).collect()
}

/// Gauss and Jordan; the matrix is small, symmetric and positive definite.
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for (at, row) in a.iter_mut().enumerate() {
        row.extend((0..n).map(|column| f64::from(u8::from(column == at))));
    }
    for at in 0..n {
        let pivot = a[at][at];
        assert!(pivot > 0.0, "controls are not linear in one another");
        a[at].iter_mut().for_each(|entry| *entry /= pivot);
        let line = a[at].clone();
        for (other, row) in a.iter_mut().enumerate() {
            if other != at {
                let factor = row[at];
                row.iter_mut()
                    .zip(&line)
                    .for_each(|(entry, by)| *entry -= factor * by);
            }
        }
    }
    a.into_iter().map(|row| row[n..].to_vec()).collect()
}

/// Counts requests of the counting time, and nothing else. For runs in which a request that fails does so at once.
#[derive(Clone, Debug)]
pub struct Tally {
    counting: (Time, Time),
    /// Requests, by session.
    pub requests: Vec<u64>,
    /// Those that failed for want of key, a full queue or a full link, by session.
    pub lost: Vec<u64>,
    /// Holding times that requests stated \[s\], by session.
    pub held_s: Vec<f64>,
    /// Failures for any other cause.
    pub otherwise: u64,
}

impl Tally {
    /// An observer of a plan's run.
    pub fn new(plan: &Plan) -> Tally {
        let sessions = plan.sessions.len();
        Tally {
            counting: plan.counting(),
            requests: vec![0; sessions],
            lost: vec![0; sessions],
            held_s: vec![0.0; sessions],
            otherwise: 0,
        }
    }

    /// The counting time \[s\].
    pub fn seconds(&self) -> f64 {
        self.counting.1.since(self.counting.0).as_seconds()
    }

    /// Share of a session's requests that failed.
    ///
    /// # Panics
    /// If any failed for another cause.
    pub fn blocking(&self, session: usize) -> f64 {
        assert_eq!(self.otherwise, 0, "nothing else goes wrong");
        self.lost[session] as f64 / self.requests[session] as f64
    }

    fn counts(&self, now: Time) -> bool {
        self.counting.0 <= now && now < self.counting.1
    }
}

impl Observer for Tally {
    #[inline]
    fn sent(&mut self, now: Time, envelope: &Envelope, _: bool) {
        if let Message::Service(qkdni::architecture::message::ServiceMessage::KeyRequest(order)) =
            &envelope.message
            && let Some(hold) = order.hold
            && self.counts(now)
        {
            self.held_s[order.request.session.index()] += hold.until.since(now).as_seconds();
        }
    }

    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}

    #[inline]
    fn observed(&mut self, now: Time, _: Address, observation: &Observation) {
        match *observation {
            Observation::Requested { request, .. } if self.counts(now) => {
                self.requests[request.session.index()] += 1;
            }
            Observation::Failed { request, cause } if self.counts(now) => match cause {
                FailureCause::InsufficientKey | FailureCause::QueueFull | FailureCause::SessionLimit => {
                    self.lost[request.session.index()] += 1;
                }
                _ => self.otherwise += 1,
            },
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}

/// One row of the table whose value is not estimated: an exact identity, or a published run.
#[derive(Clone, Debug)]
pub struct Exact {
    /// Number of the form.
    pub form: &'static str,
    /// What it is.
    pub quantity: String,
    /// Unit.
    pub unit: &'static str,
    /// What the runs gave.
    pub simulated: f64,
    /// What it should be.
    pub reference: f64,
    /// How a published reference is worded that is no number.
    #[allow(dead_code)] // for the soak
    pub wording: Option<&'static str>,
    /// Where the reference comes from.
    pub source: &'static str,
    /// By how much it may differ, absolutely.
    pub tolerance: f64,
    /// The scenario.
    pub scenario: &'static str,
}

/// All rows that are not estimated.
#[allow(dead_code)] // for the soak
pub fn exact() -> Vec<Exact> {
    let mut all = block_store::rows();
    all.extend(capacity::rows());
    all.extend(rerouting::rows());
    all.extend(latency::rows());
    all.extend(published::rows());
    all.extend(multipath::rows());
    all
}

/// Runs a replication with the auditor and holds it to all checks.
pub fn audited(plan: &Arc<Plan>, replication: u32) -> qkdni::observe::outcome::Outcome {
    let options = qkdni::network::Options::default();
    let outcome = qkdni::network::simulate_sampled(plan, replication, options, 1);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

/// A metric of an outcome.
pub fn metric(outcome: &qkdni::observe::outcome::Outcome, name: &str, scope: &str) -> f64 {
    let mut all = outcome.metrics.iter();
    let found = all.find(|metric| metric.name == name && metric.scope == scope);
    let value = found.and_then(|metric| metric.value);
    value.unwrap_or_else(|| panic!("{name} of {scope} is measured"))
}
