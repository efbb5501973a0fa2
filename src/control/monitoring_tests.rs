//! Rounds of polling by plain calls: who counts in which, what is shared after it, and which links are ordered to stop (P10 and
//! P13 steps 1 to 4).

use std::sync::Arc;

use super::knowledge::HopState;
use super::negotiation_tests::{names, origin, peer, proposed};
use super::tests::{Bench, SESSION, control};
use crate::architecture::hop::{Handover, Protection};
use crate::architecture::message::{
    BorderOffer, BorderStatus, ControlMessage, LaneLevel, Message, PathsAsked, StatusAnswer, StatusChange,
};
use crate::architecture::surroundings::{Border, ControllerSurroundings};
use crate::architecture::{Address, Effect, Envelope, Label, Procedure, Step, Timer};
use crate::ids::{BoundaryId, ControllerId, HopId, LinkId, NodeId};
use crate::kernel::{Span, Time};

const PERIOD: u64 = 1_000;

/// Polls two KMs and three modules; of link 1 it serves the second end.
fn polls(surroundings: &mut ControllerSurroundings) {
    surroundings.kms = vec![NodeId(0), NodeId(1)];
    surroundings.modules = vec![(LinkId(0), 0), (LinkId(0), 1), (LinkId(1), 1)];
    let parameters = Arc::make_mut(&mut surroundings.parameters);
    parameters.polling = Some(Span(PERIOD));
    parameters.generation_control = Some([30, 10]);
}

fn km(node: u32) -> Address {
    Address::kma(NodeId(node))
}

fn modules() -> [Address; 3] {
    [(0, 0), (0, 1), (1, 1)].map(|(link, end)| Address::module(LinkId(link), end))
}

fn answer(round: u32, levels: &[(u32, u32, u8)]) -> ControlMessage {
    let level = |&(link, hop, percent)| LaneLevel {
        link: LinkId(link),
        hop: HopId(hop),
        percent,
    };
    ControlMessage::StatusAnswer(Box::new(StatusAnswer {
        round,
        link: None,
        performance: None,
        levels: levels.iter().map(level).collect(),
        at: Time(0),
        fault: None,
    }))
}

/// A round of polling that all modules have answered.
fn round(bench: &mut Bench, number: u32) {
    let asked = bench.wake(u64::from(number) * PERIOD, Timer::Poll);
    assert_eq!(names(&asked), ["status request"; 5]);
    for module in modules() {
        assert!(bench.tell(1, module, answer(number, &[])).is_empty());
    }
}

/// What is ordered, with the link, at the end of a round in which both KMs answer.
fn orders(bench: &mut Bench, number: u32, levels: [&[(u32, u32, u8)]; 2]) -> Vec<(u32, bool)> {
    round(bench, number);
    assert!(bench.tell(1, km(0), answer(number, levels[0])).is_empty());
    let last = bench.tell(1, km(1), answer(number, levels[1]));
    let order = |message: &ControlMessage| match message {
        ControlMessage::GenerationControl { link, generate } => Some((link.0, *generate)),
        _ => None,
    };
    control(&last).into_iter().filter_map(order).collect()
}

/// Shows P10 step 4: a link makes key for both directions, so it stops where both are full, and starts where either has fallen;
/// one whose other direction nobody tells of is let alone, and so is one whose first end another controller serves.
#[test]
fn a_link_stops_for_both_directions_and_starts_for_either() {
    let mut bench = Bench::changed(polls);
    let full_and_empty: [&[_]; 2] = [&[(0, 0, 90), (0, 10, 2)], &[(0, 10, 2)]];
    assert_eq!(orders(&mut bench, 1, full_and_empty), []);
    assert_eq!(
        orders(&mut bench, 2, [&[(0, 0, 90)], &[]]),
        [],
        "one direction is not told"
    );
    // Of two that tell of one direction the less counts.
    assert_eq!(
        orders(&mut bench, 3, [&[(0, 0, 90), (0, 10, 31)], &[(0, 10, 29)]]),
        []
    );
    let full: [&[_]; 2] = [&[(0, 0, 30), (0, 10, 31), (1, 1, 99), (1, 11, 99)], &[]];
    assert_eq!(orders(&mut bench, 4, full), [(0, false)]);
    assert_eq!(orders(&mut bench, 5, full), [], "once");
    assert_eq!(orders(&mut bench, 6, [&[(0, 0, 11), (0, 10, 50)], &[]]), []);
    assert_eq!(
        orders(&mut bench, 7, [&[(0, 0, 90), (0, 10, 10)], &[]]),
        [(0, true)]
    );
    assert_eq!(orders(&mut bench, 8, full), [(0, false)]);
    assert_eq!(
        orders(&mut bench, 9, [&[(0, 0, 10)], &[]]),
        [(0, true)],
        "one is enough to start"
    );
}

