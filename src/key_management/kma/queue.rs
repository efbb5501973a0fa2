//! Those that wait at a lane: by priority, first in first out among equals.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::architecture::message::Ask;
use crate::architecture::policy::Terms;
use crate::architecture::{Envelope, RequestId};
use crate::ids::ControllerId;
use crate::kernel::Time;

/// Why a request waits at a lane.
#[derive(Clone, Debug)]
pub enum WaitingFor {
    /// It was refused a reservation; the deciding controller is told when it can be served.
    Reservation {
        /// Which attempt at the request it was.
        attempt: u32,
        /// The controller that asked.
        reply_to: ControllerId,
        /// Whether it has been told.
        told: bool,
    },
    /// Its relay is held here until key comes (`per_hop`).
    Relay(Box<Envelope>),
}

/// One that waits.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// Which request.
    pub request: RequestId,
    /// How much it needs \[bits\].
    pub bits: u64,
    /// Since when.
    pub since: Time,
    /// Until when.
    pub deadline: Time,
    /// On which terms it is served.
    pub terms: Terms,
    /// For what.
    pub waiting_for: WaitingFor,
}

impl Waiter {
    /// Whether it has been told that it can be served: its key is kept until it asks again.
    pub fn has_been_told(&self) -> bool {
        matches!(self.waiting_for, WaitingFor::Reservation { told: true, .. })
    }
}

/// The queue of a lane. How many have been told, and who waits at all, is counted: under overload thousands wait, few of
/// them have been told, and most who ask are none of them.
#[derive(Clone, Default, Debug)]
pub struct Queue {
    waiters: VecDeque<Waiter>,
    told: usize,
    waits: FxHashMap<RequestId, u32>,
}

impl Queue {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// The one in a place.
    pub fn get(&self, place: usize) -> Option<&Waiter> {
        self.waiters.get(place)
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.waiters.iter()
    }

    /// Where a request waits, first.
    pub fn place_of(&self, request: RequestId) -> Option<usize> {
        let waits = self.waits.contains_key(&request);
        waits.then(|| self.waiters.iter().position(|waiter| waiter.request == request))?
    }

    /// Where a newcomer of that priority stands: behind all of its own and of higher priority.
    pub fn place_for(&self, priority: u32) -> usize {
        self.waiters
            .partition_point(|waiter| waiter.terms.priority >= priority)
    }

    /// Puts a waiter into its place.
    pub fn insert(&mut self, waiter: Waiter) {
        self.told += usize::from(waiter.has_been_told());
        *self.waits.entry(waiter.request).or_default() += 1;
        self.waiters.insert(self.place_for(waiter.terms.priority), waiter);
    }

    /// Takes the one in that place out.
    pub fn remove(&mut self, place: usize) -> Option<Waiter> {
        let waiter = self.waiters.remove(place)?;
        self.told -= usize::from(waiter.has_been_told());
        if let Some(times) = self.waits.get_mut(&waiter.request) {
            *times -= 1;
            if *times == 0 {
                self.waits.remove(&waiter.request);
            }
        }
        Some(waiter)
    }

    /// The one in that place asks anew, and has been told nothing.
    pub fn ask_anew(&mut self, place: usize, waiting_for: WaitingFor) {
        let waiter = &mut self.waiters[place];
        self.told -= usize::from(waiter.has_been_told());
        waiter.waiting_for = waiting_for;
        self.told += usize::from(waiter.has_been_told());
    }

    /// The one in that place is told that it can be served: which attempt, and to whom the word goes. `None` if it was
    /// told before, or waits for no reservation.
    pub fn tell(&mut self, place: usize) -> Option<(Ask, ControllerId)> {
        let waiter = self.waiters.get_mut(place)?;
        match &mut waiter.waiting_for {
            WaitingFor::Reservation {
                attempt,
                reply_to,
                told: told @ false,
            } => {
                *told = true;
                self.told += 1;
                let ask = Ask {
                    request: waiter.request,
                    attempt: *attempt,
                };
                Some((ask, *reply_to))
            }
            _ => None,
        }
    }

    /// Key that one in that place may not take: what is kept for those before it that have been told, and for those of
    /// a lower priority unless policy lets it take that \[bits\].
    pub fn kept(&self, place: usize, terms: Terms) -> u64 {
        let told = self
            .waiters
            .iter()
            .enumerate()
            .filter(|(_, waiter)| waiter.has_been_told());
        told.take(self.told)
            .filter(|(at, waiter)| {
                let lower = !terms.preempts && waiter.terms.priority < terms.priority;
                *at < place || lower
            })
            .map(|(_, waiter)| waiter.bits)
            .sum()
    }

    /// What was kept for those that have been told may have been taken: those who come last wait again.
    pub fn take_back_promises(&mut self, usable: u64) {
        let mut kept = 0;
        for waiter in &mut self.waiters {
            if let WaitingFor::Reservation { told, .. } = &mut waiter.waiting_for
                && *told
            {
                *told = kept + waiter.bits <= usable;
                if *told {
                    kept += waiter.bits;
                } else {
                    self.told -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SessionId;
    use proptest::prelude::*;

    fn waiter(number: u32, bits: u64, priority: u32) -> Waiter {
        Waiter {
            request: RequestId {
                session: SessionId(0),
                number,
            },
            bits,
            since: Time(0),
            deadline: Time(9),
            terms: Terms {
                priority,
                ..Terms::default()
            },
            waiting_for: WaitingFor::Reservation {
                attempt: 1,
                reply_to: ControllerId(0),
                told: false,
            },
        }
    }

    proptest! {
        /// What is counted is what a look at all that wait would find, whatever happens to them.
        #[test]
        fn counts_are_those_of_the_queue(steps in prop::collection::vec((0_u8..5, 0_u32..6, 1_u64..90, 0_u32..3), 0..60)) {
            let mut queue = Queue::default();
            for (what, number, bits, priority) in steps {
                let place = number as usize;
                match what {
                    0 => queue.insert(waiter(number, bits, priority)),
                    1 => drop(queue.remove(place)),
                    2 => drop(queue.tell(place)),
                    3 => queue.take_back_promises(bits),
                    _ if queue.get(place).is_some() => queue.ask_anew(place, waiter(number, bits, 0).waiting_for),
                    _ => {}
                }
                let terms = Terms { priority, preempts: bits % 2 == 0, ..Terms::default() };
                let kept: u64 = queue.iter().enumerate().filter(|(at, waiter)| {
                    let lower = !terms.preempts && waiter.terms.priority < priority;
                    waiter.has_been_told() && (*at < place || lower)
                }).map(|(_, waiter)| waiter.bits).sum();
                prop_assert_eq!(queue.kept(place, terms), kept);
                for number in 0..6 {
                    let request = waiter(number, 0, 0).request;
                    let at = queue.iter().position(|waiter| waiter.request == request);
                    prop_assert_eq!(queue.place_of(request), at);
                }
                prop_assert!(queue.iter().map(|waiter| waiter.terms.priority).is_sorted_by(|a, b| a >= b));
            }
        }
    }
}
