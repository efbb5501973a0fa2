//! Form 3: a key manager as a server: M/D/1 with Wq = ρD/(2(1 − ρ)), and M/M/1/K.

use std::sync::Arc;

use qkdni::kernel::Time;
use qkdni::network::plan::Plan;
use qkdni::network::servers::ServerLog;
use qkdni::network::world::World;

use super::{Effort, Estimates, Experiment, Quantity, Tally};

/// p_K, L and W of M/M/1/K.
pub fn mm1k(arrivals: f64, service: f64, places: i32) -> [f64; 3] {
    let r = arrivals * service;
    let p = |n: i32| (1.0 - r) * libm::pow(r, f64::from(n)) / (1.0 - libm::pow(r, f64::from(places + 1)));
    let l: f64 = (0..=places).map(|n| f64::from(n) * p(n)).sum();
    [p(places), l, l / (arrivals * (1.0 - p(places)))]
}

/// One replication: what became of the messages at the source's key manager, the number of requests, the end.
fn run(plan: &Arc<Plan>, replication: u32) -> (ServerLog, Tally, Time) {
    let mut world = World::new(Arc::clone(plan), replication, Tally::new(plan));
    world.run();
    let server = world.servers()[0];
    assert!(server.queue.holds(), "L = λ·W: {:?}", server.queue);
    (server, world.into_observer(), plan.end())
}

fn controls(plan: &Plan, tally: &Tally) -> Vec<f64> {
    let rate = plan.sessions.values().next().expect("one").arrivals.mean_rate();
    vec![tally.requests[0] as f64 - rate * tally.seconds()]
}

fn estimate_md1(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let (server, tally, _) = run(plan, replication);
    let sojourn = server.queue.spent as f64 / server.queue.left as f64;
    let service = plan.processing.key_manager.0 as f64;
    Estimates {
        values: vec![(sojourn - service) / 1e9],
        controls: controls(plan, &tally),
    }
}

fn estimate_mm1k(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let (server, tally, end) = run(plan, replication);
    let offered = server.refused + server.queue.entered;
    Estimates {
        values: vec![
            server.refused as f64 / offered as f64,
            server.queue.mean_count(end),
            server.queue.spent as f64 / server.queue.left as f64 / 1e9,
        ],
        controls: controls(plan, &tally),
    }
}

/// ρ .8; ten places.
pub fn experiments() -> Vec<Experiment> {
    let quantity = |name: &str, exact, reduced_half_width| Quantity {
        name: name.to_owned(),
        exact,
        reduced_half_width,
    };
    let [refused, count, time] = mm1k(0.8, 1.0, 10);
    vec![
        Experiment {
            form: "3",
            scenario: "km-server.json".to_owned(),
            quantities: vec![quantity("wait Wq [s], M/D/1, ρ .8, D 1 s", 2.0, 0.08)],
            full: Effort {
                replications: 64,
                duration: "300000 s",
            },
            reduced: Effort {
                replications: 16,
                duration: "50000 s",
            },
            estimate: estimate_md1,
        },
        Experiment {
            form: "3",
            scenario: "km-server.json:exponential-queue".to_owned(),
            quantities: vec![
                quantity("refused p_K, M/M/1/10, ρ .8", refused, 0.2),
                quantity("messages L, M/M/1/10, ρ .8", count, 0.05),
                quantity("time W [s], M/M/1/10, ρ .8", time, 0.05),
            ],
            full: Effort {
                replications: 64,
                duration: "1200000 s",
            },
            reduced: Effort {
                replications: 16,
                duration: "50000 s",
            },
            estimate: estimate_mm1k,
        },
    ]
}
