//! Having a segment promised: P9 steps 4, 4a and 4b, P12 steps 5 and 5a.
//!
//! Nothing is spent before every sending KM of every segment has confirmed. Where one refuses, the others' promises are
//! given back; the refusal itself waits at the lacking KM, which says when it can serve.

use super::controller::Controller;
use super::segment::{Held, Role, SegmentState};
use crate::architecture::message::{
    Ask, ControlMessage, FailureCause, Reservation, ReservationResult, Subject,
};
use crate::architecture::observation::{Choice, Decision};
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{Address, Label, Outbox, RequestId, Step};
use crate::ids::{NodeId, SessionId};
use crate::kernel::Time;

/// Answers that are awaited for a request.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// The attempt that the answers must belong to.
    attempt: u32,
    awaited: usize,
    refused: Option<(FailureCause, NodeId)>,
    confirmed: Vec<NodeId>,
    peer_confirmed: bool,
}

impl Controller {
    /// A further request on an installed segment: from the source (Origin) or from the segment before (Far).
    pub(super) fn on_segment_request(&mut self, ask: Ask, bits: u64, deadline: Time, out: &mut Outbox) {
        match self.segments.get_mut(&ask.request.session) {
            Some(segment) if matches!(segment.state, SegmentState::Rerouting { .. }) => {
                segment.held.push(Held { ask, bits, deadline });
                out.explain(|| {
                    let reason = "its session is being rerouted";
                    Decision::new(Choice::Wait, Subject::request(ask.request), reason)
                });
            }
            Some(_) => self.reserve(ask, bits, deadline, false, out),
            // The session was closed or its border lost. Where the message about it was lost too, the source begins
            // anew when this request times out.
            None => {}
        }
    }

    /// Asks every sending KM of the segment, and the next segment, for a promise.
    pub(super) fn reserve(&mut self, ask: Ask, bits: u64, deadline: Time, first: bool, out: &mut Outbox) {
        let request = ask.request;
        let segment = &self.segments[&request.session];
        let reserve = self.surroundings.parameters.reservation == ReservationScheme::Segment;
        let border_km = segment.entry.map(|_| segment.ends[1]);
        for &hop in &segment.path {
            let km = self.hop(hop).from;
            let crosses = self.hop(hop).crosses_border;
            let order = Reservation {
                ask,
                km,
                hop,
                bits,
                deadline,
                reply_to: self.me(),
                entry: segment.entry.filter(|_| crosses),
                procedure: segment.procedure,
                epoch: segment.epoch,
                reserve,
            };
            let informs_border = first && Some(km) == border_km;
            let step = if informs_border {
                Step::RouteInformation
            } else {
                Step::Reservation
            };
            self.deliver(
                km,
                Label::new(segment.procedure, step),
                &ControlMessage::Reserve(order),
                out,
            );
        }
        let mut awaited = segment.path.len();
        if let Some(next) = segment.next_controller() {
            let label = Label::new(segment.procedure, Step::Reservation);
            let message = ControlMessage::SegmentReserve { ask, bits, deadline };
            out.send(Address::controller(next), label, message);
            awaited += 1;
        }
        self.pending.insert(
            request,
            Pending {
                attempt: ask.attempt,
                awaited,
                ..Pending::default()
            },
        );
        self.when_all_have_answered(request, out);
    }

    /// A KM of the segment has answered.
    pub(super) fn on_reserve_answer(
        &mut self,
        ask: Ask,
        km: NodeId,
        result: ReservationResult,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.awaiting_answers(ask) else {
            if result == ReservationResult::Confirmed {
                self.give_back(ask, km, out);
            }
            return;
        };
        pending.awaited -= 1;
        match result {
            ReservationResult::Confirmed => pending.confirmed.push(km),
            ReservationResult::Refused(cause, at) => {
                pending.refused.get_or_insert((cause, at));
            }
        }
        self.when_all_have_answered(ask.request, out);
    }

