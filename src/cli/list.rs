//! `qkdni list`: what a scenario may name, and the metrics.

use serde_json::json;

use super::args::List;
use super::work::Context;
use super::{CatalogueEntry, Exit, Failure};
use crate::archive::SCHEMA_VERSION;
use crate::catalogue::suggest;
use crate::observe::metrics::METRICS;

pub(super) fn list(context: &mut Context<'_>, arguments: &List) -> Result<Exit, Failure> {
    let mut entries = context.engine.catalogue();
    entries.extend(METRICS.iter().map(|metric| CatalogueEntry {
        kind: "metrics".to_owned(),
        name: metric.name.to_owned(),
        meaning: format!("{} [{}]", metric.meaning, metric.unit),
    }));
    if let Some(kind) = &arguments.kind {
        let mut kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
        kinds.dedup();
        if !kinds.contains(&kind.as_str()) {
            let hint = suggest(kind, &kinds);
            return Err(Failure::Usage(format!("there is no kind {kind}\n  hint: {hint}")));
        }
        entries.retain(|entry| entry.kind == *kind);
    }
    if context.console.json() {
        let document = json!({ "schema_version": SCHEMA_VERSION, "entries": entries });
        context.console.document(&document)?;
        return Ok(Exit::Done);
    }
    let width = entries
        .iter()
        .map(|entry| entry.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut kind = "";
    for entry in &entries {
        if entry.kind != kind {
            kind = &entry.kind;
            context.console.data(kind)?;
        }
        context
            .console
            .data(&format!("  {:width$}  {}", entry.name, entry.meaning))?;
    }
    Ok(Exit::Done)
}
