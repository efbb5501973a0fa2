//! What the verbs need of the simulator.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::archive::Price;
use crate::experiment::expectation::Expectation;
use crate::observe::outcome::Outcome;

/// Scenarios in, outcomes out.
pub trait Engine: Sync {
    /// Reads a scenario (`FILE` or `FILE:VARIANT`), changes it by `path=value`, checks it and makes it ready
    /// to run.
    ///
    /// # Errors
    /// Every finding at once if the scenario is invalid; a text if it cannot be read.
    fn prepare(&self, source: &str, sets: &[String]) -> Result<Prepared, Rejected>;

    /// The variants G0, G0=, G1 and I of the scenario's boundary, labelled so, with their prices.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and if the scenario has no boundary that they can be derived from.
    fn derive(&self, source: &str, sets: &[String]) -> Result<Vec<Prepared>, Rejected>;

    /// The JSON Schema of scenario files.
    fn schema(&self) -> Value;

    /// Everything that a scenario may name, kind by kind.
    fn catalogue(&self) -> Vec<CatalogueEntry>;
}

/// One replication of a prepared scenario: its number, and whether to trace.
pub type Simulate = Box<dyn Fn(u32, bool) -> Outcome + Send + Sync>;

/// A scenario that is ready to run.
pub struct Prepared {
    /// The scenario's name.
    pub name: String,
    /// What a comparison calls it.
    pub label: String,
    /// What will be run, defaults filled in; a valid scenario file of its own.
    pub resolved: Value,
    /// The seed.
    pub seed: u64,
    /// Replications that the scenario asks for.
    pub replications: u32,
    /// What is worth knowing though nothing is wrong.
    pub warnings: Vec<Finding>,
    /// What the scenario expects of its results.
    pub expectations: Vec<Expectation>,
    /// What it is built of, where prices are known.
    pub price: Option<Price>,
    /// Runs one replication.
    pub simulate: Simulate,
}

/// Why a scenario was not prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A file cannot be read: which and why.
    Unreadable(String),
    /// The scenario is invalid: everything that is wrong with it.
    Invalid(Vec<Finding>),
}

/// One thing that is wrong with a scenario, or worth knowing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// What it is.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// The path in the document: `demands.d1.key`.
    pub path: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The scenario cannot be run.
    #[default]
    Error,
    /// It can.
    Warning,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: {}", self.message)?;
        if !self.path.is_empty() {
            write!(f, "\n  at {}", self.path)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Something that a scenario may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogueEntry {
    /// What kind of thing: `routing`, `link model` …
    pub kind: String,
    /// Its name in scenarios.
    pub name: String,
    /// One sentence.
    pub meaning: String,
}
