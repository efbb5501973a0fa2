//! Availability: the share of the counting time in which a demand had a permitted path with usable key for one
//! request on every hop.
//!
//! Exact, from state changes. A store that has enough stays so until its KM says otherwise, and costs nothing. One that
//! has too little, or whose keys expire, is followed on a copy of the store and of its source: block by block, at the
//! instants at which blocks come, promises lapse and keys expire, never by sampling. A link under a cut whose store
//! has key left counts as usable. A node is up while its KM and the controller that serves it are.
//!
//! A class below a floor of its provider's policy finds no usable key: there a request needs what the floor holds back
//! besides its own length.
//!
//! A permitted path leads from the source's node to the destination's, crosses between QKDNs only at boundaries, and
//! never returns to a QKDN that it left, nor passes one whose policy refuses transit.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::plan::Plan;
use crate::architecture::key_source::KeySource as _;
use crate::ids::{Arena, ClassId, Id as _, NodeId, QkdnId, SessionId, StoreId};
use crate::kernel::Time;
use crate::key_management::store::SendingStore;
use crate::quantum::source::LinkSource;

/// A store and its source, as a copy that is run ahead.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The sending end.
    pub store: SendingStore,
    /// What fills it.
    pub source: LinkSource,
}

/// What is known of one store.
#[derive(Clone, Debug, Default)]
struct Followed {
    /// How many of the needs it covers.
    covers: usize,
    /// The copy, while the store can change by itself in a way that matters.
    ahead: Option<Box<Ahead>>,
}

/// A store covers other needs than before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    at: Time,
    what: What,
}

/// What has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// A store covers so many needs.
    Covers(StoreId, usize),
    /// A node went down, or came up.
    Up(NodeId, bool),
}

/// Follows which stores have usable key for which requests.
#[derive(Clone, Debug)]
pub struct Availability {
    /// Sizes of requests that there are, ascending \[bits\].
    needs: Vec<u64>,
    /// What policies hold back, by class.
    held_back: Arena<ClassId, BTreeMap<StoreId, u64>>,
    stores: Arena<StoreId, Followed>,
    changes: Vec<Change>,
}

impl Availability {
    /// Follows the stores of a plan; their levels at time 0 are yet to be told.
    pub fn new(plan: &Plan) -> Availability {
        let mut needs: Vec<u64> = plan.sessions.values().map(|session| session.bits).collect();
        let held_back: Arena<ClassId, _> = plan.classes.ids().map(|class| held_back(plan, class)).collect();
        for (_, session) in plan.demands() {
            needs.extend(held_back[session.class].values().map(|bits| session.bits + bits));
        }
        needs.sort_unstable();
        needs.dedup();
        Availability {
            needs,
            held_back,
            stores: plan.stores.ids().map(|_| Followed::default()).collect(),
            changes: Vec::new(),
        }
    }

    /// Whether a level tells nothing new: the store covered every request before and does so now. (A store whose keys
    /// expire is always followed, so that it is never ample.)
    #[inline]
    pub fn is_ample(&self, store: StoreId, usable: u64) -> bool {
        let followed = &self.stores[store];
        followed.ahead.is_none()
            && followed.covers == self.needs.len()
            && self.needs.last().is_none_or(|&most| usable >= most)
    }

    /// The usable level of a store has changed. `copy` is asked for only where the store must be followed.
    #[inline]
    pub fn level(
        &mut self,
        now: Time,
        store: StoreId,
        usable: u64,
        expires: bool,
        copy: impl FnOnce() -> Ahead,
    ) {
        if self.is_ample(store, usable) {
            return;
        }
        let enough = self.needs.last().is_none_or(|&most| usable >= most);
        self.settle(now, store);
        if enough && !expires {
            self.stores[store].ahead = None;
            self.set(now, store, usable);
        } else {
            let mut ahead = copy();
            ahead.store.look(now, &mut ahead.source);
            self.set(now, store, ahead.store.usable());
            self.stores[store].ahead = Some(Box::new(ahead));
        }
    }

    fn set(&mut self, at: Time, store: StoreId, usable: u64) {
        let covers = self.needs.partition_point(|&need| need <= usable);
        let followed = &mut self.stores[store];
        if followed.covers != covers {
            followed.covers = covers;
            let what = What::Covers(store, covers);
            self.changes.push(Change { at, what });
        }
    }

