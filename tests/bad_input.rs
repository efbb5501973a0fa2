//! Bad input, as a user meets it: the built program ends with the right exit code, says on standard error what is wrong
//! and where, and leaves no results folder that could be taken for a whole one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const USAGE: i32 = 2;
const INVALID: i32 = 3;
const INPUT_OUTPUT: i32 = 4;

/// The program, in a folder of its own.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("qkdni"));
    command.current_dir(folder).env("NO_COLOR", "1").arg("--quiet");
    command
}

/// A small valid scenario, to be spoilt.
fn scenario() -> Value {
    let text = fs::read_to_string("scenarios/clause8/gwn-dd.json").expect("the committed scenario is there");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value.as_object_mut().expect("an object").remove("$schema");
    value
}

/// What was said on standard error.
fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The findings of `validate` are its result, so they stand on standard output.
fn result_as_error(mut output: Output) -> Output {
    output.stderr.append(&mut output.stdout);
    output
}

/// Whether a folder below holds a manifest: the mark of a whole results folder.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name == "manifest.json") {
                found.push(path);
            }
        }
    }
    found
}

/// Holds an ended program to its exit code, to the words that it must say, and to the folder that it may not leave.
fn hold(output: &Output, folder: &Path, code: i32, words: &[&str]) {
    let said = text_of(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "not said: {word}\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(manifests(folder), Vec::<PathBuf>::new());
    assert!(!folder.join("out").exists(), "a results folder was left");
}

/// Writes a scenario's text, runs it and validates it: both must refuse it alike.
fn refused(text: &str, extra: &[&str], words: &[&str]) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("bad.json"), text).expect("writable");
    let run = program(folder.path())
        .args(["run", "bad.json", "--out", "out"])
        .args(extra)
        .output()
        .expect("it runs");
    hold(&run, folder.path(), INVALID, words);
    let validate = program(folder.path())
        .args(["validate", "bad.json"])
        .args(extra)
        .output()
        .expect("it runs");
    hold(&result_as_error(validate), folder.path(), INVALID, words);
}

fn refused_value(value: &Value, words: &[&str]) {
    refused(&format!("{value:#}"), &[], words);
}

#[test]
fn the_unspoilt_scenario_runs() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("good.json"), format!("{:#}", scenario())).expect("writable");
    let run = program(folder.path())
        .args(["run", "good.json", "--out", "out"])
        .output()
        .expect("it runs");
    assert_eq!(run.status.code(), Some(0), "{}", text_of(&run));
    assert_eq!(manifests(folder.path()).len(), 1);
}

#[test]
fn wrong_json() {
    let text = format!("{:#}", scenario()).replacen("\"qkdns\":", "\"qkdns\"", 1);
    refused(&text, &[], &["error", "bad.json:", "hint"]);
    refused("{\"name\": \"x\"", &[], &["bad.json:1:"]);
    refused("\u{0}\u{1}\u{2}", &[], &["bad.json:1:1"]);
}

#[test]
fn unknown_field() {
    let mut bad = scenario();
    bad["run"]["duratoin"] = json!("5 s");
    refused_value(
        &bad,
        &[
            "error[unknown_field]: unknown field",
            "bad.json:",
            "run.duratoin",
            "did you mean",
        ],
    );
}

#[test]
fn a_longer_word_for_a_field() {
    let mut bad = scenario();
    bad["expectations"] = json!([]);
    refused_value(&bad, &["error[unknown_field]", "did you mean \"expect\"?"]);
}

/// What is wrong with an option is said of the option, as wrong usage.
#[test]
fn options_that_make_no_sense() {
    let folder = TempDir::new().expect("a folder");
    let model = ["link", "--model", "decoy_bb84_asymptotic", "--distance"];
    let cases: [(&[&str], &[&str]); 7] = [
        (
            &["new", "--template", "rng"],
            &["--template", "similar value exists: 'ring'"],
        ),
        (
            &["new", "--template", "ring", "--span", "0 km"],
            &["--> --span", "80 km"],
        ),
        (&["new", "--template", "ring", "--load", "0"], &["--> --load"]),
        (&["new", "--template", "ring", "--qkdns", "0"], &["--> --qkdns"]),
        (
            &[model.as_slice(), &["50..0:10 km"]].concat(),
            &["--> --distance", "50 km to 0 km is empty"],
        ),
        (
            &[model.as_slice(), &["50 km", "--plot", "x.svg"]].concat(),
            &["--plot draws a range"],
        ),
        (
            &["link", "--model", "bb84", "--distance", "5"],
            &["no link model", "5 has no unit"],
        ),
    ];
    for (arguments, words) in cases {
        let output = program(folder.path()).args(arguments).output().expect("it runs");
        hold(&output, folder.path(), USAGE, words);
        assert!(!text_of(&output).contains("error: error"), "{}", text_of(&output));
    }
    assert!(!folder.path().join("x.svg").exists());
}

