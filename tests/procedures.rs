//! P9 to P14 in the configurations of clause 8, mirrored ones included, in both directions: golden sequence charts,
//! judged by the partial order of the procedures, and the reference points that appear. A session's first request (P9,
//! P12) and a later one; a border that is cut (P10, P13); a relay that fails without status reports (P11, P14).
//!
//! `BLESS=1 cargo test --test procedures` writes the charts anew; read the difference before committing it.

mod common_legal;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use common_legal::Cast;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::observe::record::TraceLine;
use qkdni::report::chart::list;
use qkdni::scenario::{compile, load};
use rayon::prelude::*;
use serde_json::Value;

const CONFIGURATIONS: [&str; 8] = [
    "gwn-dd", "gwn-cd", "gwn-dc", "gwn-cc", "iwn-dd", "iwn-cd", "iwn-dc", "iwn-cc",
];

/// The trace lines of a scenario's run.
fn trace(configuration: &str) -> Vec<Value> {
    trace_of(configuration, "", &[])
}

/// A relay failure of the session: the other one hardly asks, so that its failure does not come first.
fn failure_of(configuration: &str, session: &str) -> Vec<Value> {
    let other = if session == "a-to-b" { "b-to-a" } else { "a-to-b" };
    let rarely = format!("demands.{other}.arrivals.periodic.period=20 s");
    trace_of(configuration, ":relay-failure", &[rarely])
}

/// A variant's run, held to its audit.
fn run_of(configuration: &str, variant: &str, sets: &[String]) -> Outcome {
    let loaded =
        load(&format!("scenarios/clause8/{configuration}.json{variant}"), sets).expect("a valid scenario");
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
    outcome
}

/// The trace lines of a variant's run.
fn trace_of(configuration: &str, variant: &str, sets: &[String]) -> Vec<Value> {
    let outcome = run_of(configuration, variant, sets);
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
    let texts: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let parse = |text| serde_json::from_str(text).expect("a line of a trace");
    list::draw(
        &texts
            .iter()
            .map(|text| parse(text))
            .collect::<Vec<TraceLine<'_>>>(),
        None,
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

/// Compares a chart with the one that was reviewed, or writes it.
fn review(name: &str, lines: &[&Value], differences: &mut Vec<String>) {
    assert!(!lines.is_empty(), "{name}: nothing happened");
    let chart = chart(lines);
    let path = PathBuf::from(format!("tests/golden/{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &chart).expect("the folder is writable");
    } else if fs::read_to_string(&path).unwrap_or_default() != chart {
        differences.push(format!("{}:\n{chart}", path.display()));
    }
}

/// Lines of these procedures that are about the session or about none, from the first with `first` on to the session's
/// last "route active" or "switched".
fn of_reroute<'a>(lines: &'a [Value], session: &str, procedures: &[&str], first: &str) -> Vec<&'a Value> {
    let ours: Vec<&Value> = lines
        .iter()
        .filter(|line| procedures.contains(&text(line, "procedure")))
        .filter(|line| [session, "–"].contains(&text(line, "session")))
        .filter(|line| text(line, "reference_point") != "Qx")
        .filter(|line| text(line, "message") != "QKD-keys" || text(line, "from").contains("border"))
        .collect();
    let begin = ours.iter().position(|line| text(line, "message") == first);
    let installed = |line: &&Value| {
        text(line, "session") == session && ["route active", "switched"].contains(&text(line, "message"))
    };
    let end = ours.iter().rposition(installed);
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => ours[begin..=end].to_vec(),
        _ => Vec::new(),
    }
}

