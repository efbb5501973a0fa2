//! The pictures of a sweep: curves over one path, maps over two, rows where values are no numbers or vary one at a time;
//! of comparisons a curve per variant, and maps and rows of the differences with their verdicts.

use super::bars::{Line, Part, Rows, in_order};
use super::heat::{Cell, Heat};
use super::of_comparison::{VERDICTS, colour_of, legend, meaning};
use super::plane::{Axis, Curve, Plane, number};
use super::{COLOURS, Picture};
use crate::archive::{ComparisonRow, MetricRow, PointRecord};
use crate::experiment::run::COST;
use crate::observe::outcome::RerouteRecord;
use crate::report::quantity::{Scale, range_of};
use crate::report::slice::{Slice, quantity, tail};

/// Metrics that are drawn unless others are named, where a sweep has them and they differ.
const SHOWN: [&str; 9] = [
    "served_share",
    "kkrd_s",
    "throughput_bps",
    "kkdlr",
    "availability",
    "link_key_bits_per_key_bit",
    "rerouting_latency_s",
    "rerouting_total_s",
    "service_interruption_s",
];

/// Rows in one picture of stages, at most.
const ROWS: usize = 60;

/// The pictures of a slice; only of `metric`, where one is named.
pub fn pictures(slice: &Slice<'_>, metric: Option<&str>) -> Vec<Picture> {
    let names: Vec<&str> = match metric {
        Some(metric) => vec![metric],
        None => {
            let differ = slice.differing();
            SHOWN.into_iter().filter(|name| differ.contains(name)).collect()
        }
    };
    let mut pictures: Vec<Picture> = names.iter().flat_map(|name| of_metric(slice, name)).collect();
    let stages = metric.is_none_or(|metric| metric == "stages");
    pictures.extend(stages.then(|| self::stages(slice)).flatten());
    pictures
}

fn of_metric(slice: &Slice<'_>, name: &str) -> Vec<Picture> {
    let free: Vec<&str> = slice.free.iter().map(|(path, _)| *path).collect();
    if slice.record.design == "one-at-a-time" {
        return alone(slice, name);
    }
    if matches!(slice.record.design.as_str(), "grid") && free.len() > 2 {
        // One path at a time through a point in the corner; other slices are drawn on demand.
        let slices = free.iter().map(|path| slice.along(&[path]));
        return slices.flat_map(|slice| of_metric(&slice, name)).collect();
    }
    match (slice.record.design.as_str(), free.as_slice()) {
        (_, []) => Vec::new(),
        ("grid", [across, up]) => maps(slice, name, [across, up]),
        ("grid", [path]) if !is_numeric(slice, path) => rows(slice, name),
        (_, paths) => {
            let joined = paths.len() == 1;
            let curves = paths.iter();
            curves
                .filter_map(|path| curves_over(slice, name, path, joined))
                .collect()
        }
    }
}

fn is_numeric(slice: &Slice<'_>, path: &str) -> bool {
    let mut values = slice.points.iter().map(|point| point.value(path));
    values.all(|value| quantity(value).is_some())
}

/// A title: study, what is drawn, where.
fn title(slice: &Slice<'_>, what: &str) -> String {
    let place = slice.place();
    let place = if place.is_empty() {
        place
    } else {
        format!(" ({place})")
    };
    let scope = if slice.scope == "network" {
        String::new()
    } else {
        format!(" of {}", slice.scope)
    };
    format!("{}: {what}{scope}{place}", slice.record.name)
}

/// A name for files: what, over which paths.
fn id(slice: &Slice<'_>, what: &str) -> String {
    let paths: Vec<&str> = slice.free.iter().map(|(path, _)| tail(path)).collect();
    let text = format!("sweep-{what}-{}", paths.join("-"));
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .trim_end_matches('-')
        .to_owned()
}

fn says(slice: &Slice<'_>, point: &PointRecord, variant: &str, row: &MetricRow) -> String {
    let mean = row.mean.map_or("no value".to_owned(), number);
    let ends = row.ci95.map_or(String::new(), |[low, high]| {
        format!(", 95 % interval {} to {}", number(low), number(high))
    });
    let variant = if variant.is_empty() {
        String::new()
    } else {
        format!("{variant}, ")
    };
    format!(
        "{variant}{}\n{}: {mean} {}{ends}",
        slice.label(point),
        row.name,
        row.unit
    )
}

