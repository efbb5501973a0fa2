//! Protection in whole runs: legs that carry shares of a key or the same key, over ways that keep out of each other's
//! nodes.

#![allow(clippy::float_cmp)] // amounts are whole numbers, carried exactly

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qkdni::network::plan::{MaterialPlan, Plan};
use qkdni::network::{Options, simulate, simulate_sampled};
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
    let mut found = outcome
        .metrics
        .iter()
        .filter(|metric| metric.name == name && metric.scope == scope);
    let metric = found.next().unwrap_or_else(|| panic!("{name} of {scope}"));
    metric
        .value
        .unwrap_or_else(|| panic!("{name} of {scope} has a value"))
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
        .collect()
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
        assert_eq!(
            metric(&outcome, "link_key_bits_per_key_bit", "network"),
            hops as f64
        );
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
    assert_eq!(
        metric(&outcome, "link_key_bits_per_key_bit", "network"),
        hops as f64
    );
    // The nearer leg supplies: as fast as without protection.
    let alone = run(&plan("", CALM));
    let [both, one] = [&outcome, &alone].map(|outcome| metric(outcome, "relay_latency_s", "network"));
    assert!(both <= one, "{both} against {one}");
}

/// Shows S5: no single relay reads a key whose legs share no node; each relay of either leg reads one that both carry.
#[test]
fn one_compromised_relay_reads_no_sum() {
    let relays_of = |outcome: &Outcome, scopes: &[&str]| -> Vec<f64> {
        let of = scopes
            .iter()
            .map(|node| metric(outcome, "exposed_bits_per_node", &format!("node:{node}")));
        of.collect()
    };
    let all = ["A/a2", "A/a3", "A/a4", "A/a5", "B/b2", "B/b3", "B/b4"];
    let sum = run(&plan(":xor-3", CALM));
    assert!(relays_of(&sum, &all).iter().all(|&bits| bits == 0.0));
    let delivered = metric(&sum, "delivered_bits", "network");
    assert_eq!(metric(&sum, "exposed_bits_per_node", "node:A/a1"), delivered);
    // An operator has a node on every leg.
    assert_eq!(metric(&sum, "exposed_bits_per_node", "qkdn:A"), delivered);
    let both = run(&plan(":one-plus-one", CALM));
    let delivered = metric(&both, "delivered_bits", "network");
    let exposed = relays_of(&both, &all);
    assert_eq!(
        exposed.iter().filter(|&&bits| bits == delivered).count(),
        4,
        "{exposed:?}"
    );
}

/// Shows A5 and S6: which nodes a leg passes is told inside its QKDN only, over Cx; across the border its group and place are
/// all that is said.
#[test]
fn where_legs_pass_is_told_inside_a_qkdn_only() {
    let outcome = run(&plan(":xor-3", CALM));
    let told: Vec<Value> = lines(&outcome.trace)
        .into_iter()
        .filter(|line| line["message"] == "leg route")
        .collect();
    assert!(!told.is_empty(), "A is controlled by several controllers");
    for line in &told {
        assert_eq!(line["reference_point"], "Cx");
        assert_eq!(line["provenance"], "inferred");
    }
    // The controllers at the three borders of A tell the two others; B has one controller.
    let sessions: BTreeSet<&str> = told.iter().filter_map(|line| line["session"].as_str()).collect();
    assert_eq!(sessions, BTreeSet::from(["d1/leg1", "d1/leg2", "d1/leg3"]));
    assert!(told.iter().all(|line| {
        line["from"]
            .as_str()
            .is_some_and(|from| from.starts_with("controller A/"))
    }));
}

/// How long the loss of a gateway node kept the applications without keys.
fn interruption(outcome: &Outcome, session: &str) -> Option<f64> {
    let records = outcome.reroutes.iter().filter(|record| record.session == session);
    let lengths = records.filter_map(|record| record.service_interruption_ns);
    lengths.max().map(|ns| ns as f64 / 1e9)
}

#[test]
fn with_two_legs_nobody_notices_that_one_is_lost() {
    let both = run(&plan(":one-plus-one", &[]));
    assert_eq!(metric(&both, "service_interruption_s", "demand:d1"), 0.0);
    assert_eq!(metric(&both, "served_share", "demand:d1"), 1.0);
    assert_eq!(interruption(&both, "d1/leg1"), Some(0.0));
    let alone = run(&plan("", &[]));
    assert!(metric(&alone, "service_interruption_s", "demand:d1") > 0.5);
    // A sum fails with any of its legs, until that has another way.
    let sum = run(&plan(":xor-2", &[]));
    assert!(metric(&sum, "service_interruption_s", "demand:d1") > 0.5);
    assert_eq!(metric(&sum, "kkder", "demand:d1"), 0.0);
}

/// Shows 1:1: the source goes over to keys that were relayed ahead without an analysis, a computation or an agreement; the
/// stages sum to the nanosecond.
#[test]
fn keys_relayed_ahead_serve_as_soon_as_the_failure_is_known() {
    for variant in [":one-to-one", ":one-to-n"] {
        let outcome = run(&plan(variant, &[]));
        let record = outcome.reroutes.iter().find(|record| record.session == "d1");
        let record = record.unwrap_or_else(|| panic!("{variant}: {:?}", outcome.reroutes));
        assert_eq!(record.stages_ns[2..5], [Some(0); 3], "{variant}: {record:?}");
        assert_eq!(record.stages_ns[6], Some(0), "{variant}: nothing is installed");
        let sum: u64 = record.stages_ns[..7]
            .iter()
            .copied()
            .sum::<Option<u64>>()
            .expect("all are reached");
        assert_eq!(record.control_plane_ns(), Some(sum));
        assert_eq!(metric(&outcome, "kkder", "network"), 0.0);
        // Before the failure requests go their own way, and the pool stays full.
        let drawn = lines(&outcome.trace);
        let drawn = drawn.iter().filter(|line| {
            line["session"] == "d1"
                && line["message"] == "key supply"
                && line["t_ns"].as_u64() < Some(20_000_000_000)
        });
        assert!(drawn.count() > 300);
        // From then on they are supplied from the pool, whose keys went over other nodes.
        let keys = lines(&outcome.trail);
        let after = keys.iter().filter(|key| {
            let sent = key["requested_ns"].as_u64().expect("a number");
            key["session"] == "d1" && (21_000_000_000..29_000_000_000).contains(&sent)
        });
        let ways: BTreeSet<String> = after.map(|key| key["computable_by"].to_string()).collect();
        assert!(
            !ways.is_empty() && ways.iter().all(|way| !way.contains("B/b2")),
            "{ways:?}"
        );
        assert_eq!(metric(&outcome, "served_share", "network"), 1.0);
    }
}

