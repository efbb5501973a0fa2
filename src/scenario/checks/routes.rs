//! Routes as far as checks need them, and loads that show nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Checker, at};
use crate::kernel::time::Span;
use crate::scenario::document::{Boundary, BoundaryKind, Document, Place, Qkdn, Store, Transit};
use crate::units::Bits;

/// Keys per direction on one link: (amount at the start, amount asked).
type Lanes = BTreeMap<(String, bool), (Bits, u128)>;

impl Checker<'_> {
    /// Warns of demands that the initial stores cover, so that no key rate matters to them.
    pub(super) fn realistic_load(&mut self) {
        let document = self.document;
        if document.load.is_some() {
            return; // how much is asked for is not known yet, but that it matters
        }
        let mut lanes = Lanes::new();
        let mut routes = Vec::new();
        for (index, demand) in document.demands.iter().enumerate() {
            let end = demand.until.unwrap_or(document.end()).min(document.end());
            let span = Span(end.0.saturating_sub(demand.from.0));
            let bits = (u128::from(demand.key.0) * u128::from(demand.number))
                .saturating_mul(u128::from(demand.arrivals.requests_in(span)));
            let bits = (bits as f64 * document.demand_scale) as u128;
            let Found::Way(hops) = self.ways.shortest(&demand.between, &lets_pass) else {
                continue;
            };
            for (link, forward, initial) in &hops {
                let lane = lanes.entry((link.clone(), *forward)).or_insert((*initial, 0));
                lane.1 = lane.1.saturating_add(bits);
            }
            routes.push((index, bits, hops));
        }
        for (index, bits, hops) in routes {
            let covered = hops
                .iter()
                .all(|(link, forward, initial)| lanes[&(link.clone(), *forward)].1 <= u128::from(initial.0));
            if covered && bits > 0 && !hops.is_empty() {
                let least = hops.iter().map(|hop| hop.2).min().unwrap_or_default();
                self.warning(
                    "covered_by_stores",
                    at!("demands", index, "key"),
                    format!(
                        "the initial stores cover this demand for the whole run: {} asked, {least} in the poorest store",
                        Bits(u64::try_from(bits).unwrap_or(u64::MAX)),
                    ),
                    "no key rate matters to it: lower the initial stores, or ask for more",
                );
            }
        }
    }
}

impl Checker<'_> {
    /// Warns of demands whose requests fit into no store on some hop of every way. What a pool serves comes in refills.
    pub(super) fn requests_that_fit(&mut self) {
        let document = self.document;
        for (index, demand) in document.demands.iter().enumerate() {
            let request = Bits(demand.key.0.saturating_mul(u64::from(demand.number)));
            if demand.pool.is_some() || request == Bits::ZERO {
                continue;
            }
            let over = |bits| match self.ways.shortest_over(&demand.between, &lets_pass, bits) {
                Found::Way(hops) => Some(hops),
                Found::Nothing | Found::TooMany => None,
            };
            let room = |(link, forward, _): &HopUse| {
                let store = store_of(document, link)?;
                Some((usable(store, *forward), link.clone(), store))
            };
            let narrowest = |hops: Vec<HopUse>| hops.iter().filter_map(room).min_by_key(|found| found.0);
            let shortest = over(Bits::ZERO).and_then(narrowest);
            if shortest.is_none_or(|(most, ..)| most >= request) || over(request).is_some() {
                continue;
            }
            // The way whose narrowest hop is the widest; a hop without any room is a mistake of its own.
            let rooms = self.ways.rooms();
            let passed = rooms.partition_point(|&room| over(room).is_some());
            let widest = passed.checked_sub(1).and_then(|last| over(rooms[last]));
            let Some((most, link, store)) = widest.and_then(narrowest) else {
                continue;
            };
            let keys = match demand.number {
                1 => String::new(),
                number => format!(" ({number} keys of {})", demand.key),
            };
            let floor = match store.floor {
                Bits::ZERO => String::new(),
                floor => format!(" less its floor of {floor}"),
            };
            self.warning(
                "request_over_capacity",
                at!("demands", index, "key"),
                format!(
                    "a request of demand {} takes {request}{keys} on every hop, and on every way there is a hop that never has so \
                     much: {link} has {most} at most, this direction's share of the store's capacity of {}{floor}",
                    demand.id, store.capacity
                ),
                "no request can be served: ask for less at once, or raise \"capacity\" (half of it is either direction's, unless \"lane_share\" says otherwise)",
            );
        }
    }
}

