//! Ck, Cq, Cx, Cxi and Cxi': to, from and among QKDN controllers. Nothing here can hold key bytes.

use std::sync::Arc;

use super::link::LinkPerformance;
use super::service::{FailureCause, Hold, KeyRequest, hold_bytes, leg_bytes};
use super::{Ask, Formation, RequestId, Subject};
use crate::architecture::hop::{Hop, HopState};
use crate::architecture::policy::Terms;
use crate::architecture::procedure::Procedure;
use crate::architecture::protection::Leg;
use crate::ids::{BoundaryId, ClassId, ControllerId, FaultId, HopId, LinkId, NodeId, QkdnId, SessionId};
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
    /// What the next QKDN needs to know of it.
    pub fn segment(&self) -> SegmentOrder {
        SegmentOrder {
            ask: self.ask(),
            border: self.border,
            passed: Arc::from([]),
            destination: self.order.destination,
            destination_qkdn: self.order.destination_qkdn,
            bits: self.order.bits,
            class: self.order.class,
            deadline: self.order.deadline,
            hold: self.order.hold,
            leg: self.order.leg,
        }
    }

    /// The attempt that it belongs to.
    pub fn ask(&self) -> Ask {
        Ask {
            request: self.order.request,
            attempt: self.attempt,
        }
    }
}

/// What a controller tells the next QKDN's of a request, and no more (requirement S6): neither the applications nor the
/// source KM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentOrder {
    /// Which attempt at which request.
    pub ask: Ask,
    /// The border; `None` inside one QKDN.
    pub border: Option<BorderChoice>,
    /// QKDNs that the way has passed before the one that asks.
    pub passed: Arc<[QkdnId]>,
    /// The destination KM.
    pub destination: NodeId,
    /// Its QKDN.
    pub destination_qkdn: QkdnId,
    /// Amount \[bits\].
    pub bits: u64,
    /// QoS class.
    pub class: ClassId,
    /// When the request times out.
    pub deadline: Time,
    /// The session that it belongs to, where the demand has several.
    pub hold: Option<Hold>,
    /// Its session's place among legs, if it is one.
    pub leg: Option<Leg>,
}

/// A reservation at one sending KM, and the hop to install for the session if it is new there.
#[derive(Clone, PartialEq, Eq, Debug)]
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
    /// The session that it belongs to, where the demand has several.
    pub hold: Option<Hold>,
    /// The controller that decides, to be answered.
    pub reply_to: ControllerId,
    /// The border that the session crosses, if it crosses one; KM-A's KSA enters the other QKDN there.
    pub border: Option<BorderChoice>,
    /// Which procedure the session runs.
    pub procedure: Procedure,
    /// Which of the session's routes this is.
    pub epoch: u32,
    /// The attempt that established the segment.
    pub generation: u32,
    /// Whether to reserve now (`segment`), or only to install the route (`per_hop`).
    pub reserve: bool,
    /// How the segment's KMs relay together; `None`: hop by hop.
    pub formation: Option<Arc<Formation>>,
    /// On which terms.
    pub terms: Terms,
}

/// What became of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservationResult {
    /// Reserved.
    Confirmed,
    /// Refused: why, and by which KM.
    Refused(FailureCause, NodeId),
    /// Asked for a route that both sides have agreed to leave: nothing was reserved.
    Stale,
}

/// A way to another QKDN, as it is offered across a border: reachability, cost class, class of key – nothing of the
/// topology of those that it leads through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// QKDNs on the way: the one that offers first, the destination last.
    pub way: Arc<[QkdnId]>,
    /// Hops from the border that it is offered across to the destination's border, as far as providers on the way say.
    pub hops: u16,
    /// Key on the way: made on every hop, or on some hop only what is left.
    pub key: HopState,
    /// Sum of the cost classes of those that the way leads through.
    pub cost: u16,
    /// Level class of the least store on the way, as far as providers' policies let it be told; 0 if it is below a floor.
    pub class: Option<u8>,
}

impl Offer {
    /// Where it leads.
    pub fn destination(&self) -> QkdnId {
        *self.way.last().expect("a way leads somewhere")
    }
}

/// What one QKDN says across a border of a way to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reachability {
    /// Across which boundary.
    pub boundary: BoundaryId,
    /// The QKDN that can be reached, or no longer.
    pub destination: QkdnId,
    /// Counts what was said across the boundary about the destination.
    pub sequence: u32,
    /// The way; `None`: what was offered before is withdrawn.
    pub offer: Option<Offer>,
}

