//! Whole runs of small networks against what must come out exactly.

mod common;

use std::sync::Arc;

use common::{ACROSS_M, INSIDE_M, Kind, Setting, parameters, plan, poisson};
use qkdni::architecture::surroundings::ReservationScheme;
use qkdni::control::routing::FewestHops;
use qkdni::kernel::{Span, Time};
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::plan::{Control, DuctSection, Plan, Processing, RunPlan};
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::quantum::models::BlockSchedule;
use qkdni::units::Fraction;

/// Runs a setting and holds it to the auditor.
fn run(setting: &Setting) -> Outcome {
    run_plan(&plan(setting))
}

fn run_plan(plan: &Arc<Plan>) -> Outcome {
    let outcome = simulate(
        plan,
        0,
        Options {
            trace: true,
            audit: true,
        },
    );
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

fn metric(outcome: &Outcome, name: &str, scope: &str) -> Option<f64> {
    let found = outcome
        .metrics
        .iter()
        .find(|metric| metric.name == name && metric.scope == scope);
    found
        .unwrap_or_else(|| panic!("there is a metric {name} of {scope}"))
        .value
}

const ALL: [(Kind, [bool; 2]); 4] = [
    (Kind::Gwn, [false, false]),
    (Kind::Gwn, [true, true]),
    (Kind::Iwn, [false, false]),
    (Kind::Iwn, [true, true]),
];

/// Shows FE-1. Link keys per key bit: hA + 1 + hB with GWNs, hA' + hB' (hops to the IWN) with an IWN, exactly.
#[test]
fn link_key_cost_is_the_number_of_hops_that_spend() {
    for (kind, centralized) in ALL {
        for backwards in [false, true] {
            let outcome = run(&Setting {
                kind,
                centralized,
                backwards,
                ..Setting::default()
            });
            let cost = match kind {
                Kind::Gwn => 2 + 1 + 2,
                Kind::Iwn => 3 + 3,
            };
            assert_eq!(
                metric(&outcome, "link_key_bits_per_key_bit", "network"),
                Some(f64::from(cost)),
                "{kind:?}"
            );
            assert_eq!(metric(&outcome, "served_share", "network"), Some(1.0));
        }
    }
}

/// Closed form 9: relay latency in an idle network is Σ(5 ns per metre + processing), to the nanosecond.
#[test]
fn idle_relay_latency_is_exact() {
    for (kind, centralized) in ALL {
        for processing in [Span::ZERO, Span(100_003)] {
            let outcome = run(&Setting {
                kind,
                centralized,
                processing,
                ..Setting::default()
            });
            // An IWN adds the transfer: one more processing, no distance.
            let receivers = if kind == Kind::Gwn { 5 } else { 7 };
            let exact = (4 * INSIDE_M + ACROSS_M) * 5 + receivers * processing.0;
            let latency = outcome
                .metrics
                .iter()
                .find(|metric| metric.name == "relay_latency_s" && metric.scope == "network")
                .expect("it is measured");
            assert!(!latency.samples_ns.is_empty());
            assert!(
                latency.samples_ns.iter().all(|&sample| sample == exact),
                "{kind:?} {:?}",
                latency.samples_ns
            );
        }
    }
}

/// Same plan, same replication: same bytes. Another replication: other arrivals.
#[test]
fn a_run_is_a_function_of_plan_and_replication() {
    let setting = Setting {
        arrivals: poisson(20.0),
        initial: 0,
        ..Setting::default()
    };
    let plan = plan(&setting);
    let options = Options {
        trace: true,
        audit: true,
    };
    let (one, again, other) = (
        simulate(&plan, 0, options),
        simulate(&plan, 0, options),
        simulate(&plan, 1, options),
    );
    assert_eq!((one.trace, one.metrics), (again.trace, again.metrics));
    assert_ne!(one.requests, other.requests);
}

/// Watching changes nothing.
#[test]
fn observers_change_no_number() {
    let plan = plan(&Setting {
        arrivals: poisson(50.0),
        initial: 0,
        key_bits: 3_000,
        ..Setting::default()
    });
    let of = |trace, audit| simulate(&plan, 0, Options { trace, audit });
    let (bare, watched) = (of(false, false), of(true, true));
    assert_eq!(bare.metrics, watched.metrics);
    assert_eq!(bare.requests, watched.requests);
}

/// A key that is lacking is waited for; nothing is spent meanwhile (reservation by segment).
#[test]
fn a_request_waits_for_key_and_is_served() {
    let setting = Setting {
        initial: 0,
        block: Some(BlockSchedule {
            bits: 2_000,
            period: Span::from_seconds(1),
        }),
        key_bits: 900,
        ..Setting::default()
    };
    let outcome = run(&setting);
    // The first request comes at 0.5 s; the first block of 1,000 bits per lane at 1 s.
    let first = &outcome.requests[0];
    assert_eq!((first.sent_ns, first.failure), (500_000_000, None));
    assert!(
        first.ended_ns > 1_000_000_000 && first.ended_ns < 1_100_000_000,
        "{first:?}"
    );
    assert!(first.waited_for.is_some());
    assert_eq!(metric(&outcome, "wasted_link_key_bits", "network"), Some(0.0));
}

/// A key that never comes fails the request at its time-out, with the cause and the lacking KM; nothing is spent.
#[test]
fn a_request_fails_for_want_of_key_at_its_time_out() {
    for (kind, centralized) in ALL {
        let setting = Setting {
            kind,
            centralized,
            initial: 0,
            block: None,
            ..Setting::default()
        };
        let outcome = run(&setting);
        assert!(!outcome.requests.is_empty());
        for request in &outcome.requests {
            assert_eq!(request.failure, Some("insufficient_key"), "{request:?}");
            assert_eq!(request.ended_ns - request.sent_ns, setting.timeout.0);
            assert!(request.waited_for.is_some());
        }
        assert_eq!(metric(&outcome, "kkdlr", "network"), Some(1.0));
        assert_eq!(metric(&outcome, "total_link_key_bits", "network"), Some(0.0));
        assert_eq!(metric(&outcome, "kkrd_s", "network"), None);
    }
}

/// P10 in part: a cut inside A is declared, reported, and the route changes once, stage by stage.
#[test]
fn a_cut_inside_a_network_is_rerouted_around() {
    for (kind, centralized) in ALL {
        let at = Time(4_300_000_000);
        let setting = Setting {
            kind,
            centralized,
            ring: true,
            // In a ring fewest hops takes A1 – A3; the other way is over A2.
            cut: Some(("A/A1-A3", at, Some(Time(8_000_000_000)))),
            ..Setting::default()
        };
        let outcome = run(&setting);
        assert_eq!(outcome.reroutes.len(), 1, "{kind:?} {centralized:?}");
        let reroute = &outcome.reroutes[0];
        let stage = |name: &str| {
            let at = qkdni::observe::outcome::RerouteRecord::STAGES
                .iter()
                .position(|stage| *stage == name);
            reroute.stages_ns[at.expect("a stage")]
        };
        let expected = parameters(ReservationScheme::Segment);
        assert_eq!(stage("detection"), Some(expected.detection.0));
        assert_eq!(stage("analysis"), Some(expected.analysis.0));
        assert_eq!(stage("computation"), Some(expected.computation.0));
        assert_eq!(stage("coordination"), Some(0));
        assert_eq!(stage("installation"), Some(expected.installation.0));
        assert!(stage("report") > Some(0) && stage("command") > Some(0));
        assert_eq!(stage("first_key"), None, "nobody waited");
        let sum: u64 = reroute.stages_ns[..7].iter().map(|stage| stage.unwrap()).sum();
        assert_eq!(reroute.control_plane_ns(), Some(sum));
        assert_eq!(metric(&outcome, "served_share", "network"), Some(1.0));
        let hops: Vec<u32> = outcome.requests.iter().map(|request| request.hops).collect();
        let usual = if kind == Kind::Gwn { 1 + 1 + 1 } else { 2 + 1 + 2 };
        let around = usual + 1;
        assert!(hops.contains(&usual) && hops.contains(&around), "{hops:?}");
    }
}

/// A fault on a link without another way: keys in store carry on (PASSIVE), then requests fail for want of key, and
/// after the repair they are served again.
#[test]
fn a_cut_without_another_way_drains_the_store() {
    let setting = Setting {
        initial: 2_000,
        block: Some(BlockSchedule {
            bits: 1_000,
            period: Span::from_millis(500),
        }),
        key_bits: 1_000,
        timeout: Span::from_seconds(2),
        duration: Span::from_seconds(30),
        cut: Some(("border", Time(5_100_000_000), Some(Time(15_000_000_000)))),
        ..Setting::default()
    };
    let outcome = run(&setting);
    let sent = |from: u64, to: u64| {
        let within = move |ns: u64| (from * 1_000_000_000..to * 1_000_000_000).contains(&ns);
        outcome
            .requests
            .iter()
            .filter(move |request| within(request.sent_ns))
    };
    assert!(sent(0, 6).all(|request| request.failure.is_none()));
    assert!(sent(8, 13).all(|request| request.failure == Some("insufficient_key")));
    assert!(sent(18, 28).all(|request| request.failure.is_none()));
}

/// An idle link costs no events: 10,000 links with full stores, no demand, no heartbeat, for a year.
#[test]
fn idle_links_cost_no_events() {
    const LINKS: u64 = 10_000;
    let run = RunPlan {
        warm_up: Span::ZERO,
        duration: Span::from_seconds(365 * 86_400),
        seed: 1,
        replications: 1,
    };
    let none = Processing {
        key_manager: Span::ZERO,
        controller: Span::ZERO,
        manager: Span::ZERO,
    };
    let mut builder = PlanBuilder::new("idle", run, parameters(ReservationScheme::Segment), none);
    let qkdn = builder.qkdn("Q", Arc::new(FewestHops));
    let nodes: Vec<_> = (0..=LINKS)
        .map(|number| builder.node(&format!("Q/n{number}"), qkdn, None))
        .collect();
    for pair in nodes.windows(2) {
        let duct = builder.duct("d", 1_000);
        builder.link(LinkSpec {
            name: "l".to_owned(),
            ends: [pair[0], pair[1]],
            length_m: 1_000,
            loss_db: 0.2,
            systems: 1,
            middle_station: false,
            schedule: Some(BlockSchedule {
                bits: 1_000,
                period: Span::from_seconds(1),
            }),
            making: None,
            store: StoreAmounts {
                initial: 1_000_000,
                capacity: 1_000_000,
                floor: 0,
                max_age: None,
                first_lane: Fraction::HALF,
            },
            ducts: vec![DuctSection {
                duct,
                from_m: 0,
                to_m: 1_000,
            }],
        });
    }
    builder.control(qkdn, Control::Centralized(nodes[0]), None);
    let outcome = simulate(&Arc::new(builder.build()), 0, Options::default());
    assert!(outcome.events < LINKS, "{} events", outcome.events);
    assert!(outcome.audit.iter().all(|check| check.passed));
    // The year's key was generated all the same, and discarded: nothing was spent of it.
    let measured = |name| metric(&outcome, name, "network");
    assert_eq!(measured("drawdown_bits"), Some(0.0));
    assert_eq!(measured("key_utilisation"), Some(0.0), "of what was generated");
}

/// Shows P12 step 6 at a rate: keys pass inside the IWN one after the other, each in its length over the rate; to the
/// nanosecond.
#[test]
fn key_transfer_takes_its_time_where_it_has_a_rate() {
    let at = |rate: Option<u64>| {
        let mut plan = (*plan(&Setting {
            kind: Kind::Iwn,
            ..Setting::default()
        }))
        .clone();
        if let Some(rate) = rate {
            let hops = plan.boundaries.values().flat_map(|boundary| boundary.hops);
            plan.transfer_rates = hops.map(|hop| (hop, rate)).collect();
        }
        let outcome = run_plan(&Arc::new(plan));
        let taken = outcome
            .requests
            .iter()
            .filter(|request| request.failure.is_none());
        taken
            .map(|request| request.ended_ns - request.sent_ns)
            .collect::<Vec<u64>>()
    };
    let at_once = at(None);
    assert!(at_once.len() > 3);
    let later = |by: u64| at_once.iter().map(|&time| time + by).collect::<Vec<_>>();
    assert_eq!(at(Some(1_000_000)), later(256_000));
    // 1.28 s for each, one asked for every second: each waits 0.28 s longer than the one before, from the second on.
    let queued = at(Some(200));
    assert_eq!(queued[0], at_once[0] + 1_280_000_000);
    assert_eq!(queued[2] - queued[1], 280_000_000);
}
