//! The QKDN controller: one first-in-first-out element (Y.3818 6.1, 6.2; functional elements FE-3, FE-4, FE-6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::admission::Admission;
use super::establishment::Establishing;
use super::flooding::Flooding;
use super::knowledge::Knowledge;
use super::monitoring::Monitoring;
use super::reachability::Exchange;
use super::recovery::Restoring;
use super::reservation::Pending;
use super::routing::RoutingAlgorithm;
use super::segment::{Held, Segment, Side};
use super::vectors::Vectors;
use crate::architecture::message::{
    Ask, ControlMessage, FailureCause, LegRoute, LinkPerformance, ManagementMessage, Message,
    ReservationResult, StatusChange,
};
use crate::architecture::observation::SessionState;
use crate::architecture::surroundings::ControllerSurroundings;
use crate::architecture::{
    Address, Envelope, Hop, Label, Observation, Outbox, Procedure, RequestId, Step, Timer,
};
use crate::ids::{ControllerId, FaultId, HopId, LinkId, NodeId, SessionId};
use crate::kernel::Time;

/// The machine.
#[derive(Debug)]
pub struct Controller {
    pub(super) surroundings: Arc<ControllerSurroundings>,
    pub(super) routing: Arc<dyn RoutingAlgorithm>,
    pub(super) knowledge: Knowledge,
    /// What was told of levels to controllers of the same QKDN.
    pub(super) flooding: Flooding,
    /// What works again, and is not told yet.
    pub(super) restoring: Vec<Restoring>,
    /// Segments that this controller decides on, by session.
    pub(super) segments: BTreeMap<SessionId, Segment>,
    /// KMs that sessions have left by losing their routes: they forget them when those are over.
    pub(super) left: BTreeMap<SessionId, BTreeSet<NodeId>>,
    /// Requests whose route is being found.
    pub(super) establishing: FxHashMap<RequestId, Establishing>,
    /// Requests whose reservations are awaited.
    pub(super) pending: BTreeMap<RequestId, Pending>,
    /// Polling, and what came of it.
    pub(super) monitoring: Monitoring,
    /// What quotas have been used for.
    pub(super) admission: Admission,
    /// What was said of ways to other QKDNs.
    pub(super) exchange: Exchange,
    /// How often it has said how its hops do.
    pub(super) refreshed: u32,
    /// Distances, where its QKDN routes by them.
    pub(super) vectors: Option<Vectors>,
    /// Where legs pass in this QKDN, as far as is known.
    pub(super) leg_routes: BTreeMap<SessionId, LegRoute>,
    /// The last state of each session that was seen.
    states: BTreeMap<SessionId, SessionState>,
    /// Keys supplied in this controller's reach, as usage records say \[bits\].
    usage_bits: u64,
    /// The last that was heard of each link (ETSI GS QKD 015).
    performance: BTreeMap<LinkId, LinkPerformance>,
}

impl Controller {
    /// A controller that knows its own QKDN as provisioned.
    pub fn new(surroundings: Arc<ControllerSurroundings>, routing: Arc<dyn RoutingAlgorithm>) -> Controller {
        let parameters = &surroundings.parameters;
        let (leaves_depleted, max_age) = (parameters.recovery.leaves_depleted, parameters.refresh.max_age);
        let me = surroundings.id;
        let vectors = routing.exchange();
        let vectors = vectors.and_then(|exchange| Vectors::new(&surroundings, exchange));
        let mut controller = Controller {
            surroundings,
            routing,
            knowledge: Knowledge::new(leaves_depleted, me, max_age),
            flooding: Flooding::default(),
            restoring: Vec::new(),
            segments: BTreeMap::new(),
            left: BTreeMap::new(),
            establishing: FxHashMap::default(),
            pending: BTreeMap::new(),
            monitoring: Monitoring::default(),
            admission: Admission::default(),
            exchange: Exchange::default(),
            refreshed: 0,
            vectors,
            leg_routes: BTreeMap::new(),
            states: BTreeMap::new(),
            usage_bits: 0,
            performance: BTreeMap::new(),
        };
        controller.flooding.amounts = controller.weighs_amounts();
        controller.provision_offers();
        controller
    }

    /// The last that was heard of each link.
    pub fn performance(&self) -> &BTreeMap<LinkId, LinkPerformance> {
        &self.performance
    }

    pub(super) fn note_performance(&mut self, link: LinkId, performance: LinkPerformance) {
        self.performance.insert(link, performance);
    }

