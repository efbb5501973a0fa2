//! Sessions through several QKDNs: each routes by itself, reachability goes over Cxi, borders of both kinds mixed. No QKDN
//! is visited twice, no key handed back, providers settle one with the next, and a border that fails sends sessions the
//! other way round.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::{Kind, parameters, poisson};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use qkdni::analysis::bounds::relay_latency;
use qkdni::analysis::routes::route;
use qkdni::architecture::policy::Policy;
use qkdni::architecture::surroundings::{RelayScheme, ReservationScheme};
use qkdni::control::routing::{DistanceVector, FewestHops, VectorExchange};
use qkdni::fault::{DuctCut, FaultKind as _};
use qkdni::ids::{Id as _, NodeId, QkdnId, SessionId};
use qkdni::kernel::{Span, Time};
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::plan::{Control, DuctSection, Plan, Processing, RunPlan};
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::quantum::models::BlockSchedule;
use qkdni::service::demand::{ArrivalProcess, Periodic};
use qkdni::units::Fraction;
use serde_json::Value;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

/// One QKDN of three nodes in a triangle: who controls it, how it relays, whether it lets keys of others pass.
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that are drawn independently"
)]
#[derive(Clone, Copy, Debug)]
struct Network {
    centralized: bool,
    relay: RelayScheme,
    refuses_transit: bool,
    transit_cost: u8,
    offers_levels: bool,
    /// Whether its controllers exchange distance vectors.
    vectors: bool,
}

const PLAIN: Network = Network {
    centralized: false,
    relay: RelayScheme::HopByHop,
    refuses_transit: false,
    transit_cost: 0,
    offers_levels: false,
    vectors: false,
};

/// A border between two QKDNs at their nodes.
#[derive(Clone, Copy, Debug)]
struct Edge {
    kind: Kind,
    ends: [(usize, usize); 2],
}

fn edge(kind: Kind, a: (usize, usize), b: (usize, usize)) -> Edge {
    Edge { kind, ends: [a, b] }
}

/// From one QKDN's node to another's.
type Ends = [(usize, usize); 2];

#[derive(Clone, Debug)]
struct Setting {
    networks: Vec<Network>,
    edges: Vec<Edge>,
    demands: Vec<Ends>,
    reservation: ReservationScheme,
    arrivals: Arc<dyn ArrivalProcess>,
    block_bits: u64,
    initial: u64,
    /// Border, when, repaired when \[s\].
    cut: Option<(usize, u64, u64)>,
    /// A demand that asks for much in the first half; all others begin in the second.
    drain: Option<usize>,
    seed: u64,
}

impl Setting {
    fn new(networks: usize, edges: Vec<Edge>, demands: Vec<Ends>) -> Setting {
        Setting {
            networks: vec![PLAIN; networks],
            edges,
            demands,
            reservation: ReservationScheme::Segment,
            arrivals: Arc::new(Periodic {
                period: Span::from_millis(500),
                phase: Some(Span::from_millis(250)),
            }),
            block_bits: 20_000,
            initial: 200_000,
            cut: None,
            drain: None,
            seed: 1,
        }
    }
}

const INSIDE_M: u64 = 12_000;
const ACROSS_M: u64 = 30_000;

fn link(plan: &mut PlanBuilder, setting: &Setting, name: &str, ends: [NodeId; 2], length_m: u64) {
    let duct = plan.duct(name, length_m);
    let link = plan.link(LinkSpec {
        name: name.to_owned(),
        ends,
        length_m,
        loss_db: 1.0,
        systems: 1,
        schedule: Some(BlockSchedule {
            bits: setting.block_bits,
            period: Span::from_millis(100),
        }),
        making: None,
        middle_station: false,
        store: StoreAmounts {
            initial: setting.initial,
            capacity: 4 << 20,
            floor: 0,
            max_age: None,
            first_lane: Fraction::HALF,
        },
        ducts: vec![DuctSection {
            duct,
            from_m: 0,
            to_m: length_m,
        }],
    });
    if name.starts_with("border") && !name.contains('/') {
        plan.relay_boundary(name, link);
    }
}

