//! What a link costs: a block, a look at a store, a table.
//!
//! ```text
//! cargo bench --bench links
//! ```

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use qkdni::architecture::KeySource;
use qkdni::kernel::{Span, Streams, Time};
use qkdni::quantum::block_source::BlockSource;
use qkdni::quantum::generation::{Drift, Generation, LinkTable};
use qkdni::quantum::models::{BlockSchedule, Channel, LinkModel};
use qkdni::quantum::process::BlockProcess;
use qkdni::quantum::source::ScheduledSource;
use qkdni::scenario;
use qkdni::units::Fraction;

const SECOND: u64 = 1_000_000_000;

fn model(name: &str) -> Arc<dyn LinkModel> {
    scenario::link_model(name, "{}").expect("defaults are valid")
}

fn channel() -> Channel {
    Channel::quiet(50_000.0, 10.0)
}

fn process(drift_db: f64) -> BlockProcess {
    let (model, channel) = (model("decoy_bb84_vacuum_weak"), channel());
    let rate = model.rate_bps(&channel);
    let nominal = BlockSchedule {
        bits: rate as u64,
        period: Span(SECOND),
    };
    let loss_drift = Drift {
        deviation: drift_db,
        correlation: Span(3600 * SECOND),
        diurnal: 0.0,
    };
    let generation = Generation {
        table: LinkTable::new(&model, &channel, nominal, loss_drift.spread(), 1),
        post_processing: Span(SECOND / 10),
        abort_above: 0.08,
        frame_error: 0.01,
        authentication_bits: 1_000,
        start_key_bits: 10_000,
        resynchronisation: Span::ZERO,
        loss_drift,
        flips_drift: Drift::NONE,
        expected_consumption_bps: None,
        report_every: None,
        skew: [Span::ZERO; 2],
    };
    BlockProcess::new(
        Arc::new(generation),
        Streams::new(1, 0).stream("link/a-b", "blocks"),
    )
}

fn links(criterion: &mut Criterion) {
    for (name, drift_db) in [("block", 0.0), ("block with drift", 0.5)] {
        let mut process = process(drift_db);
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(process.finish())));
    }
    let mut steady = ScheduledSource::new(1_000, Span(SECOND));
    let (mut now, mut runs) = (Time::ZERO, Vec::new());
    criterion.bench_function("look, steady link", |bencher| {
        bencher.iter(|| {
            now += Span(SECOND);
            steady.advance_to(now, &mut runs);
            black_box(runs.drain(..).map(|run| run.total_bits()).sum::<u64>())
        });
    });
    for (name, gap) in [
        ("look without a block", SECOND / 1000),
        ("look with a block", SECOND),
    ] {
        let mut source = BlockSource::new(process(0.0), Fraction::HALF, true, Span::ZERO, Time::NEVER);
        let mut now = Time::ZERO;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                now += Span(gap);
                source.advance_to(now, &mut runs);
                black_box(runs.drain(..).map(|run| run.total_bits()).sum::<u64>())
            });
        });
    }
    for name in [
        "decoy_bb84_vacuum_weak",
        "decoy_bb84_finite_lim2014_fixed",
        "decoy_bb84_finite_lim2014_opt",
        "cv_gg02_homodyne_RR",
        "sns_tfqkd_asymptotic_opt",
    ] {
        let (model, channel) = (model(name), channel());
        criterion.bench_function(&format!("evaluate {name}"), |bencher| {
            bencher.iter(|| black_box(model.evaluate(&channel)));
        });
    }
}

criterion_group!(benches, links);
criterion_main!(benches);
