//! Destination relay (Y.3803): each KM of a segment sends the sum of the keys of its two links straight to the segment's
//! last KM, which combines them (see [`super::centralized`] for the combining).
//!
//! The first KM sends the key plus its link's key; all sums together leave the key plus the last link's key, as if it
//! had come hop by hop. Nobody between the ends holds the key in clear. That it is the segment's first KM – the source,
//! or beyond a border KM-B – that has the others send is inferred, and so is that each sending KM tells the next one the
//! key ids as it promises them (over Kx-1), so that nobody waits for them later.

use super::super::{Context, Grant, KeyManager};
use super::Passing;
use crate::architecture::message::{
    Ask, FailureCause, Formation, KeyManagementMessage, KeyMaterial, Message, OtpKeys, PartOrder,
    RelayOutcome, RelayPart, Reservation,
};
use crate::architecture::{Address, Envelope, Label, Observation, Outbox, RequestId, Step};
use crate::ids::HopId;
use crate::kernel::Time;
use std::sync::Arc;

/// What a KM between the ends of a segment must hear before it can send its part, in either order.
#[derive(Clone, Debug)]
pub struct Part {
    attempt: u32,
    deadline: Time,
    /// The hop before, and its keys.
    upstream: Option<(HopId, OtpKeys)>,
    /// The first KM's request, whose it is, and under which label.
    request: Option<(PartOrder, Address, Label)>,
}

impl KeyManager {
    /// A promise in a segment that relays in parts: the next KM is told its key ids. The last KM reads them in the part.
    pub(in super::super) fn announce_keys(&mut self, order: &Reservation, lane: usize, out: &mut Outbox) {
        let Some(formation) = &order.formation else { return };
        let next = self.outgoing[&order.hop].neighbour;
        if next == formation.end {
            return;
        }
        let keys = self.lanes[lane].store.announce(order.ask.request);
        let message = KeyManagementMessage::KeyIds {
            ask: order.ask,
            hop: order.hop,
            keys: keys.expect("it was just promised").clone(),
            deadline: order.deadline,
        };
        let label = Label::new(order.procedure, Step::Reservation);
        out.send(Address::kma(next), label, message);
        self.arm_for_part(order.deadline, out);
    }