/// A curve per variant over one path; points alone where other paths vary too.
fn curves_over(slice: &Slice<'_>, name: &str, path: &str, joined: bool) -> Option<Picture> {
    let mut metric_unit = String::new();
    let mut unit = String::new();
    let mut curves = Vec::new();
    for variant in slice.variants() {
        let mut found: Vec<(f64, f64, Option<[f64; 2]>)> = Vec::new();
        for (number_of, &point) in slice.points.iter().enumerate() {
            let Some(row) = slice.metric(point, variant, name) else {
                continue;
            };
            let Some(mean) = row.mean else { continue };
            let value = quantity(point.value(path));
            value.map(|(_, of)| of).unwrap_or_default().clone_into(&mut unit);
            metric_unit.clone_from(&row.unit);
            let x = value.map_or(number_of as f64, |(value, _)| value);
            found.push((x, mean, row.ci95));
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let named = if variant.is_empty() { name } else { variant };
        let mut curve = Curve::line(named, found.iter().map(|&(x, y, _)| (x, y)).collect());
        curve.joined = joined;
        if joined {
            let [least, most] = range_of(name);
            let band = |&(x, _, ends): &(f64, f64, Option<[f64; 2]>)| {
                ends.map(|ends| ends.map(|end| end.clamp(least, most)))
                    .map(|[low, high]| (x, low, high))
            };
            curve.band = found.iter().filter_map(band).collect();
        }
        curves.push(curve);
    }
    let logarithmic = spans_decades(
        curves
            .iter()
            .flat_map(|curve: &Curve| curve.points.iter().map(|&(_, y)| y)),
    );
    if logarithmic {
        // A band that goes to 0 or below it ends where the curve's least value does.
        let least = curves
            .iter()
            .flat_map(|curve| curve.points.iter().map(|&(_, y)| y))
            .fold(f64::MAX, f64::min);
        for (_, low, _) in curves.iter_mut().flat_map(|curve| &mut curve.band) {
            if *low <= 0.0 {
                *low = least / 2.0;
            }
        }
    }
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" [{unit}]")
    };
    let axis = |label: String| Axis {
        from_zero: false,
        ..Axis::plain(label)
    };
    let plane = Plane {
        caption: String::new(),
        id: id(&slice.along(&[path]), name),
        title: title(slice, &format!("{name} over {}", tail(path))),
        note: if joined {
            "Mean over replications; band: 95 % Student interval, as far as the metric goes.".to_owned()
        } else {
            "Each point is one of the sweep; the other paths vary as well.".to_owned()
        },
        x: axis(format!("{path}{unit}")),
        y: Axis {
            money: name == COST,
            logarithmic,
            ..axis(format!("{name} [{metric_unit}]"))
        },
        curves,
        instants: Vec::new(),
    };
    plane.draw().ok()
}

