//! Availability: the share of the counting time in which a demand had a permitted path with usable key for one
//! request on every hop.
//!
//! Exact, from state changes. A store that has enough stays so until its KM says otherwise, and costs nothing. One that
//! has too little, or whose keys expire, is followed on a copy of the store and of its source: block by block, at the
//! instants at which blocks come, promises lapse and keys expire, never by sampling. A link under a cut whose store
//! has key left counts as usable. A node is up while its KM and the controller that serves it are.
//!
//! A permitted path leads from the source's node to the destination's, crosses between QKDNs only at boundaries, and
//! never returns to a QKDN that it left, nor passes one whose policy refuses transit.

use rustc_hash::FxHashSet;

use super::plan::Plan;
use crate::architecture::key_source::KeySource as _;
use crate::ids::{Arena, Id as _, NodeId, QkdnId, SessionId, StoreId};
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
    stores: Arena<StoreId, Followed>,
    changes: Vec<Change>,
}

impl Availability {
    /// Follows the stores of a plan; their levels at time 0 are yet to be told.
    pub fn new(plan: &Plan) -> Availability {
        let mut needs: Vec<u64> = plan.sessions.values().map(|session| session.bits).collect();
        needs.sort_unstable();
        needs.dedup();
        Availability {
            needs,
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
        plan.demands()
            .map(|(_, session)| {
                let need = self.needs.partition_point(|&need| need < session.bits);
                let ends = [session.source, session.destination].map(|end| plan.applications[end].node);
                let up = self.time_up(&outgoing, plan.nodes[ends[0]].qkdn, ends, need, [from, to]);
                (to > from).then(|| up as f64 / to.since(from).0 as f64)
            })
            .collect()
    }

    /// For how long \[ns\] between two instants there was a path.
    fn time_up(
        &self,
        outgoing: &Arena<NodeId, Vec<Way>>,
        qkdn: QkdnId,
        ends: [NodeId; 2],
        need: usize,
        [from, to]: [Time; 2],
    ) -> u64 {
        let mut usable = vec![false; self.stores.len()];
        let mut down = vec![false; outgoing.len()];
        let mut path = find(outgoing, qkdn, ends, &usable, &down);
        let (mut since, mut up) = (from, 0);
        for change in &self.changes {
            if change.at >= to {
                break;
            }
            let matters = match change.what {
                What::Covers(store, covers) => {
                    let covers = covers > need;
                    let news = std::mem::replace(&mut usable[store.index()], covers) != covers;
                    news && match &path {
                        Some((stores, _)) => !covers && stores.contains(&store),
                        None => covers,
                    }
                }
                What::Up(node, up) => {
                    let news = std::mem::replace(&mut down[node.index()], !up) == up;
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
                path = find(outgoing, qkdn, ends, &usable, &down);
            }
        }
        up + if path.is_some() { to.since(since).0 } else { 0 }
    }
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

/// The stores and nodes of a permitted path over usable hops, if there is one.
fn find(
    outgoing: &Arena<NodeId, Vec<Way>>,
    qkdn: QkdnId,
    [source, destination]: [NodeId; 2],
    usable: &[bool],
    down: &[bool],
) -> Option<(Vec<StoreId>, Vec<NodeId>)> {
    if down[source.index()] {
        return None;
    }
    // A place is a node and the QKDNs passed on the way, the present one last: both decide what may follow.
    let mut places = vec![(source, vec![qkdn])];
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
        for way in &outgoing[node] {
            if down[way.to.index()] || way.store.is_some_and(|store| !usable[store.index()]) {
                continue;
            }
            if way.leaves_a_refusing && passed.len() > 1 {
                continue;
            }
            let mut through = passed.clone();
            if passed.last() != Some(&way.qkdn) {
                if passed.contains(&way.qkdn) {
                    continue;
                }
                through.push(way.qkdn);
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
