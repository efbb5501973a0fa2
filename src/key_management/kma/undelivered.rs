//! What a KM does about a message that could not be delivered: ask again from step 0a, or void what it sent.
//!
//! A relay or transfer that was given up may have come all the same (analogue: ETSI GS QKD 020: any error but a
//! refusal may have left a key at the far side: retry, or void at both). The carrier has retried; so the key is void
//! at both sides: the neighbour marks its one-time-pad keys as used and drops what came of it, and the request fails.

use super::relay::Passing;
use super::{Context, KeyManager, Way};
use crate::architecture::hop::Handover;
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{
    Ask, ControlMessage, FailureCause, KeyManagementMessage, Message, OtpKeys, RelayOutcome,
};
use crate::architecture::{Address, Envelope, Label, Outbox, RequestId, Step};
use crate::ids::HopId;

impl KeyManager {
    /// The carrier has given up a message of this KM.
    pub fn on_undelivered(&mut self, envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let label = envelope.label;
        if let (Some(tag), Some(request)) = (&envelope.tag, envelope.message.subject().request_id()) {
            self.void_keys(request, tag.hop, tag.keys.clone(), label, out);
        }
        let ask = |request, attempt| Ask { request, attempt };
        match envelope.message {
            Message::KeyManagement(KeyManagementMessage::KeyRelay {
                request, hop, otp, ..
            }) if self.outgoing.contains_key(&hop) => {
                self.void_relay(request, hop, otp, label, cx, out);
            }
            // A sum of parts: this KM has combined them, and is not at the hop whose key it names.
            Message::KeyManagement(KeyManagementMessage::KeyRelay {
                request, hop, otp, ..
            }) => {
                let void = KeyManagementMessage::Void { request, hop, otp };
                let step = if label.step == Step::RelayNear {
                    Step::VoidingNear
                } else {
                    Step::VoidingFar
                };
                out.send(envelope.to, Label::new(label.procedure, step), void);
            }
            Message::KeyManagement(KeyManagementMessage::Requirement { order, attempt, .. })
            | Message::Control(
                ControlMessage::BorderQuery { order, attempt, .. }
                | ControlMessage::SegmentRequest { order, attempt, .. },
            ) => self.ask_again(ask(order.request, attempt), cx, out),
            Message::Control(ControlMessage::RouteRequest(order)) if order.source == self.me() => {
                self.ask_again(order.ask(), cx, out);
            }
            Message::Control(ControlMessage::RouteRequest(order)) => {
                let refusal = KeyManagementMessage::RequirementRefused { ask: order.ask() };
                let label = Label::new(label.procedure, Step::Requirement);
                out.send(Address::kma(order.source), label, refusal);
            }
            other => unreachable!("{} is never given up by a KM", other.name()),
        }
        self.pump_unblocked(cx, out);
        self.set_retries(cx, out);
    }

    /// A relay or transfer was given up.
    fn void_relay(
        &mut self,
        request: RequestId,
        hop: HopId,
        otp: Option<OtpKeys>,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        // Its completion has come, so it had arrived: only its acknowledgements were lost.
        let Some(&passing) = self.passing.get(&request) else {
            return;
        };
        self.send_void(request, (hop, passing.near), otp, label, out);
        if self.outgoing[&hop].handover == Handover::Transfer {
            // The other side answers that it is void there too.
            self.passing.insert(
                request,
                Passing {
                    void: true,
                    ..passing
                },
            );
        } else {
            self.passing.remove(&request);
        }
        if passing.void {
            return; // the KM before has told the source
        }
        // Messages that are lost do not say that nobody is there.
        let down = self.unheard.contains(&self.outgoing[&hop].neighbour);
        let cause = if down {
            FailureCause::ElementDown
        } else {
            FailureCause::TimeOut
        };
        self.alarm(request, hop, cause, cx, out);
        let outcome = RelayOutcome::Failed(cause, self.me());
        self.end_upstream(request, passing, outcome, cx, out);
    }

    fn send_void(
        &self,
        request: RequestId,
        (hop, near): (HopId, bool),
        otp: Option<OtpKeys>,
        label: Label,
        out: &mut Outbox,
    ) {
        let void = KeyManagementMessage::Void { request, hop, otp };
        let way = &self.outgoing[&hop];
        let procedure = if way.crosses_border {
            way.handover.procedure()
        } else {
            label.procedure
        };
        let label = Label::new(procedure, self.voiding(hop, near));
        out.send(Address::kma(way.neighbour), label, void);
    }

    /// The KM before has given up a relay or transfer: whatever came of it here is void, and so beyond.
    pub(super) fn on_void(
        &mut self,
        request: RequestId,
        hop: HopId,
        otp: Option<&OtpKeys>,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Way {
            neighbour,
            handover,
            store,
            ..
        } = self.incoming[&hop];
        if let (Some(store), Some(keys)) = (store, otp) {
            let copy = &mut self.follows[store];
            let id = copy.settings.id;
            copy.look(cx.now, cx.sources.source(id, StoreEnd::Receiving));
            copy.void(keys);
        }
        let bits = self.held.remove(&request).map(|held| held.key.bits);
        for lane in 0..self.lanes.len() {
            let store = &mut self.lanes[lane].store;
            let hop = store.settings.hop;
            if let Some(keys) = store.void_announced(request) {
                self.waste(request, hop, keys, out);
            }
        }
        let all = Ask {
            request,
            attempt: u32::MAX,
        };
        self.on_release(all, true, cx, out);
        let mut bits = bits.unwrap_or_default();
        if let Some(passing) = self.passing.get_mut(&request)
            && !passing.void
        {
            passing.void = true;
            bits = passing.bits;
            let onward = (passing.downstream, passing.near);
            self.send_void(request, onward, None, label, out);
        }
        if handover == Handover::Transfer {
            let outcome = RelayOutcome::Voided;
            let voided = KeyManagementMessage::Completion { request, outcome };
            let to = Address::kma(neighbour);
            out.send(to, Label::new(label.procedure, Step::CompletionCrossing), voided);
            self.transfer_void(request, bits, label.procedure, out);
        }
    }
}
