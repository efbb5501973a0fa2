//! The verbs on a toy simulator: exit codes, folders, streams.

mod comparisons;
mod toy;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::CommandFactory;
use serde_json::Value;

use super::*;
use toy::{Toy, write_scenario};

/// What the program did.
struct Done {
    code: u8,
    out: String,
    err: String,
}

impl Done {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// Runs the program in words separated by blanks; `@/` stands for the folder.
fn qkdni(place: &Path, line: &str) -> Done {
    let place = format!("{}/", place.display());
    let arguments = ["qkdni"].into_iter().chain(line.split_whitespace());
    let arguments: Vec<OsString> = arguments.map(|word| word.replace("@/", &place).into()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = dispatch(
        arguments,
        &Toy {
            stop: Arc::clone(&stop),
        },
        &mut out,
        &mut err,
        &stop,
    );
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Done {
        code: exit.code(),
        out: text(out),
        err: text(err),
    }
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
}

/// Whether two folders have the same bytes but for the host block.
fn assert_same(left: &Path, right: &Path) {
    let manifest = |folder: &Path| {
        let mut manifest = json_of(&folder.join("manifest.json"));
        manifest["host"].take();
        manifest
    };
    assert_eq!(manifest(left), manifest(right));
    for path in manifest(left)["files"].as_object().expect("files").keys() {
        assert_eq!(
            fs::read(left.join(path)).unwrap(),
            fs::read(right.join(path)).unwrap(),
            "{path}"
        );
    }
}

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn help_is_data_and_mistakes_are_not() {
    let place = tempfile::tempdir().unwrap();
    for line in ["--help", "run --help", "compare --help", "--version"] {
        let done = qkdni(place.path(), line);
        assert!(
            done.code == 0 && done.err.is_empty() && !done.out.is_empty(),
            "{line}"
        );
    }
    for line in [
        "",
        "fly",
        "run",
        "run a b",
        "run a --replications 0",
        "run a -j x",
        "compare a",
        "list birds",
    ] {
        let done = qkdni(place.path(), line);
        assert!(
            done.code == 2 && done.out.is_empty() && !done.err.is_empty(),
            "{line}: {}",
            done.code
        );
    }
}

#[test]
fn a_mistake_is_a_document_too_where_json_is_wanted() {
    let place = tempfile::tempdir().unwrap();
    for line in ["run --json", "run a --fly --json", "list --json birds"] {
        let done = qkdni(place.path(), line);
        assert_eq!(
            (done.code, &done.json()["exit_code"]),
            (2, &Value::from(2)),
            "{line}"
        );
        assert!(!done.err.is_empty(), "{line}");
    }
    assert!(qkdni(place.path(), "run a --fly -- --json").out.is_empty());
    let json = qkdni(place.path(), "run --json").json();
    assert!(json["error"].as_str().unwrap().contains("FILE"), "{json}");
}

#[test]
fn what_is_meant_is_guessed() {
    let place = tempfile::tempdir().unwrap();
    for (line, guess) in [
        ("list metric", "\"metrics\""),
        ("list routings", "\"routing\""),
        ("new --template rng", "'ring'"),
        ("run a --warm-up mser6", "mser5"),
        ("run a --precision 5% --metric kkrd", "\"kkrd_s\""),
        ("run a --precision 5", "write \"5%\""),
        ("plot a --out x.pdf", "name a file that ends with .svg"),
        ("plot a --out plots", "name a file that ends with .svg"),
        (
            "link --model decoy_bb84_asymptotic --distance 0..20:10km --plot x.pdf",
            "name a file that ends with .svg",
        ),
        ("sweep a --set x=1 --shard 1/0", "2/8"),
    ] {
        let done = qkdni(place.path(), line);
        assert!(done.code == 2 && done.err.contains(guess), "{line}: {}", done.err);
    }
}

#[test]
fn results_that_are_not_complete_are_said_to_be() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("r.partial")).unwrap();
    for verb in ["table", "plot", "report"] {
        let done = qkdni(place.path(), &format!("{verb} @/r"));
        let known = done.err.contains("not complete: there is only") && done.err.contains("r.partial");
        assert!(done.code == 4 && known, "{verb}: {}", done.err);
    }
}