/// Where a leg passes in one QKDN: what other legs keep out of. It never leaves the QKDN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegRoute {
    /// Which session.
    pub session: SessionId,
    /// Its place among the legs.
    pub leg: Leg,
    /// The KMs on its way, but for its source's and its destination's.
    pub nodes: Box<[NodeId]>,
    /// The hops of its way; none once it is over.
    pub hops: Box<[HopId]>,
}

/// What one side can offer for a session's border (P10/P13 step 7): reachability, cost class, usable key – nothing of
/// its topology.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BorderOffer {
    /// Which boundary.
    pub boundary: BoundaryId,
    /// Whether this side has a path with key to it.
    pub reachable: bool,
    /// Hops of that path on this side.
    pub hops: u16,
    /// Least key known to be usable on it \[bits\].
    pub usable_bits: u64,
}

/// A change of a session's border that both sides must agree on (P10/P13 step 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// Which session.
    pub session: SessionId,
    /// The attempt that established the proposer's segment; the other side's own must be of the same.
    pub generation: u32,
    /// Counts the session's borders, agreed by both sides; a stale one is refused.
    pub epoch: u32,
    /// The new border, as the source's QKDN sees it.
    pub border: BorderChoice,
    /// Over session, epoch, border and the proposer's own path: what is accepted and committed is what was proposed.
    pub digest: u64,
    /// The fault behind it.
    pub fault: Option<FaultId>,
    /// Whose steps the change takes: P10 or P13, as the border is that is left.
    pub procedure: Procedure,
}

/// Borders that the answer to a border query had better not be, or cannot be.
#[derive(Clone, Default, Debug)]
pub struct AvoidedBorders {
    /// Other legs cross them: another one is better.
    pub taken: Vec<BorderChoice>,
    /// Beyond them there was no way just now: none of them.
    pub refused: Vec<BoundaryId>,
}

/// What the path information of one side asks of the other (P10/P13 step 7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathsAsked {
    /// Nothing: it is an answer.
    Nothing,
    /// The other side's own offers.
    Offers,
    /// Those, and that it proposes a border: this one's fails, and keys come from the other side.
    Proposal,
}

/// Why a proposal was rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RejectCause {
    /// This side has no path with key from there.
    NoPath,
    /// The epoch is not the next one here.
    StaleEpoch,
    /// Both sides proposed; the source's side prevails.
    Crossing,
    /// The session is unknown here.
    UnknownSession,
}

/// A session's next hop at a KM, from an agreed instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewRoute {
    /// Which session.
    pub session: SessionId,
    /// The KM.
    pub km: NodeId,
    /// Its new next hop.
    pub hop: HopId,
    /// The border that the session crosses now, if it crosses one.
    pub border: Option<BorderChoice>,
    /// Counts the session's routes; a stale one is refused.
    pub epoch: u32,
    /// The attempt that established the segment; one of an earlier segment is refused.
    pub generation: u32,
    /// The deciding controller.
    pub reply_to: ControllerId,
    /// The fault behind it.
    pub fault: Option<FaultId>,
    /// Which procedure the session runs.
    pub procedure: Procedure,
    /// Whose step the change is: P10, P13, or of no border.
    pub rerouting: Procedure,
    /// On which terms its keys are served there.
    pub terms: Terms,
    /// Whether the KM is one of the two of the border that changes, or that the route leads over.
    pub to_border_km: bool,
}

/// How the hops do that one controller serves: flooded to all of its QKDN with a period, where the scenario asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// Which controller.
    pub origin: ControllerId,
    /// Counts its advertisements from 1: what was heard before is not passed on again.
    pub sequence: u32,
    /// When it knew so.
    pub at: Time,
    /// Its hops.
    pub hops: Box<[HopReport]>,
}

/// How a hop does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HopReport {
    /// Which hop.
    pub hop: HopId,
    /// Whether its link makes key.
    pub generating: bool,
    /// Whether its two KMs reach one another, and the controllers that serve them.
    pub reachable: [bool; 2],
    /// Its store's level class, if one was told.
    pub class: Option<u8>,
}

/// How far one node is from others: what its controller tells a neighbour's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VectorUpdate {
    /// From which node.
    pub from: NodeId,
    /// To which, and how far.
    pub entries: Box<[VectorEntry]>,
    /// The fault behind it, for traces.
    pub fault: Option<FaultId>,
}

