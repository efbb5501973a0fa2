//! The QKDN controller: one first-in-first-out element (Y.3818 6.1, 6.2; functional elements FE-3, FE-4, FE-6).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::establishment::Establishing;
use super::knowledge::{HopState, Knowledge};
use super::reservation::Pending;
use super::routing::RoutingAlgorithm;
use super::segment::Segment;
use crate::architecture::message::{Ask, ControlMessage, Message};
use crate::architecture::surroundings::ControllerSurroundings;
use crate::architecture::{Address, Envelope, Hop, Label, Outbox, RequestId, Step, Timer};
use crate::ids::{ControllerId, HopId, NodeId, SessionId};
use crate::kernel::Time;

/// The machine.
#[derive(Debug)]
pub struct Controller {
    pub(super) surroundings: Arc<ControllerSurroundings>,
    pub(super) routing: Arc<dyn RoutingAlgorithm>,
    pub(super) knowledge: Knowledge,
    /// Segments that this controller decides on, by session.
    pub(super) segments: BTreeMap<SessionId, Segment>,
    /// Requests whose route is being found.
    pub(super) establishing: FxHashMap<RequestId, Establishing>,
    /// Requests whose reservations are awaited.
    pub(super) pending: FxHashMap<RequestId, Pending>,
    /// Keys supplied in this controller's reach, as usage records say \[bits\].
    usage_bits: u64,
}

impl Controller {
    /// A controller that knows its own QKDN as provisioned.
    pub fn new(surroundings: Arc<ControllerSurroundings>, routing: Arc<dyn RoutingAlgorithm>) -> Controller {
        Controller {
            surroundings,
            routing,
            knowledge: Knowledge::default(),
            segments: BTreeMap::new(),
            establishing: FxHashMap::default(),
            pending: FxHashMap::default(),
            usage_bits: 0,
        }
    }

