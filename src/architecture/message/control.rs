//! Ck, Cq, Cx, Cxi and Cxi': to, from and among QKDN controllers. Nothing here can hold key bytes.

use super::service::{FailureCause, KeyRequest};
use super::{Ask, RequestId, Subject};
use crate::architecture::procedure::Procedure;
use crate::ids::{BoundaryId, ControllerId, FaultId, HopId, LinkId, NodeId, SessionId};
use crate::kernel::Time;

/// The border that a controller chose for a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BorderChoice {
    /// Which boundary.
    pub boundary: BoundaryId,
    /// KM-A: the border KM on this side.
    pub near: NodeId,
    /// KM-B: the border KM on the other side.
    pub far: NodeId,
    /// P9 or P12, by the border hop's handover.
    pub procedure: Procedure,
}

/// What a controller is asked to route: the request, and who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayOrder {
    /// The application's request.
    pub order: KeyRequest,
    /// The source KM.
    pub source: NodeId,
    /// Which attempt at the request.
    pub attempt: u32,
    /// The controller that serves the source KM.
    pub source_controller: ControllerId,
    /// The border, `None` inside one QKDN.
    pub border: Option<BorderChoice>,
}

impl RelayOrder {
    /// The attempt that it belongs to.
    pub fn ask(&self) -> Ask {
        Ask {
            request: self.order.request,
            attempt: self.attempt,
        }
    }
}

/// A reservation at one sending KM, and the hop to install for the session if it is new there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// For which attempt at which request.
    pub ask: Ask,
    /// The KM that shall reserve.
    pub km: NodeId,
    /// The hop that it will send over.
    pub hop: HopId,
    /// Amount \[bits\].
    pub bits: u64,
    /// When the reservation lapses.
    pub deadline: Time,
    /// The controller that decides, to be answered.
    pub reply_to: ControllerId,
    /// The far border KM, for KM-A's KSA (entry into the other QKDN).
    pub entry: Option<NodeId>,
    /// Which procedure the session runs.
    pub procedure: Procedure,
    /// Which of the session's routes this is.
    pub epoch: u32,
    /// Whether to reserve now (`segment`), or only to install the route (`per_hop`).
    pub reserve: bool,
}

/// What became of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservationResult {
    /// Reserved.
    Confirmed,
    /// Refused: why, and by which KM.
    Refused(FailureCause, NodeId),
}

/// A change of status that is pushed to controllers (P10/P13 step 5; fields after ETSI GS QKD 015).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusChange {
    /// A link makes key, or does not.
    Link {
        /// Which link.
        link: LinkId,
        /// Whether it generates.
        generating: bool,
    },
    /// A store's level class: 0 = cannot serve, then shares of its capacity.
    Level {
        /// The hop that spends from the store.
        hop: HopId,
        /// The class.
        class: u8,
    },
}

