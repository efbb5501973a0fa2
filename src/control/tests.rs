//! The controller by plain calls: a message goes in, the outbox is looked at.

use std::sync::Arc;

use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;

use super::Controller;
use super::routing::{FewestHops, Query, RoutingAlgorithm};
use crate::architecture::distances::Distances;
use crate::architecture::hop::{Handover, Hop, Protection};
use crate::architecture::message::{
    Ask, BorderChoice, ControlMessage, FailureCause, KeyRequest, Message, RelayOrder, ReservationResult,
    SegmentOrder, StatusChange,
};
use crate::architecture::observation::SessionState;
use crate::architecture::policy::Policy;
use crate::architecture::surroundings::{
    Border, ControllerSurroundings, Domain, LinkStateRefresh, ManagementOptions, Parameters, RelayScheme,
    ReservationScheme, StoreSettings, TransferredKeys,
};
use crate::architecture::{
    Address, Effect, Envelope, Label, Observation, Outbox, Procedure, RequestId, Step, Timer,
};
use crate::ids::{
    ApplicationId, BoundaryId, ClassId, ControllerId, HopId, LinkId, ManagerId, NodeId, QkdnId, SessionId,
    StoreId,
};
use crate::kernel::{Span, Time};

pub(super) const ME: ControllerId = ControllerId(0);
pub(super) const PEER: ControllerId = ControllerId(1);
pub(super) const SESSION: SessionId = SessionId(0);
pub(super) const REQUEST: RequestId = RequestId {
    session: SESSION,
    number: 0,
};

/// Hops of the square 0 – 1 – 3, 0 – 2 – 3, one way each; link and store have the hop's number.
const SQUARE: [(u32, u32); 4] = [(0, 1), (1, 3), (0, 2), (2, 3)];
/// Border hops: from node 3, and from node 1.
const BORDERS: [(u32, u32); 2] = [(3, 8), (1, 9)];

fn hop(id: u32, (from, to): (u32, u32), crosses_border: bool) -> Hop {
    Hop {
        id: HopId(id),
        from: NodeId(from),
        to: NodeId(to),
        protection: Protection::OneTimePad(StoreId(id)),
        handover: Handover::Relay,
        link: Some(LinkId(id)),
        length_m: 1_000,
        delay: Span::ZERO,
        rate_bps: 1.0,
        crosses_border,
        to_qkdn: QkdnId(u32::from(crosses_border)),
    }
}

/// A controller of the square's four nodes, with its outbox.
pub(super) struct Bench {
    pub(super) controller: Controller,
    out: Outbox,
}

impl Bench {
    pub(super) fn new() -> Bench {
        Bench::with(Policy::default())
    }

    fn with(policy: Policy) -> Bench {
        Bench::changed(|surroundings| surroundings.policy = Arc::new(policy))
    }

