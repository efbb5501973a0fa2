//! Bounds hold: no simulation beats a hard one, and what theory says can be reached is reached.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use qkdni::analysis::availability::{Failures, by_faults};
use qkdni::analysis::bounds::{bounds, expected, hard, relay_latency};
use qkdni::analysis::capacity::{UNLIMITED, in_run, max_flow, min_cut, per_second};
use qkdni::analysis::commodities::most_served;
use qkdni::analysis::criticality::criticality;
use qkdni::analysis::routes::route;
use qkdni::experiment::statistics::Sample;
use qkdni::ids::{NodeId, SessionId};
use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::assemble::{Partition, Settings, assemble};
use qkdni::scenario::import::import;
use qkdni::scenario::templates::{Size, draw};
use qkdni::scenario::topology::QKDN;
use qkdni::scenario::{compile, load, load_text};

fn plan(file: &str, sets: &[&str]) -> Arc<Plan> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let loaded = load(file, &sets).unwrap_or_else(|findings| panic!("{findings}"));
    Arc::new(compile(&loaded.document))
}

fn run(plan: &Arc<Plan>, replication: u32) -> Outcome {
    simulate(
        plan,
        replication,
        Options {
            trace: false,
            audit: true,
        },
    )
}

fn metric(outcome: &Outcome, name: &str, scope: &str) -> Option<f64> {
    outcome
        .metrics
        .iter()
        .find(|it| it.name == name && it.scope == scope)?
        .value
}

/// Runs a plan and holds every hard bound against what came of it.
fn no_bound_is_beaten(plan: &Arc<Plan>, replications: u32) -> f64 {
    let (found, all) = (bounds(plan, &Failures::default()), hard(plan));
    let mut reached: f64 = 0.0;
    for replication in 0..replications {
        let outcome = run(plan, replication);
        let throughput = metric(&outcome, "throughput_bps", "network").expect("counted");
        assert!(
            throughput <= all.throughput_bps * (1.0 + 1e-9),
            "{throughput} of {all:?}"
        );
        reached = reached.max(throughput / all.throughput_bps);
        for row in &found.demands {
            let scope = format!("demand:{}", row.demand);
            let throughput = metric(&outcome, "throughput_bps", &scope).expect("counted");
            assert!(
                throughput <= row.hard_bps * (1.0 + 1e-9),
                "{throughput} of {row:?}"
            );
            if let (Some(kkrd), Some(least)) = (metric(&outcome, "kkrd_s", &scope), row.kkrd_at_least_s) {
                assert!(kkrd >= least - 1e-12, "{kkrd} of {row:?}");
            }
        }
    }
    reached
}

#[test]
fn no_scenario_beats_a_hard_bound() {
    for file in ["gwn-dd", "gwn-cc", "iwn-dd", "iwn-cc"] {
        let file = format!("scenarios/clause8/{file}.json");
        no_bound_is_beaten(&plan(&file, &[]), 2);
        // Asked for five times as much, and with nearly empty stores.
        let greedy = "demands.a-to-b.arrivals.periodic.period=20 ms";
        no_bound_is_beaten(&plan(&file, &[greedy]), 1);
    }
    for file in [
        "scenarios/madqci.json",
        "scenarios/madqci.json:iwn",
        "scenarios/trieste-ljubljana-rijeka.json",
    ] {
        no_bound_is_beaten(&plan(file, &["run.warm_up=5 s", "run.duration=70 s"]), 1);
    }
}

#[test]
fn a_starved_border_reaches_its_bound() {
    // 12.8 kbit/s are asked of a border that makes 4 kbit/s each way. The capacity of the border is
    // all that matters, and periodic requests leave nothing of it.
    for file in ["scenarios/clause8/gwn-dd.json", "scenarios/clause8/iwn-dd.json"] {
        let sets = [
            "demands.a-to-b.arrivals.periodic.period=20 ms",
            "demands.b-to-a.arrivals.periodic.period=20 ms",
            "run.duration=1205 s",
        ];
        let reached = no_bound_is_beaten(&plan(file, &sets), 1);
        assert!(reached > 0.98, "{file}: {reached}");
    }
}

