//! The order of steps of P10, P11, P13 and P14, element by element: what an element must have been told, or done itself,
//! before it may take a step.
//!
//! Where a message names what it answers – a poll, a proposal, a command, a relay failure – it is held to just that; else to
//! the session that it is about (what is about none, status and reports, counts for every session). Steps that an
//! element begins by itself have none before them: the status report (5), the alarm (0), QKD-keys handed over (4).

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::message::{ControlMessage, Message};
use crate::architecture::{Address, ElementKind, Envelope, Label, Procedure, Step};
use crate::ids::SessionId;

/// What was told to an element or done by it.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// One bit per step, by element and session.
    seen: BTreeMap<(Address, Option<SessionId>), u64>,
    /// Polls that are not answered yet, by controller, element and round.
    polls: BTreeSet<(Address, Address, u32)>,
    /// Proposals: session, epoch, digest; whether accepted, whether committed.
    proposals: BTreeMap<(SessionId, u32, u64), [bool; 2]>,
    /// How often path information was sent to a controller that it has not answered: that its session carries requests again
    /// meanwhile does not take it back.
    told_paths: BTreeMap<(Address, SessionId), u32>,
    /// Sessions that a controller was told to have got worse beyond its border: it may pass that on.
    told_worse: BTreeSet<(Address, SessionId)>,
    /// Epochs of borders that were committed.
    committed: BTreeSet<(SessionId, u32)>,
    /// Commands to KMs: KM, session, epoch.
    commands: BTreeSet<(Address, SessionId, u32)>,
    /// How often each step of fault management was taken, by manager and session.
    failures: BTreeMap<(Address, SessionId), [u64; FAILURE.len()]>,
}

/// Steps of fault management that follow one another one by one.
const FAILURE: [Step; 6] = [
    Step::FailureAlarm,
    Step::FailureReport,
    Step::FailureShared,
    Step::Diagnosis,
    Step::FaultDecision,
    Step::DecisionCommand,
];

const fn bit(step: Step) -> u64 {
    1 << step as u64
}

const fn is_judged(label: Label) -> bool {
    matches!(
        label.procedure,
        Procedure::P10 | Procedure::P11 | Procedure::P13 | Procedure::P14
    )
}

/// What a change of route follows from.
const AGREED: u64 = bit(Step::Decision) | bit(Step::PathInformation) | bit(Step::Confirmation);

/// Steps of which one at least must have come to an element before it takes this one; 0: none need have.
fn before(step: Step, by: ElementKind) -> u64 {
    use ElementKind::{Controller, Kma};
    match (step, by) {
        (Step::StatusSharing, _) | (Step::KeyGeneration, Controller) => bit(Step::StatusAnswer),
        // That a way got worse beyond the next border is told as path information.
        (Step::Decision | Step::StandBy, _) => {
            bit(Step::StatusReport)
                | bit(Step::StatusAnswer)
                | bit(Step::DecisionCommand)
                | bit(Step::PathInformation)
        }
        (Step::PathInformation | Step::Confirmation | Step::AwaitsProposal, _) => AGREED,
        (Step::RerouteCommand, _) => AGREED | bit(Step::RerouteCommand),
        (Step::RouteActive, Kma) => bit(Step::RerouteCommand),
        // A controller passes it on.
        (Step::RouteActive, _) => bit(Step::RouteActive),
        (Step::ReportShared, _) => bit(Step::LayerReport),
        _ => 0,
    }
}

impl Order {
    /// A controller finds out by itself who does not answer: as good as a report, about every session.
    pub fn found_out(&mut self, controller: Address) {
        *self.seen.entry((controller, None)).or_default() |= bit(Step::StatusReport);
    }

    /// An element sends a message: whether it may.
    pub fn sent(&mut self, envelope: &Envelope) -> bool {
        let (label, from, to) = (envelope.label, envelope.from, envelope.to);
        if !is_judged(label) {
            return true;
        }
        let session = envelope.message.subject().session;
        let may = match &envelope.message {
            Message::Control(message) => self.answers(message, from, to),
            _ => None,
        };
        let may = may.unwrap_or_else(|| self.takes(from, label.step, session));
        self.note(to, label.step, session);
        may
    }

    /// An element takes a step inside itself: whether it may.
    pub fn noted(&mut self, element: Address, label: Label, session: Option<SessionId>) -> bool {
        if label.step == Step::RouteActive && element.kind() == ElementKind::Controller {
            // A session carries requests again, whether KMs had to be told or its route stays.
            let of = |session| self.seen.get(&(element, session)).copied().unwrap_or(0);
            let needed = AGREED | bit(Step::RerouteCommand) | bit(Step::RouteActive);
            return !is_judged(label) || (of(session) | of(None)) & needed != 0;
        }
        !is_judged(label) || self.takes(element, label.step, session)
    }