fn plan(setting: &Setting) -> Arc<Plan> {
    let run = RunPlan {
        warm_up: Span::ZERO,
        duration: Span::from_seconds(12),
        seed: setting.seed,
        replications: 1,
    };
    let time = Span::from_micros(100);
    let processing = Processing {
        key_manager: time,
        controller: time,
        manager: time,
    };
    let mut plan = PlanBuilder::new("transit", run, parameters(setting.reservation), processing);
    let mut nodes: Vec<Vec<NodeId>> = Vec::new();
    for (number, network) in setting.networks.iter().enumerate() {
        let name = format!("Q{number}");
        let qkdn = if network.vectors {
            let exchange = VectorExchange {
                period: Span::from_seconds(2),
                pause: Span::from_millis(200),
                infinity: 8,
            };
            plan.qkdn(&name, Arc::new(DistanceVector { exchange }))
        } else {
            plan.qkdn(&name, Arc::new(FewestHops))
        };
        let own: Vec<NodeId> = (0..3)
            .map(|node| plan.node(&format!("{name}/{node}"), qkdn, None))
            .collect();
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let name = format!("{name}/{a}-{b}");
            link(&mut plan, setting, &name, [own[a], own[b]], INSIDE_M);
        }
        if network.centralized {
            plan.control(qkdn, Control::Centralized(own[1]), None);
        }
        plan.relay(
            qkdn,
            match network.relay {
                RelayScheme::Centralized(node) => RelayScheme::Centralized(own[node.index() % 3]),
                other => other,
            },
        );
        plan.policy(
            qkdn,
            Policy {
                refuses_transit: network.refuses_transit,
                transit_cost: network.transit_cost,
                offers_levels: network.offers_levels,
                ..Policy::default()
            },
        );
        nodes.push(own);
    }
    for (number, edge) in setting.edges.iter().enumerate() {
        let name = format!("border{number}");
        let ends = edge.ends.map(|(qkdn, node)| nodes[qkdn][node]);
        match edge.kind {
            Kind::Gwn => link(&mut plan, setting, &name, ends, ACROSS_M),
            Kind::Iwn => {
                let iwn = plan.iwn(&name, Span::ZERO);
                let sides = edge.ends.map(|(qkdn, _)| {
                    plan.node(&format!("{name}/Q{qkdn}"), QkdnId::from_index(qkdn), Some(iwn))
                });
                link(
                    &mut plan,
                    setting,
                    &format!("{name}/near"),
                    [ends[0], sides[0]],
                    ACROSS_M / 2,
                );
                link(
                    &mut plan,
                    setting,
                    &format!("{name}/far"),
                    [sides[1], ends[1]],
                    ACROSS_M / 2,
                );
                plan.transfer_boundary(&name, sides, None);
            }
        }
    }
    plan.material_check();
    let class = plan.class("default");
    for (number, ends) in setting.demands.iter().enumerate() {
        let ends = ends.map(|(qkdn, node)| nodes[qkdn][node]);
        let arrivals = Arc::clone(&setting.arrivals);
        let keys = if setting.drain == Some(number) { 400 } else { 1 };
        let session = plan.session(
            &format!("d{number}"),
            ends,
            arrivals,
            keys,
            256,
            Span::from_seconds(4),
            class,
        );
        if let Some(drain) = setting.drain {
            let [start, middle, end] = [0, 7, 12].map(|second| Time::ZERO + Span::from_seconds(second));
            let (from, until) = if drain == number {
                (start, middle)
            } else {
                (middle, end)
            };
            plan.active(session, from, until);
        }
    }
    let mut plan = plan.build();
    if let Some((border, at, repaired)) = setting.cut {
        let name = match setting.edges[border].kind {
            Kind::Gwn => format!("border{border}"),
            Kind::Iwn => format!("border{border}/near"),
        };
        let cut = DuctCut {
            duct: name,
            position: None,
            cuts_data: false,
        };
        let [at, repaired] = [at, repaired].map(|second| Time::ZERO + Span::from_seconds(second));
        let disturbances = cut.disturbances(&plan);
        plan.add_fault("f1", disturbances, at, Some(repaired));
    }
    Arc::new(plan)
}

