//! The hold model on qkdni's ladder, on its 4-ary heap, and on the peers; see the crate `kernel_peers` for the model
//! and for how the peers are run.
//!
//! ```text
//! cargo bench -p kernel-peers --bench kernel [-- filter]
//! ```
//!
//! This bench belongs to the workspace member `kernel-peers`, so that building and testing qkdni does not build the
//! peers. Criterion measures one kernel after the other; for ratios take `kernel-ratios` of the same member, which
//! lets them take turns.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernel_peers::{Delays, HeapHold, Hold, LadderHold, Load, NexosimHold, SimulacraHold};

/// Makes a kernel with its pending events.
type Build<'a> = &'a dyn Fn() -> Box<dyn Hold>;

fn hold(criterion: &mut Criterion) {
    for load in Load::ALL {
        let mut group = criterion.benchmark_group(format!("hold/{}", load.name()));
        group.sample_size(10);
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(500));
        group.throughput(Throughput::Elements(1));
        for pending in [100, 1_000, 10_000, 100_000, 1_000_000] {
            let delays = Delays::new(load, pending);
            let kernels: [(&str, Build); 4] = [
                ("ladder", &|| Box::new(LadderHold::new(delays.clone(), pending))),
                ("heap", &|| Box::new(HeapHold::new(delays.clone(), pending))),
                ("simulacra", &|| {
                    Box::new(SimulacraHold::new(delays.clone(), pending))
                }),
                ("nexosim", &|| Box::new(NexosimHold::new(&delays, pending, 1))),
            ];
            for (name, build) in kernels {
                let mut kernel = None;
                group.bench_function(BenchmarkId::new(name, pending), |bencher| {
                    let kernel = kernel.get_or_insert_with(|| {
                        let mut kernel = build();
                        kernel.run(3 * pending as u64);
                        kernel
                    });
                    // A kernel may handle more events than asked for, all that share an instant: scale to those asked.
                    bencher.iter_custom(|events| {
                        let start = Instant::now();
                        let handled = kernel.run(events);
                        start.elapsed().mul_f64(events as f64 / handled as f64)
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, hold);
criterion_main!(benches);