/// A link beyond its model's reach says how far that is.
#[test]
fn beyond_reach() {
    let folder = TempDir::new().expect("a folder");
    for distance in ["500 km", "0..500:100 km"] {
        let output = program(folder.path())
            .args(["link", "--model", "decoy_bb84_asymptotic", "--distance", distance])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0));
        assert!(
            said.contains("beyond the model's reach: 35.45 dB, 177.2 km"),
            "{said}"
        );
    }
}

/// Nothing is wrong with a demand for more key than there is, but it is worth knowing before the run.
#[test]
fn more_is_asked_for_than_a_hop_makes() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("good.json"), format!("{:#}", scenario())).expect("writable");
    let ask = |verb: &[&str]| {
        let set = "demands.a-to-b.key=8 kbit";
        let output = program(folder.path())
            .args([verb, &["good.json", "--set", set]].concat())
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        text_of(&output) + &String::from_utf8_lossy(&output.stdout)
    };
    let share = "% of the key that it makes: what waits grows";
    let validated = ask(&["validate"]);
    assert!(
        validated.contains("warning[overload]") && validated.contains(share),
        "{validated}"
    );
    let run = ask(&["run", "--replications", "1", "--out", "r"]);
    assert!(run.contains(share), "{run}");
    let compared = ask(&["compare", "good.json", "--replications", "1", "--out", "c"]);
    assert!(compared.contains("good.json, good.json#2: A/"), "{compared}");
    assert_eq!(compared.matches(share).count(), 1, "{compared}");
}

#[test]
fn missing_unit() {
    let mut bad = scenario();
    bad["demands"][0]["key"] = json!(256);
    refused_value(
        &bad,
        &[
            "error[missing_unit]: 256 has no unit",
            "bad.json:",
            "demands.a-to-b.key",
            "write \"256 bit\"",
        ],
    );
}

#[test]
fn dangling_name() {
    let mut bad = scenario();
    bad["demands"][0]["between"] = json!(["A/a1", "B/b9"]);
    refused_value(
        &bad,
        &["error", "bad.json:", "demands.a-to-b.between", "b9", "hint"],
    );
}

#[test]
fn duplicate_id() {
    let mut bad = scenario();
    bad["qkdns"][0]["nodes"] = json!([{"id": "a1"}, {"id": "a2"}, {"id": "a3"}, {"id": "a2"}]);
    refused_value(&bad, &["error", "bad.json:", "qkdns.A.nodes", "a2"]);
}

#[test]
fn qx_inside_an_iwn() {
    let text =
        fs::read_to_string("scenarios/invalid/qx-inside-iwn.json").expect("the committed one is there");
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("bad.json"), text).expect("writable");
    let base = "part-base.json";
    fs::copy(
        Path::new("scenarios/invalid").join(base),
        folder.path().join(base),
    )
    .expect("copied");
    let run = program(folder.path())
        .args(["run", "bad.json", "--out", "out"])
        .output()
        .expect("it runs");
    hold(
        &run,
        folder.path(),
        INVALID,
        &["there is no Qx", "bad.json:", "Y.3818, 6.2", "hint"],
    );
}

#[test]
fn a_qkdn_of_one_node() {
    let mut bad = scenario();
    bad["qkdns"][0]["nodes"] = json!([{"id": "a3"}]);
    bad["qkdns"][0]["links"] = json!([]);
    bad["demands"][0]["between"] = json!(["A/a3", "B/b3"]);
    bad["demands"].as_array_mut().expect("demands").truncate(1);
    bad.as_object_mut().expect("an object").remove("variants");
    refused_value(&bad, &["error", "bad.json:", "qkdns.A", "hint"]);
}

#[test]
fn a_demand_between_unconnected_nodes() {
    let mut bad = scenario();
    bad["qkdns"][0]["links"]
        .as_array_mut()
        .expect("links")
        .retain(|link| !link["between"].as_array().expect("two").contains(&json!("a1")));
    bad.as_object_mut().expect("an object").remove("variants");
    refused_value(
        &bad,
        &[
            "error[unconnected_demand]: no links lead from",
            "bad.json:",
            "demands.a-to-b.between",
            "hint",
        ],
    );
}

