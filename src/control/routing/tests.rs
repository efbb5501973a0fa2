//! Every algorithm against an oracle that lists all paths without loops, on small random networks with hops that may not be
//! used, ties, links side by side, and key that is known to be scarce.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use petgraph::graph::DiGraph;
use proptest::prelude::*;
use rustc_hash::FxHashMap;

use super::*;
use crate::architecture::distances::{Distances, Weight};
use crate::architecture::surroundings::{RelayScheme, StoreSettings};
use crate::architecture::{Handover, Protection};
use crate::ids::{ControllerId, QkdnId, StoreId};
use crate::units::Fraction;

/// A link between two nodes.
#[derive(Clone, Copy, Debug)]
struct Link {
    ends: (u32, u32),
    length_m: u64,
    delay: u64,
    rate_bps: f64,
    /// Usable key from the first end, and from the second.
    key: [u64; 2],
}

/// A domain of links; hop ids are 2 i and 2 i + 1, stores have their hop's number.
fn domain(places: &[[f64; 2]], links: &[Link]) -> Domain {
    let nodes = places.len() as u32;
    let mut graph = DiGraph::new();
    let mut index = FxHashMap::default();
    for node in 0..nodes {
        index.insert(NodeId(node), graph.add_node(NodeId(node)));
    }
    let (mut hops, mut stores) = (FxHashMap::default(), FxHashMap::default());
    for (number, link) in links.iter().enumerate() {
        let (a, b) = link.ends;
        for (way, (from, to)) in [(a, b), (b, a)].into_iter().enumerate() {
            let id = HopId((2 * number + way) as u32);
            let hop = Hop {
                id,
                from: NodeId(from),
                to: NodeId(to),
                protection: Protection::OneTimePad(StoreId(id.0)),
                handover: Handover::Relay,
                link: None,
                length_m: link.length_m,
                delay: Span(link.delay),
                rate_bps: link.rate_bps,
                crosses_border: false,
                to_qkdn: QkdnId(0),
            };
            graph.add_edge(index[&NodeId(from)], index[&NodeId(to)], hop.clone());
            hops.insert(id, hop);
            let store = StoreSettings {
                id: StoreId(id.0),
                hop: id,
                initial: link.key[way],
                capacity: 1 << 20,
                floor: 0,
                max_age: None,
            };
            stores.insert(id, store);
        }
    }
    let places = places.iter().enumerate();
    Domain {
        relay: RelayScheme::HopByHop,
        qkdn: QkdnId(0),
        graph,
        index,
        controller_of: (0..nodes).map(|node| (NodeId(node), ControllerId(0))).collect(),
        hops,
        stores,
        positions: places
            .map(|(node, &place)| (NodeId(node as u32), place))
            .collect(),
        distances: Distances::default(),
    }
}

/// A domain of undirected links (a, b, length, rate) with nothing in their stores.
pub(super) fn plain(nodes: usize, links: &[(u32, u32, u64, f64)]) -> Domain {
    let link = |&(a, b, length_m, rate_bps)| Link {
        ends: (a, b),
        length_m,
        delay: 0,
        rate_bps,
        key: [0, 0],
    };
    domain(
        &vec![[0.0, 0.0]; nodes],
        &links.iter().map(link).collect::<Vec<_>>(),
    )
}

/// All paths without loops over usable hops.
fn all_paths(query: &Query<'_>) -> Vec<Vec<HopId>> {
    fn extend(
        query: &Query<'_>,
        at: NodeId,
        passed: &mut Vec<NodeId>,
        path: &mut Vec<HopId>,
        all: &mut Vec<Vec<HopId>>,
    ) {
        if at == query.to {
            all.push(path.clone());
            return;
        }
        passed.push(at);
        for hop in query.domain.graph.edge_weights() {
            if hop.from == at && !passed.contains(&hop.to) && query.usable(hop) {
                path.push(hop.id);
                extend(query, hop.to, passed, path, all);
                path.pop();
            }
        }
        passed.pop();
    }
    let mut all = Vec::new();
    extend(query, query.from, &mut Vec::new(), &mut Vec::new(), &mut all);
    all
}

/// The best of all paths: by `rank`, then by hops, then by the hops' numbers.
fn best<R: Ord>(query: &Query<'_>, all: &[Vec<HopId>], rank: impl Fn(&[&Hop]) -> R) -> Option<Vec<HopId>> {
    let hops =
        |path: &[HopId]| -> Vec<Hop> { path.iter().map(|hop| query.domain.hops[hop].clone()).collect() };
    let ranked = all.iter().map(|path| {
        let hops = hops(path);
        let hops: Vec<&Hop> = hops.iter().collect();
        (rank(&hops), path.len(), path)
    });
    ranked.min().map(|(_, _, path)| path.clone())
}

fn sum(path: &[&Hop], of: impl Fn(&Hop) -> u64) -> u64 {
    path.iter().map(|hop| of(hop)).sum()
}

