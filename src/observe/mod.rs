//! Watching a run without changing it: observers see every envelope and every observation.

pub mod accounting;
pub mod metrics;
pub mod outcome;
pub mod record;
pub mod requests;
pub mod reroutes;
pub mod routes;
pub mod sessions;

use crate::architecture::{Address, Envelope, Observation};
use crate::kernel::Time;

/// Something that watches. What it does cannot reach the run.
pub trait Observer {
    /// Whether it wants to be told of decisions.
    const ASKS_WHY: bool = false;

    /// A message is sent. `internal`: it stays inside one element and takes no time.
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool);

    /// A message that was not acknowledged is sent again, for the `attempt`-th time in all.
    fn repeated(&mut self, now: Time, envelope: &Envelope, attempt: u32);

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
    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}
    fn observed(&mut self, _: Time, _: Address, _: &Observation) {}
    fn disturbed(&mut self, _: Time, _: crate::ids::FaultId, _: bool) {}
}

/// An observer that watches only where it is wanted.
impl<A: Observer> Observer for Option<A> {
    #[inline]
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        if let Some(observer) = self {
            observer.sent(now, envelope, internal);
        }
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, attempt: u32) {
        if let Some(observer) = self {
            observer.repeated(now, envelope, attempt);
        }
    }

    #[inline]
    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        if let Some(observer) = self {
            observer.observed(now, from, observation);
        }
    }

    fn disturbed(&mut self, now: Time, fault: crate::ids::FaultId, begins: bool) {
        if let Some(observer) = self {
            observer.disturbed(now, fault, begins);
        }
    }
}

/// Two observers side by side.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const ASKS_WHY: bool = A::ASKS_WHY || B::ASKS_WHY;

    #[inline]
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        self.0.sent(now, envelope, internal);
        self.1.sent(now, envelope, internal);
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, attempt: u32) {
        self.0.repeated(now, envelope, attempt);
        self.1.repeated(now, envelope, attempt);
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
