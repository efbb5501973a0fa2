//! What faults come down to: the few things that can happen to the world at one instant, and be undone at another.

use super::element::Address;
use super::reference_point::ReferencePoint;
use crate::ids::{DuctId, LinkId};
use crate::kernel::Span;
use crate::units::Fraction;

/// Messages that do not get through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Those between two elements, both ways.
    Between(Address, Address),
    /// All those at a reference point.
    At(ReferencePoint),
}

/// One thing that a fault does while it lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// A link loses its quantum and Qx channels.
    LinkDown(LinkId),
    /// The data network loses a place of a duct.
    DataCut {
        /// Which duct.
        duct: DuctId,
        /// Where \[m from the duct's first end\].
        position_m: u64,
    },
    /// An element is out of service: a KM (by its KMA), a controller, a manager or a module.
    ElementDown(Address),
    /// Messages do not get through.
    ChannelCut(Channel),
    /// An eavesdropper intercepts and resends this share of a link's pulses.
    Intercepted {
        /// Which link.
        link: LinkId,
        /// Which share.
        share: Fraction,
    },
    /// A link's error rate rises in equal steps at equal distance.
    Drift {
        /// Which link.
        link: LinkId,
        /// How far it rises.
        errors: Fraction,
        /// In which time.
        over: Span,
        /// In how many steps.
        steps: u32,
    },
    /// Both ends of a link's stores discard what they hold. Nothing is left to be undone.
    StoresLost(LinkId),
    /// A link is in a window of maintenance, which its QKDNs were told of before.
    Maintenance(LinkId),
}

impl Disturbance {
    /// Whether messages can be lost while it lasts.
    pub fn loses_messages(&self) -> bool {
        matches!(
            self,
            Disturbance::DataCut { .. } | Disturbance::ElementDown(_) | Disturbance::ChannelCut(_)
        )
    }
}
