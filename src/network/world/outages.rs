//! What faults do to the world: links, elements and channels that are down, and who notices.
//!
//! Faults that overlap are counted: what several hold down is up again when the last of them is repaired. What is said to
//! an element that is out of service is said again until it is back; what it had received before, it processes then.
//! Assumption: outages of elements and channels end with the arrivals at the latest, so that the drain loses no message.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Event, World};
use crate::architecture::message::{FailureCause, Message, ServiceMessage};
use crate::architecture::{
    Address, Channel, Detection, Disturbance, ElementKind, Envelope, Heartbeat, Timer, Unnoticed,
};
use crate::ids::{Arena, ControllerId, DuctId, FaultId, Id as _, LinkId, NodeId};
use crate::kernel::{EventQueue, Span, Streams, Time};
use crate::key_management::kma::Context;
use crate::network::data_network::NS_PER_METRE;
use crate::network::plan::Plan;
use crate::network::{heartbeats, wiring};
use crate::observe::Observer;

/// What waits for an element that is out of service.
#[derive(Debug)]
enum Deferred {
    Timer(Timer),
    Message(Box<Envelope>),
}

/// One element listens to another.
#[derive(Clone, Debug)]
struct Watch {
    watcher: Address,
    watched: Address,
    /// How many faults keep them apart.
    depth: u32,
    /// What the watcher believes.
    believed_reachable: bool,
    detection: Detection,
    unnoticed: Unnoticed,
}

/// Who listens to whom: KMs to their neighbours and modules, controllers to those of neighbouring nodes and across borders.
#[derive(Debug, Default)]
struct Listeners {
    /// Watcher and watched, in order.
    pairs: Vec<(Address, Address)>,
    /// Watchers of each element, in order.
    of: BTreeMap<Address, Vec<Address>>,
}

impl Listeners {
    fn new(plan: &Plan) -> Listeners {
        if !plan.parameters.status_reports {
            return Listeners::default();
        }
        let pairs = heartbeats::listeners(plan);
        let mut of: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
        for &(watcher, watched) in &pairs {
            of.entry(watched).or_default().push(watcher);
        }
        Listeners { pairs, of }
    }
}

/// What faults hold down at present.
#[derive(Debug)]
pub(super) struct Outages {
    streams: Streams,
    /// How many cuts each link lies under.
    cuts: Arena<LinkId, u32>,
    /// Whether each module has been told that its link is up.
    told_up: Vec<bool>,
    /// Places where the data network is cut.
    data_cuts: Vec<(DuctId, u64)>,
    channels: Vec<Channel>,
    /// How many faults hold an element down; none that are up.
    down: BTreeMap<Address, u32>,
    deferred: BTreeMap<Address, Vec<Deferred>>,
    watches: Vec<Watch>,
    watch_of: BTreeMap<(Address, Address), u32>,
    /// The watches of each watcher, in order.
    watches_of: BTreeMap<Address, Vec<u32>>,
    /// Who listens to whom; made when the first fault asks.
    listeners: Option<Arc<Listeners>>,
    /// By which faults each link's errors rise, and by how much \[share of the pulses\].
    errors: BTreeMap<LinkId, Vec<(FaultId, f64)>>,
}

impl Outages {
    /// Nothing is down.
    pub(super) fn new(plan: &Plan, streams: Streams) -> Outages {
        Outages {
            streams,
            cuts: plan.links.ids().map(|_| 0).collect(),
            told_up: vec![true; 2 * plan.links.len()],
            data_cuts: Vec::new(),
            channels: Vec::new(),
            down: BTreeMap::new(),
            deferred: BTreeMap::new(),
            watches: Vec::new(),
            watch_of: BTreeMap::new(),
            watches_of: BTreeMap::new(),
            listeners: None,
            errors: BTreeMap::new(),
        }
    }

    /// Whether any element is out of service.
    #[inline]
    pub(super) fn is_any_down(&self) -> bool {
        !self.down.is_empty()
    }

    /// Whether an element is out of service; a KSA goes with its KMA.
    pub(super) fn is_down(&self, element: Address) -> bool {
        self.is_any_down() && self.down.contains_key(&whole(element))
    }

    /// Whether a link lies under a cut, or one of its modules is down.
    pub(super) fn is_cut(&self, link: LinkId) -> bool {
        self.cuts[link] > 0
    }

    /// The fault behind a link's errors, if there is one.
    pub(super) fn behind_errors(&self, link: LinkId) -> Option<FaultId> {
        Some(self.errors.get(&link)?.last()?.0)
    }

