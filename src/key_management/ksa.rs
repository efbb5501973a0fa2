//! The key supply agent (KSA): keys of both ends are synchronised and authenticated (Kx-2, Kxi-2, Kx-2), then
//! supplied over Ak (functional element FE-2; P9 steps 8 and 9, P12 steps 10 and 11).
//!
//! The notification goes from the source through the border KSAs to the destination and back. The destination
//! supplies as it answers, the source when the answer has come; what the source could not supply in time is
//! one-sided and never used again.

use rustc_hash::FxHashMap;

use super::kma::{Context, KeyManager};
use crate::architecture::message::{KeyManagementMessage, KeyMaterial, ServiceMessage};
use crate::architecture::{Address, Label, Outbox, Procedure, RequestId, Step};
use crate::ids::{ApplicationId, NodeId};

/// What a KSA keeps beside its KMA.
#[derive(Clone, Debug, Default)]
pub struct Ksa {
    /// Whom an answer goes back to, and how much is supplied \[bits\], by request.
    back: FxHashMap<RequestId, (NodeId, u64)>,
}

impl KeyManager {
    /// The key is at the destination: the KSAs synchronise.
    pub(super) fn synchronise(&mut self, request: RequestId, procedure: Procedure, out: &mut Outbox) {
        let order = *self.sources.order(request).expect("the caller has it");
        let source = self.surroundings.node;
        let border = self.sources.border(request.session);
        let next = match (
            border,
            self.routes.get(&request.session).and_then(|route| route.entry),
        ) {
            (None, _) => order.destination,
            // The source is the border KM itself.
            (Some(border), Some(entry)) if border.near == source => entry,
            (Some(border), _) => border.near,
        };
        let notification = KeyManagementMessage::SupplyNotification {
            request,
            source,
            destination: order.destination,
            destination_qkdn: order.destination_qkdn,
            peer: order.peer,
            bits: order.bits,
        };
        let label = Label::new(procedure, Step::Synchronisation);
        out.send_as(self.my_ksa(), Address::ksa(next), label, notification);
    }

    /// A notification or an answer among KSAs.
    pub(super) fn on_supply(
        &mut self,
        message: &KeyManagementMessage,
        from: NodeId,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        match *message {
            KeyManagementMessage::SupplyNotification {
                request,
                source,
                destination,
                destination_qkdn,
                peer,
                bits,
            } => {
                if destination == self.surroundings.node {
                    let held = self.held.remove(&request).filter(|held| held.deadline >= cx.now);
                    let answer = KeyManagementMessage::SupplyResponse {
                        request,
                        source,
                        accepted: held.is_some(),
                    };
                    out.send_as(self.my_ksa(), Address::ksa(from), label, answer);
                    if let Some(held) = held {
                        self.supply(request, peer, held.bits, label.procedure, cx, out);
                    }
                    return;
                }
                let entry = self.routes.get(&request.session).and_then(|route| route.entry);
                let inside = destination_qkdn == self.surroundings.qkdn;
                let Some(next) = entry.or(inside.then_some(destination)) else {
                    // The session is over here, and with it the way across.
                    let answer = KeyManagementMessage::SupplyResponse {
                        request,
                        source,
                        accepted: false,
                    };
                    return out.send_as(self.my_ksa(), Address::ksa(from), label, answer);
                };
                self.ksa.back.insert(request, (from, bits));
                out.send_as(self.my_ksa(), Address::ksa(next), label, message.clone());
            }
            KeyManagementMessage::SupplyResponse {
                request,
                source,
                accepted,
            } => {
                if source == self.surroundings.node {
                    if accepted
                        && !self.is_late(request, cx.now)
                        && let Some(order) = self.ended_well(request, out)
                    {
                        self.supply(request, order.application, order.bits, label.procedure, cx, out);
                        self.account_crossing(request, order.bits, label.procedure, cx, out);
                    }
                } else if let Some((back, bits)) = self.ksa.back.remove(&request) {
                    out.send_as(self.my_ksa(), Address::ksa(back), label, message.clone());
                    if accepted {
                        self.account_crossing(request, bits, label.procedure, cx, out);
                    }
                }
            }
            _ => unreachable!("dispatched by type"),
        }
    }

    /// KM-A's usage record: key was handed across the border, and is supplied.
    fn account_crossing(
        &self,
        request: RequestId,
        bits: u64,
        procedure: Procedure,
        cx: &Context<'_>,
        out: &mut Outbox,
    ) {
        if self
            .routes
            .get(&request.session)
            .is_some_and(|route| route.entry.is_some())
        {
            self.account(request, None, bits, procedure, cx.now, out);
        }
    }

    fn supply(
        &mut self,
        request: RequestId,
        application: ApplicationId,
        bits: u64,
        procedure: Procedure,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let label = Label::new(procedure, Step::Supply);
        let supply = ServiceMessage::KeySupply {
            request,
            key: KeyMaterial { bits },
        };
        out.send_as(self.my_ksa(), Address::application(application), label, supply);
        self.account(request, Some(application), bits, procedure, cx.now, out);
    }
}