#[test]
fn random_topologies_beat_no_bound() {
    let polska = import(Path::new("tests/data/topologies/polska.json"), None).expect("a good file");
    let settings = Settings {
        load: 3.0,
        ..Settings::default()
    };
    let texts = [
        assemble(&polska, &settings, "polska").expect("valid").text,
        assemble(
            &draw(
                "random_geometric",
                Size {
                    qkdns: 2,
                    nodes: 9,
                    length_km: 60.0,
                    seed: 3,
                },
            )
            .expect("fine"),
            &Settings {
                partition: Partition::Attribute(QKDN.to_owned()),
                ..settings
            },
            "template",
        )
        .expect("valid")
        .text,
    ];
    for text in texts {
        let sets = ["run.warm_up=1 s", "run.duration=35 s"].map(str::to_owned);
        let plan = Arc::new(compile(&load_text("made", &text, &sets).expect("valid").document));
        no_bound_is_beaten(&plan, 1);
    }
}

/// Closed form 9, to the nanosecond: what an idle network's relay takes, for the first request and for later ones.
#[test]
fn idle_relay_latency_is_exact() {
    for file in ["gwn-dd", "gwn-cc", "iwn-dd", "iwn-cc"] {
        let file = format!("scenarios/clause8/{file}.json");
        let idle = [
            "demands.a-to-b.arrivals.periodic.period=5 s",
            "demands.b-to-a.arrivals.periodic.period=7 s",
        ];
        let plan = plan(&file, &idle);
        let outcome = run(&plan, 0);
        for (id, session) in plan.sessions.iter() {
            let way = route(&plan, id).expect("there is one");
            let expected = relay_latency(&plan, &way).expect("joined").as_seconds();
            let found =
                metric(&outcome, "relay_latency_s", &format!("demand:{}", session.name)).expect("measured");
            assert!(
                (found - expected).abs() < 0.5e-9,
                "{file} {}: {found}, not {expected}",
                session.name
            );
        }
    }
}

#[test]
fn one_border_is_the_least_of_three() {
    // Closed form 7: min(max-flow in A, border, max-flow in B), one lane each; the border makes 8 kbit/s for both.
    let plan = plan("scenarios/clause8/gwn-dd.json", &[]);
    let found = bounds(&plan, &Failures::default());
    assert_eq!(found.networks.len(), 2);
    for row in &found.networks {
        assert!((row.steady_bps - 4_000.0).abs() < 1e-6, "{row:?}");
        assert_eq!(row.cut, ["border"]);
    }
    // 2,560 bit/s over each of the border's lanes, which make 4,000.
    let busiest = found.busiest.as_ref().expect("the routes spend key");
    assert_eq!(busiest.hop, "A/a3 → B/b1");
    assert!((busiest.load - 0.64).abs() < 1e-9, "{busiest:?}");
    // Both demands at once: each has its own lane of every link.
    let steady = found.all.steady_bps.expect("small");
    let asked: f64 = found.demands.iter().map(|row| row.asked_bps).sum();
    assert!(
        (asked - 5_120.0).abs() < 1e-6 && (steady - asked).abs() < 0.1,
        "{steady} of {asked}"
    );
}

/// Largest flow that no cut forbids, by trying every cut.
fn least_cut(plan: &Plan, capacity: &[u64], from: NodeId, to: NodeId) -> u64 {
    let nodes = plan.nodes.len();
    let sides = (0..1_u64 << nodes).filter(|side| side >> from.0 & 1 == 1 && side >> to.0 & 1 == 0);
    let cut = |side: u64| -> u64 {
        let hops = plan
            .hops
            .iter()
            .filter(|(_, hop)| side >> hop.from.0 & 1 == 1 && side >> hop.to.0 & 1 == 0);
        hops.map(|(id, _)| capacity[id.0 as usize]).sum()
    };
    sides.map(cut).min().expect("there is a cut").min(UNLIMITED)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Dinic's flow is the least of all cuts, is one, and the linear program for one demand finds the same.
    #[test]
    fn flows_are_least_cuts(seed in 0_u64..1_000_000, nodes in 2_u32..6, which in 0_usize..3) {
        let template = ["ring", "grid", "random_geometric"][which];
        let topology = draw(template, Size { qkdns: 2, nodes, length_km: 50.0, seed }).expect("a good size");
        let settings = Settings { partition: Partition::Attribute(QKDN.to_owned()), ..Settings::default() };
        let text = assemble(&topology, &settings, "template").expect("valid").text;
        let plan = compile(&load_text("made", &text, &[]).expect("valid").document);
        prop_assume!(plan.nodes.len() <= 14);
        // Capacities that differ, some of them 0.
        let capacity: Vec<u64> = (0..plan.hops.len() as u64).map(|hop| (hop + 1) * (seed + 7) % 13).collect();
        let [from, to] = qkdni::analysis::routes::ends(&plan, &plan.sessions[SessionId(0)]);
        let flow = max_flow(&plan, &capacity, &[from], &[to], UNLIMITED);
        prop_assert_eq!(flow.value, least_cut(&plan, &capacity, from, to));
        let cut = min_cut(&plan, &capacity, &[from], &flow);
        prop_assert_eq!(cut.iter().map(|hop| capacity[hop.0 as usize]).sum::<u64>(), flow.value);
        let mut asked = vec![0.0; plan.sessions.len()];
        asked[0] = f64::INFINITY;
        let program = most_served(&plan, &capacity, &asked).expect("small");
        prop_assert!((program - flow.value as f64).abs() < 1e-4, "{} is not {}", program, flow.value);
    }
}

