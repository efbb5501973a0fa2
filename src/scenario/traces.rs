//! Times of faults from files: what a fault's `trace` names is read, and stands in its `outages` from then on, so that a
//! resolved scenario needs no file.

use std::path::Path as FilePath;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::load::hexadecimal;
use super::text::{Sources, decode_text, parse, read_file};
use crate::catalogue::{Member, Node, Origin, Severity, Tree};

/// Reads the trace of every fault that names one; relative to the file in which it is named.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn inline(
    tree: &mut Node,
    sources: &mut Sources,
    files: &mut Vec<(String, String)>,
) -> Result<(), Diagnostics> {
    let mut wrong = Diagnostics::default();
    let Tree::Object(members) = &mut tree.tree else {
        return Ok(());
    };
    let faults = members.iter_mut().find(|member| member.key == "faults");
    let Some(Tree::Array(faults)) = faults.map(|member| &mut member.value.tree) else {
        return Ok(());
    };
    for fault in faults {
        let Some(trace) = fault.get("trace").cloned() else {
            continue;
        };
        let Some(file) = trace.text() else { continue };
        let id = fault.id().unwrap_or_default().to_owned();
        let at = Place {
            path: format!("faults.{id}.trace"),
            origin: trace.origin,
        };
        if fault.get("outages").is_some() {
            let message = format!("fault {id} has outages of its own and a file of them");
            wrong
                .0
                .push(at.error(sources, "fault_times_twice", message, "leave one of them out"));
            continue;
        }
        let folder = FilePath::new(sources.name(trace.origin)).parent();
        let path = folder.unwrap_or(FilePath::new("")).join(file);
        match read(&path, &at, sources, files) {
            Ok(outages) => {
                let Tree::Object(members) = &mut fault.tree else {
                    continue;
                };
                members.retain(|member| member.key != "trace");
                members.push(Member {
                    key: "outages".to_owned(),
                    key_origin: trace.origin,
                    value: outages,
                });
            }
            Err(findings) => wrong.0.extend(findings.0),
        }
    }
    if wrong.0.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Where a trace is named.
struct Place {
    path: String,
    origin: Origin,
}

impl Place {
    fn error(&self, sources: &Sources, code: &'static str, message: String, hint: &str) -> Diagnostic {
        let (origin, path) = (self.origin, self.path.clone());
        let hint = Some(hint.to_owned());
        Diagnostic::at(sources, Severity::Error, code, origin, path, message, hint)
    }
}

fn read(
    path: &FilePath,
    at: &Place,
    sources: &mut Sources,
    files: &mut Vec<(String, String)>,
) -> Result<Node, Diagnostics> {
    let name = path.display().to_string();
    let bytes = read_file(path, &name).map_err(|wrong| {
        let reason = wrong
            .0
            .first()
            .map_or("it cannot be read", |first| &first.message);
        let message = format!("cannot read {name}: {reason}");
        Diagnostics::from(at.error(
            sources,
            "trace_unreadable",
            message,
            "the path is relative to this file",
        ))
    })?;
    files.push((name.clone(), hexadecimal(&bytes)));
    let text = decode_text(&bytes, &name)?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let source = sources.add(&name, text);
    if is_json {
        return parse(sources, source);
    }
    lines(sources, source, at)
}

/// Lines "at,repair" after a line that says so; an outage without repair ends in a comma, or has no second field.
fn lines(sources: &Sources, source: u32, at: &Place) -> Result<Node, Diagnostics> {
    let text = sources.text(source);
    let origin = |start: usize, length: usize| Origin {
        source,
        start: start as u32,
        end: (start + length) as u32,
    };
    let (mut outages, mut wrong, mut start) = (Vec::new(), Diagnostics::default(), 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let (from, whole) = (start, line.trim_end());
        start += line.len();
        if whole.is_empty() {
            continue;
        }
        let fields: Vec<&str> = whole.split(',').map(str::trim).collect();
        if number == 0 {
            if fields != ["at", "repair"] {
                let place = Place {
                    path: at.path.clone(),
                    origin: origin(from, whole.len()),
                };
                let message = format!("a trace begins with the line \"at,repair\", not with \"{whole}\"");
                wrong
                    .0
                    .push(place.error(sources, "trace_header", message, "write \"at,repair\""));
            }
            continue;
        }
        if fields.len() > 2 {
            let place = Place {
                path: at.path.clone(),
                origin: origin(from, whole.len()),
            };
            let message = format!("{} fields where there are two", fields.len());
            wrong
                .0
                .push(place.error(sources, "trace_fields", message, "write \"20 min,25 min\""));
            continue;
        }
        let member = |key: &str, field: &str| Member {
            key: key.to_owned(),
            key_origin: origin(from, whole.len()),
            value: Node {
                tree: Tree::Text(field.to_owned()),
                origin: origin(from, whole.len()),
            },
        };
        let keys = ["at", "repair"].into_iter().zip(&fields);
        let given = keys.filter(|(key, field)| *key == "at" || !field.is_empty());
        outages.push(Node {
            tree: Tree::Object(given.map(|(key, field)| member(key, field)).collect()),
            origin: origin(from, whole.len()),
        });
    }
    if wrong.0.is_empty() {
        Ok(Node {
            tree: Tree::Array(outages),
            origin: origin(0, text.len()),
        })
    } else {
        Err(wrong)
    }
}
