//! The world: what changes. Elements, servers, messages on their way, and the loop that drives them.
//!
//! Order of events is (time, sequence); every element is visited by one event at a time. A message takes propagation
//! and one processing time at the receiver; each KM, controller and manager is a first-in-first-out server;
//! applications, modules and links take none. What passes inside one element is internal and takes no time.

mod outages;
mod samples;
mod transport;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use self::outages::Outages;
use self::samples::Samples;
use super::availability::{Ahead, Availability};
use super::carrier::{Carrier, Packet};
use super::plan::{LinkPlan, MaterialPlan, Plan, StorePlan, StoreSource};
use crate::architecture::key_source::{KeySources as _, StoreEnd};
use crate::architecture::message::{FailureCause, ServiceMessage};
use crate::architecture::surroundings::Border;
use crate::architecture::{
    Address, Effect, ElementKind, Envelope, Message, Observation, Outbox, Procedure, Timer,
};
use crate::control::Controller;
use crate::ids::{
    ApplicationId, Arena, ControllerId, FaultId, HopId, Id, LinkId, ManagerId, NodeId, SessionId, StoreId,
};
use crate::kernel::{EventQueue, LadderQueue, Simulation, Span, Streams, Time};
use crate::key_management::kma::{Context, KeyManager};
use crate::key_management::store::{Book, SendingStore};
use crate::management::manager::Manager;
use crate::management::user_network::UserNetworkManager;
use crate::network::builder::lane_share;
use crate::network::servers::{ServerLog, Servers};
use crate::observe::Observer;
use crate::quantum::block_source::BlockSource;
use crate::quantum::generation::Making;
use crate::quantum::material::KeyBits;
use crate::quantum::module::{Expected, Module, Sight};
use crate::quantum::pass_source::PassSource;
use crate::quantum::process::{Block, BlockProcess};
use crate::quantum::random_source::RandomSource;
use crate::quantum::source::{LinkSource, QuantumLayer, ScheduledSource};
use crate::service::application::{Application, Demand};

/// Something that happens at one instant; its own business, named only by the types of queues.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A message reaches its receiver.
    Arrive { slot: u32 },
    /// The receiver's server has processed it.
    Process { slot: u32 },
    /// An element asked to be woken.
    Wake { element: Address, timer: Timer },
    /// A fault begins or is repaired.
    Disturb { fault: FaultId, begins: bool },
    /// A fault that is to come is announced.
    Announce { fault: FaultId },
    /// A link's error rate drifts on.
    Drift { fault: FaultId, step: u32 },
    /// An element notices that another cannot be reached, or can again.
    Notice { watch: u32 },
    /// A link's blocks turn bad or good again, unless something happened to it meanwhile.
    Turn { link: LinkId, epoch: u32 },
    /// A boundary of the counting time.
    Snapshot { number: u8 },
    /// A transmission or an acknowledgement reaches the other end of a line.
    Packet { slot: u32 },
    /// A message should have been acknowledged by now.
    Overdue { line: u32, sequence: u32 },
}

const _: () = assert!(size_of::<Event>() <= 16);

/// What stores hold and links have used at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The books of all stores, by store, and behind them those of all pools.
    pub books: Vec<Book>,
    /// Key that the modules of each link have taken from their own pool to authenticate Qx \[bits\], by link.
    pub qx_authentication: Vec<u64>,
}

/// At the start and at the end of the counting time.
pub type Snapshots = [Option<Snapshot>; 2];

/// One replication under way.
#[derive(Debug)]
pub struct World<O, Q = LadderQueue<Event>> {
    plan: Arc<Plan>,
    simulation: Simulation<Event, Q>,
    /// The first events are queued.
    started: bool,
    envelopes: Vec<Option<Envelope>>,
    free: Vec<u32>,
    packets: Vec<Option<Packet>>,
    free_packets: Vec<u32>,
    internal: VecDeque<Envelope>,
    out: Outbox,
    key_managers: Arena<NodeId, KeyManager>,
    controllers: Arena<ControllerId, Controller>,
    managers: Arena<ManagerId, Manager>,
    user_networks: Arena<ManagerId, UserNetworkManager>,
    applications: Arena<ApplicationId, Application>,
    modules: Vec<Module>,
    quantum: QuantumLayer,
    servers: Servers,
    /// When the message of each slot reached its server.
    arrived: Vec<Time>,
    /// The next turn of each link, and how often it was looked for.
    turns: Arena<LinkId, (Option<Block>, u32)>,
    /// What faults hold down at present.
    outages: Outages,
    /// Where a channel can lose, double, reorder or delay.
    carrier: Option<Carrier>,
    /// Messages between elements that nothing joins.
    lost: u64,
    /// Until when keys are being transferred over hops where that takes time.
    transferring: BTreeMap<HopId, Time>,
    open: u64,
    snapshots: Snapshots,
    availability: Availability,
    samples: Samples,
    observer: O,
}

