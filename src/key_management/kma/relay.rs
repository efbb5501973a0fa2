//! Key relay hop by hop (Y.3803) and key transfer: P9 steps 5a–7, P12 steps 5b–9.
//!
//! What a hop spends is its protection's business, how it answers its handover's; nothing here asks what kind of
//! border it crosses. Each node decrypts and encrypts anew, so delays add up.

use super::lane::{Waiter, WaitingFor};
use super::{Context, KeyManager, Way};
use crate::architecture::hop::Handover;
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{
    ControlMessage, FailureCause, KeyManagementMessage, KeyMaterial, ManagementMessage, Message, OtpKeys,
    RelayOutcome, Subject, UsageRecord,
};
use crate::architecture::{Address, Envelope, Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::ids::{HopId, NodeId};
use crate::kernel::Time;
use crate::key_management::store::Disagreement;

/// A request that was relayed on from here.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    /// The hop that it came over; `None` at the source.
    upstream: Option<HopId>,
    /// The source's QKDN is this KM's.
    near: bool,
    /// Amount \[bits\].
    bits: u64,
    /// The hop that it left over.
    downstream: HopId,
}

/// A key that arrived for an application of this KM.
#[derive(Clone, Copy, Debug)]
pub struct HeldKey {
    /// Amount \[bits\].
    pub bits: u64,
    /// Void after this.
    pub deadline: Time,
}