/// How far one node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VectorEntry {
    /// Which node.
    pub node: NodeId,
    /// Hops to it, or what counts as infinity.
    pub metric: u16,
    /// The last hop to it; `None` if it is not reached.
    pub last: Option<HopId>,
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
    /// A hop's ends reach one another, or do not.
    Reachable {
        /// Which hop.
        hop: HopId,
        /// Who does.
        plane: Plane,
        /// Whether they do.
        reachable: bool,
    },
    /// A link is in an announced window of maintenance, or no longer.
    Maintenance {
        /// Which link.
        link: LinkId,
        /// Whether it is.
        planned: bool,
    },
    /// A store's level class: 0 = cannot serve, then shares of its capacity.
    Level {
        /// The hop that spends from the store.
        hop: HopId,
        /// The class.
        class: u8,
    },
}

impl StatusChange {
    /// Whether it is about a hop.
    pub fn touches(&self, hop: &Hop) -> bool {
        match *self {
            StatusChange::Link { link, .. } | StatusChange::Maintenance { link, .. } => {
                hop.link == Some(link)
            }
            StatusChange::Level { hop: id, .. } | StatusChange::Reachable { hop: id, .. } => hop.id == id,
        }
    }

    /// Whether something works again, or is fuller than before.
    pub fn is_good(&self) -> bool {
        match *self {
            StatusChange::Link { generating, .. } => generating,
            StatusChange::Reachable { reachable, .. } => reachable,
            StatusChange::Maintenance { planned, .. } => !planned,
            StatusChange::Level { class, .. } => class > 0,
        }
    }
}

/// Between whom the two ends of a hop are joined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Plane {
    /// Between the two KMs (Kx, Kxi).
    KeyManagers,
    /// Between the two controllers that serve them (Cx, Cxi).
    Controllers,
}

/// How full one direction of a link is, as a KM at one of its ends sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneLevel {
    /// Of which link.
    pub link: LinkId,
    /// The hop that spends from it.
    pub hop: HopId,
    /// Level \[percent of the capacity\].
    pub percent: u8,
}

/// What a module or a KM answers when it is asked for its status (P10/P13 step 2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusAnswer {
    /// The round of polling that it answers.
    pub round: u32,
    /// A module's link, and whether it makes key, or would if its controller let it.
    pub link: Option<(LinkId, bool)>,
    /// A module's link's state and performance.
    pub performance: Option<LinkPerformance>,
    /// How full a KM's links are: the stores that it sends over, and its own copies of those that it receives over.
    pub levels: Box<[LaneLevel]>,
    /// When.
    pub at: Time,
    /// The fault that keeps the link from making key, for traces.
    pub fault: Option<FaultId>,
}

