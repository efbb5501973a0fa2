//! `qkdni plot`: single pictures of a results folder.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Plot, What};
use super::link::write;
use super::report::read;
use super::table::points;
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{Archived, PointRecord, SCHEMA_VERSION, SweepRecord};
use crate::kernel::Span;
use crate::report::page::{Part, Sequences};
use crate::report::picture::{Picture, map, of_comparison, of_run, of_sweep};
use crate::report::slice::{Slice, Wanted};
use crate::report::study::Run;

pub(super) fn plot(context: &mut Context<'_>, arguments: &Plot) -> Result<Exit, Failure> {
    if let Some(out) = &arguments.out {
        Form::of(out)?;
    }
    let part = read(&arguments.folder)?;
    let mut pictures = pictures(&part, arguments)?;
    if let Some(pick) = &arguments.pick {
        let names: Vec<String> = pictures.iter().map(|picture| picture.id.clone()).collect();
        pictures.retain(|picture| picture.id == *pick);
        if pictures.is_empty() {
            let names = names.join(", ");
            return Err(Failure::Usage(format!(
                "there is no picture \"{pick}\"\n  hint: there are {names}"
            )));
        }
    }
    if pictures.is_empty() {
        return Err(Failure::Usage(match (arguments.what, &part) {
            (Some(_), _) => {
                "this folder has nothing for such a picture\n  hint: topology, timeseries, cdf and reroutes are of a run, \
                 compare of a comparison, sweep of a sweep, sequence of a run with --trace; leave --what out for all"
                    .to_owned()
            }
            (None, Part::Sweep(..)) => {
                "this sweep has nothing to draw: its metrics are the same at all of its points, or it has one only\n  hint: \
                 `qkdni report` shows the numbers; sweep a path over several values, or name a --metric"
                    .to_owned()
            }
            (None, _) => "this folder has nothing to draw\n  hint: `qkdni report` shows its numbers".to_owned(),
        }));
    }
    let mut written = Vec::new();
    match &arguments.out {
        Some(out) => {
            let others: Vec<&str> = pictures
                .iter()
                .skip(1)
                .map(|picture| picture.id.as_str())
                .collect();
            if !others.is_empty() {
                let (id, others) = (&pictures[0].id, others.join(", "));
                context
                    .console
                    .say(&format!("picture {id}; with --pick also: {others}"));
            }
            save(out, &pictures[0].svg)?;
            written.push(out.clone());
        }
        None => {
            let into = arguments.into.clone();
            let into = into.unwrap_or_else(|| arguments.folder.join("plots"));
            let was_there = into.exists();
            for picture in &pictures {
                let path = into.join(format!("{}.svg", picture.id));
                if let Err(failure) = save(&path, &picture.svg) {
                    // Half of them are not what was asked for.
                    for path in &written {
                        let _ = std::fs::remove_file(path);
                    }
                    if !was_there {
                        let _ = std::fs::remove_dir(&into);
                    }
                    return Err(failure);
                }
                written.push(path);
            }
        }
    }
    let names: Vec<String> = written
        .iter()
        .map(|path: &PathBuf| path.display().to_string())
        .collect();
    if context.console.json() {
        context
            .console
            .document(&json!({ "schema_version": SCHEMA_VERSION, "pictures": names }))?;
    } else {
        context.console.data(&names.join("\n"))?;
    }
    Ok(Exit::Done)
}

