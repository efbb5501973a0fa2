//! The data network: what carries Kx, Kxi, Ck, Cq, Cx, Cxi, Mk, Mc, Mq, Mxi and Mu between nodes.
//!
//! By default it runs along the same ducts as the links; the shortest path of a pair is fixed when the plan is made. A
//! scenario may give a route length per pair instead. Light needs 5 ns per metre of fibre.
//!
//! Ways are found on first use, and kept. In a small network that is a tree of shortest paths from each node; in a large one
//! it would be memory in the square of the nodes, so only *hubs* (where managers and central controllers stand) have trees
//! there, and other pairs are searched for one by one, near ones at little cost. All are functions of the plan alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use super::plan::DuctSection;
use crate::ids::{DuctId, Id, NodeId};
use crate::kernel::Span;

/// Propagation in fibre \[ns/m\].
pub const NS_PER_METRE: u64 = 5;

/// A section of the data network between two nodes.
#[derive(Clone, Debug)]
struct Section {
    to: NodeId,
    delay: Span,
    ducts: Box<[DuctSection]>,
}

/// Shortest delays from one node, and the last section of each shortest path.
#[derive(Clone, Debug)]
struct Tree {
    delay: Vec<Option<Span>>,
    last: Vec<Option<(NodeId, u32)>>,
}

/// Up to so many nodes, each may have a tree: 28 MiB in all.
const FEW: usize = 1_024;

/// Delays between nodes.
#[derive(Debug, Default)]
pub struct DataNetwork {
    sections: Vec<Vec<Section>>,
    given: FxHashMap<(NodeId, NodeId), Span>,
    trees: Vec<OnceLock<Tree>>,
    hubs: Vec<bool>,
    /// Pairs of which neither is a hub, by the smaller node.
    pairs: Vec<Mutex<FxHashMap<NodeId, Option<Span>>>>,
}

impl Clone for DataNetwork {
    /// What was found is not copied.
    fn clone(&self) -> DataNetwork {
        let mut clone = DataNetwork::new(self.sections.len());
        clone.sections.clone_from(&self.sections);
        clone.given.clone_from(&self.given);
        clone.hubs.clone_from(&self.hubs);
        clone
    }
}

impl DataNetwork {
    /// A network of `nodes` nodes with no sections.
    pub fn new(nodes: usize) -> DataNetwork {
        DataNetwork {
            sections: vec![Vec::new(); nodes],
            given: FxHashMap::default(),
            trees: (0..nodes).map(|_| OnceLock::new()).collect(),
            hubs: vec![nodes <= FEW; nodes],
            pairs: (0..nodes).map(|_| Mutex::default()).collect(),
        }
    }

    /// Says that many speak with who stands there.
    pub fn hub(&mut self, node: NodeId) {
        self.hubs[node.index()] = true;
    }

    /// Joins two nodes along the ducts of a link of that length.
    pub fn join(&mut self, a: NodeId, b: NodeId, length_m: u64, ducts: &[DuctSection]) {
        self.join_both(a, b, Span(length_m * NS_PER_METRE), ducts);
    }

    /// Joins two nodes inside one site.
    pub fn join_locally(&mut self, a: NodeId, b: NodeId, delay: Span) {
        self.join_both(a, b, delay, &[]);
    }

    fn join_both(&mut self, a: NodeId, b: NodeId, delay: Span, ducts: &[DuctSection]) {
        self.sections[a.index()].push(Section {
            to: b,
            delay,
            ducts: ducts.into(),
        });
        self.sections[b.index()].push(Section {
            to: a,
            delay,
            ducts: ducts.into(),
        });
    }

    /// Gives the delay of one pair, whatever the sections say.
    pub fn give(&mut self, a: NodeId, b: NodeId, length_m: u64) {
        let delay = Span(length_m * NS_PER_METRE);
        self.given.insert((a, b), delay);
        self.given.insert((b, a), delay);
    }

    /// Delay from one node to another; `None` if nothing joins them.
    #[inline]
    pub fn delay(&self, from: NodeId, to: NodeId) -> Option<Span> {
        if from == to {
            return Some(Span::ZERO);
        }
        if !self.given.is_empty()
            && let Some(&delay) = self.given.get(&(from, to))
        {
            return Some(delay);
        }
        // Ways are the same in both directions.
        match [(from, to), (to, from)]
            .into_iter()
            .find(|(hub, _)| self.hubs[hub.index()])
        {
            Some((hub, other)) => self.tree(hub).delay[other.index()],
            None => self.between(from.min(to), from.max(to)),
        }
    }

    fn between(&self, from: NodeId, to: NodeId) -> Option<Span> {
        let pairs = &self.pairs[from.index()];
        let mut pairs = pairs.lock().unwrap_or_else(PoisonError::into_inner);
        *pairs.entry(to).or_insert_with(|| {
            let nearby = self.search(from, to);
            nearby.get(&to).map(|&(delay, _)| delay)
        })
    }

