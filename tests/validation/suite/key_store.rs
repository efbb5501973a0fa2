//! Form 1: a key store as M/M/1/K. Keys come at rate g, requests at rate c, and are lost where the store is empty; with
//! r = g/c, P_n = rⁿ(1 − r)/(1 − r^(K+1)): blocking is P_0, the share of keys that overflow P_K.

use std::sync::Arc;

use qkdni::network::plan::Plan;
use qkdni::network::world::World;

use super::{Effort, Estimates, Experiment, Quantity, Tally};

/// P_0 and P_K.
pub fn closed_form(g: f64, c: f64, places: i32) -> [f64; 2] {
    let r = g / c;
    if (r - 1.0).abs() < 1e-12 {
        return [1.0 / f64::from(places + 1); 2];
    }
    let p0 = (1.0 - r) / (1.0 - libm::pow(r, f64::from(places + 1)));
    [p0, p0 * libm::pow(r, f64::from(places))]
}

const BITS: u64 = 256;

/// Blocking and overflow of one replication; how many keys and requests came is known on average.
fn estimate(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let mut world = World::new(Arc::clone(plan), replication, Tally::new(plan));
    world.run();
    let [before, after] = world
        .snapshots()
        .clone()
        .map(|look| look.expect("counted").books[0]);
    let generated = (after.generated - before.generated) / BITS;
    let overflow = (after.discarded - before.discarded) / BITS;
    let spent = (after.spent - before.spent) / BITS;
    let tally = world.into_observer();
    // g(1 − P_K) = c(1 − P_0), key by key.
    assert_eq!(spent, tally.requests[0] - tally.lost[0]);
    assert_eq!(
        generated + before.stored / BITS,
        overflow + spent + after.stored / BITS
    );
    let (asked, seconds) = (plan.sessions.values().next().expect("one"), tally.seconds());
    let rate = plan
        .links
        .values()
        .next()
        .expect("one")
        .schedule
        .expect("it makes key")
        .rate_bps();
    Estimates {
        values: vec![tally.blocking(0), overflow as f64 / generated as f64],
        controls: vec![
            generated as f64 - rate / BITS as f64 * seconds,
            tally.requests[0] as f64 - asked.arrivals.mean_rate() * seconds,
        ],
    }
}

/// Blocking alone: overflow is too rare to be measured to 1 %.
fn estimate_blocking(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let mut found = estimate(plan, replication);
    found.values.truncate(1);
    found
}

/// g 10, c 12, K 50, and g = c = 10, K 100.
pub fn experiments() -> Vec<Experiment> {
    let quantity = |name: &str, exact, reduced_half_width| Quantity {
        name: name.to_owned(),
        exact,
        reduced_half_width,
    };
    let [blocking, _] = closed_form(10.0, 12.0, 50);
    let [even, overflow] = closed_form(10.0, 10.0, 100);
    vec![
        Experiment {
            form: "1",
            scenario: "key-store.json".to_owned(),
            quantities: vec![quantity("blocking P_0, g 10, c 12, K 50", blocking, 0.01)],
            full: Effort {
                replications: 32,
                duration: "5000 s",
            },
            reduced: Effort {
                replications: 16,
                duration: "5000 s",
            },
            estimate: estimate_blocking,
        },
        Experiment {
            form: "1",
            scenario: "key-store.json:even".to_owned(),
            quantities: vec![
                quantity("blocking P_0, g = c = 10, K 100", even, 0.25),
                quantity("overflow P_K, g = c = 10, K 100", overflow, 0.25),
            ],
            full: Effort {
                replications: 100,
                duration: "300000 s",
            },
            reduced: Effort {
                replications: 16,
                duration: "10000 s",
            },
            estimate,
        },
    ]
}
