//! Tables of a sweep or a comparison for a paper: a row per metric and point, a column per variant and per pair.

use super::quantity::Scale;
use super::slice::{Slice, tail};
use super::tables::Look;
use crate::archive::{ComparisonRow, MetricRow, PointRecord};

/// Metrics that are shown unless others are named.
const SHOWN: [&str; 5] = [
    "served_share",
    "kkrd_s",
    "throughput_bps",
    "rerouting_latency_s",
    "service_interruption_s",
];

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For the terminal.
    Text,
    /// Markdown, as GitHub has it.
    Markdown,
    /// Numbers in base units, as RFC 4180 has it.
    Csv,
}

/// A table of some metrics, all of them with a value and means that differ where none is named.
///
/// # Errors
/// If a metric is measured nowhere, with what there is.
pub fn table(slice: &Slice<'_>, metrics: &[String], form: Form, look: Look) -> Result<String, String> {
    let measured = slice.measured();
    let names: Vec<&str> = if metrics.is_empty() {
        SHOWN.into_iter().filter(|name| measured.contains(name)).collect()
    } else {
        metrics.iter().map(String::as_str).collect()
    };
    for name in &names {
        slice.check(name)?;
    }
    let rows: Vec<Vec<String>> = (names.iter())
        .flat_map(|name| slice.points.iter().map(move |&point| (name, point)))
        .map(|(name, point)| row(slice, name, point, form))
        .collect();
    let header = header(slice, form);
    Ok(match form {
        Form::Csv => csv(&header, &rows),
        Form::Markdown => markdown(&header, &rows),
        Form::Text => {
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            let mut table = super::tables::table(look, &header);
            for row in rows {
                table.add_row(row);
            }
            format!("{table}\n")
        }
    })
}

fn header(slice: &Slice<'_>, form: Form) -> Vec<String> {
    let mut header = vec!["metric".to_owned()];
    let csv = form == Form::Csv;
    header.extend(slice.free.iter().map(|(path, _)| {
        if csv {
            (*path).to_owned()
        } else {
            tail(path).to_owned()
        }
    }));
    if csv {
        header.push("unit".to_owned());
    }
    for variant in slice.variants() {
        let of = if variant.is_empty() { "mean" } else { variant };
        header.push(of.to_owned());
        if csv {
            header.extend(["ci95_low", "ci95_high", "p50", "p99"].map(|what| format!("{of} {what}")));
        }
    }
    for pair in slice.pairs() {
        header.push(pair.clone());
        if csv {
            header.extend(["ci95_low", "ci95_high", "verdict"].map(|what| format!("{pair} {what}")));
        }
    }
    header
}

fn row(slice: &Slice<'_>, name: &str, point: &PointRecord, form: Form) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    cells.extend(slice.free.iter().map(|(path, _)| point.value(path).to_owned()));
    let variants = slice.variants();
    let of_variants: Vec<Option<&MetricRow>> = (variants.iter())
        .map(|variant| slice.metric(find(slice, point), variant, name))
        .collect();
    let known = || of_variants.iter().flatten();
    let unit = known().next().map_or("", |row| row.unit.as_str());
    if form == Form::Csv {
        cells.push(unit.to_owned());
        for row in &of_variants {
            let ends = row.and_then(|row| row.ci95);
            cells.extend([
                plain(row.and_then(|row| row.mean)),
                plain(ends.map(|ends| ends[0])),
                plain(ends.map(|ends| ends[1])),
                plain(row.and_then(|row| row.p50)),
                plain(row.and_then(|row| row.p99)),
            ]);
        }
        for pair in slice.pairs() {
            let row = slice.difference(find(slice, point), &pair, name);
            let ends = row.and_then(|row| row.ci95);
            cells.extend([
                plain(row.and_then(|row| row.difference)),
                plain(ends.map(|ends| ends[0])),
                plain(ends.map(|ends| ends[1])),
                row.map_or(String::new(), |row| row.verdict.name().to_owned()),
            ]);
        }
        return cells;
    }
    let largest = known()
        .filter_map(|row| row.mean)
        .fold(0.0_f64, |most, mean| most.max(mean.abs()));
    let scale = Scale::of(unit, largest);
    cells.extend(of_variants.iter().map(|row| mean(*row, scale)));
    for pair in slice.pairs() {
        let row = slice.difference(find(slice, point), &pair, name);
        cells.push(difference(row, scale));
    }
    cells
}

/// The point as the slice has it, for as long as the slice lives.
fn find<'a>(slice: &Slice<'a>, point: &PointRecord) -> &'a PointRecord {
    let known = slice.points.iter().find(|known| known.point == point.point);
    known.expect("rows are of the slice's points")
}

fn plain(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// `12.35 ± 0.12 ms`.
fn mean(row: Option<&MetricRow>, scale: Scale) -> String {
    let Some(row) = row else { return "–".to_owned() };
    let Some(mean) = row.mean else {
        return "–".to_owned();
    };
    match row.ci95 {
        Some([low, high]) if high > low => {
            let half = (high - low) / 2.0;
            let unit = scale.quantity(half);
            format!("{} ± {unit}", scale.number(mean))
        }
        _ => scale.quantity(mean),
    }
}

/// `-1.2 ms (-1.4 to -1.0): better`.
fn difference(row: Option<&ComparisonRow>, scale: Scale) -> String {
    let Some((row, difference)) = row.and_then(|row| Some((row, row.difference?))) else {
        return "–".to_owned();
    };
    let ends = row
        .ci95
        .filter(|[low, high]| high > low)
        .map_or(String::new(), |[low, high]| {
            format!(" ({} to {})", scale.number(low), scale.number(high))
        });
    format!("{}{ends}: {}", scale.quantity(difference), row.verdict.name())
}

fn csv(header: &[String], rows: &[Vec<String>]) -> String {
    let quoted = |cell: &String| {
        if cell.contains([',', '"', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let line = |cells: &[String]| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .map(line)
        .collect()
}

fn markdown(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(header.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(header) + &rule + &rows
}
