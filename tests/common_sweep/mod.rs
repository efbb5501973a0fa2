//! What tests of sweeps share: a small scenario, the program, and the comparison of two folders.

#![allow(dead_code)] // each test binary uses its part

#[cfg(unix)]
pub mod kills;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Writes the small scenario that is swept, `s.json`.
pub fn scenario(place: &Path) {
    fs::copy("scenarios/clause8/gwn-dd.json", place.join("s.json")).expect("the committed scenario is there");
}

/// The program, in a folder of its own, saying little.
pub fn program(place: &Path) -> Command {
    // Beside the folder of whatever test or example this is.
    let me = std::env::current_exe().expect("it runs");
    let beside = me.ancestors().nth(2).expect("target/<profile>/<folder>/<name>");
    let mut command = Command::new(beside.join("qkdni"));
    command
        .current_dir(place)
        .env("NO_COLOR", "1")
        .arg("--quiet")
        .stdout(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn done(place: &Path, arguments: &[String]) -> Output {
    program(place).args(arguments).output().expect("started")
}

/// Runs the program, which must succeed.
pub fn run(place: &Path, arguments: &[String]) {
    let output = done(place, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// Points that are there.
pub fn points_of(folder: &Path) -> usize {
    let entries = fs::read_dir(folder.join("points"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "json"))
        .count()
}

/// Holds two results folders to the same files with the same bytes, but for the manifest's host.
pub fn assert_same(left: &Path, right: &Path) {
    let manifest = |folder: &Path| -> serde_json::Value {
        let text = fs::read(folder.join("manifest.json")).expect("a manifest");
        let mut manifest: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        manifest["host"].take();
        manifest
    };
    assert_eq!(manifest(left), manifest(right));
    let files = manifest(left)["files"].as_object().expect("files").clone();
    for path in files.keys() {
        let bytes = |folder: &Path| fs::read(folder.join(path)).expect("a file of the manifest");
        assert!(bytes(left) == bytes(right), "{path} differs");
    }
    let mut listed = Vec::new();
    let mut open = vec![right.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                listed.push(entry.path());
            }
        }
    }
    assert_eq!(
        listed.len(),
        files.len() + 1,
        "nothing but the manifest's files: {listed:?}"
    );
}
