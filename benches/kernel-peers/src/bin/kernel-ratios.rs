//! Measures all kernels under the hold model in one run and prints the ratios as a table in Markdown.
//!
//! The kernels take turns: a repetition measures each of them once, so that whatever else the machine does at the
//! time disturbs them alike. A figure is the median of the repetitions, in nanoseconds of wall-clock per event.
//!
//! ```text
//! cargo run --release -p kernel-peers --bin kernel-ratios [repetitions]
//! ```

use std::time::Instant;

use kernel_peers::{COMPONENTS, Delays, HeapHold, Hold, LadderHold, Load, NexosimHold, SimulacraHold};
use qkdni::kernel::EventQueue;

/// Pending events of the hold model.
const PENDING: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// Events per kernel and repetition.
const EVENTS: u64 = 500_000;

/// The least ratios against nexosim and simulacra to be reached under the exponential load, by pending events.
const TARGETS: [(usize, f64, f64); 4] = [
    (1_000, 10.0, 1.8),
    (10_000, 15.0, 3.5),
    (100_000, 30.0, 8.0),
    (1_000_000, 40.0, 15.0),
];

fn main() {
    let repetitions = std::env::args()
        .nth(1)
        .map_or(9, |n| n.parse().expect("a number of repetitions"));
    println!(
        "Medians of {repetitions} interleaved repetitions; ns per event, and how many times as long as the ladder.\n"
    );
    println!(
        "| load | pending | ladder | 4-ary heap | simulacra | nexosim, 1 model | nexosim, {COMPONENTS} models \
         | bytes per event |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut verdicts = Vec::new();
    for load in Load::ALL {
        for pending in PENDING {
            let (nanoseconds, bytes) = measure(load, pending, repetitions);
            let ladder = nanoseconds[0];
            print!("| {} | {pending} | {ladder:.1} |", load.name());
            for other in &nanoseconds[1..] {
                print!(" {other:.1} ({:.1}×) |", other / ladder);
            }
            println!(" {bytes:.1} |");
            let where_to = format!("{}, {pending} pending", load.name());
            let target = TARGETS
                .iter()
                .find(|target| target.0 == pending && load == Load::Exponential);
            if let Some(&(_, nexosim, simulacra)) = target {
                let best = nanoseconds[3].min(nanoseconds[4]);
                verdicts.push((format!("× nexosim, {where_to}"), best / ladder, ">=", nexosim));
                verdicts.push((
                    format!("× simulacra, {where_to}"),
                    nanoseconds[2] / ladder,
                    ">=",
                    simulacra,
                ));
            }
            if load == Load::Tied {
                verdicts.push((
                    format!("× 4-ary heap, {where_to}"),
                    nanoseconds[1] / ladder,
                    ">=",
                    1.0,
                ));
            }
            if pending >= 100_000 {
                verdicts.push((format!("bytes per event, {where_to}"), bytes, "<=", 36.0));
            }
        }
    }
    println!("\n| measure | found | target | |\n|---|---|---|---|");
    for (measure, found, sense, target) in verdicts {
        let reached = if sense == ">=" {
            found >= target
        } else {
            found <= target
        };
        println!(
            "| {measure} | {found:.1} | {sense} {target} | {} |",
            if reached { "reached" } else { "missed" }
        );
    }
}

/// Medians of ladder, heap, simulacra, nexosim with one model and with many \[ns per event\], and the ladder's memory
/// per pending event \[bytes\].
fn measure(load: Load, pending: usize, repetitions: usize) -> (Vec<f64>, f64) {
    let delays = Delays::new(load, pending);
    let mut ladder = LadderHold::new(delays.clone(), pending);
    let mut heap = HeapHold::new(delays.clone(), pending);
    let mut simulacra = SimulacraHold::new(delays.clone(), pending);
    let mut nexosim_one = NexosimHold::new(&delays, pending, 1);
    let mut nexosim_many = NexosimHold::new(&delays, pending, COMPONENTS);
    let mut samples = vec![Vec::new(); 5];
    // The zeroth repetition lets each queue settle: every event is replaced once at least.
    for repetition in 0..=repetitions {
        let kernels: [&mut dyn Hold; 5] = [
            &mut ladder,
            &mut heap,
            &mut simulacra,
            &mut nexosim_one,
            &mut nexosim_many,
        ];
        for (kernel, samples) in kernels.into_iter().zip(&mut samples) {
            if repetition == 0 {
                kernel.run(EVENTS.max(3 * pending as u64));
                continue;
            }
            let start = Instant::now();
            let events = kernel.run(EVENTS);
            samples.push(start.elapsed().as_nanos() as f64 / events as f64);
        }
    }
    let medians = samples.iter_mut().map(|samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    });
    let queue = ladder.simulation().queue();
    (
        medians.collect(),
        queue.allocated_bytes() as f64 / queue.len() as f64,
    )
}
