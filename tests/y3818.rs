//! Holds docs/y3818.md to the code: every requirement once, every test that it names there (and says what it shows), every
//! room there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn required() -> BTreeSet<String> {
    let numbered =
        |letter: &'static str, from: u32, to: u32| (from..=to).map(move |n| format!("{letter}{n}"));
    let points = [
        "Qx", "Kq-1", "Kx-1", "Kx-2", "Ak", "Ck", "Cq", "Cx", "Mq", "Mk", "Mc", "Mu", "Cxi", "Kxi-1",
        "Kxi-2", "Mxi", "rule",
    ];
    numbered("A", 1, 5)
        .chain(numbered("FE-", 1, 11))
        .chain(numbered("C", 3, 8))
        .chain(numbered("P", 9, 14))
        .chain(numbered("S", 1, 6))
        .chain(points.iter().map(|point| format!("RP-{point}")))
        .collect()
}

#[test]
fn the_table_of_requirements_is_complete_and_true() {
    let table = fs::read_to_string("docs/y3818.md").expect("the page is there");
    let mut seen = BTreeSet::new();
    for row in table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ID"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, room, test, provenance] = cells[..] else {
            panic!("five cells: {row}")
        };
        assert!(seen.insert(id.to_owned()), "{id} stands twice");
        assert!(["text", "analogue", "inferred"].contains(&provenance), "{row}");
        for test in test.split(", ") {
            let (file, name) = test.trim_matches('`').split_once("::").expect("FILE::TEST");
            let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("{id}: there is no {file}"));
            let at = text.find(&format!("fn {name}("));
            let at = at.unwrap_or_else(|| panic!("{id}: {file} has no {name}"));
            let above = text[..at].rsplit("\n\n").next().expect("what stands above it");
            assert!(above.contains("#[test]"), "{id}: {name} of {file} is no test");
            let mut words = above.split(|c: char| !(c.is_alphanumeric() || c == '-'));
            assert!(
                words.any(|word| word == id),
                "{id}: {name} of {file} does not say that it shows it"
            );
        }
        for place in room.split(", `").map(|place| place.trim_matches('`')) {
            let first = place.split("::").next().expect("a word");
            let there = if place.contains(".json") {
                Path::new(place).exists()
            } else {
                Path::new("src").join(first).exists() || Path::new("src").join(format!("{first}.rs")).exists()
            };
            assert!(there, "{id}: there is no room {place}");
        }
    }
    assert_eq!(seen, required());
}