impl<O: Observer> World<O> {
    /// A world at time 0.
    pub fn new(plan: Arc<Plan>, replication: u32, observer: O) -> World<O> {
        World::with_queue(plan, replication, observer, LadderQueue::new())
    }
}

impl<O: Observer, Q: EventQueue<Event>> World<O, Q> {
    /// The same on an empty queue of choice: its order of events at one instant is that of the run.
    pub fn with_queue(plan: Arc<Plan>, replication: u32, observer: O, queue: Q) -> World<O, Q> {
        let streams = Streams::new(plan.run.seed, replication);
        let mut quantum = QuantumLayer::default();
        for store in plan.stores.values() {
            quantum.add(sources(&plan, store.source, &streams));
        }
        if let Some(material) = &plan.material {
            quantum.make_bits(key_bits(&plan, &streams, material));
        }
        let modules = plan
            .links
            .iter()
            .flat_map(|(id, link)| link.ends.map(|end| (id, end)))
            .map(|(link, end)| {
                let node = &plan.nodes[end];
                let parameters = &plan.parameters;
                let manager = plan.qkdns[node.qkdn].manager;
                Module::new(
                    link,
                    node.controller,
                    manager,
                    outages::detection_over(&plan, link, &streams),
                    parameters.rerouting,
                    expected(&plan.links[link]),
                )
                .declaring(parameters.status_reports)
            })
            .collect();
        let mut applications: Arena<ApplicationId, Application> = plan
            .applications
            .iter()
            .map(|(id, application)| Application::peer(id, application.node))
            .collect();
        for (session, demand) in plan.demands() {
            let destination = plan.applications[demand.destination].node;
            let node = plan.applications[demand.source].node;
            let application = Demand {
                session,
                peer: demand.destination,
                destination,
                destination_qkdn: plan.nodes[destination].qkdn,
                keys: demand.keys as u32,
                bits: demand.bits,
                timeout: demand.timeout,
                class: demand.class,
                arrivals: Arc::clone(&demand.arrivals),
                procedure: procedure_between(&plan, node, destination),
                from: demand.active[0],
                until: demand.active[1],
            };
            let random = streams.stream(&format!("demand/{}", demand.name), "arrivals");
            applications[demand.source] = Application::asking(demand.source, node, application, random);
        }
        World {
            simulation: Simulation::with_queue(queue),
            started: false,
            envelopes: Vec::new(),
            free: Vec::new(),
            packets: Vec::new(),
            free_packets: Vec::new(),
            internal: VecDeque::new(),
            out: Outbox::new(Address::application(ApplicationId(0))).explaining(O::ASKS_WHY),
            key_managers: plan
                .km_surroundings
                .values()
                .map(|km| KeyManager::new(Arc::clone(km)))
                .collect(),
            controllers: plan
                .controller_surroundings
                .iter()
                .map(|(id, seen)| {
                    let routing = &plan.qkdns[plan.controllers[id].placement.qkdn].routing;
                    Controller::new(Arc::clone(seen), Arc::clone(routing))
                })
                .collect(),
            managers: plan
                .manager_surroundings
                .values()
                .map(|seen| Manager::new(Arc::clone(seen)))
                .collect(),
            user_networks: plan
                .managers
                .ids()
                .map(|_| UserNetworkManager::default())
                .collect(),
            applications,
            modules,
            quantum,
            servers: Servers::new(&plan, &streams),
            arrived: Vec::new(),
            turns: plan.links.ids().map(|_| (None, 0)).collect(),
            outages: Outages::new(&plan, streams),
            carrier: Carrier::new(plan.channels, plan.loses_messages(), streams),
            lost: 0,
            transferring: BTreeMap::new(),
            open: 0,
            snapshots: [None, None],
            availability: Availability::new(&plan),
            samples: Samples::new(0, Time::ZERO, 0),
            observer,
            plan,
        }
    }

