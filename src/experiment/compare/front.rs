//! The Pareto front: which variants are beaten by no other one in everything that counts.

use super::super::statistics::Sample;
use super::Side;
use crate::archive::{Objective, Pareto, ParetoPoint};
use crate::observe::metrics::{Direction, find};
use crate::observe::outcome::Outcome;

/// What a planner weighs against each other, besides the price: service, delay, what a failure costs, link keys.
pub(super) const OBJECTIVES: [&str; 5] = [
    "served_share",
    "kkrd_s",
    "availability",
    "service_interruption_s",
    "link_key_bits_per_key_bit",
];

/// The sides as points. A metric that some side has no value of is no coordinate.
pub(super) fn pareto(sides: &[Side<'_>]) -> Pareto {
    let mut objectives = Vec::new();
    let mut lower = Vec::new();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut add = |name: &str, unit: &str, direction: Direction, column: Option<Vec<f64>>| {
        if let Some(column) = column {
            lower.push(direction == Direction::Lower);
            objectives.push(Objective {
                name: name.to_owned(),
                unit: unit.to_owned(),
                better: if direction == Direction::Lower {
                    "lower"
                } else {
                    "higher"
                }
                .to_owned(),
            });
            columns.push(column);
        }
    };
    for name in OBJECTIVES {
        let metric = find(name).expect("objectives are metrics");
        let column = sides.iter().map(|side| mean(side.outcomes, name)).collect();
        add(name, metric.unit, metric.direction, column);
    }
    let mut currencies: Vec<&str> = (sides.iter().filter_map(|side| side.price))
        .map(|price| price.currency.as_str())
        .collect();
    currencies.dedup();
    // Sums of two currencies cannot be held against each other.
    if currencies.len() <= 1 {
        let prices = sides
            .iter()
            .map(|side| side.price.map(|price| price.total))
            .collect();
        let currency = currencies.first().copied().unwrap_or("1");
        add("price", currency, Direction::Lower, prices);
    }
    let values = |side: usize| columns.iter().map(|column| column[side]).collect::<Vec<f64>>();
    // How much better the first side is, coordinate by coordinate.
    let gains = |first: usize, second: usize| -> Vec<f64> {
        (columns.iter().zip(&lower))
            .map(|(column, lower)| (column[first] - column[second]) * if *lower { -1.0 } else { 1.0 })
            .collect()
    };
    let dominates = |first: usize, second: usize| {
        let gains = gains(first, second);
        gains.iter().all(|gain| *gain >= 0.0) && gains.iter().any(|gain| *gain > 0.0)
    };
    let points = (0..sides.len())
        .map(|side| ParetoPoint {
            variant: sides[side].name.to_owned(),
            values: values(side),
            dominated_by: (0..sides.len())
                .filter(|other| dominates(*other, side))
                .map(|other| sides[other].name.to_owned())
                .collect(),
        })
        .collect();
    Pareto { objectives, points }
}

/// Mean of a metric of the network over the replications that have a value.
fn mean(outcomes: &[Outcome], name: &str) -> Option<f64> {
    let values: Vec<f64> = (outcomes.iter())
        .flat_map(|outcome| &outcome.metrics)
        .filter(|measured| measured.name == name && measured.scope == "network")
        .filter_map(|measured| measured.value)
        .collect();
    (!values.is_empty()).then(|| Sample::of(&values).mean)
}
