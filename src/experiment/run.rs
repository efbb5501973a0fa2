//! One variant: its replications, and what they say together.

use crate::archive::{AuditRow, MetricRow, Remark, SCHEMA_VERSION, Summary};
use crate::observe::outcome::{Measured, Outcome, RequestRecord};

use super::distribute::{Control, Stopped, in_order};
use super::statistics::{
    CONFIDENCE, Sample, batch_means, mser5, nearest_rank, neighbour_correlation, section_interval,
};

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

/// The metric that has the currency of the scenario's prices for a unit.
pub const COST: &str = "cost";

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
        warnings: Vec::new(),
    }
}

fn metric_row(entries: &[(u32, &Measured)]) -> MetricRow {
    let first = entries[0].1;
    let values: Vec<f64> = entries.iter().filter_map(|(_, entry)| entry.value).collect();
    let sample = Sample::of(&values);
    let pooled = entries
        .iter()
        .flat_map(|(_, entry)| entry.samples_ns.iter().copied());
    let seconds = |ns: u64| ns as f64 / 1e9;
    let quantiles = nearest_rank(pooled, [50, 99]).map(|value| value.map(seconds));
    let sections: Vec<[Option<f64>; 2]> = (entries.iter())
        .map(|(_, entry)| {
            nearest_rank(entry.samples_ns.iter().copied(), [50, 99]).map(|value| value.map(seconds))
        })
        .collect();
    let interval = |which: usize| {
        let own: Vec<f64> = sections.iter().filter_map(|section| section[which]).collect();
        section_interval(quantiles[which]?, &own, CONFIDENCE)
    };
    MetricRow {
        name: first.name.to_owned(),
        scope: first.scope.clone(),
        unit: first.unit.to_owned(),
        mean: (!values.is_empty()).then_some(sample.mean),
        ci95: sample.interval(CONFIDENCE),
        replications: values.len() as u32,
        p50: quantiles[0],
        p99: quantiles[1],
        p50_ci95: interval(0),
        p99_ci95: interval(1),
        samples: entries
            .iter()
            .map(|(_, entry)| entry.samples_ns.len() as u64)
            .sum(),
        batches: None,
    }
}

/// Replications that a Student interval should at least rest on.
const FEW_REPLICATIONS: u32 = 5;

/// Samples that should lie beyond a quantile.
const FEW_BEYOND: u64 = 10;

/// Correlation of neighbouring batches up to which they count as independent.
const CORRELATED: f64 = 0.2;

/// Where a summary rests on too little: one remark about replications, one about samples.
pub fn small_samples(summary: &Summary) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if (2..FEW_REPLICATIONS).contains(&summary.replications) {
        let text = format!(
            "{} replications are few: intervals over fewer than {FEW_REPLICATIONS} are wide and lean on the values \
             being normally distributed",
            summary.replications
        );
        remarks.push(Remark {
            kind: "few_replications".to_owned(),
            text,
        });
    }
    let network = summary.metrics.iter().filter(|row| row.scope == "network");
    let few: Vec<&MetricRow> = network
        .filter(|row| row.p99.is_some() && row.samples < 100 * FEW_BEYOND)
        .collect();
    let names: Vec<String> = few
        .iter()
        .map(|row| format!("{} ({})", row.name, row.samples))
        .collect();
    if let Some(row) = few.first() {
        let text = if few.len() == 1 {
            let (name, samples) = (&row.name, row.samples);
            format!(
                "the p99 of {name} rests on few samples, {samples}, so that fewer than {FEW_BEYOND} lie beyond it"
            )
        } else {
            let names = names.join(", ");
            format!("p99 that rest on so few samples that fewer than {FEW_BEYOND} lie beyond them: {names}")
        };
        remarks.push(Remark {
            kind: "few_samples".to_owned(),
            text,
        });
    }
    remarks
}

/// Gives the summary of one long run intervals by batch means: of `kkrd_s`, `served_share` and `kkdlr` of the network
/// and of each demand, over `batches` parts with equally many requests. Where batches are too short, the
/// summary warns of it.
pub fn by_batches(summary: &mut Summary, outcome: &Outcome, batches: u32) {
    let mut warnings = Vec::new();
    for row in &mut summary.metrics {
        let demand = row.scope.strip_prefix("demand:");
        if row.scope != "network" && demand.is_none() {
            continue;
        }
        let requests =
            (outcome.requests.iter()).filter(|request| demand.is_none_or(|id| request.demand == id));
        let bits: fn(&RequestRecord) -> Option<f64> = match row.name.as_str() {
            "kkrd_s" => |request| {
                let waited = request.ended_ns - request.sent_ns;
                request.failure.is_none().then_some(waited as f64 / 1e9)
            },
            "served_share" => |request| Some(f64::from(u8::from(request.failure.is_none()))),
            "kkdlr" => |request| Some(f64::from(u8::from(request.failure.is_some()))),
            _ => continue,
        };
        let series: Vec<f64> = requests.filter_map(bits).collect();
        let Some(means) = batch_means(&series, batches as usize) else {
            warnings.push(format!(
                "{} of {} has fewer values than batches",
                row.name, row.scope
            ));
            continue;
        };
        row.ci95 = Sample::of(&means).interval(CONFIDENCE);
        row.batches = Some(batches);
        if let Some(correlation) =
            neighbour_correlation(&means).filter(|correlation| *correlation > CORRELATED)
        {
            warnings.push(format!(
                "neighbouring batches of {} of {} are correlated ({correlation:.2}): the run is too short for {batches} \
                 batches, so its interval is too narrow",
                row.name, row.scope
            ));
        }
    }
    let remark = |text| Remark {
        kind: "batches".to_owned(),
        text,
    };
    summary.warnings.extend(warnings.into_iter().map(remark));
}

/// How far the mean of a metric is from being known: half its interval over its absolute value; `None` without an
/// interval, 0 where nothing varies.
pub fn relative_half_width(summary: &Summary, metric: &str, scope: &str) -> Option<f64> {
    let row = summary.metric(metric, scope)?;
    let (mean, [low, high]) = (row.mean?, row.ci95?);
    if high > low {
        Some((high - low) / 2.0 / mean.abs())
    } else {
        Some(0.0)
    }
}

/// Replications that the precision should take, as far as `done` of them with a relative half-width of `found` tell:
/// at least one more, at most twice as many.
pub fn replications_for(done: u32, found: f64, wanted: f64) -> u32 {
    let ratio = (found / wanted) * (found / wanted);
    let estimate = f64::from(done) * ratio.min(2.0);
    (estimate.ceil() as u32).clamp(done + 1, done.saturating_mul(2).max(done + 1))
}

/// Where the warm-up of a replication ends \[ns\], by MSER-5 on the key delays in the order of the requests; 0
/// if there is none, `None` if the series has not settled.
pub fn warm_up_end(outcome: &Outcome) -> Option<u64> {
    let delivered: Vec<_> = (outcome.requests.iter())
        .filter(|request| request.failure.is_none())
        .collect();
    let delays: Vec<f64> = (delivered.iter())
        .map(|request| (request.ended_ns - request.sent_ns) as f64)
        .collect();
    let dropped = mser5(&delays)?;
    Some(if dropped == 0 {
        0
    } else {
        delivered[dropped].sent_ns
    })
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
