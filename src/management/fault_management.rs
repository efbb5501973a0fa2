//! Fault management of relay and transfer failures (FE-7; P11 and P14 steps 1 to 4a).
//!
//! The KMLM's alarm goes to the XLMO, which tells the XLMO beyond the border; each XLMO hands diagnosis information to its
//! QCLM, whose decision goes to the controller, which enters P10 or P13 at step 6. The packed performance and security
//! information of steps 5 and 6 has its own place.
//!
//! Assumption: the QCLM decides by what managers know, which is not the topology: a hop that makes key needs no other
//! path; where the border itself fails and no other border of the QKDN works, the session is suspended; else it is to be
//! rerouted. What comes of it the controller says at step 6. The KM ends its alarm once key goes over the hop again: the
//! session is restored, and who was told of the failure is told of its end. What crosses Mxi is a step of P11 or P14 as that
//! border's kind is, whichever borders else the session crosses.

use super::manager::Manager;
use crate::architecture::message::{FaultDecision, ManagementMessage, Subject};
use crate::architecture::surroundings::ManagedBorder;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, Step};
use crate::ids::{BoundaryId, LinkId};

impl Manager {
    /// An alarm of a KM of this QKDN, or news of the other XLMO.
    pub(super) fn on_relay_failure(
        &mut self,
        message: &ManagementMessage,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        match *message {
            ManagementMessage::RelayFailure {
                request,
                hop,
                at_border,
                generating,
                cause,
                at,
                boundary,
                decider,
                fault,
            } => {
                self.relay_failures += 1;
                if let (true, false, Some(boundary)) = (at_border, generating, boundary) {
                    self.failing.insert(boundary);
                }
                let subject = Subject {
                    fault,
                    ..Subject::request(request)
                };
                note(
                    procedure,
                    Step::FailureReport,
                    subject,
                    "KMLM reports the relay failure to the XLMO",
                    out,
                );
                let border = boundary.and_then(|boundary| self.border(boundary));
                if let Some((to, over)) = border.map(|border| (border.far_manager, border.fault_management))
                    && let Some(boundary) = boundary
                {
                    let label = Label::new(over, Step::FailureShared);
                    let shared = ManagementMessage::RelayFailureShared {
                        session: request.session,
                        boundary,
                        cause,
                        at,
                        fault,
                    };
                    out.send(Address::manager(to), label, shared);
                    // Alarms about hops that make key have no end.
                    if !generating {
                        let told = self.shared.entry(hop).or_default();
                        told.insert(request.session, (boundary, fault));
                    }
                }
                let (decision, note) = if generating {
                    let keep = "decides: the hop makes key, the route is kept";
                    (FaultDecision::Keep, keep)
                } else if at_border && !self.has_another_border() {
                    let suspend = "decides: no border works, the session is suspended";
                    (FaultDecision::Suspend, suspend)
                } else {
                    let reroute = "decides: another path shall be looked for";
                    (FaultDecision::Reroute, reroute)
                };
                diagnose(procedure, subject, note, out);
                let decision = ManagementMessage::Decision {
                    session: request.session,
                    hop: Some((hop, generating)),
                    at,
                    decision,
                    fault,
                };
                let label = Label::new(procedure, Step::DecisionCommand);
                out.send(Address::controller(decider), label, decision);
            }
            ManagementMessage::RelayFailureShared {
                session,
                boundary,
                at,
                fault,
                ..
            } => {
                self.relay_failures += 1;
                let subject = Subject::session(session, fault);
                diagnose(procedure, subject, "decides: this side stands by", out);
                let decision = ManagementMessage::Decision {
                    session,
                    hop: None,
                    at,
                    decision: FaultDecision::StandBy,
                    fault,
                };
                self.command_at(boundary, procedure, decision, out);
            }
            _ => unreachable!("dispatched by type"),
        }
    }

    /// Step 4a, to the controller at a boundary.
    fn command_at(
        &self,
        boundary: BoundaryId,
        procedure: Procedure,
        decision: ManagementMessage,
        out: &mut Outbox,
    ) {
        let border = self.border(boundary);
        let border = border.expect("an XLMO is told of failures at its own QKDN's boundaries");
        let label = Label::new(procedure, Step::DecisionCommand);
        out.send(Address::controller(border.near_controller), label, decision);
    }

