//! Routing in whole runs: every algorithm on one network, each class by its terms whatever the algorithm, knowledge that
//! ages, and distance vectors that find their way round a failure.

use std::collections::BTreeSet;
use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load};
use serde_json::Value;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

fn run(scenario: &str, sets: &[&str]) -> Outcome {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = load(scenario, &sets).unwrap_or_else(|findings| panic!("{findings}"));
    let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, WATCHED);
    for check in &outcome.audit {
        assert!(check.passed, "{scenario}: {}: {}", check.check, check.detail);
    }
    outcome
}

/// The scenario of routing in a fifth of its time: sets that begin its demands so much earlier.
fn sooner() -> Vec<String> {
    let document = load("scenarios/routing.json", &[]).expect("valid").document;
    let demands = document.demands.iter();
    demands
        .map(|demand| format!("demands.{}.from={} s", demand.id, demand.from.as_seconds() / 5.0))
        .collect()
}

fn run_sooner(scenario: &str, sets: &[&str]) -> Outcome {
    let sooner = sooner();
    let sets: Vec<&str> = sooner
        .iter()
        .map(String::as_str)
        .chain(sets.iter().copied())
        .collect();
    run(scenario, &sets)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("every line is JSON"))
}

fn value(outcome: &Outcome, scope: &str, name: &str) -> Option<f64> {
    let mut all = outcome.metrics.iter();
    all.find(|metric| metric.scope == scope && metric.name == name)?
        .value
}

/// The algorithms, as scenarios name them.
const ALGORITHMS: [&str; 9] = [
    "fewest_hops",
    "shortest_length",
    "least_delay",
    "key_aware",
    "widest",
    "widest_shortest",
    "k_shortest",
    "gpsrq",
    "distance_vector",
];

/// The scenario of routing has a variant of each algorithm; each runs, the auditor agrees, and they do not all choose
/// the same routes.
#[test]
fn every_algorithm_routes_the_scenario_of_routing() {
    let file = "scenarios/routing.json";
    let variants = load(file, &[]).expect("valid").variants;
    let mut routes = BTreeSet::new();
    for algorithm in ALGORITHMS {
        let variant = algorithm.replace('_', "-");
        let scenario = if algorithm == "fewest_hops" {
            file.to_owned()
        } else {
            assert!(variants.contains(&variant), "{variant} of {variants:?}");
            format!("{file}:{variant}")
        };
        let sets = [
            "run.warm_up=20 s",
            "run.duration=80 s",
            "faults.cut.at=50 s",
            "faults.cut.repair_after=20 s",
        ];
        let outcome = run_sooner(&scenario, &sets);
        assert!(
            value(&outcome, "network", "served_share").unwrap() > 0.5,
            "{scenario}"
        );
        assert!(
            value(&outcome, "network", "routing_messages").unwrap() > 0.0,
            "{scenario}"
        );
        let chosen: Vec<String> = lines(&outcome.decisions)
            .filter(|line| line["decision"] == "route")
            .map(|line| line["hops"].to_string())
            .collect();
        assert!(!chosen.is_empty());
        routes.insert(chosen);
    }
    assert!(routes.len() >= 5, "only {} ways to route", routes.len());
}

