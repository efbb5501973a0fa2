//! P9 and P12 in the four configurations of this release, both directions: golden sequence charts of a session's first
//! request and of a later one, judged by the partial order of the procedures, and the reference points that appear.
//!
//! `BLESS=1 cargo test --test procedures` writes the charts anew; read the difference before committing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::observe::record::TraceLine;
use qkdni::report::chart::list;
use qkdni::scenario::{compile, load};
use serde_json::Value;

const CONFIGURATIONS: [&str; 4] = ["gwn-dd", "gwn-cc", "iwn-dd", "iwn-cc"];

/// The trace lines of a scenario's run.
fn trace(configuration: &str) -> Vec<Value> {
    let loaded = load(&format!("scenarios/clause8/{configuration}.json"), &[]).expect("a valid scenario");
    let outcome = simulate(
        &Arc::new(compile(&loaded.document)),
        0,
        Options {
            trace: true,
            audit: true,
        },
    );
    for check in &outcome.audit {
        assert!(check.passed, "{configuration}: {}: {}", check.check, check.detail);
    }
    let text = String::from_utf8(outcome.trace).expect("JSON is UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or("–")
}

/// Key relay and key transfer lines of one request.
fn of_request<'a>(lines: &'a [Value], session: &str, request: u64) -> Vec<&'a Value> {
    let ours = |line: &&Value| {
        text(line, "session") == session
            && line["request"] == request
            && matches!(text(line, "procedure"), "P9" | "P12")
    };
    lines.iter().filter(ours).collect()
}

fn chart(lines: &[&Value]) -> String {
    let texts: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
    let parse = |text| serde_json::from_str(text).expect("a line of a trace");
    list::draw(
        &texts
            .iter()
            .map(|text| parse(text))
            .collect::<Vec<TraceLine<'_>>>(),
    )
}

/// Both demands of every configuration: A → B and B → A.
fn sessions(lines: &[Value]) -> Vec<String> {
    let names = lines
        .iter()
        .map(|line| text(line, "session"))
        .filter(|name| *name != "–");
    names
        .map(str::to_owned)
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

/// Shows P9, P12, C3, C5, C6, C8: the charts are those that were reviewed.
#[test]
fn sequence_charts_are_the_reviewed_ones() {
    let mut differences = Vec::new();
    for configuration in CONFIGURATIONS {
        let lines = trace(configuration);
        let sessions = sessions(&lines);
        assert_eq!(
            sessions.len(),
            2,
            "{configuration} has a demand in each direction"
        );
        for session in sessions {
            for request in [0, 1] {
                let chart = chart(&of_request(&lines, &session, request));
                let path = PathBuf::from(format!("tests/golden/{configuration}-{session}-{request}.txt"));
                if std::env::var_os("BLESS").is_some() {
                    fs::write(&path, &chart).expect("the folder is writable");
                } else if fs::read_to_string(&path).unwrap_or_default() != chart {
                    differences.push(format!("{}:\n{chart}", path.display()));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "charts changed:\n{}",
        differences.join("\n")
    );
}

/// Pairs (later, earlier): no message of the later step is sent before the last of the earlier.
const P9_ORDER: &[(&str, &str)] = &[
    ("0a", "0"),
    ("1", "0a"),
    ("2", "1"),
    ("3", "2"),
    ("3a", "2"),
    ("4", "3a"),
    ("4a", "3a"),
    ("5a", "4b"),
    ("5b", "5a"),
    ("5c", "5b"),
    ("7", "5c"),
    ("8", "7"),
];
const P12_ORDER: &[(&str, &str)] = &[
    ("0a", "0"),
    ("1", "0a"),
    ("2", "1"),
    ("3", "2"),
    ("4", "3"),
    ("5", "4"),
    ("5b", "5a"),
    ("6", "5b"),
    ("7", "6"),
    ("7a", "6"),
    ("7a1", "7a"),
    ("7b", "7a1"),
    ("8", "7b"),
    ("9", "7b"),
    ("7c", "7b"),
    ("10", "7c"),
];

/// Shows P9 and P12: the partial order of the procedures, of a session's first request, in every configuration and
/// direction; the answer of the last step comes last of all.
#[test]
fn steps_keep_the_partial_order() {
    for configuration in CONFIGURATIONS {
        let lines = trace(configuration);
        let (order, supply) = if configuration.starts_with("gwn") {
            (P9_ORDER, "9")
        } else {
            (P12_ORDER, "11")
        };
        for session in sessions(&lines) {
            let request = of_request(&lines, &session, 0);
            let places = |step: &str| -> Vec<usize> {
                (0..request.len())
                    .filter(|&at| text(request[at], "step") == step)
                    .collect()
            };
            for (later, earlier) in order {
                let (later_at, earlier_at) = (places(later), places(earlier));
                assert!(!later_at.is_empty(), "{configuration} {session}: no step {later}");
                assert!(
                    !earlier_at.is_empty(),
                    "{configuration} {session}: no step {earlier}"
                );
                assert!(
                    later_at[0] > earlier_at[earlier_at.len() - 1],
                    "{configuration} {session}: step {later} before step {earlier}"
                );
            }
            let start = if supply == "9" { ("4b", "4a") } else { ("5a", "5") };
            assert!(
                places(start.0).last() > places(start.1).last(),
                "{configuration}: start before all confirmed"
            );
            let supplies: Vec<&&Value> = request
                .iter()
                .filter(|line| text(line, "message") == "key supply")
                .collect();
            assert_eq!(
                supplies.len(),
                2,
                "{configuration} {session}: both ends are supplied"
            );
            assert!(supplies.iter().all(|line| text(line, "step") == supply));
        }
    }
}

/// Shows RP-rule, A1, A2, A3 and C3, C5, C6, C8: which reference points appear follows from placement.
#[test]
fn reference_points_follow_from_placement() {
    let common = ["Ak", "Ck", "Kx-1", "Kx-2", "Mk"];
    for (configuration, own) in [
        ("gwn-dd", &["Cx", "Cxi", "Kxi-1", "Kxi-2"][..]),
        ("gwn-cc", &["Cxi", "Kxi-1", "Kxi-2"][..]),
        ("iwn-dd", &["Cx", "Cxi'", "Kxi-1'", "Kxi-2'"][..]),
        // Both controllers are remote: Cxi, not Cxi'.
        ("iwn-cc", &["Cxi", "Kxi-1'", "Kxi-2'"][..]),
    ] {
        let lines = trace(configuration);
        let procedures = lines
            .iter()
            .filter(|line| matches!(text(line, "procedure"), "P9" | "P12"));
        let seen: BTreeSet<&str> = procedures
            .filter_map(|line| line["reference_point"].as_str())
            .collect();
        let expected: BTreeSet<&str> = common.iter().chain(own).copied().collect();
        assert_eq!(seen, expected, "{configuration}");
    }
}

/// Shows A5 and S1: nothing that crosses Cxi names a hop or a store of the other side, and key bytes cross only
/// where keys may.
#[test]
fn key_material_stays_on_its_reference_points() {
    for configuration in CONFIGURATIONS {
        for line in trace(configuration) {
            let carries = matches!(
                text(&line, "message"),
                "key relay" | "key transfer" | "key supply" | "QKD-keys"
            );
            let may = matches!(
                text(&line, "reference_point"),
                "Kq-1" | "Kx-1" | "Kxi-1" | "Kxi-1'" | "Ak" | "–"
            );
            assert!(may || !carries, "{line}");
        }
    }
}
