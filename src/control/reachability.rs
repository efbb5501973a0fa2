//! Which QKDNs can be reached over which border: a path vector over Cxi.
//!
//! Across each border a QKDN offers, for every QKDN beyond, the best way that it has itself: the QKDNs on it, its cost class
//! and its hops, whether key is made on all of it, and, where policy lets it be told, the level class of its least store. Receivers refuse ways that lead through themselves, and nobody offers a way
//! to one that is on it, so that no way has a loop. A provider that refuses transit offers nothing but itself, which
//! neighbours know without being told. What holds at time 0 is provisioned; changes are told when they happen, and
//! flooded over Cx where control is distributed: where nothing changes nothing is sent.
//!
//! Assumption: a way on which all hops make key comes before one that lives on stores, then the one of the lowest cost class,
//! then the one through fewest QKDNs, then the one whose least store is fullest (where that is not told, it counts as full),
//! then the one of fewest hops, then the first border in the file. Every QKDN that a way leads through makes it worse by this
//! order, so that the exchange comes to rest. Y.3818 says of this only that each QKDN routes by
//! itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::controller::Controller;
use super::knowledge::{HopState, Knowledge};
use super::routing::{KnownKey, Query, RoutingAlgorithm};
use super::vectors::Vectors;
use crate::architecture::message::{ControlMessage, Offer, Reachability, StatusChange};
use crate::architecture::policy::Policy;
use crate::architecture::surroundings::{Border, Domain};
use crate::architecture::{Address, Hop, Label, Outbox, Step};
use crate::ids::{BoundaryId, HopId, NodeId, QkdnId};

/// What one QKDN chooses ways by: its own topology and status, and what was offered to it.
pub struct View<'a> {
    /// Its topology.
    pub domain: &'a Domain,
    /// Its borders.
    pub borders: &'a [Border],
    /// Its routing.
    pub routing: &'a dyn RoutingAlgorithm,
    /// States of its hops.
    pub state: &'a dyn Fn(&Hop) -> HopState,
    /// What is known of their key.
    pub key: &'a dyn Fn(&Hop) -> KnownKey,
    /// Level class of a hop's store; `None` where none is spent.
    pub class: &'a dyn Fn(&Hop) -> Option<u8>,
    /// Its provider's policy.
    pub policy: &'a Policy,
    /// Distances, where controllers route by them.
    pub vectors: Option<&'a Vectors>,
    /// What is offered across a boundary towards a QKDN beyond the neighbour.
    pub offered: &'a dyn Fn(BoundaryId, QkdnId) -> Option<&'a Offer>,
}

/// A way to another QKDN, the better the smaller its rank.
#[derive(Clone, Debug)]
pub struct Way<'a> {
    /// The border that it leads over.
    pub border: &'a Border,
    /// The order of preference.
    pub rank: Rank,
    /// The path to the border.
    pub path: Vec<HopId>,
    /// What the neighbour offers; `None`: the neighbour is the destination.
    pub offer: Option<&'a Offer>,
}

/// What ways are compared by: the first difference decides, the smaller is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    /// Worst state of the border and beyond.
    pub state: HopState,
    /// Cost class.
    pub cost: u16,
    /// QKDNs on the way.
    pub qkdns: usize,
    /// Level class of the least store beyond.
    pub class: Reverse<u8>,
    /// Hops.
    pub hops: usize,
    /// The boundary.
    pub boundary: BoundaryId,
}

impl Rank {
    /// Of a way over a border in that state, to which so many hops lead, with what is offered beyond.
    pub fn new(state: HopState, hops: usize, boundary: BoundaryId, offer: Option<&Offer>) -> Rank {
        let class = offer.and_then(|offer| offer.class);
        Rank {
            state: offer.map_or(state, |offer| offer.key.max(state)),
            cost: offer.map_or(0, |offer| offer.cost),
            qkdns: offer.map_or(1, |offer| offer.way.len()),
            class: Reverse(class.unwrap_or(u8::MAX)),
            hops: hops + offer.map_or(0, |offer| usize::from(offer.hops)),
            boundary,
        }
    }
}

