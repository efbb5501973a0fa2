//! Information-theoretic authentication of Kx-1 and Kxi-1 (requirement S2): each message to a neighbouring KMA takes a tag's
//! key from the store that the sender allocates from towards it.
//!
//! Assumption: tags may take key below the store's floor. A message whose tag finds no key is not sent: its receiver
//! would refuse it; key that had been spent on it is void at both ends. KMAs without a link between them share no pool,
//! and authenticate computationally.

use super::{Context, KeyManager};
use crate::architecture::message::{KeyManagementMessage, Message, Tag};
use crate::architecture::{Address, ElementKind, Envelope, Label, Observation, Outbox, RequestId, Step};

/// The one-time-pad key that was spent on a message.
fn pad_of(envelope: Envelope) -> Option<(RequestId, Label, Tag)> {
    let request = envelope.message.subject().request_id();
    let (hop, keys) = match envelope.message {
        Message::KeyManagement(KeyManagementMessage::KeyRelay { hop, otp, .. }) => (hop, otp?),
        Message::KeyManagement(KeyManagementMessage::RelayPart(part)) => (part.hop, part.otp),
        _ => return None,
    };
    let label = envelope.label;
    Some((
        request.expect("relays are for requests"),
        label,
        Tag { hop, keys },
    ))
}

/// That keys are void authenticates computationally: it must pass where no key is left, and nobody gains by forging it.
fn needs_no_key(envelope: &Envelope) -> bool {
    matches!(
        envelope.message,
        Message::KeyManagement(KeyManagementMessage::KeysVoid { .. })
    )
}

impl KeyManager {
    /// Tags what is about to be sent, where tags spend key.
    #[inline]
    pub(super) fn authenticate(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        let bits = self.surroundings.parameters.authentication_tag;
        if bits > 0 {
            self.tag_all(bits, cx, out);
        }
    }

    fn tag_all(&mut self, bits: u64, cx: &mut Context<'_>, out: &mut Outbox) {
        let me = Address::kma(self.me());
        let outgoing = &self.surroundings.clone().outgoing;
        let hop_to = |envelope: &Envelope| {
            let neighbour = envelope.to.kind() == ElementKind::Kma && envelope.to != me;
            let mut hops = outgoing
                .iter()
                .filter(|hop| neighbour && hop.to == envelope.to.node());
            hops.find(|hop| hop.store().is_some()).map(|hop| hop.id)
        };
        let untagged = |envelope: &Envelope| {
            envelope.tag.is_none() && !needs_no_key(envelope) && hop_to(envelope).is_some()
        };
        while let Some(envelope) = out.find_sent(untagged) {
            let hop = hop_to(envelope).expect("it was just there");
            let lane = self.lane_of_hop(hop).expect("it has a store");
            let store = &mut self.lanes[lane].store;
            let id = store.settings.id;
            if let Some(keys) = store.draw(bits) {
                envelope.tag = Some(Box::new(Tag { hop, keys }));
                out.observe(Observation::Authenticated { store: id, bits });
            } else {
                let pad = out.take_back(untagged).and_then(pad_of);
                let tag = pad.as_ref().map(|(.., tag)| Box::new(tag.clone()));
                out.observe(Observation::Unsent { store: id, pad: tag });
                if let Some((request, label, Tag { hop, keys })) = pad {
                    let step = self.voiding(hop, label.step == Step::RelayNear);
                    self.void_keys(request, hop, keys, Label::new(label.procedure, step), out);
                }
            }
            self.after_change(lane, cx, out);
        }
    }

    /// Uses at this end the key of a tag that has come.
    pub(super) fn verify(&mut self, tag: &Tag, cx: &mut Context<'_>, out: &mut Outbox) {
        let store = self.incoming[&tag.hop].store.expect("tags take key from stores");
        self.follow(store, &tag.keys, cx, out);
    }
}
