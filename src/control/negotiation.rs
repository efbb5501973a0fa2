//! Agreeing on another border: P10 and P13 steps 7 and 8.
//!
//! Two controllers, one per QKDN, decide on a session that crosses between them; where it passes several QKDNs, each
//! border is agreed on by its two neighbours alone. Where its border must change, each says
//! what it can offer (step 7), one proposes a border with the next epoch, the other accepts or rejects it, and COMMIT
//! names the instant at which both command their KMs (step 8): consistent paths at the agreed time, or none. Each side
//! computes its own path; what crosses Cxi is a border, an epoch, and a digest. Once its KMs are on the new route, the side
//! away from the source says so, and so does a side that has accepted (step 10).
//!
//! Nobody can make two sides switch at one instant over a channel that loses messages. A side that has committed and
//! does not hear that the other has changed too repeats COMMIT, and after its retries gives the session back to its source:
//! the half-switched interval is bounded by that horizon, and until then both sides refuse reservations of the other epoch.
//!
//! Assumption: the switch instant is COMMIT's expected arrival, by half of the round trip just measured, and a guard.

use super::controller::Controller;
use super::knowledge::HopState;
use super::segment::{Crossing, Segment, SegmentState, Side};
use crate::architecture::message::{
    BorderChoice, BorderOffer, ControlMessage, PathsAsked, Proposal, RejectCause, Subject,
};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant, SessionState};
use crate::architecture::surroundings::Border;
use crate::architecture::{Address, Label, Observation, Outbox, Step, Timer};
use crate::ids::{BoundaryId, ControllerId, FaultId, HopId, SessionId};
use crate::kernel::{Span, Time};

/// How far a change of border is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// This side has proposed; since when.
    Proposed(Time),
    /// This side's proposal has crossed the other side's, which prevails: this side waits for it, and gives up where it was
    /// refused before.
    Yielded,
    /// This side has accepted, and waits for COMMIT.
    Accepted,
    /// Both sides switch at this instant; whether this side has sent COMMIT.
    Committed {
        /// When.
        at: Time,
        /// Whether it is this side's COMMIT.
        mine: bool,
    },
    /// This side's KMs are on the new route; the other side has not said the same yet. Whether this side has proposed.
    Installed {
        /// Whether it is this side's COMMIT.
        mine: bool,
    },
}

/// A change that this side has committed to and made, while keys go on: the other side may have missed COMMIT.
#[derive(Clone, Copy, Debug)]
pub struct Unconfirmed {
    /// What was agreed on.
    pub(super) proposal: Proposal,
    /// When it is said again.
    pub(super) deadline: Time,
    /// How often it was.
    pub(super) repeated: u32,
}

/// A change of border that is being agreed on.
#[derive(Clone, Debug)]
pub struct Negotiation {
    /// At which side.
    pub side: Side,
    /// What is proposed.
    pub proposal: Proposal,
    /// This side's path for it, without the border hop.
    pub path: Vec<HopId>,
    /// How far it is.
    pub stage: Stage,
    /// When the other side is late.
    deadline: Time,
    /// How often this side has repeated itself.
    repeated: u32,
    /// Whether the other side's KMs are on the new route.
    pub peer_switched: bool,
}

impl Controller {
    /// Borders to the QKDN at one side of a session, seen as keys go, with this side's hop across.
    fn borders_of(&self, session: SessionId, side: Side) -> Vec<(BorderChoice, &Border)> {
        let Some(crossing) = self.segments[&session].crossing(side) else {
            return Vec::new();
        };
        let seen = |border: &Border| {
            let (here, there) = (border.hop.from, border.hop.to);
            let (near, far) = match side {
                Side::After => (here, there),
                Side::Before => (there, here),
            };
            BorderChoice {
                boundary: border.boundary,
                near,
                far,
                procedure: border.procedure(),
            }
        };
        let borders = self.surroundings.borders.iter();
        let to_peer = borders.filter(|it| it.far_qkdn == crossing.qkdn);
        to_peer.map(|border| (seen(border), border)).collect()
    }