/// Shows P9 to P14 and C3, C4, C5, C6, C7, C8: the charts are those that were reviewed. 48 by `procedures.md`, and one more per
/// configuration and direction for a session's second request.
#[test]
fn sequence_charts_are_the_reviewed_ones() {
    let mut differences = Vec::new();
    for configuration in CONFIGURATIONS {
        let lines = trace(configuration);
        let cut = trace_of(configuration, ":border-cut", &[]);
        let sessions = sessions(&lines);
        assert_eq!(
            sessions.len(),
            2,
            "{configuration} has a demand in each direction"
        );
        for session in sessions {
            for request in [0, 1] {
                let name = format!("{configuration}-{session}-{request}");
                review(&name, &of_request(&lines, &session, request), &mut differences);
            }
            let rerouting = of_reroute(&cut, &session, &["P10", "P13"], "status request");
            review(
                &format!("{configuration}-{session}-rerouting"),
                &rerouting,
                &mut differences,
            );
            let failure = failure_of(configuration, &session);
            let managed = ["P10", "P11", "P13", "P14"];
            let managed = of_reroute(&failure, &session, &managed, "relay failure alarm");
            review(
                &format!("{configuration}-{session}-failure"),
                &managed,
                &mut differences,
            );
        }
    }
    assert!(
        differences.is_empty(),
        "charts changed:\n{}",
        differences.join("\n")
    );
}

