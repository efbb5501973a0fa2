//! Configuration control (functional element FE-6): what the KMs can do and which routes are provisioned is told to the
//! manager over Mc, where the scenario asks for it.

use petgraph::Direction;

use super::controller::Controller;
use crate::architecture::message::{Capability, ManagementMessage, RouteRecord};
use crate::architecture::{Address, Label, Outbox, Procedure, Step};
use crate::ids::{NodeId, SessionId};

impl Controller {
    /// The start of the run: what the KMs that it serves can do.
    pub(super) fn report_capabilities(&self, out: &mut Outbox) {
        if !self.surroundings.parameters.management.configuration_records {
            return;
        }
        let domain = &self.surroundings.domain;
        let label = Label::new(Procedure::Fcaps, Step::Configuration);
        for index in domain.graph.node_indices() {
            let node = domain.graph[index];
            if domain.controller_of[&node] != self.me() {
                continue;
            }
            let neighbours: std::collections::BTreeSet<NodeId> = domain
                .graph
                .neighbors_directed(index, Direction::Outgoing)
                .map(|neighbour| domain.graph[neighbour])
                .collect();
            let borders = self.surroundings.borders.iter();
            let across = borders.filter(|border| border.hop.from == node).count();
            let capability = Capability {
                relays: neighbours.len() + across > 1,
                crosses_border: across > 0,
            };
            let manager = Address::manager(self.surroundings.manager);
            out.send(manager, label, ManagementMessage::Capability { node, capability });
        }
    }

    /// A session's route on this segment is provisioned, or changed.
    pub(super) fn record_route(&self, session: SessionId, out: &mut Outbox) {
        if !self.surroundings.parameters.management.configuration_records {
            return;
        }
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        let record = RouteRecord {
            session,
            epoch: segment.epoch,
            hops: segment.path.clone().into_boxed_slice(),
            at: self.admission.now(),
        };
        let label = Label::new(Procedure::Fcaps, Step::Configuration);
        let manager = Address::manager(self.surroundings.manager);
        let message = ManagementMessage::RouteProvisioned(Box::new(record));
        out.send(manager, label, message);
    }
}