/// Shows P10 step 3: a round is shared once, after its last answer. An answer of another round, or a second one, counts for
/// nothing.
#[test]
fn what_is_late_does_not_count_for_the_next_round() {
    let mut bench = Bench::changed(polls);
    round(&mut bench, 1);
    assert!(bench.tell(1, km(0), answer(1, &[])).is_empty());
    // One is silent: at half the period it is not waited for any more.
    let over = bench.wake(PERIOD + PERIOD / 2, Timer::PollOver(1));
    assert_eq!(names(&over), ["border status"; 2]);
    assert!(bench.wake(PERIOD + PERIOD / 2, Timer::PollOver(1)).is_empty());
    round(&mut bench, 2);
    assert!(
        bench.tell(1, km(1), answer(1, &[])).is_empty(),
        "of the first round"
    );
    assert!(bench.tell(1, km(0), answer(2, &[])).is_empty());
    assert!(bench.tell(1, km(0), answer(2, &[])).is_empty(), "said twice");
    assert!(
        bench.wake(2 * PERIOD, Timer::PollOver(1)).is_empty(),
        "that was the first"
    );
    assert_eq!(names(&bench.tell(1, km(1), answer(2, &[]))), ["border status"; 2]);
    assert!(bench.wake(2 * PERIOD + PERIOD / 2, Timer::PollOver(2)).is_empty());
    // News is news all the same.
    let late = ControlMessage::StatusAnswer(Box::new(StatusAnswer {
        round: 1,
        link: Some((LinkId(4), false)),
        performance: None,
        levels: Box::default(),
        at: Time(9),
        fault: None,
    }));
    bench.tell(9, modules()[0], late);
    let border = bench.controller.surroundings.borders[0].hop.clone();
    let domain = Arc::clone(&bench.controller.surroundings.domain);
    assert_eq!(
        bench.controller.knowledge.state(&border, &domain),
        HopState::Passive
    );
}

/// Who could not be asked is not waited for; a round in which nobody was heard says nothing to anyone.
#[test]
fn who_could_not_be_asked_is_not_waited_for() {
    let mut bench = Bench::changed(polls);
    let given_up = |bench: &mut Bench, to: Address, round: u32| {
        let envelope = Envelope {
            from: Address::controller(ControllerId(0)),
            to,
            label: Label::new(Procedure::P10, Step::StatusRequest),
            message: ControlMessage::StatusRequest { round }.into(),
            tag: None,
        };
        assert!(Message::may_be_given_up(&envelope.message));
        bench.undelivered(&envelope)
    };
    round(&mut bench, 1);
    bench.tell(1, km(0), answer(1, &[]));
    assert_eq!(names(&given_up(&mut bench, km(1), 1)), ["border status"; 2]);
    bench.wake(2 * PERIOD, Timer::Poll);
    assert!(given_up(&mut bench, km(1), 1).is_empty(), "of the first round");
    for to in modules().into_iter().chain([km(0), km(1)]) {
        assert!(given_up(&mut bench, to, 2).is_empty());
    }
    bench.wake(3 * PERIOD, Timer::Poll);
    assert!(bench.wake(3 * PERIOD + PERIOD / 2, Timer::PollOver(3)).is_empty());
}

/// How the first border does, as is told after a round.
fn told(bench: &mut Bench, number: u32) -> BorderStatus {
    bench.wake(u64::from(number) * PERIOD, Timer::Poll);
    bench.tell(1, km(0), answer(number, &[]));
    let over = bench.wake(u64::from(number) * PERIOD + PERIOD / 2, Timer::PollOver(number));
    let of_first = |message: &ControlMessage| match message {
        ControlMessage::StatusShare { boundary, status } if *boundary == BoundaryId(0) => Some(*status),
        _ => None,
    };
    control(&over)
        .into_iter()
        .find_map(of_first)
        .expect("it is shared")
}