#[test]
fn a_precision_is_about_a_metric_that_there_is() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", r#""panic_at": 0,"#);
    // Said before a replication is run, which would panic.
    let done = qkdni(
        place.path(),
        "run @/toy.json --precision 5% --metric foo --out @/r",
    );
    assert_eq!(
        (done.code, done.err.contains("no such metric")),
        (2, true),
        "{}",
        done.err
    );
    write_scenario(place.path(), "toy", r#""panic_at": 1,"#);
    let line = "run @/toy.json --precision 5% --metric served_share@demand:x --out @/r";
    let done = qkdni(place.path(), line);
    assert_eq!(
        (done.code, done.err.contains("network")),
        (2, true),
        "{}",
        done.err
    );

    // How many it would have taken, nobody asked.
    write_scenario(place.path(), "toy", r#""interrupt_at": 3,"#);
    let line = "run @/toy.json -j 1 --precision 0.01% --metric served_share --out @/r";
    let done = qkdni(place.path(), line);
    assert_eq!(done.code, 130, "{}", done.err);
    assert!(
        done.err.contains("interrupted: 4 replications were kept"),
        "{}",
        done.err
    );
}

/// `compare --precision` is about the difference: what both have alike does not count.
#[test]
fn differences_are_made_as_precise_as_asked() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "a", "");
    write_scenario(place.path(), "b", "");
    let run = |options: &str| {
        let line = format!("compare @/a.json @/b.json --json {options}");
        let done = qkdni(place.path(), &line);
        (done.code, done.json()["replications"].clone(), done.err.clone())
    };
    // The same numbers on both sides: their difference is known after the first ten.
    let (code, replications, err) = run("--precision 0.01% --metric served_share --out @/r1");
    assert_eq!((code, replications.as_u64()), (0, Some(10)), "{err}");
    let (code, replications, err) = run("--precision 1% --metric served_share --replications 3 --out @/r2");
    assert_eq!((code, replications.as_u64()), (0, Some(3)), "{err}");
    for (options, wrong) in [
        ("--precision 1% --metric foo", "no such metric"),
        ("--precision 1% --metric served_share@demand:x", "NAME@SCOPE"),
    ] {
        let line = format!("compare @/a.json @/b.json {options} --out @/r3");
        let done = qkdni(place.path(), &line);
        assert!(done.code == 2 && done.err.contains(wrong), "{}", done.err);
        assert!(!place.path().join("r3").exists());
    }
}

#[test]
fn sweeps_warn_by_the_number_of_points() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    let line = "sweep @/toy.json --set level=0.25,0.5 --set run.replications=3,6 --out @/s --json";
    let done = qkdni(place.path(), line);
    assert_eq!(done.code, 0, "{}", done.err);
    let warning = &done.json()["warnings"][0];
    assert_eq!(
        (&warning["kind"], &warning["points"], &warning["first"]),
        (&"few_replications".into(), &2.into(), &0.into())
    );
    let said =
        "warning: 2 of 4 points, first at point 0 (level=0.25, run.replications=3): 3 replications are few";
    assert!(done.err.contains(said), "{}", done.err);
    // The same again where all points are there.
    assert!(qkdni(place.path(), line).err.contains(said));
}

#[test]
fn trouble_with_a_point_is_no_bug_unless_it_is_one() {
    use super::sweep::{failure, of_stopped};
    use crate::experiment::distribute::Stopped;

    let no_threads = Stopped::NoThreads("no room".to_owned());
    assert_eq!(
        failure(of_stopped(no_threads, |job| job)).exit(),
        Exit::InputOutput
    );
    let panicked = Stopped::Panicked {
        job: 1,
        message: "1 is not 2".to_owned(),
    };
    let broken = failure(of_stopped(panicked, |job| job + 10));
    assert_eq!(broken.exit(), Exit::Broken);
    let text = broken.text().expect("it says so");
    assert!(
        text.contains("at point 11: 1 is not 2") && text.contains("bug"),
        "{text}"
    );
}

