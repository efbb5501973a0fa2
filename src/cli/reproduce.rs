//! `qkdni reproduce`: a results folder again, and every hash compared.

use std::path::Path;

use serde_json::json;

use super::args::Reproduce;
use super::compare::Compared;
use super::sweep::{Study, failure, of_stopped};
use super::work::{Context, summarize};
use super::{Exit, Failure, Prepared, Watch};
use crate::archive::{
    Archived, Command, Comparison, Damage, Digest, Files, GIT_COMMIT, Manifest, PointRecord, RunRecord,
    SCHEMA_VERSION, Sink, TOOL_VERSION, canonical_bytes, write_run, write_tables,
};
use crate::experiment::distribute::{Control, in_order};
use crate::experiment::run::by_batches;

pub(super) fn reproduce(context: &mut Context<'_>, arguments: &Reproduce) -> Result<Exit, Failure> {
    let archived = Archived::open(&arguments.folder)?;
    let manifest = archived.manifest();
    if manifest.tool_version != TOOL_VERSION || manifest.git_commit != GIT_COMMIT {
        let (version, commit) = (&manifest.tool_version, &manifest.git_commit);
        context.console.say(&format!(
            "written by version {version} (commit {commit}), this is {TOOL_VERSION} (commit {GIT_COMMIT})"
        ));
    }
    let damage = archived.damage()?;
    if !damage.is_empty() {
        // What was changed afterwards is no basis for a second run.
        let damage: Vec<String> = damage.iter().map(Damage::describe).collect();
        return report(context, manifest, &damage);
    }
    let repeated = match manifest.command {
        Command::Run => repeat_run(context, &archived, arguments.threads.threads)?,
        Command::Compare => repeat_comparison(context, &archived, arguments.threads.threads)?,
        Command::Sweep => repeat_sweep(context, &archived, arguments.threads.threads)?,
    };
    let differences: Vec<String> = archived
        .differences(&repeated)
        .iter()
        .map(|path| format!("{path} differs"))
        .collect();
    report(context, manifest, &differences)
}

fn report(context: &mut Context<'_>, manifest: &Manifest, differences: &[String]) -> Result<Exit, Failure> {
    let equal = differences.is_empty();
    if context.console.json() {
        context.console.document(&json!({
            "schema_version": SCHEMA_VERSION,
            "reproduced": equal,
            "files": manifest.files.len(),
            "differences": differences,
        }))?;
    } else if equal {
        let files = manifest.files.len();
        context
            .console
            .data(&format!("reproduced: all {files} files have the same bytes"))?;
    } else {
        context
            .console
            .data(&format!("NOT reproduced:\n  {}", differences.join("\n  ")))?;
    }
    Ok(if equal { Exit::Done } else { Exit::Difference })
}

/// What was kept of a run.
fn watch(manifest: &Manifest) -> Watch {
    Watch {
        trace: manifest.trace,
        samples: manifest.samples,
    }
}

fn repeat_run(context: &Context<'_>, archived: &Archived, threads: usize) -> Result<Files, Failure> {
    let manifest = archived.manifest();
    let prepared = prepare(context, archived.folder())?;
    let outcomes = context.replicate(&[&prepared], 0..manifest.replications, threads, watch(manifest))?;
    let outcomes = whole(&outcomes, manifest)?;
    let mut summary = summarize(&prepared, &outcomes[0]);
    if let (Some(batches), [outcome]) = (manifest.batches, outcomes[0].as_slice()) {
        by_batches(&mut summary, outcome, batches);
    }
    let record = RunRecord {
        resolved: &prepared.resolved,
        variant: manifest.variant.as_deref(),
        summary: &summary,
        outcomes: &outcomes[0],
        trace: manifest.trace,
    };
    let mut digest = Digest::default();
    write_run(&mut digest, "", &record)?;
    Ok(digest.files().clone())
}

fn repeat_comparison(context: &Context<'_>, archived: &Archived, threads: usize) -> Result<Files, Failure> {
    let manifest = archived.manifest();
    let comparison: Comparison = archived.json("compare.json")?;
    let subjects = (manifest.variants.iter())
        .map(|variant| prepare(context, &archived.folder().join(&variant.folder)))
        .collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&Prepared> = subjects.iter().collect();
    let outcomes = context.replicate(&all, 0..manifest.replications, threads, watch(manifest))?;
    let compared = Compared {
        subjects: &subjects,
        entries: &manifest.variants,
        pairs: &comparison.pairs,
        prices: &comparison.prices,
    };
    let mut digest = Digest::default();
    compared.write(&mut digest, whole(&outcomes, manifest)?, manifest.trace)?;
    Ok(digest.files().clone())
}

fn repeat_sweep(context: &Context<'_>, archived: &Archived, threads: usize) -> Result<Files, Failure> {
    let study = Study::again(context.engine, archived)?;
    let control = Control {
        threads,
        stop: context.stop,
        progress: &|| (),
    };
    let worked = in_order(study.record.points, control, |point| {
        study.work(context.engine, point, 1, context.stop)
    })
    .map_err(|stopped| failure(of_stopped(stopped, |point| point)))?;
    let mut digest = Digest::default();
    let mut put = |path: &str, bytes: &[u8]| digest.file(path, &mut |out| out.write_all(bytes));
    let mut points: Vec<PointRecord> = Vec::new();
    for content in worked {
        let content = content.map_err(failure)?;
        let content = content.ok_or(Failure::Interrupted)?;
        put(&PointRecord::path(points.len() as u32), &content)?;
        points.push(serde_json::from_slice(&content).expect("what was just written"));
    }
    if points.len() < study.record.points as usize {
        return Err(Failure::Interrupted);
    }
    put("scenario.json", &canonical_bytes(study.written()))?;
    put("sweep.json", &canonical_bytes(&study.record))?;
    write_tables(&study.record, &points, &mut put)?;
    Ok(digest.files().clone())
}

fn prepare(context: &Context<'_>, folder: &Path) -> Result<Prepared, Failure> {
    let file = folder.join("scenario.resolved.json");
    Ok(context.engine.prepare(&file.to_string_lossy(), &[])?)
}

/// The outcomes if they are as many as the folder has; an interrupted repetition tells nothing.
fn whole<'a, T>(outcomes: &'a [Vec<T>], manifest: &Manifest) -> Result<&'a [Vec<T>], Failure> {
    if outcomes
        .iter()
        .all(|outcomes| outcomes.len() == manifest.replications as usize)
    {
        Ok(outcomes)
    } else {
        Err(Failure::Interrupted)
    }
}
