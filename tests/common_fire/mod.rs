//! Random plans under fire: every channel loses, doubles and reorders, and what must hold all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qkdni::kernel::Span;
use qkdni::network::channels::{Channels, Quality, Retransmission};
use qkdni::network::plan::MaterialPlan;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::units::Fraction;
use serde_json::Value;

use crate::common_legal::Cast;
use crate::common_random::{Recipe, plan};

/// 20 % loss, 20 % duplication, and delays of up to 5 ms that let messages overtake one another, on every channel.
pub fn channels(retries: u32) -> Channels {
    let quality = Quality {
        loss: Fraction(200_000_000),
        duplication: Fraction(200_000_000),
        delay: Span::ZERO,
        jitter: Span::from_millis(5),
    };
    Channels {
        control: quality,
        key_management: quality,
        management: quality,
        retransmission: Retransmission {
            timeout: Span::from_millis(30),
            retries,
        },
    }
}

/// What became of one request, as the trace tells it.
#[derive(Default, Debug)]
struct Story {
    refused: u32,
    /// Sizes of the keys that the source and the destination application were supplied with \[bytes\].
    supplied: [Vec<u64>; 2],
}

/// What a run, or many, went through.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub requests: u64,
    pub delivered: u64,
    pub failed: u64,
    pub one_sided: u64,
    pub lost: u64,
    pub retransmissions: u64,
    pub given_up: u64,
    pub voids: u64,
    pub events: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.one_sided += other.one_sided;
        self.lost += other.lost;
        self.retransmissions += other.retransmissions;
        self.given_up += other.given_up;
        self.voids += other.voids;
        self.events += other.events;
    }
}

fn value(outcome: &Outcome, name: &str) -> u64 {
    let of_network =
        |metric: &&qkdni::observe::outcome::Measured| metric.scope == "network" && metric.name == name;
    let metric = outcome.metrics.iter().find(of_network);
    metric
        .and_then(|metric| metric.value)
        .expect("measured where channels are disturbed") as u64
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Runs a plan under fire and holds it to what must be true of every run; `again`: twice, for the same bytes.
///
/// # Errors
/// What did not hold.
pub fn hold(recipe: &Recipe, retries: u32, again: bool) -> Result<Tally, String> {
    // Real bits flow, and both applications' keys are compared.
    let mut plan = (*plan(recipe, channels(retries))).clone();
    plan.material = Some(MaterialPlan::default());
    let plan = Arc::new(plan);
    let watched = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&plan, 0, watched);
    for check in &outcome.audit {
        ensure(check.passed, || format!("{}: {}", check.check, check.detail))?;
    }
    let mut stories: BTreeMap<(String, u64), Story> = BTreeMap::new();
    let mut voids = 0;
    let demands: BTreeSet<&str> = plan.demands().map(|(_, demand)| demand.name.as_str()).collect();
    let cast = Cast::of(&plan);
    for line in outcome
        .trace
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: Value = serde_json::from_slice(line).expect("every line is JSON");
        cast.complaint(&line).map_or(Ok(()), Err)?;
        if line.get("attempt").is_some() {
            continue;
        }
        let (Some(session), Some(request)) = (line["session"].as_str(), line["request"].as_u64()) else {
            continue;
        };
        if !demands.contains(session) {
            voids += u64::from(line["message"] == "key void");
            continue; // a leg's or a refill: no application asks
        }
        let story = stories.entry((session.to_owned(), request)).or_default();
        match line["message"].as_str().expect("a name") {
            "key supply" => {
                let end = usize::from(!line["to"].as_str().expect("a name").ends_with("source"));
                story.supplied[end].push(line["bytes"].as_u64().expect("a number"));
            }
            "key refusal" => story.refused += 1,
            "key void" => voids += 1,
            _ => {}
        }
    }
    let mut tally = Tally {
        lost: value(&outcome, "lost_transmissions"),
        retransmissions: value(&outcome, "retransmissions"),
        given_up: value(&outcome, "given_up_messages"),
        events: outcome.events,
        voids,
        ..Tally::default()
    };
    for (id, story) in &stories {
        let [source, destination] = &story.supplied;
        let once = source.len() as u32 + story.refused == 1 && destination.len() <= 1;
        ensure(once, || format!("{id:?} does not end once: {story:?}"))?;
        // Who is supplied at the source has a peer with as much key.
        ensure(source.is_empty() || source == destination, || {
            format!("{id:?}: the ends differ: {story:?}")
        })?;
        tally.requests += 1;
        tally.delivered += source.len() as u64;
        tally.failed += u64::from(story.refused);
        tally.one_sided += u64::from(story.refused == 1 && destination.len() == 1);
    }
    let mut counted = 0;
    for record in &outcome.requests {
        let story = &stories[&(record.demand.clone(), u64::from(record.number))];
        let one_sided = story.refused == 1 && story.supplied[1].len() == 1;
        ensure(record.one_sided == one_sided, || {
            format!("{record:?} against {story:?}")
        })?;
        ensure(record.failure.is_some() == (story.refused == 1), || {
            format!("{record:?} against {story:?}")
        })?;
        counted += u64::from(one_sided);
    }
    ensure(value(&outcome, "one_sided") == counted, || {
        "one-sided keys are miscounted".to_owned()
    })?;
    if again {
        let second = simulate(&plan, 0, watched);
        ensure(outcome.trace == second.trace, || {
            "a second run has another trace".to_owned()
        })?;
        ensure(outcome.metrics == second.metrics, || {
            "a second run has other metrics".to_owned()
        })?;
        ensure(outcome.requests == second.requests, || {
            "a second run has other requests".to_owned()
        })?;
    }
    Ok(tally)
}
