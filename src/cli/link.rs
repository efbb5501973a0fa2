//! `qkdni link`: one link model evaluated at a distance, or over a range as a table and a picture.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::args::Link;
use super::plot::{Form, save};
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{SCHEMA_VERSION, whole};
use crate::quantum::models::{BLOCK_SIFTED, Channel, LinkModel, bounds};
use crate::report::link_curve::{LinkPoint, picture, table};
use crate::scenario::{Diagnostic, Diagnostics, link_model};
use crate::units::{Metres, Quantity as _, UnitError};

/// More points than anyone looks at.
const MOST_POINTS: f64 = 100_000.0;

pub(super) fn link(context: &mut Context<'_>, arguments: &Link) -> Result<Exit, Failure> {
    // What is wrong with the model and with the distance is said at once.
    let model = link_model(&arguments.model, &arguments.params).map_err(|findings| findings.0);
    let distances = distances(&arguments.distance).map_err(|findings| findings.0);
    let (model, distances) = match (model, distances) {
        (Ok(model), Ok(distances)) => (model, distances),
        (model, distances) => {
            let findings = [model.err(), distances.err()].into_iter().flatten();
            return Err(Failure::Options(findings.flatten().collect()));
        }
    };
    if let Some(plot) = &arguments.plot {
        Form::of(plot)?;
    }
    match distances {
        Distances::One(_) if arguments.plot.is_some() => Err(Failure::Usage(
            "--plot draws a range, and there is one distance\n  hint: write --distance \"0..150:10 km\", or leave --plot out"
                .to_owned(),
        )),
        Distances::One(km) => one(context, &arguments.model, model.as_ref(), km),
        Distances::Range(range) => many(context, arguments, model.as_ref(), &range),
    }
}

/// The greatest loss with key \[dB\], where a point has none and another loss would.
fn reach(model: &dyn LinkModel, points: &[LinkPoint]) -> Option<f64> {
    let none = |point: &&LinkPoint| {
        point
            .rate_bps
            .or(point.rate_per_pulse)
            .is_some_and(|rate| rate <= 0.0)
    };
    let beyond = points.iter().find(none)?;
    let channel = model.over_distance(beyond.distance_km);
    // What makes no key over any loss is no link: a bound, or a loss alone.
    let lossless = Channel {
        loss_db: 0.0,
        ..channel
    };
    (model.rate_bps(&lossless) > 0.0).then(|| model.reach_db(&channel))?
}

/// A line about a model's reach.
fn reach_line(model: &dyn LinkModel, reach_db: f64) -> String {
    // A slant range is not in proportion to its loss.
    let [near, far] = [100.0, 200.0].map(|km| model.over_distance(km).loss_db);
    let fibre = near > 0.0 && (far - 2.0 * near).abs() < 1e-9;
    let km = if fibre {
        format!(", {:.1} km", 100.0 * reach_db / near)
    } else {
        String::new()
    };
    format!("where the rate is 0, the link is beyond the model's reach: {reach_db:.2} dB{km}")
}

fn point(model: &dyn LinkModel, km: f64) -> (LinkPoint, Channel, Vec<(&'static str, f64)>) {
    let channel = model.over_distance(km);
    let found = model.evaluate(&channel);
    let plob = bounds::plob(channel.transmittance());
    let point = LinkPoint {
        distance_km: km,
        eta: found.eta,
        qber: found.qber,
        rate_per_pulse: found.rate_per_pulse,
        rate_bps: found.rate_bps.is_finite().then_some(found.rate_bps),
        block_time_s: found.block_time_s(BLOCK_SIFTED),
        plob: plob.is_finite().then_some(plob),
    };
    (point, channel, found.optimum)
}

/// One distance, as JSON: the fixed part is `point`'s.
#[derive(Serialize)]
struct Found<'a> {
    schema_version: u32,
    model: &'a str,
    #[serde(flatten)]
    point: LinkPoint,
    loss_db: f64,
    /// The model's reach, where the distance is beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reach_db: Option<f64>,
    details: Map<String, Value>,
}

fn one(context: &mut Context<'_>, name: &str, model: &dyn LinkModel, km: f64) -> Result<Exit, Failure> {
    let (point, channel, optimum) = point(model, km);
    let reach_db = reach(model, std::slice::from_ref(&point));
    if !context.console.json() {
        let look = context.console.look();
        context.console.data(&table(&[point], look))?;
        for (parameter, value) in optimum {
            context.console.data(&format!("{parameter} = {value}"))?;
        }
        if let Some(reach_db) = reach_db {
            context.console.data(&reach_line(model, reach_db))?;
        }
        return Ok(Exit::Done);
    }
    let details = optimum
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)));
    context.console.document(&Found {
        schema_version: SCHEMA_VERSION,
        model: name,
        point,
        loss_db: channel.loss_db,
        reach_db,
        details: details.collect(),
    })?;
    Ok(Exit::Done)
}

