//! Variants against each other, replication by replication.
//!
//! Variants face the same random numbers, so replication r of one is paired with replication r of the
//! other. Every metric and scope of every pair of variants is one row and one paired t-test. p-values are
//! corrected (Holm) within two families: the rows of the network as a whole, of all pairs, which tables show; and all rows of
//! its parts. So what is asked of the parts costs the network's rows no power.

mod front;

use std::fmt::Write as _;

use crate::archive::{
    BottomLine, Comparison, ComparisonRow, OfVariants, Pair, Price, Remark, Rule, SCHEMA_VERSION, Verdict,
};
use crate::observe::metrics::{Direction, direction};
use crate::observe::outcome::{Measured, Outcome};

use front::{OBJECTIVES, pareto};

use super::run::{COST, Columns};
use super::statistics::{Paired, SIGNIFICANCE, Sample, holm, nearest_rank, paired};

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
            let of_cost = row.name == COST;
            if let Some(price) = a.price.filter(|_| of_cost) {
                row.unit.clone_from(&price.currency);
            }
            if let [Some(here), Some(there)] =
                [a.price, b.price].map(|price| price.map(|price| &price.currency))
                && here != there
            {
                // What costs more nobody can say.
                if of_cost {
                    row.unit = format!("{here} | {there}");
                    (row.difference, row.ci95) = (None, None);
                }
                rows.push((row, pair.rule, None, None));
                raw.push(p.filter(|_| !of_cost));
                continue;
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
        bottom_lines: (pairs.iter())
            .map(|pair| bottom_line(pair, &metrics, [&pair.a, &pair.b].map(|side| find(side).price)))
            .collect(),
        pareto: pareto(sides),
        metrics,
        warnings: of_currencies(sides).into_iter().collect(),
    }
}

/// How far the differences of all pairs in a metric are from being known: half the interval over the mean of the earlier
/// variant, the worst of them; `None` where a pair has no interval, 0 where nothing varies.
pub fn difference_half_width(comparison: &Comparison, metric: &str, scope: &str) -> Option<f64> {
    let half = |row: &ComparisonRow| {
        let (mean, [low, high]) = (row.mean_a?, row.ci95?);
        Some(if high > low {
            (high - low) / 2.0 / mean.abs()
        } else {
            0.0
        })
    };
    let halves: Option<Vec<f64>> = comparison.of(metric, scope).map(half).collect();
    halves?.into_iter().reduce(f64::max)
}

