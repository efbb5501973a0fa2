//! Variants against each other, replication by replication.
//!
//! Variants face the same random numbers, so replication r of one is paired with replication r of the
//! other. Every metric and scope of every pair of variants is one row and one paired t-test. p-values are
//! corrected (Holm) within two families: the rows of the network as a whole, of all pairs, which tables show; and all rows of
//! its parts. So what is asked of the parts costs the network's rows no power.

mod front;

use crate::archive::{BottomLine, Comparison, ComparisonRow, Pair, Price, Rule, SCHEMA_VERSION, Verdict};
use crate::observe::metrics::{Direction, direction};
use crate::observe::outcome::{Measured, Outcome};

use front::pareto;

use super::run::{COST, Columns};
use super::statistics::{Paired, SIGNIFICANCE, Sample, holm, paired};

/// One variant and what its replications left behind.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The variant's name.
    pub name: &'a str,
    /// Its replications.
    pub outcomes: &'a [Outcome],
    /// What it costs, where known.
    pub price: Option<&'a Price>,
}

/// Every variant after the first against the first, with plain verdicts.
pub fn against_the_first(names: &[&str]) -> Vec<Pair> {
    let Some((first, others)) = names.split_first() else {
        return Vec::new();
    };
    others
        .iter()
        .map(|other| Pair {
            a: (*first).to_owned(),
            b: (*other).to_owned(),
            rule: Rule::Plain,
        })
        .collect()
}