impl<'a> View<'a> {
    /// A path inside the QKDN for requests of so many bits: over hops that make key if there is such a path, else over
    /// hops that at least have some left; never over a hop known to be OFF.
    pub fn route(&self, from: NodeId, to: NodeId, bits: u64) -> Option<Vec<HopId>> {
        let by = |worst| self.path(from, to, bits, &|hop| (self.state)(hop) <= worst);
        [HopState::Active, HopState::Passive].into_iter().find_map(by)
    }

    /// The path that its routing takes over usable hops.
    pub fn path(
        &self,
        from: NodeId,
        to: NodeId,
        bits: u64,
        usable: &dyn Fn(&Hop) -> bool,
    ) -> Option<Vec<HopId>> {
        if let Some(vectors) = self.vectors {
            let path = vectors.path(self.domain, from, to)?;
            return path
                .iter()
                .all(|hop| usable(&self.domain.hops[hop]))
                .then_some(path);
        }
        let query = Query::new(self.domain, from, to).asking(bits);
        self.routing.route(&query.over(usable).knowing(self.key))
    }

    /// What a path costs by its routing, and the unit.
    pub fn cost(&self, path: &[&Hop]) -> (f64, &'static str) {
        let ends = path.first().zip(path.last());
        let [from, to] = ends.map_or([NodeId(0); 2], |(first, last)| [first.from, last.to]);
        self.routing
            .cost(&Query::new(self.domain, from, to).knowing(self.key), path)
    }

    /// Whether a border leads to a QKDN, straight or by an offer that passes none of `passed` nor this QKDN.
    pub fn leads(&self, border: &Border, to: QkdnId, passed: &[QkdnId]) -> Option<Option<&'a Offer>> {
        if border.far_qkdn == to {
            return (!passed.contains(&to)).then_some(None);
        }
        let offer = (self.offered)(border.boundary, to)?;
        let own = self.domain.qkdn;
        let again = offer.way.iter().any(|qkdn| *qkdn == own || passed.contains(qkdn));
        (!again).then_some(Some(offer))
    }

    /// The ways from a KM to another QKDN that pass none of `passed`, for requests of so many bits; none over a border
    /// that is OFF.
    pub fn ways<'s>(
        &'s self,
        from: NodeId,
        to: QkdnId,
        passed: &'s [QkdnId],
        bits: u64,
    ) -> impl Iterator<Item = Way<'a>> + 's {
        self.borders.iter().filter_map(move |border| {
            let offer = self.leads(border, to, passed)?;
            let own = (self.state)(&border.hop);
            let path = self.route(from, border.hop.from, bits)?;
            let rank = Rank::new(own, path.len(), border.boundary, offer);
            (rank.state < HopState::Off).then_some(Way {
                border,
                rank,
                path,
                offer,
            })
        })
    }

    /// What this QKDN can offer across one of its borders.
    fn offer(&self, across: &Border, to: QkdnId) -> Option<Offer> {
        let passed = [across.far_qkdn];
        let best = self
            .ways(across.hop.from, to, &passed, 0)
            .min_by_key(|way| way.rank)?;
        let worst = |path: &[HopId]| path.iter().map(|hop| (self.state)(&self.domain.hops[hop])).max();
        let beyond = best.offer.map_or(&[to][..], |offer| &offer.way).to_vec();
        let hops = best.path.len() + 1 + best.offer.map_or(0, |offer| usize::from(offer.hops));
        Some(Offer {
            way: std::iter::once(self.domain.qkdn).chain(beyond).collect(),
            hops: hops as u16,
            key: worst(&best.path).unwrap_or(HopState::Active).max(best.rank.state),
            cost: best.rank.cost.saturating_add(u16::from(self.policy.transit_cost)),
            class: self.offered_class(&best, across.far_qkdn),
        })
    }

    /// Level class of the least store on a way from here, as policy lets a partner know it.
    fn offered_class(&self, way: &Way<'_>, partner: QkdnId) -> Option<u8> {
        let beyond = way.offer.and_then(|offer| offer.class);
        if !self.policy.offers_levels {
            return beyond;
        }
        let border = &way.border.hop;
        // Keys of that partner are served from the border's store down to their floor.
        let spared = self.policy.floor(partner);
        let at_border = (self.class)(border).map(|class| {
            let below = (self.key)(border).usable_bits < spared;
            if below { 0 } else { class }
        });
        let inside = way
            .path
            .iter()
            .filter_map(|hop| (self.class)(&self.domain.hops[hop]));
        inside.chain(at_border).chain(beyond).min()
    }
}

