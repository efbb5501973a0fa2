//! Comparisons of outcomes that are written by hand.

use proptest::prelude::*;

use super::*;

/// Outcomes with one metric of the network, a value per replication.
fn outcomes(name: &'static str, values: &[Option<f64>]) -> Vec<Outcome> {
    let measured = |value| Measured {
        name,
        unit: "1",
        scope: "network".to_owned(),
        value,
        samples_ns: vec![],
    };
    (0..)
        .zip(values)
        .map(|(replication, value)| Outcome {
            replication,
            metrics: vec![measured(*value)],
            ..Outcome::default()
        })
        .collect()
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn price(total: f64) -> Price {
    Price {
        modules: 4,
        key_managers: 2,
        controllers: 2,
        sites: 1,
        middle_stations: 0,
        links: 1,
        total,
        currency: "EUR".to_owned(),
    }
}

fn one_row(
    name: &'static str,
    a: &[Option<f64>],
    b: &[Option<f64>],
    rule: Rule,
    prices: &[Option<Price>; 2],
) -> ComparisonRow {
    let (a, b) = (outcomes(name, a), outcomes(name, b));
    let sides = [
        Side {
            name: "A",
            outcomes: &a,
            price: prices[0].as_ref(),
        },
        Side {
            name: "B",
            outcomes: &b,
            price: prices[1].as_ref(),
        },
    ];
    let pairs = [Pair {
        a: "A".to_owned(),
        b: "B".to_owned(),
        rule,
    }];
    let comparison = compare(&sides, &pairs);
    assert_eq!(comparison.metrics.len(), 1);
    comparison.metrics.into_iter().next().expect("one row")
}

fn plain(name: &'static str, a: &[f64], b: &[f64]) -> Verdict {
    one_row(name, &some(a), &some(b), Rule::Plain, &[None, None]).verdict
}

#[test]
fn verdicts_follow_the_direction_of_the_metric() {
    let (low, high) = ([1.0, 1.1, 0.9, 1.0], [2.0, 2.1, 1.9, 2.05]);
    assert_eq!(plain("served_share", &low, &high), Verdict::Better);
    assert_eq!(plain("served_share", &high, &low), Verdict::Worse);
    assert_eq!(plain("kkrd_s", &low, &high), Verdict::Worse);
    assert_eq!(plain("kkrd_s", &high, &low), Verdict::Better);
    assert_eq!(plain("events", &low, &high), Verdict::None);
    assert_eq!(
        plain("kkrd_s", &low, &[1.1, 1.0, 0.95, 0.97]),
        Verdict::NoEvidence
    );
}

#[test]
fn few_replications_and_no_variance() {
    assert_eq!(plain("kkrd_s", &[1.0], &[2.0]), Verdict::None);
    assert_eq!(
        plain("link_key_bits_per_key_bit", &[4.0, 4.0], &[5.0, 5.0]),
        Verdict::Worse
    );
    assert_eq!(
        plain("link_key_bits_per_key_bit", &[4.0, 4.0], &[4.0, 4.0]),
        Verdict::NoEvidence
    );
}

#[test]
fn the_better_side_must_not_be_dearer_where_placement_is_mixed_in() {
    let (low, high) = (some(&[1.0, 1.1, 0.9, 1.0]), some(&[2.0, 2.1, 1.9, 2.05]));
    let verdict =
        |prices: [Option<Price>; 2]| one_row("served_share", &low, &high, Rule::NotDearer, &prices).verdict;
    assert_eq!(
        verdict([Some(price(10.0)), Some(price(12.0))]),
        Verdict::NoVerdict
    );
    assert_eq!(verdict([Some(price(10.0)), Some(price(10.0))]), Verdict::Better);
    assert_eq!(verdict([Some(price(10.0)), Some(price(8.0))]), Verdict::Better);
    assert_eq!(verdict([None, Some(price(8.0))]), Verdict::NoVerdict);
    let reverse =
        |prices: [Option<Price>; 2]| one_row("kkdlr", &low, &high, Rule::NotDearer, &prices).verdict;
    assert_eq!(reverse([Some(price(10.0)), Some(price(12.0))]), Verdict::Worse);
    assert_eq!(
        reverse([Some(price(12.0)), Some(price(10.0))]),
        Verdict::NoVerdict
    );
    // Nothing significant is "no evidence" whatever the prices are.
    let same = one_row(
        "kkdlr",
        &low,
        &low,
        Rule::NotDearer,
        &[Some(price(1.0)), Some(price(9.0))],
    );
    assert_eq!(
        (same.verdict, same.rests_on.as_str()),
        (Verdict::NoEvidence, "A vs B")
    );
}

#[test]
fn only_whole_pairs_count() {
    let a = [Some(1.0), None, Some(3.0), Some(100.0)];
    let b = [Some(2.0), Some(9.0), Some(5.0), None];
    let row = one_row("kkrd_s", &a, &b, Rule::Plain, &[None, None]);
    assert_eq!(
        (row.pairs, row.mean_a, row.mean_b, row.difference),
        (2, Some(2.0), Some(3.5), Some(1.5))
    );
    let row = one_row(
        "kkrd_s",
        &[Some(1.0), None],
        &[None, Some(4.0)],
        Rule::Plain,
        &[None, None],
    );
    assert_eq!(
        (row.mean_a, row.mean_b, row.difference, row.verdict),
        (Some(1.0), Some(4.0), None, Verdict::None)
    );
}

#[test]
fn a_scope_of_one_variant_only_has_a_row_without_verdict() {
    let mut a = outcomes("kkdlr", &some(&[0.1, 0.2]));
    let b = outcomes("kkdlr", &some(&[0.1, 0.2]));
    for outcome in &mut a {
        outcome.metrics[0].scope = "link:extra".to_owned();
    }
    let sides = [
        Side {
            name: "A",
            outcomes: &a,
            price: None,
        },
        Side {
            name: "B",
            outcomes: &b,
            price: None,
        },
    ];
    let comparison = compare(&sides, &against_the_first(&["A", "B"]));
    let scopes: Vec<_> = comparison
        .metrics
        .iter()
        .map(|row| (row.scope.as_str(), row.mean_a.is_some()))
        .collect();
    assert_eq!(scopes, [("link:extra", true), ("network", false)]);
    assert!(comparison.metrics.iter().all(|row| row.verdict == Verdict::None));
}

#[test]
fn the_correction_spans_the_networks_rows_of_all_pairs() {
    // One difference with p = 0.03 or so is significant alone and not among three.
    let a = outcomes("kkrd_s", &some(&[1.0, 1.0, 1.0, 1.0, 1.0]));
    let b = outcomes("kkrd_s", &some(&[1.1, 1.3, 1.0, 1.25, 1.2]));
    let side = |name, outcomes| Side {
        name,
        outcomes,
        price: None,
    };
    let alone = compare(&[side("A", &a), side("B", &b)], &against_the_first(&["A", "B"]));
    assert_eq!(alone.metrics[0].verdict, Verdict::Worse);
    let names = ["A", "B", "C", "D"];
    let among = compare(
        &[side("A", &a), side("B", &b), side("C", &a), side("D", &a)],
        &against_the_first(&names),
    );
    let verdicts: Vec<_> = among.metrics.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::NoEvidence; 3]);
    assert_eq!(among.metrics[0].p_holm, alone.metrics[0].p_holm.map(|p| 3.0 * p));
    assert_eq!(among.metrics[0].ci95, alone.metrics[0].ci95);
}

