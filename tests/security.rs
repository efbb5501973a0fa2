//! Clause 10 of Y.3818, S1 to S6, in whole runs: what keys cost to authenticate, who could have read them, what their
//! audit trail says, what crosses Cxi, and what exhaustion of the border does.

#![allow(clippy::float_cmp)] // amounts are whole numbers, carried exactly

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::{Kind, Relay, Setting, plan};
use qkdni::kernel::Span;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load};
use serde_json::Value;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

fn run(setting: &Setting) -> Outcome {
    let outcome = simulate(&plan(setting), 0, WATCHED);
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

/// Scopes of `exposed_bits_per_node` whose value is the whole of what was delivered.
fn nodes_that_know_all(outcome: &Outcome, name: &str) -> BTreeSet<String> {
    let delivered = metric(outcome, "delivered_bits", "network");
    assert!(delivered > 0.0);
    let mut nodes = BTreeSet::new();
    for metric in outcome.metrics.iter().filter(|metric| metric.name == name) {
        let Some(node) = metric.scope.strip_prefix("node:") else {
            continue;
        };
        let value = metric.value.expect("counted for every node");
        assert!(
            value == 0.0 || value == delivered,
            "one demand: all or nothing, not {value}"
        );
        if value > 0.0 {
            nodes.insert(node.to_owned());
        }
    }
    nodes
}

fn set(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|&node| node.to_owned()).collect()
}

/// Shows S5: with GWNs every node of the way could have read every key, with an IWN the same nodes and the IWN; an
/// operator reads what any of its nodes reads.
#[test]
fn exposure_of_gateway_nodes_and_of_an_interworking_node() {
    for (kind, expected) in [
        (Kind::Gwn, set(&["A/A1", "A/A2", "A/A3", "B/B1", "B/B2", "B/B3"])),
        (
            Kind::Iwn,
            set(&["A/A1", "A/A2", "A/A3", "B/B1", "B/B2", "B/B3", "border"]),
        ),
    ] {
        let outcome = run(&Setting {
            kind,
            exposure: true,
            ..Setting::default()
        });
        assert_eq!(
            nodes_that_know_all(&outcome, "exposed_bits_per_node"),
            expected,
            "{kind:?}"
        );
        let delivered = metric(&outcome, "delivered_bits", "network");
        for operator in ["qkdn:A", "qkdn:B"] {
            assert_eq!(metric(&outcome, "exposed_bits_per_node", operator), delivered);
        }
        assert_eq!(metric(&outcome, "exposed_bits_per_node", "network"), delivered);
        // A node in the middle passes keys on at once; the source keeps them until it supplies them.
        assert_eq!(metric(&outcome, "retention_s", "node:A/A2"), 0.0);
        assert!(metric(&outcome, "retention_s", "node:A/A1") > 0.0);
        if kind == Kind::Iwn {
            // The sending side of a transfer keeps the key until it is acknowledged.
            assert!(metric(&outcome, "retention_s", "node:border") > 0.0);
        }
    }
}

/// Shows S5: relay in parts keeps the key out of the memory of the nodes between, and a central KM never holds it; but
/// whoever knows one link key of the way and reads the parts computes the others, so that what a node *could* have read
/// stays the same.
#[test]
fn relay_schemes_differ_in_what_is_held_and_not_in_what_is_computable() {
    let of = |scheme| {
        run(&Setting {
            relay: [scheme; 2],
            exposure: true,
            ..Setting::default()
        })
    };
    let all = set(&["A/A1", "A/A2", "A/A3", "B/B1", "B/B2", "B/B3"]);
    let ends = set(&["A/A1", "A/A3", "B/B1", "B/B3"]);
    for (scheme, held) in [
        (Relay::HopByHop, &all),
        (Relay::Destination, &ends),
        (Relay::CentralAt(1), &ends),
    ] {
        let outcome = of(scheme);
        assert_eq!(
            &nodes_that_know_all(&outcome, "clear_bits_per_node"),
            held,
            "{scheme:?}"
        );
        let held = held.len() as f64;
        assert_eq!(metric(&outcome, "nodes_in_clear", "network"), held, "{scheme:?}");
        assert_eq!(
            nodes_that_know_all(&outcome, "exposed_bits_per_node"),
            all,
            "{scheme:?}"
        );
        assert_eq!(metric(&outcome, "link_key_bits_per_key_bit", "network"), 5.0);
    }
}