/// One QKDN as it is provisioned.
pub struct Member<'a> {
    /// Its topology.
    pub domain: &'a Domain,
    /// Its borders.
    pub borders: &'a [Border],
    /// Its routing.
    pub routing: &'a dyn RoutingAlgorithm,
    /// Its provider's policy.
    pub policy: &'a Policy,
    /// Number of level classes.
    pub classes: u8,
}

/// What each QKDN knows at time 0 of ways beyond its neighbours: what the exchange comes to before anything changes.
/// `members` stand by the QKDNs' ids.
///
/// Ways only grow longer on their way, so this ends: after at most as many rounds as there are QKDNs.
pub fn provisioned(members: &[Member<'_>]) -> Vec<Arc<[(BoundaryId, Offer)]>> {
    let mut known: Vec<BTreeMap<(BoundaryId, QkdnId), Offer>> = vec![BTreeMap::new(); members.len()];
    let fresh = Knowledge::default();
    loop {
        let mut said = vec![BTreeMap::new(); members.len()];
        let transits = |member: &Member<'_>| !member.policy.refuses_transit;
        for (member, known) in members.iter().zip(&known).filter(|(member, _)| transits(member)) {
            let state = |hop: &Hop| fresh.state(hop, member.domain);
            let key = |hop: &Hop| KnownKey::provisioned(member.domain, hop);
            let class = |hop: &Hop| fresh.class(hop, member.domain, member.classes);
            let offered = |boundary, to| known.get(&(boundary, to));
            let view = View {
                domain: member.domain,
                borders: member.borders,
                routing: member.routing,
                state: &state,
                key: &key,
                class: &class,
                policy: member.policy,
                vectors: None,
                offered: &offered,
            };
            for border in member.borders {
                for to in destinations(member.domain.qkdn, border, member.borders, known.keys()) {
                    if let Some(offer) = view.offer(border, to) {
                        said[border.far_qkdn.0 as usize].insert((border.boundary, to), offer);
                    }
                }
            }
        }
        if said == known {
            break;
        }
        known = said;
    }
    let listed = |known: BTreeMap<(BoundaryId, QkdnId), Offer>| {
        let offers = known.into_iter().map(|((boundary, _), offer)| (boundary, offer));
        offers.collect()
    };
    known.into_iter().map(listed).collect()
}

/// QKDNs that something may be said of across a border: all that are known, but oneself and the one that is told.
fn destinations<'k>(
    own: QkdnId,
    across: &Border,
    borders: &[Border],
    known: impl Iterator<Item = &'k (BoundaryId, QkdnId)>,
) -> BTreeSet<QkdnId> {
    let neighbours = borders.iter().map(|border| border.far_qkdn);
    let all = neighbours.chain(known.map(|&(_, to)| to));
    all.filter(|&to| to != own && to != across.far_qkdn).collect()
}

/// What was said across borders since time 0, with the count of what was said.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    heard: BTreeMap<(BoundaryId, QkdnId), (u32, Option<Offer>)>,
    said: BTreeMap<(BoundaryId, QkdnId), (u32, Option<Offer>)>,
}

