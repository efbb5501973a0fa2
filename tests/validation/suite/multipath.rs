//! Form 12: with XOR over disjoint paths a key is compromised only where every leg, or a node that all share, is.

use std::collections::BTreeSet;

use qkdni::network::{Options, simulate};
use serde_json::Value;

use super::{Exact, plan};

/// Probability that a relay is compromised.
const Q: f64 = 0.1;

/// Over all sets of compromised relays, from the custody records of every key of a run. Also at other probabilities, which
/// have no rows of their own.
pub fn rows() -> Vec<Exact> {
    let one_border = ["boundaries.first=null", "boundaries.second=null"];
    let cases = [
        ("scenarios/protection.json", &[][..], 0, vec![2]),
        ("scenarios/protection.json:xor-2", &[], 0, vec![2, 2]),
        ("scenarios/protection.json:xor-3", &[], 0, vec![2, 2, 3]),
        // Over one border both its nodes are shared.
        ("scenarios/protection.json:xor-2", &one_border, 2, vec![1, 2]),
    ];
    let rows = cases.map(|(scenario, borders, shared, alone)| {
        let keys = custody(scenario, &[&["faults=[]"], borders].concat());
        assert!(keys.len() > 300, "{scenario}: {} keys", keys.len());
        // Each key's probability: all alike, so that the worst stands for them.
        let worst = |q: f64| {
            let exact = closed_form(shared, &alone, q);
            let found = keys.iter().map(|legs| compromised(legs, q));
            let far = |one: &f64, other: &f64| (one - exact).abs().total_cmp(&(other - exact).abs());
            (found.max_by(far).expect("there are keys"), exact)
        };
        for q in [0.01, 0.5, 0.9] {
            let (found, exact) = worst(q);
            assert!(
                (found - exact).abs() < 1e-12,
                "{scenario}, q {q}: {found}, {exact}"
            );
        }
        let (simulated, reference) = worst(Q);
        let legs: Vec<String> = alone.iter().map(ToString::to_string).collect();
        Exact {
            form: "12",
            quantity: format!(
                "P(compromise), q {Q}, {} relays on the legs alone, {shared} shared, all {} keys",
                legs.join(" + "),
                keys.len()
            ),
            unit: "1",
            simulated,
            reference,
            wording: None,
            source: "1 − (1−q)^s · [1 − Π (1 − (1−q)^h)]",
            tolerance: 1e-12,
            scenario,
        }
    });
    rows.into()
}

fn closed_form(shared: usize, alone: &[usize], q: f64) -> f64 {
    let none = |count: usize| libm::pow(1.0 - q, count as f64);
    let every: f64 = alone.iter().map(|&count| 1.0 - none(count)).product();
    1.0 - none(shared) * (1.0 - every)
}

/// Of every key that a run supplied: the relays of each leg.
fn custody(scenario: &str, sets: &[&str]) -> Vec<Vec<BTreeSet<String>>> {
    let watched = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&plan(scenario.trim_start_matches("scenarios/"), sets), 0, watched);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    let lines = outcome.trail.split(|&byte| byte == b'\n');
    let keys = lines.filter(|line| !line.is_empty());
    keys.map(|line| {
        let key: Value = serde_json::from_slice(line).expect("a line is JSON");
        let legs: Vec<BTreeSet<String>> = match key.get("legs_computable_by") {
            Some(legs) => legs.as_array().expect("a list").iter().map(relays).collect(),
            None => vec![relays(&key["computable_by"])],
        };
        if legs.len() > 1 {
            // Alone, only a shared node has the key.
            let shared = legs.iter().skip(1).fold(legs[0].clone(), |both, leg| &both & leg);
            assert_eq!(relays(&key["computable_by"]), shared);
        }
        legs
    })
    .collect()
}

/// The nodes of a list, without those of the applications.
fn relays(names: &Value) -> BTreeSet<String> {
    let names = names.as_array().expect("a list").iter();
    let names = names.map(|name| name.as_str().expect("a name").to_owned());
    names.filter(|name| name != "A/a1" && name != "B/b1").collect()
}

/// The probability that every leg has a compromised node, by summing over all sets of nodes.
fn compromised(legs: &[BTreeSet<String>], q: f64) -> f64 {
    let nodes: BTreeSet<&String> = legs.iter().flatten().collect();
    let nodes: Vec<&String> = nodes.into_iter().collect();
    (0..1u32 << nodes.len())
        .map(|set| {
            let is_in = |at: usize| set >> at & 1 == 1;
            let lost = |leg: &BTreeSet<String>| {
                let mut all = nodes.iter().enumerate();
                all.any(|(at, node)| is_in(at) && leg.contains(*node))
            };
            let weight = |at| if is_in(at) { q } else { 1.0 - q };
            let probability: f64 = (0..nodes.len()).map(weight).product();
            if legs.iter().all(lost) { probability } else { 0.0 }
        })
        .sum()
}
