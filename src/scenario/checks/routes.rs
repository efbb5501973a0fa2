//! Routes as far as checks need them, and loads that show nothing.

use std::collections::{BTreeMap, VecDeque};

use super::{Checker, at};
use crate::kernel::time::Span;
use crate::scenario::document::{Boundary, BoundaryKind, Document, Place, Qkdn, Store};
use crate::units::Bits;

/// Keys per direction on one link: (amount at the start, amount asked).
type Lanes = BTreeMap<(String, bool), (Bits, u128)>;

impl Checker<'_> {
    /// Warns of demands that the initial stores cover, so that no key rate matters to them.
    pub(super) fn realistic_load(&mut self) {
        let document = self.document;
        let mut lanes = Lanes::new();
        let mut routes = Vec::new();
        for (index, demand) in document.demands.iter().enumerate() {
            let end = demand.until.unwrap_or(document.end()).min(document.end());
            let span = Span(end.0.saturating_sub(demand.from.0));
            let bits = (u128::from(demand.key.0) * u128::from(demand.number))
                .saturating_mul(u128::from(demand.arrivals.requests_in(span)));
            let Some(hops) = shortest(document, &demand.between) else {
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

/// Whether boundaries lead from one QKDN to the other over others that let them through.
pub(super) fn transit(document: &Document, a: &str, b: &str, lets_through: impl Fn(&Qkdn) -> bool) -> bool {
    let mut reached = vec![a];
    let mut next = 0;
    while next < reached.len() {
        let here = reached[next];
        next += 1;
        if here != a && !document.qkdn(here).is_some_and(&lets_through) {
            continue;
        }
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

/// The hops of the shortest route of a demand, over one boundary at most.
pub(super) fn shortest(document: &Document, between: &[Place; 2]) -> Option<Vec<HopUse>> {
    let [a, b] = between;
    let (from, to) = (document.qkdn(&a.qkdn)?, document.qkdn(&b.qkdn)?);
    if from.id == to.id {
        return inside(from, &a.node, &b.node);
    }
    document
        .boundaries
        .iter()
        .filter(|boundary| joins(boundary, &a.qkdn, &b.qkdn))
        .filter_map(|boundary| {
            let forward = boundary.between[0].qkdn == a.qkdn;
            let (near, far) = if forward { (0, 1) } else { (1, 0) };
            let mut hops = inside(from, &a.node, &boundary.between[near].node)?;
            match &boundary.kind {
                BoundaryKind::Gwn(gwn) => {
                    hops.push((boundary.id.0.clone(), forward, lane(&gwn.link.store, forward)));
                }
                BoundaryKind::Iwn(iwn) => {
                    // Both links have the border node as their first end.
                    let sides = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
                    for (side, outward) in [(near, true), (far, false)] {
                        let id = format!("{}/{}", boundary.id, boundary.between[side].qkdn);
                        hops.push((id, outward, lane(&sides[side].store, outward)));
                    }
                }
            }
            hops.extend(inside(to, &boundary.between[far].node, &b.node)?);
            Some(hops)
        })
        .min_by_key(Vec::len)
}
