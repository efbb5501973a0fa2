//! A sequence chart as one self-contained SVG, in the manner of Y.3818's Figures 9–14.

use std::fmt::Write as _;

use super::{Chart, Row, since};
use crate::architecture::Layer;

/// Distances \[px\].
const GUTTER: f64 = 92.0;
const PITCH: f64 = 104.0;
const MARGIN: f64 = 14.0;
const ROW: f64 = 27.0;
const HEAD: f64 = 146.0;
/// No chart is narrower: the key below it needs this much \[px\].
const NARROWEST: f64 = 880.0;
/// Width of a letter of the labels, on the safe side \[px\].
const LETTER: f64 = 6.1;

const STYLE: &str = "\
.chart text{font:11px 'DejaVu Sans',Verdana,sans-serif;fill:#1a1a1a}\
.chart .title{font-size:14px;font-weight:bold}\
.chart .group{font-size:12px;font-weight:bold}\
.chart .time,.chart .layer{font-size:9px;fill:#555}\
.chart .label{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
.chart .analogue{fill:#0b559f}.chart .inferred{fill:#8a5a00}\
.chart .life{stroke:#b5b5b5}.chart .arrow{stroke:#333;stroke-width:1.2}\
.chart .answer{stroke-dasharray:5 3}.chart .box{fill:#fff;stroke:#555}.chart .border{fill:#fff1d6}\
.chart .note{fill:#f4f4f4;stroke:#999}";

/// Draws the chart.
pub fn draw(chart: &Chart) -> String {
    let labels = chart.rows.iter().map(|row| width_of(&row.label()));
    let widest = labels.fold(width_of(&chart.title), f64::max);
    let columns = GUTTER + chart.columns.len() as f64 * PITCH;
    let width = columns.max(GUTTER + widest + 8.0).max(NARROWEST) + MARGIN;
    let height = HEAD + chart.rows.len() as f64 * ROW + 44.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" class=\"chart\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"chart-head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" fill=\"#333\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"22\">{title}</text>\n",
        title = escaped(&chart.title),
    );
    groups(&mut svg, chart, height);
    heads(&mut svg, chart, height);
    for (number, row) in chart.rows.iter().enumerate() {
        draw_row(&mut svg, row, HEAD + (number as f64 + 1.0) * ROW, width);
    }
    let foot = height - 12.0;
    writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{foot}\">Step, reference point, message. Source: the Recommendation's text, \
         <tspan class=\"analogue\">a sister standard (a)</tspan>, <tspan class=\"inferred\">inferred (i)</tspan>. \
         Dashed: answers. Shaded heads: at the border.</text>\n</svg>"
    )
    .expect("strings take text");
    svg
}

fn centre(column: usize) -> f64 {
    GUTTER + (column as f64 + 0.5) * PITCH
}

fn width_of(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// Frames around the columns of each QKDN and interworking node, with their layers.
fn groups(svg: &mut String, chart: &Chart, height: f64) {
    for (group, name) in chart.groups.iter().enumerate() {
        let [from, to] = chart.columns_of(group);
        let (x, width) = (
            GUTTER + from as f64 * PITCH + 3.0,
            (to - from) as f64 * PITCH - 6.0,
        );
        let frame = height - 66.0;
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"34\" width=\"{width}\" height=\"{frame}\" rx=\"6\" fill=\"{}\"/>\n\
             <text class=\"group\" x=\"{}\" y=\"52\" text-anchor=\"middle\">{}</text>",
            if group % 2 == 0 { "#f3f7fb" } else { "#fbf8f0" },
            x + width / 2.0,
            escaped(name),
        )
        .expect("strings take text");
    }
}

/// Heads and lifelines; over each run of columns of one layer, its name.
fn heads(svg: &mut String, chart: &Chart, height: f64) {
    let mut at = 0;
    while at < chart.columns.len() {
        let key = |column: usize| (chart.columns[column].group, chart.columns[column].layer);
        let end = (at..chart.columns.len())
            .find(|&next| key(next) != key(at))
            .unwrap_or(chart.columns.len());
        let middle = f64::midpoint(centre(at), centre(end - 1));
        writeln!(
            svg,
            "<text class=\"layer\" x=\"{middle}\" y=\"70\" text-anchor=\"middle\">{}</text>",
            layer(chart.columns[at].layer)
        )
        .expect("strings take text");
        at = end;
    }
    for (at, column) in chart.columns.iter().enumerate() {
        let x = centre(at);
        let lines = wrapped(&column.name, 15);
        let class = if column.border { "box border" } else { "box" };
        writeln!(
            svg,
            "<line class=\"life\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\"/>\n\
             <rect class=\"{class}\" x=\"{}\" y=\"78\" width=\"{}\" height=\"54\" rx=\"3\"/>",
            HEAD - 14.0,
            height - 40.0,
            x - PITCH / 2.0 + 5.0,
            PITCH - 10.0,
        )
        .expect("strings take text");
        let top = 105.0 - (lines.len() as f64 - 1.0) * 6.5 + 4.0;
        for (line, text) in lines.iter().enumerate() {
            writeln!(
                svg,
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" style=\"font-size:10px\">{}</text>",
                top + line as f64 * 13.0,
                escaped(text)
            )
            .expect("strings take text");
        }
    }
}

fn draw_row(svg: &mut String, row: &Row, y: f64, width: f64) {
    writeln!(
        svg,
        "<text class=\"time\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        GUTTER - 6.0,
        y + 3.0,
        since(row.after_ns)
    )
    .expect("strings take text");
    let [from, to] = row.ends.map(centre);
    let mark = match row.provenance.as_str() {
        "analogue" => " (a)",
        "inferred" => " (i)",
        _ => "",
    };
    let label = format!("{}{mark}", row.label());
    let half = width_of(&label) / 2.0;
    // A label is centred on its arrow, moved so far that it stays on the page.
    let (lowest, highest) = (GUTTER + 8.0 + half, width - MARGIN - half);
    let x = f64::midpoint(from, to).min(highest).max(lowest);
    if row.is_note() {
        writeln!(
            svg,
            "<rect class=\"note\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"17\" rx=\"3\"/>\n\
             <text class=\"{}\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x - half - 5.0,
            y - 13.0,
            2.0 * half + 10.0,
            row.provenance,
            y - 1.0,
            escaped(&label),
        )
        .expect("strings take text");
        return;
    }
    let class = if row.response { "arrow answer" } else { "arrow" };
    writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" marker-end=\"url(#chart-head)\"/>\n\
         <text class=\"label {}\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        row.provenance,
        y - 5.0,
        escaped(&label),
    )
    .expect("strings take text");
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Quantum => "quantum layer",
        Layer::KeyManagement => "key management layer",
        Layer::Control => "control layer",
        Layer::Management => "management layer",
        Layer::UserNetworkManagement => "user network management",
        Layer::Service => "service layer",
    }
}

/// A name in lines of at most so many letters, broken at blanks and slashes where there are any.
fn wrapped(name: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive([' ', '/', '-']) {
        let letters: Vec<char> = part.chars().collect();
        for piece in letters.chunks(most) {
            let line = lines.last_mut().expect("there is always one");
            if line.chars().count() + piece.len() > most && !line.is_empty() {
                lines.push(piece.iter().collect());
            } else {
                line.extend(piece);
            }
        }
    }
    // Four lines fit into a head.
    if lines.len() > 4 {
        lines.truncate(4);
        lines[3].push('…');
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
