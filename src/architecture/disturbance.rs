//! What faults come down to: the few things that can happen to the world at one instant, and be undone at another.

use crate::ids::{DuctId, LinkId};

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
}