    /// A session carries requests again: a new reroute is analysed anew, and paths are told anew.
    pub fn settled(&mut self, controller: Address, session: SessionId) {
        if let Some(seen) = self.seen.get_mut(&(controller, Some(session))) {
            *seen &= !(bit(Step::Decision) | bit(Step::PathInformation));
        }
    }

    fn has(&self, element: Address, session: SessionId, step: Step) -> bool {
        let seen = self.seen.get(&(element, Some(session)));
        seen.is_some_and(|seen| seen & bit(step) != 0)
    }

    /// Whether a step that follows from steps about the same session may be taken.
    fn takes(&mut self, by: Address, step: Step, session: Option<SessionId>) -> bool {
        let of = |session| self.seen.get(&(by, session)).copied().unwrap_or(0);
        let needed = before(step, by.kind());
        let mut may = needed == 0 || (of(session) | of(None)) & needed != 0;
        if let (Some(session), Step::Decision) = (session, step) {
            let told = self.told_paths.entry((by, session)).or_default();
            may |= *told > 0;
            *told = told.saturating_sub(1);
        }
        if let (Some(session), Some(at)) = (session, FAILURE.iter().position(|&one| one == step)) {
            let counts = self.failures.entry((by, session)).or_default();
            let [alarms, reports, told, diagnoses, decisions, commands] = counts;
            match step {
                Step::FailureReport => may &= reports < alarms,
                // Each report goes to one neighbour at most; what comes from a neighbour counts there.
                Step::FailureShared => may &= *reports > 0,
                Step::Diagnosis => may &= *diagnoses < *reports + *told,
                Step::FaultDecision => may &= decisions < diagnoses,
                Step::DecisionCommand => may &= commands < decisions,
                _ => {}
            }
            if !matches!(step, Step::FailureAlarm | Step::FailureShared) {
                counts[at] += 1;
            }
        }
        *self.seen.entry((by, session)).or_default() |= bit(step);
        may
    }

    /// An element is told.
    fn note(&mut self, to: Address, step: Step, session: Option<SessionId>) {
        *self.seen.entry((to, session)).or_default() |= bit(step);
        if let (Some(session), Step::PathInformation) = (session, step) {
            *self.told_paths.entry((to, session)).or_default() += 1;
        }
        if step == Step::DecisionCommand {
            // What it says of a hop concerns all sessions over it.
            *self.seen.entry((to, None)).or_default() |= bit(step);
        }
        if let (Some(session), Step::FailureAlarm | Step::FailureShared) = (session, step) {
            let at = FAILURE.iter().position(|&one| one == step).expect("one of them");
            self.failures.entry((to, session)).or_default()[at] += 1;
        }
    }