fn width(path: &[&Hop]) -> u64 {
    path.iter()
        .map(|hop| hop.rate_bps.to_bits())
        .min()
        .unwrap_or(u64::MAX)
}

const KEY_AWARE: KeyAware = KeyAware {
    reference_bits: 5_000,
    horizon: Span::from_seconds(2),
};

/// Ranks a path by its hops: less is better.
type Rank<'a> = &'a dyn Fn(&[&Hop]) -> (u64, Reverse<u64>);

/// Holds every algorithm to what it says that it optimises.
fn hold(query: &Query<'_>) -> Result<(), TestCaseError> {
    let all = all_paths(query);
    let domain = query.domain;
    let optimum = |rank: Rank<'_>| best(query, &all, rank);

    let fewest = optimum(&|_| (0, Reverse(0)));
    prop_assert_eq!(FewestHops.route(query), fewest.clone());
    let shortest = optimum(&|path| (sum(path, |hop| hop.length_m), Reverse(0)));
    prop_assert_eq!(ShortestLength.route(query), shortest);
    let soonest = optimum(&|path| (sum(path, |hop| hop.delay.0), Reverse(0)));
    prop_assert_eq!(LeastDelay.route(query), soonest);
    let millionths = |hop: &Hop| (KEY_AWARE.weight(query, hop) * 1e6) as u64;
    let ample = optimum(&|path| (sum(path, millionths), Reverse(0)));
    prop_assert_eq!(KEY_AWARE.route(query), ample);
    let widest = optimum(&|path| (0, Reverse(width(path))));
    prop_assert_eq!(Widest.route(query), widest);
    let widest_shortest = optimum(&|path| (path.len() as u64, Reverse(width(path))));
    prop_assert_eq!(WidestShortest.route(query), widest_shortest);

    for by in [Weight::Hops, Weight::Metres, Weight::Delay] {
        let mut ranked: Vec<(u64, usize, &Vec<HopId>)> = all
            .iter()
            .map(|path| {
                (
                    path.iter().map(|hop| by.of(&domain.hops[hop])).sum(),
                    path.len(),
                    path,
                )
            })
            .collect();
        ranked.sort();
        let ranked: Vec<&Vec<HopId>> = ranked.into_iter().map(|(_, _, path)| path).collect();
        let found: Vec<Vec<HopId>> = Yen::new(query, by).take(20).collect();
        let first: Vec<&Vec<HopId>> = ranked.iter().copied().take(20).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), first);
        for paths in [1, 3] {
            let fits = |path: &&&Vec<HopId>| {
                path.iter()
                    .all(|hop| query.key(&domain.hops[hop]).usable_bits >= query.bits)
            };
            let fit = ranked.iter().take(paths).find(fits).or(ranked.first());
            prop_assert_eq!(FirstFit { paths, by }.route(query), fit.copied().cloned());
        }
    }

    for distance_weight in [Fraction::ZERO, Fraction::HALF, Fraction::ONE] {
        let path = Gpsrq { distance_weight }.route(query);
        // Its walk ends at the goal whenever a path leads there, and what is left of it is one of them.
        prop_assert_eq!(path.is_some(), !all.is_empty());
        prop_assert!(path.is_none_or(|path| all.contains(&path)));
    }
    Ok(())
}

