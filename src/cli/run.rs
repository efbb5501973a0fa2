//! `qkdni run`: one scenario, its replications, a table, a results folder.

use std::ops::Range;

use serde_json::{Value, json};

use super::args::Run;
use super::precision::Wanted;
use super::work::{Context, claim, kept, manifest, summarize, theory};
use super::{Exit, Failure, Prepared, Watch};
use crate::analysis::bounds::expected;
use crate::archive::{Command, Host, RunRecord, scenario_hash, write_run};
use crate::experiment::run::{by_batches, relative_half_width, warm_up_end};
use crate::report::tables;

/// Replications in which `--warm-up mser5` looks for the end of the warm-up: numbers that no run has, so that what is
/// measured later does not depend on what was looked at.
const PILOT: Range<u32> = u32::MAX - 5..u32::MAX;

pub(super) fn run(context: &mut Context<'_>, arguments: &Run) -> Result<Exit, Failure> {
    let simulation = &arguments.simulation;
    let wanted = Wanted::of(&arguments.precision)?;
    let prepared = prepare(context, arguments)?;
    context.warn(&prepared);
    let host = Host::here(simulation.threads.threads, &context.command_line);
    let hash = scenario_hash(&prepared.resolved);
    // Claimed before the work, so that a folder that cannot be written costs no simulation.
    let mut folder = claim(simulation, &host, &prepared.name, &hash)?;
    let (asked, outcomes) = match wanted {
        Some(wanted) => {
            let what = format!("{} of {}", wanted.name, wanted.scope);
            wanted.replicate(context, simulation, &[&prepared], &what, |outcomes| {
                let summary = summarize(&prepared, &outcomes[0]);
                match summary.metric(wanted.name, wanted.scope) {
                    Some(_) => Ok(relative_half_width(&summary, wanted.name, wanted.scope)),
                    None => Err(wanted.no_such_scope(&summary.scopes_of(wanted.name))),
                }
            })?
        }
        None => {
            let asked = prepared.replications;
            let outcomes = context.replicate(&[&prepared], 0..asked, host.threads, simulation.watch())?;
            (asked, outcomes)
        }
    };
    let outcomes = &outcomes[0];
    let mut summary = summarize(&prepared, outcomes);
    if let (Some(batches), [outcome]) = (arguments.batches, outcomes.as_slice()) {
        by_batches(&mut summary, outcome, batches);
    }
    for warning in &summary.warnings {
        let text = format!("warning: {}: {}", summary.name, warning.text);
        let _ = context.console.note(&text);
    }
    let record = RunRecord {
        resolved: &prepared.resolved,
        variant: prepared.variant.as_deref(),
        summary: &summary,
        outcomes,
        trace: simulation.trace,
    };
    write_run(&mut folder, "", &record)?;
    let summaries = [summary];
    let mut manifest = manifest(Command::Run, &host, &summaries, asked, simulation.watch());
    manifest.scenario_sha256 = hash;
    manifest.variant.clone_from(&prepared.variant);
    manifest.batches = arguments.batches;
    let status = manifest.status;
    let place = folder.seal(manifest)?;
    if context.console.json() {
        let mut document = json!(summaries[0]);
        document["bounds"] = json!(prepared.plan.as_deref().map(expected));
        document["status"] = json!(status);
        document["folder"] = Value::from(place.to_string_lossy());
        context.console.document(&document)?;
    } else {
        let look = context.console.look();
        let heading: Vec<String> = prepared
            .boundaries
            .iter()
            .map(|line| format!("boundary {line}\n"))
            .collect();
        let table = tables::summary(&summaries[0], look);
        let theory = theory(&prepared, &summaries[0]);
        context.console.data(&(heading.concat() + &table + &theory))?;
    }
    let done = summaries[0].replications;
    // How many a precision would have taken was never asked for.
    let of = wanted.map_or(Some(asked), |_| None);
    let interrupted = (done < asked).then(|| kept(done, of));
    Ok(context.conclude(&place, interrupted.as_deref(), &summaries))
}

/// The scenario, with the warm-up that was asked for or found.
fn prepare(context: &mut Context<'_>, arguments: &Run) -> Result<Prepared, Failure> {
    let mut sets = arguments.simulation.all_sets();
    if arguments.batches.is_some() {
        sets.push("run.replications=1".to_owned());
    }
    match arguments.warm_up.as_deref() {
        None => {}
        Some("mser5") => {
            let mut pilot = sets.clone();
            pilot.push("run.warm_up=0 s".to_owned());
            let pilot = context.engine.prepare(&arguments.file, &pilot)?;
            let threads = arguments.simulation.threads.threads;
            let outcomes = context.replicate(&[&pilot], PILOT, threads, Watch::default())?;
            let ends: Option<Vec<u64>> = outcomes[0].iter().map(warm_up_end).collect();
            let Some(end) = ends.and_then(|ends| ends.into_iter().max()) else {
                return Err(Failure::Usage(
                    "--warm-up mser5: the delays have not settled in the first half of the run, or there are fewer than \
                     fifty\n  hint: make run.duration longer, or give the warm-up as a time"
                        .to_owned(),
                ));
            };
            context
                .console
                .say(&format!("warm-up by MSER-5: {} s", end as f64 / 1e9));
            sets.push(format!("run.warm_up={end} ns"));
        }
        Some(time) => sets.push(format!("run.warm_up={time}")),
    }
    Ok(context.engine.prepare(&arguments.file, &sets)?)
}
