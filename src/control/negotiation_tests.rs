//! Agreement on another border by plain calls: disagreement, a lost peer, crossing proposals, stale epochs.

use super::negotiation::Unconfirmed;
use super::segment::Side;
use super::tests::{Bench, ME, PEER, REQUEST, SESSION, control, request, reserved_at};
use crate::architecture::message::{
    Ask, BorderChoice, ControlMessage, Proposal, RejectCause, RelayOrder, ReservationResult, SegmentOrder,
};
use crate::architecture::observation::SessionState;
use crate::architecture::{Address, Effect, Observation, Procedure, Timer};
use crate::ids::{BoundaryId, ClassId, HopId, NodeId, QkdnId};
use crate::kernel::Time;

const ASK: Ask = Ask {
    request: REQUEST,
    attempt: 1,
};
pub(super) fn peer() -> Address {
    Address::controller(PEER)
}

/// Of the bench: how long it waits for the other side, and how often it repeats itself.
const TIMEOUT: u64 = 500_000_000;
const RETRIES: usize = 3;

fn choice(boundary: u32, near: u32, far: u32) -> BorderChoice {
    BorderChoice {
        boundary: BoundaryId(boundary),
        near: NodeId(near),
        far: NodeId(far),
        procedure: Procedure::P9,
    }
}

/// A session from node 0 over the border at node 3 into the other QKDN, established and served once.
pub(super) fn origin() -> Bench {
    let mut bench = Bench::new();
    let order = RelayOrder {
        order: request(8, 1),
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
    let offer = ControlMessage::SegmentOffer {
        ask: ASK,
        reachable: true,
        usable_bits: 1_000,
        refused_by_policy: false,
    };
    let asked = bench.tell(1, peer(), offer);
    for (km, _) in reserved_at(&asked) {
        bench.answer(km.0, ReservationResult::Confirmed);
    }
    let result = ReservationResult::Confirmed;
    bench.tell(2, peer(), ControlMessage::SegmentAnswer { ask: ASK, result });
    bench
}

/// The other side of such a session: it ends at node 3, and comes in there.
fn far() -> Bench {
    far_over(choice(0, 8, 3))
}

fn far_over(border: BorderChoice) -> Bench {
    let mut bench = Bench::new();
    let order = SegmentOrder {
        ask: ASK,
        border: Some(border),
        destination: NodeId(3),
        destination_qkdn: QkdnId(0),
        passed: [].into(),
        bits: 100,
        class: ClassId(0),
        deadline: Time(1_000),
        hold: None,
        leg: None,
    };
    let query = ControlMessage::SegmentQuery {
        order,
        reply_to: PEER,
    };
    assert_eq!(control(&bench.tell(0, peer(), query)).len(), 1);
    bench
}

/// What the other side of such a session may propose.
fn offered() -> Proposal {
    Proposal {
        session: SESSION,
        generation: 1,
        epoch: 1,
        border: choice(1, 9, 1),
        digest: 77,
        fault: None,
        procedure: Procedure::P10,
    }
}

/// The border hop stops, is reported, analysed and computed about; at the source's side the proposal that follows.
pub(super) fn proposed(bench: &mut Bench) -> Proposal {
    bench.link(10, 4, false);
    bench.wake(20, Timer::Analysed(SESSION));
    let computed = bench.wake(40, Timer::Computed(SESSION));
    let found = control(&computed).into_iter().find_map(|message| match message {
        ControlMessage::Propose(proposal) => Some(*proposal),
        _ => None,
    });
    found.expect("another border makes key")
}

pub(super) fn names(effects: &[Effect]) -> Vec<&'static str> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(envelope) => Some(envelope.message.name()),
        _ => None,
    });
    sent.collect()
}

fn states(effects: &[Effect]) -> Vec<SessionState> {
    let observed = effects.iter().filter_map(|effect| match effect {
        Effect::Observe(Observation::Session { state, .. }) => Some(*state),
        _ => None,
    });
    observed.collect()
}

fn reject(bench: &mut Bench, proposal: Proposal, cause: RejectCause) -> Vec<Effect> {
    bench.tell(50, peer(), ControlMessage::Reject { proposal, cause })
}

