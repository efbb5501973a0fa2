//! The examples for users of the library run as they are; each holds what it says by assertions of its own.
//!
//! `examples/read_results.ipynb` is run by `.ci/run`.

#[path = "../examples/build_scenario.rs"]
mod build_scenario;
#[path = "../examples/own_link_model.rs"]
mod own_link_model;
#[path = "../examples/own_routing.rs"]
mod own_routing;
#[allow(dead_code)] // its command line
#[path = "../examples/read_results.rs"]
mod read_results;

use std::process::Command;

#[test]
fn a_scenario_is_built_in_code() {
    build_scenario::main();
}

#[test]
fn a_link_is_made_by_a_model_of_ones_own() {
    own_link_model::main();
}

#[test]
fn keys_are_routed_by_an_algorithm_of_ones_own() {
    own_routing::main();
}

#[test]
fn results_are_read_back() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = place.path().join("results");
    let status = Command::new(assert_cmd::cargo::cargo_bin!("qkdni"))
        .args([
            "run",
            "scenarios/clause8/gwn-dd.json",
            "--quiet",
            "--replications",
            "2",
            "--out",
        ])
        .arg(&folder)
        .output()
        .expect("it runs")
        .status;
    assert!(status.success());
    assert!(read_results::read(&folder).expect("whole") > 1_000);
    // What was changed afterwards is not read.
    std::fs::write(folder.join("requests.csv"), "").expect("writable");
    let error = read_results::read(&folder).expect_err("changed").to_string();
    assert!(error.contains("requests.csv was changed"), "{error}");
}