#[test]
fn two_qkdns_without_a_boundary() {
    let mut bad = scenario();
    bad.as_object_mut().expect("an object").remove("boundaries");
    refused_value(&bad, &["error", "bad.json:", "hint", "bound"]);
}

#[test]
fn unknown_variant_and_unknown_set() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("good.json"), format!("{:#}", scenario())).expect("writable");
    let variant = program(folder.path())
        .args(["run", "good.json:cutt", "--out", "out"])
        .output()
        .expect("it runs");
    hold(
        &variant,
        folder.path(),
        INVALID,
        &["cutt", "good.json", "did you mean \"cut\""],
    );
    let set = program(folder.path())
        .args(["run", "good.json", "--out", "out", "--set", "run.duratoin=5 s"])
        .output()
        .expect("it runs");
    hold(
        &set,
        folder.path(),
        INVALID,
        &[
            "unknown field",
            "--set:1:5",
            "run.duratoin",
            "did you mean \"duration\"",
        ],
    );
    let unknown = program(folder.path())
        .args(["run", "good.json", "--out", "out", "--threds", "2"])
        .output()
        .expect("it runs");
    hold(&unknown, folder.path(), USAGE, &["--threds"]);
}

#[test]
fn a_topology_without_coordinates() {
    let folder = TempDir::new().expect("a folder");
    let file = fs::canonicalize("tests/data/topologies/Renam.graphml").expect("committed");
    let import = program(folder.path())
        .arg("import")
        .arg(file)
        .args(["--out", "made.json"])
        .output()
        .expect("it runs");
    let words = [
        "error: no scenario can be made of this topology",
        "error[no_coordinates]: 5 of 5 nodes have no coordinates",
        "Renam.graphml",
        "hint: add Longitude and Latitude",
        "--default-length",
    ];
    hold(&import, folder.path(), INVALID, &words);
    assert!(!folder.path().join("made.json").exists());
}