fn segment_reserve(agreement: u32) -> ControlMessage {
    ControlMessage::SegmentReserve {
        ask: Ask {
            request: REQUEST,
            attempt: 2,
        },
        agreement,
        bits: 100,
        deadline: Time(u64::MAX),
        hold: None,
    }
}

fn commit(bench: &mut Bench, proposal: Proposal, now: u64, switch_at: u64) -> Vec<Effect> {
    let commit = ControlMessage::Commit {
        proposal,
        switch_at: Time(switch_at),
    };
    bench.tell(now, peer(), commit)
}

/// The coordination timers, one after the other, until nothing follows; what is sent at each.
fn wait(bench: &mut Bench, mut now: u64) -> Vec<Vec<&'static str>> {
    let mut said = Vec::new();
    for _ in 0..10 {
        now += 4 * TIMEOUT;
        let effects = bench.wake(now, Timer::Coordination(SESSION));
        if effects.is_empty() {
            break;
        }
        said.push(names(&effects));
    }
    said
}

/// Shows P10 step 8, disagreement: the other side has no path from the proposed border, and there is no third. The
/// session stays where it was, no KM is told anything, and it carries requests again.
#[test]
fn what_is_rejected_is_not_installed() {
    let mut bench = origin();
    let proposal = proposed(&mut bench);
    assert_eq!((proposal.epoch, proposal.border), (1, choice(1, 1, 9)));
    let after = reject(&mut bench, proposal, RejectCause::NoPath);
    assert!(!names(&after).contains(&"rerouting information"), "{after:?}");
    assert_eq!(states(&after), [SessionState::Active]);
    let segment = &bench.controller.segments[&SESSION];
    let border = segment.place.after.as_ref().expect("it crosses");
    assert_eq!((border.border, border.agreement), (choice(0, 3, 8), 0));
    assert!(segment.negotiation.is_none());
    // A second REJECT, or a late ACCEPT of what was given up, changes nothing.
    assert!(reject(&mut bench, proposal, RejectCause::NoPath).is_empty());
    assert!(
        bench
            .tell(60, peer(), ControlMessage::Accept(proposal))
            .is_empty()
    );
}

/// Shows P10 step 8: ACCEPT must repeat what was proposed; one that names another epoch, border or path commits nobody.
#[test]
fn an_acceptance_of_something_else_commits_nobody() {
    let mut bench = origin();
    let proposal = proposed(&mut bench);
    for other in [
        Proposal { epoch: 2, ..proposal },
        Proposal {
            border: choice(0, 3, 8),
            ..proposal
        },
        Proposal {
            digest: proposal.digest ^ 1,
            ..proposal
        },
    ] {
        assert!(
            bench.tell(50, peer(), ControlMessage::Accept(other)).is_empty(),
            "{other:?}"
        );
    }
    let accepted = bench.tell(60, peer(), ControlMessage::Accept(proposal));
    assert_eq!(names(&accepted), ["COMMIT"]);
    // Said twice, it commits once: both sides keep the first instant.
    assert!(
        bench
            .tell(70, peer(), ControlMessage::Accept(proposal))
            .is_empty()
    );
}

/// Shows P10 step 8: the accepting side takes the instant that COMMIT names first, and a COMMIT of something else is
/// refused without a word to any KM.
#[test]
fn a_commitment_to_something_else_is_refused() {
    let mut bench = far();
    let proposal = offered();
    assert_eq!(
        names(&bench.tell(10, peer(), ControlMessage::Propose(proposal))),
        ["ACCEPT"]
    );
    let other = Proposal { epoch: 2, ..proposal };
    assert_eq!(names(&commit(&mut bench, other, 20, 90)), ["REJECT"]);
    let agreed = commit(&mut bench, proposal, 30, 100);
    assert!(matches!(
        agreed[..],
        [Effect::Wake {
            at: Time(100),
            timer: Timer::Switch(SESSION)
        }]
    ));
    assert!(
        commit(&mut bench, proposal, 40, 200).is_empty(),
        "another instant comes too late"
    );
    assert!(bench.wake(99, Timer::Switch(SESSION)).is_empty());
    assert_eq!(
        names(&bench.wake(100, Timer::Switch(SESSION))),
        ["rerouting information"]
    );
}