/// What passes to, from and among controllers.
#[derive(Clone, Debug)]
pub enum ControlMessage {
    /// Source KM → its controller: which border serves the destination's QKDN?
    BorderQuery {
        /// What the application asked for.
        order: KeyRequest,
        /// Which attempt at it.
        attempt: u32,
    },
    /// Controller → source KM; `None`: there is no route.
    BorderAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// The border.
        border: Option<BorderChoice>,
    },
    /// KM-A → controller-A (local: source KM → its controller).
    RouteRequest(RelayOrder),
    /// Controller-A → controller-B: can you take the key from there to its destination?
    SegmentQuery {
        /// What shall be relayed.
        order: RelayOrder,
        /// Controller-A.
        reply_to: ControllerId,
    },
    /// Controller-B → controller-A: reachability and usable key on B's segment.
    SegmentOffer {
        /// Which attempt at which request.
        ask: Ask,
        /// Whether there is a route.
        reachable: bool,
        /// Key usable for it now, as far as controller-B knows \[bits\].
        usable_bits: u64,
    },
    /// Controller → KM: how much key is usable for this hop (P12 step 3)?
    ResourceQuery {
        /// Which attempt at which request.
        ask: Ask,
        /// The hop in question.
        hop: HopId,
    },
    /// KM → controller.
    ResourceAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// Usable key \[bits\].
        usable_bits: u64,
    },
    /// Controller → KM (Ck) or → the controller that serves it (Cx): route information and reservation.
    Reserve(Reservation),
    /// KM → controller (Ck), and on to the deciding controller (Cx).
    ReserveAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// The KM that answers.
        km: NodeId,
        /// The controller that decides.
        reply_to: ControllerId,
        /// The answer.
        result: ReservationResult,
    },
    /// Source KM → its controller → controller-A: an installed route shall carry a further request.
    SegmentRequest {
        /// What shall be relayed.
        order: KeyRequest,
        /// Which attempt at it.
        attempt: u32,
        /// The controller that decides.
        decider: ControllerId,
    },
    /// Controller-A → controller-B: reserve your segment.
    SegmentReserve {
        /// Which attempt at which request.
        ask: Ask,
        /// Amount \[bits\].
        bits: u64,
        /// When the reservation lapses.
        deadline: Time,
    },
    /// Controller-B → controller-A: all of B's segment has answered.
    SegmentAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// The answer.
        result: ReservationResult,
    },
    /// Controller-A → source KM (through its controller): start, or refused.
    Start {
        /// Which attempt at which request.
        ask: Ask,
        /// The source KM.
        source: NodeId,
        /// Controller-A, for later requests of the session.
        decider: ControllerId,
        /// The answer.
        result: ReservationResult,
    },
    /// Lacking KM → its controller → … → source KM: the key that was lacking is there.
    CanServe {
        /// Which attempt at which request.
        ask: Ask,
        /// The KM that can serve now.
        km: NodeId,
        /// The controller that decides on the KM's segment.
        reply_to: ControllerId,
        /// The source KM, once controller-A passes it on.
        source: Option<NodeId>,
    },
    /// Deciding controller → KMs (and → controller-B): give the reservation back; `cancel` also ends the wait.
    Release {
        /// Which attempt at which request.
        ask: Ask,
        /// The KM that shall release; `None` for a whole segment.
        km: Option<NodeId>,
        /// The controller that decides on the segment.
        decider: ControllerId,
        /// Whether the request is over.
        cancel: bool,
    },
    /// KM → controller: metadata for the life cycle of transferred keys (P12 step 8; no key bytes).
    Metadata {
        /// Which request.
        request: RequestId,
        /// The KM.
        km: NodeId,
        /// Amount \[bits\].
        bits: u64,
    },
    /// KM → controller: key was supplied or relayed (P9 step 10).
    Usage {
        /// Which request.
        request: RequestId,
        /// Amount \[bits\].
        bits: u64,
    },
    /// Source KM → its controller → controller-A → KMs and controller-B: the session is over.
    SessionClose {
        /// Which session.
        session: SessionId,
        /// The controller that decides.
        decider: ControllerId,
        /// The KM to tell; `None` on the way to a controller.
        km: Option<NodeId>,
    },
    /// Module or KM → its controller (Cq, Ck), and flooded over Cx where control is distributed.
    Status {
        /// What changed.
        change: StatusChange,
        /// When, at its origin.
        origin: Time,
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// Controller → KM (Ck), through the controller that serves it (Cx): a session's next hop changes.
    RerouteCommand {
        /// Which session.
        session: SessionId,
        /// The KM.
        km: NodeId,
        /// Its new next hop.
        hop: HopId,
        /// Counts the session's routes; a stale one is refused.
        epoch: u32,
        /// The deciding controller.
        reply_to: ControllerId,
        /// The fault behind it.
        fault: Option<FaultId>,
        /// Which procedure the session runs.
        procedure: Procedure,
    },
    /// KM → controller: the route is active.
    RouteActive {
        /// Which session.
        session: SessionId,
        /// The KM.
        km: NodeId,
        /// Which route.
        epoch: u32,
        /// The deciding controller.
        reply_to: ControllerId,
        /// The fault behind it.
        fault: Option<FaultId>,
    },
    /// Controller-A → source KM: the session's route is gone; start again with the border choice.
    RouteLost {
        /// Which session.
        session: SessionId,
        /// The source KM.
        source: NodeId,
        /// The fault behind it.
        fault: Option<FaultId>,
    },
}

