//! Watching a run without changing it: observers see every envelope and every observation.

pub mod outcome;
pub mod record;
pub mod requests;
pub mod reroutes;

use crate::architecture::{Address, Envelope, Observation};
use crate::kernel::Time;

/// Something that watches. What it does cannot reach the run.
pub trait Observer {
    /// Whether it wants to be told of decisions.
    const ASKS_WHY: bool = false;

    /// A message is sent. `internal`: it stays inside one element and takes no time.
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool);

    /// An element lets something be seen.
    fn observed(&mut self, now: Time, from: Address, observation: &Observation);

    /// A fault begins (t0) or is repaired.
    fn disturbed(&mut self, now: Time, fault: crate::ids::FaultId, begins: bool);
}

/// Watches nothing, and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn sent(&mut self, _: Time, _: &Envelope, _: bool) {}
    fn observed(&mut self, _: Time, _: Address, _: &Observation) {}
    fn disturbed(&mut self, _: Time, _: crate::ids::FaultId, _: bool) {}
}

/// Two observers side by side.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const ASKS_WHY: bool = A::ASKS_WHY || B::ASKS_WHY;

    #[inline]
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        self.0.sent(now, envelope, internal);
        self.1.sent(now, envelope, internal);
    }

    #[inline]
    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        self.0.observed(now, from, observation);
        self.1.observed(now, from, observation);
    }

    fn disturbed(&mut self, now: Time, fault: crate::ids::FaultId, begins: bool) {
        self.0.disturbed(now, fault, begins);
        self.1.disturbed(now, fault, begins);
    }
}
