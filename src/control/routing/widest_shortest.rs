//! Widest-shortest: of the paths of fewest hops the one whose slowest link is fastest.

use rustc_hash::FxHashMap;

use super::search::{Cost, all_cheapest};
use super::widest::{as_order, slowest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::distances::Weight;
use crate::ids::HopId;

/// Minimises hops, then maximises the least provisioned key rate.
///
/// Key first, balance second: no path spends more link key than it must, and among those that spend the least, links that
/// make little are spared. Complexity: the search's, and once over the hops of the shortest paths. Source: Guérin, Orda,
/// Williams (1997), with key rate in the place of bandwidth.
#[derive(Clone, Copy, Debug, Default)]
pub struct WidestShortest;

impl RoutingAlgorithm for WidestShortest {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let paths = all_cheapest(query, Cost::Provisioned(Weight::Hops))?;
        let mut widths = FxHashMap::from_iter([(paths.to, u64::MAX)]);
        for node in &paths.backwards {
            let Some(ahead) = paths.ahead.get(node) else {
                continue; // the goal
            };
            let through = ahead
                .iter()
                .map(|(next, hop)| as_order(hop.rate_bps).min(widths[next]));
            widths.insert(*node, through.max().expect("it leads on"));
        }
        let width = widths[&paths.from];
        Some(paths.walk(|(next, hop)| as_order(hop.rate_bps).min(widths[next]) >= width))
    }

    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        slowest(path)
    }
}