    /// This QKDN's path to a border over hops that make key.
    pub(super) fn path_to(&self, session: SessionId, side: Side, border: &Border) -> Option<Vec<HopId>> {
        let domain = &self.surroundings.domain;
        let segment = &self.segments[&session];
        let active = self.knowledge.state(&border.hop, domain) == HopState::Active;
        let [from, to] = match side {
            Side::After => [segment.ends[0], border.hop.from],
            Side::Before => [border.hop.from, segment.ends[1]],
        };
        active.then(|| self.active_path(session, [from, to]))?
    }

    /// Whether the session's border at a side has stopped making key itself, as this side or the other one knows.
    pub(super) fn border_fails(&self, session: SessionId, side: Side) -> bool {
        let crossing = self.segments[&session].crossing(side);
        let fails_here = self
            .border_state(session, side)
            .is_some_and(|(state, _)| state > HopState::Active);
        fails_here || crossing.is_some_and(|crossing| crossing.fails_beyond)
    }

    /// Whether another border than the session's can be reached at a side.
    pub(super) fn knows_another_border(&self, session: SessionId, side: Side) -> bool {
        let crossing = self.segments[&session].crossing(side);
        let Some(present) = crossing.map(|crossing| crossing.border.boundary) else {
            return false;
        };
        let mut borders = self.borders_of(session, side).into_iter();
        borders.any(|(choice, border)| {
            choice.boundary != present && self.path_to(session, side, border).is_some()
        })
    }

    /// Step 7: says what this side can offer, once per reroute, and what it asks for.
    pub(super) fn share_paths(
        &mut self,
        session: SessionId,
        side: Side,
        fault: Option<FaultId>,
        asks: PathsAsked,
        out: &mut Outbox,
    ) {
        let Some(crossing) = self.segments[&session].crossing(side) else {
            return;
        };
        if crossing.shared_paths {
            return;
        }
        let peer = crossing.controller;
        let offers = self
            .borders_of(session, side)
            .into_iter()
            .map(|(choice, border)| {
                let path = self.path_to(session, side, border);
                BorderOffer {
                    boundary: choice.boundary,
                    reachable: path.is_some(),
                    hops: path.as_ref().map_or(0, |path| path.len() as u16),
                    usable_bits: path.map_or(0, |path| self.known_to_be_usable(&path, &[])),
                }
            });
        let message = ControlMessage::PathInformation {
            session,
            offers: offers.collect(),
            asks,
            fault,
        };
        let label = self.crossing_label(session, side, Step::PathInformation);
        out.send(Address::controller(peer), label, message);
        if let Some(crossing) = self.crossing_mut(session, side) {
            crossing.shared_paths = true;
        }
    }

    fn crossing_mut(&mut self, session: SessionId, side: Side) -> Option<&mut Crossing> {
        self.segments.get_mut(&session)?.crossing_mut(side)
    }

    /// At which side of a session another QKDN's controller speaks.
    fn side_of(&self, session: SessionId, from: Address) -> Option<Side> {
        let segment = self.segments.get(&session)?;
        segment.side_of(ControllerId(from.index()))
    }

    /// The label of what is agreed on at a side of a session.
    pub(super) fn crossing_label(&self, session: SessionId, side: Side, step: Step) -> Label {
        let crossing = self
            .segments
            .get(&session)
            .and_then(|segment| segment.crossing(side));
        match crossing {
            Some(crossing) => Label::new(crossing.border.procedure.rerouting(), step),
            None => self.rerouting_label(session, step),
        }
    }

