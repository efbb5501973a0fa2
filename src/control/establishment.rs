//! Finding a session's route: P9 and P12 steps 0a–4.
//!
//! Each QKDN routes by itself (requirement A5): controller-A finds the part up to the border, controller-B offers the
//! part beyond; neither sees the other's topology.

use super::controller::Controller;
use super::knowledge::HopState;
use super::segment::{Role, Segment};
use crate::architecture::hop::Handover;
use crate::architecture::message::{
    Ask, BorderChoice, ControlMessage, FailureCause, KeyRequest, RelayOrder, ReservationResult, SegmentOrder,
    Subject,
};
use crate::architecture::observation::{Choice, Decision, SessionState};
use crate::architecture::surroundings::Border;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step};
use crate::ids::{ControllerId, HopId, NodeId, QkdnId};

/// A route that is being found.
#[derive(Clone, Debug)]
pub struct Establishing {
    pub(super) order: SegmentOrder,
    role: Role,
    pub(super) procedure: Procedure,
    ends: [NodeId; 2],
    path: Vec<HopId>,
    /// Whether the peer's offer is still awaited.
    awaits_offer: bool,
    /// Whether the own border KM's answer is still awaited (P12 step 3).
    awaits_resources: bool,
    /// Least usable key that was reported or is known \[bits\].
    usable_bits: u64,
}

impl Establishing {
    /// The source KM, at the source's side.
    pub(super) fn source(&self) -> Option<NodeId> {
        match self.role {
            Role::Origin { source, .. } => Some(source),
            Role::Far { .. } => None,
        }
    }
}

impl Controller {
    /// Step 0a: which border serves the destination's QKDN from here. The nearest by hops; one whose hop makes key
    /// before one that only has some left; never one that is OFF.
    pub(super) fn on_border_query(
        &mut self,
        order: &KeyRequest,
        attempt: u32,
        km: NodeId,
        label: Label,
        out: &mut Outbox,
    ) {
        let candidates = self
            .surroundings
            .borders
            .iter()
            .filter(|border| border.far_qkdn == order.destination_qkdn);
        let best = candidates
            .filter_map(|border| {
                let state = self.knowledge.state(&border.hop, &self.surroundings.domain);
                let path = self.route(km, border.hop.from)?;
                (state < HopState::Off).then_some((state, path.len(), border.boundary, border))
            })
            .min_by_key(|&(state, hops, boundary, _)| (state, hops, boundary));
        let best = best.map(|(.., border)| border);
        out.explain(|| {
            let reason = match best {
                Some(_) => {
                    "the border whose hop makes key, then the nearest by hops, then the first in the file"
                }
                None => "no border can be reached",
            };
            let far = |border: &&Border| border.far_qkdn == order.destination_qkdn;
            let borders = self.surroundings.borders.iter().filter(far);
            Decision::new(Choice::Border, Subject::request(order.request), reason)
                .among(self.border_candidates(km, borders, best))
        });
        let border = best.map(choice);
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
        let (ask, request) = (order.ask(), order.order.request);
        let local = order.order.destination_qkdn == self.surroundings.domain.qkdn;
        let border = if local {
            None
        } else {
            self.border_at(km, &order.order).cloned()
        };
        let procedure = border.as_ref().map_or(Procedure::Local, Border::procedure);
        let label = Label::new(procedure, Step::Computation);
        self.session_state(request.session, SessionState::Open, label, out);
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

        let to = border
            .as_ref()
            .map_or(order.order.destination, |border| border.hop.from);
        let path = self.route(order.source, to);
        let border_hop = border.as_ref().map(|border| border.hop.id);
        self.explain_route(request, [order.source, to], border_hop, path.as_deref(), out);
        let (Some(mut path), true) = (path, local || border.is_some()) else {
            return self.answer_source(
                &order.segment(),
                order.source,
                procedure,
                FailureCause::NoRoute,
                out,
            );
        };
        if let Some(border) = &border {
            path.push(border.hop.id);
        }
        order.border = border.as_ref().map(choice);
        let transfer = border
            .as_ref()
            .is_some_and(|border| border.hop.handover == Handover::Transfer);
        // KM-A answers for the hop that reaches it; at the source itself, for the hop across.
        let asked = transfer.then(|| path[path.len().saturating_sub(2)]);
        let next = border.as_ref().map(|border| border.far_controller);
        let establishing = Establishing {
            role: Role::Origin {
                source: order.source,
                next,
            },
            procedure,
            ends: [order.source, to],
            usable_bits: self.known_to_be_usable(&path, asked),
            awaits_offer: border.is_some(),
            awaits_resources: transfer,
            path,
            order: order.segment(),
        };
        if let Some(border) = &border {
            let label = Label::new(procedure, Step::SegmentOffer);
            let query = ControlMessage::SegmentQuery {
                order: order.segment(),
                reply_to: self.me(),
            };
            out.send(Address::controller(border.far_controller), label, query);
        }
        if let Some(hop) = asked {
            let label = Label::new(procedure, Step::Computation);
            out.send(
                Address::kma(km),
                label,
                ControlMessage::ResourceQuery { ask, hop },
            );
        }
        self.establishing.insert(request, establishing);
        self.when_all_is_known(request, out);
    }

