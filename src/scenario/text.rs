//! Reading: from a file to a tree in which every value knows its place.
//!
//! The format is strict JSON: no comments, no trailing commas. Of syntax errors the first is reported, since what
//! follows it cannot be told apart from its consequences.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::diagnostics::{Diagnostic, Diagnostics, Excerpt};
use crate::catalogue::{Member, Node, Origin, Severity, Tree};

/// Largest file that is read \[bytes\].
pub const SIZE_LIMIT: u64 = 16 << 20;

/// The texts that a scenario is made of.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
}

/// One text.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
    /// Byte at which each line begins.
    lines: Vec<usize>,
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, name: &str, text: String) -> u32 {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        self.texts.push(Source {
            name: name.to_owned(),
            text,
            lines,
        });
        (self.texts.len() - 1) as u32
    }

    /// The name of the text that an origin lies in.
    pub fn name(&self, origin: Origin) -> &str {
        &self.texts[origin.source as usize].name
    }

    /// The text of that number.
    pub fn text(&self, source: u32) -> &str {
        &self.texts[source as usize].text
    }

    /// Line and column of an origin, both from 1, and what stands there.
    pub fn locate(&self, origin: Origin) -> (usize, usize, Excerpt) {
        const AROUND: usize = 70;
        let source = &self.texts[origin.source as usize];
        let start = floor_boundary(&source.text, origin.start as usize);
        let index = source.lines.partition_point(|line| *line <= start) - 1;
        let line_start = source.lines[index];
        let line_end = source.text[start..]
            .find('\n')
            .map_or(source.text.len(), |at| start + at);
        let end = floor_boundary(&source.text, (origin.end as usize).clamp(start, line_end));
        let column = source.text[line_start..start].chars().count();
        let marked = source.text[start..end].chars().count();
        // A tab is as wide as a space in the excerpt, so that the mark stands under its part.
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let skipped = column.saturating_sub(AROUND);
        let excerpt = Excerpt {
            text: source.text[line_start..line_end]
                .chars()
                .skip(skipped)
                .take(2 * AROUND)
                .map(printable)
                .collect::<String>()
                .trim_end()
                .to_owned(),
            before: column - skipped,
            marked: marked.min(2 * AROUND - (column - skipped)),
        };
        (index + 1, column + 1, excerpt)
    }
}

/// The last character boundary that is not beyond `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Reads the bytes of a file, if it is one of sensible size.
///
/// # Errors
/// Why it cannot be read.
pub fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, Diagnostics> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => Diagnostic::about_file(
            "not_found",
            name,
            "there is no such file".to_owned(),
            "check the path; a variant is written FILE:VARIANT",
        ),
        io::ErrorKind::PermissionDenied => Diagnostic::about_file(
            "no_permission",
            name,
            "no permission to read the file".to_owned(),
            "make the file readable for this user",
        ),
        _ => Diagnostic::about_file(
            "unreadable",
            name,
            format!("cannot read the file: {error}"),
            "check the file",
        ),
    };
    let too_large = |size: String| {
        Diagnostic::about_file(
            "too_large",
            name,
            format!("the file has {size}; the limit is {} MiB", SIZE_LIMIT >> 20),
            "a scenario is a few kilobytes: is this the right file?",
        )
    };
    let metadata = fs::metadata(path).map_err(|error| failed(&error))?;
    if metadata.is_dir() {
        return Err(Diagnostic::about_file(
            "is_directory",
            name,
            "this is a directory, not a file".to_owned(),
            "name a scenario file",
        )
        .into());
    }
    if metadata.len() > SIZE_LIMIT {
        return Err(too_large(format!("{} MiB", metadata.len() >> 20)).into());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(too_large("more".to_owned()).into());
    }
    Ok(bytes)
}