    /// Samples the stores at so many equal distances of time, up to the end of arrivals.
    #[must_use]
    pub fn sampled(mut self, count: u32) -> World<O, Q> {
        self.samples = Samples::new(count, self.plan.end(), self.plan.stores.len());
        self
    }

    /// Runs to the end: arrivals stop, requests end, messages arrive, and every store is looked at once more.
    pub fn run(&mut self) {
        self.run_until(Time::NEVER);
        self.finish();
    }

    /// What happens up to and at an instant, the start included.
    pub fn run_until(&mut self, until: Time) {
        if !std::mem::replace(&mut self.started, true) {
            self.start();
        }
        let end = self.plan.end();
        while let Some((now, event)) = self.simulation.next_until(until) {
            while self.samples.next() <= now {
                self.sample();
            }
            // Past the end nothing is worth doing for its own sake once every request has ended.
            let over = now > end && self.open == 0;
            match event {
                Event::Arrive { slot } => self.arrive_if_there_is_room(slot, now),
                Event::Process { slot } => {
                    self.leave_server(slot, now);
                    self.process(slot, now);
                }
                // Keys of relays in parts that came to nothing are void at both ends, however late that is found.
                Event::Wake {
                    timer: Timer::PartDeadline,
                    element,
                } => self.wake(element, Timer::PartDeadline, now),
                Event::Wake { .. }
                | Event::Disturb { .. }
                | Event::Announce { .. }
                | Event::Drift { .. }
                | Event::Notice { .. }
                | Event::Snapshot { .. }
                | Event::Turn { .. }
                    if over => {}
                Event::Wake { element, timer } => self.wake(element, timer, now),
                Event::Disturb { fault, begins } => self.disturb(fault, begins, now),
                Event::Announce { fault } => self.announce(fault, true, now),
                Event::Drift { fault, step } => self.drift(fault, step, now),
                Event::Notice { watch } => self.notice(watch, now),
                Event::Turn { link, epoch } => self.turn(link, epoch, now),
                Event::Snapshot { number } => self.snapshot(number, now),
                Event::Packet { slot } => self.on_packet(slot, now),
                Event::Overdue { line, sequence } => self.on_overdue(line, sequence, now),
            }
        }
    }

    /// Nothing happens any more: samples that are due, and the last look at every store.
    fn finish(&mut self) {
        let end = self.plan.end();
        while self.samples.next() <= end {
            self.sample();
        }
        let over = self.simulation.now().max(end);
        let skew = self.greatest_skew();
        if skew > Span::ZERO {
            // What one end has and the other is still to have: no more is made, and both get it.
            for store in self.plan.stores.ids() {
                self.quantum.set_generating(store, false, over);
            }
        }
        self.look_at_all(over + skew);
    }

    /// How long after its block was acquired the later end of any link has it, where ends differ; else 0.
    fn greatest_skew(&self) -> Span {
        let links = self.plan.links.values().filter_map(|link| match &link.making {
            Some(Making::Blocks(generation)) if generation.skew[0] != generation.skew[1] => {
                Some(generation.post_processing + generation.skew[0].max(generation.skew[1]))
            }
            _ => None,
        });
        links.max().unwrap_or(Span::ZERO)
    }

    fn sample(&mut self) {
        let (plan, kms, quantum) = (&self.plan, &self.key_managers, &self.quantum);
        self.samples.take(
            |store| sending_end(plan, kms, store).book(),
            |store| ahead(plan, kms, quantum, store),
            &self.pool_books(),
        );
    }

    /// Instants and the amounts of all stores at each, where they were [sampled](Self::sampled).
    pub fn samples(&self) -> &[(Time, Vec<Book>)] {
        self.samples.taken()
    }

    fn start(&mut self) {
        let (from, to) = self.plan.counting();
        self.simulation.schedule(from, Event::Snapshot { number: 0 });
        self.simulation.schedule(to, Event::Snapshot { number: 1 });
        self.schedule_faults();
        for store in self.plan.stores.ids() {
            self.follow(store, Time::ZERO);
        }
        for link in self.plan.links.ids() {
            self.watch(link, Time::ZERO);
        }
        for link in self.plan.links.ids() {
            for end in 0..self.reporting() {
                self.out.address_to(Address::module(link, end));
                self.modules[link.index() * 2 + end].on_start(&mut self.out);
                self.flush(Time::ZERO);
            }
        }
        for node in self.plan.nodes.ids() {
            self.out.address_to(Address::kma(node));
            let mut cx = Context {
                now: Time::ZERO,
                sources: &mut self.quantum,
            };
            self.key_managers[node].on_start(&mut cx, &mut self.out);
            self.flush(Time::ZERO);
        }
        for id in self.plan.controllers.ids() {
            self.out.address_to(Address::controller(id));
            self.controllers[id].on_start(Time::ZERO, &mut self.out);
            self.flush(Time::ZERO);
        }
        for id in self.plan.managers.ids() {
            self.out.address_to(Address::manager(id));
            self.managers[id].on_start(&mut self.out);
            self.flush(Time::ZERO);
        }
        for id in self.plan.applications.ids() {
            self.out.address_to(Address::application(id));
            self.applications[id].on_start(&mut self.out);
            self.flush(Time::ZERO);
        }
    }

