//! A link model over distance: a table, and a picture against the PLOB bound.

use plotters::prelude::*;
use serde::Serialize;

use super::tables::{Look, plain_table};

/// A link model evaluated at one distance.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LinkPoint {
    /// Distance \[km\]; a satellite's slant range.
    pub distance_km: f64,
    /// Transmittance as the model counts it.
    pub eta: f64,
    /// Error rate of the sifted key.
    pub qber: Option<f64>,
    /// Secret bits per pulse.
    pub rate_per_pulse: Option<f64>,
    /// Secret key rate \[bit/s\]; absent for what is no link.
    pub rate_bps: Option<f64>,
    /// Time to acquire a block \[s\], where there is key; with the usual size where the model has none of its own.
    pub block_time_s: Option<f64>,
    /// PLOB bound of the channel \[bit per pulse\].
    pub plob: Option<f64>,
}

/// Rows of distance, transmittance, error rate, rates, block time and bound.
pub fn table(points: &[LinkPoint], look: Look) -> String {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4e}"));
    let rows = points.iter().map(|point| {
        vec![
            format!("{}", point.distance_km),
            number(Some(point.eta)),
            point
                .qber
                .map_or("–".to_owned(), |qber| format!("{:.3} %", qber * 100.0)),
            number(point.rate_per_pulse),
            number(point.rate_bps),
            number(point.block_time_s),
            number(point.plob),
        ]
    });
    let head = [
        "distance [km]",
        "eta",
        "QBER",
        "rate [bit/pulse]",
        "rate [bit/s]",
        "block [s]",
        "PLOB",
    ];
    plain_table(look, &head, rows)
}

/// A picture (SVG) of the rate per pulse, or per second where there is none, over distance, logarithmic, beside the
/// PLOB bound.
///
/// # Errors
/// If nothing is above 0, or the picture cannot be drawn.
pub fn picture(title: &str, points: &[LinkPoint]) -> Result<String, String> {
    let per_pulse = points.iter().any(|point| point.rate_per_pulse.is_some());
    let rate = |point: &LinkPoint| {
        if per_pulse {
            point.rate_per_pulse
        } else {
            point.rate_bps
        }
    };
    let unit = if per_pulse { "bit per pulse" } else { "bit/s" };
    let above = |value: fn(&LinkPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        let pairs = points
            .iter()
            .filter_map(|point| Some((point.distance_km, value(point)?)));
        pairs.filter(|pair| pair.1 > 0.0 && pair.1.is_finite()).collect()
    };
    let curve: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| Some((point.distance_km, rate(point)?)))
        .filter(|pair| pair.1 > 0.0)
        .collect();
    let bound = if per_pulse {
        above(|point| point.plob)
    } else {
        Vec::new()
    };
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Err("there are no points".to_owned());
    };
    let values = || curve.iter().chain(&bound).map(|pair| pair.1);
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if most <= 0.0 {
        return Err("no rate is above 0".to_owned());
    }
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (800, 500)).into_drawing_area();
        let failed = |error: &dyn std::fmt::Display| format!("the picture cannot be drawn: {error}");
        area.fill(&WHITE).map_err(|error| failed(&error))?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(
                first.distance_km..last.distance_km.max(first.distance_km + 1e-9),
                (least / 2.0..most * 2.0).log_scale(),
            )
            .map_err(|error| failed(&error))?;
        chart
            .configure_mesh()
            .x_desc("distance [km]")
            .y_desc(unit)
            .y_label_formatter(&|value| format!("{value:.0e}"))
            .light_line_style(WHITE)
            .draw()
            .map_err(|error| failed(&error))?;
        for (name, colour, series) in [("PLOB", RGBColor(120, 120, 120), bound), ("rate", BLUE, curve)] {
            if series.is_empty() {
                continue;
            }
            chart
                .draw_series(LineSeries::new(series, colour.stroke_width(2)))
                .map_err(|error| failed(&error))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour));
        }
        chart
            .configure_series_labels()
            // Rates fall: nothing is drawn there.
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()
            .map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_the_rate_under_the_bound() {
        let point = |distance_km: f64| LinkPoint {
            distance_km,
            eta: 0.1,
            qber: None,
            rate_per_pulse: Some(1e-3 / (1.0 + distance_km)),
            rate_bps: Some(1.0),
            block_time_s: None,
            plob: (distance_km > 0.0).then_some(0.1),
        };
        let points: Vec<LinkPoint> = (0..5).map(|at| point(f64::from(at))).collect();
        let text = picture("a model", &points).unwrap();
        assert!(text.starts_with("<svg") && text.contains("PLOB") && text.contains("a model"));
        assert!(text.matches("<polyline").count() >= 2);
        assert!(picture("nothing", &[]).is_err());
    }
}
