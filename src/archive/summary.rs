//! `summary.json`: what the replications of one variant say together.

use serde::{Deserialize, Serialize};

use super::Remark;

/// The content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this layout.
    pub schema_version: u32,
    /// The scenario's name.
    pub name: String,
    /// The scenario's seed.
    pub seed: u64,
    /// Replications that were finished.
    pub replications: u32,
    /// Events of all replications.
    pub events: u64,
    /// One row per metric and scope.
    pub metrics: Vec<MetricRow>,
    /// One row per check of the auditor.
    pub audit: Vec<AuditRow>,
    /// One row per expectation of the scenario.
    pub expectations: Vec<ExpectationRow>,
    /// What to know though nothing is wrong.
    #[serde(default)]
    pub warnings: Vec<Remark>,
}

/// One metric of one scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// The metric.
    pub name: String,
    /// `network`, `qkdn:ID`, `demand:ID`, `link:ID` or `class:NAME`.
    pub scope: String,
    /// Unit of all values of the row.
    pub unit: String,
    /// Mean over the replications that had a value; null if none had.
    pub mean: Option<f64>,
    /// Student interval of the mean, of 95 %; null with fewer than two values.
    pub ci95: Option<[f64; 2]>,
    /// Replications that had a value.
    pub replications: u32,
    /// Median of the pooled samples (nearest rank); null where the metric has no samples.
    pub p50: Option<f64>,
    /// The value that 99 % of the pooled samples do not exceed (nearest rank).
    pub p99: Option<f64>,
    /// Student interval of `p50`, of 95 %, by sectioning; null with fewer than two replications that have samples.
    #[serde(default)]
    pub p50_ci95: Option<[f64; 2]>,
    /// The same of `p99`.
    #[serde(default)]
    pub p99_ci95: Option<[f64; 2]>,
    /// Number of pooled samples.
    #[serde(default)]
    pub samples: u64,
    /// Batches of one long run that `ci95` is over, instead of replications; null otherwise.
    #[serde(default)]
    pub batches: Option<u32>,
}

/// An interval over fewer values than this says little.
const FEW: u32 = 5;

impl MetricRow {
    /// The intervals of p50 and p99 as people are shown them. Samples are never below 0: an interval over few values that
    /// is says only that these are too few.
    pub fn shown_quantile_intervals(&self) -> [Option<[f64; 2]>; 2] {
        let few = self.batches.unwrap_or(self.replications) < FEW;
        [self.p50_ci95, self.p99_ci95].map(|ends| ends.filter(|ends| !few || ends[0] >= 0.0))
    }
}

/// One check of the auditor, over all replications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// What was checked.
    pub check: String,
    /// Whether it held in every replication.
    pub passed: bool,
    /// How much was looked at, or the first finding.
    pub detail: String,
}

/// One expectation of the scenario and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectationRow {
    /// The metric whose mean is looked at.
    pub metric: String,
    /// Its scope.
    pub scope: String,
    /// The largest mean allowed, if there is such a limit.
    pub at_most: Option<f64>,
    /// The smallest mean allowed, if there is such a limit.
    pub at_least: Option<f64>,
    /// The mean that was found.
    pub mean: Option<f64>,
    /// Whether it is within the limits; a metric without a value is not.
    pub met: bool,
}

impl Summary {
    /// The row of that metric and scope, if there is one.
    pub fn metric(&self, name: &str, scope: &str) -> Option<&MetricRow> {
        self.metrics
            .iter()
            .find(|row| row.name == name && row.scope == scope)
    }

    /// The scopes that have a metric, in order.
    pub fn scopes_of(&self, name: &str) -> Vec<&str> {
        let rows = self.metrics.iter().filter(|row| row.name == name);
        rows.map(|row| row.scope.as_str()).collect()
    }

    /// The first check that did not hold.
    pub fn broken(&self) -> Option<&AuditRow> {
        self.audit.iter().find(|row| !row.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_few_values_are_shown_where_delays_can_lie() {
        let row = |replications, batches, low| MetricRow {
            name: "kkrd_s".to_owned(),
            scope: "network".to_owned(),
            unit: "s".to_owned(),
            mean: Some(1.0),
            ci95: None,
            replications,
            p50: Some(1.0),
            p99: Some(4.0),
            p50_ci95: Some([0.5, 1.5]),
            p99_ci95: Some([low, 9.0]),
            samples: 1_000,
            batches,
        };
        let shown = |row: MetricRow| row.shown_quantile_intervals().map(|ends| ends.is_some());
        assert_eq!(shown(row(4, None, -1.0)), [true, false]);
        assert_eq!(shown(row(4, None, 1.0)), [true, true]);
        assert_eq!(shown(row(5, None, -1.0)), [true, true]);
        assert_eq!(shown(row(1, Some(20), -1.0)), [true, true]);
    }
}
