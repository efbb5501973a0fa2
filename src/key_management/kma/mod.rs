//! The key manager (KM): one first-in-first-out element that holds a node's KMA and KSA (Y.3818 6.1, 7.1, 7.2).
//!
//! The KMA's work is split by procedure: [`source`] is the KM of the application that asks, [`relay`] carries keys
//! over hops, [`reservation`] promises them, and [`lane`] is what they all draw on; [`undelivered`] deals with what the
//! carrier gave up. The [`ksa`](super::ksa) supplies.

pub mod alarm;
pub mod authentication;
mod expiry;
mod key_data;
pub mod lane;
mod legs;
mod level_alarm;
mod outage;
mod pools;
pub mod queue;
pub mod relay;
pub mod reservation;
pub mod sessions;
pub mod source;
#[cfg(test)]
mod tests;
pub mod undelivered;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::expiry::Expiry;
use self::key_data::KeyData;
use self::lane::Lane;
use self::relay::centralized::Combining;
use self::relay::destination::Part;
use self::relay::parts_void::SentParts;
use self::relay::{HeldKey, Passing};
use self::sessions::HeldHops;
use self::source::Sources;
use crate::architecture::hop::{Handover, Hop};
use crate::architecture::key_source::{KeySources, StoreEnd};
use crate::architecture::message::{
    BorderChoice, ControlMessage, Formation, KeyManagementMessage, LaneLevel, Message, NewRoute, RelayOrder,
    ServiceMessage, StatusAnswer, StatusChange,
};
use crate::architecture::policy::Terms;
use crate::architecture::surroundings::{KmSurroundings, StoreSettings};
use crate::architecture::{Address, Envelope, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{ControllerId, FaultId, HopId, LinkId, NodeId, PoolId, QkdnId, SessionId, StoreId};
use crate::kernel::{Occupancy, Time};
use crate::key_management::ksa::Ksa;
use crate::key_management::pool::{Pool, PoolCopy};
use crate::key_management::store::{Book, ReceivingStore, SendingStore};

/// What a KM is lent for one call: the time, and the modules below it (Kq-1).
pub struct Context<'a> {
    /// Now.
    pub now: Time,
    /// The key sources.
    pub sources: &'a mut dyn KeySources,
}

/// A session's way on from here, as its controller installed it.
#[derive(Clone, Debug)]
pub struct Route {
    /// Over which hop.
    pub hop: HopId,
    /// The border by which the session leaves this QKDN, else the one by which it came, if it crosses one.
    pub border: Option<BorderChoice>,
    /// The controller that decides on the session's segment.
    pub decider: ControllerId,
    /// Which procedure the session runs.
    pub procedure: Procedure,
    /// A reroute that is being installed, and when it is in force.
    pub installing: Option<(Time, NewRoute)>,
    /// Counts the session's routes.
    pub epoch: u32,
    /// The attempt that established the session's segment.
    pub generation: u32,
    /// On which terms its keys are served here.
    pub terms: Terms,
}

impl Route {
    /// KM-B, if `km` is KM-A: whom its KSA synchronises with.
    pub fn entry(&self, km: NodeId) -> Option<NodeId> {
        self.border
            .filter(|border| border.near == km)
            .map(|border| border.far)
    }
}

/// A hop that a request was promised.
#[derive(Clone, Debug)]
struct Grant {
    hop: HopId,
    attempt: u32,
    bits: u64,
    deadline: Time,
    terms: Terms,
    /// The deciding controller.
    reply_to: ControllerId,
    /// One of higher priority lacks its key: if it comes back, its request waits here.
    recalled: bool,
    /// How the segment's KMs relay together; `None`: hop by hop.
    formation: Option<Arc<Formation>>,
}

/// What a KM needs of one of its hops.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// The KM at the other end.
    neighbour: NodeId,
    handover: Handover,
    crosses_border: bool,
    /// The receiving KM's QKDN.
    to_qkdn: QkdnId,
    /// Its lane or receiving end here, if the hop spends.
    store: Option<usize>,
}

