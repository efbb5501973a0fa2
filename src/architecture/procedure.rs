//! Procedures and their steps (Y.3818 clause 9).

/// Which procedure a message belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Procedure {
    /// Key relay for interworking with GWNs (Figure 9).
    P9,
    /// Key generation and rerouting control with GWNs (Figure 10).
    P10,
    /// Fault management of key relay failure with GWNs (Figure 11).
    P11,
    /// Key transfer for interworking with an IWN (Figure 12).
    P12,
    /// Key generation and rerouting control with an IWN (Figure 13).
    P13,
    /// Fault management of key transfer failure with an IWN (Figure 14).
    P14,
    /// Key relay inside one QKDN: P9's steps with Kx only.
    Local,
    /// What managers are told outside the procedures of clause 9, by management function (FE-7, FE-8, FE-10).
    Fcaps,
}

impl Procedure {
    /// All of them.
    pub const ALL: [Procedure; 8] = [
        Procedure::P9,
        Procedure::P10,
        Procedure::P11,
        Procedure::P12,
        Procedure::P13,
        Procedure::P14,
        Procedure::Local,
        Procedure::Fcaps,
    ];

    /// The name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Procedure::P9 => "P9",
            Procedure::P10 => "P10",
            Procedure::P11 => "P11",
            Procedure::P12 => "P12",
            Procedure::P13 => "P13",
            Procedure::P14 => "P14",
            Procedure::Local => "local",
            Procedure::Fcaps => "FCAPS",
        }
    }

    /// Fault management that goes with a key relay or transfer procedure.
    #[must_use]
    pub const fn fault_management(self) -> Procedure {
        match self {
            Procedure::P12 | Procedure::P13 | Procedure::P14 => Procedure::P14,
            _ => Procedure::P11,
        }
    }

    /// Key generation and rerouting control that goes with a key relay or transfer procedure.
    #[must_use]
    pub const fn rerouting(self) -> Procedure {
        match self {
            Procedure::P12 | Procedure::P13 | Procedure::P14 => Procedure::P13,
            _ => Procedure::P10,
        }
    }
}

/// What a message does in its procedure. The step's printed number depends on the procedure: see [`Label::step`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Application asks its KSA.
    KeyRequest,
    /// Source KM asks its controller which border serves.
    BorderChoice,
    /// Interworking route requirement to the border KM.
    Requirement,
    /// The requirement goes to the controller.
    RouteRequest,
    /// The controller computes (P9), or asks for key resources (P12 step 3).
    Computation,
    /// Controllers of both QKDNs ask and offer.
    SegmentOffer,
    /// Enough keys: the transfer link and the keys are determined (P12 step 4).
    Sufficiency,
    /// Not enough keys: what becomes of the request, policy says (P12 step 4, else).
    Lacking,
    /// Route information or transfer instruction to the border KM.
    RouteInformation,
    /// Segment routes, reservation and its confirmation.
    Reservation,
    /// All confirmed: start; or refused.
    Start,
    /// Relay inside the first QKDN.
    RelayNear,
    /// Relay or transfer across the border.
    Crossing,
    /// The far border KM accepts a transfer.
    Accepted,
    /// Relay inside the second QKDN.
    RelayFar,
    /// Completion inside the second QKDN.
    CompletionFar,
    /// Completion, or acknowledgement of a transfer, across the border.
    CompletionCrossing,
    /// Completion inside the first QKDN.
    CompletionNear,
    /// What a relay or transfer that was given up may have left is void.
    Voiding,
    /// The same on a hop inside the source's QKDN.
    VoidingNear,
    /// The same on a hop inside a QKDN beyond a border.
    VoidingFar,
    /// Metadata for the life cycle of transferred keys.
    Metadata,
    /// Delete or store the key data.
    KeyData,
    /// The key data are void (beside that).
    KeyDataVoid,
    /// What was stored is deleted (beside that).
    KeyDataEnd,
    /// KSAs synchronise and authenticate.
    Synchronisation,
    /// KSA supplies its application.
    Supply,
    /// Usage records and session close.
    Usage,
    /// Status is asked for (P10/P13 step 1).
    StatusRequest,
    /// Status is answered (step 2).
    StatusAnswer,
    /// Status is shared across the border (step 3).
    StatusSharing,
    /// Ways to further QKDNs are offered across a border (beside step 3).
    Reachability,
    /// Rerouting: status report (P10/P13 step 5).
    StatusReport,
    /// Rerouting: analysis and decision (step 6).
    Decision,
    /// Rerouting: waits, stands by, is suspended or goes on (beside step 6).
    StandBy,
    /// Rerouting: whether a session still stands, after an outage of a controller of it (beside step 6).
    Standing,
    /// Rerouting: both sides say what they can offer (step 7).
    PathInformation,
    /// Rerouting: both sides confirm that their commands are consistent (step 8).
    Confirmation,
    /// Rerouting: waits for the other side's proposal (beside step 8).
    AwaitsProposal,
    /// Rerouting: command to a KM (step 9).
    RerouteCommand,
    /// Rerouting: route active (step 10).
    RouteActive,
    /// Fault management: relay failure alarm (P11/P14 step 0).
    FailureAlarm,
    /// Fault management: KMLM reports to its XLMO (step 1).
    FailureReport,
    /// Fault management: XLMO tells the other QKDN's (step 2).
    FailureShared,
    /// Fault management: diagnosis information to the QCLM (step 3).
    Diagnosis,
    /// Fault management: the QCLM decides (step 4).
    FaultDecision,
    /// Fault management: the decision goes to the controller (step 4a).
    DecisionCommand,
    /// Fault management: layer managers report performance and security to their XLMO (P11/P14 step 5).
    LayerReport,
    /// Fault management: the packed report goes to the other QKDN (step 6).
    ReportShared,
    /// Generation: QKD-keys handed to the KMA (P10/P13 step 4).
    KeyGeneration,
    /// FCAPS: a fault of a link, or its end.
    Fault,
    /// FCAPS: what there is, and how it is configured.
    Configuration,
    /// FCAPS: how a link does.
    Performance,
}

