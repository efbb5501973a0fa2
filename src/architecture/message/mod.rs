//! Messages: one enum per layer that speaks, so that the type of a message says which reference points it may use.

mod accounting;
mod control;
mod key_management;
mod link;
mod management;
mod material;
mod reports;
mod service;

pub use accounting::{Settlement, SettlementLine, UsageRecord, UsageSegment};
pub use control::{
    Advertisement, AvoidedBorders, BorderChoice, BorderOffer, BorderStatus, ControlMessage, HopReport,
    LaneLevel, LegRoute, NewRoute, Offer, PathsAsked, Plane, Proposal, Reachability, RejectCause, RelayOrder,
    Reservation, ReservationResult, SegmentOrder, StatusAnswer, StatusChange, VectorEntry, VectorUpdate,
};
pub use key_management::{
    Draw, Formation, KeyManagementMessage, KeyRange, OtpKeys, PartOrder, Purpose, RelayOutcome, RelayPart,
    Supply, Trail,
};
pub use link::{AlarmCause, LinkPerformance, LinkState};
pub use management::{FaultDecision, ManagementMessage};
pub use material::{KeyMaterial, Material};
pub use reports::{Capability, Condition, Performance, ProviderReport, RouteRecord, Security, UserReport};
pub use service::{FailureCause, Hold, KeyRequest, ServiceMessage};

use super::element::Address;
use super::procedure::Label;
use crate::ids::{FaultId, HopId, SessionId};

/// One Ak request, by session (demand) and number within it: the same in every variant of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId {
    /// The session.
    pub session: SessionId,
    /// Its requests are numbered from 0.
    pub number: u32,
}

/// One attempt of a source KM at a request. What belongs to an earlier attempt is void.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ask {
    /// Which request.
    pub request: RequestId,
    /// Counts the attempts from 1.
    pub attempt: u32,
}

/// Any message.
#[derive(Clone, Debug)]
pub enum Message {
    /// Between applications and KSAs.
    Service(ServiceMessage),
    /// Among KMAs and among KSAs.
    KeyManagement(KeyManagementMessage),
    /// To, from and among controllers.
    Control(ControlMessage),
    /// To, from and among managers.
    Management(ManagementMessage),
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Sender.
    pub from: Address,
    /// Receiver.
    pub to: Address,
    /// Procedure and step.
    pub label: Label,
    /// What is said.
    pub message: Message,
    /// The key that its authentication tag has spent, where tags spend key.
    pub tag: Option<Box<Tag>>,
}

/// Key of an information-theoretic authentication tag (Wegman and Carter): requirement S2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The hop from whose store it was taken.
    pub hop: HopId,
    /// Its ids.
    pub keys: OtpKeys,
}

/// What a message is about, for traces and accounts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Subject {
    /// The session, if it is about one.
    pub session: Option<SessionId>,
    /// The request's number, if it is about one.
    pub request: Option<u32>,
    /// The fault, if it is about one.
    pub fault: Option<FaultId>,
}

impl Subject {
    /// About one request.
    pub fn request(request: RequestId) -> Subject {
        Subject {
            session: Some(request.session),
            request: Some(request.number),
            fault: None,
        }
    }

    /// About one session, and the fault that concerns it.
    pub fn session(session: SessionId, fault: Option<FaultId>) -> Subject {
        Subject {
            session: Some(session),
            request: None,
            fault,
        }
    }

    /// The request, if it is about one.
    pub fn request_id(&self) -> Option<RequestId> {
        Some(RequestId {
            session: self.session?,
            number: self.request?,
        })
    }
}

impl Message {
    /// The message's name in traces.
    pub fn name(&self) -> &'static str {
        match self {
            Message::Service(message) => message.name(),
            Message::KeyManagement(message) => message.name(),
            Message::Control(message) => message.name(),
            Message::Management(message) => message.name(),
        }
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Message::Service(message) => Subject::request(message.request()),
            Message::KeyManagement(message) => Subject::request(message.request()),
            Message::Control(message) => message.subject(),
            Message::Management(message) => message.subject(),
        }
    }

    /// The state and performance of a link that it tells of.
    pub fn performance(&self) -> Option<&LinkPerformance> {
        match self {
            Message::Control(ControlMessage::LinkReport { performance, .. })
            | Message::Management(ManagementMessage::LinkReport { performance, .. }) => Some(performance),
            Message::Control(ControlMessage::StatusAnswer(answer)) => answer.performance.as_ref(),
            _ => None,
        }
    }

    /// Size on the wire \[bytes\].
    ///
    /// Assumption: 64 bytes of header and authentication tag, and what the fields need in a compact binary form
    /// (16 per key id or UUID, 4 per element, 8 per number); key material counts in full. Y.3818 gives no formats.
    pub fn bytes(&self) -> u64 {
        const HEADER: u64 = 64;
        HEADER
            + match self {
                Message::Service(message) => message.payload_bytes(),
                Message::KeyManagement(message) => message.payload_bytes(),
                Message::Control(message) => message.payload_bytes(),
                Message::Management(message) => message.payload_bytes(),
            }
    }

    /// Whether the carrier may give it up: it asks for something in an attempt at a request, and the one that asks can
    /// begin anew or void what it sent. Answers, notices and records are repeated until they arrive; those of an
    /// attempt that is over are void.
    pub fn may_be_given_up(&self) -> bool {
        use ControlMessage as C;
        use KeyManagementMessage as K;
        matches!(
            self,
            Message::KeyManagement(K::Requirement { .. } | K::KeyRelay { .. })
                | Message::Control(
                    C::BorderQuery { .. }
                        | C::RouteRequest(_)
                        | C::SegmentQuery { .. }
                        | C::ResourceQuery { .. }
                        | C::Reserve(_)
                        | C::SegmentRequest { .. }
                        | C::SegmentReserve { .. }
                        | C::StatusRequest { .. }
                )
        )
    }

    /// Whether it carries key material, encrypted or in clear.
    pub fn carries_key(&self) -> bool {
        match self {
            Message::Service(ServiceMessage::KeySupply { .. })
            | Message::KeyManagement(
                KeyManagementMessage::KeyRelay { .. } | KeyManagementMessage::RelayPart(_),
            ) => true,
            Message::Service(_) | Message::KeyManagement(_) => false,
            // No field of these enums can hold key material.
            Message::Control(_) | Message::Management(_) => false,
        }
    }
}

impl From<ServiceMessage> for Message {
    fn from(message: ServiceMessage) -> Message {
        Message::Service(message)
    }
}

impl From<KeyManagementMessage> for Message {
    fn from(message: KeyManagementMessage) -> Message {
        Message::KeyManagement(message)
    }
}

impl From<ControlMessage> for Message {
    fn from(message: ControlMessage) -> Message {
        Message::Control(message)
    }
}

impl From<ManagementMessage> for Message {
    fn from(message: ManagementMessage) -> Message {
        Message::Management(message)
    }
}

/// A copy of an envelope per event would be paid for on every hop: keep it small.
const _: () = assert!(size_of::<Envelope>() <= 136);
