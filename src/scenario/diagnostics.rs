//! Findings as people and programs read them: with file, line, column, path and hint.

use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::fmt::Write as _;

use super::text::Sources;
use crate::catalogue::{Finding, Node, Origin, Severity};

/// One finding about a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    /// `error` or `warning`.
    #[serde(serialize_with = "severity_word")]
    pub severity: Severity,
    /// Short fixed name of the kind of finding.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The file, or `--set`.
    pub file: String,
    /// Line, from 1; 0 where the finding is about the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 likewise.
    pub column: usize,
    /// The value's path, as `--set` addresses it.
    pub path: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The source line and the marked part of it.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
}

/// The part of a source line that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of it around the place.
    pub text: String,
    /// Characters of `text` before the marked part.
    pub before: usize,
    /// Characters marked.
    pub marked: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn severity_word<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&severity.to_string())
}

/// Codes of findings that are about reading, not about what was read.
const INPUT_OUTPUT: &[&str] = &[
    "not_found",
    "is_directory",
    "no_permission",
    "too_large",
    "unreadable",
];

impl Diagnostic {
    /// A finding about a file as a whole.
    pub fn about_file(code: &'static str, file: &str, message: String, hint: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message,
            file: file.to_owned(),
            line: 0,
            column: 0,
            path: String::new(),
            hint: Some(hint.to_owned()),
            excerpt: None,
        }
    }

    /// A finding at a place.
    pub fn at(
        sources: &Sources,
        severity: Severity,
        code: &'static str,
        origin: Origin,
        path: String,
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        let (line, column, excerpt) = sources.locate(origin);
        Diagnostic {
            severity,
            code,
            message,
            file: sources.name(origin).to_owned(),
            line,
            column,
            path,
            hint,
            excerpt: Some(excerpt),
        }
    }

    /// A finding about a value of a tree.
    pub fn from_finding(finding: Finding, tree: &Node, sources: &Sources) -> Diagnostic {
        Diagnostic::at(
            sources,
            finding.severity,
            finding.code,
            finding.origin,
            tree.describe(&finding.path),
            finding.message,
            finding.hint,
        )
    }

    /// Whether a file could not be read, as against not making sense.
    pub fn is_input_output(&self) -> bool {
        INPUT_OUTPUT.contains(&self.code)
    }
}

/// As `rustc` prints: the message, the place, the line with the part marked, the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        if self.line == 0 {
            write!(f, "  --> {}", self.file)?;
        } else {
            write!(f, "  --> {}:{}:{}", self.file, self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "  ({})", self.path)?;
        }
        writeln!(f)?;
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let space = " ".repeat(number.len());
            writeln!(f, " {space} |")?;
            writeln!(f, " {number} | {}", excerpt.text)?;
            writeln!(
                f,
                " {space} | {}{}",
                " ".repeat(excerpt.before),
                "^".repeat(excerpt.marked.max(1))
            )?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "   = hint: {hint}")?;
        }
        Ok(())
    }
}

/// All findings about a scenario, by place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts by place, errors before warnings at one place, and drops repetitions.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.severity, &a.path, a.code, &a.message)
                .cmp(&(&b.file, b.line, b.column, b.severity, &b.path, b.code, &b.message))
        });
        self.0.dedup();
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Whether a file could not be read (exit code 4, not 3).
    pub fn is_input_output(&self) -> bool {
        self.0.iter().any(Diagnostic::is_input_output)
    }

    /// All findings for people.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for diagnostic in &self.0 {
            let _ = writeln!(text, "{diagnostic}");
        }
        let errors = self.errors();
        let warnings = self.0.len() - errors;
        let count = |number: usize, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            n => Some(format!("{n} {word}s")),
        };
        let parts: Vec<String> = [count(errors, "error"), count(warnings, "warning")]
            .into_iter()
            .flatten()
            .collect();
        if !parts.is_empty() {
            let _ = writeln!(text, "{}", parts.join(", "));
        }
        text
    }

    /// All findings for programs.
    pub fn to_json(&self) -> Value {
        json!(self.0)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Diagnostics {}