    /// Step 7 at the other side: kept for the choice, and answered in kind. Who learns of the failure by it analyses it
    /// first (step 6). One that is waited for to propose, and has not found the border to fail by itself, looks for another
    /// path as if it had.
    ///
    /// Assumption: that analysis takes no time of its own: the report has been analysed by who tells of it.
    pub(super) fn on_path_information(
        &mut self,
        session: SessionId,
        (offers, asks): (&[BorderOffer], PathsAsked),
        fault: Option<FaultId>,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let Some(side) = self.side_of(session, from) else {
            return;
        };
        let mut lifted = false;
        for offer in offers.iter().filter(|offer| offer.reachable) {
            lifted |= self.is_offered_beyond(offer.boundary);
        }
        let unreachable = offers.iter().filter(|offer| !offer.reachable);
        if let Some(crossing) = self.crossing_mut(session, side) {
            crossing.refused_borders = unreachable.map(|offer| offer.boundary).collect();
        }
        let active = self.segments[&session].state == SegmentState::Active;
        let shared = self.segments[&session]
            .crossing(side)
            .is_none_or(|it| it.shared_paths);
        if asks != PathsAsked::Nothing && (active || !shared) {
            self.offer_paths(session, side, (asks, fault), now, out);
        }
        if lifted {
            // A border that was left out can be had, by this session and others.
            let crosses = |segment: &Segment| segment.crossings().next().is_some();
            let all = self.segments.iter().filter(|(_, segment)| crosses(segment));
            for session in all.map(|(&session, _)| session).collect::<Vec<_>>() {
                self.reconsider(session, now, out);
            }
        }
    }

    /// Step 6, and 7 in answer.
    fn offer_paths(
        &mut self,
        session: SessionId,
        side: Side,
        (asks, fault): (PathsAsked, Option<FaultId>),
        now: Time,
        out: &mut Outbox,
    ) {
        let active = self.segments[&session].state == SegmentState::Active;
        out.observe(Observation::Internal {
            label: self.crossing_label(session, side, Step::Decision),
            subject: Subject::session(session, fault),
            note: "analyses what the other side tells; decides to offer its paths",
        });
        if let Some(crossing) = self.crossing_mut(session, side) {
            crossing.shared_paths = false;
        }
        self.share_paths(session, side, fault, PathsAsked::Nothing, out);
        let waited_for = asks == PathsAsked::Proposal && side == Side::After && active;
        let takes_it_up = waited_for && !self.segments[&session].doubted && !self.border_fails(session, side);
        if let Some(crossing) = self.crossing_mut(session, side) {
            // An answer is no reroute of this side's own.
            (crossing.shared_paths, crossing.fails_beyond) = (!active || takes_it_up, takes_it_up);
        }
        if takes_it_up {
            Self::instant_of(session, fault, ReroutingInstant::Reported, out);
            self.begin_rerouting(session, fault, now, out);
        }
    }

