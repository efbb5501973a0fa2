//! Key relay hop by hop (Y.3803) and key transfer: P9 steps 5a–7, P12 steps 5b–9.
//!
//! What a hop spends is its protection's business, how it answers its handover's; nothing here asks what kind of
//! border it crosses. Each node decrypts and encrypts anew, so delays add up. Inside a QKDN that relays in parts, a
//! segment's first KM leads the others ([`destination`]); the border hop and all answers stay as they are here.

pub mod centralized;
pub mod destination;
pub mod parts_void;

use super::key_data::Side;
use super::queue::{Waiter, WaitingFor};
use super::{Context, Grant, KeyManager, Way};
use crate::architecture::hop::Handover;
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{
    ControlMessage, FailureCause, KeyManagementMessage, KeyMaterial, ManagementMessage, Material, Message,
    OtpKeys, RelayOutcome, Supply, Trail, UsageRecord, UsageSegment,
};
use crate::architecture::policy::Terms;
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{Address, Envelope, Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::ids::{HopId, NodeId, QkdnId};
use crate::kernel::Time;
use crate::key_management::store::Disagreement;

/// A request that was relayed on from here.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    /// The hop that it came over; `None` at the source.
    pub(super) upstream: Option<HopId>,
    /// The source's QKDN is this KM's.
    pub(super) near: bool,
    /// Amount \[bits\].
    pub(super) bits: u64,
    /// The hop that it left over.
    pub(super) downstream: HopId,
    /// The procedure that it came by: answers go back by it.
    pub(super) procedure: Procedure,
    /// It was given up here or before: nobody before waits for its completion.
    pub(super) void: bool,
}

/// A key that arrived for an application of this KM.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// The key.
    pub key: KeyMaterial,
    /// Void after this.
    pub deadline: Time,
}

