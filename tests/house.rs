//! Holds the house rules: which room may import which, who may touch files, threads and the command line, and that
//! nothing that can influence a run reads a clock or iterates in an order of its own.
//!
//! The rules as they stand, where they say more than the first proposal:
//! - `observe` stands beside `network`'s other rooms and imports none of them; `network` measures with it, and
//!   `experiment` and `archive` carry its plain outcomes.
//! - Machines may name `interworking`'s kinds nowhere. Outside the rooms that may say it, the interworking site exists
//!   as a place only: its id, the field `iwn` of a placement, and the relation "within one site" that gives a reference
//!   point its prime (`SITE_AS_A_PLACE` lists the files). Everywhere else even comments use neutral words.
//! - The data model's derivation of sites lives in `network`'s builder and wiring; no machine branches on it.
//! - `catalogue` stands left of `units` and `ids`: what a catalogue lists has quantities with units. The unit tests of
//!   `units` may borrow the kernel's `Span`, which is a quantity.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from right to left: each may import those in rows above its own, and itself.
const ROWS: [&[&str]; 13] = [
    &["units", "ids"],
    &["catalogue"],
    &["kernel"],
    &["architecture"],
    &[
        "quantum",
        "key_management",
        "control",
        "management",
        "service",
        "interworking",
        "fault",
        "observe",
    ],
    &["network"],
    &["analysis"],
    &["scenario"],
    &["archive"],
    &["experiment"],
    &["report"],
    &["cli"],
    &["lib", "main"],
];

/// Files outside the speaking rooms where the interworking site exists as a place.
const SITE_AS_A_PLACE: [&str; 8] = [
    "ids.rs",
    "architecture/procedure.rs",
    "architecture/reference_point.rs",
    "architecture/surroundings.rs",
    "network/builder.rs",
    "network/custody.rs",
    "network/plan.rs",
    "network/wiring.rs",
];

/// Rooms whose code decides what a run's numbers are.
const INFLUENCE_A_RUN: [&str; 16] = [
    "units",
    "ids",
    "catalogue",
    "kernel",
    "architecture",
    "quantum",
    "key_management",
    "control",
    "management",
    "service",
    "interworking",
    "fault",
    "observe",
    "network",
    "analysis",
    "scenario",
];

/// A source file: its path below `src`, its room, its text.
struct Source {
    path: String,
    room: String,
    text: String,
}

impl Source {
    /// Lines that are no comment, with their numbers, trailing comments cut off.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter_map(|(number, line)| {
            let line = if line.trim_start().starts_with("//") {
                ""
            } else {
                line.split(" // ").next().unwrap_or_default()
            };
            (!line.trim().is_empty()).then_some((number + 1, line))
        })
    }

    /// Lines before the file's unit tests; all of none in a file of tests.
    fn code_without_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_tests = self.path.ends_with("tests.rs") || self.path.contains("/tests/");
        self.code()
            .take_while(move |(_, line)| !is_tests && line.trim() != "#[cfg(test)]")
    }

    /// How deep the file's module lies below the crate.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        parts - usize::from(self.path.ends_with("/mod.rs"))
    }
}

fn gather(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    gather(&root, &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let below = path.strip_prefix(&root).expect("it was found there");
        let name = below.to_str().expect("plain names").to_owned();
        let first = name.split('/').next().expect("a path has a part");
        Source {
            room: first.trim_end_matches(".rs").to_owned(),
            text: fs::read_to_string(&path).expect("sources are text"),
            path: name,
        }
    };
    paths.into_iter().map(source).collect()
}

fn rows() -> BTreeMap<&'static str, usize> {
    let of_row = |(row, rooms): (usize, &&'static [&'static str])| {
        rooms.iter().map(move |&room| (room, row)).collect::<Vec<_>>()
    };
    ROWS.iter().enumerate().flat_map(of_row).collect()
}

fn ident(text: &str) -> &str {
    let end = text
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Rooms that a line of code names: `crate::room`, the members of `crate::{…}`, and `super` chains that leave a room.
fn rooms_named(line: &str, depth: usize) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap_or_default();
                named.extend(group.split(',').map(|part| ident(part.trim()).to_owned()));
            }
            None => named.push(ident(rest).to_owned()),
        }
    }
    let chain = line.matches("super::").count();
    if chain >= depth
        && let Some(at) = line.rfind("super::")
    {
        named.push(ident(&line[at + "super::".len()..]).to_owned());
    }
    named
}

