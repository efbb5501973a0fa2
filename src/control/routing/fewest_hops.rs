//! Fewest hops: the path that spends the least link key per key.

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::distances::Weight;
use crate::ids::HopId;

/// Minimises the number of hops. Every hop spends the key's own length of link key (Y.3803), so this is the cheapest
/// path.
///
/// Complexity: as the search (`search.rs`) under it. Source: Dijkstra (1959); Hart, Nilsson, Raphael (1968).
#[derive(Clone, Copy, Debug, Default)]
pub struct FewestHops;

impl RoutingAlgorithm for FewestHops {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        cheapest(query, Cost::Provisioned(Weight::Hops))
    }
}
