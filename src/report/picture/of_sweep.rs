//! The pictures of a sweep: a curve with intervals over one path, a heat map over two, points over each of more.

use super::Picture;
use super::heat::Heat;
use super::plane::{Axis, Curve, Plane, number};
use crate::archive::{MetricRow, PointRecord, SweepRecord};

/// Metrics that are drawn unless others are named, where a sweep has them and they differ.
const SHOWN: [&str; 6] = [
    "served_share",
    "kkrd_s",
    "throughput_bps",
    "kkdlr",
    "availability",
    "link_key_cost",
];

/// The number and the unit of a value such as "4 /s".
fn value(text: &str) -> (Option<f64>, String) {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .unwrap_or(text.len());
    (text[..end].parse().ok(), text[end..].trim().to_owned())
}

fn text_of(point: &PointRecord, path: &str) -> String {
    match point.values.get(path) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// The pictures of a sweep; only of `metric`, where one is named.
pub fn pictures(record: &SweepRecord, points: &[PointRecord], metric: Option<&str>) -> Vec<Picture> {
    let mut names: Vec<&str> = match metric {
        Some(metric) => vec![metric],
        None => SHOWN.to_vec(),
    };
    if metric.is_none() {
        names.retain(|name| differs(points, name));
    }
    let draw = |name: &&str| -> Vec<Picture> {
        if record.paths.len() == 2 && record.design == "grid" {
            return heat(record, points, name).into_iter().collect();
        }
        let curves = record.paths.iter().enumerate();
        curves
            .filter_map(|(at, path)| curve(record, points, name, at, path))
            .collect()
    };
    names.iter().flat_map(draw).collect()
}

fn differs(points: &[PointRecord], name: &str) -> bool {
    let mut means = points
        .iter()
        .filter_map(|point| point.summary.metric(name, "network")?.mean);
    let first = means.next();
    means.any(|mean| Some(mean) != first)
}

fn says(point: &PointRecord, row: &MetricRow) -> String {
    let values: Vec<String> = point
        .values
        .keys()
        .map(|path| format!("{path} = {}", text_of(point, path)))
        .collect();
    let mean = row.mean.map_or("no value".to_owned(), number);
    let ends = row.ci95.map_or(String::new(), |[low, high]| {
        format!(", 95 % interval {} to {}", number(low), number(high))
    });
    format!("{}\n{}: {mean} {}{ends}", values.join(", "), row.name, row.unit)
}

fn curve(record: &SweepRecord, points: &[PointRecord], name: &str, at: usize, path: &str) -> Option<Picture> {
    let single = record.paths.len() == 1;
    let mut unit = String::new();
    let mut metric_unit = String::new();
    let mut curve = Curve::line(name, Vec::new());
    let mut found: Vec<(f64, f64, Option<[f64; 2]>)> = Vec::new();
    for (number_of, point) in points.iter().enumerate() {
        let Some(row) = point.summary.metric(name, "network") else {
            continue;
        };
        let Some(mean) = row.mean else { continue };
        let (number, of) = value(&text_of(point, path));
        unit = of;
        metric_unit.clone_from(&row.unit);
        found.push((number.unwrap_or(number_of as f64), mean, row.ci95));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    curve.points = found.iter().map(|&(x, y, _)| (x, y)).collect();
    curve.joined = single;
    if single {
        curve.band = found
            .iter()
            .filter_map(|&(x, _, ends)| ends.map(|[low, high]| (x, low, high)))
            .collect();
    }
    let label = if unit.is_empty() {
        path.to_owned()
    } else {
        format!("{path} [{unit}]")
    };
    let plane = Plane {
        id: format!("sweep-{name}-{}", at + 1),
        title: format!("{}: {name} over {path}", record.name),
        note: if single {
            "Mean over replications; band: 95 % Student interval.".to_owned()
        } else {
            "Each point is one of the sweep; the other paths vary as well.".to_owned()
        },
        x: Axis {
            from_zero: false,
            ..Axis::plain(label)
        },
        y: Axis {
            from_zero: false,
            ..Axis::plain(format!("{name} [{metric_unit}]"))
        },
        curves: vec![curve],
        instants: Vec::new(),
    };
    plane.draw().ok()
}

fn heat(record: &SweepRecord, points: &[PointRecord], name: &str) -> Option<Picture> {
    let values = |path: &str| {
        let mut values: Vec<String> = Vec::new();
        for point in points {
            let text = text_of(point, path);
            if !values.contains(&text) {
                values.push(text);
            }
        }
        values
    };
    let [across, up] = [0, 1].map(|at| values(&record.paths[at]));
    let mut cells = vec![vec![None; across.len()]; up.len()];
    let mut unit = String::new();
    for point in points {
        let place = |path: &str, values: &[String]| {
            let text = text_of(point, path);
            values.iter().position(|value| *value == text)
        };
        let (column, row) = (place(&record.paths[0], &across)?, place(&record.paths[1], &up)?);
        if let Some(metric) = point.summary.metric(name, "network")
            && let Some(mean) = metric.mean
        {
            unit.clone_from(&metric.unit);
            cells[row][column] = Some((mean, says(point, metric)));
        }
    }
    Heat {
        id: format!("sweep-{name}"),
        title: format!("{}: {name} [{unit}]", record.name),
        note: "Means over replications; hover for the 95 % intervals.".to_owned(),
        axes: [record.paths[0].clone(), record.paths[1].clone()],
        columns: across,
        rows: up,
        cells,
    }
    .draw()
    .ok()
}
