//! Key data of key transfers (P12 steps 8 and 9): what the two KMs at one site keep of a key that one hands to the other.
//!
//! KM-A keeps it until the acknowledgement, KM-B from the transfer on. Then both tell their controllers the metadata for its
//! life cycle, never key, and "delete or store the key data": A deletes; B stores, or deletes as well, as it is set.
//!
//! Assumption: what B stores it deletes when the KSAs have agreed through here on the key's supply (step 10), and at the
//! latest when the request is void.

use rustc_hash::FxHashMap;

use super::expiry::Expiry;
use super::{KeyManager, Way};
use crate::architecture::hop::Handover;
use crate::architecture::message::{ControlMessage, KeyMaterial, RelayOutcome, Subject};
use crate::architecture::surroundings::TransferredKeys;
use crate::architecture::{Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::kernel::Time;

/// A KM's side of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Side {
    /// KM-A hands the key over.
    Sends,
    /// KM-B accepts it.
    Accepts,
}

/// What a KM keeps of transferred keys.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyData {
    keys: FxHashMap<(RequestId, Side), (KeyMaterial, Time)>,
    expiry: Expiry,
}

impl KeyData {
    /// A key is transferred; what nobody may ask for any more is forgotten.
    pub(super) fn keep(
        &mut self,
        request: RequestId,
        side: Side,
        key: KeyMaterial,
        deadline: Time,
        now: Time,
    ) {
        while let Some(past) = self.expiry.next_past(now) {
            for side in [Side::Sends, Side::Accepts] {
                let void = |&(_, deadline): &(KeyMaterial, Time)| deadline < now;
                if self.keys.get(&(past, side)).is_some_and(void) {
                    self.keys.remove(&(past, side));
                }
            }
        }
        self.expiry.add(request, deadline);
        self.keys.insert((request, side), (key, deadline));
    }

    fn delete(&mut self, request: RequestId, side: Side) -> Option<KeyMaterial> {
        self.keys.remove(&(request, side)).map(|(key, _)| key)
    }

    /// The key data of one request.
    #[cfg(test)]
    pub(super) fn get(&self, request: RequestId, side: Side) -> Option<&KeyMaterial> {
        self.keys.get(&(request, side)).map(|(key, _)| key)
    }

    /// All key data are lost.
    pub(super) fn forget(&mut self) {
        self.keys.clear();
    }
}

impl KeyManager {
    /// Step 9 at KM-A: the transfer is answered for, or given up.
    pub(super) fn transfer_sent(
        &mut self,
        request: RequestId,
        bits: u64,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        self.key_data.delete(request, Side::Sends);
        self.metadata(request, bits, procedure, out);
        Self::note_key_data(
            request,
            procedure,
            Step::KeyData,
            "deletes the transferred keys",
            out,
        );
    }

    /// Step 9 at KM-B, which has acknowledged the key.
    pub(super) fn transfer_acknowledged(
        &mut self,
        request: RequestId,
        way: Way,
        bits: u64,
        outcome: RelayOutcome,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        if way.handover != Handover::Transfer {
            return;
        }
        self.metadata(request, bits, procedure, out);
        // What is for an application here is kept for it in any case.
        let stores = self.held.contains_key(&request)
            || self.surroundings.parameters.transferred_keys == TransferredKeys::Store;
        let note = if stores && outcome == RelayOutcome::Relayed {
            "stores the transferred keys"
        } else {
            self.key_data.delete(request, Side::Accepts);
            "deletes the transferred keys"
        };
        Self::note_key_data(request, procedure, Step::KeyData, note, out);
    }

    /// The transfer was given up by KM-A.
    pub(super) fn transfer_void(
        &mut self,
        request: RequestId,
        bits: u64,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        self.key_data.delete(request, Side::Accepts);
        self.metadata(request, bits, procedure, out);
        Self::note_key_data(
            request,
            procedure,
            Step::KeyDataVoid,
            "voids the transferred keys",
            out,
        );
    }

    /// The KSAs have agreed on a request's supply, or have not: nobody needs the key here any more.
    pub(in crate::key_management) fn end_of_key_data(
        &mut self,
        request: RequestId,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        if self.key_data.delete(request, Side::Accepts).is_some() {
            let note = "deletes the stored keys";
            Self::note_key_data(request, procedure, Step::KeyDataEnd, note, out);
        }
    }

    fn metadata(&self, request: RequestId, bits: u64, procedure: Procedure, out: &mut Outbox) {
        let metadata = ControlMessage::Metadata {
            request,
            km: self.me(),
            bits,
        };
        out.send(self.controller(), Label::new(procedure, Step::Metadata), metadata);
    }

    fn note_key_data(
        request: RequestId,
        procedure: Procedure,
        step: Step,
        note: &'static str,
        out: &mut Outbox,
    ) {
        out.observe(Observation::Internal {
            label: Label::new(procedure, step),
            subject: Subject::request(request),
            note,
        });
    }
}
