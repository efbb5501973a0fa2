//! How each session felt each fault: the reroute stage by stage, and what its applications saw of it.
//!
//! One record per fault and session, as `Exact meanings` asks, whether anything had to be done or not: a stage that was
//! never reached is null, and a session that the fault did not touch has no interruption.

use super::measure::{Evidence, measured, timed_metric};
use super::plan::{Plan, Role};
use crate::ids::{FaultId, SessionId};
use crate::kernel::{Span, Time};
use crate::observe::outcome::{Measured, RerouteRecord};
use crate::observe::requests::{RequestLife, Requests};
use crate::observe::reroutes::Reroutes;

/// Fewest requests before a fault for the default of D in the service interruption.
const FEWEST_FOR_DEFAULT: usize = 100;

/// How a demand felt a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Interruption {
    /// Too few requests ended before it to say what is usual.
    Undefined,
    /// No supply ended it in the run.
    Unrestored,
    /// First request not supplied in time → supply, and fault → supply; 0 if all were.
    Restored(Span, Span),
}

impl Interruption {
    fn restored(self) -> Option<(Span, Span)> {
        match self {
            Interruption::Restored(length, after) => Some((length, after)),
            Interruption::Undefined | Interruption::Unrestored => None,
        }
    }
}

/// What one session saw of one fault.
#[derive(Clone, Debug)]
pub struct Felt {
    fault: FaultId,
    session: SessionId,
    record: RerouteRecord,
    interruption: Interruption,
    half_switched: Option<Span>,
}

impl Felt {
    /// The row of `reroutes.json`.
    pub fn record(&self) -> &RerouteRecord {
        &self.record
    }
}

/// All faults, each as all sessions felt it.
pub fn felt(plan: &Plan, requests: &Requests, reroutes: &Reroutes) -> Vec<Felt> {
    let pairs =
        (plan.faults.ids()).flat_map(|fault| plan.sessions.ids().map(move |session| (fault, session)));
    pairs
        .map(|(fault, session)| {
            // What happens to a leg, the applications of its demand feel; a pool's refills have none.
            let lives = demand_of(plan, session).map_or(&[][..], |demand| requests.of(demand));
            let reroute = reroutes.of(fault, session);
            let interruption = interruption(plan, fault, lives);
            let record = RerouteRecord {
                fault: plan.faults[fault].name.clone(),
                session: plan.sessions[session].name.clone(),
                stages_ns: stages(&reroute.instants, first_key(reroute.instants[7], lives)),
                service_interruption_ns: interruption.restored().map(|(length, _)| length.0),
                messages: reroute.messages,
                bytes: reroute.bytes,
            };
            Felt {
                fault,
                session,
                record,
                interruption,
                half_switched: reroute.half_switched,
            }
        })
        .collect()
}

/// The demand whose applications feel what happens to a session; none feel what happens to a pool's refills.
fn demand_of(plan: &Plan, session: SessionId) -> Option<SessionId> {
    match plan.sessions[session].role {
        Role::Demand => Some(session),
        Role::Leg(whole) => Some(whole),
        Role::Refill(_) => None,
    }
}

/// t8: the first key at both applications among the requests that wait when the last route is active.
fn first_key(active: Option<Time>, lives: &[RequestLife]) -> Option<Time> {
    let active = active?;
    let waiting = lives.iter().filter(|life| life.sent <= active);
    let supplied = waiting.filter_map(RequestLife::delivered);
    supplied.filter(|&at| at > active).min()
}

/// Differences of t0 … t8, up to the first instant that was not reached. What was done before the fault, because it was
/// announced, is no stage of it.
fn stages(instants: &[Option<Time>; 8], first_key: Option<Time>) -> [Option<u64>; 8] {
    let mut stages = [None; 8];
    let all: Vec<Option<Time>> = instants.iter().copied().chain([first_key]).collect();
    for (stage, pair) in all.windows(2).enumerate() {
        match pair {
            [Some(from), Some(to)] if from <= to => stages[stage] = Some(to.since(*from).0),
            _ => break,
        }
    }
    stages
}

/// How a demand felt a fault. What is supplied while the run drains does not count: cuts are lifted then.
fn interruption(plan: &Plan, fault: FaultId, lives: &[RequestLife]) -> Interruption {
    let of_plan = &plan.faults[fault];
    let before = lives
        .iter()
        .filter(|life| life.ended().is_some_and(|at| at < of_plan.at));
    let known: Vec<Span> = before
        .filter_map(|life| Some(life.delivered()?.since(life.sent)))
        .collect();
    let usual = match plan.interruption_threshold {
        Some(threshold) => threshold,
        None if known.len() < FEWEST_FOR_DEFAULT => return Interruption::Undefined,
        None => known.into_iter().max().expect("there are enough"),
    };
    let until = of_plan.repaired.unwrap_or(Time::NEVER);
    let hit = lives.iter().position(|life| {
        of_plan.at <= life.sent
            && life.sent < until
            && life.delivered().is_none_or(|at| at.since(life.sent) > usual)
    });
    let Some(hit) = hit else {
        return Interruption::Restored(Span::ZERO, Span::ZERO);
    };
    let again = lives[hit..].iter().filter_map(RequestLife::delivered).min();
    match again.filter(|&at| at <= plan.end()) {
        Some(at) => Interruption::Restored(at.since(lives[hit].sent), at.since(of_plan.at)),
        None => Interruption::Unrestored,
    }
}

