//! Having a segment promised: P9 steps 4, 4a and 4b, P12 steps 5 and 5a.
//!
//! Nothing is spent before every sending KM of every segment has confirmed. Where one refuses, the others' promises are
//! given back; the refusal itself waits at the lacking KM, which says when it can serve.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::admission::Charge;
use super::controller::Controller;
use super::segment::{Held, Segment, SegmentState};
use crate::architecture::message::{
    Ask, ControlMessage, FailureCause, Formation, Hold, Reservation, ReservationResult, Subject,
};
use crate::architecture::observation::{Choice, Decision, SessionState};
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{Address, Label, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{ControllerId, NodeId, SessionId};
use crate::kernel::Time;

/// Answers that are awaited for a request.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// The attempt that the answers must belong to.
    attempt: u32,
    /// KMs of the segment that have not answered.
    awaited: Vec<NodeId>,
    /// Whether the next segment has not.
    pub(super) awaits_peer: bool,
    /// What it is charged to quotas.
    charge: Charge,
    refused: Option<(FailureCause, NodeId)>,
    confirmed: Vec<NodeId>,
    peer_confirmed: bool,
    /// The other side has left the route that was asked for.
    stale: bool,
    bits: u64,
    deadline: Time,
    hold: Option<Hold>,
}

impl Pending {
    /// A KM, or the segment beyond the border, refuses. What ends the request counts more than a want of key that it
    /// could wait for.
    fn refuse(&mut self, cause: FailureCause, at: NodeId) {
        if self
            .refused
            .is_none_or(|(before, _)| ends(cause) && !ends(before))
        {
            self.refused = Some((cause, at));
        }
    }
}

/// What the KM before the border is told with the order to reserve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Informs {
    /// The route: the request is the session's first.
    First,
    /// What is owed from the first one, and to transfer.
    Later,
    /// No more than to reserve: key is known to lack (P12 step 4).
    Lacking,
}

/// Whether a refusal for this cause ends the request, whatever comes later.
fn ends(cause: FailureCause) -> bool {
    matches!(cause, FailureCause::RefusedByPolicy | FailureCause::SessionLimit)
}

impl Controller {
    /// A further request on an installed segment: from the source (Origin) or from the segment before (Far).
    pub(super) fn on_segment_request(&mut self, asked: Held, out: &mut Outbox) {
        let ask = asked.ask;
        let doubted = self
            .segments
            .get(&ask.request.session)
            .filter(|segment| segment.doubted);
        if let Some(generation) = doubted.map(|segment| segment.generation) {
            let session = ask.request.session;
            self.on_stands((session, generation), self.admission.now(), out);
        }
        match self.segments.get_mut(&ask.request.session) {
            Some(segment) if matches!(segment.state, SegmentState::Rerouting { .. }) => {
                self.hold(asked, "its session is being rerouted", out);
            }
            Some(_) => self.reserve(asked, Informs::Later, out),
            // The segment before was closed, and this one with it: nobody awaits an answer.
            None => {}
        }
    }

    /// A request waits until its session's way can be used. Nobody waits for those whose deadline is past.
    fn hold(&mut self, asked: Held, reason: &'static str, out: &mut Outbox) {
        let (request, now) = (asked.ask.request, self.admission.now());
        let segment = self
            .segments
            .get_mut(&request.session)
            .expect("the caller has it");
        segment.held.retain(|held| held.deadline > now);
        segment.held.push(asked);
        out.explain(|| Decision::new(Choice::Wait, Subject::request(request), reason));
    }

    /// Something works again: what is held for a way that was out of reach, and is not any more, is asked for.
    pub(super) fn release_held(&mut self, out: &mut Outbox) {
        let waits = |segment: &Segment| {
            segment.state == SegmentState::Active && segment.asks_again.is_none() && !segment.held.is_empty()
        };
        let waiting = self.segments.iter().filter(|(_, segment)| waits(segment));
        let waiting: Vec<SessionId> = waiting.map(|(&session, _)| session).collect();
        for session in waiting
            .into_iter()
            .filter(|&session| !self.is_out_of_reach(session))
            .collect::<Vec<_>>()
        {
            let segment = self.segments.get_mut(&session).expect("it was just there");
            for held in std::mem::take(&mut segment.held) {
                self.reserve(held, Informs::Later, out);
            }
        }
    }