/// Shows S4: every supplied key has a line that names its id, both KSAs, the link keys of every hop to the bit, and the
/// nodes that held it; no link key stands in two lines.
#[test]
fn every_supplied_key_has_its_audit_trail() {
    for kind in [Kind::Gwn, Kind::Iwn] {
        for scheme in [Relay::HopByHop, Relay::Destination, Relay::CentralAt(0)] {
            let outcome = run(&Setting {
                kind,
                relay: [scheme; 2],
                keys: 3,
                ..Setting::default()
            });
            let trail = lines(&outcome.trail);
            let supplied = lines(&outcome.trace)
                .iter()
                .filter(|line| line["message"] == "key supply")
                .count();
            assert_eq!(trail.len() * 2, supplied);
            let ids: BTreeSet<&str> = trail
                .iter()
                .flat_map(|line| line["key_ids"].as_array().unwrap())
                .map(|id| id.as_str().unwrap())
                .collect();
            assert_eq!(ids.len(), trail.len() * 3);
            assert!(
                trail
                    .iter()
                    .all(|line| line["key_ids"].as_array().unwrap().len() == 3)
            );
            let hops = if kind == Kind::Gwn { 5 } else { 6 };
            let mut used: BTreeMap<(String, String), Vec<[u64; 2]>> = BTreeMap::new();
            for line in &trail {
                assert_eq!(line["ksas"], serde_json::json!(["A/A1", "B/B3"]));
                let spent = line["link_keys"].as_array().unwrap();
                assert_eq!(spent.len(), hops, "{line}");
                for hop in spent {
                    let ends = (hop["from"].to_string(), hop["to"].to_string());
                    let mut bits = 0;
                    for range in hop["ranges"].as_array().unwrap() {
                        let range = [range[0].as_u64().unwrap(), range[1].as_u64().unwrap()];
                        bits += range[1];
                        used.entry(ends.clone()).or_default().push(range);
                    }
                    assert_eq!(bits, line["bits"].as_u64().unwrap());
                }
                let held: Vec<&str> = line["in_clear"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|held| held["node"].as_str().unwrap())
                    .collect();
                assert!(held.contains(&"A/A1") && held.contains(&"B/B3"));
                assert_eq!(held.contains(&"A/A2"), scheme == Relay::HopByHop, "{line}");
            }
            for ranges in used.values_mut() {
                ranges.sort_unstable();
                assert!(
                    ranges
                        .windows(2)
                        .all(|pair| pair[0][0] + pair[0][1] <= pair[1][0])
                );
            }
        }
    }
}

/// Shows S2: with information-theoretic authentication every message between neighbouring KMAs takes its tag's key from
/// the pools, to the bit; the tags are no part of what a key costs.
#[test]
fn tags_take_their_key_from_the_pools() {
    for (kind, per_request) in [(Kind::Gwn, 10), (Kind::Iwn, 12)] {
        let outcome = run(&Setting {
            kind,
            tag_bits: 128,
            ..Setting::default()
        });
        assert_eq!(metric(&outcome, "served_share", "network"), 1.0);
        // Count from the trace, within the counting time: relays and completions over links; messages inside an IWN share
        // no pool, and the requirement goes to a KMA that is no neighbour.
        let setting = Setting::default();
        let counted = setting.duration.0 - setting.timeout.0;
        let tagged = lines(&outcome.trace)
            .iter()
            .filter(|line| {
                matches!(line["reference_point"].as_str(), Some("Kx-1" | "Kxi-1"))
                    && line["message"] != "interworking requirement"
                    && line["t_ns"].as_u64().expect("a time") < counted
            })
            .count();
        assert!(tagged > 0 && tagged % per_request == 0, "{tagged}");
        let bits = metric(&outcome, "authentication_bits", "network");
        assert_eq!(bits, tagged as f64 * 128.0);
        assert_eq!(metric(&outcome, "unauthenticated_messages", "network"), 0.0);
        let cost = if kind == Kind::Gwn { 5.0 } else { 6.0 };
        assert_eq!(metric(&outcome, "link_key_bits_per_key_bit", "network"), cost);
        let total = metric(&outcome, "total_link_key_bits", "network");
        assert_eq!(total, bits + cost * metric(&outcome, "delivered_bits", "network"));
    }
    let without = run(&Setting::default());
    assert_eq!(metric(&without, "authentication_bits", "network"), 0.0);
}

