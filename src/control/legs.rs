//! Legs that keep out of each other's nodes: where the others of a session pass in this QKDN, and routing apart from them.
//!
//! Whoever decides on a leg tells the controllers of its QKDN that may decide on another one which nodes it passes (Cx);
//! across a border nothing of that is told (requirements A5, S6): each QKDN keeps the legs apart in its own part.
//!
//! Assumption: a leg takes a path through no node of another leg, over hops that only have key left rather than through
//! such a node; else, unless that is forbidden, the path that passes the fewest of them. It prefers a border that no other
//! leg crosses. Legs that one controller routes between the same two KMs leave room for those to come.

use std::collections::BTreeSet;

use super::controller::Controller;
use super::reachability::View;
use super::routing::RoutingAlgorithm;
use super::routing::apart::{Apart, Taken};
use crate::architecture::hop::HopState;
use crate::architecture::message::{BorderChoice, ControlMessage, LegRoute, Subject};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant};
use crate::architecture::protection::Leg;
use crate::architecture::{Address, Label, Observation, Outbox, Step};
use crate::ids::{ControllerId, FaultId, HopId, NodeId, QkdnId, SessionId};

impl Controller {
    /// What other legs pass in this QKDN.
    pub(super) fn taken(&self, leg: Leg) -> Taken {
        let others = || self.leg_routes.values().filter(|other| leg.avoids(&other.leg));
        Taken {
            nodes: others().flat_map(|other| other.nodes.iter().copied()).collect(),
            hops: others().flat_map(|other| other.hops.iter().copied()).collect(),
        }
    }

    /// For how many legs between the same two KMs room is to be left: those that are not routed yet, if all must pass
    /// there.
    fn room(&self, leg: Leg, destination: Option<QkdnId>) -> usize {
        let several = destination.is_some_and(|to| {
            let leads = self.surroundings.borders.iter();
            self.view(|view| {
                leads
                    .filter(|border| view.leads(border, to, &[]).is_some())
                    .count()
                    > 1
            })
        });
        let known: BTreeSet<u8> = self
            .leg_routes
            .values()
            .filter(|other| leg.avoids(&other.leg))
            .map(|other| other.leg.place)
            .collect();
        let to_come = usize::from(leg.of).saturating_sub(known.len() + 1);
        if several { 0 } else { to_come }
    }

