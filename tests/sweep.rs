//! Sweeps as a user runs them: killed, resumed, in parts, on threads – always the same bytes – and what is refused.
//!
//! The soak, with 1,000 points and 20 kills: `cargo run --release --example sweep_soak`.

#![cfg(unix)]

mod common_sweep;

use std::fs;

use common_sweep::kills::hold;
use common_sweep::{assert_same, done, points_of, run, scenario};

#[test]
fn killed_and_resumed_gives_the_same_bytes() {
    let seen = hold(40, 4, 200);
    assert!(
        *seen.last().expect("kills") > 0,
        "a kill fell into the work: {seen:?}"
    );
}

#[test]
fn threads_and_parts_give_the_same_bytes_and_nothing_is_computed_twice() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let line = "sweep s.json --replications 2 --set demands.a-to-b.timeout=1..3:1 s --set qkdns.A.links.a1-a3.length=10,40 km";
    let sweep = |more: &str| -> Vec<String> {
        let line = line.replace(" s ", "_s ").replace(" km", "_km");
        (line.split(' ').chain(more.split(' ')))
            .map(|word| word.replace('_', " "))
            .collect()
    };
    for (threads, out) in [("1", "one"), ("2", "two"), ("16", "many")] {
        run(place.path(), &sweep(&format!("-j {threads} --out {out}")));
    }
    // In any order; the last part gathers.
    for part in ["3/3", "1/3", "2/3"] {
        assert!(!place.path().join("parts").exists());
        run(place.path(), &sweep(&format!("--shard {part} --out parts")));
    }
    let one = place.path().join("one");
    for out in ["two", "many", "parts"] {
        assert_same(&one, &place.path().join(out));
    }
    let table = fs::read_to_string(one.join("sweep.csv")).expect("there");
    assert!(table.starts_with(
        "point,demands.a-to-b.timeout,qkdns.A.links.a1-a3.length,metric,scope,unit,mean,ci95_low,ci95_high,"
    ));
    let served: Vec<&str> = table
        .lines()
        .filter(|line| line.contains(",served_share,network,"))
        .collect();
    assert_eq!(served.len(), 6);
    assert!(
        served[0].starts_with("0,1 s,10 km,") && served[5].starts_with("5,3 s,40 km,"),
        "{served:?}"
    );
    // A point is what `run` makes of the same changes.
    run(
        place.path(),
        &[
            "run",
            "s.json",
            "--replications",
            "2",
            "--set",
            "demands.a-to-b.timeout=3 s",
            "--set",
            "qkdns.A.links.a1-a3.length=40 km",
            "--out",
            "alone",
        ]
        .map(str::to_owned),
    );
    let json = |path: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.path().join(path)).expect("there")).expect("JSON")
    };
    assert_eq!(
        json("one/points/000005.json")["summary"],
        json("alone/summary.json")
    );
    // Asked again, it has nothing to do and changes nothing.
    let before = fs::metadata(one.join("sweep.csv"))
        .and_then(|meta| meta.modified())
        .expect("there");
    run(place.path(), &sweep("--out one"));
    assert_eq!(
        fs::metadata(one.join("sweep.csv"))
            .and_then(|meta| meta.modified())
            .expect("there"),
        before
    );
    run(place.path(), &["reproduce".to_owned(), "one".to_owned()]);
}

/// Machines that share no disk: their folders are copied over one another, and the same command gathers.
#[test]
fn parts_from_different_disks_are_gathered() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let sweep = |out: &str, more: &[&str]| {
        let words = [
            "sweep",
            "s.json",
            "--replications",
            "1",
            "--set",
            "run.seed=1..5:1",
            "--out",
            out,
        ];
        run(
            place.path(),
            &[&words, more]
                .concat()
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        );
    };
    sweep("alone", &[]);
    for part in ["1/2", "2/2"] {
        sweep(&format!("disk-{}", &part[..1]), &["--shard", part]);
    }
    fs::create_dir_all(place.path().join("all.partial/points")).expect("room");
    for disk in ["disk-1.partial", "disk-2.partial"] {
        for folder in ["", "points"] {
            for entry in fs::read_dir(place.path().join(disk).join(folder))
                .expect("there")
                .flatten()
            {
                if entry.path().is_file() {
                    let to = place
                        .path()
                        .join("all.partial")
                        .join(folder)
                        .join(entry.file_name());
                    fs::copy(entry.path(), to).expect("copied");
                }
            }
        }
    }
    sweep("all", &[]);
    assert_same(&place.path().join("alone"), &place.path().join("all"));
}