/// Whether a boundary joins these two QKDNs.
pub(super) fn joins(boundary: &Boundary, a: &str, b: &str) -> bool {
    let [x, y] = &boundary.between;
    (x.qkdn == a && y.qkdn == b) || (x.qkdn == b && y.qkdn == a)
}

/// Whether a provider lets keys of others pass.
pub(super) fn lets_pass(qkdn: &Qkdn) -> bool {
    qkdn.policy.transit == Transit::Allow
}

/// Whether boundaries lead from one QKDN to the other over others.
pub(super) fn transit(document: &Document, a: &str, b: &str) -> bool {
    let mut reached = vec![a];
    let mut next = 0;
    while next < reached.len() {
        let here = reached[next];
        next += 1;
        for boundary in &document.boundaries {
            let [x, y] = &boundary.between;
            for (from, to) in [(x, y), (y, x)] {
                if from.qkdn == here && !reached.contains(&to.qkdn.as_str()) {
                    reached.push(&to.qkdn);
                }
            }
        }
    }
    reached.contains(&b)
}

/// One hop of a route: link, whether from its first end to its second, key at the start on that lane.
pub(super) type HopUse = (String, bool, Bits);

/// Key at the start on one lane.
fn lane(store: &Store, forward: bool) -> Bits {
    share(store, store.initial, forward)
}

/// What one lane has of an amount of its store.
pub(super) fn share(store: &Store, whole: Bits, forward: bool) -> Bits {
    let first = whole.part(store.lane_share);
    if forward { first } else { Bits(whole.0 - first.0) }
}

/// The store of a link by its qualified name.
pub(super) fn store_of<'a>(document: &'a Document, link: &str) -> Option<&'a Store> {
    let (first, second) = link.split_once('/').unwrap_or((link, ""));
    if let Some(boundary) = document.boundary(first) {
        return Some(match &boundary.kind {
            BoundaryKind::Gwn(gwn) => &gwn.link.store,
            BoundaryKind::Iwn(iwn) if second == boundary.between[0].qkdn => &iwn.link.store,
            BoundaryKind::Iwn(iwn) => &iwn.link_b.as_ref().unwrap_or(&iwn.link).store,
        });
    }
    let links = &document.qkdn(first)?.links;
    links
        .iter()
        .find(|other| other.id == *second)
        .map(|link| &link.store)
}

/// What one lane can ever serve at once: what it holds above its floor.
fn usable(store: &Store, forward: bool) -> Bits {
    let [most, floor] = [store.capacity, store.floor].map(|whole| share(store, whole, forward));
    Bits(most.0.saturating_sub(floor.0))
}

/// A step of a route: over a link, or across a boundary from one of its sides.
#[derive(Clone, Copy, Debug)]
enum Crossed {
    /// QKDN and link by their places in the document, and whether from the first end to the second.
    Link(usize, usize, bool),
    /// Boundary, and the side that is left.
    Boundary(usize, usize),
}

/// What was found of a demand's route.
pub(super) enum Found {
    /// Its hops.
    Way(Vec<HopUse>),
    /// There is no route.
    Nothing,
    /// There may be one: there was too much to look at.
    TooMany,
}

/// Places that are looked at, where QKDNs in parts might be left and entered again, before nothing more is said.
const MOST_PLACES: usize = 200_000;