    /// Looks with this QKDN's routing, kept apart from other legs: first strictly, then, unless that is forbidden, as far as
    /// it goes. `destination`: where the leg goes from here, if beyond a border.
    pub(super) fn view_apart<R>(
        &self,
        leg: Option<Leg>,
        destination: Option<QkdnId>,
        look: impl Fn(&View<'_>) -> Option<R>,
    ) -> Option<R> {
        let Some(leg) = leg else {
            return self.view(look);
        };
        let (taken, room) = (self.taken(leg), self.room(leg, destination));
        let attempts = [true, false].into_iter().filter(|strict| *strict || !leg.strict);
        attempts.into_iter().find_map(|strict| {
            let routing = Apart {
                routing: &*self.routing,
                taken: &taken,
                room,
                strict,
            };
            self.view_routed_by(&routing, &look)
        })
    }

    /// Looks with another routing than this QKDN's. Distance vectors know nothing of legs, so they are not asked.
    fn view_routed_by<R>(&self, routing: &dyn RoutingAlgorithm, look: impl Fn(&View<'_>) -> R) -> R {
        self.view(|view| {
            look(&View {
                domain: view.domain,
                borders: view.borders,
                routing,
                state: view.state,
                key: view.key,
                class: view.class,
                policy: view.policy,
                vectors: None,
                offered: &|boundary, to| (view.offered)(boundary, to),
            })
        })
    }

    /// This QKDN's path for a session from one KM to another.
    pub(super) fn route_apart(
        &self,
        leg: Option<Leg>,
        destination: Option<QkdnId>,
        [from, to]: [NodeId; 2],
        bits: u64,
    ) -> Option<Vec<HopId>> {
        self.view_apart(leg, destination, |view| view.route(from, to, bits))
    }

    /// The path of an established session from one KM to another over hops that make key.
    pub(super) fn active_path(&self, session: SessionId, [from, to]: [NodeId; 2]) -> Option<Vec<HopId>> {
        let segment = &self.segments[&session];
        let look = |view: &View<'_>| {
            view.path(from, to, segment.bits, &|hop| {
                (view.state)(hop) == HopState::Active
            })
        };
        let Some(leg) = segment.leg else {
            return self.view(look);
        };
        let taken = self.taken(leg);
        let apart = Apart {
            routing: &*self.routing,
            taken: &taken,
            room: 0,
            strict: leg.strict,
        };
        self.view_routed_by(&apart, look)
    }

    /// How much a border has in common with those that other legs cross: the same one, or a KM of it.
    pub(super) fn shared_with(border: &BorderChoice, others: &[BorderChoice]) -> usize {
        let common = |other: &BorderChoice| {
            let kms = usize::from(other.near == border.near) + usize::from(other.far == border.far);
            kms + usize::from(other.boundary == border.boundary)
        };
        others.iter().map(common).max().unwrap_or(0)
    }

    /// A leg's route in this QKDN is there, or has changed: those that may decide on another leg are told.
    pub(super) fn tell_leg_route(&mut self, session: SessionId, out: &mut Outbox) {
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        let Some(leg) = segment.leg else { return };
        let first = segment.place.source;
        let last = segment.path.last().map(|&hop| self.hop(hop).to);
        let last = last.filter(|_| segment.place.after.is_none());
        let passed = segment
            .path
            .iter()
            .flat_map(|&hop| [self.hop(hop).from, self.hop(hop).to]);
        let own = |node: &NodeId| self.surroundings.domain.contains(*node);
        let inner = passed.filter(|node| Some(*node) != first && Some(*node) != last);
        let nodes: BTreeSet<NodeId> = inner.filter(own).collect();
        let shared = self.taken(leg).nodes.intersection(&nodes).next().copied();
        if let Some(km) = shared {
            out.explain(|| {
                let reason =
                    "it passes a node that another leg passes: there is no better path that makes key";
                Decision::new(Choice::Route, Subject::session(session, None), reason).at(km)
            });
        }
        let label = Label::new(segment.procedure, Step::Reservation);
        let route = LegRoute {
            session,
            leg,
            nodes: nodes.into_iter().collect(),
            hops: segment.path.clone().into_boxed_slice(),
        };
        self.say_leg_route(&route, label, out);
    }

    /// A leg's segment is over: its nodes are free.
    pub(super) fn free_leg_route(&mut self, session: SessionId, label: Label, out: &mut Outbox) {
        if let Some(known) = self.leg_routes.get(&session) {
            let route = LegRoute {
                nodes: Box::default(),
                hops: Box::default(),
                ..known.clone()
            };
            self.say_leg_route(&route, label, out);
        }
    }

    fn say_leg_route(&mut self, route: &LegRoute, label: Label, out: &mut Outbox) {
        if self.leg_routes.get(&route.session) == Some(route) {
            return;
        }
        for peer in self.leg_deciders() {
            let message = ControlMessage::LegRoute(Box::new(route.clone()));
            out.send(Address::controller(peer), label, message);
        }
        self.on_leg_route(route);
    }

    /// The other controllers of this QKDN that decide on segments of legs: at its borders.
    fn leg_deciders(&self) -> BTreeSet<ControllerId> {
        let borders = self.surroundings.borders.iter();
        let at_borders = borders.map(|border| self.surroundings.domain.controller_of[&border.hop.from]);
        at_borders.filter(|&peer| peer != self.me()).collect()
    }

    /// Where a leg passes in this QKDN.
    pub(super) fn on_leg_route(&mut self, route: &LegRoute) {
        if route.hops.is_empty() {
            self.leg_routes.remove(&route.session);
        } else {
            self.leg_routes.insert(route.session, route.clone());
        }
    }

    /// The route of a session with keys relayed ahead has failed: its source goes over to them at once, without an analysis or
    /// a computation; what follows at the route itself is nobody's interruption. Returns the fault that is left to see to.
    pub(super) fn switch_over(
        &mut self,
        session: SessionId,
        fault: Option<FaultId>,
        out: &mut Outbox,
    ) -> Option<FaultId> {
        let segment = self.segments.get_mut(&session)?;
        if !segment.leg.is_some_and(|leg| leg.is_backed) {
            return fault;
        }
        if !std::mem::replace(&mut segment.is_switched, true) {
            use ReroutingInstant::{Computed, Coordinated, Decided};
            for instant in [Decided, Computed, Coordinated] {
                Self::instant_of(session, fault, instant, out);
            }
            if let Some(fault) = fault {
                // Its source alone is told.
                out.observe(Observation::Commands {
                    fault,
                    session,
                    kms: 1,
                    gives_back: true,
                });
            }
            out.explain(|| {
                let reason = "keys were relayed ahead: they serve until the route works again";
                Decision::new(Choice::Reroute, Subject::session(session, fault), reason)
            });
            self.say_switch_over(session, false, fault, out);
        }
        None
    }

    /// The route carries requests again: the source is told, once.
    pub(super) fn switch_back(&mut self, session: SessionId, out: &mut Outbox) {
        let switched = self
            .segments
            .get(&session)
            .is_some_and(|segment| segment.is_switched);
        if switched && self.failed_hop(session).is_none() {
            self.segments
                .get_mut(&session)
                .expect("it was just there")
                .is_switched = false;
            self.say_switch_over(session, true, None, out);
        }
    }

    /// Tells the source, through the segments before if there are any.
    pub(super) fn say_switch_over(
        &self,
        session: SessionId,
        works: bool,
        fault: Option<FaultId>,
        out: &mut Outbox,
    ) {
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        let label = self.rerouting_label(session, Step::RerouteCommand);
        let source = segment.place.source;
        let message = ControlMessage::SwitchOver {
            session,
            source,
            works,
            fault,
        };
        match (source, segment.previous_controller()) {
            (Some(source), _) => self.deliver(source, label, &message, out),
            (None, Some(previous)) => out.send(Address::controller(previous), label, message),
            (None, None) => {}
        }
    }
}
