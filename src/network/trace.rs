//! The trace: every message and every internal step as one line of JSON, with reference point, procedure, step and
//! provenance; and the decisions behind them.

use std::sync::Arc;

use serde::Serialize;

use super::plan::Plan;
use super::wiring;
use crate::architecture::message::{LinkPerformance, RequestId, Subject};
use crate::architecture::observation::{
    Candidate, Choice, Decision, DecisionPlace, RequestEnd, SessionState,
};
use crate::architecture::{Address, Envelope, Label, Observation, Provenance, ReferencePoint, Step};
use crate::ids::{FaultId, HopId};
use crate::kernel::Time;
use crate::observe::Observer;
use crate::observe::record::{CandidateLine, DecisionLine, LinkLine, TraceLine};

/// The observer.
#[derive(Debug)]
pub struct Trace {
    plan: Arc<Plan>,
    replication: u32,
    /// `trace.jsonl`.
    pub lines: Vec<u8>,
    /// `decisions.jsonl`.
    pub decisions: Vec<u8>,
}

impl Trace {
    /// An empty trace.
    pub fn new(plan: Arc<Plan>, replication: u32) -> Trace {
        Trace {
            plan,
            replication,
            lines: Vec::new(),
            decisions: Vec::new(),
        }
    }

    fn write<T: Serialize>(lines: &mut Vec<u8>, line: &T) {
        serde_json::to_writer(&mut *lines, line).expect("plain data can be written to memory");
        lines.push(b'\n');
    }

    #[allow(clippy::too_many_arguments)] // the fields of a line
    fn line(
        &mut self,
        now: Time,
        label: Label,
        point: Option<ReferencePoint>,
        (from, to): (Address, Address),
        message: &str,
        subject: Subject,
        bytes: u64,
        attempt: Option<u32>,
        provenance: Provenance,
        link: Option<&LinkPerformance>,
    ) {
        let plan = &self.plan;
        let line = TraceLine {
            replication: self.replication,
            t_ns: now.0,
            procedure: label.procedure.name().into(),
            step: label.number().into(),
            provenance: provenance.name().into(),
            reference_point: point.map(|point| point.name().into()),
            from: plan.name_of(from).into(),
            to: plan.name_of(to).into(),
            message: message.into(),
            session: subject
                .session
                .map(|session| plan.sessions[session].name.as_str().into()),
            request: subject.request,
            fault: subject.fault.map(|fault| plan.faults[fault].name.as_str().into()),
            bytes,
            encrypted: point.is_some_and(|point| {
                let ck = plan.sharing.is_some_and(|sharing| sharing.ck);
                point.is_encrypted() || (ck && point == ReferencePoint::Ck)
            }),
            attempt,
            link: link.map(|link| LinkLine {
                state: link.state.name().into(),
                skr_bps: link.skr_bps,
                expected_skr_bps: link.expected_skr_bps,
                expected_consumption_bps: link.expected_consumption_bps,
                qber_ppm: link.qber_ppm,
            }),
        };
        Self::write(&mut self.lines, &line);
    }

    fn message(&mut self, now: Time, envelope: &Envelope, internal: bool, attempt: Option<u32>) {
        let ends = (envelope.from, envelope.to);
        let point = if internal {
            None
        } else {
            wiring::reference_point(&self.plan, ends.0, ends.1)
        };
        let message = &envelope.message;
        self.line(
            now,
            envelope.label,
            point,
            ends,
            message.name(),
            message.subject(),
            message.bytes(),
            attempt,
            envelope.provenance(point),
            message.performance(),
        );
    }

    fn hop_name(&self, hop: HopId) -> String {
        let hop = &self.plan.hops[hop];
        format!(
            "{} → {}",
            self.plan.nodes[hop.from].name, self.plan.nodes[hop.to].name
        )
    }

    fn hop_names(&self, hops: &[HopId]) -> Vec<String> {
        hops.iter().map(|&hop| self.hop_name(hop)).collect()
    }

    fn candidate(&self, candidate: &Candidate) -> CandidateLine {
        CandidateLine {
            hops: self.hop_names(&candidate.hops),
            cost: candidate.cost,
            unit: candidate.unit.to_owned(),
            chosen: candidate.chosen,
            obstacle: candidate
                .obstacle
                .map(|(hop, state)| format!("{} is {state}", self.hop_name(hop))),
        }
    }

