//! Ak: cryptographic application – KSA (analogue: ETSI GS QKD 014).

use std::num::NonZeroU32;

use super::{KeyMaterial, RequestId};
use crate::architecture::protection::Leg;
use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId};
use crate::kernel::Time;

/// One of a demand's sessions that come and go: from its first request on it holds its route, until its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hold {
    /// Which of the demand's sessions, counted from 1 as they open.
    pub number: NonZeroU32,
    /// Its end.
    pub until: Time,
}

/// A request for keys shared with a peer application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRequest {
    /// Which request.
    pub request: RequestId,
    /// The application that asks.
    pub application: ApplicationId,
    /// The application to share the keys with.
    pub peer: ApplicationId,
    /// The peer's node.
    pub destination: NodeId,
    /// The peer's QKDN.
    pub destination_qkdn: QkdnId,
    /// Number of keys.
    pub keys: u32,
    /// Number of keys times their length \[bits\].
    pub bits: u64,
    /// QoS class.
    pub class: ClassId,
    /// When the application gives up.
    pub deadline: Time,
    /// The session that it belongs to, where the demand has several that come and go.
    pub hold: Option<Hold>,
    /// Whether it is the demand's last.
    pub last: bool,
    /// Its session's place among legs, if it is one; applications know nothing of that.
    pub leg: Option<Leg>,
}

impl KeyRequest {
    /// Further bytes that tell of the session and of the leg.
    pub(super) fn further_bytes(&self) -> u64 {
        hold_bytes(self.hold) + leg_bytes(self.leg)
    }
}

/// Size of what is told of a leg, where one is \[bytes\].
pub(super) fn leg_bytes(leg: Option<Leg>) -> u64 {
    if leg.is_some() { 8 } else { 0 }
}

/// Size of a session's number and end \[bytes\]; of nothing where there is none.
pub(super) fn hold_bytes(hold: Option<Hold>) -> u64 {
    if hold.is_some() { 12 } else { 0 }
}

/// Why a request failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FailureCause {
    /// No permitted route existed.
    NoRoute,
    /// Key was lacking until the time-out.
    InsufficientKey,
    /// Time ran out for another reason.
    TimeOut,
    /// A policy refused.
    RefusedByPolicy,
    /// An element that was needed was down.
    ElementDown,
    /// A link on the way carries as many sessions as it may.
    SessionLimit,
    /// The queue of the source's key manager was full.
    QueueFull,
    /// A leg's only: the request that it is part of is over.
    NotNeeded,
}

impl FailureCause {
    /// All causes of a request.
    pub const ALL: [FailureCause; 7] = [
        FailureCause::NoRoute,
        FailureCause::InsufficientKey,
        FailureCause::TimeOut,
        FailureCause::RefusedByPolicy,
        FailureCause::ElementDown,
        FailureCause::SessionLimit,
        FailureCause::QueueFull,
    ];

    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            FailureCause::NoRoute => "no_route",
            FailureCause::InsufficientKey => "insufficient_key",
            FailureCause::TimeOut => "time_out",
            FailureCause::RefusedByPolicy => "refused_by_policy",
            FailureCause::ElementDown => "element_down",
            FailureCause::SessionLimit => "session_limit",
            FailureCause::QueueFull => "queue_full",
            FailureCause::NotNeeded => "not_needed",
        }
    }
}

/// What passes over Ak.
#[derive(Clone, Debug)]
pub enum ServiceMessage {
    /// Application → KSA.
    KeyRequest(KeyRequest),
    /// KSA → application, at either end.
    KeySupply {
        /// Which request.
        request: RequestId,
        /// The keys.
        key: KeyMaterial,
    },
    /// KSA → application: the request has failed.
    KeyRefusal {
        /// Which request.
        request: RequestId,
        /// Why.
        cause: FailureCause,
    },
}

impl ServiceMessage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            ServiceMessage::KeyRequest(_) => "key request",
            ServiceMessage::KeySupply { .. } => "key supply",
            ServiceMessage::KeyRefusal { .. } => "key refusal",
        }
    }

    pub(super) fn request(&self) -> RequestId {
        match self {
            ServiceMessage::KeyRequest(request) => request.request,
            ServiceMessage::KeySupply { request, .. } | ServiceMessage::KeyRefusal { request, .. } => {
                *request
            }
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ServiceMessage::KeyRequest(order) => 48 + hold_bytes(order.hold),
            ServiceMessage::KeySupply { key, .. } => 16 + key.bytes(),
            ServiceMessage::KeyRefusal { .. } => 17,
        }
    }
}