/// The hops of a KM, with the places of their stores.
fn ways(
    hops: &[Hop],
    places: &FxHashMap<StoreId, usize>,
    neighbour: fn(&Hop) -> NodeId,
) -> FxHashMap<HopId, Way> {
    let way = |hop: &Hop| Way {
        neighbour: neighbour(hop),
        handover: hop.handover,
        crosses_border: hop.crosses_border,
        to_qkdn: hop.to_qkdn,
        store: hop.store().map(|store| places[&store]),
    };
    hops.iter().map(|hop| (hop.id, way(hop))).collect()
}

/// The machine.
#[derive(Debug)]
pub struct KeyManager {
    pub(super) surroundings: Arc<KmSurroundings>,
    /// Sending ends, in the order of the surroundings.
    lanes: Vec<Lane>,
    lane_of: FxHashMap<StoreId, usize>,
    /// Receiving ends.
    follows: Vec<ReceivingStore>,
    outgoing: FxHashMap<HopId, Way>,
    incoming: FxHashMap<HopId, Way>,
    pub(super) routes: FxHashMap<SessionId, Route>,
    /// Hops that requests were promised, and for which attempt.
    grants: FxHashMap<RequestId, Grant>,
    /// With how many of them those that are overdue are forgotten.
    sweep_at: usize,
    /// Sessions that hold hops, where links carry only so many.
    held_hops: HeldHops,
    /// Requests whose promise was asked back here, until their deadline: once is enough.
    recalled: FxHashMap<RequestId, Time>,
    /// Hops whose failure was alarmed, with the fault behind it, until key goes over them again.
    alarmed: BTreeMap<HopId, Option<FaultId>>,
    /// Neighbouring KMs that are not heard.
    unheard: BTreeSet<NodeId>,
    /// Requests that were relayed on, until their completion comes back.
    passing: FxHashMap<RequestId, Passing>,
    /// Relays to which this KM contributes a part.
    parts: FxHashMap<RequestId, Part>,
    parts_expiry: Expiry,
    /// Parts that this KM has sent, until it hears how their relays ended.
    sent_parts: SentParts,
    /// Relays whose parts this KM combines.
    combining: FxHashMap<RequestId, Combining>,
    combining_expiry: Expiry,
    /// Keys that arrived for this KM's applications.
    pub(super) held: FxHashMap<RequestId, HeldKey>,
    held_expiry: Expiry,
    /// Keys that were transferred to or from this KM inside one site.
    key_data: KeyData,
    pub(super) sources: Sources,
    pub(super) ksa: Ksa,
    /// Pools that this KM fills.
    pools: BTreeMap<PoolId, Pool>,
    /// Pools that others fill here.
    pub(super) copies: BTreeMap<PoolId, PoolCopy>,
}

impl KeyManager {
    /// A KM with its stores filled as provisioned.
    pub fn new(surroundings: Arc<KmSurroundings>) -> KeyManager {
        let classes = surroundings.parameters.level_classes;
        let lanes: Vec<Lane> = surroundings
            .sending_stores
            .iter()
            .map(|settings| {
                let hop = surroundings
                    .outgoing
                    .iter()
                    .find(|hop| hop.id == settings.hop)
                    .expect("its own hop");
                Lane::new(settings.clone(), hop.link, classes)
            })
            .collect();
        let follows: Vec<ReceivingStore> = surroundings
            .receiving_stores
            .iter()
            .cloned()
            .map(ReceivingStore::new)
            .collect();
        let lane_of: FxHashMap<StoreId, usize> = lanes
            .iter()
            .enumerate()
            .map(|(at, lane)| (lane.store.settings.id, at))
            .collect();
        let follow_of: FxHashMap<StoreId, usize> = follows
            .iter()
            .enumerate()
            .map(|(at, store)| (store.settings.id, at))
            .collect();
        KeyManager {
            outgoing: ways(&surroundings.outgoing, &lane_of, |hop| hop.to),
            incoming: ways(&surroundings.incoming, &follow_of, |hop| hop.from),
            held_hops: HeldHops::new(&surroundings.session_limits),
            lane_of,
            pools: surroundings
                .protections
                .pools
                .iter()
                .map(|(&id, settings)| (id, Pool::new(Arc::clone(settings))))
                .collect(),
            surroundings,
            lanes,
            follows,
            routes: FxHashMap::default(),
            grants: FxHashMap::default(),
            sweep_at: reservation::FEW,
            recalled: FxHashMap::default(),
            alarmed: BTreeMap::new(),
            unheard: BTreeSet::new(),
            passing: FxHashMap::default(),
            parts: FxHashMap::default(),
            parts_expiry: Expiry::default(),
            sent_parts: SentParts::default(),
            combining: FxHashMap::default(),
            combining_expiry: Expiry::default(),
            held: FxHashMap::default(),
            held_expiry: Expiry::default(),
            key_data: KeyData::default(),
            sources: Sources::default(),
            ksa: Ksa::default(),
            copies: BTreeMap::new(),
        }
    }

