//! `compare` on the toy simulator: verdicts, pairs, derived variants.

use std::fs;

use super::toy::write_scenario;
use super::{assert_same, json_of, qkdni};

#[test]
fn a_comparison_has_verdicts_and_reproduces() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "good", r#""level": 0.75,"#);
    write_scenario(place.path(), "poor", r#""level": 0.5,"#);
    let done = qkdni(place.path(), "compare @/good.json @/poor.json --out @/c --json");
    assert_eq!(done.code, 0, "{}", done.err);
    let json = done.json();
    let row = &json["metrics"][0];
    assert_eq!(
        (&row["name"], &row["verdict"]),
        (&"served_share".into(), &"worse".into())
    );
    assert_eq!(
        (&row["a"], &row["b"], &row["rests_on"]),
        (&"good".into(), &"poor".into(), &"good vs poor".into())
    );
    assert_eq!(row["difference"], -0.25);
    assert_eq!(qkdni(place.path(), "reproduce @/c").code, 0);
    assert_eq!(qkdni(place.path(), "reproduce @/c/variants/poor").code, 0);
    let code = |line: &str| qkdni(place.path(), line).code;
    assert_eq!(
        code("compare @/good.json @/poor.json --out @/d --fail-on worse"),
        1
    );
    assert_same(&place.path().join("c"), &place.path().join("d"));
    assert_eq!(
        code("compare @/poor.json @/good.json --out @/f --fail-on worse"),
        0
    );
    assert_eq!(
        code("compare @/good.json @/good.json --out @/g --fail-on worse"),
        0
    );
    let same = json_of(&place.path().join("g/compare.json"));
    assert_eq!(same["metrics"][0]["verdict"], "no evidence");
}

#[test]
fn comparisons_warn_by_variant() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    let done = qkdni(
        place.path(),
        "compare @/toy.json --gwn-vs-iwn --replications 3 --out @/c --json",
    );
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.err
            .contains("warning: G0, G0=, G1, I: 3 replications are few"),
        "{}",
        done.err
    );
    let warning = &done.json()["warnings"][0];
    assert_eq!(
        (&warning["kind"], &warning["variants"][3]),
        (&"few_replications".into(), &"I".into())
    );
}

#[test]
fn scenarios_that_cannot_be_paired() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "a", "");
    write_scenario(place.path(), "b", "");
    let text = fs::read_to_string(place.path().join("b.json")).unwrap();
    fs::write(
        place.path().join("b.json"),
        text.replace("\"seed\": 7", "\"seed\": 8"),
    )
    .unwrap();
    let done = qkdni(place.path(), "compare @/a.json @/b.json --out @/c");
    assert_eq!(
        (done.code, done.err.contains("--seed")),
        (2, true),
        "{}",
        done.err
    );
    assert_eq!(
        qkdni(place.path(), "compare @/a.json @/b.json --seed 1 --out @/c").code,
        0
    );
    assert_eq!(
        qkdni(place.path(), "compare @/a.json @/b.json --gwn-vs-iwn --out @/d").code,
        2
    );
}

#[test]
fn derived_variants_are_judged_by_the_neutral_rule() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    let done = qkdni(place.path(), "compare @/toy.json --gwn-vs-iwn --out @/c");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.out.contains("G1 vs I") && done.out.contains("What the variants are built of"),
        "{}",
        done.out
    );
    let json = json_of(&place.path().join("c/compare.json"));
    assert_eq!(json["variants"], serde_json::json!(["G0", "G0=", "G1", "I"]));
    let verdict = |pair: &str| {
        let rows = json["metrics"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["rests_on"] == pair && row["name"] == "served_share");
        row.unwrap()["verdict"].clone()
    };
    // I serves most and costs more than G0, less than G0=.
    assert_eq!(
        (verdict("G1 vs I"), verdict("G0 vs I"), verdict("G0= vs I")),
        ("better".into(), "no_verdict".into(), "better".into())
    );
    assert_eq!(qkdni(place.path(), "reproduce @/c").code, 0);
}