    /// The border at a border KM, to the destination's QKDN: the best by state, then by id.
    fn border_at(&self, km: NodeId, order: &KeyRequest) -> Option<&Border> {
        let domain = &self.surroundings.domain;
        self.surroundings
            .borders
            .iter()
            .filter(|border| border.hop.from == km && border.far_qkdn == order.destination_qkdn)
            .min_by_key(|border| (self.knowledge.state(&border.hop, domain), border.boundary))
    }

    /// Least usable key of a path as far as is known; `asked`: the hop whose KM will say exactly.
    pub(super) fn known_to_be_usable(&self, path: &[HopId], asked: Option<HopId>) -> u64 {
        let (domain, classes) = (
            &self.surroundings.domain,
            self.surroundings.parameters.level_classes,
        );
        let usable = path
            .iter()
            .filter(|&&hop| Some(hop) != asked)
            .map(|&hop| self.knowledge.usable_bits(self.hop(hop), domain, classes));
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
        let (ask, request) = (order.ask, order.ask.request);
        let from = order.border.expect("a query crosses a border").far;
        let ends = [from, order.destination];
        let computes = Label::new(label.procedure, Step::Computation);
        self.session_state(request.session, SessionState::Open, computes, out);
        let path = self.route(ends[0], ends[1]);
        self.explain_route(request, ends, None, path.as_deref(), out);
        let Some(path) = path else {
            self.session_state(request.session, SessionState::Failed, label, out);
            let offer = ControlMessage::SegmentOffer {
                ask,
                reachable: false,
                usable_bits: 0,
            };
            return out.send(Address::controller(reply_to), label, offer);
        };
        let asks_km = label.procedure == Procedure::P12 && !path.is_empty();
        if asks_km {
            let query = ControlMessage::ResourceQuery { ask, hop: path[0] };
            out.send(
                Address::kma(from),
                Label::new(label.procedure, Step::Computation),
                query,
            );
        }
        let establishing = Establishing {
            order,
            role: Role::Far { peer: reply_to },
            procedure: label.procedure,
            ends,
            usable_bits: self.known_to_be_usable(&path, asks_km.then(|| path[0])),
            awaits_offer: false,
            awaits_resources: asks_km,
            path,
        };
        self.establishing.insert(request, establishing);
        self.when_all_is_known(request, out);
    }

    /// Step 3a at controller-A: what the other QKDN offers.
    pub(super) fn on_segment_offer(&mut self, ask: Ask, reachable: bool, usable_bits: u64, out: &mut Outbox) {
        let Some(establishing) = self.awaiting(ask) else {
            return;
        };
        if !reachable {
            let establishing = self.establishing.remove(&ask.request).expect("it was just there");
            return self.answer_source(
                &establishing.order,
                establishing.ends[0],
                establishing.procedure,
                FailureCause::NoRoute,
                out,
            );
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
        establishing.awaits_resources = false;
        establishing.usable_bits = establishing.usable_bits.min(usable_bits);
        self.when_all_is_known(ask.request, out);
    }

    /// The route that is being found for this attempt.
    pub(super) fn awaiting(&mut self, ask: Ask) -> Option<&mut Establishing> {
        let found = self.establishing.get_mut(&ask.request);
        found.filter(|establishing| establishing.order.ask == ask)
    }

    fn when_all_is_known(&mut self, request: RequestId, out: &mut Outbox) {
        let known = self
            .establishing
            .get(&request)
            .is_some_and(|it| !it.awaits_offer && !it.awaits_resources);
        if !known {
            return;
        }
        let found = self.establishing.remove(&request).expect("it was just there");
        let (ask, order) = (found.order.ask, found.order);
        let session = request.session;
        let mut segment = Segment::new(found.role, found.ends, found.path, found.procedure, order.class);
        segment.partner = found.order.border.and_then(|border| self.qkdn_across(border));
        segment.border = found.order.border;
        segment.home = found.order.border;
        self.segments.insert(session, segment);
        self.record_route(session, out);
        match found.role {
            Role::Far { peer } => {
                let offer = ControlMessage::SegmentOffer {
                    ask,
                    reachable: true,
                    usable_bits: found.usable_bits,
                };
                let label = Label::new(found.procedure, Step::SegmentOffer);
                out.send(Address::controller(peer), label, offer);
            }
            Role::Origin { .. } => {
                if found.procedure == Procedure::P12 {
                    let enough = found.usable_bits >= order.bits;
                    let note = if enough {
                        "sufficient keys: determines the transfer link and the keys"
                    } else {
                        "insufficient keys"
                    };
                    let label = Label::new(found.procedure, Step::Sufficiency);
                    let subject = Subject::request(request);
                    out.observe(Observation::Internal { label, subject, note });
                    out.explain(|| {
                        Decision::new(Choice::Sufficiency, subject, note).bits(order.bits, found.usable_bits)
                    });
                }
                self.reserve(ask, order.bits, order.deadline, true, out);
            }
        }
    }

    /// The QKDN beyond a border.
    fn qkdn_across(&self, choice: BorderChoice) -> Option<QkdnId> {
        let mut borders = self.surroundings.borders.iter();
        borders
            .find(|border| border.boundary == choice.boundary)
            .map(|border| border.far_qkdn)
    }

    /// Says why a session gets this route inside this QKDN.
    fn explain_route(
        &self,
        request: RequestId,
        ends: [NodeId; 2],
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
                .among(self.candidates(ends, border, path))
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

fn choice(border: &Border) -> BorderChoice {
    BorderChoice {
        boundary: border.boundary,
        near: border.hop.from,
        far: border.hop.to,
        procedure: border.procedure(),
    }
}