impl Controller {
    /// This QKDN's view of ways to others.
    pub(super) fn view<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        let domain = &self.surroundings.domain;
        let state = |hop: &Hop| self.knowledge.state(hop, domain);
        let classes = self.surroundings.parameters.level_classes;
        let key = |hop: &Hop| self.knowledge.key(hop, domain, classes);
        let class = |hop: &Hop| self.knowledge.class(hop, domain, classes);
        let offered = |boundary, to| self.offered(boundary, to);
        look(&View {
            domain,
            borders: &self.surroundings.borders,
            routing: &*self.routing,
            state: &state,
            key: &key,
            class: &class,
            policy: &self.surroundings.policy,
            vectors: self.vectors.as_ref(),
            offered: &offered,
        })
    }

    fn offered(&self, boundary: BoundaryId, to: QkdnId) -> Option<&Offer> {
        match self.exchange.heard.get(&(boundary, to)) {
            Some((_, offer)) => offer.as_ref(),
            None => self.provisioned(boundary, to),
        }
    }

    fn provisioned(&self, boundary: BoundaryId, to: QkdnId) -> Option<&Offer> {
        let mut offers = self.surroundings.offers.iter();
        let found = offers.find(|(across, offer)| *across == boundary && offer.destination() == to);
        found.map(|(_, offer)| offer)
    }

    /// Whether keys between other QKDNs can come through here.
    fn transits(&self) -> bool {
        self.has_several_neighbours() && !self.surroundings.policy.refuses_transit
    }

    /// Whether this QKDN has borders with more than one other.
    pub(super) fn has_several_neighbours(&self) -> bool {
        let borders = &self.surroundings.borders;
        borders
            .iter()
            .any(|border| border.far_qkdn != borders[0].far_qkdn)
    }

    /// What this controller has to offer across the borders that it serves.
    fn offers(&self) -> BTreeMap<(BoundaryId, QkdnId), Option<Offer>> {
        let surroundings = &self.surroundings;
        let (domain, borders) = (&surroundings.domain, &surroundings.borders);
        let offers = surroundings.offers.iter();
        let mut known: Vec<_> = offers
            .map(|(across, offer)| (*across, offer.destination()))
            .collect();
        known.extend(self.exchange.heard.keys());
        let served = borders
            .iter()
            .filter(|border| domain.controller_of[&border.hop.from] == self.me());
        let of_border = |border: &Border| {
            let all = destinations(domain.qkdn, border, borders, known.iter());
            let offer = |to| ((border.boundary, to), self.view(|view| view.offer(border, to)));
            all.into_iter().map(offer).collect::<Vec<_>>()
        };
        served.flat_map(of_border).collect()
    }

    /// What the others have been provisioned with is what this one would say at time 0.
    pub(super) fn provision_offers(&mut self) {
        if self.transits() {
            let offers = self.offers().into_iter();
            self.exchange.said = offers.map(|(about, offer)| (about, (0, offer))).collect();
        }
    }

    /// News of a way, from across a border or flooded by a controller of the same QKDN.
    pub(super) fn on_reachability(&mut self, news: &Reachability, from: Address, out: &mut Outbox) {
        let about = (news.boundary, news.destination);
        let heard = self.exchange.heard.get(&about);
        if heard.is_some_and(|(sequence, _)| *sequence >= news.sequence) {
            return;
        }
        self.exchange
            .heard
            .insert(about, (news.sequence, news.offer.clone()));
        for &peer in &self.surroundings.flooding_peers {
            if Address::controller(peer) != from {
                self.say(Address::controller(peer), news.clone(), out);
            }
        }
        self.offer_anew(out);
    }

    /// Status has changed here: what that means for those beyond the borders.
    pub(super) fn offer_after(&mut self, change: StatusChange, out: &mut Outbox) {
        let domain = &self.surroundings.domain;
        let matters = match change {
            StatusChange::Link { .. } | StatusChange::Reachable { .. } | StatusChange::Maintenance { .. } => {
                true
            }
            // Levels count where no key is made, where an empty store is a failure, and where they are told.
            StatusChange::Level { hop, .. } => {
                let leaves_depleted = self.surroundings.parameters.recovery.leaves_depleted;
                let told = self.surroundings.policy.offers_levels;
                leaves_depleted || told || self.knowledge.state(self.hop(hop), domain) > HopState::Active
            }
        };
        if matters {
            self.offer_anew(out);
        }
    }

    /// Says what is new of this QKDN's ways to those beyond its borders; nothing where nothing is.
    fn offer_anew(&mut self, out: &mut Outbox) {
        if !self.transits() {
            return;
        }
        for (about, offer) in self.offers() {
            let (sequence, before) = self.exchange.said.entry(about).or_insert((0, None));
            if *before == offer {
                continue;
            }
            *sequence += 1;
            before.clone_from(&offer);
            let (boundary, destination) = about;
            let news = Reachability {
                boundary,
                destination,
                sequence: *sequence,
                offer,
            };
            let mut borders = self.surroundings.borders.iter();
            let across = borders.find(|border| border.boundary == boundary);
            let to = across.expect("it is one of its own").far_controller;
            self.say(Address::controller(to), news, out);
        }
    }

    fn say(&self, to: Address, news: Reachability, out: &mut Outbox) {
        let label = Label::new(self.surroundings.parameters.rerouting, Step::Reachability);
        out.send(to, label, ControlMessage::Reachability(Box::new(news)));
    }
}
