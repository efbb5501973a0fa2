//! A lane at its sending KM: the store, those that wait for its key, and what is reported of its level.

use std::collections::VecDeque;

use crate::architecture::key_source::KeySource;
use crate::architecture::message::{Ask, OtpKeys};
use crate::architecture::surroundings::StoreSettings;
use crate::architecture::{Envelope, RequestId};
use crate::ids::{ControllerId, LinkId};
use crate::kernel::Time;
use crate::key_management::store::SendingStore;

/// Assumption: a level must pass the edge of a class by this share of the capacity before the rise is reported.
const HYSTERESIS: u64 = 32;

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

/// One that waits, first in first out.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// Which request.
    pub request: RequestId,
    /// How much it needs \[bits\].
    pub bits: u64,
    /// Until when.
    pub deadline: Time,
    /// For what.
    pub waiting_for: WaitingFor,
}

/// The sending end of a lane with its queue.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The store.
    pub store: SendingStore,
    /// The link below, if there is one.
    pub link: Option<LinkId>,
    /// Those that wait.
    pub waiters: VecDeque<Waiter>,
    /// Level class last reported.
    pub class: u8,
    /// A request found too little, and nothing comes: the hop counts as OFF although crumbs are left.
    pub depleted: bool,
    /// The next wake-up that is already set.
    pub armed: Time,
}

impl Lane {
    /// A lane with its pre-shared fill, reported as provisioned.
    pub fn new(settings: StoreSettings, link: Option<LinkId>, classes: u8) -> Lane {
        let store = SendingStore::new(settings);
        let mut lane = Lane {
            store,
            link,
            waiters: VecDeque::new(),
            class: 0,
            depleted: false,
            armed: Time::NEVER,
        };
        lane.class = lane.class_of(lane.store.book().stored, classes);
        lane
    }

    fn class_of(&self, stored: u64, classes: u8) -> u8 {
        if self.depleted || stored <= self.store.settings.floor || stored == 0 {
            return 0;
        }
        let share =
            u128::from(stored) * u128::from(classes) / u128::from(self.store.settings.capacity.max(1));
        (1 + share.min(u128::from(classes)) as u64).min(u64::from(classes)) as u8
    }

    /// The level at which the next higher class is reported \[bits\], `None` in the highest.
    fn next_edge(&self, classes: u8) -> Option<u64> {
        let capacity = self.store.settings.capacity;
        if classes == 0 || self.class >= classes || capacity <= self.store.settings.floor {
            return None;
        }
        let edge = capacity / u64::from(classes) * u64::from(self.class);
        Some((edge + capacity / HYSTERESIS).clamp(self.store.settings.floor + 1, capacity))
    }

    /// The class to report if it has changed. Falls are reported at the edge, rises past it by the hysteresis.
    pub fn class_change(&mut self, classes: u8) -> Option<u8> {
        if classes == 0 {
            return None;
        }
        let stored = self.store.book().stored;
        let mut now = self.class_of(stored, classes);
        while now > self.class {
            let held = std::mem::replace(&mut self.class, now - 1);
            let risen = self.next_edge(classes).is_some_and(|edge| stored >= edge);
            self.class = held;
            if risen {
                break;
            }
            now -= 1;
        }
        (now != self.class).then(|| {
            self.class = now;
            now
        })
    }

    /// Whether a request may take `bits` now without passing those that wait before it.
    pub fn may_serve(&self, request: RequestId, bits: u64) -> bool {
        let mut ahead = 0;
        for waiter in &self.waiters {
            if waiter.request == request {
                break;
            }
            match waiter.waiting_for {
                WaitingFor::Reservation { told: true, .. } => ahead += waiter.bits,
                _ => return false,
            }
        }
        self.store.usable() >= ahead + bits
    }

    /// Ends the wait of an attempt, and of those before it.
    pub fn forget(&mut self, ask: Ask) -> bool {
        let before = self.waiters.len();
        self.waiters.retain(|waiter| {
            let later = matches!(waiter.waiting_for, WaitingFor::Reservation { attempt, .. } if attempt > ask.attempt);
            waiter.request != ask.request || later
        });
        self.waiters.len() != before
    }

    /// Spends for a request: what was reserved for it, or nothing if that has lapsed.
    pub fn spend_reserved(&mut self, request: RequestId) -> Option<OtpKeys> {
        self.store.spend_reserved(request)
    }

    /// When something that waits here may have its key, a promise lapses, or a rise is to be reported.
    pub fn next_notice(&self, classes: u8, source: &mut dyn KeySource) -> Option<Time> {
        let untold = self
            .waiters
            .iter()
            .find(|waiter| !matches!(waiter.waiting_for, WaitingFor::Reservation { told: true, .. }));
        let told: u64 = self
            .waiters
            .iter()
            .take_while(|waiter| matches!(waiter.waiting_for, WaitingFor::Reservation { told: true, .. }))
            .map(|waiter| waiter.bits)
            .sum();
        let served = untold.and_then(|waiter| {
            let notice = self.store.notice(told + waiter.bits, source);
            notice.into_iter().chain([waiter.deadline]).min()
        });
        let risen = self
            .next_edge(classes)
            .and_then(|edge| source.next_notice(edge.saturating_sub(self.store.book().stored).max(1)));
        let oldest = self.waiters.front().map(|waiter| waiter.deadline);
        served.into_iter().chain(risen).chain(oldest).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{HopId, SessionId, StoreId};

    fn lane(initial: u64) -> Lane {
        let settings = StoreSettings {
            id: StoreId(0),
            hop: HopId(0),
            initial,
            capacity: 1_000,
            floor: 0,
            max_age: None,
        };
        Lane::new(settings, None, 4)
    }

    #[test]
    fn classes_are_quarters_with_hysteresis() {
        let mut lane = lane(600);
        assert_eq!(lane.class, 3);
        lane.store.spend(100);
        assert_eq!(lane.class_change(4), None);
        lane.store.spend(1);
        assert_eq!(lane.class_change(4), Some(2));
        lane.store.reserve(
            RequestId {
                session: SessionId(0),
                number: 0,
            },
            499,
            Time(9),
        );
        assert_eq!(lane.class_change(4), Some(0));
        lane.store.release(RequestId {
            session: SessionId(0),
            number: 0,
        });
        // 499 of 1,000 is past the edge of class 2 by more than 1/32, and short of class 3.
        assert_eq!(lane.class_change(4), Some(2));
        assert_eq!(lane.class_change(4), None);
    }

    #[test]
    fn nobody_passes_those_who_wait() {
        let mut lane = lane(100);
        let id = |number| RequestId {
            session: SessionId(0),
            number,
        };
        let waits = |number, bits, told| Waiter {
            request: id(number),
            bits,
            deadline: Time(9),
            waiting_for: WaitingFor::Reservation {
                attempt: 2,
                reply_to: ControllerId(0),
                told,
            },
        };
        lane.waiters.push_back(waits(0, 70, true));
        lane.waiters.push_back(waits(1, 200, false));
        assert!(lane.may_serve(id(0), 70));
        assert!(!lane.may_serve(id(1), 200));
        assert!(!lane.may_serve(id(2), 10));
        let ask = |attempt| Ask {
            request: id(1),
            attempt,
        };
        assert!(!lane.forget(ask(1)), "a later attempt waits on");
        assert!(lane.forget(ask(2)));
        assert!(lane.may_serve(id(2), 30) && !lane.may_serve(id(2), 31));
    }
}
