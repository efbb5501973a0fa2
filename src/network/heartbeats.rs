//! Heartbeats: who listens to whom, when beats are sent, and how many of them there are.
//!
//! Beats come at fixed instants, so nobody has to send them one by one: what matters is when they would have been missed,
//! and how many they are. They are in no other count of messages.

use super::plan::Plan;
use crate::architecture::{Address, Disturbance, Heartbeat};
use crate::ids::{Arena, LinkId, QkdnId};
use crate::kernel::{Span, Streams, Time};

/// Size of a beat \[bytes\]. Assumption: header and tag, nothing else.
pub const BEAT_BYTES: u64 = 64;

/// Who listens to whom, watcher and watched: KMs to their neighbours and to the modules of their node, controllers to
/// those of neighbouring nodes and across borders.
pub fn listeners(plan: &Plan) -> Vec<(Address, Address)> {
    let mut pairs = Vec::new();
    for hop in plan.hops.values() {
        let [from, to] = [hop.from, hop.to].map(|node| plan.nodes[node].controller);
        pairs.push((Address::kma(hop.from), Address::kma(hop.to)));
        if from != to {
            pairs.push((Address::controller(from), Address::controller(to)));
        }
    }
    for (link, of_plan) in plan.links.iter() {
        for (end, &node) in of_plan.ends.iter().enumerate() {
            pairs.push((Address::kma(node), Address::module(link, end)));
        }
    }
    pairs.sort();
    pairs.dedup();
    pairs
}

/// The instant of every period at which the modules of a link send along it: both at the same (assumption). Drawn for
/// the place where the link begins in its duct, so that a cut finds the same beats whatever stands along the duct.
pub fn phase_over(plan: &Plan, link: LinkId, beats: Heartbeat, streams: &Streams) -> Span {
    let of_plan = &plan.links[link];
    let place = match of_plan.ducts.first() {
        Some(section) => format!("duct/{}@{}", plan.ducts[section.duct].name, section.from_m),
        None => format!("link/{}", of_plan.name),
    };
    phase(&place, beats, streams)
}

/// The instant of every period at which an element sends to those that listen to it.
pub fn phase_of(plan: &Plan, sender: Address, beats: Heartbeat, streams: &Streams) -> Span {
    phase(&format!("element/{}", plan.name_of(sender)), beats, streams)
}

fn phase(sender: &str, beats: Heartbeat, streams: &Streams) -> Span {
    let at_random = || Span(streams.stream(sender, "heartbeat").below(beats.period.0.max(1)));
    beats.phase.unwrap_or_else(at_random)
}

/// Beats that the elements of each QKDN send in the counting time: one to each that listens, one from either module
/// along each link, none while the sender is out of service. `None` where heartbeats are off.
pub fn sent(plan: &Plan, replication: u32) -> Option<Arena<QkdnId, u64>> {
    let beats = plan.parameters.recovery.heartbeat?;
    let streams = Streams::new(plan.run.seed, replication);
    let mut sent: Arena<QkdnId, u64> = plan.qkdns.ids().map(|_| 0).collect();
    let mut count = |sender: Address, phase: Span| {
        sent[plan.placement(sender).qkdn] += of_sender(plan, sender, beats.period, phase);
    };
    for (_, watched) in listeners(plan) {
        count(watched, phase_of(plan, watched, beats, &streams));
    }
    for link in plan.links.ids() {
        let phase = phase_over(plan, link, beats, &streams);
        for end in 0..2 {
            count(Address::module(link, end), phase);
        }
    }
    Some(sent)
}

fn of_sender(plan: &Plan, sender: Address, period: Span, phase: Span) -> u64 {
    let (from, to) = plan.counting();
    let mut down: Vec<(Time, Time)> = (plan.faults.values())
        .filter(|fault| fault.disturbances.contains(&Disturbance::ElementDown(sender)))
        .map(|fault| (fault.at, fault.repaired.unwrap_or(Time::NEVER)))
        .collect();
    down.sort();
    let mut up_since = from;
    let mut sent = 0;
    for (at, repaired) in down {
        // A beat of the very instant of the failure still gets through.
        let last = Time(at.0.saturating_add(1)).min(to);
        sent += within(period, phase, up_since, last);
        up_since = up_since.max(repaired);
    }
    sent + within(period, phase, up_since, to)
}

/// Beats in \[from, to).
fn within(period: Span, phase: Span, from: Time, to: Time) -> u64 {
    let before = |time: Time| match time.0.checked_sub(phase.0 % period.0) {
        Some(since) => since.div_ceil(period.0),
        None => 0,
    };
    before(to.max(from)) - before(from)
}

#[cfg(test)]
mod tests {
    use super::within;
    use crate::kernel::{Span, Time};

    #[test]
    fn beats_are_counted_as_if_they_were_listed() {
        for (period, phase) in [(10, 0), (10, 3), (10, 23), (7, 6), (1, 0)] {
            let all: Vec<u64> = (0..200).map(|number| phase % period + number * period).collect();
            for (from, to) in [(0, 0), (0, 100), (3, 4), (4, 13), (13, 14), (50, 40), (99, 101)] {
                let listed = all.iter().filter(|&&at| from <= at && at < to).count();
                let counted = within(Span(period), Span(phase), Time(from), Time(to));
                assert_eq!(counted, listed as u64, "{period} {phase} {from} {to}");
            }
        }
    }
}