fn many(
    context: &mut Context<'_>,
    arguments: &Link,
    model: &dyn LinkModel,
    distances: &[f64],
) -> Result<Exit, Failure> {
    let points: Vec<LinkPoint> = distances.iter().map(|&km| point(model, km).0).collect();
    let reach_db = reach(model, &points);
    // Who wants data alone, or nothing said, gets no file that was not asked for.
    let unasked = || {
        let silent = context.console.json() || context.console.quiet();
        (!silent).then(|| PathBuf::from(format!("runs/link/{}.svg", arguments.model)))
    };
    let path = arguments.plot.clone().or_else(unasked);
    let drawn = path.map(|path| (picture(&arguments.model, &points), path));
    let plotted = match drawn {
        None => None,
        Some((Ok(text), path)) => {
            save(&path, &text)?;
            context.console.say(&format!("picture: {}", path.display()));
            Some(path.display().to_string())
        }
        Some((Err(reason), _)) => {
            context.console.say(&format!("no picture: {reason}"));
            None
        }
    };
    if context.console.json() {
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "model": arguments.model,
            "points": points,
            "reach_db": reach_db,
            "plot": plotted,
        }))?;
    } else {
        let look = context.console.look();
        context.console.data(&table(&points, look))?;
        if let Some(reach_db) = reach_db {
            context.console.data(&reach_line(model, reach_db))?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a file that can be made again, whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::InputOutput(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    whole::replace(path, bytes).map_err(failed)
}

/// What `--distance` asks for \[km\].
#[derive(Clone, PartialEq, Debug)]
enum Distances {
    One(f64),
    Range(Vec<f64>),
}

/// Reads `50 km` or `0..150:10 km`.
fn distances(text: &str) -> Result<Distances, Diagnostics> {
    let bad = |message: String, hint: &str| -> Diagnostics {
        Diagnostic::about_file("bad_distance", "--distance", message, hint).into()
    };
    let wrong = |error: &UnitError| bad(error.to_string(), &error.hint());
    let Some((from, rest)) = text.split_once("..") else {
        return kilometres(text)
            .map(Distances::One)
            .map_err(|error| wrong(&error));
    };
    let like = "write it like \"0..150:10 km\"";
    let form = || bad("a range is FROM..TO:STEP UNIT".to_owned(), like);
    let (to, step) = rest.split_once(':').ok_or_else(form)?;
    let unit = step
        .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+' | ' '));
    let with_unit = |number: &str| {
        let number = number.trim();
        let bare = number.chars().last().is_some_and(|c| c.is_ascii_digit());
        kilometres(&if bare {
            format!("{number} {unit}")
        } else {
            number.to_owned()
        })
    };
    let number = |text: &str| with_unit(text).map_err(|error| wrong(&error));
    let (from, to, step) = (
        number(from)?,
        number(to)?,
        kilometres(step).map_err(|error| wrong(&error))?,
    );
    if step <= 0.0 {
        return Err(form());
    }
    if to < from {
        let message = format!("the range from {from} km to {to} km is empty: its end lies before its start");
        return Err(bad(message, like));
    }
    let count = libm::floor((to - from) / step + 1e-9);
    if count > MOST_POINTS {
        return Err(bad(format!("{count} points are too many"), "take a longer step"));
    }
    Ok(Distances::Range(
        (0..=count as u64)
            .map(|index| from + step * index as f64)
            .collect(),
    ))
}

/// A length in kilometres. Unlike a scenario's it need not be whole metres: a slant range is not.
fn kilometres(text: &str) -> Result<f64, UnitError> {
    match Metres::parse(text) {
        Ok(_) | Err(UnitError::NotWhole { .. } | UnitError::TooLarge { .. }) => {}
        Err(error) => return Err(error),
    }
    let trimmed = text.trim();
    let (number, scale) = match trimmed.strip_suffix("km") {
        Some(number) => (number, 1.0),
        None => (trimmed.trim_end_matches('m'), 1e-3),
    };
    let number: Result<f64, _> = number.trim().parse();
    match number {
        Ok(number) if number.is_finite() && number <= 1e9 => Ok(number * scale),
        _ => Err(UnitError::TooLarge {
            text: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_read_with_units() {
        assert_eq!(distances("50 km"), Ok(Distances::One(50.0)));
        assert_eq!(
            distances("1694.5672211546794 km"),
            Ok(Distances::One(1_694.567_221_154_679_4))
        );
        assert_eq!(distances("500 m"), Ok(Distances::One(0.5)));
        assert_eq!(
            distances("0..30:10 km"),
            Ok(Distances::Range(vec![0.0, 10.0, 20.0, 30.0]))
        );
        assert_eq!(
            distances("0 km..1 km:500 m"),
            Ok(Distances::Range(vec![0.0, 0.5, 1.0]))
        );
        for (text, part) in [
            ("50", "no unit"),
            ("-5 km", "below zero"),
            ("5 mi", "unknown unit"),
            ("10..0:1 km", "from 10 km to 0 km is empty"),
            ("0..10 km", "FROM..TO:STEP"),
            ("0..10:0 km", "FROM..TO:STEP"),
            ("0..10:1e-9 km", "too many"),
        ] {
            let error = distances(text).unwrap_err().render();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
