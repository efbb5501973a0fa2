//! How each session felt each fault: the reroute stage by stage, and what its applications saw of it.
//!
//! One record per fault and session, as `Exact meanings` asks, whether anything had to be done or not: a stage that was
//! never reached is null, and a session that the fault did not touch has no interruption.

use super::measure::{Evidence, measured, timed_metric};
use super::plan::{Plan, Role};
use crate::ids::{Arena, FaultId, SessionId};
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
    if plan.faults.is_empty() {
        return Vec::new();
    }
    let of_demand = |session: SessionId| match plan.sessions[session].role {
        Role::Demand => History::new(requests.of(session)),
        Role::Leg(_) | Role::Refill(_) => History::new(&[]),
    };
    let histories: Arena<SessionId, History<'_>> = plan.sessions.ids().map(of_demand).collect();
    let nothing = History::new(&[]);
    let pairs =
        (plan.faults.ids()).flat_map(|fault| plan.sessions.ids().map(move |session| (fault, session)));
    pairs
        .map(|(fault, session)| {
            // What happens to a leg, the applications of its demand feel; a pool's refills have none.
            let history = demand_of(plan, session).map_or(&nothing, |demand| &histories[demand]);
            let reroute = reroutes.of(fault, session);
            let of_plan = &plan.faults[fault];
            let lasts = [of_plan.at, of_plan.repaired.unwrap_or(Time::NEVER)];
            let interruption = history.interruption(lasts, plan.interruption_threshold, plan.end());
            let record = RerouteRecord {
                fault: of_plan.name.clone(),
                session: plan.sessions[session].name.clone(),
                stages_ns: stages(&reroute.instants, history.first_key(reroute.instants[7])),
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

/// A demand's requests, and what all faults ask of them, worked out once.
struct History<'a> {
    /// In the order in which they were sent.
    lives: &'a [RequestLife],
    /// When requests were delivered, ascending, and the greatest delay of those delivered by then.
    delays: Vec<(Time, Span)>,
    /// For each request the last delivery of those up to it; 0 where there is none.
    last_so_far: Vec<Time>,
    /// For each request the first delivery of those from it on, [`Time::NEVER`] where there is none.
    first_from_here: Vec<Time>,
}

impl<'a> History<'a> {
    fn new(lives: &'a [RequestLife]) -> History<'a> {
        debug_assert!(lives.is_sorted_by_key(|life| life.sent));
        let delay = |life: &RequestLife| life.delivered().map(|at| (at, at.since(life.sent)));
        let mut delays: Vec<(Time, Span)> = lives.iter().filter_map(delay).collect();
        delays.sort_unstable();
        let mut most = Span::ZERO;
        for (_, delay) in &mut delays {
            most = most.max(*delay);
            *delay = most;
        }
        let mut last = Time::ZERO;
        let last_so_far = lives.iter().map(|life| {
            last = life.delivered().map_or(last, |at| at.max(last));
            last
        });
        let last_so_far = last_so_far.collect();
        let mut first_from_here = vec![Time::NEVER; lives.len()];
        let mut first = Time::NEVER;
        for (place, life) in first_from_here.iter_mut().zip(lives).rev() {
            first = life.delivered().map_or(first, |at| at.min(first));
            *place = first;
        }
        History {
            lives,
            delays,
            last_so_far,
            first_from_here,
        }
    }

    /// t8: the first key at both applications among the requests that wait when the last route is active.
    fn first_key(&self, active: Option<Time>) -> Option<Time> {
        let active = active?;
        let sent = self.lives.partition_point(|life| life.sent <= active);
        let latest_first = self.lives[..sent].iter().zip(&self.last_so_far).rev();
        let may_wait = latest_first.take_while(|&(_, &last)| last > active);
        let delivered = may_wait.filter_map(|(life, _)| life.delivered());
        delivered.filter(|&at| at > active).min()
    }

    /// How the demand felt a fault that lasts from one instant to another. What is supplied after `end`, while the run
    /// drains, does not count: cuts are lifted then.
    fn interruption(&self, [from, until]: [Time; 2], threshold: Option<Span>, end: Time) -> Interruption {
        let before = self.delays.partition_point(|&(at, _)| at < from);
        let usual = match threshold {
            Some(threshold) => threshold,
            None if before < FEWEST_FOR_DEFAULT => return Interruption::Undefined,
            None => self.delays[before - 1].1,
        };
        let first = self.lives.partition_point(|life| life.sent < from);
        let during = self.lives[first..].iter().take_while(|life| life.sent < until);
        let is_hit = |life: &RequestLife| life.delivered().is_none_or(|at| at.since(life.sent) > usual);
        let Some(hit) = during.into_iter().position(is_hit).map(|place| first + place) else {
            return Interruption::Restored(Span::ZERO, Span::ZERO);
        };
        match self.first_from_here[hit] {
            at if at < Time::NEVER && at <= end => {
                Interruption::Restored(at.since(self.lives[hit].sent), at.since(from))
            }
            _ => Interruption::Unrestored,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::message::FailureCause;
    use proptest::prelude::*;

    /// A request that was sent then, and what became of it.
    fn life(sent: u64, took: Option<u64>, fails: bool) -> RequestLife {
        let at = took.map(|took| Time(sent + took));
        RequestLife {
            sent: Time(sent),
            bits: 1,
            at_source: at,
            at_destination: at,
            failed: fails.then_some((Time(sent + 3), FailureCause::TimeOut)),
            spent_bits: 0,
            hops: 0,
            relay_started: None,
            held: None,
            waited_for: None,
            digests: 0,
        }
    }

    /// The definitions, word by word.
    fn plainly(
        lives: &[RequestLife],
        [from, until]: [Time; 2],
        threshold: Option<Span>,
        end: Time,
    ) -> Interruption {
        let ended = |life: &&RequestLife| life.ended().is_some_and(|at| at < from);
        let delay = |life: &RequestLife| Some(life.delivered()?.since(life.sent));
        let known: Vec<Span> = lives.iter().filter(ended).filter_map(delay).collect();
        let usual = match threshold {
            Some(threshold) => threshold,
            None if known.len() < FEWEST_FOR_DEFAULT => return Interruption::Undefined,
            None => known.into_iter().max().expect("there are enough"),
        };
        let hit = lives.iter().position(|life| {
            from <= life.sent && life.sent < until && delay(life).is_none_or(|delay| delay > usual)
        });
        let Some(hit) = hit else {
            return Interruption::Restored(Span::ZERO, Span::ZERO);
        };
        let again = lives[hit..].iter().filter_map(RequestLife::delivered).min();
        match again.filter(|&at| at <= end) {
            Some(at) => Interruption::Restored(at.since(lives[hit].sent), at.since(from)),
            None => Interruption::Unrestored,
        }
    }

    fn first_key_plainly(lives: &[RequestLife], active: Time) -> Option<Time> {
        let waiting = lives.iter().filter(|life| life.sent <= active);
        let supplied = waiting.filter_map(RequestLife::delivered);
        supplied.filter(|&at| at > active).min()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_history_tells_what_the_definitions_say(
            requests in prop::collection::vec((0_u64..4, prop::option::weighted(0.9, 0_u64..40), prop::bool::weighted(0.1)), 0..250),
            faults in prop::collection::vec((0_u64..500, 0_u64..200, prop::option::of(0_u64..40)), 1..8),
        ) {
            let mut sent = 0;
            let lives: Vec<RequestLife> = (requests.into_iter())
                .map(|(pause, took, fails)| {
                    sent += pause;
                    life(sent, took, fails)
                })
                .collect();
            let history = History::new(&lives);
            for (from, length, threshold) in faults {
                let until = if length == 0 { Time::NEVER } else { Time(from + length) };
                let (lasts, threshold) = ([Time(from), until], threshold.map(Span));
                for end in [Time(sent / 2), Time(sent + 10)] {
                    prop_assert_eq!(
                        history.interruption(lasts, threshold, end),
                        plainly(&lives, lasts, threshold, end)
                    );
                }
                prop_assert_eq!(history.first_key(Some(Time(from))), first_key_plainly(&lives, Time(from)));
            }
        }
    }
}