/// Shows S2, FE-5, FE-10 and FE-11: where asked for, Cxi and Mxi (and Ck) are encrypted with KSA-keys. Each way between two
/// nodes takes one per period, by P9 or P12 like any user; what that costs is drawn from the pools, to the bit, and no
/// number of the users' own says so.
#[test]
fn sharing_between_providers_takes_ksa_keys_from_the_pools() {
    let of = |configuration: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let file = format!("scenarios/clause8/{configuration}.json");
        let plan = compile(&load(&file, &sets).expect("valid").document);
        let outcome = simulate(&Arc::new(plan), 0, WATCHED);
        for check in &outcome.audit {
            assert!(check.passed, "{configuration}: {}: {}", check.check, check.detail);
        }
        outcome
    };
    let keyed = "security.sharing={\"ksa_keys\":{\"period\":\"10 s\"}}";
    let with_ck = "security.sharing={\"ksa_keys\":{\"period\":\"10 s\",\"ck\":true}}";
    for (configuration, set, ways) in [
        // Cxi at the border, Mxi between the managers' nodes, hop by hop: a3 – b1, and a1 – a3 – b1.
        ("gwn-dd", keyed, &[("Cxi:A/a3:B/b1", 1), ("Mxi:A/a1:B/b1", 2)][..]),
        // Both inside the interworking node: Cxi' needs none.
        ("iwn-dd", keyed, &[("Mxi:A/a1:B/b1", 3)][..]),
        ("gwn-cc", keyed, &[("Cxi:A/a1:B/b3", 3), ("Mxi:A/a1:B/b3", 3)][..]),
        (
            "gwn-cc",
            with_ck,
            &[
                ("Cxi:A/a1:B/b3", 3),
                ("Mxi:A/a1:B/b3", 3),
                ("Ck:A/a1:A/a2", 1),
                ("Ck:A/a1:A/a3", 1),
                ("Ck:B/b1:B/b3", 1),
                ("Ck:B/b2:B/b3", 1),
            ][..],
        ),
    ] {
        let outcome = of(configuration, &[set]);
        let mut spent = 0.0;
        let mut names = BTreeSet::new();
        for &(way, hops) in ways {
            names.insert(way.to_owned());
            let scope = format!("demand:{way}");
            let delivered = metric(&outcome, "delivered", &scope);
            // A key each 10 s of the counting time.
            assert!(
                (5.0..=6.0).contains(&delivered),
                "{configuration} {way}: {delivered}"
            );
            assert_eq!(
                metric(&outcome, "served_share", &scope),
                1.0,
                "{configuration} {way}"
            );
            assert_eq!(
                metric(&outcome, "link_key_bits_per_key_bit", &scope),
                f64::from(hops),
                "{configuration} {way}"
            );
            spent += delivered * 256.0 * f64::from(hops);
        }
        let keyed: BTreeSet<String> = outcome
            .metrics
            .iter()
            .filter(|metric| metric.name == "requests")
            .filter_map(|metric| metric.scope.strip_prefix("demand:"))
            .filter(|name| name.contains(':'))
            .map(str::to_owned)
            .collect();
        assert_eq!(keyed, names, "{configuration}");
        assert_eq!(metric(&outcome, "sharing_link_key_bits", "network"), spent);
        let users = ["demand:a-to-b", "demand:b-to-a"].map(|scope| metric(&outcome, "requests", scope));
        assert_eq!(metric(&outcome, "requests", "network"), users[0] + users[1]);
        for line in lines(&outcome.trace) {
            let point = line["reference_point"].as_str().unwrap_or_default();
            let between = matches!(point, "Cxi" | "Cxi'" | "Mxi" | "Mxi'");
            assert_eq!(
                line["encrypted"] == true,
                between || (point == "Ck" && set == with_ck),
                "{line}"
            );
        }
    }
    let without = of("gwn-dd", &[]);
    assert!(
        without
            .metrics
            .iter()
            .all(|metric| metric.name != "sharing_link_key_bits")
    );
}

