//! Key-aware link state: each hop costs the more, the less key there is on it.

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::ids::HopId;
use crate::kernel::Span;

/// Minimises Σ w, with w = 1 + R / (S + r·T): S the key that is surely usable on the hop, by what was told of its store
/// \[bits\], r its provisioned key rate \[bit/s\], T the horizon, R the reference.
///
/// S + r·T is the key that the hop will have had within the horizon. The 1 is the key that every hop spends, so that
/// with ample key this is fewest hops; a hop whose key within T is R counts as two, one that has a tenth of it as eleven.
/// It is OSPF's cost, reference over capacity (RFC 2328), with key in the place of bandwidth, as Tanizawa, Takahashi and
/// Dixon (2016, as remembered) route by stored key, and Yang, Zhang and Su (2018) by what is stored and what is made.
///
/// Complexity: as the search (`search.rs`) under it; the provisioned distance in hops is its lower bound.
#[derive(Clone, Copy, Debug)]
pub struct KeyAware {
    /// R \[bits\].
    pub reference_bits: u64,
    /// T.
    pub horizon: Span,
}

/// A hop without want of key, in the search's integers.
const UNIT: u64 = 1_000_000;

/// No hop counts as more than so many.
const MOST: f64 = 1e6;

impl KeyAware {
    /// w of a hop.
    pub fn weight(&self, query: &Query<'_>, hop: &Hop) -> f64 {
        if hop.store().is_none() {
            return 1.0;
        }
        let within = query.key(hop).usable_bits as f64 + hop.rate_bps * self.horizon.as_seconds();
        1.0 + (self.reference_bits as f64 / within).min(MOST)
    }
}

impl RoutingAlgorithm for KeyAware {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let cost = |hop: &Hop| (self.weight(query, hop) * UNIT as f64) as u64;
        cheapest(query, Cost::Known(UNIT, &cost))
    }

    fn cost(&self, query: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        let sum = path.iter().map(|hop| self.weight(query, hop)).sum();
        (sum, "weighted hops")
    }
}
