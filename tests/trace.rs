//! `qkdni trace` and `qkdni explain` on folders that `qkdni run --trace` wrote, and the charts of docs/trace.md.
//!
//! `BLESS=1 cargo test --test trace` draws the charts of the documentation anew; look at them before committing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

const DONE: i32 = 0;
const USAGE: i32 = 2;
const INPUT_OUTPUT: i32 = 4;

/// Runs the program in the repository's folder.
fn qkdni<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("qkdni"))
        .env("NO_COLOR", "1")
        .args(arguments)
        .output()
        .expect("it runs")
}

/// Folders of runs, kept while the tests last.
struct Runs {
    _place: TempDir,
    folder: PathBuf,
}

/// Each run by its name: scenario, and what is different in it.
const RUNS: [(&str, &str, &[&str]); 11] = [
    ("gwn-dd", "scenarios/clause8/gwn-dd.json", &["--trace"]),
    ("iwn-cc", "scenarios/clause8/iwn-cc.json", &["--trace"]),
    ("gwn-dd-cut", "scenarios/clause8/gwn-dd.json:cut", &["--trace"]),
    ("iwn-dd-cut", "scenarios/clause8/iwn-dd.json:cut", &["--trace"]),
    (
        "gwn-dd-border-cut",
        "scenarios/clause8/gwn-dd.json:border-cut",
        &["--trace"],
    ),
    (
        "iwn-dd-border-cut",
        "scenarios/clause8/iwn-dd.json:border-cut",
        &["--trace"],
    ),
    (
        "gwn-dd-failure",
        "scenarios/clause8/gwn-dd.json:relay-failure",
        &["--trace"],
    ),
    (
        "iwn-dd-failure",
        "scenarios/clause8/iwn-dd.json:relay-failure",
        &["--trace"],
    ),
    (
        "scarce",
        "scenarios/clause8/gwn-dd.json",
        &["--trace", "--set", "demands.a-to-b.key=2560 bit"],
    ),
    ("untraced", "scenarios/clause8/gwn-dd.json", &[]),
    ("untraced-cut", "scenarios/clause8/gwn-dd.json:cut", &[]),
];