    /// A bench whose surroundings are otherwise.
    pub(super) fn changed(change: impl FnOnce(&mut ControllerSurroundings)) -> Bench {
        let mut graph = DiGraph::new();
        let index: FxHashMap<NodeId, _> = (0..4)
            .map(|node| (NodeId(node), graph.add_node(NodeId(node))))
            .collect();
        let mut hops = FxHashMap::default();
        for (id, ends) in (0..).zip(SQUARE) {
            let hop = hop(id, ends, false);
            graph.add_edge(index[&hop.from], index[&hop.to], hop.clone());
            hops.insert(hop.id, hop);
        }
        let borders: Vec<Border> = (0..)
            .zip(BORDERS)
            .map(|(number, ends)| Border {
                boundary: BoundaryId(number),
                hop: hop(4 + number, ends, true),
                far_qkdn: QkdnId(1),
                far_controller: PEER,
            })
            .collect();
        hops.extend(borders.iter().map(|border| (border.hop.id, border.hop.clone())));
        let store = |hop: HopId| StoreSettings {
            id: StoreId(hop.0),
            hop,
            initial: 1_000,
            capacity: 1_000,
            floor: 0,
            max_age: None,
        };
        let domain = Domain {
            relay: RelayScheme::HopByHop,
            qkdn: QkdnId(0),
            graph,
            controller_of: index.keys().map(|&node| (node, ME)).collect(),
            index,
            stores: hops.keys().map(|&hop| (hop, store(hop))).collect(),
            hops,
            positions: FxHashMap::default(),
            distances: Distances::default(),
        };
        let mut surroundings = ControllerSurroundings {
            id: ME,
            manager: ManagerId(0),
            domain: Arc::new(domain),
            borders: borders.into(),
            offers: Arc::from([]),
            kms: Vec::new(),
            modules: Vec::new(),
            flooding_peers: Vec::new(),
            policy: Arc::default(),
            parameters: Arc::new(Parameters {
                reservation: ReservationScheme::Segment,
                usage_records: false,
                transferred_keys: TransferredKeys::Store,
                status_reports: true,
                authentication_tag: 0,
                management: ManagementOptions::default(),
                level_classes: 4,
                detection: Span::ZERO,
                analysis: Span(10),
                computation: Span(20),
                installation: Span::ZERO,
                polling: None,
                generation_control: None,
                recovery: crate::architecture::Recovery::default(),
                refresh: LinkStateRefresh::default(),
                coordination_guard: Span::from_millis(5),
                coordination_timeout: Span::from_millis(500),
                coordination_retries: 3,
                rerouting: Procedure::P10,
            }),
        };
        change(&mut surroundings);
        Bench {
            controller: Controller::new(Arc::new(surroundings), Arc::new(FewestHops)),
            out: Outbox::new(Address::controller(ME)),
        }
    }

    pub(super) fn tell(&mut self, now: u64, from: Address, message: ControlMessage) -> Vec<Effect> {
        let envelope = Envelope {
            from,
            to: Address::controller(ME),
            label: Label::new(Procedure::P9, Step::Reservation),
            message: message.into(),
            tag: None,
        };
        self.controller.on_message(&envelope, Time(now), &mut self.out);
        self.out.take()
    }

    pub(super) fn wake(&mut self, now: u64, timer: Timer) -> Vec<Effect> {
        self.controller.on_timer(timer, Time(now), &mut self.out);
        self.out.take()
    }

    pub(super) fn undelivered(&mut self, envelope: &Envelope) -> Vec<Effect> {
        self.controller.on_undelivered(envelope, &mut self.out);
        self.out.take()
    }

    pub(super) fn link(&mut self, now: u64, link: u32, generating: bool) -> Vec<Effect> {
        let change = StatusChange::Link {
            link: LinkId(link),
            generating,
        };
        let status = ControlMessage::Status {
            change,
            origin: Time(now),
            fault: None,
        };
        self.tell(now, Address::module(LinkId(link), 0), status)
    }

    pub(super) fn level(&mut self, now: u64, hop: u32, class: u8) -> Vec<Effect> {
        let change = StatusChange::Level {
            hop: HopId(hop),
            class,
        };
        let status = ControlMessage::Status {
            change,
            origin: Time(now),
            fault: None,
        };
        self.tell(now, Address::kma(NodeId(0)), status)
    }

    /// A session from node 0 to node 3, asked for by its source.
    fn local_session(&mut self) -> Vec<Effect> {
        let order = RelayOrder {
            order: request(3, 0),
            source: NodeId(0),
            attempt: 1,
            source_controller: ME,
            border: None,
        };
        self.tell(
            0,
            Address::kma(NodeId(0)),
            ControlMessage::RouteRequest(Box::new(order)),
        )
    }

    pub(super) fn answer(&mut self, km: u32, result: ReservationResult) -> Vec<Effect> {
        self.answer_to(1, km, result)
    }

    fn answer_to(&mut self, attempt: u32, km: u32, result: ReservationResult) -> Vec<Effect> {
        let answer = ControlMessage::ReserveAnswer {
            ask: Ask {
                request: REQUEST,
                attempt,
            },
            km: NodeId(km),
            reply_to: ME,
            result,
        };
        self.tell(1, Address::kma(NodeId(km)), answer)
    }

