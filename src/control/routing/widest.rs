//! Widest path: the one whose slowest link is fastest; among those, of fewest hops.

use super::{RoutingAlgorithm, cheapest};
use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// Bottleneck routing by provisioned key rate: the widest threshold that still leaves a path, found by bisection,
/// then fewest hops over the links at least that wide. Complexity: O((V + E) log V log E).
#[derive(Clone, Copy, Debug, Default)]
pub struct Widest;

impl RoutingAlgorithm for Widest {
    fn weighs_key(&self) -> bool {
        false
    }

    fn route(
        &self,
        domain: &Domain,
        usable: &dyn Fn(&Hop) -> bool,
        from: NodeId,
        to: NodeId,
    ) -> Option<Vec<HopId>> {
        let mut widths: Vec<f64> = domain
            .graph
            .edge_weights()
            .filter(|hop| usable(hop))
            .map(|hop| hop.rate_bps)
            .collect();
        widths.sort_by(f64::total_cmp);
        widths.dedup();
        let wide_enough = |width: f64| {
            cheapest(
                domain,
                &|hop| usable(hop) && hop.rate_bps >= width,
                &|_| 1,
                from,
                to,
            )
        };
        // The wider the demand, the fewer the paths: the last width that leaves one is the answer.
        let beyond = widths.partition_point(|&width| wide_enough(width).is_some());
        match beyond {
            0 => wide_enough(f64::NEG_INFINITY),
            _ => wide_enough(widths[beyond - 1]),
        }
    }

    /// The width: the rate of the slowest hop.
    fn cost(&self, path: &[&Hop]) -> (f64, &'static str) {
        let slowest = path.iter().map(|hop| hop.rate_bps).min_by(f64::total_cmp);
        // A path inside one trusted node has no slowest hop, and JSON no infinity.
        (slowest.unwrap_or(f64::MAX).min(f64::MAX), "bit/s")
    }
}