    fn arrive(&mut self, slot: u32, now: Time) {
        let to = self.envelopes[slot as usize]
            .as_ref()
            .expect("a message on its way is there")
            .to;
        let Some((server, processing)) = self.server(to) else {
            return self.process(slot, now);
        };
        let done = self.servers.serve(server, processing, now);
        if done == now {
            self.process(slot, now);
        } else {
            let at = slot as usize;
            if self.arrived.len() <= at {
                self.arrived.resize(at + 1, Time::ZERO);
            }
            self.arrived[at] = now;
            self.simulation.schedule(done, Event::Process { slot });
        }
    }

    /// A message arrives that nobody repeats: an application whose request finds the queue of its KM full is told at
    /// once (analogue: status 503 of ETSI GS QKD 014).
    fn arrive_if_there_is_room(&mut self, slot: u32, now: Time) {
        let to = self.envelopes[slot as usize]
            .as_ref()
            .expect("a message on its way is there")
            .to;
        if !self.finds_no_room(to, now) {
            return self.arrive(slot, now);
        }
        let envelope = self.take(slot);
        let Message::Service(ServiceMessage::KeyRequest(order)) = &envelope.message else {
            unreachable!("where queues are limited, all others come by a line");
        };
        self.out.address_to(Address::kma(to.node()));
        let full = FailureCause::QueueFull;
        self.key_managers[to.node()].refuse(order, full, envelope.label, &mut self.out);
        self.flush(now);
    }

    /// Takes a message from where it was kept.
    fn take(&mut self, slot: u32) -> Envelope {
        let envelope = self.envelopes[slot as usize]
            .take()
            .expect("a message on its way is there");
        self.free.push(slot);
        envelope
    }

    fn leave_server(&mut self, slot: u32, now: Time) {
        let to = self.envelopes[slot as usize]
            .as_ref()
            .expect("a message in a server is there")
            .to;
        let (server, _) = self.server(to).expect("it is in one");
        self.servers.leave(server, self.arrived[slot as usize], now);
    }

    /// Whether a message finds its receiver's queue full. From the end of arrivals on it never is: the drain loses nothing.
    fn finds_no_room(&mut self, to: Address, now: Time) -> bool {
        if self.plan.serving.key_manager_queue.is_none() || now > self.plan.end() {
            return false;
        }
        let server = self.server(to);
        server.is_some_and(|(server, _)| self.servers.refuses(server))
    }

    fn server(&self, to: Address) -> Option<(usize, Span)> {
        let at = to.index() as usize;
        let processing = &self.plan.processing;
        match to.kind() {
            ElementKind::Kma | ElementKind::Ksa => Some((at, processing.key_manager)),
            ElementKind::Controller => Some((self.plan.nodes.len() + at, processing.controller)),
            ElementKind::Manager => Some((
                self.plan.nodes.len() + self.plan.controllers.len() + at,
                processing.manager,
            )),
            ElementKind::Application | ElementKind::QkdModule | ElementKind::UserNetworkManager => None,
        }
    }

    fn process(&mut self, slot: u32, now: Time) {
        let envelope = self.take(slot);
        if self.outages.is_any_down() && self.outages.is_down(envelope.to) {
            return self.deliver_to_none(envelope, now);
        }
        self.deliver(envelope, now);
    }

