//! The KM by plain calls: a message goes in, the outbox is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::key_data::Side;
use super::*;
use crate::architecture::Effect;
use crate::architecture::hop::{Handover, Protection};
use crate::architecture::key_source::{BlockRun, KeySource};
use crate::architecture::message::{
    Ask, FailureCause, KeyMaterial, KeyRange, KeyRequest, ManagementMessage, Material, OtpKeys, PartOrder,
    Purpose, RelayOutcome, Reservation, ReservationResult, Supply, Trail,
};
use crate::architecture::surroundings::{
    ManagementOptions, Parameters, ReservationScheme, StoreSettings, TransferredKeys,
};
use crate::ids::{ApplicationId, ClassId, ManagerId, QkdnId};
use crate::kernel::Span;

const BEFORE: NodeId = NodeId(0);
const HERE: NodeId = NodeId(1);
const BEYOND: NodeId = NodeId(2);
const IN: HopId = HopId(0);
const OUT: HopId = HopId(1);
const OUT_TOO: HopId = HopId(2);
/// From the other KM at one site.
const HANDED: HopId = HopId(3);
const DECIDER: ControllerId = ControllerId(7);
const SESSION: SessionId = SessionId(0);
const SUPPLY: Supply = Supply {
    keys: 1,
    bits: 100,
    class: ClassId(0),
    qkdns: [QkdnId(0); 2],
};

/// Blocks that come at given times, the same to both ends.
#[derive(Default)]
struct Blocks {
    coming: Vec<(Time, u64)>,
}

impl KeySource for Blocks {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        self.coming.retain(|&(first, bits)| {
            let came = first <= now;
            if came {
                blocks.push(BlockRun {
                    first,
                    period: Span(1),
                    count: 1,
                    bits,
                });
            }
            !came
        });
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        let mut sum = 0;
        self.coming.iter().find_map(|&(at, block)| {
            sum += block;
            (sum >= bits).then_some(at)
        })
    }

    fn is_generating(&self) -> bool {
        !self.coming.is_empty()
    }
}

#[derive(Default)]
struct Layer {
    sending: Blocks,
    others: Blocks,
}

impl KeySources for Layer {
    fn source(&mut self, store: StoreId, end: StoreEnd) -> &mut dyn KeySource {
        match (store, end) {
            (StoreId(1), StoreEnd::Sending) => &mut self.sending,
            _ => &mut self.others,
        }
    }
}

/// A KM between two others, with its world.
struct Bench {
    km: KeyManager,
    layer: Layer,
    out: Outbox,
}

fn hop(id: HopId, from: NodeId, to: NodeId) -> Hop {
    Hop {
        id,
        from,
        to,
        protection: Protection::OneTimePad(StoreId(id.0)),
        handover: Handover::Relay,
        link: None,
        length_m: 1_000,
        delay: Span::ZERO,
        rate_bps: 1.0,
        crosses_border: false,
        to_qkdn: QkdnId(0),
    }
}

fn id(number: u32) -> RequestId {
    RequestId {
        session: SESSION,
        number,
    }
}

fn order(number: u32, deadline: u64) -> KeyRequest {
    KeyRequest {
        request: id(number),
        application: ApplicationId(0),
        peer: ApplicationId(1),
        destination: BEYOND,
        destination_qkdn: QkdnId(0),
        keys: 1,
        bits: 100,
        class: ClassId(0),
        deadline: Time(deadline),
        hold: None,
        last: false,
        leg: None,
    }
}

fn is_named(effect: &Effect, name: &str) -> bool {
    matches!(effect, Effect::Send(envelope) if envelope.message.name() == name)
}

fn failure(effects: &[Effect]) -> Option<FailureCause> {
    effects.iter().find_map(|effect| match effect {
        Effect::Observe(Observation::Failed { cause, .. }) => Some(*cause),
        _ => None,
    })
}

/// What is noted of steps inside the KM.
fn notes(effects: &[Effect]) -> Vec<&'static str> {
    let note = |effect: &Effect| match effect {
        Effect::Observe(Observation::Internal { note, .. }) => Some(*note),
        _ => None,
    };
    effects.iter().filter_map(note).collect()
}

fn count(effects: &[Effect], name: &str) -> usize {
    effects.iter().filter(|effect| is_named(effect, name)).count()
}

impl Bench {
    fn new(initial: u64, reservation: ReservationScheme) -> Bench {
        let store = |hop: HopId| StoreSettings {
            id: StoreId(hop.0),
            hop,
            initial,
            capacity: 10_000,
            floor: 0,
            max_age: None,
        };
        let handed = Hop {
            protection: Protection::TrustedNode,
            handover: Handover::Transfer,
            ..hop(HANDED, BEFORE, HERE)
        };
        let surroundings = KmSurroundings {
            node: HERE,
            qkdn: QkdnId(0),
            controller: ControllerId(0),
            manager: ManagerId(0),
            outgoing: vec![hop(OUT, HERE, BEYOND), hop(OUT_TOO, HERE, BEYOND)],
            incoming: vec![hop(IN, BEFORE, HERE), handed],
            sending_stores: vec![store(OUT), store(OUT_TOO)],
            receiving_stores: vec![store(IN)],
            session_limits: BTreeMap::from([(OUT_TOO, 1)]),
            protections: Arc::default(),
            parameters: Arc::new(Parameters {
                reservation,
                usage_records: false,
                transferred_keys: TransferredKeys::Store,
                status_reports: false,
                authentication_tag: 0,
                management: ManagementOptions::default(),
                level_classes: 0,
                detection: Span::ZERO,
                analysis: Span::ZERO,
                computation: Span::ZERO,
                installation: Span(5),
                polling: None,
                generation_control: None,
                recovery: crate::architecture::Recovery::default(),
                refresh: crate::architecture::surroundings::LinkStateRefresh::default(),
                coordination_guard: Span::from_millis(5),
                coordination_timeout: Span::from_millis(500),
                coordination_retries: 3,
                rerouting: Procedure::P10,
            }),
        };
        Bench {
            km: KeyManager::new(Arc::new(surroundings)),
            layer: Layer::default(),
            out: Outbox::new(Address::kma(HERE)),
        }
    }

