//! `qkdni report`: results folders as one HTML file.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::args::Report;
use super::link::write;
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{Archived, Command, PointRecord, SCHEMA_VERSION, SweepRecord, VariantEntry};
use crate::network::plan::Plan;
use crate::observe::record::TraceLine;
use crate::report::chart::{Chart, Roster, Selection, svg};
use crate::report::page::{Part, Sequences, page};
use crate::report::study::Run;
use crate::scenario::{compile, load_text};

/// What sequence charts are drawn of.
const TRACE: &str = "trace.jsonl";

/// Sequence charts of one run, and rows of one chart, at most.
const CHARTS: usize = 4;
const ROWS: usize = 250;

pub(super) fn report(context: &mut Context<'_>, arguments: &Report) -> Result<Exit, Failure> {
    let parts = (arguments.folders.iter())
        .map(|folder| read(folder))
        .collect::<Result<Vec<Part>, Failure>>()?;
    let text = page(&parts);
    let path = match &arguments.out {
        Some(path) => path.clone(),
        None => arguments.folders[0].join("report.html"),
    };
    write(&path, text.as_bytes())?;
    if context.console.json() {
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "out": path.to_string_lossy(),
            "bytes": text.len(),
            "results": parts.len(),
        }))?;
    } else {
        let size = text.len() as f64 / 1e6;
        context
            .console
            .data(&format!("{}: {size:.2} MB", path.display()))?;
    }
    Ok(Exit::Done)
}

/// A results folder, whole.
///
/// # Errors
/// If it is of another version, or not what was written.
pub(super) fn read(folder: &Path) -> Result<Part, Failure> {
    let archived = Archived::open(folder)?;
    let manifest = archived.manifest();
    // A comparison's variants are folders of their own; of one that is gone everything is missing.
    let is_gone = |variant: &VariantEntry| !folder.join(&variant.folder).exists();
    let gone: Vec<String> = (manifest.variants.iter().filter(|variant| is_gone(variant)))
        .map(|variant| format!("{}/", variant.folder))
        .collect();
    archived.sound(|path| match manifest.command {
        Command::Run => is_read(&archived, path),
        Command::Compare => path == "compare.json" || gone.iter().any(|variant| path.starts_with(variant)),
        Command::Sweep => is_of_sweep(path),
    })?;
    let name = manifest.title();
    match manifest.command {
        Command::Run => {
            let (run, sequences) = read_run(&name, &archived)?;
            Ok(Part::Run(Box::new(run), sequences))
        }
        Command::Compare => {
            let comparison = archived.json("compare.json")?;
            let variants = (manifest.variants.iter())
                .map(|variant| {
                    let archived = Archived::open(&folder.join(&variant.folder))?;
                    archived.sound(|path| is_read(&archived, path))?;
                    read_run(&variant.name, &archived)
                })
                .collect::<Result<Vec<_>, Failure>>()?;
            Ok(Part::Comparison(
                name,
                Box::new(manifest.clone()),
                Box::new(comparison),
                variants,
            ))
        }
        Command::Sweep => {
            let record: SweepRecord = archived.json("sweep.json")?;
            let points = (0..record.points)
                .map(|point| archived.json(&PointRecord::path(point)))
                .collect::<Result<Vec<PointRecord>, _>>()?;
            Ok(Part::Sweep(Box::new(manifest.clone()), Box::new(record), points))
        }
    }
}

/// Whether a run's file is read: a trace is, as long as it is there.
fn is_read(archived: &Archived, path: &str) -> bool {
    match path {
        "scenario.resolved.json"
        | "summary.json"
        | "requests.csv"
        | "reroutes.json"
        | "timeseries.csv"
        | "routes.csv" => true,
        TRACE => archived.folder().join(path).exists(),
        _ => false,
    }
}

/// Whether a sweep's file holds the sweep or one of its points.
pub(super) fn is_of_sweep(path: &str) -> bool {
    path == "sweep.json" || path.starts_with("points/")
}

fn read_run(name: &str, archived: &Archived) -> Result<(Run, Sequences), Failure> {
    let path = "scenario.resolved.json";
    let resolved: serde_json::Value = archived.json(path)?;
    let loaded = load_text(path, &resolved.to_string(), &[]).map_err(|findings| {
        let place = archived.folder().join(path);
        Failure::InputOutput(format!(
            "cannot use {}: not a scenario of this version\n{}",
            place.display(),
            findings.render().trim_end()
        ))
    })?;
    // The map and the charts are of the first replication, and so are the times of random faults.
    let plan = Arc::new(compile(&loaded.document)).of_replication(0);
    let run = Run::read(name, archived, &loaded.document, &plan)?;
    let sequences = sequences(name, archived, &plan)?;
    Ok((run, sequences))
}

/// The charts of the first faults, else of the first request.
fn sequences(name: &str, archived: &Archived, plan: &Plan) -> Result<Sequences, Failure> {
    if !archived.folder().join(TRACE).exists() {
        let reason = if archived.has(TRACE) {
            "trace.jsonl was removed from the folder"
        } else {
            "run again with --trace"
        };
        return Ok(Sequences {
            charts: Vec::new(),
            note: format!("Sequence charts need a trace: {reason}."),
        });
    }
    let roster = Roster::of(plan);
    let mut wanted: Vec<Selection> = (roster.faults.iter().take(CHARTS))
        .map(|fault| Selection {
            fault: Some(fault.clone()),
            ..Selection::default()
        })
        .collect();
    if wanted.is_empty() {
        wanted.extend(roster.sessions.first().map(|session| Selection {
            session: Some(session.clone()),
            request: Some(0),
            ..Selection::default()
        }));
    }
    let mut found: Vec<Vec<String>> = vec![Vec::new(); wanted.len()];
    archived.trace(|text, line| {
        for (wanted, found) in wanted.iter().zip(&mut found) {
            if found.len() <= ROWS && wanted.is_subject(&line) {
                found.push(text.to_owned());
            }
        }
    })?;
    let mut charts = Vec::new();
    for (wanted, found) in wanted.iter().zip(&found).filter(|(_, found)| !found.is_empty()) {
        let lines: Vec<TraceLine<'_>> = (found.iter().take(ROWS))
            .map(|text| serde_json::from_str(text))
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::InputOutput(error.to_string()))?;
        let more = if found.len() > ROWS {
            format!(" (its first {ROWS} messages)")
        } else {
            String::new()
        };
        let title = format!("{}{more}", wanted.title(name));
        let picture = svg::draw(&Chart::of(&title, &lines, &roster, wanted.start_ns(&roster)));
        charts.push((title, picture));
    }
    let note = if roster.faults.is_empty() {
        "No faults in this scenario: the first request. Others: qkdni trace.".to_owned()
    } else if charts.is_empty() {
        "No fault touched anything in the first replication.".to_owned()
    } else {
        format!("Faults of the first replication, {CHARTS} at most. Others: qkdni trace.")
    };
    Ok(Sequences { charts, note })
}