/// Every point of a sweep with --gwn-vs-iwn is what `compare` makes of the same variant and changes; tables and pictures
/// of it are made from the folder alone.
#[test]
fn points_may_be_comparisons_over_variants_of_the_file() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let words = |line: &str| -> Vec<String> {
        line.split(' ')
            .map(|word| word.replace('_', " ").replace('~', "_"))
            .collect()
    };
    let short = "--set run.duration=30_s";
    run(
        place.path(),
        &words(&format!(
            "sweep s.json --replications 2 --gwn-vs-iwn --variants what=-,cut {short} --set boundaries.border.site~at=0.2,0.5 --out r"
        )),
    );
    let header = |path: &str| -> String {
        let text = fs::read_to_string(place.path().join(path)).expect("there");
        text.lines().next().expect("a header").to_owned()
    };
    assert!(
        header("r/sweep.csv")
            .starts_with("point,what,run.duration,boundaries.border.site_at,variant,metric,")
    );
    assert!(header("r/verdicts.csv").ends_with(
        "pair,metric,scope,unit,mean_a,mean_b,difference,ci95_low,ci95_high,pairs,p_holm,verdict"
    ));
    run(
        place.path(),
        &words(&format!(
            "compare s.json:cut --gwn-vs-iwn --replications 2 {short} --set boundaries.border.site~at=0.5 --out alone"
        )),
    );
    let json = |path: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.path().join(path)).expect("there")).expect("JSON")
    };
    let point = json("r/points/000003.json");
    assert_eq!(point["values"]["what"], "cut");
    assert_eq!(point["comparison"], json("alone/compare.json"));
    let variants = point["variants"].as_array().expect("variants");
    let summary = variants.iter().find(|of| of["variant"] == "I").expect("I")["summary"].clone();
    assert_eq!(summary, json("alone/variants/I/summary.json"));
    run(place.path(), &words("reproduce r"));

    run(
        place.path(),
        &words("table r --metric rerouting~latency~s --where what=cut --format markdown --out t.md"),
    );
    let table = fs::read_to_string(place.path().join("t.md")).expect("there");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert_eq!(
        lines[0],
        "| metric | border.site_at | G0 | G0= | G1 | I | G1 vs I | G0 vs I | G0= vs I |"
    );
    assert!(lines[2].starts_with("| rerouting_latency_s | 0.2 | "), "{table}");
    run(
        place.path(),
        &words("plot r --what sweep --where what=cut --into pictures"),
    );
    for picture in [
        "sweep-rerouting_latency_s-border-site_at.svg",
        "sweep-stages-border-site_at.svg",
    ] {
        assert!(place.path().join("pictures").join(picture).exists(), "{picture}");
    }
    run(place.path(), &words("report r"));
    for (line, words_of) in [
        ("table r --where whit=cut", "did you mean \"what\"?"),
        ("table r --where what=cat", "did you mean \"cut\"?"),
        ("table r --metric nonsense", "is not measured"),
        ("table r --scope demand:x", "nothing is measured"),
        ("table r --pair G2", "there is no pair G2"),
    ] {
        let output = done(place.path(), &words(line));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(words_of), "{line}: {said}");
    }
}

/// The scenario as it is, then each value alone; what was not set is empty.
#[test]
fn one_value_at_a_time() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let arguments = [
        "sweep",
        "s.json:cut",
        "--replications",
        "1",
        "--design",
        "one-at-a-time",
        "--set",
        "timing.analysis=2,5 ms",
        "--set",
        "timing.computation=9 ms",
        "--out",
        "r",
    ];
    run(place.path(), &arguments.map(str::to_owned));
    let table = fs::read_to_string(place.path().join("r/sweep.csv")).expect("there");
    let latency = |values: &str| -> f64 {
        let rows = table
            .lines()
            .filter(|line| line.contains(",rerouting_latency_s,network,"));
        let row = rows
            .into_iter()
            .find(|line| line[line.find(',').expect("a comma") + 1..].starts_with(values));
        let fields: Vec<&str> = row
            .unwrap_or_else(|| panic!("{values}: {table}"))
            .split(',')
            .collect();
        fields[6].parse().expect("a number")
    };
    let base = latency(",,");
    for (values, more) in [("2 ms,,", 0.001), ("5 ms,,", 0.004), (",9 ms,", 0.008)] {
        assert!((latency(values) - base - more).abs() < 1e-9, "{values}: {base}");
    }
}

#[test]
fn mistakes_are_refused_before_anything_is_simulated() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    for (line, code, words) in [
        ("--set demands.d9.key=1,2_bit", 3, &["d9"][..]),
        ("--set run.nonsense=1..3:1", 3, &["nonsense"]),
        ("--variants v=cat,cut", 3, &["there is no variant", "cut"]),
        ("--variants cut", 2, &["expected name=variants"]),
        ("--set load=0.5,x", 3, &["load"]),
        ("--set demand~scale=1,-1", 3, &["0.000001"]),
        ("--set run.duration=1,2", 3, &["no unit"]),
        ("--set run.duration=1..5:3_m", 3, &["unknown unit"]),
        ("--set run.seed=5..1:1", 2, &["the range is empty"]),
        ("--set run.seed=1..5:0", 2, &["step"]),
        ("--set run.seed=1..5", 2, &["step", "--design"]),
        ("--set run.seed=1,2 --set run.seed=3,4", 2, &["swept twice"]),
        ("--set run.seed=", 2, &["empty value"]),
        ("--set run.seed=1,2 --shard 0/2", 2, &["1/2"]),
        ("--set run.seed=1,2 --shard 3/2", 2, &["2/2"]),
        ("--set run.seed=1,2 --design lhs:0", 2, &["lhs:64"]),
        (
            "--set run.seed=1..2000:1 --set run.replications=1..2000:1",
            2,
            &["more than 1000000"],
        ),
        ("", 2, &["--set"]),
    ] {
        let arguments: Vec<String> = (format!("sweep s.json --out r {line}").split_whitespace())
            .map(|word| word.replace('_', " ").replace('~', "_"))
            .collect();
        let output = done(place.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{line}: {said}");
        assert_eq!(points_of(&place.path().join("r.partial")), 0, "{line}");
        assert!(!place.path().join("r").exists(), "{line}");
    }
}

