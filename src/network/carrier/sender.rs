//! The sending end of a line: what has not been acknowledged yet, and when it is sent again.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::Envelope;
use crate::kernel::Span;
use crate::network::channels::Retransmission;

/// Assumption: past its retries, a message that may not be given up is sent again after a time that doubles up to
/// 2⁴ time-outs.
const MOST_DOUBLINGS: u32 = 4;

/// What has not been acknowledged.
#[derive(Clone, Debug)]
struct Outstanding {
    /// `None`: it was given up, and the receiver is told to skip it.
    envelope: Option<Envelope>,
    /// How often it was sent.
    attempts: u32,
}

/// One transmission.
#[derive(Clone, Debug)]
pub struct Transmission {
    /// The message, or that its number is to be skipped.
    pub envelope: Option<Envelope>,
    /// Counts the transmissions of the same message from 1.
    pub attempt: u32,
    /// How long to wait for the acknowledgement.
    pub wait: Span,
}

/// What an overdue acknowledgement leads to.
#[derive(Clone, Debug)]
pub enum Overdue {
    /// It has come meanwhile, or the message waits until the line is alive again.
    Nothing,
    /// Transmit again.
    Again,
    /// The message is given up; transmit that its number is to be skipped.
    GivenUp(Envelope),
}

/// The sending end.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    next: u32,
    outstanding: BTreeMap<u32, Outstanding>,
    /// Past their retries and behind others: these wait until anything is acknowledged.
    dormant: BTreeSet<u32>,
}

impl Sender {
    /// Takes a message; its number on this line.
    pub fn take(&mut self, envelope: Envelope) -> u32 {
        let sequence = self.next;
        self.next = sequence
            .checked_add(1)
            .expect("fewer than 2^32 messages on a line");
        let outstanding = Outstanding {
            envelope: Some(envelope),
            attempts: 0,
        };
        self.outstanding.insert(sequence, outstanding);
        sequence
    }

    /// Transmits a number that is outstanding.
    pub fn transmit(&mut self, sequence: u32, rules: Retransmission) -> Transmission {
        let it = self
            .outstanding
            .get_mut(&sequence)
            .expect("only what is outstanding is transmitted");
        it.attempts += 1;
        let beyond = it
            .attempts
            .saturating_sub(rules.retries.saturating_add(1))
            .min(MOST_DOUBLINGS);
        Transmission {
            envelope: it.envelope.clone(),
            attempt: it.attempts,
            wait: rules.timeout * (1 << beyond),
        }
    }

    /// An acknowledgement has not come in time. While `holds` is true nothing is given up.
    pub fn on_overdue(&mut self, sequence: u32, rules: Retransmission, holds: bool) -> Overdue {
        let first = self.outstanding.first_key_value().map(|(&first, _)| first);
        let Some(it) = self.outstanding.get_mut(&sequence) else {
            return Overdue::Nothing;
        };
        if it.attempts <= rules.retries || holds {
            return Overdue::Again;
        }
        let may = it
            .envelope
            .as_ref()
            .is_some_and(|envelope| envelope.message.may_be_given_up());
        if may {
            it.attempts = 0;
            return Overdue::GivenUp(it.envelope.take().expect("it was just there"));
        }
        if first == Some(sequence) {
            return Overdue::Again;
        }
        self.dormant.insert(sequence);
        Overdue::Nothing
    }

    /// A number was acknowledged: what waited for a sign of life is to be transmitted.
    pub fn on_acknowledged(&mut self, sequence: u32) -> Vec<u32> {
        if self.outstanding.remove(&sequence).is_none() {
            return Vec::new();
        }
        self.dormant.remove(&sequence);
        std::mem::take(&mut self.dormant).into_iter().collect()
    }
}
