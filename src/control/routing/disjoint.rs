//! Node-disjoint paths: as many as there are, up to a number, of fewest hops in all.
//!
//! Successive shortest augmenting paths over the graph whose inner nodes are split in two, so that each is passed at most
//! once (Suurballe 1974; Bhandari 1999): a greedy choice of one path after the other can miss pairs that exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// One way through the split graph: to which node, at which of its halves, over which hop if over one.
#[derive(Clone, Copy, Debug)]
struct Step {
    to: (NodeId, Half),
    cost: i64,
    /// The hop and whether it is taken (or given back).
    hop: Option<(HopId, bool)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Half {
    In,
    Out,
}

/// What it costs to come to a place, and from where by which step.
type Reached = (i64, Option<((NodeId, Half), Step)>);

/// Up to `most` paths from one KM to another over hops that `usable` lets through, which share no node but their ends; the
/// shortest first. Complexity: O(k V E), by Bellman and Ford.
pub fn disjoint_paths(
    domain: &Domain,
    usable: &dyn Fn(&Hop) -> bool,
    from: NodeId,
    to: NodeId,
    most: usize,
) -> Vec<Vec<HopId>> {
    if from == to {
        return vec![Vec::new(); most];
    }
    let mut hops: Vec<&Hop> = domain
        .graph
        .edge_weights()
        .filter(|hop| usable(hop) && hop.to != from && hop.from != to)
        .collect();
    hops.sort_by_key(|hop| hop.id);
    let mut taken: BTreeSet<HopId> = BTreeSet::new();
    for _ in 0..most {
        let Some(path) = augmenting(&hops, &taken, from, to) else {
            break;
        };
        for (hop, takes) in path {
            if takes {
                taken.insert(hop);
            } else {
                taken.remove(&hop);
            }
        }
    }
    let onward: BTreeMap<NodeId, Vec<&Hop>> = hops.iter().filter(|hop| taken.contains(&hop.id)).fold(
        BTreeMap::new(),
        |mut onward: BTreeMap<NodeId, Vec<&Hop>>, hop| {
            onward.entry(hop.from).or_default().push(hop);
            onward
        },
    );
    let starts = onward.get(&from).map_or(&[][..], Vec::as_slice);
    let mut paths: Vec<Vec<HopId>> = starts
        .iter()
        .map(|first| {
            let (mut path, mut at) = (vec![first.id], first.to);
            while at != to {
                let next = onward[&at][0]; // an inner node is passed once
                path.push(next.id);
                at = next.to;
            }
            path
        })
        .collect();
    paths.sort_by_key(|path| (path.len(), path.clone()));
    paths
}

/// The shortest path that adds one more to those taken, giving back hops of theirs where that helps.
fn augmenting(
    hops: &[&Hop],
    taken: &BTreeSet<HopId>,
    from: NodeId,
    to: NodeId,
) -> Option<Vec<(HopId, bool)>> {
    let mut steps: BTreeMap<(NodeId, Half), Vec<Step>> = BTreeMap::new();
    let mut passed: BTreeSet<NodeId> = BTreeSet::new();
    for hop in hops {
        let is_taken = taken.contains(&hop.id);
        let (a, b) = ((hop.from, Half::Out), (hop.to, Half::In));
        let (at, step) = if is_taken {
            passed.insert(hop.to);
            (
                b,
                Step {
                    to: a,
                    cost: -1,
                    hop: Some((hop.id, false)),
                },
            )
        } else {
            (
                a,
                Step {
                    to: b,
                    cost: 1,
                    hop: Some((hop.id, true)),
                },
            )
        };
        steps.entry(at).or_default().push(step);
    }
    let nodes: BTreeSet<NodeId> = hops.iter().flat_map(|hop| [hop.from, hop.to]).collect();
    for node in nodes {
        let (inner, outer) = ((node, Half::In), (node, Half::Out));
        // A node that is passed can only be given back.
        let (at, to) = if passed.contains(&node) {
            (outer, inner)
        } else {
            (inner, outer)
        };
        steps.entry(at).or_default().push(Step {
            to,
            cost: 0,
            hop: None,
        });
    }
    let mut best: BTreeMap<(NodeId, Half), Reached> = BTreeMap::new();
    best.insert((from, Half::Out), (0, None));
    loop {
        let mut better = false;
        for (&at, leaving) in &steps {
            let Some(&(cost, _)) = best.get(&at) else { continue };
            for &step in leaving {
                let new = cost + step.cost;
                if best.get(&step.to).is_none_or(|&(old, _)| new < old) {
                    best.insert(step.to, (new, Some((at, step))));
                    better = true;
                }
            }
        }
        if !better {
            break;
        }
    }
    let mut at = (to, Half::In);
    let mut path = Vec::new();
    best.get(&at)?;
    while let Some((before, step)) = best[&at].1 {
        path.extend(step.hop);
        at = before;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::super::tests::plain as domain;
    use super::*;
    use proptest::prelude::*;

    /// All simple paths, the slow way.
    fn all_paths(domain: &Domain, from: NodeId, to: NodeId) -> Vec<(Vec<HopId>, Vec<NodeId>)> {
        let mut found = Vec::new();
        let mut open = vec![(from, Vec::new(), vec![from])];
        while let Some((at, path, nodes)) = open.pop() {
            if at == to {
                found.push((path, nodes));
                continue;
            }
            for hop in domain.graph.edge_weights().filter(|hop| hop.from == at) {
                if !nodes.contains(&hop.to) {
                    let (mut path, mut nodes) = (path.clone(), nodes.clone());
                    path.push(hop.id);
                    nodes.push(hop.to);
                    open.push((hop.to, path, nodes));
                }
            }
        }
        found
    }

    /// The least number of hops of `k` node-disjoint paths, the slow way.
    fn least(
        paths: &[(Vec<HopId>, Vec<NodeId>)],
        k: usize,
        used: &[NodeId],
        hops: &[HopId],
    ) -> Option<usize> {
        if k == 0 {
            return Some(0);
        }
        let mut best = None;
        for (at, (path, nodes)) in paths.iter().enumerate() {
            let inner = &nodes[1..nodes.len() - 1];
            if inner.iter().any(|node| used.contains(node)) || path.iter().any(|hop| hops.contains(hop)) {
                continue;
            }
            let used = [used, inner].concat();
            let hops = [hops, path].concat();
            let rest = least(&paths[at + 1..], k - 1, &used, &hops).map(|rest| rest + path.len());
            best = best.into_iter().chain(rest).min();
        }
        best
    }

    #[test]
    fn the_trap_that_a_greedy_choice_falls_into() {
        // 0–1–2–5 is shortest, and leaves no second path; 0–1–4–5 and 0–3–2–5 are disjoint.
        let links = [(0, 1), (1, 2), (2, 5), (0, 3), (3, 2), (1, 4), (4, 5)];
        let links: Vec<_> = links.iter().map(|&(a, b)| (a, b, 1, 1.0)).collect();
        let domain = domain(6, &links);
        let paths = disjoint_paths(&domain, &|_| true, NodeId(0), NodeId(5), 3);
        assert_eq!(paths.len(), 2);
        assert_eq!(paths.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    }

    proptest! {
        /// Against all combinations of simple paths: as many as there are, in as few hops, and disjoint.
        #[test]
        fn as_many_as_there_are_in_fewest_hops(
            links in proptest::collection::btree_set((0u32..6, 0u32..6), 1..12),
            most in 1usize..4,
        ) {
            let links: Vec<_> = links.into_iter().filter(|(a, b)| a < b).map(|(a, b)| (a, b, 1, 1.0)).collect();
            let domain = domain(6, &links);
            let (from, to) = (NodeId(0), NodeId(5));
            let paths = disjoint_paths(&domain, &|_| true, from, to, most);
            let all = all_paths(&domain, from, to);
            let (found, hops) = (0..=most)
                .rev()
                .find_map(|k| Some((k, least(&all, k, &[], &[])?)))
                .expect("none is always possible");
            prop_assert_eq!(paths.len(), found);
            prop_assert_eq!(paths.iter().map(Vec::len).sum::<usize>(), hops);
            let mut seen = BTreeSet::new();
            for path in &paths {
                let (_, nodes) = all.iter().find(|(other, _)| other == path).expect("a path of the graph");
                for node in &nodes[1..nodes.len() - 1] {
                    prop_assert!(seen.insert(*node), "{:?} is passed twice", node);
                }
            }
        }
    }
}
