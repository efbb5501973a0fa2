//! `qkdni table`: metrics of a sweep, a comparison or a run as one table, for the terminal or for a paper.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Table, TableForm};
use super::link::write;
use super::report::is_of_sweep;
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{Archived, Command, PointRecord, SCHEMA_VERSION, Summary, SweepRecord, VariantSummary};
use crate::report::slice::{Slice, Wanted};
use crate::report::sweep_table::{Form, table as draw};

pub(super) fn table(context: &mut Context<'_>, arguments: &Table) -> Result<Exit, Failure> {
    let archived = Archived::open(&arguments.folder)?;
    let command = archived.manifest().command;
    archived.sound(|path| match command {
        Command::Run => path == "summary.json",
        Command::Compare => path == "compare.json" || path.ends_with("/summary.json"),
        Command::Sweep => is_of_sweep(path),
    })?;
    let (record, points) = points(&archived)?;
    let wanted = Wanted {
        places: arguments.slice.places.clone(),
        scope: arguments.slice.scope.clone(),
        pair: arguments.slice.pair.clone(),
    };
    let slice = Slice::of(&record, &points, &wanted).map_err(Failure::Usage)?;
    let form = match arguments.format {
        TableForm::Text => Form::Text,
        TableForm::Markdown => Form::Markdown,
        TableForm::Csv => Form::Csv,
    };
    let look = context.console.look();
    let text = draw(&slice, &arguments.metrics, form, look).map_err(Failure::Usage)?;
    if let Some(out) = &arguments.out {
        write(out, text.as_bytes())?;
    }
    if context.console.json() {
        let out = arguments
            .out
            .as_ref()
            .map(|out| out.to_string_lossy().into_owned());
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "out": out,
            "table": if arguments.out.is_some() { Value::Null } else { Value::from(text) },
        }))?;
    } else if let Some(out) = &arguments.out {
        context.console.data(&out.display().to_string())?;
    } else {
        context.console.data(text.trim_end())?;
    }
    Ok(Exit::Done)
}

/// The points of a sweep; a comparison and a run are sweeps of one point.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn points(archived: &Archived) -> Result<(SweepRecord, Vec<PointRecord>), Failure> {
    let manifest = archived.manifest();
    if manifest.command == Command::Sweep {
        let record: SweepRecord = archived.json("sweep.json")?;
        let points = (0..record.points)
            .map(|point| archived.json(&PointRecord::path(point)))
            .collect::<Result<Vec<PointRecord>, _>>()?;
        return Ok((record, points));
    }
    let mut record = SweepRecord::new(&manifest.name, &Value::Null);
    (record.points, record.compared) = (1, manifest.command == Command::Compare);
    "grid".clone_into(&mut record.design);
    let mut point = PointRecord {
        schema_version: SCHEMA_VERSION,
        sweep: String::new(),
        point: 0,
        values: serde_json::Map::new(),
        summary: None,
        variants: Vec::new(),
        comparison: None,
    };
    if manifest.command == Command::Compare {
        point.comparison = Some(archived.json("compare.json")?);
        for variant in &manifest.variants {
            let path = Path::new(&variant.folder).join("summary.json");
            let summary: Summary = archived.json(&path.to_string_lossy())?;
            point.variants.push(VariantSummary {
                variant: variant.name.clone(),
                summary,
            });
        }
    } else {
        point.summary = Some(archived.json("summary.json")?);
    }
    Ok((record, vec![point]))
}
