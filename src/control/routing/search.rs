//! The search below most algorithms: all cheapest paths between two nodes over usable hops.
//!
//! A* from the source with the provisioned distances to the goal as the heuristic. Where nothing on the provisioned path
//! has failed, it is followed straight away; else the search looks only at nodes that a path no longer than the new
//! cheapest one can pass: work grows with what has changed, not with the network. (petgraph's A* stops at the first path
//! in an order of its own; here all cheapest paths are wanted, so that ties are broken by rule.)
//!
//! Among paths of least cost those of fewest hops count, and among these the one whose hops come first in the plan, read
//! from the source: hops are numbered as links stand in the scenario.
//!
//! Complexity: O((V + E) log V) at worst, after one Dijkstra per goal and weight.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef as _;
use rustc_hash::FxHashMap;

use super::Query;
use crate::architecture::Hop;
use crate::architecture::distances::{To, UNREACHED, Weight, scaled, with_hop};
use crate::ids::HopId;

/// Cost of a hop: its provisioned weight, or more than that by what is known.
#[derive(Clone, Copy)]
pub(super) enum Cost<'a> {
    /// The weight alone.
    Provisioned(Weight),
    /// At least so many units per hop.
    Known(u64, &'a dyn Fn(&Hop) -> u64),
}

impl Cost<'_> {
    fn of(&self, hop: &Hop) -> u64 {
        match self {
            Cost::Provisioned(weight) => with_hop(weight.of(hop)),
            Cost::Known(_, cost) => with_hop(cost(hop)),
        }
    }

    /// What a path costs at least, by its provisioned distance.
    fn bound(&self, distance: u64) -> u64 {
        match self {
            _ if distance == UNREACHED => UNREACHED,
            Cost::Provisioned(_) => distance,
            Cost::Known(unit, _) => scaled(distance, *unit),
        }
    }

    fn weight(&self) -> Weight {
        match self {
            Cost::Provisioned(weight) => *weight,
            Cost::Known(..) => Weight::Hops,
        }
    }
}

/// The cheapest path, ties broken as the [module](self) says.
pub(super) fn cheapest(query: &Query<'_>, cost: Cost<'_>) -> Option<Vec<HopId>> {
    let [from, to] = query.ends()?;
    let distances = query.domain.distances.to(&query.domain.graph, to, cost.weight());
    if let Cost::Provisioned(weight) = cost
        && let Some(path) = as_provisioned(query, from, to, weight, &distances)
    {
        return Some(path);
    }
    search(query, from, to, cost, &distances).map(|paths| paths.first())
}

/// All cheapest paths.
pub(super) fn all_cheapest<'q>(query: &Query<'q>, cost: Cost<'_>) -> Option<CheapestPaths<'q>> {
    let [from, to] = query.ends()?;
    let distances = query.domain.distances.to(&query.domain.graph, to, cost.weight());
    search(query, from, to, cost, &distances)
}

/// The cheapest path of the provisioned topology, if all that it uses is usable. Where a tie leads nowhere, the search
/// must decide.
fn as_provisioned(
    query: &Query<'_>,
    from: NodeIndex,
    to: NodeIndex,
    weight: Weight,
    distances: &To,
) -> Option<Vec<HopId>> {
    let (mut at, mut path) = (from, Vec::new());
    while at != to {
        let left = distances[at.index()];
        let ahead = query.domain.graph.edges(at).filter(|edge| {
            let beyond = distances[edge.target().index()];
            beyond < left
                && left - beyond == with_hop(weight.of(edge.weight()))
                && query.usable(edge.weight())
        });
        let next = ahead.min_by_key(|edge| edge.weight().id)?;
        path.push(next.weight().id);
        at = next.target();
    }
    Some(path)
}

/// Every cheapest path: from each node on one, the hops that lead on.
pub(super) struct CheapestPaths<'q> {
    pub(super) from: NodeIndex,
    pub(super) to: NodeIndex,
    /// Hops that lead on, with the node that each leads to.
    pub(super) ahead: FxHashMap<NodeIndex, Vec<(NodeIndex, &'q Hop)>>,
    /// Nodes on the paths; each comes after those that it leads on to.
    pub(super) backwards: Vec<NodeIndex>,
}

impl CheapestPaths<'_> {
    /// The one whose hops come first.
    fn first(&self) -> Vec<HopId> {
        self.walk(|_| true)
    }

    /// The one whose hops come first, of those over hops that fit.
    pub(super) fn walk(&self, fits: impl Fn(&(NodeIndex, &Hop)) -> bool) -> Vec<HopId> {
        let (mut at, mut path) = (self.from, Vec::new());
        while at != self.to {
            let ahead = self.ahead[&at].iter().filter(|next| fits(next));
            let &(next, hop) = ahead
                .min_by_key(|(_, hop)| hop.id)
                .expect("what lies on a path leads on");
            path.push(hop.id);
            at = next;
        }
        path
    }
}

fn search<'q>(
    query: &Query<'q>,
    from: NodeIndex,
    to: NodeIndex,
    cost: Cost<'_>,
    distances: &To,
) -> Option<CheapestPaths<'q>> {
    let graph = &query.domain.graph;
    let mut reached: FxHashMap<NodeIndex, u64> = FxHashMap::default();
    let mut open = BinaryHeap::new();
    let mut best = UNREACHED;
    let whole = cost.bound(distances[from.index()]);
    if whole == UNREACHED {
        return None;
    }
    reached.insert(from, 0);
    // Among equals the farthest first, so that the goal is soon found.
    open.push((Reverse(whole), 0, from));
    while let Some((Reverse(through), gone, at)) = open.pop() {
        if through > best {
            break;
        }
        if reached[&at] != gone {
            continue;
        }
        if at == to {
            best = gone;
            continue;
        }
        for edge in graph.edges(at) {
            let (next, hop) = (edge.target(), edge.weight());
            let left = cost.bound(distances[next.index()]);
            if left == UNREACHED || !query.usable(hop) {
                continue;
            }
            let there = gone.saturating_add(cost.of(hop));
            let through = there.saturating_add(left);
            if through <= best && reached.get(&next).is_none_or(|&known| there < known) {
                reached.insert(next, there);
                open.push((Reverse(through), there, next));
            }
        }
    }
    if best == UNREACHED {
        return None;
    }
    // Back from the goal over hops that the cheapest paths use.
    let mut ahead: FxHashMap<NodeIndex, Vec<(NodeIndex, &Hop)>> = FxHashMap::default();
    let mut backwards = vec![to];
    let mut looked_at = 0;
    while let Some(&node) = backwards.get(looked_at) {
        looked_at += 1;
        for edge in graph.edges_directed(node, Direction::Incoming) {
            let (before, hop) = (edge.source(), edge.weight());
            let Some(&gone) = reached.get(&before) else {
                continue;
            };
            if gone.saturating_add(cost.of(hop)) == reached[&node] && query.usable(hop) {
                let onwards = ahead.entry(before).or_default();
                if onwards.is_empty() {
                    backwards.push(before);
                }
                onwards.push((node, hop));
            }
        }
    }
    backwards.sort_by_key(|node| Reverse(reached[node]));
    Some(CheapestPaths {
        from,
        to,
        ahead,
        backwards,
    })
}