/// Shows P10 step 8: what does not follow on the last agreement, or names no border that this side knows, is rejected.
#[test]
fn a_proposal_that_does_not_fit_is_rejected() {
    let cause = |proposal: Proposal, bench: &mut Bench| {
        let answer = bench.tell(10, peer(), ControlMessage::Propose(proposal));
        match control(&answer)[..] {
            [ControlMessage::Reject { cause, .. }] => Some(*cause),
            _ => None,
        }
    };
    let good = offered();
    assert_eq!(
        cause(Proposal { epoch: 2, ..good }, &mut far()),
        Some(RejectCause::StaleEpoch)
    );
    assert_eq!(
        cause(Proposal { epoch: 0, ..good }, &mut far()),
        Some(RejectCause::StaleEpoch)
    );
    // Of the segment before this one, or of one that this side does not know yet.
    for generation in [0, 2] {
        let other = Proposal { generation, ..good };
        assert_eq!(cause(other, &mut far()), Some(RejectCause::StaleEpoch));
    }
    let unknown = choice(1, 9, 2);
    assert_eq!(
        cause(
            Proposal {
                border: unknown,
                ..good
            },
            &mut far()
        ),
        Some(RejectCause::NoPath)
    );
    assert_eq!(cause(good, &mut Bench::new()), Some(RejectCause::UnknownSession));
    let mut cut_off = far();
    cut_off.link(5, 5, false);
    assert_eq!(cause(good, &mut cut_off), Some(RejectCause::NoPath));
    assert_eq!(cause(good, &mut far()), None, "and this one is accepted");
}

/// Shows P10 step 8, a lost peer at PROPOSE: it is repeated, then the source begins anew.
#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut bench = origin();
    let proposal = proposed(&mut bench);
    let said = wait(&mut bench, 40);
    let mut expected = vec![vec!["PROPOSE"]; RETRIES];
    expected.push(vec!["session close", "route lost"]);
    assert_eq!(said, expected);
    assert!(bench.controller.segments.is_empty());
    // What comes late finds nothing.
    assert!(
        bench
            .tell(u64::MAX / 2, peer(), ControlMessage::Accept(proposal))
            .is_empty()
    );
}

/// Shows P10 step 8, a lost peer at ACCEPT: COMMIT never comes. This side stays on the agreed border as it was, serves on
/// it, and refuses the COMMIT from then on.
#[test]
fn who_accepted_and_hears_nothing_stays_where_it_was() {
    let mut bench = far();
    let proposal = offered();
    bench.tell(10, peer(), ControlMessage::Propose(proposal));
    // Proposed again, since ACCEPT was lost: accepted again.
    assert_eq!(
        names(&bench.tell(20, peer(), ControlMessage::Propose(proposal))),
        ["ACCEPT"]
    );
    let held = bench.tell(30, peer(), segment_reserve(0));
    assert!(reserved_at(&held).is_empty(), "requests wait meanwhile");
    let early = bench.wake(10 + TIMEOUT, Timer::Coordination(SESSION));
    assert!(
        early.is_empty(),
        "the other side may repeat itself as often as it does"
    );
    let horizon = 20 + (RETRIES as u64 + 1) * TIMEOUT;
    let resumed = bench.wake(horizon, Timer::Coordination(SESSION));
    assert_eq!(states(&resumed), [SessionState::Active]);
    assert_eq!(
        names(&resumed),
        ["segment confirmed"],
        "over the old border, where no hop is needed"
    );
    assert_eq!(
        names(&commit(&mut bench, proposal, horizon + 1, horizon + 2)),
        ["REJECT"]
    );
    let before = bench.controller.segments[&SESSION].place.before.as_ref();
    assert_eq!(before.expect("it crosses").agreement, 0);
}