#[test]
fn a_run_is_the_same_on_any_number_of_threads_and_reproduces() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    for threads in [1, 2, 5] {
        let done = qkdni(
            place.path(),
            &format!("run @/toy.json -j {threads} --out @/r{threads} --trace"),
        );
        assert_eq!(
            (done.code, done.out.contains("served_share")),
            (0, true),
            "{}",
            done.err
        );
        assert_same(
            &place.path().join("r1"),
            &place.path().join(format!("r{threads}")),
        );
    }
    let manifest = json_of(&place.path().join("r1/manifest.json"));
    assert_eq!(
        (&manifest["seed"], &manifest["replications"]),
        (&Value::from(7), &Value::from(6))
    );
    assert_eq!(
        (&manifest["status"], &manifest["event_count"]),
        (&Value::from("complete"), &Value::from(600))
    );
    assert_eq!(manifest["files"].as_object().unwrap().len(), 10);
    let done = qkdni(place.path(), "reproduce @/r2 -j 1");
    assert_eq!(
        (done.code, done.out.contains("all 10 files")),
        (0, true),
        "{}{}",
        done.out,
        done.err
    );

    fs::write(place.path().join("r2/summary.json"), "{}").unwrap();
    let done = qkdni(place.path(), "reproduce @/r2 --json");
    assert_eq!(
        (done.code, &done.json()["differences"][0]),
        (1, &Value::from("summary.json was changed"))
    );
}

#[test]
fn options_change_the_scenario_and_json_is_one_document() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    let line = "run @/toy.json --seed 99 --replications 5 --set level=0.25 --out @/r --json --quiet";
    let done = qkdni(place.path(), line);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let json = done.json();
    assert_eq!(
        (&json["schema_version"], &json["seed"], &json["replications"]),
        (&1.into(), &99.into(), &5.into())
    );
    assert_eq!(json["metrics"][0]["name"], "served_share");
    assert_eq!(
        json_of(&place.path().join("r/scenario.resolved.json"))["level"],
        0.25
    );
    assert_eq!(qkdni(place.path(), "reproduce @/r").code, 0);
}

#[test]
fn an_occupied_folder_stops_before_the_work() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", r#""panic_at": 0,"#);
    fs::create_dir(place.path().join("r")).unwrap();
    fs::write(place.path().join("r/precious"), "x").unwrap();
    let done = qkdni(place.path(), "run @/toy.json --out @/r");
    assert_eq!(
        (done.code, done.err.contains("not empty")),
        (4, true),
        "{}",
        done.err
    );
}

#[test]
fn a_bug_is_reported_with_seed_and_replication_and_leaves_no_folder() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", r#""panic_at": 3,"#);
    let done = qkdni(place.path(), "run @/toy.json --out @/r");
    assert_eq!(done.code, 5);
    assert!(
        done.err.contains("replication 3") && done.err.contains("seed 7"),
        "{}",
        done.err
    );
    assert!(done.err.contains("a store has lost a key"), "{}", done.err);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);

    write_scenario(place.path(), "unsound", r#""audit_fails": true,"#);
    let done = qkdni(place.path(), "run @/unsound.json --out @/r");
    assert_eq!((done.code, done.err.contains("broken invariant")), (5, true));
    assert_eq!(json_of(&place.path().join("r/manifest.json"))["status"], "broken");
}

#[test]
fn an_interrupted_run_keeps_what_is_finished() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", r#""interrupt_at": 3,"#);
    let done = qkdni(place.path(), "run @/toy.json -j 1 --out @/r");
    assert_eq!(
        (done.code, done.err.contains("4 of 6 replications")),
        (130, true),
        "{}",
        done.err
    );
    let manifest = json_of(&place.path().join("r/manifest.json"));
    assert_eq!(
        (&manifest["status"], &manifest["replications"]),
        (&"interrupted".into(), &4.into())
    );

    // The first to be finished in a comparison: replication 3 of both.
    write_scenario(place.path(), "other", "");
    let done = qkdni(place.path(), "compare @/toy.json @/other.json -j 1 --out @/c");
    assert_eq!(done.code, 130, "{}", done.err);
    assert_eq!(json_of(&place.path().join("c/compare.json"))["replications"], 3);

    write_scenario(place.path(), "early", r#""interrupt_at": 0,"#);
    let done = qkdni(place.path(), "compare @/early.json @/other.json -j 1 --out @/e");
    assert_eq!((done.code, done.err.contains("no results")), (130, true));
    assert!(!place.path().join("e").exists() && !place.path().join("e.partial").exists());
}