    pub(super) fn defer_timer(&mut self, element: Address, timer: Timer) {
        // What a controller was thinking about when it went, it thinks about anew.
        if !matches!(timer, Timer::Analysed(_) | Timer::Computed(_)) {
            let all = self.deferred.entry(whole(element)).or_default();
            all.push(Deferred::Timer(timer));
        }
    }

    /// Whether what one element sends does not get through to the other.
    pub(super) fn separates(
        &self,
        plan: &Plan,
        (from, to): (Address, Address),
        nodes: (NodeId, NodeId),
    ) -> bool {
        let cut = |duct, from_m, to_m| {
            let mut cuts = self.data_cuts.iter();
            cuts.any(|&(cut, at)| cut == duct && from_m <= at && at < to_m)
        };
        let off = |channel: &Channel| concerns(plan, *channel, from, to);
        self.is_down(from)
            || self.is_down(to)
            || self.channels.iter().any(off)
            || (!self.data_cuts.is_empty() && plan.data_network.crosses(nodes.0, nodes.1, cut))
    }
}

/// The element that is down when part of it is.
fn whole(element: Address) -> Address {
    match element.kind() {
        ElementKind::Ksa => Address::kma(element.node()),
        _ => element,
    }
}

/// Whether a channel is the one between two elements.
fn concerns(plan: &Plan, channel: Channel, from: Address, to: Address) -> bool {
    match channel {
        Channel::Between(a, b) => (a, b) == (from, to) || (b, a) == (from, to),
        Channel::At(point) => wiring::reference_point(plan, from, to) == Some(point),
    }
}

/// How the modules of a link notice that it fails: by beats along it.
pub(super) fn detection_over(plan: &Plan, link: LinkId, streams: &Streams) -> Detection {
    let way = Span(plan.links[link].length_m * NS_PER_METRE);
    detection(plan, way, |beats| {
        heartbeats::phase_over(plan, link, beats, streams)
    })
}

fn detection(plan: &Plan, way: Span, phase: impl Fn(Heartbeat) -> Span) -> Detection {
    let Some(beats) = plan.parameters.recovery.heartbeat else {
        return Detection::Alarm(plan.parameters.detection);
    };
    Detection::Beats {
        period: beats.period,
        misses: beats.misses,
        phase: phase(beats),
        way,
    }
}

impl<O: Observer, Q: EventQueue<Event>> World<O, Q> {
    pub(super) fn schedule_faults(&mut self) {
        let end = self.plan.end();
        for (fault, plan) in self.plan.faults.iter() {
            if let Some(at) = plan.announced {
                self.simulation.schedule(at, Event::Announce { fault });
            }
            let outage = plan.disturbances.iter().any(|disturbance| {
                matches!(
                    disturbance,
                    Disturbance::ElementDown(_) | Disturbance::ChannelCut(_)
                )
            });
            if outage && plan.at >= end {
                continue;
            }
            let begins = Event::Disturb { fault, begins: true };
            self.simulation.schedule(plan.at, begins);
            let repaired = match plan.repaired {
                repaired if outage => Some(repaired.unwrap_or(end).min(end)),
                repaired => repaired,
            };
            if let Some(at) = repaired {
                let ends = Event::Disturb { fault, begins: false };
                self.simulation.schedule(at, ends);
            }
        }
    }

    pub(super) fn disturb(&mut self, fault: FaultId, begins: bool, now: Time) {
        self.observer.disturbed(now, fault, begins);
        let plan = Arc::clone(&self.plan);
        for &disturbance in &plan.faults[fault].disturbances {
            match disturbance {
                Disturbance::LinkDown(link) => self.cut_link(link, begins, fault, now),
                Disturbance::DataCut { duct, position_m } => {
                    self.cut_data((duct, position_m), begins, fault, now);
                }
                Disturbance::ElementDown(element) if begins => self.take_down(element, fault, now),
                Disturbance::ElementDown(element) => self.bring_up(element, fault, now),
                Disturbance::ChannelCut(channel) => self.cut_channel(channel, begins, fault, now),
                Disturbance::Intercepted { link, share } => {
                    let share = if begins { share.as_number() } else { 0.0 };
                    self.intercept(link, fault, share, now);
                }
                Disturbance::Drift { link, .. } if !begins => self.intercept(link, fault, 0.0, now),
                Disturbance::Drift { .. } => self.drift(fault, 0, now),
                Disturbance::StoresLost(link) if begins => self.lose_stores(link, now),
                Disturbance::StoresLost(_) => {}
                Disturbance::Maintenance(link) => self.cut_link(link, begins, fault, now),
            }
        }
        if !begins && plan.faults[fault].announced.is_some() {
            self.announce(fault, false, now);
        }
    }

