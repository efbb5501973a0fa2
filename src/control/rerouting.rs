//! Rerouting inside one QKDN: P10 and P13 steps 5, 6, 9 and 10.
//!
//! Status is pushed over Cq and Ck and flooded over Cx. A route is changed when one of its hops is PASSIVE or OFF and
//! another path has key; else a PASSIVE hop is kept until it is OFF, and then the session waits or fails. A segment
//! whose border hop fails gives its session back to the source, which chooses a border anew. Negotiation between the
//! QKDNs (steps 7 and 8) is not part of this machine yet: each side changes only its own segment.

use std::collections::BTreeMap;

use super::controller::Controller;
use super::knowledge::HopState;
use super::segment::{Role, SegmentState};
use crate::architecture::message::{Ask, ControlMessage, StatusChange, Subject};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant};
use crate::architecture::{Address, Hop, Label, Observation, Outbox, RequestId, Step, Timer};
use crate::ids::{FaultId, HopId, NodeId, SessionId};
use crate::kernel::Time;

impl Controller {
    /// Step 5: a report comes in. News is flooded on, then looked at.
    pub(super) fn on_status(
        &mut self,
        change: StatusChange,
        origin: Time,
        fault: Option<FaultId>,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        if !self.knowledge.learn(change, origin, fault) {
            return;
        }
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        for &peer in &self.surroundings.flooding_peers {
            let to = Address::controller(peer);
            if to != from {
                out.send(
                    to,
                    label,
                    ControlMessage::Status {
                        change,
                        origin,
                        fault,
                    },
                );
            }
        }
        let touches = |hop: &Hop| match change {
            StatusChange::Link { link, generating } => hop.link == Some(link) && !generating,
            StatusChange::Level { hop: id, class } => hop.id == id && class == 0,
        };
        let touched: Vec<SessionId> = self
            .segments
            .iter()
            .filter(|(_, segment)| segment.path.iter().any(|&hop| touches(self.hop(hop))))
            .map(|(&session, _)| session)
            .collect();
        for session in touched {
            match self.segments.get_mut(&session) {
                Some(segment) if segment.state != SegmentState::Active => segment.stale = true,
                _ => self.consider_rerouting(session, now, out),
            }
        }
    }

    pub(super) fn worst_hop(&self, path: &[HopId]) -> (HopState, Option<HopId>) {
        let domain = &self.surroundings.domain;
        let states = path
            .iter()
            .map(|&id| (self.knowledge.state(self.hop(id), domain), Some(id)));
        states
            .max_by_key(|&(state, _)| state)
            .unwrap_or((HopState::Active, None))
    }