    fn deliver(&mut self, envelope: Envelope, now: Time) {
        let to = envelope.to;
        // What a KM sends comes from its KMA unless its KSA says otherwise.
        let speaker = if to.kind() == ElementKind::Ksa {
            Address::kma(to.node())
        } else {
            to
        };
        self.out.address_to(speaker);
        match to.kind() {
            ElementKind::Kma | ElementKind::Ksa => {
                let mut cx = Context {
                    now,
                    sources: &mut self.quantum,
                };
                self.key_managers[to.node()].on_message(envelope, &mut cx, &mut self.out);
            }
            ElementKind::Controller => {
                self.controllers[ControllerId(to.index())].on_message(&envelope, now, &mut self.out);
            }
            ElementKind::Manager => {
                self.managers[ManagerId(to.index())].on_message(&envelope, now, &mut self.out);
            }
            ElementKind::UserNetworkManager => {
                self.user_networks[ManagerId(to.index())].on_message(&envelope, now);
            }
            ElementKind::Application => {
                let Message::Service(message) = &envelope.message else {
                    unreachable!("applications speak Ak only")
                };
                self.applications[ApplicationId(to.index())].on_message(message, &mut self.out);
            }
            ElementKind::QkdModule => {
                let Message::Control(message) = &envelope.message else {
                    unreachable!("modules are spoken to over Cq only")
                };
                let link = LinkId(to.index() / 2);
                let sight = self.sight(link, now);
                let module = &mut self.modules[to.index() as usize];
                let before = module.is_stopped();
                module.on_message(message, now, &sight, &mut self.out);
                if module.is_stopped() != before {
                    self.flush(now);
                    self.set_generating(link, now);
                }
            }
        }
        self.flush(now);
    }

    fn wake(&mut self, element: Address, timer: Timer, now: Time) {
        if self.outages.is_any_down() && self.outages.is_down(element) {
            return self.outages.defer_timer(element, timer);
        }
        self.out.address_to(element);
        let at = element.index();
        match element.kind() {
            ElementKind::Kma | ElementKind::Ksa => {
                let mut cx = Context {
                    now,
                    sources: &mut self.quantum,
                };
                self.key_managers[NodeId(at)].on_timer(timer, &mut cx, &mut self.out);
            }
            ElementKind::Controller => self.controllers[ControllerId(at)].on_timer(timer, now, &mut self.out),
            ElementKind::Application => self.applications[ApplicationId(at)].on_timer(now, &mut self.out),
            ElementKind::QkdModule => return self.wake_module(at as usize, timer, now),
            ElementKind::Manager => self.managers[ManagerId(at)].on_timer(timer, now, &mut self.out),
            ElementKind::UserNetworkManager => unreachable!("user networks set no timers"),
        }
        self.flush(now);
    }

