//! Reservation at a sending KM: P9 steps 4, 4a and 4b, P12 steps 3 and 5, and installation of routes (P10 9, 10).
//!
//! A refusing KM keeps the refusal as a first-in-first-out waiter and says when it can serve. Promises carry the
//! request's deadline, so that one whose controller has gone lapses by itself.

use super::queue::{Waiter, WaitingFor};
use super::{Context, Grant, KeyManager, Route};
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{
    Ask, ControlMessage, FailureCause, NewRoute, Reservation, ReservationResult, Subject,
};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant};
use crate::architecture::policy::Terms;
use crate::architecture::{Address, Label, Observation, Outbox, RequestId, Step, Timer};
use crate::ids::{ControllerId, HopId, SessionId};
use crate::kernel::Time;

/// So many promises are not worth a sweep.
pub(super) const FEW: usize = 512;

impl KeyManager {
    /// A controller installs a session's hop and asks for a promise.
    pub(super) fn on_reserve(
        &mut self,
        order: &Reservation,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let session = order.ask.request.session;
        let route = self.routes.entry(session).or_insert_with(|| Route {
            hop: order.hop,
            border: order.border,
            decider: order.reply_to,
            procedure: order.procedure,
            installing: None,
            epoch: 0,
            generation: order.generation,
            terms: order.terms,
        });
        // What belongs to a newer segment stays, and what is being installed for this one.
        let newer = order.generation > route.generation;
        if newer {
            (route.generation, route.installing) = (order.generation, None);
        }
        if order.generation == route.generation && route.installing.is_none() {
            (route.hop, route.border, route.procedure) = (order.hop, order.border, order.procedure);
            (route.epoch, route.decider, route.terms) = (order.epoch, order.reply_to, order.terms);
        }
        let result = if order.reserve {
            self.promise(order, cx, out)
        } else {
            ReservationResult::Confirmed
        };
        let answer = ControlMessage::ReserveAnswer {
            ask: order.ask,
            km: self.me(),
            reply_to: order.reply_to,
            result,
        };
        out.send(
            self.controller(),
            Label::new(label.procedure, Step::Reservation),
            answer,
        );
    }

    fn promise(&mut self, order: &Reservation, cx: &mut Context<'_>, out: &mut Outbox) -> ReservationResult {
        let Ask { request, attempt } = order.ask;
        if let Some(before) = self.grants.get(&request) {
            if before.attempt > attempt {
                return ReservationResult::Refused(FailureCause::TimeOut, order.km);
            }
            // A route that was lost had been promised already: the request has one promise at a time.
            self.grants
                .entry(request)
                .and_modify(|before| before.recalled = false);
            self.on_release(order.ask, false, cx, out);
        }
        let grant = Grant {
            hop: order.hop,
            attempt,
            bits: order.bits,
            deadline: order.deadline,
            terms: order.terms,
            reply_to: order.reply_to,
            recalled: false,
            formation: order.formation.clone(),
        };
        self.forget_overdue(cx.now);
        if order.deadline > cx.now && !self.held_hops.admit(order.hop, request, order.hold, cx.now) {
            out.explain(|| {
                let reason = "the link carries as many sessions as it may";
                Decision::new(Choice::Refuse, Subject::request(request), reason).at_hop(order.hop)
            });
            return ReservationResult::Refused(FailureCause::SessionLimit, order.km);
        }
        let Some(lane) = self.lane_of_hop(order.hop) else {
            self.grants.insert(request, grant);
            return ReservationResult::Confirmed;
        };
        self.look(lane, cx, out);
        let state = &mut self.lanes[lane];
        if order.deadline <= cx.now {
            return ReservationResult::Refused(FailureCause::TimeOut, order.km);
        }
        let result = if state.may_serve(request, order.bits, order.terms) {
            state.forget(order.ask, cx.now);
            state.store.reserve(request, order.bits, order.deadline);
            if order.terms.preempts {
                state.waiters.take_back_promises(state.store.usable());
            }
            self.announce_keys(order, lane, out);
            self.grants.insert(request, grant);
            ReservationResult::Confirmed
        } else if order.terms.fails_at_once {
            self.held_hops.give_back(order.ask);
            self.note_depletion(lane, request, order.terms, cx, out);
            ReservationResult::Refused(FailureCause::InsufficientKey, order.km)
        } else {
            self.held_hops.give_back(order.ask);
            let waiting_for = WaitingFor::Reservation {
                attempt,
                reply_to: order.reply_to,
                told: false,
            };
            match state.waiters.place_of(request) {
                Some(place) => state.waiters.ask_anew(place, waiting_for),
                None => state.wait(Waiter {
                    request,
                    since: cx.now,
                    bits: order.bits,
                    deadline: order.deadline,
                    terms: order.terms,
                    waiting_for,
                }),
            }
            out.observe(Observation::Waits {
                request,
                km: order.km,
            });
            self.explain_lack(request, lane, order.bits, out);
            self.note_depletion(lane, request, order.terms, cx, out);
            self.recall_promises(lane, order, cx.now, out);
            ReservationResult::Refused(FailureCause::InsufficientKey, order.km)
        };
        self.after_change(lane, cx, out);
        result
    }