    /// The start of the run: levels that are to be reported are watched.
    pub fn on_start(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            self.arm(lane, cx, out);
        }
        self.start_pools(cx, out);
    }

    /// A message has been processed by the KM's server.
    pub fn on_message(&mut self, envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let label = envelope.label;
        if let Some(tag) = &envelope.tag {
            self.verify(tag, cx, out);
        }
        match envelope.message {
            Message::Service(ServiceMessage::KeyRequest(order)) => self.on_key_request(order, label, cx, out),
            Message::Service(_) => unreachable!("a KSA is not supplied"),
            Message::KeyManagement(KeyManagementMessage::Requirement {
                order,
                attempt,
                source,
                source_controller,
            }) => {
                let order = RelayOrder {
                    order,
                    source,
                    attempt,
                    source_controller,
                    border: None,
                };
                self.on_requirement(order, label, out);
            }
            Message::KeyManagement(KeyManagementMessage::KeyRelay { .. }) => self.on_relay(envelope, cx, out),
            Message::KeyManagement(KeyManagementMessage::KeyIds {
                ask,
                hop,
                keys,
                deadline,
            }) => self.on_key_ids(ask, (hop, keys), deadline, cx, out),
            Message::KeyManagement(KeyManagementMessage::PartRequest(order)) => {
                self.on_part_request(order, envelope.from, label, cx, out);
            }
            Message::KeyManagement(KeyManagementMessage::RelayPart(part)) => {
                self.on_part(*part, label, cx, out);
            }
            Message::KeyManagement(KeyManagementMessage::RequirementRefused { ask }) => {
                self.ask_again(ask, cx, out);
            }
            Message::KeyManagement(KeyManagementMessage::TransferAccepted { .. }) => {}
            Message::KeyManagement(KeyManagementMessage::Void { request, hop, otp }) => {
                self.on_void(request, hop, otp.as_ref(), label, cx, out);
            }
            Message::KeyManagement(KeyManagementMessage::KeysVoid { hop, keys, .. }) => {
                self.on_keys_void(hop, &keys, cx);
            }
            Message::KeyManagement(KeyManagementMessage::Completion { request, outcome }) => {
                self.on_completion(request, outcome, label, cx, out);
            }
            Message::KeyManagement(
                message @ (KeyManagementMessage::SupplyNotification { .. }
                | KeyManagementMessage::SupplyResponse { .. }),
            ) => self.on_supply(&message, envelope.from.node(), label, cx, out),
            Message::Control(message) => self.on_control(message, label, cx, out),
            Message::Management(_) => unreachable!("no manager speaks to a KM"),
        }
        self.pump_unblocked(cx, out);
        self.set_retries(cx, out);
        self.authenticate(cx, out);
    }

    fn on_control(&mut self, message: ControlMessage, label: Label, cx: &mut Context<'_>, out: &mut Outbox) {
        match message {
            ControlMessage::BorderAnswer { ask, border } => {
                self.on_border_answer(ask, border, cx, out);
            }
            ControlMessage::ResourceQuery {
                ask, hop, reply_to, ..
            } => {
                self.on_resource_query(ask, hop, reply_to, label, cx, out);
            }
            ControlMessage::Reserve(reservation) => self.on_reserve(&reservation, label, cx, out),
            ControlMessage::Start {
                ask, decider, result, ..
            } => {
                self.on_start_or_refusal(ask, decider, result, cx, out);
            }
            ControlMessage::CanServe { ask, .. } => self.on_can_serve(ask, cx, out),
            ControlMessage::Release { ask, cancel, .. } => self.on_release(ask, cancel, cx, out),
            ControlMessage::RerouteCommand(order) => self.on_reroute_command(order, cx, out),
            ControlMessage::RouteLost {
                session,
                generation,
                fault,
                ..
            } => self.on_route_lost(session, generation, fault, cx, out),
            ControlMessage::SwitchOver {
                session,
                works,
                fault,
                ..
            } => self.on_switch_over(session, works, fault, cx, out),
            ControlMessage::StatusRequest { round } => self.on_status_request(round, cx, out),
            ControlMessage::SessionClose {
                session, generation, ..
            } => self.on_session_close(session, generation, cx, out),
            ControlMessage::StandingQuery {
                session,
                generation,
                decider,
                ..
            } => self.on_standing_query(session, generation, decider, label, out),
            other => unreachable!("no controller sends a KM {other:?}"),
        }
    }

    /// A timer fires.
    pub fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>, out: &mut Outbox) {
        match timer {
            Timer::RequestDeadline(session) => self.on_request_deadline(session, cx, out),
            Timer::StoreNotice(store) => {
                let lane = self.lane_of[&store];
                if self.lanes[lane].armed <= cx.now {
                    self.lanes[lane].armed = Time::NEVER;
                    self.look(lane, cx, out);
                    self.after_change(lane, cx, out);
                }
            }
            Timer::Installed(session) => self.on_installed(session, cx, out),
            Timer::PartDeadline => self.on_part_deadline(cx, out),
            Timer::KeyDataDeadline => self.on_key_data_deadline(cx.now, out),
            Timer::PoolRetry(pool) => self.on_pool_retry(pool, cx, out),
            Timer::PoolEnd(pool) => self.on_pool_end(pool, out),
            other => unreachable!("a KM sets no {other:?}"),
        }
        self.pump_unblocked(cx, out);
        self.set_retries(cx, out);
        self.authenticate(cx, out);
    }

    /// Looks at a lane's modules (Kq-1): takes in what has come.
    fn look(&mut self, lane: usize, cx: &mut Context<'_>, out: &mut Outbox) {
        let Lane { store, link, .. } = &mut self.lanes[lane];
        let id = store.settings.id;
        let bits = store.look(cx.now, cx.sources.source(id, StoreEnd::Sending));
        if bits > 0 {
            out.trace(|| Observation::KeysDelivered {
                store: id,
                link: *link,
                bits,
            });
        }
        if store.has_lapsed() {
            let (hop, lapsed) = (store.settings.hop, store.take_lapsed());
            for (request, keys) in lapsed {
                self.waste(request, hop, keys, out);
            }
        }
    }

    /// After a lane's level has changed: serve those that wait, report, arm the next wake-up.
    fn after_change(&mut self, lane: usize, cx: &mut Context<'_>, out: &mut Outbox) {
        self.serve_waiters(lane, cx, out);
        let classes = self.surroundings.parameters.level_classes;
        if let Some(class) = self.lanes[lane].class_change(classes) {
            self.report_level(lane, class, cx.now, out);
        }
        self.watch_level(lane, out);
        let store = &self.lanes[lane].store;
        out.observe(Observation::Level {
            store: store.settings.id,
            usable: store.usable(),
        });
        self.arm(lane, cx, out);
    }

    fn report_level(&self, lane: usize, class: u8, now: Time, out: &mut Outbox) {
        let hop = self.lanes[lane].store.settings.hop;
        let change = StatusChange::Level { hop, class };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        let report = ControlMessage::Status {
            change,
            origin: now,
            fault: None,
        };
        out.send(Address::controller(self.surroundings.controller), label, report);
    }

    /// P10 and P13 step 2: how full its links are, both ways. Of keys that expire the sending end alone knows how many are
    /// left.
    fn on_status_request(&mut self, round: u32, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            self.look(lane, cx, out);
        }
        let level = |link: Option<LinkId>, settings: &StoreSettings, stored: u64| {
            // What has no room is full.
            let percent = (u128::from(stored) * 100).checked_div(u128::from(settings.capacity));
            Some(LaneLevel {
                link: link?,
                hop: settings.hop,
                percent: percent.unwrap_or(100).min(100) as u8,
            })
        };
        let sent = self.lanes.iter();
        let sent = sent.map(|lane| level(lane.link, &lane.store.settings, lane.store.book().stored));
        let mut levels: Vec<LaneLevel> = sent.flatten().collect();
        for hop in &self.surroundings.incoming {
            let Some(at) = self.incoming[&hop.id].store else {
                continue;
            };
            let copy = &mut self.follows[at];
            if copy.settings.max_age.is_none() {
                copy.look(cx.now, cx.sources.source(copy.settings.id, StoreEnd::Receiving));
                levels.extend(level(hop.link, &copy.settings, copy.level()));
            }
        }
        let answer = StatusAnswer {
            round,
            link: None,
            performance: None,
            levels: levels.into(),
            at: cx.now,
            fault: None,
        };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusAnswer);
        out.send(
            self.controller(),
            label,
            ControlMessage::StatusAnswer(Box::new(answer)),
        );
    }

    /// Sets the lane's next wake-up, unless an earlier one is set: that one will find out.
    fn arm(&mut self, lane: usize, cx: &mut Context<'_>, out: &mut Outbox) {
        let lane = &mut self.lanes[lane];
        let classes = self.surroundings.parameters.level_classes;
        if lane.waiters.is_empty() && (lane.armed < Time::NEVER || classes == 0) {
            return;
        }
        let id = lane.store.settings.id;
        if let Some(at) = lane.next_notice(classes, cx.sources.source(id, StoreEnd::Sending)) {
            let at = at.max(cx.now);
            if at < lane.armed {
                lane.armed = at;
                out.wake(at, Timer::StoreNotice(id));
            }
        }
    }

    fn lane_of_hop(&self, hop: HopId) -> Option<usize> {
        self.outgoing
            .get(&hop)
            .expect("controllers name a KM's own hops")
            .store
    }

    fn me(&self) -> NodeId {
        self.surroundings.node
    }

    fn controller(&self) -> Address {
        Address::controller(self.surroundings.controller)
    }

    /// A link makes key again: wake-ups that had no instant are set anew.
    pub fn on_generating(&mut self, link: LinkId, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].link == Some(link) {
                self.lanes[lane].depleted = false;
                self.look(lane, cx, out);
                self.after_change(lane, cx, out);
            }
        }
        self.authenticate(cx, out);
    }

    /// Looks at every store: the books are then complete up to now.
    pub fn look_at_all(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            self.look(lane, cx, out);
        }
        for store in &mut self.follows {
            let id = store.settings.id;
            store.look(cx.now, cx.sources.source(id, StoreEnd::Receiving));
        }
    }

    /// The books of the stores that this KM allocates from.
    pub fn books(&self) -> impl Iterator<Item = (StoreId, Book)> + '_ {
        self.lanes
            .iter()
            .map(|lane| (lane.store.settings.id, lane.store.book()))
    }

    /// Those that waited for key of the stores that this KM allocates from; those that still do, up to now.
    pub fn waited(&self, now: Time) -> impl Iterator<Item = (StoreId, Occupancy)> + '_ {
        let waited = move |lane: &Lane| {
            let mut waited = lane.waited;
            for waiter in lane.waiters.iter() {
                waited.leave(now, waiter.since);
            }
            (lane.store.settings.id, waited)
        };
        self.lanes.iter().map(waited)
    }

    /// The sending end of one of this KM's stores.
    pub fn sending_store(&self, store: StoreId) -> &SendingStore {
        &self.lanes[self.lane_of[&store]].store
    }

    /// The stores that this KM follows.
    pub fn followed(&self) -> impl Iterator<Item = &ReceivingStore> + '_ {
        self.follows.iter()
    }

    /// Requests of this KM's applications that have not ended.
    pub fn open_requests(&self) -> usize {
        self.sources.open()
    }
}
