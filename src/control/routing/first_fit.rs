//! First fit of Yen's k shortest paths.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::distances::{Weight, with_hop};
use crate::ids::{HopId, NodeId};

/// Of the k shortest paths without loops, the first on which every hop has enough key for the request, as far as is known;
/// if none has, the shortest, and the request waits there.
///
/// Paths are found one by one: where the shortest fits, no other is looked for. Complexity: k·L searches at most, with L
/// hops per path. Source: Yen (1971), with Lawler's (1972) rule that spurs begin where a path left its parent. (The crate
/// pathfinding has Yen's algorithm too, but finds all k at once, by Dijkstra over the whole network.)
#[derive(Clone, Copy, Debug)]
pub struct FirstFit {
    /// k.
    pub paths: usize,
    /// What is short.
    pub by: Weight,
}

impl RoutingAlgorithm for FirstFit {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let mut shortest = None;
        for path in Yen::new(query, self.by).take(self.paths) {
            let hops = path.iter().map(|id| &query.domain.hops[id]);
            if hops
                .map(|hop| query.key(hop).usable_bits)
                .all(|usable| usable >= query.bits)
            {
                return Some(path);
            }
            shortest.get_or_insert(path);
        }
        shortest
    }

    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        let sum: u64 = path.iter().map(|hop| self.by.of(hop)).sum();
        match self.by {
            Weight::Hops => (sum as f64, "hops"),
            Weight::Metres => (sum as f64, "m"),
            Weight::Delay => (sum as f64 / 1e6, "ms"),
        }
    }
}

/// A path that may come next.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Candidate {
    cost: u64,
    path: Vec<HopId>,
    /// Where it left the path that it was made of.
    left_at: usize,
}

/// Paths without loops by rising cost; among equals by hops, then those whose hops come first.
pub struct Yen<'a> {
    query: Query<'a>,
    by: Weight,
    found: Vec<Vec<HopId>>,
    /// Where the last of them left the path that it was made of.
    left_at: usize,
    candidates: BTreeSet<Candidate>,
}

impl<'a> Yen<'a> {
    /// The paths that answer a query.
    pub fn new(query: &Query<'a>, by: Weight) -> Yen<'a> {
        let mut yen = Yen {
            query: *query,
            by,
            found: Vec::new(),
            left_at: 0,
            candidates: BTreeSet::new(),
        };
        let first = cheapest(query, Cost::Provisioned(by));
        yen.candidates.extend(first.map(|path| yen.candidate(path, 0)));
        yen
    }

    fn candidate(&self, path: Vec<HopId>, left_at: usize) -> Candidate {
        let hops = &self.query.domain.hops;
        Candidate {
            cost: path.iter().map(|hop| with_hop(self.by.of(&hops[hop]))).sum(),
            path,
            left_at,
        }
    }

    /// The best path that begins as this one does and then leaves all that were found.
    fn spur(&self, path: &[HopId], at: usize) -> Option<Candidate> {
        let hops = &self.query.domain.hops;
        let root = &path[..at];
        let passed: FxHashSet<NodeId> = root.iter().map(|hop| hops[hop].from).collect();
        let alike = self.found.iter().filter(|found| found.starts_with(root));
        let taken: FxHashSet<HopId> = alike.filter_map(|found| found.get(at).copied()).collect();
        let usable =
            |hop: &Hop| !taken.contains(&hop.id) && !passed.contains(&hop.to) && self.query.usable(hop);
        let from = hops[&path[at]].from;
        let query = Query { from, ..self.query };
        let rest = cheapest(&query.over(&usable), Cost::Provisioned(self.by))?;
        Some(self.candidate([root, &rest].concat(), at))
    }
}

impl Iterator for Yen<'_> {
    type Item = Vec<HopId>;

    fn next(&mut self) -> Option<Vec<HopId>> {
        // The spurs of the last path are not looked for before another one is wanted.
        if let Some(last) = self.found.last().cloned() {
            let left_at = self.left_at;
            for at in left_at..last.len() {
                let spur = self.spur(&last, at);
                self.candidates.extend(spur);
            }
        }
        let Candidate { path, left_at, .. } = self.candidates.pop_first()?;
        self.found.push(path.clone());
        self.left_at = left_at;
        Some(path)
    }
}
