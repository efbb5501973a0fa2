//! What a kind of boundary hands keys over by (functional element FE-1).

use crate::architecture::{Handover, Procedure};

/// The two ways to join two QKDNs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Gateway nodes, joined by a QKD link (Y.3818 6.1).
    Gwn,
    /// An interworking node with a KM per QKDN (Y.3818 6.2).
    Iwn,
}

impl Kind {
    /// The name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Gwn => "gwn",
            Kind::Iwn => "iwn",
        }
    }

    /// Key relay over the gateway nodes' link, key transfer inside an interworking node.
    pub const fn handover(self) -> Handover {
        match self {
            Kind::Gwn => Handover::Relay,
            Kind::Iwn => Handover::Transfer,
        }
    }

    /// The procedure of clause 9 that brings keys across.
    pub const fn procedure(self) -> Procedure {
        self.handover().procedure()
    }
}
