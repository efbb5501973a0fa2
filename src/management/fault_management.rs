//! Fault management of relay and transfer failures (FE-7; P11 and P14 steps 1 to 4a).
//!
//! The KMLM's alarm goes to the XLMO, which tells the XLMO beyond the border; each XLMO hands diagnosis information to its
//! QCLM, whose decision goes to the controller, which enters P10 or P13 at step 6. The packed performance and security
//! information of steps 5 and 6 has its own place.

use super::manager::Manager;
use crate::architecture::message::{FailedHop, FaultDecision, ManagementMessage, Subject};
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, Step};

impl Manager {
    /// An alarm of a KM of this QKDN, or news of the other XLMO.
    pub(super) fn on_relay_failure(
        &mut self,
        message: &ManagementMessage,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        self.relay_failures += 1;
        match *message {
            ManagementMessage::RelayFailure {
                request,
                hop,
                generating,
                fault,
                cause,
                at,
                boundary,
                decider,
            } => {
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
                let border = boundary.and_then(|boundary| {
                    self.surroundings
                        .borders
                        .iter()
                        .find(|it| it.boundary == boundary)
                });
                if let Some(border) = border {
                    let label = Label::new(procedure, Step::FailureShared);
                    let shared = ManagementMessage::RelayFailureShared {
                        session: request.session,
                        boundary: border.boundary,
                        cause,
                        at,
                        fault,
                    };
                    out.send(Address::manager(border.far_manager), label, shared);
                }
                diagnose(
                    procedure,
                    subject,
                    "decides: another path shall be looked for",
                    out,
                );
                let decision = ManagementMessage::Decision {
                    session: request.session,
                    hop: Some(FailedHop {
                        hop,
                        generating,
                        fault,
                    }),
                    at,
                    decision: FaultDecision::Reroute,
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
                let subject = Subject::session(session, fault);
                diagnose(procedure, subject, "decides: this side stands by", out);
                let border = self
                    .surroundings
                    .borders
                    .iter()
                    .find(|it| it.boundary == boundary);
                let border = border.expect("an XLMO is told of failures at its own QKDN's boundaries");
                let decision = ManagementMessage::Decision {
                    session,
                    hop: None,
                    at,
                    decision: FaultDecision::StandBy,
                };
                let label = Label::new(procedure, Step::DecisionCommand);
                out.send(Address::controller(border.near_controller), label, decision);
            }
            _ => unreachable!("dispatched by type"),
        }
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
    use crate::ids::{BoundaryId, ControllerId, HopId, ManagerId, NodeId, SessionId};
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
            generating: false,
            fault: None,
            cause: FailureCause::InsufficientKey,
            at: Time(7),
            boundary: Some(BoundaryId(0)),
            decider: ControllerId(5),
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
    }
}