impl KeyManager {
    /// A key arrives over a hop.
    pub(super) fn on_relay(&mut self, mut envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            hop,
            source_qkdn,
            destination,
            ref mut key,
            ref otp,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("dispatched by type")
        };
        let procedure = envelope.label.procedure;
        let way = self.incoming[&hop];
        let bits = key.bits;
        if let (Some(store), Some(keys)) = (way.store, otp) {
            // A sum of parts that comes after the deadline: the sender of the last part may have voided its keys.
            if deadline < cx.now && envelope.from != Address::kma(way.neighbour) {
                self.on_keys_void(hop, keys, cx);
                return;
            }
            let pad = self.follow(store, keys, cx, out);
            *key = KeyMaterial::new(bits, key.material.take()).xor(pad);
        }
        if way.handover == Handover::Transfer {
            let accepted = KeyManagementMessage::TransferAccepted { request };
            out.send(envelope.from, Label::new(procedure, Step::Accepted), accepted);
        }
        if destination == self.me() {
            let key = KeyMaterial::new(bits, key.material.take());
            self.hold(request, HeldKey { key, deadline }, cx.now);
            out.observe(Observation::KeyHeld { request });
            let near = source_qkdn == self.surroundings.qkdn;
            self.complete_upstream(request, way, near, bits, RelayOutcome::Relayed, procedure, out);
        } else {
            if way.handover == Handover::Transfer {
                let key = key.clone();
                self.keep_key_data(request, Side::Accepts, (key, deadline), cx.now, out);
            }
            self.send_on(envelope, cx, out);
        }
    }

    /// Keeps a key until its application's KSA asks for it, and forgets those that nobody may ask for any more.
    fn hold(&mut self, request: RequestId, key: HeldKey, now: Time) {
        while let Some(past) = self.held_expiry.next_past(now) {
            if self.held.get(&past).is_some_and(|held| held.deadline < now) {
                self.held.remove(&past);
            }
        }
        if key.deadline >= now {
            self.held_expiry.add(request, key.deadline);
            self.held.insert(request, key);
        }
    }

    /// Uses at this end the keys that the sending end named; returns their bits where real bits flow.
    pub(super) fn follow(
        &mut self,
        store: usize,
        keys: &OtpKeys,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) -> Option<Box<Material>> {
        let copy = &mut self.follows[store];
        let id = copy.settings.id;
        copy.look(cx.now, cx.sources.source(id, StoreEnd::Receiving));
        if let Err(disagreement) = copy.follow(keys) {
            let what = match disagreement {
                Disagreement::NotGenerated => "a relay named key that had not come to the receiving end",
                Disagreement::UsedTwice => "a relay named key that was used before",
            };
            out.observe(Observation::Finding {
                what,
                store: Some(id),
            });
        }
        cx.sources.bits(id, StoreEnd::Receiving, keys)
    }

    /// Sends a key on over the hop that was promised, or over the session's route.
    pub(super) fn send_on(&mut self, envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            hop: arrived_over,
            source_qkdn,
            ref trail,
            ref key,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("only relays are sent on")
        };
        let bits = key.bits;
        let promised = if self.grants.is_empty() {
            None
        } else {
            self.grants.remove(&request)
        };
        let promised = match promised {
            Some(Grant {
                hop,
                attempt,
                formation: Some(formation),
                ..
            }) => return self.lead(envelope, hop, attempt, &formation, cx, out),
            other => other.map(|grant| grant.hop),
        };
        // What was promised is served on the terms on which it was promised.
        let next = match promised {
            Some(hop) => Some((hop, Terms::default())),
            None => self
                .routes
                .get(&request.session)
                .map(|route| (route.hop, route.terms)),
        };
        let Some((next, terms)) = next else {
            return self.fail_relay(&envelope, FailureCause::NoRoute, cx, out);
        };
        let way = self.outgoing[&next];
        // A key is never handed back to a QKDN that it came from (analogue: ETSI GS QKD 020).
        let back = |into: QkdnId| into == source_qkdn || trail.qkdns().contains(&into);
        if way.crosses_border && back(way.to_qkdn) {
            return self.fail_relay(&envelope, FailureCause::NoRoute, cx, out);
        }
        let Some(lane) = way.store else {
            return self.pass_on(envelope, arrived_over, (next, way), None, cx, out);
        };
        // Where all promise before any sends, a promise that was given back meanwhile leaves nothing to send over: key that
        // was not promised is not taken instead.
        if promised.is_none() && self.surroundings.parameters.reservation == ReservationScheme::Segment {
            return self.fail_relay(&envelope, FailureCause::TimeOut, cx, out);
        }
        self.look(lane, cx, out);
        if promised.is_some() {
            let Some(keys) = self.lanes[lane].store.spend_reserved(request) else {
                return self.fail_relay(&envelope, FailureCause::TimeOut, cx, out);
            };
            self.pass_on(envelope, arrived_over, (next, way), Some(keys), cx, out);
        } else if self.lanes[lane].may_serve(request, bits, terms) {
            let keys = self.lanes[lane].store.spend(bits);
            self.pass_on(envelope, arrived_over, (next, way), Some(keys), cx, out);
        } else if terms.fails_at_once {
            self.note_depletion(lane, request, terms, cx, out);
            self.end_relay(&envelope, FailureCause::InsufficientKey, cx, out);
        } else {
            out.observe(Observation::Waits {
                request,
                km: self.me(),
            });
            self.explain_lack(request, lane, key.bits, out);
            let waiting_for = WaitingFor::Relay(Box::new(envelope));
            self.lanes[lane].wait(Waiter {
                request,
                since: cx.now,
                bits,
                deadline,
                terms,
                waiting_for,
            });
            self.note_depletion(lane, request, terms, cx, out);
        }
        self.after_change(lane, cx, out);
    }

    /// A relay that waited for key goes on, over the hop whose key it waited for.
    pub(super) fn relay_on(
        &mut self,
        envelope: Envelope,
        next: HopId,
        keys: OtpKeys,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay { hop, .. }) = envelope.message else {
            unreachable!("only relays wait here")
        };
        let way = self.outgoing[&next];
        self.pass_on(envelope, hop, (next, way), Some(keys), cx, out);
    }

    fn pass_on(
        &mut self,
        envelope: Envelope,
        arrived_over: HopId,
        (next, way): (HopId, Way),
        keys: Option<OtpKeys>,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let procedure = envelope.label.procedure;
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            source,
            source_qkdn,
            destination,
            trail,
            key,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("only relays pass")
        };
        let near = source_qkdn == self.surroundings.qkdn;
        let upstream = (source != self.me()).then_some(arrived_over);
        if upstream.is_none() {
            out.observe(Observation::RelayStarted { request });
        }
        self.passing.insert(
            request,
            Passing {
                upstream,
                near,
                bits: key.bits,
                downstream: next,
                procedure,
                void: false,
            },
        );
        if way.handover == Handover::Transfer {
            let key = key.clone();
            self.keep_key_data(request, Side::Sends, (key, deadline), cx.now, out);
        }
        let bits = keys.as_ref().map_or(0, OtpKeys::bits);
        out.observe(Observation::Spent {
            request,
            hop: next,
            bits,
        });
        self.clear_alarm(request.session, next, cx, out);
        let (procedure, step) = match (way.crosses_border, near) {
            (true, _) => (way.handover.procedure(), Step::Crossing),
            (false, true) => (procedure, Step::RelayNear),
            (false, false) => (procedure, Step::RelayFar),
        };
        let trail = if way.crosses_border && !near {
            trail.leaving(self.surroundings.qkdn)
        } else {
            trail
        };
        let message = KeyManagementMessage::KeyRelay {
            request,
            hop: next,
            handover: way.handover,
            source,
            source_qkdn,
            destination,
            trail,
            key: match &keys {
                Some(keys) => key.xor(self.pad(way, keys, cx)),
                None => key,
            },
            otp: keys,
            deadline,
        };
        out.send(Address::kma(way.neighbour), Label::new(procedure, step), message);
    }

    /// The bits of keys of the hop's store at this, the sending end; `None` where keys are amounts.
    fn pad(&self, way: Way, keys: &OtpKeys, cx: &Context<'_>) -> Option<Box<Material>> {
        let store = self.lanes[way.store?].store.settings.id;
        cx.sources.bits(store, StoreEnd::Sending, keys)
    }

    /// A relay stops here: alarm to the manager, failure back to the source.
    pub(super) fn fail_relay(
        &mut self,
        envelope: &Envelope,
        cause: FailureCause,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay { request, hop, .. }) = envelope.message
        else {
            unreachable!("only relays fail")
        };
        let next = self.routes.get(&request.session).map_or(hop, |route| route.hop);
        self.alarm(request, next, cause, cx, out);
        self.end_relay(envelope, cause, cx, out);
    }

    /// A relay ends here, and nothing is wrong with the network: the KMs before are told.
    fn end_relay(
        &mut self,
        envelope: &Envelope,
        cause: FailureCause,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            hop,
            source,
            source_qkdn,
            ref key,
            ..
        }) = envelope.message
        else {
            unreachable!("only relays fail")
        };
        let procedure = envelope.label.procedure;
        let outcome = RelayOutcome::Failed(cause, self.me());
        if source == self.me() {
            self.on_relay_end(request, outcome, procedure, cx, out);
        } else {
            let near = source_qkdn == self.surroundings.qkdn;
            let way = self.incoming[&hop];
            self.complete_upstream(request, way, near, key.bits, outcome, procedure, out);
        }
    }

    /// Completion, or the acknowledgement of a transfer, goes back over the hop that the key came by.
    #[allow(clippy::too_many_arguments)] // the fields of one notification
    fn complete_upstream(
        &mut self,
        request: RequestId,
        way: Way,
        near: bool,
        bits: u64,
        outcome: RelayOutcome,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let step = match (way.crosses_border, near) {
            (true, _) => Step::CompletionCrossing,
            (false, true) => Step::CompletionNear,
            (false, false) => Step::CompletionFar,
        };
        let to = Address::kma(way.neighbour);
        let label = Label::new(procedure, step);
        out.send(to, label, KeyManagementMessage::Completion { request, outcome });
        self.transfer_acknowledged(request, way, bits, outcome, procedure, out);
    }

    /// A completion notification or acknowledgement comes back.
    pub(super) fn on_completion(
        &mut self,
        request: RequestId,
        outcome: RelayOutcome,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        self.end_sent_part(request, outcome == RelayOutcome::Relayed, out);
        let Some(passing) = self.passing.remove(&request) else {
            return;
        };
        if self.outgoing[&passing.downstream].handover == Handover::Transfer {
            self.transfer_sent(request, passing.bits, label.procedure, out);
        }
        if !passing.void {
            self.end_upstream(request, passing, outcome, cx, out);
        }
    }

    /// Tells the KM before, or the source here, how a relay ended.
    pub(super) fn end_upstream(
        &mut self,
        request: RequestId,
        passing: Passing,
        outcome: RelayOutcome,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Passing {
            upstream,
            near,
            bits,
            procedure,
            ..
        } = passing;
        match upstream {
            Some(hop) => {
                let way = self.incoming[&hop];
                self.complete_upstream(request, way, near, bits, outcome, procedure, out);
            }
            None => self.on_relay_end(request, outcome, procedure, cx, out),
        }
    }

    /// A usage record goes to the controller and the manager (P9 step 10).
    #[allow(clippy::too_many_arguments)] // the fields of one record
    pub(in crate::key_management) fn account(
        &self,
        request: RequestId,
        application: Option<crate::ids::ApplicationId>,
        partner: QkdnId,
        segment: UsageSegment,
        supply: Supply,
        procedure: Procedure,
        at: Time,
        out: &mut Outbox,
    ) {
        if !self.surroundings.parameters.usage_records {
            return;
        }
        let label = Label::new(procedure, Step::Usage);
        let from = if application.is_some() {
            self.my_ksa()
        } else {
            Address::kma(self.me())
        };
        out.send_as(
            from,
            self.controller(),
            label,
            ControlMessage::Usage {
                request,
                bits: supply.bits,
            },
        );
        let record = UsageRecord {
            request,
            km: self.me(),
            application,
            segment,
            partner,
            class: supply.class,
            for_own_user: supply.qkdns[0] == self.surroundings.qkdn,
            keys: supply.keys,
            bits: supply.bits,
            at,
        };
        out.send_as(
            from,
            Address::manager(self.surroundings.manager),
            label,
            ManagementMessage::Usage(record),
        );
    }

    /// The relay message with which a source KM starts.
    pub(super) fn first_relay(
        &self,
        request: RequestId,
        destination: NodeId,
        key: KeyMaterial,
        deadline: Time,
        procedure: Procedure,
    ) -> Envelope {
        let me = Address::kma(self.me());
        let message = KeyManagementMessage::KeyRelay {
            request,
            hop: HopId(u32::MAX), // it has come over none
            handover: Handover::Relay,
            source: self.me(),
            source_qkdn: self.surroundings.qkdn,
            destination,
            trail: Trail::default(),
            key,
            otp: None,
            deadline,
        };
        Envelope {
            from: me,
            to: me,
            label: Label::new(procedure, Step::RelayNear),
            message: message.into(),
            tag: None,
        }
    }
}
