//! Checks of legs and pools.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::routes::{Found, lets_pass, share, store_of};
use super::{Checker, at};
use crate::catalogue::{Path, suggest};
use crate::kernel::time::Span;
use crate::scenario::document::{BoundaryKind, Demand, Document, Place, Pool, Protection};
use crate::units::Bits;

/// Legs at most: more would need more links at one node than anybody lays.
const MOST_LEGS: u32 = 8;

impl Checker<'_> {
    pub(super) fn protection(&mut self) {
        let document = self.document;
        for (index, demand) in document.demands.iter().enumerate() {
            let path = at!("demands", index, "protection", demand.protection.name());
            if let Some(name) = &demand.pool {
                let here = at!("demands", index, "pool");
                if !matches!(demand.protection, Protection::None(_)) {
                    self.error(
                        "pool_beside_protection",
                        here.clone(),
                        format!("demand {} has a pool and another protection", demand.id),
                        "take one of them out; 1:1 and 1:n have key relayed ahead themselves",
                    );
                }
                self.shared_pool(&here, demand, name);
            }
            match &demand.protection {
                Protection::None(_) => {}
                Protection::OnePlusOne(both) => self.legs(&path, demand, 2, both.strict),
                Protection::MultipathXor(shares) => {
                    if (2..=MOST_LEGS).contains(&shares.legs) {
                        self.legs(&path, demand, shares.legs as usize, shares.strict);
                    } else {
                        self.error(
                            "legs_out_of_range",
                            path.then("legs"),
                            format!(
                                "demand {} cannot share its keys over {} legs",
                                demand.id, shares.legs
                            ),
                            format!("write a number from 2 to {MOST_LEGS}"),
                        );
                    }
                }
                Protection::OneToOne(ahead) => {
                    self.legs(&path, demand, 2, ahead.strict);
                    self.refills(&path, &demand.between, ahead.refill, ahead.keys, "keys");
                    self.fits(&path.then("keys"), demand, ahead.keys);
                }
                Protection::OneToN(shared) => {
                    self.legs(&path, demand, 2, shared.strict);
                    self.shared_pool(&path.then("pool"), demand, &shared.pool);
                }
            }
        }
        for (index, pool) in document.pools.iter().enumerate() {
            self.pool(&at!("pools", index), pool);
        }
    }

    /// Whether a demand's ends have as many links as it has legs, and as many ways that share no node.
    fn legs(&mut self, path: &Path, demand: &Demand, legs: usize, strict: bool) {
        let document = self.document;
        let known = |place: &Place| {
            let qkdn = document.qkdn(&place.qkdn);
            qkdn.is_some_and(|qkdn| qkdn.nodes.iter().any(|node| node.id == place.node))
        };
        if !demand.between.iter().all(known) || !self.boundaries_are_whole() {
            return;
        }
        let graph = neighbours(document, &demand.between);
        let [from, to] = [0, 1].map(|end| demand.between[end].to_string());
        for (end, name) in [&from, &to].into_iter().enumerate() {
            let degree = graph.get(name.as_str()).map_or(0, BTreeSet::len);
            if degree < legs {
                self.error(
                    "more_legs_than_links",
                    at!("demands")
                        .then(self.index_of(demand))
                        .then("between")
                        .then(end),
                    format!(
                        "demand {} has {legs} legs, and {name} is joined to {degree} other nodes",
                        demand.id
                    ),
                    "give the node more links, or the demand fewer legs",
                );
                return;
            }
        }
        let ways = disjoint(&graph, &from, &to, legs);
        if ways >= legs || ways == 0 {
            return;
        }
        let message = format!(
            "of the {legs} legs of demand {} only {ways} can be node-disjoint",
            demand.id
        );
        if strict {
            self.error(
                "legs_share_nodes",
                path.then("strict"),
                message,
                "add links, or let legs share nodes",
            );
        } else {
            self.warning(
                "legs_share_nodes",
                path.clone(),
                message,
                "the others share as few nodes as they can, which protect nothing there; add links or boundaries",
            );
        }
    }

    fn index_of(&self, demand: &Demand) -> usize {
        let demands = &self.document.demands;
        demands
            .iter()
            .position(|other| std::ptr::eq(other, demand))
            .unwrap_or(0)
    }

    /// The pool that a demand names: it must be there, between the same nodes, and hold a request's key.
    fn shared_pool(&mut self, path: &Path, demand: &Demand, name: &str) {
        let document = self.document;
        let Some(pool) = document.pools.iter().find(|pool| pool.id == *name) else {
            let names: Vec<&str> = document.pools.iter().map(|pool| pool.id.as_str()).collect();
            let hint = if names.is_empty() {
                "add it to \"pools\"".to_owned()
            } else {
                suggest(name, &names)
            };
            return self.error(
                "unknown_pool",
                path.clone(),
                format!("there is no pool \"{name}\""),
                hint,
            );
        };
        if pool.between != demand.between {
            let [a, b] = &pool.between;
            self.error(
                "pool_elsewhere",
                path.clone(),
                format!(
                    "pool {name} holds key between {a} and {b}, which is of no use to demand {}",
                    demand.id
                ),
                "a pool serves demands between the same two nodes, in the same direction",
            );
        }
        self.fits(path, demand, pool.high);
    }

    /// Whether a pool can ever hold the key of a request.
    fn fits(&mut self, path: &Path, demand: &Demand, most: Bits) {
        let request = Bits(demand.key.0.saturating_mul(u64::from(demand.number)));
        if most < request {
            self.error(
                "request_over_pool",
                path.clone(),
                format!(
                    "a request of demand {} takes {request}, and there are never more than {most}",
                    demand.id
                ),
                "make it larger than one request",
            );
        }
    }

    fn pool(&mut self, path: &Path, pool: &Pool) {
        let document = self.document;
        let mut resolved = true;
        for (end, place) in pool.between.iter().enumerate() {
            resolved &= self.place(&path.then("between").then(end), place);
        }
        if resolved {
            self.route(&path.then("between"), &pool.between);
        }
        let classes: Vec<&str> = document.classes.iter().map(|class| class.id.as_str()).collect();
        if !classes.is_empty() && pool.class != "default" && !classes.contains(&pool.class.as_str()) {
            self.error(
                "unknown_class",
                path.then("class"),
                format!("there is no class \"{}\"", pool.class),
                suggest(&pool.class, &classes),
            );
        }
        if pool.low >= pool.high {
            self.error(
                "low_above_high",
                path.then("low"),
                format!(
                    "pool {} is refilled below {} and never holds more than {}",
                    pool.id, pool.low, pool.high
                ),
                "write a low watermark below the high one",
            );
        } else {
            let room = Bits(pool.high.0 - pool.low.0);
            self.refills(path, &pool.between, pool.refill, room, "low");
        }
        for (field, span) in [("timeout", pool.timeout), ("retry", pool.retry)] {
            if span == Span::ZERO {
                self.error(
                    "zero_retry",
                    path.then(field),
                    format!("refills of pool {} would follow without end", pool.id),
                    "write a time such as \"1 s\"",
                );
            }
        }
        let used = document.demands.iter().any(|demand| {
            let ahead = match &demand.protection {
                Protection::OneToN(shared) => Some(&shared.pool),
                _ => None,
            };
            [ahead, demand.pool.as_ref()]
                .into_iter()
                .flatten()
                .any(|name| pool.id == *name)
        });
        if !used {
            self.warning(
                "unused_pool",
                path.then("id"),
                format!("no demand is served from pool {}", pool.id),
                "write \"pool\" or \"one_to_n\" in a demand, or leave it out",
            );
        }
    }

    /// Whether refills fit into what they fill, and into the stores of the shortest way there.
    fn refills(&mut self, path: &Path, between: &[Place; 2], refill: Bits, room: Bits, of: &str) {
        let document = self.document;
        if refill == Bits::ZERO {
            self.error(
                "zero_refill",
                path.then("refill"),
                "refills bring nothing",
                "write an amount such as \"4096 bit\"",
            );
            return;
        }
        if refill > room {
            let what = if of == "keys" {
                format!("one refill brings {refill}, and there is room for {room}")
            } else {
                format!("one refill brings {refill}, and from the low to the high watermark there are {room}")
            };
            self.error(
                "refill_too_large",
                path.then("refill"),
                what,
                "make the refill smaller, or the room larger",
            );
            return;
        }
        if !self.boundaries_are_whole() {
            return;
        }
        let hops = match self.ways.shortest(between, &lets_pass) {
            Found::Way(hops) => hops,
            Found::Nothing | Found::TooMany => return,
        };
        let least = hops
            .iter()
            .filter_map(|(link, forward, _)| {
                let store = store_of(document, link)?;
                Some((share(store, store.capacity, *forward), link))
            })
            .min();
        if let Some((least, link)) = least.filter(|(least, _)| *least < refill) {
            self.warning(
                "refill_over_capacity",
                path.then("refill"),
                format!("link {link} on the shortest way holds {least} at most: a refill of {refill} never passes there"),
                "make the refill smaller than the stores on the way",
            );
        }
    }
}

