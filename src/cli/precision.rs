//! `--precision`: replications until a metric, or the difference between variants in it, is known well enough.

use super::args::{Precision, Simulation};
use super::work::Context;
use super::{Failure, Prepared};
use crate::catalogue::suggest;
use crate::experiment::run::replications_for;
use crate::observe::metrics::METRICS;
use crate::observe::outcome::Outcome;
use crate::units::counted;

/// Replications that it begins with, and runs at most unless told otherwise.
const FIRST: u32 = 10;
const MOST: u32 = 1000;

/// What is to be known, and how well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Half the interval over the mean.
    precision: f64,
    /// The metric's name.
    pub name: &'a str,
    /// Of what.
    pub scope: &'a str,
}

impl<'a> Wanted<'a> {
    /// What was asked for, if it was.
    ///
    /// # Errors
    /// If there is no such metric; whether a run has it in that scope, only the run can tell.
    pub(super) fn of(asked: &'a Precision) -> Result<Option<Wanted<'a>>, Failure> {
        let Some(precision) = asked.precision else {
            return Ok(None);
        };
        let text = asked.metric.as_str();
        let (name, scope) = text.split_once('@').unwrap_or((text, "network"));
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        if !names.contains(&name) {
            let hint = suggest(name, &names);
            return Err(Failure::Usage(format!(
                "--metric {text}: there is no such metric\n  hint: {hint}\n  hint: `qkdni list metrics` says what they are"
            )));
        }
        Ok(Some(Wanted {
            precision,
            name,
            scope,
        }))
    }

    /// An error about a scope that these runs do not have.
    pub(super) fn no_such_scope(&self, scopes: &[&str]) -> Failure {
        let (name, scope) = (self.name, self.scope);
        let hint = suggest(scope, scopes);
        Failure::Usage(format!(
            "--metric {name}@{scope}: this run has no {name} of {scope}\n  hint: write NAME or NAME@SCOPE; {hint}"
        ))
    }

    /// Replications of all subjects until `look` at them finds what is wanted; how many were asked for in the end.
    /// `--replications` is the most that are made. `what` is looked at: the metric, or differences in it.
    ///
    /// # Errors
    /// Those of `look`, and of the replications.
    pub(super) fn replicate(
        &self,
        context: &mut Context<'_>,
        simulation: &Simulation,
        subjects: &[&Prepared],
        what: &str,
        look: impl Fn(&[Vec<Outcome>]) -> Result<Option<f64>, Failure>,
    ) -> Result<(u32, Vec<Vec<Outcome>>), Failure> {
        let most = simulation.replications.unwrap_or(MOST);
        let mut outcomes: Vec<Vec<Outcome>> = vec![Vec::new(); subjects.len()];
        // After one replication, whether there is such a scope is known.
        let mut asked = 1;
        loop {
            let done = outcomes[0].len() as u32;
            let threads = simulation.threads.threads;
            match context.replicate(subjects, done..asked, threads, simulation.watch()) {
                Ok(new) => {
                    for (outcomes, new) in outcomes.iter_mut().zip(new) {
                        outcomes.extend(new);
                    }
                }
                Err(Failure::Interrupted) if done > 0 => {}
                Err(other) => return Err(other),
            }
            if outcomes[0].len() < asked as usize {
                return Ok((asked, outcomes));
            }
            let found = look(&outcomes)?;
            if asked == 1 && most > 1 {
                asked = FIRST.min(most);
                continue;
            }
            match found {
                Some(found) if found <= self.precision => return Ok((asked, outcomes)),
                _ if asked == most => {
                    let found = found.map_or("has no interval".to_owned(), |found| {
                        format!("is known to {:.2} %", 100.0 * found)
                    });
                    let _ = context.console.note(&format!(
                        "warning: after {} {what} {found}, not to {:.4} %",
                        counted(asked, "replication"),
                        100.0 * self.precision
                    ));
                    return Ok((asked, outcomes));
                }
                found => {
                    let found = found.unwrap_or(f64::INFINITY);
                    asked = replications_for(asked, found, self.precision).min(most);
                }
            }
        }
    }
}
