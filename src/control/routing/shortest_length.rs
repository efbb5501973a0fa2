//! Shortest length: the path with the least propagation delay.

use super::{RoutingAlgorithm, cheapest};
use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// Dijkstra over metres of fibre.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShortestLength;

impl RoutingAlgorithm for ShortestLength {
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
        cheapest(domain, usable, &|hop| hop.length_m, from, to)
    }

    fn cost(&self, path: &[&Hop]) -> (f64, &'static str) {
        (path.iter().map(|hop| hop.length_m).sum::<u64>() as f64, "m")
    }
}