    /// Carries out what a machine wants done, and what that does inside the same element.
    fn flush(&mut self, now: Time) {
        let me = self.out.me();
        let mut effects = self.out.take();
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(envelope) => self.send(envelope, now),
                Effect::Wake { at, timer } => {
                    self.simulation.schedule(at, Event::Wake { element: me, timer });
                }
                Effect::Observe(observation) => self.observe(now, me, &observation),
            }
        }
        self.out.reuse(effects);
        if let Some(envelope) = self.internal.pop_front() {
            self.deliver(envelope, now);
        }
    }

    fn observe(&mut self, now: Time, from: Address, observation: &Observation) {
        match observation {
            Observation::Requested { .. } => self.open += 1,
            Observation::Failed { .. }
            | Observation::Supplied {
                end: crate::architecture::observation::RequestEnd::Source,
                ..
            } => {
                self.open -= 1;
            }
            Observation::Level { store, usable } => {
                if !self.availability.is_ample(*store, *usable) {
                    self.follow(*store, now);
                }
                return; // levels are for the availability alone
            }
            _ => {}
        }
        self.observer.observed(now, from, observation);
    }

    /// A module declares what has happened to its link, or reports how it does.
    fn wake_module(&mut self, at: usize, timer: Timer, now: Time) {
        let link = LinkId((at / 2) as u32);
        let sight = self.sight(link, now);
        if timer == Timer::LinkReport {
            self.modules[at].on_report(now, &sight, &mut self.out);
            return self.flush(now);
        }
        self.modules[at].on_timer(now, &sight, &mut self.out);
        self.flush(now);
        if self.modules[at].awaits_block() {
            self.watch(link, now);
        }
    }

    /// What the modules of a link are shown of it.
    fn sight(&mut self, link: LinkId, now: Time) -> Sight {
        let (first, cut) = (self.stores_of(link).next(), self.outages.is_cut(link));
        let block = first.and_then(|store| self.quantum.around(store, now)[0]);
        let left = |store: StoreId| {
            let mut ahead = ahead(&self.plan, &self.key_managers, &self.quantum, store);
            ahead.store.look(now, &mut ahead.source);
            ahead.store.book().stored > 0
        };
        let mut stores = self.stores_of(link);
        Sight {
            block,
            cut,
            fault: if cut {
                first.and_then(|store| self.quantum.fault_behind(store))
            } else {
                self.outages.behind_errors(link)
            },
            keys_left: cut && stores.any(left),
        }
    }

    /// The stores that a link fills: the lane from its first end, the lane from its second.
    fn stores_of(&self, link: LinkId) -> impl Iterator<Item = StoreId> + use<O, Q> {
        let stores = self.plan.links[link].hops.map(|hop| self.plan.hops[hop].store());
        stores.into_iter().flatten()
    }

    /// Tells the availability of a store's level.
    fn follow(&mut self, store: StoreId, now: Time) {
        let (plan, kms, quantum) = (&self.plan, &self.key_managers, &self.quantum);
        let usable = sending_end(plan, kms, store).usable();
        let expires = plan.stores[store].settings.max_age.is_some();
        self.availability
            .level(now, store, usable, expires, || ahead(plan, kms, quantum, store));
    }

    /// Each demand's availability over the counting time, once the run is over.
    pub fn availability(&mut self) -> Arena<SessionId, Option<f64>> {
        self.availability.conclude(&self.plan)
    }

    #[inline]
    fn node_of(&self, address: Address) -> NodeId {
        let at = address.index();
        match address.kind() {
            ElementKind::Kma | ElementKind::Ksa => NodeId(at),
            ElementKind::Controller => self.plan.controllers[ControllerId(at)].placement.node,
            ElementKind::Manager | ElementKind::UserNetworkManager => {
                self.plan.managers[ManagerId(at)].placement.node
            }
            ElementKind::Application => self.plan.applications[ApplicationId(at)].node,
            ElementKind::QkdModule => self.plan.links[LinkId(at / 2)].ends[at as usize % 2],
        }
    }

    /// A link makes key while it lies under no cut and neither end is ordered to stop.
    fn set_generating(&mut self, link: LinkId, now: Time) {
        let ends = [0, 1].map(|end| self.modules[link.index() * 2 + end].is_stopped());
        let generates = !self.outages.is_cut(link) && !ends.contains(&true);
        for store in self.stores_of(link) {
            self.quantum.set_generating(store, generates, now);
            if self.samples.next() < Time::NEVER {
                self.samples.forget(store);
            }
            if self.availability.follows(store) {
                self.follow(store, now);
            }
        }
        self.watch(link, now);
        if generates {
            // Those that wait for key on this link had no instant to wait for.
            self.look_anew(link, now);
        }
    }

    /// What a link makes has changed: the KMs at its ends set their wake-ups anew.
    fn look_anew(&mut self, link: LinkId, now: Time) {
        for end in self.plan.links[link].ends {
            if self.outages.is_down(Address::kma(end)) {
                continue; // it looks when it restarts
            }
            self.out.address_to(Address::kma(end));
            let mut cx = Context {
                now,
                sources: &mut self.quantum,
            };
            self.key_managers[end].on_generating(link, &mut cx, &mut self.out);
            self.flush(now);
        }
    }

    /// How many ends of a link report.
    fn reporting(&self) -> usize {
        if self.plan.parameters.status_reports { 2 } else { 0 }
    }

    /// Looks ahead for the next turn of a link's blocks, or for the first block of a link that starts again; what was
    /// found before is void.
    fn watch(&mut self, link: LinkId, now: Time) {
        if !self.plan.parameters.status_reports {
            return;
        }
        let Some(store) = self.stores_of(link).next() else {
            return;
        };
        let horizon = self.plan.horizon();
        let awaited = [0, 1].map(|end| self.modules[link.index() * 2 + end].awaits_block());
        let block = if awaited.contains(&true) {
            let next = self.quantum.around(store, now)[1];
            next.filter(|block| block.done <= horizon)
        } else {
            self.quantum.next_turn(store, now, horizon)
        };
        let epoch = self.turns[link].1 + 1;
        self.turns[link] = (block, epoch);
        if let Some(block) = block {
            self.simulation.schedule(block.done, Event::Turn { link, epoch });
        }
    }

    /// A link's blocks have turned bad or good again: both modules say so.
    fn turn(&mut self, link: LinkId, epoch: u32, now: Time) {
        let (Some(block), true) = (self.turns[link].0, self.turns[link].1 == epoch) else {
            return;
        };
        let fault = self.outages.behind_errors(link);
        for end in 0..self.reporting() {
            let module = Address::module(link, end);
            if self.outages.is_down(module) {
                continue;
            }
            self.out.address_to(module);
            self.modules[link.index() * 2 + end].on_turn(now, &block, fault, &mut self.out);
            self.flush(now);
        }
        self.watch(link, now);
    }

    fn look_at_all(&mut self, now: Time) {
        for node in self.plan.nodes.ids() {
            self.out.address_to(Address::kma(node));
            let mut cx = Context {
                now,
                sources: &mut self.quantum,
            };
            self.key_managers[node].look_at_all(&mut cx, &mut self.out);
            self.flush(now);
        }
    }

    fn snapshot(&mut self, number: u8, now: Time) {
        self.look_at_all(now);
        let spent = |link: &LinkPlan| {
            let store = link.hops.iter().find_map(|&hop| self.plan.hops[hop].store());
            store.map_or(0, |store| self.quantum.sending(store).authentication_spent(now))
        };
        self.snapshots[number as usize] = Some(Snapshot {
            books: self.books(),
            qx_authentication: self.plan.links.values().map(spent).collect(),
        });
    }

    /// The books of all stores, by store, and behind them those of all pools.
    pub fn books(&self) -> Vec<Book> {
        let mut books = vec![Book::default(); self.plan.stores.len()];
        for km in self.key_managers.values() {
            for (store, book) in km.books() {
                books[store.index()] = book;
            }
        }
        books.extend(self.pool_books());
        books
    }

    fn pool_books(&self) -> Vec<Book> {
        let mut books = vec![Book::default(); self.plan.pools.len()];
        for (pool, book) in self.key_managers.values().flat_map(KeyManager::pool_books) {
            books[pool.index()] = book;
        }
        books
    }

    /// What the receiving ends hold: generated and spent, by store, and behind them by pool.
    pub fn receiving_ends(&self) -> Vec<(u64, u64)> {
        let mut ends = vec![(0, 0); self.plan.stores.len()];
        for km in self.key_managers.values() {
            for store in km.followed() {
                ends[store.settings.id.index()] = (store.generated(), store.spent());
            }
        }
        let mut pools = vec![(0, 0); self.plan.pools.len()];
        for (pool, amounts) in self.key_managers.values().flat_map(KeyManager::pool_copies) {
            pools[pool.index()] = amounts;
        }
        ends.extend(pools);
        ends
    }

    /// Whether a store's link makes key at present.
    pub fn is_generating(&mut self, store: StoreId) -> bool {
        self.quantum.source(store, StoreEnd::Sending).is_generating()
    }

    /// What became of the messages at every server.
    pub fn servers(&self) -> Vec<ServerLog> {
        self.servers.logs(&self.plan)
    }

    /// What there was at the start and the end of the counting time.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.simulation.events()
    }

    /// Messages between elements that nothing joins.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The instant of the last event.
    pub fn now(&self) -> Time {
        self.simulation.now()
    }

    /// Managers, by id.
    pub fn managers(&self) -> &Arena<ManagerId, Manager> {
        &self.managers
    }

    /// A manager.
    pub fn manager(&self, id: ManagerId) -> &Manager {
        &self.managers[id]
    }

    /// Key managers, by node.
    pub fn key_managers(&self) -> &Arena<NodeId, KeyManager> {
        &self.key_managers
    }

    /// The observer.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// The observer, at the end.
    pub fn into_observer(self) -> O {
        self.observer
    }
}