#[test]
fn criticality_ranks_the_border_first_and_leaves_no_fault_out() {
    let plan = plan("scenarios/clause8/gwn-dd.json", &[]);
    let found = criticality(&plan, true);
    assert_eq!(found.single.len(), plan.nodes.len() + plan.links.len());
    let splitting: Vec<&str> = found
        .elements
        .iter()
        .filter(|it| it.splits)
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(splitting, ["A/a3", "B/b1", "border"]);
    let of = |name: &str| {
        found
            .single
            .iter()
            .find(|loss| loss.fails == [name])
            .expect("looked at")
    };
    for name in splitting {
        assert!((of(name).lost_share - 1.0).abs() < 1e-9, "{:?}", of(name));
    }
    // What fails says what it is.
    let kinds = ["A/a3", "border", "A/a1-a3"].map(|name| of(name).kinds.clone());
    assert_eq!(kinds, [["node"], ["border"], ["link"]]);
    // A ring loses nothing by one of its links, but all by two that part it.
    assert!(of("A/a1-a3").lost_share < 1e-9);
    let pairs = found.pairs.expect("asked for");
    let both = pairs
        .iter()
        .find(|loss| loss.fails == ["A/a2-a3", "A/a1-a3"])
        .expect("worse than one");
    assert!((both.lost_share - 1.0).abs() < 1e-9);
    assert!(
        pairs
            .windows(2)
            .all(|pair| pair[0].lost_share >= pair[1].lost_share)
    );
}

#[test]
fn amounts_count_blocks_and_stores() {
    let plan = plan("scenarios/clause8/gwn-dd.json", &[]);
    let border = plan
        .links
        .values()
        .find(|link| link.name == "border")
        .expect("there");
    // 2560 bits at 8 kbit/s every 0.32 s: 15 blocks in the warm-up of 5 s, 218 in all 70 s, half of each this way; and
    // half of 10240 bits at the start.
    assert_eq!(in_run(&plan)[border.hops[0].0 as usize], 5_120 + 218 * 1_280);
    assert_eq!(per_second(&plan)[border.hops[0].0 as usize], 4_000_000);
    assert_eq!(route(&plan, SessionId(0)).expect("there").len(), 3);
}

/// What a metric was in replications of a plan: its 99 % interval.
fn interval(plan: &Arc<Plan>, replications: u32, name: &str, scope: &str) -> [f64; 2] {
    let found = (0..replications).map(|replication| metric(&run(plan, replication), name, scope));
    let found: Vec<f64> = found.map(|value| value.expect("measured")).collect();
    Sample::of(&found).interval(0.99).expect("replications")
}

/// What is asked for on average, where the long run carries all of it.
#[test]
fn an_expected_throughput_lies_in_the_99_percent_interval() {
    for file in ["scenarios/clause8/gwn-dd.json", "scenarios/clause8/iwn-cc.json"] {
        let poisson = |demand: &str| {
            [
                format!("demands.{demand}.arrivals.periodic=null"),
                format!("demands.{demand}.arrivals.poisson.rate=10 /s"),
            ]
        };
        let sets: Vec<String> = ["a-to-b", "b-to-a"].into_iter().flat_map(poisson).collect();
        let mut sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        sets.push("run.duration=205 s");
        let plan = plan(file, &sets);
        let all = bounds(&plan, &Failures::default()).all;
        let steady = all.steady_bps.expect("small");
        assert!((steady - all.asked_bps).abs() < 0.1, "{all:?}");
        let [low, high] = interval(&plan, 20, "throughput_bps", "network");
        let expected = all.asked_bps;
        assert!(
            low <= expected && expected <= high,
            "{expected} not in {low} to {high}"
        );
        assert!(high - low < 0.02 * expected, "{low} to {high}");
    }
}