    /// The segment beyond the border has answered.
    pub(super) fn on_segment_answer(&mut self, ask: Ask, result: ReservationResult, out: &mut Outbox) {
        let Some(pending) = self.awaiting_answers(ask) else {
            return;
        };
        pending.awaited -= 1;
        match result {
            ReservationResult::Confirmed => pending.peer_confirmed = true,
            ReservationResult::Refused(cause, at) => {
                pending.refused.get_or_insert((cause, at));
            }
        }
        self.when_all_have_answered(ask.request, out);
    }

    /// The session's route is gone: what has been promised for it is given back, answers to come are void.
    pub(super) fn drop_pending(&mut self, session: SessionId, out: &mut Outbox) {
        let mut asked: Vec<RequestId> = self.pending.keys().copied().collect();
        asked.retain(|request| request.session == session);
        asked.sort();
        for request in asked {
            let pending = self.pending.remove(&request).expect("it was just there");
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
    fn awaiting_answers(&mut self, ask: Ask) -> Option<&mut Pending> {
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
            .is_none_or(|pending| pending.awaited > 0)
        {
            return;
        }
        let pending = self.pending.remove(&request).expect("it was just there");
        let ask = Ask {
            request,
            attempt: pending.attempt,
        };
        let segment = self
            .segments
            .get_mut(&request.session)
            .expect("a lost route takes its pending reservations along");
        let result = match pending.refused {
            None => {
                segment.refused.remove(&request.number);
                ReservationResult::Confirmed
            }
            Some((cause, at)) => {
                segment.refused.insert(request.number, ask.attempt);
                ReservationResult::Refused(cause, at)
            }
        };
        let (role, next, procedure) = (segment.role, segment.next_controller(), segment.procedure);
        if pending.refused.is_some() {
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
        out.explain(|| {
            let subject = Subject::request(request);
            match result {
                ReservationResult::Confirmed => Decision::new(
                    Choice::Admit,
                    subject,
                    "all KMs that send have promised their key",
                ),
                ReservationResult::Refused(cause, at) => {
                    Decision::new(Choice::Refuse, subject, cause.name()).at(at)
                }
            }
        });
        let label = Label::new(procedure, Step::Start);
        match role {
            Role::Origin { source, .. } => {
                let start = ControlMessage::Start {
                    ask,
                    source,
                    decider: self.me(),
                    result,
                };
                self.deliver(source, label, &start, out);
            }
            Role::Far { peer } => {
                let answer = ControlMessage::SegmentAnswer { ask, result };
                out.send(Address::controller(peer), label, answer);
            }
        }
    }

    /// A lacking KM can serve now: the source is told, through the segment before if there is one.
    pub(super) fn on_can_serve(&mut self, ask: Ask, km: NodeId, label: Label, out: &mut Outbox) {
        let Some(segment) = self.segments.get(&ask.request.session) else {
            return;
        };
        match segment.role {
            Role::Origin { source, .. } => {
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
            Role::Far { peer } => {
                let message = ControlMessage::CanServe {
                    ask,
                    km,
                    reply_to: peer,
                    source: None,
                };
                out.send(Address::controller(peer), label, message);
            }
        }
    }

    /// Promises of a whole segment are given back; with `cancel`, the request is over.
    pub(super) fn on_release(&mut self, ask: Ask, cancel: bool, label: Label, out: &mut Outbox) {
        let request = ask.request;
        if cancel {
            self.pending.remove(&request);
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

    /// The session is over: KMs forget its route, and so does the segment beyond the border.
    pub(super) fn on_session_close(&mut self, session: SessionId, label: Label, out: &mut Outbox) {
        let Some(segment) = self.segments.remove(&session) else {
            return;
        };
        self.drop_pending(session, out);
        for &hop in &segment.path {
            let km = self.hop(hop).from;
            let close = ControlMessage::SessionClose {
                session,
                decider: self.me(),
                km: Some(km),
            };
            self.deliver(km, label, &close, out);
        }
        if let Some(next) = segment.next_controller() {
            let close = ControlMessage::SessionClose {
                session,
                decider: next,
                km: None,
            };
            out.send(Address::controller(next), label, close);
        }
    }
}