/// The keystreams of all stores and sessions. Labels are those of links and demands, so that variants share them.
fn key_bits(plan: &Plan, streams: &Streams, material: &MaterialPlan) -> KeyBits {
    const PURPOSE: &str = "key material";
    let of_store = |store: &StorePlan| {
        let label = match store.source {
            StoreSource::Lane(link, lane) => format!("link/{}/{lane}", plan.links[link].name),
            StoreSource::Local(_) => {
                let hop = &plan.hops[store.settings.hop];
                format!("local/{}", plan.nodes[hop.from].name)
            }
        };
        streams.keystream(&label, PURPOSE)
    };
    let sessions = plan
        .sessions
        .values()
        .map(|demand| streams.keystream(&format!("demand/{}", demand.name), PURPOSE));
    KeyBits::new(
        plan.stores.values().map(of_store).collect(),
        sessions.collect(),
        material.drifts.clone(),
    )
}

/// A store's sending end.
fn sending_end<'a>(plan: &Plan, kms: &'a Arena<NodeId, KeyManager>, store: StoreId) -> &'a SendingStore {
    let hop = plan.stores[store].settings.hop;
    kms[plan.hops[hop].from].sending_store(store)
}

/// A copy of a store's sending end and of what fills it.
fn ahead(plan: &Plan, kms: &Arena<NodeId, KeyManager>, quantum: &QuantumLayer, store: StoreId) -> Ahead {
    Ahead {
        store: sending_end(plan, kms, store).clone(),
        source: quantum.sending(store).clone(),
    }
}

