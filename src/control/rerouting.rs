//! Rerouting inside one QKDN: P10 and P13 steps 5, 6, 9 and 10.
//!
//! Status is pushed over Cq and Ck and flooded over Cx. A route is changed when one of its hops is PASSIVE or OFF and
//! another path has key; else a PASSIVE hop is kept until it is OFF, and then the session waits or fails. A segment
//! whose border fails agrees on another with the QKDN beyond it: [`negotiation`](super::negotiation). A change inside one
//! QKDN is that QKDN's own business and needs no coordination.

use std::collections::{BTreeMap, BTreeSet};

use super::controller::Controller;
use super::knowledge::{HopState, News};
use super::reservation::Informs;
use super::segment::{Crossing, Segment, SegmentState, Side};
use crate::architecture::message::{
    Ask, ControlMessage, FaultDecision, NewRoute, PathsAsked, Plane, StatusChange, Subject,
};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant, SessionState};
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
        if self.knowledge.learn(change, origin, fault) == News::Nothing {
            return;
        }
        self.flood(change, origin, fault, from, out);
        self.vectors_after(change, fault, now, out);
        self.act_on(change, now, out);
    }

    /// What a change of status means for ways to others and for sessions.
    pub(super) fn act_on(&mut self, change: StatusChange, now: Time, out: &mut Outbox) {
        self.offer_after(change, out);
        if change.is_good() {
            self.release_held(out);
            self.consider_suspended(change, now, out);
            return self.consider_reverting(now, out);
        }
        if let StatusChange::Link { link, .. } = change
            && self.knowledge.is_maintained(link)
        {
            return; // announced: whoever could leave has left
        }
        let touches = |hop: &Hop| change.touches(hop);
        // Keys that come over a border are spent from the other side's store.
        let is_level = matches!(change, StatusChange::Level { .. });
        let border = |segment: &Segment| {
            let sides = [Side::Before, Side::After].into_iter();
            let watched = sides.filter(|side| !is_level || *side == Side::After);
            let crossings = watched.filter_map(|side| segment.crossing(side));
            crossings
                .filter_map(|crossing| self.own_hop(crossing))
                .any(touches)
        };
        let touched: Vec<SessionId> = self
            .segments
            .iter()
            .filter(|(_, segment)| border(segment) || segment.path.iter().any(|&hop| touches(self.hop(hop))))
            .map(|(&session, _)| session)
            .collect();
        for session in touched {
            self.reconsider(session, now, out);
        }
    }

    /// There is news about a session's route: it is looked at, at once or after the reroute under way.
    pub(super) fn reconsider(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        match self.segments.get_mut(&session) {
            Some(segment) if segment.state != SegmentState::Active => segment.stale = true,
            _ => self.consider_rerouting(session, now, out),
        }
    }

    /// This QKDN's own hop across a border that a session crosses.
    pub(super) fn own_hop(&self, crossing: &Crossing) -> Option<&Hop> {
        let mut borders = self.surroundings.borders.iter();
        let own = borders.find(|it| it.boundary == crossing.border.boundary);
        own.map(|it| &it.hop)
    }

    /// The worst hop of a path.
    pub(super) fn worst_of(&self, path: &[HopId]) -> (HopState, Option<HopId>) {
        let domain = &self.surroundings.domain;
        let states = path
            .iter()
            .map(|&id| (self.knowledge.state(self.hop(id), domain), Some(id)));
        states
            .max_by_key(|&(state, _)| state)
            .unwrap_or((HopState::Active, None))
    }

    /// How a session's border does at a side, and this side's hop across, if it has a border there.
    pub(super) fn border_state(&self, session: SessionId, side: Side) -> Option<(HopState, HopId)> {
        let domain = &self.surroundings.domain;
        let hop = self.own_hop(self.segments[&session].crossing(side)?)?;
        let state = match side {
            Side::Before => self.knowledge.state_towards(hop, domain),
            Side::After => self.knowledge.state(hop, domain),
        };
        Some((state, hop.id))
    }

    /// The worst hop of a session's way, its borders included, if that does not make key.
    fn worst_hop(&self, session: SessionId) -> Option<(HopState, HopId)> {
        let domain = &self.surroundings.domain;
        let path = self.segments[&session].path.iter();
        let inside = path.map(|&hop| (self.knowledge.state(self.hop(hop), domain), hop));
        let sides = [Side::Before, Side::After].into_iter();
        let borders = sides.filter_map(|side| self.border_state(session, side));
        let worst = inside.chain(borders).max_by_key(|&(state, _)| state);
        worst.filter(|&(state, _)| state > HopState::Active)
    }

    /// Whether the KMs at the two ends of a hop of a session's way do not reach one another. Controllers that do not are
    /// another matter: whether they still agree, only a request shows.
    pub(super) fn is_out_of_reach(&self, session: SessionId) -> bool {
        let segment = &self.segments[&session];
        let path = segment.path.iter().map(|&hop| self.hop(hop));
        let borders = segment.crossings().filter_map(|crossing| self.own_hop(crossing));
        path.chain(borders).any(|hop| !self.knowledge.kms_reach(hop))
    }

    /// The hop by which a session's way fails.
    pub(super) fn failed_hop(&self, session: SessionId) -> Option<HopId> {
        let worst = self.worst_hop(session).map(|(_, hop)| hop);
        worst.or_else(|| self.lost_by_vectors(session))
    }

    /// The fault behind a failed hop, as far as is known.
    pub(super) fn fault_of(&self, hop: HopId) -> Option<FaultId> {
        self.knowledge
            .fault(self.hop(hop))
            .or_else(|| self.fault_by_vectors())
    }

    pub(super) fn consider_rerouting(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        if self.segments[&session].doubted {
            return; // looked at once it is known to stand
        }
        let Some(worst) = self.failed_hop(session) else {
            return;
        };
        let fault = self.fault_of(worst);
        if let Some(fault) = fault {
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant: ReroutingInstant::Reported,
                decider: None,
            });
        }
        out.explain(|| {
            let hop = self.hop(worst);
            let reason = if !self.knowledge.ends_reach(hop) {
                "a hop of the route is out of reach"
            } else if self.knowledge.generating(hop) {
                "a hop of the route cannot be used"
            } else {
                "a hop of the route stopped making key"
            };
            Decision::new(Choice::Analyse, Subject::session(session, fault), reason).at_hop(worst)
        });
        if self.holds_off(session, now, out) {
            return;
        }
        self.begin_rerouting(session, fault, now, out);
    }

    /// A report is to be analysed: until that is over, requests are held.
    pub(super) fn begin_rerouting(
        &mut self,
        session: SessionId,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) {
        let fault = self.switch_over(session, fault, out);
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.state = SegmentState::Rerouting { fault, awaited: 0 };
        segment.due = now + self.surroundings.parameters.analysis;
        out.wake(segment.due, Timer::Analysed(session));
        // One that is suspended stays so until there is another path.
        if !self.is_in(session, SessionState::Suspended) {
            let label = self.decision_label(session, Step::Decision);
            self.session_state(session, SessionState::Rerouting, label, out);
        }
    }

    fn instant(&self, session: SessionId, instant: ReroutingInstant, out: &mut Outbox) {
        Self::instant_of(session, self.fault_behind(session), instant, out);
    }

    /// The fault that a segment is rerouted for, if it is and one is known.
    pub(super) fn fault_behind(&self, session: SessionId) -> Option<FaultId> {
        match self.segments.get(&session)?.state {
            SegmentState::Rerouting { fault, .. } => fault,
            SegmentState::Active => None,
        }
    }

    pub(super) fn instant_of(
        session: SessionId,
        fault: Option<FaultId>,
        instant: ReroutingInstant,
        out: &mut Outbox,
    ) {
        if let Some(fault) = fault {
            out.observe(Observation::Rerouting {
                fault,
                session,
                instant,
                decider: None,
            });
        }
    }

    /// Step 6: the report is analysed; the controller decides to look for another path.
    pub(super) fn on_analysed(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        if !self.stage_ends(session, now) {
            return;
        }
        let fault = self.fault_behind(session);
        out.observe(Observation::Internal {
            label: self.decision_label(session, Step::Decision),
            subject: Subject::session(session, fault),
            note: "analyses the report; decides to look for another path",
        });
        self.instant(session, ReroutingInstant::Decided, out);
        if let Some(side) = self.side_to_change(session) {
            let asks = if self.is_to_propose(session, side) {
                PathsAsked::Offers
            } else {
                PathsAsked::Proposal
            };
            self.share_paths(session, side, fault, asks, out);
        }
        let due = now + self.surroundings.parameters.computation;
        self.segments.get_mut(&session).expect("it has a stage").due = due;
        out.wake(due, Timer::Computed(session));
    }

    /// Whether a stage of rerouting ends now, and nothing has been agreed on meanwhile.
    fn stage_ends(&self, session: SessionId, now: Time) -> bool {
        self.segments.get(&session).is_some_and(|segment| {
            matches!(segment.state, SegmentState::Rerouting { .. })
                && segment.due == now
                && segment.negotiation.is_none()
                && !segment.doubted
        })
    }

    /// This side's path between the segment's ends, over hops that make key.
    pub(super) fn inside(&self, session: SessionId) -> Option<Vec<HopId>> {
        self.active_path(session, self.segments[&session].ends)
    }

    /// The side whose border must change: one that has stopped making key, or one of those that the inside no longer
    /// joins, where another border at it can be reached if there is one.
    fn side_to_change(&self, session: SessionId) -> Option<Side> {
        let sides = [Side::After, Side::Before];
        let fails = sides.into_iter().find(|&side| self.border_fails(session, side));
        if fails.is_some() || self.inside(session).is_some() {
            return fails;
        }
        let segment = &self.segments[&session];
        let mut crossed = sides.into_iter().filter(|&side| segment.crossing(side).is_some());
        let first = crossed.clone().next();
        crossed
            .find(|&side| self.knows_another_border(session, side))
            .or(first)
    }

    /// Whether it is for this side to propose another border. A failed border is seen on both sides: the one that keys
    /// come from proposes. What fails inside a QKDN only that one sees.
    fn is_to_propose(&self, session: SessionId, side: Side) -> bool {
        side == Side::After || self.inside(session).is_none()
    }

    /// The path is computed: change over, agree on another border, or keep what there is.
    pub(super) fn on_computed(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        if !self.stage_ends(session, now) {
            return;
        }
        let fault = self.fault_behind(session);
        self.instant(session, ReroutingInstant::Computed, out);
        let goes_home = self.home_border(session).is_some();
        let side = if goes_home {
            Some(Side::After)
        } else {
            self.side_to_change(session)
        };
        if side.map_or_else(
            || self.inside(session).is_none(),
            |side| self.is_to_propose(session, side),
        ) {
            if !side.is_some_and(|side| self.propose(session, side, fault, now, out)) {
                self.keep_or_give_back(session, fault, now, out);
            }
            return;
        }
        let inside = self.inside(session);
        let segment = &self.segments[&session];
        let border = segment
            .path
            .last()
            .copied()
            .filter(|&hop| self.hop(hop).crosses_border);
        out.explain(|| {
            let path: Vec<HopId> = segment
                .path
                .iter()
                .copied()
                .filter(|&hop| Some(hop) != border)
                .collect();
            let reason = match &inside {
                Some(other) if *other != path => "a hop of the old route stopped making key",
                _ if side == Some(Side::Before) => "the border is for the other side to change",
                _ => "the route is kept: it is the best of those that make key",
            };
            let taken = inside.as_deref().unwrap_or(&path);
            Decision::new(Choice::Reroute, Subject::session(session, fault), reason).among(self.candidates(
                (segment.ends, segment.bits),
                border,
                Some(taken),
            ))
        });
        let changed = inside.map(|path| path.into_iter().chain(border).collect::<Vec<HopId>>());
        match changed {
            Some(path) if path != segment.path => {
                // Nobody else to agree with: the switch instant is now.
                self.instant(session, ReroutingInstant::Coordinated, out);
                self.change_over(session, path, fault, now, out);
            }
            _ => {
                let step = if side == Some(Side::Before) {
                    let note = "the border is for the other side to change: waits for what it proposes";
                    self.note_decision(session, fault, (Step::AwaitsProposal, note), out);
                    Step::AwaitsProposal
                } else {
                    self.note_that_it_stays(session, fault, out);
                    Step::StandBy
                };
                self.resume(session, step, now, out);
            }
        }
    }

    /// Step 6, where nothing comes of it: the route is kept, or the session has no way left.
    pub(super) fn note_that_it_stays(&self, session: SessionId, fault: Option<FaultId>, out: &mut Outbox) {
        let note = match self.state_by_knowledge(session) {
            SessionState::Suspended => (Step::StandBy, "no other path makes key: the session is suspended"),
            _ if self.failed_hop(session).is_none() && !self.border_fails(session, Side::After) => {
                (Step::Decision, "every hop of the route makes key: it is kept")
            }
            _ => (Step::Decision, "no other path makes key: the route is kept"),
        };
        self.note_decision(session, fault, note, out);
    }

    fn note_decision(
        &self,
        session: SessionId,
        fault: Option<FaultId>,
        (step, note): (Step, &'static str),
        out: &mut Outbox,
    ) {
        out.observe(Observation::Internal {
            label: self.decision_label(session, step),
            subject: Subject::session(session, fault),
            note,
        });
    }

    /// The label of a decision: by the border that is to be changed, if one is.
    fn decision_label(&self, session: SessionId, step: Step) -> Label {
        let segment = self.segments.get(&session);
        match segment.and_then(|_| self.side_to_change(session)) {
            Some(side) => self.crossing_label(session, side, step),
            None => self.rerouting_label(session, step),
        }
    }

    /// What an established session is by what is known of its way: suspended where a hop has no key and makes none.
    pub(super) fn state_by_knowledge(&self, session: SessionId) -> SessionState {
        match self.worst_hop(session) {
            Some((HopState::Off, _)) => SessionState::Suspended,
            _ => SessionState::Active,
        }
    }

    /// Something works again: sessions that are suspended are restored, or take another path.
    ///
    /// Assumption: that two controllers hear one another again does not say that they still agree; the next request will.
    fn consider_suspended(&mut self, change: StatusChange, now: Time, out: &mut Outbox) {
        let controllers = matches!(
            change,
            StatusChange::Reachable {
                plane: Plane::Controllers,
                ..
            }
        );
        if controllers {
            return;
        }
        let suspended: Vec<SessionId> = self
            .segments
            .iter()
            .filter(|(_, segment)| segment.state == SegmentState::Active)
            .map(|(&session, _)| session)
            .filter(|&session| self.is_in(session, SessionState::Suspended))
            .collect();
        for session in suspended {
            if self.state_by_knowledge(session) == SessionState::Active {
                let note = "the route can be used again: the session is restored";
                self.note_decision(session, None, (Step::StandBy, note), out);
                let label = self.rerouting_label(session, Step::StandBy);
                self.session_state(session, SessionState::Active, label, out);
            } else if !matches!(change, StatusChange::Level { .. }) {
                self.consider_rerouting(session, now, out);
            }
        }
    }

    /// A QCLM's decision (P11/P14 step 4a): what it knows of the hop is learned, then step 6 is entered.
    ///
    /// Assumption: an analysis by which nothing is to be done takes no time of its own.
    pub(super) fn on_fault_decision(
        &mut self,
        session: SessionId,
        decision: FaultDecision,
        (hop, at, fault): (Option<(HopId, bool)>, Time, Option<FaultId>),
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let rerouting = |controller: &Controller| {
            let segment = controller.segments.get(&session);
            segment.is_some_and(|segment| segment.state != SegmentState::Active)
        };
        let before = rerouting(self);
        if let Some((hop, generating)) = hop {
            if let (Some(link), true) = (
                self.hop(hop).link,
                generating == (decision == FaultDecision::Restore),
            ) {
                let change = StatusChange::Link { link, generating };
                self.on_status(change, at, fault, from, now, out);
            }
            if decision == FaultDecision::Restore && self.knowledge.is_depleted(hop) {
                let change = StatusChange::Level { hop, class: 1 };
                self.on_status(change, at, None, from, now, out);
            } else if !generating && decision != FaultDecision::Restore {
                let change = StatusChange::Level { hop, class: 0 };
                self.on_status(change, at, None, from, now, out);
            }
        }
        let (step, note) = match (self.segments.get(&session), decision) {
            _ if before => (Step::StandBy, "a reroute is under way already"),
            _ if rerouting(self) => return, // it is being analysed
            (None, _) => {
                let note = "the session has no route here: nothing is to be changed";
                (Step::StandBy, note)
            }
            (_, FaultDecision::StandBy) => (Step::StandBy, "stands by for what the other side says"),
            (_, FaultDecision::Restore) => {
                let note = "the route can be used again: the session goes on";
                (Step::StandBy, note)
            }
            (Some(segment), _) if segment.doubted => {
                let note = "whether the session still stands is not known yet: nothing is changed before";
                (Step::StandBy, note)
            }
            _ if self.failed_hop(session).is_some() => return self.consider_rerouting(session, now, out),
            _ => {
                let note = "every hop of the route makes key: the route is kept";
                (Step::Decision, note)
            }
        };
        self.note_decision(session, fault, (step, note), out);
        out.explain(|| Decision::new(Choice::Analyse, Subject::session(session, fault), note));
    }

    /// The session's way over its borders is given up, for this `reason`: the source begins again with the border choice.
    pub(super) fn lose_route(
        &mut self,
        session: SessionId,
        fault: Option<FaultId>,
        reason: &'static str,
        out: &mut Outbox,
    ) {
        Self::instant_of(session, fault, ReroutingInstant::Coordinated, out);
        out.explain(|| Decision::new(Choice::Reroute, Subject::session(session, fault), reason));
        let label = self.rerouting_label(session, Step::RerouteCommand);
        // Only the first one's source can begin anew.
        if self.has_several_neighbours() {
            self.tell_before(session, true, fault, out);
        }
        let segment = self.segments.remove(&session).expect("the caller has it");
        let left: BTreeSet<NodeId> = self.kms_of(&segment);
        self.left.entry(session).or_default().extend(left);
        self.free_leg_route(session, label, out);
        self.cancel_refused(session, &segment.refused, &segment.path, out);
        self.drop_pending(session, out);
        self.session_state_for(session, SessionState::Failed, label, fault, out);
        if let Some(next) = segment.next_controller() {
            let close = ControlMessage::SessionClose {
                session,
                generation: segment.generation,
                decider: next,
                km: None,
            };
            out.send(Address::controller(next), label, close);
        }
        if let Some(source) = segment.place.source {
            if let Some(fault) = fault {
                out.observe(Observation::Commands {
                    fault,
                    session,
                    kms: 1,
                    gives_back: true,
                });
            }
            self.deliver(
                source,
                label,
                &ControlMessage::RouteLost {
                    session,
                    generation: segment.generation,
                    source,
                    fault,
                },
                out,
            );
        }
    }

    /// Steps 9 and 10: every KM whose next hop changes is told, and answers when its route is active.
    pub(super) fn change_over(
        &mut self,
        session: SessionId,
        path: Vec<HopId>,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) {
        let label = self.rerouting_label(session, Step::RerouteCommand);
        self.session_state(session, SessionState::Rerouting, label, out);
        let procedure = self.segments[&session].procedure;
        let old = self.segments[&session].path.clone();
        let refused = self.segments[&session].refused.clone();
        let left: Vec<HopId> = old.iter().copied().filter(|hop| !path.contains(hop)).collect();
        self.cancel_refused(session, &refused, &left, out);

        let epoch = self.segments[&session].epoch + 1;
        let segment = &self.segments[&session];
        // The first KM is told of a new border to leave by even where its own next hop stays.
        let negotiated = segment.negotiation.as_ref();
        let new_border = negotiated.is_some_and(|mine| mine.side == Side::After);
        let changes = negotiated.map(|mine| mine.proposal.border).or(segment.border());
        let told = |(place, hop): &(usize, &HopId)| !old.contains(hop) || (new_border && *place == 0);
        let changed: Vec<HopId> = path
            .iter()
            .enumerate()
            .filter(told)
            .map(|(_, &hop)| hop)
            .collect();
        if let Some(fault) = fault {
            out.observe(Observation::Commands {
                fault,
                session,
                kms: changed.len() as u32,
                gives_back: false,
            });
        }
        for &hop in &changed {
            let km = self.hop(hop).from;
            let command = NewRoute {
                session,
                km,
                hop,
                border: segment.border(),
                epoch,
                generation: segment.generation,
                reply_to: self.me(),
                fault,
                procedure,
                rerouting: label.procedure,
                terms: self.terms(&self.segments[&session], hop),
                to_border_km: changes.is_some_and(|border| [border.near, border.far].contains(&km)),
            };
            self.deliver(km, label, &ControlMessage::RerouteCommand(command), out);
        }
        let kms = |hops: &[HopId]| {
            hops.iter()
                .map(|&hop| self.hop(hop).from)
                .collect::<Vec<NodeId>>()
        };
        let stay = kms(&path);
        let former: Vec<NodeId> = kms(&old).into_iter().filter(|km| !stay.contains(km)).collect();
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        (segment.epoch, segment.path) = (epoch, path);
        segment.diverted = !std::mem::take(&mut segment.reverting);
        segment.state = SegmentState::Rerouting {
            fault,
            awaited: changed.len(),
        };
        segment.due = Time::NEVER;
        segment.former.extend(former);
        let nobody_is_told = changed.is_empty();
        self.tell_leg_route(session, out);
        self.record_route(session, out);
        if nobody_is_told {
            self.on_installed_here(session, now, out);
        }
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
            // Where another border is being agreed on since, nobody waits for what was commanded before.
            let Some(others) = awaited.checked_sub(1) else {
                return;
            };
            *awaited = others;
            if others == 0 {
                self.on_installed_here(session, now, out);
            }
        }
    }

    /// The segment carries requests again, after this step: those that were refused may ask, those that were held are
    /// asked for.
    pub(super) fn resume(&mut self, session: SessionId, after: Step, now: Time, out: &mut Outbox) {
        self.resume_as(session, self.rerouting_label(session, after), now, out);
    }

    /// The same, as the end of this step.
    pub(super) fn resume_as(&mut self, session: SessionId, after: Label, now: Time, out: &mut Outbox) {
        let fault = self.fault_behind(session);
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.state = SegmentState::Active;
        segment.reverting = false;
        for side in [Side::Before, Side::After] {
            if let Some(crossing) = segment.crossing_mut(side) {
                (crossing.shared_paths, crossing.fails_beyond) = (false, false);
            }
        }
        let held = std::mem::take(&mut segment.held);
        let refused = segment.refused.clone();
        let km = segment.ends[0];
        let label = self.label(session, Step::Start);
        let state = self.state_by_knowledge(session);
        self.session_state_for(session, state, after, fault, out);
        for (number, attempt) in refused {
            let request = RequestId { session, number };
            self.on_can_serve(Ask { request, attempt }, km, label, out);
        }
        for request in held {
            self.reserve(request, Informs::Later, out);
        }
        let stale = self
            .segments
            .get_mut(&session)
            .map(|segment| std::mem::take(&mut segment.stale));
        if stale == Some(true) {
            self.consider_rerouting(session, now, out);
        }
        self.switch_back(session, out);
    }

    /// The label of a step of a reroute: a change of border is one procedure to its end.
    pub(super) fn rerouting_label(&self, session: SessionId, step: Step) -> Label {
        let segment = self.segments.get(&session);
        let agreed = segment.and_then(|segment| segment.negotiation.as_ref());
        match agreed {
            Some(negotiation) => Label::new(negotiation.proposal.procedure, step),
            None => Label::new(self.label(session, step).procedure.rerouting(), step),
        }
    }
}
