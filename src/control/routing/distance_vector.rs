//! Distance vector: each controller tells its neighbours how far it is to every node; nobody knows the topology.

use super::{FewestHops, Query, RoutingAlgorithm, VectorExchange};
use crate::ids::HopId;

/// Minimises hops, by what neighbours say (Bellman and Ford, as RIP, RFC 2453, does it).
///
/// The exchange itself is the controllers' ([`vectors`](crate::control::vectors)): this is what it comes to once
/// all have heard of all, which is how a QKDN starts.
#[derive(Clone, Copy, Debug)]
pub struct DistanceVector {
    /// How vectors are exchanged.
    pub exchange: VectorExchange,
}

impl RoutingAlgorithm for DistanceVector {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let path = FewestHops.route(query)?;
        (path.len() < usize::from(self.exchange.infinity)).then_some(path)
    }

    fn exchange(&self) -> Option<VectorExchange> {
        Some(self.exchange)
    }
}
