//! `qkdni validate`: every finding of every file.

use serde_json::json;

use super::args::Validate;
use super::work::Context;
use super::{Exit, Failure};
use crate::archive::SCHEMA_VERSION;
use crate::catalogue::Severity;
use crate::scenario::Diagnostic;

pub(super) fn validate(context: &mut Context<'_>, arguments: &Validate) -> Result<Exit, Failure> {
    let (mut all_valid, mut unreadable) = (true, false);
    let mut documents = Vec::new();
    for file in &arguments.files {
        let findings = context.engine.check(file, &arguments.sets);
        let valid = findings.iter().all(|finding| finding.severity != Severity::Error);
        // The other files are still worth a look.
        unreadable |= findings.iter().any(Diagnostic::is_input_output);
        all_valid &= valid;
        if context.console.json() {
            documents.push(json!({ "file": file, "valid": valid, "findings": findings }));
            continue;
        }
        for finding in &findings {
            context.console.data(&finding.to_string())?;
        }
        let count = match findings.len() {
            0 => "nothing to remark".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        let verdict = if valid { "valid" } else { "INVALID" };
        context.console.data(&format!("{file}: {verdict}, {count}"))?;
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
