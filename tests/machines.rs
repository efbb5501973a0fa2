//! Sweeps under `mpirun`: 1, 2 and 4 ranks give the bytes of one process, and mistakes end all ranks.

#![cfg(feature = "mpi")]

mod common_sweep;

use std::path::Path;
use std::process::{Command, Output};

use common_sweep::{assert_same, run, scenario};

fn mpirun(place: &Path, ranks: &str, arguments: &[String]) -> Output {
    Command::new("mpirun")
        .args(["--allow-run-as-root", "--oversubscribe", "-n", ranks])
        .arg(assert_cmd::cargo::cargo_bin!("qkdni"))
        .args(arguments)
        .current_dir(place)
        .output()
        .expect("Open MPI is installed")
}

fn sweep(out: &str) -> Vec<String> {
    [
        "sweep",
        "s.json",
        "--replications",
        "2",
        "--set",
        "run.seed=1..12:1",
        "--out",
        out,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn any_number_of_ranks_gives_the_same_bytes() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    run(
        place.path(),
        &[&sweep("alone")[..], &["-j".to_owned(), "1".to_owned()]].concat(),
    );
    for ranks in ["1", "2", "4"] {
        let output = mpirun(place.path(), ranks, &sweep(ranks));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{ranks} ranks: {said}");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(shown.matches("12 points").count(), 1, "one rank speaks: {shown}");
        assert_same(&place.path().join("alone"), &place.path().join(ranks));
    }
}

#[test]
fn ranks_go_on_where_one_process_was() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    run(place.path(), &sweep("alone"));
    run(
        place.path(),
        &[&sweep("r")[..], &["--shard".to_owned(), "2/3".to_owned()]].concat(),
    );
    let output = mpirun(place.path(), "2", &sweep("r"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("4 of 12 points are there"),
        "{said}"
    );
    assert_same(&place.path().join("alone"), &place.path().join("r"));
}

#[test]
fn mistakes_end_all_ranks_and_are_said_once() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    for (set, code, words) in [
        ("run.seed=5..1:1", 2, "the range is empty"),
        ("run.nonsense=1,2", 3, "nonsense"),
    ] {
        let arguments = ["sweep", "s.json", "--out", "r", "--set", set].map(str::to_owned);
        let output = mpirun(place.path(), "3", &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(
            said.contains(words) && said.matches("error: ").count() == 1,
            "{said}"
        );
    }
}
