//! Tables as they stand on a terminal of 100 columns.

use super::*;
use crate::archive::{AuditRow, ExpectationRow, Pareto, Price, Rule, SCHEMA_VERSION};

const LOOK: Look = Look {
    width: 100,
    colour: false,
};

fn metric(name: &str, scope: &str, unit: &str, mean: f64, half: f64) -> MetricRow {
    let sampled = name == "kkrd_s";
    MetricRow {
        name: name.to_owned(),
        scope: scope.to_owned(),
        unit: unit.to_owned(),
        mean: Some(mean),
        ci95: Some([mean - half, mean + half]),
        replications: 10,
        p50: sampled.then_some(mean),
        p99: sampled.then_some(3.0 * mean),
        p50_ci95: None,
        p99_ci95: None,
        samples: 0,
        batches: None,
    }
}

fn example() -> Summary {
    Summary {
        schema_version: SCHEMA_VERSION,
        name: "madqci".to_owned(),
        seed: 1,
        replications: 10,
        events: 1_234_567,
        metrics: vec![
            metric("served_share", "network", "1", 0.987_654, 0.001),
            metric("throughput_bps", "network", "bit/s", 2_345_678.0, 3_456.0),
            metric("kkrd_s", "network", "s", 0.000_345_678, 0.000_001_2),
            metric("served_share", "demand:d1", "1", 0.98, 0.001),
            metric("kkrd_s", "demand:d1", "s", 0.000_3, 0.000_001),
        ],
        audit: vec![AuditRow {
            check: "conservation".to_owned(),
            passed: true,
            detail: String::new(),
        }],
        expectations: vec![ExpectationRow {
            metric: "served_share".to_owned(),
            scope: "network".to_owned(),
            at_most: None,
            at_least: Some(0.99),
            mean: Some(0.987_654),
            met: false,
        }],
        warnings: vec![],
    }
}

fn row(name: &str, unit: &str, means: [f64; 2], verdict: Verdict) -> ComparisonRow {
    let difference = means[1] - means[0];
    ComparisonRow {
        name: name.to_owned(),
        scope: "network".to_owned(),
        unit: unit.to_owned(),
        a: "G1".to_owned(),
        b: "I".to_owned(),
        mean_a: Some(means[0]),
        mean_b: Some(means[1]),
        difference: Some(difference),
        ci95: Some([difference * 0.9, difference * 1.1]),
        pairs: 10,
        p_holm: Some(0.01),
        verdict,
        rests_on: "G1 vs I".to_owned(),
    }
}

fn compared() -> Comparison {
    let price = |sites, total| {
        Some(Price {
            modules: 4,
            key_managers: 2,
            controllers: 2,
            sites,
            middle_stations: 0,
            links: 1,
            total,
            currency: "EUR".to_owned(),
        })
    };
    Comparison {
        schema_version: SCHEMA_VERSION,
        variants: vec!["G1".to_owned(), "I".to_owned()],
        replications: 10,
        pairs: vec![Pair {
            a: "G1".to_owned(),
            b: "I".to_owned(),
            rule: Rule::Plain,
        }],
        prices: vec![price(0, 400.0), price(1, 520.5)],
        metrics: vec![
            row("served_share", "1", [0.912, 0.987], Verdict::Better),
            row("kkrd_s", "s", [0.000_4, 0.000_41], Verdict::NoEvidence),
            row("link_key_bits_per_key_bit", "1", [4.0, 5.0], Verdict::Worse),
            row("authentication_bits", "bit", [4e6, 4.5e6], Verdict::NoVerdict),
        ],
        bottom_lines: vec![],
        pareto: Pareto::default(),
        warnings: vec![],
    }
}

#[test]
fn a_summary_fits_on_a_terminal() {
    let text = summary(&example(), LOOK);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_comparison_fits_on_a_terminal() {
    let text = comparison(&compared(), LOOK);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let escape = '\u{1b}';
    assert!(!comparison(&compared(), LOOK).contains(escape));
    assert!(comparison(&compared(), Look { colour: true, ..LOOK }).contains(escape));
}

#[test]
fn a_broken_audit_is_said() {
    let mut broken = example();
    broken.audit[0].passed = false;
    broken.audit[0].detail = "replication 3: store 4".to_owned();
    assert!(summary(&broken, LOOK).contains("audit FAILED: conservation: replication 3: store 4"));
}

#[test]
fn many_demands_are_cut_short() {
    let mut many = example();
    many.metrics = (0..30)
        .map(|i| metric("served_share", &format!("demand:d{i}"), "1", 0.5, 0.1))
        .collect();
    let text = summary(&many, LOOK);
    assert!(
        text.contains("d11") && !text.contains("d12") && text.contains("18 more demands"),
        "{text}"
    );
}

#[test]
fn what_faults_did_has_a_table_of_its_own() {
    let mut hit = example();
    assert!(!summary(&hit, LOOK).contains("service_interruption_s"));
    hit.metrics
        .push(metric("rerouting_latency_s", "demand:d1", "s", 0.012, 0.001));
    hit.metrics
        .push(metric("service_interruption_s", "demand:d1", "s", 1.5, 0.1));
    let text = summary(&hit, LOOK);
    let line = text
        .lines()
        .find(|line| line.starts_with("d1") && line.contains("12.00 ms"));
    assert!(line.is_some_and(|line| line.contains("1.500 s")), "{text}");
}