    fn tell(&mut self, now: u64, from: Address, message: impl Into<Message>) -> Vec<Effect> {
        let envelope = Envelope {
            from,
            to: Address::kma(HERE),
            label: Label::new(Procedure::Local, Step::Reservation),
            message: message.into(),
            tag: None,
        };
        let mut cx = Context {
            now: Time(now),
            sources: &mut self.layer,
        };
        self.km.on_message(envelope, &mut cx, &mut self.out);
        self.out.take()
    }

    fn wake(&mut self, now: u64, timer: Timer) -> Vec<Effect> {
        let mut cx = Context {
            now: Time(now),
            sources: &mut self.layer,
        };
        self.km.on_timer(timer, &mut cx, &mut self.out);
        self.out.take()
    }

    fn ask(&mut self, now: u64, order: KeyRequest) -> Vec<Effect> {
        let application = Address::application(order.application);
        self.tell(now, application, ServiceMessage::KeyRequest(order))
    }

    fn control(&mut self, now: u64, message: ControlMessage) -> Vec<Effect> {
        self.tell(now, Address::controller(ControllerId(0)), message)
    }

    fn start(&mut self, now: u64, number: u32, result: ReservationResult) -> Vec<Effect> {
        let message = ControlMessage::Start {
            ask: first_try(number),
            source: HERE,
            decider: DECIDER,
            result,
        };
        self.control(now, message)
    }

    fn order(&self, number: u32, hop: HopId) -> Reservation {
        Reservation {
            ask: first_try(number),
            km: HERE,
            hop,
            bits: 100,
            deadline: Time(1_000),
            hold: None,
            reply_to: DECIDER,
            border: None,
            epoch: 0,
            generation: 1,
            procedure: Procedure::Local,
            terms: Terms::default(),
            reserve: self.km.surroundings.parameters.reservation == ReservationScheme::Segment,
            formation: None,
        }
    }

    fn reserve(&mut self, now: u64, number: u32, hop: HopId) -> Vec<Effect> {
        let reservation = self.order(number, hop);
        self.control(now, ControlMessage::Reserve(reservation))
    }

    /// A key comes over the hop in; the first `100 × number` bits of the store before were used already.
    fn relay(&mut self, now: u64, number: u32, destination: NodeId) -> Vec<Effect> {
        let range = KeyRange {
            start: 100 * u64::from(number),
            bits: 100,
        };
        let message = KeyManagementMessage::KeyRelay {
            request: id(number),
            hop: IN,
            handover: Handover::Relay,
            source: BEFORE,
            source_qkdn: QkdnId(0),
            destination,
            trail: Trail::default(),
            key: KeyMaterial::new(100, None),
            otp: Some(OtpKeys::single(range)),
            deadline: Time(1_000),
        };
        self.tell(now, Address::kma(BEFORE), message)
    }

    fn book(&self, store: StoreId) -> Book {
        let (_, book) = self.km.books().find(|&(id, _)| id == store).expect("its own");
        book
    }
}

/// Shows P10 step 2: a KM tells how full its links are in both directions, that of the other end by its own copy: what it was
/// told to use is gone from there. Who is asked repeats the round.
#[test]
fn a_key_manager_tells_both_directions_of_its_links() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let surroundings = Arc::make_mut(&mut bench.km.surroundings);
    surroundings.incoming[0].link = Some(LinkId(5));
    for lane in &mut bench.km.lanes {
        lane.link = Some(LinkId(6));
    }
    bench.relay(1, 0, HERE);
    let levels = |effects: &[Effect]| {
        let answers = effects.iter().find_map(|effect| match effect {
            Effect::Send(Envelope {
                message: Message::Control(ControlMessage::StatusAnswer(answer)),
                ..
            }) => Some((answer.round, answer.levels.to_vec())),
            _ => None,
        });
        answers.expect("it answers")
    };
    let level = |link, hop, percent| LaneLevel {
        link: LinkId(link),
        hop,
        percent,
    };
    let (round, told) = levels(&bench.control(3, ControlMessage::StatusRequest { round: 8 }));
    assert_eq!(round, 8);
    // The hop that is handed over spends nothing; of the 1,000 bits of the other 100 are used, and 10,000 have room.
    let sent = told.iter().filter(|told| told.link == LinkId(6)).count();
    assert_eq!(sent, 2);
    assert_eq!(told.last(), Some(&level(5, IN, 9)));
    let (_, later) = levels(&bench.control(4, ControlMessage::StatusRequest { round: 9 }));
    assert_eq!(later.len(), 3);
    // Of keys that expire the sending end alone tells.
    bench.km.follows[0].settings.max_age = Some(Span(1));
    let (_, told) = levels(&bench.control(5, ControlMessage::StatusRequest { round: 10 }));
    assert!(told.iter().all(|told| told.link == LinkId(6)), "{told:?}");
}

