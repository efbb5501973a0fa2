//! A QKDN manager is out of service: its records wait, key supply goes on.
//!
//! Assumption: its books survive.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// A QKDN manager is out of service.
    pub struct ManagerOutage {
        /// The QKDN.
        qkdn: String,
    }
}

impl FaultKind for ManagerOutage {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Qkdn, "qkdn", &self.qkdn)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let manager = site.element(&format!("manager {}", self.qkdn));
        vec![Disturbance::ElementDown(manager.expect("a checked name"))]
    }
}
