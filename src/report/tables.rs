//! Tables for the terminal: the summary of a run, and a comparison.

use comfy_table::{
    Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, presets,
};

use super::quantity::{Scale, money};
use crate::archive::{
    Comparison, ComparisonRow, MetricRow, Pair, PointRecord, Summary, SweepRecord, Verdict,
};
use crate::units::counted;

/// How a table may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether verdicts are coloured.
    pub colour: bool,
}

/// Columns of the terminal that standard output is, if it is one.
pub fn terminal_width() -> Option<u16> {
    Table::new().width()
}

/// Rows of scopes below the network that a table shows at most.
pub(super) const DETAIL: usize = 12;

/// The summary of a run: the network's metrics, the demands, what the auditor and the scenario's
/// expectations say.
pub fn summary(summary: &Summary, look: Look) -> String {
    let mut text = String::new();
    say(
        &mut text,
        &format!(
            "{}: {}, seed {}, {}",
            summary.name,
            counted(summary.replications, "replication"),
            summary.seed,
            counted(summary.events, "event")
        ),
    );
    let mut network = table(
        look,
        &["metric", "mean", "95 % interval", "p50 (95 %)", "p99 (95 %)"],
    );
    for row in summary
        .metrics
        .iter()
        .filter(|row| row.scope == "network" && row.mean.is_some())
    {
        network.add_row(metric_cells(row));
    }
    push(&mut text, &network);
    push_demands(&mut text, summary, look);
    text.push('\n');
    for row in &summary.expectations {
        let limits = [("at most", row.at_most), ("at least", row.at_least)];
        let limits: Vec<String> = limits
            .iter()
            .filter_map(|(word, limit)| limit.map(|limit| format!("{word} {limit}")))
            .collect();
        let found = row.mean.map_or("nothing".to_owned(), |mean| mean.to_string());
        let verdict = if row.met { "met" } else { "NOT MET" };
        say(
            &mut text,
            &format!(
                "expected {} of {} {}: {verdict}, found {found}",
                row.metric,
                row.scope,
                limits.join(", ")
            ),
        );
    }
    match summary.broken() {
        None => say(
            &mut text,
            &format!("audit: {} checks passed", summary.audit.len()),
        ),
        Some(row) => say(&mut text, &format!("audit FAILED: {}: {}", row.check, row.detail)),
    }
    text
}

fn metric_cells(row: &MetricRow) -> Vec<Cell> {
    let mean = row.mean.unwrap_or_default();
    let scale = Scale::of(&row.unit, mean);
    let shown = row.shown_quantile_intervals();
    let with_interval = |value: Option<f64>, ends: Option<[f64; 2]>, shown: Option<[f64; 2]>| {
        let Some(value) = value else { return String::new() };
        let scale = Scale::of(&row.unit, value);
        match (ends, shown) {
            (Some(_), Some(_)) => format!("{} ({})", scale.quantity(value), interval(scale, ends)),
            (Some(_), None) => format!("{} (–)", scale.quantity(value)),
            (None, _) => scale.quantity(value),
        }
    };
    vec![
        Cell::new(&row.name),
        Cell::new(scale.quantity(mean)),
        Cell::new(interval(scale, row.ci95)),
        Cell::new(with_interval(row.p50, row.p50_ci95, shown[0])),
        Cell::new(with_interval(row.p99, row.p99_ci95, shown[1])),
    ]
}

/// One line per demand with the metrics that a demand is judged by, and what faults did to it.
fn push_demands(text: &mut String, summary: &Summary, look: Look) {
    const SHOWN: [&str; 5] = [
        "requests",
        "served_share",
        "throughput_bps",
        "kkrd_s",
        "availability",
    ];
    const FAULTS: [&str; 4] = [
        "rerouting_latency_s",
        "service_interruption_s",
        "service_restoration_s",
        "unrestored_interruptions",
    ];
    let mut scopes: Vec<&str> = Vec::new();
    for row in &summary.metrics {
        if row.scope.starts_with("demand:") && !scopes.contains(&row.scope.as_str()) {
            scopes.push(&row.scope);
        }
    }
    for shown in [&SHOWN[..], &FAULTS] {
        let has = |name: &&str| {
            let mut rows = scopes.iter().filter_map(|scope| summary.metric(name, scope));
            rows.any(|row| row.mean.is_some())
        };
        let columns: Vec<&str> = shown.iter().copied().filter(has).collect();
        if columns.is_empty() {
            continue;
        }
        let header: Vec<&str> = std::iter::once("demand").chain(columns.iter().copied()).collect();
        let mut demands = table(look, &header);
        for scope in scopes.iter().take(DETAIL) {
            let mut cells = vec![Cell::new(scope.trim_start_matches("demand:"))];
            cells.extend(columns.iter().map(|name| {
                let row = summary.metric(name, scope);
                let shown =
                    row.and_then(|row| row.mean.map(|mean| Scale::of(&row.unit, mean).quantity(mean)));
                Cell::new(shown.unwrap_or_default())
            }));
            demands.add_row(cells);
        }
        text.push('\n');
        push(text, &demands);
        if scopes.len() > DETAIL {
            say(
                text,
                &format!("… {} more demands in summary.json", scopes.len() - DETAIL),
            );
        }
    }
}

