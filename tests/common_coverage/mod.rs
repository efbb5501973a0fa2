//! A system whose answer is known, and how often an interval covers it.

use qkdni::experiment::run::summarize;
use qkdni::kernel::Span;
use qkdni::network::{Options, simulate};

use super::common::{Setting, plan, poisson};

/// How often the 95 % interval of the throughput over ten replications covers what it must be: Poisson requests over a
/// chain with key for all of them bring rate times length.
pub fn covered(experiments: u64) -> u64 {
    let (rate, bits) = (4.0, 256);
    let inside = |seed: &u64| {
        let plan = plan(&Setting {
            arrivals: poisson(rate),
            key_bits: bits,
            duration: Span::from_seconds(30),
            timeout: Span::from_seconds(2),
            seed: *seed,
            ..Setting::default()
        });
        let plan = &plan;
        let options = Options {
            trace: false,
            audit: false,
        };
        let outcomes: Vec<_> = (0..10)
            .map(|replication| simulate(plan, replication, options))
            .collect();
        let summary = summarize("coverage", *seed, &outcomes);
        let lost = summary.metric("kkdlr", "network").expect("measured").mean;
        assert_eq!(lost, Some(0.0), "key for all");
        let [low, high] = summary
            .metric("throughput_bps", "network")
            .and_then(|row| row.ci95)
            .expect("ten replications");
        let known = rate * bits as f64;
        low <= known && known <= high
    };
    (1..=experiments).filter(inside).count() as u64
}
