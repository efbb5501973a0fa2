//! Mq, Mk, Mc, Mxi and Mxi': to, from and among QKDN managers. Nothing here can hold key bytes.

use super::link::LinkPerformance;
use super::service::FailureCause;
use super::{RequestId, Subject};
use crate::ids::{ApplicationId, BoundaryId, ControllerId, FaultId, HopId, LinkId, NodeId, SessionId};
use crate::kernel::Time;

/// One use of the key supply service (functional element FE-9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsageRecord {
    /// Which request.
    pub request: RequestId,
    /// The KM that reports.
    pub km: NodeId,
    /// The application supplied, if the KM supplies one; else key was handed across the border.
    pub application: Option<ApplicationId>,
    /// Amount \[bits\].
    pub bits: u64,
    /// When.
    pub at: Time,
}

/// What passes to, from and among managers.
#[derive(Clone, Debug)]
pub enum ManagementMessage {
    /// KM → manager (Mk): accounting.
    Usage(UsageRecord),
    /// Module → manager (Mq): a link stopped, or works again.
    LinkAlarm {
        /// Which link.
        link: LinkId,
        /// Whether it generates.
        generating: bool,
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// Module → manager (Mq): state and performance of a link (ETSI GS QKD 015).
    LinkReport {
        /// Which link.
        link: LinkId,
        /// How it does.
        performance: LinkPerformance,
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// KM → manager (Mk): a relay or transfer failed (P11/P14 step 0).
    RelayFailure {
        /// Which request.
        request: RequestId,
        /// The hop that lacked key.
        hop: HopId,
        /// Whether the hop's link makes key at present.
        generating: bool,
        /// Why.
        cause: FailureCause,
        /// When.
        at: Time,
        /// The boundary that the session crosses, if it crosses one.
        boundary: Option<BoundaryId>,
        /// The controller that decides on the session here.
        decider: ControllerId,
    },
    /// XLMO → XLMO (Mxi): a relay or transfer across this boundary failed (P11/P14 step 2). What failed inside the
    /// other QKDN is not said.
    RelayFailureShared {
        /// Which session.
        session: SessionId,
        /// The boundary that it crosses.
        boundary: BoundaryId,
        /// Why.
        cause: FailureCause,
        /// When.
        at: Time,
    },
    /// QCLM → controller (Mc): what to do about it (P11/P14 step 4a).
    Decision {
        /// Which session.
        session: SessionId,
        /// The hop that failed, if it is one of this QKDN's: over which link state or level is known better now.
        hop: Option<(HopId, bool)>,
        /// When it failed.
        at: Time,
        /// The decision.
        decision: FaultDecision,
    },
}

/// What a QCLM decides about a relay failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultDecision {
    /// Look for another path.
    Reroute,
    /// The failure is beyond the border: look whether this side can help.
    StandBy,
}

impl ManagementMessage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            ManagementMessage::Usage(_) => "usage record",
            ManagementMessage::LinkAlarm {
                generating: false, ..
            } => "link alarm",
            ManagementMessage::LinkAlarm { .. } => "link restored",
            ManagementMessage::LinkReport { .. } => "link performance",
            ManagementMessage::RelayFailure { .. } => "relay failure alarm",
            ManagementMessage::RelayFailureShared { .. } => "relay failure",
            ManagementMessage::Decision {
                decision: FaultDecision::Reroute,
                ..
            } => "decision: reroute",
            ManagementMessage::Decision { .. } => "decision: stand by",
        }
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            ManagementMessage::Usage(record) => Subject::request(record.request),
            ManagementMessage::LinkAlarm { fault, .. } | ManagementMessage::LinkReport { fault, .. } => {
                Subject {
                    fault: *fault,
                    ..Subject::default()
                }
            }
            ManagementMessage::RelayFailure { request, .. } => Subject::request(*request),
            ManagementMessage::RelayFailureShared { session, .. }
            | ManagementMessage::Decision { session, .. } => Subject::session(*session, None),
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ManagementMessage::Usage(_) => 44,
            ManagementMessage::LinkAlarm { .. } => 13,
            ManagementMessage::LinkReport { .. } => 40,
            ManagementMessage::RelayFailure { .. } => 42,
            ManagementMessage::RelayFailureShared { .. } => 17,
            ManagementMessage::Decision { .. } => 18,
        }
    }
}