/// Compares the `pairs` among the `sides`.
///
/// # Panics
/// If a pair names a variant that is not among the sides.
pub fn compare(sides: &[Side<'_>], pairs: &[Pair]) -> Comparison {
    let find = |name: &str| {
        sides
            .iter()
            .find(|side| side.name == name)
            .unwrap_or_else(|| panic!("no variant {name}"))
    };
    let mut rows = Vec::new();
    let mut raw = Vec::new();
    for pair in pairs {
        let (a, b) = (find(&pair.a), find(&pair.b));
        for (mut row, p) in rows_of(pair, a.outcomes, b.outcomes) {
            if let Some(price) = a.price.filter(|_| row.name == COST) {
                row.unit.clone_from(&price.currency);
            }
            rows.push((row, pair.rule, a.price, b.price));
            raw.push(p);
        }
    }
    for network in [true, false] {
        let family: Vec<usize> = (0..rows.len())
            .filter(|&at| (rows[at].0.scope == "network") == network && raw[at].is_some())
            .collect();
        let tested: Vec<f64> = family.iter().filter_map(|&at| raw[at]).collect();
        for (at, p) in family.into_iter().zip(holm(&tested)) {
            rows[at].0.p_holm = Some(p);
        }
    }
    let mut metrics: Vec<ComparisonRow> = rows
        .into_iter()
        .map(|(mut row, rule, price_a, price_b)| {
            row.verdict = verdict(&row, rule, price_a, price_b);
            row
        })
        .collect();
    availability_needs_service(&mut metrics);
    Comparison {
        schema_version: SCHEMA_VERSION,
        variants: sides.iter().map(|side| side.name.to_owned()).collect(),
        replications: sides
            .iter()
            .map(|side| side.outcomes.len() as u32)
            .min()
            .unwrap_or(0),
        pairs: pairs.to_vec(),
        prices: sides.iter().map(|side| side.price.cloned()).collect(),
        bottom_lines: pairs.iter().map(|pair| bottom_line(pair, &metrics)).collect(),
        pareto: pareto(sides),
        metrics,
        warnings: Vec::new(),
    }
}

/// One row per metric and scope of either variant, without its verdict, and its raw p-value.
fn rows_of(pair: &Pair, a: &[Outcome], b: &[Outcome]) -> Vec<(ComparisonRow, Option<f64>)> {
    let (a, b) = (Columns::of(a), Columns::of(b));
    let of_a = a.rows().map(|(key, column)| (key, column[0].1.unit));
    let only_of_b = b
        .rows()
        .filter(|((name, scope), _)| a.get(name, scope).is_empty())
        .map(|(key, column)| (key, column[0].1.unit));
    of_a.chain(only_of_b)
        .map(|((name, scope), unit)| {
            let (column_a, column_b) = (a.get(name, scope), b.get(name, scope));
            let test = paired(&join(column_a, column_b));
            let row = ComparisonRow {
                name: name.to_owned(),
                scope: scope.to_owned(),
                unit: unit.to_owned(),
                a: pair.a.clone(),
                b: pair.b.clone(),
                mean_a: test.map_or_else(|| own_mean(column_a), |test| Some(test.mean_a)),
                mean_b: test.map_or_else(|| own_mean(column_b), |test| Some(test.mean_b)),
                difference: test.map(|test| test.difference),
                ci95: test.and_then(|test| test.interval),
                pairs: test.map_or(0, |test: Paired| test.pairs as u32),
                p_holm: None,
                verdict: Verdict::None,
                rests_on: pair.label(),
            };
            // What is neither good nor bad gets no verdict, and costs the others no power.
            let judged = direction(name) != Direction::Neutral;
            (row, test.and_then(|test| test.p).filter(|_| judged))
        })
        .collect()
}

/// The values of the replications in which both have one. Columns are in ascending order of replications.
fn join(a: &[(u32, &Measured)], b: &[(u32, &Measured)]) -> Vec<(f64, f64)> {
    let mut rest = b.iter().peekable();
    a.iter()
        .filter_map(|(replication, measured)| {
            while rest.next_if(|(other, _)| other < replication).is_some() {}
            let (_, other) = rest.next_if(|(other, _)| other == replication)?;
            Some((measured.value?, other.value?))
        })
        .collect()
}

fn own_mean(column: &[(u32, &Measured)]) -> Option<f64> {
    let values: Vec<f64> = column.iter().filter_map(|(_, measured)| measured.value).collect();
    (!values.is_empty()).then(|| Sample::of(&values).mean)
}

/// What may be said of the second variant: see [`Verdict`].
fn verdict(row: &ComparisonRow, rule: Rule, price_a: Option<&Price>, price_b: Option<&Price>) -> Verdict {
    let (Some(p), Some(difference)) = (row.p_holm, row.difference) else {
        return Verdict::None;
    };
    if p >= SIGNIFICANCE || difference == 0.0 {
        return Verdict::NoEvidence;
    }
    let better = match direction(&row.name) {
        Direction::Higher => difference > 0.0,
        Direction::Lower => difference < 0.0,
        Direction::Neutral => return Verdict::None,
    };
    let (winner, loser) = if better {
        (price_b, price_a)
    } else {
        (price_a, price_b)
    };
    let fair = match (rule, winner, loser) {
        (Rule::Plain, ..) => true,
        (Rule::NotDearer, Some(winner), Some(loser)) => winner.total <= loser.total,
        // Without prices nobody knows which is dearer.
        (Rule::NotDearer, ..) => false,
    };
    match (fair, better) {
        (false, _) => Verdict::NoVerdict,
        (true, true) => Verdict::Better,
        (true, false) => Verdict::Worse,
    }
}

/// Key that nobody can fetch lies in the stores, and counts as available: a variant that serves less for want of
/// something other than key looks better for it. So availability is judged only where the served share of the same
/// scope differs the same way, or not at all.
fn availability_needs_service(rows: &mut [ComparisonRow]) {
    let agrees = |row: &ComparisonRow, served: &ComparisonRow| {
        served.name == "served_share"
            && (&served.scope, &served.rests_on) == (&row.scope, &row.rests_on)
            && (served.verdict == row.verdict || served.difference == Some(0.0))
    };
    let doubtful: Vec<usize> = (rows.iter().enumerate())
        .filter(|(_, row)| {
            row.name == "availability"
                && matches!(row.verdict, Verdict::Better | Verdict::Worse)
                && !rows.iter().any(|served| agrees(row, served))
        })
        .map(|(at, _)| at)
        .collect();
    for at in doubtful {
        rows[at].verdict = Verdict::NoVerdict;
    }
}

/// What a pair's rows of the network say together.
fn bottom_line(pair: &Pair, rows: &[ComparisonRow]) -> BottomLine {
    let label = pair.label();
    let with = |verdict: Verdict| -> Vec<String> {
        (rows.iter())
            .filter(|row| row.rests_on == label && row.scope == "network" && row.verdict == verdict)
            .map(|row| row.name.clone())
            .collect()
    };
    let (better, worse) = (with(Verdict::Better), with(Verdict::Worse));
    let (no_evidence, no_verdict) = (with(Verdict::NoEvidence).len(), with(Verdict::NoVerdict).len());
    let (a, b) = (&pair.a, &pair.b);
    // Of what differs without being judged there is evidence.
    let judged = if no_verdict > 0 { " judged" } else { "" };
    let mut text = match (better.as_slice(), worse.as_slice()) {
        ([], []) if no_evidence + no_verdict == 0 => {
            format!(
                "no metric of the network can be judged between {a} and {b}: that takes two paired replications"
            )
        }
        ([], []) => {
            format!("no evidence that {b} is better or worse than {a} in any{judged} metric of the network")
        }
        (better, []) => format!(
            "{b} is better than {a} in {}; no evidence that it is worse in any other{judged} metric of the network",
            better.join(", ")
        ),
        ([], worse) => format!(
            "{b} is worse than {a} in {}; no evidence that it is better in any other{judged} metric of the network",
            worse.join(", ")
        ),
        (better, worse) => format!(
            "{b} is better than {a} in {}, worse in {}",
            better.join(", "),
            worse.join(", ")
        ),
    };
    let open = [
        (no_evidence, "without evidence"),
        (
            no_verdict,
            "not judged: the better side is dearer, or what is served does not bear it out",
        ),
    ];
    for (count, what) in open.into_iter().filter(|(count, _)| *count > 0) {
        text = format!("{text}; {count} {what}");
    }
    BottomLine {
        pair: label,
        better,
        worse,
        no_evidence: no_evidence as u32,
        no_verdict: no_verdict as u32,
        text,
    }
}

#[cfg(test)]
mod tests;