/// Lines, the procedures to look at, the message to begin with, the steps in their order.
type Case<'a> = (&'a [Value], &'a [&'a str], &'a str, &'a [&'a str]);

/// Shows P10, P11, P13, P14 and FE-7: their partial order in every configuration and direction.
#[test]
fn rerouting_and_fault_management_keep_the_partial_order() {
    for configuration in CONFIGURATIONS {
        let cut = trace_of(configuration, ":border-cut", &[]);
        for session in sessions(&cut) {
            let failure = failure_of(configuration, &session);
            let cases: [Case<'_>; 5] = [
                (&cut, &["P10", "P13"], "status request", &["1", "2", "3"]),
                (
                    &cut,
                    &["P10", "P13"],
                    "status report",
                    &["5", "6", "7", "8", "9", "10"],
                ),
                (
                    &failure,
                    &["P11", "P14"],
                    "relay failure alarm",
                    &["0", "1", "2", "3", "4", "4a"],
                ),
                (&failure, &["P11", "P14"], "relay failure alarm", &["5", "6"]),
                (
                    &failure,
                    &["P10", "P13"],
                    "analyses the report",
                    &["6", "7", "8", "9", "10"],
                ),
            ];
            for (lines, procedures, first, order) in cases {
                let all: Vec<&Value> = if first == "status report" {
                    of_reroute(lines, &session, procedures, first)
                } else {
                    let ours = lines
                        .iter()
                        .filter(|line| procedures.contains(&text(line, "procedure")));
                    ours.filter(|line| [session.as_str(), "–"].contains(&text(line, "session")))
                        .collect()
                };
                let place = |step: &str| all.iter().position(|line| text(line, "step") == step);
                for pair in order.windows(2) {
                    let [earlier, later] = [place(pair[0]), place(pair[1])];
                    assert!(
                        earlier.is_some() && earlier < later,
                        "{configuration} {session}: step {} at {earlier:?}, step {} at {later:?}",
                        pair[0],
                        pair[1]
                    );
                }
            }
            // Each side has analysed before it tells its paths, and told before it agrees.
            for lines in [&cut, &failure] {
                let of_session = lines.iter().filter(|line| text(line, "session") == session);
                let mut done: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
                let mut agreed = 0;
                for line in of_session.filter(|line| matches!(text(line, "procedure"), "P10" | "P13")) {
                    let step = text(line, "step");
                    let own = done.entry(text(line, "from")).or_default();
                    let needed = match (step, text(line, "message")) {
                        ("7", _) => "6",
                        ("8", "PROPOSE" | "ACCEPT") => "7",
                        _ => step,
                    };
                    assert!(needed == step || own.contains(needed), "{configuration}: {line}");
                    agreed += usize::from(text(line, "message") == "ACCEPT");
                    own.insert(step);
                }
                assert!(agreed > 0, "{configuration} {session}");
            }
            // Both sides command at the instant that COMMIT named: steps 9 begin together.
            let cut = of_reroute(&cut, &session, &["P10", "P13"], "status report");
            let commits = cut.iter().filter(|line| text(line, "message") == "COMMIT");
            assert_eq!(commits.count(), 1, "{configuration} {session}");
            let commands: BTreeSet<u64> = cut
                .iter()
                .filter(|line| text(line, "message") == "rerouting information")
                .filter(|line| {
                    text(line, "reference_point") == "Cx" || text(line, "from").len() == "controller A".len()
                })
                .filter_map(|line| line["t_ns"].as_u64())
                .collect();
            assert_eq!(commands.len(), 1, "{configuration} {session}: {commands:?}");
        }
    }
}

/// Shows P11 and P14: a reroute that begins with a relay failure has its record, from the fault to the last KM's new route;
/// detection is until the KM's alarm, and every line about it names the fault.
#[test]
fn a_reroute_begun_by_fault_management_has_its_record() {
    for configuration in CONFIGURATIONS {
        let outcome = run_of(configuration, ":relay-failure", &[]);
        let text = String::from_utf8(outcome.trace).expect("UTF-8");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let at = |line: &Value| line["t_ns"].as_u64().expect("a time");
        let alarm = lines.iter().find(|line| line["message"] == "relay failure alarm");
        let alarm = alarm.expect("the relay fails");
        assert_eq!(alarm["fault"], "f1", "{configuration}");
        let session = alarm["session"].as_str().expect("of a session");
        let record = (outcome.reroutes.iter()).find(|it| it.session == session && it.fault == "f1");
        let record = record.unwrap_or_else(|| panic!("{configuration}: {:?}", outcome.reroutes));
        let begins = 10_000_000_000;
        assert_eq!(
            record.stages_ns[0],
            Some(at(alarm) - begins),
            "{configuration}: {record:?}"
        );
        let of_session = lines.iter().filter(|line| line["session"] == session);
        let active = of_session.clone().filter(|line| {
            line["message"] == "route active"
                && line["from"].as_str().is_some_and(|from| from.starts_with("KMA"))
        });
        let last = active.map(at).max().expect("a new route");
        assert_eq!(
            record.control_plane_ns(),
            Some(last - begins),
            "{configuration}: {record:?}"
        );
        assert!(record.messages > 0 && record.bytes > 0);
        let managed = of_session.filter(|line| {
            // What is about one request names none.
            self::text(line, "message") != "cancel"
                && at(line) <= last
                && ["P10", "P11", "P13", "P14"].contains(&self::text(line, "procedure"))
        });
        for line in managed {
            assert_eq!(line["fault"], "f1", "{configuration}: {line}");
        }
    }
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

/// Shows P9, P12 and FE-2: the partial order of the procedures, of a session's first request, in every configuration and
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

/// Shows RP-rule, RP-Cxi, RP-Kxi-1, RP-Kxi-2, RP-Mxi, A1, A2, A3 and C3, C5, C6, C8: which reference points appear follows from placement.
#[test]
fn reference_points_follow_from_placement() {
    let common = ["Ak", "Ck", "Kx-1", "Kx-2", "Mk"];
    for (configuration, own) in [
        ("gwn-dd", &["Cx", "Cxi", "Kxi-1", "Kxi-2"][..]),
        ("gwn-cd", &["Cx", "Cxi", "Kxi-1", "Kxi-2"][..]),
        ("gwn-dc", &["Cx", "Cxi", "Kxi-1", "Kxi-2"][..]),
        ("gwn-cc", &["Cxi", "Kxi-1", "Kxi-2"][..]),
        ("iwn-dd", &["Cx", "Cxi'", "Kxi-1'", "Kxi-2'"][..]),
        // A controller is remote: Cxi, not Cxi'.
        ("iwn-cd", &["Cx", "Cxi", "Kxi-1'", "Kxi-2'"][..]),
        ("iwn-dc", &["Cx", "Cxi", "Kxi-1'", "Kxi-2'"][..]),
        ("iwn-cc", &["Cxi", "Kxi-1'", "Kxi-2'"][..]),
        // Not depicted: both controllers inside.
        ("iwn-cc-inside", &["Cxi'", "Kxi-1'", "Kxi-2'"][..]),
    ] {
        let lines = trace(configuration);
        let procedures = lines
            .iter()
            .filter(|line| matches!(text(line, "procedure"), "P9" | "P12"));
        let seen: BTreeSet<&str> = procedures
            .filter_map(|line| line["reference_point"].as_str())
            .collect();
        // Its managers stand with the controllers, so inside as well.
        let mxi = if configuration == "iwn-cc-inside" {
            "Mxi'"
        } else {
            "Mxi"
        };
        let expected: BTreeSet<&str> = common.iter().chain(own).copied().chain([mxi]).collect();
        assert_eq!(seen, expected, "{configuration}");
    }
}

/// Shows A1, A2, A3 and RP-Qx: a QKD link joins the two gateway nodes' modules; with an interworking node there is one
/// from either gateway to the node, and none between the two modules inside it.
#[test]
fn qx_joins_the_modules_of_a_link() {
    for (configuration, expected) in [
        ("gwn-dd", &[["border at A/a3", "border at B/b1"]][..]),
        (
            "iwn-dd",
            &[
                ["border/A at A/a3", "border/A at border/A"],
                ["border/B at border/B", "border/B at B/b1"],
            ][..],
        ),
    ] {
        let lines = trace(configuration);
        let crossing = lines.iter().filter(|line| text(line, "reference_point") == "Qx");
        let ends = crossing.map(|line| {
            let mut ends = ["from", "to"].map(|field| text(line, field).trim_start_matches("QKD module "));
            ends.sort_unstable();
            ends
        });
        let seen: BTreeSet<[&str; 2]> = ends.filter(|ends| ends[0].starts_with("border")).collect();
        let mut expected = expected.to_vec();
        for ends in &mut expected {
            ends.sort_unstable();
        }
        assert_eq!(seen, expected.into_iter().collect(), "{configuration}");
    }
}

/// Whether a line's step is one of its procedure's, where that is one of clause 9.
fn is_a_step(line: &Value) -> bool {
    let step = line["step"].as_str().unwrap_or_default();
    let steps = match line["procedure"].as_str() {
        Some("P9") => "0 0a 1 2 3 3a 4 4a 4b 5a 5b 5c 6 7 8 9 10",
        Some("P10" | "P13") => "1 2 3 4 5 6 7 8 9 10",
        Some("P11" | "P14") => "0 1 2 3 4 4a 5 6",
        Some("P12") => "0 0a 1 2 3 4 5 5a 5b 6 7 7a 7a1 7b 7c 8 9 10 11",
        _ => return true,
    };
    let inside = line["procedure"] == "P12" && step == "7b";
    steps.split(' ').any(|known| known == step) && (!inside || line["reference_point"] == "Kxi-1'")
}

/// Every scenario that comes with the program, with what is off by default on.
#[test]
fn every_line_of_every_scenario_is_legal() {
    let mut files: Vec<(String, Vec<&str>)> = Vec::new();
    for configuration in CONFIGURATIONS
        .into_iter()
        .chain(["iwn-cc-inside", "iwn-dd-managers"])
    {
        for variant in ["", ":cut", ":border-cut", ":relay-failure"] {
            let mut sooner = vec!["run.duration=20 s"];
            if !variant.is_empty() {
                sooner.extend(["faults.f1.at=8 s", "faults.f1.repair_after=8 s"]);
            }
            files.push((format!("clause8/{configuration}.json{variant}"), sooner));
        }
    }
    for variant in [
        "link-cut",
        "module-failure",
        "km-outage",
        "controller-outage",
        "manager-outage",
        "border-node-loss",
        "site-loss",
        "channel-cut",
        "cxi-cut",
        "eavesdropper",
        "store-corruption",
        "one-building",
        "maintenance",
        "at-random",
        "heartbeats",
    ] {
        files.push((format!("faults.json:{variant}"), Vec::new()));
    }
    for file in [
        "relay-schemes.json:mixed",
        "ring-of-four.json:cut",
        "providers.json",
    ] {
        files.push((file.to_owned(), Vec::new()));
    }
    files.push((
        "../tests/data/found/border-beyond-in-transit.json".to_owned(),
        Vec::new(),
    ));
    // Lost messages, and sessions that are over before their answers come.
    for file in ["clause8/iwn-cd.json:border-cut", "clause8/gwn-dd.json:border-cut"] {
        let lossy = vec![
            r#"channels.key_management={"loss": 0.1}"#,
            "protocol.retransmission.retries=1",
            r#"faults.f1.fault={"duct_cut":null,"node_loss":{"node":"B/b1"}}"#,
            "run.duration=20 s",
            "faults.f1.at=8 s",
            "faults.f1.repair_after=8 s",
        ];
        files.push((file.to_owned(), lossy));
    }
    files.push((
        "three-states.json:cut".to_owned(),
        vec!["run.duration=6 min", "run.warm_up=10 s", "faults.f1.at=3 min"],
    ));
    files.push((
        "clause8/iwn-dd.json:cut".to_owned(),
        vec![
            "protocol.polling=1 s",
            "protocol.management.reports.period=20 s",
            "protocol.management.configuration_records=true",
            "protocol.management.user_reports=true",
            "security.sharing={\"ksa_keys\":{\"period\":\"10 s\",\"ck\":true}}",
        ],
    ));
    let points_of = |(file, sets): (String, Vec<&str>)| {
        let sets: Vec<String> = sets.into_iter().map(str::to_owned).collect();
        let loaded = load(&format!("scenarios/{file}"), &sets).unwrap_or_else(|wrong| panic!("{wrong}"));
        let plan = Arc::new(compile(&loaded.document));
        let options = Options {
            trace: true,
            audit: true,
        };
        let outcome = simulate(&plan, 0, options);
        for check in &outcome.audit {
            assert!(check.passed, "{file}: {}: {}", check.check, check.detail);
        }
        let cast = Cast::of(&plan);
        let mut points = BTreeSet::new();
        for line in outcome
            .trace
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line: Value = serde_json::from_slice(line).expect("a line is JSON");
            assert_eq!(cast.complaint(&line), None, "{file}");
            assert!(is_a_step(&line), "{file}: procedures.md has no such step: {line}");
            if let Some(point) = line["reference_point"]
                .as_str()
                .filter(|point| !points.contains(*point))
            {
                points.insert(point.to_owned());
            }
        }
        points
    };
    let points: BTreeSet<String> = files.into_par_iter().flat_map_iter(points_of).collect();
    // Every reference point of 6.1 and 6.2 has been spoken over.
    assert_eq!(points.len(), 20, "{points:?}");
}

/// Shows A4: every element of a run is of one layer, and what it says goes over that layer's reference points.
#[test]
fn every_element_is_of_one_layer() {
    let file = "scenarios/providers.json";
    let plan = Arc::new(compile(&load(file, &[]).expect("a valid scenario").document));
    let options = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&plan, 0, options);
    let cast = Cast::of(&plan);
    let mut pairs = BTreeSet::new();
    for line in outcome
        .trace
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: Value = serde_json::from_slice(line).expect("a line is JSON");
        let mut layers = ["from", "to"].map(|field| cast.layer(text(&line, field)));
        layers.sort_unstable();
        if let Some(point) = line["reference_point"].as_str() {
            pairs.insert((point.to_owned(), layers));
        }
    }
    // One pair of layers for each reference point.
    let points: BTreeSet<&String> = pairs.iter().map(|(point, _)| point).collect();
    assert_eq!(points.len(), pairs.len(), "{pairs:?}");
    let layers: BTreeSet<&str> = pairs.iter().flat_map(|(_, layers)| *layers).collect();
    let all = [
        "control",
        "key management",
        "management",
        "quantum",
        "service",
        "user network",
    ];
    assert_eq!(layers, BTreeSet::from(all));
}

/// Shows RP-Kq-1, RP-Kx-1, RP-Kx-2, RP-Ak, RP-Ck, RP-Cq, RP-Cx, RP-Mq, RP-Mk and RP-Mc: each is spoken over in some run of
/// the configurations.
#[test]
fn every_reference_point_is_spoken_over() {
    let mut seen = BTreeSet::new();
    for configuration in ["gwn-dd", "iwn-cc"] {
        for variant in ["", ":border-cut", ":relay-failure"] {
            let lines = trace_of(configuration, variant, &[]);
            seen.extend(lines.iter().map(|line| text(line, "reference_point").to_owned()));
        }
    }
    for point in [
        "Ak", "Qx", "Kq-1", "Kx-1", "Kx-2", "Ck", "Cq", "Cx", "Mq", "Mk", "Mc", "Cxi", "Kxi-1", "Kxi-2",
        "Mxi",
    ] {
        assert!(seen.contains(point), "{point}: {seen:?}");
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
