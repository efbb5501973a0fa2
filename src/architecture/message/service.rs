//! Ak: cryptographic application – KSA (analogue: ETSI GS QKD 014).

use super::{KeyMaterial, RequestId};
use crate::architecture::protection::Leg;
use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId};
use crate::kernel::Time;

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
    /// Whether it is the session's last.
    pub last: bool,
    /// Its session's place among legs, if it is one; applications know nothing of that.
    pub leg: Option<Leg>,
}

impl KeyRequest {
    /// Further bytes that tell of the leg.
    pub(super) fn leg_bytes(&self) -> u64 {
        leg_bytes(self.leg)
    }
}

/// Size of what is told of a leg, where one is \[bytes\].
pub(super) fn leg_bytes(leg: Option<Leg>) -> u64 {
    if leg.is_some() { 8 } else { 0 }
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
    /// A leg's only: the request that it is part of is over.
    NotNeeded,
}

impl FailureCause {
    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            FailureCause::NoRoute => "no_route",
            FailureCause::InsufficientKey => "insufficient_key",
            FailureCause::TimeOut => "time_out",
            FailureCause::RefusedByPolicy => "refused_by_policy",
            FailureCause::ElementDown => "element_down",
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
            ServiceMessage::KeyRequest(_) => 48,
            ServiceMessage::KeySupply { key, .. } => 16 + key.bytes(),
            ServiceMessage::KeyRefusal { .. } => 17,
        }
    }
}
