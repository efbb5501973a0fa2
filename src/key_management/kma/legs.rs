//! A session's legs at their source: splitting requests, and what the legs mean to one another.
//!
//! At the beginning legs are established one after the other, so that each can keep out of the nodes of those before it.
//! Assumption: a leg whose request is over – another leg has supplied it, or one that it would need has failed – asks for
//! no key any more; a relay that is under way goes on.

use std::sync::Arc;

use super::source::{RouteState, State, cancellation};
use super::{Context, KeyManager};
use crate::architecture::message::{
    Ask, BorderChoice, FailureCause, KeyMaterial, KeyRequest, ServiceMessage, Subject, Supply, UsageSegment,
};
use crate::architecture::observation::RequestEnd;
use crate::architecture::protection::{Combiner, Draws, Legs, Part};
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::ids::SessionId;
use crate::key_management::legs::{Progress, Whole, secret_of};

impl KeyManager {
    /// One request of each leg for an application's request.
    pub(super) fn split(
        &mut self,
        order: KeyRequest,
        legs: &Arc<Legs>,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        self.ksa.splits.split(order, label.procedure, Arc::clone(legs));
        let protections = Arc::clone(&self.surroundings.protections);
        for request in legs.requests(order.request.number) {
            out.observe(Observation::Requested {
                request,
                bits: order.bits,
            });
            out.observe(Observation::Internal {
                label: Label::new(label.procedure, Step::KeyRequest),
                subject: Subject::request(request),
                note: "splits the request into legs",
            });
            let leg = protections.places.get(&request.session).copied();
            let order = KeyRequest {
                request,
                leg,
                ..order
            };
            self.take_up(order, State::Queued, label, cx, out);
        }
    }

    /// The request that a leg's is a part of.
    pub(in crate::key_management) fn part_of(&self, leg: RequestId) -> Option<Part> {
        let protections = &self.surroundings.protections;
        let session = *protections.whole.get(&leg.session)?;
        let legs = &protections.legs[&session];
        Some(Part {
            whole: RequestId {
                session,
                number: leg.number,
            },
            combiner: legs.combiner,
            of: legs.sessions.len() as u8,
        })
    }

    /// Whether a request still needs its key: a leg's does not once its whole is over.
    pub(super) fn is_needed(&self, request: RequestId) -> bool {
        self.part_of(request)
            .is_none_or(|part| self.ksa.splits.is_open(part.whole))
    }

    /// What a request's relay carries.
    pub(super) fn secret_of(&self, request: RequestId) -> RequestId {
        self.part_of(request).map_or(request, |part| {
            secret_of(request, part.whole.session, part.combiner)
        })
    }