    /// Whether a message that names what it answers may be sent; `None`: it names nothing.
    fn answers(&mut self, message: &ControlMessage, from: Address, to: Address) -> Option<bool> {
        Some(match message {
            ControlMessage::StatusRequest { round } => self.polls.insert((from, to, *round)),
            ControlMessage::StatusAnswer(answer) => self.polls.remove(&(to, from, answer.round)),
            ControlMessage::PathInformation { session, .. } => {
                let analysed = self.has(from, *session, Step::Decision);
                self.takes(from, Step::PathInformation, Some(*session)) && analysed
            }
            ControlMessage::SegmentDegraded { session, .. } => {
                self.told_worse.insert((to, *session));
                let told = self.told_worse.contains(&(from, *session));
                self.takes(from, Step::PathInformation, Some(*session)) || told
            }
            ControlMessage::Propose(proposal) => {
                let key = (proposal.session, proposal.epoch, proposal.digest);
                self.proposals.entry(key).or_default();
                let steps = [Step::Decision, Step::PathInformation];
                let ready = steps.iter().all(|&step| self.has(from, proposal.session, step));
                self.takes(from, Step::Confirmation, Some(proposal.session)) && ready
            }
            ControlMessage::Accept(proposal) => {
                let key = (proposal.session, proposal.epoch, proposal.digest);
                let known = self.proposals.get_mut(&key);
                known.map(|known| known[0] = true).is_some()
            }
            ControlMessage::Reject { proposal, .. } => {
                let key = (proposal.session, proposal.epoch, proposal.digest);
                self.proposals.contains_key(&key)
            }
            ControlMessage::Commit { proposal, .. } => {
                let key = (proposal.session, proposal.epoch, proposal.digest);
                self.committed.insert((proposal.session, proposal.epoch));
                self.proposals.get(&key).is_some_and(|known| known[0])
            }
            ControlMessage::Switched { session, epoch, .. } => self.committed.contains(&(*session, *epoch)),
            // Keys relayed ahead need neither an analysis nor an agreement: a report is enough. Controllers pass it on.
            ControlMessage::SwitchOver { session, .. } => {
                let of = |session| self.seen.get(&(from, session)).copied().unwrap_or(0);
                let needed = before(Step::Decision, from.kind()) | bit(Step::RerouteCommand);
                (of(Some(*session)) | of(None)) & needed != 0
            }
            ControlMessage::RerouteCommand(order) => {
                self.commands.insert((to, order.session, order.epoch));
                return None;
            }
            ControlMessage::RouteActive {
                session, km, epoch, ..
            } => {
                let commanded = (Address::kma(*km), *session, *epoch);
                let may = self.takes(from, Step::RouteActive, Some(*session));
                may && self.commands.contains(&commanded)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::RequestId;
    use crate::architecture::message::FailureCause;
    use crate::architecture::message::{FaultDecision, ManagementMessage, StatusAnswer};
    use crate::ids::{BoundaryId, ControllerId, HopId, LinkId, ManagerId, NodeId};
    use crate::kernel::Time;

    const SESSION: SessionId = SessionId(0);

    fn envelope(from: Address, to: Address, step: Step, message: impl Into<Message>) -> Envelope {
        let fault_management = matches!(step, Step::FailureAlarm | Step::DecisionCommand);
        let procedure = if fault_management {
            Procedure::P11
        } else {
            Procedure::P10
        };
        Envelope {
            from,
            to,
            label: Label::new(procedure, step),
            message: message.into(),
            tag: None,
        }
    }

    #[test]
    fn a_status_is_answered_once_and_not_before_it_is_asked_for() {
        let (controller, module) = (
            Address::controller(ControllerId(0)),
            Address::module(LinkId(0), 0),
        );
        let answer = || {
            let answer = StatusAnswer {
                round: 1,
                link: None,
                performance: None,
                levels: Box::default(),
                at: Time(0),
                fault: None,
            };
            let message = ControlMessage::StatusAnswer(Box::new(answer));
            envelope(module, controller, Step::StatusAnswer, message)
        };
        let ask = envelope(
            controller,
            module,
            Step::StatusRequest,
            ControlMessage::StatusRequest { round: 1 },
        );
        let mut order = Order::default();
        assert!(!order.sent(&answer()));
        assert!(order.sent(&ask));
        assert!(order.sent(&answer()));
        assert!(!order.sent(&answer()));
    }

    #[test]
    fn a_decision_needs_a_report() {
        let controller = Address::controller(ControllerId(0));
        let decision = Label::new(Procedure::P10, Step::Decision);
        let mut order = Order::default();
        assert!(!order.noted(controller, decision, Some(SESSION)));
        let mut alone = order.clone();
        alone.found_out(controller);
        assert!(alone.noted(controller, decision, Some(SESSION)));
        order.note(controller, Step::StatusReport, None);
        assert!(order.noted(controller, decision, Some(SESSION)));
    }

    /// Path information is on its way while the session that it is about carries requests again.
    #[test]
    fn what_was_told_of_paths_may_be_decided_about_later() {
        let (here, there) = (
            Address::controller(ControllerId(0)),
            Address::controller(ControllerId(1)),
        );
        let decision = Label::new(Procedure::P10, Step::Decision);
        let mut order = Order::default();
        order.note(there, Step::PathInformation, Some(SESSION));
        order.settled(there, SESSION);
        assert!(!order.noted(here, decision, Some(SESSION)));
        assert!(order.noted(there, decision, Some(SESSION)));
        order.settled(there, SESSION);
        assert!(!order.noted(there, decision, Some(SESSION)), "once");
    }

    #[test]
    fn every_relay_failure_is_worth_one_decision() {
        let (kma, manager) = (Address::kma(NodeId(1)), Address::manager(ManagerId(0)));
        let alarm = ManagementMessage::RelayFailure {
            request: RequestId {
                session: SESSION,
                number: 0,
            },
            hop: HopId(0),
            at_border: true,
            generating: false,
            cause: FailureCause::InsufficientKey,
            at: Time(0),
            boundary: Some(BoundaryId(0)),
            decider: ControllerId(0),
            fault: None,
        };
        let alarm = || envelope(kma, manager, Step::FailureAlarm, alarm.clone());
        let decide = || {
            let message = ManagementMessage::Decision {
                session: SESSION,
                hop: None,
                at: Time(0),
                decision: FaultDecision::StandBy,
                fault: None,
            };
            envelope(
                manager,
                Address::controller(ControllerId(0)),
                Step::DecisionCommand,
                message,
            )
        };
        let inside = [Step::FailureReport, Step::Diagnosis, Step::FaultDecision];
        let take =
            |order: &mut Order, step| order.noted(manager, Label::new(Procedure::P11, step), Some(SESSION));
        let mut order = Order::default();
        assert!(!take(&mut order.clone(), Step::Diagnosis));
        assert!(order.sent(&alarm()));
        for step in inside {
            assert!(take(&mut order, step), "{step:?}");
        }
        assert!(order.sent(&decide()));
        // A second time only after a second alarm.
        for step in inside {
            assert!(!take(&mut order.clone(), step), "{step:?}");
        }
        assert!(!order.clone().sent(&decide()));
        assert!(order.sent(&alarm()));
        assert!(inside.into_iter().all(|step| take(&mut order, step)));
    }
}