prop_compose! {
    fn link(nodes: u32)(
        ends in (0..nodes, 0..nodes),
        length_m in 1..4_u64,
        delay in 1..6_u64,
        rate in 1..4_u32,
        key in [0..3_u64, 0..3_u64],
    ) -> Link {
        Link { ends, length_m, delay, rate_bps: f64::from(rate) * 100.0, key: key.map(|key| key * 1_000) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// What was worked out for one question serves the next ones, over other hops.
    #[test]
    fn every_algorithm_finds_what_it_optimises(
        places in prop::collection::vec([0..5_u32, 0..5_u32], 6),
        links in prop::collection::vec(link(6), 1..12),
        questions in prop::collection::vec(
            (0..6_u32, 0..6_u32, prop::collection::btree_set(0..24_u32, 0..6), 0..3_u64), 1..4),
    ) {
        let places: Vec<[f64; 2]> = places.iter().map(|place| place.map(f64::from)).collect();
        let links: Vec<Link> = links.into_iter().filter(|link| link.ends.0 != link.ends.1).collect();
        let domain = domain(&places, &links);
        for (from, to, broken, need) in questions {
            let broken: BTreeSet<HopId> = broken.into_iter().map(HopId).collect();
            let usable = |hop: &Hop| !broken.contains(&hop.id);
            let query = Query::new(&domain, NodeId(from), NodeId(to)).asking(need * 1_000);
            hold(&query.over(&usable))?;
            // Knowledge that is worse than what was provisioned.
            let poor = |hop: &Hop| KnownKey {
                usable_bits: u64::from(hop.id.0 % 3) * 700,
                age: Some(Span(1)),
            };
            hold(&query.over(&usable).knowing(&poor))?;
        }
    }
}

/// 0 – 1 – 2 is short in hops, 0 – 3 – 4 – 2 short in metres and wide.
fn square() -> Domain {
    let link = |ends, length_m, delay, rate_bps| Link {
        ends,
        length_m,
        delay,
        rate_bps,
        key: [2_000, 2_000],
    };
    let links = [
        link((0, 1), 50_000, 350_000, 10.0),
        link((1, 2), 50_000, 350_000, 5.0),
        link((0, 3), 1_000, 105_000, 90.0),
        link((3, 4), 1_000, 105_000, 80.0),
        link((4, 2), 1_000, 105_000, 70.0),
    ];
    domain(
        &[[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [0.5, -1.0], [1.5, -1.0]],
        &links,
    )
}

#[test]
fn each_algorithm_takes_its_own_way() {
    let square = square();
    let query = Query::new(&square, NodeId(0), NodeId(2));
    let few = Some(vec![HopId(0), HopId(2)]);
    let wide = Some(vec![HopId(4), HopId(6), HopId(8)]);
    assert_eq!(FewestHops.route(&query), few);
    assert_eq!(WidestShortest.route(&query), few);
    for algorithm in [&ShortestLength as &dyn RoutingAlgorithm, &LeastDelay, &Widest] {
        assert_eq!(algorithm.route(&query), wide, "{algorithm:?}");
    }
    // With ample key a hop more is a hop more; where it is scarce, the longer way is worth it.
    let key_aware = KeyAware {
        reference_bits: 1_000,
        horizon: Span::ZERO,
    };
    assert_eq!(key_aware.route(&query), few);
    let scarce = |hop: &Hop| KnownKey {
        usable_bits: if hop.id.0 < 4 { 100 } else { 2_000 },
        age: Some(Span(1)),
    };
    assert_eq!(key_aware.route(&query.knowing(&scarce)), wide);
    let fit = FirstFit {
        paths: 2,
        by: Weight::Hops,
    };
    assert_eq!(fit.route(&query.asking(500)), few);
    assert_eq!(fit.route(&query.knowing(&scarce).asking(500)), wide);
    // Where none of the k fits, the request waits on the shortest.
    assert_eq!(fit.route(&query.asking(5_000)), few);
    assert_eq!(
        FirstFit { paths: 1, ..fit }.route(&query.knowing(&scarce).asking(500)),
        few
    );
}

#[test]
fn what_is_not_usable_is_not_used() {
    let square = square();
    let query = Query::new(&square, NodeId(0), NodeId(2));
    let without_first = |hop: &Hop| hop.id != HopId(0);
    let path = FewestHops.route(&query.over(&without_first));
    assert_eq!(path, Some(vec![HopId(4), HopId(6), HopId(8)]));
    let nothing = |_: &Hop| false;
    assert_eq!(FewestHops.route(&query.over(&nothing)), None);
    let stay = Query::new(&square, NodeId(2), NodeId(2));
    assert_eq!(FewestHops.route(&stay.over(&nothing)), Some(vec![]));
}

/// A dead end towards the goal: greedy forwarding runs into it, the walk returns, and the right hand finds the way round.
#[test]
fn gpsrq_gets_out_of_a_dead_end() {
    let places = [[0.0, 0.0], [4.0, 0.0], [0.0, 3.0], [6.0, 3.0], [6.0, 0.0]];
    let link = |a, b| Link {
        ends: (a, b),
        length_m: 1_000,
        delay: 1,
        rate_bps: 1.0,
        key: [1_000, 1_000],
    };
    let domain = domain(&places, &[link(0, 1), link(0, 2), link(2, 3), link(3, 4)]);
    let gpsrq = Gpsrq {
        distance_weight: Fraction::HALF,
    };
    let path = gpsrq.route(&Query::new(&domain, NodeId(0), NodeId(4)));
    assert_eq!(path, Some(vec![HopId(2), HopId(4), HopId(6)]));
}

/// Of two neighbours that are as near, the one with more key: and with no weight on key, the first.
#[test]
fn gpsrq_spares_links_with_little_key() {
    let places = [[0.0, 0.0], [1.0, 1.0], [1.0, -1.0], [2.0, 0.0]];
    let link = |a, b, key| Link {
        ends: (a, b),
        length_m: 1_000,
        delay: 1,
        rate_bps: 1.0,
        key: [key, key],
    };
    let links = [
        link(0, 1, 100),
        link(0, 2, 5_000),
        link(1, 3, 5_000),
        link(2, 3, 5_000),
    ];
    let domain = domain(&places, &links);
    let query = Query::new(&domain, NodeId(0), NodeId(3));
    let by = |distance_weight| Gpsrq { distance_weight }.route(&query).unwrap()[0];
    assert_eq!(by(Fraction::HALF), HopId(2));
    assert_eq!(by(Fraction::ONE), HopId(0));
}