/// Procedure and step of one message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Label {
    /// The procedure.
    pub procedure: Procedure,
    /// What the message does in it.
    pub step: Step,
}

impl Label {
    /// A label.
    pub const fn new(procedure: Procedure, step: Step) -> Label {
        Label { procedure, step }
    }

    /// The step's number as the procedures print it.
    pub const fn number(self) -> &'static str {
        let transfer = matches!(self.procedure, Procedure::P12 | Procedure::P13 | Procedure::P14);
        match (self.step, transfer) {
            (Step::KeyRequest | Step::FailureAlarm, _) => "0",
            (Step::BorderChoice, _) => "0a",
            (Step::Requirement, _) => "1",
            (Step::RouteRequest, _) => "2",
            (Step::Computation, _) => "3",
            (Step::SegmentOffer, false) => "3a",
            (Step::SegmentOffer, true) => "3",
            (Step::Sufficiency | Step::Lacking | Step::KeyGeneration, _) => "4",
            (Step::RouteInformation, false) => "4",
            (Step::RouteInformation | Step::Reservation, true) => "5",
            (Step::Reservation, false) => "4a",
            (Step::Start, false) => "4b",
            (Step::Start, true) => "5a",
            (Step::RelayNear, false) => "5a",
            (Step::RelayNear, true) => "5b",
            (Step::Crossing, false) => "5b",
            (Step::Crossing, true) => "6",
            (Step::Accepted, _) => "7",
            (Step::RelayFar, false) => "5c",
            (Step::RelayFar, true) => "7a",
            (
                Step::CompletionFar
                | Step::CompletionCrossing
                | Step::CompletionNear
                | Step::Voiding
                | Step::VoidingNear
                | Step::VoidingFar,
                false,
            ) => "7",
            (Step::CompletionFar, true) => "7a1",
            (Step::VoidingNear, true) => "5b",
            (Step::VoidingFar, true) => "7a",
            (Step::CompletionCrossing | Step::Voiding, true) => "7b",
            (Step::CompletionNear, true) => "7c",
            (Step::Metadata, _) => "8",
            (Step::KeyData | Step::KeyDataVoid | Step::KeyDataEnd, _) => "9",
            (Step::Synchronisation, false) => "8",
            (Step::Synchronisation, true) => "10",
            (Step::Supply, false) => "9",
            (Step::Supply, true) => "11",
            (Step::Usage, false) => "10",
            (Step::Usage, true) => "11",
            (Step::StatusRequest, _) => "1",
            (Step::StatusAnswer, _) => "2",
            (Step::StatusSharing | Step::Reachability, _) => "3",
            (Step::StatusReport | Step::LayerReport, _) => "5",
            (Step::Decision | Step::StandBy | Step::Standing | Step::ReportShared, _) => "6",
            (Step::PathInformation, _) => "7",
            (Step::Confirmation | Step::AwaitsProposal, _) => "8",
            (Step::RerouteCommand, _) => "9",
            (Step::RouteActive, _) => "10",
            (Step::FailureReport, _) => "1",
            (Step::FailureShared, _) => "2",
            (Step::Diagnosis, _) => "3",
            (Step::FaultDecision, _) => "4",
            (Step::DecisionCommand, _) => "4a",
            (Step::Fault, _) => "F",
            (Step::Configuration, _) => "C",
            (Step::Performance, _) => "P",
        }
    }
}