/// What a link is provisioned for.
fn expected(link: &LinkPlan) -> Expected {
    let generation = match &link.making {
        Some(Making::Blocks(generation)) if link.schedule.is_some() => Some(generation),
        _ => None,
    };
    Expected {
        skr_bps: link.schedule.map_or(0, |schedule| schedule.rate_bps() as u64),
        consumption_bps: generation.and_then(|generation| generation.expected_consumption_bps),
        reports: generation.is_some(),
        report_every: generation.and_then(|generation| generation.report_every),
    }
}

/// What fills the two ends of a store: the sending end's, the receiving end's.
fn sources(plan: &Plan, source: StoreSource, streams: &Streams) -> [LinkSource; 2] {
    let steady = |bits: u64, period: Span| {
        let source = if bits == 0 {
            ScheduledSource::silent()
        } else {
            ScheduledSource::new(bits, period)
        };
        [(); 2].map(|()| LinkSource::Steady(source.clone()))
    };
    let (id, lane) = match source {
        StoreSource::Lane(link, lane) => (link, lane),
        StoreSource::Local(schedule) => return steady(schedule.bits, schedule.period),
    };
    let link = &plan.links[id];
    match (link.schedule, &link.making) {
        (None, _) => steady(0, Span::ZERO),
        (Some(schedule), None) => {
            let first = lane_share(schedule.bits, link.first_lane);
            steady(
                if lane == 0 { first } else { schedule.bits - first },
                schedule.period,
            )
        }
        (Some(_), Some(Making::Blocks(generation))) => {
            let stream = streams.stream(&format!("link/{}", link.name), "blocks");
            let process = BlockProcess::new(Arc::clone(generation), stream);
            // The sending end allocates only what both ends have.
            let skews = [
                generation.skew[0].max(generation.skew[1]),
                generation.skew[1 - lane],
            ];
            skews.map(|skew| {
                LinkSource::Blocks(Box::new(BlockSource::new(
                    process.clone(),
                    link.first_lane,
                    lane == 0,
                    skew,
                    plan.horizon(),
                )))
            })
        }
        (Some(_), Some(Making::Random(blocks))) => {
            let stream = streams.stream(&format!("link/{}", link.name), "blocks");
            let first = lane_share(blocks.bits, link.first_lane);
            let bits = if lane == 0 { first } else { blocks.bits - first };
            let source = RandomSource::new(bits, blocks.period, stream, plan.horizon());
            [(); 2].map(|()| LinkSource::Random(Box::new(source.clone())))
        }
        (Some(_), Some(Making::Passes(passes))) => {
            let weather = streams.stream(&format!("link/{}", link.name), "weather");
            let source = PassSource::new(
                Arc::clone(passes),
                weather,
                link.first_lane,
                lane == 0,
                plan.horizon(),
            );
            [(); 2].map(|()| LinkSource::Passes(Box::new(source.clone())))
        }
    }
}

/// Which procedure a demand's first messages are traced under: `local` inside one QKDN, else that of the first
/// boundary between the two.
pub(super) fn procedure_between(plan: &Plan, from: NodeId, to: NodeId) -> Procedure {
    let ends = [plan.nodes[from].qkdn, plan.nodes[to].qkdn];
    if ends[0] == ends[1] {
        return Procedure::Local;
    }
    let surroundings = &plan.controller_surroundings[plan.nodes[from].controller];
    let straight = surroundings
        .borders
        .iter()
        .find(|border| border.far_qkdn == ends[1]);
    let first = straight.or_else(|| {
        let offers = surroundings.offers.iter();
        let offers = offers.filter(|(_, offer)| offer.destination() == ends[1]);
        let (over, _) = offers.min_by_key(|(boundary, offer)| (offer.way.len(), *boundary))?;
        let mut borders = surroundings.borders.iter();
        borders.find(|border| border.boundary == *over)
    });
    first.map_or(Procedure::P9, Border::procedure)
}
