//! How often the 95 % interval covers a known answer, in 1,000 experiments.
//!
//! `cargo run --release --example coverage_soak [EXPERIMENTS]`

use std::process::ExitCode;

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common_coverage/mod.rs"]
mod common_coverage;

fn main() -> ExitCode {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let experiments: u64 = asked.unwrap_or(1_000);
    let covered = common_coverage::covered(experiments);
    let share = covered as f64 / experiments as f64;
    println!("the 95 % interval covers the known throughput in {covered} of {experiments} experiments");
    ExitCode::from(u8::from(!(0.93..=0.97).contains(&share)))
}