    /// Runs a store's copy up to now.
    fn settle(&mut self, now: Time, store: StoreId) {
        let Some(mut ahead) = self.stores[store].ahead.take() else {
            return;
        };
        let expires = ahead.store.settings.max_age.is_some();
        loop {
            let book = ahead.store.book();
            let full = book.stored + book.reserved >= ahead.store.settings.capacity;
            let comes = if full && !expires {
                None
            } else {
                ahead.source.next_notice(1)
            };
            let next = comes.into_iter().chain(ahead.store.next_loss_or_lapse()).min();
            let Some(at) = next.filter(|&at| at <= now) else {
                break;
            };
            ahead.store.look(at, &mut ahead.source);
            self.set(at, store, ahead.store.usable());
            if !expires && self.stores[store].covers == self.needs.len() {
                return;
            }
        }
        self.stores[store].ahead = Some(ahead);
    }

    /// A node goes down, or comes up.
    pub fn node(&mut self, at: Time, node: NodeId, up: bool) {
        let what = What::Up(node, up);
        self.changes.push(Change { at, what });
    }

    /// Whether a store is followed on a copy, which a cut or a repair makes stale.
    pub fn follows(&self, store: StoreId) -> bool {
        self.stores[store].ahead.is_some()
    }

    /// The run is over: each demand's share of the counting time, by session.
    pub fn conclude(&mut self, plan: &Plan) -> Arena<SessionId, Option<f64>> {
        let (from, to) = plan.counting();
        for store in plan.stores.ids() {
            self.settle(to, store);
        }
        self.changes.sort_by_key(|change| change.at);
        let borders: FxHashSet<_> = plan
            .boundaries
            .values()
            .flat_map(|boundary| boundary.hops)
            .collect();
        let mut outgoing: Arena<NodeId, Vec<Way>> = plan.nodes.ids().map(|_| Vec::new()).collect();
        for (id, hop) in plan.hops.iter() {
            if !hop.crosses_border || borders.contains(&id) {
                outgoing[hop.from].push(Way {
                    to: hop.to,
                    qkdn: plan.nodes[hop.to].qkdn,
                    store: hop.store(),
                    leaves_a_refusing: hop.crosses_border && plan.refuses_transit(plan.nodes[hop.from].qkdn),
                });
            }
        }
        let qkdns: Arena<NodeId, QkdnId> = plan.nodes.values().map(|node| node.qkdn).collect();
        // Sessions between the same nodes with the same needs have the same paths.
        let mut known = BTreeMap::new();
        plan.demands()
            .map(|(_, session)| {
                let place = |bits| self.needs.partition_point(|&need| need < bits);
                let held_back = self.held_back[session.class].iter();
                let needs = Needs {
                    usual: place(session.bits),
                    at: held_back
                        .map(|(&store, bits)| (store, place(session.bits + bits)))
                        .collect(),
                };
                let ends = [session.source, session.destination].map(|end| plan.applications[end].node);
                let up = *known.entry((ends, needs.clone())).or_insert_with(|| {
                    let search = Search {
                        outgoing: &outgoing,
                        qkdns: &qkdns,
                        ends,
                        usable: vec![false; self.stores.len()],
                        down: vec![false; outgoing.len()],
                    };
                    self.time_up(search, &needs, [from, to])
                });
                (to > from).then(|| up as f64 / to.since(from).0 as f64)
            })
            .collect()
    }

    /// For how long \[ns\] between two instants there was a path.
    fn time_up(&self, mut search: Search<'_>, needs: &Needs, [from, to]: [Time; 2]) -> u64 {
        let mut path = search.find();
        let (mut since, mut up) = (from, 0);
        for change in &self.changes {
            if change.at >= to {
                break;
            }
            let matters = match change.what {
                What::Covers(store, covers) => {
                    let covers = covers > needs.of(store);
                    let news = std::mem::replace(&mut search.usable[store.index()], covers) != covers;
                    news && match &path {
                        Some((stores, _)) => !covers && stores.contains(&store),
                        None => covers,
                    }
                }
                What::Up(node, up) => {
                    let news = std::mem::replace(&mut search.down[node.index()], !up) == up;
                    news && match &path {
                        Some((_, nodes)) => !up && nodes.contains(&node),
                        None => up,
                    }
                }
            };
            if matters {
                let at = change.at.max(from);
                up += if path.is_some() { at.since(since).0 } else { 0 };
                since = at;
                path = search.find();
            }
        }
        up + if path.is_some() { to.since(since).0 } else { 0 }
    }
}

/// What a request must find in stores, as places in the list of all needs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Needs {
    usual: usize,
    /// Where a policy holds key back.
    at: BTreeMap<StoreId, usize>,
}

impl Needs {
    fn of(&self, store: StoreId) -> usize {
        self.at.get(&store).copied().unwrap_or(self.usual)
    }
}