fn first_try(number: u32) -> Ask {
    Ask {
        request: id(number),
        attempt: 1,
    }
}

const NO_KEY: ReservationResult = ReservationResult::Refused(FailureCause::InsufficientKey, HERE);

#[test]
fn requests_queue_behind_the_one_that_finds_the_route() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let first = bench.ask(0, order(0, 1_000));
    assert_eq!(count(&first, "route request"), 1);
    let second = bench.ask(1, order(1, 1_000));
    assert!(second.is_empty(), "{second:?}");
    bench.reserve(2, 0, OUT);
    let started = bench.start(3, 0, ReservationResult::Confirmed);
    assert_eq!(count(&started, "key relay"), 1);
    assert_eq!(count(&started, "segment request"), 1);
    assert_eq!(bench.km.open_requests(), 2);
}

#[test]
fn a_refused_request_holds_up_those_behind_until_it_can_be_served() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.ask(0, order(0, 1_000));
    bench.ask(1, order(1, 1_000));
    let refused = bench.start(2, 0, NO_KEY);
    assert!(refused.is_empty(), "{refused:?}");
    let can_serve = ControlMessage::CanServe {
        ask: first_try(0),
        km: HERE,
        reply_to: DECIDER,
        source: Some(HERE),
    };
    let again = bench.control(3, can_serve);
    assert_eq!(
        count(&again, "segment request"),
        2,
        "the refused one, then the other"
    );
}

#[test]
fn the_cause_of_a_time_out_says_whether_key_was_lacking() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.ask(0, order(0, 10));
    bench.ask(0, order(1, 20));
    bench.start(2, 0, NO_KEY);
    let ended = bench.wake(10, Timer::RequestDeadline(SESSION));
    assert_eq!(failure(&ended), Some(FailureCause::InsufficientKey));
    assert_eq!(count(&ended, "key refusal"), 1);
    let cancels = |effect: &Effect| {
        matches!(
            effect,
            Effect::Send(Envelope {
                message: Message::Control(ControlMessage::Release { cancel: true, .. }),
                ..
            })
        )
    };
    assert!(ended.iter().any(cancels));
    let ended = bench.wake(20, Timer::RequestDeadline(SESSION));
    assert_eq!(failure(&ended), Some(FailureCause::TimeOut));
    assert_eq!(bench.km.open_requests(), 0);
}

#[test]
fn a_start_after_the_end_starts_nothing() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.ask(0, order(0, 10));
    bench.reserve(1, 0, OUT);
    bench.wake(10, Timer::RequestDeadline(SESSION));
    let late = bench.start(11, 0, ReservationResult::Confirmed);
    assert_eq!(count(&late, "key relay"), 0);
    assert_eq!(bench.book(StoreId(1)).spent, 0);
}

#[test]
fn a_request_that_comes_late_ends_at_once() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let asked = bench.ask(50, order(0, 10));
    let wakes: Vec<Time> = asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::Wake { at, .. } => Some(*at),
            _ => None,
        })
        .collect();
    assert_eq!(wakes, [Time(50)]);
    let ended = bench.wake(50, Timer::RequestDeadline(SESSION));
    assert_eq!(failure(&ended), Some(FailureCause::TimeOut));
}

#[test]
fn a_refusal_waits_and_tells_when_key_has_come() {
    let mut bench = Bench::new(150, ReservationScheme::Segment);
    bench.layer.sending.coming = vec![(Time(30), 40), (Time(60), 40)];
    assert_eq!(count(&bench.reserve(1, 0, OUT), "reservation confirmed"), 1);
    let refused = bench.reserve(2, 1, OUT);
    assert_eq!(count(&refused, "reservation refused"), 1);
    let notice = |effect: &Effect| {
        matches!(
            effect,
            Effect::Wake {
                at: Time(60),
                timer: Timer::StoreNotice(StoreId(1))
            }
        )
    };
    assert!(refused.iter().any(notice), "{refused:?}");
    let told = bench.wake(60, Timer::StoreNotice(StoreId(1)));
    assert!(told.iter().any(|effect| matches!(
        effect,
        Effect::Send(Envelope { message: Message::Control(ControlMessage::CanServe { ask, .. }), .. }) if *ask == first_try(1)
    )));
    // What was told is kept for the one that was told.
    assert_eq!(count(&bench.reserve(61, 2, OUT), "reservation refused"), 1);
    assert_eq!(count(&bench.reserve(62, 1, OUT), "reservation confirmed"), 1);
    assert!(bench.book(StoreId(1)).balances());
}

#[test]
fn a_request_has_one_promise_at_a_time() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    bench.reserve(2, 0, OUT);
    assert_eq!(bench.book(StoreId(1)).reserved, 100);
    bench.reserve(3, 0, OUT_TOO);
    assert_eq!(bench.book(StoreId(1)).reserved, 0);
    assert_eq!(bench.book(StoreId(2)).reserved, 100);
}

#[test]
fn a_promise_that_has_lapsed_fails_the_relay_and_alarms() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    let stopped = bench.relay(1_000, 0, BEYOND);
    assert_eq!(count(&stopped, "key relay failure"), 1);
    assert!(stopped.iter().any(|effect| matches!(
        effect,
        Effect::Send(Envelope {
            message: Message::Management(ManagementMessage::RelayFailure { .. }),
            ..
        })
    )));
    let book = bench.book(StoreId(1));
    assert_eq!((book.stored, book.spent), (1_000, 0));
}

