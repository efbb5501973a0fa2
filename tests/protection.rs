//! Protection in whole runs: legs that carry shares of a key or the same key, over ways that keep out of each other's
//! nodes.

#![allow(clippy::float_cmp)] // amounts are whole numbers, carried exactly

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qkdni::network::plan::{MaterialPlan, Plan};
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load};
use serde_json::Value;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

/// The plan of a variant of `scenarios/protection.json` with other settings, and with real bits.
fn plan(variant: &str, sets: &[&str]) -> Arc<Plan> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let file = format!("scenarios/protection.json{variant}");
    let loaded = load::load(&file, &sets).unwrap_or_else(|findings| panic!("{}", findings.render()));
    let mut plan = compile::compile(&loaded.document);
    plan.material = Some(MaterialPlan::default());
    Arc::new(plan)
}

/// Nothing breaks.
const CALM: &[&str] = &["faults=[]"];

fn run(plan: &Arc<Plan>) -> Outcome {
    let outcome = simulate(plan, 0, WATCHED);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

fn metric(outcome: &Outcome, name: &str, scope: &str) -> f64 {
    let mut found = outcome.metrics.iter().filter(|metric| metric.name == name && metric.scope == scope);
    let metric = found.next().unwrap_or_else(|| panic!("{name} of {scope}"));
    metric.value.unwrap_or_else(|| panic!("{name} of {scope} has a value"))
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()
}

/// The nodes that relay the keys of each leg, by the messages that were sent.
fn relays(outcome: &Outcome) -> BTreeMap<String, BTreeSet<String>> {
    let mut relays: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines(&outcome.trace) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        if text("message") == "key relay" {
            let km = |name: String| name.trim_start_matches("KMA ").to_owned();
            let of = relays.entry(text("session")).or_default();
            of.extend([km(text("from")), km(text("to"))]);
        }
    }
    for nodes in relays.values_mut() {
        nodes.retain(|node| node != "A/a1" && node != "B/b1");
    }
    relays
}

#[test]
fn the_sum_of_all_legs_is_the_key_at_both_ends() {
    for (variant, legs) in [(":xor-2", 2), (":xor-3", 3)] {
        let outcome = run(&plan(variant, CALM));
        let delivered = metric(&outcome, "delivered", "network");
        assert!(delivered > 300.0 && metric(&outcome, "served_share", "network") == 1.0);
        assert_eq!(metric(&outcome, "kkder", "network"), 0.0);
        assert_eq!(delivered, metric(&outcome, "delivered", "demand:d1"));
        assert!(outcome.requests.iter().all(|request| request.demand == "d1"));

        let relays = relays(&outcome);
        assert_eq!(relays.len(), legs, "{relays:?}");
        let all: Vec<&String> = relays.values().flatten().collect();
        let distinct: BTreeSet<&&String> = all.iter().collect();
        assert_eq!(all.len(), distinct.len(), "node-disjoint: {relays:?}");
        let hops: usize = relays.values().map(|nodes| nodes.len() + 1).sum();
        assert_eq!(metric(&outcome, "link_key_bits_per_key_bit", "network"), hops as f64);
    }
}

#[test]
fn the_first_of_two_legs_supplies_and_the_other_is_a_cost() {
    let outcome = run(&plan(":one-plus-one", CALM));
    assert_eq!(metric(&outcome, "served_share", "network"), 1.0);
    assert_eq!(metric(&outcome, "kkder", "network"), 0.0);
    assert_eq!(metric(&outcome, "wasted_link_key_bits", "network"), 0.0);
    let relays = relays(&outcome);
    let hops: usize = relays.values().map(|nodes| nodes.len() + 1).sum();
    assert_eq!(relays.len(), 2);
    assert_eq!(metric(&outcome, "link_key_bits_per_key_bit", "network"), hops as f64);
    // The nearer leg supplies: as fast as without protection.
    let alone = run(&plan("", CALM));
    let [both, one] = [&outcome, &alone].map(|outcome| metric(outcome, "relay_latency_s", "network"));
    assert!(both <= one, "{both} against {one}");
}
