//! What to know about results though nothing is wrong with them: `run` says it as it is, `compare` by variant, `sweep` by
//! the number of its points.

use serde::Serialize;

use super::Prepared;
use crate::analysis::bounds::{Busiest, busiest};
use crate::archive::Summary;
use crate::experiment::run::{Remark, small_samples};

/// Load of a hop from which delays take long to settle: a queue with one server at 0.9 forgets in hundreds of services.
const NEAR_ONE: f64 = 0.9;

/// Stores may fall by this share of what was served before a run counts as not stationary.
const STATIONARY: f64 = 0.05;

/// What to know where a hop's load is near 1 or above; the plan alone tells.
pub(super) fn of_load(prepared: &Prepared) -> Option<Remark> {
    let Busiest { hop, load } = busiest(prepared.plan.as_deref()?)?;
    let (kind, advice) = if load > 1.0 {
        (
            "overload",
            "what waits grows with the length of the run, so that delays and the served share depend on it",
        )
    } else if load > NEAR_ONE {
        (
            "high_load",
            "delays settle slowly, and their intervals cover less often than they say: a longer run and warm-up help",
        )
    } else {
        return None;
    };
    let share = 100.0 * load;
    let text = format!("{hop} is asked for {share:.0} % of the key that it makes: {advice}");
    Some(Remark { kind, text })
}

/// What to know about a summary.
pub(super) fn of_summary(summary: &Summary) -> Vec<Remark> {
    let mut remarks = small_samples(summary);
    remarks.extend(not_stationary(summary));
    remarks
}

fn not_stationary(summary: &Summary) -> Option<Remark> {
    let mean = |name| summary.metric(name, "network")?.mean;
    let (drawdown, served) = (mean("drawdown_bits")?, mean("delivered_bits")?);
    (drawdown > STATIONARY * served).then(|| Remark {
        kind: "not_stationary",
        text: format!(
            "stores fell by {drawdown:.0} bits while {served:.0} were served: not stationary, so a longer run would serve \
             less"
        ),
    })
}

/// What several variants of a comparison, or one alone, have to be known for.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct OfVariants {
    variants: Vec<String>,
    #[serde(flatten)]
    remark: Remark,
}

impl OfVariants {
    /// What is the same of several variants is said once.
    pub fn join(all: impl IntoIterator<Item = (String, Vec<Remark>)>) -> Vec<OfVariants> {
        let mut joined: Vec<OfVariants> = Vec::new();
        for (variant, remarks) in all {
            for remark in remarks {
                match joined.iter_mut().find(|known| known.remark == remark) {
                    Some(known) => known.variants.push(variant.clone()),
                    None => joined.push(OfVariants {
                        variants: vec![variant.clone()],
                        remark,
                    }),
                }
            }
        }
        joined
    }

    /// A line about it.
    pub fn line(&self) -> String {
        format!("warning: {}: {}", self.variants.join(", "), self.remark.text)
    }
}

/// How many points of a sweep have to be known for something, and the first of them.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct OfPoints {
    points: u32,
    first: u32,
    #[serde(flatten)]
    remark: Remark,
}

impl OfPoints {
    /// Counts what there is to know about a point, each kind once; points come in order.
    pub fn count(all: &mut Vec<OfPoints>, point: u32, remarks: Vec<Remark>) {
        let mut seen = Vec::new();
        for remark in remarks {
            if seen.contains(&remark.kind) {
                continue;
            }
            seen.push(remark.kind);
            match all.iter_mut().find(|known| known.remark.kind == remark.kind) {
                Some(known) => known.points += 1,
                None => all.push(OfPoints {
                    points: 1,
                    first: point,
                    remark,
                }),
            }
        }
    }

    /// A line about it; `place` says where the first of the points is.
    pub fn line(&self, all: u32, place: impl Fn(u32) -> String) -> String {
        let place = place(self.first);
        let text = &self.remark.text;
        format!(
            "warning: {} of {all} points, first at {place}: {text}",
            self.points
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(kind: &'static str, text: &str) -> Remark {
        Remark {
            kind,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_same_of_several_variants_is_said_once() {
        let all = [
            (
                "G0".to_owned(),
                vec![remark("few", "few"), remark("load", "high")],
            ),
            (
                "I".to_owned(),
                vec![remark("few", "few"), remark("load", "higher")],
            ),
        ];
        let lines: Vec<String> = OfVariants::join(all).iter().map(OfVariants::line).collect();
        assert_eq!(
            lines,
            ["warning: G0, I: few", "warning: G0: high", "warning: I: higher"]
        );
    }

    #[test]
    fn points_are_counted_by_kind() {
        let mut all = Vec::new();
        OfPoints::count(
            &mut all,
            2,
            vec![remark("load", "high"), remark("load", "higher")],
        );
        OfPoints::count(&mut all, 5, vec![remark("load", "highest")]);
        let lines: Vec<String> = all
            .iter()
            .map(|it| it.line(9, |at| format!("point {at}")))
            .collect();
        assert_eq!(lines, ["warning: 2 of 9 points, first at point 2: high"]);
    }
}