#[test]
fn a_relay_goes_on_and_its_completion_comes_back() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    let passed = bench.relay(2, 0, BEYOND);
    assert_eq!(count(&passed, "key relay"), 1);
    assert_eq!(bench.book(StoreId(1)).spent, 100);
    let outcome = RelayOutcome::Relayed;
    let completion = KeyManagementMessage::Completion {
        request: id(0),
        outcome,
    };
    let back = bench.tell(3, Address::kma(BEYOND), completion.clone());
    assert!(
        back.iter()
            .any(|effect| matches!(effect, Effect::Send(envelope) if envelope.to == Address::kma(BEFORE)))
    );
    assert!(bench.tell(4, Address::kma(BEYOND), completion).is_empty(), "once");
}

#[test]
fn key_that_is_used_twice_is_a_finding() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.relay(1, 0, HERE);
    let finding = |effect: &Effect| matches!(effect, Effect::Observe(Observation::Finding { .. }));
    assert!(!bench.relay(2, 1, HERE).iter().any(finding));
    assert!(bench.relay(3, 1, HERE).iter().any(finding));
}

#[test]
fn a_relay_that_waits_goes_over_its_own_hop_though_the_session_was_closed() {
    let mut bench = Bench::new(0, ReservationScheme::PerHop);
    bench.layer.others.coming = vec![(Time(1), 100)];
    bench.layer.sending.coming = vec![(Time(30), 100)];
    bench.reserve(1, 0, OUT);
    assert_eq!(count(&bench.relay(2, 0, BEYOND), "key relay"), 0);
    let close = ControlMessage::SessionClose {
        session: SESSION,
        generation: 1,
        decider: DECIDER,
        km: Some(HERE),
    };
    bench.control(3, close);
    let on = bench.wake(30, Timer::StoreNotice(StoreId(1)));
    assert_eq!(count(&on, "key relay"), 1);
    assert_eq!(bench.book(StoreId(1)).spent, 100);
}

/// A close of what was established before comes late: the route that was established meanwhile stays, and nobody's wait
/// for key there ends; nor does a late command or reservation of the earlier segment change it.
#[test]
fn a_late_close_ends_nothing_that_is_newer() {
    let mut bench = Bench::new(50, ReservationScheme::Segment);
    let close = |generation| ControlMessage::SessionClose {
        session: SESSION,
        generation,
        decider: DECIDER,
        km: Some(HERE),
    };
    let mut second = bench.order(0, OUT_TOO);
    (second.ask.attempt, second.generation) = (4, 4);
    assert_eq!(count(&bench.reserve(1, 0, OUT), "reservation refused"), 1);
    let later = bench.control(2, ControlMessage::Reserve(second.clone()));
    assert_eq!(count(&later, "reservation refused"), 1);
    bench.control(3, close(3));
    assert_eq!(bench.km.routes[&SESSION].hop, OUT_TOO, "the newer route stays");
    let waits = |bench: &Bench| {
        bench
            .km
            .lanes
            .iter()
            .map(|lane| lane.waiters.iter().count())
            .sum::<usize>()
    };
    assert!(waits(&bench) > 0);
    bench.reserve(4, 1, OUT);
    assert_eq!(
        bench.km.routes[&SESSION].hop, OUT_TOO,
        "a late reservation changes no route"
    );
    bench.control(5, close(4));
    assert!(bench.km.routes.is_empty());
    assert_eq!(waits(&bench), 0);
}

/// Shows FE-5: what is promised to a lower priority is asked back, once; when it comes back its request waits behind.
#[test]
fn promises_to_lower_priorities_are_asked_back() {
    let ranked = |bench: &Bench, number, priority, preempts| {
        let mut order = bench.order(number, OUT);
        order.terms = Terms {
            priority,
            preempts,
            ..Terms::default()
        };
        ControlMessage::Reserve(order)
    };
    let recalled = |effects: &[Effect]| -> Vec<u32> {
        let named = effects.iter().filter_map(|effect| match effect {
            Effect::Send(Envelope {
                message: Message::Control(ControlMessage::Recall { ask, .. }),
                ..
            }) => Some(ask.request.number),
            _ => None,
        });
        named.collect()
    };
    let mut bench = Bench::new(350, ReservationScheme::Segment);
    for (number, priority) in [(0, 0), (1, 1), (2, 0)] {
        let low = ranked(&bench, number, priority, true);
        assert_eq!(count(&bench.control(1, low), "reservation confirmed"), 1);
    }
    let meek = ranked(&bench, 3, 0, true);
    assert!(
        recalled(&bench.control(2, meek)).is_empty(),
        "no priority over them"
    );
    let polite = ranked(&bench, 4, 5, false);
    assert!(
        recalled(&bench.control(3, polite)).is_empty(),
        "policy does not let it"
    );
    let high = ranked(&bench, 5, 5, true);
    // 50 bits are left, and nobody waits whose turn they would be: the lowest and latest is asked for.
    assert_eq!(recalled(&bench.control(4, high)), [2]);
    let higher = ranked(&bench, 6, 9, true);
    assert!(recalled(&bench.control(5, higher)).is_empty(), "asked for once");
    let release = ControlMessage::Release {
        ask: first_try(2),
        km: Some(HERE),
        decider: DECIDER,
        cancel: false,
    };
    let given_back = bench.control(6, release);
    let served: Vec<u32> = given_back
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Envelope {
                message: Message::Control(ControlMessage::CanServe { ask, .. }),
                ..
            }) => Some(ask.request.number),
            _ => None,
        })
        .collect();
    assert_eq!(served, [6], "the highest priority first, and 50 bits remain");
    let last = bench.km.lanes[0].waiters.iter().last().expect("they wait");
    assert_eq!(
        (last.request.number, last.terms.priority),
        (2, 0),
        "it waits behind those of its own priority"
    );
}