    /// Asks every sending KM of the segment, and the next segment, for a promise. The KM before the border is told of the
    /// route with the session's first one (P9 step 4), and to transfer with each (P12 step 5), but where key is known to lack.
    pub(super) fn reserve(&mut self, asked: Held, informs: Informs, out: &mut Outbox) {
        let session = asked.ask.request.session;
        if self.is_out_of_reach(session) {
            return self.hold(asked, "its way is out of reach", out);
        }
        let Held {
            ask,
            bits,
            deadline,
            hold,
        } = asked;
        let request = ask.request;
        let before = self.pending.remove(&request);
        if let Some(before) = &before {
            self.admission.give_back(&before.charge);
        }
        let Some(charge) = self.admit(ask, bits, out) else {
            return self.refuse_at_once(ask, FailureCause::RefusedByPolicy, out);
        };
        let segment = self
            .segments
            .get_mut(&request.session)
            .expect("the caller has it");
        let owed = std::mem::take(&mut segment.informs);
        let segment = &self.segments[&request.session];
        let reserve = self.surroundings.parameters.reservation == ReservationScheme::Segment;
        let after = segment.place.after.as_ref();
        let formation = if reserve { self.formation(segment) } else { None };
        for &hop in &segment.path {
            let km = self.hop(hop).from;
            let order = Reservation {
                ask,
                km,
                hop,
                bits,
                deadline,
                hold,
                reply_to: self.me(),
                border: segment.border(),
                procedure: segment.procedure,
                epoch: segment.epoch,
                generation: segment.generation,
                reserve,
                formation: formation.clone().filter(|_| !self.hop(hop).crosses_border),
                terms: self.terms(segment, hop),
            };
            let informed = after.filter(|after| {
                let transfers = after.border.procedure == Procedure::P12;
                let informs = match informs {
                    Informs::First => true,
                    Informs::Later => owed || transfers,
                    Informs::Lacking => false,
                };
                informs && after.border.near == km
            });
            let label = match informed {
                Some(after) => Label::new(after.border.procedure, Step::RouteInformation),
                None => Label::new(segment.procedure, Step::Reservation),
            };
            self.deliver(km, label, &ControlMessage::Reserve(order), out);
        }
        let awaited: Vec<NodeId> = segment.path.iter().map(|&hop| self.hop(hop).from).collect();
        // KMs that are asked again replace their promise; those that are not would keep it to the deadline.
        if let Some(before) = before {
            let attempt = before.attempt;
            for km in before.confirmed.into_iter().filter(|km| !awaited.contains(km)) {
                self.give_back(Ask { request, attempt }, km, out);
            }
        }
        if let Some(after) = after {
            let label = Label::new(after.border.procedure, Step::Reservation);
            let message = ControlMessage::SegmentReserve {
                ask,
                agreement: after.agreement,
                bits,
                deadline,
                hold,
            };
            out.send(Address::controller(after.controller), label, message);
        }
        let awaits_peer = after.is_some();
        self.pending.insert(
            request,
            Pending {
                attempt: ask.attempt,
                awaited,
                awaits_peer,
                charge,
                bits,
                deadline,
                hold,
                ..Pending::default()
            },
        );
        self.when_all_have_answered(request, out);
    }

    /// How the segment's KMs relay together; `None`: hop by hop, as always over a single hop.
    fn formation(&self, segment: &Segment) -> Option<Arc<Formation>> {
        let end = segment.ends[1];
        let combiner = self.surroundings.domain.relay.combiner(end)?;
        let inside = segment.path.iter().map(|&hop| self.hop(hop));
        let kms: Box<[NodeId]> = inside
            .filter(|hop| !hop.crosses_border)
            .map(|hop| hop.from)
            .collect();
        (kms.len() > 1).then(|| Arc::new(Formation { combiner, end, kms }))
    }

    /// A KM of the segment has answered.
    pub(super) fn on_reserve_answer(
        &mut self,
        ask: Ask,
        km: NodeId,
        result: ReservationResult,
        out: &mut Outbox,
    ) {
        let pending = self.awaiting_answers(ask);
        let Some(pending) = pending.filter(|pending| pending.awaited.contains(&km)) else {
            if result == ReservationResult::Confirmed {
                self.give_back(ask, km, out);
            }
            return;
        };
        pending.awaited.retain(|&awaited| awaited != km);
        let unreached = result == ReservationResult::Refused(FailureCause::ElementDown, km);
        match result {
            ReservationResult::Confirmed => pending.confirmed.push(km),
            ReservationResult::Refused(cause, at) => pending.refuse(cause, at),
            ReservationResult::Stale => pending.stale = true,
        }
        if unreached {
            // It may have been asked all the same.
            let label = self.label(ask.request.session, Step::Reservation);
            self.withdraw(ask, Some(km), label, out);
        }
        self.when_all_have_answered(ask.request, out);
    }

