//! Exactly-once under fire: 20 % loss, duplication and reordering on every channel (issue: reliable protocols).
//!
//! `cargo run --release --example fire_soak 1000` runs a thousand.

mod common_fire;
mod common_legal;
mod common_random;

use common_fire::{Tally, hold};
use common_random::{Recipe, protected, recipe};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRng, TestRunner};

/// Random plans with and without cuts, retries from 1 to 4: one in two is run twice.
fn soak(runs: u32, cuts: usize, seed: u8) -> Tally {
    soak_of(&recipe(cuts), runs, seed)
}

fn soak_of(recipes: &impl Strategy<Value = Recipe>, runs: u32, seed: u8) -> Tally {
    let rng = TestRng::from_seed(Config::default().rng_algorithm, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut tally = Tally::default();
    for run in 0..runs {
        let recipe = recipes.new_tree(&mut runner).expect("a recipe").current();
        match hold(&recipe, 1 + run % 4, run % 2 == 0) {
            Ok(one) => tally.add(&one),
            Err(finding) => panic!("run {run}: {finding}\n{recipe:?}"),
        }
    }
    tally
}

/// What makes the other tests worth anything: there was fire, and keys were delivered through it.
fn was_fire(tally: &Tally) {
    assert!(tally.delivered > 100 && tally.failed > 0, "{tally:?}");
    assert!(tally.lost > 1_000 && tally.retransmissions > 1_000, "{tally:?}");
    assert!(tally.given_up > 10 && tally.voids > 0, "{tally:?}");
    assert_eq!(tally.requests, tally.delivered + tally.failed);
}

#[test]
fn every_key_is_supplied_once_under_fire() {
    was_fire(&soak(30, 0, 38));
}

#[test]
fn every_key_is_supplied_once_under_fire_and_faults() {
    was_fire(&soak(30, 2, 18));
}

/// Legs of both kinds, keys relayed ahead and pools: each request of an application once, whatever became of its legs, and
/// both books of every pool agree.
#[test]
fn protected_keys_are_supplied_once_under_fire_and_faults() {
    was_fire(&soak_of(&protected(recipe(2)), 30, 52));
}