/// A part whose relay nobody heard of again is void at both ends, and those before are told; one that was completed is not.
#[test]
fn parts_that_came_to_nothing_are_void_after_their_deadline() {
    let parts = |bench: &mut Bench, number: u32| {
        let mut order = bench.order(number, OUT);
        order.formation = Some(Arc::new(Formation {
            combiner: BEYOND,
            end: BEYOND,
            kms: Box::new([BEFORE, HERE]),
        }));
        bench.control(1, ControlMessage::Reserve(order));
        let keys = OtpKeys::single(KeyRange {
            start: 100 * u64::from(number),
            bits: 100,
        });
        let ids = KeyManagementMessage::KeyIds {
            ask: first_try(number),
            hop: IN,
            keys,
            deadline: Time(1_000),
        };
        bench.tell(2, Address::kma(BEFORE), ids);
        let order = PartOrder {
            ask: first_try(number),
            source: BEFORE,
            source_qkdn: QkdnId(0),
            trail: Trail::default(),
            destination: BEYOND,
            deadline: Time(1_000),
        };
        bench.tell(3, Address::kma(BEFORE), KeyManagementMessage::PartRequest(order))
    };
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let wakes = |effects: &[Effect]| {
        let at = effects.iter().filter_map(|effect| match effect {
            Effect::Wake {
                at,
                timer: Timer::PartDeadline,
            } => Some(at.0),
            _ => None,
        });
        at.collect::<Vec<u64>>()
    };
    let sent = parts(&mut bench, 0);
    assert_eq!((count(&sent, "key relay part"), wakes(&sent)), (1, vec![1_001]));
    assert!(wakes(&parts(&mut bench, 1)).is_empty(), "one timer for all");
    let outcome = RelayOutcome::Relayed;
    let completion = KeyManagementMessage::Completion {
        request: id(0),
        outcome,
    };
    bench.tell(4, Address::kma(BEYOND), completion);
    let over = bench.wake(1_001, Timer::PartDeadline);
    let void = over.iter().filter_map(|effect| match effect {
        Effect::Send(Envelope {
            to,
            message: Message::KeyManagement(KeyManagementMessage::KeysVoid { request, hop, keys }),
            ..
        }) => Some((*to, *request, *hop, keys.first)),
        _ => None,
    });
    let range = KeyRange {
        start: 100,
        bits: 100,
    };
    assert_eq!(
        void.collect::<Vec<_>>(),
        [(Address::kma(BEYOND), id(1), OUT, range)]
    );
    assert_eq!(count(&over, "key relay failure"), 1);
    // At the other end they count as used once, whether they came or not.
    let told = KeyManagementMessage::KeysVoid {
        request: id(7),
        hop: IN,
        keys: OtpKeys::single(KeyRange { start: 300, bits: 50 }),
    };
    let before = bench.spent_before();
    bench.tell(1_002, Address::kma(BEFORE), told.clone());
    assert!(!has_finding(&bench.tell(1_003, Address::kma(BEFORE), told)));
    assert_eq!(bench.spent_before(), before + 50);
}

#[test]
fn the_ksa_supplies_a_held_key_once() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.relay(1, 0, HERE);
    let notification = KeyManagementMessage::SupplyNotification {
        request: id(0),
        source: BEFORE,
        destination: HERE,
        destination_qkdn: QkdnId(0),
        peer: ApplicationId(1),
        supply: SUPPLY,
        purpose: Purpose::Supply,
    };
    let before = Address::ksa(BEFORE);
    let supplied = bench.tell(2, before, notification.clone());
    assert_eq!(count(&supplied, "key supply"), 1);
    let again = bench.tell(3, before, notification);
    assert_eq!(count(&again, "key supply"), 0);
    assert_eq!(count(&again, "key supply response"), 1);
}

#[test]
fn a_key_that_nobody_fetches_is_forgotten_after_its_deadline() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.relay(1, 0, HERE);
    bench.relay(1_000, 1, HERE);
    assert_eq!(bench.km.held.len(), 2, "both may still be asked for");
    let late = bench.relay(1_001, 2, HERE);
    assert_eq!(bench.km.held.len(), 0);
    assert_eq!(
        count(&late, "key relay completion"),
        1,
        "the source decides what it is worth"
    );
}

