//! The trace: every message and every internal step as one line of JSON, with reference point, procedure, step and
//! provenance; and the decisions behind them.

use std::sync::Arc;

use serde::Serialize;

use super::plan::Plan;
use super::wiring;
use crate::architecture::message::Subject;
use crate::architecture::{Address, Envelope, Observation, Provenance, ReferencePoint, Step};
use crate::ids::{FaultId, HopId};
use crate::kernel::Time;
use crate::observe::Observer;

/// One line of `trace.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    replication: u32,
    t_ns: u64,
    procedure: &'static str,
    step: &'static str,
    provenance: &'static str,
    reference_point: Option<&'static str>,
    from: &'a str,
    to: &'a str,
    message: &'a str,
    session: Option<&'a str>,
    request: Option<u32>,
    fault: Option<&'a str>,
    bytes: u64,
    /// Counts the transmissions of the same message; left out at the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
}

/// One line of `decisions.jsonl`.
#[derive(Serialize)]
struct Decision<'a> {
    replication: u32,
    t_ns: u64,
    element: &'a str,
    #[serde(rename = "decision")]
    choice: &'a str,
    session: &'a str,
    request: Option<u32>,
    hops: Option<Vec<String>>,
    reason: &'a str,
}

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
        label: crate::architecture::Label,
        point: Option<ReferencePoint>,
        (from, to): (Address, Address),
        message: &str,
        subject: Subject,
        bytes: u64,
        attempt: Option<u32>,
    ) {
        let plan = &self.plan;
        // P10 step 5 is the text's over Cq only.
        let inferred = label.step == Step::StatusReport && point != Some(ReferencePoint::Cq);
        let provenance = if inferred {
            Provenance::Inferred
        } else {
            label.provenance()
        };
        let line = Line {
            replication: self.replication,
            t_ns: now.0,
            procedure: label.procedure.name(),
            step: label.number(),
            provenance: provenance.name(),
            reference_point: point.map(ReferencePoint::name),
            from: &plan.name_of(from),
            to: &plan.name_of(to),
            message,
            session: subject
                .session
                .map(|session| plan.sessions[session].name.as_str()),
            request: subject.request,
            fault: subject.fault.map(|fault| plan.faults[fault].name.as_str()),
            bytes,
            attempt,
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
        );
    }

    fn hop_name(&self, hop: HopId) -> String {
        let hop = &self.plan.hops[hop];
        format!(
            "{} → {}",
            self.plan.nodes[hop.from].name, self.plan.nodes[hop.to].name
        )
    }

    fn decide(
        &mut self,
        now: Time,
        from: Address,
        decision: &str,
        subject: Subject,
        hops: Option<&[HopId]>,
        reason: &str,
    ) {
        let Some(session) = subject.session else { return };
        let line = Decision {
            replication: self.replication,
            t_ns: now.0,
            element: &self.plan.name_of(from),
            choice: decision,
            session: &self.plan.sessions[session].name,
            request: subject.request,
            hops: hops.map(|hops| hops.iter().map(|&hop| self.hop_name(hop)).collect()),
            reason,
        };
        Self::write(&mut self.decisions, &line);
    }
}

impl Observer for Trace {
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        self.message(now, envelope, internal, None);
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, attempt: u32) {
        self.message(now, envelope, false, Some(attempt));
    }

    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match observation {
            Observation::Internal { label, subject, note } => {
                self.line(now, *label, None, (from, from), note, *subject, 0, None);
            }
            Observation::KeysDelivered {
                store,
                link: Some(link),
                bits,
            } => {
                let lane =
                    usize::from(self.plan.hops[self.plan.links[*link].hops[0]].store() != Some(*store));
                let module = Address::module(*link, lane);
                let label =
                    crate::architecture::Label::new(self.plan.parameters.rerouting, Step::KeyGeneration);
                let point = Some(ReferencePoint::Kq1);
                self.line(
                    now,
                    label,
                    point,
                    (module, from),
                    "QKD-keys",
                    Subject::default(),
                    bits.div_ceil(8),
                    None,
                );
            }
            Observation::Route {
                session,
                hops,
                reason,
            } => {
                self.decide(
                    now,
                    from,
                    "route",
                    Subject::session(*session, None),
                    Some(hops),
                    reason,
                );
            }
            Observation::Waits { request, km } => {
                let reason = format!("{} lacks key", self.plan.nodes[*km].name);
                self.decide(now, from, "wait", Subject::request(*request), None, &reason);
            }
            Observation::Failed { request, cause } => {
                self.decide(now, from, "fail", Subject::request(*request), None, cause.name());
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
