//! GPSRQ: greedy perimeter stateless routing for QKD networks.

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef as _;
use rustc_hash::FxHashSet;

use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::ids::HopId;
use crate::units::Fraction;

/// Forwards from node to node by places and by the state of the links around: no path is minimised, no node looks
/// farther than its neighbours' links.
///
/// - **Greedy**: of the neighbours nearer to the goal \[crow's metres\], the one with the greatest β·p + (1 − β)·q.
///   Progress p = (d − d')/d, d and d' being the distances to the goal from here and from there. Quality
///   q = min(1, S/M), S the usable key on the hop as it was told, M the lesser of the mean usable key on the links of its two ends, so that nodes
///   whose links are all low are not ruled out.
/// - **Recovery**, where no neighbour is nearer: by the right-hand rule, the next hop counter-clockwise from the way to the
///   goal (later: from the hop that the walk came by), until a node nearer to the goal than the one where greedy
///   forwarding failed is reached.
/// - **Cache**: a node that was visited is not visited again; one that has no one left to forward to returns the request to
///   the one before. So the walk is a depth-first search: it ends at the goal whenever a usable path leads there, and
///   what remains of it without returns is a path without loops.
///
/// After Karp, Kung (2000) and Mehic et al. (2020), from whom the idea of a metric of a link's key with a threshold from the
/// ends' means, the cache and the returns are, as remembered. Assumption: their metric of the classical channel is left
/// out, since the data network's delays are fixed here; the deciding controller walks for all nodes by what it knows;
/// the walk's messages and their time are not simulated.
///
/// Complexity: O(E) at worst; the path's length times the degree where greedy forwarding does.
#[derive(Clone, Copy, Debug)]
pub struct Gpsrq {
    /// β.
    pub distance_weight: Fraction,
}

/// A node that the walk may forward to.
struct Neighbour<'a> {
    node: NodeIndex,
    place: [f64; 2],
    hop: &'a Hop,
}

impl RoutingAlgorithm for Gpsrq {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let [from, to] = query.ends()?;
        let place = |node: NodeIndex| query.domain.positions.get(&query.domain.graph[node]).copied();
        let (start, goal) = (place(from)?, place(to)?);
        let mut visited = FxHashSet::from_iter([from]);
        let mut walk: Vec<(NodeIndex, [f64; 2], Option<HopId>)> = vec![(from, start, None)];
        // How far from the goal greedy forwarding failed, while it has.
        let mut failed_at: Option<f64> = None;
        let mut came_from = goal;
        while let Some(&(at, here, _)) = walk.last() {
            if at == to {
                return Some(walk.into_iter().filter_map(|(_, _, hop)| hop).collect());
            }
            let left = distance(here, goal);
            let around: Vec<Neighbour<'_>> = (query.domain.graph.edges(at))
                .filter(|edge| !visited.contains(&edge.target()) && query.usable(edge.weight()))
                .filter_map(|edge| {
                    Some(Neighbour {
                        node: edge.target(),
                        place: place(edge.target())?,
                        hop: edge.weight(),
                    })
                })
                .collect();
            if failed_at.is_some_and(|failed| left < failed) {
                failed_at = None;
            }
            let mut next = None;
            if failed_at.is_none() {
                next = self.greedy(query, at, left, goal, &around);
                if next.is_none() {
                    (failed_at, came_from) = (Some(left), goal);
                }
            }
            let next = next.or_else(|| right_hand(here, came_from, &around));
            came_from = here;
            match next {
                Some(next) => {
                    visited.insert(next.node);
                    walk.push((next.node, next.place, Some(next.hop.id)));
                }
                None => {
                    walk.pop();
                }
            }
        }
        None
    }
}

impl Gpsrq {
    /// The best neighbour nearer to the goal.
    fn greedy<'a>(
        self,
        query: &Query<'_>,
        at: NodeIndex,
        left: f64,
        goal: [f64; 2],
        around: &'a [Neighbour<'a>],
    ) -> Option<&'a Neighbour<'a>> {
        let beta = self.distance_weight.as_number();
        let here = mean_key(query, at);
        let nearer = around.iter().filter_map(|next| {
            let rest = distance(next.place, goal);
            let progress = (left - rest) / left;
            let quality = || quality(query, next, here);
            (rest < left).then(|| (beta * progress + (1.0 - beta) * quality(), next))
        });
        let best = nearer.max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.hop.id.cmp(&x.hop.id)));
        best.map(|(_, next)| next)
    }
}

/// Mean usable key of the hops that leave a node and spend key \[bits\]; `None`: no hop does.
fn mean_key(query: &Query<'_>, node: NodeIndex) -> Option<f64> {
    let hops = query.domain.graph.edges(node).map(|edge| edge.weight());
    let spending = hops.filter(|hop| hop.store().is_some());
    let (sum, count) = spending.fold((0.0, 0u32), |(sum, count), hop| {
        (sum + query.key(hop).usable_bits as f64, count + 1)
    });
    (count > 0).then(|| sum / f64::from(count))
}

/// How much key a hop has, next to what is usual around its ends: 0 to 1.
fn quality(query: &Query<'_>, next: &Neighbour<'_>, here: Option<f64>) -> f64 {
    if next.hop.store().is_none() {
        return 1.0;
    }
    let means = here.into_iter().chain(mean_key(query, next.node));
    let threshold = means.fold(f64::INFINITY, f64::min);
    let usable = query.key(next.hop).usable_bits as f64;
    if usable >= threshold && usable > 0.0 {
        1.0
    } else if threshold > 0.0 {
        usable / threshold
    } else {
        0.0
    }
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    libm::sqrt(x * x + y * y)
}

/// The neighbour that comes next counter-clockwise from the direction of a place.
fn right_hand<'a>(here: [f64; 2], from: [f64; 2], around: &'a [Neighbour<'a>]) -> Option<&'a Neighbour<'a>> {
    let angle = |place: [f64; 2]| libm::atan2(place[1] - here[1], place[0] - here[0]);
    let start = angle(from);
    let turn = |place: [f64; 2]| {
        let turn = angle(place) - start;
        if turn > 0.0 {
            turn
        } else {
            turn + 2.0 * std::f64::consts::PI
        }
    };
    let order = |a: &&Neighbour<'_>, b: &&Neighbour<'_>| {
        turn(a.place)
            .total_cmp(&turn(b.place))
            .then(a.hop.id.cmp(&b.hop.id))
    };
    around.iter().min_by(order)
}
