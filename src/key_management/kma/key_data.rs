//! Key data of key transfers (P12 steps 8 and 9): what the two KMs at one site keep of a key that one hands to the other.
//!
//! KM-A keeps it until the acknowledgement, KM-B from the transfer on. Then both tell their controllers the metadata for its
//! life cycle, never key, and "delete or store the key data": A deletes; B stores, or deletes as well, as it is set.
//!
//! Assumption: what B stores it deletes when the KSAs have agreed through here on the key's supply (step 10), else when the
//! request is void.

use std::collections::{BTreeMap, BTreeSet};

use super::{KeyManager, Way};
use crate::architecture::hop::Handover;
use crate::architecture::message::{ControlMessage, KeyMaterial, RelayOutcome, Subject};
use crate::architecture::surroundings::TransferredKeys;
use crate::architecture::{Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::kernel::{Span, Time};

/// A KM's side of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Side {
    /// KM-A hands the key over.
    Sends,
    /// KM-B accepts it.
    Accepts,
}

/// A key that is kept.
#[derive(Clone, Debug)]
struct Kept {
    key: KeyMaterial,
    /// Its request is void after this.
    deadline: Time,
}

/// What a KM keeps of transferred keys.
#[derive(Clone, Debug)]
pub(super) struct KeyData {
    keys: BTreeMap<(RequestId, Side), Kept>,
    /// The same, by deadline.
    deadlines: BTreeSet<(Time, RequestId, Side)>,
    /// The next wake-up that is already set.
    armed: Time,
}

impl Default for KeyData {
    fn default() -> KeyData {
        KeyData {
            keys: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            armed: Time::NEVER,
        }
    }
}

impl KeyData {
    fn keep(&mut self, request: RequestId, side: Side, kept: Kept) {
        self.delete(request, side); // of an earlier attempt
        self.deadlines.insert((kept.deadline, request, side));
        self.keys.insert((request, side), kept);
    }

    fn keeps(&self, request: RequestId, side: Side) -> bool {
        self.keys.contains_key(&(request, side))
    }

    /// What there was to delete.
    fn delete(&mut self, request: RequestId, side: Side) -> Option<KeyMaterial> {
        let kept = self.keys.remove(&(request, side))?;
        self.deadlines.remove(&(kept.deadline, request, side));
        Some(kept.key)
    }

    /// What is kept of one request.
    #[cfg(test)]
    pub(super) fn get(&self, request: RequestId, side: Side) -> Option<&KeyMaterial> {
        self.keys.get(&(request, side)).map(|kept| &kept.key)
    }

    /// All key data are lost.
    pub(super) fn forget(&mut self) {
        self.keys.clear();
        self.deadlines.clear();
    }
}

impl KeyManager {
    /// A key is transferred from or to here.
    pub(super) fn keep_key_data(
        &mut self,
        request: RequestId,
        side: Side,
        (key, deadline): (KeyMaterial, Time),
        now: Time,
        out: &mut Outbox,
    ) {
        self.key_data.keep(request, side, Kept { key, deadline });
        self.arm_for_key_data(now, out);
    }

    /// A request may be answered up to its deadline itself.
    fn arm_for_key_data(&mut self, now: Time, out: &mut Outbox) {
        let Some(&(deadline, ..)) = self.key_data.deadlines.first() else {
            return;
        };
        let due = now.max(deadline + Span(1)); // what comes late is void at once
        if due < self.key_data.armed {
            self.key_data.armed = due;
            out.wake(due, Timer::KeyDataDeadline);
        }
    }

    /// What is kept for requests that are void is deleted.
    pub(super) fn on_key_data_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.key_data.armed > now {
            return;
        }
        self.key_data.armed = Time::NEVER;
        while let Some(&(_, request, side)) = self.key_data.deadlines.first().filter(|it| it.0 < now) {
            self.key_data.delete(request, side);
            let note = "the request is void: deletes its key data";
            note_key_data(request, Procedure::P12, Step::KeyDataEnd, note, out);
        }
        self.arm_for_key_data(now, out);
    }

    /// Step 9 at KM-A: the transfer is answered for, or given up.
    pub(super) fn transfer_sent(
        &mut self,
        request: RequestId,
        bits: u64,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        self.metadata(request, bits, procedure, out);
        if self.key_data.delete(request, Side::Sends).is_some() {
            let note = "deletes the transferred keys";
            note_key_data(request, procedure, Step::KeyData, note, out);
        }
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
        let policy = self.surroundings.parameters.transferred_keys;
        let stores = policy == TransferredKeys::Store && self.key_data.keeps(request, Side::Accepts);
        // What is for an application here is kept for it in any case.
        let stores = stores || self.held.contains_key(&request);
        let note = if stores && outcome == RelayOutcome::Relayed {
            "stores the transferred keys"
        } else if self.key_data.delete(request, Side::Accepts).is_some() {
            "deletes the transferred keys"
        } else {
            return; // an outage has lost it
        };
        note_key_data(request, procedure, Step::KeyData, note, out);
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
        let note = "voids the transferred keys";
        note_key_data(request, procedure, Step::KeyDataVoid, note, out);
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
            note_key_data(request, procedure, Step::KeyDataEnd, note, out);
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
}

fn note_key_data(request: RequestId, procedure: Procedure, step: Step, note: &'static str, out: &mut Outbox) {
    out.observe(Observation::Internal {
        label: Label::new(procedure, step),
        subject: Subject::request(request),
        note,
    });
}