    fn border(&self, boundary: BoundaryId) -> Option<&ManagedBorder> {
        let mut borders = self.surroundings.borders.iter();
        borders.find(|border| border.boundary == boundary)
    }

    /// A KM of this QKDN ends its alarm, or the other XLMO says so of a failure that it shared.
    pub(super) fn on_relay_restored(
        &mut self,
        message: &ManagementMessage,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let restored = "decides: the session is restored";
        let (session, hop, generating, at, decider, fault) = match *message {
            ManagementMessage::RelayRestored {
                session,
                hop,
                at_border,
                generating,
                at,
                boundary,
                decider,
                fault,
            } => {
                if let (true, Some(boundary)) = (at_border, boundary) {
                    self.failing.remove(&boundary);
                }
                (session, hop, generating, at, decider, fault)
            }
            ManagementMessage::RelayRestoredShared {
                session,
                boundary,
                at,
                fault,
            } => {
                diagnose(procedure, Subject::session(session, fault), restored, out);
                let decision = ManagementMessage::Decision {
                    session,
                    hop: None,
                    at,
                    decision: FaultDecision::Restore,
                    fault,
                };
                return self.command_at(boundary, procedure, decision, out);
            }
            _ => unreachable!("dispatched by type"),
        };
        let subject = Subject::session(session, fault);
        let report = "KMLM reports to the XLMO that the relay works again";
        note(procedure, Step::FailureReport, subject, report, out);
        // All that were told of a failure over this hop are told that it is over.
        for (session, (boundary, fault)) in self.shared.remove(&hop).unwrap_or_default() {
            let border = self.border(boundary).expect("it was shared across it");
            let label = Label::new(border.fault_management, Step::FailureShared);
            let over = ManagementMessage::RelayRestoredShared {
                session,
                boundary,
                at,
                fault,
            };
            out.send(Address::manager(border.far_manager), label, over);
        }
        diagnose(procedure, subject, restored, out);
        let decision = ManagementMessage::Decision {
            session,
            hop: Some((hop, generating)),
            at,
            decision: FaultDecision::Restore,
            fault,
        };
        let label = Label::new(procedure, Step::DecisionCommand);
        out.send(Address::controller(decider), label, decision);
    }

    /// A link makes key again: if it crosses a border, relays can go there.
    pub(super) fn relays_work_over(&mut self, link: LinkId) {
        let borders = self.surroundings.borders.iter();
        for border in borders.filter(|border| border.link == Some(link)) {
            self.failing.remove(&border.boundary);
        }
    }

    /// Whether there is a border over which relays do not fail, and whose link makes key where it has one.
    fn has_another_border(&self) -> bool {
        self.surroundings.borders.iter().any(|border| {
            let works = border.link.is_none_or(|link| self.performance.makes_key(link));
            works && !self.failing.contains(&border.boundary)
        })
    }
}

/// Steps 3 and 4, inside the manager.
fn diagnose(procedure: Procedure, subject: Subject, decision: &'static str, out: &mut Outbox) {
    let information = "XLMO hands diagnosis information to the QCLM";
    note(procedure, Step::Diagnosis, subject, information, out);
    note(procedure, Step::FaultDecision, subject, decision, out);
}