/// What to know where not all prices are in one currency.
fn of_currencies(sides: &[Side<'_>]) -> Option<OfVariants> {
    let priced: Vec<_> = (sides.iter())
        .filter_map(|side| Some((side.name.to_owned(), side.price?.currency.as_str())))
        .collect();
    let differ = priced.iter().any(|(_, currency)| *currency != priced[0].1);
    differ.then(|| OfVariants {
        variants: priced.iter().map(|(name, _)| name.clone()).collect(),
        remark: Remark {
            kind: "currencies".to_owned(),
            text: format!(
                "prices are in {}: which costs more is not judged",
                priced
                    .iter()
                    .map(|(_, currency)| *currency)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        },
    })
}

/// The metric whose quantiles are compared beside its mean: in each replication the value that so many per cent of its
/// samples do not exceed, where it has a hundred.
const QUANTILES_OF: (&str, [(u8, &str); 2]) = ("kkrd_s", [(50, "kkrd_s.p50"), (99, "kkrd_s.p99")]);

/// A value of each replication, in ascending order; not every replication has one.
type Column = Vec<(u32, Option<f64>)>;

/// One row per metric and scope of either variant, without its verdict, and its raw p-value.
fn rows_of(pair: &Pair, a: &[Outcome], b: &[Outcome]) -> Vec<(ComparisonRow, Option<f64>)> {
    let (a, b) = (Columns::of(a), Columns::of(b));
    let of_a = a.rows().map(|(key, column)| (key, column[0].1.unit));
    let only_of_b = b
        .rows()
        .filter(|((name, scope), _)| a.get(name, scope).is_empty())
        .map(|(key, column)| (key, column[0].1.unit));
    let mut rows = Vec::new();
    for ((name, scope), unit) in of_a.chain(only_of_b) {
        let columns = [&a, &b].map(|side| side.get(name, scope));
        let means = columns.map(|column| column.iter().map(|(at, it)| (*at, it.value)).collect());
        rows.push(row(pair, (name, scope, unit), means));
        if name == QUANTILES_OF.0 {
            for (percent, name) in QUANTILES_OF.1 {
                let quantiles = columns.map(|column| quantiles(column, percent));
                let any = quantiles.iter().flatten().any(|(_, value)| value.is_some());
                rows.extend(any.then(|| row(pair, (name, scope, unit), quantiles)));
            }
        }
    }
    rows
}

fn quantiles(column: &[(u32, &Measured)], percent: u8) -> Column {
    let of = |measured: &Measured| {
        let enough = measured.samples_ns.len() >= 100;
        let [found] = nearest_rank(measured.samples_ns.iter().copied().filter(|_| enough), [percent]);
        found.map(|ns| ns as f64 / 1e9)
    };
    column.iter().map(|(at, measured)| (*at, of(measured))).collect()
}

fn row(
    pair: &Pair,
    (name, scope, unit): (&str, &str, &str),
    [a, b]: [Column; 2],
) -> (ComparisonRow, Option<f64>) {
    let test = paired(&join(&a, &b));
    let row = ComparisonRow {
        name: name.to_owned(),
        scope: scope.to_owned(),
        unit: unit.to_owned(),
        a: pair.a.clone(),
        b: pair.b.clone(),
        mean_a: test.map_or_else(|| own_mean(&a), |test| Some(test.mean_a)),
        mean_b: test.map_or_else(|| own_mean(&b), |test| Some(test.mean_b)),
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
}

/// The values of the replications in which both have one. Columns are in ascending order of replications.
fn join(a: &Column, b: &Column) -> Vec<(f64, f64)> {
    let mut rest = b.iter().peekable();
    a.iter()
        .filter_map(|(replication, value)| {
            while rest.next_if(|(other, _)| other < replication).is_some() {}
            let (_, other) = rest.next_if(|(other, _)| other == replication)?;
            Some(((*value)?, (*other)?))
        })
        .collect()
}

fn own_mean(column: &Column) -> Option<f64> {
    let values: Vec<f64> = column.iter().filter_map(|(_, value)| *value).collect();
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
    let prices = if better {
        [price_b, price_a]
    } else {
        [price_a, price_b]
    };
    match (is_fair(rule, prices), better) {
        (false, _) => Verdict::NoVerdict,
        (true, true) => Verdict::Better,
        (true, false) => Verdict::Worse,
    }
}

/// Whether a difference may be judged: by the prices of the better side and of the other.
fn is_fair(rule: Rule, prices: [Option<&Price>; 2]) -> bool {
    match (rule, prices) {
        (Rule::Plain, _) => true,
        (Rule::NotDearer, [Some(winner), Some(loser)]) => winner.total <= loser.total,
        // Without prices nobody knows which is dearer.
        (Rule::NotDearer, _) => false,
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

/// A difference to three digits, with its sign and unit.
fn signed(difference: f64, unit: &str) -> String {
    let digits = 2.0 - libm::floor(libm::log10(difference.abs()));
    let scale = libm::pow(10.0, digits);
    let value = libm::round(difference * scale) / scale;
    let unit = if unit == "1" {
        String::new()
    } else {
        format!(" {unit}")
    };
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign}{:.*}{unit}", digits.max(0.0) as usize, value.abs())
}

/// A sum of money in whole units, by thousands.
fn grouped(sum: f64) -> String {
    let digits = format!("{sum:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Metrics of differences without a verdict that are named; of the others there is the number.
const NAMED: usize = 4;

/// Where one side is better and no verdict says so, because it is dearer or nobody knows: a clause for each such side, and
/// of how many rows they speak. What planners weigh comes first.
fn better_but_dearer(pair: &Pair, rows: &[&ComparisonRow], prices: [Option<&Price>; 2]) -> (String, usize) {
    let mut text = String::new();
    let mut said = 0;
    for (side, name) in [(1, pair.b.as_str()), (0, pair.a.as_str())] {
        let is_better = |row: &&&ComparisonRow| match direction(&row.name) {
            Direction::Higher => row.difference.is_some_and(|by| (by > 0.0) == (side == 1)),
            Direction::Lower => row.difference.is_some_and(|by| (by < 0.0) == (side == 1)),
            Direction::Neutral => false,
        };
        let own = [prices[side], prices[1 - side]];
        if is_fair(pair.rule, own) {
            continue;
        }
        let mut found: Vec<&ComparisonRow> = rows.iter().filter(is_better).copied().collect();
        let weight = |name: &str| OBJECTIVES.iter().position(|other| *other == name);
        found.sort_by_key(|row| weight(&row.name).unwrap_or(OBJECTIVES.len()));
        if found.is_empty() {
            continue;
        }
        said += found.len();
        let by = |row: &ComparisonRow| {
            let by = row.difference.unwrap_or_default();
            // Of what is better in the earlier variant the difference is that variant's own.
            let by = if side == 1 { by } else { -by };
            format!("{} ({})", row.name, signed(by, &row.unit))
        };
        let named: Vec<String> = found.iter().take(NAMED).map(|row| by(row)).collect();
        let more = match found.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let why = match own {
            [Some(winner), Some(loser)] if winner.currency == loser.currency => {
                format!(
                    "dearer by {} {}",
                    grouped(winner.total - loser.total),
                    winner.currency
                )
            }
            _ => "which is dearer is not known".to_owned(),
        };
        let named = named.join(", ");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "; {name} is better in {named}{more}, but {why}, so there is no verdict"
        );
    }
    (text, said)
}

/// What a pair's rows of the network say together.
fn bottom_line(pair: &Pair, rows: &[ComparisonRow], prices: [Option<&Price>; 2]) -> BottomLine {
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
    let unjudged: Vec<&ComparisonRow> = (rows.iter())
        .filter(|row| row.rests_on == label && row.scope == "network" && row.verdict == Verdict::NoVerdict)
        .collect();
    let (dearer, said) = better_but_dearer(pair, &unjudged, prices);
    text += &dearer;
    let open = [
        (no_evidence, "without evidence"),
        (
            no_verdict - said,
            "not judged: what is served does not bear it out",
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