/// Shows FE-2: the source KSA's synchronisation is answered once, or outlives its request: a late answer, or a second
/// one, supplies nothing, and there is nothing left to answer.
#[test]
fn a_synchronisation_that_is_answered_late_supplies_nothing() {
    let synchronising = || {
        let mut bench = Bench::new(1_000, ReservationScheme::Segment);
        bench.ask(0, order(0, 500));
        bench.reserve(1, 0, OUT);
        bench.start(2, 0, ReservationResult::Confirmed);
        let completion = KeyManagementMessage::Completion {
            request: id(0),
            outcome: RelayOutcome::Relayed,
        };
        let told = bench.tell(3, Address::kma(BEYOND), completion);
        assert_eq!(count(&told, "key supply notification"), 1);
        bench
    };
    let response = |accepted| KeyManagementMessage::SupplyResponse {
        request: id(0),
        source: HERE,
        accepted,
    };
    let mut bench = synchronising();
    assert_eq!(
        count(&bench.tell(4, Address::ksa(BEYOND), response(true)), "key supply"),
        1
    );
    assert!(bench.tell(5, Address::ksa(BEYOND), response(true)).is_empty());
    assert_eq!(bench.km.open_requests(), 0);

    let mut bench = synchronising();
    let over = bench.wake(500, Timer::RequestDeadline(SESSION));
    assert_eq!(failure(&over), Some(FailureCause::TimeOut));
    assert_eq!(
        count(
            &bench.tell(501, Address::ksa(BEYOND), response(true)),
            "key supply"
        ),
        0
    );
    assert!(bench.tell(502, Address::ksa(BEYOND), response(true)).is_empty());

    // Refused at the other end: the request ends by its deadline, with a cause.
    let mut bench = synchronising();
    assert_eq!(
        count(
            &bench.tell(4, Address::ksa(BEYOND), response(false)),
            "key supply"
        ),
        0
    );
    assert_eq!(
        failure(&bench.wake(500, Timer::RequestDeadline(SESSION))),
        Some(FailureCause::TimeOut)
    );
}

#[test]
fn a_void_key_is_not_supplied() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.relay(1, 0, HERE);
    let notification = KeyManagementMessage::SupplyNotification {
        request: id(0),
        source: BEFORE,
        destination: HERE,
        destination_qkdn: QkdnId(0),
        peer: ApplicationId(1),
        supply: SUPPLY,
        purpose: Purpose::Supply,
    };
    let late = bench.tell(1_001, Address::ksa(BEFORE), notification);
    assert_eq!(count(&late, "key supply"), 0);
}

#[test]
fn a_stale_reroute_command_is_refused() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    let command = |epoch, hop| {
        ControlMessage::RerouteCommand(NewRoute {
            border: None,
            session: SESSION,
            km: HERE,
            hop,
            epoch,
            generation: 1,
            reply_to: DECIDER,
            fault: None,
            procedure: Procedure::Local,
            rerouting: Procedure::Local,
            terms: Terms::default(),
            to_border_km: false,
        })
    };
    assert!(!bench.control(2, command(2, OUT_TOO)).is_empty());
    let active = bench.wake(7, Timer::Installed(SESSION));
    assert_eq!(active.len(), 1);
    assert_eq!(bench.km.routes[&SESSION].hop, OUT_TOO);
    assert!(bench.control(8, command(1, OUT)).is_empty());
    assert!(bench.control(8, command(2, OUT)).is_empty());
    assert_eq!(bench.km.routes[&SESSION].hop, OUT_TOO);
}

impl Bench {
    /// The carrier gives up the first message of that name among the effects.
    fn give_up(&mut self, now: u64, effects: Vec<Effect>, name: &str) -> Vec<Effect> {
        let given_up = effects.into_iter().find_map(|effect| match effect {
            Effect::Send(envelope) if envelope.message.name() == name => Some(envelope),
            _ => None,
        });
        let mut cx = Context {
            now: Time(now),
            sources: &mut self.layer,
        };
        let envelope = given_up.expect("it was sent");
        self.km.on_undelivered(envelope, &mut cx, &mut self.out);
        self.out.take()
    }

    fn void(&mut self, now: u64, number: u32, otp: Option<OtpKeys>) -> Vec<Effect> {
        let request = id(number);
        let void = KeyManagementMessage::Void {
            request,
            hop: IN,
            otp,
        };
        self.tell(now, Address::kma(BEFORE), void)
    }

    fn spent_before(&self) -> u64 {
        self.km.followed().next().expect("one store is followed").spent()
    }
}

fn has_finding(effects: &[Effect]) -> bool {
    let finding = |effect: &Effect| matches!(effect, Effect::Observe(Observation::Finding { .. }));
    effects.iter().any(finding)
}

/// A relay that was given up is void at the neighbour, and its request fails upstream; once.
#[test]
fn a_relay_that_was_given_up_is_void_at_both_ends() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    let sent = bench.relay(2, 0, BEYOND);
    let after = bench.give_up(3, sent.clone(), "key relay");
    assert_eq!(count(&after, "key void"), 1);
    assert_eq!(count(&after, "key relay failure"), 1);
    let named = after.iter().find_map(|effect| match effect {
        Effect::Send(Envelope {
            message: Message::KeyManagement(KeyManagementMessage::Void { otp, .. }),
            ..
        }) => otp.clone(),
        _ => None,
    });
    assert_eq!(named, Some(OtpKeys::single(KeyRange { start: 0, bits: 100 })));
    assert!(bench.give_up(4, sent, "key relay").is_empty(), "it is over");
}

/// A relay whose completion came had arrived, whatever became of its acknowledgements.
#[test]
fn a_completed_relay_is_not_voided() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 0, OUT);
    let sent = bench.relay(2, 0, BEYOND);
    let completion = KeyManagementMessage::Completion {
        request: id(0),
        outcome: RelayOutcome::Relayed,
    };
    bench.tell(3, Address::kma(BEYOND), completion);
    assert!(bench.give_up(4, sent, "key relay").is_empty());
}

