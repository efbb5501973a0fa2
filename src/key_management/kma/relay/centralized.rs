//! Centralized relay (Y.3803): the parts of a segment go to a central KM, which combines them and sends the sum on to the
//! segment's last KM. Where the last KM itself combines, that is destination relay.
//!
//! The sum of all parts is the key plus the key of the last hop: what that hop would have carried. So the last KM takes
//! it as an ordinary relay over that hop, and the central KM learns nothing of the key from it.

use super::super::{Context, KeyManager};
use crate::architecture::hop::Handover;
use crate::architecture::message::{KeyManagementMessage, KeyMaterial, OtpKeys, RelayPart};
use crate::architecture::{Address, Envelope, Label, Outbox};
use crate::ids::HopId;
use crate::kernel::Time;

/// The parts of one relay that have come so far.
#[derive(Clone, Debug)]
pub struct Combining {
    attempt: u32,
    deadline: Time,
    /// Whose part has come.
    came: Vec<bool>,
    sum: KeyMaterial,
    /// The last hop and its keys, as the last part names them.
    last: Option<(HopId, OtpKeys)>,
}

impl KeyManager {
    /// A part comes to the KM that combines.
    pub(in super::super) fn on_part(
        &mut self,
        part: RelayPart,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let RelayPart {
            order,
            formation,
            position,
            hop,
            key,
            otp,
        } = part;
        let request = order.ask.request;
        while let Some(past) = self.combining_expiry.next_past(cx.now) {
            let kept = self.combining.get(&past);
            if kept.is_some_and(|combining| combining.deadline < cx.now) {
                self.combining.remove(&past);
            }
        }
        let known = self.combining.get(&request).map(|combining| combining.attempt);
        if order.deadline < cx.now || known.is_some_and(|attempt| attempt > order.ask.attempt) {
            return;
        }
        if known != Some(order.ask.attempt) {
            let combining = Combining {
                attempt: order.ask.attempt,
                deadline: order.deadline,
                came: vec![false; formation.kms.len()],
                sum: KeyMaterial::nothing(&key),
                last: None,
            };
            self.combining.insert(request, combining);
            self.combining_expiry.add(request, order.deadline);
        }
        let combining = self.combining.get_mut(&request).expect("it is there now");
        let position = usize::from(position);
        if std::mem::replace(&mut combining.came[position], true) {
            return; // a duplicate
        }
        combining.sum = KeyMaterial::new(key.bits, combining.sum.material.take()).xor(key.material);
        if position + 1 == combining.came.len() {
            combining.last = Some((hop, otp));
        }
        if combining.came.contains(&false) {
            return;
        }
        let combining = self.combining.remove(&request).expect("it was just there");
        let (hop, otp) = combining.last.expect("all parts have come");
        let relay = KeyManagementMessage::KeyRelay {
            request,
            hop,
            handover: Handover::Relay,
            source: order.source,
            source_qkdn: order.source_qkdn,
            destination: order.destination,
            trail: order.trail,
            key: combining.sum,
            otp: Some(otp),
            deadline: order.deadline,
        };
        let (from, to) = (Address::kma(self.me()), Address::kma(formation.end));
        if to == from {
            let message = relay.into();
            let envelope = Envelope {
                from,
                to,
                label,
                message,
                tag: None,
            };
            self.on_relay(envelope, cx, out);
        } else {
            out.send(to, label, relay);
        }
    }
}
