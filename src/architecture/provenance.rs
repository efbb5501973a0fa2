//! Provenance: what the Recommendation's text says, what a sister standard says, and what is ours. By procedure and step; of
//! messages by kind and reference point too, where only some of a step's are the text's.

use super::message::{ControlMessage, KeyManagementMessage, ManagementMessage, Message, NewRoute};
use super::{Envelope, Label, Procedure, ReferencePoint, Step};

/// Where a message or a rule comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Provenance {
    /// The Recommendation's text says it.
    Text,
    /// Taken from a sister standard (ETSI GS QKD 014/015/020, Q.4163).
    Analogue,
    /// Inferred: ours.
    Inferred,
}

impl Provenance {
    /// All of them.
    pub const ALL: [Provenance; 3] = [Provenance::Text, Provenance::Analogue, Provenance::Inferred];

    /// The name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Provenance::Text => "text",
            Provenance::Analogue => "analogue",
            Provenance::Inferred => "inferred",
        }
    }
}

impl Label {
    /// Where a step inside one element comes from.
    pub const fn provenance(self) -> Provenance {
        use Provenance::{Analogue, Inferred, Text};
        let transfer = matches!(self.procedure, Procedure::P12 | Procedure::P13 | Procedure::P14);
        match (self.procedure, self.step) {
            (Procedure::Local, Step::KeyRequest | Step::CompletionNear) => return Analogue,
            (Procedure::Local | Procedure::Fcaps, _) => return Inferred,
            _ => {}
        }
        match (self.step, transfer) {
            (Step::KeyRequest | Step::Accepted, _) => Analogue,
            (
                Step::Requirement
                | Step::RouteRequest
                // In P12, that key resources are checked.
                | Step::Computation
                | Step::Sufficiency
                | Step::RouteInformation
                | Step::Crossing
                | Step::Metadata
                | Step::KeyData
                | Step::Synchronisation
                | Step::StatusRequest
                | Step::StatusAnswer
                | Step::StatusSharing
                | Step::StatusReport
                | Step::Decision
                | Step::PathInformation
                | Step::FailureReport
                | Step::FailureShared
                | Step::Diagnosis
                | Step::FaultDecision,
                _,
            )
            // Clause 9 asks for the confirmation, and for packing and sharing reports, with gateway nodes only.
            | (Step::Confirmation | Step::LayerReport | Step::ReportShared, false) => Text,
            // P12 step 9: inner KMs are ours.
            (Step::CompletionFar | Step::CompletionCrossing, _)
            | (Step::CompletionNear, false)
            | (Step::Voiding, true) => Analogue,
            _ => Inferred,
        }
    }
}

impl Envelope {
    /// Where the message comes from, by what it passes over; none: it stays inside one element.
    pub fn provenance(&self, point: Option<ReferencePoint>) -> Provenance {
        let label = self.label;
        match &self.message {
            // P10 step 5 is the text's over Cq only.
            _ if label.step == Step::StatusReport && point != Some(ReferencePoint::Cq) => {
                Provenance::Inferred
            }
            // In transit another controller may serve the next border's KM: what passes on the way to it is ours.
            _ if label.step == Step::RouteInformation && point != Some(ReferencePoint::Ck) => {
                Provenance::Inferred
            }
            // That usage is shared between providers is the text's; how it is settled, and who records it, is ours.
            Message::Management(ManagementMessage::SettlementStatement(_)) => Provenance::Text,
            // P11 step 5 is the layer managers' own; that a KM tells its KMLM first is ours. That a failure is shared is the
            // text's, that its end is too is ours.
            Message::Management(
                ManagementMessage::LevelAlarm { .. } | ManagementMessage::RelayRestoredShared { .. },
            )
            // P12 step 3: that key resources are checked is the text's, how is ours. P10 step 8: that both confirm is the
            // text's, by which messages is ours.
            | Message::Control(
                ControlMessage::ResourceQuery { .. }
                | ControlMessage::ResourceAnswer { .. }
                | ControlMessage::Propose(_)
                | ControlMessage::Reject { .. }
                | ControlMessage::Commit { .. },
            ) => Provenance::Inferred,
            // Step 9: to the border KMs it is the text's, to inner ones ours.
            Message::Control(ControlMessage::RerouteCommand(NewRoute { to_border_km: true, .. }))
                if point == Some(ReferencePoint::Ck) =>
            {
                Provenance::Text
            }
            // Y.3803 has the parts; who asks for them, and how their keys are named, is ours.
            message if message.name() == "key relay part" => Provenance::Analogue,
            Message::KeyManagement(
                KeyManagementMessage::KeyIds { .. }
                | KeyManagementMessage::PartRequest(_)
                | KeyManagementMessage::KeysVoid { .. },
            )
            | Message::Control(ControlMessage::LegRoute(_)) => Provenance::Inferred,
            _ => label.provenance(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `procedures.md` tags, and what lies beside a step of the text and is ours.
    #[test]
    fn what_lies_beside_a_step_of_the_text_is_inferred() {
        use Procedure::{Fcaps, P9, P10, P11, P12, P13, P14};
        for (procedure, step, number, provenance) in [
            (P9, Step::Computation, "3", Provenance::Text),
            (P12, Step::Computation, "3", Provenance::Text),
            (P12, Step::SegmentOffer, "3", Provenance::Inferred),
            (P12, Step::Sufficiency, "4", Provenance::Text),
            (P12, Step::Lacking, "4", Provenance::Inferred),
            (P12, Step::KeyData, "9", Provenance::Text),
            (P12, Step::KeyDataVoid, "9", Provenance::Inferred),
            (P12, Step::KeyDataEnd, "9", Provenance::Inferred),
            (P10, Step::Decision, "6", Provenance::Text),
            (P10, Step::StandBy, "6", Provenance::Inferred),
            (P10, Step::Confirmation, "8", Provenance::Text),
            (P10, Step::AwaitsProposal, "8", Provenance::Inferred),
            (P13, Step::Confirmation, "8", Provenance::Inferred),
            (P11, Step::LayerReport, "5", Provenance::Text),
            (P14, Step::LayerReport, "5", Provenance::Inferred),
            (Fcaps, Step::Configuration, "C", Provenance::Inferred),
        ] {
            let label = Label::new(procedure, step);
            assert_eq!(
                (label.number(), label.provenance()),
                (number, provenance),
                "{label:?}"
            );
        }
    }
}