/// How a border does, as one side tells the other (P10/P13 step 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BorderStatus {
    /// State of its own hop across; where that spends no key, of the best hop that reaches the border's KM on this side.
    pub state: HopState,
    /// Key that is surely usable there, as far as is known \[bits\].
    pub usable_bits: u64,
    /// When the last was heard of it on this side.
    pub origin: Time,
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
        /// Borders that it had better not be, or cannot be.
        avoided: Box<AvoidedBorders>,
    },
    /// Controller → source KM; `None`: there is no route.
    BorderAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// The border.
        border: Option<BorderChoice>,
    },
    /// Module → its controller (Cq): state and performance of a link (ETSI GS QKD 015).
    LinkReport {
        /// Which link.
        link: LinkId,
        /// How it does.
        performance: LinkPerformance,
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// KM-A → controller-A (local: source KM → its controller). Boxed: it is rare.
    RouteRequest(Box<RelayOrder>),
    /// Controller-A → controller-B: can you take the key from there to its destination?
    SegmentQuery {
        /// What shall be relayed.
        order: SegmentOrder,
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
        /// Whether it is policy that refuses it.
        refused_by_policy: bool,
    },
    /// Controller → KM: how much key is usable for this hop (P12 step 3)?
    ResourceQuery {
        /// Which attempt at which request.
        ask: Ask,
        /// The hop in question.
        hop: HopId,
        /// The KM that shall answer.
        km: NodeId,
        /// The controller that decides, to be answered.
        reply_to: ControllerId,
    },
    /// KM → controller.
    ResourceAnswer {
        /// Which attempt at which request.
        ask: Ask,
        /// Usable key \[bits\].
        usable_bits: u64,
        /// The controller that decides.
        reply_to: ControllerId,
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
        /// The source KM.
        source: NodeId,
        /// The controller that decides.
        decider: ControllerId,
    },
    /// Controller-A → controller-B: reserve your segment.
    SegmentReserve {
        /// Which attempt at which request.
        ask: Ask,
        /// Which agreement on the border it counts on.
        agreement: u32,
        /// Amount \[bits\].
        bits: u64,
        /// When the reservation lapses.
        deadline: Time,
        /// The session that it belongs to, where the demand has several.
        hold: Option<Hold>,
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
    /// KM → its controller → deciding controller (→ that of the segment before): one of higher priority lacks key that is
    /// promised to this request. If its start has not been given, the promise is taken back and the request waits.
    Recall {
        /// Which attempt at which request.
        ask: Ask,
        /// The KM that promised.
        km: NodeId,
        /// The controller that decides on the segment.
        reply_to: ControllerId,
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
        /// What was established by this attempt or before: a close that comes late ends nothing that is newer.
        generation: u32,
        /// The controller that decides.
        decider: ControllerId,
        /// The KM to tell; `None` on the way to a controller.
        km: Option<NodeId>,
    },
    /// Controller that was out of service → source KM, or → controller of the segment before: is the session still its
    /// own? If not, it is closed.
    StandingQuery {
        /// Which session.
        session: SessionId,
        /// The attempt that established the segment.
        generation: u32,
        /// The source KM, if that is asked.
        source: Option<NodeId>,
        /// Who asks.
        decider: ControllerId,
    },
    /// The answer: it is. Also told to the segment beyond by who has heard so.
    Stands {
        /// Which session.
        session: SessionId,
        /// The attempt that established the segment.
        generation: u32,
        /// Who has asked, or may want to know.
        decider: ControllerId,
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
    /// Controller → controller (Cx): how the sender's, or another controller's, hops do. Boxed: it is large.
    Advertisement(Arc<Advertisement>),
    /// Controller → controller (Cx): how far it is to other nodes. Boxed: it is large.
    Vector(Box<VectorUpdate>),
    /// Controller → module (Cq) or KM (Ck): how do you do? (step 1)
    StatusRequest {
        /// The round of polling.
        round: u32,
    },
    /// Module or KM → its controller (step 2). Boxed: it is rare.
    StatusAnswer(Box<StatusAnswer>),
    /// Controller ↔ controller (Cxi): how a border does (step 3).
    StatusShare {
        /// Which boundary.
        boundary: BoundaryId,
        /// How it does.
        status: BorderStatus,
    },
    /// Controller → module (Cq): make key, or stop (step 4).
    GenerationControl {
        /// Which link.
        link: LinkId,
        /// Whether to make key.
        generate: bool,
    },
    /// Controller → KM (Ck), through the controller that serves it (Cx): a session's next hop changes.
    RerouteCommand(NewRoute),
    /// Controller ↔ controller (Cxi): what each side can offer for a session that must change its border (step 7).
    PathInformation {
        /// Which session.
        session: SessionId,
        /// One offer per boundary between the two.
        offers: Box<[BorderOffer]>,
        /// What the other side shall do.
        asks: PathsAsked,
        /// The fault behind it.
        fault: Option<FaultId>,
    },
    /// Controller → controller (Cxi): PROPOSE (step 8).
    Propose(Proposal),
    /// Controller → controller (Cxi): ACCEPT; repeats what is accepted.
    Accept(Proposal),
    /// Controller → controller (Cxi): REJECT.
    Reject {
        /// What is rejected.
        proposal: Proposal,
        /// Why.
        cause: RejectCause,
    },
    /// Controller → controller (Cxi): COMMIT.
    Commit {
        /// What both have agreed on.
        proposal: Proposal,
        /// When both sides command their KMs.
        switch_at: Time,
    },
    /// Controller → controller (Cxi): this side's KMs are on the agreed route.
    Switched {
        /// Which session.
        session: SessionId,
        /// Which agreement.
        epoch: u32,
        /// The fault behind it.
        fault: Option<FaultId>,
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
    /// Controller → controller (Cxi), and flooded over Cx: a way to another QKDN, or its end. Boxed: it is rare.
    Reachability(Box<Reachability>),
    /// Controller → the other controllers of its QKDN that may decide on legs (Cx): the nodes that a leg passes now. Boxed:
    /// it is rare.
    LegRoute(Box<LegRoute>),
    /// Controller-B → controller-A, and so to the source's: beyond the border the session's way makes no key any more.
    SegmentDegraded {
        /// Which session.
        session: SessionId,
        /// Whether it is gone altogether.
        lost: bool,
        /// The fault behind it.
        fault: Option<FaultId>,
    },
    /// Deciding controller → those of the segments before → source KM: the session's own route has failed, or carries
    /// requests again: what was relayed ahead serves meanwhile (1:1, 1:n).
    SwitchOver {
        /// Which session.
        session: SessionId,
        /// The source KM, once the controller of the first segment passes it on.
        source: Option<NodeId>,
        /// Whether its route carries requests again.
        works: bool,
        /// The fault behind it.
        fault: Option<FaultId>,
    },
    /// Controller-A → source KM: the session's route is gone; start again with the border choice.
    RouteLost {
        /// Which session.
        session: SessionId,
        /// What was established by this attempt or before.
        generation: u32,
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
            ControlMessage::StandingQuery { .. } => "standing query",
            ControlMessage::Stands { .. } => "session stands",
            ControlMessage::Recall { .. } => "promise recalled",
            ControlMessage::Status { .. } => "status report",
            ControlMessage::LinkReport { .. } => "link performance",
            ControlMessage::Advertisement(_) => "link state",
            ControlMessage::Vector(_) => "distance vector",
            ControlMessage::StatusRequest { .. } => "status request",
            ControlMessage::StatusAnswer(_) => "status",
            ControlMessage::StatusShare { .. } => "border status",
            ControlMessage::GenerationControl { generate: true, .. } => "generate",
            ControlMessage::GenerationControl { .. } => "stop generating",
            ControlMessage::RerouteCommand(_) => "rerouting information",
            ControlMessage::PathInformation { .. } => "rerouting path information",
            ControlMessage::Propose(_) => "PROPOSE",
            ControlMessage::Accept(_) => "ACCEPT",
            ControlMessage::Reject { .. } => "REJECT",
            ControlMessage::Commit { .. } => "COMMIT",
            ControlMessage::Switched { .. } => "switched",
            ControlMessage::RouteActive { .. } => "route active",
            ControlMessage::LegRoute(_) => "leg route",
            ControlMessage::Reachability(news) if news.offer.is_none() => "reachability withdrawn",
            ControlMessage::Reachability(_) => "reachability",
            ControlMessage::SegmentDegraded { lost: true, .. } => "segment lost",
            ControlMessage::SegmentDegraded { .. } => "segment degraded",
            ControlMessage::SwitchOver { works: true, .. } => "route works again",
            ControlMessage::SwitchOver { .. } => "switch over",
            ControlMessage::RouteLost { .. } => "route lost",
        }
    }

    /// Whether controllers of one QKDN tell each other by it what they route by: its status, flooded, and ways to others.
    pub fn is_routing_information(&self) -> bool {
        matches!(
            self,
            ControlMessage::Status { .. }
                | ControlMessage::Advertisement(_)
                | ControlMessage::Vector(_)
                | ControlMessage::Reachability(_)
        )
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            ControlMessage::BorderQuery { order, .. } | ControlMessage::SegmentRequest { order, .. } => {
                Subject::request(order.request)
            }
            ControlMessage::RouteRequest(order) => Subject::request(order.order.request),
            ControlMessage::SegmentQuery { order, .. } => Subject::request(order.ask.request),
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
            | ControlMessage::Recall { ask, .. }
            | ControlMessage::Release { ask, .. } => Subject::request(ask.request),
            ControlMessage::Metadata { request, .. } | ControlMessage::Usage { request, .. } => {
                Subject::request(*request)
            }
            ControlMessage::SessionClose { session, .. }
            | ControlMessage::StandingQuery { session, .. }
            | ControlMessage::Stands { session, .. } => Subject::session(*session, None),
            ControlMessage::LegRoute(route) => Subject::session(route.session, None),
            ControlMessage::StatusRequest { .. }
            | ControlMessage::StatusShare { .. }
            | ControlMessage::Reachability(_)
            | ControlMessage::Advertisement(_)
            | ControlMessage::GenerationControl { .. } => Subject::default(),
            ControlMessage::Vector(update) => Subject {
                fault: update.fault,
                ..Subject::default()
            },
            ControlMessage::StatusAnswer(answer) => Subject {
                fault: answer.fault,
                ..Subject::default()
            },
            ControlMessage::Status { fault, .. } | ControlMessage::LinkReport { fault, .. } => Subject {
                fault: *fault,
                ..Subject::default()
            },
            ControlMessage::RerouteCommand(NewRoute { session, fault, .. })
            | ControlMessage::PathInformation { session, fault, .. }
            | ControlMessage::Propose(Proposal { session, fault, .. })
            | ControlMessage::Accept(Proposal { session, fault, .. })
            | ControlMessage::Reject {
                proposal: Proposal { session, fault, .. },
                ..
            }
            | ControlMessage::Commit {
                proposal: Proposal { session, fault, .. },
                ..
            }
            | ControlMessage::Switched { session, fault, .. }
            | ControlMessage::RouteActive { session, fault, .. }
            | ControlMessage::SegmentDegraded { session, fault, .. }
            | ControlMessage::SwitchOver { session, fault, .. }
            | ControlMessage::RouteLost { session, fault, .. } => Subject::session(*session, *fault),
        }
    }

    pub(super) fn payload_bytes(&self) -> u64 {
        match self {
            ControlMessage::BorderQuery { order, avoided, .. } => {
                let (taken, refused) = (avoided.taken.len(), avoided.refused.len());
                56 + order.further_bytes() + 12 * taken as u64 + 4 * refused as u64
            }
            ControlMessage::SegmentRequest { order, .. } => 56 + order.further_bytes(),
            ControlMessage::RouteRequest(order) => 80 + order.order.further_bytes(),
            ControlMessage::SegmentQuery { order, .. } => {
                56 + 4 * order.passed.len() as u64 + hold_bytes(order.hold) + leg_bytes(order.leg)
            }
            ControlMessage::SegmentReserve { hold, .. } => 32 + hold_bytes(*hold),
            ControlMessage::Reserve(reservation) => {
                let formation = reservation.formation.as_ref();
                72 + formation.map_or(0, |formation| 8 + 4 * formation.kms.len() as u64)
                    + hold_bytes(reservation.hold)
            }
            ControlMessage::BorderAnswer { .. }
            | ControlMessage::SegmentOffer { .. }
            | ControlMessage::ResourceAnswer { .. }
            | ControlMessage::ReserveAnswer { .. }
            | ControlMessage::Start { .. } => 32,
            ControlMessage::ResourceQuery { .. }
            | ControlMessage::SegmentAnswer { .. }
            | ControlMessage::CanServe { .. }
            | ControlMessage::Recall { .. }
            | ControlMessage::Release { .. }
            | ControlMessage::Metadata { .. }
            | ControlMessage::Usage { .. } => 24,
            ControlMessage::SessionClose { .. }
            | ControlMessage::StandingQuery { .. }
            | ControlMessage::Stands { .. }
            | ControlMessage::RouteLost { .. }
            | ControlMessage::SwitchOver { .. }
            | ControlMessage::Status { .. } => 24,
            ControlMessage::LinkReport { .. } => 40,
            // Origin, sequence and time; per hop its id, three flags in one byte, and the class.
            ControlMessage::Advertisement(all) => 16 + 6 * all.hops.len() as u64,
            // Sender and length; per entry node, metric, and last hop.
            ControlMessage::Vector(update) => 8 + 10 * update.entries.len() as u64,
            ControlMessage::StatusRequest { .. } => 4,
            ControlMessage::StatusAnswer(answer) => {
                17 + 27 * u64::from(answer.performance.is_some()) + 9 * answer.levels.len() as u64
            }
            ControlMessage::StatusShare { .. } => 21,
            ControlMessage::GenerationControl { .. } => 5,
            ControlMessage::RerouteCommand(_) => 52,
            ControlMessage::RouteActive { .. } => 36,
            ControlMessage::PathInformation { offers, .. } => 16 + 15 * offers.len() as u64,
            ControlMessage::Propose(_) | ControlMessage::Accept(_) => 36,
            ControlMessage::Reject { .. } => 37,
            ControlMessage::Commit { .. } => 44,
            ControlMessage::Switched { .. } => 16,
            ControlMessage::Reachability(news) => {
                13 + news
                    .offer
                    .as_ref()
                    .map_or(0, |offer| 6 + 4 * offer.way.len() as u64)
            }
            ControlMessage::SegmentDegraded { .. } => 17,
            ControlMessage::LegRoute(route) => 12 + 4 * (route.nodes.len() + route.hops.len()) as u64,
        }
    }
}
