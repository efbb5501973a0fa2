//! Ak: cryptographic application – KSA (analogue: ETSI GS QKD 014).

use super::RequestId;
use super::key_management::KeyMaterial;
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
}

impl FailureCause {
    /// All causes.
    pub const ALL: [FailureCause; 5] = [
        FailureCause::NoRoute,
        FailureCause::InsufficientKey,
        FailureCause::TimeOut,
        FailureCause::RefusedByPolicy,
        FailureCause::ElementDown,
    ];

    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            FailureCause::NoRoute => "no_route",
            FailureCause::InsufficientKey => "insufficient_key",
            FailureCause::TimeOut => "time_out",
            FailureCause::RefusedByPolicy => "refused_by_policy",
            FailureCause::ElementDown => "element_down",
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