/// Closed form 6 on the two nodes that every way crosses: nodes up for 100 s and down for 10 s on average.
#[test]
fn an_expected_availability_lies_in_the_99_percent_interval() {
    let random = |id: &str, node: &str| {
        format!(
            r#"{{"id": "{id}", "fault": {{"node_loss": {{"node": "{node}"}}}}, "random": {{
                 "time_to_failure": {{"exponential": {{"mean": "100 s"}}}},
                 "time_to_repair": {{"exponential": {{"mean": "10 s"}}}}}}}}"#
        )
    };
    let faults = format!("faults=[{}, {}]", random("f1", "A/a3"), random("f2", "B/b1"));
    let sets = [
        faults.as_str(),
        "run.warm_up=200 s",
        "run.duration=20000 s",
        "demands.a-to-b.arrivals.periodic.period=50 s",
        "demands.b-to-a.arrivals.periodic.period=50 s",
    ];
    let plan = plan("scenarios/clause8/gwn-dd.json", &sets);
    let failures = Failures {
        cuts_per_1000_km_and_year: 0.0,
        node: 100.0 / 110.0,
        ..Failures::default()
    };
    let expected = bounds(&plan, &failures).demands[0].availability;
    assert!((expected[0] - 100.0 / 121.0).abs() < 1e-9, "{expected:?}");
    let [low, high] = interval(&plan, 24, "availability", "demand:a-to-b");
    assert!(
        low <= expected[0] && expected[0] <= high,
        "{expected:?} not in {low} to {high}"
    );
    assert!(high - low < 0.02, "{low} to {high}");
}

/// Where elements take no time and nothing is reserved beforehand, a key takes the four ways of the bound and no more.
#[test]
fn the_least_delay_is_reached() {
    let sets = [
        "protocol.reservation=per_hop",
        r#"timing.processing={"key_manager": "0 us", "controller": "0 us", "manager": "0 us"}"#,
        "demands.a-to-b.arrivals.periodic.period=5 s",
        "demands.b-to-a.arrivals.periodic.period=7 s",
        "run.duration=305 s",
    ];
    for file in ["gwn-dd", "gwn-cc", "iwn-dd", "iwn-cc"] {
        let plan = plan(&format!("scenarios/clause8/{file}.json"), &sets);
        let outcome = run(&plan, 0);
        for row in bounds(&plan, &Failures::default()).demands {
            let least = row.kkrd_at_least_s.expect("joined");
            let found = metric(&outcome, "kkrd_s", &format!("demand:{}", row.demand)).expect("measured");
            let beyond = found / least - 1.0;
            assert!((-1e-9..0.02).contains(&beyond), "{file}: {found} of {row:?}");
        }
    }
}

/// A triangle of which both ways from s to t lie in one duct; the second link's stretch of it as given.
fn in_one_duct(stretch: &str, more: &str) -> Arc<Plan> {
    let link = |id: &str, [a, b]: [&str; 2], ducts: &str| {
        format!(
            r#"{{"id": "{id}", "between": ["{a}", "{b}"], "length": "30 km", "ducts": [{ducts}],
               "model": {{"fixed_rate": {{"rate": "64 kbit/s", "block": "64 bit"}}}}}}"#
        )
    };
    let links = [
        link("x", ["s", "t"], r#"{"duct": "tube"}"#),
        link("y", ["s", "m"], stretch),
        link("z", ["m", "t"], ""),
    ];
    let text = format!(
        r#"{{"name": "one duct", "run": {{"duration": "60 s"}},
           "ducts": [{{"id": "tube", "length": "30 km"}}{more}],
           "qkdns": [{{"id": "Q", "nodes": [{{"id": "s"}}, {{"id": "m"}}, {{"id": "t"}}], "links": [{}]}}],
           "demands": [{{"id": "d", "between": ["Q/s", "Q/t"], "key": "1 kbit", "timeout": "5 s",
                         "arrivals": {{"periodic": {{"period": "100 ms"}}}}}}]}}"#,
        links.join(", ")
    );
    let loaded = load_text("made", &text, &[]).unwrap_or_else(|findings| panic!("{findings}"));
    Arc::new(compile(&loaded.document))
}