    /// Promises that no relay came for are forgotten some time after their deadlines: when there are twice as many as
    /// were left the last time.
    fn forget_overdue(&mut self, now: Time) {
        if self.grants.len() >= self.sweep_at {
            self.grants.retain(|_, grant| grant.deadline >= now);
            self.sweep_at = 2 * self.grants.len().max(FEW);
        }
    }

    /// Preemption: one that waits asks back what is promised to those of lower priority, the lowest and latest first.
    /// Whether they have started, their deciding controllers know. Of each request once: those that need each other's
    /// hops would else chase one another until their deadlines.
    fn recall_promises(&mut self, lane: usize, order: &Reservation, now: Time, out: &mut Outbox) {
        let (state, terms) = (&self.lanes[lane], order.terms);
        let Some(place) = state
            .waiters
            .place_of(order.ask.request)
            .filter(|_| terms.preempts)
        else {
            return;
        };
        let needed = state.waiters.kept(place, terms) + state.needed(order.bits, terms.floor);
        let mut lacking = needed.saturating_sub(state.store.usable());
        let mut lower: Vec<(u32, RequestId)> = self
            .grants
            .iter()
            .filter(|(request, grant)| {
                let spared = self.recalled.contains_key(*request) && !grant.recalled;
                grant.terms.priority < terms.priority && state.store.has_reserved(**request) && !spared
            })
            .map(|(&request, grant)| (grant.terms.priority, request))
            .collect();
        lower.sort_by_key(|&(priority, request)| (priority, std::cmp::Reverse(request)));
        for (_, request) in lower {
            if lacking == 0 {
                break;
            }
            let grant = self.grants.get_mut(&request).expect("it was just there");
            lacking = lacking.saturating_sub(grant.bits);
            if !std::mem::replace(&mut grant.recalled, true) {
                self.recalled.retain(|_, deadline| *deadline >= now);
                self.recalled.insert(request, grant.deadline);
                let ask = Ask {
                    request,
                    attempt: grant.attempt,
                };
                let recall = ControlMessage::Recall {
                    ask,
                    km: order.km,
                    reply_to: grant.reply_to,
                };
                let label = self.session_label(request.session, Step::Reservation);
                out.send(self.controller(), label, recall);
            }
        }
    }

    /// Says why a request waits at a lane.
    pub(super) fn explain_lack(&self, request: RequestId, lane: usize, bits: u64, out: &mut Outbox) {
        out.explain(|| {
            let store = &self.lanes[lane].store;
            let usable = store.usable();
            let reason = if usable < bits {
                "too little key"
            } else {
                "others wait there before it"
            };
            Decision::new(Choice::Wait, Subject::request(request), reason)
                .at_hop(store.settings.hop)
                .bits(bits, usable)
        });
    }

    /// A request found too little: if nothing comes, the hop is as good as OFF, which is reported to the controller with
    /// the level, and to the KMLM as a failure of the relay. Where the class has its lack refilled (P12 step 4), the hop
    /// counts as failed too, so that the key comes by relay round it.
    pub(super) fn note_depletion(
        &mut self,
        lane: usize,
        request: RequestId,
        terms: Terms,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let (store, hop) = (
            self.lanes[lane].store.settings.id,
            self.lanes[lane].store.settings.hop,
        );
        let depleted = !cx.sources.source(store, StoreEnd::Sending).is_generating();
        let news = depleted && !self.lanes[lane].depleted;
        self.lanes[lane].depleted = depleted;
        self.lanes[lane].lacking |= self.surroundings.parameters.recovery.on_depletion || terms.refills;
        if news {
            self.alarm(request, hop, FailureCause::InsufficientKey, cx, out);
        }
    }

