//! What rerouting costs the simulator: the study's base case with the cut and without it.
//!
//! ```text
//! cargo bench --bench rerouting [-- filter]
//! ```
//!
//! Criterion times whole runs (world, event loop, records, metrics; no auditor). Afterwards both kinds of runs are timed in
//! turn, and what one cut costs more is told per reroute and as a share of the run: ratios of one machine and one minute.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use qkdni::interworking::layout::Which;
use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};
use qkdni::scenario::{compile, derive, load};

const BARE: Options = Options {
    trace: false,
    audit: false,
};

/// A plan of the study: control, what is cut, and which variant of the borders.
fn plan(control: &str, cut: &str, which: Which) -> Arc<Plan> {
    let patches = [control, "hops-3", cut].join("+");
    let file = format!(
        "results/rerouting/scenario.json:{}",
        patches.trim_end_matches('+')
    );
    let loaded = load(&file, &[]).expect("the study's scenario is valid");
    Arc::new(compile(&derive(&loaded.document, which)))
}

/// All cases: name, plan with the cut, plan without.
fn cases() -> Vec<(String, [Arc<Plan>; 2])> {
    let mut cases = Vec::new();
    for control in ["dd", "cd", "cc"] {
        for cut in ["inside", "border"] {
            for which in [Which::G1, Which::I] {
                let name = format!("{control}-{cut}-{}", which.name());
                cases.push((name, [plan(control, cut, which), plan(control, "", which)]));
            }
        }
    }
    cases
}

fn time_of(plan: &Arc<Plan>, replication: u32) -> (Duration, u64, usize) {
    let begin = Instant::now();
    let outcome = black_box(simulate(plan, replication, BARE));
    let reroutes = outcome.reroutes.iter();
    let in_force = reroutes
        .filter(|record| record.control_plane_ns().is_some())
        .count();
    (begin.elapsed(), outcome.events, in_force)
}

fn main() {
    let cases = cases();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("rerouting");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(1));
    for (name, [cut, whole]) in &cases {
        for (kind, plan) in [("cut", cut), ("whole", whole)] {
            group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                bencher.iter(|| black_box(simulate(plan, 0, BARE)));
            });
        }
    }
    group.finish();
    criterion.final_summary();
    println!("case                run [ms]   events   more with the cut   per reroute [us]");
    for (name, [cut, whole]) in &cases {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let (mut events, mut reroutes) = (0, 0);
        for replication in 0..15 {
            let (time, of_run, in_force) = time_of(cut, replication);
            with.push(time.as_secs_f64());
            (events, reroutes) = (of_run, reroutes + in_force);
            without.push(time_of(whole, replication).0.as_secs_f64());
        }
        with.sort_by(f64::total_cmp);
        without.sort_by(f64::total_cmp);
        let (with, without) = (with[with.len() / 2], without[without.len() / 2]);
        let per_run = (reroutes as f64 / 15.0).max(1.0);
        println!(
            "{name:<18} {:>9.2} {events:>8} {:>17.1} % {:>18.1}",
            1e3 * with,
            100.0 * (with / without - 1.0),
            1e6 * (with - without) / per_run
        );
    }
}