/// A place on a way on which each QKDN is visited once.
struct Visit<'a> {
    at: usize,
    visited: BTreeSet<&'a str>,
    /// The place before, and the step from there.
    came: Option<(usize, Crossed)>,
}

/// The network as a graph, made once for all checks of routes.
pub(super) struct Ways<'a> {
    document: &'a Document,
    /// Numbers of nodes, by QKDN and id: those that are declared come first.
    numbers: FxHashMap<(&'a str, &'a str), usize>,
    declared: usize,
    /// QKDN of each node.
    qkdns: Vec<&'a str>,
    /// Steps from each node, links before boundaries, in the order written.
    steps: Vec<Vec<(usize, Crossed)>>,
}

impl<'a> Ways<'a> {
    /// The graph of a document; of QKDNs of one id the first counts.
    pub(super) fn new(document: &'a Document) -> Ways<'a> {
        let mut ways = Ways {
            document,
            numbers: FxHashMap::default(),
            declared: 0,
            qkdns: Vec::new(),
            steps: Vec::new(),
        };
        let mut seen = FxHashSet::default();
        let first = |(_, qkdn): &(usize, &'a Qkdn)| seen.insert(qkdn.id.as_str());
        let qkdns: Vec<(usize, &Qkdn)> = document.qkdns.iter().enumerate().filter(first).collect();
        for (_, qkdn) in &qkdns {
            for node in &qkdn.nodes {
                ways.number(&qkdn.id.0, &node.id.0);
            }
        }
        ways.declared = ways.qkdns.len();
        for (of, qkdn) in qkdns {
            for (index, link) in qkdn.links.iter().enumerate() {
                let [a, b] = [0, 1].map(|end| ways.number(&qkdn.id.0, &link.between[end]));
                ways.steps[a].push((b, Crossed::Link(of, index, true)));
                ways.steps[b].push((a, Crossed::Link(of, index, false)));
            }
        }
        for (index, boundary) in document.boundaries.iter().enumerate() {
            let [a, b] = [0, 1].map(|side| {
                let place = &boundary.between[side];
                ways.number(&place.qkdn, &place.node)
            });
            ways.steps[a].push((b, Crossed::Boundary(index, 0)));
            ways.steps[b].push((a, Crossed::Boundary(index, 1)));
        }
        ways
    }

    fn number(&mut self, qkdn: &'a str, node: &'a str) -> usize {
        let next = self.qkdns.len();
        let number = *self.numbers.entry((qkdn, node)).or_insert(next);
        if number == next {
            self.qkdns.push(qkdn);
            self.steps.push(Vec::new());
        }
        number
    }

    /// Whether a QKDN has a node of that id.
    pub(super) fn has(&self, qkdn: &str, node: &str) -> bool {
        self.numbers
            .get(&(qkdn, node))
            .is_some_and(|&number| number < self.declared)
    }

    /// Whether links of a QKDN lead from one of its nodes to each of the others, in the order written.
    pub(super) fn reached(&self, qkdn: &Qkdn, start: &str) -> Vec<bool> {
        let number = |node: &str| self.numbers.get(&(qkdn.id.as_str(), node)).copied();
        let mut reached: FxHashSet<usize> = number(start).into_iter().collect();
        let mut left: Vec<usize> = reached.iter().copied().collect();
        while let Some(here) = left.pop() {
            for &(to, step) in &self.steps[here] {
                if matches!(step, Crossed::Link(..)) && reached.insert(to) {
                    left.push(to);
                }
            }
        }
        let nodes = qkdn.nodes.iter();
        nodes
            .map(|node| number(&node.id.0).is_some_and(|number| reached.contains(&number)))
            .collect()
    }

    fn hops(&self, step: Crossed) -> Vec<HopUse> {
        match step {
            Crossed::Link(qkdn, link, forward) => {
                let qkdn = &self.document.qkdns[qkdn];
                let link = &qkdn.links[link];
                let id = format!("{}/{}", qkdn.id, link.id);
                vec![(id, forward, lane(&link.store, forward))]
            }
            Crossed::Boundary(boundary, near) => across(&self.document.boundaries[boundary], near, 1 - near),
        }
    }

    /// The most usable key that all lanes of a step can ever have at once.
    fn room(&self, step: Crossed) -> Bits {
        match step {
            Crossed::Link(qkdn, link, forward) => {
                usable(&self.document.qkdns[qkdn].links[link].store, forward)
            }
            Crossed::Boundary(boundary, near) => {
                let lanes = lanes_across(&self.document.boundaries[boundary], near, 1 - near);
                let rooms = lanes
                    .into_iter()
                    .map(|(_, store, forward)| usable(store, forward));
                rooms.min().unwrap_or_default()
            }
        }
    }

    /// All of these that are above 0, rising.
    fn rooms(&self) -> Vec<Bits> {
        let steps = self.steps.iter().flatten();
        let rooms: BTreeSet<Bits> = steps.map(|&(_, step)| self.room(step)).collect();
        rooms.into_iter().filter(|&room| room > Bits::ZERO).collect()
    }

    fn length(&self, step: Crossed) -> u32 {
        match step {
            Crossed::Link(..) => 1,
            Crossed::Boundary(boundary, _) => match self.document.boundaries[boundary].kind {
                BoundaryKind::Gwn(_) => 1,
                BoundaryKind::Iwn(_) => 2,
            },
        }
    }

    /// The hops of the shortest route of a demand: over the fewest boundaries, then of fewest hops, each QKDN visited once and
    /// let through by `lets_pass`.
    pub(super) fn shortest(&self, between: &[Place; 2], lets_pass: &dyn Fn(&Qkdn) -> bool) -> Found {
        self.shortest_over(between, lets_pass, Bits::ZERO)
    }

    /// The same over hops whose lanes can hold `bits` of usable key at all.
    fn shortest_over(&self, between: &[Place; 2], lets_pass: &dyn Fn(&Qkdn) -> bool, bits: Bits) -> Found {
        let ends = [0, 1].map(|end| {
            let place = &between[end];
            self.numbers
                .get(&(place.qkdn.as_str(), place.node.as_str()))
                .copied()
        });
        let [Some(from), Some(to)] = ends else {
            return Found::Nothing;
        };
        let passable: FxHashSet<&str> = self
            .document
            .qkdns
            .iter()
            .filter(|qkdn| lets_pass(qkdn))
            .map(|qkdn| qkdn.id.as_str())
            .collect();
        let enters = |node: usize| self.qkdns[node] == self.qkdns[to] || passable.contains(self.qkdns[node]);
        let home = self.qkdns[from] == self.qkdns[to];
        let follows = |at: usize, (next, step): (usize, Crossed)| {
            let leads_on = match step {
                Crossed::Link(..) => true,
                Crossed::Boundary(..) => !home && self.qkdns[at] != self.qkdns[to] && enters(next),
            };
            leads_on && (bits == Bits::ZERO || self.room(step) >= bits)
        };
        // Boundaries, hops, and the order in which places were found.
        let mut best: FxHashMap<usize, (u32, u32)> = FxHashMap::from_iter([(from, (0, 0))]);
        let mut came: FxHashMap<usize, (usize, Crossed)> = FxHashMap::default();
        let mut left = BinaryHeap::from([Reverse((0, 0, 0, from))]);
        let mut found = 0;
        while let Some(Reverse((borders, hops, _, at))) = left.pop() {
            if at == to {
                break;
            }
            if best[&at] < (borders, hops) {
                continue;
            }
            for &(next, step) in self.steps[at].iter().filter(|&&step| follows(at, step)) {
                let crosses = u32::from(matches!(step, Crossed::Boundary(..)));
                let reached = (borders + crosses, hops + self.length(step));
                if best.get(&next).is_none_or(|&known| reached < known) {
                    best.insert(next, reached);
                    came.insert(next, (at, step));
                    found += 1;
                    left.push(Reverse((reached.0, reached.1, found, next)));
                }
            }
        }
        if !best.contains_key(&to) {
            return Found::Nothing;
        }
        let mut steps = Vec::new();
        let mut at = to;
        while let Some(&(before, step)) = came.get(&at) {
            steps.push(step);
            at = before;
        }
        steps.reverse();
        self.once_each(&steps, from)
            .unwrap_or_else(|| self.simple(from, to, &follows))
    }

    /// A way, if it visits each QKDN once.
    fn once_each(&self, steps: &[Crossed], from: usize) -> Option<Found> {
        let mut visited = FxHashSet::from_iter([self.qkdns[from]]);
        for step in steps {
            if let &Crossed::Boundary(boundary, near) = step {
                let far = &self.document.boundaries[boundary].between[1 - near];
                if !visited.insert(far.qkdn.as_str()) {
                    return None;
                }
            }
        }
        Some(Found::Way(
            steps.iter().flat_map(|&step| self.hops(step)).collect(),
        ))
    }

    /// The shortest way of all that visit each QKDN once, where the shortest of any does not: only where a QKDN is in parts.
    fn simple(&self, from: usize, to: usize, follows: &dyn Fn(usize, (usize, Crossed)) -> bool) -> Found {
        // A place is a node and the QKDNs visited on the way to it: both decide what may follow.
        let start = Visit {
            at: from,
            visited: BTreeSet::from([self.qkdns[from]]),
            came: None,
        };
        let mut places = vec![start];
        let mut known = FxHashSet::default();
        let mut left = BinaryHeap::from([Reverse((0, 0, 0))]);
        while let Some(Reverse((borders, hops, number))) = left.pop() {
            let (at, visited) = (places[number].at, places[number].visited.clone());
            if at == to {
                let mut steps = Vec::new();
                let mut place = &places[number];
                while let Some((before, step)) = place.came {
                    steps.push(step);
                    place = &places[before];
                }
                steps.reverse();
                return Found::Way(steps.iter().flat_map(|&step| self.hops(step)).collect());
            }
            if !known.insert((at, visited.clone())) {
                continue;
            }
            for &(next, step) in self.steps[at].iter().filter(|&&step| follows(at, step)) {
                let crosses = matches!(step, Crossed::Boundary(..));
                let mut visited = visited.clone();
                if crosses && !visited.insert(self.qkdns[next]) {
                    continue;
                }
                if places.len() == MOST_PLACES {
                    return Found::TooMany;
                }
                left.push(Reverse((
                    borders + u32::from(crosses),
                    hops + self.length(step),
                    places.len(),
                )));
                places.push(Visit {
                    at: next,
                    visited,
                    came: Some((number, step)),
                });
            }
        }
        Found::Nothing
    }
}

/// The lanes across a boundary, from one of its sides to the other: id, store, whether from the link's first end.
fn lanes_across(boundary: &Boundary, near: usize, far: usize) -> Vec<(String, &Store, bool)> {
    match &boundary.kind {
        BoundaryKind::Gwn(gwn) => vec![(boundary.id.0.clone(), &gwn.link.store, near == 0)],
        BoundaryKind::Iwn(iwn) => {
            // Both links have the border node as their first end.
            let sides = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
            let lane = |(side, outward): (usize, bool)| {
                let id = format!("{}/{}", boundary.id, boundary.between[side].qkdn);
                (id, &sides[side].store, outward)
            };
            [(near, true), (far, false)].map(lane).into()
        }
    }
}

/// The hops across a boundary, from one of its sides to the other.
fn across(boundary: &Boundary, near: usize, far: usize) -> Vec<HopUse> {
    let lanes = lanes_across(boundary, near, far).into_iter();
    lanes
        .map(|(id, store, forward)| (id, forward, lane(store, forward)))
        .collect()
}