/// A map of the metric per variant, and one of the differences per pair.
fn maps(slice: &Slice<'_>, name: &str, paths: [&str; 2]) -> Vec<Picture> {
    let values = |path: &str| -> Vec<String> {
        let free = slice.free.iter().find(|(free, _)| *free == path);
        let values = free.map_or(&[][..], |(_, values)| values.as_slice());
        values.iter().map(|&value| value.to_owned()).collect()
    };
    let [across, up] = paths.map(values);
    let fill = |of: &dyn Fn(&PointRecord) -> Option<Cell>| {
        let mut cells = vec![vec![None; across.len()]; up.len()];
        for &point in &slice.points {
            let place =
                |path: &str, values: &[String]| values.iter().position(|value| value == point.value(path));
            if let (Some(column), Some(row)) = (place(paths[0], &across), place(paths[1], &up)) {
                cells[row][column] = of(point);
            }
        }
        cells
    };
    let heat = |id: String, title: String, note: &str, cells, logarithmic, legend| Heat {
        id,
        title,
        note: note.to_owned(),
        axes: paths.map(str::to_owned),
        columns: across.clone(),
        rows: up.clone(),
        cells,
        logarithmic,
        legend,
    };
    let mut pictures = Vec::new();
    let rows = slice.points.iter().flat_map(|&point| {
        let variants = slice.variants();
        let rows = variants.into_iter();
        rows.filter_map(move |variant| slice.metric(point, variant, name))
    });
    let rows: Vec<&MetricRow> = rows.collect();
    let unit = rows.first().map_or("", |row| row.unit.as_str());
    let scale_for = |values: &mut dyn Iterator<Item = f64>| {
        Scale::of(unit, values.fold(0.0_f64, |most, value| most.max(value.abs())))
    };
    let scale = scale_for(&mut rows.iter().filter_map(|row| row.mean));
    let decades = spans_decades(rows.iter().filter_map(|row| row.mean));
    let in_cell = |mean: f64| {
        if decades {
            let own = Scale::of(unit, mean);
            format!("{} {}", number(mean / own.factor()), own.name())
        } else {
            number(mean / scale.factor())
        }
    };
    for variant in slice.variants() {
        let cells = fill(&|point| {
            let point = slice.points.iter().find(|known| known.point == point.point)?;
            let row = slice.metric(point, variant, name)?;
            let mean = row.mean?;
            Some(Cell {
                value: mean / scale.factor(),
                label: in_cell(mean),
                text: says(slice, point, variant, row),
                category: None,
            })
        });
        let named = if variant.is_empty() {
            String::new()
        } else {
            format!(" of {variant}")
        };
        let what = format!("{name} [{}]{named}", scale.name());
        let note = if decades {
            "Means over replications, coloured by their logarithm; hover for the 95 % intervals."
        } else {
            "Means over replications; hover for the 95 % intervals."
        };
        let id = id(slice, &format!("{name}-{variant}"));
        pictures.extend(
            heat(id, title(slice, &what), note, cells, decades, Vec::new())
                .draw()
                .ok(),
        );
    }
    for pair in slice.pairs() {
        let differences = slice.points.iter();
        let differences = differences.filter_map(|&point| slice.difference(point, &pair, name)?.difference);
        let scale = scale_for(&mut differences.collect::<Vec<f64>>().into_iter());
        let cells = fill(&|point| {
            let point = slice.points.iter().find(|known| known.point == point.point)?;
            let row = slice.difference(point, &pair, name)?;
            let value = row.difference? / scale.factor();
            Some(Cell {
                value,
                label: number(value),
                text: format!("{}\n{}", slice.label(point), difference(row)),
                category: VERDICTS.iter().position(|verdict| *verdict == row.verdict),
            })
        });
        let legend = VERDICTS.map(|verdict| (meaning(verdict, second(&pair)), COLOURS[colour_of(verdict)]));
        let what = format!("{name} [{}], difference {}", scale.name(), minus(&pair));
        let note = "Mean of the paired differences; the colour is the verdict, corrected (Holm) over each point's rows of the network, or of its parts.";
        let id = id(slice, &format!("{name}-{}", pair.replace(' ', "-")));
        pictures.extend(
            heat(id, title(slice, &what), note, cells, false, legend.to_vec())
                .draw()
                .ok(),
        );
    }
    pictures
}

