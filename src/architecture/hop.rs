//! A hop: one directed step of key relay or key transfer between two key managers.
//!
//! Gateway nodes and interworking nodes are one boundary with two handovers: at run time machines see only a hop's
//! [`Protection`] (what a step spends) and its [`Handover`] (how the receiving KM answers for it).

use super::procedure::Procedure;
use crate::ids::{HopId, LinkId, NodeId, QkdnId, StoreId};
use crate::kernel::Span;

/// What protects a key on a hop, and so what the hop spends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// One-time pad with key from this store, bit for bit.
    OneTimePad(StoreId),
    /// The step stays inside one trusted node and spends nothing (Y.3818 7.2; that it spends nothing is inferred).
    TrustedNode,
}

/// How a hop hands a key over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handover {
    /// Key relay: the receiver passes it on or keeps it; completion comes from the destination (P9).
    Relay,
    /// Key transfer: the receiver accepts, and later acknowledges what became of the key (P12).
    Transfer,
}

impl Handover {
    /// The procedure of clause 9 that hands keys over this way.
    pub const fn procedure(self) -> Procedure {
        match self {
            Handover::Relay => Procedure::P9,
            Handover::Transfer => Procedure::P12,
        }
    }
}

/// Link states after ETSI GS QKD 015, as far as a hop's use depends on them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum HopState {
    /// Generating, or inside a trusted node.
    Active,
    /// Not generating, keys left.
    Passive,
    /// Neither.
    Off,
}

/// One directed step between neighbouring key managers.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The hop's own id.
    pub id: HopId,
    /// The sending KM's node; it allocates the key that the hop spends.
    pub from: NodeId,
    /// The receiving KM's node.
    pub to: NodeId,
    /// What is spent.
    pub protection: Protection,
    /// How it is handed over.
    pub handover: Handover,
    /// The QKD link below, if there is one.
    pub link: Option<LinkId>,
    /// Length of the way \[m\].
    pub length_m: u64,
    /// From the sending KM until the receiving one has processed a message: the data network's way and the processing.
    pub delay: Span,
    /// Key rate that the link is provisioned for in this direction \[bit/s\]; unlimited inside a node.
    pub rate_bps: f64,
    /// Whether the hop crosses from one QKDN to another.
    pub crosses_border: bool,
    /// The QKDN of the receiving KM.
    pub to_qkdn: QkdnId,
}

impl Hop {
    /// The store that the hop spends from, if it spends.
    pub fn store(&self) -> Option<StoreId> {
        match self.protection {
            Protection::OneTimePad(store) => Some(store),
            Protection::TrustedNode => None,
        }
    }
}
