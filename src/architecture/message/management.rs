//! Mq, Mk, Mc, Mxi, Mxi' and Mu: to, from and among QKDN managers. Nothing here can hold key bytes.

use super::accounting::{Settlement, UsageRecord};
use super::link::{AlarmCause, LinkPerformance};
use super::reports::{Capability, ProviderReport, RouteRecord, UserReport};
use super::service::FailureCause;
use super::{RequestId, Subject};
use crate::ids::{BoundaryId, ControllerId, FaultId, HopId, LinkId, NodeId, SessionId};
use crate::kernel::Time;

/// What passes to, from and among managers.
#[derive(Clone, Debug)]
pub enum ManagementMessage {
    /// KM → manager (Mk): accounting.
    Usage(UsageRecord),
    /// Source KM → manager (Mk): the session's last request has ended.
    SessionClosed {
        /// Which session.
        session: SessionId,
    },
    /// XLMO → XLMO (Mxi): what this provider's border handed across, and so what it owes for.
    SettlementStatement(Box<Settlement>),
    /// XLMO → XLMO: what of it agrees with the other's own records, signed.
    SettlementSigned(Box<Settlement>),
    /// XLMO → XLMO: the signature has come.
    SettlementAcknowledged(Box<Settlement>),
    /// XLMO → XLMO (Mxi): packed performance and security information (P11/P14 step 6).
    ProviderReport(Box<ProviderReport>),
    /// KM → manager (Mk): a store of the border is low, or no longer.
    LevelAlarm {
        /// The hop that spends from it.
        hop: HopId,
        /// Whether it is low.
        low: bool,
    },
    /// Controller → manager (Mc): what a KM can do.
    Capability {
        /// Its node.
        node: NodeId,
        /// What it can do.
        capability: Capability,
    },
    /// Controller → manager (Mc): a route was provisioned or changed.
    RouteProvisioned(Box<RouteRecord>),
    /// Manager → user network manager (Mu).
    UserReport(Box<UserReport>),
    /// Module → manager (Mq): a link stopped, or works again.
    LinkAlarm {
        /// Which link.
        link: LinkId,
        /// Why it makes no key; `None`: it works again.
        cause: Option<AlarmCause>,
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
        /// Whether it is the hop across the border.
        at_border: bool,
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
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// KM → manager (Mk): key goes over the hop again (P11/P14 step 0, the end of the alarm).
    RelayRestored {
        /// Which session.
        session: SessionId,
        /// The hop that lacked key.
        hop: HopId,
        /// Whether it is the hop across the border.
        at_border: bool,
        /// Whether the hop's link makes key at present.
        generating: bool,
        /// When.
        at: Time,
        /// The boundary that the session crosses, if it crosses one.
        boundary: Option<BoundaryId>,
        /// The controller that decides on the session here.
        decider: ControllerId,
        /// The fault that was behind the alarm, for traces.
        fault: Option<FaultId>,
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
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// XLMO → XLMO (Mxi): a failure that was shared is over (P11/P14 step 2).
    RelayRestoredShared {
        /// Which session.
        session: SessionId,
        /// The boundary that it crosses.
        boundary: BoundaryId,
        /// When.
        at: Time,
        /// The fault that was behind it, for traces.
        fault: Option<FaultId>,
    },
    /// QLM, by the operator's plan → controller (Mc): a link will be taken out of service, or is back.
    Maintenance {
        /// Which link.
        link: LinkId,
        /// Whether it will.
        planned: bool,
        /// Which window.
        fault: FaultId,
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
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
}

/// What a QCLM decides about a relay failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultDecision {
    /// Look for another path.
    Reroute,
    /// No other border is left: the session waits until the hop works again, or the controller knows another way.
    Suspend,
    /// The hop works again.
    Restore,
    /// The hop makes key: another path is not needed.
    Keep,
    /// The failure is beyond the border: look whether this side can help.
    StandBy,
}

impl FaultDecision {
    /// The name in traces.
    const fn name(self) -> &'static str {
        match self {
            FaultDecision::Reroute => "decision: reroute",
            FaultDecision::Suspend => "decision: suspend",
            FaultDecision::Restore => "decision: restore",
            FaultDecision::Keep => "decision: keep the route",
            FaultDecision::StandBy => "decision: stand by",
        }
    }
}

impl ManagementMessage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            ManagementMessage::Usage(_) => "usage record",
            ManagementMessage::SessionClosed { .. } => "session closed",
            ManagementMessage::SettlementStatement(_) => "settlement statement",
            ManagementMessage::SettlementSigned(_) => "settlement countersigned",
            ManagementMessage::SettlementAcknowledged(_) => "settlement acknowledged",
            ManagementMessage::ProviderReport(_) => "provider report",
            ManagementMessage::LevelAlarm { low: true, .. } => "store low",
            ManagementMessage::LevelAlarm { .. } => "store no longer low",
            ManagementMessage::Capability { .. } => "capability report",
            ManagementMessage::RouteProvisioned(_) => "provisioned route",
            ManagementMessage::UserReport(_) => "user report",
            ManagementMessage::LinkAlarm { cause: Some(_), .. } => "link alarm",
            ManagementMessage::LinkAlarm { .. } => "link restored",
            ManagementMessage::LinkReport { .. } => "link performance",
            ManagementMessage::RelayFailure { .. } => "relay failure alarm",
            ManagementMessage::RelayFailureShared { .. } => "relay failure",
            ManagementMessage::RelayRestored { .. } => "relay restored",
            ManagementMessage::RelayRestoredShared { .. } => "relay failure over",
            ManagementMessage::Decision { decision, .. } => decision.name(),
            ManagementMessage::Maintenance { planned: true, .. } => "maintenance announced",
            ManagementMessage::Maintenance { .. } => "maintenance over",
        }
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            ManagementMessage::Usage(record) => Subject::request(record.request),
            ManagementMessage::Maintenance { fault, .. } => Subject {
                fault: Some(*fault),
                ..Subject::default()
            },
            ManagementMessage::LinkAlarm { fault, .. } | ManagementMessage::LinkReport { fault, .. } => {
                Subject {
                    fault: *fault,
                    ..Subject::default()
                }
            }
            ManagementMessage::SessionClosed { session } => Subject::session(*session, None),
            ManagementMessage::SettlementStatement(said)
            | ManagementMessage::SettlementSigned(said)
            | ManagementMessage::SettlementAcknowledged(said) => Subject::session(said.session, None),
            ManagementMessage::ProviderReport(report) => report.cause,
            ManagementMessage::LevelAlarm { .. } | ManagementMessage::Capability { .. } => Subject::default(),
            ManagementMessage::RouteProvisioned(record) => Subject::session(record.session, None),
            ManagementMessage::UserReport(report) => Subject::session(report.session, None),
            ManagementMessage::RelayFailure { request, fault, .. } => Subject {
                fault: *fault,
                ..Subject::request(*request)
            },
            ManagementMessage::RelayRestored { session, fault, .. }
            | ManagementMessage::RelayRestoredShared { session, fault, .. }
            | ManagementMessage::RelayFailureShared { session, fault, .. }
            | ManagementMessage::Decision { session, fault, .. } => Subject::session(*session, *fault),
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ManagementMessage::Usage(_) => 57,
            ManagementMessage::SessionClosed { .. } => 16,
            ManagementMessage::SettlementStatement(said)
            | ManagementMessage::SettlementSigned(said)
            | ManagementMessage::SettlementAcknowledged(said) => said.payload_bytes(),
            ManagementMessage::ProviderReport(_) => 96,
            ManagementMessage::LevelAlarm { .. } => 5,
            ManagementMessage::Capability { .. } => 6,
            ManagementMessage::RouteProvisioned(record) => 28 + 4 * record.hops.len() as u64,
            ManagementMessage::UserReport(_) => 68,
            ManagementMessage::LinkAlarm { .. } => 17,
            ManagementMessage::LinkReport { .. } => 40,
            ManagementMessage::RelayFailure { .. } => 43,
            ManagementMessage::RelayRestored { .. } => 27,
            ManagementMessage::RelayRestoredShared { .. } => 16,
            ManagementMessage::RelayFailureShared { .. } => 17,
            ManagementMessage::Decision { .. } => 18,
            ManagementMessage::Maintenance { .. } => 13,
        }
    }
}