/// Where policies hold key back from a class, and how much beyond the store's own floor \[bits\]: at the hop over a
/// border; where crossing spends no key, at the hops that lead to it and on from it inside the two QKDNs.
fn held_back(plan: &Plan, class: ClassId) -> BTreeMap<StoreId, u64> {
    let mut held = BTreeMap::new();
    let mut hold = |store: StoreId, own: QkdnId, partner: QkdnId| {
        let floor = plan.qkdns[own].policy.terms(Some(partner), class).floor;
        let beyond = floor.saturating_sub(plan.stores[store].settings.floor);
        if beyond > 0 {
            let most = held.entry(store).or_insert(0);
            *most = beyond.max(*most);
        }
    };
    for crossing in plan.boundaries.values().flat_map(|boundary| boundary.hops) {
        let crossing = &plan.hops[crossing];
        let [from, to] = [crossing.from, crossing.to].map(|node| plan.nodes[node].qkdn);
        if let Some(store) = crossing.store() {
            hold(store, from, to);
            continue;
        }
        for hop in plan.hops.values().filter(|hop| !hop.crosses_border) {
            if let Some(store) = hop.store() {
                if hop.to == crossing.from {
                    hold(store, from, to);
                } else if hop.from == crossing.to {
                    hold(store, to, from);
                }
            }
        }
    }
    held
}

/// A hop as paths are looked for.
#[derive(Clone, Copy, Debug)]
struct Way {
    to: NodeId,
    qkdn: QkdnId,
    store: Option<StoreId>,
    /// It crosses out of a QKDN that lets only its own keys out.
    leaves_a_refusing: bool,
}

/// What a search looks through.
struct Search<'a> {
    outgoing: &'a Arena<NodeId, Vec<Way>>,
    qkdns: &'a Arena<NodeId, QkdnId>,
    ends: [NodeId; 2],
    usable: Vec<bool>,
    down: Vec<bool>,
}

/// Stores and nodes of a path.
type Path = (Vec<StoreId>, Vec<NodeId>);