/// Whether the relay came or not, its keys count as used once, and what came of it is dropped.
#[test]
fn void_keys_are_used_at_the_receiving_end_and_never_supplied() {
    let keys = |number: u64| {
        Some(OtpKeys::single(KeyRange {
            start: 100 * number,
            bits: 100,
        }))
    };
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    assert!(!has_finding(&bench.void(1, 0, keys(0))), "it never came");
    assert_eq!(bench.spent_before(), 100);
    bench.relay(2, 1, HERE);
    assert!(!has_finding(&bench.void(3, 1, keys(1))), "it had come");
    assert_eq!(bench.spent_before(), 200);
    let notification = KeyManagementMessage::SupplyNotification {
        request: id(1),
        source: BEFORE,
        destination: HERE,
        destination_qkdn: QkdnId(0),
        peer: ApplicationId(1),
        supply: SUPPLY,
        purpose: Purpose::Supply,
    };
    let refused = bench.tell(4, Address::ksa(BEFORE), notification);
    assert_eq!(count(&refused, "key supply"), 0);
    // What was sent on is void beyond, and its completion goes nowhere.
    bench.reserve(5, 2, OUT);
    bench.relay(6, 2, BEYOND);
    assert_eq!(count(&bench.void(7, 2, keys(2)), "key void"), 1);
    let completion = KeyManagementMessage::Completion {
        request: id(2),
        outcome: RelayOutcome::Relayed,
    };
    assert!(bench.tell(8, Address::kma(BEYOND), completion).is_empty());
}

#[test]
fn a_question_that_was_given_up_is_asked_anew() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let asked = bench.ask(0, order(0, 1_000));
    let again = bench.give_up(1, asked.clone(), "route request");
    assert_eq!(count(&again, "route request"), 1);
    assert!(
        bench.give_up(2, asked, "route request").is_empty(),
        "of an earlier attempt"
    );
    let late = bench.wake(1_000, Timer::RequestDeadline(SESSION));
    assert_eq!(failure(&late), Some(FailureCause::ElementDown));
}

/// No pass-back (analogue: ETSI GS QKD 020): a key enters no QKDN that it came from or has passed; another it may.
#[test]
fn a_key_is_never_handed_back() {
    let relays_from = |source: u32, passed: Option<u32>| {
        let mut bench = Bench::new(1_000, ReservationScheme::Segment);
        bench.reserve(1, 0, OUT);
        let out = bench.km.outgoing.get_mut(&OUT).expect("its own hop");
        (out.crosses_border, out.to_qkdn) = (true, QkdnId(7));
        let trail = Trail::default();
        let message = KeyManagementMessage::KeyRelay {
            request: id(0),
            hop: IN,
            handover: Handover::Relay,
            source: BEFORE,
            source_qkdn: QkdnId(source),
            destination: BEYOND,
            trail: passed.map_or(trail.clone(), |passed| trail.leaving(QkdnId(passed))),
            key: KeyMaterial::new(100, None),
            otp: Some(OtpKeys::single(KeyRange { start: 0, bits: 100 })),
            deadline: Time(1_000),
        };
        let sent = bench.tell(2, Address::kma(BEFORE), message);
        assert_eq!(count(&sent, "key relay") + count(&sent, "key relay failure"), 1);
        count(&sent, "key relay") == 1
    };
    assert!(!relays_from(7, None), "back to its source");
    assert!(!relays_from(1, Some(7)), "back to where it passed");
    assert!(relays_from(1, None));
    assert!(relays_from(1, Some(2)));
}

/// Shows P12 step 4: whose policy is not to wait is refused where key lacks, and nobody waits in its name.
#[test]
fn who_does_not_wait_is_refused_for_good() {
    let impatient = Terms {
        fails_at_once: true,
        ..Terms::default()
    };
    let mut bench = Bench::new(50, ReservationScheme::Segment);
    let mut order = bench.order(0, OUT);
    order.terms = impatient;
    let effects = bench.control(1, ControlMessage::Reserve(order));
    assert_eq!(count(&effects, "reservation confirmed"), 0);
    assert!(bench.km.lanes.iter().all(|lane| lane.waiters.is_empty()));
    bench.reserve(2, 1, OUT);
    assert_eq!(
        bench.km.lanes[0].waiters.iter().count(),
        1,
        "others wait: the terms are each request's"
    );
}

/// A link that carries one session refuses another at once, whatever key there is, until the first one's end.
#[test]
fn a_full_link_refuses_another_session() {
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    let ask = |bench: &mut Bench, now, number, session, until| {
        let mut order = bench.order(number, OUT_TOO);
        order.hold = Some(crate::architecture::message::Hold {
            number: std::num::NonZeroU32::new(session).expect("counted from 1"),
            until: Time(until),
        });
        let effects = bench.control(now, ControlMessage::Reserve(order));
        effects.iter().find_map(|effect| match effect {
            Effect::Send(Envelope {
                message: Message::Control(ControlMessage::ReserveAnswer { result, .. }),
                ..
            }) => Some(*result),
            _ => None,
        })
    };
    let full = Some(ReservationResult::Refused(FailureCause::SessionLimit, HERE));
    let admitted = Some(ReservationResult::Confirmed);
    assert_eq!(ask(&mut bench, 1, 0, 1, 500), admitted);
    assert_eq!(ask(&mut bench, 2, 1, 2, 600), full);
    assert_eq!(
        ask(&mut bench, 3, 2, 1, 500),
        admitted,
        "of the session that holds it"
    );
    assert_eq!(ask(&mut bench, 500, 3, 3, 900), admitted, "the first is over");
    assert!(bench.km.lanes.iter().all(|lane| lane.waiters.is_empty()));
}

