//! The receiving end of a line: every message once, in the order in which they were sent.

use std::collections::BTreeMap;

use crate::architecture::Envelope;

/// The receiving end.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    next: u32,
    /// What came before its turn; `None`: to be skipped.
    early: BTreeMap<u32, Option<Envelope>>,
}

impl Receiver {
    /// A transmission arrives (`None`: its number is to be skipped); what is due now goes to `due`.
    pub fn on_arrival(&mut self, sequence: u32, envelope: Option<Envelope>, due: &mut Vec<Envelope>) {
        if sequence < self.next || self.early.contains_key(&sequence) {
            return;
        }
        if sequence > self.next {
            self.early.insert(sequence, envelope);
            return;
        }
        due.extend(envelope);
        self.next += 1;
        while let Some(envelope) = self.early.remove(&self.next) {
            due.extend(envelope);
            self.next += 1;
        }
    }
}
