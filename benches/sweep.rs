//! What a sweep's own work costs: one process on two threads, and two MPI ranks, against two independent processes.
//!
//! ```text
//! cargo bench --bench sweep --features mpi [-- ROUNDS]
//! ```
//!
//! Each round runs all of them one after the other in an order that turns; the ratios are of medians of one run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Points of the sweep; even, so that two processes share it fairly.
const POINTS: u32 = 240;

fn sweep(mut command: Command, place: &Path, out: &str, more: &[&str]) -> Command {
    command
        .args([
            "sweep",
            "scenarios/clause8/gwn-dd.json",
            "--quiet",
            "--replications",
            "4",
        ])
        .args([
            "--set",
            "run.duration=200 s",
            "--set",
            &format!("run.seed=1..{POINTS}:1"),
            "--out",
        ])
        .arg(place.join(out))
        .args(more)
        .stdout(Stdio::null());
    command
}

fn qkdni() -> Command {
    Command::new(env!("CARGO_BIN_EXE_qkdni"))
}

/// How long it takes until all of them have ended.
fn time(commands: Vec<Command>) -> Duration {
    let begin = Instant::now();
    let children: Vec<_> = (commands.into_iter())
        .map(|mut command| command.spawn().expect("started"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
    begin.elapsed()
}

fn measure(kind: usize) -> Duration {
    let place = tempfile::tempdir().expect("a temporary folder");
    let place = place.path();
    match kind {
        // Two folders, so that the processes share nothing; each computes every other point.
        0 => time(
            ["1/2", "2/2"]
                .map(|shard| {
                    sweep(
                        qkdni(),
                        place,
                        &shard.replace('/', "-"),
                        &["-j", "1", "--shard", shard],
                    )
                })
                .into(),
        ),
        1 => time(vec![sweep(qkdni(), place, "threads", &["-j", "2"])]),
        _ => {
            let mut mpirun = Command::new("mpirun");
            mpirun.args(["--allow-run-as-root", "--oversubscribe", "-n", "2"]);
            mpirun.arg(env!("CARGO_BIN_EXE_qkdni"));
            time(vec![sweep(mpirun, place, "ranks", &[])])
        }
    }
}

fn main() {
    let rounds = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(5);
    let kinds = if cfg!(feature = "mpi") { 3 } else { 2 };
    let mut times = vec![Vec::new(); kinds];
    for round in 0..rounds {
        for turn in 0..kinds {
            let kind = (turn + round) % kinds;
            times[kind].push(measure(kind).as_secs_f64());
        }
    }
    let median = |times: &[f64]| {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let base = median(&times[0]);
    println!("{POINTS} points, medians of {rounds} rounds");
    for (name, times) in ["two processes", "two threads", "two MPI ranks"]
        .iter()
        .zip(&times)
    {
        let own = median(times);
        println!(
            "| {name} | {own:.3} s | {:.1} points/s | {:.3} |",
            f64::from(POINTS) / own,
            base / own
        );
    }
}
