//! Key relay routing inside one QKDN: one algorithm per file.
//!
//! A controller routes over its own domain and over what it knows of it at that moment; what lies beyond the border
//! is the other controller's business (requirement A5).

pub mod apart;
pub mod disjoint;
mod distance_vector;
mod fewest_hops;
mod first_fit;
mod gpsrq;
mod key_aware;
mod least_delay;
mod search;
mod shortest_length;
mod widest;
mod widest_shortest;

pub use distance_vector::DistanceVector;
pub use fewest_hops::FewestHops;
pub use first_fit::{FirstFit, Yen};
pub use gpsrq::Gpsrq;
pub use key_aware::KeyAware;
pub use least_delay::LeastDelay;
pub use shortest_length::ShortestLength;
pub use widest::Widest;
pub use widest_shortest::WidestShortest;

use std::fmt;

use petgraph::graph::NodeIndex;

use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};
use crate::kernel::Span;

/// What is known of the key on a hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownKey {
    /// Key that is surely usable, as far as is known \[bits\]; `u64::MAX` where none is spent.
    pub usable_bits: u64,
    /// How old the last report is; `None`: nothing was told since the hop was provisioned.
    pub age: Option<Span>,
}

impl KnownKey {
    /// What is there at the start.
    pub fn provisioned(domain: &Domain, hop: &Hop) -> KnownKey {
        let store = domain.stores.get(&hop.id);
        KnownKey {
            usable_bits: store.map_or(u64::MAX, |store| store.initial.saturating_sub(store.floor)),
            age: None,
        }
    }
}

/// What is asked of a routing algorithm, and all that it may look at: the provisioned topology (lengths, rates, delays,
/// places), which hops may be used, and what is known of their key.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The QKDN.
    pub domain: &'a Domain,
    /// From which KM.
    pub from: NodeId,
    /// To which.
    pub to: NodeId,
    /// Key that a request takes on every hop \[bits\]; 0 where there is none yet.
    pub bits: u64,
    usable: &'a dyn Fn(&Hop) -> bool,
    key: Option<&'a dyn Fn(&Hop) -> KnownKey>,
}

impl<'a> Query<'a> {
    /// Asks for a path over any hops, by what is provisioned.
    pub fn new(domain: &'a Domain, from: NodeId, to: NodeId) -> Query<'a> {
        Query {
            domain,
            from,
            to,
            bits: 0,
            usable: &|_| true,
            key: None,
        }
    }

    /// The same over these hops only.
    #[must_use]
    pub fn over<'b>(self, usable: &'b dyn Fn(&Hop) -> bool) -> Query<'b>
    where
        'a: 'b,
    {
        Query { usable, ..self }
    }

    /// The same by what is known of the key on hops.
    #[must_use]
    pub fn knowing<'b>(self, key: &'b dyn Fn(&Hop) -> KnownKey) -> Query<'b>
    where
        'a: 'b,
    {
        Query {
            key: Some(key),
            ..self
        }
    }

    /// The same for a request of that size.
    #[must_use]
    pub fn asking(self, bits: u64) -> Query<'a> {
        Query { bits, ..self }
    }

    /// Whether a path may use a hop.
    pub fn usable(&self, hop: &Hop) -> bool {
        (self.usable)(hop)
    }

    /// What is known of the key on a hop.
    pub fn key(&self, hop: &Hop) -> KnownKey {
        match self.key {
            Some(key) => key(hop),
            None => KnownKey::provisioned(self.domain, hop),
        }
    }

    /// Where the ends stand in the graph; `None` if one is not in this QKDN.
    pub fn ends(&self) -> Option<[NodeIndex; 2]> {
        let place = |node| self.domain.index.get(node).copied();
        Some([place(&self.from)?, place(&self.to)?])
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Query { from, to, bits, .. } = self;
        write!(f, "{bits} bits from {from:?} to {to:?}")
    }
}

/// How controllers exchange distance vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VectorExchange {
    /// How often each tells its neighbours all of its distances.
    pub period: Span,
    /// How long after it has told a change it waits with the next.
    pub pause: Span,
    /// The distance \[hops\] that counts as unreachable.
    pub infinity: u16,
}

/// A way to choose a path of hops.
///
/// A result is a function of the query alone. An algorithm of your own needs [`route`](Self::route) only, and takes what
/// it needs of the [`Query`]: the graph with its [`Hop`]s, [`usable`](Query::usable), [`key`](Query::key).
pub trait RoutingAlgorithm: fmt::Debug + Send + Sync {
    /// The path from one KM to the other over hops that are [usable](Query::usable): no hop and no node twice, empty if
    /// both ends are the same; `None` if there is none.
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>>;

    /// What a path costs by this algorithm, and the unit; for explanations only. Default: its hops.
    fn cost(&self, query: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        let _ = query;
        (path.len() as f64, "hops")
    }

    /// Whether paths depend on what is known of key, so that controllers tell each other every class of a level; default:
    /// they do.
    fn weighs_key(&self) -> bool {
        true
    }

    /// How controllers of a distributed QKDN find paths by distance vectors instead of by this algorithm over what is
    /// flooded; default: they do not.
    fn exchange(&self) -> Option<VectorExchange> {
        None
    }
}

#[cfg(test)]
mod tests;
