//! What to know about results though nothing is wrong with them: summaries keep it; `run` says it as it is, `compare` by
//! variant, `sweep` by the number of its points.

use std::collections::{BTreeMap, BTreeSet};

use super::Prepared;
use crate::analysis::bounds::{Busiest, busiest};
use crate::archive::{Remark, Summary};
use crate::experiment::run::small_samples;
use crate::network::plan::Plan;

/// Load of a hop from which delays take long to settle: a queue with one server at 0.9 forgets in hundreds of services.
const NEAR_ONE: f64 = 0.9;

/// Stores may fall by this share of what was served before a run counts as not stationary.
const STATIONARY: f64 = 0.05;

/// What to know where a hop's load is near 1 or above: its kind, and a sentence. The plan alone tells.
pub(super) fn load(prepared: &Prepared) -> Option<(&'static str, String)> {
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
    Some((kind, text))
}

/// The same as a remark.
pub(super) fn of_load(prepared: &Prepared) -> Option<Remark> {
    load(prepared).map(|(kind, text)| Remark {
        kind: kind.to_owned(),
        text,
    })
}

/// What to know about a scenario's summary.
pub(super) fn of_summary(prepared: &Prepared, summary: &Summary) -> Vec<Remark> {
    let mut remarks = small_samples(summary);
    remarks.extend(not_stationary(summary));
    remarks.extend(of_load(prepared));
    remarks
}

/// What to know where two scenarios do not ask for the same.
pub(super) fn other_demands(a: &Plan, b: &Plan) -> Option<Remark> {
    let asked = |plan: &Plan| -> BTreeMap<String, String> {
        let users = plan.demands().filter(|(_, session)| !session.for_sharing);
        users
            .map(|(_, session)| {
                let asks = format!(
                    "{} {} {:?} {:?}",
                    session.bits, session.keys, session.arrivals, session.active
                );
                (session.name.clone(), asks)
            })
            .collect()
    };
    let [a, b] = [a, b].map(asked);
    let all: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differ: Vec<&str> = (all.into_iter())
        .filter(|name| a.get(*name) != b.get(*name))
        .map(String::as_str)
        .collect();
    if differ.is_empty() {
        return None;
    }
    let more = if differ.len() > 3 { ", …" } else { "" };
    Some(Remark {
        kind: "other_demands".to_owned(),
        text: format!(
            "they do not ask for the same (demand {}{more}): what counts requests, bits or events does not compare like with \
             like",
            differ[..differ.len().min(3)].join(", ")
        ),
    })
}

fn not_stationary(summary: &Summary) -> Option<Remark> {
    let mean = |name| summary.metric(name, "network")?.mean;
    let (drawdown, served) = (mean("drawdown_bits")?, mean("delivered_bits")?);
    (drawdown > STATIONARY * served).then(|| Remark {
        kind: "not_stationary".to_owned(),
        text: format!(
            "stores fell by {drawdown:.0} bits while {served:.0} were served: not stationary, so a longer run would serve \
             less"
        ),
    })
}
