//! A sweep that is killed and resumed, against one that never was.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use qkdni::kernel::Streams;

use super::{assert_same, points_of, program, run, scenario};

/// Kills a sweep `kills` times and resumes it, each time after a number of points that is drawn, and at a moment
/// within the next ones. Returns how many points were there at each kill.
fn kill_and_resume(
    place: &Path,
    arguments: &[String],
    whole: Duration,
    points: usize,
    kills: usize,
) -> Vec<usize> {
    let mut moments = Streams::new(1, 0).stream("sweep", "kills");
    let partial = place.join("killed.partial");
    (0..kills)
        .map(|kill| {
            let there = points_of(&partial);
            // So that the kills are spread over the sweep, and the last one still finds it at work.
            let step = 2 * (points - there) / (kills - kill + 1);
            let until = there + moments.below(step.max(1) as u64) as usize;
            let mut child = program(place)
                .args(arguments)
                .args(["--out", "killed"])
                .spawn()
                .expect("started");
            while points_of(&partial) < until.min(points - 8) {
                assert!(
                    child.try_wait().expect("a child").is_none(),
                    "it ended before kill {kill}"
                );
                sleep(Duration::from_millis(1));
            }
            sleep(whole.mul_f64(2.0 * moments.uniform() / points as f64));
            child.kill().expect("a child that runs");
            let killed = child.wait().expect("a child that was killed");
            assert_eq!(killed.signal(), Some(9), "it ended before kill {kill}");
            points_of(&partial)
        })
        .collect()
}

/// A Latin hypercube of so many points, killed so often and resumed, must have the bytes of one that was let run.
/// Returns how many points were there at each kill.
pub fn hold(points: usize, kills: usize, seconds: u32) -> Vec<usize> {
    let place = tempfile::tempdir().expect("a temporary folder");
    scenario(place.path());
    let arguments: Vec<String> = [
        "sweep",
        "s.json",
        "--replications",
        "2",
        "--set",
        &format!("run.duration={seconds} s"),
        "--set",
        &format!("demands.a-to-b.timeout=1..{}:1 ms", 1000 + points / 4),
        "--design",
        &format!("lhs:{points}"),
    ]
    .map(str::to_owned)
    .to_vec();
    let begin = Instant::now();
    run(
        place.path(),
        &[&arguments[..], &["--out".to_owned(), "whole".to_owned()]].concat(),
    );
    let whole = begin.elapsed();
    let seen = kill_and_resume(place.path(), &arguments, whole, points, kills);
    run(
        place.path(),
        &[&arguments[..], &["--out".to_owned(), "killed".to_owned()]].concat(),
    );
    assert!(
        seen.windows(2).all(|pair| pair[0] <= pair[1]),
        "points are never lost: {seen:?}"
    );
    assert_same(&place.path().join("whole"), &place.path().join("killed"));
    println!(
        "{points} points, {:.1} s uninterrupted, {kills} kills, points there at each kill: {seen:?}; \
         all files have the same bytes",
        whole.as_secs_f64()
    );
    seen
}