/// What lies in one duct fails at once, and for as long as the duct is down.
#[test]
fn links_in_one_duct_fail_together() {
    let failures = Failures::default();
    let up = |km: u64| failures.fibre(1_000 * km);
    let near = |plan: &Plan, expected: f64| {
        let [low, high] = bounds(plan, &failures).demands[0].availability;
        assert!((low - expected).abs() < 1e-12, "{low} is not {expected}");
        assert!(high - low < 1e-12, "exact");
    };

    let plan = in_one_duct(r#"{"duct": "tube"}"#, "");
    near(&plan, up(30));
    let found = criticality(&plan, true);
    assert_eq!(found.single.len(), plan.nodes.len() + plan.links.len() + 1);
    let tube = found.single.iter().find(|loss| loss.fails == ["tube"]);
    assert!((tube.expect("a row").lost_share - 1.0).abs() < 1e-12, "{tube:?}");
    let splits = |name: &str| found.elements.iter().any(|it| it.name == name && it.splits);
    assert!(splits("tube") && !splits("Q/x"));

    // In common is the middle third alone: the links are apart where only one of them lies.
    let apart = r#", {"id": "own", "length": "20 km"}"#;
    let stretches = r#"{"duct": "tube", "from": "10 km", "to": "20 km"}, {"duct": "own"}"#;
    let plan = in_one_duct(stretches, apart);
    let round = up(20) * failures.node * up(30);
    near(&plan, up(10) * (1.0 - (1.0 - up(20)) * (1.0 - round)));
    let found = criticality(&plan, false);
    assert!(
        found
            .single
            .iter()
            .any(|loss| loss.fails == ["tube"] && loss.lost_share > 0.99)
    );
    assert!(found.elements.iter().all(|it| it.name != "own"));
}

/// Closed form 6 by the means of a scenario's own random faults: five hops and four nodes in series, and two such ways.
#[test]
fn availability_follows_from_the_faults_of_the_scenario() {
    let of = |variant: &str| {
        let file = format!("scenarios/validation/availability.json:{variant}");
        let loaded = load(&file, &[]).expect("a valid scenario");
        by_faults(&compile(&loaded.document)).expect("faults come at random")
    };
    let series = of("series");
    assert!((1.0 - series.low - 0.002_851_82).abs() < 1e-7, "{series:?}");
    assert!(series.high - series.low < 1e-9, "{series:?}");
    // There parts fail twenty times as often.
    let parallel = of("parallel");
    let often = |up: f64| up / (up + 20.0 * (1.0 - up));
    let fibre = Failures::default().fibre(80_000);
    let one = 1.0 - libm::pow(often(fibre), 5.0) * libm::pow(often(Failures::default().node), 4.0);
    let down = 1.0 - parallel.low;
    assert!(
        (down - one * one).abs() < 1e-4 * down,
        "{parallel:?} is not {}",
        one * one
    );
    // Of several demands the mean, whichever have an end in common, there and back.
    let file = "scenarios/validation/availability.json:parallel";
    let plan = |demands: &[[&str; 2]]| {
        let mut loaded = load(file, &[]).expect("a valid scenario").document;
        let first = loaded.demands[0].clone();
        let nodes: Vec<_> = loaded.qkdns[0].nodes.iter().map(|node| node.id.clone()).collect();
        let named = |id: &str| nodes.iter().any(|node| node.as_str() == id);
        loaded.demands.clear();
        for (number, ends) in demands.iter().enumerate() {
            let mut demand = first.clone();
            demand.id.0 = format!("d{number}");
            for (place, end) in demand.between.iter_mut().zip(ends) {
                assert!(named(end), "{end} is one of {nodes:?}");
                (*end).clone_into(&mut place.node);
            }
            loaded.demands.push(demand);
        }
        compile(&loaded)
    };
    let ends = [["a", "z"], ["z", "a"], ["a", "z"], ["a", "n1"], ["n1", "z"]];
    let alone = ends.map(|ends| by_faults(&plan(&[ends])).expect("faults").low);
    let all = by_faults(&plan(&ends)).expect("faults").low;
    assert!(
        (all - alone.iter().sum::<f64>() / 5.0).abs() < 1e-12,
        "{all} of {alone:?}"
    );
    let quiet = load("scenarios/clause8/gwn-dd.json:cut", &[]).expect("a valid scenario");
    let quiet = compile(&quiet.document);
    assert!(by_faults(&quiet).is_none());
    // As `run --json` and `compare --json` print it.
    let printed = serde_json::to_value(expected(&quiet)).expect("JSON");
    let keys: Vec<&String> = printed.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["throughput_bps", "kkrd_s", "availability"]);
    assert_eq!(printed["throughput_bps"], hard(&quiet).throughput_bps);
}
