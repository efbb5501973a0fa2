//! A controller is out of service.
//!
//! Assumption: what it knows and the sessions that it decides on survive; timers that fell due go off when it restarts.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// A controller is out of service.
    pub struct ControllerOutage {
        /// The QKDN's id where control is centralized, else the controller's node: "QKDN/NODE", or "BOUNDARY/QKDN".
        controller: String,
    }
}

impl FaultKind for ControllerOutage {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Controller, "controller", &self.controller)
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let controller = site.element(&format!("controller {}", self.controller));
        vec![Disturbance::ElementDown(controller.expect("a checked name"))]
    }
}