    fn cut_link(&mut self, link: LinkId, cut: bool, fault: FaultId, now: Time) {
        let count = &mut self.outages.cuts[link];
        let before = *count > 0;
        *count = if cut { *count + 1 } else { *count - 1 };
        if before != (*count > 0) {
            for store in self.stores_of(link) {
                self.quantum.blame(store, cut.then_some(fault));
            }
            self.set_generating(link, now);
            self.tell_modules(link, fault, now);
        }
    }

    /// Modules that are in service see whether their link is up.
    fn tell_modules(&mut self, link: LinkId, fault: FaultId, now: Time) {
        let up = !self.outages.is_cut(link);
        for end in 0..2 {
            let (number, module) = (link.index() * 2 + end, Address::module(link, end));
            if self.outages.is_down(module) || self.outages.told_up[number] == up {
                continue;
            }
            self.outages.told_up[number] = up;
            self.out.address_to(module);
            self.modules[number].on_disturbance(now, up, fault, &mut self.out);
            self.flush(now);
        }
    }

    /// The operator's managers tell the controllers at both ends of each link.
    pub(super) fn announce(&mut self, fault: FaultId, planned: bool, now: Time) {
        let plan = Arc::clone(&self.plan);
        for disturbance in &plan.faults[fault].disturbances {
            let &Disturbance::Maintenance(link) = disturbance else {
                continue;
            };
            let mut told = Vec::new();
            for end in plan.links[link].ends {
                let node = &plan.nodes[end];
                let manager = plan.qkdns[node.qkdn].manager;
                if told.contains(&node.controller) {
                    continue;
                }
                told.push(node.controller);
                self.out.address_to(Address::manager(manager));
                self.managers[manager].announce(link, planned, fault, node.controller, &mut self.out);
                self.flush(now);
            }
        }
    }

    fn cut_data(&mut self, place: (DuctId, u64), cut: bool, fault: FaultId, now: Time) {
        let on_the_way = |duct, from_m, to_m| duct == place.0 && from_m <= place.1 && place.1 < to_m;
        let parted = self.pairs(|plan, watcher, watched| {
            let nodes = [watcher, watched].map(|element| plan.placement(element).node);
            plan.data_network.crosses(nodes[0], nodes[1], on_the_way)
        });
        if cut {
            self.outages.data_cuts.push(place);
        } else {
            let at = self.outages.data_cuts.iter().position(|&other| other == place);
            self.outages.data_cuts.remove(at.expect("a cut is repaired once"));
        }
        self.part(&parted, cut, fault, now);
    }

    fn cut_channel(&mut self, channel: Channel, cut: bool, fault: FaultId, now: Time) {
        if cut {
            self.outages.channels.push(channel);
        } else {
            let at = self.outages.channels.iter().position(|&other| other == channel);
            self.outages.channels.remove(at.expect("a cut is repaired once"));
        }
        let parted = self.pairs(|plan, watcher, watched| concerns(plan, channel, watcher, watched));
        self.part(&parted, cut, fault, now);
    }

    fn take_down(&mut self, element: Address, fault: FaultId, now: Time) {
        let element = whole(element);
        let depth = self.outages.down.get(&element).copied().unwrap_or_default();
        if depth > 0 {
            self.outages.down.insert(element, depth + 1);
            return;
        }
        if element.kind() == ElementKind::Kma {
            self.out.address_to(element);
            let mut cx = Context {
                now,
                sources: &mut self.quantum,
            };
            self.key_managers[element.node()].on_outage(&mut cx, &mut self.out);
            self.flush(now);
        }
        self.outages.down.insert(element, 1);
        self.follow_nodes(element, now);
        if element.kind() == ElementKind::QkdModule {
            self.cut_link(LinkId(element.index() / 2), true, fault, now);
        }
        let parted = self.watchers_of(element);
        self.part(&parted, true, fault, now);
    }