fn run(name: &str) -> String {
    static RUN: OnceLock<Runs> = OnceLock::new();
    let runs = RUN.get_or_init(|| {
        let place = TempDir::new().expect("a folder");
        for (name, scenario, more) in RUNS {
            let folder = place.path().join(name);
            let folder = folder.to_str().expect("text");
            let arguments = ["run", scenario, "--replications", "1", "-q", "--out", folder];
            let output = qkdni(arguments.into_iter().chain(more.iter().copied()));
            assert_eq!(output.status.code(), Some(DONE), "{name}: {}", error(&output));
        }
        Runs {
            folder: place.path().to_owned(),
            _place: place,
        }
    });
    runs.folder.join(name).to_str().expect("text").to_owned()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(DONE), "{}", error(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `qkdni trace` of a run, in words separated by blanks; `_` stands for a blank within one.
fn trace(name: &str, words: &str) -> Output {
    let folder = run(name);
    let words: Vec<String> = words.split(' ').map(|word| word.replace('_', " ")).collect();
    let arguments = ["trace", folder.as_str()];
    qkdni(arguments.into_iter().chain(words.iter().map(String::as_str)))
}

fn explain(name: &str, request: &str) -> String {
    text(&qkdni(["explain", &run(name), "--request", request]))
}

fn lines_of(name: &str, file: &str) -> Vec<(String, Value)> {
    let text = fs::read_to_string(Path::new(&run(name)).join(file)).expect("there");
    text.lines()
        .map(|line| (line.to_owned(), serde_json::from_str(line).expect("JSON")))
        .collect()
}

/// Lines of JSON are the trace's own, those that every filter lets through and no others.
#[test]
fn jsonl_is_the_filtered_trace() {
    type Keep = fn(&Value) -> bool;
    let cases: [(&str, &str, Keep); 11] = [
        ("gwn-dd", "--session a-to-b", |line| line["session"] == "a-to-b"),
        ("gwn-dd", "--request b-to-a/3", |line| {
            line["session"] == "b-to-a" && line["request"] == 3
        }),
        ("gwn-dd", "--request 3 --session b-to-a --procedure P9", |line| {
            line["session"] == "b-to-a" && line["request"] == 3 && line["procedure"] == "P9"
        }),
        (
            "iwn-cc",
            "--session a-to-b --reference-point Kxi-1' --reference-point internal",
            |line| {
                line["session"] == "a-to-b"
                    && (line["reference_point"] == "Kxi-1'" || line["reference_point"].is_null())
            },
        ),
        (
            "iwn-cc",
            "--session a-to-b --element controller_B --provenance text",
            |line| {
                line["session"] == "a-to-b"
                    && (line["from"] == "controller B" || line["to"] == "controller B")
                    && line["provenance"] == "text"
            },
        ),
        ("iwn-cc", "--request a-to-b/0 --element border/A", |line| {
            let of_node = |end: &Value| end == "KMA border/A" || end == "KSA border/A";
            line["session"] == "a-to-b"
                && line["request"] == 0
                && (of_node(&line["from"]) || of_node(&line["to"]))
        }),
        ("gwn-dd-cut", "--fault f1", |line| line["fault"] == "f1"),
        ("gwn-dd-failure", "--procedure P11", |line| {
            line["procedure"] == "P11"
        }),
        ("gwn-dd", "--reference-point Kq-1", |line| {
            line["reference_point"] == "Kq-1"
        }),
        ("iwn-cc", "--element A --session a-to-b", |line| {
            let of_qkdn = |end: &Value| {
                ["controller A", "manager A", "user network manager A"].contains(&end.as_str().unwrap_or(""))
            };
            line["session"] == "a-to-b" && (of_qkdn(&line["from"]) || of_qkdn(&line["to"]))
        }),
        (
            "gwn-dd-cut",
            "--fault f1 --reference-point Cq --replication 0",
            |line| line["fault"] == "f1" && line["reference_point"] == "Cq",
        ),
    ];
    for (name, words, keep) in cases {
        let expected: Vec<String> = lines_of(name, "trace.jsonl")
            .into_iter()
            .filter(|(_, line)| keep(line))
            .map(|(text, _)| text)
            .collect();
        let got = text(&trace(name, &format!("{words} --format jsonl")));
        assert!(!expected.is_empty(), "{name} {words}: nothing to compare");
        assert!(got.lines().eq(&expected), "{name} {words}");
    }
}

/// The list of a request is the golden chart of tests/procedures.rs: there is one renderer.
#[test]
fn a_list_is_the_golden_chart() {
    for (name, procedure) in [("gwn-dd", "P9"), ("iwn-cc", "P12")] {
        for request in ["a-to-b/0", "b-to-a/1"] {
            let got = text(&trace(
                name,
                &format!("--request {request} --procedure {procedure} --format list"),
            ));
            let golden = format!("tests/golden/{name}-{}.txt", request.replace('/', "-"));
            assert_eq!(got, fs::read_to_string(&golden).expect("there"), "{golden}");
        }
    }
}

/// Columns of a drawn ladder's row: where its arrow starts and ends; none for a note.
fn arrow(row: &str) -> Option<(usize, usize)> {
    let letters: Vec<char> = row.chars().skip(14).collect();
    let start = letters.iter().position(|&letter| letter == '+')?;
    let end = letters
        .iter()
        .position(|&letter| letter == '>' || letter == '<')?;
    Some((start, end))
}

/// Shows P9 and P12 as drawn: rows keep the partial order of the procedures, every arrow runs between two lifelines
/// in its own direction, and the border KMs stand next to the line between the groups.
#[test]
fn a_ladder_keeps_the_partial_order() {
    let orders: [(&str, &[&str]); 2] = [
        (
            "gwn-dd",
            &["0", "0a", "1", "2", "3", "3a", "4a", "5a", "5b", "5c", "7", "8"],
        ),
        (
            "iwn-cc",
            &[
                "0", "0a", "1", "2", "3", "4", "5", "5b", "6", "7a", "7a1", "7b", "7c", "10",
            ],
        ),
    ];
    for (name, order) in orders {
        for session in ["a-to-b", "b-to-a"] {
            let drawn = text(&trace(name, &format!("--request {session}/0")));
            let rows: Vec<&str> = drawn.lines().filter(|line| line.contains(" us  ")).collect();
            let expected = lines_of(name, "trace.jsonl")
                .iter()
                .filter(|(_, line)| line["session"] == session && line["request"] == 0)
                .count();
            assert_eq!(rows.len(), expected, "{name} {session}: a row per message");
            // The step stands behind the lifelines, four characters each.
            let numbers = drawn
                .lines()
                .find(|line| line.contains("step prov."))
                .expect("a head");
            let width = numbers.find("step").expect("a head");
            let step = |row: &str| -> String {
                let behind: String = row.chars().skip(width).collect();
                behind.split_whitespace().next().expect("a step").to_owned()
            };
            let places = |wanted: &str| -> Vec<usize> {
                (0..rows.len()).filter(|&at| step(rows[at]) == wanted).collect()
            };
            for pair in order.windows(2) {
                let (earlier, later) = (places(pair[0]), places(pair[1]));
                assert!(
                    !earlier.is_empty() && !later.is_empty(),
                    "{name} {pair:?}\n{drawn}"
                );
                assert!(earlier[0] < later[0], "{name} {session}: {pair:?}\n{drawn}");
            }
            for row in &rows {
                if let Some((start, end)) = arrow(row) {
                    assert!(start % 4 == 0 && end % 4 == 0 && start != end, "{row}");
                    let way = row.chars().nth(14 + end).expect("an end");
                    assert_eq!(way == '>', start < end, "{row}");
                }
            }
            let crossing = rows.iter().find(|row| ["5b", "6"].contains(&step(row).as_str()));
            let (start, end) = arrow(crossing.expect("a crossing")).expect("an arrow");
            assert_eq!(end - start, 4, "{name}: the border KMs stand side by side");
        }
    }
}

/// Every message is an arrow, every internal step a note, and answers are dashed, in both drawn forms.
#[test]
fn mermaid_and_svg_have_every_message() {
    for (name, words) in [
        ("gwn-dd", "--request a-to-b/0"),
        ("iwn-cc", "--request b-to-a/0"),
        ("gwn-dd-cut", "--fault f1"),
    ] {
        let of_form = |form: &str| text(&trace(name, &format!("{words} --format {form}")));
        let (list, mermaid, svg) = (of_form("list"), of_form("mermaid"), of_form("svg"));
        let rows = list.lines().count();
        let notes = mermaid.matches("Note over").count();
        assert_eq!(mermaid.matches(">>p").count() + notes, rows, "{name}");
        assert!(
            mermaid.contains("-->>") && mermaid.contains("sequenceDiagram\n  box "),
            "{name}"
        );
        assert_eq!(svg.matches("<line class=\"arrow").count() + notes, rows, "{name}");
        assert_eq!(svg.matches("class=\"note\"").count(), notes, "{name}");
        assert_eq!(
            svg.matches("arrow answer").count(),
            mermaid.matches("-->>").count()
        );
        let columns = mermaid.matches("participant ").count();
        assert_eq!(svg.matches("class=\"life\"").count(), columns);
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        // Nothing is drawn beyond the page.
        let number = |text: &str| text.split('"').next().and_then(|it| it.parse::<f64>().ok());
        let width = svg.split("width=\"").nth(1).and_then(number).expect("a width");
        for x in svg.split(" x2=\"").skip(1).filter_map(number) {
            assert!(x > 0.0 && x < width, "{x} of {width}");
        }
    }
    let iwn = text(&trace("iwn-cc", "--request a-to-b/0 --format mermaid"));
    assert!(iwn.contains("box IWN border"), "{iwn}");
}

/// Shows P11 steps 5 and 6 as drawn: the report that a failure set off is among the fault's messages. Times of a fault count
/// from the fault itself: the first message comes after its detection of 10 ms.
#[test]
fn a_faults_chart_begins_with_the_fault_and_has_its_reports() {
    let drawn = text(&trace(
        "gwn-dd-failure",
        "--fault f1 --procedure P11 --format list",
    ));
    for step in ["5    text", "6    text      Mxi"] {
        assert!(drawn.contains(&format!("P11 {step}")), "{step}\n{drawn}");
    }
    let drawn = text(&trace("gwn-dd-cut", "--fault f1 --format list"));
    assert!(drawn.starts_with("    10000 us  P10 5 "), "{drawn}");
}

/// Unknown names, all at once, each with what there is and what is nearest.
#[test]
fn a_filter_of_nothing_that_is_there_is_refused() {
    let cases: [(&str, &[&str]); 10] = [
        (
            "--session a-to-c",
            &["unknown session \"a-to-c\"", "did you mean \"a-to-b\"?", "b-to-a"],
        ),
        (
            "--session a-to-b --element controller_A/a9",
            &[
                "unknown element \"controller A/a9\"",
                "did you mean \"controller A/a",
            ],
        ),
        (
            "--session a-to-b --reference-point Kxi.1 --procedure P8",
            &[
                "unknown reference point \"Kxi.1\"",
                "did you mean \"Kxi-1\"?",
                "unknown procedure \"P8\"",
                "P14, local",
            ],
        ),
        (
            "--session a-to-b --provenance infered",
            &["unknown provenance", "did you mean \"inferred\"?"],
        ),
        ("--fault f9", &["unknown fault \"f9\"", "f1"]),
        ("--request 0", &["2 sessions", "a-to-b/0, b-to-a/0"]),
        (
            "--request a-to-b/1000000",
            &["no message of request", "numbered from 0 to"],
        ),
        (
            "--request 99999",
            &[
                "no session has a request 99999",
                "a-to-b/0 to a-to-b/",
                "b-to-a/0 to b-to-a/",
            ],
        ),
        ("--request first", &["names no request", "SESSION/NUMBER"]),
        (
            "--session a-to-b --replication 4",
            &["no replication 4", "from 0 to 0"],
        ),
    ];
    for (words, said) in cases {
        let output = trace("gwn-dd-cut", words);
        let said_by_it = error(&output);
        assert_eq!(output.status.code(), Some(USAGE), "{words}: {said_by_it}");
        assert!(output.stdout.is_empty(), "{words}");
        for word in said {
            assert!(
                said_by_it.contains(word),
                "{words}: not said: {word}\n{said_by_it}"
            );
        }
    }
    let none = trace("gwn-dd", "");
    assert_eq!(none.status.code(), Some(USAGE), "one filter at least is required");
    let empty = trace("gwn-dd", "--request a-to-b/0 --reference-point Mxi");
    assert!(text(&empty).is_empty() && error(&empty).contains("passes the filters"));
}

#[test]
fn a_folder_without_a_trace_says_how_to_get_one() {
    for verb in ["trace", "explain"] {
        let output = qkdni([verb, &run("untraced"), "--request", "a-to-b/0"]);
        assert_eq!(output.status.code(), Some(INPUT_OUTPUT));
        let said = error(&output);
        for word in [
            "run without --trace",
            "qkdni run ",
            "scenario.resolved.json --trace",
        ] {
            assert!(said.contains(word), "{said}");
        }
    }
    let place = TempDir::new().expect("a folder");
    let output = qkdni(["trace", place.path().to_str().expect("text"), "--session", "a"]);
    assert_eq!(output.status.code(), Some(INPUT_OUTPUT));
    assert!(error(&output).contains("no manifest.json"));
}

/// Watching changes nothing: every file that both runs have is the same, byte for byte.
#[test]
fn a_trace_changes_no_run() {
    for (traced, bare) in [("gwn-dd", "untraced"), ("gwn-dd-cut", "untraced-cut")] {
        let manifest = |name: &str| -> Value {
            let text = fs::read_to_string(Path::new(&run(name)).join("manifest.json")).expect("there");
            serde_json::from_str(&text).expect("JSON")
        };
        let (traced, bare) = (manifest(traced), manifest(bare));
        assert_eq!(traced["event_count"], bare["event_count"]);
        let files = bare["files"].as_object().expect("files");
        assert!(files.len() >= 4);
        // What a folder says of itself names the files that it has.
        for (file, hash) in files.iter().filter(|(file, _)| *file != "README.md") {
            assert_eq!(&traced["files"][file], hash, "{file}");
        }
    }
}

/// The route is explained by its candidates: one was taken, none of those beside it was cheaper and usable.
#[test]
fn explain_names_the_candidates_of_a_route() {
    let text = explain("gwn-dd", "a-to-b/0");
    for word in [
        "was delivered after",
        "border",
        "taken  A/a1 → A/a3, A/a3 → B/b1: 2 hops",
        "beside A/a1 → A/a2",
    ] {
        assert!(text.contains(word), "not said: {word}\n{text}");
    }
    let mut looked_at = 0;
    for (_, line) in lines_of("gwn-dd", "decisions.jsonl") {
        let candidates = line["candidates"].as_array().expect("a list");
        let taken: Vec<&Value> = candidates.iter().filter(|it| it["chosen"] == true).collect();
        if candidates.is_empty() {
            continue;
        }
        looked_at += 1;
        assert_eq!(taken.len(), 1, "{line}");
        assert_eq!(line["hops"], taken[0]["hops"]);
        let usable = candidates.iter().filter(|it| it["obstacle"].is_null());
        for other in usable.filter(|it| it["unit"] == "hops") {
            assert!(other["cost"].as_f64() >= taken[0]["cost"].as_f64(), "{line}");
        }
    }
    assert!(looked_at >= 6, "two sessions have a border and two routes each");
    // A later request runs on the route that another had decided.
    let later = explain("gwn-dd", "a-to-b/3");
    assert!(
        later.contains("decided before") && later.contains("the route of its session is there"),
        "{later}"
    );
}

/// Requests that waited and failed for want of key say where, how much they needed, and how much there was.
#[test]
fn explain_says_where_a_request_waited_and_why_it_failed() {
    let requests = fs::read_to_string(Path::new(&run("scarce")).join("requests.csv")).expect("there");
    let of = |outcome: &str| -> String {
        let row = requests.lines().find(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            fields[1] == "a-to-b" && fields[6] == outcome && !fields[9].is_empty()
        });
        let row = row
            .unwrap_or_else(|| panic!("none {outcome} after waiting"))
            .to_owned();
        row.split(',').nth(2).expect("a number").to_owned()
    };
    let failed = explain("scarce", &format!("a-to-b/{}", of("failed")));
    for word in [
        "failed after",
        "insufficient_key",
        "It waited at: ",
        "needs 2560 bits",
    ] {
        assert!(failed.contains(word), "not said: {word}\n{failed}");
    }
    let delivered = explain("scarce", &format!("a-to-b/{}", of("delivered")));
    for word in [
        "was delivered after",
        "too little key at A/a3 → B/b1",
        "resume",
        "admit",
    ] {
        assert!(delivered.contains(word), "not said: {word}\n{delivered}");
    }
    let document = qkdni(["--json", "explain", &run("scarce"), "--request", "a-to-b/0"]);
    let document: Value = serde_json::from_str(&text(&document)).expect("JSON");
    assert_eq!(document["explanation"]["session"], "a-to-b");
}

/// A reroute is explained with what made it necessary.
#[test]
fn explain_says_why_a_session_was_rerouted() {
    let decisions = lines_of("gwn-dd-cut", "decisions.jsonl");
    let changed = decisions
        .iter()
        .position(|(_, line)| line["decision"] == "reroute" && line["fault"] == "f1")
        .expect("the cut variant reroutes");
    let line = &decisions[changed].1;
    let (session, after) = (line["session"].as_str().expect("a name"), line["t_ns"].as_u64());
    let next = decisions.iter().find(|(_, line)| {
        line["decision"] == "request" && line["session"] == session && line["t_ns"].as_u64() > after
    });
    let number = next.expect("a later request").1["request"]
        .as_u64()
        .expect("a number");
    let text = explain("gwn-dd-cut", &format!("{session}/{number}"));
    for word in [
        "analyse",
        "reroute",
        "a hop of the route stopped making key",
        "is PASSIVE",
        "taken",
    ] {
        assert!(text.contains(word), "not said: {word}\n{text}");
    }
}

/// Charts of docs/trace.md: run, and what is drawn of it.
const DRAWN: [(&str, &str, &str); 8] = [
    ("p9", "gwn-dd", "--request a-to-b/0 --procedure P9"),
    ("p10", "gwn-dd-cut", "--fault f1 --procedure P10"),
    (
        "p10-border",
        "gwn-dd-border-cut",
        "--fault f1 --session a-to-b --procedure P10",
    ),
    ("p11", "gwn-dd-failure", "--session b-to-a --procedure P11"),
    ("p12", "iwn-cc", "--request a-to-b/0 --procedure P12"),
    ("p13", "iwn-dd-cut", "--fault f1 --procedure P13"),
    (
        "p13-border",
        "iwn-dd-border-cut",
        "--fault f1 --session a-to-b --procedure P13",
    ),
    ("p14", "iwn-dd-failure", "--session b-to-a --procedure P14"),
];

/// The documentation shows what the program draws.
#[test]
fn the_documentations_charts_are_up_to_date() {
    let page = fs::read_to_string("docs/trace.md").unwrap_or_default();
    let mut missing = BTreeSet::new();
    for (chart, name, words) in DRAWN {
        let svg = text(&trace(name, &format!("{words} --format svg")));
        let path = format!("docs/trace/{chart}.svg");
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all("docs/trace").expect("the folder is writable");
            fs::write(&path, &svg).expect("the folder is writable");
        }
        if fs::read_to_string(&path).unwrap_or_default() != svg {
            missing.insert(path.clone());
        }
        if !page.contains(&format!("trace/{chart}.svg")) {
            missing.insert(format!("{path} in docs/trace.md"));
        }
    }
    assert!(missing.is_empty(), "not as drawn: {missing:?}");
}