fn run(plan: &Arc<Plan>) -> Outcome {
    let outcome = simulate(plan, 0, WATCHED);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

fn lines(outcome: &Outcome) -> impl Iterator<Item = Value> {
    let lines = outcome.trace.split(|&byte| byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("every line is JSON"))
}

/// The QKDN of a node by its name in traces: the last part of "KMA border3/Q1", the first of "KMA Q1/2".
fn qkdn(name: &str) -> String {
    let parts = name.trim_start_matches("KMA ").split('/');
    parts
        .into_iter()
        .find(|part| part.starts_with('Q'))
        .expect("a QKDN")
        .to_owned()
}

/// QKDNs that each request's key was in, in order, by demand and number.
fn ways(outcome: &Outcome) -> BTreeMap<(String, u64), Vec<String>> {
    let mut ways: BTreeMap<(String, u64), Vec<String>> = BTreeMap::new();
    for line in lines(outcome) {
        let message = line["message"].as_str().unwrap();
        let inside = line["reference_point"].as_str() == Some("Kx-1");
        if !matches!(message, "key relay" | "key transfer") || inside {
            continue;
        }
        let id = (
            line["session"].as_str().unwrap().to_owned(),
            line["request"].as_u64().unwrap(),
        );
        let way = ways.entry(id).or_default();
        let [from, to] = ["from", "to"].map(|end| qkdn(line[end].as_str().unwrap()));
        if way.is_empty() {
            way.push(from);
        }
        way.push(to);
    }
    ways
}

fn served(outcome: &Outcome) -> (usize, usize) {
    let failed = outcome.requests.iter().filter(|record| record.failure.is_some());
    (outcome.requests.len() - failed.count(), outcome.requests.len())
}

fn value(outcome: &Outcome, name: &str) -> f64 {
    let mut found = outcome.metrics.iter();
    let found = found.find(|metric| metric.scope == "network" && metric.name == name);
    found.and_then(|metric| metric.value).expect("it is measured")
}

/// Four QKDNs in a line; keys enter and leave at different nodes of those in between.
fn chain(kinds: [Kind; 3]) -> Setting {
    let edges = vec![
        edge(kinds[0], (0, 2), (1, 0)),
        edge(kinds[1], (1, 2), (2, 0)),
        edge(kinds[2], (2, 2), (3, 0)),
    ];
    Setting::new(4, edges, vec![[(0, 0), (3, 2)], [(3, 1), (0, 1)]])
}

/// Shows closed form 9 through transit, P9 and P12 mixed: in the idle network the relay takes propagation and one
/// processing per hop to the nanosecond, and a key costs one link key per padded hop.
#[test]
fn idle_latency_and_link_keys_follow_from_the_hops() {
    use Kind::{Gwn, Iwn};
    for kinds in [[Gwn; 3], [Iwn; 3], [Gwn, Iwn, Gwn], [Iwn, Gwn, Iwn]] {
        let mut setting = chain(kinds);
        setting.demands.truncate(1);
        let plan = plan(&setting);
        let outcome = run(&plan);
        let (delivered, all) = served(&outcome);
        assert_eq!((delivered, all), (16, 16), "{kinds:?}");
        let transfers = kinds.iter().filter(|kind| **kind == Iwn).count() as u64;
        // Inside each QKDN one hop, across a border one or, over two links and the site, three, of which two are padded.
        let hops = 4 + 3 + 2 * transfers;
        let way = route(&plan, SessionId(0)).expect("there is one");
        assert_eq!(way.len() as u64, hops);
        let exact = (4 * INSIDE_M + 3 * ACROSS_M) * 5 + hops * 100_000;
        assert_eq!(relay_latency(&plan, &way), Some(Span(exact)));
        let found = outcome.metrics.iter();
        let mut found = found.filter(|metric| metric.scope == "network" && metric.name == "relay_latency_s");
        let samples = &found.next().expect("it is measured").samples_ns;
        assert!(
            samples.iter().all(|&sample| sample == exact),
            "{kinds:?}: {samples:?}, {exact}"
        );
        let padded = (hops - transfers) as f64;
        assert_eq!(
            value(&outcome, "link_key_bits_per_key_bit").to_bits(),
            padded.to_bits()
        );
    }
}

/// Shows P9 and P12 border by border: each crossing is traced under its own border's procedure and reference points, and
/// the KSAs meet over Kx-2 and Kxi-2 (or its prime) all the way.
#[test]
fn each_border_runs_its_own_procedure() {
    let outcome = run(&plan(&chain([Kind::Gwn, Kind::Iwn, Kind::Gwn])));
    let mut crossings = Vec::new();
    let mut agents = Vec::new();
    let mut informed = Vec::new();
    for line in lines(&outcome).filter(|line| line["session"] == "d0" && line["request"] == 0) {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        match text("message").as_str() {
            "key relay" | "key transfer" if text("reference_point") != "Kx-1" => {
                crossings.push([text("procedure"), text("step"), text("reference_point")].join(" "));
            }
            "key supply notification" => agents.push(text("reference_point")),
            "route and reservation" if text("provenance") == "text" => {
                informed.push([text("procedure"), text("step")].join(" "));
            }
            _ => {}
        }
    }
    assert_eq!(crossings, ["P9 5b Kxi-1", "P12 6 Kxi-1'", "P9 5b Kxi-1"]);
    // Each border's sending KM has its route information or transfer instruction from its own controller.
    assert_eq!(informed, ["P9 4", "P12 5", "P9 4"]);
    assert_eq!(
        agents,
        ["Kx-2", "Kxi-2", "Kx-2", "Kxi-2'", "Kx-2", "Kxi-2", "Kx-2"]
    );
}

/// Shows FE-9 along a chain: each provider owes the next one for what it handed across, and no other.
#[test]
fn each_provider_pays_the_next_one() {
    let mut setting = chain([Kind::Gwn, Kind::Iwn, Kind::Gwn]);
    setting.demands.truncate(1);
    let outcome = run(&plan(&setting));
    let owed: BTreeSet<(String, String, u64)> = outcome
        .accounting
        .rows()
        .filter(|row| row.kind == "settlement" && row.segment == "owes")
        .map(|row| {
            assert_eq!(row.state, "settled");
            (row.provider.to_owned(), row.partner.to_owned(), row.bits)
        })
        .collect();
    let all = 24 * 256;
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned(), all);
    assert_eq!(
        owed,
        BTreeSet::from([pair("Q0", "Q1"), pair("Q1", "Q2"), pair("Q2", "Q3")])
    );
}

