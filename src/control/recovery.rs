//! When something is done about failures, and when sessions go back: hold-off, wait-to-restore, reversion.
//!
//! Assumption: who hears first that something works again tells it after the wait-to-restore time, unless it has failed
//! anew meanwhile; what was announced is told at once.

use super::controller::Controller;
use super::segment::{SegmentState, Side};
use crate::architecture::message::{BorderChoice, ControlMessage, Plane, StatusChange};
use crate::architecture::{Address, ElementKind, Hop, Label, Observation, Outbox, Step, Timer};
use crate::ids::{ControllerId, FaultId, HopId, SessionId};
use crate::kernel::{Span, Time};

/// Something that works again, and is told when it has done so for long enough.
#[derive(Clone, Copy, Debug)]
pub struct Restoring {
    /// When it is told.
    due: Time,
    change: StatusChange,
    origin: Time,
    fault: Option<FaultId>,
    from: Address,
}

impl Controller {
    /// A report over Cq, Ck or Cx.
    pub(super) fn on_status_report(
        &mut self,
        change: StatusChange,
        origin: Time,
        fault: Option<FaultId>,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let wait = self.surroundings.parameters.recovery.wait_to_restore;
        let is_level = matches!(change, StatusChange::Level { .. });
        let at_first_hand = from.kind() != ElementKind::Controller || from == Address::controller(self.me());
        if wait == Span::ZERO || !change.is_good() || is_level || !at_first_hand {
            return self.on_status(change, origin, fault, from, now, out);
        }
        let due = now + wait;
        self.restoring.push(Restoring {
            due,
            change,
            origin,
            fault,
            from,
        });
        out.wake(due, Timer::Restored);
    }

    /// What has worked for long enough is told; what has failed anew is known by a later origin.
    pub(super) fn on_restored(&mut self, now: Time, out: &mut Outbox) {
        let due: Vec<Restoring> = self
            .restoring
            .iter()
            .copied()
            .filter(|it| it.due <= now)
            .collect();
        self.restoring.retain(|it| it.due > now);
        for it in due {
            self.on_status(it.change, it.origin, it.fault, it.from, now, out);
        }
    }

    /// Whether a failure on a session's way is to be waited for.
    pub(super) fn holds_off(&mut self, session: SessionId, now: Time, out: &mut Outbox) -> bool {
        let hold_off = self.surroundings.parameters.recovery.hold_off;
        if hold_off == Span::ZERO {
            return false;
        }
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        if segment.held_off.is_none() {
            segment.held_off = Some(now + hold_off);
            out.wake(now + hold_off, Timer::HeldOff(session));
        }
        true
    }

    /// The hold-off is over: a failure that is still there is analysed.
    pub(super) fn on_held_off(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        let Some(segment) = self.segments.get_mut(&session) else {
            return;
        };
        if segment.held_off.take_if(|due| *due <= now).is_none()
            || segment.state != SegmentState::Active
            || segment.doubted
        {
            return; // in doubt, it is looked at once it is known to stand
        }
        if let Some(failed) = self.failed_hop(session) {
            let fault = self.fault_of(failed);
            self.begin_rerouting(session, fault, now, out);
        }
    }

    /// Something works again: sessions that have left their path look whether they can go back.
    pub(super) fn consider_reverting(&mut self, now: Time, out: &mut Outbox) {
        if !self.surroundings.parameters.recovery.revertive {
            return;
        }
        let diverted: Vec<SessionId> = self
            .segments
            .iter()
            .filter(|(_, segment)| {
                segment.diverted && segment.state == SegmentState::Active && !segment.doubted
            })
            .map(|(&session, _)| session)
            .collect();
        for session in diverted {
            let segment = &self.segments[&session];
            let border = segment.path.last().copied();
            let border = border.filter(|&hop| self.hop(hop).crosses_border);
            let path = segment.path.iter().copied().filter(|&hop| Some(hop) != border);
            let present: Vec<HopId> = path.collect();
            let better = self.inside(session).is_some_and(|path| path != present);
            self.segments
                .get_mut(&session)
                .expect("it was just there")
                .reverting = true;
            if better || self.home_border(session).is_some() {
                self.begin_rerouting(session, None, now, out);
            } else {
                self.segments
                    .get_mut(&session)
                    .expect("it was just there")
                    .reverting = false;
            }
        }
    }

