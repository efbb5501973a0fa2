//! Whole runs on other event queues: the ladder changes nothing against the plain heap, and nothing rests on how events of
//! one instant are ordered.

use std::sync::Arc;

use qkdni::kernel::{HeapQueue, ShuffleQueue};
use qkdni::network::{Options, simulate_on, simulate_sampled};
use qkdni::scenario::{compile, load};

const SCENARIOS: [&str; 4] = [
    "scenarios/clause8/gwn-dd.json:border-cut",
    "scenarios/clause8/iwn-cd.json:border-cut",
    "scenarios/relay-schemes.json",
    "scenarios/faults.json",
];
const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

fn plan(scenario: &str) -> Arc<qkdni::network::plan::Plan> {
    let sets = ["run.duration=45 s".to_owned()];
    let loaded = load(scenario, &sets).unwrap_or_else(|findings| panic!("{scenario}: {findings}"));
    Arc::new(compile(&loaded.document))
}

#[test]
fn a_world_on_the_plain_heap_gives_the_same_bytes() {
    for scenario in SCENARIOS {
        let plan = plan(scenario);
        let ladder = simulate_sampled(&plan, 0, WATCHED, 3);
        let heap = simulate_on(&plan, 0, WATCHED, 3, HeapQueue::new());
        assert!(!ladder.trace.is_empty());
        assert!(ladder.trace == heap.trace, "{scenario}: traces differ");
        let whole =
            |outcome: &qkdni::observe::outcome::Outcome| format!("{:?} {:?}", outcome.metrics, outcome.audit);
        assert_eq!(whole(&ladder), whole(&heap), "{scenario}");
    }
}

#[test]
fn the_audit_passes_whatever_the_order_at_one_instant() {
    for scenario in SCENARIOS {
        let plan = plan(scenario);
        for seed in 0..4 {
            let outcome = simulate_on(&plan, 0, WATCHED, 0, ShuffleQueue::new(seed));
            for check in &outcome.audit {
                assert!(
                    check.passed,
                    "{scenario}, ties by {seed}: {}: {}",
                    check.check, check.detail
                );
            }
        }
    }
}
