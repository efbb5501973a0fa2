//! The README's own commands run as they stand there.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The commands of the README's shell blocks, as arguments of `qkdni`.
fn commands() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string("README.md").expect("the README is there");
    let lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("cargo run --release -- "));
    lines
        .map(|line| {
            line.split_whitespace()
                .map(|word| word.replace('"', ""))
                .collect()
        })
        .collect()
}

/// Quoted values with a blank are one argument.
fn joined(words: &[String]) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    for word in words {
        match arguments.last_mut() {
            Some(last) if word.starts_with('/') && last.contains('=') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => arguments.push(word.clone()),
        }
    }
    arguments
}

/// A copy of what the commands read, so that they write nowhere else.
fn clone_of_inputs(to: &Path) {
    let mut folders = vec![PathBuf::from("scenarios")];
    while let Some(folder) = folders.pop() {
        std::fs::create_dir_all(to.join(&folder)).expect("a temporary folder");
        for entry in std::fs::read_dir(&folder).expect("the scenarios are there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                std::fs::copy(&path, to.join(&path)).expect("readable");
            }
        }
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let place = tempfile::tempdir().expect("a temporary folder");
    clone_of_inputs(place.path());
    let commands = commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for words in commands {
        let arguments = joined(&words);
        let assert = Command::cargo_bin("qkdni")
            .expect("the program")
            .current_dir(&place)
            .args(&arguments)
            .assert();
        let output = assert.success().get_output().clone();
        // A new scenario that goes to a file is not printed as well.
        let file = arguments.windows(2).find(|pair| pair[0] == "--out");
        let makes_a_file = ["new", "import"]
            .iter()
            .any(|verb| arguments.iter().any(|word| word == verb));
        let written = makes_a_file && file.is_some_and(|pair| place.path().join(&pair[1]).exists());
        assert!(
            !output.stdout.is_empty() || written,
            "{arguments:?} prints or writes something"
        );
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
        Command::cargo_bin("qkdni")
            .expect("the program")
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
            .assert()
            .success();
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