fn note(procedure: Procedure, step: Step, subject: Subject, note: &'static str, out: &mut Outbox) {
    let label = Label::new(procedure, step);
    out.observe(Observation::Internal { label, subject, note });
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_border;
    use super::*;
    use crate::architecture::message::FailureCause;
    use crate::architecture::{Effect, Envelope, RequestId};
    use crate::ids::{ControllerId, HopId, ManagerId, NodeId, SessionId};
    use crate::kernel::Time;

    /// Shows FE-7 and P11 steps 1 to 4a on both sides of the border.
    #[test]
    fn an_alarm_becomes_a_decision_here_and_news_there() {
        let tell = |message: ManagementMessage| {
            let mut manager = Manager::new(with_border());
            let mut out = Outbox::new(Address::manager(ManagerId(0)));
            let envelope = Envelope {
                from: Address::kma(NodeId(1)),
                to: Address::manager(ManagerId(0)),
                label: Label::new(Procedure::P11, Step::FailureAlarm),
                message: message.into(),
                tag: None,
            };
            manager.on_message(&envelope, Time(9), &mut out);
            let steps = out.take().into_iter().map(|effect| match effect {
                Effect::Send(envelope) => (envelope.label.number(), Some(envelope.to)),
                Effect::Observe(Observation::Internal { label, .. }) => (label.number(), None),
                other => panic!("{other:?}"),
            });
            steps.collect::<Vec<_>>()
        };
        let alarm = ManagementMessage::RelayFailure {
            request: RequestId {
                session: SessionId(0),
                number: 3,
            },
            hop: HopId(4),
            at_border: false,
            generating: false,
            cause: FailureCause::InsufficientKey,
            at: Time(7),
            boundary: Some(BoundaryId(0)),
            decider: ControllerId(5),
            fault: None,
        };
        let decided_by = |id| Some(Address::controller(ControllerId(id)));
        assert_eq!(
            tell(alarm),
            [
                ("1", None),
                ("2", Some(Address::manager(ManagerId(1)))),
                ("3", None),
                ("4", None),
                ("4a", decided_by(5)),
            ]
        );
        let news = ManagementMessage::RelayFailureShared {
            session: SessionId(0),
            boundary: BoundaryId(0),
            cause: FailureCause::InsufficientKey,
            at: Time(7),
            fault: None,
        };
        assert_eq!(tell(news), [("3", None), ("4", None), ("4a", decided_by(2))]);
        let over = ManagementMessage::RelayRestoredShared {
            session: SessionId(0),
            boundary: BoundaryId(0),
            at: Time(8),
            fault: None,
        };
        assert_eq!(tell(over), [("3", None), ("4", None), ("4a", decided_by(2))]);
    }

    /// Shows P11 step 2: who was told of a failure is told of its end, once, with the fault; of what was not shared nothing
    /// is said. Only the border's own hop says that relays go over the border again.
    #[test]
    fn the_end_of_a_failure_is_shared_as_the_failure_was() {
        let mut manager = Manager::new(with_border());
        let mut tell = |message: ManagementMessage| {
            let mut out = Outbox::new(Address::manager(ManagerId(0)));
            let envelope = Envelope {
                from: Address::kma(NodeId(1)),
                to: Address::manager(ManagerId(0)),
                label: Label::new(Procedure::P11, Step::FailureAlarm),
                message: message.into(),
                tag: None,
            };
            manager.on_message(&envelope, Time(9), &mut out);
            let shared = out.take().into_iter().filter_map(|effect| match effect {
                Effect::Send(envelope) if envelope.label.step == Step::FailureShared => {
                    let subject = envelope.message.subject();
                    Some((envelope.message.name(), subject.session, subject.fault))
                }
                _ => None,
            });
            (shared.collect::<Vec<_>>(), manager.failing.len())
        };
        let fault = Some(crate::ids::FaultId(6));
        let failure = |session: u32, hop: u32, boundary| ManagementMessage::RelayFailure {
            request: RequestId {
                session: SessionId(session),
                number: 0,
            },
            hop: HopId(hop),
            at_border: hop == 4,
            generating: false,
            cause: FailureCause::InsufficientKey,
            at: Time(7),
            boundary,
            decider: ControllerId(5),
            fault,
        };
        let restored = |session: u32, hop: u32, boundary| ManagementMessage::RelayRestored {
            session: SessionId(session),
            hop: HopId(hop),
            at_border: hop == 4,
            generating: true,
            at: Time(8),
            boundary,
            decider: ControllerId(5),
            fault,
        };
        let border = Some(BoundaryId(0));
        let told = |name, session| (name, Some(SessionId(session)), fault);
        assert_eq!(tell(failure(0, 4, border)), (vec![told("relay failure", 0)], 1));
        assert_eq!(tell(failure(1, 3, None)), (vec![], 1));
        assert_eq!(tell(failure(0, 2, border)), (vec![told("relay failure", 0)], 1));
        // An inner hop works again; the border does not.
        assert_eq!(
            tell(restored(0, 2, border)),
            (vec![told("relay failure over", 0)], 1)
        );
        assert_eq!(tell(restored(1, 3, None)), (vec![], 1));
        assert_eq!(
            tell(restored(2, 4, border)),
            (vec![told("relay failure over", 0)], 0)
        );
        assert_eq!(tell(restored(0, 4, border)), (vec![], 0));
    }
}