/// Shows P10 step 8, a lost peer at COMMIT: it is repeated until the other side says that it has switched; who is never
/// told gives the session back to its source. So the half-switched interval has an end.
#[test]
fn a_commitment_that_nobody_confirms_is_given_up() {
    let mut bench = origin();
    let proposal = proposed(&mut bench);
    bench.tell(60, peer(), ControlMessage::Accept(proposal));
    let said = wait(&mut bench, 60);
    let mut expected = vec![vec!["COMMIT"]; RETRIES];
    expected.push(vec!["session close", "route lost"]);
    assert_eq!(said, expected);

    // Switched here already, and rejected there: nothing is consistent any more, and the source begins anew at once.
    let mut bench = origin();
    let proposal = proposed(&mut bench);
    bench.tell(60, peer(), ControlMessage::Accept(proposal));
    let lost = reject(&mut bench, proposal, RejectCause::StaleEpoch);
    assert_eq!(names(&lost), ["session close", "route lost"]);
}

/// The side that keys come to has proposed and switched; the other one refuses the COMMIT that is repeated to it: the
/// session is given back at once, not after all retries.
#[test]
fn who_has_switched_and_is_refused_gives_the_session_back() {
    let mut bench = far();
    let proposal = offered();
    let segment = bench.controller.segments.get_mut(&SESSION).expect("established");
    let crossing = segment
        .crossing_mut(Side::Before)
        .expect("it comes over a border");
    crossing.unconfirmed = Some(Unconfirmed {
        proposal,
        deadline: Time(1_000),
        repeated: 0,
    });
    let other = Proposal { epoch: 2, ..proposal };
    assert!(reject(&mut bench, other, RejectCause::StaleEpoch).is_empty());
    let lost = reject(&mut bench, proposal, RejectCause::StaleEpoch);
    assert_eq!(names(&lost), ["segment lost"]);
    assert!(!bench.controller.segments.contains_key(&SESSION));
}

/// Shows P10 step 8, crossing proposals: whoever sent first, the source's side prevails, on both sides.
#[test]
fn of_two_proposals_that_cross_the_sources_prevails() {
    let theirs = |border| Proposal {
        session: SESSION,
        generation: 1,
        epoch: 1,
        border,
        digest: 77,
        fault: None,
        procedure: Procedure::P10,
    };
    // At the source's side: its own proposal stands.
    let mut bench = origin();
    let mine = proposed(&mut bench);
    let answer = bench.tell(45, peer(), ControlMessage::Propose(theirs(choice(1, 1, 9))));
    assert!(
        matches!(
            control(&answer)[..],
            [ControlMessage::Reject {
                cause: RejectCause::Crossing,
                ..
            }]
        ),
        "{answer:?}"
    );
    assert_eq!(
        names(&bench.tell(60, peer(), ControlMessage::Accept(mine))),
        ["COMMIT"]
    );

    // Beyond: it has proposed, since only it sees that its own path from the border is gone, and takes the source's.
    let mut bench = far_over(choice(1, 9, 1));
    bench.link(10, 1, false);
    bench.wake(20, Timer::Analysed(SESSION));
    let computed = bench.wake(40, Timer::Computed(SESSION));
    let [ControlMessage::Propose(own)] = control(&computed)[..] else {
        panic!("{computed:?}")
    };
    let own = *own;
    assert_ne!(own.digest, 77);
    let prevails = theirs(choice(0, 8, 3));
    assert_eq!(
        names(&bench.tell(45, peer(), ControlMessage::Propose(prevails))),
        ["ACCEPT"]
    );
    // What the source's side says of the other proposal changes nothing any more.
    assert!(reject(&mut bench, own, RejectCause::Crossing).is_empty());
    assert!(bench.tell(55, peer(), ControlMessage::Accept(own)).is_empty());
    assert_eq!(names(&commit(&mut bench, own, 56, 90)), ["REJECT"]);
    assert!(names(&commit(&mut bench, prevails, 60, 100)).is_empty());
    bench.wake(100, Timer::Switch(SESSION));
    assert_eq!(
        bench.controller.segments[&SESSION].border(),
        Some(choice(0, 8, 3))
    );
}

