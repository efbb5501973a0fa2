//! Kx-1, Kx-2, Kxi-1, Kxi-2 and their primes: KMA – KMA and KSA – KSA.

use std::sync::Arc;

use super::service::{FailureCause, KeyRequest};
use super::{Ask, KeyMaterial, RequestId};
use crate::architecture::hop::Handover;
use crate::architecture::protection::Part;
use crate::ids::{ApplicationId, ClassId, ControllerId, HopId, NodeId, PoolId, QkdnId, SessionId};
use crate::kernel::Time;

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
    /// Further runs, where the store was fragmented; a thin pointer keeps envelopes small.
    #[allow(clippy::box_collection)]
    pub rest: Option<Box<Vec<KeyRange>>>,
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
        let rest: &[KeyRange] = self.rest.as_ref().map_or(&[], |rest| rest.as_slice());
        self.first.bits + rest.iter().map(|range| range.bits).sum::<u64>()
    }
}

/// How the KMs of a segment relay a key together (Y.3803: destination and centralized relay): each sends the bitwise
/// sum of the keys of its two links to the KM that combines them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Formation {
    /// The KM that combines the parts: the segment's last KM, or a central one.
    pub combiner: NodeId,
    /// The segment's last KM.
    pub end: NodeId,
    /// The KMs that send, in order; the first leads.
    pub kms: Box<[NodeId]>,
}

/// QKDNs that a key has left, its source's QKDN aside: none until it leaves a QKDN that it only passes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[allow(clippy::box_collection)] // a thin pointer keeps envelopes small
pub struct Trail(Option<Box<Vec<QkdnId>>>);

impl Trail {
    /// The QKDNs, in order.
    pub fn qkdns(&self) -> &[QkdnId] {
        self.0.as_ref().map_or(&[], |left| left.as_slice())
    }

    /// The key leaves one more.
    #[must_use]
    pub fn leaving(self, qkdn: QkdnId) -> Trail {
        let mut left = self.0.unwrap_or_default();
        left.push(qkdn);
        Trail(Some(left))
    }
}

/// What all parts of one relay have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartOrder {
    /// Which attempt at which request.
    pub ask: Ask,
    /// The source KM.
    pub source: NodeId,
    /// The source's QKDN.
    pub source_qkdn: QkdnId,
    /// The destination KM.
    pub destination: NodeId,
    /// Where else the key has been.
    pub trail: Trail,
    /// When the request times out: keys that come later are void.
    pub deadline: Time,
}

/// One KM's part of a relay: the key of the link before it plus that of the link after it; at the first KM, the key
/// that is relayed plus that of the link after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayPart {
    /// Of which relay.
    pub order: PartOrder,
    /// How the KMs work together.
    pub formation: Arc<Formation>,
    /// The sender's place among them.
    pub position: u16,
    /// The hop after the sender.
    pub hop: HopId,
    /// The sum.
    pub key: KeyMaterial,
    /// Ids of the hop's keys.
    pub otp: OtpKeys,
}

/// How a relay or transfer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelayOutcome {
    /// The destination KM holds the key.
    Relayed,
    /// It did not get there: the cause, and the KM at which it stopped.
    Failed(FailureCause, NodeId),
    /// Across a transfer: what may have come is void at both sides.
    Voided,
}

/// What is about to be supplied, as far as the records of the providers on the way need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Supply {
    /// Number of keys.
    pub keys: u32,
    /// Amount \[bits\].
    pub bits: u64,
    /// QoS class.
    pub class: ClassId,
    /// The QKDNs of the application that asked, and of its peer.
    pub qkdns: [QkdnId; 2],
}

/// What KSAs synchronise for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The request's key is supplied.
    Supply,
    /// The key is part of another request's.
    Part(Part),
    /// The key fills a pool.
    Refill(PoolId),
    /// The request's key is taken from a pool. Boxed: keeps envelopes small.
    Draw(Box<Draw>),
}

