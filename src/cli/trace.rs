//! `qkdni trace`: a request's, a session's, a fault's or a procedure's messages as a sequence chart.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::args::{ChartForm, Trace};
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{Archived, SCHEMA_VERSION};
use crate::observe::record::TraceLine;
use crate::report::chart::{Chart, Roster, Selection, ladder, list, mermaid, svg};

/// More rows than this are more than a chart shows well.
const READABLE: usize = 400;

pub(super) fn trace(context: &mut Context<'_>, arguments: &Trace) -> Result<Exit, Failure> {
    let archived = Archived::open(&arguments.folder)?;
    let roster = roster(context, &archived, arguments.replication)?;
    let filters = &arguments.filters;
    let mut wanted = Selection {
        replication: arguments.replication,
        session: arguments.session.clone(),
        request: None,
        fault: arguments.fault.clone(),
        elements: filters.elements.clone(),
        reference_points: filters.reference_points.clone(),
        procedures: filters.procedures.clone(),
        provenances: filters.provenances.clone(),
    };
    check(&mut wanted, arguments.request.as_deref(), &roster, &archived)?;

    let (mut found, mut subjects, mut highest) = (Vec::new(), 0_usize, None);
    archived.trace(|text, line| {
        let of_session = line.replication == wanted.replication
            && line.session.is_some()
            && wanted.session.as_deref() == line.session.as_deref();
        if of_session {
            highest = highest.max(line.request);
        }
        if wanted.is_subject(&line) {
            subjects += 1;
            if wanted.passes(&line, &roster) {
                found.push(text.to_owned());
            }
        }
    })?;
    if subjects == 0 {
        return Err(nothing_traced(&wanted, highest));
    }
    if context.console.json() {
        let messages = found
            .iter()
            .map(|text| parse(text))
            .collect::<Result<Vec<Value>, _>>()?;
        let document = json!({ "schema_version": SCHEMA_VERSION, "messages": messages });
        context.console.document(&document)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        context.console.say(&format!(
            "none of the {subjects} messages passes the filters: nothing to draw"
        ));
        return Ok(Exit::Done);
    }
    if found.len() > READABLE && arguments.format != ChartForm::Jsonl {
        let count = found.len();
        context.console.say(&format!(
            "{count} messages: narrow it with --request, --procedure, --reference-point or --element"
        ));
    }
    let lines = found
        .iter()
        .map(|text| parse(text))
        .collect::<Result<Vec<TraceLine<'_>>, _>>()?;
    let start = wanted.start_ns(&roster);
    let chart = || Chart::of(&wanted.title(&archived.manifest().name), &lines, &roster, start);
    let text = match arguments.format {
        ChartForm::Text => ladder::draw(&chart()),
        ChartForm::List => list::draw(&lines, start),
        ChartForm::Mermaid => mermaid::draw(&chart()),
        ChartForm::Svg => svg::draw(&chart()),
        ChartForm::Jsonl => found.join("\n"),
    };
    context.console.data(&text)?;
    Ok(Exit::Done)
}

/// Who there was in a run, by the scenario that its folder holds.
///
/// # Errors
/// If the scenario cannot be read or is not valid for this version.
pub(super) fn roster(
    context: &Context<'_>,
    archived: &Archived,
    replication: u32,
) -> Result<Roster, Failure> {
    let path = "scenario.resolved.json";
    // A comparison has none of its own: what there is to say about that is said where the trace is looked for.
    if archived.folder().join(path).exists() {
        Ok(context.engine.roster(&archived.json(path)?, replication)?)
    } else {
        archived.trace(|_, _| {})?;
        Err(Failure::InputOutput(format!(
            "cannot read {}: the file is gone",
            archived.folder().join(path).display()
        )))
    }
}

/// Holds a selection to what there is; all findings at once.
///
/// # Errors
/// If it names what is not there, or what there is cannot be read.
pub(super) fn check(
    wanted: &mut Selection,
    request: Option<&str>,
    roster: &Roster,
    archived: &Archived,
) -> Result<(), Failure> {
    let mut findings = Vec::new();
    if let Some(request) = request {
        let mut last = BTreeMap::new();
        // Only a number alone is looked for in every session.
        if request.parse::<u32>().is_ok() && wanted.session.is_none() && roster.sessions.len() > 1 {
            archived.decisions(|line| {
                if let (Some(number), true) = (line.request, line.replication == wanted.replication) {
                    let highest = last.entry(line.session.to_string()).or_insert(number);
                    *highest = number.max(*highest);
                }
            })?;
        }
        findings.extend(wanted.read_request(request, roster, &last).err());
    }
    findings.extend(wanted.findings(roster, archived.manifest().replications));
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::Usage(findings.join("\n")))
    }
}

/// What is asked for could be, but left no trace.
pub(super) fn nothing_traced(wanted: &Selection, highest: Option<u32>) -> Failure {
    let replication = wanted.replication;
    let session = wanted.session.as_deref().unwrap_or("any session");
    Failure::Usage(match (wanted.request, &wanted.fault, highest) {
        (Some(number), _, Some(highest)) => format!(
            "no message of request {number} of {session} in replication {replication}\n  hint: its requests are \
             numbered from 0 to {highest}"
        ),
        (_, Some(fault), _) => format!(
            "no message about fault {fault} in replication {replication}: it touched no link, or nothing about {session}"
        ),
        _ => format!("no message of {session} in replication {replication}"),
    })
}

/// A line again, after it was understood once.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::InputOutput(error.to_string()))
}
