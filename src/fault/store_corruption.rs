//! The two ends of a link's key stores no longer agree: both resynchronise by discarding what they hold.
//!
//! Assumption: every use of a store is checked against its other end, so that the disagreement is found before a key is
//! used, at once; promised keys are lost with the rest, what had been spent goes on.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// The key stores of a link are lost at both ends. There is nothing to repair.
    pub struct StoreCorruption {
        /// The link: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        link: String,
    }
}

impl FaultKind for StoreCorruption {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Link, "link", &self.link)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        vec![Disturbance::StoresLost(
            site.link(&self.link).expect("a checked name"),
        )]
    }
}