/// What is asked of the parts changes nothing of what is said of the network, and the other way round.
#[test]
fn the_network_and_its_parts_are_corrected_apart() {
    let values = [
        some(&[1.0, 1.0, 1.0, 1.0, 1.0]),
        some(&[1.1, 1.3, 1.0, 1.25, 1.2]),
    ];
    let [a, b] = values.map(|values| {
        let mut all = outcomes("kkrd_s", &values);
        for outcome in &mut all {
            for scope in ["demand:1", "demand:2"] {
                let mut part = outcome.metrics[0].clone();
                scope.clone_into(&mut part.scope);
                outcome.metrics.push(part);
            }
        }
        all
    });
    let side = |name, outcomes| Side {
        name,
        outcomes,
        price: None,
    };
    let found = compare(&[side("A", &a), side("B", &b)], &against_the_first(&["A", "B"]));
    let p: Vec<f64> = found.metrics.iter().filter_map(|row| row.p_holm).collect();
    assert_eq!(p[1..], [2.0 * p[0]; 2]);
    let verdicts: Vec<_> = found.metrics.iter().map(|row| row.verdict).collect();
    assert_eq!(
        verdicts,
        [Verdict::Worse, Verdict::NoEvidence, Verdict::NoEvidence]
    );
}

/// What verdicts do not establish is not said.
#[test]
fn bottom_lines_say_what_was_found() {
    let text = |a: &[f64], b: &[f64], rule| {
        let (a, b) = (
            outcomes("served_share", &some(a)),
            outcomes("served_share", &some(b)),
        );
        let prices = [price(10.0), price(12.0)];
        let side = |name, outcomes, at: usize| Side {
            name,
            outcomes,
            price: Some(&prices[at]),
        };
        let pairs = [Pair {
            a: "A".to_owned(),
            b: "B".to_owned(),
            rule,
        }];
        let found = compare(&[side("A", &a, 0), side("B", &b, 1)], &pairs);
        found.bottom_lines[0].text.clone()
    };
    assert_eq!(
        text(&[0.5], &[0.6], Rule::Plain),
        "no metric of the network can be judged between A and B: that takes two paired replications"
    );
    assert_eq!(
        text(&[0.5, 0.6], &[0.6, 0.5], Rule::Plain),
        "no evidence that B is better or worse than A in any metric of the network; 1 without evidence"
    );
    assert_eq!(
        text(&[0.5, 0.5], &[0.6, 0.6], Rule::NotDearer),
        "no evidence that B is better or worse than A in any judged metric of the network; B is better in served_share \
         (+0.100), but dearer by 2 EUR, so there is no verdict"
    );
    assert_eq!(
        text(&[0.6, 0.6], &[0.5, 0.5], Rule::NotDearer),
        "B is worse than A in served_share; no evidence that it is better in any other metric of the network"
    );
}