    /// The segment beyond the border has answered.
    pub(super) fn on_segment_answer(&mut self, ask: Ask, result: ReservationResult, out: &mut Outbox) {
        let pending = self.awaiting_answers(ask);
        let Some(pending) = pending.filter(|pending| pending.awaits_peer) else {
            return;
        };
        pending.awaits_peer = false;
        match result {
            ReservationResult::Confirmed => pending.peer_confirmed = true,
            ReservationResult::Refused(cause, at) => pending.refuse(cause, at),
            ReservationResult::Stale => pending.stale = true,
        }
        self.when_all_have_answered(ask.request, out);
    }

    /// The session's route is gone: what has been promised for it is given back, answers to come are void.
    pub(super) fn drop_pending(&mut self, session: SessionId, out: &mut Outbox) {
        let all = RequestId { session, number: 0 }..=RequestId {
            session,
            number: u32::MAX,
        };
        let asked: Vec<RequestId> = self.pending.range(all).map(|(&request, _)| request).collect();
        for request in asked {
            let pending = self.pending.remove(&request).expect("it was just there");
            self.admission.give_back(&pending.charge);
            let ask = Ask {
                request,
                attempt: pending.attempt,
            };
            for km in pending.confirmed {
                self.give_back(ask, km, out);
            }
        }
    }

    /// The answers that are awaited for this attempt.
    pub(super) fn awaiting_answers(&mut self, ask: Ask) -> Option<&mut Pending> {
        let pending = self.pending.get_mut(&ask.request);
        pending.filter(|pending| pending.attempt == ask.attempt)
    }

    /// A promise for an attempt that is over, or for a route that was lost, is given back.
    fn give_back(&self, ask: Ask, km: NodeId, out: &mut Outbox) {
        let release = ControlMessage::Release {
            ask,
            km: Some(km),
            decider: self.me(),
            cancel: false,
        };
        self.deliver(
            km,
            self.label(ask.request.session, Step::Reservation),
            &release,
            out,
        );
    }

    fn when_all_have_answered(&mut self, request: RequestId, out: &mut Outbox) {
        if self
            .pending
            .get(&request)
            .is_none_or(|pending| pending.awaits_peer || !pending.awaited.is_empty())
        {
            return;
        }
        let pending = self.pending.remove(&request).expect("it was just there");
        let ask = Ask {
            request,
            attempt: pending.attempt,
        };
        if pending.stale {
            return self.ask_again(ask, &pending, out);
        }
        let segment = self
            .segments
            .get_mut(&request.session)
            .expect("a lost route takes its pending reservations along");
        let result = match pending.refused {
            None => {
                segment.refused.remove(&request.number);
                segment.asked_again = 0;
                ReservationResult::Confirmed
            }
            Some((cause, at)) => {
                self.admission.give_back(&pending.charge);
                segment.refused.insert(request.number, ask.attempt);
                ReservationResult::Refused(cause, at)
            }
        };
        let (next, procedure) = (segment.next_controller(), segment.procedure);
        let lost = self.surroundings.policy.fails_at_once(segment.class);
        if pending.refused.is_some_and(|(cause, _)| lost || ends(cause)) {
            let label = Label::new(procedure, Step::Reservation);
            self.on_release(ask, true, label, out);
        } else if pending.refused.is_some() {
            let label = Label::new(procedure, Step::Reservation);
            for km in pending.confirmed {
                self.give_back(ask, km, out);
            }
            if let (true, Some(next)) = (pending.peer_confirmed, next) {
                let release = ControlMessage::Release {
                    ask,
                    km: None,
                    decider: next,
                    cancel: false,
                };
                out.send(Address::controller(next), label, release);
            }
        }
        self.answer(ask, result, out);
    }

    /// Policy refuses a request, or has it fail for want of key: nobody is asked for key, and nobody waits for it.
    pub(super) fn refuse_at_once(&mut self, ask: Ask, cause: FailureCause, out: &mut Outbox) {
        let segment = &self.segments[&ask.request.session];
        let (at, label) = (segment.ends[0], Label::new(segment.procedure, Step::Reservation));
        // An earlier attempt may wait for key.
        if segment.refused.contains_key(&ask.request.number) {
            self.on_release(ask, true, label, out);
        }
        let result = ReservationResult::Refused(cause, at);
        self.answer(ask, result, out);
    }

