//! Rows of bars: stages stacked from left to right, or intervals around a point.

use plotters::prelude::*;

use super::frame::{failed, page};
use super::plane::number;
use super::{COLOURS, Mark, Picture, SIZE, pixels, short};

/// A part of a bar: its name's number, where it begins and ends, what it says.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: usize,
    pub ends: [f64; 2],
    pub text: String,
    /// An interval with this point, instead of a bar.
    pub point: Option<f64>,
}

/// What is drawn: rows from top to bottom.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub id: String,
    pub title: String,
    pub note: String,
    pub label: String,
    /// Names of parts and their colours' numbers, for the legend.
    pub names: Vec<(String, usize)>,
    pub lines: Vec<Line>,
}

/// A row: its name, its parts, and what stands behind the last of them.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub name: String,
    pub parts: Vec<Part>,
    pub after: String,
}

impl Line {
    /// A row with nothing behind its parts.
    pub(super) fn of(name: String, parts: Vec<Part>) -> Line {
        Line {
            name,
            parts,
            after: String::new(),
        }
    }
}

/// Names whose colours are numbered in their order.
pub(super) fn in_order(names: impl IntoIterator<Item = String>) -> Vec<(String, usize)> {
    names.into_iter().zip(0..).collect()
}

const ROW: i32 = 24;

impl Rows {
    /// Draws them.
    ///
    /// # Errors
    /// If there is nothing to draw.
    pub(super) fn draw(self) -> Result<Picture, String> {
        let parts = || self.lines.iter().flat_map(|line| &line.parts);
        let (low, high) = parts()
            .flat_map(|part| part.ends)
            .fold((0.0_f64, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        if high <= low {
            return Err("there is nothing to draw".to_owned());
        }
        let words = self.lines.iter().any(|line| !line.after.is_empty());
        let room = if words { 0.35 } else { 0.04 } * (high - low);
        let (low, high) = (if low < 0.0 { low - room } else { low }, high + room);
        let height = 110 + (ROW * pixels(self.lines.len())).max(20 * pixels(self.names.len()));
        // As much room for names as the longest takes, within bounds.
        let longest = self.lines.iter().map(|line| line.name.chars().count()).max();
        let letters = longest.unwrap_or(0).clamp(26, 46);
        let longest = self.names.iter().map(|(name, _)| name.chars().count()).max();
        let legend = longest.unwrap_or(0).clamp(16, 34);
        let (left, right) = (
            18 + 7 * pixels(letters),
            SIZE.0.cast_signed() - 48 - 7 * pixels(legend),
        );
        let (top, bottom) = (40, height - 60);
        let x = |value: f64| left + ((value - low) / (high - low) * f64::from(right - left)) as i32;
        let mut marks = Vec::new();
        let svg = page(&self.title, (SIZE.0, height.cast_unsigned()), |area| {
            let label = ("sans-serif", 13).into_font().color(&BLACK);
            let line = |ends: [(i32, i32); 2], colour: RGBColor| {
                area.draw(&PathElement::new(ends, colour)).map_err(failed)
            };
            let step = step(high - low);
            let first = libm::ceil(low / step) as i64;
            for at in first..=(libm::floor(high / step) as i64) {
                let value = at as f64 * step;
                let at = x(value);
                let tone = if value == 0.0 {
                    BLACK
                } else {
                    RGBColor(225, 225, 225)
                };
                line([(at, top), (at, bottom)], tone)?;
                let text = number(value);
                area.draw_text(&text, &label, (at - 3 * pixels(text.len()), bottom + 6))
                    .map_err(failed)?;
            }
            area.draw_text(&self.label, &label, (left, bottom + 28))
                .map_err(failed)?;
            for (at, Line { name, parts, after }) in self.lines.iter().enumerate() {
                let y = top + ROW * pixels(at) + ROW / 2;
                area.draw_text(&short(name, letters), &label, (8, y - 6))
                    .map_err(failed)?;
                for part in parts {
                    let (r, g, b) = COLOURS[part.name % COLOURS.len()];
                    let tone = RGBColor(r, g, b);
                    let [from, to] = part.ends.map(x);
                    if let Some(point) = part.point {
                        area.draw(&PathElement::new([(from, y), (to, y)], tone.stroke_width(3)))
                            .map_err(failed)?;
                        for end in [from, to] {
                            area.draw(&PathElement::new(
                                [(end, y - 4), (end, y + 4)],
                                tone.stroke_width(2),
                            ))
                            .map_err(failed)?;
                        }
                        area.draw(&Circle::new((x(point), y), 5, tone.filled()))
                            .map_err(failed)?;
                    } else {
                        area.draw(&Rectangle::new(
                            [(from, y - 8), (to.max(from + 1), y + 8)],
                            tone.filled(),
                        ))
                        .map_err(failed)?;
                    }
                    let middle = part.point.map_or(i32::midpoint(from, to), x);
                    marks.push(Mark {
                        x: middle,
                        y,
                        text: format!("{name}\n{}", part.text),
                    });
                }
                let end = parts.last().map_or(left, |part| x(part.ends[1]));
                area.draw_text(after, &label, (end + 6, y - 6)).map_err(failed)?;
            }
            for (at, (name, colour)) in self.names.iter().enumerate() {
                let (r, g, b) = COLOURS[colour % COLOURS.len()];
                let y = top + 20 * pixels(at);
                let swatch = Rectangle::new(
                    [(right + 20, y), (right + 34, y + 10)],
                    RGBColor(r, g, b).filled(),
                );
                area.draw(&swatch).map_err(failed)?;
                area.draw_text(&short(name, legend), &label, (right + 40, y - 2))
                    .map_err(failed)?;
            }
            Ok(())
        })?;
        Ok(Picture {
            id: self.id,
            title: self.title,
            note: self.note,
            svg,
            marks,
        })
    }
}

/// A round distance between lines of which about six fit.
fn step(spread: f64) -> f64 {
    let raw = spread / 6.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= raw);
    factor.unwrap_or(10.0) * power
}
