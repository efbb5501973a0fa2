//! Finding a session's route: P9 and P12 steps 0a–4.
//!
//! Each QKDN routes by itself (requirement A5): controller-A finds the part up to the border, controller-B offers the
//! part beyond; neither sees the other's topology. Where keys only pass through a QKDN, [`transit`](super::transit) asks
//! the next one before it answers.

use super::controller::Controller;
use super::reachability::Rank;
use super::reservation::Informs;
use super::segment::{Crossing, Held, Place, Segment};
use crate::architecture::hop::Handover;
use crate::architecture::message::{
    Ask, AvoidedBorders, BorderChoice, ControlMessage, FailureCause, KeyRequest, RelayOrder,
    ReservationResult, SegmentOrder, Subject,
};
use crate::architecture::observation::{Choice, Decision, SessionState};
use crate::architecture::surroundings::Border;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::ids::{BoundaryId, ControllerId, HopId, NodeId, QkdnId};

/// A route that is being found.
#[derive(Clone, Debug)]
pub struct Establishing {
    pub(super) order: SegmentOrder,
    pub(super) place: Place,
    pub(super) procedure: Procedure,
    pub(super) ends: [NodeId; 2],
    pub(super) path: Vec<HopId>,
    /// Whether the next segment's offer is still awaited.
    pub(super) awaits_offer: bool,
    /// Border KMs whose answers are still awaited (P12 step 3).
    pub(super) awaits_resources: usize,
    /// Least usable key that was reported or is known \[bits\].
    pub(super) usable_bits: u64,
    /// Borders beyond which there was no way.
    pub(super) refused: Vec<BoundaryId>,
}

impl Controller {
    /// Step 0a: which border serves the destination's QKDN from here. One whose hop makes key before one that only has
    /// some left, then the nearest by QKDNs and by hops; never one that is OFF, or beyond which there was no way just now,
    /// and one that another leg has taken only if there is no other.
    pub(super) fn on_border_query(
        &mut self,
        order: &KeyRequest,
        attempt: u32,
        avoided: &AvoidedBorders,
        km: NodeId,
        label: Label,
        out: &mut Outbox,
    ) {
        let to = order.destination_qkdn;
        let best = self.view_apart(order.leg, Some(to), |view| {
            let ways = view.ways(km, to, &[], order.bits);
            let ways = ways.filter(|way| !avoided.refused.contains(&way.border.boundary));
            let shared = |border: &Border| Self::shared_with(&choice(border), &avoided.taken);
            let best = ways.min_by_key(|way| (shared(way.border), way.rank));
            best.map(|way| way.border.boundary)
        });
        let mut borders = self.surroundings.borders.iter();
        let best = borders.find(|border| Some(border.boundary) == best);
        out.explain(|| {
            let leads = |border: &&Border| self.view(|view| view.leads(border, to, &[]).is_some());
            let straight = |border: &Border| border.far_qkdn == to;
            let borders: Vec<&Border> = self.surroundings.borders.iter().filter(leads).collect();
            let reason = match best {
                Some(_) if borders.iter().all(|border| straight(border)) => {
                    "the border whose hop makes key, then the nearest by hops, then the first in the file"
                }
                Some(_) => {
                    "the way that makes key, then of the lowest cost class, then through the fewest QKDNs"
                }
                None if avoided.refused.is_empty() => "no border can be reached",
                None => "beyond all borders that can be reached there is no way",
            };
            Decision::new(Choice::Border, Subject::request(order.request), reason)
                .among(self.border_candidates(km, borders.into_iter(), best))
        });
        let border = best.map(choice);
        if border.is_none() {
            self.session_state(order.request.session, SessionState::Failed, label, out);
        }
        let procedure = border.map_or(label.procedure, |border| border.procedure);
        let ask = Ask {
            request: order.request,
            attempt,
        };
        let answer = ControlMessage::BorderAnswer { ask, border };
        out.send(
            Address::kma(km),
            Label::new(procedure, Step::BorderChoice),
            answer,
        );
    }

