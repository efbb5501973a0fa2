//! A key manager is out of service, and restarts when it is repaired.
//!
//! Assumption: its key stores survive; what it had promised, the routes and keys that it held for others, and the
//! requests of its applications do not.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::{Address, Disturbance};
use crate::catalogue::record;

record! {
    /// A key manager is out of service.
    pub struct KmOutage {
        /// Its node: "QKDN/NODE", or "BOUNDARY/QKDN" for one side of an interworking site.
        node: String,
    }
}

impl FaultKind for KmOutage {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::KeyManager, "node", &self.node)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let nodes = site.nodes(&self.node).into_iter();
        nodes
            .map(|node| Disturbance::ElementDown(Address::kma(node)))
            .collect()
    }
}