#[test]
fn folders_that_are_something_else_or_damaged_are_refused() {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let sweep = |set: &str, out: &str| -> Vec<String> {
        [
            "sweep",
            "s.json",
            "--set",
            set,
            "--replications",
            "1",
            "--out",
            out,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let refused = |arguments: &[String], words: &[&str]| {
        let output = done(place.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    let within = |path: &str| place.path().join(path);
    run(place.path(), &sweep("run.seed=1,2,3", "whole"));
    refused(&sweep("run.seed=1,2", "whole"), &["another sweep", "axes"]);
    let mut other = sweep("run.seed=1,2,3", "whole");
    let at = other
        .iter()
        .position(|word| word == "--replications")
        .expect("there");
    other[at + 1] = "2".to_owned();
    refused(
        &other,
        &["other sets (run.replications=1 there, run.replications=2 asked for)"],
    );

    fs::create_dir(within("other")).expect("room");
    fs::write(within("other/precious"), "x").expect("room");
    refused(&sweep("run.seed=1,2", "other"), &["not empty", "no sweep"]);

    fs::remove_file(within("whole/points/000001.json")).expect("there");
    refused(
        &sweep("run.seed=1,2,3", "whole"),
        &["half deleted", "points/000001.json is missing"],
    );
    fs::remove_file(within("whole/manifest.json")).expect("there");
    refused(
        &sweep("run.seed=1,2,3", "whole"),
        &["half deleted", "manifest.json"],
    );

    // What is left of a sweep that was killed goes on, unless it is of another version or damaged.
    let part = |out: &str| {
        [
            &sweep("run.seed=1,2,3", out)[..],
            &["--shard".to_owned(), "1/2".to_owned()],
        ]
        .concat()
    };
    for out in ["version", "layout", "begin", "scenario", "point"] {
        run(place.path(), &part(out));
    }
    let change = |path: &str, from: &str, to: &str| {
        let text = fs::read_to_string(within(path)).expect("there");
        assert!(text.contains(from));
        fs::write(within(path), text.replace(from, to)).expect("room");
    };
    let version = format!("\"tool_version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    change(
        "version.partial/sweep.json",
        &version,
        "\"tool_version\": \"0.0.1\"",
    );
    refused(&part("version"), &["begun by version 0.0.1"]);
    change(
        "layout.partial/sweep.json",
        "\"schema_version\": 1",
        "\"schema_version\": 9",
    );
    refused(&part("layout"), &["schema_version is 9"]);
    fs::remove_file(within("begin.partial/sweep.json")).expect("there");
    refused(&part("begin"), &["half deleted", "sweep.json"]);
    fs::remove_file(within("scenario.partial/scenario.json")).expect("there");
    refused(&part("scenario"), &["half deleted", "scenario.json is missing"]);
    fs::write(within("point.partial/points/000000.json"), "{").expect("room");
    refused(
        &sweep("run.seed=1,2,3", "point"),
        &["000000.json", "damaged", "remove this file"],
    );
    fs::remove_file(within("point.partial/points/000000.json")).expect("there");
    run(place.path(), &sweep("run.seed=1,2,3", "point"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_rows_of_the_table() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let arguments = [
        "sweep",
        "s.json",
        "--set",
        "run.seed=1,2",
        "--parquet",
        "--out",
        "r",
    ]
    .map(str::to_owned);
    run(place.path(), &arguments);
    let file = fs::File::open(place.path().join("r/sweep.parquet")).expect("there");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let table = fs::read_to_string(place.path().join("r/sweep.csv")).expect("there");
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let mut count = 0;
    for (row, line) in rows.zip(lines) {
        let row = row.expect("a row");
        let cells: Vec<String> = (row.get_column_iter())
            .map(|(_, field)| match field {
                parquet::record::Field::Null => String::new(),
                parquet::record::Field::Str(text) => text.clone(),
                parquet::record::Field::Double(value) => value.to_string(),
                other => other.to_string(),
            })
            .collect();
        assert_eq!(
            row.get_column_iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>(),
            names
        );
        assert_eq!(cells.join(","), line);
        count += 1;
    }
    assert_eq!(count, table.lines().count() - 1);
    run(place.path(), &["reproduce".to_owned(), "r".to_owned()]);
}
