//! A session's segment in one QKDN, as its deciding controller holds it (functional element FE-3).

use std::collections::{BTreeMap, BTreeSet};

use super::negotiation::{Negotiation, Unconfirmed};
use crate::architecture::message::{Ask, BorderChoice, Hold};
use crate::architecture::procedure::Procedure;
use crate::architecture::protection::Leg;
use crate::ids::{BoundaryId, ClassId, ControllerId, FaultId, HopId, NodeId, QkdnId};
use crate::kernel::Time;

/// One of a segment's two ends, as keys go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Where keys come from.
    Before,
    /// Where they go.
    After,
}

/// A border that a session crosses at one end of a segment.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// The border, seen as keys go.
    pub border: BorderChoice,
    /// The QKDN across.
    pub qkdn: QkdnId,
    /// The controller that decides on the segment there.
    pub controller: ControllerId,
    /// Counts the session's borders here, as both sides have agreed.
    pub agreement: u32,
    /// Whether this side has said what it can offer in the present reroute.
    pub shared_paths: bool,
    /// The other side has found in the present reroute that this border fails, and waits for what this side proposes.
    pub fails_beyond: bool,
    /// Borders that the other side cannot serve at present.
    pub refused_borders: BTreeSet<BoundaryId>,
    /// What this side has committed to and changed to, while the other side has not said the same.
    pub unconfirmed: Option<Unconfirmed>,
}

impl Crossing {
    /// A border that has just been chosen.
    pub fn new(border: BorderChoice, qkdn: QkdnId, controller: ControllerId) -> Crossing {
        Crossing {
            border,
            qkdn,
            controller,
            agreement: 0,
            shared_paths: false,
            fails_beyond: false,
            refused_borders: BTreeSet::new(),
            unconfirmed: None,
        }
    }
}

/// How far a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentState {
    /// Installed, or being installed with its first request.
    Active,
    /// A report is being analysed, a path computed, or commands are out.
    Rerouting {
        /// The fault behind it.
        fault: Option<FaultId>,
        /// KMs whose "route active" is awaited.
        awaited: usize,
    },
}

/// A request that came during a reroute.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Which attempt at which request.
    pub ask: Ask,
    /// Amount \[bits\].
    pub bits: u64,
    /// When it times out.
    pub deadline: Time,
    /// The session that it belongs to, where the demand has several.
    pub hold: Option<Hold>,
}

/// Where a segment lies in its session.
#[derive(Clone, Debug)]
pub struct Place {
    /// The source KM, in the session's first segment.
    pub source: Option<NodeId>,
    /// The destination's QKDN.
    pub destination: QkdnId,
    /// The border that keys come in by, but in the session's first segment.
    pub before: Option<Crossing>,
    /// The border that they leave by, but in the session's last segment.
    pub after: Option<Crossing>,
}

/// The segment.
#[expect(clippy::struct_excessive_bools, reason = "independent marks beside its state")]
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it lies.
    pub place: Place,
    /// First and last KM inside this QKDN.
    pub ends: [NodeId; 2],
    /// Its hops; the border hop is the last of the segment before the border.
    pub path: Vec<HopId>,
    /// Its class of service.
    pub class: ClassId,
    /// Size of its requests \[bits\].
    pub bits: u64,
    /// Its session's place among legs, if it is one.
    pub leg: Option<Leg>,
    /// Its source has been told to serve from what was relayed ahead.
    pub is_switched: bool,
    /// A change of a border that is being agreed on.
    pub negotiation: Option<Negotiation>,
    /// KMs that the session has left; they forget it when it is over.
    pub former: BTreeSet<NodeId>,
    /// When the present stage of a reroute ends; other timers are stale.
    pub due: Time,
    /// Which procedure the session runs here: by the border before, in the first segment by the one after.
    pub procedure: Procedure,
    /// Counts its routes.
    pub epoch: u32,
    /// The attempt that established it: attempts of a session are counted by its source, so a later segment has more.
    pub generation: u32,
    /// How far it is.
    pub state: SegmentState,
    /// Whether the next request brings the KM of the border that keys leave by its route information: in transit the first
    /// one does, which comes once the whole way is known.
    pub informs: bool,
    /// A report about its path came while it was being rerouted.
    pub stale: bool,
    /// Its controller was out of service, and has not heard yet that the session still has this segment.
    pub doubted: bool,
    /// Until when it is held off; it stays as it is until then.
    pub held_off: Option<Time>,
    /// Whether it has left the path that it had; it may go back.
    pub diverted: bool,
    /// Whether it is on its way back.
    pub reverting: bool,
    /// The border that keys left by first.
    pub home: Option<BorderChoice>,
    /// Requests that were refused for want of key and wait, by number, with the attempt.
    pub refused: BTreeMap<u32, u32>,
    /// Requests that came during a reroute, or that the other side refused as stale.
    pub held: Vec<Held>,
    /// When those that were refused as stale are asked for again.
    pub asks_again: Option<Time>,
    /// How often that was done since the two sides agreed last.
    pub asked_again: u32,
}

impl Segment {
    /// A new segment of a request's session.
    pub fn new(
        place: Place,
        ends: [NodeId; 2],
        path: Vec<HopId>,
        procedure: Procedure,
        class: ClassId,
        generation: u32,
    ) -> Segment {
        let home = place.after.as_ref().map(|after| after.border);
        Segment {
            place,
            ends,
            path,
            class,
            bits: 0,
            leg: None,
            is_switched: false,
            negotiation: None,
            former: BTreeSet::new(),
            due: Time::NEVER,
            procedure,
            epoch: 0,
            generation,
            state: SegmentState::Active,
            informs: false,
            stale: false,
            doubted: false,
            held_off: None,
            diverted: false,
            reverting: false,
            home,
            refused: BTreeMap::new(),
            held: Vec::new(),
            asks_again: None,
            asked_again: 0,
        }
    }

    /// The border at one side.
    pub fn crossing(&self, side: Side) -> Option<&Crossing> {
        match side {
            Side::Before => self.place.before.as_ref(),
            Side::After => self.place.after.as_ref(),
        }
    }

    /// The border at one side, to be changed.
    pub fn crossing_mut(&mut self, side: Side) -> Option<&mut Crossing> {
        match side {
            Side::Before => self.place.before.as_mut(),
            Side::After => self.place.after.as_mut(),
        }
    }

    /// All borders that the segment ends at.
    pub fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        self.place.before.iter().chain(&self.place.after)
    }

    /// The border that its KMs are told of: the one that keys leave by, else the one that they come in by.
    pub fn border(&self) -> Option<BorderChoice> {
        let told = self.place.after.as_ref().or(self.place.before.as_ref());
        told.map(|crossing| crossing.border)
    }

    /// At which side a controller decides on the next segment.
    pub fn side_of(&self, controller: ControllerId) -> Option<Side> {
        let at = |side: &Side| self.crossing(*side).is_some_and(|it| it.controller == controller);
        [Side::After, Side::Before].into_iter().find(at)
    }

    /// The controller of the segment that keys go to.
    pub fn next_controller(&self) -> Option<ControllerId> {
        self.place.after.as_ref().map(|crossing| crossing.controller)
    }

    /// The controller of the segment that keys come from.
    pub fn previous_controller(&self) -> Option<ControllerId> {
        self.place.before.as_ref().map(|crossing| crossing.controller)
    }
}
