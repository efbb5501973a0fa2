//! `qkdni validate`: every finding of every file.

use serde_json::json;

use super::args::Validate;
use super::work::Context;
use super::{Exit, Failure, Rejected};
use crate::archive::SCHEMA_VERSION;

pub(super) fn validate(context: &mut Context<'_>, arguments: &Validate) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut documents = Vec::new();
    for file in &arguments.files {
        let (findings, valid) = match context.engine.prepare(file, &arguments.sets) {
            Ok(prepared) => (prepared.warnings, true),
            Err(Rejected::Invalid(findings)) => (findings, false),
            Err(unreadable @ Rejected::Unreadable(_)) => return Err(unreadable.into()),
        };
        if !valid {
            exit = Exit::Invalid;
        }
        if context.console.json() {
            documents.push(json!({ "file": file, "valid": valid, "findings": findings }));
            continue;
        }
        for finding in &findings {
            context.console.data(&finding.to_string())?;
        }
        let count = findings.len();
        let verdict = if valid { "valid" } else { "INVALID" };
        context
            .console
            .data(&format!("{file}: {verdict}, {count} findings"))?;
    }
    if context.console.json() {
        let valid = exit == Exit::Done;
        let document = json!({ "schema_version": SCHEMA_VERSION, "valid": valid, "files": documents });
        context.console.document(&document)?;
    }
    Ok(exit)
}
