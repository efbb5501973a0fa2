//! What a controller does about a question that could not be delivered: the attempt that it belongs to goes on without
//! the one that could not be asked, or ends, and the source begins anew with step 0a.
//!
//! The question may have arrived all the same; so what it may have led to is given back. Where the answer has come, what
//! got lost was an acknowledgement, and nothing is given back: others may be using the key.

use super::controller::Controller;
use crate::architecture::message::{Ask, ControlMessage, FailureCause, ReservationResult};
use crate::architecture::{Address, Envelope, Label, Message, Outbox, Step};
use crate::ids::NodeId;

impl Controller {
    /// The carrier has given up a message of this controller.
    pub fn on_undelivered(&mut self, envelope: &Envelope, out: &mut Outbox) {
        let Message::Control(message) = &envelope.message else {
            unreachable!("controllers speak control messages only")
        };
        let label = envelope.label;
        let unreached = |at: NodeId| ReservationResult::Refused(FailureCause::ElementDown, at);
        match message {
            ControlMessage::SegmentQuery { order, .. } => {
                let source = self.awaiting(order.ask).map(|found| found.place.source);
                match source {
                    Some(Some(source)) => {
                        self.establishing.remove(&order.ask.request);
                        self.answer_source(order, source, label.procedure, FailureCause::ElementDown, out);
                    }
                    Some(None) => {
                        self.on_segment_offer(order.ask, Some(FailureCause::ElementDown), 0, out);
                    }
                    None => {}
                }
            }
            // Who cannot be asked counts as having none; its promise is asked for all the same.
            ControlMessage::ResourceQuery { ask, reply_to, .. } => {
                if *reply_to == self.me() {
                    return self.on_resource_answer(*ask, 0, out);
                }
                let answer = ControlMessage::ResourceAnswer {
                    ask: *ask,
                    usable_bits: 0,
                    reply_to: *reply_to,
                };
                out.send(Address::controller(*reply_to), label, answer);
            }
            ControlMessage::Reserve(order) => {
                if order.reply_to == self.me() {
                    return self.on_reserve_answer(order.ask, order.km, unreached(order.km), out);
                }
                let answer = ControlMessage::ReserveAnswer {
                    ask: order.ask,
                    km: order.km,
                    reply_to: order.reply_to,
                    result: unreached(order.km),
                };
                out.send(Address::controller(order.reply_to), label, answer);
            }
            ControlMessage::SegmentReserve { ask, .. } => {
                let waits = self
                    .awaiting_answers(*ask)
                    .is_some_and(|pending| pending.awaits_peer);
                if let (true, Some(segment)) = (waits, self.segments.get(&ask.request.session)) {
                    let border = segment.ends[1];
                    self.withdraw(*ask, None, label, out);
                    self.on_segment_answer(*ask, unreached(border), out);
                }
            }
            ControlMessage::SegmentRequest {
                order,
                attempt,
                source,
                decider,
            } => {
                let ask = Ask {
                    request: order.request,
                    attempt: *attempt,
                };
                self.refuse(ask, *source, *decider, label, out);
            }
            ControlMessage::StatusRequest { round } => self.on_status_unasked(envelope.to, *round, out),
            other => unreachable!("a controller never gives up {other:?}"),
        }
    }

    /// A further request cannot be carried by the session's route: the source is to begin anew.
    pub(super) fn refuse(
        &self,
        ask: Ask,
        source: NodeId,
        decider: crate::ids::ControllerId,
        label: Label,
        out: &mut Outbox,
    ) {
        let start = ControlMessage::Start {
            ask,
            source,
            decider,
            result: ReservationResult::Refused(FailureCause::ElementDown, source),
        };
        self.deliver(source, Label::new(label.procedure, Step::Start), &start, out);
    }

    /// Takes back what was asked of a KM, or of the whole next segment.
    pub(super) fn withdraw(&self, ask: Ask, km: Option<NodeId>, label: Label, out: &mut Outbox) {
        let next = self.segments.get(&ask.request.session);
        let next = next.and_then(super::segment::Segment::next_controller);
        let label = Label::new(label.procedure, Step::Reservation);
        let release = |decider| ControlMessage::Release {
            ask,
            km,
            decider,
            cancel: true,
        };
        match (km, next) {
            (Some(km), _) => self.deliver(km, label, &release(self.me()), out),
            (None, Some(next)) => out.send(Address::controller(next), label, release(next)),
            (None, None) => {}
        }
    }
}