/// Metric of a stage, in the order of [`RerouteRecord::STAGES`].
const STAGES: [&str; 8] = [
    "rerouting_detection_s",
    "rerouting_report_s",
    "rerouting_analysis_s",
    "rerouting_computation_s",
    "rerouting_coordination_s",
    "rerouting_command_s",
    "rerouting_installation_s",
    "rerouting_first_key_s",
];

impl Evidence<'_> {
    /// What faults did to the network's users, to each demand, and each fault to all demands.
    pub(super) fn fault_metrics(&self, metrics: &mut Vec<Measured>) {
        let user = |felt: &&Felt| !self.plan.sessions[felt.session].for_sharing;
        self.of_felt(
            "network",
            &self.felt.iter().filter(user).collect::<Vec<_>>(),
            metrics,
        );
        for (session, plan) in self.plan.demands() {
            let is_own = |felt: &&Felt| demand_of(self.plan, felt.session) == Some(session);
            let own = self.felt.iter().filter(is_own);
            self.of_felt(
                &format!("demand:{}", plan.name),
                &own.collect::<Vec<_>>(),
                metrics,
            );
        }
        // Occurrences of one fault of the scenario, "ID/1", "ID/2" …, are measured together.
        let id = |name: &str| name.split_once('/').map_or(name, |(id, _)| id).to_owned();
        let of_plan = self.plan.faults.values().map(|fault| id(&fault.name));
        let at_random = self.plan.random_faults.iter().map(|fault| fault.name.clone());
        let mut ids: Vec<String> = Vec::new();
        for id in of_plan.chain(at_random) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        for name in ids {
            let of_fault = self.felt.iter().filter(user);
            let of_fault = of_fault.filter(|felt| id(&self.plan.faults[felt.fault].name) == name);
            self.of_felt(&format!("fault:{name}"), &of_fault.collect::<Vec<_>>(), metrics);
        }
    }

    fn of_felt(&self, scope: &str, felt: &[&Felt], metrics: &mut Vec<Measured>) {
        let any_fault = !self.plan.faults.is_empty() || !self.plan.random_faults.is_empty();
        // Legs of a demand tell how it was rerouted; that it was interrupted, it tells itself.
        let demands = || {
            let plan = &self.plan.sessions;
            felt.iter().filter(|felt| plan[felt.session].role == Role::Demand)
        };
        let unrestored = demands().filter(|felt| felt.interruption == Interruption::Unrestored);
        metrics.push(measured(
            "unrestored_interruptions",
            scope,
            any_fault.then(|| unrestored.count() as f64),
        ));
        let restored = demands().filter_map(|felt| felt.interruption.restored());
        let (interruptions, restorations) = restored.map(|(length, after)| (length.0, after.0)).unzip();
        let half_switched = felt.iter().filter_map(|felt| Some(felt.half_switched?.0));
        let in_force = || {
            let records = felt.iter().map(|felt| &felt.record);
            records.filter_map(|record| Some((record, record.control_plane_ns()?)))
        };
        for (name, samples) in [
            ("service_interruption_s", interruptions),
            ("service_restoration_s", restorations),
            (
                "rerouting_latency_s",
                in_force().map(|(_, latency)| latency).collect(),
            ),
            ("half_switched_s", half_switched.collect()),
        ] {
            metrics.push(timed_metric(name, scope, samples));
        }
        if !any_fault {
            return;
        }
        let reroutes = in_force().count() as u64;
        metrics.push(measured("reroutes", scope, Some(reroutes as f64)));
        for (at, name) in STAGES.into_iter().enumerate() {
            let samples = in_force().filter_map(|(record, _)| record.stages_ns[at]);
            metrics.push(timed_metric(name, scope, samples.collect()));
        }
        let totals = in_force().filter_map(|(record, _)| record.total_ns());
        metrics.push(timed_metric("rerouting_total_s", scope, totals.collect()));
        let mean = |amount: fn(&RerouteRecord) -> u64| {
            let sum: u64 = in_force().map(|(record, _)| amount(record)).sum();
            (reroutes > 0).then(|| sum as f64 / reroutes as f64)
        };
        metrics.push(measured(
            "rerouting_messages",
            scope,
            mean(|record| record.messages),
        ));
        metrics.push(measured("rerouting_bytes", scope, mean(|record| record.bytes)));
    }
}
