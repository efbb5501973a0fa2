//! Routing: what a scenario says, as an algorithm.

use std::sync::Arc;

use crate::architecture::distances::Weight;
use crate::control::routing::{
    DistanceVector, FewestHops, FirstFit, Gpsrq, KeyAware, LeastDelay, RoutingAlgorithm, ShortestLength,
    VectorExchange, Widest, WidestShortest,
};
use crate::scenario::document::{Routing, ShortBy};

/// The algorithm that a scenario names.
pub(super) fn algorithm(routing: &Routing) -> Arc<dyn RoutingAlgorithm> {
    match routing {
        Routing::FewestHops(_) => Arc::new(FewestHops),
        Routing::ShortestLength(_) => Arc::new(ShortestLength),
        Routing::LeastDelay(_) => Arc::new(LeastDelay),
        Routing::KeyAware(key_aware) => Arc::new(KeyAware {
            reference_bits: key_aware.reference.0,
            horizon: key_aware.horizon,
        }),
        Routing::Widest(_) => Arc::new(Widest),
        Routing::WidestShortest(_) => Arc::new(WidestShortest),
        Routing::KShortest(shortest) => Arc::new(FirstFit {
            paths: shortest.k as usize,
            by: match shortest.by {
                ShortBy::Hops => Weight::Hops,
                ShortBy::Length => Weight::Metres,
                ShortBy::Delay => Weight::Delay,
            },
        }),
        Routing::DistanceVector(vectors) => Arc::new(DistanceVector {
            exchange: VectorExchange {
                period: vectors.period,
                pause: vectors.pause,
                infinity: vectors.infinity.min(u32::from(u16::MAX)) as u16,
            },
        }),
        Routing::Gpsrq(gpsrq) => Arc::new(Gpsrq {
            distance_weight: gpsrq.distance_weight,
        }),
    }
}