    /// Step 8: proposes the best border at a side that nobody has refused. `false` if there is none.
    pub(super) fn propose(
        &mut self,
        session: SessionId,
        side: Side,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) -> bool {
        let Some(crossing) = self.segments[&session].crossing(side) else {
            return false;
        };
        if !self.reaches(crossing.controller) {
            // Nobody is there to agree with: the source begins anew, over whatever border can still be agreed on.
            let reason = "the controller beyond the border is not reached: the source begins anew";
            self.lose_route(session, fault, reason, out);
            return true;
        }
        self.share_paths(session, side, fault, PathsAsked::Offers, out);
        let Some(crossing) = self.segments[&session].crossing(side) else {
            return false;
        };
        let home = self.home_border(session).filter(|_| side == Side::After);
        let others = self
            .borders_of(session, side)
            .into_iter()
            .filter(|(choice, border)| {
                if home.is_some_and(|home| home.boundary != choice.boundary) {
                    return false;
                }
                let off = self.is_off_beyond(border);
                let boundary = choice.boundary;
                boundary != crossing.border.boundary && !off && !crossing.refused_borders.contains(&boundary)
            });
        let reached =
            others.filter_map(|(choice, border)| Some((self.path_to(session, side, border)?, choice)));
        let taken = self.segments[&session]
            .leg
            .map(|leg| self.taken(leg))
            .unwrap_or_default();
        let shared = |choice: &BorderChoice| taken.nodes.contains(&choice.near);
        let rank =
            |(path, choice): &(Vec<HopId>, BorderChoice)| (shared(choice), path.len(), choice.boundary);
        let Some((path, border)) = reached.min_by_key(rank) else {
            return false;
        };
        let (peer, epoch) = (crossing.controller, crossing.agreement + 1);
        let proposal = Proposal {
            session,
            generation: self.segments[&session].generation,
            epoch,
            border,
            digest: digest(session, epoch, border.boundary, &path),
            fault,
            procedure: crossing.border.procedure.rerouting(),
        };
        out.explain(|| {
            let reason = "the border is to be changed: the other side is asked";
            Decision::new(Choice::Reroute, Subject::session(session, fault), reason).at(border.near)
        });
        let label = Label::new(proposal.procedure, Step::Confirmation);
        self.session_state(session, SessionState::Rerouting, label, out);
        out.send(
            Address::controller(peer),
            label,
            ControlMessage::Propose(proposal),
        );
        let deadline = self.wait(session, 1, now, out);
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.negotiation = Some(Negotiation {
            side,
            proposal,
            path,
            stage: Stage::Proposed(now),
            deadline,
            repeated: 0,
            peer_switched: false,
        });
        true
    }

    /// Whether another QKDN's controller can be reached, as far as is known of any border that it serves.
    fn reaches(&self, peer: ControllerId) -> bool {
        let borders = self.surroundings.borders.iter();
        let mut reached = (borders.filter(|border| border.far_controller == peer))
            .map(|border| self.knowledge.controllers_reach(&border.hop))
            .peekable();
        reached.peek().is_none() || reached.any(|reached| reached)
    }

    /// Sets a timer for an answer of the other side; `times` the time-out from now.
    fn wait(&self, session: SessionId, times: u64, now: Time, out: &mut Outbox) -> Time {
        let deadline = now
            + Span(
                self.surroundings
                    .parameters
                    .coordination_timeout
                    .0
                    .saturating_mul(times),
            );
        out.wake(deadline, Timer::Coordination(session));
        deadline
    }

    /// Step 8: the other side proposes.
    pub(super) fn on_propose(&mut self, proposal: Proposal, from: Address, now: Time, out: &mut Outbox) {
        let session = proposal.session;
        let label = Label::new(proposal.procedure, Step::Confirmation);
        match self.judge(&proposal, from) {
            Err(cause) => out.send(from, label, ControlMessage::Reject { proposal, cause }),
            Ok((side, path)) => {
                out.send(from, label, ControlMessage::Accept(proposal));
                self.session_state_for(session, SessionState::Rerouting, label, proposal.fault, out);
                let horizon = u64::from(self.surroundings.parameters.coordination_retries) + 1;
                let deadline = self.wait(session, horizon, now, out);
                let segment = self.segments.get_mut(&session).expect("it was judged");
                if segment.state == SegmentState::Active {
                    let fault = proposal.fault;
                    segment.state = SegmentState::Rerouting { fault, awaited: 0 };
                    segment.due = Time::NEVER;
                }
                segment.negotiation = Some(Negotiation {
                    side,
                    proposal,
                    path,
                    stage: Stage::Accepted,
                    deadline,
                    repeated: 0,
                    peer_switched: false,
                });
            }
        }
    }