/// Whether values go over so many decades that the small ones would all look alike.
fn spans_decades(values: impl Iterator<Item = f64>) -> bool {
    let (low, high) = values.fold((f64::MAX, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    low > 0.0 && high > 50.0 * low
}

/// "I" of "G1 vs I".
fn second(pair: &str) -> &str {
    pair.split_once(" vs ").map_or(pair, |(_, second)| second)
}

/// "I − G1" of "G1 vs I".
fn minus(pair: &str) -> String {
    pair.split_once(" vs ")
        .map_or(pair.to_owned(), |(a, b)| format!("{b} − {a}"))
}

fn difference(row: &ComparisonRow) -> String {
    let show = |value: Option<f64>| value.map_or("?".to_owned(), number);
    let ends = row.ci95.map_or(String::new(), |[low, high]| {
        format!(", 95 % interval {} to {}", number(low), number(high))
    });
    format!(
        "{}: {}: {} {} → {} {}\ndifference {}{ends}: {}",
        row.name,
        row.a,
        show(row.mean_a),
        row.unit,
        row.b,
        show(row.mean_b),
        show(row.difference),
        row.verdict.name()
    )
}

/// A row per point, a mark per variant.
fn rows(slice: &Slice<'_>, name: &str) -> Vec<Picture> {
    let variants = slice.variants();
    let [least, most] = range_of(name);
    let mut unit = String::new();
    let mut lines = Vec::new();
    for &point in slice.points.iter().take(ROWS) {
        for (at, variant) in variants.iter().enumerate() {
            let Some(row) = slice.metric(point, variant, name) else {
                continue;
            };
            let Some(mean) = row.mean else { continue };
            unit.clone_from(&row.unit);
            let part = Part {
                name: at,
                ends: row.ci95.unwrap_or([mean, mean]).map(|end| end.clamp(least, most)),
                point: Some(mean),
                text: says(slice, point, variant, row),
            };
            lines.push(Line::of(
                format!("{} {variant}", slice.label(point)).trim().to_owned(),
                vec![part],
            ));
        }
    }
    let rows = Rows {
        id: id(slice, name),
        title: title(slice, name),
        note: "Mean over replications with its 95 % Student interval.".to_owned(),
        label: format!("{name} [{unit}]"),
        names: in_order(
            (variants.iter())
                .filter(|name| !name.is_empty())
                .map(|&name| name.to_owned()),
        ),
        lines,
    };
    rows.draw().into_iter().collect()
}

/// Of values that vary one at a time: how the metric, or the difference of each pair, moves with each.
fn alone(slice: &Slice<'_>, name: &str) -> Vec<Picture> {
    // With the first variant of each axis; others are drawn on demand.
    let paths = slice.free.iter().map(|(path, _)| *path);
    let paths: Vec<&str> = paths.filter(|path| !slice.is_of_variants(path)).collect();
    let slice = &slice.along(&paths);
    let pairs = slice.pairs();
    if pairs.is_empty() {
        return rows(slice, name);
    }
    let mut pictures = Vec::new();
    for pair in pairs {
        let mut unit = String::new();
        let mut lines = Vec::new();
        for &point in &slice.points {
            let Some(row) = slice.difference(point, &pair, name) else {
                continue;
            };
            let Some(mean) = row.difference else { continue };
            unit.clone_from(&row.unit);
            let part = Part {
                name: colour_of(row.verdict),
                ends: row.ci95.unwrap_or([mean, mean]),
                point: Some(mean),
                text: difference(row),
            };
            lines.push(Line::of(slice.label(point), vec![part]));
        }
        let rows = Rows {
            id: id(&slice.along(&[]), &format!("{name}-{}", pair.replace(' ', "-"))),
            title: title(slice, &format!("{name}, difference {}", minus(&pair))),
            note: "Paired differences with their 95 % interval, one assumption changed at a time.".to_owned(),
            label: format!("{name}, {} [{unit}]", minus(&pair)),
            names: legend(&lines, second(&pair)),
            lines,
        };
        pictures.extend(rows.draw().ok());
    }
    pictures
}

/// What rerouting is made of at each point and in each variant; nothing where there was none.
fn stages(slice: &Slice<'_>) -> Option<Picture> {
    let mut lines = Vec::new();
    let variants = slice.variants();
    let mean = |point, variant: &str, stage: &str| {
        let name = format!("rerouting_{stage}_s");
        slice.metric(point, variant, &name).and_then(|row| row.mean)
    };
    let whole = |point, variant: &str| -> f64 {
        let stages = RerouteRecord::STAGES.iter();
        stages.filter_map(|stage| mean(point, variant, stage)).sum()
    };
    let all = slice
        .points
        .iter()
        .flat_map(|&point| variants.iter().map(move |variant| (point, variant)));
    let longest = all
        .map(|(point, variant)| whole(point, variant))
        .fold(0.0, f64::max);
    let scale = Scale::of("s", longest);
    let points = (slice.points.iter()).take(ROWS / variants.len().max(1));
    for &point in points {
        for variant in &variants {
            let (mut from, mut parts) = (0.0, Vec::new());
            for (number_of, stage) in RerouteRecord::STAGES.iter().enumerate() {
                let Some(length) = mean(point, variant, stage).map(|mean| mean / scale.factor()) else {
                    continue;
                };
                if length > 0.0 {
                    parts.push(Part {
                        name: number_of,
                        ends: [from, from + length],
                        text: format!("{}: {} {}", stage.replace('_', " "), number(length), scale.name()),
                        point: None,
                    });
                }
                from += length;
            }
            if !parts.is_empty() {
                lines.push(Line::of(
                    format!("{} {variant}", slice.label(point)).trim().to_owned(),
                    parts,
                ));
            }
        }
    }
    let shown = lines.len();
    let all = slice.points.len() * variants.len().max(1);
    let more = if all > shown && all > ROWS {
        format!(", the first {shown} of {all}")
    } else {
        String::new()
    };
    let rows = Rows {
        id: id(slice, "stages"),
        title: title(slice, &format!("rerouting, stage by stage{more}")),
        note: "Means over replications of the reroutes that came into force; the first key where a request waited."
            .to_owned(),
        label: format!("time since the fault [{}]", scale.name()),
        names: in_order(RerouteRecord::STAGES.iter().map(|stage| stage.replace('_', " "))),
        lines,
    };
    rows.draw().ok()
}
