//! What several verbs do: replications with a progress bar, manifests.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::args::Simulation;
use super::warnings::of_summary;
use super::{BEGUN, Console, Engine, Exit, Failure, Prepared, Watch};
use crate::analysis::bounds::{asked_bps, expected};
use crate::archive::{Command, Folder, Host, Manifest, Status, Summary};
use crate::experiment::distribute::{Control, Stopped, in_order};
use crate::experiment::{expectation, run};
use crate::observe::outcome::Outcome;
use crate::report::bounds::beside;
use crate::units::counted;

/// What a verb works with.
pub(super) struct Context<'a> {
    pub engine: &'a dyn Engine,
    pub console: Console<'a>,
    pub stop: &'a AtomicBool,
    pub command_line: Vec<String>,
}

impl Context<'_> {
    /// Shows the warnings of a scenario.
    pub fn warn(&mut self, prepared: &Prepared) {
        for warning in &prepared.warnings {
            // A lost warning is no reason to fail.
            let _ = self.console.note(&warning.to_string());
        }
    }

    /// Runs the replications with these numbers of every subject, the first of all before the second of any. So where it is
    /// interrupted, what is kept is the first replications of all of them, equally many.
    ///
    /// # Errors
    /// If a replication panicked, or none was finished before the interruption.
    pub fn replicate(
        &self,
        subjects: &[&Prepared],
        numbers: Range<u32>,
        threads: usize,
        watch: Watch,
    ) -> Result<Vec<Vec<Outcome>>, Failure> {
        if watch.trace && !cfg!(feature = "trace") {
            let text = "this build has no trace\n  hint: build it with the feature trace, as is the default";
            return Err(Failure::Usage(text.to_owned()));
        }
        BEGUN.store(true, Ordering::Relaxed);
        let kinds = subjects.len() as u32;
        let Some(jobs) = (numbers.len() as u32).checked_mul(kinds) else {
            return Err(Failure::Usage(format!(
                "{} replications are too many",
                numbers.len()
            )));
        };
        let number = |job: u32| numbers.start + job / kinds;
        let bar = self.console.progress(jobs, "replications");
        let (begin, events) = (Instant::now(), AtomicU64::new(0));
        let progress = || {
            let rate = events.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
            bar.set_message(format!("{} events/s", rounded(rate)));
            bar.inc(1);
        };
        let control = Control {
            threads,
            stop: self.stop,
            progress: &progress,
        };
        let done = in_order(jobs, control, |job| {
            let outcome = (subjects[(job % kinds) as usize].simulate)(number(job), watch);
            events.fetch_add(outcome.events, Ordering::Relaxed);
            outcome
        });
        bar.finish_and_clear();
        let done = done.map_err(|stopped| match stopped {
            Stopped::Panicked { job, message } => {
                broken(subjects[(job % kinds) as usize], number(job), &message)
            }
            Stopped::NoThreads(_) => Failure::InputOutput(stopped.to_string()),
        })?;
        let whole = done.len() / subjects.len();
        if whole == 0 {
            return Err(Failure::Interrupted);
        }
        let mut outcomes = vec![Vec::with_capacity(whole); subjects.len()];
        for (job, outcome) in done.into_iter().take(whole * subjects.len()).enumerate() {
            outcomes[job % subjects.len()].push(outcome);
        }
        Ok(outcomes)
    }

    /// Says where the results are, and what came of the run; `interrupted` says what was kept of one that did not end.
    pub fn conclude(&mut self, folder: &Path, interrupted: Option<&str>, summaries: &[Summary]) -> Exit {
        self.console.say(&format!("results: {}", folder.display()));
        if let Some(row) = summaries.iter().find_map(Summary::broken) {
            let _ = self.console.note(&format!(
                "error: broken invariant, a bug: {}: {}",
                row.check, row.detail
            ));
            return Exit::Broken;
        }
        if let Some(kept) = interrupted {
            let _ = self.console.note(&format!("interrupted: {kept}"));
            return Exit::Interrupted;
        }
        if summaries
            .iter()
            .flat_map(|summary| &summary.expectations)
            .any(|row| !row.met)
        {
            return Exit::Difference;
        }
        Exit::Done
    }
}

/// Hard bounds beside what was found, in a line; empty where there is no plan.
pub(super) fn theory(prepared: &Prepared, summary: &Summary) -> String {
    prepared.plan.as_deref().map_or_else(String::new, |plan| {
        let demands = plan.without_legs();
        let asked = demands.sessions.ids().map(|session| asked_bps(&demands, session));
        beside(&expected(plan), asked.sum(), summary)
    })
}

/// What an interruption has left, of how many if that was asked for.
pub(super) fn kept(done: u32, of: Option<u32>) -> String {
    match of {
        Some(asked) => format!("{done} of {} were kept", counted(asked, "replication")),
        None if done == 1 => "1 replication was kept".to_owned(),
        None => format!("{done} replications were kept"),
    }
}

/// A rate in few digits: 950, 12 k, 3.4 M.
pub(super) fn rounded(rate: f64) -> String {
    match rate {
        0.0..1e3 => format!("{rate:.0}"),
        1e3..1e6 => format!("{:.0} k", rate / 1e3),
        _ => format!("{:.1} M", rate / 1e6),
    }
}

/// The results folder that was asked for, or the default one.
///
/// # Errors
/// If it cannot be used.
pub(super) fn claim(
    simulation: &Simulation,
    host: &Host,
    name: &str,
    scenario_sha256: &str,
) -> Result<Folder, Failure> {
    let default = || host.default_folder(name, scenario_sha256);
    Ok(Folder::create(&simulation.out.clone().unwrap_or_else(default))?)
}

/// A panic of a replication, with what it takes to see it again.
fn broken(prepared: &Prepared, replication: u32, message: &str) -> Failure {
    Failure::Broken(format!(
        "broken invariant in replication {replication} of {} with seed {}: {message}\n  hint: this is a bug; \
         please report it with the scenario and this seed",
        prepared.label, prepared.seed
    ))
}

/// The summary of a scenario's outcomes, held against its expectations, with what to know about it.
pub(super) fn summarize(prepared: &Prepared, outcomes: &[Outcome]) -> Summary {
    let mut summary = run::summarize(&prepared.name, prepared.seed, outcomes);
    if let Some(price) = &prepared.price {
        let costs = summary.metrics.iter_mut().filter(|row| row.name == run::COST);
        costs.for_each(|row| row.unit.clone_from(&price.currency));
    }
    summary.expectations = expectation::check(&prepared.expectations, &summary);
    summary.warnings = of_summary(prepared, &summary);
    summary
}

/// The manifest of one or more summaries of `asked` replications, without files and hashes.
pub(super) fn manifest(
    command: Command,
    host: &Host,
    summaries: &[Summary],
    asked: u32,
    watch: Watch,
) -> Manifest {
    let first = &summaries[0];
    let mut manifest = Manifest::new(command, &first.name, host.clone());
    manifest.seed = first.seed;
    manifest.replications = first.replications;
    manifest.event_count = summaries.iter().map(|summary| summary.events).sum();
    manifest.trace = watch.trace;
    manifest.samples = watch.samples;
    manifest.status = if summaries.iter().any(|summary| summary.broken().is_some()) {
        Status::Broken
    } else if first.replications < asked {
        Status::Interrupted
    } else {
        Status::Complete
    };
    manifest
}
