//! `qkdni run`: one scenario, its replications, a table, a results folder.

use serde_json::{Value, json};

use super::args::Run;
use super::work::{Context, claim, manifest, summarize};
use super::{Exit, Failure};
use crate::analysis::bounds::hard;
use crate::archive::{Command, Host, RunRecord, scenario_hash, write_run};
use crate::report::bounds::beside;
use crate::report::tables;

pub(super) fn run(context: &mut Context<'_>, arguments: &Run) -> Result<Exit, Failure> {
    let simulation = &arguments.simulation;
    let prepared = context.engine.prepare(&arguments.file, &simulation.all_sets())?;
    context.warn(&prepared);
    let host = Host::here(simulation.threads.threads, &context.command_line);
    let hash = scenario_hash(&prepared.resolved);
    // Claimed before the work, so that a folder that cannot be written costs no simulation.
    let mut folder = claim(simulation, &host, &prepared.name, &hash)?;
    let asked = prepared.replications;
    let outcomes = context.replicate(&[&prepared], asked, host.threads, simulation.trace)?;
    let outcomes = &outcomes[0];
    let summary = summarize(&prepared, outcomes);
    let record = RunRecord {
        resolved: &prepared.resolved,
        summary: &summary,
        outcomes,
        trace: simulation.trace,
    };
    write_run(&mut folder, "", &record)?;
    let summaries = [summary];
    let mut manifest = manifest(Command::Run, &host, &summaries, asked, simulation.trace);
    manifest.scenario_sha256 = hash;
    let status = manifest.status;
    let place = folder.seal(manifest)?;
    let hard = prepared.plan.as_deref().map(hard);
    if context.console.json() {
        let mut document = json!(summaries[0]);
        document["bounds"] = json!(hard);
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
        let theory = hard.map(|hard| beside(&hard, &summaries[0])).unwrap_or_default();
        context.console.data(&(heading.concat() + &table + &theory))?;
    }
    Ok(context.conclude(&place, summaries[0].replications, asked, &summaries))
}
