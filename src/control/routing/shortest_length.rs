//! Shortest length: the path with the least fibre.

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::distances::Weight;
use crate::ids::HopId;

/// Minimises metres of QKD fibre, then hops.
///
/// Complexity: as the search (`search.rs`) under it. Source: Dijkstra (1959); Hart, Nilsson, Raphael (1968).
#[derive(Clone, Copy, Debug, Default)]
pub struct ShortestLength;

impl RoutingAlgorithm for ShortestLength {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        cheapest(query, Cost::Provisioned(Weight::Metres))
    }

    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        (path.iter().map(|hop| hop.length_m).sum::<u64>() as f64, "m")
    }
}
