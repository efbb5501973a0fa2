//! A heat map: one value per cell of two axes.

use std::fmt::Write as _;

use super::frame::{escaped, open};
use super::plane::number;
use super::{Mark, Picture, short};

/// One cell: its value, what stands in it, what it says, and its place in the legend where colours are not for values.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub value: f64,
    pub label: String,
    pub text: String,
    pub category: Option<usize>,
}

/// What is drawn: a value per row and column.
#[derive(Clone, Debug)]
pub(super) struct Heat {
    pub id: String,
    pub title: String,
    pub note: String,
    /// Names of the axes: across, up.
    pub axes: [String; 2],
    pub columns: Vec<String>,
    pub rows: Vec<String>,
    pub cells: Vec<Vec<Option<Cell>>>,
    /// Whether colours go by the logarithm of values, which are all positive.
    pub logarithmic: bool,
    /// What categories mean, with their colours; none where colours are for values.
    pub legend: Vec<(String, (u8, u8, u8))>,
}

/// How wide a character of a label is, at most.
const CHARACTER: f64 = 6.3;

/// Ends and middle of the scale, dark to light: the viridis map of Matplotlib at 0, 1/4, 1/2, 3/4 and 1.
const SCALE: [[f64; 3]; 5] = [
    [68.0, 1.0, 84.0],
    [59.0, 82.0, 139.0],
    [33.0, 145.0, 140.0],
    [94.0, 201.0, 98.0],
    [253.0, 231.0, 37.0],
];

/// The colour of a share of the scale, and whether text on it is dark.
pub(super) fn colour(share: f64) -> (String, bool) {
    let place = share.clamp(0.0, 1.0) * 4.0;
    let at = (libm::floor(place) as usize).min(3);
    let part = place - at as f64;
    let [r, g, b] =
        [0, 1, 2].map(|tone| libm::round(SCALE[at][tone] * (1.0 - part) + SCALE[at + 1][tone] * part) as u8);
    (hexadecimal((r, g, b)), share > 0.55)
}

fn hexadecimal((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

impl Heat {
    /// Draws it, the first row at the bottom.
    ///
    /// # Errors
    /// If no cell has a value.
    pub(super) fn draw(self) -> Result<Picture, String> {
        let values = || self.cells.iter().flatten().flatten().map(|cell| cell.value);
        let (low, high) = (
            values().fold(f64::MAX, f64::min),
            values().fold(f64::MIN, f64::max),
        );
        if high < low {
            return Err("there is nothing to draw".to_owned());
        }
        let (columns, rows) = (self.columns.len() as f64, self.rows.len() as f64);
        let cell = [
            (700.0 / columns).clamp(14.0, 110.0),
            (360.0 / rows).clamp(14.0, 46.0),
        ];
        // Labels that would run into each other are left out, all of them.
        let labels = self
            .cells
            .iter()
            .flatten()
            .flatten()
            .map(|cell| cell.label.chars().count());
        let labelled = labels.max().unwrap_or(0) as f64 * CHARACTER + 4.0 <= cell[0];
        // Where on the scale a value is, and the value at a place of it.
        let scaled = |value: f64| if self.logarithmic { libm::log(value) } else { value };
        let back = |value: f64| if self.logarithmic { libm::exp(value) } else { value };
        let (from, to) = (scaled(low), scaled(high));
        let (left, top) = (130.0, 58.0);
        let (width, height) = (left + columns * cell[0] + 120.0, top + rows * cell[1] + 62.0);
        let mut svg = open(&self.title, width.max(620.0), height);
        let mut marks = Vec::new();
        for (row, cells) in self.cells.iter().enumerate() {
            let y = top + (rows - 1.0 - row as f64) * cell[1];
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"12\" fill=\"#000000\">{}</text>",
                left - 6.0,
                y + cell[1] / 2.0 + 4.0,
                escaped(&short(&self.rows[row], 12))
            );
            for (column, content) in cells.iter().enumerate() {
                let x = left + column as f64 * cell[0];
                let Some(Cell {
                    value,
                    label,
                    text,
                    category,
                }) = content
                else {
                    continue;
                };
                let (fill, dark) = match category.and_then(|at| self.legend.get(at)) {
                    Some(&(_, tone)) => (hexadecimal(tone), false),
                    None if high > low => colour((scaled(*value) - from) / (to - from)),
                    None => colour(0.5),
                };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>",
                    cell[0], cell[1]
                );
                if labelled {
                    let _ = writeln!(
                        svg,
                        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"{}\">{}</text>",
                        x + cell[0] / 2.0,
                        y + cell[1] / 2.0 + 4.0,
                        if dark { "#101010" } else { "#fdfdfd" },
                        escaped(label)
                    );
                }
                marks.push(Mark {
                    x: (x + cell[0] / 2.0) as i32,
                    y: (y + cell[1] / 2.0) as i32,
                    text: text.clone(),
                });
            }
        }
        let foot = top + rows * cell[1];
        let every = (46.0 / cell[0]).ceil() as usize;
        for (column, name) in self.columns.iter().enumerate().step_by(every) {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"12\" fill=\"#000000\">{}</text>",
                left + (column as f64 + 0.5) * cell[0],
                foot + 16.0,
                escaped(&short(name, 12))
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"13\" fill=\"#000000\">{}</text>\n\
             <text x=\"12\" y=\"46\" font-size=\"13\" fill=\"#000000\">upwards: {}</text>",
            left + columns * cell[0] / 2.0,
            foot + 42.0,
            escaped(&self.axes[0]),
            escaped(&short(&self.axes[1], 80)),
        );
        let x = left + columns * cell[0] + 18.0;
        for (at, (name, tone)) in self.legend.iter().enumerate() {
            let y = top + 20.0 * at as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" fill=\"{}\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#000000\">{}</text>",
                hexadecimal(*tone),
                x + 19.0,
                y + 11.0,
                escaped(name)
            );
        }
        let steps = if self.legend.is_empty() { 6 } else { 0 };
        for step in 0..steps {
            let share = f64::from(step) / f64::from(steps - 1);
            let y = foot - 18.0 - share * (rows * cell[1] - 18.0).clamp(60.0, 160.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" fill=\"{}\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#000000\">{}</text>",
                colour(share).0,
                x + 19.0,
                y + 11.0,
                number(back(from + share * (to - from)))
            );
        }
        svg.push_str("</svg>\n");
        Ok(Picture {
            id: self.id,
            title: self.title,
            note: self.note,
            svg,
            marks,
        })
    }
}