    fn border_from(&mut self, node: u32) -> Option<NodeId> {
        let query = ControlMessage::BorderQuery {
            order: request(8, 1),
            attempt: 1,
            avoided: Box::default(),
        };
        let effects = self.tell(9, Address::kma(NodeId(node)), query);
        let answers = control(&effects);
        let [ControlMessage::BorderAnswer { border, .. }] = answers[..] else {
            panic!("{answers:?}")
        };
        border.map(|border| border.near)
    }
}

pub(super) fn request(destination: u32, qkdn: u32) -> KeyRequest {
    KeyRequest {
        request: REQUEST,
        application: ApplicationId(0),
        peer: ApplicationId(1),
        destination: NodeId(destination),
        destination_qkdn: QkdnId(qkdn),
        keys: 1,
        bits: 100,
        class: ClassId(0),
        deadline: Time(1_000),
        hold: None,
        last: false,
        leg: None,
    }
}

pub(super) fn control(effects: &[Effect]) -> Vec<&ControlMessage> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Envelope {
                message: Message::Control(message),
                ..
            }) => Some(message),
            _ => None,
        })
        .collect()
}

pub(super) fn reserved_at(effects: &[Effect]) -> Vec<(NodeId, HopId)> {
    let of = |message: &&ControlMessage| match message {
        ControlMessage::Reserve(order) => Some((order.km, order.hop)),
        _ => None,
    };
    control(effects).iter().filter_map(of).collect()
}

fn start(effects: &[Effect]) -> Option<ReservationResult> {
    control(effects).iter().find_map(|message| match message {
        ControlMessage::Start { result, .. } => Some(*result),
        _ => None,
    })
}

#[test]
fn the_nearest_border_that_makes_key_is_chosen() {
    let mut bench = Bench::new();
    assert_eq!(bench.border_from(0), Some(NodeId(1)));
    assert_eq!(bench.border_from(2), Some(NodeId(3)));
    bench.link(1, 5, false);
    assert_eq!(bench.border_from(0), Some(NodeId(3)), "the far one makes key");
    bench.link(2, 4, false);
    assert_eq!(bench.border_from(0), Some(NodeId(1)), "both have some left");
    bench.level(3, 4, 0);
    bench.level(3, 5, 0);
    assert_eq!(bench.border_from(0), None, "both are OFF");
}

#[test]
fn all_confirm_and_the_source_starts() {
    let mut bench = Bench::new();
    let asked = bench.local_session();
    assert_eq!(reserved_at(&asked).len(), 2);
    assert!(start(&bench.answer(0, ReservationResult::Confirmed)).is_none());
    let middle = reserved_at(&asked)[1].0;
    let last = bench.answer(middle.0, ReservationResult::Confirmed);
    assert_eq!(start(&last), Some(ReservationResult::Confirmed));
}

#[test]
fn one_refuses_and_the_others_are_released() {
    let mut bench = Bench::new();
    let asked = bench.local_session();
    let middle = reserved_at(&asked)[1].0;
    bench.answer(0, ReservationResult::Confirmed);
    let refusal = ReservationResult::Refused(FailureCause::InsufficientKey, middle);
    let last = bench.answer(middle.0, refusal);
    assert_eq!(start(&last), Some(refusal));
    let released: Vec<NodeId> = control(&last)
        .iter()
        .filter_map(|message| match message {
            ControlMessage::Release {
                km, cancel: false, ..
            } => *km,
            _ => None,
        })
        .collect();
    assert_eq!(released, [NodeId(0)], "the refusing KM keeps its waiter");
}

const ASK: Ask = Ask {
    request: REQUEST,
    attempt: 1,
};

