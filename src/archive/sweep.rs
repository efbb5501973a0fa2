//! What stands in the files of a sweep's folder.
//!
//! | file | content |
//! |---|---|
//! | `scenario.json` | the scenario that is swept, as it was written, what it extends and its variant merged in |
//! | `sweep.json` | the paths and their values, the design, the seed |
//! | `points/000000.json` … | one point each: its values and its summary |
//! | `sweep.csv`, `sweep.parquet` | one row per point, metric and scope |

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contents::field;
use super::explained::{README, of_sweep};
use super::{ArchiveError, GIT_COMMIT, SCHEMA_VERSION, Summary, TOOL_VERSION, scenario_hash, sha256_hex};

/// The content of `sweep.json`: what makes two sweeps the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// Version of the folder's layout.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: String,
    /// The commit that it was built from.
    pub git_commit: String,
    /// The scenario's name.
    pub name: String,
    /// SHA-256 of `scenario.json`.
    pub scenario_sha256: String,
    /// Changes that all points have in common, as `path=value`.
    pub sets: Vec<String>,
    /// What is swept, as it was written: `path=values`.
    pub axes: Vec<String>,
    /// The paths of `axes`.
    pub paths: Vec<String>,
    /// `grid`, `lhs:N` or `sobol:N`.
    pub design: String,
    /// Seed of the design.
    pub seed: u64,
    /// Number of points.
    pub points: u32,
    /// Whether the table is also wanted as `sweep.parquet`.
    pub parquet: bool,
}

impl SweepRecord {
    /// The record of a sweep by this version of the program.
    pub fn new(name: &str, scenario: &Value) -> SweepRecord {
        SweepRecord {
            schema_version: SCHEMA_VERSION,
            tool_version: TOOL_VERSION.to_owned(),
            git_commit: GIT_COMMIT.to_owned(),
            name: name.to_owned(),
            scenario_sha256: scenario_hash(scenario),
            sets: Vec::new(),
            axes: Vec::new(),
            paths: Vec::new(),
            design: String::new(),
            seed: 0,
            points: 0,
            parquet: false,
        }
    }

    /// SHA-256 of the record: what its points name it by.
    pub fn hash(&self) -> String {
        sha256_hex(&serde_json::to_vec(self).expect("memory takes all of it"))
    }
}

/// The content of a point's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointRecord {
    /// Version of the folder's layout.
    pub schema_version: u32,
    /// The sweep, by [`SweepRecord::hash`].
    pub sweep: String,
    /// Number of the point, from 0.
    pub point: u32,
    /// The value of each path that is swept, as it was set.
    pub values: Map<String, Value>,
    /// What its replications say together.
    pub summary: Summary,
}

impl PointRecord {
    /// The path of the point's file within the folder.
    pub fn path(point: u32) -> String {
        format!("points/{point:06}.json")
    }

    /// Events of a point by the content of its file; 0 if that is none.
    pub fn events_of(content: &[u8]) -> u64 {
        #[derive(Deserialize)]
        struct Point {
            summary: Events,
        }
        #[derive(Deserialize)]
        struct Events {
            events: u64,
        }
        serde_json::from_slice(content).map_or(0, |point: Point| point.summary.events)
    }

    /// The content of the point's file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("memory takes all of it");
        bytes.push(b'\n');
        bytes
    }
}

/// Takes a file: its path within the folder and its bytes.
pub type Put<'a> = &'a mut dyn FnMut(&str, &[u8]) -> Result<(), ArchiveError>;

/// Gives `put` the tables of a sweep: `sweep.csv`, and `sweep.parquet` where the record asks for it; and what explains
/// the folder.
///
/// # Errors
/// What `put` says, or that this program cannot write Parquet.
pub fn write_tables(record: &SweepRecord, points: &[PointRecord], put: Put<'_>) -> Result<(), ArchiveError> {
    put(README, of_sweep(record).as_bytes())?;
    put("sweep.csv", csv(&record.paths, points).as_bytes())?;
    if !record.parquet {
        return Ok(());
    }
    #[cfg(feature = "parquet")]
    {
        let path = "sweep.parquet";
        let bytes = super::columns::table(&record.paths, points)
            .map_err(|error| ArchiveError::new("cannot write", path.as_ref(), error.to_string()))?;
        put(path, &bytes)
    }
    #[cfg(not(feature = "parquet"))]
    Err(ArchiveError::new(
        "cannot write",
        "sweep.parquet".as_ref(),
        "this program was built without Parquet",
    )
    .hint("build it with --features parquet"))
}

/// `sweep.csv`, quoted as RFC 4180 has it, lines ended by a line feed alone. Numbers are written with as many digits as
/// it takes to read the same number back.
fn csv(paths: &[String], points: &[PointRecord]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| field(path)).collect();
    let mut text = format!(
        "point,{},metric,scope,unit,mean,ci95_low,ci95_high,replications,p50,p99\n",
        paths.join(",")
    );
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for point in points {
        let values: Vec<_> = (point.values.values())
            .map(|value| field(value.as_str().unwrap_or_default()))
            .collect();
        let values = values.join(",");
        for row in &point.summary.metrics {
            let numbers = [
                number(row.mean),
                number(row.ci95.map(|ends| ends[0])),
                number(row.ci95.map(|ends| ends[1])),
                row.replications.to_string(),
                number(row.p50),
                number(row.p99),
            ];
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{},{values},{},{},{},{}",
                point.point,
                row.name,
                field(&row.scope),
                row.unit,
                numbers.join(",")
            );
        }
    }
    text
}