impl Search<'_> {
    /// The stores and nodes of a permitted path over usable hops, if there is one.
    ///
    /// O(V + E), but where the first path found leaves a QKDN and enters it again, which only one in parts makes it do (by
    /// provision, or as its stores run dry): then all sets of QKDNs on the way are told apart, at worst 2 to the number of
    /// QKDNs.
    fn find(&self) -> Option<Path> {
        let [source, destination] = self.ends;
        if self.down[source.index()] {
            return None;
        }
        let mut came: Vec<Option<(NodeId, Option<StoreId>)>> = vec![None; self.outgoing.len()];
        let mut places = vec![source];
        let mut next = 0;
        while next < places.len() && came[destination.index()].is_none() && source != destination {
            let node = places[next];
            for way in self.outgoing[node]
                .iter()
                .filter(|way| self.lets_through(node, way))
            {
                if way.to != source && came[way.to.index()].is_none() {
                    came[way.to.index()] = Some((node, way.store));
                    places.push(way.to);
                }
            }
            next += 1;
        }
        let (mut stores, mut nodes) = (Vec::new(), vec![destination]);
        let mut at = destination;
        while at != source {
            let (before, store) = came[at.index()]?;
            stores.extend(store);
            nodes.push(before);
            at = before;
        }
        let mut left: Vec<QkdnId> = nodes.iter().map(|&node| self.qkdns[node]).collect();
        left.dedup();
        let all = left.len();
        left.sort_unstable();
        left.dedup();
        if left.len() == all {
            return Some((stores, nodes));
        }
        self.find_among_all()
    }

    /// Whether a hop may be on a permitted path, whatever comes before it.
    fn lets_through(&self, node: NodeId, way: &Way) -> bool {
        let usable = !self.down[way.to.index()] && way.store.is_none_or(|store| self.usable[store.index()]);
        let [first, last] = self.ends.map(|end| self.qkdns[end]);
        let here = self.qkdns[node];
        let crosses = here != way.qkdn;
        usable
            && (!crosses || (way.qkdn != first && here != last))
            && (!way.leaves_a_refusing || here == first)
    }

    /// The same, by places that are told apart by the QKDNs passed on the way.
    fn find_among_all(&self) -> Option<Path> {
        let [source, destination] = self.ends;
        let mut places = vec![(source, vec![self.qkdns[source]])];
        let mut came = vec![(usize::MAX, None)];
        let mut known: FxHashSet<(NodeId, Vec<QkdnId>)> = places.iter().cloned().collect();
        let mut next = 0;
        while next < places.len() {
            let (node, passed) = places[next].clone();
            if node == destination {
                let (mut stores, mut nodes) = (Vec::new(), Vec::new());
                let mut at = next;
                while at != usize::MAX {
                    stores.extend(came[at].1);
                    nodes.push(places[at].0);
                    at = came[at].0;
                }
                return Some((stores, nodes));
            }
            for way in self.outgoing[node]
                .iter()
                .filter(|way| self.lets_through(node, way))
            {
                let mut through = passed.clone();
                if self.qkdns[node] != way.qkdn {
                    match through.binary_search(&way.qkdn) {
                        Ok(_) => continue,
                        Err(place) => through.insert(place, way.qkdn),
                    }
                }
                let place = (way.to, through);
                if known.insert(place.clone()) {
                    places.push(place);
                    came.push((next, way.store));
                }
            }
            next += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A mesh: the QKDN of each node, joined pairs of nodes (with a store each way), which QKDNs refuse transit.
    fn outgoing(
        qkdns: &Arena<NodeId, QkdnId>,
        joined: &[(u32, u32)],
        refuses: &[bool],
    ) -> Arena<NodeId, Vec<Way>> {
        let mut outgoing: Arena<NodeId, Vec<Way>> = qkdns.ids().map(|_| Vec::new()).collect();
        for (number, &(a, b)) in joined.iter().enumerate() {
            for (from, to) in [(a, b), (b, a)].map(|(from, to)| (NodeId(from), NodeId(to))) {
                outgoing[from].push(Way {
                    to,
                    qkdn: qkdns[to],
                    store: Some(StoreId(number as u32)),
                    leaves_a_refusing: qkdns[from] != qkdns[to] && refuses[qkdns[from].index()],
                });
            }
        }
        outgoing
    }

    fn is_permitted(search: &Search<'_>, nodes: &[NodeId]) -> bool {
        let mut left: Vec<QkdnId> = nodes.iter().map(|&node| search.qkdns[node]).collect();
        left.dedup();
        let all = left.len();
        left.sort_unstable();
        left.dedup();
        left.len() == all
    }

    proptest! {
        /// The short search finds a permitted path where the search of all does, and only there.
        #[test]
        fn the_short_search_misses_no_path(
            places in prop::collection::vec(0u32..4, 2..9),
            pairs in prop::collection::vec((0u32..9, 0u32..9, prop::bool::weighted(0.8)), 0..20),
            refuses in prop::array::uniform4(prop::bool::weighted(0.2)),
            down in 0usize..9,
        ) {
            let count = places.len() as u32;
            let qkdns: Arena<NodeId, QkdnId> = places.into_iter().map(QkdnId).collect();
            let joined: Vec<(u32, u32)> = pairs.iter().map(|&(a, b, _)| (a % count, b % count)).collect();
            let outgoing = outgoing(&qkdns, &joined, &refuses);
            let mut out_of_service = vec![false; qkdns.len()];
            if let Some(node) = out_of_service.get_mut(down) {
                *node = true;
            }
            let search = Search {
                outgoing: &outgoing,
                qkdns: &qkdns,
                ends: [NodeId(0), NodeId(1)],
                usable: pairs.iter().map(|pair| pair.2).collect(),
                down: out_of_service,
            };
            let all = if search.down[0] { None } else { search.find_among_all() };
            let found = search.find();
            prop_assert_eq!(found.is_some(), all.is_some());
            if let Some((stores, nodes)) = found {
                prop_assert!(stores.iter().all(|store| search.usable[store.index()]));
                prop_assert!(nodes.iter().all(|node| !search.down[node.index()]));
                prop_assert!(is_permitted(&search, &nodes));
            }
        }
    }

    /// Every two of 40 QKDNs are joined, and the destination by a store that is empty: ways without loops are more than can
    /// be counted, and none of them need be.
    #[test]
    fn a_mesh_with_a_starved_end_costs_one_search() {
        let qkdns: Arena<NodeId, QkdnId> = (0..40).map(QkdnId).collect();
        let joined: Vec<(u32, u32)> = (0..39)
            .flat_map(|a| (a + 1..39).map(move |b| (a, b)))
            .chain([(38, 39)])
            .collect();
        let outgoing = outgoing(&qkdns, &joined, &[false; 40]);
        let mut usable = vec![true; joined.len()];
        usable[joined.len() - 1] = false;
        let mut search = Search {
            outgoing: &outgoing,
            qkdns: &qkdns,
            ends: [NodeId(0), NodeId(39)],
            usable,
            down: vec![false; 40],
        };
        assert_eq!(search.find(), None);
        search.usable.fill(true);
        let (_, nodes) = search.find().expect("the last store has key");
        assert_eq!(nodes, [NodeId(39), NodeId(38), NodeId(0)]);
    }
}
