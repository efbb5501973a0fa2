//! Mq, Mk, Mc, Mxi and Mxi': to, from and among QKDN managers. Nothing here can hold key bytes.

use super::link::LinkPerformance;
use super::service::FailureCause;
use super::{RequestId, Subject};
use crate::ids::{ApplicationId, FaultId, HopId, LinkId, NodeId};
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
        /// Why.
        cause: FailureCause,
        /// When.
        at: Time,
    },
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
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ManagementMessage::Usage(_) => 44,
            ManagementMessage::LinkAlarm { .. } => 13,
            ManagementMessage::LinkReport { .. } => 40,
            ManagementMessage::RelayFailure { .. } => 33,
        }
    }
}