#[test]
fn invalid_and_unreadable_scenarios() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "bad", r#""invalid": true,"#);
    write_scenario(place.path(), "odd", r#""warn": true,"#);
    for verb in ["run", "validate"] {
        let done = qkdni(place.path(), &format!("{verb} @/bad.json"));
        let said = if verb == "run" { &done.err } else { &done.out };
        assert!(
            done.code == 3 && said.contains("error[mistake]: a mistake") && said.contains("bad.json:3:7"),
            "{said}"
        );
        assert_eq!(qkdni(place.path(), &format!("{verb} @/nowhere.json")).code, 4);
    }
    let done = qkdni(place.path(), "validate @/odd.json @/bad.json --json");
    assert_eq!((done.code, &done.json()["valid"]), (3, &Value::from(false)));
    assert_eq!(done.json()["files"][0]["findings"][0]["severity"], "warning");
    assert_eq!(qkdni(place.path(), "validate @/odd.json").code, 0);
    let done = qkdni(place.path(), "validate @/nowhere.json @/odd.json");
    assert_eq!(
        (done.code, done.out.contains("odd.json: valid")),
        (4, true),
        "{}",
        done.out
    );
    let done = qkdni(place.path(), "run @/bad.json --json");
    assert_eq!(
        (&done.json()["exit_code"], &done.json()["findings"][0]["line"]),
        (&3.into(), &3.into())
    );
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn a_failed_expectation_is_told_by_the_exit_code() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", r#""at_least": 0.99,"#);
    let done = qkdni(place.path(), "run @/toy.json --out @/r");
    assert_eq!(
        (done.code, done.out.contains("NOT MET")),
        (1, true),
        "{}",
        done.out
    );
    assert_eq!(qkdni(place.path(), "reproduce @/r").code, 0);
}

#[test]
fn lists_and_the_schema() {
    let place = tempfile::tempdir().unwrap();
    let done = qkdni(place.path(), "list metrics");
    assert!(
        done.out.contains("kkdlr") && !done.out.contains("fewest_hops"),
        "{}",
        done.out
    );
    assert!(qkdni(place.path(), "list").out.contains("fewest_hops"));
    assert_eq!(
        qkdni(place.path(), "list routing --json").json()["entries"][0]["name"],
        "fewest_hops"
    );
    assert_eq!(qkdni(place.path(), "schema").json()["title"], "toy");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let place = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = qkdni(place.path(), &format!("completions {shell}")).out;
        assert!(
            script.contains("gwn-vs-iwn")
                && script.contains("criticality")
                && script.contains("random_geometric"),
            "{shell}: {script}"
        );
    }
    assert_eq!(qkdni(place.path(), "completions tcsh").code, 2);
    let page = qkdni(place.path(), "man").out;
    assert!(
        page.starts_with(".ie") && page.contains("qkdni\\-sweep(1)"),
        "{page}"
    );
    assert_eq!(qkdni(place.path(), "man --out @/pages").code, 0);
    let pages = fs::read_dir(place.path().join("pages")).expect("there").count();
    assert!(pages > 15, "{pages} pages");
    let sweep = fs::read_to_string(place.path().join("pages/qkdni-sweep.1")).expect("there");
    assert!(sweep.contains("\\-\\-design"), "{sweep}");
    assert!(sweep.contains("\n.nf\n  \\-\\-set run.seed=1,2,5"), "{sweep}");
    fs::write(place.path().join("file"), "").expect("written");
    assert_eq!(qkdni(place.path(), "man --out @/file").code, 4);
}

/// A reader that has gone away.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let place = tempfile::tempdir().unwrap();
    write_scenario(place.path(), "toy", "");
    let stop = Arc::new(AtomicBool::new(false));
    let target = place.path().join("r");
    for line in ["run FILE --out OUT", "list", "--help", "schema", "fly"] {
        let (file, out) = (place.path().join("toy.json"), target.to_str().unwrap());
        let line = line.replace("FILE", file.to_str().unwrap()).replace("OUT", out);
        let arguments = ["qkdni"].into_iter().chain(line.split(' ')).map(OsString::from);
        let exit = dispatch(
            arguments,
            &Toy {
                stop: Arc::clone(&stop),
            },
            &mut Gone,
            &mut Gone,
            &stop,
        );
        assert_eq!(exit.code(), if line == "fly" { 2 } else { 0 }, "{line}");
    }
    assert!(target.join("manifest.json").exists());
}