    /// A message has been processed by the controller's server.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time, out: &mut Outbox) {
        let Message::Control(message) = &envelope.message else {
            unreachable!("controllers speak control messages only")
        };
        let label = envelope.label;
        match message {
            ControlMessage::BorderQuery { order, attempt } => {
                self.on_border_query(order, *attempt, envelope.from.node(), label, out);
            }
            ControlMessage::RouteRequest(order) => {
                self.on_route_request(*order, envelope.from.node(), out);
            }
            ControlMessage::SegmentQuery { order, reply_to } => {
                self.on_segment_query(*order, *reply_to, label, out);
            }
            ControlMessage::SegmentOffer {
                ask,
                reachable,
                usable_bits,
            } => {
                self.on_segment_offer(*ask, *reachable, *usable_bits, out);
            }
            ControlMessage::ResourceAnswer { ask, usable_bits } => {
                self.on_resource_answer(*ask, *usable_bits, out);
            }
            ControlMessage::Reserve(order) => self.deliver(order.km, label, message, out),
            ControlMessage::ReserveAnswer {
                ask,
                km,
                reply_to,
                result,
            } => {
                if self.is_me(*reply_to, label, message, out) {
                    self.on_reserve_answer(*ask, *km, *result, out);
                }
            }
            ControlMessage::SegmentRequest {
                order,
                attempt,
                decider,
            } => {
                if self.is_me(*decider, label, message, out) {
                    let ask = Ask {
                        request: order.request,
                        attempt: *attempt,
                    };
                    self.on_segment_request(ask, order.bits, order.deadline, out);
                }
            }
            ControlMessage::SegmentReserve { ask, bits, deadline } => {
                self.on_segment_request(*ask, *bits, *deadline, out);
            }
            ControlMessage::SegmentAnswer { ask, result } => {
                self.on_segment_answer(*ask, *result, out);
            }
            ControlMessage::Start { source, .. } => self.deliver(*source, label, message, out),
            ControlMessage::CanServe {
                ask,
                km,
                reply_to,
                source,
            } => match source {
                Some(source) => self.deliver(*source, label, message, out),
                None => {
                    // Beyond the border, the segment before passes it on to the source.
                    let from_peer = self.segments.get(&ask.request.session).is_some_and(|segment| {
                        segment.next_controller().map(Address::controller) == Some(envelope.from)
                    });
                    if from_peer || self.is_me(*reply_to, label, message, out) {
                        self.on_can_serve(*ask, *km, label, out);
                    }
                }
            },
            ControlMessage::Release {
                ask,
                km,
                decider,
                cancel,
            } => match km {
                Some(km) => self.deliver(*km, label, message, out),
                None => {
                    let from_peer = self.segments.get(&ask.request.session).is_some_and(|segment| {
                        segment.previous_controller().map(Address::controller) == Some(envelope.from)
                    });
                    if from_peer || self.is_me(*decider, label, message, out) {
                        self.on_release(*ask, *cancel, label, out);
                    }
                }
            },
            ControlMessage::Metadata { .. } => {}
            ControlMessage::Usage { bits, .. } => self.usage_bits += bits,
            ControlMessage::SessionClose { session, decider, km } => match km {
                Some(km) => self.deliver(*km, label, message, out),
                None => {
                    let from_peer = self.segments.get(session).is_some_and(|segment| {
                        segment.previous_controller().map(Address::controller) == Some(envelope.from)
                    });
                    if from_peer || self.is_me(*decider, label, message, out) {
                        self.on_session_close(*session, label, out);
                    }
                }
            },
            ControlMessage::Status {
                change,
                origin,
                fault,
            } => {
                self.on_status(*change, *origin, *fault, envelope.from, now, out);
            }
            ControlMessage::RerouteCommand { km, .. } => self.deliver(*km, label, message, out),
            ControlMessage::RouteActive {
                session,
                epoch,
                reply_to,
                ..
            } => {
                if self.is_me(*reply_to, label, message, out) {
                    self.on_route_active(*session, *epoch, now, out);
                }
            }
            ControlMessage::RouteLost { source, .. } => self.deliver(*source, label, message, out),
            ControlMessage::BorderAnswer { .. } | ControlMessage::ResourceQuery { .. } => {
                unreachable!("these go to a KM directly")
            }
        }
    }

    /// A timer fires.
    pub fn on_timer(&mut self, timer: Timer, now: Time, out: &mut Outbox) {
        match timer {
            Timer::Analysed(session) => self.on_analysed(session, now, out),
            Timer::Computed(session) => self.on_computed(session, now, out),
            other => unreachable!("a controller sets no {other:?}"),
        }
    }

    /// Sends to a KM: over Ck if this controller serves it, else over Cx to the one that does.
    pub(super) fn deliver(&self, km: NodeId, label: Label, message: &ControlMessage, out: &mut Outbox) {
        let serving = self.surroundings.domain.controller_of[&km];
        let to = if serving == self.me() {
            Address::kma(km)
        } else {
            Address::controller(serving)
        };
        out.send(to, label, message.clone());
    }

    /// Whether this controller is meant; if not, the message goes on to the one that is (Cx).
    fn is_me(&self, meant: ControllerId, label: Label, message: &ControlMessage, out: &mut Outbox) -> bool {
        if meant == self.me() {
            return true;
        }
        out.send(Address::controller(meant), label, message.clone());
        false
    }

    pub(super) fn me(&self) -> ControllerId {
        self.surroundings.id
    }

    pub(super) fn hop(&self, id: HopId) -> &Hop {
        &self.surroundings.domain.hops[&id]
    }

    /// A path inside this QKDN by what is known now: over hops that make key if there is such a path, else over hops
    /// that at least have some left; never over a hop known to be OFF.
    pub(super) fn route(&self, from: NodeId, to: NodeId) -> Option<Vec<HopId>> {
        let domain = &self.surroundings.domain;
        [HopState::Active, HopState::Passive]
            .into_iter()
            .find_map(|worst| {
                let usable = |hop: &Hop| self.knowledge.state(hop, domain) <= worst;
                self.routing.route(domain, &usable, from, to)
            })
    }

    /// Key bits that usage records have named.
    pub fn usage_bits(&self) -> u64 {
        self.usage_bits
    }

    /// The label of a step of a session's own procedure.
    pub(super) fn label(&self, session: SessionId, step: Step) -> Label {
        let procedure = self
            .segments
            .get(&session)
            .map_or(self.surroundings.parameters.rerouting, |segment| {
                segment.procedure
            });
        Label::new(procedure, step)
    }
}
