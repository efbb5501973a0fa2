//! A sequence chart as text: lifelines by number, a legend of who they are, an arrow per message.

use std::fmt::Write as _;

use super::{Chart, Row, since};

/// Characters from one lifeline to the next.
const PITCH: usize = 4;

/// Draws the ladder. Lines are as wide as the lifelines need; what is said stands to their right.
pub fn draw(chart: &Chart) -> String {
    let mut text = format!("{}\n\n", chart.title);
    for (group, name) in chart.groups.iter().enumerate() {
        let [from, to] = chart.columns_of(group);
        let members: Vec<String> = (from..to)
            .map(|at| format!("{} {}", at + 1, chart.columns[at].name))
            .collect();
        writeln!(text, "{name}: {}", members.join(", ")).expect("strings take text");
    }
    text.push_str("---> message   - -> answer   * inside one element   | between groups\n\n");
    let mut numbers = String::new();
    for (at, column) in chart.columns.iter().enumerate() {
        let mark = if column.border { "'" } else { "" };
        write!(numbers, "{:<PITCH$}", format!("{}{mark}", at + 1)).expect("strings take text");
    }
    let width = chart.columns.len() * PITCH;
    writeln!(
        text,
        "{:>12}  {numbers:width$} step prov. {:<7} message  (' at the border)",
        "after", "point"
    )
    .expect("strings take text");
    for row in &chart.rows {
        writeln!(
            text,
            "{:>12}  {} {:<4} {:<5} {:<7} {}",
            since(row.after_ns),
            lifelines(chart, row),
            row.step,
            abbreviated(&row.provenance),
            row.reference_point.as_deref().unwrap_or("–"),
            row.message,
        )
        .expect("strings take text");
    }
    text
}

/// A row of lifelines with its arrow.
fn lifelines(chart: &Chart, row: &Row) -> String {
    let mut line = vec![' '; chart.columns.len() * PITCH];
    for (at, column) in chart.columns.iter().enumerate() {
        line[at * PITCH] = ':';
        if at > 0 && chart.columns[at - 1].group != column.group {
            line[at * PITCH - PITCH / 2] = '|';
        }
    }
    let [from, to] = row.ends.map(|end| end * PITCH);
    if row.is_note() {
        line[from] = '*';
        return line.into_iter().collect();
    }
    let (left, right) = (from.min(to), from.max(to));
    for (at, place) in line.iter_mut().enumerate().take(right).skip(left + 1) {
        *place = if row.response && at % 2 == 0 { ' ' } else { '-' };
    }
    line[from] = '+';
    line[to] = if from < to { '>' } else { '<' };
    line.into_iter().collect()
}

/// `text`, `anal.`, `inf.`: the ladder is narrow.
fn abbreviated(provenance: &str) -> &str {
    match provenance {
        "analogue" => "anal.",
        "inferred" => "inf.",
        other => other,
    }
}
