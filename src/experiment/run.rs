//! One variant: its replications, and what they say together.

use crate::archive::{AuditRow, MetricRow, SCHEMA_VERSION, Summary};
use crate::observe::outcome::{Measured, Outcome};

use super::distribute::{Control, Stopped, in_order};
use super::statistics::{CONFIDENCE, Sample, nearest_rank};

/// Runs replications 0 … `replications` − 1, in that order whatever the number of threads; fewer if it was
/// stopped on the way.
///
/// # Errors
/// [`Stopped`] if a replication panicked: a broken invariant.
pub fn replicate<F>(replications: u32, control: Control<'_>, simulate: F) -> Result<Vec<Outcome>, Stopped>
where
    F: Fn(u32) -> Outcome + Sync,
{
    in_order(replications, control, simulate)
}

/// What the replications say together: metrics in the order in which the outcomes first name them.
///
/// `mean` and `ci95` are over the replications that had a value; `p50` and `p99` pool the samples of all
/// replications, by nearest rank, and are in seconds.
pub fn summarize(name: &str, seed: u64, outcomes: &[Outcome]) -> Summary {
    Summary {
        schema_version: SCHEMA_VERSION,
        name: name.to_owned(),
        seed,
        replications: outcomes.len() as u32,
        events: outcomes.iter().map(|outcome| outcome.events).sum(),
        metrics: Columns::of(outcomes)
            .rows()
            .map(|(_, row)| metric_row(&row))
            .collect(),
        audit: audit(outcomes),
        expectations: Vec::new(),
    }
}

fn metric_row(entries: &[(u32, &Measured)]) -> MetricRow {
    let first = entries[0].1;
    let values: Vec<f64> = entries.iter().filter_map(|(_, entry)| entry.value).collect();
    let sample = Sample::of(&values);
    let pooled = entries
        .iter()
        .flat_map(|(_, entry)| entry.samples_ns.iter().copied());
    let [p50, p99] = nearest_rank(pooled, [50, 99]).map(|value| value.map(|ns| ns as f64 / 1e9));
    MetricRow {
        name: first.name.to_owned(),
        scope: first.scope.clone(),
        unit: first.unit.to_owned(),
        mean: (!values.is_empty()).then_some(sample.mean),
        ci95: sample.interval(CONFIDENCE),
        replications: values.len() as u32,
        p50,
        p99,
    }
}

/// One row per check, in the order in which the outcomes first name them.
fn audit(outcomes: &[Outcome]) -> Vec<AuditRow> {
    let mut rows: Vec<AuditRow> = Vec::new();
    for outcome in outcomes {
        for check in &outcome.audit {
            let at = rows
                .iter()
                .position(|row| row.check == check.check)
                .unwrap_or_else(|| {
                    rows.push(AuditRow {
                        check: check.check.to_owned(),
                        passed: true,
                        detail: format!("replication {}: {}", outcome.replication, check.detail),
                    });
                    rows.len() - 1
                });
            let row = &mut rows[at];
            if row.passed && !check.passed {
                row.passed = false;
                row.detail = format!("replication {}: {}", outcome.replication, check.detail);
            }
        }
    }
    rows
}

/// What the outcomes measured, by metric and scope.
pub(super) struct Columns<'a> {
    /// (name, scope) in order of first appearance, with its place in `entries`.
    index: std::collections::BTreeMap<(&'static str, &'a str), usize>,
    entries: Vec<Vec<(u32, &'a Measured)>>,
}

impl<'a> Columns<'a> {
    /// Sorts what was measured into one column per metric and scope.
    pub(super) fn of(outcomes: &'a [Outcome]) -> Columns<'a> {
        let mut columns = Columns {
            index: std::collections::BTreeMap::new(),
            entries: Vec::new(),
        };
        for outcome in outcomes {
            for measured in &outcome.metrics {
                let next = columns.entries.len();
                let at = *columns
                    .index
                    .entry((measured.name, &measured.scope))
                    .or_insert(next);
                if at == next {
                    columns.entries.push(Vec::new());
                }
                columns.entries[at].push((outcome.replication, measured));
            }
        }
        columns
    }

    /// The columns in order of first appearance: name and scope, and (replication, measured).
    pub(super) fn rows(&self) -> impl Iterator<Item = ((&'static str, &'a str), Vec<(u32, &'a Measured)>)> {
        self.entries.iter().map(|entries| {
            let first = entries[0].1;
            ((first.name, first.scope.as_str()), entries.clone())
        })
    }

    /// The column of that name and scope; empty if there is none.
    pub(super) fn get(&self, name: &'static str, scope: &str) -> &[(u32, &'a Measured)] {
        self.index
            .get(&(name, scope))
            .map_or(&[], |at| &self.entries[*at])
    }
}

#[cfg(test)]
mod tests;