    /// Key came, or a promise was given back: serve those that wait, in their order.
    pub(super) fn serve_waiters(&mut self, lane: usize, cx: &mut Context<'_>, out: &mut Outbox) {
        // Those that wait for the level of a higher floor are in nobody's way.
        let (mut lowest, mut at) = (u64::MAX, 0);
        while lowest > 0
            && let Some(waiter) = self.lanes[lane].waiters.get(at)
        {
            let (bits, terms, overdue) = (waiter.bits, waiter.terms, waiter.deadline <= cx.now);
            let (told, held) = (
                waiter.has_been_told(),
                matches!(waiter.waiting_for, WaitingFor::Relay(_)),
            );
            let state = &mut self.lanes[lane];
            let is_served = !told && terms.floor < lowest && state.has_for(at, bits, terms);
            if overdue {
                let waiter = state.end_wait(at, cx.now);
                if let WaitingFor::Relay(held) = waiter.waiting_for {
                    self.fail_relay(&held, FailureCause::InsufficientKey, cx, out);
                }
            } else if told {
                at += 1;
            } else if !is_served {
                lowest = lowest.min(terms.floor);
                at += 1;
            } else if held {
                let waiter = state.end_wait(at, cx.now);
                let (keys, hop) = (state.store.spend(waiter.bits), state.store.settings.hop);
                if let WaitingFor::Relay(held) = waiter.waiting_for {
                    self.relay_on(*held, hop, keys, cx, out);
                }
            } else if let Some((ask, reply_to)) = state.waiters.tell(at) {
                let label = self.session_label(ask.request.session, Step::Start);
                let message = ControlMessage::CanServe {
                    ask,
                    km: self.me(),
                    reply_to,
                    source: None,
                };
                out.send(self.controller(), label, message);
                at += 1;
            }
        }
    }

    /// A promise is given back; with `cancel`, the wait ends too. What a later attempt was promised is kept.
    pub(super) fn on_release(&mut self, ask: Ask, cancel: bool, cx: &mut Context<'_>, out: &mut Outbox) {
        let Ask { request, attempt } = ask;
        let granted = self
            .grants
            .get(&request)
            .is_some_and(|grant| grant.attempt <= attempt);
        let grant = if granted {
            self.grants.remove(&request)
        } else {
            None
        };
        if granted || cancel {
            self.held_hops.give_back(ask);
        }
        let recalled = grant.filter(|grant| grant.recalled && !cancel);
        for lane in 0..self.lanes.len() {
            let released = granted && self.lanes[lane].store.release(request);
            let forgotten = cancel && self.lanes[lane].forget(ask, cx.now);
            if let (true, Some(grant)) = (released, &recalled) {
                self.lanes[lane].wait(Waiter {
                    request,
                    since: cx.now,
                    bits: grant.bits,
                    deadline: grant.deadline,
                    terms: grant.terms,
                    waiting_for: WaitingFor::Reservation {
                        attempt: grant.attempt,
                        reply_to: grant.reply_to,
                        told: false,
                    },
                });
            }
            if released || forgotten {
                self.look(lane, cx, out);
                self.after_change(lane, cx, out);
            }
        }
    }

    /// How much key is usable for a hop (P12 step 3): KM-B answers for its next hop, KM-A for the hop that reaches it.
    pub(super) fn on_resource_query(
        &mut self,
        ask: Ask,
        hop: HopId,
        reply_to: ControllerId,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let usable_bits = if let Some(outgoing) = self.outgoing.get(&hop) {
            match outgoing.store {
                Some(lane) => {
                    self.look(lane, cx, out);
                    self.lanes[lane].store.usable()
                }
                None => u64::MAX,
            }
        } else {
            let store = self
                .incoming
                .get(&hop)
                .expect("controllers ask a KM about its own hops")
                .store;
            store.map_or(u64::MAX, |store| {
                let follow = &mut self.follows[store];
                let id = follow.settings.id;
                follow.look(cx.now, cx.sources.source(id, StoreEnd::Receiving));
                follow.usable()
            })
        };
        let answer = ControlMessage::ResourceAnswer {
            ask,
            usable_bits,
            reply_to,
        };
        out.send(self.controller(), label, answer);
    }