/// A promise for an attempt that is over goes back to its KM, and counts for no other attempt.
#[test]
fn late_promises_of_an_earlier_attempt_are_given_back() {
    let mut bench = Bench::new();
    bench.local_session();
    let late = bench.answer_to(7, 0, ReservationResult::Confirmed);
    let sent = control(&late);
    assert!(
        matches!(sent[..], [ControlMessage::Release { ask, km: Some(NodeId(0)), cancel: false, .. }] if ask.attempt == 7),
        "{sent:?}"
    );
    assert!(bench.answer_to(7, 1, NO_KEY_AT_1).is_empty());
    bench.answer(0, ReservationResult::Confirmed);
    let started = bench.answer(1, ReservationResult::Confirmed);
    assert_eq!(
        control(&started).len(),
        1,
        "only the two answers of the attempt itself count"
    );
}

const NO_KEY_AT_1: ReservationResult = ReservationResult::Refused(FailureCause::InsufficientKey, NodeId(1));

#[test]
fn a_released_request_is_answered_no_more() {
    let mut bench = Bench::new();
    bench.local_session();
    bench.answer(0, ReservationResult::Confirmed);
    let release = ControlMessage::Release {
        ask: ASK,
        km: None,
        decider: ME,
        cancel: true,
    };
    let released = bench.tell(2, Address::kma(NodeId(0)), release);
    assert_eq!(control(&released).len(), 2, "every KM of the segment is told");
    for km in 0..4 {
        let late = bench.answer(km, ReservationResult::Confirmed);
        assert!(matches!(
            control(&late)[..],
            [ControlMessage::Release { cancel: false, .. }]
        ));
    }
}

#[test]
fn no_route_is_said_at_once() {
    let mut bench = Bench::new();
    for link in [0, 2] {
        bench.link(1, link, false);
        bench.level(1, link, 0);
    }
    let asked = bench.local_session();
    let refused = ReservationResult::Refused(FailureCause::NoRoute, NodeId(0));
    assert_eq!(start(&asked), Some(refused));
}

#[test]
fn a_route_is_changed_when_another_makes_key() {
    let mut bench = Bench::new();
    let first = reserved_at(&bench.local_session())[0].1;
    let seen = bench.link(5, first.0, false);
    assert!(
        matches!(
            seen[..],
            [
                Effect::Wake {
                    at: Time(15),
                    timer: Timer::Analysed(SESSION)
                },
                Effect::Observe(Observation::Session {
                    state: SessionState::Rerouting,
                    ..
                })
            ]
        ),
        "{seen:?}"
    );
    let analysed = bench.wake(15, Timer::Analysed(SESSION));
    assert!(matches!(
        analysed[..],
        [
            Effect::Observe(Observation::Internal { .. }),
            Effect::Wake {
                at: Time(35),
                timer: Timer::Computed(SESSION)
            }
        ]
    ));
    let computed = bench.wake(35, Timer::Computed(SESSION));
    let commands: Vec<(HopId, u32)> = control(&computed)
        .iter()
        .filter_map(|message| match message {
            ControlMessage::RerouteCommand(order) => Some((order.hop, order.epoch)),
            _ => None,
        })
        .collect();
    let other = if first == HopId(0) { [2, 3] } else { [0, 1] };
    assert_eq!(commands, other.map(|hop| (HopId(hop), 1)));

    // An answer about a route that is no more counts for nothing; requests are held until both KMs are active.
    let active = |epoch| ControlMessage::RouteActive {
        session: SESSION,
        km: NodeId(0),
        epoch,
        reply_to: ME,
        fault: None,
    };
    let request = ControlMessage::SegmentReserve {
        ask: Ask {
            request: RequestId { number: 1, ..REQUEST },
            attempt: 1,
        },
        agreement: 0,
        bits: 100,
        deadline: Time(1_000),
        hold: None,
    };
    let from = Address::kma(NodeId(0));
    assert!(bench.tell(40, from, request).is_empty());
    for _ in 0..3 {
        assert!(bench.tell(41, from, active(0)).is_empty());
    }
    assert!(bench.tell(42, from, active(1)).is_empty());
    let resumed = bench.tell(43, from, active(1));
    assert_eq!(reserved_at(&resumed).len(), 2);
}