/// Four QKDNs in a ring, borders of both kinds: from Q0 to Q2 over Q1 or Q3.
fn ring() -> Setting {
    let edges = vec![
        edge(Kind::Gwn, (0, 2), (1, 0)),
        edge(Kind::Iwn, (1, 2), (2, 0)),
        edge(Kind::Gwn, (2, 2), (3, 0)),
        edge(Kind::Iwn, (3, 2), (0, 1)),
    ];
    Setting::new(4, edges, vec![[(0, 0), (2, 1)]])
}

/// The first two QKDNs after the source's, at the start and at the end.
fn neighbours(outcome: &Outcome) -> (String, String) {
    let ways = ways(outcome);
    let first = ways.values().next().expect("keys were relayed");
    let last = ways.values().next_back().expect("keys were relayed");
    (first[1].clone(), last[1].clone())
}

/// A border of the source's own QKDN fails, or one beyond: either way later keys go the other way round.
#[test]
fn a_lost_border_sends_the_session_the_other_way_round() {
    for centralized in [false, true] {
        for border in [0, 1] {
            let mut setting = ring();
            for network in &mut setting.networks {
                network.centralized = centralized;
            }
            setting.cut = Some((border, 5, 11));
            let outcome = run(&plan(&setting));
            assert_eq!(
                neighbours(&outcome),
                ("Q1".to_owned(), "Q3".to_owned()),
                "border {border}"
            );
            let (delivered, all) = served(&outcome);
            assert_eq!(delivered, all);
            let mut reroutes = outcome.reroutes.iter();
            let reroute = reroutes
                .find(|reroute| reroute.control_plane_ns().is_some())
                .unwrap_or_else(|| panic!("a session is rerouted: {:?}", outcome.reroutes));
            assert!(
                reroute.stages_ns.iter().take(7).all(Option::is_some),
                "{reroute:?}"
            );
            let told = lines(&outcome).filter(|line| {
                line["message"] == "reachability" || line["message"] == "reachability withdrawn"
            });
            let points: BTreeSet<String> = told
                .map(|line| line["reference_point"].as_str().unwrap().to_owned())
                .collect();
            assert!(points.contains("Cxi"), "{points:?}");
        }
    }
}

