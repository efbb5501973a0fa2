//! Keys between two other QKDNs: finding the way on through this one, and giving a session back when its way fails.
//!
//! A QKDN in transit is controller-B towards the one before it and controller-A towards the one after it; the controller
//! that was asked, at the border that keys come in by, decides on the whole segment. It passes on to no QKDN that the way
//! has passed, so that no session visits one twice.
//!
//! Assumption: where no border to the next QKDN is left that makes key, the controllers before are told; only the
//! session's first one acts on it, and only if it knows another way on which key is made: it gives the session back to its
//! source, which begins anew.

use super::controller::Controller;
use super::establishment::{Establishing, choice, note_computation};
use super::knowledge::HopState;
use super::segment::{Crossing, Place};
use crate::architecture::message::{ControlMessage, SegmentOrder, Subject};
use crate::architecture::observation::{Choice, Decision};
use crate::architecture::surroundings::Border;
use crate::architecture::{Address, Handover, Outbox, Procedure, Step};
use crate::ids::{BoundaryId, FaultId, HopId, NodeId, QkdnId, SessionId};
use crate::kernel::Time;

impl Controller {
    /// Step 3a, between two borders: the best way on over none of the `refused` borders, and the next QKDN is asked.
    pub(super) fn find_way_on(
        &mut self,
        order: SegmentOrder,
        before: Crossing,
        refused: Vec<BoundaryId>,
        out: &mut Outbox,
    ) {
        let (ask, request, from) = (order.ask, order.ask.request, before.border.far);
        let passed: Vec<QkdnId> = order.passed.iter().copied().chain([before.qkdn]).collect();
        let refused_by_policy = self.surroundings.policy.refuses_transit;
        let found = if refused_by_policy {
            None
        } else {
            let taken = order.leg.map(|leg| self.taken(leg)).unwrap_or_default();
            let shared = |border: &Border| taken.nodes.contains(&border.hop.from);
            self.view_apart(order.leg, Some(order.destination_qkdn), |view| {
                let ways = view.ways(from, order.destination_qkdn, &passed, order.bits);
                let left = ways.filter(|way| !refused.contains(&way.border.boundary));
                left.min_by_key(|way| (shared(way.border), way.rank))
                    .map(|way| (way.border.clone(), way.path))
            })
        };
        let Some((border, mut path)) = found else {
            if refused_by_policy {
                out.explain(|| {
                    let reason = "policy refuses keys that only pass through";
                    Decision::new(Choice::Refuse, Subject::request(request), reason)
                });
            } else {
                self.explain_route(request, ([from, from], order.bits), None, None, out);
            }
            return self.offer_nothing(ask, &before, refused_by_policy, out);
        };
        let ends = [from, border.hop.from];
        note_computation(border.procedure(), request, out);
        self.explain_route(request, (ends, order.bits), Some(border.hop.id), Some(&path), out);
        path.push(border.hop.id);
        let next = SegmentOrder {
            border: Some(choice(&border)),
            passed: passed.as_slice().into(),
            ..order.clone()
        };
        self.ask_for_offer(&border, next, out);
        let procedure = before.border.procedure;
        let asked = asked(procedure, &border, from, &path);
        let after = Crossing::new(choice(&border), border.far_qkdn, border.far_controller);
        let establishing = Establishing {
            place: Place {
                source: None,
                destination: order.destination_qkdn,
                before: Some(before),
                after: Some(after),
            },
            procedure,
            ends,
            usable_bits: self.known_to_be_usable(&path, &asked),
            awaits_offer: true,
            awaits_resources: self.ask_for_resources(ask, Procedure::P12, &asked, out),
            path,
            order,
            refused,
        };
        self.establishing.insert(request, establishing);
    }

