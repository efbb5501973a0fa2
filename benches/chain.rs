//! The peers' chains: what a run costs, with and without the auditor.
//!
//! ```text
//! cargo bench --bench chain [-- filter]
//! ```
//!
//! Times are of one whole run (world, event loop, metrics). For figures beside those of the peers take
//! `cargo run --release --example peer_chains`, which measures the baseline in the same run.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

mod chains;

use chains::{AUDITED, BARE, Chain};

fn measure(criterion: &mut Criterion, group: &str, chains: &[Chain]) {
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for chain in chains {
        let keys = chain.check(&chain.run(AUDITED));
        group.throughput(Throughput::Elements(keys));
        for (watched, options) in [("bare", BARE), ("audited", AUDITED)] {
            group.bench_function(BenchmarkId::new(&chain.name, watched), |bencher| {
                bencher.iter(|| black_box(chain.run(options)));
            });
        }
    }
    group.finish();
}

fn chain(criterion: &mut Criterion) {
    measure(criterion, "key-rate", &Chain::key_rates());
    let sizes = [5, 10, 20, 50].map(|nodes| Chain::qkdnetsim(nodes, 300));
    measure(criterion, "qkdnetsim-nodes", &sizes);
    let lengths = [150, 300, 600, 1_200].map(|until| Chain::qkdnetsim(10, until));
    measure(criterion, "qkdnetsim-time", &lengths);
}

criterion_group!(benches, chain);
criterion_main!(benches);