impl ControlMessage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            ControlMessage::BorderQuery { .. } => "border query",
            ControlMessage::BorderAnswer { .. } => "border answer",
            ControlMessage::RouteRequest(_) => "route request",
            ControlMessage::SegmentQuery { .. } => "segment query",
            ControlMessage::SegmentOffer { .. } => "segment offer",
            ControlMessage::ResourceQuery { .. } => "key resource query",
            ControlMessage::ResourceAnswer { .. } => "key resource answer",
            ControlMessage::Reserve(_) => "route and reservation",
            ControlMessage::ReserveAnswer {
                result: ReservationResult::Confirmed,
                ..
            } => "reservation confirmed",
            ControlMessage::ReserveAnswer { .. } => "reservation refused",
            ControlMessage::SegmentRequest { .. } => "segment request",
            ControlMessage::SegmentReserve { .. } => "segment reservation",
            ControlMessage::SegmentAnswer {
                result: ReservationResult::Confirmed,
                ..
            } => "segment confirmed",
            ControlMessage::SegmentAnswer { .. } => "segment refused",
            ControlMessage::Start {
                result: ReservationResult::Confirmed,
                ..
            } => "start",
            ControlMessage::Start { .. } => "refused",
            ControlMessage::CanServe { .. } => "can serve",
            ControlMessage::Release { cancel: false, .. } => "release",
            ControlMessage::Release { .. } => "cancel",
            ControlMessage::Metadata { .. } => "key life-cycle metadata",
            ControlMessage::Usage { .. } => "usage record",
            ControlMessage::SessionClose { .. } => "session close",
            ControlMessage::Status { .. } => "status report",
            ControlMessage::RerouteCommand { .. } => "rerouting information",
            ControlMessage::RouteActive { .. } => "route active",
            ControlMessage::RouteLost { .. } => "route lost",
        }
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            ControlMessage::BorderQuery { order, .. } | ControlMessage::SegmentRequest { order, .. } => {
                Subject::request(order.request)
            }
            ControlMessage::RouteRequest(order) | ControlMessage::SegmentQuery { order, .. } => {
                Subject::request(order.order.request)
            }
            ControlMessage::Reserve(reservation) => Subject::request(reservation.ask.request),
            ControlMessage::BorderAnswer { ask, .. }
            | ControlMessage::SegmentOffer { ask, .. }
            | ControlMessage::ResourceQuery { ask, .. }
            | ControlMessage::ResourceAnswer { ask, .. }
            | ControlMessage::ReserveAnswer { ask, .. }
            | ControlMessage::SegmentReserve { ask, .. }
            | ControlMessage::SegmentAnswer { ask, .. }
            | ControlMessage::Start { ask, .. }
            | ControlMessage::CanServe { ask, .. }
            | ControlMessage::Release { ask, .. } => Subject::request(ask.request),
            ControlMessage::Metadata { request, .. } | ControlMessage::Usage { request, .. } => {
                Subject::request(*request)
            }
            ControlMessage::SessionClose { session, .. } => Subject::session(*session, None),
            ControlMessage::Status { fault, .. } => Subject {
                fault: *fault,
                ..Subject::default()
            },
            ControlMessage::RerouteCommand { session, fault, .. }
            | ControlMessage::RouteActive { session, fault, .. }
            | ControlMessage::RouteLost { session, fault, .. } => Subject::session(*session, *fault),
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ControlMessage::BorderQuery { .. } | ControlMessage::SegmentRequest { .. } => 56,
            ControlMessage::RouteRequest(_) | ControlMessage::SegmentQuery { .. } => 80,
            ControlMessage::Reserve(_) => 64,
            ControlMessage::BorderAnswer { .. }
            | ControlMessage::SegmentOffer { .. }
            | ControlMessage::ResourceAnswer { .. }
            | ControlMessage::ReserveAnswer { .. }
            | ControlMessage::SegmentReserve { .. }
            | ControlMessage::Start { .. } => 32,
            ControlMessage::ResourceQuery { .. }
            | ControlMessage::SegmentAnswer { .. }
            | ControlMessage::CanServe { .. }
            | ControlMessage::Release { .. }
            | ControlMessage::Metadata { .. }
            | ControlMessage::Usage { .. } => 24,
            ControlMessage::SessionClose { .. } | ControlMessage::RouteLost { .. } => 20,
            ControlMessage::Status { .. } => 24,
            ControlMessage::RerouteCommand { .. } | ControlMessage::RouteActive { .. } => 36,
        }
    }
}
