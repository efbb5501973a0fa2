//! A sweep of 1,000 points, killed at 20 drawn moments and resumed: the bytes of one that never was interrupted.
//!
//! `cargo build --release && cargo run --release --example sweep_soak [POINTS KILLS]`

use std::collections::BTreeSet;

#[path = "../tests/common_sweep/mod.rs"]
mod common_sweep;

fn main() {
    let asked: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let (points, kills) = (
        asked.first().copied().unwrap_or(1_000),
        asked.get(1).copied().unwrap_or(20),
    );
    let seen = common_sweep::kills::hold(points, kills, 200);
    let apart: BTreeSet<usize> = seen.iter().copied().collect();
    assert!(
        apart.len() * 4 >= kills * 3,
        "kills fell into different stages of the work: {seen:?}"
    );
}