/// A sweep: the network's main metrics at the first points.
pub fn sweep(record: &SweepRecord, points: &[PointRecord], look: Look) -> String {
    const SHOWN: [&str; 4] = [
        "served_share",
        "throughput_bps",
        "kkrd_s",
        "link_key_bits_per_key_bit",
    ];
    let mut text = String::new();
    say(
        &mut text,
        &format!(
            "{}: {} points ({}), seed {}",
            record.name, record.points, record.design, record.seed
        ),
    );
    let paths = record.paths.iter().map(String::as_str);
    let variant = record.compared.then_some("variant");
    let header: Vec<&str> = (std::iter::once("point").chain(paths).chain(variant))
        .chain(SHOWN)
        .collect();
    let mut table = table(look, &header);
    for point in points {
        for (variant, summary) in point.summaries() {
            let values = record.paths.iter().map(|path| point.value(path));
            let values = values.chain(record.compared.then_some(variant)).map(Cell::new);
            let means = SHOWN.map(|name| {
                let row = summary.metric(name, "network");
                let shown =
                    row.and_then(|row| row.mean.map(|mean| Scale::of(&row.unit, mean).quantity(mean)));
                Cell::new(shown.unwrap_or_default())
            });
            table.add_row(std::iter::once(Cell::new(point.point)).chain(values).chain(means));
        }
    }
    push(&mut text, &table);
    let more = record.points as usize - points.len();
    if more > 0 {
        say(&mut text, &format!("… {more} more points in sweep.csv"));
    }
    text
}

/// A comparison: one table per pair, then the prices.
pub fn comparison(comparison: &Comparison, look: Look) -> String {
    let mut text = String::new();
    for pair in &comparison.pairs {
        push_pair(&mut text, comparison, pair, look);
    }
    push_prices(&mut text, comparison, look);
    push_front(&mut text, comparison);
    text += &corrected(comparison);
    text
}

/// How verdicts are corrected, with the numbers of rows that were tested.
pub(super) fn corrected(comparison: &Comparison) -> String {
    let tested = |network: bool| {
        (comparison.metrics.iter())
            .filter(|row| row.p_holm.is_some() && (row.scope == "network") == network)
            .count()
    };
    let (network, parts) = (tested(true), tested(false));
    let others = if parts > 0 {
        format!(", those of its parts for theirs ({parts})")
    } else {
        String::new()
    };
    format!(
        "Intervals are of 95 % and not corrected. Verdicts on the network are corrected (Holm) for the number\nof its rows \
         in all pairs ({network}){others}.\n"
    )
}

fn push_pair(text: &mut String, comparison: &Comparison, pair: &Pair, look: Look) {
    let rows: Vec<&ComparisonRow> = comparison
        .metrics
        .iter()
        .filter(|row| row.a == pair.a && row.b == pair.b)
        .collect();
    let of_network: Vec<&str> = rows
        .iter()
        .filter(|row| row.scope == "network")
        .map(|row| row.name.as_str())
        .collect();
    // A metric that the network as a whole does not have is shown demand by demand.
    let below = rows
        .iter()
        .filter(|row| row.scope.starts_with("demand:") && !of_network.contains(&row.name.as_str()));
    let shown: Vec<&ComparisonRow> = rows
        .iter()
        .filter(|row| row.scope == "network")
        .chain(below.take(DETAIL))
        .copied()
        .filter(|row| row.mean_a.is_some() || row.mean_b.is_some())
        .collect();
    say(
        text,
        &format!(
            "{}: is {} better or worse than {}? ({})",
            pair.label(),
            pair.b,
            pair.a,
            counted(comparison.replications, "paired replication")
        ),
    );
    let difference = format!("{} - {}", pair.b, pair.a);
    let mut table = table(
        look,
        &[
            "metric",
            &pair.a,
            &pair.b,
            &difference,
            "95 % interval",
            &format!("{} is", pair.b),
        ],
    );
    left_aligned(&mut table, 5);
    for row in &shown {
        table.add_row(comparison_cells(row, look));
    }
    push(text, &table);
    if rows.len() > shown.len() {
        say(
            text,
            &format!(
                "… {} more rows of parts of the network in compare.json",
                rows.len() - shown.len()
            ),
        );
    }
    if let Some(line) = comparison
        .bottom_lines
        .iter()
        .find(|line| line.pair == pair.label())
    {
        say(text, &format!("{}.", line.text));
    }
    text.push('\n');
}

