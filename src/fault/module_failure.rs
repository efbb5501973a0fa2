//! The QKD module at one end of a link fails: the link makes no key, and that module says nothing any more.
//!
//! Assumption: the other end notices as if the link were cut; at the failed end, the KMA notices that its module is gone.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::{Address, Disturbance};
use crate::catalogue::record;

record! {
    /// A QKD module fails.
    pub struct ModuleFailure {
        /// The link: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        link: String,
        /// At which of its ends: "QKDN/NODE", or "BOUNDARY/QKDN".
        at: String,
    }
}

impl FaultKind for ModuleFailure {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        if let Some(complaint) = unknown(ground, Named::Link, "link", &self.link) {
            return vec![complaint];
        }
        let ends = ground.ends(&self.link).expect("a known link has ends");
        if ends.contains(&self.at) {
            return Vec::new();
        }
        vec![Complaint {
            code: "not_an_end",
            field: "at",
            message: format!("link \"{}\" does not end at \"{}\"", self.link, self.at),
            hint: format!("it joins \"{}\" and \"{}\"", ends[0], ends[1]),
        }]
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let link = site.link(&self.link).expect("a checked name");
        let [node] = site.nodes(&self.at)[..] else {
            unreachable!("ends are single nodes")
        };
        let ends = [0, 1].map(|end| Address::module(link, end));
        let here = site.standing_at(node);
        let module = ends.into_iter().find(|module| here.contains(module));
        vec![Disturbance::ElementDown(module.expect("a checked end"))]
    }
}
