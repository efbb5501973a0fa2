use super::*;
use crate::architecture::ElementKind::{Application, Controller, Kma, Ksa, Manager};
use crate::architecture::hop::Handover;
use crate::architecture::message::{
    ControlMessage, KeyManagementMessage, KeyMaterial, ReservationResult, StatusChange,
};
use crate::architecture::{Label, Message, Procedure, RequestId, Step};
use crate::ids::{ControllerId, HopId, LinkId, NodeId, QkdnId, SessionId};
use crate::kernel::Time;
use crate::network::channels::{Quality, Retransmission};
use crate::units::Fraction;
use proptest::prelude::*;

const RULES: Retransmission = Retransmission {
    timeout: Span(100),
    retries: 2,
};

fn ends() -> (Address, Address) {
    (Address::kma(NodeId(0)), Address::kma(NodeId(1)))
}

fn envelope(message: Message) -> Envelope {
    Envelope {
        from: ends().0,
        to: ends().1,
        label: Label::new(Procedure::P9, Step::RelayNear),
        message,
        tag: None,
    }
}

/// A message that may be given up.
fn relay(number: u32) -> Envelope {
    let request = RequestId {
        session: SessionId(0),
        number,
    };
    let relay = KeyManagementMessage::KeyRelay {
        request,
        hop: HopId(0),
        handover: Handover::Transfer,
        source: NodeId(0),
        source_qkdn: QkdnId(0),
        destination: NodeId(1),
        trail: crate::architecture::message::Trail::default(),
        key: KeyMaterial::new(1, None),
        otp: None,
        deadline: Time::NEVER,
    };
    envelope(relay.into())
}

/// A message that may not.
fn notice(number: u32) -> Envelope {
    let change = StatusChange::Link {
        link: LinkId(number),
        generating: true,
    };
    let status = ControlMessage::Status {
        change,
        origin: Time::ZERO,
        fault: None,
    };
    envelope(status.into())
}

/// What a test can tell a message by.
fn tell(envelope: &Envelope) -> String {
    format!("{:?}", envelope.message)
}

#[test]
fn questions_may_be_given_up_and_answers_may_not() {
    assert!(relay(0).message.may_be_given_up());
    assert!(!notice(0).message.may_be_given_up());
    let ask = crate::architecture::message::Ask {
        request: RequestId {
            session: SessionId(0),
            number: 0,
        },
        attempt: 1,
    };
    let start = ControlMessage::Start {
        ask,
        source: NodeId(0),
        decider: ControllerId(0),
        result: ReservationResult::Confirmed,
    };
    assert!(!Message::from(start).may_be_given_up());
}

#[test]
fn a_message_is_sent_again_and_then_given_up() {
    let mut sender = Sender::default();
    let number = sender.take(relay(7));
    for attempt in 1..=3 {
        let sent = sender.transmit(number, RULES);
        assert_eq!((sent.attempt, sent.wait), (attempt, Span(100)));
        if attempt < 3 {
            assert!(matches!(sender.on_overdue(number, RULES, false), Overdue::Again));
        }
    }
    assert!(
        matches!(sender.on_overdue(number, RULES, true), Overdue::Again),
        "the drain gives nothing up"
    );
    let Overdue::GivenUp(given_up) = sender.on_overdue(number, RULES, false) else {
        panic!("it is given up");
    };
    assert_eq!(tell(&given_up), tell(&relay(7)));
    // The skip is repeated until it is acknowledged.
    for _ in 0..10 {
        assert!(sender.transmit(number, RULES).envelope.is_none());
        assert!(matches!(sender.on_overdue(number, RULES, false), Overdue::Again));
    }
    assert!(sender.on_acknowledged(number).is_empty());
    assert!(matches!(
        sender.on_overdue(number, RULES, false),
        Overdue::Nothing
    ));
}

#[test]
fn what_is_never_given_up_waits_behind_the_first_for_a_sign_of_life() {
    let mut sender = Sender::default();
    let numbers = [0, 1, 2].map(|number| sender.take(notice(number)));
    for number in numbers {
        for _ in 0..3 {
            sender.transmit(number, RULES);
        }
    }
    assert!(matches!(sender.on_overdue(0, RULES, false), Overdue::Again));
    assert!(matches!(sender.on_overdue(1, RULES, false), Overdue::Nothing));
    assert!(matches!(sender.on_overdue(2, RULES, false), Overdue::Nothing));
    let waits: Vec<u64> = (0..6).map(|_| sender.transmit(0, RULES).wait.0).collect();
    assert_eq!(waits, [200, 400, 800, 1_600, 1_600, 1_600]);
    assert_eq!(sender.on_acknowledged(0), [1, 2]);
    // They are called once; another sign of life calls only what sleeps again.
    sender.transmit(1, RULES);
    sender.transmit(2, RULES);
    assert!(matches!(sender.on_overdue(2, RULES, false), Overdue::Nothing));
    assert_eq!(sender.on_acknowledged(1), [2]);
    assert!(sender.on_acknowledged(2).is_empty());
}

#[test]
fn what_was_given_up_is_skipped_even_if_it_comes_late() {
    let mut receiver = Receiver::default();
    let mut due = Vec::new();
    receiver.on_arrival(1, Some(relay(1)), &mut due);
    assert!(due.is_empty());
    receiver.on_arrival(0, None, &mut due);
    receiver.on_arrival(0, Some(relay(0)), &mut due);
    assert_eq!(due.iter().map(tell).collect::<Vec<_>>(), [tell(&relay(1))]);
}