#[test]
fn a_passive_hop_is_kept_where_there_is_no_other() {
    let mut bench = Bench::new();
    bench.link(0, 0, false);
    assert_eq!(reserved_at(&bench.local_session())[0].1, HopId(2));
    bench.link(1, 2, false);
    bench.wake(11, Timer::Analysed(SESSION));
    let computed = bench.wake(31, Timer::Computed(SESSION));
    assert!(control(&computed).is_empty(), "{computed:?}");
}

#[test]
fn old_news_is_no_news() {
    let mut bench = Bench::new();
    bench.local_session();
    bench.link(7, 5, true);
    bench.link(6, 5, false);
    assert_eq!(bench.border_from(0), Some(NodeId(1)));
}

/// Shows FE-5: a promise that one of higher priority lacks is taken back while others have not answered: the request waits,
/// with the cause. After its start it is kept.
#[test]
fn a_promise_is_recalled_before_the_start_and_not_after() {
    let recall = |km| ControlMessage::Recall {
        ask: ASK,
        km,
        reply_to: ME,
    };
    let mut bench = Bench::new();
    let middle = reserved_at(&bench.local_session())[1].0;
    bench.answer(0, ReservationResult::Confirmed);
    assert!(
        bench
            .tell(1, Address::kma(NodeId(0)), recall(NodeId(0)))
            .is_empty()
    );
    let last = bench.answer(middle.0, ReservationResult::Confirmed);
    let lacks = ReservationResult::Refused(FailureCause::InsufficientKey, NodeId(0));
    assert_eq!(start(&last), Some(lacks));
    let releases = |effects: &[Effect]| {
        let is_release = |message: &&&ControlMessage| matches!(message, ControlMessage::Release { .. });
        control(effects).iter().filter(is_release).count()
    };
    assert_eq!(releases(&last), 2, "also at the KM that asked");

    let mut bench = Bench::new();
    let middle = reserved_at(&bench.local_session())[1].0;
    bench.answer(0, ReservationResult::Confirmed);
    let last = bench.answer(middle.0, ReservationResult::Confirmed);
    assert_eq!(start(&last), Some(ReservationResult::Confirmed));
    assert!(
        bench
            .tell(2, Address::kma(NodeId(0)), recall(NodeId(0)))
            .is_empty()
    );
}

/// A query for a key that ends at this node, from the peer over the border at node 3.
fn query(bench: &mut Bench, destination: u32) -> Vec<Effect> {
    let border = BorderChoice {
        boundary: BoundaryId(0),
        near: NodeId(8),
        far: NodeId(3),
        procedure: Procedure::P9,
    };
    let order = SegmentOrder {
        ask: ASK,
        border: Some(border),
        destination: NodeId(destination),
        destination_qkdn: QkdnId(if destination == 77 { 2 } else { 0 }),
        passed: [].into(),
        bits: 100,
        class: ClassId(0),
        deadline: Time(1_000),
        hold: None,
        leg: None,
    };
    bench.tell(
        0,
        Address::controller(PEER),
        ControlMessage::SegmentQuery {
            order,
            reply_to: PEER,
        },
    )
}

/// Shows FE-5: beyond the border it is the segment before that knows whether the start was given.
#[test]
fn a_recall_beyond_the_border_goes_to_the_segment_before() {
    let mut bench = Bench::new();
    query(&mut bench, 3);
    let recall = ControlMessage::Recall {
        ask: ASK,
        km: NodeId(1),
        reply_to: ME,
    };
    let told = bench.tell(1, Address::kma(NodeId(1)), recall);
    assert!(
        matches!(
            control(&told)[..],
            [ControlMessage::Recall {
                reply_to: PEER,
                km: NodeId(1),
                ..
            }]
        ),
        "{told:?}"
    );
}