fn report(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_room_has_its_place() {
    let rows = rows();
    let strangers: Vec<String> = sources()
        .iter()
        .filter(|source| !rows.contains_key(source.room.as_str()))
        .map(|source| format!("{}: in no row", source.path))
        .collect();
    report(&strangers);
}

#[test]
fn rooms_import_only_what_stands_to_their_right() {
    let rows = rows();
    let mut findings = Vec::new();
    let mut looked_at = 0;
    for source in sources() {
        let own = rows[source.room.as_str()];
        // A library's front door is named by its binary and by no one else.
        let code: Vec<(usize, &str)> = if source.room == "units" {
            source.code_without_tests().collect()
        } else {
            source.code().collect()
        };
        for (number, line) in code {
            for named in rooms_named(line, source.depth()) {
                let Some(&row) = rows.get(named.as_str()) else {
                    continue;
                };
                looked_at += 1;
                if named != source.room && row >= own {
                    findings.push(format!(
                        "{}:{number}: {} may not import {named}",
                        source.path, source.room
                    ));
                }
            }
        }
    }
    assert!(looked_at > 200, "only {looked_at} imports were found");
    report(&findings);
}

#[test]
fn the_kinds_of_border_are_named_only_where_they_may_be() {
    let may = ["interworking", "scenario", "analysis", "report", "cli", "lib"];
    let mut findings = Vec::new();
    for source in sources() {
        if may.contains(&source.room.as_str()) || SITE_AS_A_PLACE.contains(&source.path.as_str()) {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let lower = line.to_lowercase();
            if lower.contains("gwn") || lower.contains("iwn") {
                findings.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    report(&findings);
}

#[test]
fn where_the_site_is_a_place_it_is_nothing_else() {
    let mut findings = Vec::new();
    for source in sources() {
        if !SITE_AS_A_PLACE.contains(&source.path.as_str()) {
            continue;
        }
        for (number, line) in source.code_without_tests() {
            let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            for word in words {
                let lower = word.to_lowercase();
                let names_a_kind = lower.contains("gwn") || lower.contains("iwn");
                let is_place = ["IwnId", "iwn", "iwns", "WithinIwn", "IWN"].contains(&word);
                if names_a_kind && !is_place {
                    findings.push(format!("{}:{number}: {word}", source.path));
                }
            }
        }
    }
    report(&findings);
}

#[test]
fn what_influences_a_run_reads_no_clock_and_has_no_order_of_its_own() {
    let mut findings = Vec::new();
    for source in sources() {
        let influences = INFLUENCE_A_RUN.contains(&source.room.as_str());
        for (number, line) in source.code() {
            let clock = ["Instant::now", "SystemTime", "std::time"]
                .iter()
                .any(|word| line.contains(word));
            // Maps with a random seed; the fixed hash of FxHashMap keeps its order from run to run.
            let random_order = line.contains("HashMap") && !line.contains("FxHashMap")
                || line.contains("HashSet") && !line.contains("FxHashSet")
                || line.contains("RandomState");
            let entropy = ["thread_rng", "rand::rng(", "OsRng", "getrandom"]
                .iter()
                .any(|word| line.contains(word));
            if influences && (clock || random_order || entropy) {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&findings);
}

#[test]
fn nothing_iterates_over_a_hash_map() {
    let mut findings = Vec::new();
    for source in sources() {
        if !INFLUENCE_A_RUN.contains(&source.room.as_str()) {
            continue;
        }
        let maps: Vec<&str> = source
            .code()
            .filter_map(|(_, line)| {
                let (name, kind) = line.split_once(": FxHash")?;
                kind.starts_with(['M', 'S'])
                    .then(|| name.rsplit([' ', '(']).next())?
            })
            .collect();
        for (number, line) in source.code() {
            let walks = maps.iter().any(|map| {
                [
                    ".iter()",
                    ".iter_mut()",
                    ".keys()",
                    ".values()",
                    ".values_mut()",
                    ".drain()",
                ]
                .iter()
                .any(|walk| line.contains(&format!(".{map}{walk}")))
                    || line.contains(&format!("in &self.{map} "))
                    || line.contains(&format!("in &mut self.{map} "))
            });
            if walks {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&findings);
}

#[test]
fn libraries_stay_in_their_rooms() {
    let rules: [(&str, &[&str]); 14] = [
        ("rayon", &["experiment/distribute/"]),
        ("mpi", &["experiment/distribute/"]),
        ("parquet", &["archive/columns.rs"]),
        ("rust_decimal", &["experiment/sweep/"]),
        ("sobol_burley", &["experiment/sweep/"]),
        ("clap", &["cli/"]),
        ("indicatif", &["cli/"]),
        ("comfy_table", &["report/"]),
        ("plotters", &["report/"]),
        ("resvg", &["report/"]),
        ("csv", &["archive/"]),
        ("ctrlc", &["cli/"]),
        ("quick_xml", &["scenario/import/"]),
        ("microlp", &["analysis/"]),
    ];
    let mut findings = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (library, homes) in rules {
                let named =
                    line.contains(&format!("{library}::")) || line.contains(&format!("use {library}"));
                if named && !homes.iter().any(|home| source.path.starts_with(home)) {
                    findings.push(format!("{}:{number}: {library}", source.path));
                }
            }
        }
    }
    report(&findings);
}

#[test]
fn only_the_outer_rooms_touch_files() {
    let may = ["scenario", "archive", "report", "cli", "main"];
    let mut findings = Vec::new();
    for source in sources() {
        for (number, line) in source.code_without_tests() {
            let touches = ["std::fs", "fs::", "File::", "std::env"]
                .iter()
                .any(|word| line.contains(word));
            if touches && !may.contains(&source.room.as_str()) {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&findings);
}

/// Shows S1: the types that hold key bits are named only where keys may be: in the messages of Kq-1, Kx, Kxi and Ak, the
/// layers that speak them, and the application that digests what it is supplied. No control or management message, no
/// controller and no manager can hold any.
#[test]
fn key_material_is_held_in_its_own_layers_only() {
    const MAY: [&str; 10] = [
        "architecture/key_source.rs",
        "architecture/message/key_management.rs",
        "architecture/message/material.rs",
        "architecture/message/mod.rs",
        "architecture/message/service.rs",
        "key_management/",
        "network/auditor.rs",
        "network/carrier/tests.rs", // messages to carry
        "quantum/",
        "service/",
    ];
    let mut findings = Vec::new();
    let mut seen = 0;
    for source in sources() {
        for (number, line) in source.code() {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric());
            // `Check::KeyMaterial` is the auditor's name for this very rule.
            if words.any(|word| matches!(word, "KeyMaterial" | "Material" | "RelayPart")) {
                seen += 1;
                if !MAY.iter().any(|home| source.path.starts_with(home)) && !line.contains("RelayPart(part)")
                {
                    findings.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert!(seen > 20, "the types are still called so");
    report(&findings);
}
