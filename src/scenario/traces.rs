//! Times from files: what a fault's `trace` names is read, and stands in its `outages` from then on, what a demand's `replay`
//! names in its `times`, so that a resolved scenario needs no file.

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
    for demand in list(tree, "demands") {
        let id = demand.id().unwrap_or_default().to_owned();
        let replay = member(demand, "arrivals").and_then(|arrivals| member(arrivals, "replay"));
        let Some(replay) = replay else { continue };
        let named = Named {
            field: "file",
            content: "times",
            columns: &["at"],
            path: format!("demands.{id}.arrivals.replay.file"),
            twice: "demand_times_twice",
            both: format!("demand {id} has instants of its own and a file of them"),
        };
        named.inline(replay, sources, files, &mut wrong);
    }
    for fault in list(tree, "faults") {
        let id = fault.id().unwrap_or_default().to_owned();
        let named = Named {
            field: "trace",
            content: "outages",
            columns: &["at", "repair"],
            path: format!("faults.{id}.trace"),
            twice: "fault_times_twice",
            both: format!("fault {id} has outages of its own and a file of them"),
        };
        named.inline(fault, sources, files, &mut wrong);
    }
    if wrong.0.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The objects of a list in the tree.
fn list<'a>(tree: &'a mut Node, key: &str) -> impl Iterator<Item = &'a mut Node> + use<'a> {
    let found = match member(tree, key).map(|list| &mut list.tree) {
        Some(Tree::Array(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    found.iter_mut()
}

/// A field of an object.
fn member<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Tree::Object(members) = &mut node.tree else {
        return None;
    };
    let found = members.iter_mut().find(|member| member.key == key);
    found.map(|member| &mut member.value)
}

/// A field that names a file, and the field in which its content stands from then on.
struct Named {
    field: &'static str,
    content: &'static str,
    /// The header of a CSV file; the first column must be filled in.
    columns: &'static [&'static str],
    path: String,
    /// What is wrong where the content stands there already: code and message.
    twice: &'static str,
    both: String,
}

impl Named {
    /// Reads the file that an object names, if it names one.
    fn inline(
        self,
        object: &mut Node,
        sources: &mut Sources,
        files: &mut Vec<(String, String)>,
        wrong: &mut Diagnostics,
    ) {
        let Some(trace) = object.get(self.field).cloned() else {
            return;
        };
        let Some(file) = trace.text() else { return };
        let at = Place {
            path: self.path,
            origin: trace.origin,
        };
        if object.get(self.content).is_some() {
            let hint = "leave one of them out";
            wrong.0.push(at.error(sources, self.twice, self.both, hint));
            return;
        }
        let folder = FilePath::new(sources.name(trace.origin)).parent();
        let path = folder.unwrap_or(FilePath::new("")).join(file);
        match read(&path, &at, self.columns, sources, files) {
            Ok(content) => {
                let Tree::Object(members) = &mut object.tree else {
                    return;
                };
                members.retain(|member| member.key != self.field);
                members.push(Member {
                    key: self.content.to_owned(),
                    key_origin: trace.origin,
                    value: content,
                });
            }
            Err(findings) => wrong.0.extend(findings.0),
        }
    }
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
    columns: &[&str],
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
    lines(sources, source, at, columns)
}

/// Lines of fields after a line that names them. Fields but the first may be empty or left out; of several a line makes an
/// object, of one the field itself.
fn lines(sources: &Sources, source: u32, at: &Place, columns: &[&str]) -> Result<Node, Diagnostics> {
    let text = sources.text(source);
    let header = columns.join(",");
    let origin = |start: usize, length: usize| Origin {
        source,
        start: start as u32,
        end: (start + length) as u32,
    };
    let (mut found, mut wrong, mut start) = (Vec::new(), Diagnostics::default(), 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let (from, whole) = (start, line.trim_end());
        start += line.len();
        if whole.is_empty() {
            continue;
        }
        let origin = origin(from, whole.len());
        let place = Place {
            path: at.path.clone(),
            origin,
        };
        let fields: Vec<&str> = whole.split(',').map(str::trim).collect();
        if number == 0 {
            if fields != columns {
                let message = format!("a trace begins with the line \"{header}\", not with \"{whole}\"");
                let hint = format!("write \"{header}\"");
                wrong.0.push(place.error(sources, "trace_header", message, &hint));
            }
            continue;
        }
        if fields.len() > columns.len() {
            let there = if columns.len() == 1 { "is one" } else { "are two" };
            let message = format!("{} fields where there {there}", fields.len());
            let example = ["20 min", "25 min"][..columns.len().min(2)].join(",");
            let hint = format!("write \"{example}\"");
            wrong.0.push(place.error(sources, "trace_fields", message, &hint));
            continue;
        }
        let value = |field: &str| Node {
            tree: Tree::Text(field.to_owned()),
            origin,
        };
        if columns.len() == 1 {
            found.push(value(fields[0]));
            continue;
        }
        let named = columns.iter().zip(&fields);
        let given = named.filter(|(key, field)| **key == columns[0] || !field.is_empty());
        let member = |(key, field): (&&str, &&str)| Member {
            key: (*key).to_owned(),
            key_origin: origin,
            value: value(field),
        };
        found.push(Node {
            tree: Tree::Object(given.map(member).collect()),
            origin,
        });
    }
    if wrong.0.is_empty() {
        Ok(Node {
            tree: Tree::Array(found),
            origin: origin(0, text.len()),
        })
    } else {
        Err(wrong)
    }
}