    /// At which side a proposal is, and this QKDN's path for it; or why there is none.
    fn judge(&self, proposal: &Proposal, from: Address) -> Result<(Side, Vec<HopId>), RejectCause> {
        let session = proposal.session;
        let segment = self.segments.get(&session).ok_or(RejectCause::UnknownSession)?;
        let side = self.side_of(session, from).ok_or(RejectCause::UnknownSession)?;
        let crossing = segment.crossing(side).ok_or(RejectCause::UnknownSession)?;
        if let Some(mine) = segment
            .negotiation
            .as_ref()
            .filter(|mine| mine.stage != Stage::Yielded)
        {
            if mine.side != side {
                return Err(RejectCause::NoPath); // one border of a segment changes at a time
            }
            match mine.stage {
                // What was accepted is proposed again: the answer was lost.
                Stage::Accepted if mine.proposal == *proposal => return Ok((side, mine.path.clone())),
                Stage::Proposed(_) if side == Side::Before => {} // the source's side prevails
                Stage::Accepted | Stage::Yielded => {}
                Stage::Proposed(_) | Stage::Committed { .. } | Stage::Installed { .. } => {
                    return Err(RejectCause::Crossing);
                }
            }
        }
        // A segment that was established anew meanwhile has nothing to do with what is proposed for the one before it.
        if proposal.generation != segment.generation || proposal.epoch != crossing.agreement + 1 {
            return Err(RejectCause::StaleEpoch);
        }
        let borders = self.borders_of(session, side);
        let border = borders.iter().find(|(choice, _)| *choice == proposal.border);
        let path = border.and_then(|(_, border)| self.path_to(session, side, border));
        path.map(|path| (side, path)).ok_or(RejectCause::NoPath)
    }

    /// Whether the source looks for another route of a session that has one here.
    fn is_established_anew(&self, session: SessionId) -> bool {
        let present = self
            .segments
            .get(&session)
            .map_or(0, |segment| segment.generation);
        let mut all = self.establishing.iter();
        all.any(|(request, it)| request.session == session && it.order.ask.attempt > present)
    }

    /// Step 8: the other side has accepted; COMMIT names the instant.
    pub(super) fn on_accept(&mut self, proposal: Proposal, now: Time, out: &mut Outbox) {
        let guard = self.surroundings.parameters.coordination_guard;
        if self.is_established_anew(proposal.session) {
            return; // what was proposed is of a segment that ends
        }
        let Some(mine) = self.negotiation(proposal) else {
            return;
        };
        let Stage::Proposed(since) = mine.stage else {
            return;
        };
        let one_way = Span(now.since(since).0 / 2);
        let at = now + one_way + guard;
        mine.stage = Stage::Committed { at, mine: true };
        self.commit(proposal, at, now, out);
        out.wake(at, Timer::Switch(proposal.session));
    }

    fn commit(&mut self, proposal: Proposal, switch_at: Time, now: Time, out: &mut Outbox) {
        let session = proposal.session;
        let Some((_, peer)) = self.negotiating_with(session) else {
            return;
        };
        let label = Label::new(proposal.procedure, Step::Confirmation);
        let message = ControlMessage::Commit { proposal, switch_at };
        out.send(Address::controller(peer), label, message);
        let deadline = self.wait(session, 1, now.max(switch_at), out);
        if let Some(mine) = self.negotiation(proposal) {
            mine.deadline = deadline;
        }
    }

    /// At which side a session's border is being changed, and who decides across it.
    fn negotiating_with(&self, session: SessionId) -> Option<(Side, ControllerId)> {
        let segment = self.segments.get(&session)?;
        let side = segment.negotiation.as_ref()?.side;
        Some((side, segment.crossing(side)?.controller))
    }

    fn negotiation(&mut self, proposal: Proposal) -> Option<&mut Negotiation> {
        let negotiation = self.segments.get_mut(&proposal.session)?.negotiation.as_mut();
        negotiation.filter(|mine| mine.proposal == proposal)
    }