    fn consider_rerouting(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let (state, worst) = self.worst_hop(&self.segments[&session].path);
        let (HopState::Passive | HopState::Off, Some(worst)) = (state, worst) else {
            return;
        };
        let fault = self.knowledge.fault(self.hop(worst));
        if let Some(fault) = fault {
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant: ReroutingInstant::Reported,
            });
        }
        out.explain(|| {
            let reason = "a hop of the route stopped making key";
            Decision::new(Choice::Analyse, Subject::session(session, fault), reason).at_hop(worst)
        });
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.state = SegmentState::Rerouting { fault, awaited: 0 };
        out.wake(
            now + self.surroundings.parameters.analysis,
            Timer::Analysed(session),
        );
    }

    fn instant(&self, session: SessionId, instant: ReroutingInstant, out: &mut Outbox) {
        if let Some(SegmentState::Rerouting {
            fault: Some(fault), ..
        }) = self.segments.get(&session).map(|segment| segment.state)
        {
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant,
            });
        }
    }

    /// Step 6: the report is analysed; the controller decides to look for another path.
    pub(super) fn on_analysed(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        if self.segments.contains_key(&session) {
            let fault = match self.segments[&session].state {
                SegmentState::Rerouting { fault, .. } => fault,
                SegmentState::Active => None,
            };
            out.observe(Observation::Internal {
                label: self.rerouting_label(session, Step::Decision),
                subject: Subject::session(session, fault),
                note: "analyses the report; decides to look for another path",
            });
            self.instant(session, ReroutingInstant::Decided, out);
            out.wake(
                now + self.surroundings.parameters.computation,
                Timer::Computed(session),
            );
        }
    }

    /// The path is computed: change over, give the session back to its source, or keep what there is.
    pub(super) fn on_computed(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        let SegmentState::Rerouting { fault, .. } = segment.state else {
            return;
        };
        self.instant(session, ReroutingInstant::Computed, out);
        let domain = &self.surroundings.domain;
        let border = segment
            .path
            .last()
            .copied()
            .filter(|&hop| self.hop(hop).crosses_border);
        let border_fails =
            border.is_some_and(|hop| self.knowledge.state(self.hop(hop), domain) > HopState::Active);
        if border_fails && self.another_border(session) {
            return self.lose_route(session, fault, out);
        }
        let active = |hop: &Hop| self.knowledge.state(hop, domain) == HopState::Active;
        let inside = self
            .routing
            .route(domain, &active, segment.ends[0], segment.ends[1]);
        out.explain(|| {
            let path: Vec<HopId> = segment
                .path
                .iter()
                .copied()
                .filter(|&hop| Some(hop) != border)
                .collect();
            let reason = match &inside {
                Some(other) if *other != path => "a hop of the old route stopped making key",
                Some(_) => "the route is kept: it is the best of those that make key",
                None => "the route is kept: no other path has only hops that make key",
            };
            let taken = inside.as_deref().unwrap_or(&path);
            Decision::new(Choice::Reroute, Subject::session(session, fault), reason).among(self.candidates(
                segment.ends,
                border,
                Some(taken),
            ))
        });
        let changed = inside.map(|path| path.into_iter().chain(border).collect::<Vec<HopId>>());
        match changed {
            Some(path) if path != segment.path => self.change_over(session, path, fault, out),
            _ => self.resume(session, now, out),
        }
    }

    fn another_border(&self, session: SessionId) -> bool {
        let segment = &self.segments[&session];
        let Some(&current) = segment.path.last() else {
            return false;
        };
        let domain = &self.surroundings.domain;
        let far_qkdn = self
            .surroundings
            .borders
            .iter()
            .find(|border| border.hop.id == current)
            .map(|border| border.far_qkdn);
        self.surroundings.borders.iter().any(|border| {
            border.hop.id != current
                && Some(border.far_qkdn) == far_qkdn
                && self.knowledge.state(&border.hop, domain) == HopState::Active
                && self.route(segment.ends[0], border.hop.from).is_some()
        })
    }

    /// The border is lost and another is there: the source begins again with the border choice.
    fn lose_route(&mut self, session: SessionId, fault: Option<FaultId>, out: &mut Outbox) {
        self.instant(session, ReroutingInstant::Coordinated, out);
        out.explain(|| {
            let reason = "the border stopped making key and another has some: the source begins anew";
            Decision::new(Choice::Reroute, Subject::session(session, fault), reason)
        });
        let label = self.rerouting_label(session, Step::RerouteCommand);
        let segment = self.segments.remove(&session).expect("the caller has it");
        self.cancel_refused(session, &segment.refused, &segment.path, out);
        self.drop_pending(session, out);
        if let Some(next) = segment.next_controller() {
            let close = ControlMessage::SessionClose {
                session,
                decider: next,
                km: None,
            };
            out.send(Address::controller(next), label, close);
        }
        if let Role::Origin { source, .. } = segment.role {
            self.deliver(
                source,
                label,
                &ControlMessage::RouteLost {
                    session,
                    source,
                    fault,
                },
                out,
            );
        }
    }

    /// Steps 9 and 10: every KM whose next hop changes is told, and answers when its route is active.
    fn change_over(
        &mut self,
        session: SessionId,
        path: Vec<HopId>,
        fault: Option<FaultId>,
        out: &mut Outbox,
    ) {
        // Nobody else to agree with: the switch instant is now.
        self.instant(session, ReroutingInstant::Coordinated, out);
        let label = self.rerouting_label(session, Step::RerouteCommand);
        let procedure = self.segments[&session].procedure;
        let old = self.segments[&session].path.clone();
        let refused = self.segments[&session].refused.clone();
        let left: Vec<HopId> = old.iter().copied().filter(|hop| !path.contains(hop)).collect();
        self.cancel_refused(session, &refused, &left, out);

        let epoch = self.segments[&session].epoch + 1;
        let changed: Vec<HopId> = path.iter().copied().filter(|hop| !old.contains(hop)).collect();
        for &hop in &changed {
            let km = self.hop(hop).from;
            let command = ControlMessage::RerouteCommand {
                session,
                km,
                hop,
                epoch,
                reply_to: self.me(),
                fault,
                procedure,
            };
            self.deliver(km, label, &command, out);
        }
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        (segment.epoch, segment.path) = (epoch, path);
        segment.state = SegmentState::Rerouting {
            fault,
            awaited: changed.len(),
        };
    }

    /// Those that wait for key on hops that the route leaves wait there no longer.
    fn cancel_refused(
        &self,
        session: SessionId,
        refused: &BTreeMap<u32, u32>,
        hops: &[HopId],
        out: &mut Outbox,
    ) {
        let label = self.rerouting_label(session, Step::RerouteCommand);
        for (&number, &attempt) in refused {
            let request = RequestId { session, number };
            let ask = Ask { request, attempt };
            for &hop in hops {
                let km: NodeId = self.hop(hop).from;
                let cancel = ControlMessage::Release {
                    ask,
                    km: Some(km),
                    decider: self.me(),
                    cancel: true,
                };
                self.deliver(km, label, &cancel, out);
            }
        }
    }

    /// Step 10: a KM's new route is active.
    pub(super) fn on_route_active(&mut self, session: SessionId, epoch: u32, now: Time, out: &mut Outbox) {
        let Some(segment) = self.segments.get_mut(&session) else {
            return;
        };
        if segment.epoch != epoch {
            return;
        }
        if let SegmentState::Rerouting { awaited, .. } = &mut segment.state {
            *awaited -= 1;
            if *awaited == 0 {
                self.resume(session, now, out);
            }
        }
    }

    /// The segment carries requests again: those that were refused may ask, those that were held are asked for.
    fn resume(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.state = SegmentState::Active;
        let held = std::mem::take(&mut segment.held);
        let refused = segment.refused.clone();
        let km = segment.ends[0];
        let label = self.label(session, Step::Start);
        for (number, attempt) in refused {
            let request = RequestId { session, number };
            self.on_can_serve(Ask { request, attempt }, km, label, out);
        }
        for request in held {
            self.reserve(request.ask, request.bits, request.deadline, false, out);
        }
        let stale = self
            .segments
            .get_mut(&session)
            .map(|segment| std::mem::take(&mut segment.stale));
        if stale == Some(true) {
            self.consider_rerouting(session, now, out);
        }
    }

    fn rerouting_label(&self, session: SessionId, step: Step) -> Label {
        let label = self.label(session, step);
        Label::new(label.procedure.rerouting(), step)
    }
}