/// Shows P13 step 3: where the step across spends no key, how the border does is how its KM is reached on this side, over the
/// best hop. The KM at node 3 is reached over links 1 and 3.
#[test]
fn a_border_that_spends_no_key_does_as_the_hops_that_reach_it() {
    let mut bench = Bench::changed(|surroundings| {
        polls(surroundings);
        let free = |border: &Border| {
            let mut border = border.clone();
            border.hop.protection = Protection::TrustedNode;
            border.hop.handover = Handover::Transfer;
            border.hop.link = None;
            border
        };
        surroundings.borders = surroundings.borders.iter().map(free).collect();
    });
    let first = told(&mut bench, 1);
    assert_eq!((first.state, first.usable_bits), (HopState::Active, 1_000));
    bench.link(1_100, 1, false);
    bench.level(1_100, 1, 0);
    bench.level(1_100, 3, 2);
    let one_left = told(&mut bench, 2);
    // The lower edge of the second of four classes.
    assert_eq!((one_left.state, one_left.usable_bits), (HopState::Active, 250));
    bench.link(2_100, 3, false);
    let none_makes_key = told(&mut bench, 3);
    assert_eq!(
        (none_makes_key.state, none_makes_key.usable_bits),
        (HopState::Passive, 250)
    );
    bench.level(3_100, 3, 0);
    let nothing = told(&mut bench, 4);
    let expected = BorderStatus {
        state: HopState::Off,
        usable_bits: 0,
        origin: Time(2_100),
    };
    assert_eq!(nothing, expected);
    bench.link(4_100, 1, true);
    assert_eq!(told(&mut bench, 5).state, HopState::Active);
}

fn off(bench: &mut Bench, origin: u64) {
    let status = BorderStatus {
        state: HopState::Off,
        usable_bits: 0,
        origin: Time(origin),
    };
    let boundary = BoundaryId(1);
    let message = ControlMessage::StatusShare { boundary, status };
    assert!(bench.tell(8, peer(), message).is_empty());
}

/// The border of the session stops; what is said once the new route is computed.
fn computed(bench: &mut Bench) -> Vec<Effect> {
    bench.link(10, 4, false);
    bench.wake(20, Timer::Analysed(SESSION));
    bench.wake(40, Timer::Computed(SESSION))
}

/// Shows P10 step 8: a border that is OFF by what the other side has shared is not proposed, unless something later is known of
/// it here.
#[test]
fn what_was_shared_is_forgotten_where_something_later_is_known() {
    let mut bench = origin();
    off(&mut bench, 5);
    assert!(!names(&computed(&mut bench)).contains(&"PROPOSE"));
    // It went and came back since; told by a module on this side.
    let mut bench = origin();
    off(&mut bench, 5);
    bench.link(4, 5, false);
    bench.link(7, 5, true);
    assert_eq!(proposed(&mut bench).border.boundary, BoundaryId(1));
}

/// Shows P10 steps 7 and 8: once the other side offers the border, what it has shared before does not count. Where this side
/// has kept its route by that, it looks for another path again.
#[test]
fn a_border_that_is_offered_is_not_off() {
    let offered = |bench: &mut Bench, now: u64, reachable: bool| {
        let offer = BorderOffer {
            boundary: BoundaryId(1),
            reachable,
            hops: 1,
            usable_bits: 100,
        };
        let message = ControlMessage::PathInformation {
            session: SESSION,
            offers: [offer].into(),
            asks: PathsAsked::Nothing,
            fault: None,
        };
        bench.tell(now, peer(), message)
    };
    let mut bench = origin();
    off(&mut bench, 5);
    bench.link(10, 4, false);
    bench.wake(20, Timer::Analysed(SESSION));
    assert!(offered(&mut bench, 30, true).is_empty());
    assert!(names(&bench.wake(40, Timer::Computed(SESSION))).contains(&"PROPOSE"));
    // The offer comes after the route was kept.
    let mut bench = origin();
    off(&mut bench, 5);
    assert!(!names(&computed(&mut bench)).contains(&"PROPOSE"));
    assert!(offered(&mut bench, 50, false).is_empty());
    let again = offered(&mut bench, 60, true);
    let analysis = |effect: &Effect| {
        matches!(
            effect,
            Effect::Wake {
                at: Time(70),
                timer: Timer::Analysed(SESSION)
            }
        )
    };
    assert!(again.iter().any(analysis), "{again:?}");
    bench.wake(70, Timer::Analysed(SESSION));
    assert!(names(&bench.wake(90, Timer::Computed(SESSION))).contains(&"PROPOSE"));
}

/// What a hop's last report says of its link or of its ends is the last that was heard of it.
#[test]
fn the_last_that_was_heard_of_a_hop() {
    let mut bench = Bench::new();
    let border = bench.controller.surroundings.borders[0].hop.clone();
    let heard = |bench: &Bench| bench.controller.knowledge.told(&border);
    assert_eq!(heard(&bench), Time::ZERO);
    bench.link(7, 4, false);
    bench.level(8, 4, 0);
    assert_eq!(heard(&bench), Time(7));
    let status = ControlMessage::Status {
        change: StatusChange::Maintenance {
            link: LinkId(4),
            planned: true,
        },
        origin: Time(9),
        fault: None,
    };
    bench.tell(9, Address::module(LinkId(4), 0), status);
    assert_eq!(heard(&bench), Time(9));
}