    /// The border that a session is to go back to, if it can.
    pub(super) fn home_border(&self, session: SessionId) -> Option<BorderChoice> {
        let segment = &self.segments[&session];
        let home = segment.home.filter(|_| segment.reverting)?;
        let present = segment.crossing(Side::After).map(|after| after.border.boundary);
        let elsewhere = present != Some(home.boundary);
        let mut borders = self.surroundings.borders.iter();
        let border = borders.find(|it| it.boundary == home.boundary)?;
        (elsewhere && self.path_to(session, Side::After, border).is_some()).then_some(home)
    }

    /// The controller at the other end of Cx or Cxi is not heard any more, or is again: hops between those that the two
    /// serve cannot be commanded from both sides.
    pub fn on_peer(
        &mut self,
        peer: ControllerId,
        reachable: bool,
        origin: Time,
        fault: FaultId,
        now: Time,
        out: &mut Outbox,
    ) {
        self.advance_to(now);
        if !reachable {
            out.observe(Observation::Declared { fault });
        }
        let surroundings = std::sync::Arc::clone(&self.surroundings);
        let domain = &surroundings.domain;
        let served = |hop: &Hop| domain.controller_of.get(&hop.from) == Some(&self.me());
        let inside = domain.graph.edge_weights().filter(|hop| served(hop));
        let mut hops: Vec<HopId> = inside
            .filter(|hop| domain.controller_of.get(&hop.to) == Some(&peer))
            .map(|hop| hop.id)
            .collect();
        hops.sort();
        let across = surroundings.borders.iter();
        let across = across.filter(|it| it.far_controller == peer && served(&it.hop));
        hops.extend(across.map(|it| it.hop.id));
        for hop in hops {
            let change = StatusChange::Reachable {
                hop,
                plane: Plane::Controllers,
                reachable,
            };
            let me = Address::controller(self.me());
            self.on_status_report(change, origin, Some(fault), me, now, out);
        }
    }

    /// The controller is in service again. Of every session it asks whether it still stands: a source that could not reach
    /// it may have begun anew elsewhere.
    pub fn on_restart(&mut self, now: Time, out: &mut Outbox) {
        self.advance_to(now);
        let sessions: Vec<SessionId> = self.segments.keys().copied().collect();
        for session in sessions {
            self.ask_whether_it_stands(session, out);
        }
    }

    fn ask_whether_it_stands(&mut self, session: SessionId, out: &mut Outbox) {
        let label = self.rerouting_label(session, Step::Standing);
        let segment = self.segments.get_mut(&session).expect("the caller has it");
        segment.doubted = true;
        let (source, previous) = (segment.place.source, segment.previous_controller());
        let query = ControlMessage::StandingQuery {
            session,
            generation: segment.generation,
            source,
            decider: self.me(),
        };
        match (source, previous) {
            (Some(source), _) => self.deliver(source, label, &query, out),
            (None, Some(previous)) => out.send(Address::controller(previous), label, query),
            (None, None) => unreachable!("a segment has a source or one before it"),
        }
    }

    /// The controller of the segment beyond asks whether its session still stands. Who is in doubt itself tells it later.
    pub(super) fn on_standing_query(
        &self,
        (session, generation): (SessionId, u32),
        decider: ControllerId,
        label: Label,
        out: &mut Outbox,
    ) {
        let segment = self.segments.get(&session);
        let goes_on_there = segment.filter(|it| it.next_controller() == Some(decider));
        let answer = match goes_on_there {
            Some(segment) if segment.doubted => return,
            Some(_) => ControlMessage::Stands {
                session,
                generation,
                decider,
            },
            None => ControlMessage::SessionClose {
                session,
                generation,
                decider,
                km: None,
            },
        };
        out.send(Address::controller(decider), label, answer);
    }

    /// A session's segment is known to stand: by word of it, or by a request that is asked of it. What was analysed or
    /// computed when the controller went, or since, is begun anew.
    pub(super) fn on_stands(&mut self, (session, generation): (SessionId, u32), now: Time, out: &mut Outbox) {
        let segment = self.segments.get_mut(&session);
        let doubted = segment.filter(|segment| segment.doubted && segment.generation <= generation);
        let Some(segment) = doubted else {
            return;
        };
        segment.doubted = false;
        let waits = matches!(segment.state, SegmentState::Rerouting { awaited: 0, .. });
        let broken_off = waits && segment.negotiation.is_none() && segment.due <= now;
        if let Some(next) = segment.next_controller() {
            let stands = ControlMessage::Stands {
                session,
                generation: segment.generation,
                decider: next,
            };
            let label = self.rerouting_label(session, Step::Standing);
            out.send(Address::controller(next), label, stands);
        }
        if broken_off {
            self.resume(session, Step::StandBy, now, out);
        }
        self.reconsider(session, now, out);
    }
}