    /// Whose policy refused, where one did: that of the segment that begins at a KM.
    fn policy_of(&self, cause: FailureCause, at: NodeId) -> Option<ControllerId> {
        if cause != FailureCause::RefusedByPolicy {
            return None;
        }
        let mut borders = self.surroundings.borders.iter();
        if self.surroundings.domain.contains(at) {
            Some(self.me())
        } else {
            // Further away than the next QKDN only the KM is known.
            let border = borders.find(|border| border.hop.to == at)?;
            Some(border.far_controller)
        }
    }

    /// The segment's answer goes to the source, or to the segment before.
    fn answer(&mut self, ask: Ask, result: ReservationResult, out: &mut Outbox) {
        let segment = &self.segments[&ask.request.session];
        let (source, previous) = (segment.place.source, segment.previous_controller());
        let label = Label::new(segment.procedure, Step::Start);
        out.explain(|| {
            let subject = Subject::request(ask.request);
            match result {
                ReservationResult::Confirmed => Decision::new(
                    Choice::Admit,
                    subject,
                    "all KMs that send have promised their key",
                ),
                ReservationResult::Stale => unreachable!("asked again above"),
                ReservationResult::Refused(cause, at) => {
                    let refused = Decision::new(Choice::Refuse, subject, cause.name());
                    match self.policy_of(cause, at) {
                        Some(controller) => refused.by(controller),
                        None => refused.at(at),
                    }
                }
            }
        });
        // A segment's own promise says nothing of the way before it.
        let goes_on = source.is_some()
            || !self.is_in(ask.request.session, SessionState::Suspended)
            || self.state_by_knowledge(ask.request.session) == SessionState::Active;
        if result == ReservationResult::Confirmed && segment.state == SegmentState::Active && goes_on {
            self.session_state(ask.request.session, SessionState::Active, label, out);
        }
        if let Some(source) = source {
            let start = ControlMessage::Start {
                ask,
                source,
                decider: self.me(),
                result,
            };
            self.deliver(source, label, &start, out);
        }
        if let Some(peer) = previous {
            let answer = ControlMessage::SegmentAnswer { ask, result };
            out.send(Address::controller(peer), label, answer);
        }
    }

    /// The two sides counted on different borders: nothing was spent; it is asked for again, after the reroute if one is
    /// under way, else after the coordination's time-out. Where they still do after as many tries as the coordination
    /// makes, or at the request's deadline, they will not come together by themselves: the source begins anew.
    fn ask_again(&mut self, ask: Ask, pending: &Pending, out: &mut Outbox) {
        self.admission.give_back(&pending.charge);
        for &km in &pending.confirmed {
            self.give_back(ask, km, out);
        }
        let (bits, deadline, hold) = (pending.bits, pending.deadline, pending.hold);
        let asked = Held {
            ask,
            bits,
            deadline,
            hold,
        };
        let session = ask.request.session;
        let reason = "the two sides count on different borders: the source begins anew";
        if deadline <= self.admission.now() {
            return self.lose_route(session, self.fault_behind(session), reason, out);
        }
        let patience = self.surroundings.parameters.coordination_timeout;
        let segment = self.segments.get_mut(&session).expect("it has asked");
        segment.held.push(asked);
        if segment.state == SegmentState::Active && segment.asks_again.is_none() {
            let due = self.admission.now() + patience;
            segment.asks_again = Some(due);
            out.wake(due, Timer::AskAgain(session));
        }
    }

    /// The other side has had time to come to the same border: what was held is asked for again.
    pub(super) fn on_ask_again(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let retries = self.surroundings.parameters.coordination_retries;
        let Some(segment) = self.segments.get_mut(&session) else {
            return;
        };
        if segment.asks_again.take_if(|due| *due <= now).is_none() || segment.state != SegmentState::Active {
            return; // a reroute goes on with what is held
        }
        if segment.held.is_empty() {
            return;
        }
        segment.asked_again += 1;
        if segment.asked_again > u32::from(retries) {
            let reason = "the two sides count on different borders: the source begins anew";
            return self.lose_route(session, self.fault_behind(session), reason, out);
        }
        for held in std::mem::take(&mut segment.held) {
            self.reserve(held, Informs::Later, out);
        }
    }

