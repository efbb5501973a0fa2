//! Distances over a QKDN's provisioned topology, to one node at a time: worked out on first use, then shared by all
//! controllers of the QKDN and by all replications. A function of the topology alone, so that it does not matter who asks
//! first.
//!
//! Searches use them as a lower bound: whatever fails or runs dry makes no way shorter than it was provisioned.

use std::sync::{Arc, Mutex, PoisonError};

use petgraph::algo::dijkstra;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeRef as _, Reversed};
use rustc_hash::FxHashMap;

use super::hop::Hop;
use crate::ids::NodeId;

/// What a hop costs by its provision alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Weight {
    /// 1.
    Hops,
    /// Its length \[m\].
    Metres,
    /// Its delay \[ns\].
    Delay,
}

impl Weight {
    /// The cost of a hop.
    pub fn of(self, hop: &Hop) -> u64 {
        match self {
            Weight::Hops => 1,
            Weight::Metres => hop.length_m,
            Weight::Delay => hop.delay.0,
        }
    }
}

/// A hop's cost, and one hop to break ties, in one integer: costs up to 2⁴³ and a million hops add up in it, and a cost
/// beyond 2⁴⁰ counts as that.
pub fn with_hop(cost: u64) -> u64 {
    (cost.min(1 << 40) << HOP_BITS) + 1
}

/// The low bits that count hops.
const HOP_BITS: u32 = 20;

/// A sum of hops' costs, with each cost `times` as high.
pub fn scaled(sum: u64, times: u64) -> u64 {
    let hops = sum & ((1 << HOP_BITS) - 1);
    (sum - hops).saturating_mul(times).saturating_add(hops)
}

/// Of nodes from which nothing leads to the goal.
pub const UNREACHED: u64 = u64::MAX;

/// Distances to one node, by the node's place in the graph: sums of [`with_hop`].
pub type To = Arc<[u64]>;

/// What is kept at most \[bytes\]: beyond, all is forgotten and begun anew.
const MOST_BYTES: usize = 128 << 20;

/// The distances that have been asked for.
#[derive(Debug, Default)]
pub struct Distances {
    kept: Mutex<FxHashMap<(Weight, NodeIndex), To>>,
}

impl Clone for Distances {
    /// A copy has nothing kept: its topology may be changed.
    fn clone(&self) -> Distances {
        Distances::default()
    }
}

impl Distances {
    /// Distances to a node over all hops of a graph, always the same one.
    pub fn to(&self, graph: &DiGraph<NodeId, Hop>, goal: NodeIndex, weight: Weight) -> To {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let most = (MOST_BYTES / (8 * graph.node_count().max(1))).max(1);
        if kept.len() >= most && !kept.contains_key(&(weight, goal)) {
            kept.clear();
        }
        Arc::clone(
            kept.entry((weight, goal))
                .or_insert_with(|| grow(graph, goal, weight)),
        )
    }
}

fn grow(graph: &DiGraph<NodeId, Hop>, goal: NodeIndex, weight: Weight) -> To {
    let reached = dijkstra(Reversed(graph), goal, None, |edge| {
        with_hop(weight.of(&graph[edge.id()]))
    });
    graph
        .node_indices()
        .map(|node| reached.get(&node).copied().unwrap_or(UNREACHED))
        .collect()
}
