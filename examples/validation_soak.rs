//! The whole validation suite, and its table: closed forms and published runs against simulations.
//!
//! `cargo run --release --example validation_soak [FORM|SCENARIO…]` runs all forms, or those that are named, on all cores, and
//! writes `results/validation/table.csv` and `table.md`; rows that are not run stay as they are. It ends with code 1
//! where a row misses its reference, or an interval is wider than 1 % of the exact value.

#[path = "../tests/validation/suite/mod.rs"]
#[allow(dead_code)] // what only the reduced suite reads
mod suite;

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitCode};

use cpu_time::ProcessTime;
use rayon::prelude::*;
use suite::{Exact, Experiment, exact, experiments, intervals, level};

const FOLDER: &str = "results/validation";
const HEADER: [&str; 11] = [
    "form",
    "quantity",
    "simulated",
    "half_width",
    "reference",
    "deviation",
    "holds",
    "replications",
    "scenario",
    "commit",
    "source",
];
/// Greatest half-width, in parts of the exact value.
const WIDTH: f64 = 0.01;

type Row = [String; 11];

fn estimated(experiment: &Experiment, commit: &str) -> Vec<Row> {
    let effort = experiment.full;
    let plan = experiment.plan(effort);
    let cpu = ProcessTime::now();
    let rows: Vec<_> = (0..effort.replications)
        .into_par_iter()
        .map(|replication| (experiment.estimate)(&plan, replication))
        .collect();
    eprintln!(
        "{}: {:.0} s of CPU",
        experiment.scenario,
        cpu.elapsed().as_secs_f64()
    );
    let found = intervals(&rows, level());
    let all = experiment.quantities.iter().zip(found);
    all.map(|(quantity, found)| {
        let exact = quantity.exact;
        let holds = found.holds(exact) && found.half_width <= WIDTH * exact;
        [
            experiment.form.to_owned(),
            quantity.name.clone(),
            significant(found.mean),
            format!("{:.2} %", 100.0 * found.half_width / exact),
            significant(exact),
            format!("{:+.2} %", 100.0 * (found.mean / exact - 1.0)),
            yes(holds),
            format!("{} x {}", effort.replications, effort.duration),
            format!("validation/{}", experiment.scenario),
            commit.to_owned(),
            "closed form".to_owned(),
        ]
    })
    .collect()
}

fn compared(row: &Exact, commit: &str) -> Row {
    let deviation = row.simulated - row.reference;
    let unit = if row.unit == "1" {
        String::new()
    } else {
        format!(" {}", row.unit)
    };
    [
        row.form.to_owned(),
        row.quantity.clone(),
        format!("{}{unit}", significant(row.simulated)),
        "exact run".to_owned(),
        row.wording.map_or_else(
            || format!("{}{unit}", significant(row.reference)),
            ToOwned::to_owned,
        ),
        if row.wording.is_some() {
            "-".to_owned()
        } else {
            format!("{deviation:+.4}{unit}")
        },
        yes(deviation.abs() <= row.tolerance),
        "see scenario".to_owned(),
        if row.scenario.contains('/') {
            row.scenario.to_owned()
        } else {
            format!("validation/{}", row.scenario)
        },
        commit.to_owned(),
        row.source.to_owned(),
    ]
}

fn yes(holds: bool) -> String {
    if holds { "yes" } else { "NO" }.to_owned()
}

/// Six digits that count.
fn significant(value: f64) -> String {
    if value == 0.0 || (value.fract() == 0.0 && value.abs() < 1e15) {
        return format!("{value}");
    }
    let digits = (5 - libm::log10(value.abs()).floor() as i32).clamp(0, 12) as usize;
    format!("{value:.digits$}")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).output();
    run.map_or_else(
        |_| "unknown".to_owned(),
        |run| String::from_utf8_lossy(&run.stdout).trim().to_owned(),
    )
}

/// Whether a row is asked for: by its form, or by its scenario below `validation`.
fn is_asked(asked: &[String], form: &str, scenario: &str) -> bool {
    let scenario = scenario.trim_start_matches("validation/");
    asked.is_empty() || asked.iter().any(|one| one == form || one == scenario)
}

/// Rows of an earlier run that are not run now.
fn kept(asked: &[String]) -> Vec<Row> {
    let Ok(mut reader) = csv::Reader::from_path(format!("{FOLDER}/table.csv")) else {
        return Vec::new();
    };
    let rows = reader.records().filter_map(|record| {
        let record = record.ok()?;
        let row: Vec<String> = record.iter().map(ToOwned::to_owned).collect();
        Row::try_from(row).ok()
    });
    rows.filter(|row| !is_asked(asked, &row[0], &row[8])).collect()
}

fn write(rows: &[Row]) {
    fs::create_dir_all(FOLDER).expect("a folder for the table");
    let mut csv = csv::Writer::from_path(format!("{FOLDER}/table.csv")).expect("writable");
    csv.write_record(HEADER).expect("writable");
    for row in rows {
        csv.write_record(row).expect("writable");
    }
    csv.flush().expect("writable");
    let machine = output("uname", &["-srm"]);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let compiler = output("rustc", &["--version"]);
    let mut text = String::new();
    let m: usize = experiments().iter().map(|one| one.quantities.len()).sum();
    write!(
        text,
        "# Closed forms and published runs\n\n\
         Written by `cargo run --release --example validation_soak`; {machine}, {cores} cores, {compiler}. Every number comes of whole\n\
         simulations, scenario -> plan -> world; the scenarios are below `scenarios/`, and `tests/validation` runs the same suite at\n\
         less effort. What is estimated has an interval of level 1 - 0.001/{m} ({m} quantities), from independent replications of seed 1,\n\
         numbered from 0, corrected by regression on controls of known mean (numbers of arrivals, holding times) where there are\n\
         any. A row holds if the interval has the exact value in it and is at most 1 % of it wide to either side; an exact run or a\n\
         published figure, if the deviation is within what the suite states for it.\n\n\
         | form | quantity | simulated | half-width | exact or published | deviation | holds | replications | scenario | commit | reference |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    .expect("text");
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("text");
    }
    text.push_str(
        "\nForm 5, L = λ·W, is held by the auditor in every run, to the nanosecond: for the messages at every key manager, controller\n\
         and manager, for those that wait for key at every store, and for every demand's requests.\n",
    );
    fs::write(format!("{FOLDER}/table.md"), text).expect("writable");
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let mut rows = kept(&asked);
    let exact = if experiments().iter().any(|one| asked.contains(&one.scenario)) {
        Vec::new()
    } else {
        exact()
    };
    for row in exact
        .iter()
        .filter(|row| is_asked(&asked, row.form, row.scenario))
    {
        rows.push(compared(row, &commit));
    }
    for experiment in experiments()
        .iter()
        .filter(|one| is_asked(&asked, one.form, &one.scenario))
    {
        rows.extend(estimated(experiment, &commit));
        for row in rows.iter().rev().take(experiment.quantities.len()) {
            eprintln!("{}", row.join("; "));
        }
        // What has been run is not lost with what is still to come.
        rows.sort_by_key(|row| row[0].parse::<u32>().unwrap_or(u32::MAX));
        write(&rows);
    }
    rows.sort_by_key(|row| row[0].parse::<u32>().unwrap_or(u32::MAX));
    write(&rows);
    let missed = rows.iter().filter(|row| row[6] == "NO").count();
    println!("{} rows, {missed} do not hold", rows.len());
    ExitCode::from(u8::from(missed > 0))
}
