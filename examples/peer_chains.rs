//! The peers' chains against the peers: one run measures everything and prints Markdown tables.
//!
//! ```text
//! cargo run --release --example peer_chains [-- repetitions]
//! ```
//!
//! Bare heapq (`benches/heapq_chain.py`) runs as a child process, in turn with the chains, so that whatever else the
//! machine does at the time touches both. The figures of the other peers are published ones and are only divided by.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use cpu_time::ProcessTime;
use qkdni::network::Options;

#[path = "../benches/chains/mod.rs"]
mod chains;

use chains::{AUDITED, BARE, Chain};

/// Simulated seconds with requests in the key-rate chain.
const KEY_RATE_SECONDS: f64 = 30.0;

/// Shortest measurement \[s of CPU\]; shorter runs are repeated within it.
const SHORTEST: f64 = 0.04;

/// Published: CPU s per simulated s of the key-rate chain at N = 3, 5, 10.
const HEAPQ_PUBLISHED: [f64; 3] = [0.0031, 0.0079, 0.0124];
const SIMPY: [f64; 3] = [0.0048, 0.0140, 0.0241];
const SEQUENCE: [f64; 3] = [0.0149, 0.0277, 0.0602];
const SIMQN: [f64; 3] = [0.0566, 0.1412, 0.2993];

/// Published: nodes, and keys per wall s of QKDNetSim's event loop.
const QKDNETSIM: [(u64, f64); 4] = [(5, 725.0), (10, 334.0), (20, 117.0), (50, 42.0)];

/// Published: T \[s\], and wall s of QKDNetSim's event loop at N = 10.
const QKDNETSIM_TIME: [(u64, f64); 4] = [(150, 3.6), (300, 7.5), (600, 25.6), (1_200, 88.8)];

/// Seconds of one run.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: f64,
    wall: f64,
}

fn cost(chain: &Chain, options: Options) -> Cost {
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let mut runs = 0.0;
    loop {
        black_box(chain.run(options));
        runs += 1.0;
        let spent = cpu.elapsed().as_secs_f64();
        if spent >= SHORTEST {
            return Cost {
                cpu: spent / runs,
                wall: wall.elapsed().as_secs_f64() / runs,
            };
        }
    }
}