    /// Step 8: the other side has rejected.
    pub(super) fn on_reject(&mut self, proposal: Proposal, cause: RejectCause, now: Time, out: &mut Outbox) {
        let crossing = self.crossing_mut(proposal.session, Side::Before);
        let unconfirmed = crossing.and_then(|crossing| crossing.unconfirmed.as_ref());
        if unconfirmed.is_some_and(|late| late.proposal == proposal) {
            // This side has switched; the other has not, and will not.
            return self.give_up_unconfirmed(proposal, out);
        }
        let Some(mine) = self
            .negotiation(proposal)
            .filter(|mine| mine.stage != Stage::Yielded)
        else {
            return;
        };
        let side = mine.side;
        let committed = matches!(mine.stage, Stage::Committed { .. } | Stage::Installed { .. });
        let (session, fault) = (proposal.session, proposal.fault);
        if committed {
            // Nothing is consistent any more.
            let reason = "the other side has given up waiting for COMMIT: the source begins anew";
            return self.lose_route(session, fault, reason, out);
        }
        if cause == RejectCause::Crossing {
            // The other side's own proposal is on its way, or was here before.
            let horizon = u64::from(self.surroundings.parameters.coordination_retries) + 1;
            let deadline = self.wait(session, horizon, now, out);
            let mine = self.negotiation(proposal).expect("it was just there");
            (mine.stage, mine.deadline) = (Stage::Yielded, deadline);
            return;
        }
        let segment = self.segments.get_mut(&session).expect("it has the negotiation");
        segment.negotiation = None;
        match cause {
            RejectCause::UnknownSession => {
                let reason = "the other side does not know the session any more: the source begins anew";
                self.lose_route(session, fault, reason, out);
            }
            _ => {
                if let Some(crossing) = segment.crossing_mut(side) {
                    crossing.refused_borders.insert(proposal.border.boundary);
                }
                if !self.propose(session, side, fault, now, out) {
                    self.keep_or_give_back(session, fault, now, out);
                }
            }
        }
    }

    /// Step 8: COMMIT at the accepting side.
    pub(super) fn on_commit(
        &mut self,
        proposal: Proposal,
        switch_at: Time,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let session = proposal.session;
        let side = self.side_of(session, from).unwrap_or(Side::Before);
        let crossing = self.crossing_mut(session, side);
        let agreed = crossing.map(|crossing| crossing.agreement);
        match self.negotiation(proposal) {
            Some(mine) if mine.stage == Stage::Accepted => {
                let at = switch_at.max(now);
                (mine.stage, mine.deadline) = (Stage::Committed { at, mine: false }, Time::NEVER);
                out.wake(at, Timer::Switch(session));
            }
            Some(_) => {} // said again
            None if agreed == Some(proposal.epoch) => tell_switched(proposal, from, out),
            None => {
                let cause = RejectCause::StaleEpoch;
                let label = Label::new(proposal.procedure, Step::Confirmation);
                out.send(from, label, ControlMessage::Reject { proposal, cause });
            }
        }
    }

    /// The agreed instant: step 9 begins on both sides.
    pub(super) fn on_switch(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let Some(segment) = self.segments.get_mut(&session) else {
            return;
        };
        let Some(mine) = &mut segment.negotiation else {
            return;
        };
        let Stage::Committed { at, mine: by_me } = mine.stage else {
            return;
        };
        if at > now {
            return;
        }
        let (side, proposal, mut path) = (mine.side, mine.proposal, mine.path.clone());
        mine.stage = Stage::Installed { mine: by_me };
        let border = proposal.border;
        if let Some(crossing) = segment.crossing_mut(side) {
            (crossing.agreement, crossing.border) = (proposal.epoch, border);
            crossing.unconfirmed = None;
            crossing.refused_borders.clear();
        }
        match side {
            Side::After => segment.ends[1] = border.near,
            Side::Before => segment.ends[0] = border.far,
        }
        let leaves = segment.place.after.as_ref().map(|after| after.border.boundary);
        let mut hops = self.surroundings.borders.iter();
        path.extend(hops.find(|it| Some(it.boundary) == leaves).map(|it| it.hop.id));
        if side == Side::Before || segment.place.before.is_none() {
            segment.procedure = border.procedure;
        }
        let fault = proposal.fault;
        if !matches!(segment.state, SegmentState::Rerouting { .. }) {
            segment.state = SegmentState::Rerouting { fault, awaited: 0 };
        }
        let label = self.rerouting_label(session, Step::RerouteCommand);
        self.session_state(session, SessionState::Rerouting, label, out);
        Self::instant_of(session, fault, ReroutingInstant::Coordinated, out);
        self.change_over(session, path, fault, now, out);
    }