/// Key that is taken from a pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draw {
    /// The pool.
    pub pool: PoolId,
    /// The session that fills it: by its way the KSAs synchronise.
    pub session: SessionId,
    /// The ids: places in the sequence of its refills.
    pub keys: OtpKeys,
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
    /// Border KM → source KM: the requirement could not be passed on.
    RequirementRefused {
        /// Which attempt at which request.
        ask: Ask,
    },
    /// KMA → KMA: one hop of key relay, or key transfer.
    KeyRelay {
        /// Which request.
        request: RequestId,
        /// Over which hop.
        hop: HopId,
        /// How that hands it over.
        handover: Handover,
        /// The source KM.
        source: NodeId,
        /// The source's QKDN.
        source_qkdn: QkdnId,
        /// The destination KM.
        destination: NodeId,
        /// Where else the key has been.
        trail: Trail,
        /// The keys, encrypted with `otp` where that is given.
        key: KeyMaterial,
        /// The one-time-pad keys' ids; `None` inside a trusted node.
        otp: Option<OtpKeys>,
        /// When the request times out: keys that come later are void.
        deadline: Time,
    },
    /// KMA → the KMA at the other end of the hop: the key ids that it has promised to a relay in parts.
    KeyIds {
        /// Which attempt at which request.
        ask: Ask,
        /// The hop.
        hop: HopId,
        /// The ids.
        keys: OtpKeys,
        /// When the promise lapses.
        deadline: Time,
    },
    /// First KMA of a segment → another one: send your part.
    PartRequest(PartOrder),
    /// KMA → the KMA that combines the parts.
    RelayPart(Box<RelayPart>),
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
    /// KMA → KMA, after a key relay or transfer that was given up: whether it came or not, it is void.
    Void {
        /// Which request.
        request: RequestId,
        /// Over which hop.
        hop: HopId,
        /// Key ids that count as used at both ends; `None`: those that came with the relay.
        otp: Option<OtpKeys>,
    },
    /// KMA → the KMA at the other end of the hop: what these keys were for came to nothing, and they count as used at both
    /// ends.
    KeysVoid {
        /// Which request.
        request: RequestId,
        /// Over which hop.
        hop: HopId,
        /// The ids.
        keys: OtpKeys,
    },
    /// KSA → KSA, source to destination: which keys are about to be supplied, and their verification.
    SupplyNotification {
        /// Which request.
        request: RequestId,
        /// The source KSA.
        source: NodeId,
        /// The destination KSA.
        destination: NodeId,
        /// Its QKDN.
        destination_qkdn: QkdnId,
        /// The application that it supplies.
        peer: ApplicationId,
        /// What is supplied.
        supply: Supply,
        /// What it is for.
        purpose: Purpose,
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
            KeyManagementMessage::RequirementRefused { .. } => "requirement refused",
            KeyManagementMessage::KeyRelay { handover, .. } => match handover {
                Handover::Relay => "key relay",
                Handover::Transfer => "key transfer",
            },
            KeyManagementMessage::KeyIds { .. } => "key ids",
            KeyManagementMessage::PartRequest(_) => "key relay part request",
            KeyManagementMessage::RelayPart(_) => "key relay part",
            KeyManagementMessage::TransferAccepted { .. } => "key transfer accepted",
            KeyManagementMessage::Completion {
                outcome: RelayOutcome::Relayed,
                ..
            } => "key relay completion",
            KeyManagementMessage::Completion {
                outcome: RelayOutcome::Voided,
                ..
            } => "key transfer voided",
            KeyManagementMessage::Completion { .. } => "key relay failure",
            KeyManagementMessage::Void { .. } => "key void",
            KeyManagementMessage::KeysVoid { .. } => "key ids void",
            KeyManagementMessage::SupplyNotification { .. } => "key supply notification",
            KeyManagementMessage::SupplyResponse { .. } => "key supply response",
        }
    }

    pub(super) fn request(&self) -> RequestId {
        match self {
            KeyManagementMessage::Requirement { order, .. } => order.request,
            KeyManagementMessage::KeyIds { ask, .. } => ask.request,
            KeyManagementMessage::PartRequest(order) => order.ask.request,
            KeyManagementMessage::RelayPart(part) => part.order.ask.request,
            KeyManagementMessage::RequirementRefused { ask } => ask.request,
            KeyManagementMessage::KeyRelay { request, .. }
            | KeyManagementMessage::TransferAccepted { request }
            | KeyManagementMessage::Completion { request, .. }
            | KeyManagementMessage::Void { request, .. }
            | KeyManagementMessage::KeysVoid { request, .. }
            | KeyManagementMessage::SupplyNotification { request, .. }
            | KeyManagementMessage::SupplyResponse { request, .. } => *request,
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            KeyManagementMessage::Requirement { order, .. } => 60 + order.further_bytes(),
            KeyManagementMessage::KeyRelay { key, otp, trail, .. } => {
                let ids = 16 * otp.as_ref().map_or(1, |keys| keys.ranges().count() as u64);
                40 + key.bytes() + ids + 4 * trail.qkdns().len() as u64
            }
            KeyManagementMessage::KeyIds { keys, .. } => 32 + 16 * keys.ranges().count() as u64,
            KeyManagementMessage::PartRequest(order) => 40 + 4 * order.trail.qkdns().len() as u64,
            KeyManagementMessage::RelayPart(part) => {
                let ids = 16 * part.otp.ranges().count() as u64;
                let listed = part.formation.kms.len() + part.order.trail.qkdns().len();
                48 + 4 * listed as u64 + part.key.bytes() + ids
            }
            KeyManagementMessage::TransferAccepted { .. } => 16,
            KeyManagementMessage::RequirementRefused { .. } => 20,
            KeyManagementMessage::Void { otp, .. } => {
                20 + 16 * otp.as_ref().map_or(0, |keys| keys.ranges().count() as u64)
            }
            KeyManagementMessage::KeysVoid { keys, .. } => 20 + 16 * keys.ranges().count() as u64,
            KeyManagementMessage::Completion { .. } => 21,
            KeyManagementMessage::SupplyNotification { purpose, .. } => {
                64 + match purpose {
                    Purpose::Supply => 0,
                    Purpose::Part(_) => 10,
                    Purpose::Refill(_) => 4,
                    Purpose::Draw(draw) => 8 + 16 * draw.keys.ranges().count() as u64,
                }
            }
            KeyManagementMessage::SupplyResponse { .. } => 21,
        }
    }
}