/// Shows FE-5: whether keys between two other QKDNs may pass through is policy, and who asks is told so.
#[test]
fn transit_is_refused_where_policy_says_so() {
    let offer = |effects: &[Effect]| match control(effects)[..] {
        [
            ControlMessage::SegmentOffer {
                reachable,
                refused_by_policy,
                ..
            },
        ] => (*reachable, *refused_by_policy),
        ref other => panic!("{other:?}"),
    };
    let refuses = || {
        Bench::with(Policy {
            refuses_transit: true,
            ..Policy::default()
        })
    };
    assert_eq!(offer(&query(&mut refuses(), 77)), (false, true));
    assert_eq!(offer(&query(&mut refuses(), 3)), (true, false), "it ends here");

    let mut bench = Bench::new();
    let order = RelayOrder {
        order: request(77, 1),
        source: NodeId(0),
        attempt: 1,
        source_controller: ME,
        border: None,
    };
    bench.tell(
        0,
        Address::kma(NodeId(3)),
        ControlMessage::RouteRequest(Box::new(order)),
    );
    let refused = ControlMessage::SegmentOffer {
        ask: ASK,
        reachable: false,
        usable_bits: 0,
        refused_by_policy: true,
    };
    let told = bench.tell(1, Address::controller(PEER), refused);
    assert!(
        matches!(
            start(&told),
            Some(ReservationResult::Refused(FailureCause::RefusedByPolicy, _))
        ),
        "{told:?}"
    );
}

/// Status that others are told of, after a report.
fn told(effects: &[Effect]) -> Vec<StatusChange> {
    let of = |message: &&ControlMessage| match message {
        ControlMessage::Status { change, .. } => Some(*change),
        _ => None,
    };
    control(effects).iter().filter_map(of).collect()
}

fn one_of_several(routing: Arc<dyn RoutingAlgorithm>) -> Bench {
    let mut bench = Bench::new();
    let mut surroundings = (*bench.controller.surroundings).clone();
    surroundings.flooding_peers = vec![ControllerId(2), ControllerId(3)];
    bench.controller = Controller::new(Arc::new(surroundings), routing);
    bench
}

/// Where nobody weighs amounts, levels are told to other controllers as far as the state of a hop hangs on them: when its
/// link makes no key, and what is no longer so then.
#[test]
fn levels_are_told_where_they_matter() {
    let level = |class| StatusChange::Level { hop: HopId(1), class };
    let off = StatusChange::Link {
        link: LinkId(1),
        generating: false,
    };
    let mut bench = one_of_several(Arc::new(FewestHops));
    for (now, class) in [(1, 3), (2, 4), (3, 0), (4, 2), (5, 0)] {
        assert_eq!(told(&bench.level(now, 1, class)), [], "the link makes key");
    }
    let stops = told(&bench.link(6, 1, false));
    assert_eq!(
        stops,
        [off, off, level(0), level(0)],
        "to each of the two: it is empty"
    );
    assert_eq!(told(&bench.level(7, 1, 2)), [level(2), level(2)]);
    assert_eq!(told(&bench.level(8, 1, 4)), [], "fuller is no news");
    assert_eq!(told(&bench.level(9, 1, 0)), [level(0), level(0)]);
    bench.link(10, 1, true);
    assert_eq!(told(&bench.level(11, 1, 4)), []);
    assert_eq!(told(&bench.level(12, 1, 0)), [], "as was told last");
    assert_eq!(told(&bench.link(13, 1, false)), [off, off]);
}

/// A routing that weighs key: as far as a controller can know, its own.
#[derive(Debug)]
struct Weighs;

impl RoutingAlgorithm for Weighs {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        FewestHops.route(query)
    }
}

#[test]
fn all_levels_are_told_where_amounts_are_weighed() {
    let mut bench = one_of_several(Arc::new(Weighs));
    for (now, class) in [(1, 3), (2, 4), (3, 0)] {
        assert_eq!(told(&bench.level(now, 1, class)).len(), 2);
    }
}