impl KeyManager {
    /// A key arrives over a hop.
    pub(super) fn on_relay(&mut self, envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            hop,
            source_qkdn,
            destination,
            key,
            ref otp,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("dispatched by type")
        };
        let procedure = envelope.label.procedure;
        let Way { handover, store, .. } = self.incoming[&hop];
        if let (Some(store), Some(keys)) = (store, otp) {
            self.follow(store, keys, cx, out);
        }
        if handover == Handover::Transfer {
            let accepted = KeyManagementMessage::TransferAccepted { request };
            out.send(envelope.from, Label::new(procedure, Step::Accepted), accepted);
        }
        if destination == self.me() {
            self.held.insert(
                request,
                HeldKey {
                    bits: key.bits,
                    deadline,
                },
            );
            out.observe(Observation::KeyHeld { request });
            let near = source_qkdn == self.surroundings.qkdn;
            self.complete_upstream(
                request,
                hop,
                near,
                key.bits,
                RelayOutcome::Relayed,
                procedure,
                out,
            );
        } else {
            self.send_on(envelope, cx, out);
        }
    }

    fn follow(&mut self, store: usize, keys: &OtpKeys, cx: &mut Context<'_>, out: &mut Outbox) {
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
    }

    /// Sends a key on over the hop that was promised, or over the session's route.
    pub(super) fn send_on(&mut self, mut envelope: Envelope, cx: &mut Context<'_>, out: &mut Outbox) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            ref mut hop,
            key,
            deadline,
            ..
        }) = envelope.message
        else {
            unreachable!("only relays are sent on")
        };
        let arrived_over = *hop;
        let promised = if self.grants.is_empty() {
            None
        } else {
            self.grants.remove(&request).map(|grant| grant.hop)
        };
        let Some(next) = promised.or_else(|| self.routes.get(&request.session).map(|route| route.hop)) else {
            return self.fail_relay(&envelope, FailureCause::NoRoute, cx, out);
        };
        let Some(lane) = self.lane_of_hop(next) else {
            return self.pass_on(&envelope, arrived_over, next, None, out);
        };
        self.look(lane, cx, out);
        if promised.is_some() {
            let Some(keys) = self.lanes[lane].spend_reserved(request) else {
                return self.fail_relay(&envelope, FailureCause::TimeOut, cx, out);
            };
            self.pass_on(&envelope, arrived_over, next, Some(keys), out);
        } else if self.lanes[lane].may_serve(request, key.bits) {
            let keys = self.lanes[lane].store.spend(key.bits);
            self.pass_on(&envelope, arrived_over, next, Some(keys), out);
        } else {
            out.observe(Observation::Waits {
                request,
                km: self.me(),
            });
            self.explain_lack(request, lane, key.bits, out);
            let waiting_for = WaitingFor::Relay(Box::new(envelope));
            self.lanes[lane].waiters.push_back(Waiter {
                request,
                bits: key.bits,
                deadline,
                waiting_for,
            });
            self.note_depletion(lane, cx);
        }
        self.after_change(lane, cx, out);
    }

    /// A relay that waited for key goes on, over the hop whose key it waited for.
    pub(super) fn relay_on(&mut self, envelope: &Envelope, next: HopId, keys: OtpKeys, out: &mut Outbox) {
        let Message::KeyManagement(KeyManagementMessage::KeyRelay { hop, .. }) = envelope.message else {
            unreachable!("only relays wait here")
        };
        self.pass_on(envelope, hop, next, Some(keys), out);
    }

    fn pass_on(
        &mut self,
        envelope: &Envelope,
        arrived_over: HopId,
        next: HopId,
        keys: Option<OtpKeys>,
        out: &mut Outbox,
    ) {
        let procedure = envelope.label.procedure;
        let Message::KeyManagement(KeyManagementMessage::KeyRelay {
            request,
            source,
            source_qkdn,
            destination,
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
            },
        );
        let way = self.outgoing[&next];
        let bits = keys.as_ref().map_or(0, OtpKeys::bits);
        out.observe(Observation::Spent {
            request,
            hop: next,
            bits,
        });
        let step = match (way.crosses_border, near) {
            (true, _) => Step::Crossing,
            (false, true) => Step::RelayNear,
            (false, false) => Step::RelayFar,
        };
        let message = KeyManagementMessage::KeyRelay {
            request,
            hop: next,
            source,
            source_qkdn,
            destination,
            key: KeyMaterial { bits: key.bits },
            otp: keys,
            deadline,
        };
        out.send(Address::kma(way.neighbour), Label::new(procedure, step), message);
    }

    /// A relay stops here: alarm to the manager, failure back to the source.
    pub(super) fn fail_relay(
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
            key,
            ..
        }) = envelope.message
        else {
            unreachable!("only relays fail")
        };
        let procedure = envelope.label.procedure;
        let alarm_under = if procedure == Procedure::P12 {
            Procedure::P14
        } else {
            Procedure::P11
        };
        let next = self.routes.get(&request.session).map_or(hop, |route| route.hop);
        let alarm = ManagementMessage::RelayFailure {
            request,
            hop: next,
            cause,
            at: cx.now,
        };
        let manager = Address::manager(self.surroundings.manager);
        out.send(manager, Label::new(alarm_under, Step::FailureAlarm), alarm);
        let outcome = RelayOutcome::Failed(cause, self.me());
        if source == self.me() {
            self.on_relay_end(request, outcome, procedure, cx, out);
        } else {
            let near = source_qkdn == self.surroundings.qkdn;
            self.complete_upstream(request, hop, near, key.bits, outcome, procedure, out);
        }
    }

    /// Completion, or the acknowledgement of a transfer, goes back over the hop that the key came by.
    #[allow(clippy::too_many_arguments)] // the fields of one notification
    fn complete_upstream(
        &mut self,
        request: RequestId,
        hop: HopId,
        near: bool,
        bits: u64,
        outcome: RelayOutcome,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let way = self.incoming[&hop];
        let step = match (way.crosses_border, near) {
            (true, _) => Step::CompletionCrossing,
            (false, true) => Step::CompletionNear,
            (false, false) => Step::CompletionFar,
        };
        let (to, handover) = (Address::kma(way.neighbour), way.handover);
        let label = Label::new(procedure, step);
        out.send(to, label, KeyManagementMessage::Completion { request, outcome });
        if handover == Handover::Transfer {
            self.end_of_transfer(request, bits, procedure, "stores the transferred keys", out);
        }
    }

    /// P12 steps 8 and 9, at either side of a transfer.
    fn end_of_transfer(
        &self,
        request: RequestId,
        bits: u64,
        procedure: Procedure,
        note: &'static str,
        out: &mut Outbox,
    ) {
        let metadata = ControlMessage::Metadata {
            request,
            km: self.me(),
            bits,
        };
        out.send(self.controller(), Label::new(procedure, Step::Metadata), metadata);
        out.observe(Observation::Internal {
            label: Label::new(procedure, Step::KeyData),
            subject: Subject::request(request),
            note,
        });
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
        let Some(passing) = self.passing.remove(&request) else {
            return;
        };
        let handover = self.outgoing[&passing.downstream].handover;
        if handover == Handover::Transfer {
            let note = "deletes the transferred keys";
            self.end_of_transfer(request, passing.bits, label.procedure, note, out);
        }
        match passing.upstream {
            Some(hop) => {
                self.complete_upstream(
                    request,
                    hop,
                    passing.near,
                    passing.bits,
                    outcome,
                    label.procedure,
                    out,
                );
            }
            None => self.on_relay_end(request, outcome, label.procedure, cx, out),
        }
    }

    /// A usage record goes to the controller and the manager (P9 step 10).
    pub(in crate::key_management) fn account(
        &self,
        request: RequestId,
        application: Option<crate::ids::ApplicationId>,
        bits: u64,
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
            ControlMessage::Usage { request, bits },
        );
        let record = UsageRecord {
            request,
            km: self.me(),
            application,
            bits,
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
        bits: u64,
        deadline: Time,
        procedure: Procedure,
    ) -> Envelope {
        let me = Address::kma(self.me());
        let message = KeyManagementMessage::KeyRelay {
            request,
            hop: HopId(u32::MAX), // it has come over none
            source: self.me(),
            source_qkdn: self.surroundings.qkdn,
            destination,
            key: KeyMaterial { bits },
            otp: None,
            deadline,
        };
        Envelope {
            from: me,
            to: me,
            label: Label::new(procedure, Step::RelayNear),
            message: message.into(),
        }
    }
}
