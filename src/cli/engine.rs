//! What the verbs need of the simulator.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::archive::Price;
use crate::experiment::expectation::Expectation;
use crate::network::plan::Plan;
use crate::observe::outcome::Outcome;
use crate::report::chart::Roster;
use crate::scenario::Diagnostic;

/// Scenarios in, outcomes out.
pub trait Engine: Sync {
    /// Reads a scenario (`FILE` or `FILE:VARIANT`), changes it by `path=value`, checks it and makes it ready
    /// to run.
    ///
    /// # Errors
    /// Every finding at once if the scenario is invalid; a text if it cannot be read.
    fn prepare(&self, source: &str, sets: &[String]) -> Result<Prepared, Rejected>;

    /// Everything that is wrong with a file, or worth knowing, its variants included.
    fn check(&self, source: &str, sets: &[String]) -> Vec<Diagnostic>;

    /// The variants G0, G0=, G1 and I of the scenario's boundary, labelled so, with their prices.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and if the scenario has no boundary that they can be derived from.
    fn derive(&self, source: &str, sets: &[String]) -> Result<Vec<Prepared>, Rejected>;

    /// Who there is in a replication of a scenario that was run, for charts and filters.
    ///
    /// # Errors
    /// Every finding at once if the scenario is not valid for this version.
    fn roster(&self, resolved: &Value, replication: u32) -> Result<Roster, Rejected>;

    /// The JSON Schema of scenario files.
    fn schema(&self) -> Value;

    /// Everything that a scenario may name, kind by kind.
    fn catalogue(&self) -> Vec<CatalogueEntry>;
}

/// What to keep of a run besides its numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Watch {
    /// The trace.
    pub trace: bool,
    /// Time series of so many periods, of the first replication.
    pub samples: u32,
}

/// One replication of a prepared scenario: its number, and what to keep of it.
pub type Simulate = Box<dyn Fn(u32, Watch) -> Outcome + Send + Sync>;

/// A scenario that is ready to run.
pub struct Prepared {
    /// The scenario's name.
    pub name: String,
    /// What a comparison calls it.
    pub label: String,
    /// The variant that was named, or derived.
    pub variant: Option<String>,
    /// Each boundary and the configuration of clause 8 that it is in, for people.
    pub boundaries: Vec<String>,
    /// What will be run, defaults filled in; a valid scenario file of its own.
    pub resolved: Value,
    /// What was written, before it was changed by `path=value`; a valid scenario file of its own too.
    pub written: Value,
    /// The seed.
    pub seed: u64,
    /// Replications that the scenario asks for.
    pub replications: u32,
    /// What is worth knowing though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
    /// What the scenario expects of its results.
    pub expectations: Vec<Expectation>,
    /// What it is built of, where prices are known.
    pub price: Option<Price>,
    /// What it means, for what needs no simulation.
    pub plan: Option<Arc<Plan>>,
    /// Runs one replication.
    pub simulate: Simulate,
}

/// Why a scenario was not prepared.
#[derive(Clone, Debug, PartialEq)]
pub enum Rejected {
    /// A file cannot be read: which and why.
    Unreadable(String),
    /// The scenario is invalid: everything that is wrong with it.
    Invalid(Vec<Diagnostic>),
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
