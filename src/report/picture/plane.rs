//! Curves, bands and points over two axes.

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::frame::{failed, page};
use super::{COLOURS, Mark, Picture, SIZE, pixels, short};
use crate::report::quantity::grouped;

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What it is, with its unit.
    pub label: String,
    /// Whether it is logarithmic.
    pub logarithmic: bool,
    /// Whether it begins at 0.
    pub from_zero: bool,
    /// Whether its values are money, which stands in full.
    pub money: bool,
}

impl Axis {
    pub(super) fn plain(label: impl Into<String>) -> Axis {
        Axis {
            label: label.into(),
            logarithmic: false,
            from_zero: true,
            money: false,
        }
    }

    /// A value of it.
    fn number(&self, value: f64) -> String {
        if self.money { grouped(value) } else { number(value) }
    }
}

/// A curve.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// What it is.
    pub name: String,
    /// Its points; a curve's are joined.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper ends at the points, where known.
    pub band: Vec<(f64, f64, f64)>,
    /// Whether the band lies along x: (y, x from, x to) instead of (x, y from, y to).
    pub band_along_x: bool,
    /// Whether points are joined by a line.
    pub joined: bool,
}

impl Curve {
    pub(super) fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Curve {
        Curve {
            name: name.into(),
            points,
            band: Vec::new(),
            band_along_x: false,
            joined: true,
        }
    }
}

/// What a plane shows.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub id: String,
    pub title: String,
    pub note: String,
    /// A line below the title, in the picture itself; may be empty.
    pub caption: String,
    pub x: Axis,
    pub y: Axis,
    pub curves: Vec<Curve>,
    /// Instants with a name, as vertical lines.
    pub instants: Vec<(f64, String)>,
}

impl Plane {
    /// Draws it.
    ///
    /// # Errors
    /// If there is nothing to draw.
    pub(super) fn draw(self) -> Result<Picture, String> {
        let usable = |axis: &Axis, value: f64| value.is_finite() && (!axis.logarithmic || value > 0.0);
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let extent = |axis: &Axis, values: &mut dyn Iterator<Item = f64>| {
            let mut ends: Option<[f64; 2]> = None;
            for value in values.filter(|&value| usable(axis, value)) {
                let ends = ends.get_or_insert([value, value]);
                *ends = [ends[0].min(value), ends[1].max(value)];
            }
            ends.map(|ends| roomy(axis, ends))
        };
        let along = |x: bool| {
            self.curves.iter().flat_map(move |curve| {
                let ends = curve.band.iter().flat_map(|&(_, low, high)| [low, high]);
                let of_axis = curve.band_along_x == x;
                ends.filter(move |_| of_axis)
            })
        };
        let (Some(x), Some(y)) = (
            extent(&self.x, &mut points().map(|point| point.0).chain(along(true))),
            extent(&self.y, &mut points().map(|point| point.1).chain(along(false))),
        ) else {
            return Err("there is nothing to draw".to_owned());
        };
        let mut marks = Vec::new();
        let (xs, ys) = (x[0]..x[1], y[0]..y[1]);
        let title = self.title.clone();
        let svg = page(&title, SIZE, |area| {
            if !self.caption.is_empty() {
                let small = ("sans-serif", 11).into_font().color(&BLACK);
                area.draw_text(&self.caption, &small, (12, 27)).map_err(failed)?;
            }
            match (self.x.logarithmic, self.y.logarithmic) {
                (false, false) => self.on(area, xs, ys, &mut marks),
                (true, false) => self.on(area, xs.log_scale(), ys, &mut marks),
                (false, true) => self.on(area, xs, ys.log_scale(), &mut marks),
                (true, true) => self.on(area, xs.log_scale(), ys.log_scale(), &mut marks),
            }
        })?;
        Ok(Picture {
            id: self.id,
            title: self.title,
            note: self.note,
            svg,
            marks,
        })
    }

