//! Widest path: the one whose slowest link is fastest; among those, of fewest hops.

use std::collections::BinaryHeap;

use petgraph::visit::EdgeRef as _;
use rustc_hash::FxHashMap;

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::distances::Weight;
use crate::ids::HopId;

/// Maximises min rate over the path's hops, by provisioned key rate, then minimises hops ("shortest-widest").
///
/// The width is found by Dijkstra's method with the bottleneck in the place of the sum, then the fewest hops over links at
/// least that wide. Complexity: O((V + E) log V). Source: Pollack (1960); Wang, Crowcroft (1996).
#[derive(Clone, Copy, Debug, Default)]
pub struct Widest;

impl RoutingAlgorithm for Widest {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let width = width(query)?;
        let wide_enough = |hop: &Hop| query.usable(hop) && as_order(hop.rate_bps) >= width;
        cheapest(&query.over(&wide_enough), Cost::Provisioned(Weight::Hops))
    }

    /// The width: the rate of the slowest hop.
    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        slowest(path)
    }
}

/// The width of a path.
pub(super) fn slowest(path: &[&Hop]) -> (f64, &'static str) {
    let slowest = path.iter().map(|hop| hop.rate_bps).min_by(f64::total_cmp);
    // A path inside one trusted node has no slowest hop, and JSON no infinity.
    (slowest.unwrap_or(f64::MAX).min(f64::MAX), "bit/s")
}

/// Rates are not negative: their bits are in their order.
pub(super) fn as_order(rate_bps: f64) -> u64 {
    rate_bps.max(0.0).to_bits()
}

/// The greatest width of any path, as [`as_order`] has it.
fn width(query: &Query<'_>) -> Option<u64> {
    let [from, to] = query.ends()?;
    let mut widths = FxHashMap::default();
    let mut open = BinaryHeap::from([(u64::MAX, from)]);
    widths.insert(from, u64::MAX);
    while let Some((width, at)) = open.pop() {
        if at == to {
            return Some(width);
        }
        if widths[&at] != width {
            continue;
        }
        for edge in query.domain.graph.edges(at) {
            let there = width.min(as_order(edge.weight().rate_bps));
            let known = widths.get(&edge.target());
            if known.is_none_or(|&known| known < there) && query.usable(edge.weight()) {
                widths.insert(edge.target(), there);
                open.push((there, edge.target()));
            }
        }
    }
    None
}
