//! A sequence chart for Mermaid, which GitHub and many editors draw.

use std::fmt::Write as _;

use super::Chart;

/// Draws a `sequenceDiagram`: boxes are the groups, answers are dashed, steps inside one element are notes.
pub fn draw(chart: &Chart) -> String {
    let mut text = format!("---\ntitle: {}\n---\nsequenceDiagram\n", quoted(&chart.title));
    for (group, name) in chart.groups.iter().enumerate() {
        writeln!(text, "  box {}", escaped(name)).expect("strings take text");
        let [from, to] = chart.columns_of(group);
        for at in from..to {
            let name = escaped(&chart.columns[at].name);
            writeln!(text, "    participant p{at} as {name}").expect("strings take text");
        }
        text.push_str("  end\n");
    }
    for row in &chart.rows {
        let [from, to] = row.ends;
        let label = escaped(&format!("{} [{}]", row.label(), row.provenance));
        if row.is_note() {
            writeln!(text, "  Note over p{from}: {label}").expect("strings take text");
        } else {
            let arrow = if row.response { "-->>" } else { "->>" };
            writeln!(text, "  p{from}{arrow}p{to}: {label}").expect("strings take text");
        }
    }
    text
}

/// What would end a line, or begin a comment or an entity, by its number.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '#' => "#35;".to_owned(),
            ';' => "#59;".to_owned(),
            '%' => "#37;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

/// A text in the quotes of the front matter.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
