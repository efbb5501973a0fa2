//! A scenario made in code: two chains of QKDN nodes of any length, joined by gateway nodes, and what each further hop
//! costs.
//!
//! A scenario is JSON, so that whatever is made here can be written to a file and given to the program as well.
//!
//! ```text
//! cargo run --release --example build_scenario
//! ```

use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load_text};
use serde_json::{Value, json};

/// A QKDN whose nodes stand in a row.
fn chain(name: &str, nodes: usize) -> Value {
    let node = |number: usize| format!("{}{number}", name.to_lowercase());
    let links: Vec<Value> = (1..nodes)
        .map(|number| {
            json!({
                "id": format!("{}-{}", node(number), node(number + 1)),
                "between": [node(number), node(number + 1)],
                "length": "25 km",
                "model": { "fixed_rate": { "rate": "32 kbit/s", "block": "3200 bit" } },
                "store": { "initial": "16 kbit", "capacity": "1 Mbit" }
            })
        })
        .collect();
    let nodes: Vec<Value> = (1..=nodes).map(|number| json!({ "id": node(number) })).collect();
    json!({ "id": name, "nodes": nodes, "links": links })
}

/// Two such QKDNs, the last node of A joined to the first of B, and a demand from end to end.
fn scenario(nodes: usize) -> Value {
    json!({
        "name": format!("chain-of-{}", 2 * nodes),
        "run": { "warm_up": "5 s", "duration": "65 s", "seed": 1, "replications": 1 },
        "qkdns": [chain("A", nodes), chain("B", nodes)],
        "boundaries": [{
            "id": "border",
            "between": [format!("A/a{nodes}"), "B/b1"],
            "duct": { "length": "30 km" },
            "kind": { "gwn": { "link": {
                "model": { "fixed_rate": { "rate": "32 kbit/s", "block": "3200 bit" } },
                "store": { "initial": "16 kbit", "capacity": "1 Mbit" }
            } } }
        }],
        "demands": [{
            "id": "end-to-end",
            "between": ["A/a1", format!("B/b{nodes}")],
            "arrivals": { "poisson": { "rate": "20 /s" } },
            "key": "256 bit",
            "timeout": "5 s"
        }]
    })
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let found = (outcome.metrics.iter()).find(|it| it.name == name && it.scope == "network");
    found.and_then(|it| it.value).expect("it is measured")
}

/// Runs chains of several lengths.
pub fn main() {
    println!("hops  served  mean delay  link key per key");
    for nodes in 2..=5 {
        let text = scenario(nodes).to_string();
        // The same findings as of a file, all at once.
        let loaded = load_text("chain", &text, &[]).unwrap_or_else(|findings| panic!("{findings}"));
        let plan = Arc::new(compile(&loaded.document));
        let outcome = simulate(&plan, 0, Options::default());
        assert!(outcome.audit.iter().all(|check| check.passed));
        let hops = 2 * nodes - 1;
        let per_key = metric(&outcome, "link_key_bits_per_key_bit");
        assert!(
            (per_key - hops as f64).abs() < 1e-9,
            "each hop spends as much key as it carries"
        );
        println!(
            "{hops:>4}  {:.4}  {:.3} ms  {per_key:.1}",
            metric(&outcome, "served_share"),
            1e3 * metric(&outcome, "kkrd_s"),
        );
    }
}
