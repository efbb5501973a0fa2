//! What the README and the guide tell their readers to type does what they say, as it stands there.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The shell blocks of a document, in order.
fn blocks(document: &str) -> Vec<String> {
    let text = fs::read_to_string(document).expect("the document is there");
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == "```sh" => open = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    blocks
}

/// A copy of what the commands read, so that they write nowhere else.
fn clone_of_inputs(to: &Path) {
    let mut folders = ["scenarios", "tests/data/topologies"].map(PathBuf::from).to_vec();
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder)).expect("a temporary folder");
        for entry in fs::read_dir(&folder).expect("the inputs are there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                fs::copy(&path, to.join(&path)).expect("readable");
            }
        }
    }
}

/// A reader's place: the inputs, the program on the search path, and a cargo that runs it and builds nothing. Where a
/// command leaves the number of replications to the scenario it makes two, which is what the test has time for.
fn readers_place() -> (TempDir, String) {
    let place = TempDir::new().expect("a temporary folder");
    clone_of_inputs(place.path());
    let bin = place.path().join("bin");
    fs::create_dir(&bin).expect("a temporary folder");
    let program = |name: &str, script: &str| {
        let file = bin.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("writable");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("ours");
    };
    let built = assert_cmd::cargo::cargo_bin!("qkdni").to_path_buf();
    program(
        "qkdni",
        &format!(
            "case \"$1 $* \" in\n*' --replications '*|*' --precision '*|*' --batches '*) ;;\n\
             run\\ *|compare\\ *|sweep\\ *) set -- \"$@\" --replications 2 ;;\nesac\nexec '{}' \"$@\"",
            built.display()
        ),
    );
    program(
        "cargo",
        "if [ \"$1 $2 $3\" = 'run --release --' ]; then shift 3; exec qkdni \"$@\"; fi",
    );
    let path = std::env::var("PATH").unwrap_or_default();
    (place, format!("{}:{path}", bin.display()))
}

/// Runs the blocks of a document one after the other; each command must succeed.
fn follow(document: &str, least: usize) {
    let (place, path) = readers_place();
    let blocks = blocks(document);
    let commands = (blocks.iter())
        .flat_map(|block| block.lines())
        .filter(|line| line.starts_with("qkdni ") || line.starts_with("cargo run "))
        .count();
    assert!(commands >= least, "{document}: {commands} commands");
    for block in blocks {
        let output = Command::new("sh")
            .args(["-eux", "-c", &block])
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .current_dir(&place)
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{document}:\n{block}\n{said}");
        let shown = !output.stdout.is_empty() || block.contains("--out ") || block.contains("> ");
        assert!(
            shown || !block.contains("qkdni") && !block.contains("cargo run"),
            "{document}:\n{block}\nsays nothing"
        );
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    follow("README.md", 20);
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    follow("docs/guide.md", 30);
    // What a reader is shown to type stands in blocks that are run.
    let guide = fs::read_to_string("docs/guide.md").expect("the guide is there");
    let run: String = blocks("docs/guide.md").concat();
    let told = guide
        .lines()
        .filter(|line| line.trim_start().starts_with("qkdni "));
    for line in told {
        assert!(run.contains(line), "no test runs: {line}");
    }
}
/// One thread and two give the same bytes in every file; only the manifest's host may differ.
#[test]
fn threads_change_no_byte() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = |threads: &str| place.path().join(threads);
    for threads in ["1", "2"] {
        let scenario = "scenarios/clause8/iwn-dd.json:cut";
        let out = folder(threads);
        let output = Command::new(assert_cmd::cargo::cargo_bin!("qkdni"))
            .args([
                "run",
                scenario,
                "--replications",
                "4",
                "--trace",
                "-j",
                threads,
                "--out",
            ])
            .arg(&out)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
    }
    let mut files = 0;
    for entry in std::fs::read_dir(folder("1")).expect("results") {
        let name = entry.expect("readable").file_name();
        let read = |threads: &str| std::fs::read(folder(threads).join(&name)).expect("the same files");
        if name == "manifest.json" {
            let without_host = |threads: &str| {
                let mut manifest: serde_json::Value = serde_json::from_slice(&read(threads)).expect("JSON");
                manifest["host"] = serde_json::Value::Null;
                manifest
            };
            assert_eq!(without_host("1"), without_host("2"));
        } else {
            assert!(read("1") == read("2"), "{name:?} differs");
        }
        files += 1;
    }
    assert!(files >= 6);
}
