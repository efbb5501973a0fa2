//! `qkdni explain`: why a request took its route, waited or failed.

use serde_json::json;

use super::args::Explain;
use super::trace::{check, nothing_traced, roster};
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::{Archived, SCHEMA_VERSION};
use crate::report::chart::Selection;
use crate::report::explanation::Explanation;

pub(super) fn explain(context: &mut Context<'_>, arguments: &Explain) -> Result<Exit, Failure> {
    let archived = Archived::open(&arguments.folder)?;
    let roster = roster(context, &archived, arguments.replication)?;
    let mut wanted = Selection {
        replication: arguments.replication,
        session: arguments.session.clone(),
        ..Selection::default()
    };
    check(&mut wanted, Some(&arguments.request), &roster, &archived)?;
    let (session, request) = match (&wanted.session, wanted.request) {
        (Some(session), Some(request)) => (session.clone(), request),
        _ => unreachable!("a request that was read has a session and a number"),
    };
    let (mut lines, mut highest) = (Vec::new(), None);
    archived.decisions(|line| {
        if line.replication == wanted.replication && line.session == session.as_str() {
            highest = highest.max(line.request);
            lines.push(line.into_owned());
        }
    })?;
    let Some(explanation) = Explanation::of(&session, request, &lines) else {
        return Err(nothing_traced(&wanted, highest));
    };
    if context.console.json() {
        let mut document = json!({ "schema_version": SCHEMA_VERSION });
        document["explanation"] = json!(explanation);
        context.console.document(&document)?;
    } else {
        context.console.data(&explanation.text())?;
    }
    Ok(Exit::Done)
}