    /// Sessions that a session keeps out of the nodes of.
    fn other_legs(&self, session: SessionId) -> impl Iterator<Item = SessionId> + '_ {
        let places = &self.surroundings.protections.places;
        let own = places.get(&session);
        let others = places.iter();
        let others = others.filter(move |(_, other)| own.is_some_and(|own| own.avoids(other)));
        others.map(|(&other, _)| other)
    }

    /// Whether a leg's route is to be found only once that of a leg before it has been.
    pub(super) fn awaits_other_leg(&self, session: SessionId) -> bool {
        let own = &self.sources.sessions[&session];
        own.route == RouteState::None
            && !own.tried
            && self.other_legs(session).any(|other| {
                let other = self.sources.sessions.get(&other).filter(|_| other < session);
                other.is_some_and(|other| !other.tried)
            })
    }

    /// Borders that the other legs cross.
    pub(super) fn borders_of_other_legs(&self, session: SessionId) -> Vec<BorderChoice> {
        let crossed = |other| self.sources.sessions.get(&other)?.border;
        self.other_legs(session).filter_map(crossed).collect()
    }

    /// A session's route has been found, or looked for in vain: legs after it need not wait for that.
    pub(super) fn note_tried(&mut self, session: SessionId) {
        let own = self.sources.sessions.get_mut(&session);
        let first = own.is_some_and(|own| !std::mem::replace(&mut own.tried, true));
        if first {
            let after: Vec<SessionId> = self
                .other_legs(session)
                .filter(|&other| other > session)
                .collect();
            self.sources.unblocked.extend(after);
            if let Some(&(pool, Draws::WhenFailed)) = self.surroundings.protections.draws.get(&session) {
                self.sources.ready.insert(pool);
            }
        }
    }

    /// Lets queues go on that something at another leg has unblocked.
    pub(super) fn pump_unblocked(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        while let Some(session) = self.sources.unblocked.pop_first() {
            if self.sources.sessions.contains_key(&session) {
                self.pump(session, cx, out);
            }
        }
        while let Some(pool) = self.sources.ready.pop_first() {
            self.on_pool_retry(pool, cx, out);
        }
    }

    /// Ends a request that is not on its way yet.
    pub(super) fn cancel(&mut self, request: RequestId, out: &mut Outbox) {
        let Some(entry) = self.sources.requests.get(&request) else {
            return;
        };
        let attempt = entry.attempt;
        let session = self
            .sources
            .sessions
            .get_mut(&request.session)
            .expect("open requests have a session");
        session.queue.retain(|&queued| queued != request.number);
        if let RouteState::Installed(decider) = session.route {
            let label = Label::new(session.procedure, Step::Reservation);
            out.send(
                self.controller(),
                label,
                cancellation(Ask { request, attempt }, decider),
            );
        }
        self.fail(request, FailureCause::NotNeeded, out);
        self.sources.unblocked.insert(request.session);
    }

    /// A request is over: those of its legs that wait are not needed. What is being asked for is given back once the
    /// answer is there.
    fn cancel_waiting(&mut self, whole: &Whole, out: &mut Outbox) {
        for leg in whole.legs.requests(whole.order.request.number) {
            let state = self.sources.requests.get(&leg).map(|entry| entry.state);
            if matches!(state, Some(State::Queued | State::Refused)) {
                self.cancel(leg, out);
            }
        }
    }

    /// A request has failed. `true` if it was a leg's: its application asked for something else.
    pub(super) fn leg_failed(&mut self, leg: RequestId, cause: FailureCause, out: &mut Outbox) -> bool {
        let Some(part) = self.part_of(leg) else {
            return false;
        };
        if let Progress::Failed(whole) = self.ksa.splits.leg_ended(part.whole, false) {
            let request = part.whole;
            out.observe(Observation::Failed { request, cause });
            out.send_as(
                self.my_ksa(),
                Address::application(whole.order.application),
                Label::new(whole.procedure, Step::Supply),
                ServiceMessage::KeyRefusal { request, cause },
            );
            self.cancel_waiting(&whole, out);
        }
        true
    }

    /// The source KSA knows that the destination has a leg's key: with the last one that is needed, it supplies.
    pub(in crate::key_management) fn leg_arrived(
        &mut self,
        order: &KeyRequest,
        part: Part,
        supply: Supply,
        procedure: Procedure,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let drawn = |request| KeyMaterial::new(order.bits, cx.sources.fresh(request, order.bits));
        let leg = order.request;
        let digest = drawn(secret_of(leg, part.whole.session, part.combiner)).digest();
        let ended = self.ksa.splits.leg_ended(part.whole, true);
        let whole_key = match &ended {
            Progress::Complete(whole) => {
                let legs = whole.legs.requests(leg.number);
                let mut secrets = legs.map(|leg| secret_of(leg, part.whole.session, part.combiner));
                let first = secrets.next().map(drawn).expect("a session has a leg at least");
                Some(match part.combiner {
                    Combiner::First => first,
                    Combiner::Xor => secrets.fold(first, |sum, secret| sum.xor(drawn(secret).material)),
                })
            }
            Progress::Nothing | Progress::Failed(_) => None,
        };
        Self::leg_used(leg, RequestEnd::Source, digest, procedure, out);
        let to = order.application;
        if let (Progress::Complete(whole), Some(key)) = (ended, whole_key) {
            self.hand_over(part.whole, to, key, procedure, out);
            self.cancel_waiting(&whole, out);
        }
        self.account_supply(
            leg,
            Some(to),
            UsageSegment::Source,
            supply,
            procedure,
            cx.now,
            out,
        );
    }

    /// A leg's key is used at one end: observers are told, as they are when an application gets one.
    pub(in crate::key_management) fn leg_used(
        leg: RequestId,
        end: RequestEnd,
        digest: Option<u64>,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        out.observe(Observation::Internal {
            label: Label::new(procedure, Step::Supply),
            subject: Subject::request(leg),
            note: "puts the legs' keys together",
        });
        out.observe(Observation::Supplied {
            request: leg,
            end,
            digest,
        });
    }
}