    /// What was decided, or became of a request, in a word.
    fn decide(&mut self, now: Time, from: Address, name: &'static str, decision: &Decision) {
        let Some(session) = decision.subject.session else {
            return;
        };
        let plan = &self.plan;
        let place = match (decision.hop, decision.place) {
            (Some(hop), _) => Some(self.hop_name(hop)),
            (None, Some(DecisionPlace::Km(km))) => Some(format!("KM {}", plan.nodes[km].name)),
            (None, Some(DecisionPlace::Controller(controller))) => {
                Some(plan.name_of(Address::controller(controller)))
            }
            (None, None) => None,
        };
        let chosen = decision.candidates.iter().find(|candidate| candidate.chosen);
        let fault = decision.subject.fault;
        let line = DecisionLine {
            replication: self.replication,
            t_ns: now.0,
            element: plan.name_of(from).into(),
            decision: name.into(),
            session: plan.sessions[session].name.as_str().into(),
            request: decision.subject.request,
            fault: fault.map(|fault| plan.faults[fault].name.as_str().into()),
            reason: decision.reason.into(),
            place: place.map(Into::into),
            needed_bits: decision.bits.map(|[needed, _]| needed),
            usable_bits: decision.bits.map(|[_, usable]| usable),
            hops: chosen.map(|candidate| self.hop_names(&candidate.hops)),
            candidates: decision
                .candidates
                .iter()
                .map(|candidate| self.candidate(candidate))
                .collect(),
        };
        Self::write(&mut self.decisions, &line);
    }

    /// A request begins or ends.
    fn milestone(
        &mut self,
        now: Time,
        from: Address,
        name: &'static str,
        request: RequestId,
        reason: &'static str,
    ) {
        // The choice has a name of its own here.
        let decision = Decision::new(Choice::Queue, Subject::request(request), reason);
        self.decide(now, from, name, &decision);
    }
}

impl Observer for Trace {
    const ASKS_WHY: bool = true;

    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        self.message(now, envelope, internal, None);
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, attempt: u32) {
        self.message(now, envelope, false, Some(attempt));
    }

    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match observation {
            Observation::Internal { label, subject, note } => {
                let provenance = label.provenance();
                self.line(
                    now,
                    *label,
                    None,
                    (from, from),
                    note,
                    *subject,
                    0,
                    None,
                    provenance,
                    None,
                );
            }
            Observation::KeysDelivered {
                store,
                link: Some(link),
                bits,
            } => {
                let lane =
                    usize::from(self.plan.hops[self.plan.links[*link].hops[0]].store() != Some(*store));
                let module = Address::module(*link, lane);
                let label = Label::new(self.plan.parameters.rerouting, Step::KeyGeneration);
                // What passed between the modules since the last look is told with it: photons are not simulated.
                let peer = Address::module(*link, 1 - lane);
                for (point, ends, message, bytes) in [
                    (ReferencePoint::Qx, (module, peer), "key generation", 0),
                    (ReferencePoint::Kq1, (module, from), "QKD-keys", bits.div_ceil(8)),
                ] {
                    self.line(
                        now,
                        label,
                        Some(point),
                        ends,
                        message,
                        Subject::default(),
                        bytes,
                        None,
                        label.provenance(),
                        None,
                    );
                }
            }
            Observation::Decided(decision) => self.decide(now, from, decision.choice.name(), decision),
            Observation::Requested { request, .. } => {
                self.milestone(now, from, "request", *request, "its application asks");
            }
            Observation::Session {
                session,
                state,
                label,
                fault,
            } => {
                let note = match state {
                    SessionState::Open => "session open",
                    SessionState::Active => "session active",
                    SessionState::Rerouting => "session rerouting",
                    SessionState::Suspended => "session suspended",
                    SessionState::Closed => "session closed",
                    SessionState::Failed => "session failed",
                };
                let subject = Subject::session(*session, *fault);
                let provenance = Provenance::Inferred; // the text has no states
                self.line(
                    now,
                    *label,
                    None,
                    (from, from),
                    note,
                    subject,
                    0,
                    None,
                    provenance,
                    None,
                );
            }
            Observation::Supplied {
                request,
                end: RequestEnd::Source,
                ..
            } => self.milestone(now, from, "supply", *request, "both applications hold the key"),
            Observation::Failed { request, cause } => {
                self.milestone(now, from, "fail", *request, cause.name());
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