/// What a planner weighs is named first, and with what it differs by.
#[test]
fn a_dearer_sides_gains_are_named() {
    let all = |values: [f64; 6]| -> Vec<Outcome> {
        let names = [
            "kkrdv_s",
            "control_bytes",
            "kkrd_s",
            "served_share",
            "kkrd_s",
            "throughput_bps",
        ];
        let mut all = outcomes("key_utilisation", &some(&[1.0, 1.0]));
        for (at, (name, value)) in names.into_iter().zip(values).enumerate() {
            for (outcome, mut more) in all.iter_mut().zip(outcomes(name, &some(&[value, value]))) {
                let measured = &mut more.metrics[0];
                if at == 4 {
                    "demand:1".clone_into(&mut measured.scope);
                }
                measured.unit = if name.ends_with("_s") { "s" } else { "1" };
                outcome.metrics.append(&mut more.metrics);
            }
        }
        all
    };
    let (a, b) = (
        all([3.0, 900.0, 12.575, 0.9, 9.0, 1.5e6]),
        all([2.0, 800.0, 0.02, 0.931, 8.0, 1.62e6]),
    );
    let line = |prices: [Option<Price>; 2]| {
        let side = |name, outcomes, at: usize| Side {
            name,
            outcomes,
            price: prices[at].as_ref(),
        };
        let [first, second] = ["A", "B"].map(str::to_owned);
        let pairs = [Pair {
            a: first,
            b: second,
            rule: Rule::NotDearer,
        }];
        compare(&[side("A", &a, 0), side("B", &b, 1)], &pairs).bottom_lines[0].clone()
    };
    let dearer = line([Some(price(1_620_000.0)), Some(price(1_830_000.0))]);
    assert_eq!(dearer.no_verdict, 5);
    assert_eq!(
        dearer.text,
        "no evidence that B is better or worse than A in any judged metric of the network; B is better in served_share \
         (+0.0310), kkrd_s (−12.6 s), kkrdv_s (−1.00 s), control_bytes (−100) and 1 more, but dearer by 210,000 EUR, so \
         there is no verdict"
    );
    let unknown = line([None, Some(price(1.0))]);
    assert!(
        unknown
            .text
            .contains("but which is dearer is not known, so there is no verdict"),
        "{}",
        unknown.text
    );
}

proptest! {
    #[test]
    fn the_mirror_of_better_is_worse(values in prop::collection::vec((0.0..1.0, 0.0..1.0), 2..20)) {
        let (a, b): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let mirror = match plain("served_share", &b, &a) {
            Verdict::Better => Verdict::Worse,
            Verdict::Worse => Verdict::Better,
            other => other,
        };
        prop_assert_eq!(plain("served_share", &a, &b), mirror);
    }
}

/// Three variants: the second is better and dearer, the third worse than the first in everything.
#[test]
fn bottom_lines_and_the_front_of_three_variants() {
    let both = |served: [f64; 3], delay: [f64; 3]| -> Vec<Outcome> {
        let mut all = outcomes("served_share", &some(&served));
        for (outcome, more) in all.iter_mut().zip(outcomes("kkrd_s", &some(&delay))) {
            outcome.metrics.extend(more.metrics);
        }
        all
    };
    let a = both([0.5, 0.5, 0.5], [2.0, 2.0, 2.0]);
    let b = both([0.75, 0.75, 0.75], [2.0, 2.0, 2.0]);
    let c = both([0.25, 0.25, 0.25], [4.0, 4.0, 4.0]);
    let prices = [10.0, 12.0, 11.0].map(price);
    let side = |name, outcomes, price| Side {
        name,
        outcomes,
        price: Some(price),
    };
    let sides = [
        side("A", &a, &prices[0]),
        side("B", &b, &prices[1]),
        side("C", &c, &prices[2]),
    ];
    let comparison = compare(&sides, &against_the_first(&["A", "B", "C"]));
    let texts: Vec<&str> = comparison
        .bottom_lines
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "B is better than A in served_share; no evidence that it is worse in any other metric of the network; 1 without \
             evidence",
            "C is worse than A in served_share, kkrd_s; no evidence that it is better in any other metric of the network",
        ]
    );
    let names: Vec<&str> = comparison
        .pareto
        .objectives
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["served_share", "kkrd_s", "price"]);
    let dominated: Vec<&[String]> = comparison
        .pareto
        .points
        .iter()
        .map(|it| it.dominated_by.as_slice())
        .collect();
    assert_eq!(dominated, [&[] as &[String], &[], &["A".to_owned()]]);
    assert_eq!(comparison.pareto.points[1].values, [0.75, 2.0, 12.0]);
}
