//! A session's segment in one QKDN, as its deciding controller holds it (functional element FE-3).

use std::collections::{BTreeMap, BTreeSet};

use super::negotiation::Negotiation;
use crate::architecture::message::{Ask, BorderChoice};
use crate::architecture::procedure::Procedure;
use crate::ids::{BoundaryId, ClassId, ControllerId, FaultId, HopId, NodeId, QkdnId};
use crate::kernel::Time;

/// On which side of the session the segment lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// At the source; the session's first segment.
    Origin {
        /// The source KM.
        source: NodeId,
        /// The controller of the next segment, if the session crosses a border.
        next: Option<ControllerId>,
    },
    /// Beyond a border.
    Far {
        /// The controller of the segment before.
        peer: ControllerId,
    },
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
}

/// The segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// On which side.
    pub role: Role,
    /// First and last KM inside this QKDN.
    pub ends: [NodeId; 2],
    /// Its hops; the border hop is the last of the segment before the border.
    pub path: Vec<HopId>,
    /// Its class of service.
    pub class: ClassId,
    /// The QKDN across the border, if it crosses one.
    pub partner: Option<QkdnId>,
    /// The border that the session crosses, if it crosses one.
    pub border: Option<BorderChoice>,
    /// Counts the session's borders, as both sides have agreed.
    pub agreement: u32,
    /// A change of the border that is being agreed on.
    pub negotiation: Option<Negotiation>,
    /// Whether this side has said what it can offer in the present reroute.
    pub shared_paths: bool,
    /// Borders that the other side cannot serve at present.
    pub refused_borders: BTreeSet<BoundaryId>,
    /// KMs that the session has left; they forget it when it is over.
    pub former: BTreeSet<NodeId>,
    /// When the present stage of a reroute ends; other timers are stale.
    pub due: Time,
    /// Which procedure the session runs.
    pub procedure: Procedure,
    /// Counts its routes.
    pub epoch: u32,
    /// How far it is.
    pub state: SegmentState,
    /// A report about its path came while it was being rerouted.
    pub stale: bool,
    /// Until when it is held off; it stays as it is until then.
    pub held_off: Option<Time>,
    /// Whether it has left the path that it had; it may go back.
    pub diverted: bool,
    /// Whether it is on its way back.
    pub reverting: bool,
    /// The border that it crossed first.
    pub home: Option<BorderChoice>,
    /// Requests that were refused for want of key and wait, by number, with the attempt.
    pub refused: BTreeMap<u32, u32>,
    /// Requests that came during a reroute.
    pub held: Vec<Held>,
}

impl Segment {
    /// A new segment of a request's session.
    pub fn new(
        role: Role,
        ends: [NodeId; 2],
        path: Vec<HopId>,
        procedure: Procedure,
        class: ClassId,
    ) -> Segment {
        Segment {
            role,
            ends,
            path,
            class,
            partner: None,
            border: None,
            agreement: 0,
            negotiation: None,
            shared_paths: false,
            refused_borders: BTreeSet::new(),
            former: BTreeSet::new(),
            due: Time::NEVER,
            procedure,
            epoch: 0,
            state: SegmentState::Active,
            stale: false,
            held_off: None,
            diverted: false,
            reverting: false,
            home: None,
            refused: BTreeMap::new(),
            held: Vec::new(),
        }
    }
}

impl Segment {
    /// The controller of the segment beyond the border.
    pub fn next_controller(&self) -> Option<ControllerId> {
        match self.role {
            Role::Origin { next, .. } => next,
            Role::Far { .. } => None,
        }
    }

    /// The controller of the segment before the border.
    pub fn previous_controller(&self) -> Option<ControllerId> {
        match self.role {
            Role::Origin { .. } => None,
            Role::Far { peer } => Some(peer),
        }
    }
}
