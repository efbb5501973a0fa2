//! Routes as far as checks need them, and loads that show nothing.

use std::collections::{BTreeMap, VecDeque};

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
            let Some(hops) = shortest(document, &demand.between, &lets_pass) else {
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

/// From where each node is reached first, with the hop: breadth first, links in the order written.
pub(super) fn hops_from<'a>(qkdn: &'a Qkdn, start: &'a str) -> BTreeMap<&'a str, Option<(&'a str, HopUse)>> {
    let mut reached = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        for link in &qkdn.links {
            let [a, b] = &link.between;
            for (from, to, forward) in [(a, b, true), (b, a, false)] {
                if from == here && !reached.contains_key(to.as_str()) {
                    let hop = (
                        format!("{}/{}", qkdn.id, link.id),
                        forward,
                        lane(&link.store, forward),
                    );
                    reached.insert(to, Some((from.as_str(), hop)));
                    queue.push_back(to);
                }
            }
        }
    }
    reached
}

/// Key at the start on one lane.
fn lane(store: &Store, forward: bool) -> Bits {
    let first = store.initial.part(store.lane_share);
    if forward {
        first
    } else {
        Bits(store.initial.0 - first.0)
    }
}

/// The hops from `start` to `end` inside a QKDN, if links lead there.
fn inside(qkdn: &Qkdn, start: &str, end: &str) -> Option<Vec<HopUse>> {
    let reached = hops_from(qkdn, start);
    let mut hops = Vec::new();
    let mut here = end;
    while let Some((from, hop)) = reached.get(here)? {
        hops.push(hop.clone());
        here = from;
    }
    hops.reverse();
    Some(hops)
}

/// Ways that are looked at before one that was not found counts as not there.
const MOST_WAYS: usize = 20_000;

/// The hops of the shortest route of a demand: through the fewest QKDNs, each visited once and let through by `lets_pass`.
pub(super) fn shortest(
    document: &Document,
    between: &[Place; 2],
    lets_pass: &dyn Fn(&Qkdn) -> bool,
) -> Option<Vec<HopUse>> {
    let [a, b] = between;
    let from = document.qkdn(&a.qkdn)?;
    if a.qkdn == b.qkdn {
        return inside(from, &a.node, &b.node);
    }
    let mut search = Search {
        document,
        to: b,
        lets_pass,
        left: MOST_WAYS,
    };
    (1..document.qkdns.len())
        .find_map(|borders| search.way(from, &a.node, borders, &mut vec![from.id.as_str()]))
}

/// A search for a route over so many borders.
struct Search<'a> {
    document: &'a Document,
    to: &'a Place,
    lets_pass: &'a dyn Fn(&Qkdn) -> bool,
    left: usize,
}

impl<'a> Search<'a> {
    /// The shortest way from a node over exactly so many borders into none of the QKDNs that were passed.
    fn way(
        &mut self,
        qkdn: &Qkdn,
        node: &str,
        borders: usize,
        passed: &mut Vec<&'a str>,
    ) -> Option<Vec<HopUse>> {
        if borders == 0 {
            return (qkdn.id == *self.to.qkdn).then(|| inside(qkdn, node, &self.to.node))?;
        }
        let document = self.document;
        let mut best: Option<Vec<HopUse>> = None;
        for boundary in &document.boundaries {
            for (near, far) in [(0, 1), (1, 0)] {
                let [here, there] = [near, far].map(|side| &boundary.between[side]);
                let next = document.qkdn(&there.qkdn);
                let enters = |next: &&Qkdn| {
                    if borders == 1 {
                        next.id == *self.to.qkdn
                    } else {
                        (self.lets_pass)(next)
                    }
                };
                let Some(next) = next.filter(enters) else { continue };
                if qkdn.id != *here.qkdn || passed.contains(&next.id.as_str()) || self.left == 0 {
                    continue;
                }
                self.left -= 1;
                let Some(mut hops) = inside(qkdn, node, &here.node) else {
                    continue;
                };
                hops.extend(across(boundary, near, far));
                passed.push(next.id.as_str());
                let rest = self.way(next, &there.node, borders - 1, passed);
                passed.pop();
                hops.extend(match rest {
                    Some(rest) => rest,
                    None => continue,
                });
                if best.as_ref().is_none_or(|best| hops.len() < best.len()) {
                    best = Some(hops);
                }
            }
        }
        best
    }
}

/// The hops across a boundary, from one of its sides to the other.
fn across(boundary: &Boundary, near: usize, far: usize) -> Vec<HopUse> {
    match &boundary.kind {
        BoundaryKind::Gwn(gwn) => {
            let forward = near == 0;
            vec![(boundary.id.0.clone(), forward, lane(&gwn.link.store, forward))]
        }
        BoundaryKind::Iwn(iwn) => {
            // Both links have the border node as their first end.
            let sides = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
            let hop = |(side, outward): (usize, bool)| {
                let id = format!("{}/{}", boundary.id, boundary.between[side].qkdn);
                (id, outward, lane(&sides[side].store, outward))
            };
            [(near, true), (far, false)].map(hop).into()
        }
    }
}