    /// A lacking KM can serve now: the source is told, through the segment before if there is one.
    pub(super) fn on_can_serve(&mut self, ask: Ask, km: NodeId, label: Label, out: &mut Outbox) {
        let Some(segment) = self.segments.get(&ask.request.session) else {
            return;
        };
        if let Some(source) = segment.place.source {
            out.explain(|| {
                let reason = "a KM that lacked key can serve, or the route is usable again";
                Decision::new(Choice::Resume, Subject::request(ask.request), reason).at(km)
            });
            let reply_to = self.me();
            let message = ControlMessage::CanServe {
                ask,
                km,
                reply_to,
                source: Some(source),
            };
            self.deliver(source, label, &message, out);
        }
        if let Some(peer) = segment.previous_controller() {
            let message = ControlMessage::CanServe {
                ask,
                km,
                reply_to: peer,
                source: None,
            };
            out.send(Address::controller(peer), label, message);
        }
    }

    /// One of higher priority lacks key that a KM has promised to this attempt. Before its start is given, that counts as
    /// the KM's refusal; afterwards its relay may be under way, and the promise holds.
    pub(super) fn on_recall(&mut self, ask: Ask, km: NodeId, label: Label, out: &mut Outbox) {
        if let Some(pending) = self.awaiting_answers(ask) {
            pending.refused.get_or_insert((FailureCause::InsufficientKey, km));
            return;
        }
        let segment = self.segments.get(&ask.request.session);
        // All have answered here; whether all of the session have, the segment before knows.
        if let Some(peer) = segment.and_then(Segment::previous_controller) {
            let recall = ControlMessage::Recall {
                ask,
                km,
                reply_to: peer,
            };
            out.send(Address::controller(peer), label, recall);
        }
    }

    /// Promises of a whole segment are given back; with `cancel`, the request is over.
    pub(super) fn on_release(&mut self, ask: Ask, cancel: bool, label: Label, out: &mut Outbox) {
        let request = ask.request;
        if cancel {
            let pending = self.pending.remove(&request);
            if let Some(pending) = pending {
                self.admission.give_back(&pending.charge);
            }
        }
        let Some(segment) = self.segments.get_mut(&request.session) else {
            return;
        };
        if cancel {
            segment.refused.remove(&request.number);
            segment.held.retain(|held| held.ask.request != request);
        }
        let next = segment.next_controller();
        let kms: Vec<NodeId> = self.segments[&request.session]
            .path
            .iter()
            .map(|&hop| self.hop(hop).from)
            .collect();
        for km in kms {
            let release = ControlMessage::Release {
                ask,
                km: Some(km),
                decider: self.me(),
                cancel,
            };
            self.deliver(km, label, &release, out);
        }
        if let Some(next) = next {
            let release = ControlMessage::Release {
                ask,
                km: None,
                decider: next,
                cancel,
            };
            out.send(Address::controller(next), label, release);
        }
    }

    /// The session is over, or its route was lost: KMs forget it, and so does the segment beyond the border. A segment
    /// that was established later stays.
    pub(super) fn on_session_close(
        &mut self,
        session: SessionId,
        generation: u32,
        label: Label,
        out: &mut Outbox,
    ) {
        let of_that_time = |segment: &mut Segment| segment.generation <= generation;
        let segment = match self.segments.get_mut(&session).map(of_that_time) {
            Some(false) => return,
            Some(true) => self.segments.remove(&session),
            None => None,
        };
        let mut kms = self.left.remove(&session).unwrap_or_default();
        let Some(segment) = segment else {
            // Its route was lost before.
            return self.close_at(kms, session, generation, label, out);
        };
        // Given back to its source by the segment before, or over.
        let state = if label.step == Step::RerouteCommand {
            SessionState::Failed
        } else {
            SessionState::Closed
        };
        self.session_state(session, state, label, out);
        self.free_leg_route(session, label, out);
        self.drop_pending(session, out);
        kms.extend(self.kms_of(&segment));
        self.close_at(kms, session, generation, label, out);
        if let Some(next) = segment.next_controller() {
            let close = ControlMessage::SessionClose {
                session,
                generation,
                decider: next,
                km: None,
            };
            out.send(Address::controller(next), label, close);
        }
    }

    /// The KMs that a segment is, or was, provisioned at.
    pub(super) fn kms_of(&self, segment: &Segment) -> BTreeSet<NodeId> {
        let on_path = segment.path.iter().map(|&hop| self.hop(hop).from);
        on_path.chain(segment.former.iter().copied()).collect()
    }

    /// KMs forget a session.
    fn close_at(
        &self,
        kms: BTreeSet<NodeId>,
        session: SessionId,
        generation: u32,
        label: Label,
        out: &mut Outbox,
    ) {
        for km in kms {
            let close = ControlMessage::SessionClose {
                session,
                generation,
                decider: self.me(),
                km: Some(km),
            };
            self.deliver(km, label, &close, out);
        }
    }
}
