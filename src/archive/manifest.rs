//! `manifest.json`: what was run, with what, and what came of it.

use serde::{Deserialize, Serialize};

use super::{Files, Host, SCHEMA_VERSION};

/// Version of this program.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Commit that this program was built from, as `build.rs` told the compiler; a debug build does not know.
pub const GIT_COMMIT: &str = match option_env!("QKDNI_GIT_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// The content of `manifest.json`. Between equal runs only `host` may differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's layout.
    pub schema_version: u32,
    /// The program.
    pub tool: String,
    /// Its version.
    pub tool_version: String,
    /// The commit that it was built from.
    pub git_commit: String,
    /// What the folder holds.
    pub command: Command,
    /// The scenario's name.
    pub name: String,
    /// The variant of it that was run; null where none was named, and in a comparison, which lists its variants.
    #[serde(default)]
    pub variant: Option<String>,
    /// The scenario's seed.
    pub seed: u64,
    /// Replications that were finished; in a sweep, of the point that has most.
    pub replications: u32,
    /// Whether a trace was asked for.
    pub trace: bool,
    /// Periods of the time series of the first replication; 0 without.
    #[serde(default)]
    pub samples: u32,
    /// Batches that the intervals of one long run are over; null with replications.
    #[serde(default)]
    pub batches: Option<u32>,
    /// Events of all replications of all variants.
    pub event_count: u64,
    /// Whether everything that was asked for is here.
    pub status: Status,
    /// SHA-256 of `scenario.resolved.json`, in a sweep of `scenario.json`; in a comparison, of the lines "hash, two spaces, name" of all
    /// variants in order.
    pub scenario_sha256: String,
    /// The variants of a comparison; empty in the folder of a run.
    pub variants: Vec<VariantEntry>,
    /// SHA-256 of every other file, by its path; the manifests of variants are left out for their `host`.
    pub files: Files,
    /// Where and when it was run.
    pub host: Host,
}

/// What a results folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The replications of one scenario.
    Run,
    /// Several variants against each other.
    Compare,
    /// One scenario at many points.
    Sweep,
}

/// Whether everything that was asked for is in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is.
    Complete,
    /// The run was interrupted: the first replications are here, as whole as any.
    Interrupted,
    /// It is, but the auditor found a broken invariant: a bug.
    Broken,
}

/// One variant of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantEntry {
    /// The variant's name.
    pub name: String,
    /// Its folder within the folder of the comparison.
    pub folder: String,
    /// The scenario's variant that this is; null where none was named.
    #[serde(default)]
    pub variant: Option<String>,
    /// SHA-256 of its `scenario.resolved.json`.
    pub scenario_sha256: String,
}

/// What results are called: by the scenario's name and its variant, as a command line has them.
pub fn title(name: &str, variant: Option<&str>) -> String {
    variant.map_or_else(|| name.to_owned(), |variant| format!("{name}:{variant}"))
}

impl Manifest {
    /// What the results are called.
    pub fn title(&self) -> String {
        title(&self.name, self.variant.as_deref())
    }

    /// A manifest of this program in this version, of a complete run of nothing.
    pub fn new(command: Command, name: &str, host: Host) -> Manifest {
        Manifest {
            schema_version: SCHEMA_VERSION,
            tool: env!("CARGO_PKG_NAME").to_owned(),
            tool_version: TOOL_VERSION.to_owned(),
            git_commit: GIT_COMMIT.to_owned(),
            command,
            name: name.to_owned(),
            variant: None,
            seed: 0,
            replications: 0,
            trace: false,
            samples: 0,
            batches: None,
            event_count: 0,
            status: Status::Complete,
            scenario_sha256: String::new(),
            variants: Vec::new(),
            files: Files::new(),
            host,
        }
    }
}
