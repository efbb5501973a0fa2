//! One link is cut, whatever else lies in its ducts.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// A link's quantum and Qx channels are cut; the data network stays.
    pub struct LinkCut {
        /// The link: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        link: String,
    }
}

impl FaultKind for LinkCut {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Link, "link", &self.link)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        vec![Disturbance::LinkDown(
            site.link(&self.link).expect("a checked name"),
        )]
    }
}