/// Where nothing changes nothing is said of reachability.
#[test]
fn quiet_networks_say_nothing_of_ways() {
    let outcome = run(&plan(&ring()));
    assert!(lines(&outcome).all(|line| line["step"] != "3" || line["procedure"] != "P10"));
}

/// Shows FE-5: nobody's keys pass a provider that refuses transit; its own users still reach the others.
#[test]
fn a_provider_may_refuse_transit() {
    let mut setting = ring();
    setting.networks[1].refuses_transit = true;
    setting.demands.push([(1, 1), (2, 2)]);
    setting.cut = Some((3, 5, 11));
    let plan = plan(&setting);
    let outcome = run(&plan);
    for ((demand, _), way) in ways(&outcome) {
        let expected: &[&str] = if demand == "d0" {
            &["Q0", "Q3", "Q2"]
        } else {
            &["Q1", "Q2"]
        };
        assert_eq!(way, expected);
    }
    // With the only other way cut and its stores still full, it is kept.
    let (delivered, all) = served(&outcome);
    assert_eq!(delivered, all);
}

/// Of two ways that make key through as many QKDNs, the one of the lower cost class; without costs, the first border's.
#[test]
fn the_cheaper_way_is_taken() {
    for (costs, over) in [([0, 0], "Q1"), ([3, 2], "Q3"), ([1, 2], "Q1")] {
        let mut setting = ring();
        (setting.networks[1].transit_cost, setting.networks[3].transit_cost) = (costs[0], costs[1]);
        let outcome = run(&plan(&setting));
        assert_eq!(
            neighbours(&outcome),
            (over.to_owned(), over.to_owned()),
            "{costs:?}"
        );
    }
}

/// Cost comes before the number of QKDNs, and key before cost.
#[test]
fn a_long_cheap_way_comes_before_a_short_dear_one_and_key_before_both() {
    let mut setting = ring();
    // A fifth QKDN between Q0 and Q3 makes that way longer.
    setting.networks.push(PLAIN);
    setting.edges[3] = edge(Kind::Gwn, (3, 2), (4, 0));
    setting.edges.push(edge(Kind::Gwn, (4, 2), (0, 1)));
    let first = |setting: &Setting| neighbours(&run(&plan(setting)));
    let both = |over: &str| (over.to_owned(), over.to_owned());
    assert_eq!(first(&setting), both("Q1"));
    setting.networks[1].transit_cost = 1;
    assert_eq!(first(&setting), both("Q4"));
    setting.cut = Some((4, 5, 11));
    assert_eq!(first(&setting), ("Q4".to_owned(), "Q1".to_owned()));
}

