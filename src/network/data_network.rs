//! The data network: what carries Kx, Kxi, Ck, Cq, Cx, Cxi, Mk, Mc, Mq, Mxi and Mu between nodes.
//!
//! By default it runs along the same ducts as the links; the shortest path of a pair is fixed when the plan is made. A
//! scenario may give a route length per pair instead. Light needs 5 ns per metre of fibre.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;

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

/// Delays between nodes, found per source on first use (a function of the plan alone) and kept.
#[derive(Clone, Debug, Default)]
pub struct DataNetwork {
    sections: Vec<Vec<Section>>,
    given: FxHashMap<(NodeId, NodeId), Span>,
    trees: Vec<OnceLock<Tree>>,
}

impl DataNetwork {
    /// A network of `nodes` nodes with no sections.
    pub fn new(nodes: usize) -> DataNetwork {
        DataNetwork {
            sections: vec![Vec::new(); nodes],
            given: FxHashMap::default(),
            trees: (0..nodes).map(|_| OnceLock::new()).collect(),
        }
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
        self.tree(from).delay[to.index()]
    }

    /// Whether the path from one node to another runs over a cut: a duct and a place on it. Given routes run outside
    /// the ducts (assumption).
    pub fn crosses(&self, from: NodeId, to: NodeId, cut: impl Fn(DuctId, u64, u64) -> bool) -> bool {
        if from == to || self.given.contains_key(&(from, to)) {
            return false;
        }
        let tree = self.tree(from);
        let mut at = to;
        while let Some((before, section)) = tree.last[at.index()] {
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
