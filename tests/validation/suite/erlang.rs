//! Form 4: Erlang B, with exponential and with fixed holding times, and sessions over two such links.

use std::sync::Arc;

use qkdni::network::plan::Plan;
use qkdni::network::world::World;

use super::{Effort, Estimates, Experiment, Quantity, Tally};

/// Blocking of c places under a load of a \[Erlang\].
pub fn erlang_b(load: f64, places: u32) -> f64 {
    (1..=places).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// Blocking of sessions over two links of c places each, exactly: the product form of loss networks (Kelly, Adv. Appl. Prob.
/// 18 (1986) 473). Loads over the first link alone, the second alone, both.
pub fn two_links(loads: [f64; 3], places: usize) -> f64 {
    let weight = |load: f64| {
        let mut all = vec![1.0];
        for n in 1..=places {
            all.push(all[n - 1] * load / n as f64);
        }
        all
    };
    let [first, second, both] = loads.map(weight);
    // Those over both leave so much for the others.
    let up_to = |weights: &[f64], left: usize| weights[..=left].iter().sum::<f64>();
    let (mut all, mut admitting) = (0.0, 0.0);
    for (n, weight) in both.iter().enumerate() {
        let left = places - n;
        all += weight * up_to(&first, left) * up_to(&second, left);
        if left > 0 {
            admitting += weight * up_to(&first, left - 1) * up_to(&second, left - 1);
        }
    }
    1.0 - admitting / all
}

fn tally(plan: &Arc<Plan>, replication: u32) -> Tally {
    let mut world = World::new(Arc::clone(plan), replication, Tally::new(plan));
    world.run();
    world.into_observer()
}

/// Number of sessions, and what they held beyond their mean: both known on average.
fn controls(plan: &Plan, tally: &Tally) -> Vec<f64> {
    const HOLDING_S: f64 = 60.0;
    let mut controls = Vec::new();
    for (session, demand) in plan.sessions.values().enumerate() {
        let requests = tally.requests[session] as f64;
        controls.push(requests - demand.arrivals.mean_rate() * tally.seconds());
        let excess = tally.held_s[session] - HOLDING_S * requests;
        // Fixed holding times have none, but for nanoseconds.
        if excess.abs() > 1e-3 * HOLDING_S {
            controls.push(excess);
        }
    }
    controls
}

fn estimate(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let tally = tally(plan, replication);
    Estimates {
        values: vec![tally.blocking(0)],
        controls: controls(plan, &tally),
    }
}

fn estimate_both(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let tally = tally(plan, replication);
    Estimates {
        values: vec![tally.blocking(2)],
        controls: controls(plan, &tally),
    }
}

/// Loads and limits of the closed form, and the two links.
pub fn experiments() -> Vec<Experiment> {
    let mut all = Vec::new();
    for (load, places, days, half_width) in [
        (5u32, 10u32, "40 d", 0.35),
        (10, 10, "4 d", 0.12),
        (20, 30, "56 d", 0.5),
        (50, 60, "8 d", 0.35),
    ] {
        for law in ["exponential", "fixed"] {
            let variant = match (load, places, law) {
                (5, 10, "exponential") => String::new(),
                (_, _, "fixed") => format!(":b-{load}-{places}-fixed"),
                _ => format!(":b-{load}-{places}"),
            };
            all.push(Experiment {
                form: "4",
                scenario: format!("erlang.json{variant}"),
                quantities: vec![Quantity {
                    name: format!("Erlang B({load},{places}), {law} holding time"),
                    exact: erlang_b(f64::from(load), places),
                    reduced_half_width: half_width,
                }],
                full: Effort {
                    replications: 64,
                    duration: days,
                },
                reduced: Effort {
                    replications: 16,
                    duration: "12 h",
                },
                estimate,
            });
        }
    }
    all.push(Experiment {
        form: "4",
        scenario: "loss-network.json".to_owned(),
        quantities: vec![Quantity {
            name: "blocking over two links of 10, loads 6, 6 and 2 over both (product form)".to_owned(),
            exact: two_links([6.0, 6.0, 2.0], 10),
            reduced_half_width: 0.25,
        }],
        full: Effort {
            replications: 64,
            duration: "16 d",
        },
        reduced: Effort {
            replications: 16,
            duration: "12 h",
        },
        estimate: estimate_both,
    });
    all
}