    /// Steps 2 and 3: compute this QKDN's part, ask for the other's.
    pub(super) fn on_route_request(&mut self, mut order: RelayOrder, km: NodeId, out: &mut Outbox) {
        let request = order.order.request;
        if self.is_overtaken(order.ask()) {
            return;
        }
        let local = order.order.destination_qkdn == self.surroundings.domain.qkdn;
        let border = if local {
            None
        } else {
            self.border_at(km, &order.order).cloned()
        };
        let procedure = border.as_ref().map_or(Procedure::Local, Border::procedure);
        let label = Label::new(procedure, Step::Computation);
        self.session_state(request.session, SessionState::Open, label, out);
        note_computation(procedure, request, out);

        let to = border
            .as_ref()
            .map_or(order.order.destination, |border| border.hop.from);
        let (bits, leg) = (order.order.bits, order.order.leg);
        let beyond = border.as_ref().map(|_| order.order.destination_qkdn);
        let path = self.route_apart(leg, beyond, [order.source, to], bits);
        let border_hop = border.as_ref().map(|border| border.hop.id);
        self.explain_route(
            request,
            ([order.source, to], bits),
            border_hop,
            path.as_deref(),
            out,
        );
        let (Some(mut path), true) = (path, local || border.is_some()) else {
            return self.answer_source(
                &order.segment(),
                order.source,
                procedure,
                FailureCause::NoRoute,
                out,
            );
        };
        path.extend(border_hop);
        order.border = border.as_ref().map(choice);
        let after = border
            .as_ref()
            .map(|border| Crossing::new(choice(border), border.far_qkdn, border.far_controller));
        // KM-A answers for the hop that reaches it; at the source itself, for the hop across.
        let asked = border
            .as_ref()
            .filter(|border| border.hop.handover == Handover::Transfer)
            .map(|_| (km, path[path.len().saturating_sub(2)]));
        if let Some(border) = &border {
            self.ask_for_offer(border, order.segment(), out);
        }
        let establishing = Establishing {
            place: Place {
                source: Some(order.source),
                destination: order.order.destination_qkdn,
                before: None,
                after,
            },
            procedure,
            ends: [order.source, to],
            usable_bits: self.known_to_be_usable(&path, asked.as_slice()),
            awaits_offer: border.is_some(),
            awaits_resources: self.ask_for_resources(order.ask(), procedure, asked.as_slice(), out),
            path,
            order: order.segment(),
            refused: Vec::new(),
        };
        self.establishing.insert(request, establishing);
        self.when_all_is_known(request, out);
    }

    /// Step 3a (P12 step 3): the controller beyond a border is asked for the rest of the way.
    pub(super) fn ask_for_offer(&self, border: &Border, order: SegmentOrder, out: &mut Outbox) {
        let label = Label::new(border.procedure(), Step::SegmentOffer);
        let query = ControlMessage::SegmentQuery {
            order,
            reply_to: self.me(),
        };
        out.send(Address::controller(border.far_controller), label, query);
    }

    /// P12 step 3: KMs are asked what they have for a hop; how many.
    pub(super) fn ask_for_resources(
        &self,
        ask: Ask,
        procedure: Procedure,
        asked: &[(NodeId, HopId)],
        out: &mut Outbox,
    ) -> usize {
        let label = Label::new(procedure, Step::Computation);
        for &(km, hop) in asked {
            let reply_to = self.me();
            let query = ControlMessage::ResourceQuery {
                ask,
                hop,
                km,
                reply_to,
            };
            self.deliver(km, label, &query, out);
        }
        asked.len()
    }