    /// Step 10 between the two: this side's KMs are on the agreed route.
    pub(super) fn on_installed_here(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let Some(segment) = self.segments.get(&session) else {
            return;
        };
        let Some(mine) = &segment.negotiation else {
            return self.resume(session, Step::RouteActive, now, out);
        };
        let Stage::Installed { mine: by_me } = mine.stage else {
            return; // a change inside is done; the border's is still being agreed on
        };
        let (proposal, peer_switched) = (mine.proposal, mine.peer_switched);
        let Some((side, peer)) = self.negotiating_with(session) else {
            return;
        };
        if side == Side::Before || !by_me {
            tell_switched(proposal, Address::controller(peer), out);
        }
        match side {
            Side::Before => {
                if by_me && !peer_switched {
                    let deadline = self.wait(session, 1, now, out);
                    let crossing = self.crossing_mut(session, side);
                    crossing.expect("it is negotiated at").unconfirmed = Some(Unconfirmed {
                        proposal,
                        deadline,
                        repeated: 0,
                    });
                }
                self.end_negotiation(session, Step::RouteActive, now, out);
            }
            Side::After if peer_switched => self.end_negotiation(session, Step::RouteActive, now, out),
            Side::After => {
                // Reserving before the other side is ready would only be refused.
                let deadline = self.wait(session, 1, now, out);
                if let Some(mine) = self.negotiation(proposal) {
                    mine.deadline = deadline;
                }
            }
        }
    }

    /// Step 10 between the two: the other side's KMs are on the agreed route.
    pub(super) fn on_switched(
        &mut self,
        session: SessionId,
        epoch: u32,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let Some(side) = self.side_of(session, from) else {
            return;
        };
        self.confirm(session, side, epoch);
        let segment = self.segments.get_mut(&session).expect("it has that side");
        let Some(mine) = segment
            .negotiation
            .as_mut()
            .filter(|mine| mine.side == side && mine.proposal.epoch == epoch)
        else {
            return;
        };
        mine.peer_switched = true;
        let done = matches!(segment.state, SegmentState::Rerouting { awaited: 0, .. });
        if side == Side::After && matches!(mine.stage, Stage::Installed { .. }) && done {
            self.end_negotiation(session, Step::RouteActive, now, out);
        }
    }

    /// The other side has shown that it has changed too.
    pub(super) fn confirm(&mut self, session: SessionId, side: Side, epoch: u32) {
        if let Some(crossing) = self.crossing_mut(session, side)
            && crossing.agreement == epoch
        {
            crossing.unconfirmed = None;
        }
    }

    fn end_negotiation(&mut self, session: SessionId, after: Step, now: Time, out: &mut Outbox) {
        let label = self.rerouting_label(session, after);
        self.segments
            .get_mut(&session)
            .expect("the caller has it")
            .negotiation = None;
        self.resume_as(session, label, now, out);
    }

