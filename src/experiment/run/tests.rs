//! Summaries of outcomes that are written by hand.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::*;
use crate::observe::outcome::AuditCheck;

fn measured(name: &'static str, unit: &'static str, value: Option<f64>, samples_ns: &[u64]) -> Measured {
    Measured {
        name,
        unit,
        scope: "network".to_owned(),
        value,
        samples_ns: samples_ns.to_vec(),
    }
}

fn outcome(replication: u32, metrics: Vec<Measured>) -> Outcome {
    Outcome {
        replication,
        events: 10,
        metrics,
        ..Outcome::default()
    }
}

#[test]
fn means_are_over_replications_and_quantiles_over_samples() {
    let outcomes = [
        outcome(0, vec![measured("kkrd_s", "s", Some(1.0), &[1_000_000_000])]),
        outcome(
            1,
            vec![measured(
                "kkrd_s",
                "s",
                Some(3.0),
                &[2_000_000_000, 3_000_000_000, 4_000_000_000],
            )],
        ),
        outcome(2, vec![measured("kkrd_s", "s", None, &[])]),
    ];
    let summary = summarize("test", 7, &outcomes);
    let row = summary.metric("kkrd_s", "network").expect("measured");
    assert_eq!((row.mean, row.replications), (Some(2.0), 2));
    assert_eq!((row.p50, row.p99), (Some(2.0), Some(4.0)));
    let [low, high] = row.ci95.expect("two values");
    // t(1) = 12.7062, s / sqrt(2) = 1.
    assert!((low - (2.0 - 12.706_204_736)).abs() < 1e-8 && (high - (2.0 + 12.706_204_736)).abs() < 1e-8);
    assert_eq!((summary.events, summary.replications, summary.seed), (30, 3, 7));
}

#[test]
fn nothing_is_null() {
    let summary = summarize("test", 1, &[outcome(0, vec![measured("kkder", "1", None, &[])])]);
    let row = &summary.metrics[0];
    assert_eq!(
        (row.mean, row.ci95, row.p50, row.p99, row.replications),
        (None, None, None, None, 0)
    );
    assert_eq!(summarize("test", 1, &[]).metrics, []);
}

#[test]
fn a_check_that_failed_once_has_failed() {
    let with_audit = |replication, passed, detail: &str| Outcome {
        audit: vec![AuditCheck {
            check: "conservation",
            passed,
            detail: detail.to_owned(),
        }],
        ..outcome(replication, vec![])
    };
    let outcomes = [
        with_audit(0, true, "4 stores"),
        with_audit(1, false, "store 3"),
        with_audit(2, false, "store 1"),
    ];
    let summary = summarize("test", 1, &outcomes);
    let broken = summary.broken().expect("it failed");
    assert_eq!(
        (summary.audit.len(), broken.detail.as_str()),
        (1, "replication 1: store 3")
    );
    assert_eq!(summarize("test", 1, &outcomes[..1]).broken(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_summary_does_not_depend_on_threads(
        values in prop::collection::vec(prop::option::of(-1e9..1e9), 1..24), threads in 2_usize..6
    ) {
        let simulate = |replication: u32| {
            let value = values[replication as usize];
            outcome(replication, vec![measured("kkrd_s", "s", value, &[u64::from(replication) * 7 % 5])])
        };
        let stop = AtomicBool::new(false);
        let summary = |threads| {
            let control = Control { threads, stop: &stop, progress: &|| () };
            let outcomes = replicate(values.len() as u32, control, simulate).expect("no panic");
            serde_json::to_string(&summarize("test", 1, &outcomes)).expect("plain data")
        };
        prop_assert_eq!(summary(1), summary(threads));
    }
}