    fn bring_up(&mut self, element: Address, fault: FaultId, now: Time) {
        let element = whole(element);
        let Some(depth) = self.outages.down.get_mut(&element) else {
            unreachable!("what is repaired was down")
        };
        *depth -= 1;
        if *depth > 0 {
            return;
        }
        self.outages.down.remove(&element);
        self.follow_nodes(element, now);
        self.out.address_to(element);
        match element.kind() {
            ElementKind::Kma => {
                let mut cx = Context {
                    now,
                    sources: &mut self.quantum,
                };
                self.key_managers[element.node()].on_restart(&mut cx, &mut self.out);
                self.flush(now);
            }
            ElementKind::Controller => {
                self.controllers[ControllerId(element.index())].on_restart(now, &mut self.out);
                self.flush(now);
            }
            ElementKind::QkdModule => {
                let link = LinkId(element.index() / 2);
                self.cut_link(link, false, fault, now);
                self.tell_modules(link, fault, now);
            }
            _ => {}
        }
        let deferred = self.outages.deferred.remove(&element).unwrap_or_default();
        let parted = self.watchers_of(element);
        self.part(&parted, false, fault, now);
        self.listen_again(element, fault, now);
        for deferred in deferred {
            match deferred {
                Deferred::Timer(timer) => self.simulation.schedule(now, Event::Wake { element, timer }),
                // Nobody was there to serve it: it is served now.
                Deferred::Message(envelope) => {
                    let slot = self.put(*envelope);
                    self.arrive(slot, now);
                }
            }
        }
    }

    /// A message comes to an element that is out of service. An application is told at once; other messages wait.
    pub(super) fn deliver_to_none(&mut self, envelope: Envelope, now: Time) {
        let element = whole(envelope.to);
        if let Message::Service(ServiceMessage::KeyRequest(order)) = &envelope.message {
            self.out.address_to(element);
            let down = FailureCause::ElementDown;
            self.key_managers[element.node()].refuse(order, down, envelope.label, &mut self.out);
            return self.flush(now);
        }
        let waiting = self.outages.deferred.entry(element).or_default();
        waiting.push(Deferred::Message(Box::new(envelope)));
    }

    /// The availability of nodes changes with their KMs and the controllers that serve them.
    fn follow_nodes(&mut self, element: Address, now: Time) {
        let plan = Arc::clone(&self.plan);
        let own;
        let nodes: &[NodeId] = match element.kind() {
            ElementKind::Kma => {
                own = [element.node()];
                &own
            }
            ElementKind::Controller => &plan.controller_surroundings[ControllerId(element.index())].kms,
            _ => return,
        };
        for &node in nodes {
            let controller = Address::controller(plan.nodes[node].controller);
            let up = ![Address::kma(node), controller]
                .iter()
                .any(|&part| self.outages.is_down(part));
            self.availability.node(now, node, up);
        }
    }

    fn listeners(&mut self) -> Arc<Listeners> {
        let plan = &self.plan;
        let made = self
            .outages
            .listeners
            .get_or_insert_with(|| Arc::new(Listeners::new(plan)));
        Arc::clone(made)
    }

    /// Who listens to whom, as far as `wanted`.
    fn pairs(&mut self, wanted: impl Fn(&Plan, Address, Address) -> bool) -> Vec<(Address, Address)> {
        let listeners = self.listeners();
        let pairs = listeners.pairs.iter().copied();
        pairs
            .filter(|&(watcher, watched)| wanted(&self.plan, watcher, watched))
            .collect()
    }

    /// Who listens to an element.
    fn watchers_of(&mut self, watched: Address) -> Vec<(Address, Address)> {
        let listeners = self.listeners();
        let watchers = listeners.of.get(&watched).into_iter().flatten();
        watchers.map(|&watcher| (watcher, watched)).collect()
    }

    /// Pairs that one more fault keeps apart, or one fewer.
    fn part(&mut self, pairs: &[(Address, Address)], apart: bool, fault: FaultId, now: Time) {
        for &pair in pairs {
            let number = match self.outages.watch_of.get(&pair) {
                Some(&number) => number,
                None => self.add_watch(pair),
            };
            let watch = &mut self.outages.watches[number as usize];
            let before = watch.depth > 0;
            watch.depth = if apart { watch.depth + 1 } else { watch.depth - 1 };
            if before != (watch.depth > 0) {
                self.expect_notice(number, fault, now);
            }
        }
    }

    fn add_watch(&mut self, (watcher, watched): (Address, Address)) -> u32 {
        let detection = self.detection_between(watcher, watched);
        let Outages {
            watches,
            watch_of,
            watches_of,
            ..
        } = &mut self.outages;
        let number = watches.len() as u32;
        watches_of.entry(watcher).or_default().push(number);
        watches.push(Watch {
            watcher,
            watched,
            depth: 0,
            believed_reachable: true,
            detection,
            unnoticed: Unnoticed::default(),
        });
        watch_of.insert((watcher, watched), number);
        number
    }