/// CPU s per simulated s of bare heapq at N = 3, 5, 10; an error text if it cannot be had.
fn heapq() -> Result<[f64; 3], String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/heapq_chain.py");
    let child = Command::new("python3")
        .args([script, "3", "5", "10"])
        .output()
        .map_err(|error| format!("python3 does not start: {error}"))?;
    if !child.status.success() {
        return Err(String::from_utf8_lossy(&child.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&child.stdout);
    let mut costs = [0.0; 3];
    let mut lines = 0;
    for (cost, line) in costs.iter_mut().zip(text.lines()) {
        let fields: Vec<f64> = line.split(' ').filter_map(|field| field.parse().ok()).collect();
        let &[nodes, cpu, _events, requests, delivered, latency_ns] = fields.as_slice() else {
            return Err(format!("unexpected line: {line}"));
        };
        // What is still under way when it stops is not delivered.
        assert!(requests - delivered <= 3.0, "heapq delivers: {line}");
        let expected = (nodes - 1.0) * chains::KEY_RATE_HOP_NS as f64;
        assert!(
            (latency_ns / expected - 1.0).abs() < 0.01,
            "heapq's latency: {line}"
        );
        *cost = cpu / KEY_RATE_SECONDS;
        lines += 1;
    }
    if lines == 3 {
        Ok(costs)
    } else {
        Err(format!("unexpected output: {text}"))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians of CPU and wall time over the repetitions.
fn medians(costs: &[Cost]) -> Cost {
    Cost {
        cpu: median(costs.iter().map(|cost| cost.cpu)),
        wall: median(costs.iter().map(|cost| cost.wall)),
    }
}

/// Everything that is measured of one chain.
struct Row {
    chain: Chain,
    keys: u64,
    events: u64,
    bare: Vec<Cost>,
    audited: Vec<Cost>,
}

impl Row {
    fn new(chain: Chain) -> Row {
        let outcome = chain.run(AUDITED);
        Row {
            keys: chain.check(&outcome),
            events: outcome.events,
            chain,
            bare: Vec::new(),
            audited: Vec::new(),
        }
    }

    fn measure(&mut self) {
        self.bare.push(cost(&self.chain, BARE));
        self.audited.push(cost(&self.chain, AUDITED));
    }

    /// Keys per wall second of the bare run.
    fn pace(&self) -> f64 {
        self.keys as f64 / medians(&self.bare).wall
    }

    /// Nanoseconds of wall time per key and hop.
    fn per_key_hop(&self) -> f64 {
        1e9 / self.pace() / (self.chain.nodes - 1) as f64
    }
}

/// A line of the table of targets.
struct Target {
    what: &'static str,
    found: f64,
    bound: f64,
    at_least: bool,
}

impl Target {
    fn print(&self) -> bool {
        let reached = if self.at_least {
            self.found >= self.bound
        } else {
            self.found <= self.bound
        };
        let sign = if self.at_least { ">=" } else { "<=" };
        let verdict = if reached { "reached" } else { "**missed**" };
        println!(
            "| {} | {:.4} | {sign} {} | {verdict} |",
            self.what, self.found, self.bound
        );
        reached
    }
}

/// How time grows from the first row to the last: 1 is linear.
fn growth(rows: &[Row], size: impl Fn(&Row) -> u64) -> f64 {
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    let time = medians(&last.bare).cpu / medians(&first.bare).cpu;
    let scale = size(last) as f64 / size(first) as f64;
    libm::log(time) / libm::log(scale)
}

fn key_rate_tables(rows: &[Row], heapq: Option<[f64; 3]>) {
    println!("## Key-rate chain\n");
    println!(
        "| chain | events | µs per run | CPU s per simulated s | with audit | bare heapq, same run | ours / heapq | ours / SeQUeNCe |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (row, at) in rows.iter().zip([0, 1, 2, 2]) {
        let (bare, audited) = (medians(&row.bare).cpu, medians(&row.audited).cpu);
        let ours = bare / KEY_RATE_SECONDS;
        let (theirs, ratio) = heapq.map_or_else(
            || ("not measured".into(), "not measured".into()),
            |heapq| (format!("{:.5}", heapq[at]), format!("1/{:.1}", heapq[at] / ours)),
        );
        println!(
            "| {} (N = {}) | {} | {:.0} | {:.6} | {:.6} | {theirs} | {ratio} | 1/{:.0} |",
            row.chain.name,
            row.chain.nodes,
            row.events,
            bare * 1e6,
            ours,
            audited / KEY_RATE_SECONDS,
            SEQUENCE[at] / ours,
        );
    }
    println!("\nPublished, on another machine: CPU s per simulated s.\n");
    println!("| peer | N = 3 | 5 | 10 |\n|---|---|---|---|");
    for (name, [three, five, ten]) in [
        ("bare heapq", HEAPQ_PUBLISHED),
        ("SimPy 4.1.2", SIMPY),
        ("SeQUeNCe 0.8.5", SEQUENCE),
        ("SimQN 0.2.3", SIMQN),
    ] {
        println!("| {name} | {three:.4} | {five:.4} | {ten:.4} |");
    }
}

fn qkdnetsim_tables(sizes: &[Row], lengths: &[Row]) {
    println!("\n## QKDNetSim's chain\n\nGrowth with N, T = 300 s:\n");
    println!(
        "| N | events | keys | wall ms | with audit | keys per wall s | ns per key and hop | QKDNetSim, keys per wall s | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (row, (_, theirs)) in sizes.iter().zip(QKDNETSIM) {
        println!(
            "| {} | {} | {} | {:.3} | {:.3} | {:.0} | {:.0} | {theirs} | {:.0} |",
            row.chain.nodes,
            row.events,
            row.keys,
            medians(&row.bare).wall * 1e3,
            medians(&row.audited).wall * 1e3,
            row.pace(),
            row.per_key_hop(),
            row.pace() / theirs,
        );
    }
    println!("\nGrowth with T, N = 10:\n");
    println!(
        "| T \\[s\\] | events | keys | wall ms | keys per wall s | ns per key and hop | QKDNetSim, wall s | ratio of wall times |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (row, (until, theirs)) in lengths.iter().zip(QKDNETSIM_TIME) {
        let wall = medians(&row.bare).wall;
        println!(
            "| {until} | {} | {} | {:.3} | {:.0} | {:.0} | {theirs} | {:.0} |",
            row.events,
            row.keys,
            wall * 1e3,
            row.pace(),
            row.per_key_hop(),
            theirs / wall,
        );
    }
}

fn main() -> ExitCode {
    let repetitions = match std::env::args().nth(1).map(|text| text.parse::<usize>()) {
        None => 9,
        Some(Ok(repetitions)) if repetitions > 0 => repetitions,
        Some(_) => {
            eprintln!("usage: peer_chains [repetitions]");
            return ExitCode::from(2);
        }
    };
    let mut key_rates = Chain::key_rates().map(Row::new);
    let mut sizes = QKDNETSIM.map(|(nodes, _)| Row::new(Chain::qkdnetsim(nodes, 300)));
    let mut lengths = QKDNETSIM_TIME.map(|(until, _)| Row::new(Chain::qkdnetsim(10, until)));
    let mut heapqs = Vec::new();
    for _ in 0..repetitions {
        match heapq() {
            Ok(costs) => heapqs.push(costs),
            Err(cause) => eprintln!("BARE HEAPQ WAS NOT MEASURED: {cause}"),
        }
        for row in key_rates.iter_mut().chain(&mut sizes).chain(&mut lengths) {
            row.measure();
        }
    }
    let heapq = (heapqs.len() == repetitions)
        .then(|| [0, 1, 2].map(|at| median(heapqs.iter().map(|costs| costs[at]))));

    println!("Medians of {repetitions} interleaved repetitions.\n");
    key_rate_tables(&key_rates, heapq);
    qkdnetsim_tables(&sizes, &lengths);

    println!("\n## Targets\n\n| measure | found | target | |\n|---|---|---|---|");
    let [reduced, full] = [2, 3].map(|row: usize| medians(&key_rates[row].bare).cpu / KEY_RATE_SECONDS);
    let at_most = |what, found, bound| Target {
        what,
        found,
        bound,
        at_least: false,
    };
    let mut targets = vec![at_most(
        "reduced, N = 10: CPU time / SeQUeNCe's",
        reduced / SEQUENCE[2],
        0.02,
    )];
    if let Some(heapq) = heapq {
        targets.push(at_most(
            "reduced, N = 10: CPU time / bare heapq's",
            reduced / heapq[2],
            0.1,
        ));
        targets.push(at_most(
            "full protocol, N = 10: CPU time / bare heapq's",
            full / heapq[2],
            1.0,
        ));
    } else {
        println!("| CPU time / bare heapq's | not measured | <= 0.1 | **missed** |");
    }
    targets.push(Target {
        what: "QKDNetSim's chain, N = 10: keys per wall s / theirs",
        found: sizes[1].pace() / QKDNETSIM[1].1,
        bound: 1_000.0,
        at_least: true,
    });
    // Linear: the exponent of CPU time is 1; above 1.1 would be more than linear, noise included.
    let by_hops = growth(&sizes, |row| row.chain.nodes - 1);
    targets.push(at_most("QKDNetSim's chain: exponent in N - 1", by_hops, 1.1));
    let by_time = growth(&lengths, |row| row.keys);
    targets.push(at_most("QKDNetSim's chain: exponent in keys (T)", by_time, 1.1));
    targets.push(Target {
        what: "QKDNetSim's chain, N = 50: keys delivered",
        found: sizes[3].keys as f64,
        bound: 2_500.0,
        at_least: true,
    });
    let missed = targets.iter().filter(|target| !target.print()).count();
    if missed == 0 && heapq.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
