//! Kx-1, Kx-2, Kxi-1, Kxi-2 and their primes: KMA – KMA and KSA – KSA.

use super::RequestId;
use super::service::{FailureCause, KeyRequest};
use crate::ids::{ApplicationId, ControllerId, HopId, NodeId, QkdnId};
use crate::kernel::Time;

/// Keys themselves. Keys are amounts; bits are computed where they are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyMaterial {
    /// Amount \[bits\].
    pub bits: u64,
}

impl KeyMaterial {
    /// Size \[bytes\].
    pub fn bytes(&self) -> u64 {
        self.bits.div_ceil(8)
    }
}

/// A run of key in a store's sequence of accepted bits: what a key id names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KeyRange {
    /// First bit.
    pub start: u64,
    /// Length \[bits\].
    pub bits: u64,
}

impl KeyRange {
    /// One past the last bit.
    pub fn end(&self) -> u64 {
        self.start + self.bits
    }
}

/// The one-time-pad keys of one relay message: nearly always one run, so that none is allocated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtpKeys {
    /// The first run.
    pub first: KeyRange,
    /// Further runs, where the store was fragmented.
    pub rest: Option<Box<[KeyRange]>>,
}

impl OtpKeys {
    /// One run.
    pub fn single(range: KeyRange) -> OtpKeys {
        OtpKeys {
            first: range,
            rest: None,
        }
    }

    /// The runs, in order.
    pub fn ranges(&self) -> impl Iterator<Item = KeyRange> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().flat_map(|rest| rest.iter().copied()))
    }

    /// All bits.
    pub fn bits(&self) -> u64 {
        self.ranges().map(|range| range.bits).sum()
    }
}

/// How a relay or transfer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelayOutcome {
    /// The destination KM holds the key.
    Relayed,
    /// It did not get there: the cause, and the KM at which it stopped.
    Failed(FailureCause, NodeId),
}

/// What passes among key managers.
#[derive(Clone, Debug)]
pub enum KeyManagementMessage {
    /// Source KM → border KM: interworking key relay route (P9) or key transfer (P12) requirement.
    Requirement {
        /// What the application asked for.
        order: KeyRequest,
        /// Which attempt at it.
        attempt: u32,
        /// The source KM.
        source: NodeId,
        /// Which controller serves the source KM.
        source_controller: ControllerId,
    },
    /// KMA → KMA: one hop of key relay, or key transfer.
    KeyRelay {
        /// Which request.
        request: RequestId,
        /// Over which hop.
        hop: HopId,
        /// The source KM.
        source: NodeId,
        /// The source's QKDN.
        source_qkdn: QkdnId,
        /// The destination KM.
        destination: NodeId,
        /// The keys, encrypted with `otp` where that is given.
        key: KeyMaterial,
        /// The one-time-pad keys' ids; `None` inside a trusted node.
        otp: Option<OtpKeys>,
        /// When the request times out: keys that come later are void.
        deadline: Time,
    },
    /// KMA → KMA: a transfer was accepted (analogue: ETSI GS QKD 020's 202).
    TransferAccepted {
        /// Which request.
        request: RequestId,
    },
    /// KMA → KMA, back along the hops: key relay completion notification (analogue: Q.4163), and across a transfer
    /// the acknowledgement (analogue: ETSI GS QKD 020).
    Completion {
        /// Which request.
        request: RequestId,
        /// How it ended.
        outcome: RelayOutcome,
    },
    /// KSA → KSA, source to destination: which keys are about to be supplied, and their verification.
    SupplyNotification {
        /// Which request.
        request: RequestId,
        /// The source KSA.
        source: NodeId,
        /// The destination KSA.
        destination: NodeId,
        /// The application that it supplies.
        peer: ApplicationId,
        /// Amount \[bits\].
        bits: u64,
    },
    /// KSA → KSA, destination to source.
    SupplyResponse {
        /// Which request.
        request: RequestId,
        /// The source KSA.
        source: NodeId,
        /// Whether the destination holds matching keys and supplies them.
        accepted: bool,
    },
}

impl KeyManagementMessage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            KeyManagementMessage::Requirement { .. } => "interworking requirement",
            KeyManagementMessage::KeyRelay { otp: Some(_), .. } => "key relay",
            KeyManagementMessage::KeyRelay { otp: None, .. } => "key transfer",
            KeyManagementMessage::TransferAccepted { .. } => "key transfer accepted",
            KeyManagementMessage::Completion {
                outcome: RelayOutcome::Relayed,
                ..
            } => "key relay completion",
            KeyManagementMessage::Completion { .. } => "key relay failure",
            KeyManagementMessage::SupplyNotification { .. } => "key supply notification",
            KeyManagementMessage::SupplyResponse { .. } => "key supply response",
        }
    }

    pub(super) fn request(&self) -> RequestId {
        match self {
            KeyManagementMessage::Requirement { order, .. } => order.request,
            KeyManagementMessage::KeyRelay { request, .. }
            | KeyManagementMessage::TransferAccepted { request }
            | KeyManagementMessage::Completion { request, .. }
            | KeyManagementMessage::SupplyNotification { request, .. }
            | KeyManagementMessage::SupplyResponse { request, .. } => *request,
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            KeyManagementMessage::Requirement { .. } => 60,
            KeyManagementMessage::KeyRelay { key, otp, .. } => {
                40 + key.bytes() + 16 * otp.as_ref().map_or(1, |keys| keys.ranges().count() as u64)
            }
            KeyManagementMessage::TransferAccepted { .. } => 16,
            KeyManagementMessage::Completion { .. } => 21,
            KeyManagementMessage::SupplyNotification { .. } => 48,
            KeyManagementMessage::SupplyResponse { .. } => 21,
        }
    }
}