    /// The watcher will notice how things are now.
    fn expect_notice(&mut self, number: u32, fault: FaultId, now: Time) {
        let watch = &mut self.outages.watches[number as usize];
        let reachable = watch.depth == 0;
        let believes = watch.believed_reachable;
        if let Some(due) = watch
            .unnoticed
            .add(watch.detection, now, reachable, fault, believes)
        {
            self.simulation.schedule(due, Event::Notice { watch: number });
        }
    }

    fn detection_between(&self, watcher: Address, watched: Address) -> Detection {
        let nodes = (self.node_of(watcher), self.node_of(watched));
        let way = if nodes.0 == nodes.1 {
            Some(self.plan.delays.local)
        } else {
            self.plan.data_network.delay(nodes.0, nodes.1)
        };
        detection(&self.plan, way.unwrap_or(Span::ZERO), |beats| {
            heartbeats::phase_of(&self.plan, watched, beats, &self.outages.streams)
        })
    }

    pub(super) fn notice(&mut self, number: u32, now: Time) {
        let watch = &mut self.outages.watches[number as usize];
        let Some(change) = watch.unnoticed.notice(now) else {
            return;
        };
        let (watcher, watched, reachable) = (watch.watcher, watch.watched, change.works);
        if self.outages.is_down(watcher) {
            return; // it listens again when it is back
        }
        let watch = &mut self.outages.watches[number as usize];
        if std::mem::replace(&mut watch.believed_reachable, reachable) == reachable {
            return;
        }
        self.out.address_to(watcher);
        if watcher.kind() == ElementKind::Kma {
            let km = &mut self.key_managers[watcher.node()];
            km.on_peer(watched, reachable, change.origin, change.fault, &mut self.out);
        } else {
            let peer = ControllerId(watched.index());
            let controller = &mut self.controllers[ControllerId(watcher.index())];
            controller.on_peer(peer, reachable, change.origin, change.fault, now, &mut self.out);
        }
        self.flush(now);
    }

    /// An element is back, and has missed what happened meanwhile.
    fn listen_again(&mut self, element: Address, fault: FaultId, now: Time) {
        let own = self.outages.watches_of.get(&element).cloned();
        for number in own.unwrap_or_default() {
            let watch = &self.outages.watches[number as usize];
            if watch.believed_reachable == (watch.depth > 0) && watch.unnoticed.is_empty() {
                self.expect_notice(number, fault, now);
            }
        }
    }

    /// A fault changes the share of a link's pulses that are in error; 0: it is over.
    fn intercept(&mut self, link: LinkId, fault: FaultId, share: f64, now: Time) {
        let all = self.outages.errors.entry(link).or_default();
        all.retain(|&(other, _)| other != fault);
        if share > 0.0 {
            all.push((fault, share));
        }
        // Assumption: of several that touch one link, the greatest counts.
        let share = all.iter().map(|&(_, share)| share).fold(0.0, f64::max);
        for store in self.stores_of(link) {
            self.quantum.intercept(store, share, now);
            if self.samples.next() < Time::NEVER {
                self.samples.forget(store);
            }
            if self.availability.follows(store) {
                self.follow(store, now);
            }
        }
        self.watch(link, now);
        self.look_anew(link, now);
    }

    /// The next step of a link's drift, and the one after it. An intercepted pulse is wrong in a quarter of all cases.
    pub(super) fn drift(&mut self, fault: FaultId, step: u32, now: Time) {
        let plan = Arc::clone(&self.plan);
        let own = &plan.faults[fault];
        if own.repaired.is_some_and(|at| at <= now) {
            return;
        }
        for disturbance in &own.disturbances {
            let &Disturbance::Drift {
                link,
                errors,
                over,
                steps,
            } = disturbance
            else {
                continue;
            };
            if step > steps {
                continue;
            }
            let risen = errors.as_number() * f64::from(step) / f64::from(steps);
            self.intercept(link, fault, (4.0 * risen).min(1.0), now);
            if step < steps {
                let next = over.0 as u128 * u128::from(step + 1) / u128::from(steps);
                let at = own.at + Span(next as u64);
                let event = Event::Drift {
                    fault,
                    step: step + 1,
                };
                self.simulation.schedule(at, event);
            }
        }
    }

    fn lose_stores(&mut self, link: LinkId, now: Time) {
        for end in self.plan.links[link].ends {
            self.out.address_to(Address::kma(end));
            let mut cx = Context {
                now,
                sources: &mut self.quantum,
            };
            self.key_managers[end].on_stores_lost(link, &mut cx, &mut self.out);
            self.flush(now);
        }
    }
}
