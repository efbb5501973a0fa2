//! The chains on which others are compared: their scenarios, and what must come out of them.

#![allow(clippy::float_cmp)] // counts are whole numbers, whatever type they come in

// Each program that includes this uses its part.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::{Measured, Outcome};
use qkdni::scenario;

/// Delay of one hop of the key-rate chain \[ns\]: 50 km of fibre.
pub const KEY_RATE_HOP_NS: u64 = 250_000;

/// Delay of one hop of QKDNetSim's chain \[ns\].
pub const QKDNETSIM_HOP_NS: u64 = 1_000_000;

/// The event loop alone.
pub const BARE: Options = Options {
    trace: false,
    audit: false,
};

/// With the auditor, as the program runs it.
pub const AUDITED: Options = Options {
    trace: false,
    audit: true,
};

/// A chain ready to run.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Name for tables.
    pub name: String,
    /// Nodes.
    pub nodes: u64,
    /// Delay of one hop \[ns\].
    pub hop_ns: u64,
    /// Keys that must be delivered, where the demand is periodic.
    pub keys: Option<u64>,
    plan: Arc<Plan>,
}

impl Chain {
    fn load(source: &str, sets: &[String], nodes: u64, hop_ns: u64, keys: Option<u64>) -> Chain {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("scenarios/peers")
            .join(source);
        let loaded = scenario::load(&path.to_string_lossy(), sets)
            .unwrap_or_else(|findings| panic!("the scenario is valid: {findings}"));
        Chain {
            name: source.replace(".json", ""),
            nodes,
            hop_ns,
            keys,
            plan: Arc::new(scenario::compile(&loaded.document)),
        }
    }

    /// The key-rate chain; `variant` is empty for three nodes.
    pub fn key_rate(nodes: u64, variant: &str) -> Chain {
        let source = format!("key-rate-chain.json{variant}");
        Chain::load(&source, &[], nodes, KEY_RATE_HOP_NS, None)
    }

    /// All key-rate chains: reduced, and the last with all messages.
    pub fn key_rates() -> [Chain; 4] {
        [(3, ""), (5, ":n5"), (10, ":n10"), (10, ":n10-full")]
            .map(|(nodes, variant)| Chain::key_rate(nodes, variant))
    }

    /// QKDNetSim's chain with requests until `until_s` seconds.
    pub fn qkdnetsim(nodes: u64, until_s: u64) -> Chain {
        let source = match nodes {
            5 => "qkdnetsim-chain.json".to_owned(),
            _ => format!("qkdnetsim-chain.json:n{nodes}"),
        };
        let sets = [
            format!("demands.ends.until={until_s} s"),
            format!("run.duration={} s", until_s - 40),
        ];
        let keys = Some(10 * (until_s - 50));
        let chain = Chain::load(&source, &sets, nodes, QKDNETSIM_HOP_NS, keys);
        let name = format!("qkdnetsim-chain, N = {nodes}, T = {until_s} s");
        Chain { name, ..chain }
    }

    /// Runs replication 0.
    pub fn run(&self, options: Options) -> Outcome {
        simulate(&self.plan, 0, options)
    }

    /// Holds an outcome to what the chain must deliver; returns the keys that it delivered.
    ///
    /// Every request is delivered, none of its key was spent in vain, and every relay took exactly (N − 1) hop delays.
    pub fn check(&self, outcome: &Outcome) -> u64 {
        // What is asked for here are whole numbers.
        let whole = |name| {
            let value = metric(outcome, name).value.expect("something was measured");
            assert!(
                value >= 0.0 && value.fract().abs() < f64::EPSILON,
                "{name} is {value}"
            );
            value as u64
        };
        let (requests, delivered) = (whole("requests"), whole("delivered"));
        assert!(requests > 0, "{}: nobody asked", self.name);
        assert_eq!(requests, delivered, "{}: all requests are delivered", self.name);
        let hops = self.nodes - 1;
        assert_eq!(whole("link_key_bits_per_key_bit"), hops, "{}", self.name);
        assert_eq!(whole("wasted_link_key_bits"), 0, "{}", self.name);
        let relays = &metric(outcome, "relay_latency_s").samples_ns;
        assert_eq!(
            relays.len() as u64,
            delivered,
            "{}: every relay is timed",
            self.name
        );
        for &relay in relays {
            assert_eq!(relay, hops * self.hop_ns, "{}: relay latency", self.name);
        }
        for check in &outcome.audit {
            assert!(check.passed, "{}: {} {}", self.name, check.check, check.detail);
        }
        let keys = outcome.requests.iter().map(|request| request.bits / 256).sum();
        if let Some(expected) = self.keys {
            assert_eq!(keys, expected, "{}: keys delivered", self.name);
        }
        keys
    }
}

fn metric<'a>(outcome: &'a Outcome, name: &str) -> &'a Measured {
    let mut metrics = outcome.metrics.iter();
    metrics
        .find(|metric| metric.name == name && metric.scope == "network")
        .expect("the metric is there")
}
