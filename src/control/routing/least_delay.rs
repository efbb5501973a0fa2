//! Least delay: the path over which a key is relayed soonest in an idle network.

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::distances::Weight;
use crate::ids::HopId;

/// Minimises Σ (way in the data network between the two KMs + processing time of the receiving one), then hops.
///
/// It differs from [`ShortestLength`](super::ShortestLength) in both terms: relay messages go over the data network, which
/// may be shorter or longer than the QKD fibre, and every hop costs a processing time, so that few long hops come before
/// many short ones. It is closed form 9, the relay latency of an idle network; queues are not looked at.
///
/// Complexity: as the search (`search.rs`) under it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastDelay;

impl RoutingAlgorithm for LeastDelay {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        cheapest(query, Cost::Provisioned(Weight::Delay))
    }

    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        let delay: u64 = path.iter().map(|hop| hop.delay.0).sum();
        (delay as f64 / 1e6, "ms")
    }
}