/// Shows P10 step 8 where proposals that cross come to nothing: the side beyond has refused the source's, which it cannot
/// reach, and hears of no other. It gives up after the horizon, and serves again as far as it can.
#[test]
fn who_yields_to_a_proposal_that_never_comes_goes_on() {
    let mut bench = far_over(choice(1, 9, 1));
    bench.link(10, 1, false);
    bench.wake(20, Timer::Analysed(SESSION));
    let computed = bench.wake(40, Timer::Computed(SESSION));
    let [ControlMessage::Propose(own)] = control(&computed)[..] else {
        panic!("{computed:?}")
    };
    let own = *own;
    let yields = reject(&mut bench, own, RejectCause::Crossing);
    let until = yields.iter().find_map(|effect| match effect {
        Effect::Wake {
            at,
            timer: Timer::Coordination(SESSION),
        } => Some(at.0),
        _ => None,
    });
    let until = until.expect("it does not wait for ever");
    assert!(
        reject(&mut bench, own, RejectCause::Crossing).is_empty(),
        "said again"
    );
    bench.wake(until, Timer::Coordination(SESSION));
    let segment = bench.controller.segments.get(&SESSION);
    assert!(segment.is_none_or(|segment| {
        segment.negotiation.is_none() && segment.state == crate::control::segment::SegmentState::Active
    }));
}

/// Shows P10 step 8 beside a change inside: two faults at once. A proposal is accepted while KMs are told of another path
/// inside; that they are on it does not say that the border has changed. COMMIT finds the agreement as it was.
#[test]
fn a_change_inside_does_not_stand_for_the_switch() {
    let mut bench = far_over(choice(0, 8, 0));
    bench.link(10, 1, false);
    bench.wake(20, Timer::Analysed(SESSION));
    let commands = bench.wake(40, Timer::Computed(SESSION));
    assert_eq!(names(&commands), ["rerouting information"; 2]);
    let proposal = Proposal {
        session: SESSION,
        generation: 1,
        epoch: 1,
        border: choice(0, 8, 3),
        digest: 77,
        fault: None,
        procedure: Procedure::P10,
    };
    assert_eq!(
        names(&bench.tell(45, peer(), ControlMessage::Propose(proposal))),
        ["ACCEPT"]
    );
    for km in [0, 2] {
        let active = ControlMessage::RouteActive {
            session: SESSION,
            km: NodeId(km),
            epoch: 1,
            reply_to: ME,
            fault: None,
        };
        assert!(bench.tell(50, Address::kma(NodeId(km)), active).is_empty());
    }
    assert!(names(&commit(&mut bench, proposal, 60, 100)).is_empty());
    assert_eq!(
        names(&bench.wake(100, Timer::Switch(SESSION))),
        ["switched"],
        "no KM is left to be told: the session ends where it comes in"
    );
}

/// Shows P10 step 8: after the switch, what counts on the old border is refused before anybody is asked for key; and what
/// counts on the new one is asked for.
#[test]
fn a_stale_epoch_is_refused_before_keys_are_spent() {
    let mut bench = far();
    let proposal = offered();
    bench.tell(10, peer(), ControlMessage::Propose(proposal));
    commit(&mut bench, proposal, 20, 30);
    bench.wake(30, Timer::Switch(SESSION));
    let refused = bench.tell(40, peer(), segment_reserve(0));
    assert!(
        matches!(
            control(&refused)[..],
            [ControlMessage::SegmentAnswer {
                result: ReservationResult::Stale,
                ..
            }]
        ),
        "{refused:?}"
    );
    let active = ControlMessage::RouteActive {
        session: SESSION,
        km: NodeId(1),
        epoch: 1,
        reply_to: ME,
        fault: None,
    };
    assert_eq!(
        names(&bench.tell(50, Address::kma(NodeId(1)), active)),
        ["switched"]
    );
    let asked = bench.tell(60, peer(), segment_reserve(1));
    assert_eq!(reserved_at(&asked), [(NodeId(1), HopId(1))]);
}

/// Shows FE-3: what was established before is closed late, and a newer segment stays.
#[test]
fn a_late_close_ends_no_newer_segment() {
    let mut bench = far();
    let close = |generation| ControlMessage::SessionClose {
        session: SESSION,
        generation,
        decider: ME,
        km: None,
    };
    assert!(bench.tell(10, peer(), close(0)).is_empty());
    assert!(bench.controller.segments.contains_key(&SESSION));
    assert!(!bench.tell(20, peer(), close(1)).is_empty());
    assert!(bench.controller.segments.is_empty());
}
