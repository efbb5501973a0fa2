//! Pools at their sending KM: requests are served from what was relayed before, and refills are requests of the KM itself.
//!
//! A refill is relayed, synchronised and settled like an application's key; both KMs then hold it. A request that is served
//! from a pool takes no relay: the KSAs agree on the ids, along the way of the session that fills the pool.
//!
//! Assumption: a session whose route fails and that has keys relayed ahead is served from them as soon as its source is told,
//! or finds out itself because it must look for a route anew. Pools survive an outage of their KMs, and so do synchronisations about them, so that both ends agree on
//! what is left.

use std::sync::Arc;

use super::source::{State, Switch};
use super::{Context, KeyManager};
use crate::architecture::message::{
    Draw, KeyMaterial, KeyRequest, OtpKeys, Purpose, Subject, Supply, UsageSegment,
};
use crate::architecture::observation::{Choice, Decision, RequestEnd, ReroutingInstant};
use crate::architecture::protection::{Draws, PoolSettings};
use crate::architecture::{Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{FaultId, PoolId, SessionId};
use crate::key_management::pool::Pool;
use crate::key_management::store::Book;

impl KeyManager {
    /// The start of the run: pools begin to be filled.
    pub(super) fn start_pools(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        let pools: Vec<Arc<PoolSettings>> = self
            .pools
            .values()
            .map(|pool| Arc::clone(&pool.settings))
            .collect();
        for pool in pools {
            out.wake(pool.until, Timer::PoolEnd(pool.id));
            // What protects a session's route is routed after it.
            if self.surroundings.protections.backed(pool.id).next().is_some() {
                self.pools.get_mut(&pool.id).expect("it is this KM's").paused = true;
            } else {
                self.refill(pool.id, cx, out);
            }
        }
    }

    /// The KM is in service again.
    pub(super) fn restart_pools(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        let pools: Vec<PoolId> = self.pools.keys().copied().collect();
        for pool in pools {
            self.refill(pool, cx, out);
        }
    }

    /// The pool that a request is to be served from now, if from one.
    pub(super) fn serving_pool(&self, order: &KeyRequest) -> Option<PoolId> {
        let session = order.request.session;
        let &(id, draws) = self.surroundings.protections.draws.get(&session)?;
        let pool = &self.pools[&id];
        let serves = match draws {
            Draws::Always { waits } => waits || pool.can_serve(order.bits),
            Draws::WhenFailed => match self.sources.switched(session) {
                Switch::No => !self.sources.has_route(session) && pool.can_serve(order.bits),
                Switch::Yes => true,
                Switch::YesIfKey => pool.can_serve(order.bits),
            },
        };
        (serves && !pool.closed).then_some(id)
    }

    /// A request joins those that wait at a pool.
    pub(super) fn wait_at_pool(
        &mut self,
        id: PoolId,
        request: RequestId,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let pool = self
            .pools
            .get_mut(&id)
            .expect("sessions draw from this KM's pools");
        pool.waiting.push_back(request);
        self.serve_from_pool(id, cx, out);
    }

    /// Serves those that wait, as far as the key goes, and asks for more where the level is low.
    pub(super) fn serve_from_pool(&mut self, id: PoolId, cx: &mut Context<'_>, out: &mut Outbox) {
        while let Some(&request) = self.pools[&id].waiting.front() {
            let pool = self.pools.get_mut(&id).expect("it was just there");
            let Some(entry) = self.sources.requests.get_mut(&request) else {
                pool.waiting.pop_front(); // it timed out
                continue;
            };
            let order = entry.order;
            let Some(keys) = pool.reserve(request, order.bits) else {
                entry.lacked = true;
                let draws = self.surroundings.protections.draws.get(&request.session);
                let own_way = matches!(draws, Some((_, Draws::WhenFailed)))
                    && self.sources.switched(request.session) != Switch::Yes;
                if own_way {
                    pool.waiting.pop_front();
                    self.go_the_ordinary_way(request, cx, out);
                    continue;
                }
                out.explain(|| {
                    let reason = "the pool is empty: it is being refilled";
                    Decision::new(Choice::Wait, Subject::request(request), reason)
                        .bits(order.bits, pool.book().stored)
                });
                break;
            };
            pool.waiting.pop_front();
            let settings = Arc::clone(&pool.settings);
            let draw = Draw {
                pool: id,
                session: settings.session,
                keys,
            };
            let purpose = Purpose::Draw(Box::new(draw));
            let procedure = self.procedure_of(settings.session, settings.procedure);
            self.notify(&order, settings.session, purpose, procedure, out);
        }
        self.refill(id, cx, out);
    }

    /// The procedure of a session's present way.
    fn procedure_of(&self, session: SessionId, first: Procedure) -> Procedure {
        self.sources
            .sessions
            .get(&session)
            .map_or(first, |session| session.procedure)
    }

    /// Asks for refills, as many as the level is low.
    pub(super) fn refill(&mut self, id: PoolId, cx: &mut Context<'_>, out: &mut Outbox) {
        while let Some(number) = self.pools.get_mut(&id).and_then(Pool::next_refill) {
            let settings = Arc::clone(&self.pools[&id].settings);
            let request = RequestId {
                session: settings.session,
                number,
            };
            let order = KeyRequest {
                request,
                application: settings.ends[0],
                peer: settings.ends[1],
                destination: settings.far,
                destination_qkdn: settings.far_qkdn,
                keys: 1,
                bits: settings.refill,
                class: settings.class,
                deadline: cx.now + settings.timeout,
                hold: None,
                last: false,
                leg: self
                    .surroundings
                    .protections
                    .places
                    .get(&settings.session)
                    .copied(),
            };
            out.observe(Observation::Requested {
                request,
                bits: settings.refill,
            });
            let label = Label::new(settings.procedure, Step::KeyRequest);
            out.observe(Observation::Internal {
                label,
                subject: Subject::request(request),
                note: "the pool is low: asks for a refill",
            });
            self.take_up(order, State::Queued, label, cx, out);
        }
    }

    /// Whether a request is a refill, and of which pool.
    pub(in crate::key_management) fn refilled(&self, request: RequestId) -> Option<PoolId> {
        self.surroundings.protections.fills.get(&request.session).copied()
    }

    /// A refill is at both ends.
    pub(in crate::key_management) fn refill_came(
        &mut self,
        order: &KeyRequest,
        id: PoolId,
        supply: Supply,
        procedure: Procedure,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let request = order.request;
        let key = KeyMaterial::new(order.bits, cx.sources.fresh(request, order.bits));
        Self::note_refill(request, RequestEnd::Source, key.digest(), procedure, out);
        self.account_supply(
            request,
            None,
            UsageSegment::Source,
            supply,
            procedure,
            cx.now,
            out,
        );
        let pool = self.pools.get_mut(&id).expect("refills are of this KM's pools");
        pool.ended(request.number, true);
        self.serve_from_pool(id, cx, out);
    }

    /// A refill is put into the store of one end.
    pub(in crate::key_management) fn note_refill(
        request: RequestId,
        end: RequestEnd,
        digest: Option<u64>,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        out.observe(Observation::Internal {
            label: Label::new(procedure, Step::Supply),
            subject: Subject::request(request),
            note: "stores the key in the pool",
        });
        out.observe(Observation::Supplied { request, end, digest });
    }

    /// A refill has failed: the next one is tried later. `false` if it is none.
    pub(super) fn refill_failed(&mut self, request: RequestId) -> bool {
        let Some(id) = self.refilled(request) else {
            return false;
        };
        let pool = self.pools.get_mut(&id).expect("refills are of this KM's pools");
        pool.ended(request.number, false);
        pool.paused = true;
        self.sources.paused.insert(id);
        true
    }

    /// Sets the timers of refills that are to be tried again.
    pub(super) fn set_retries(&mut self, cx: &Context<'_>, out: &mut Outbox) {
        while let Some(id) = self.sources.paused.pop_first() {
            out.wake(cx.now + self.pools[&id].settings.retry, Timer::PoolRetry(id));
        }
    }

    /// Time to try again.
    pub(super) fn on_pool_retry(&mut self, id: PoolId, cx: &mut Context<'_>, out: &mut Outbox) {
        self.pools.get_mut(&id).expect("it has set the timer").paused = false;
        self.refill(id, cx, out);
    }

    /// The other end has answered about key that a request is to take from a pool.
    pub(in crate::key_management) fn on_drawn(
        &mut self,
        request: RequestId,
        id: PoolId,
        accepted: bool,
        (supply, procedure): (Supply, Procedure),
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let pool = self
            .pools
            .get_mut(&id)
            .expect("requests draw from this KM's pools");
        let session = pool.settings.session;
        if !accepted {
            pool.give_back(request);
            self.go_the_ordinary_way(request, cx, out);
        } else if let Some(keys) = pool.spend(request) {
            let late = self.is_late(request, cx.now);
            out.observe(Observation::Drawn {
                request,
                pool: id,
                keys: Box::new(keys.clone()),
            });
            if let Some(order) = self.ended_well(request).filter(|_| !late) {
                let key = KeyMaterial::new(order.bits, cx.sources.drawn(session, &keys));
                self.hand_over(request, order.application, key, procedure, out);
                let (to, segment) = (Some(order.application), UsageSegment::Source);
                self.account_supply(request, to, segment, supply, procedure, cx.now, out);
            }
        }
        self.serve_from_pool(id, cx, out);
    }

    /// A request that waited at a pool joins its session's queue.
    pub(super) fn go_the_ordinary_way(&mut self, request: RequestId, cx: &mut Context<'_>, out: &mut Outbox) {
        if let Some(entry) = self.sources.requests.get_mut(&request) {
            entry.state = State::Queued;
            let session = self.sources.sessions.get_mut(&request.session);
            let queue = &mut session.expect("open requests have a session").queue;
            let at = queue.partition_point(|&queued| queued < request.number);
            queue.insert(at, request.number);
            self.pump(request.session, cx, out);
        }
    }

    /// Key that the sending end named is taken from this end's copy.
    pub(in crate::key_management) fn take_from_copy(
        &mut self,
        id: PoolId,
        keys: &OtpKeys,
        out: &mut Outbox,
    ) -> Option<KeyMaterial> {
        let key = self.copies.entry(id).or_default().take(keys);
        if key.is_none() {
            let what = "a supply named key of a pool that is not there, or was used before";
            out.observe(Observation::Finding { what, store: None });
        }
        key
    }

    /// No application asks any more: sessions without open requests need no pool.
    pub(super) fn on_pool_end(&mut self, id: PoolId, out: &mut Outbox) {
        self.sources.over.insert(id);
        self.close_pool_if_over(id, out);
    }

    /// A session is over, or the time in which applications ask: once nobody needs a pool its session is closed.
    pub(super) fn close_pool_if_over(&mut self, id: PoolId, out: &mut Outbox) {
        let draws = self.surroundings.protections.draws.iter();
        let mut users = draws
            .filter(|(_, (pool, _))| *pool == id)
            .map(|(&session, _)| session);
        let over = self.sources.over.contains(&id) && !users.any(|session| self.sources.has_open(session));
        let pool = self.pools.get_mut(&id).expect("it is this KM's");
        if !over || std::mem::replace(&mut pool.closed, true) {
            return;
        }
        let session = pool.settings.session;
        if let Some(last) = pool.last_refill() {
            self.sources.ends_with(session, last);
            self.close_if_over(session, out);
        }
    }

    /// The books of this KM's pools.
    pub fn pool_books(&self) -> impl Iterator<Item = (PoolId, Book)> + '_ {
        self.pools.iter().map(|(&id, pool)| (id, pool.book()))
    }

    /// What has come to this end of pools, and what was used.
    pub fn pool_copies(&self) -> impl Iterator<Item = (PoolId, (u64, u64))> + '_ {
        self.copies.iter().map(|(&id, copy)| (id, copy.amounts()))
    }

    /// A session's own route has failed: what waits goes over to the pool. Or it carries requests again: what waits at the
    /// pool for want of key goes back, and with reversion whatever comes.
    pub(super) fn on_switch_over(
        &mut self,
        session: SessionId,
        works: bool,
        fault: Option<FaultId>,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let draws = self.surroundings.protections.draws.get(&session);
        let Some(&(id, Draws::WhenFailed)) = draws else {
            return;
        };
        if let Some(fault) = fault {
            for instant in [ReroutingInstant::Commanded, ReroutingInstant::Active] {
                out.observe(Observation::Rerouting {
                    fault,
                    session,
                    instant,
                    decider: None,
                });
            }
        }
        if works {
            let revertive = self.surroundings.parameters.recovery.revertive;
            let now = if revertive { Switch::No } else { Switch::YesIfKey };
            self.sources.switch(session, now);
            self.serve_from_pool(id, cx, out);
        } else {
            self.sources.switch(session, Switch::Yes);
            for request in self.withdraw_waiting(session, out) {
                self.wait_at_pool(id, request, cx, out);
            }
        }
    }
}