    fn on<X, Y>(
        &self,
        area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        x: X,
        y: Y,
        marks: &mut Vec<Mark>,
    ) -> Result<(), String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let named = self.curves.len() > 1;
        // As much room for names as the longest takes, within bounds.
        let longest = self.curves.iter().map(|curve| curve.name.chars().count()).max();
        let letters = longest.unwrap_or(0).clamp(23, 44);
        let legend = if named { 50 + 7 * pixels(letters) } else { 20 };
        let (left, right) = area.split_horizontally(SIZE.0 - legend.cast_unsigned());
        let mut chart = ChartBuilder::on(&left)
            .margin_top(40)
            .margin_bottom(8)
            .margin_left(8)
            .margin_right(16)
            .x_label_area_size(44)
            .y_label_area_size(74)
            .build_cartesian_2d(x, y)
            .map_err(failed)?;
        let label = ("sans-serif", 13).into_font().color(&BLACK);
        chart
            .configure_mesh()
            // Amounts in full are wide.
            .x_labels(if self.x.money { 5 } else { 11 })
            .x_desc(self.x.label.as_str())
            .y_desc(self.y.label.as_str())
            .axis_desc_style(("sans-serif", 14).into_font().color(&BLACK))
            .label_style(label.clone())
            .x_label_formatter(&|value| self.x.number(*value))
            .y_label_formatter(&|value| self.y.number(*value))
            .bold_line_style(RGBColor(225, 225, 225))
            .light_line_style(TRANSPARENT)
            .axis_style(BLACK)
            .draw()
            .map_err(failed)?;
        let tone = |at: usize| {
            let (r, g, b) = COLOURS[at % COLOURS.len()];
            RGBColor(r, g, b)
        };
        for (at, curve) in self.curves.iter().enumerate() {
            if !curve.band.is_empty() {
                let place = |&(of, value, _): &(f64, f64, f64)| {
                    if curve.band_along_x {
                        (value, of)
                    } else {
                        (of, value)
                    }
                };
                let back = |&(of, _, value): &(f64, f64, f64)| {
                    if curve.band_along_x {
                        (value, of)
                    } else {
                        (of, value)
                    }
                };
                let outline: Vec<(f64, f64)> = (curve.band.iter().map(place))
                    .chain(curve.band.iter().rev().map(back))
                    .collect();
                chart
                    .draw_series([Polygon::new(outline, tone(at).mix(0.22).filled())])
                    .map_err(failed)?;
            }
            if curve.joined {
                let line = LineSeries::new(curve.points.iter().copied(), tone(at).stroke_width(2));
                chart.draw_series(line).map_err(failed)?;
            }
            if !curve.joined || curve.points.len() <= 40 {
                let dots = curve
                    .points
                    .iter()
                    .map(|&point| Circle::new(point, if curve.joined { 3 } else { 5 }, tone(at).filled()));
                chart.draw_series(dots).map_err(failed)?;
            }
            let every = curve.points.len().div_ceil(120).max(1);
            for (number_of, &point) in curve.points.iter().enumerate().step_by(every) {
                let (x, y) = chart.backend_coord(&point);
                let values = format!(
                    "{}: {}; {}: {}",
                    self.x.label,
                    self.x.number(point.0),
                    self.y.label,
                    self.y.number(point.1)
                );
                let band = curve
                    .band
                    .get(number_of)
                    .filter(|_| curve.band.len() == curve.points.len());
                let band = band.map_or(String::new(), |&(_, low, high)| {
                    format!(
                        ", 95 % interval {} to {}",
                        self.y.number(low),
                        self.y.number(high)
                    )
                });
                let name = if named {
                    format!("{}\n", curve.name)
                } else {
                    String::new()
                };
                marks.push(Mark {
                    x,
                    y,
                    text: format!("{name}{values}{band}"),
                });
            }
        }
        let range = chart.plotting_area().get_pixel_range();
        for (at, (value, name)) in self.instants.iter().enumerate() {
            let first = self.curves.iter().find_map(|curve| curve.points.first());
            let Some(&(_, y)) = first else { continue };
            let (x, _) = chart.backend_coord(&(*value, y));
            let style = BLACK.stroke_width(1);
            let ends = [(x, range.1.start), (x, range.1.end)];
            area.draw(&PathElement::new(ends, style)).map_err(failed)?;
            let below = range.1.start + 4 + 14 * pixels(at % 4);
            area.draw_text(&short(name, 20), &label, (x + 4, below))
                .map_err(failed)?;
            marks.push(Mark {
                x,
                y: range.1.start + 10,
                text: name.clone(),
            });
        }
        if named {
            for (at, curve) in self.curves.iter().enumerate() {
                let y = 48 + 20 * pixels(at);
                let swatch = Rectangle::new([(4, y), (20, y + 10)], tone(at).filled());
                right.draw(&swatch).map_err(failed)?;
                right
                    .draw_text(&short(&curve.name, letters), &label, (26, y - 2))
                    .map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Ends with some room, and never alike.
fn roomy(axis: &Axis, [low, high]: [f64; 2]) -> [f64; 2] {
    if axis.logarithmic {
        return [low / 1.1, (high * 1.1).max(low * 1.21)];
    }
    let low = if axis.from_zero { low.min(0.0) } else { low };
    let spread = high - low;
    if spread > 0.0 {
        let room = if low < 0.0 || !axis.from_zero {
            0.03 * spread
        } else {
            0.0
        };
        [low - room, high + 0.04 * spread]
    } else {
        let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
        [
            low - if axis.from_zero && low == 0.0 { 0.0 } else { room },
            high + room,
        ]
    }
}

/// A number for an axis: at most four digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{value:.2e}")
    } else {
        let decimals = (3 - libm::floor(libm::log10(size)) as i32).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 0.25, 12.0, 1234.5, 98_765.0, 2.5e7, -0.000_01].map(number);
        assert_eq!(texts, ["0", "0.25", "12", "1234", "98765", "2.50e7", "-1.00e-5"]);
    }

    #[test]
    fn a_plane_tells_its_values() {
        let plane = Plane {
            id: "p".to_owned(),
            title: "a & <b>".to_owned(),
            note: String::new(),
            caption: String::new(),
            x: Axis::plain("time [s]"),
            y: Axis::plain("key [bit]"),
            curves: vec![
                Curve::line("one", vec![(0.0, 1.0), (1.0, 3.0)]),
                Curve::line("two", vec![(0.0, 2.0), (1.0, 2.5)]),
            ],
            instants: vec![(0.5, "fault f1".to_owned())],
        };
        let picture = plane.draw().expect("there is something to draw");
        assert!(picture.svg.contains("a &amp; &lt;b&gt;") && picture.svg.contains("time [s]"));
        assert_eq!(picture.marks.len(), 5);
        assert!(picture.marks[1].text.contains("one") && picture.marks[1].text.contains("key [bit]: 3"));
        assert!(picture.marks[1].x > picture.marks[0].x && picture.marks[1].y < picture.marks[0].y);
    }
}