#[test]
fn a_file_that_is_too_large() {
    let folder = TempDir::new().expect("a folder");
    let file = fs::File::create(folder.path().join("bad.json")).expect("writable");
    file.set_len(100 << 20).expect("a sparse file needs no room");
    for verb in ["run", "validate"] {
        let run = program(folder.path())
            .args([verb, "bad.json"])
            .output()
            .expect("it runs");
        let run = result_as_error(run);
        let code = run.status.code();
        assert!(
            [Some(INVALID), Some(INPUT_OUTPUT)].contains(&code),
            "{}",
            text_of(&run)
        );
        hold(
            &run,
            folder.path(),
            code.expect("just seen"),
            &["bad.json", "the limit is"],
        );
    }
    assert_eq!(manifests(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_and_a_file_that_is_not_there() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("bad.json")).expect("writable");
    for name in ["bad.json", "absent.json"] {
        for verb in ["run", "validate"] {
            let run = program(folder.path())
                .args([verb, name])
                .output()
                .expect("it runs");
            let run = result_as_error(run);
            hold(&run, folder.path(), INPUT_OUTPUT, &[name]);
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

/// Says loudly that a test could not be made; on CI that is a failure where root could have made it.
fn skip(why: &str) {
    eprintln!("\n*** SKIPPED: {why} ***\n");
    assert!(
        std::env::var_os("CI").is_none() || !is_root(),
        "this must not be skipped on CI: {why}"
    );
}

/// A copy of the program that an ordinary user may run, and how to run it as one.
fn as_ordinary_user(folder: &Path) -> Option<Command> {
    use std::os::unix::fs::PermissionsExt as _;
    if !is_root() {
        return Some(program(folder));
    }
    let copy = folder.join("qkdni");
    let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !copy.exists() {
        fs::copy(assert_cmd::cargo::cargo_bin!("qkdni"), &copy).expect("the program can be copied");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is root's");
        // Another test may be starting a program while the copy is open for writing: then it is busy for a moment.
        let works = || {
            let output = Command::new("setpriv")
                .args(ids)
                .arg(&copy)
                .arg("--version")
                .output();
            output.is_ok_and(|output| output.status.success())
        };
        let pause = || std::thread::sleep(std::time::Duration::from_millis(50));
        if !(0..20).any(|_| {
            works() || {
                pause();
                false
            }
        }) {
            return None;
        }
    }
    let mut command = Command::new("setpriv");
    command
        .args(ids)
        .arg(copy)
        .arg("--quiet")
        .current_dir(folder)
        .env("NO_COLOR", "1");
    Some(command)
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("good.json");
    fs::write(&file, format!("{:#}", scenario())).expect("writable");
    fs::create_dir(folder.path().join("closed")).expect("writable");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    mode(&folder.path().join("closed"), 0o555);
    let Some(mut command) = as_ordinary_user(folder.path()) else {
        return skip("no way to become an ordinary user");
    };
    let run = command
        .args(["run", "good.json", "--out", "closed/out"])
        .output()
        .expect("it runs");
    hold(&run, folder.path(), INPUT_OUTPUT, &["closed"]);
    assert_eq!(
        fs::read_dir(folder.path().join("closed"))
            .expect("readable")
            .count(),
        0
    );

    mode(&file, 0o000);
    let mut command = as_ordinary_user(folder.path()).expect("it worked before");
    let run = command
        .args(["run", "good.json", "--out", "out"])
        .output()
        .expect("it runs");
    hold(&run, folder.path(), INPUT_OUTPUT, &["good.json"]);
    mode(&folder.path().join("closed"), 0o755);
}

/// A file system of 64 KiB, while it lasts.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(at: &Path) -> Option<SmallDisk> {
        fs::create_dir(at).expect("writable");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then(|| SmallDisk(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("good.json"), format!("{:#}", scenario())).expect("writable");
    let Some(disk) = SmallDisk::new(&folder.path().join("small")) else {
        return skip("no small file system could be mounted");
    };
    let run = program(folder.path())
        .args(["run", "good.json", "--trace", "--out", "small/out"])
        .output()
        .expect("it runs");
    hold(&run, folder.path(), INPUT_OUTPUT, &["small"]);
    assert!(!disk.0.join("out").exists(), "a results folder was left");

    // Pages and pictures are there as a whole, or not at all.
    let run = program(folder.path())
        .args(["run", "good.json", "--replications", "1", "--out", "whole"])
        .output()
        .expect("it runs");
    assert_eq!(run.status.code(), Some(0), "{}", text_of(&run));
    // Hardly any room is left.
    fs::write(disk.0.join("filler"), vec![0; 60_000]).expect("room");
    for written in [
        ["report", "--out", "small/r.html"],
        ["plot", "--into", "small/plots"],
    ] {
        let output = program(folder.path())
            .args([&written[..1], &["whole"], &written[1..]].concat())
            .output()
            .expect("it runs");
        let said = text_of(&output);
        assert_eq!(output.status.code(), Some(INPUT_OUTPUT), "{said}");
        assert!(said.contains("cannot write small/"), "{said}");
        let left = fs::read_dir(&disk.0).expect("readable").count();
        assert_eq!(left, 1, "{written:?}");
    }
}

/// What is wrong with an option is said in the option's own terms, and ends as a mistake in the command line.
#[test]
fn options_of_bounds() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("good.json"), format!("{:#}", scenario())).expect("writable");
    let bounds = |options: &[&str]| {
        program(folder.path())
            .args(["bounds", "good.json"])
            .args(options)
            .output()
            .expect("it runs")
    };
    for (options, words) in [
        (["--repair", "8"], "no unit"),
        (["--cuts", "-4"], "write how many there are"),
        (["--cuts", "many"], "write how many there are"),
        (["--node-availability", "99.9"], "write a share"),
    ] {
        hold(&bounds(&options), folder.path(), USAGE, &[options[0], words]);
    }
    let texts = [&["--repair", "8 h"][..], &["--repair", "480 min"], &[]].map(|options| {
        let output = bounds(options);
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        output.stdout
    });
    assert!(texts[0] == texts[1] && texts[0] != texts[2]);
}

/// A bound and a loss alone have no reach that a distance could be beyond.
#[test]
fn what_is_no_link_has_no_reach() {
    let folder = TempDir::new().expect("a folder");
    let link = |model: &str, distance: &str| {
        let output = program(folder.path())
            .args(["link", "--model", model, "--distance", distance])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for (model, distance) in [
        ("plob_bound", "0..20:10 km"),
        ("satellite_downlink_loss", "500..1000:500 km"),
        ("satellite_downlink_loss", "500 km"),
    ] {
        let said = link(model, distance);
        assert!(!said.contains("reach"), "{said}");
    }
    assert!(link("decoy_bb84_asymptotic", "0..400:200 km").contains("beyond the model's reach"));
}
