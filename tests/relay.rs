//! Relay schemes (Y.3803) inside the QKDNs of whole runs: hop by hop, destination, centralized. All spend the same link
//! keys; delays follow closed forms to the nanosecond; real bits come out the same at both ends.

mod common;

use std::sync::Arc;

use common::{ACROSS_M, INSIDE_M, Kind, Relay, Setting, parameters, plan, poisson};
use proptest::prelude::*;
use qkdni::architecture::surroundings::{RelayScheme, ReservationScheme};
use qkdni::control::routing::FewestHops;
use qkdni::ids::{NodeId, StoreId};
use qkdni::kernel::{Span, Time};
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::plan::{DuctSection, Plan, Processing, RunPlan};
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::{Measured, Outcome};
use qkdni::service::demand::Periodic;
use qkdni::units::Fraction;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

const SCHEMES: [Relay; 5] = [
    Relay::HopByHop,
    Relay::Destination,
    Relay::CentralAt(0),
    Relay::CentralAt(1),
    Relay::CentralAt(2),
];

fn run(plan: &Arc<Plan>) -> Outcome {
    let outcome = simulate(plan, 0, WATCHED);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

fn metric(outcome: &Outcome, name: &str) -> Option<f64> {
    let of_network = outcome.metrics.iter().filter(|metric| metric.scope == "network");
    of_network
        .filter(|metric| metric.name == name)
        .map(|metric| metric.value)
        .next()
        .unwrap_or_else(|| panic!("there is a metric {name}"))
}

fn latencies(outcome: &Outcome) -> &[u64] {
    let of_network = outcome.metrics.iter().filter(|metric| metric.scope == "network");
    let mut found = of_network.filter(|metric| metric.name == "relay_latency_s");
    &found.next().expect("it is measured").samples_ns
}

/// Relay over one segment in an idle network: from the first KM's start to the last KM's having the key \[ns\].
/// `delay(a, b)` is the data network's; KMs are 0 … `hops`; `p` is one processing time.
fn closed_form(scheme: Relay, hops: usize, delay: impl Fn(usize, usize) -> u64, p: u64) -> u64 {
    let combiner = match scheme {
        _ if hops < 2 => return hops as u64 * (delay(0, 1) + p),
        Relay::HopByHop => return (0..hops).map(|km| delay(km, km + 1) + p).sum(),
        Relay::Destination => hops,
        Relay::CentralAt(km) => km,
    };
    // The first KM asks all others at once, and each that is asked sends to the combiner, which serves first in, first out.
    let mut arrivals = vec![delay(0, combiner)];
    for km in 1..hops {
        if km == combiner {
            arrivals.push(delay(0, km)); // it is asked, and hands its part to itself
        } else {
            arrivals.push(delay(0, km) + p + delay(km, combiner));
        }
    }
    if combiner == 0 {
        arrivals.remove(0); // its own part takes no time
    }
    arrivals.sort_unstable();
    let all_there = arrivals
        .iter()
        .fold(0, |free: u64, &arrival| free.max(arrival) + p);
    all_there
        + if combiner == hops {
            0
        } else {
            delay(combiner, hops) + p
        }
}

/// Two QKDNs of three nodes each, both borders, both directions, all schemes in both networks: latency to the
/// nanosecond, and link keys as many as hop by hop.
#[test]
fn every_scheme_keeps_its_closed_form_across_a_border() {
    let p = 100_003;
    for kind in [Kind::Gwn, Kind::Iwn] {
        for (near, far) in SCHEMES
            .into_iter()
            .flat_map(|near| SCHEMES.map(|far| (near, far)))
        {
            let outcome = run(&plan(&Setting {
                kind,
                relay: [near, far],
                processing: Span(p),
                material: true,
                ..Setting::default()
            }));
            let inside = INSIDE_M * 5;
            let half = ACROSS_M / 2 * 5;
            // KM numbers along the way; with an IWN, each network ends at its own side of it.
            let (hops, cost) = if kind == Kind::Gwn { (2, 5.0) } else { (3, 6.0) };
            let place_near = |km: usize| {
                if km < 3 {
                    km as u64 * inside
                } else {
                    2 * inside + half
                }
            };
            let place_far = |km: usize| {
                let from_node = |node: usize| if kind == Kind::Gwn { node } else { node - 1 };
                match km {
                    0 => 0,
                    km if kind == Kind::Gwn => from_node(km) as u64 * inside,
                    km => half + from_node(km) as u64 * inside,
                }
            };
            let between = |place: &dyn Fn(usize) -> u64, a, b| place(a).abs_diff(place(b));
            let far_in_segment = match far {
                Relay::CentralAt(node) if kind == Kind::Iwn => Relay::CentralAt(node + 1),
                other => other,
            };
            let crossing = if kind == Kind::Gwn { ACROSS_M * 5 + p } else { p };
            let exact = closed_form(near, hops, |a, b| between(&place_near, a, b), p)
                + crossing
                + closed_form(far_in_segment, hops, |a, b| between(&place_far, a, b), p);
            let measured = latencies(&outcome);
            assert!(!measured.is_empty());
            assert!(
                measured.iter().all(|&sample| sample == exact),
                "{kind:?} {near:?} {far:?}: {measured:?}, not {exact}"
            );
            assert_eq!(metric(&outcome, "link_key_bits_per_key_bit"), Some(cost));
            assert_eq!(metric(&outcome, "served_share"), Some(1.0));
            assert_eq!(metric(&outcome, "kkder"), Some(0.0));
        }
    }
}

/// One QKDN, a line of nodes; `routes`: every pair has a way of the data network of its own, of that length \[m\].
fn line(scheme: Relay, lengths_m: &[u64], routes: Option<u64>, p: u64) -> Arc<Plan> {
    let second = Span::from_seconds(1);
    let run = RunPlan {
        warm_up: Span::ZERO,
        duration: second * 20,
        seed: 1,
        replications: 1,
    };
    let processing = Processing {
        key_manager: Span(p),
        controller: Span(p),
        manager: Span(p),
    };
    let mut builder = PlanBuilder::new("line", run, parameters(ReservationScheme::Segment), processing);
    let qkdn = builder.qkdn("A", Arc::new(FewestHops));
    let nodes: Vec<NodeId> = (0..=lengths_m.len())
        .map(|number| builder.node(&format!("A/{number}"), qkdn, None))
        .collect();
    for (number, &length_m) in lengths_m.iter().enumerate() {
        let name = format!("A/link{number}");
        let duct = builder.duct(&name, length_m);
        builder.link(LinkSpec {
            name,
            ends: [nodes[number], nodes[number + 1]],
            length_m,
            loss_db: 1.0,
            systems: 1,
            middle_station: false,
            schedule: None,
            making: None,
            store: StoreAmounts {
                initial: 1 << 20,
                capacity: 1 << 20,
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
    }
    if let Some(length_m) = routes {
        for (a, &one) in nodes.iter().enumerate() {
            nodes[a + 1..]
                .iter()
                .for_each(|&other| builder.data_route(one, other, length_m));
        }
    }
    let scheme = match scheme {
        Relay::HopByHop => RelayScheme::HopByHop,
        Relay::Destination => RelayScheme::Destination,
        Relay::CentralAt(node) => RelayScheme::Centralized(nodes[node]),
    };
    builder.relay(qkdn, scheme);
    builder.material_check();
    let arrivals = Periodic {
        period: second,
        phase: Some(Span::from_millis(500)),
    };
    let class = builder.class("default");
    let ends = [nodes[0], nodes[lengths_m.len()]];
    builder.session("d1", ends, Arc::new(arrivals), 1, 1_001, second * 5, class);
    Arc::new(builder.build())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines of one to seven hops of any length, with the data network along them or all-to-all.
    #[test]
    fn every_scheme_keeps_its_closed_form_on_a_line(
        lengths in proptest::collection::vec(1_000u64..90_000, 1..8),
        route in proptest::option::of(1_000u64..200_000),
        p in 0u64..300_000,
        central in 0usize..8,
    ) {
        let hops = lengths.len();
        let place = |km: usize| lengths[..km].iter().sum::<u64>() * 5;
        let delay = |a: usize, b: usize| match route {
            Some(length_m) if a != b => length_m * 5,
            _ => place(a).abs_diff(place(b)),
        };
        for scheme in [Relay::HopByHop, Relay::Destination, Relay::CentralAt(central % (hops + 1))] {
            let outcome = run(&line(scheme, &lengths, route, p));
            let exact = closed_form(scheme, hops, delay, p);
            let measured = latencies(&outcome);
            prop_assert!(!measured.is_empty());
            prop_assert!(measured.iter().all(|&sample| sample == exact), "{:?}: {:?}, not {}", scheme, measured, exact);
            prop_assert_eq!(metric(&outcome, "link_key_bits_per_key_bit"), Some(hops as f64));
            prop_assert_eq!(metric(&outcome, "kkder"), Some(0.0));
        }
    }
}

/// What the parallel schemes are for: where the data network has short ways of its own, the delay no longer grows with
/// the propagation over every hop.
#[test]
fn parallel_schemes_gain_where_the_data_network_is_shorter_than_the_line() {
    let lengths = [50_000; 6];
    let of = |scheme| latencies(&run(&line(scheme, &lengths, Some(50_000), 0)))[0];
    assert_eq!(of(Relay::HopByHop), 6 * 250_000);
    assert_eq!(of(Relay::Destination), 2 * 250_000);
    assert_eq!(of(Relay::CentralAt(3)), 3 * 250_000);
}

/// Books balance, every request ends once and both ends hold the same key under overload too, where promises are
/// refused, given back and made again.
#[test]
fn schemes_hold_under_overload_with_real_bits() {
    for (near, far) in [
        (Relay::Destination, Relay::CentralAt(2)),
        (Relay::CentralAt(1), Relay::HopByHop),
    ] {
        for kind in [Kind::Gwn, Kind::Iwn] {
            let outcome = run(&plan(&Setting {
                kind,
                relay: [near, far],
                arrivals: poisson(200.0),
                initial: 20_000,
                key_bits: 1_003,
                material: true,
                ..Setting::default()
            }));
            let (requests, delivered) = (metric(&outcome, "requests"), metric(&outcome, "delivered"));
            assert!(delivered > Some(100.0) && delivered < requests, "{delivered:?}");
            assert_eq!(metric(&outcome, "kkder"), Some(0.0));
            let cost = if kind == Kind::Gwn { 5.0 } else { 6.0 };
            assert_eq!(metric(&outcome, "link_key_bits_per_key_bit"), Some(cost));
        }
    }
}

/// The material check measures: one receiving end whose place is off by one bit spoils every key over its hop, in any
/// scheme, and both the metric and the auditor say so.
#[test]
fn a_drift_of_one_bit_is_found() {
    for scheme in SCHEMES {
        let sound = plan(&Setting {
            relay: [scheme; 2],
            material: true,
            ..Setting::default()
        });
        for hop in [0, 2, 8] {
            let mut drifting = (*sound).clone();
            let store = drifting.hops[qkdni::ids::HopId(hop)]
                .store()
                .expect("it is padded");
            drifting.material.as_mut().expect("real bits flow").drifts = vec![(store, 1)];
            let outcome = simulate(&Arc::new(drifting), 0, WATCHED);
            assert_eq!(metric(&outcome, "kkder"), Some(1.0), "{scheme:?} hop {hop}");
            let failed: Vec<&str> = outcome
                .audit
                .iter()
                .filter(|check| !check.passed)
                .map(|check| check.check)
                .collect();
            assert_eq!(failed, ["both applications of a request hold the same key"]);
        }
        // A drift on a hop that nobody uses spoils nothing.
        let mut elsewhere = (*sound).clone();
        elsewhere.material.as_mut().expect("real bits flow").drifts = vec![(StoreId(1), 1)];
        assert_eq!(metric(&run(&Arc::new(elsewhere)), "kkder"), Some(0.0));
    }
}

/// Real bits change nothing but what they measure.
#[test]
fn the_material_check_changes_no_other_number() {
    let of = |material| {
        run(&plan(&Setting {
            relay: [Relay::Destination, Relay::HopByHop],
            material,
            arrivals: poisson(50.0),
            ..Setting::default()
        }))
    };
    let (with, without) = (of(true), of(false));
    assert_eq!(with.trace, without.trace);
    let others = |outcome: &Outcome| -> Vec<Measured> {
        let all = outcome.metrics.iter();
        all.filter(|metric| metric.name != "kkder").cloned().collect()
    };
    assert!(others(&with) == others(&without));
}

/// A part that cannot be sent fails the request, and what the others spent is wasted: here the promise of a KM in the
/// middle lapses because its share of the messages comes after the deadline.
#[test]
fn what_a_failed_relay_in_parts_has_spent_is_wasted() {
    for scheme in [Relay::Destination, Relay::CentralAt(0)] {
        // Long ways: everything is promised in time, the first KM starts in time, the request to send comes too late.
        let mut found = false;
        for timeout_us in (1_000..8_000).step_by(50) {
            let mut plan = (*line(scheme, &[40_000; 4], None, 100_000)).clone();
            plan.sessions[qkdni::ids::SessionId(0)].timeout = Span::from_micros(timeout_us);
            let outcome = run(&Arc::new(plan));
            let wasted = metric(&outcome, "wasted_link_key_bits");
            let delivered = metric(&outcome, "delivered");
            if delivered == Some(0.0) && wasted > Some(0.0) {
                found = true;
                assert_eq!(metric(&outcome, "served_share"), Some(0.0));
                let causes = outcome.requests.iter().map(|record| record.failure);
                assert!(causes.into_iter().all(|cause| cause == Some("time_out")));
            }
        }
        assert!(found, "{scheme:?}");
    }
}

/// A cut of the data network loses parts: requests fail, and nothing is supplied at one end with another key.
#[test]
fn lost_parts_fail_their_request() {
    let mut plan = (*line(Relay::Destination, &[40_000; 4], None, 100_000)).clone();
    let duct = plan.links[qkdni::ids::LinkId(2)].ducts[0].duct;
    let cut = qkdni::architecture::Disturbance::DataCut { duct, position_m: 10 };
    plan.add_fault("f1", vec![cut], Time(5_502_000_000), None);
    let outcome = run(&Arc::new(plan));
    assert!(metric(&outcome, "wasted_link_key_bits") > Some(0.0));
    assert!(metric(&outcome, "delivered") < metric(&outcome, "requests"));
    assert_eq!(metric(&outcome, "kkder"), Some(0.0));
}