    /// The other side has not said that it has changed too: COMMIT is repeated, or the session given back.
    fn on_unconfirmed(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let retries = u32::from(self.surroundings.parameters.coordination_retries);
        let crossing = self.crossing_mut(session, Side::Before);
        let peer = crossing.as_ref().map(|crossing| crossing.controller);
        let late = crossing.and_then(|crossing| crossing.unconfirmed.as_mut());
        let (Some(late), Some(peer)) = (late.filter(|late| late.deadline <= now), peer) else {
            return;
        };
        late.repeated += 1;
        let (proposal, gone) = (late.proposal, late.repeated > retries);
        if gone {
            return self.give_up_unconfirmed(proposal, out);
        }
        let label = Label::new(proposal.procedure, Step::Confirmation);
        let switch_at = now;
        out.send(
            Address::controller(peer),
            label,
            ControlMessage::Commit { proposal, switch_at },
        );
        let deadline = self.wait(session, 1, now, out);
        if let Some(late) = self
            .crossing_mut(session, Side::Before)
            .and_then(|it| it.unconfirmed.as_mut())
        {
            late.deadline = deadline;
        }
    }

    /// The other side does not change as agreed: the session is given back.
    fn give_up_unconfirmed(&mut self, proposal: Proposal, out: &mut Outbox) {
        // The other side may wait for this one, or know nothing of the change.
        if !self.has_several_neighbours() {
            self.tell_before(proposal.session, true, proposal.fault, out);
        }
        let reason = "the other side has not changed as was agreed: the source begins anew";
        self.lose_route(proposal.session, proposal.fault, reason, out);
    }

    /// The other side is late: say it again, or give it up.
    pub(super) fn on_coordination_late(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        self.on_unconfirmed(session, now, out);
        let retries = self.surroundings.parameters.coordination_retries;
        let Some((side, peer)) = self.negotiating_with(session) else {
            return;
        };
        let segment = self.segments.get_mut(&session).expect("it has a peer");
        let Some(mine) = segment.negotiation.as_mut().filter(|mine| mine.deadline <= now) else {
            return;
        };
        mine.repeated += 1;
        let (proposal, stage, gone) = (mine.proposal, mine.stage, mine.repeated > u32::from(retries));
        match (stage, side) {
            (Stage::Proposed(_), _) if !gone => {
                // A late answer must not be taken for the measure of the way.
                mine.stage = Stage::Proposed(now);
                out.send(
                    Address::controller(peer),
                    Label::new(proposal.procedure, Step::Confirmation),
                    ControlMessage::Propose(proposal),
                );
                let deadline = self.wait(session, 1, now, out);
                if let Some(mine) = self.negotiation(proposal) {
                    mine.deadline = deadline;
                }
            }
            (Stage::Committed { at, mine: true }, _) if !gone => self.commit(proposal, at, now, out),
            (Stage::Installed { .. }, Side::After) if !gone => self.commit(proposal, now, now, out),
            (Stage::Yielded, _) => {
                segment.negotiation = None;
                self.keep_or_give_back(session, proposal.fault, now, out);
            }
            // COMMIT never came: this side stays where it was, and refuses it from now on.
            (Stage::Accepted, _) | (Stage::Proposed(_), Side::Before) => {
                self.end_negotiation(session, Step::StandBy, now, out);
            }
            (Stage::Committed { mine: false, .. }, _) | (Stage::Installed { .. }, Side::Before) => {}
            // A lost peer: the source begins anew, by whatever controllers can be reached.
            _ => {
                let reason = "the other side does not answer: the source begins anew";
                self.lose_route(session, proposal.fault, reason, out);
            }
        }
    }
}

/// Step 10 between the two: this side's KMs are on the agreed route.
fn tell_switched(proposal: Proposal, to: Address, out: &mut Outbox) {
    let message = ControlMessage::Switched {
        session: proposal.session,
        epoch: proposal.epoch,
        fault: proposal.fault,
    };
    out.send(to, Label::new(proposal.procedure, Step::RouteActive), message);
}

/// Over what is proposed, so that an answer cannot be taken for another's: FNV-1a.
fn digest(session: SessionId, epoch: u32, boundary: BoundaryId, path: &[HopId]) -> u64 {
    let words = [session.0, epoch, boundary.0]
        .into_iter()
        .chain(path.iter().map(|hop| hop.0));
    words
        .flat_map(u32::to_le_bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