    /// A message has been processed by the controller's server.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time, out: &mut Outbox) {
        self.advance_to(now);
        let message = match &envelope.message {
            Message::Control(message) => message,
            Message::Management(ManagementMessage::Decision {
                session,
                hop,
                at,
                decision,
                fault,
            }) => {
                let news = (*hop, *at, *fault);
                return self.on_fault_decision(*session, *decision, news, envelope.from, now, out);
            }
            Message::Management(ManagementMessage::Maintenance {
                link, planned, fault, ..
            }) => {
                let (link, planned) = (*link, *planned);
                let change = StatusChange::Maintenance { link, planned };
                return self.on_status(change, now, Some(*fault), envelope.from, now, out);
            }
            other => unreachable!("no one sends a controller {other:?}"),
        };
        let label = envelope.label;
        match message {
            ControlMessage::BorderQuery {
                order,
                attempt,
                avoided,
            } => {
                self.on_border_query(order, *attempt, avoided, envelope.from.node(), label, out);
            }
            ControlMessage::RouteRequest(order) => {
                self.on_route_request(**order, envelope.from.node(), out);
            }
            ControlMessage::SegmentQuery { order, reply_to } => {
                self.on_segment_query(order.clone(), *reply_to, label, out);
            }
            ControlMessage::SegmentOffer {
                ask,
                reachable,
                usable_bits,
                refused_by_policy,
            } => {
                let cause = match refused_by_policy {
                    _ if *reachable => None,
                    true => Some(FailureCause::RefusedByPolicy),
                    false => Some(FailureCause::NoRoute),
                };
                self.on_segment_offer(*ask, cause, *usable_bits, out);
            }
            ControlMessage::ResourceQuery { km, .. } => self.deliver(*km, label, message, out),
            ControlMessage::ResourceAnswer {
                ask,
                usable_bits,
                reply_to,
            } => {
                if self.is_me(*reply_to, label, message, out) {
                    self.on_resource_answer(*ask, *usable_bits, out);
                }
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
                source,
                decider,
            } => {
                if self.is_me(*decider, label, message, out) {
                    let ask = Ask {
                        request: order.request,
                        attempt: *attempt,
                    };
                    if self.segments.contains_key(&order.request.session) {
                        let (bits, deadline, hold) = (order.bits, order.deadline, order.hold);
                        let asked = Held {
                            ask,
                            bits,
                            deadline,
                            hold,
                        };
                        self.on_segment_request(asked, out);
                    } else {
                        // The session was closed, or its border lost.
                        self.refuse(ask, *source, *decider, label, out);
                    }
                }
            }
            ControlMessage::SegmentReserve {
                ask,
                agreement,
                bits,
                deadline,
                hold,
            } => {
                let segment = self.segments.get(&ask.request.session);
                let before = segment.and_then(|segment| segment.place.before.as_ref());
                if before.is_some_and(|before| before.agreement != *agreement) {
                    let result = ReservationResult::Stale;
                    let label = Label::new(label.procedure, Step::Start);
                    out.send(
                        envelope.from,
                        label,
                        ControlMessage::SegmentAnswer { ask: *ask, result },
                    );
                } else {
                    self.confirm(ask.request.session, Side::Before, *agreement);
                    let asked = Held {
                        ask: *ask,
                        bits: *bits,
                        deadline: *deadline,
                        hold: *hold,
                    };
                    self.on_segment_request(asked, out);
                }
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
            ControlMessage::Recall { ask, km, reply_to } => {
                if self.is_me(*reply_to, label, message, out) {
                    self.on_recall(*ask, *km, label, out);
                }
            }
            ControlMessage::Metadata { .. } => {}
            ControlMessage::Usage { bits, .. } => self.usage_bits += bits,
            ControlMessage::SessionClose {
                session,
                generation,
                decider,
                km,
            } => match km {
                Some(km) => self.deliver(*km, label, message, out),
                None => {
                    let from_peer = self.segments.get(session).is_some_and(|segment| {
                        segment.previous_controller().map(Address::controller) == Some(envelope.from)
                    });
                    if from_peer || self.is_me(*decider, label, message, out) {
                        self.on_session_close(*session, *generation, label, out);
                    }
                }
            },
            ControlMessage::StandingQuery {
                session,
                generation,
                source,
                decider,
            } => match source {
                Some(source) => self.deliver(*source, label, message, out),
                None => self.on_standing_query((*session, *generation), *decider, label, out),
            },
            ControlMessage::Stands {
                session,
                generation,
                decider,
            } => {
                if self.is_me(*decider, label, message, out) {
                    self.on_stands((*session, *generation), now, out);
                }
            }
            ControlMessage::Status {
                change,
                origin,
                fault,
            } => {
                self.on_status_report(*change, *origin, *fault, envelope.from, now, out);
            }
            ControlMessage::Vector(update) => self.on_vector(update, now, out),
            ControlMessage::Advertisement(all) => self.on_advertisement(all, envelope.from, now, out),
            ControlMessage::LinkReport {
                link, performance, ..
            } => {
                self.note_performance(*link, *performance);
            }
            ControlMessage::RerouteCommand(order) => self.deliver(order.km, label, message, out),
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
            ControlMessage::StatusAnswer(answer) => self.on_status_answer(answer, envelope.from, now, out),
            ControlMessage::StatusShare { boundary, status } => self.on_status_share(*boundary, *status),
            ControlMessage::PathInformation {
                session,
                offers,
                asks,
                fault,
            } => self.on_path_information(*session, (offers, *asks), *fault, envelope.from, now, out),
            ControlMessage::Propose(proposal) => self.on_propose(*proposal, envelope.from, now, out),
            ControlMessage::Accept(proposal) => self.on_accept(*proposal, now, out),
            ControlMessage::Reject { proposal, cause } => self.on_reject(*proposal, *cause, now, out),
            ControlMessage::Commit { proposal, switch_at } => {
                self.on_commit(*proposal, *switch_at, envelope.from, now, out);
            }
            ControlMessage::Switched { session, epoch, .. } => {
                self.on_switched(*session, *epoch, envelope.from, now, out);
            }
            ControlMessage::RouteLost { source, .. } => self.deliver(*source, label, message, out),
            ControlMessage::SwitchOver {
                session,
                source,
                works,
                fault,
            } => match source {
                Some(source) => self.deliver(*source, label, message, out),
                None => self.say_switch_over(*session, *works, *fault, out),
            },
            ControlMessage::LegRoute(route) => self.on_leg_route(route),
            ControlMessage::Reachability(news) => self.on_reachability(news, envelope.from, out),
            ControlMessage::SegmentDegraded { session, lost, fault } => {
                self.on_segment_degraded(*session, *lost, *fault, envelope.from, out);
            }
            ControlMessage::BorderAnswer { .. }
            | ControlMessage::StatusRequest { .. }
            | ControlMessage::GenerationControl { .. } => {
                unreachable!("these go to a KM or a module directly")
            }
        }
    }

