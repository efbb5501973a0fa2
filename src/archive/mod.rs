//! The results folder: what a run leaves on disk, and reading it back.
//!
//! | file | type |
//! |---|---|
//! | `README.md` | what the files are, and what their columns mean |
//! | `manifest.json` | [`Manifest`]: what was run with what, and the hash of every other file |
//! | `scenario.resolved.json` | the scenario as it was run, defaults filled in |
//! | `summary.json` | [`Summary`] |
//! | `compare.json` | [`Comparison`], in the folder of a comparison |
//! | `reroutes.json`, `requests.csv` | the records of [`Outcome`](crate::observe::outcome::Outcome) |
//! | `accounting.csv` | the providers' usage records and settlements |
//! | `configuration.csv` | capabilities and provisioned routes, where controllers tell their manager |
//! | `sessions.csv` | the states that sessions went through |
//! | `timeseries.csv`, `routes.csv` | amounts over time and hops used, of the first replication |
//! | `trace.jsonl`, `decisions.jsonl`, `audit.jsonl` (who had each supplied key) | where a trace was asked for |
//! | `scenario.json`, `sweep.json`, `points/`, `sweep.csv`, `verdicts.csv` | in the folder of a sweep: [`SweepRecord`], [`PointRecord`] |
//! | `variants/NAME/` | in the folder of a comparison: a complete results folder of each variant |
//!
//! A folder is written as `DIR.partial` and renamed once its last byte is on disk, so a folder without
//! that ending is whole. Equal runs give equal bytes except for the manifest's `host` block: floats are
//! the shortest decimals that read back as the same number, what is empty is null, and every order is
//! that of replications, demands and faults.

#[cfg(feature = "parquet")]
mod columns;
mod comparison;
mod contents;
mod error;
mod explained;
mod folder;
mod host;
mod manifest;
mod reader;
mod records;
mod remarks;
mod sink;
mod summary;
mod sweep;
mod sweep_folder;
mod tables;
pub mod whole;

pub use comparison::{
    BottomLine, Comparison, ComparisonRow, Objective, Pair, Pareto, ParetoPoint, Price, Rule, Verdict,
};
pub use contents::{RunRecord, canonical_bytes, canonical_json, scenario_hash, write_comparison, write_run};
pub use error::ArchiveError;
pub use folder::Folder;
pub use host::{Host, variant_folders};
pub use manifest::{Command, GIT_COMMIT, Manifest, Status, TOOL_VERSION, VariantEntry};
pub use reader::{Archived, Damage};
pub use remarks::{OfPoints, OfVariants, Remark, place};
pub use sink::{Digest, Files, Sink, sha256_hex};
pub use summary::{AuditRow, ExpectationRow, MetricRow, Summary};
pub use sweep::{PointRecord, SweepRecord, VariantSummary, write_tables};
pub use sweep_folder::{SweepFolder, SweepPlace};
pub use tables::{RequestRow, RerouteRow, RouteRow, SeriesRow};

/// Version of the layout of every JSON file in a results folder.
pub const SCHEMA_VERSION: u32 = 1;
