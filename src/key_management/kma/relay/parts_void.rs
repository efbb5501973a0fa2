//! Parts of a relay that came to nothing (Y.3803's destination and centralized relay): the sender of a part does not see
//! whether the others sent theirs, so whether its key was used at the other end of the hop. What it has not heard of by
//! the request's deadline, or hears to have failed, is void at both ends; and so are keys that it has announced to the
//! next KM, which may have used them, but was not asked for itself in time.
//!
//! Assumption: the part's sender says so, over Kx-1, in a message that takes no key for a tag; nobody gains by forging it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Context, KeyManager};
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{FailureCause, KeyManagementMessage, OtpKeys, RelayOutcome};
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::HopId;
use crate::kernel::{Span, Time};

/// A part that was sent.
#[derive(Clone, Debug)]
struct SentPart {
    hop: HopId,
    keys: OtpKeys,
    deadline: Time,
    procedure: Procedure,
}

/// Parts that were sent, until it is known how their relays ended.
#[derive(Clone, Debug)]
pub struct SentParts {
    parts: BTreeMap<RequestId, SentPart>,
    /// The same, by deadline.
    deadlines: BTreeSet<(Time, RequestId)>,
    /// The next wake-up that is already set.
    armed: Time,
}

impl Default for SentParts {
    fn default() -> SentParts {
        SentParts {
            parts: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            armed: Time::NEVER,
        }
    }
}

impl SentParts {
    fn insert(&mut self, request: RequestId, part: SentPart) -> Option<SentPart> {
        let before = self.remove(request);
        self.deadlines.insert((part.deadline, request));
        self.parts.insert(request, part);
        before
    }

    fn remove(&mut self, request: RequestId) -> Option<SentPart> {
        let part = self.parts.remove(&request)?;
        self.deadlines.remove(&(part.deadline, request));
        Some(part)
    }

    /// Parts whose deadline is past, by request.
    fn take_past(&mut self, now: Time) -> BTreeMap<RequestId, SentPart> {
        let mut past = BTreeMap::new();
        while let Some(&(deadline, request)) = self.deadlines.first()
            && deadline < now
        {
            past.extend(self.remove(request).map(|part| (request, part)));
        }
        past
    }
}

impl KeyManager {
    /// A part has been sent over a hop with these keys.
    pub(super) fn keep_sent_part(
        &mut self,
        request: RequestId,
        (hop, keys): (HopId, OtpKeys),
        deadline: Time,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let part = SentPart {
            hop,
            keys,
            deadline,
            procedure,
        };
        if let Some(before) = self.sent_parts.insert(request, part) {
            self.say_void(request, &before, out);
        }
        self.arm_for_part(deadline, out);
    }

    /// How the relay of a part ended: well, so that all its keys were used, or not.
    pub(super) fn end_sent_part(&mut self, request: RequestId, well: bool, out: &mut Outbox) {
        let part = self.sent_parts.remove(request);
        if let (Some(part), false) = (part, well) {
            self.say_void(request, &part, out);
        }
    }

    /// Parts whose end nobody has told of by the deadline of their requests: those before are told that it failed.
    pub(in super::super) fn on_part_deadline(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        self.sent_parts.armed = Time::NEVER;
        // Announced promises may have lapsed.
        for lane in 0..self.lanes.len() {
            self.look(lane, cx, out);
            self.after_change(lane, cx, out);
        }
        for (request, part) in self.sent_parts.take_past(cx.now) {
            self.say_void(request, &part, out);
            if let Some(passing) = self.passing.remove(&request).filter(|passing| !passing.void) {
                let outcome = RelayOutcome::Failed(FailureCause::TimeOut, self.me());
                self.end_upstream(request, passing, outcome, cx, out);
            }
        }
        let sent = self.sent_parts.deadlines.first();
        let sent = sent.map(|&(deadline, _)| deadline).into_iter();
        let announced = self
            .lanes
            .iter()
            .filter_map(|lane| lane.store.next_announced_lapse());
        let next = sent.chain(announced).min();
        if let Some(next) = next {
            self.arm_for_part(next, out);
        }
    }

    /// The other end may use a part's keys up to the deadline itself.
    pub(super) fn arm_for_part(&mut self, deadline: Time, out: &mut Outbox) {
        let due = deadline + Span(1);
        if due < self.sent_parts.armed {
            self.sent_parts.armed = due;
            out.wake(due, Timer::PartDeadline);
        }
    }

    fn say_void(&self, request: RequestId, part: &SentPart, out: &mut Outbox) {
        let near = self.passing.get(&request).is_some_and(|passing| passing.near);
        let label = Label::new(part.procedure, self.voiding(part.hop, near));
        self.void_keys(request, part.hop, part.keys.clone(), label, out);
    }

    /// Keys that were announced to the other end were not needed in time: it may have used them, so they are spent.
    pub(in super::super) fn waste(
        &mut self,
        request: RequestId,
        hop: HopId,
        keys: OtpKeys,
        out: &mut Outbox,
    ) {
        let bits = keys.bits();
        out.observe(Observation::Spent { request, hop, bits });
        let label = self.session_label(request.session, Step::Reservation);
        self.void_keys(request, hop, keys, label, out);
    }

    /// Tells the other end of a hop that keys are void.
    pub(in super::super) fn void_keys(
        &self,
        request: RequestId,
        hop: HopId,
        keys: OtpKeys,
        label: Label,
        out: &mut Outbox,
    ) {
        let to = Address::kma(self.outgoing[&hop].neighbour);
        out.send(to, label, KeyManagementMessage::KeysVoid { request, hop, keys });
    }

    /// The step by which what went over a hop is made void; `near`: inside the source's QKDN, if inside one.
    pub(in super::super) fn voiding(&self, hop: HopId, near: bool) -> Step {
        match (self.outgoing[&hop].crosses_border, near) {
            (true, _) => Step::Voiding,
            (false, true) => Step::VoidingNear,
            (false, false) => Step::VoidingFar,
        }
    }

    /// The sending end has voided keys: they count as used here too, whether what they were for has come or not.
    pub(in super::super) fn on_keys_void(&mut self, hop: HopId, keys: &OtpKeys, cx: &mut Context<'_>) {
        let store = self.incoming[&hop]
            .store
            .expect("only hops that spend have keys to void");
        let copy = &mut self.follows[store];
        let id = copy.settings.id;
        copy.look(cx.now, cx.sources.source(id, StoreEnd::Receiving));
        copy.void(keys);
    }
}
