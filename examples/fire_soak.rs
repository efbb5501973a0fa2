//! Exactly-once under fire, many times: random plans, every second with cuts, 20 % loss, duplication and reordering
//! on every channel; each is held to the checks of `tests/fire.rs` and run twice.
//!
//! `cargo run --release --example fire_soak RUNS [FIRST]`

#[path = "../tests/common_fire/mod.rs"]
mod common_fire;
#[path = "../tests/common_legal/mod.rs"]
mod common_legal;
#[path = "../tests/common_random/mod.rs"]
mod common_random;

use common_fire::{Tally, hold};
use common_random::recipe;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, TestRng, TestRunner};

fn main() {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let (runs, first) = (
        arguments.first().copied().unwrap_or(1_000),
        arguments.get(1).copied().unwrap_or(0),
    );
    let mut tally = Tally::default();
    let mut findings = 0;
    for run in first..first + runs {
        let mut seed = [38; 32];
        seed[..8].copy_from_slice(&run.to_le_bytes());
        let rng = TestRng::from_seed(Config::default().rng_algorithm, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let cuts = if run % 2 == 0 { 0 } else { 2 };
        let recipe = recipe(cuts).new_tree(&mut runner).expect("a recipe").current();
        let held = std::panic::catch_unwind(|| hold(&recipe, 1 + (run / 2 % 4) as u32, true));
        match held {
            Ok(Ok(one)) => tally.add(&one),
            Ok(Err(finding)) => {
                findings += 1;
                println!("run {run}: {finding}");
            }
            Err(_) => {
                findings += 1;
                println!("run {run}: broken invariant");
            }
        }
    }
    println!("{runs} runs, {findings} findings\n{tally:#?}");
    std::process::exit(i32::from(findings > 0));
}
