//! Fewest hops: the path that spends the least link key per key.

use super::{RoutingAlgorithm, cheapest};
use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// Dijkstra with unit cost. Every hop spends the key's own length of link key (Y.3803), so this is the cheapest path.
#[derive(Clone, Copy, Debug, Default)]
pub struct FewestHops;

impl RoutingAlgorithm for FewestHops {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(
        &self,
        domain: &Domain,
        usable: &dyn Fn(&Hop) -> bool,
        from: NodeId,
        to: NodeId,
    ) -> Option<Vec<HopId>> {
        cheapest(domain, usable, &|_| 1, from, to)
    }
}