fn comparison_cells(row: &ComparisonRow, look: Look) -> Vec<Cell> {
    let side =
        |mean: Option<f64>| mean.map_or(String::new(), |mean| Scale::of(&row.unit, mean).quantity(mean));
    let difference_and_ends = row.difference.into_iter().chain(row.ci95.into_iter().flatten());
    let scale = Scale::of(
        &row.unit,
        difference_and_ends.fold(0.0, |largest, value| value.abs().max(largest)),
    );
    let difference = row.difference.map_or(String::new(), |difference| {
        signed(difference, scale.quantity(difference))
    });
    let name = match row.scope.as_str() {
        "network" => row.name.clone(),
        scope => format!("{} {}", row.name, scope.trim_start_matches("demand:")),
    };
    let mut verdict = Cell::new(row.verdict.name());
    if look.colour {
        verdict = match row.verdict {
            Verdict::Better => verdict.fg(Color::Green),
            Verdict::Worse => verdict.fg(Color::Red),
            Verdict::NoEvidence | Verdict::NoVerdict | Verdict::None => verdict,
        };
    }
    vec![
        Cell::new(name),
        Cell::new(side(row.mean_a)),
        Cell::new(side(row.mean_b)),
        Cell::new(difference),
        Cell::new(interval(scale, row.ci95)),
        verdict,
    ]
}

fn push_front(text: &mut String, comparison: &Comparison) {
    let pareto = &comparison.pareto;
    let front: Vec<&str> = (pareto.points.iter())
        .filter(|point| point.dominated_by.is_empty())
        .map(|point| point.variant.as_str())
        .collect();
    let names: Vec<&str> = pareto
        .objectives
        .iter()
        .map(|objective| objective.name.as_str())
        .collect();
    if !names.is_empty() {
        let (front, names) = (front.join(", "), names.join(", "));
        say(
            text,
            &format!("By the means of {names}, no other variant beats: {front}."),
        );
    }
}

fn push_prices(text: &mut String, comparison: &Comparison, look: Look) {
    if comparison.prices.iter().all(Option::is_none) {
        return;
    }
    say(text, "What the variants are built of:");
    let mut prices = table(look, &BUILT_OF);
    for cells in built_of(comparison) {
        prices.add_row(cells);
    }
    push(text, &prices);
    text.push('\n');
}

/// Columns of what variants are built of.
pub(super) const BUILT_OF: [&str; 8] = [
    "variant",
    "links",
    "modules",
    "key managers",
    "sites",
    "stations",
    "controllers",
    "price",
];

/// What each variant is built of, as cells.
pub(super) fn built_of(comparison: &Comparison) -> impl Iterator<Item = Vec<String>> {
    let variants = comparison.variants.iter().zip(&comparison.prices);
    variants.map(|(variant, price)| {
        let mut cells = vec![variant.clone()];
        if let Some(price) = price {
            let counts = [
                price.links,
                price.modules,
                price.key_managers,
                price.sites,
                price.middle_stations,
                price.controllers,
            ];
            cells.extend(counts.map(|count| count.to_string()));
            cells.push(money(price.total, &price.currency));
        }
        cells
    })
}

/// A thin line across.
const THIN: LineStyle = LineStyle::none().fill('─').junction('─');

/// A table with lines across only, which pastes well into mail and papers.
pub(super) fn table(look: Look, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(
            presets::UTF8_HORIZONTAL_ONLY
                .row_separator(LineStyle::none())
                .header_separator(THIN),
        )
        .set_content_arrangement(ContentArrangement::Dynamic)
        .force_no_tty()
        .set_width(look.width)
        .set_header(header.iter().map(Cell::new));
    if look.colour {
        table.enforce_styling();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
        column.set_cell_alignment(CellAlignment::Right);
    }
    left_aligned(&mut table, 0);
    // Names are not broken: they are looked up and pasted.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// A table of plain cells.
pub fn plain_table(look: Look, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut whole = table(look, header);
    whole.add_rows(rows);
    let mut text = String::new();
    push(&mut text, &whole);
    text
}

pub(super) fn left_aligned(table: &mut Table, index: usize) {
    if let Some(column) = table.column_mut(index) {
        column.set_cell_alignment(CellAlignment::Left);
    }
}

pub(super) fn push(text: &mut String, table: &Table) {
    say(text, &table.trim_fmt());
}

pub(super) fn say(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn interval(scale: Scale<'_>, interval: Option<[f64; 2]>) -> String {
    interval.map_or(String::new(), |[low, high]| {
        format!("{} … {}", scale.number(low), scale.number(high))
    })
}

fn signed(value: f64, text: String) -> String {
    if value > 0.0 { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests;
