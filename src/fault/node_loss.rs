//! A node is lost with all that stands there: key manager, modules, and the controllers and managers beside them.
//!
//! An interworking site is one node: both of its key managers go. Gateways of two providers in one building are two nodes
//! with a common cause: a [`group`](super::Group) of two losses.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// A node is lost with all that stands there.
    pub struct NodeLoss {
        /// The node: "QKDN/NODE", or a boundary's id for the site on it.
        node: String,
    }
}

impl FaultKind for NodeLoss {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Node, "node", &self.node)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let nodes = site.nodes(&self.node).into_iter();
        nodes
            .flat_map(|node| site.standing_at(node))
            .map(Disturbance::ElementDown)
            .collect()
    }
}