    /// P10/P13 step 9: a session's next hop changes; it is in force after the installation time.
    pub(super) fn on_reroute_command(&mut self, order: NewRoute, cx: &mut Context<'_>, out: &mut Outbox) {
        let session = order.session;
        let route = self.routes.entry(session).or_insert_with(|| Route {
            hop: order.hop,
            border: None,
            decider: order.reply_to,
            procedure: order.procedure,
            installing: None,
            epoch: 0,
            generation: order.generation,
            terms: order.terms,
        });
        if (order.generation, order.epoch) <= (route.generation, route.epoch) {
            return; // a stale command is refused
        }
        let due = cx.now + self.surroundings.parameters.installation;
        route.installing = Some((due, order));
        if let Some(fault) = order.fault {
            let instant = ReroutingInstant::Commanded;
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant,
                decider: Some(order.reply_to),
            });
        }
        out.wake(due, Timer::Installed(session));
    }

    /// P10/P13 step 10: the new route is in force.
    pub(super) fn on_installed(&mut self, session: SessionId, cx: &mut Context<'_>, out: &mut Outbox) {
        let Some(route) = self.routes.get_mut(&session) else {
            return;
        };
        // A later command has its own timer.
        let Some((_, order)) = route.installing.take_if(|(due, _)| *due <= cx.now) else {
            return;
        };
        let NewRoute {
            hop,
            border,
            epoch,
            generation,
            reply_to,
            fault,
            procedure,
            rerouting,
            terms,
            ..
        } = order;
        (route.border, route.decider, route.generation) = (border, reply_to, generation);
        let old = std::mem::replace(&mut route.hop, hop);
        (route.epoch, route.procedure, route.terms) = (epoch, procedure, terms);
        if let Some(fault) = fault {
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant: ReroutingInstant::Active,
                decider: Some(reply_to),
            });
        }
        let label = Label::new(rerouting, Step::RouteActive);
        let message = ControlMessage::RouteActive {
            session,
            km: self.me(),
            epoch,
            reply_to,
            fault,
        };
        out.send(self.controller(), label, message);
        self.on_new_border(session, border, procedure);
        if old != hop {
            self.held_hops.leave(session, Some(old));
            self.move_waiting_relays(session, old, cx, out);
        }
    }

    /// A session is over, or its segment: its route goes, and nobody waits for a reservation in its name. A route that
    /// was established later stays.
    pub(super) fn on_session_close(
        &mut self,
        session: SessionId,
        generation: u32,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let newer = |route: &Route| route.generation > generation;
        if self.routes.get(&session).is_some_and(newer) {
            return;
        }
        self.routes.remove(&session);
        self.held_hops.leave(session, None);
        self.parts.retain(|request, _| request.session != session);
        for lane in 0..self.lanes.len() {
            let ended = self.lanes[lane].end_waits(cx.now, |waiter| {
                waiter.request.session == session && !matches!(waiter.waiting_for, WaitingFor::Relay(_))
            });
            if !ended.is_empty() {
                self.look(lane, cx, out);
                self.after_change(lane, cx, out);
            }
        }
    }

    /// Relays that wait for key on the old hop go by the new one.
    fn move_waiting_relays(
        &mut self,
        session: SessionId,
        old: HopId,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Some(lane) = self.lane_of_hop(old) else { return };
        let moved = self.lanes[lane].end_waits(cx.now, |waiter| {
            waiter.request.session == session && matches!(waiter.waiting_for, WaitingFor::Relay(_))
        });
        if moved.is_empty() {
            return;
        }
        for waiter in moved {
            if let WaitingFor::Relay(held) = waiter.waiting_for {
                self.send_on(*held, cx, out);
            }
        }
        // Those behind may be first now.
        self.look(lane, cx, out);
        self.after_change(lane, cx, out);
    }

    /// The label of a step of a session's own procedure.
    pub(super) fn session_label(&self, session: SessionId, step: Step) -> Label {
        let procedure = self
            .routes
            .get(&session)
            .map_or(self.surroundings.parameters.rerouting, |route| route.procedure);
        Label::new(procedure, step)
    }

    /// Where this KM's own KSA is reached.
    pub(in crate::key_management) fn my_ksa(&self) -> Address {
        Address::ksa(self.me())
    }
}