/// Reads bytes as text; a byte order mark at the start is dropped.
///
/// # Errors
/// The first byte that is not UTF-8.
pub fn decode_text(bytes: &[u8], name: &str) -> Result<String, Diagnostics> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.split(|byte| *byte == b'\n').count();
            let start = good
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            let column = String::from_utf8_lossy(&good[start..]).chars().count() + 1;
            let wrong = Diagnostic {
                line,
                column,
                ..Diagnostic::about_file(
                    "not_utf8",
                    name,
                    format!("byte {} is not UTF-8 text", bytes[error.valid_up_to()]),
                    "save the file as UTF-8",
                )
            };
            Err(wrong.into())
        }
    }
}

/// Parses the text `source` as strict JSON.
///
/// # Errors
/// The first mistake of syntax, or all keys that are repeated.
pub fn parse(sources: &Sources, source: u32) -> Result<Node, Diagnostics> {
    let text = sources.text(source);
    let options = jsonc_parser::ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let at = |start: usize, end: usize| Origin {
        source,
        start: start as u32,
        end: end as u32,
    };
    let error = |code, origin, message: String, hint: Option<String>| {
        Diagnostic::at(
            sources,
            Severity::Error,
            code,
            origin,
            String::new(),
            message,
            hint,
        )
    };
    let result = jsonc_parser::parse_to_ast(text, &jsonc_parser::CollectOptions::default(), &options);
    match result {
        Err(wrong) => {
            let range = wrong.range();
            let message = wrong.kind().to_string();
            let hint = if message.contains("omments") {
                "scenarios are plain JSON; use \"note\" or \"description\" for remarks"
            } else if message.contains("railing comma") {
                "remove the comma before the closing bracket"
            } else if message.contains("Expected comma") {
                "put a comma between two members or elements"
            } else if message.contains("nterminated") {
                "close what is opened here"
            } else {
                "scenarios are plain JSON"
            };
            let origin = at(range.start(), range.end());
            Err(error("syntax", origin, message, Some(hint.to_owned())).into())
        }
        Ok(jsonc_parser::ParseResult { value: None, .. }) => Err(error(
            "empty_file",
            at(0, 0),
            "the file is empty".to_owned(),
            Some("a scenario is a JSON object: {\"name\": …}".to_owned()),
        )
        .into()),
        Ok(jsonc_parser::ParseResult {
            value: Some(value), ..
        }) => {
            let mut repeated = Vec::new();
            let node = convert(&value, source, &mut repeated);
            if repeated.is_empty() {
                Ok(node)
            } else {
                let wrong = repeated
                    .into_iter()
                    .map(|(key, origin)| {
                        error(
                            "repeated_key",
                            origin,
                            format!("the key \"{key}\" stands in this object already"),
                            Some("keep one of them".to_owned()),
                        )
                    })
                    .collect();
                Err(Diagnostics(wrong))
            }
        }
    }
}

/// Turns the parser's tree into ours and notes keys that are there twice.
fn convert(value: &ast::Value<'_>, source: u32, repeated: &mut Vec<(String, Origin)>) -> Node {
    let origin = |range: jsonc_parser::common::Range| Origin {
        source,
        start: range.start as u32,
        end: range.end as u32,
    };
    let tree = match value {
        ast::Value::NullKeyword(_) => Tree::Null,
        ast::Value::BooleanLit(literal) => Tree::Bool(literal.value),
        ast::Value::NumberLit(literal) => Tree::Number(literal.value.to_owned()),
        ast::Value::StringLit(literal) => Tree::Text(literal.value.clone().into_owned()),
        ast::Value::Array(array) => Tree::Array(
            array
                .elements
                .iter()
                .map(|element| convert(element, source, repeated))
                .collect(),
        ),
        ast::Value::Object(object) => {
            let mut seen = std::collections::BTreeSet::new();
            Tree::Object(
                object
                    .properties
                    .iter()
                    .map(|property| {
                        let key = property.name.as_str().to_owned();
                        let key_origin = origin(property.name.range());
                        if !seen.insert(key.clone()) {
                            repeated.push((key.clone(), key_origin));
                        }
                        Member {
                            key,
                            key_origin,
                            value: convert(&property.value, source, repeated),
                        }
                    })
                    .collect(),
            )
        }
    };
    Node {
        tree,
        origin: origin(value.range()),
    }
}
