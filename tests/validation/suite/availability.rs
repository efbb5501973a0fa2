//! Form 6: availability A = MTBF/(MTBF + MTTR), of a link, of a path (the product), of two disjoint paths. What is estimated is
//! the complement.

use std::sync::Arc;

use qkdni::network::plan::Plan;
use qkdni::network::world::World;
use qkdni::observe::Unobserved;

use super::{Effort, Estimates, Experiment, Quantity};

const REPAIR_H: f64 = 12.0;
/// 2.73 cuts per 1000 km and year on 80 km.
const LINK_MTBF_H: f64 = 40_110.0;
/// Up .99966 of the time.
const NODE_MTBF_H: f64 = 35_282.0;

fn up(mtbf_h: f64) -> f64 {
    mtbf_h / (mtbf_h + REPAIR_H)
}

fn estimate(plan: &Arc<Plan>, replication: u32) -> Estimates {
    let plan = plan.of_replication(replication);
    let mut world = World::new(plan, replication, Unobserved);
    world.run();
    let availability = world.availability();
    let measured = availability
        .values()
        .next()
        .expect("one demand")
        .expect("it was followed");
    Estimates {
        values: vec![1.0 - measured],
        controls: Vec::new(),
    }
}

/// One link, five links and four relays, two such paths.
pub fn experiments() -> Vec<Experiment> {
    let link = up(LINK_MTBF_H);
    let path = libm::pow(link, 5.0) * libm::pow(up(NODE_MTBF_H), 4.0);
    // Parts that fail 20 times as often: of the published rates both paths are down 8 times in a million.
    let often = libm::pow(up(LINK_MTBF_H / 20.0), 5.0) * libm::pow(up(NODE_MTBF_H / 20.0), 4.0);
    let experiment = |variant: &str, name: &str, exact, half_width, full, reduced| Experiment {
        form: "6",
        scenario: format!("availability.json{variant}"),
        quantities: vec![Quantity {
            name: format!("unavailability 1 - A, {name}"),
            exact,
            reduced_half_width: half_width,
        }],
        full: Effort {
            replications: full,
            duration: "36000 d",
        },
        reduced: Effort {
            replications: reduced,
            duration: "36000 d",
        },
        estimate,
    };
    vec![
        experiment("", "link of 80 km", 1.0 - link, 0.1, 9_000, 150),
        experiment(":series", "5 hops and 4 nodes", 1.0 - path, 0.1, 1_100, 30),
        experiment(
            ":parallel",
            "two disjoint such paths, failures x 20",
            (1.0 - often) * (1.0 - often),
            0.25,
            700,
            8,
        ),
    ]
}