    /// The border at a border KM, to the destination's QKDN: the best by what is offered there.
    fn border_at(&self, km: NodeId, order: &KeyRequest) -> Option<&Border> {
        let to = order.destination_qkdn;
        let rank = |border: &&Border| {
            let offer = self.view(|view| view.leads(border, to, &[]).map(Option::<&_>::cloned))?;
            let own = self.knowledge.state(&border.hop, &self.surroundings.domain);
            Some(Rank::new(own, 0, border.boundary, offer.as_ref()))
        };
        let here = self
            .surroundings
            .borders
            .iter()
            .filter(|border| border.hop.from == km);
        here.filter_map(|border| Some((rank(&border)?, border)))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, border)| border)
    }

    /// Least usable key of a path as far as is known; `asked`: hops whose KMs will say exactly.
    pub(super) fn known_to_be_usable(&self, path: &[HopId], asked: &[(NodeId, HopId)]) -> u64 {
        let (domain, classes) = (
            &self.surroundings.domain,
            self.surroundings.parameters.level_classes,
        );
        let usable = path
            .iter()
            .filter(|&&hop| !asked.iter().any(|&(_, exactly)| exactly == hop))
            .map(|&hop| {
                let hop = self.hop(hop);
                if self.hears_amounts_of(hop) {
                    self.knowledge.usable_bits(hop, domain, classes)
                } else {
                    0
                }
            });
        usable.min().unwrap_or(u64::MAX)
    }

    /// Step 3a (P12 step 3), at controller-B: can this QKDN take the key from the border to its destination?
    pub(super) fn on_segment_query(
        &mut self,
        order: SegmentOrder,
        reply_to: ControllerId,
        label: Label,
        out: &mut Outbox,
    ) {
        let request = order.ask.request;
        let border = order.border.expect("a query crosses a border");
        let Some(from) = self.qkdn_across(border) else {
            return;
        };
        if self.is_overtaken(order.ask) {
            return;
        }
        let before = Crossing::new(border, from, reply_to);
        let computes = Label::new(label.procedure, Step::Computation);
        self.session_state(request.session, SessionState::Open, computes, out);
        if order.destination_qkdn != self.surroundings.domain.qkdn {
            return self.find_way_on(order, before, Vec::new(), out);
        }
        let ends = [border.far, order.destination];
        let path = self.route_apart(order.leg, None, ends, order.bits);
        self.explain_route(request, (ends, order.bits), None, path.as_deref(), out);
        let Some(path) = path else {
            return self.offer_nothing(order.ask, &before, false, out);
        };
        let next = path.first().filter(|_| label.procedure == Procedure::P12);
        let asked = next.map(|&hop| (border.far, hop));
        let establishing = Establishing {
            place: Place {
                source: None,
                destination: order.destination_qkdn,
                before: Some(before),
                after: None,
            },
            procedure: label.procedure,
            ends,
            usable_bits: self.known_to_be_usable(&path, asked.as_slice()),
            awaits_offer: false,
            awaits_resources: self.ask_for_resources(order.ask, label.procedure, asked.as_slice(), out),
            path,
            order,
            refused: Vec::new(),
        };
        self.establishing.insert(request, establishing);
        self.when_all_is_known(request, out);
    }

    /// There is no way from a border.
    pub(super) fn offer_nothing(
        &mut self,
        ask: Ask,
        before: &Crossing,
        refused_by_policy: bool,
        out: &mut Outbox,
    ) {
        let label = Label::new(before.border.procedure, Step::SegmentOffer);
        self.session_state(ask.request.session, SessionState::Failed, label, out);
        let offer = ControlMessage::SegmentOffer {
            ask,
            reachable: false,
            usable_bits: 0,
            refused_by_policy,
        };
        out.send(Address::controller(before.controller), label, offer);
    }

    /// Step 3a at controller-A: what the other QKDN offers.
    pub(super) fn on_segment_offer(
        &mut self,
        ask: Ask,
        refused: Option<FailureCause>,
        usable_bits: u64,
        out: &mut Outbox,
    ) {
        let Some(establishing) = self.awaiting(ask) else {
            return;
        };
        if let Some(cause) = refused {
            let found = self.establishing.remove(&ask.request).expect("it was just there");
            return match found.place.source {
                Some(source) => self.answer_source(&found.order, source, found.procedure, cause, out),
                None => self.find_another_way_on(found, out),
            };
        }
        establishing.awaits_offer = false;
        establishing.usable_bits = establishing.usable_bits.min(usable_bits);
        self.when_all_is_known(ask.request, out);
    }

    /// P12 step 3: a border KM says what it has.
    pub(super) fn on_resource_answer(&mut self, ask: Ask, usable_bits: u64, out: &mut Outbox) {
        let Some(establishing) = self.awaiting(ask) else {
            return;
        };
        establishing.awaits_resources = establishing.awaits_resources.saturating_sub(1);
        establishing.usable_bits = establishing.usable_bits.min(usable_bits);
        self.when_all_is_known(ask.request, out);
    }

    /// Whether a later attempt of the session has been heard of: what an earlier one asks is late, and nobody awaits it.
    fn is_overtaken(&self, ask: Ask) -> bool {
        let segment = self.segments.get(&ask.request.session);
        let establishing = self.establishing.get(&ask.request);
        segment.is_some_and(|segment| segment.generation > ask.attempt)
            || establishing.is_some_and(|found| found.order.ask.attempt > ask.attempt)
    }

    /// The route that is being found for this attempt.
    pub(super) fn awaiting(&mut self, ask: Ask) -> Option<&mut Establishing> {
        let found = self.establishing.get_mut(&ask.request);
        found.filter(|establishing| establishing.order.ask == ask)
    }

    pub(super) fn when_all_is_known(&mut self, request: RequestId, out: &mut Outbox) {
        let known = self
            .establishing
            .get(&request)
            .is_some_and(|it| !it.awaits_offer && it.awaits_resources == 0);
        if !known {
            return;
        }
        let found = self.establishing.remove(&request).expect("it was just there");
        let (ask, order, usable_bits) = (found.order.ask, found.order, found.usable_bits);
        if self.is_overtaken(ask) {
            return;
        }
        let session = request.session;
        let mut segment = Segment::new(
            found.place,
            found.ends,
            found.path,
            found.procedure,
            order.class,
            ask.attempt,
        );
        segment.bits = order.bits;
        segment.leg = order.leg;
        let leaves = segment.place.after.as_ref().map(|after| after.border.procedure);
        let previous = segment.previous_controller();
        // What it was provisioned at before, it has left.
        segment.former = self.left.remove(&session).unwrap_or_default();
        if let Some(before) = self.segments.get(&session) {
            segment.former.extend(self.kms_of(before));
        }
        let enough = leaves != Some(Procedure::P12) || usable_bits >= order.bits;
        segment.informs = previous.is_some();
        self.segments.insert(session, segment);
        self.tell_leg_route(session, out);
        self.record_route(session, out);
        let fails = self.surroundings.policy.fails_at_once(order.class);
        if leaves == Some(Procedure::P12) {
            let note = if enough {
                "sufficient keys: determines the transfer link and the keys"
            } else if fails {
                "insufficient keys: the request fails"
            } else {
                "insufficient keys: the request waits where they lack"
            };
            let step = if enough { Step::Sufficiency } else { Step::Lacking };
            let label = Label::new(Procedure::P12, step);
            let subject = Subject::request(request);
            out.observe(Observation::Internal { label, subject, note });
            out.explain(|| Decision::new(Choice::Sufficiency, subject, note).bits(order.bits, usable_bits));
        }
        match previous {
            Some(peer) => {
                let offer = ControlMessage::SegmentOffer {
                    ask,
                    reachable: true,
                    usable_bits,
                    refused_by_policy: false,
                };
                let label = Label::new(found.procedure, Step::SegmentOffer);
                out.send(Address::controller(peer), label, offer);
            }
            None => {
                let (bits, deadline, hold) = (order.bits, order.deadline, order.hold);
                let asked = Held {
                    ask,
                    bits,
                    deadline,
                    hold,
                };
                if enough || !fails {
                    // Who waits does so where the key lacks: its KM keeps the refused reservation.
                    let informs = if enough { Informs::First } else { Informs::Lacking };
                    self.reserve(asked, informs, out);
                } else {
                    self.refuse_at_once(ask, FailureCause::InsufficientKey, out);
                }
            }
        }
    }

    /// The QKDN beyond a border.
    pub(super) fn qkdn_across(&self, choice: BorderChoice) -> Option<QkdnId> {
        let mut borders = self.surroundings.borders.iter();
        borders
            .find(|border| border.boundary == choice.boundary)
            .map(|border| border.far_qkdn)
    }

    /// Says why a session gets this route inside this QKDN.
    pub(super) fn explain_route(
        &self,
        request: RequestId,
        asked: ([NodeId; 2], u64),
        border: Option<HopId>,
        path: Option<&[HopId]>,
        out: &mut Outbox,
    ) {
        out.explain(|| {
            let reason = match path {
                Some(_) => "the best by this QKDN's routing, over hops that make key if there is such a path",
                None => "no path over hops that have key",
            };
            Decision::new(Choice::Route, Subject::request(request), reason)
                .among(self.candidates(asked, border, path))
        });
    }

    /// The request fails before there is a segment.
    pub(super) fn answer_source(
        &mut self,
        order: &SegmentOrder,
        source: NodeId,
        procedure: Procedure,
        cause: FailureCause,
        out: &mut Outbox,
    ) {
        let near = order.border.map_or(source, |border| border.near);
        let answer = ControlMessage::Start {
            ask: order.ask,
            source,
            decider: self.me(),
            result: ReservationResult::Refused(cause, near),
        };
        let label = Label::new(procedure, Step::Start);
        self.session_state(order.ask.request.session, SessionState::Failed, label, out);
        self.deliver(source, label, &answer, out);
    }
}

/// Step 3, inside a controller.
pub(super) fn note_computation(procedure: Procedure, request: RequestId, out: &mut Outbox) {
    let note = if procedure == Procedure::P12 {
        "session control; checks the status of key resources"
    } else {
        "session control; computes the route by its own knowledge and policy"
    };
    out.observe(Observation::Internal {
        label: Label::new(procedure, Step::Computation),
        subject: Subject::request(request),
        note,
    });
}

pub(super) fn choice(border: &Border) -> BorderChoice {
    BorderChoice {
        boundary: border.boundary,
        near: border.hop.from,
        far: border.hop.to,
        procedure: border.procedure(),
    }
}