/// What is asked for, of what there is.
fn pictures(part: &Part, arguments: &Plot) -> Result<Vec<Picture>, Failure> {
    let wants = |what: What| arguments.what.is_none_or(|wanted| wanted == what);
    let mut pictures = Vec::new();
    match part {
        Part::Run(run, sequences) => {
            if let Some(at) = arguments.at.filter(|at| at.0 > run.end_ns) {
                return Err(Failure::Usage(format!(
                    "--at {at} is after the end of this run\n  hint: it ends at {}",
                    Span(run.end_ns)
                )));
            }
            of_one(run, sequences, arguments, &mut pictures);
        }
        Part::Comparison(_, _, comparison, variants) => {
            if wants(What::Compare) {
                pictures.extend(of_comparison::forests(comparison));
                pictures.extend(of_comparison::pareto(comparison));
            }
            if wants(What::Cdf) {
                let runs: Vec<&Run> = variants.iter().map(|(run, _)| run).collect();
                pictures.extend(of_run::delays(&runs));
            }
            if wants(What::Reroutes) {
                let (record, points) = points(&Archived::open(&arguments.folder)?)?;
                let slice = slice(&record, &points, arguments)?;
                pictures.extend(of_sweep::pictures(&slice, Some("stages")));
            }
        }
        Part::Sweep(_, record, points) => {
            if wants(What::Sweep) {
                let slice = slice(record, points, arguments)?;
                if let Some(metric) = arguments.metric.as_deref().filter(|metric| *metric != "stages") {
                    slice.check(metric).map_err(Failure::Usage)?;
                }
                pictures.extend(of_sweep::pictures(&slice, arguments.metric.as_deref()));
            }
        }
    }
    Ok(pictures)
}

/// The part of a sweep that is asked for.
fn slice<'a>(
    record: &'a SweepRecord,
    points: &'a [PointRecord],
    arguments: &Plot,
) -> Result<Slice<'a>, Failure> {
    let asked = &arguments.slice;
    let wanted = Wanted {
        places: asked.places.clone(),
        scope: asked.scope.clone(),
        pair: asked.pair.clone(),
    };
    Slice::of(record, points, &wanted).map_err(Failure::Usage)
}

fn of_one(run: &Run, sequences: &Sequences, arguments: &Plot, pictures: &mut Vec<Picture>) {
    let wants = |what: What| arguments.what.is_none_or(|wanted| wanted == what);
    if wants(What::Topology) {
        pictures.push(map::draw(run, arguments.at.map(|at| at.0), true));
    }
    if wants(What::Timeseries) {
        pictures.extend(of_run::timeseries(run));
    }
    if wants(What::Cdf) {
        pictures.extend(of_run::delays(&[run]));
    }
    if wants(What::Reroutes) {
        pictures.extend(of_run::reroutes(run));
    }
    if wants(What::Sequence) {
        for (at, (title, svg)) in sequences.charts.iter().enumerate() {
            pictures.push(Picture {
                id: format!("sequence-{}", at + 1),
                title: title.clone(),
                note: sequences.note.clone(),
                svg: svg.clone(),
                marks: Vec::new(),
            });
        }
    }
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Svg,
    #[cfg(feature = "png")]
    Png,
}

impl Form {
    /// By the file's ending.
    ///
    /// # Errors
    /// If this program writes no such pictures.
    pub fn of(path: &Path) -> Result<Form, Failure> {
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("svg") => Ok(Form::Svg),
            #[cfg(feature = "png")]
            Some("png") => Ok(Form::Png),
            #[cfg(not(feature = "png"))]
            Some("png") => Err(Failure::Usage(
                "this build writes no PNG\n  hint: name a file that ends with .svg, or build with --features png"
                    .to_owned(),
            )),
            _ => Err(Failure::Usage(format!(
                "pictures are SVG or PNG, and {} ends with neither\n  hint: name a file that ends with .svg",
                path.display()
            ))),
        }
    }
}

/// Writes a picture, in the form that the file's ending names.
///
/// # Errors
/// If there is no such form, or the file cannot be written.
pub(super) fn save(path: &Path, svg: &str) -> Result<(), Failure> {
    match Form::of(path)? {
        Form::Svg => write(path, svg.as_bytes()),
        #[cfg(feature = "png")]
        Form::Png => {
            let bytes = crate::report::picture::png::render(svg).map_err(Failure::InputOutput)?;
            write(path, &bytes)
        }
    }
}