/// Where providers let levels be told, of two ways alike the one whose least store is fuller; a floor below which keys
/// are not served makes it an empty one. Levels that change are told.
#[test]
fn the_fuller_way_is_taken_where_levels_are_told() {
    let setting = |told: bool| {
        let mut setting = ring();
        for network in &mut setting.networks {
            network.offers_levels = told;
        }
        // Q1 uses up its own border key with Q2, which makes less than that.
        setting.block_bits = 4_000;
        setting.initial = 3 << 20;
        setting
    };
    // All stores are in the same class: the first border's way.
    assert_eq!(neighbours(&run(&plan(&setting(true)))).0, "Q1");
    let drained = |told: bool| {
        let mut setting = setting(told);
        setting.demands.push([(1, 2), (2, 0)]);
        setting.drain = Some(1);
        setting
    };
    // The session begins when Q1's border is low.
    let late = |told: bool| neighbours(&run(&plan(&drained(told)))).0;
    assert_eq!(late(false), "Q1");
    assert_eq!(late(true), "Q3");
    let outcome = run(&plan(&drained(true)));
    assert!(lines(&outcome).any(|line| line["message"] == "reachability"));
}

/// Two borders join the same two QKDNs in the middle: those two agree on the other one, and nobody else is asked.
#[test]
fn neighbours_agree_on_another_border_between_them() {
    let mut setting = chain([Kind::Gwn; 3]);
    setting.demands.truncate(1);
    setting.edges.push(edge(Kind::Iwn, (1, 1), (2, 1)));
    setting.cut = Some((1, 5, 11));
    let outcome = run(&plan(&setting));
    let (delivered, all) = served(&outcome);
    assert_eq!(delivered, all);
    let speakers: BTreeSet<String> = lines(&outcome)
        .filter(|line| line["message"] == "PROPOSE" || line["message"] == "COMMIT")
        .map(|line| {
            format!(
                "{} > {}",
                line["from"].as_str().unwrap(),
                line["to"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        speakers,
        BTreeSet::from(["controller Q1/0 > controller Q2/0".to_owned()])
    );
    let last = lines(&outcome)
        .filter(|line| line["message"] == "key transfer")
        .count();
    assert!(last > 0, "later keys are transferred at the other border");
}

fn network() -> impl Strategy<Value = Network> {
    let relay = prop_oneof![
        3 => Just(RelayScheme::HopByHop),
        1 => Just(RelayScheme::Destination),
        1 => (0..3u32).prop_map(|node| RelayScheme::Centralized(NodeId(node))),
    ];
    let refuses = prop::bool::weighted(0.2);
    let cost = prop_oneof![2 => Just(0), 1 => 1..4u8];
    (any::<bool>(), relay, refuses, cost, any::<bool>(), any::<bool>()).prop_map(
        |(centralized, relay, refuses_transit, transit_cost, offers_levels, vectors)| Network {
            centralized,
            relay,
            refuses_transit,
            transit_cost,
            offers_levels,
            vectors,
        },
    )
}

fn setting() -> impl Strategy<Value = Setting> {
    let edges = prop::collection::vec(
        (any::<bool>(), any::<[Index; 2]>(), [0..3usize, 0..3usize]),
        3..10,
    );
    let demands = prop::collection::vec((any::<[Index; 2]>(), [0..3usize, 0..3usize]), 1..5);
    let loads = (
        prop_oneof![Just(0u64), 40..4_000u64],
        prop_oneof![Just(0u64), 1_000..100_000u64],
    );
    let cut = prop::option::weighted(0.7, (any::<Index>(), 1..6u64, 1..6u64));
    (
        prop::collection::vec(network(), 3..7),
        edges,
        demands,
        (any::<bool>(), any::<bool>()),
        loads,
        cut,
        any::<u64>(),
    )
        .prop_filter_map(
            "too few ends",
            |(networks, edges, demands, (per_hop, often), (block_bits, initial), cut, seed)| {
                let count = networks.len();
                let pair = |ends: &[Index; 2], nodes: &[usize; 2]| {
                    let [a, b] = [ends[0].index(count), ends[1].index(count)];
                    (a != b).then(|| [(a, nodes[0]), (b, nodes[1])])
                };
                let kind = |iwn: bool| if iwn { Kind::Iwn } else { Kind::Gwn };
                let edges: Vec<Edge> = edges
                    .iter()
                    .filter_map(|(iwn, ends, nodes)| {
                        Some(Edge {
                            kind: kind(*iwn),
                            ends: pair(ends, nodes)?,
                        })
                    })
                    .collect();
                let demands: Vec<Ends> = demands
                    .iter()
                    .filter_map(|(ends, nodes)| pair(ends, nodes))
                    .collect();
                let cut = cut
                    .filter(|_| !edges.is_empty())
                    .map(|(at, from, after)| (at.index(edges.len()), from, from + after));
                let scheme = if per_hop {
                    ReservationScheme::PerHop
                } else {
                    ReservationScheme::Segment
                };
                (!demands.is_empty()).then(|| Setting {
                    networks,
                    reservation: scheme,
                    arrivals: poisson(if often { 20.0 } else { 2.0 }),
                    block_bits,
                    initial,
                    cut,
                    seed,
                    ..Setting::new(0, edges, demands)
                })
            },
        )
}

/// What must hold whatever the providers, borders, loads and faults.
fn hold(setting: &Setting) -> Result<(), TestCaseError> {
    let plan = plan(setting);
    let outcome = simulate(&plan, 0, WATCHED);
    for check in &outcome.audit {
        prop_assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    for (id, way) in ways(&outcome) {
        let visited: BTreeSet<&String> = way.iter().collect();
        prop_assert_eq!(visited.len(), way.len(), "{:?} visits one twice: {:?}", id, way);
        for between in &way[1..way.len() - 1] {
            let number: usize = between[1..].parse().expect("Q and a number");
            prop_assert!(
                !setting.networks[number].refuses_transit,
                "{:?} passes {}",
                id,
                between
            );
        }
    }
    // Every request that was asked ends once at the application that asked.
    let ended = lines(&outcome).filter(|line| {
        let to_source = line["to"].as_str().is_some_and(|to| to.ends_with("source"));
        to_source && (line["message"] == "key supply" || line["message"] == "key refusal")
    });
    let asked = lines(&outcome)
        .filter(|line| line["message"] == "key request")
        .count();
    prop_assert_eq!(ended.count(), asked);
    if served(&outcome).0 > 0 {
        prop_assert_eq!(value(&outcome, "kkder").to_bits(), 0f64.to_bits());
    }
    unsettled_is_one_sided(&outcome)?;
    let again = simulate(&plan, 0, WATCHED);
    prop_assert!(outcome.trace == again.trace);
    prop_assert_eq!(&outcome.metrics, &again.metrics);
    Ok(())
}

/// Shows FE-9 along any way: what is not settled, both sides of a border have in their books as not settled, and it is no
/// more than was supplied at the far end only.
fn unsettled_is_one_sided(outcome: &Outcome) -> Result<(), TestCaseError> {
    let mut unsettled: BTreeMap<(String, String, String), [u64; 2]> = BTreeMap::new();
    for row in outcome.accounting.rows().filter(|row| row.kind == "settlement") {
        let states: &[&str] = match row.segment {
            "owes" => &["settled", "open", "one_sided"],
            _ => &["settled", "open"],
        };
        prop_assert!(states.contains(&row.state), "{:?}", row);
        if row.state == "settled" {
            continue;
        }
        let (owes, is_owed, side) = match row.segment {
            "owes" => (&row.provider, &row.partner, 0),
            _ => (&row.partner, &row.provider, 1),
        };
        let session = row.session.to_owned();
        unsettled
            .entry(((*owes).to_owned(), (*is_owed).to_owned(), session))
            .or_default()[side] += row.bits;
    }
    let one_sided = (value(outcome, "one_sided") * 256.0) as u64;
    for (border, [owed, to_be_had]) in unsettled {
        prop_assert_eq!(owed, to_be_had, "{:?}", border);
        prop_assert!(owed <= one_sided, "{:?}: {} of {}", border, owed, one_sided);
    }
    Ok(())
}

/// The same plans every time; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look at others.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::with_cases(64)
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(3818);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_way_has_a_loop_whatever_the_networks(setting in setting()) {
        hold(&setting)?;
    }
}