/// Where the controller that decides on the route is lost with it nobody tells the source, who finds out by itself.
#[test]
fn keys_relayed_ahead_serve_where_nobody_is_left_to_tell() {
    let [ahead, alone] = [":one-to-one", ""].map(|variant| {
        let outcome = run(&plan(variant, &["faults.loss.fault.node_loss.node=A/a2"]));
        metric(&outcome, "served_share", "demand:d1")
    });
    assert!(ahead >= alone && ahead > 0.95, "{ahead} against {alone}");
}

/// Shows pools: what was relayed ahead is supplied at once, costs what its relay cost, and is refilled between the
/// watermarks; what remains is stock.
#[test]
fn a_pool_supplies_at_once_and_is_refilled_between_its_watermarks() {
    let plan_of_pool = plan(":pool", CALM);
    let outcome = simulate_sampled(&plan_of_pool, 0, WATCHED, 400);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    let alone = run(&plan("", CALM));
    let [ahead, without] = [&outcome, &alone].map(|outcome| metric(outcome, "kkrd_s", "demand:d1"));
    assert!(ahead < without / 2.0, "{ahead} s against {without} s");
    assert_eq!(metric(&outcome, "served_share", "demand:d1"), 1.0);
    assert_eq!(metric(&outcome, "link_key_bits_per_key_bit", "demand:d1"), 3.0);
    assert!(outcome.requests.iter().all(|request| request.demand == "d1"));
    let series = |name: &str| {
        let mut found = outcome
            .series
            .series
            .iter()
            .filter(|it| it.element == "pool:ahead" && it.name == name);
        &found.next().expect("pools are sampled").values
    };
    let stored = series("stored_bits");
    let full = stored
        .iter()
        .position(|&bits| bits > 14_336)
        .expect("it is filled at the start");
    assert!(full < 40, "within four seconds");
    assert!(
        stored[full..]
            .iter()
            .all(|&bits| (6_144..=16_384).contains(&bits)),
        "{stored:?}"
    );
    assert!(
        stored[full..].iter().any(|&bits| bits < 8_448) && stored[full..].iter().any(|&bits| bits > 16_000)
    );
    let (made, spent) = (series("generated_bits"), series("spent_bits"));
    assert_eq!(
        made.last().copied(),
        stored
            .last()
            .zip(spent.last())
            .map(|(stored, spent)| stored + spent)
    );
}

/// Where legs cannot be apart they share as few nodes as they can, or with `strict` there is no second one.
#[test]
fn legs_that_cannot_be_apart_share_as_few_nodes_as_they_can() {
    let one_border = ["boundaries.second=null", "boundaries.third=null"];
    let calm: Vec<&str> = CALM.iter().copied().chain(one_border).collect();
    let outcome = run(&plan(":xor-2", &calm));
    let relays = relays(&outcome);
    let shared: BTreeSet<String> = &relays["d1/leg1"] & &relays["d1/leg2"];
    assert_eq!(
        shared,
        BTreeSet::from(["A/a2".to_owned(), "B/b2".to_owned()]),
        "{relays:?}"
    );
    assert_eq!(metric(&outcome, "served_share", "network"), 1.0);
}

/// The rows of docs/protection.md are what the scenario gives; three of them stand for all, which one command remakes.
#[test]
fn the_measured_table_is_no_older_than_the_program() {
    let page = std::fs::read_to_string("docs/protection.md").expect("the page is there");
    for (variant, name) in [
        ("", "none (the file itself)"),
        (":one-plus-one", "`one-plus-one`"),
        (":xor-2", "`xor-2`"),
    ] {
        let file = format!("scenarios/protection.json{variant}");
        let loaded = load::load(&file, &[]).unwrap_or_else(|findings| panic!("{}", findings.render()));
        let plan = Arc::new(compile::compile(&loaded.document));
        let outcomes: Vec<Outcome> = (0..4)
            .map(|replication| simulate(&plan, replication, Options::default()))
            .collect();
        let summary = qkdni::experiment::run::summarize("protection", plan.run.seed, &outcomes);
        let mean = |name: &str, scope: &str| {
            let row = summary.metric(name, scope);
            row.and_then(|row| row.mean)
                .unwrap_or_else(|| panic!("{name} of {scope}"))
        };
        let row = format!(
            "| {name} | {:.2} % | {:.0} ms | {:.1} ms | {:.2} | {} bit |",
            100.0 * mean("served_share", "network"),
            1e3 * mean("service_interruption_s", "demand:d1"),
            1e3 * mean("kkrd_s", "network"),
            mean("link_key_bits_per_key_bit", "network"),
            mean("wasted_link_key_bits", "demand:d1"),
        );
        assert!(
            page.contains(&row),
            "docs/protection.md has another row than\n{row}"
        );
    }
}