    pub(super) fn advance_to(&mut self, now: Time) {
        self.admission.advance_to(now);
        self.knowledge.advance_to(now);
    }

    /// A timer fires.
    pub fn on_timer(&mut self, timer: Timer, now: Time, out: &mut Outbox) {
        self.advance_to(now);
        match timer {
            Timer::Poll => self.on_poll(now, out),
            Timer::PollOver(round) => self.on_poll_over(round, out),
            Timer::Refresh => self.on_refresh(now, out),
            Timer::Vectors => self.on_vectors_due(now, out),
            Timer::VectorChanges => self.on_changes_due(now, out),
            Timer::Analysed(session) => self.on_analysed(session, now, out),
            Timer::Computed(session) => self.on_computed(session, now, out),
            Timer::AskAgain(session) => self.on_ask_again(session, now, out),
            Timer::HeldOff(session) => self.on_held_off(session, now, out),
            Timer::Restored => self.on_restored(now, out),
            Timer::Switch(session) => self.on_switch(session, now, out),
            Timer::Coordination(session) => self.on_coordination_late(session, now, out),
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

    /// A path inside this QKDN, for requests of so many bits, by what is known now: over hops that make key if there is such a path, else over hops
    /// that at least have some left; never over a hop known to be OFF.
    pub(super) fn route(&self, from: NodeId, to: NodeId, bits: u64) -> Option<Vec<HopId>> {
        self.view(|view| view.route(from, to, bits))
    }

    /// A session has come to a state: observers are told once (FE-3).
    pub(super) fn session_state(
        &mut self,
        session: SessionId,
        state: SessionState,
        label: Label,
        out: &mut Outbox,
    ) {
        self.session_state_for(session, state, label, self.fault_behind(session), out);
    }

    /// The same, where the fault that it was rerouted for is not to be seen from its segment.
    pub(super) fn session_state_for(
        &mut self,
        session: SessionId,
        state: SessionState,
        label: Label,
        fault: Option<FaultId>,
        out: &mut Outbox,
    ) {
        if self.states.insert(session, state) != Some(state) {
            out.observe(Observation::Session {
                session,
                state,
                label,
                fault,
            });
        }
    }

    /// Whether a session was last seen in a state.
    pub(super) fn is_in(&self, session: SessionId, state: SessionState) -> bool {
        self.states.get(&session) == Some(&state)
    }

    /// Key bits that usage records have named.
    pub fn usage_bits(&self) -> u64 {
        self.usage_bits
    }

    /// The label of a step of a session's own procedure; of a session that is over, by the borders that there are.
    pub(super) fn label(&self, session: SessionId, step: Step) -> Label {
        let over = || match self.surroundings.parameters.rerouting {
            Procedure::P13 => Procedure::P12,
            _ => Procedure::P9,
        };
        let segment = self.segments.get(&session);
        Label::new(segment.map_or_else(over, |segment| segment.procedure), step)
    }
}