/// Shows S2: a message whose tag finds no key is not sent, and the request that needed it fails; nothing hangs.
#[test]
fn without_key_for_tags_nothing_passes() {
    let outcome = run(&Setting {
        tag_bits: 128,
        // A lane holds one request with its tag, and for a second one the key but no tag.
        initial: 2 * (384 + 320),
        block: None,
        duration: Span::from_seconds(30),
        ..Setting::default()
    });
    assert!(metric(&outcome, "unauthenticated_messages", "network") > 0.0);
    let (delivered, requests) = (
        metric(&outcome, "delivered", "network"),
        metric(&outcome, "requests", "network"),
    );
    assert!(
        0.0 < delivered && delivered < requests,
        "{delivered} of {requests}"
    );
}

/// Shows S6 and A5: what crosses Cxi names neither applications nor the source KM, nor hops or stores of the other side.
#[test]
fn controllers_tell_each_other_no_more_than_a_session_needs() {
    use qkdni::architecture::message::SegmentOrder;
    // By type: a query holds these fields and no others (of its session, where a demand has several: which one, and its end).
    let _: fn(SegmentOrder) = |order| {
        let SegmentOrder {
            ask: _,
            border: _,
            passed: _,
            destination: _,
            destination_qkdn: _,
            bits: _,
            class: _,
            deadline: _,
            hold: _,
            leg: _,
        } = order;
    };
    // By trace: the messages that cross, all of them.
    for kind in [Kind::Gwn, Kind::Iwn] {
        let crossing: BTreeSet<String> = lines(
            &run(&Setting {
                kind,
                ..Setting::default()
            })
            .trace,
        )
        .iter()
        .filter(|line| matches!(line["reference_point"].as_str(), Some("Cxi" | "Cxi'")))
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect();
        let known = [
            "segment query",
            "segment offer",
            "segment reservation",
            "segment confirmed",
            "session close",
        ];
        assert!(
            crossing.iter().all(|message| known.contains(&message.as_str())),
            "{crossing:?}"
        );
        let asks = known[..4].iter().all(|message| crossing.contains(*message));
        assert!(asks, "sessions are established across the border: {crossing:?}");
    }
}

/// Shows S3: who uses up the border's key, or silences its link, takes it from all that cross; demands inside a QKDN go
/// on, and what fails says why.
#[test]
fn exhaustion_and_denial_of_service_hit_what_crosses_the_border() {
    let of = |variant: &str| {
        let loaded = load(&format!("scenarios/border-exhaustion.json{variant}"), &[]).expect("valid");
        let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, WATCHED);
        for check in &outcome.audit {
            assert!(check.passed, "{variant}: {}: {}", check.check, check.detail);
        }
        outcome
    };
    let [usual, flood, silence] = ["", ":flood", ":silence"].map(of);
    let served =
        |outcome: &Outcome, demand: &str| metric(outcome, "served_share", &format!("demand:{demand}"));
    for outcome in [&usual, &flood, &silence] {
        assert_eq!(served(outcome, "inside-a"), 1.0);
    }
    assert!(served(&usual, "a-to-b") > 0.95, "{}", served(&usual, "a-to-b"));
    for attacked in [&flood, &silence] {
        assert!(served(attacked, "a-to-b") < 0.6, "{}", served(attacked, "a-to-b"));
        let causes: BTreeSet<_> = attacked
            .requests
            .iter()
            .filter(|record| record.demand == "a-to-b")
            .filter_map(|record| record.failure)
            .collect();
        assert!(causes.contains("insufficient_key"), "{causes:?}");
    }
}
