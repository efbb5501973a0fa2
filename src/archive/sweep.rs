//! What stands in the files of a sweep's folder.
//!
//! | file | content |
//! |---|---|
//! | `scenario.json` | the scenario that is swept, as it was written, what it extends and its variant merged in |
//! | `sweep.json` | the paths and their values, the design, the seed |
//! | `points/000000.json` … | one point each: its values and its summary |
//! | `sweep.csv`, `sweep.parquet` | one row per point, metric and scope; of comparisons, per variant as well |
//! | `verdicts.csv` | of comparisons, one row per point, pair, metric and scope: difference, interval, verdict |

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contents::field;
use super::explained::{README, of_sweep};
use super::{
    ArchiveError, Comparison, GIT_COMMIT, SCHEMA_VERSION, Summary, TOOL_VERSION, scenario_hash, sha256_hex,
};

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
    /// The variant of it that is swept, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// SHA-256 of `scenario.json`.
    pub scenario_sha256: String,
    /// Changes that all points have in common, as `path=value`.
    pub sets: Vec<String>,
    /// The axes of variants, as they were written: `name=variants`.
    #[serde(default)]
    pub variants: Vec<String>,
    /// What is swept, as it was written: `path=values`.
    pub axes: Vec<String>,
    /// The names of `variants`, then the paths of `axes`.
    pub paths: Vec<String>,
    /// Whether every point is a comparison of the variants that are derived from the boundaries.
    #[serde(default)]
    pub compared: bool,
    /// `grid`, `one-at-a-time`, `lhs:N` or `sobol:N`.
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
            variant: None,
            scenario_sha256: scenario_hash(scenario),
            sets: Vec::new(),
            variants: Vec::new(),
            axes: Vec::new(),
            paths: Vec::new(),
            compared: false,
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
    /// The value of each path that is swept, as it was set; what is not here is as the scenario has it.
    pub values: Map<String, Value>,
    /// What its replications say together; none where it is a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Of a comparison, what those of each variant say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantSummary>,
    /// The comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// What the replications of one variant say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantSummary {
    /// The variant.
    pub variant: String,
    /// What they say.
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
            summary: Option<Events>,
            #[serde(default)]
            variants: Vec<Variant>,
        }
        #[derive(Deserialize)]
        struct Variant {
            summary: Events,
        }
        #[derive(Deserialize)]
        struct Events {
            events: u64,
        }
        serde_json::from_slice(content).map_or(0, |point: Point| {
            let variants = point.variants.into_iter().map(|variant| variant.summary);
            variants.chain(point.summary).map(|summary| summary.events).sum()
        })
    }

    /// What was simulated there: variants by name, or one summary without a name.
    pub fn summaries(&self) -> impl Iterator<Item = (&str, &Summary)> {
        let alone = self.summary.iter().map(|summary| ("", summary));
        let variants = self.variants.iter();
        alone.chain(variants.map(|of| (of.variant.as_str(), &of.summary)))
    }

    /// What is said of a variant; `""` where nothing is compared.
    pub fn summary_of(&self, variant: &str) -> Option<&Summary> {
        let mut summaries = self.summaries();
        summaries
            .find(|(name, _)| *name == variant)
            .map(|(_, summary)| summary)
    }

    /// The value of a path, as it was set; nothing where it is as the scenario has it.
    pub fn value(&self, path: &str) -> &str {
        let value = self.values.get(path).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// Where it is, for people.
    pub fn place(&self, record: &SweepRecord) -> String {
        let values = record.paths.iter().map(|path| (path.as_str(), self.value(path)));
        super::place(self.point, values.filter(|(_, value)| !value.is_empty()))
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

/// Gives `put` the tables of a sweep: `sweep.csv`, `verdicts.csv` where variants are compared, and `sweep.parquet` where
/// the record asks for it; and what explains the folder.
///
/// # Errors
/// What `put` says, or that this program cannot write Parquet.
pub fn write_tables(record: &SweepRecord, points: &[PointRecord], put: Put<'_>) -> Result<(), ArchiveError> {
    put(README, of_sweep(record, points).as_bytes())?;
    put("sweep.csv", csv(record, points).as_bytes())?;
    if record.compared {
        put("verdicts.csv", verdicts(record, points).as_bytes())?;
    }
    if !record.parquet {
        return Ok(());
    }
    #[cfg(feature = "parquet")]
    {
        let path = "sweep.parquet";
        let bytes = super::columns::table(record, points)
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

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// The point's number and values, each with a comma behind it.
fn place(record: &SweepRecord, point: &PointRecord) -> String {
    let mut text = format!("{},", point.point);
    for path in &record.paths {
        text += &field(point.value(path));
        text.push(',');
    }
    text
}

fn header(record: &SweepRecord) -> String {
    let names = record.paths.iter().map(|path| field(path));
    names.fold("point,".to_owned(), |text, name| text + &name + ",")
}

/// `sweep.csv`, quoted as RFC 4180 has it, lines ended by a line feed alone. Numbers are written with as many digits as
/// it takes to read the same number back.
fn csv(record: &SweepRecord, points: &[PointRecord]) -> String {
    let variant = if record.compared { "variant," } else { "" };
    let mut text = format!(
        "{}{variant}metric,scope,unit,mean,ci95_low,ci95_high,replications,p50,p99\n",
        header(record)
    );
    for point in points {
        let mut place = place(record, point);
        let values = place.len();
        for (variant, summary) in point.summaries() {
            place.truncate(values);
            if record.compared {
                place += &field(variant);
                place.push(',');
            }
            for row in &summary.metrics {
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
                    "{place}{},{},{},{}",
                    row.name,
                    field(&row.scope),
                    row.unit,
                    numbers.join(",")
                );
            }
        }
    }
    text
}

/// `verdicts.csv`, in the same form. p-values are corrected over one point's rows of the network, and over its other rows.
fn verdicts(record: &SweepRecord, points: &[PointRecord]) -> String {
    let mut text = format!(
        "{}pair,metric,scope,unit,mean_a,mean_b,difference,ci95_low,ci95_high,pairs,p_holm,verdict\n",
        header(record)
    );
    for point in points {
        let place = place(record, point);
        for row in point.comparison.iter().flat_map(|comparison| &comparison.metrics) {
            let numbers = [
                number(row.mean_a),
                number(row.mean_b),
                number(row.difference),
                number(row.ci95.map(|ends| ends[0])),
                number(row.ci95.map(|ends| ends[1])),
                row.pairs.to_string(),
                number(row.p_holm),
            ];
            let _ = writeln!(
                text,
                "{place}{},{},{},{},{},{}",
                field(&row.rests_on),
                row.name,
                field(&row.scope),
                row.unit,
                numbers.join(","),
                row.verdict.name()
            );
        }
    }
    text
}