    /// The next QKDN has no way: another one is looked for.
    pub(super) fn find_another_way_on(&mut self, found: Establishing, out: &mut Outbox) {
        let Establishing {
            order,
            place,
            mut refused,
            ..
        } = found;
        let before = place.before.expect("a segment in transit has a border before it");
        refused.extend(place.after.map(|after| after.border.boundary));
        self.find_way_on(order, before, refused, out);
    }

    /// No border is left at the end of a segment that could be agreed on: the session takes another way if there is
    /// one, else it keeps what it has.
    pub(super) fn keep_or_give_back(
        &mut self,
        session: SessionId,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) {
        let segment = &self.segments[&session];
        if segment.reverting && self.failed_hop(session).is_none() {
            return self.resume(session, Step::StandBy, now, out); // it need not go back
        }
        let first = segment.place.source.is_some();
        if first && (self.knows_another_way(session, false) || self.source_may_know_a_border(session)) {
            let reason = "no border here can be agreed on, and there is another way: the source begins anew";
            return self.lose_route(session, fault, reason, out);
        }
        // To a QKDN with one neighbour there is only one way.
        if self.has_several_neighbours() {
            self.tell_before(session, false, fault, out);
        }
        self.note_that_it_stays(session, fault, out);
        self.resume(session, Step::StandBy, now, out);
    }

    /// The controller of the segment before is told that the way from its border on makes no key, or is gone.
    pub(super) fn tell_before(
        &self,
        session: SessionId,
        lost: bool,
        fault: Option<FaultId>,
        out: &mut Outbox,
    ) {
        let Some(previous) = self.segments[&session].previous_controller() else {
            return;
        };
        let label = self.rerouting_label(session, Step::PathInformation);
        let message = ControlMessage::SegmentDegraded { session, lost, fault };
        out.send(Address::controller(previous), label, message);
    }

    /// Word of that from beyond the border.
    pub(super) fn on_segment_degraded(
        &mut self,
        session: SessionId,
        lost: bool,
        fault: Option<FaultId>,
        from: Address,
        out: &mut Outbox,
    ) {
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        if segment.next_controller().map(Address::controller) != Some(from) {
            return;
        }
        let first = segment.place.source.is_some();
        if lost || (first && self.knows_another_way(session, true)) {
            let reason = if lost {
                "the way beyond the border is lost: the source begins anew"
            } else {
                "beyond the border key is used up, and there is another way: the source begins anew"
            };
            self.lose_route(session, fault, reason, out);
        } else if !first {
            self.tell_before(session, lost, fault, out);
        } else {
            out.explain(|| {
                let reason = "beyond the border key is used up, and there is no other way that makes any";
                Decision::new(Choice::Reroute, Subject::session(session, fault), reason)
            });
        }
    }

    /// Whether the first segment of a session could leave by a way that makes key: not straight to the QKDN that it
    /// enters now, and over it at all only if that one may have found another way itself.
    fn knows_another_way(&self, session: SessionId, over_the_same: bool) -> bool {
        let segment = &self.segments[&session];
        let Some(after) = &segment.place.after else {
            return false;
        };
        let (from, to) = (segment.ends[0], segment.place.destination);
        self.view(|view| {
            view.ways(from, to, &[], segment.bits).any(|way| {
                let same = way.border.far_qkdn == after.qkdn;
                way.rank.state == HopState::Active && (!same || (over_the_same && way.offer.is_some()))
            })
        })
    }
}

/// Which KMs are asked for which hops in P12 step 3: KM-B of a transfer into the segment for its next hop, KM-A of a
/// transfer out of it for the hop that reaches it.
fn asked(enters: Procedure, leaves: &Border, from: NodeId, path: &[HopId]) -> Vec<(NodeId, HopId)> {
    let mut asked = Vec::new();
    if enters == Procedure::P12 {
        asked.push((from, path[0]));
    }
    let reaching = path[path.len().saturating_sub(2)];
    if leaves.hop.handover == Handover::Transfer && asked.iter().all(|&(_, hop)| hop != reaching) {
        asked.push((leaves.hop.from, reaching));
    }
    asked
}
