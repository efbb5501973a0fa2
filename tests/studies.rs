//! The studies below `results/`: each is made again by its one command, here with a few points in seconds, so that the
//! commands cannot rot; and what is committed has what a reader needs.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a study's command as a reduced twin; the files that it made.
fn twin(study: &str, expected: &[&str]) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (runs, into) = (place.path().join("runs"), place.path().join("into"));
    let output = Command::new("sh")
        .arg(format!("results/{study}/make.sh"))
        .env("TWIN", "1")
        .env("QKDNI", env!("CARGO_BIN_EXE_qkdni"))
        .env("RUNS", &runs)
        .env("INTO", &into)
        .output()
        .expect("sh is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{study}: {said}");
    for path in expected {
        let content =
            fs::read_to_string(into.join(path)).unwrap_or_else(|error| panic!("{study}/{path}: {error}"));
        assert!(content.len() > 100, "{study}/{path}: {content}");
        // Whatever the full study has committed, its command makes.
        assert!(
            Path::new("results").join(study).join(path).exists(),
            "{study}/{path} is not committed"
        );
    }
    let pictures = walk(&into.join("plots"));
    assert!(!pictures.is_empty(), "{study} draws nothing");
    for picture in pictures {
        let svg = fs::read_to_string(&picture).expect("text");
        assert!(svg.starts_with("<svg"), "{}", picture.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn rerouting() {
    twin(
        "rerouting",
        &[
            "tables/grid.csv",
            "tables/alone.csv",
            "tables/base.md",
            "tables/stages.md",
            "tables/latency.md",
            "tables/interruption.md",
            "tables/alone.md",
            "tables/lossy.md",
            "tables/lossy.csv",
            "plots/stages-border.svg",
            "plots/stages-inside.svg",
            "plots/alone-dd-border.svg",
            "plots/alone-cc-inside.svg",
            "grid-manifest.json",
            "alone-manifest.json",
            "lossy-manifest.json",
        ],
    );
}

#[test]
fn placement() {
    twin(
        "placement",
        &[
            "tables/all.csv",
            "tables/served_share.md",
            "tables/kkrd_s.md",
            "tables/availability.md",
            "manifest.json",
        ],
    );
}

#[test]
fn three_qkdns() {
    twin(
        "three-qkdns",
        &[
            "tables/whole-network.md",
            "tables/cut-demand-ljubljana-rijeka.csv",
            "tables/whole-IT.md",
            "tables/exposure-IT-Trieste.md",
            "tables/cost.md",
            "plots/whole/difference-1.svg",
            "plots/cut/difference-2.svg",
            "plots/stages.svg",
        ],
    );
}

/// Every study says with what it was made, and what it rests on.
#[test]
fn every_study_says_what_it_rests_on() {
    for study in ["rerouting", "placement", "three-qkdns"] {
        let text = fs::read_to_string(format!("results/{study}/README.md")).expect("a README");
        let words = [
            "make.sh",
            "scenario.json",
            "Commit",
            "Machine",
            "Assumption",
            "What would change it",
        ];
        for word in words {
            assert!(text.contains(word), "{study}: no word of {word}");
        }
    }
}
