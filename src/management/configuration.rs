//! Configuration management (functional elements FE-6 and FE-8): records of what KMs can do and of provisioned routes.

use std::collections::BTreeMap;

use crate::architecture::message::{Capability, RouteRecord};
use crate::ids::NodeId;

/// The records.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    capabilities: BTreeMap<NodeId, Capability>,
    routes: Vec<RouteRecord>,
}

impl Configuration {
    /// A controller reports what a KM can do.
    pub fn on_capability(&mut self, node: NodeId, capability: Capability) {
        self.capabilities.insert(node, capability);
    }

    /// A controller has provisioned a route, or changed one.
    pub fn on_route(&mut self, record: RouteRecord) {
        self.routes.push(record);
    }

    /// What KMs can do, by node.
    pub fn capabilities(&self) -> &BTreeMap<NodeId, Capability> {
        &self.capabilities
    }

    /// Routes, as they were provisioned.
    pub fn routes(&self) -> &[RouteRecord] {
        &self.routes
    }
}
