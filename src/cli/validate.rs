//! `qkdni validate`: every finding of every file.

use serde_json::json;

use super::args::Validate;
use super::work::Context;
use super::{Exit, Failure, Finding, Rejected};
use crate::archive::SCHEMA_VERSION;

pub(super) fn validate(context: &mut Context<'_>, arguments: &Validate) -> Result<Exit, Failure> {
    let (mut all_valid, mut unreadable) = (true, false);
    let mut documents = Vec::new();
    for file in &arguments.files {
        let (findings, valid) = match context.engine.prepare(file, &arguments.sets) {
            Ok(prepared) => (prepared.warnings, true),
            Err(Rejected::Invalid(findings)) => (findings, false),
            Err(Rejected::Unreadable(message)) => {
                // The other files are still worth a look.
                unreadable = true;
                (
                    vec![Finding {
                        message,
                        file: file.clone(),
                        ..Finding::default()
                    }],
                    false,
                )
            }
        };
        all_valid &= valid;
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
        let document = json!({ "schema_version": SCHEMA_VERSION, "valid": all_valid, "files": documents });
        context.console.document(&document)?;
    }
    Ok(match (unreadable, all_valid) {
        (true, _) => Exit::InputOutput,
        (false, false) => Exit::Invalid,
        (false, true) => Exit::Done,
    })
}