/// Shows P12 steps 8 and 9: KM-B keeps the very key that was transferred; what became of it beyond decides whether it is
/// stored, until the KSAs have agreed on its supply, or deleted. Its controller is told, and gets no key.
#[test]
fn p12_step_9_transferred_keys_are_stored_or_deleted() {
    let transferred = || {
        let mut material = Material::default();
        material.append(&[0b1010_0110; 13], 0, 100);
        KeyMaterial::new(100, Some(Box::new(material)))
    };
    let relayed = RelayOutcome::Relayed;
    let failed = RelayOutcome::Failed(FailureCause::TimeOut, BEYOND);
    for (policy, outcome, kept) in [
        (TransferredKeys::Store, relayed, true),
        (TransferredKeys::Store, failed, false),
        (TransferredKeys::Delete, relayed, false),
        (TransferredKeys::Delete, failed, false),
    ] {
        let mut bench = Bench::new(1_000, ReservationScheme::Segment);
        let surroundings = Arc::make_mut(&mut bench.km.surroundings);
        Arc::make_mut(&mut surroundings.parameters).transferred_keys = policy;
        bench.reserve(1, 0, OUT);
        let transfer = KeyManagementMessage::KeyRelay {
            request: id(0),
            hop: HANDED,
            handover: Handover::Transfer,
            source: BEFORE,
            source_qkdn: QkdnId(0),
            destination: BEYOND,
            trail: Trail::default(),
            key: transferred(),
            otp: None,
            deadline: Time(1_000),
        };
        let accepted = bench.tell(2, Address::kma(BEFORE), transfer);
        assert_eq!(count(&accepted, "key relay"), 1, "{accepted:?}");
        let stored = |bench: &Bench| bench.km.key_data.get(id(0), Side::Accepts).cloned();
        assert_eq!(stored(&bench), Some(transferred()));

        let completion = KeyManagementMessage::Completion {
            request: id(0),
            outcome,
        };
        let answered = bench.tell(3, Address::kma(BEYOND), completion);
        assert_eq!(stored(&bench), kept.then(transferred), "{policy:?} {outcome:?}");
        assert_eq!(count(&answered, "key life-cycle metadata"), 1, "{answered:?}");
        let done = if kept { "stores" } else { "deletes" };
        assert_eq!(notes(&answered), [format!("{done} the transferred keys")]);

        let notification = KeyManagementMessage::SupplyNotification {
            request: id(0),
            source: BEFORE,
            destination: BEYOND,
            destination_qkdn: QkdnId(0),
            peer: ApplicationId(1),
            supply: SUPPLY,
            purpose: Purpose::Supply,
        };
        bench.tell(4, Address::ksa(BEFORE), notification);
        let response = KeyManagementMessage::SupplyResponse {
            request: id(0),
            source: BEFORE,
            accepted: true,
        };
        let agreed = bench.tell(5, Address::ksa(BEYOND), response);
        let deleted: &[&str] = if kept { &["deletes the stored keys"] } else { &[] };
        assert_eq!(notes(&agreed), deleted);
        assert_eq!(stored(&bench), None);
    }
}

/// What was transferred and never asked for is deleted when its request is void; an outage loses it, and nothing is said of
/// what is not there.
#[test]
fn p12_step_9_stored_keys_end_with_their_request() {
    let transfer = |number, deadline| KeyManagementMessage::KeyRelay {
        request: id(number),
        hop: HANDED,
        handover: Handover::Transfer,
        source: BEFORE,
        source_qkdn: QkdnId(0),
        destination: BEYOND,
        trail: Trail::default(),
        key: KeyMaterial::new(100, None),
        otp: None,
        deadline: Time(deadline),
    };
    let relayed = |number| KeyManagementMessage::Completion {
        request: id(number),
        outcome: RelayOutcome::Relayed,
    };
    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    for (number, deadline) in [(0, 1_000), (1, 900)] {
        bench.reserve(1, number, OUT);
        bench.tell(2, Address::kma(BEFORE), transfer(number, deadline));
        let stored = bench.tell(3, Address::kma(BEYOND), relayed(number));
        assert_eq!(notes(&stored), ["stores the transferred keys"]);
    }
    let void = ["the request is void: deletes its key data"];
    let first = bench.wake(901, Timer::KeyDataDeadline);
    assert_eq!(notes(&first), void);
    let again = |at| move |effect: &Effect| matches!(effect, Effect::Wake { at: due, timer: Timer::KeyDataDeadline } if *due == Time(at));
    assert!(first.iter().any(again(1_001)), "{first:?}");
    assert!(bench.wake(950, Timer::KeyDataDeadline).is_empty(), "not due");
    assert_eq!(notes(&bench.wake(1_001, Timer::KeyDataDeadline)), void);

    let mut bench = Bench::new(1_000, ReservationScheme::Segment);
    bench.reserve(1, 2, OUT);
    bench.tell(2, Address::kma(BEFORE), transfer(2, 1_000));
    let mut cx = Context {
        now: Time(3),
        sources: &mut bench.layer,
    };
    bench.km.on_outage(&mut cx, &mut bench.out);
    bench.out.take();
    let completed = bench.tell(4, Address::kma(BEYOND), relayed(2));
    assert_eq!(count(&completed, "key life-cycle metadata"), 1);
    assert!(notes(&completed).is_empty(), "{completed:?}");
}