/// Shows FE-5 whatever the algorithm: a class with a quota gets what the quota admits and no more, another class of the same
/// ends gets all that it asks for.
#[test]
fn policy_holds_per_class_with_every_algorithm() {
    for algorithm in ALGORITHMS {
        let routing = format!("qkdns.A.routing.{algorithm}={{}}");
        let other = match algorithm {
            "fewest_hops" => "run.seed=1",
            _ => "qkdns.A.routing.fewest_hops=null",
        };
        let places = "qkdns.A.nodes=[{\"id\":\"a1\",\"lon\":1,\"lat\":1},{\"id\":\"a2\",\"lon\":2,\"lat\":1},{\"id\":\"a3\",\"lon\":3,\"lat\":1}]";
        let policy = "qkdns.A.policy={\"rules\":[{\"class\":\"bulk\",\"quota\":{\"amount\":\"2560 bit\",\"period\":\"10 s\"}}]}";
        let demand = |id: &str, class: &str| {
            format!(
                "{{\"id\":\"{id}\",\"between\":[\"A/a1\",\"B/b3\"],\"arrivals\":{{\"periodic\":{{\"period\":\"500 ms\"}}}},\
                 \"key\":\"256 bit\",\"timeout\":\"4 s\",\"class\":\"{class}\"}}"
            )
        };
        let demands = format!("demands=[{},{}]", demand("bulk", "bulk"), demand("gold", "gold"));
        let sets = [
            &routing,
            other,
            places,
            policy,
            &demands,
            "run.duration=25 s",
            "run.warm_up=0 s",
        ];
        let outcome = run("scenarios/clause8/gwn-dd.json", &sets);
        // 20 s are counted, in two periods of 10 keys each; the others ask 20 times in a period.
        assert_eq!(
            value(&outcome, "class:bulk", "delivered"),
            Some(20.0),
            "{algorithm}"
        );
        assert_eq!(
            value(&outcome, "class:gold", "served_share"),
            Some(1.0),
            "{algorithm}"
        );
        assert_eq!(
            value(&outcome, "class:gold", "requests"),
            Some(40.0),
            "{algorithm}"
        );
    }
}

/// Distance vectors route round a cut link by messages between neighbours alone, and floods stay at home.
#[test]
fn distance_vectors_find_the_way_round() {
    let outcome = run_sooner(
        "scenarios/routing.json:distance-vector",
        &[
            "run.warm_up=20 s",
            "run.duration=100 s",
            "faults.cut.at=50 s",
            "faults.cut.repair_after=30 s",
        ],
    );
    let told: Vec<Value> = lines(&outcome.trace)
        .filter(|line| line["reference_point"] == "Cx" && line["fault"] == "cut")
        .collect();
    assert!(
        told.iter().any(|line| line["message"] == "distance vector"),
        "{}",
        told.len()
    );
    assert!(told.iter().all(|line| line["message"] != "status report"));
    let rerouted: Vec<_> = outcome
        .reroutes
        .iter()
        .filter(|record| record.stages_ns[..7].iter().all(Option::is_some))
        .collect();
    assert!(
        !rerouted.is_empty(),
        "sessions leave the cut link: {:?}",
        outcome.reroutes
    );
}

/// A refresh is heard once by each controller and passed on by each once: the flood of each is bounded by the links.
#[test]
fn a_refresh_is_passed_on_once_by_each() {
    let sets = [
        "run.warm_up=0 s",
        "run.duration=45 s",
        "faults=[]",
        "protocol.link_state.refresh=20 s",
    ];
    let outcome = run_sooner("scenarios/routing.json", &sets);
    let floods = lines(&outcome.trace)
        .filter(|line| line["message"] == "link state")
        .count();
    // 59 controllers, two refreshes each; a flood crosses each of the 68 links at least once, at most twice.
    assert!((2 * 59 * 68..=2 * 59 * 2 * 68).contains(&floods), "{floods}");
}

/// A border that fails: with distance vectors the session is given back, and begins anew over the other border.
#[test]
fn distance_vectors_leave_a_border_that_fails() {
    let sets = [
        "qkdns.A.routing.fewest_hops=null",
        "qkdns.A.routing.distance_vector={}",
        "qkdns.B.routing.fewest_hops=null",
        "qkdns.B.routing.distance_vector={}",
    ];
    let outcome = run("scenarios/clause8/gwn-dd.json:border-cut", &sets);
    let crossed: BTreeSet<String> = lines(&outcome.trace)
        .filter(|line| line["message"] == "key relay" && line["reference_point"] == "Kxi-1")
        .map(|line| {
            format!(
                "{} > {}",
                line["from"].as_str().unwrap(),
                line["to"].as_str().unwrap()
            )
        })
        .collect();
    assert!(crossed.len() > 2, "keys cross at one border only: {crossed:?}");
    let late = outcome
        .requests
        .iter()
        .filter(|record| record.demand == "a-to-b" && record.failure.is_none());
    assert!(
        late.count() * 2 > outcome.requests.len() / 2,
        "served after the cut too"
    );
}