#[test]
fn only_what_can_be_disturbed_has_a_line() {
    let lossy = Quality {
        loss: Fraction::HALF,
        ..Quality::PERFECT
    };
    let late = Quality {
        delay: Span(5),
        ..Quality::PERFECT
    };
    let channels = Channels {
        control: lossy,
        management: late,
        ..Channels::default()
    };
    let streams = Streams::new(1, 0);
    let carrier = Carrier::new(channels, false, streams).expect("a channel loses");
    assert_eq!(carrier.service(Kma, Controller), Service::Line);
    assert_eq!(carrier.service(Kma, Manager), Service::Plain(Span(5)));
    assert_eq!(carrier.service(Kma, Kma), Service::Plain(Span::ZERO));
    let cut = Carrier::new(Channels::default(), true, streams).expect("the data network may be cut");
    assert_eq!(cut.service(Kma, Kma), Service::Line);
    assert_eq!(cut.service(Application, Ksa), Service::Plain(Span::ZERO));
    assert!(Carrier::new(Channels::default(), false, streams).is_none());
}

/// Two ends of a line and what lies between, with a clock of its own.
fn exchange(quality: Quality, seed: u64, messages: u32) -> (Vec<String>, Vec<String>, Vec<String>) {
    #[derive(Debug)]
    enum Event {
        Send,
        Arrive(Packet),
        Overdue(u32),
    }
    let channels = Channels {
        key_management: quality,
        retransmission: RULES,
        ..Channels::default()
    };
    let mut carrier = Carrier::new(channels, false, Streams::new(seed, 0)).expect("it is disturbed");
    let (from, to) = ends();
    let name = |element: Address| format!("{element:?}");
    let (there, back) = (carrier.line(from, to, name), carrier.line(to, from, name));
    let mut events: Vec<(u64, u64, Event)> = (0..messages)
        .map(|number| (u64::from(number) * 30, u64::from(number), Event::Send))
        .collect();
    let mut count = u64::from(messages);
    let (mut sent, mut given_up, mut delivered) = (Vec::new(), Vec::new(), Vec::new());
    while !events.is_empty() {
        let first = (0..events.len()).min_by_key(|&at| (events[at].0, events[at].1));
        let (now, _, event) = events.swap_remove(first.expect("it is not empty"));
        let mut transmit = Vec::new();
        match event {
            Event::Send => {
                let number = sent.len() as u32;
                let envelope = if number.is_multiple_of(3) {
                    notice(number)
                } else {
                    relay(number)
                };
                sent.push(tell(&envelope));
                transmit.push(carrier.take(there, envelope));
            }
            Event::Arrive(Packet::Data {
                line,
                sequence,
                envelope,
            }) => {
                let mut due = Vec::new();
                carrier.on_data(line, sequence, envelope, &mut due);
                delivered.extend(due.iter().map(tell));
                for more in carrier.copies(back, false, true).into_iter().flatten() {
                    count += 1;
                    let packet = Packet::Acknowledgement { line, sequence };
                    events.push((now + 20 + more.0, count, Event::Arrive(packet)));
                }
            }
            Event::Arrive(Packet::Acknowledgement { line, sequence }) => {
                transmit = carrier.on_acknowledgement(line, sequence);
            }
            Event::Overdue(sequence) => match carrier.on_overdue(there, sequence, false) {
                Overdue::Nothing => {}
                Overdue::Again => transmit.push(sequence),
                Overdue::GivenUp(envelope) => {
                    given_up.push(tell(&envelope));
                    transmit.push(sequence);
                }
            },
        }
        for sequence in transmit {
            let sending = carrier.transmit(there, sequence);
            for more in carrier.copies(there, false, true).into_iter().flatten() {
                count += 1;
                let packet = Packet::Data {
                    line: there,
                    sequence,
                    envelope: sending.envelope.clone(),
                };
                events.push((now + 20 + more.0, count, Event::Arrive(packet)));
            }
            count += 1;
            events.push((now + sending.wait.0, count, Event::Overdue(sequence)));
        }
    }
    (sent, given_up, delivered)
}

proptest! {
    /// Whatever the network does, every message arrives once and in order, or its sender was told.
    #[test]
    fn every_message_arrives_once_and_in_order_or_is_given_up(
        (loss, duplication) in (0..600_000_000u64, 0..600_000_000u64),
        jitter in 0..300u64,
        seed in any::<u64>(),
    ) {
        let quality = Quality {
            loss: Fraction(loss),
            duplication: Fraction(duplication),
            delay: Span::ZERO,
            jitter: Span(jitter.max(1)),
        };
        let quality = if quality.is_unreliable() { quality } else { Quality { jitter: Span(2), ..quality } };
        let (sent, given_up, delivered) = exchange(quality, seed, 60);
        let mut expected = sent.iter();
        for message in &delivered {
            prop_assert!(expected.any(|other| other == message), "twice, or out of order: {message}");
        }
        for message in &sent {
            prop_assert!(delivered.contains(message) || given_up.contains(message), "lost: {message}");
        }
    }
}
