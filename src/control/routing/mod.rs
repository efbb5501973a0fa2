//! Key relay routing inside one QKDN: one algorithm per file.
//!
//! A controller routes over its own domain and over what it knows of it at that moment; what lies beyond the border
//! is the other controller's business (requirement A5).

mod fewest_hops;
mod shortest_length;
mod widest;

pub use fewest_hops::FewestHops;
pub use shortest_length::ShortestLength;
pub use widest::Widest;

use std::fmt;

use petgraph::algo::astar;
use petgraph::visit::EdgeFiltered;

use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// A way to choose a path of hops. Results are a function of the arguments alone.
pub trait RoutingAlgorithm: fmt::Debug + Send + Sync {
    /// The path from one KM to another over hops that `usable` lets through: no hop twice, empty if both are the
    /// same; `None` if there is none.
    fn route(
        &self,
        domain: &Domain,
        usable: &dyn Fn(&Hop) -> bool,
        from: NodeId,
        to: NodeId,
    ) -> Option<Vec<HopId>>;

    /// Whether paths depend on how much key hops have, so that controllers tell each other every class of a level.
    fn weighs_key(&self) -> bool {
        true
    }

    /// What a path costs by this algorithm, and the unit; for explanations only.
    fn cost(&self, path: &[&Hop]) -> (f64, &'static str) {
        (path.len() as f64, "hops")
    }
}

/// The path of least total `cost` over usable hops; among equals, of fewest hops.
///
/// Complexity: O((V + E) log V), by petgraph's A* with no heuristic (Dijkstra).
fn cheapest(
    domain: &Domain,
    usable: &dyn Fn(&Hop) -> bool,
    cost: &dyn Fn(&Hop) -> u64,
    from: NodeId,
    to: NodeId,
) -> Option<Vec<HopId>> {
    let start = *domain.index.get(&from)?;
    let goal = *domain.index.get(&to)?;
    let graph = EdgeFiltered::from_fn(&domain.graph, |edge| usable(edge.weight()));
    // Cost first, hops as the tie-break, in one integer.
    let key = |hop: &Hop| (u128::from(cost(hop)) << 32) + 1;
    let (_, nodes) = astar(
        &graph,
        start,
        |node| node == goal,
        |edge| key(edge.weight()),
        |_| 0u128,
    )?;
    let path = nodes.windows(2).map(|pair| {
        domain
            .graph
            .edges_connecting(pair[0], pair[1])
            .map(|edge| edge.weight())
            .filter(|hop| usable(hop))
            .min_by_key(|hop| (cost(hop), hop.id))
            .expect("a path uses hops that are there")
            .id
    });
    Some(path.collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::architecture::{Handover, Protection};
    use crate::ids::{ControllerId, QkdnId, StoreId};
    use petgraph::graph::DiGraph;
    use rustc_hash::FxHashMap;

    /// A domain of undirected links (a, b, length, rate); hop ids are 2 i and 2 i + 1.
    pub(crate) fn domain(nodes: u32, links: &[(u32, u32, u64, f64)]) -> Domain {
        let mut graph = DiGraph::new();
        let mut index = FxHashMap::default();
        for node in 0..nodes {
            index.insert(NodeId(node), graph.add_node(NodeId(node)));
        }
        for (number, &(a, b, length_m, rate_bps)) in links.iter().enumerate() {
            for (way, (from, to)) in [(a, b), (b, a)].into_iter().enumerate() {
                let id = HopId((2 * number + way) as u32);
                let hop = Hop {
                    id,
                    from: NodeId(from),
                    to: NodeId(to),
                    protection: Protection::OneTimePad(StoreId(id.0)),
                    handover: Handover::Relay,
                    link: None,
                    length_m,
                    rate_bps,
                    crosses_border: false,
                    to_qkdn: QkdnId(0),
                };
                graph.add_edge(index[&NodeId(from)], index[&NodeId(to)], hop);
            }
        }
        let controller_of = (0..nodes).map(|node| (NodeId(node), ControllerId(0))).collect();
        Domain {
            relay: crate::architecture::surroundings::RelayScheme::HopByHop,
            qkdn: QkdnId(0),
            graph,
            index,
            controller_of,
            hops: FxHashMap::default(),
            stores: FxHashMap::default(),
        }
    }

    fn square() -> Domain {
        // 0 – 1 – 2 is short in hops, 0 – 3 – 4 – 2 short in metres and wide.
        domain(
            5,
            &[
                (0, 1, 50_000, 10.0),
                (1, 2, 50_000, 5.0),
                (0, 3, 1_000, 90.0),
                (3, 4, 1_000, 80.0),
                (4, 2, 1_000, 70.0),
            ],
        )
    }

    #[test]
    fn each_algorithm_takes_its_own_way() {
        let all = |_: &Hop| true;
        let short = vec![HopId(0), HopId(2)];
        let wide = vec![HopId(4), HopId(6), HopId(8)];
        assert_eq!(
            FewestHops.route(&square(), &all, NodeId(0), NodeId(2)),
            Some(short)
        );
        assert_eq!(
            ShortestLength.route(&square(), &all, NodeId(0), NodeId(2)),
            Some(wide.clone())
        );
        assert_eq!(Widest.route(&square(), &all, NodeId(0), NodeId(2)), Some(wide));
    }

    #[test]
    fn what_is_not_usable_is_not_used() {
        let without_first = |hop: &Hop| hop.id != HopId(0);
        let path = FewestHops.route(&square(), &without_first, NodeId(0), NodeId(2));
        assert_eq!(path, Some(vec![HopId(4), HopId(6), HopId(8)]));
        assert_eq!(
            FewestHops.route(&square(), &|_: &Hop| false, NodeId(0), NodeId(2)),
            None
        );
        assert_eq!(
            FewestHops.route(&square(), &|_: &Hop| false, NodeId(2), NodeId(2)),
            Some(vec![])
        );
    }
}