/// Which nodes and sites are joined, by name: inside one QKDN if both ends are in it, else in all of them.
fn neighbours(document: &Document, between: &[Place; 2]) -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut join = |a: &str, b: &str| {
        graph.entry(a.to_owned()).or_default().insert(b.to_owned());
        graph.entry(b.to_owned()).or_default().insert(a.to_owned());
    };
    let local = between[0].qkdn == between[1].qkdn;
    for qkdn in document
        .qkdns
        .iter()
        .filter(|qkdn| !local || qkdn.id == between[0].qkdn)
    {
        for link in &qkdn.links {
            let [a, b] = [0, 1].map(|end| format!("{}/{}", qkdn.id, link.between[end]));
            join(&a, &b);
        }
    }
    for boundary in document.boundaries.iter().filter(|_| !local) {
        let [a, b] = [0, 1].map(|side| boundary.between[side].to_string());
        match &boundary.kind {
            BoundaryKind::Gwn(_) => join(&a, &b),
            BoundaryKind::Iwn(_) => {
                let site = boundary.id.as_str();
                join(&a, site);
                join(&b, site);
            }
        }
    }
    graph
}

/// How many ways there are, up to a number, that share no node but their ends: augmenting paths over nodes split in two.
fn disjoint(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str, most: usize) -> usize {
    // A place is a node's way in (false) or out (true); the flow is at most 1 between two places.
    type Spot<'a> = (&'a str, bool);
    let mut flow: BTreeSet<(Spot<'_>, Spot<'_>)> = BTreeSet::new();
    for found in 0..most {
        let start = (from, true);
        let mut came: BTreeMap<Spot<'_>, Spot<'_>> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            let (node, out) = at;
            let next = graph.get(node).into_iter().flatten().map(String::as_str);
            let mut ways: Vec<Spot<'_>> = next.map(|other| (other, !out)).collect();
            ways.push((node, !out));
            for way in ways {
                // Forward: out of a node, or through it; back: only where there is flow.
                let forward = if way.0 == node { !out } else { out };
                let free = if forward {
                    !flow.contains(&(at, way))
                } else {
                    flow.contains(&(way, at))
                };
                if free && way != start && way.0 != from && !came.contains_key(&way) {
                    came.insert(way, at);
                    open.push_back(way);
                }
            }
        }
        let mut at = (to, false);
        if !came.contains_key(&at) {
            return found;
        }
        while let Some(&before) = came.get(&at) {
            if !flow.remove(&(at, before)) {
                flow.insert((before, at));
            }
            at = before;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(links: &[(&str, &str)], most: usize) -> usize {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (a, b) in links {
            graph.entry((*a).to_owned()).or_default().insert((*b).to_owned());
            graph.entry((*b).to_owned()).or_default().insert((*a).to_owned());
        }
        disjoint(&graph, "s", "t", most)
    }

    #[test]
    fn ways_that_share_no_node_are_counted() {
        assert_eq!(ways(&[("s", "t")], 3), 1);
        assert_eq!(
            ways(&[("s", "a"), ("s", "b"), ("a", "m"), ("b", "m"), ("m", "t")], 3),
            1
        );
        assert_eq!(
            ways(&[("s", "a"), ("s", "b"), ("a", "t"), ("b", "t"), ("s", "t")], 3),
            3
        );
        // The trap: the first way found must be given back in part.
        let trap = [
            ("s", "a"),
            ("a", "b"),
            ("b", "t"),
            ("s", "c"),
            ("c", "b"),
            ("a", "d"),
            ("d", "t"),
        ];
        assert_eq!(ways(&trap, 3), 2);
        assert_eq!(ways(&[("s", "a")], 3), 0);
    }
}