    /// Whether the path from one node to another runs over a cut: a duct and a place on it. Given routes run outside
    /// the ducts (assumption).
    pub fn crosses(&self, from: NodeId, to: NodeId, cut: impl Fn(DuctId, u64, u64) -> bool) -> bool {
        if from == to || self.given.contains_key(&(from, to)) {
            return false;
        }
        let (from, to) = match [(from, to), (to, from)]
            .into_iter()
            .find(|(hub, _)| self.hubs[hub.index()])
        {
            Some(pair) => pair,
            None => (from.min(to), from.max(to)),
        };
        let nearby = (!self.hubs[from.index()]).then(|| self.search(from, to));
        let last = |node: NodeId| match &nearby {
            Some(nearby) => nearby.get(&node).and_then(|&(_, last)| last),
            None => self.tree(from).last[node.index()],
        };
        let mut at = to;
        while let Some((before, section)) = last(at) {
            let section = &self.sections[before.index()][section as usize];
            if section
                .ducts
                .iter()
                .any(|duct| cut(duct.duct, duct.from_m, duct.to_m))
            {
                return true;
            }
            at = before;
        }
        false
    }

    #[inline]
    fn tree(&self, from: NodeId) -> &Tree {
        self.trees[from.index()].get_or_init(|| self.grow(from))
    }

    fn grow(&self, from: NodeId) -> Tree {
        let mut delay: Vec<Option<Span>> = vec![None; self.sections.len()];
        let mut last = vec![None; self.sections.len()];
        let mut open = BinaryHeap::new();
        delay[from.index()] = Some(Span::ZERO);
        open.push(Reverse((Span::ZERO, from)));
        while let Some(Reverse((reached, node))) = open.pop() {
            if delay[node.index()] != Some(reached) {
                continue;
            }
            for (number, section) in self.sections[node.index()].iter().enumerate() {
                let through = reached + section.delay;
                if delay[section.to.index()].is_none_or(|known| through < known) {
                    delay[section.to.index()] = Some(through);
                    last[section.to.index()] = Some((node, number as u32));
                    open.push(Reverse((through, section.to)));
                }
            }
        }
        Tree { delay, last }
    }

    /// Shortest delays from one node as far as another, and the last section of each shortest path.
    fn search(&self, from: NodeId, to: NodeId) -> FxHashMap<NodeId, (Span, Option<(NodeId, u32)>)> {
        let mut reached = FxHashMap::default();
        let mut open = BinaryHeap::from([Reverse((Span::ZERO, from))]);
        reached.insert(from, (Span::ZERO, None));
        while let Some(Reverse((delay, node))) = open.pop() {
            if node == to {
                break;
            }
            if reached[&node].0 != delay {
                continue;
            }
            for (number, section) in self.sections[node.index()].iter().enumerate() {
                let through = delay + section.delay;
                let known = reached.get(&section.to);
                if known.is_none_or(|(known, _)| through < *known) {
                    reached.insert(section.to, (through, Some((node, number as u32))));
                    open.push(Reverse((through, section.to)));
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However a way is found, it is as long.
        #[test]
        fn hubs_and_pairs_agree_with_trees(
            sections in prop::collection::vec((0..12_u32, 0..12_u32, 1..9_u64), 1..30),
            hub in 0..12_u32,
        ) {
            let mut small = DataNetwork::new(12);
            for (number, &(a, b, length)) in (0..).zip(&sections) {
                let section = DuctSection { duct: DuctId(number), from_m: 0, to_m: length };
                small.join(NodeId(a), NodeId(b), length, &[section]);
            }
            let mut large = small.clone();
            large.hubs = vec![false; 12];
            large.hub(NodeId(hub));
            for (a, b) in (0..12).flat_map(|a| (0..12).map(move |b| (NodeId(a), NodeId(b)))) {
                prop_assert_eq!(small.delay(a, b), large.delay(a, b));
                // The sections that its path crosses are as long together, whichever of several equal ones it is.
                let all = (0..).zip(&sections);
                let crossed = all.filter(|(duct, _)| large.crosses(a, b, |other, _, _| other == DuctId(*duct)));
                let length: u64 = crossed.map(|(_, (_, _, length))| length).sum();
                prop_assert_eq!(large.delay(a, b).unwrap_or(Span::ZERO), Span(length * NS_PER_METRE));
            }
        }
    }

    #[test]
    fn the_shortest_way_is_taken_and_kept() {
        let mut network = DataNetwork::new(4);
        for (a, b, duct, length) in [(0, 1, 0, 1_000), (1, 2, 1, 1_000), (0, 2, 2, 3_000)] {
            let section = DuctSection {
                duct: DuctId(duct),
                from_m: 0,
                to_m: length,
            };
            network.join(NodeId(a), NodeId(b), length, &[section]);
        }
        assert_eq!(network.delay(NodeId(0), NodeId(2)), Some(Span(10_000)));
        assert_eq!(network.delay(NodeId(0), NodeId(3)), None);
        assert!(network.crosses(NodeId(0), NodeId(2), |duct, _, _| duct == DuctId(1)));
        assert!(!network.crosses(NodeId(0), NodeId(2), |duct, _, _| duct == DuctId(2)));
        network.give(NodeId(2), NodeId(0), 7_000);
        assert_eq!(network.delay(NodeId(0), NodeId(2)), Some(Span(35_000)));
    }
}