    /// The first KM of a segment has the key: it has the others send their parts, and sends its own.
    pub(super) fn lead(
        &mut self,
        envelope: Envelope,
        next: HopId,
        attempt: u32,
        formation: &Arc<Formation>,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let lane = self.lane_of_hop(next).expect("hops inside a QKDN are padded");
        self.look(lane, cx, out);
        let Message::KeyManagement(KeyManagementMessage::KeyRelay { request, .. }) = envelope.message else {
            unreachable!("only relays are led")
        };
        let Some(keys) = self.lanes[lane].store.spend_reserved(request) else {
            self.fail_relay(&envelope, FailureCause::TimeOut, cx, out);
            return self.after_change(lane, cx, out);
        };
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            hop: arrived_over,
            source,
            source_qkdn,
            destination,
            trail,
            key,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("it was one above")
        };
        let order = PartOrder {
            ask: Ask { request, attempt },
            source,
            source_qkdn,
            destination,
            trail,
            deadline,
        };
        let upstream = (source != self.me()).then_some(arrived_over);
        if upstream.is_none() {
            out.observe(Observation::RelayStarted { request });
        }
        let label = self.label_of_part(&order, envelope.label);
        for &km in &formation.kms[1..] {
            let request = KeyManagementMessage::PartRequest(order.clone());
            out.send(Address::kma(km), label, request);
        }
        self.send_part(order, formation, upstream, (next, keys), key, label, cx, out);
        self.after_change(lane, cx, out);
    }

    /// The KM before names the keys that it has promised.
    pub(in super::super) fn on_key_ids(
        &mut self,
        ask: Ask,
        upstream: (HopId, OtpKeys),
        deadline: Time,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        if let Some(part) = self.part(ask, deadline, cx.now) {
            part.upstream = Some(upstream);
            self.contribute(ask.request, cx, out);
        }
    }

    /// The segment's first KM asks for this KM's part.
    pub(in super::super) fn on_part_request(
        &mut self,
        order: PartOrder,
        from: Address,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        if let Some(part) = self.part(order.ask, order.deadline, cx.now) {
            let request = order.ask.request;
            part.request = Some((order, from, label));
            self.contribute(request, cx, out);
        }
    }

    /// What is known of an attempt's part; `None` if a later attempt is under way. Forgets what has timed out.
    fn part(&mut self, ask: Ask, deadline: Time, now: Time) -> Option<&mut Part> {
        while let Some(past) = self.parts_expiry.next_past(now) {
            if self.parts.get(&past).is_some_and(|part| part.deadline < now) {
                self.parts.remove(&past);
            }
        }
        let part = self.parts.entry(ask.request).or_insert_with(|| {
            self.parts_expiry.add(ask.request, deadline);
            Part {
                attempt: 0,
                deadline,
                upstream: None,
                request: None,
            }
        });
        if part.attempt > ask.attempt {
            return None;
        }
        if part.attempt < ask.attempt {
            if part.deadline < deadline {
                self.parts_expiry.add(ask.request, deadline);
            }
            *part = Part {
                attempt: ask.attempt,
                deadline,
                upstream: None,
                request: None,
            };
        }
        Some(part)
    }

    /// Sends this KM's part once it has been asked for and the keys before are known.
    fn contribute(&mut self, request: RequestId, cx: &mut Context<'_>, out: &mut Outbox) {
        let ready = |part: &Part| part.upstream.is_some() && part.request.is_some();
        if !self.parts.get(&request).is_some_and(ready) {
            return;
        }
        let Some(Part {
            attempt,
            upstream: Some((before, upstream)),
            request: Some((order, leader, label)),
            ..
        }) = self.parts.remove(&request)
        else {
            unreachable!("it is ready")
        };
        let granted = self
            .grants
            .get(&request)
            .is_some_and(|grant| grant.attempt == attempt);
        let promised = if granted {
            self.grants.remove(&request)
        } else {
            None
        };
        let Some(Grant {
            hop,
            formation: Some(formation),
            ..
        }) = promised
        else {
            return self.fail_part(request, before, leader, label, cx, out);
        };
        let lane = self.lane_of_hop(hop).expect("hops inside a QKDN are padded");
        self.look(lane, cx, out);
        match self.lanes[lane].store.spend_reserved(request) {
            Some(keys) => {
                let bits = keys.bits();
                let store = self.incoming[&before]
                    .store
                    .expect("hops inside a QKDN are padded");
                let key = KeyMaterial::new(bits, self.follow(store, &upstream, cx, out));
                self.send_part(order, &formation, Some(before), (hop, keys), key, label, cx, out);
            }
            None => self.fail_part(request, hop, leader, label, cx, out),
        }
        self.after_change(lane, cx, out);
    }

    #[allow(clippy::too_many_arguments)] // the fields of one part
    fn send_part(
        &mut self,
        order: PartOrder,
        formation: &Arc<Formation>,
        upstream: Option<HopId>,
        (hop, otp): (HopId, OtpKeys),
        key: KeyMaterial,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let request = order.ask.request;
        let near = order.source_qkdn == self.surroundings.qkdn;
        let passing = Passing {
            upstream,
            near,
            bits: key.bits,
            downstream: hop,
            procedure: label.procedure,
            void: false,
        };
        self.passing.insert(request, passing);
        let bits = otp.bits();
        out.observe(Observation::Spent { request, hop, bits });
        self.clear_alarm(request.session, hop, cx, out);
        self.keep_sent_part(request, (hop, otp.clone()), order.deadline, label.procedure, out);
        let me = self.me();
        let position = formation.kms.iter().position(|&km| km == me);
        let part = RelayPart {
            order,
            formation: Arc::clone(formation),
            position: position.expect("only its members send parts") as u16,
            hop,
            key: key.xor(self.pad(self.outgoing[&hop], &otp, cx)),
            otp,
        };
        let to = Address::kma(formation.combiner);
        out.send(to, label, KeyManagementMessage::RelayPart(Box::new(part)));
    }

    /// A promise has lapsed: the relay cannot come about. The first KM hears of it, what others spent is wasted.
    fn fail_part(
        &mut self,
        request: RequestId,
        hop: HopId,
        leader: Address,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let cause = FailureCause::TimeOut;
        self.alarm(request, hop, cause, cx, out);
        let outcome = RelayOutcome::Failed(cause, self.me());
        let step = match label.step {
            Step::RelayFar => Step::CompletionFar,
            _ => Step::CompletionNear,
        };
        let label = Label::new(label.procedure, step);
        out.send(
            leader,
            label,
            KeyManagementMessage::Completion { request, outcome },
        );
    }

    fn label_of_part(&self, order: &PartOrder, label: Label) -> Label {
        let step = if order.source_qkdn == self.surroundings.qkdn {
            Step::RelayNear
        } else {
            Step::RelayFar
        };
        Label::new(label.procedure, step)
    }
}
