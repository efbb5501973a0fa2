//! Capacity: how much key can get from here to there, at most (closed form 7: max-flow = min-cut of the joined graph).
//!
//! Every route of the simulation visits no QKDN twice, and none that refuses it, so the joined graph without such limits
//! gives an upper bound. A hop inside a trusted node spends nothing and has no limit.

use petgraph::Direction;
use petgraph::algo::dinics;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::ids::{HopId, Id as _, NodeId};
use crate::kernel::{Span, Time};
use crate::network::builder::lane_share;
use crate::network::plan::{Plan, StoreSource};
use crate::quantum::generation::Making;
use crate::quantum::models::BlockSchedule;

/// More than any store ever holds, and little enough to be added up: what a hop carries that spends nothing \[bit\].
pub const UNLIMITED: u64 = 1 << 48;

/// Key that every hop can spend on requests that count: what is in store when counting begins, at most the
/// capacity, and every block until the last request has ended \[bit\].
///
/// (S₀ + g · (warm-up + counting time + longest time-out)) of closed form 7, to the block, and tighter where the
/// store overflows in the warm-up.
pub fn in_run(plan: &Plan) -> Vec<u64> {
    let (warm, end) = (plan.run.warm_up, plan.end());
    let of_hop = |hop: &crate::architecture::Hop| {
        let Some(store) = hop.store() else {
            return UNLIMITED;
        };
        if comes_at_random(plan, plan.stores[store].source) {
            return UNLIMITED; // any amount may come in any time
        }
        let settings = &plan.stores[store].settings;
        let schedule = lane_schedule(plan, plan.stores[store].source);
        let by = |time: Time| schedule.map_or(0, |lane| (time.0 / lane.period.0).saturating_mul(lane.bits));
        let at_warm = by(Time::ZERO + warm);
        let initial = settings.initial.min(settings.capacity);
        let level = initial.saturating_add(at_warm).min(settings.capacity);
        level.saturating_add(by(end) - at_warm).min(UNLIMITED)
    };
    plan.hops.values().map(of_hop).collect()
}

/// Key that every hop makes in the long run \[10⁻³ bit/s\].
pub fn per_second(plan: &Plan) -> Vec<u64> {
    let of_hop = |hop: &crate::architecture::Hop| match hop.store() {
        None => UNLIMITED,
        Some(_) => libm::round((hop.rate_bps * 1e3).min(UNLIMITED as f64)) as u64,
    };
    plan.hops.values().map(of_hop).collect()
}

/// Whether a store's blocks come at random: what they make in a given time has a mean, and no bound.
fn comes_at_random(plan: &Plan, source: StoreSource) -> bool {
    match source {
        StoreSource::Local(_) => false,
        StoreSource::Lane(link, _) => matches!(plan.links[link].making, Some(Making::Random(_))),
    }
}

/// The blocks of one lane, or of a local store.
fn lane_schedule(plan: &Plan, source: StoreSource) -> Option<BlockSchedule> {
    match source {
        StoreSource::Local(schedule) => Some(schedule),
        StoreSource::Lane(link, lane) => {
            let link = &plan.links[link];
            let both = link.schedule?;
            let first = lane_share(both.bits, link.first_lane);
            Some(BlockSchedule {
                bits: if lane == 0 { first } else { both.bits - first },
                period: both.period,
            })
        }
    }
}

/// The counting time.
pub fn counting_time(plan: &Plan) -> Span {
    let (from, to) = plan.counting();
    Span(to.0 - from.0)
}

/// A maximum flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its value.
    pub value: u64,
    /// What every hop carries of it.
    pub by_hop: Vec<u64>,
}

/// The most that gets from the sources to the sinks over hops of these capacities, and at most `wanted` of it.
///
/// Dinic's algorithm (petgraph), O(V² E); whole numbers, so exact.
pub fn max_flow(plan: &Plan, capacity: &[u64], sources: &[NodeId], sinks: &[NodeId], wanted: u64) -> Flow {
    let mut graph: DiGraph<(), u64> = DiGraph::with_capacity(plan.nodes.len() + 3, plan.hops.len() + 8);
    for _ in 0..plan.nodes.len() + 3 {
        graph.add_node(());
    }
    let node = |id: NodeId| NodeIndex::new(id.index());
    for (id, hop) in plan.hops.iter() {
        graph.add_edge(node(hop.from), node(hop.to), capacity[id.index()]);
    }
    let [root, source, sink] = [0, 1, 2].map(|more| NodeIndex::new(plan.nodes.len() + more));
    graph.add_edge(root, source, wanted);
    for &from in sources {
        graph.add_edge(source, node(from), UNLIMITED);
    }
    for &to in sinks {
        graph.add_edge(node(to), sink, UNLIMITED);
    }
    let (value, flows) = dinics(&graph, root, sink);
    Flow {
        value,
        by_hop: flows[..plan.hops.len()].to_vec(),
    }
}

/// The hops of a minimum cut, nearest to the sources: what a maximum flow between these nodes leaves no way through.
/// Nothing where hops without a limit lead all the way.
pub fn min_cut(plan: &Plan, capacity: &[u64], sources: &[NodeId], flow: &Flow) -> Vec<HopId> {
    if flow.value >= UNLIMITED {
        return Vec::new();
    }
    let mut graph: DiGraph<(), HopId> = DiGraph::with_capacity(plan.nodes.len(), plan.hops.len());
    for _ in 0..plan.nodes.len() {
        graph.add_node(());
    }
    for (id, hop) in plan.hops.iter() {
        let [from, to] = [hop.from, hop.to].map(|end| NodeIndex::new(end.index()));
        graph.add_edge(from, to, id);
    }
    // What can still be reached is on the sources' side of the cut.
    let mut reached = vec![false; plan.nodes.len()];
    let mut open: Vec<NodeIndex> = sources
        .iter()
        .map(|source| NodeIndex::new(source.index()))
        .collect();
    for source in &open {
        reached[source.index()] = true;
    }
    while let Some(at) = open.pop() {
        let onward = graph.edges_directed(at, Direction::Outgoing).map(|edge| {
            let hop = edge.weight().index();
            (edge.target(), capacity[hop] - flow.by_hop[hop])
        });
        let back = graph.edges_directed(at, Direction::Incoming);
        let back = back.map(|edge| (edge.source(), flow.by_hop[edge.weight().index()]));
        for (next, room) in onward.chain(back) {
            if room > 0 && !reached[next.index()] {
                reached[next.index()] = true;
                open.push(next);
            }
        }
    }
    let in_cut = |hop: &crate::architecture::Hop| reached[hop.from.index()] && !reached[hop.to.index()];
    let cut = plan.hops.iter().filter(|(_, hop)| in_cut(hop));
    cut.map(|(id, _)| id).collect()
}
