//! The pictures of a comparison: differences with their intervals, and the Pareto picture.

use super::Picture;
use super::bars::{Line, Part, Rows};
use super::plane::{Axis, Curve, Plane, number};
use crate::archive::{Comparison, Verdict};

/// All verdicts, in the order of legends.
pub(super) const VERDICTS: [Verdict; 5] = [
    Verdict::Better,
    Verdict::Worse,
    Verdict::NoEvidence,
    Verdict::NoVerdict,
    Verdict::None,
];
/// The number of a verdict's colour: green, orange, grey, sky blue, brown.
pub(super) fn colour_of(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Better => 2,
        Verdict::Worse => 1,
        Verdict::NoEvidence => 7,
        Verdict::NoVerdict => 5,
        Verdict::None => 6,
    }
}

/// What a verdict says of a pair's second variant.
pub(super) fn meaning(verdict: Verdict, second: &str) -> String {
    match verdict {
        Verdict::Better | Verdict::Worse => format!("{second} {}", verdict.name()),
        Verdict::NoVerdict => "not judged".to_owned(),
        Verdict::NoEvidence => "no evidence".to_owned(),
        Verdict::None => "neither".to_owned(),
    }
}

/// The verdicts that are among the rows, with their colours.
pub(super) fn legend(lines: &[Line], second: &str) -> Vec<(String, usize)> {
    let there = |colour: usize| {
        let mut parts = lines.iter().flat_map(|line| &line.parts);
        parts.any(|part| part.name == colour)
    };
    (VERDICTS.iter())
        .filter(|&&verdict| there(colour_of(verdict)))
        .map(|&verdict| (meaning(verdict, second), colour_of(verdict)))
        .collect()
}

/// A forest plot per pair: each metric of the network, the difference as a share of the larger mean.
pub fn forests(comparison: &Comparison) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for (at, pair) in comparison.pairs.iter().enumerate() {
        let mut rows = Vec::new();
        for row in &comparison.metrics {
            let of_pair = row.a == pair.a && row.b == pair.b && row.scope == "network";
            let (Some(a), Some(b), Some(difference), Some(ends), true) =
                (row.mean_a, row.mean_b, row.difference, row.ci95, of_pair)
            else {
                continue;
            };
            let size = a.abs().max(b.abs());
            if size == 0.0 {
                continue;
            }
            let share = |value: f64| (100.0 * value / size).clamp(-150.0, 150.0);
            let part = Part {
                name: colour_of(row.verdict),
                ends: ends.map(share),
                point: Some(share(difference)),
                text: format!(
                    "{}: {} → {} {}\ndifference {}, 95 % interval {} to {}",
                    row.verdict.name(),
                    number(a),
                    number(b),
                    row.unit,
                    number(difference),
                    number(ends[0]),
                    number(ends[1])
                ),
            };
            rows.push(Line::of(row.name.clone(), vec![part]));
        }
        let forest = Rows {
            id: format!("difference-{}", at + 1),
            title: format!("{} as seen from {}: difference with 95 % interval", pair.b, pair.a),
            note: "Paired differences as a share of the larger mean; intervals are not corrected for many metrics, \
                   verdicts are, for the network's rows of all pairs (Holm). Neither: neither good nor bad."
                .to_owned(),
            label: format!("({} − {}) / larger mean [%]", pair.b, pair.a),
            names: legend(&rows, &pair.b),
            lines: rows,
        };
        pictures.extend(forest.draw().ok());
    }
    pictures
}

/// Variants as points: the first two objectives that differ, price first.
pub fn pareto(comparison: &Comparison) -> Option<Picture> {
    let pareto = &comparison.pareto;
    let differs = |&at: &usize| {
        let mut values = pareto.points.iter().filter_map(|point| point.values.get(at));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let mut axes: Vec<usize> = (0..pareto.objectives.len()).filter(differs).collect();
    axes.sort_by_key(|&at| pareto.objectives[at].name != "price");
    let (&x, &y) = (axes.first()?, axes.get(1)?);
    let label = |at: usize| {
        let objective = &pareto.objectives[at];
        format!(
            "{} [{}], {} is better",
            objective.name, objective.unit, objective.better
        )
    };
    let curve = |point: &crate::archive::ParetoPoint| {
        let on_front = point.dominated_by.is_empty();
        let mut curve = Curve::line(
            format!("{}{}", point.variant, if on_front { " (front)" } else { "" }),
            vec![(point.values[x], point.values[y])],
        );
        curve.joined = false;
        curve
    };
    let names: Vec<&str> = (pareto.objectives.iter())
        .map(|objective| objective.name.as_str())
        .collect();
    let axis = |at: usize| Axis {
        from_zero: false,
        money: pareto.objectives[at].name == "price",
        ..Axis::plain(label(at))
    };
    let plane = Plane {
        caption: format!(
            "front: no other variant is as good or better in all of {}",
            names.join(", ")
        ),
        id: "pareto".to_owned(),
        title: "Variants by price and service".to_owned(),
        note: format!(
            "Front: no other variant is better somewhere and worse nowhere by the means of {}{}.",
            names.join(", "),
            if names.len() > 2 {
                ": a variant may be on it for what these two axes do not show"
            } else {
                ""
            }
        ),
        x: axis(x),
        y: axis(y),
        curves: pareto.points.iter().map(curve).collect(),
        instants: Vec::new(),
    };
    plane.draw().ok()
}
