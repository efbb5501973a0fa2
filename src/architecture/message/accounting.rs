//! Records of use and their settlement between providers (functional element FE-9, requirement S4). Nothing here names an
//! application of the other provider (S6).

use super::RequestId;
use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId, SessionId};
use crate::kernel::Time;

/// What part of a supply a record is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UsageSegment {
    /// Supplied to the application that asked.
    Source,
    /// Handed across the border, and supplied beyond it.
    Border,
    /// Passed through, from one border to another, and supplied beyond.
    Transit,
    /// Supplied to the peer.
    Destination,
}

impl UsageSegment {
    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            UsageSegment::Source => "source",
            UsageSegment::Border => "border",
            UsageSegment::Transit => "transit",
            UsageSegment::Destination => "destination",
        }
    }
}

/// One use of the key supply service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsageRecord {
    /// Which request.
    pub request: RequestId,
    /// The KM that reports.
    pub km: NodeId,
    /// The application supplied; none at the border.
    pub application: Option<ApplicationId>,
    /// What it is about.
    pub segment: UsageSegment,
    /// At the source the QKDN that the keys are shared with; at a border the one across; in transit and at the
    /// destination the one before, which owes for it; one's own inside one QKDN.
    pub partner: QkdnId,
    /// QoS class.
    pub class: ClassId,
    /// Number of keys.
    pub keys: u32,
    /// Amount \[bits\].
    pub bits: u64,
    /// Whether it is for a user of this QKDN that asked.
    pub for_own_user: bool,
    /// When.
    pub at: Time,
}

/// One supply in a settlement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SettlementLine {
    /// Number of the request in its session.
    pub number: u32,
    /// Amount \[bits\].
    pub bits: u64,
}

/// What one provider puts to the other about a session, with its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// Which session.
    pub session: SessionId,
    /// Supplies that it stands for.
    pub lines: Vec<SettlementLine>,
    /// Requests about which its own record says something else.
    pub disputed: Vec<u32>,
}

impl Settlement {
    /// Size \[bytes\]: a signature of 64 (a shared-key tag would not be counter-signed in the sense of S4), 12 a line.
    pub(super) fn payload_bytes(&self) -> u64 {
        72 + 12 * self.lines.len() as u64 + 4 * self.disputed.len() as u64
    }
}
