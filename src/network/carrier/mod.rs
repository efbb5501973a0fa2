//! The carrier: messages over a network that loses, doubles and reorders them, like the TLS sessions under ETSI GS
//! QKD 014 and 020.
//!
//! Every ordered pair of elements has a **line**. Its messages are numbered; the receiver acknowledges each number,
//! drops what it has, and passes messages on in order. What is not acknowledged in time is sent again. After the
//! retries a message that belongs to an attempt (see [`may_be_given_up`]) is given up: the receiver is told to skip
//! its number, and the sending machine is told. It may have arrived all the same: only its acknowledgements may have
//! been lost. All other messages are repeated until they arrive.
//!
//! No clock and no queue inside: the world schedules what the carrier asks for. Assumption: from the end of arrivals
//! on nothing is lost or given up, so that the drain loses no message for good.
//!
//! [`may_be_given_up`]: crate::architecture::Message::may_be_given_up

pub mod receiver;
pub mod sender;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;

use self::receiver::Receiver;
use self::sender::{Overdue, Sender, Transmission};
use super::channels::Channels;
use crate::architecture::{Address, ElementKind, Envelope};
use crate::kernel::{Span, Stream, Streams};

/// Size of an acknowledgement or a skip \[bytes\]. Assumption: header and tag only.
pub const TRANSPORT_BYTES: u64 = 64;

/// What is on its way.
#[derive(Clone, Debug)]
pub enum Packet {
    /// A message, or `None`: its number is to be skipped.
    Data {
        /// On which line.
        line: u32,
        /// Its number there.
        sequence: u32,
        /// The message.
        envelope: Option<Envelope>,
    },
    /// A number has arrived; travels back.
    Acknowledgement {
        /// The line of the message.
        line: u32,
        /// Its number there.
        sequence: u32,
    },
}

/// What the carrier did beyond sending each message once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Messages that were sent again.
    pub retransmissions: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Acknowledgements and skips.
    pub transport_messages: u64,
    /// Transmissions that the network lost, acknowledgements among them.
    pub lost: u64,
}

/// How a message is to be carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// Nothing happens to it but this delay.
    Plain(Span),
    /// It needs a line.
    Line,
}

#[derive(Clone, Debug)]
struct Line {
    from: Address,
    to: Address,
    noise: Stream,
    sender: Sender,
    receiver: Receiver,
}

/// All lines of a world.
#[derive(Clone, Debug)]
pub struct Carrier {
    channels: Channels,
    /// Faults cut the data network: every channel can lose.
    cuts: bool,
    streams: Streams,
    lines: Vec<Line>,
    numbers: FxHashMap<(Address, Address), u32>,
    /// What was done.
    pub counts: Counts,
}

impl Carrier {
    /// A carrier over these channels, `None` where nothing can happen to a message.
    pub fn new(channels: Channels, cuts: bool, streams: Streams) -> Option<Carrier> {
        let needed = cuts || !channels.are_perfect();
        needed.then(|| Carrier {
            channels,
            cuts,
            streams,
            lines: Vec::new(),
            numbers: FxHashMap::default(),
            counts: Counts::default(),
        })
    }

    /// How messages between two kinds of elements are carried.
    pub fn service(&self, from: ElementKind, to: ElementKind) -> Service {
        match self.channels.between(from, to) {
            None => Service::Plain(Span::ZERO),
            Some(quality) if self.cuts || quality.is_unreliable() => Service::Line,
            Some(quality) => Service::Plain(quality.delay),
        }
    }

    /// The line from one element to another; `name` gives their names, for the line's own stream.
    pub fn line(&mut self, from: Address, to: Address, name: impl Fn(Address) -> String) -> u32 {
        let Carrier {
            lines,
            numbers,
            streams,
            ..
        } = self;
        *numbers.entry((from, to)).or_insert_with(|| {
            let label = format!("channel/{}>{}", name(from), name(to));
            lines.push(Line {
                from,
                to,
                noise: streams.stream(&label, "noise"),
                sender: Sender::default(),
                receiver: Receiver::default(),
            });
            lines.len() as u32 - 1
        })
    }

    fn at(&mut self, line: u32) -> &mut Line {
        &mut self.lines[line as usize]
    }

    /// The ends of a line: from, to.
    pub fn ends(&self, line: u32) -> (Address, Address) {
        let line = &self.lines[line as usize];
        (line.from, line.to)
    }

    /// Takes a message; its number on the line.
    pub fn take(&mut self, line: u32, envelope: Envelope) -> u32 {
        self.at(line).sender.take(envelope)
    }

    /// Transmits a number that is outstanding.
    pub fn transmit(&mut self, line: u32, sequence: u32) -> Transmission {
        let rules = self.channels.retransmission;
        let transmission = self.at(line).sender.transmit(sequence, rules);
        if transmission.envelope.is_none() {
            self.counts.transport_messages += 1;
        } else if transmission.attempt > 1 {
            self.counts.retransmissions += 1;
        }
        transmission
    }

    /// What becomes of one transmission: the delays beyond the propagation of the copies that arrive. `cut`: its way
    /// is cut; where `loses` is false, nothing is lost.
    pub fn copies(&mut self, line: u32, cut: bool, loses: bool) -> [Option<Span>; 2] {
        let (from, to) = self.ends(line);
        let quality = *self
            .channels
            .between(from.kind(), to.kind())
            .expect("only disturbed channels have lines");
        let copies = quality.copies(&mut self.at(line).noise, loses);
        let copies = if cut && loses { [None, None] } else { copies };
        self.counts.lost += u64::from(copies[0].is_none());
        copies
    }

    /// A transmission arrives: it is to be acknowledged, and what is due goes to `due`.
    pub fn on_data(&mut self, line: u32, sequence: u32, envelope: Option<Envelope>, due: &mut Vec<Envelope>) {
        self.counts.transport_messages += 1;
        self.at(line).receiver.on_arrival(sequence, envelope, due);
    }

    /// An acknowledgement arrives: these numbers are to be transmitted now.
    pub fn on_acknowledgement(&mut self, line: u32, sequence: u32) -> Vec<u32> {
        self.at(line).sender.on_acknowledged(sequence)
    }

    /// An acknowledgement has not come in time. While `holds` is true nothing is given up.
    pub fn on_overdue(&mut self, line: u32, sequence: u32, holds: bool) -> Overdue {
        let rules = self.channels.retransmission;
        let overdue = self.at(line).sender.on_overdue(sequence, rules, holds);
        self.counts.given_up += u64::from(matches!(overdue, Overdue::GivenUp(_)));
        overdue
    }
}
