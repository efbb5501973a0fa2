//! What a route costs: every algorithm on a random geometric QKDN of 10,000 nodes.
//!
//! ```text
//! cargo bench --bench routing [-- filter]
//! ```
//!
//! - `cold`: the first question about a goal, with the provisioned distances to it.
//! - `whole`: further questions, nothing has failed.
//! - `failures`: further questions while 1 % of the links make no key, others each time.
//! - `on-the-path`: further questions while a link in the middle of the whole network's path makes no key.
//! - `scarce`: further questions by what is known of stores, each hop's at random.
//!
//! Ends are 64 pairs of nodes at random, asked about in turn.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use qkdni::architecture::Hop;
use qkdni::architecture::distances::Weight;
use qkdni::architecture::surroundings::Domain;
use qkdni::control::routing::{
    FewestHops, FirstFit, Gpsrq, KeyAware, KnownKey, LeastDelay, Query, RoutingAlgorithm, ShortestLength,
    Widest, WidestShortest,
};
use qkdni::ids::{HopId, Id as _, NodeId};
use qkdni::kernel::{Span, Streams};
use qkdni::units::Fraction;

mod large;

const NODES: u32 = 10_000;
const PAIRS: usize = 64;

fn algorithms() -> Vec<(&'static str, Arc<dyn RoutingAlgorithm>)> {
    vec![
        ("fewest_hops", Arc::new(FewestHops)),
        ("shortest_length", Arc::new(ShortestLength)),
        ("least_delay", Arc::new(LeastDelay)),
        (
            "key_aware",
            Arc::new(KeyAware {
                reference_bits: 1_000_000,
                horizon: Span::from_seconds(10),
            }),
        ),
        ("widest", Arc::new(Widest)),
        ("widest_shortest", Arc::new(WidestShortest)),
        (
            "k_shortest",
            Arc::new(FirstFit {
                paths: 4,
                by: Weight::Hops,
            }),
        ),
        (
            "gpsrq",
            Arc::new(Gpsrq {
                distance_weight: Fraction::HALF,
            }),
        ),
    ]
}

fn routing(criterion: &mut Criterion) {
    let plan = large::plan(NODES);
    let domain: &Domain = &plan.controller_surroundings.values().next().expect("one").domain;
    let mut random = Streams::new(1, 0).stream("routing", "ends");
    let mut node = || NodeId::from_index((random.uniform() * f64::from(NODES)) as usize);
    let pairs: Vec<[NodeId; 2]> = (0..PAIRS).map(|_| [node(), node()]).collect();
    let turn = Cell::new(0);
    let next = || {
        turn.set(turn.get() + 1);
        (turn.get(), pairs[turn.get() % PAIRS])
    };
    // A draw per hop (and per round) that costs next to nothing.
    let draw = |hop: HopId, round: usize| (hop.0 as usize / 2 * 7_919 + round * 104_729) % 1_000;

    for (name, algorithm) in algorithms() {
        let mut group = criterion.benchmark_group(format!("route/{name}"));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        group.bench_function(BenchmarkId::from_parameter("cold"), |bencher| {
            bencher.iter_batched_ref(
                || Domain::clone(domain),
                |domain| {
                    let [from, to] = next().1;
                    black_box(algorithm.route(&Query::new(domain, from, to)))
                },
                BatchSize::PerIteration,
            );
        });
        for &[from, to] in &pairs {
            algorithm.route(&Query::new(domain, from, to));
        }
        group.bench_function(BenchmarkId::from_parameter("whole"), |bencher| {
            bencher.iter(|| {
                let [from, to] = next().1;
                black_box(algorithm.route(&Query::new(domain, from, to)))
            });
        });
        group.bench_function(BenchmarkId::from_parameter("failures"), |bencher| {
            bencher.iter(|| {
                let (round, [from, to]) = next();
                let usable = |hop: &Hop| draw(hop.id, round) >= 10;
                black_box(algorithm.route(&Query::new(domain, from, to).over(&usable)))
            });
        });
        let middles: Vec<Option<HopId>> = pairs
            .iter()
            .map(|&[from, to]| {
                let path = algorithm.route(&Query::new(domain, from, to))?;
                path.get(path.len() / 2).copied()
            })
            .collect();
        group.bench_function(BenchmarkId::from_parameter("on-the-path"), |bencher| {
            bencher.iter(|| {
                let (round, [from, to]) = next();
                let failed = middles[round % PAIRS].map(|hop| hop.0 / 2);
                let usable = |hop: &Hop| Some(hop.id.0 / 2) != failed;
                black_box(algorithm.route(&Query::new(domain, from, to).over(&usable)))
            });
        });
        group.bench_function(BenchmarkId::from_parameter("scarce"), |bencher| {
            bencher.iter(|| {
                let (round, [from, to]) = next();
                let key = |hop: &Hop| KnownKey {
                    usable_bits: draw(hop.id, round) as u64 * 2_000,
                    age: Some(Span(1)),
                };
                let query = Query::new(domain, from, to).asking(10_000);
                black_box(algorithm.route(&query.knowing(&key)))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, routing);
criterion_main!(benches);
