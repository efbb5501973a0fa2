//! A lane at its sending KM: the store, those that wait for its key, and what is reported of its level.

use super::queue::{Queue, Waiter, WaitingFor};
use crate::architecture::RequestId;
use crate::architecture::key_source::KeySource;
use crate::architecture::message::Ask;
use crate::architecture::policy::Terms;
use crate::architecture::surroundings::StoreSettings;
use crate::ids::LinkId;
use crate::kernel::{Occupancy, Time};
use crate::key_management::store::SendingStore;

/// Assumption: a level must pass the edge of a class by this share of the capacity before the rise is reported.
const HYSTERESIS: u64 = 32;

/// The sending end of a lane with its queue.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The store.
    pub store: SendingStore,
    /// The link below, if there is one.
    pub link: Option<LinkId>,
    /// Those that wait.
    pub waiters: Queue,
    /// How many waited over time, and how long.
    pub waited: Occupancy,
    /// Level class last reported.
    pub class: u8,
    /// A request found too little, and nothing comes: the hop counts as OFF although crumbs are left.
    pub depleted: bool,
    /// A request found too little, and sessions leave depleted hops: the hop counts as below its floor until its level has
    /// risen by the hysteresis, although its link makes key.
    pub lacking: bool,
    /// The KMLM was last told that it is low.
    pub low: bool,
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
            waiters: Queue::default(),
            waited: Occupancy::default(),
            class: 0,
            depleted: false,
            lacking: false,
            low: false,
            armed: Time::NEVER,
        };
        lane.class = lane.class_of(lane.store.book().stored, classes);
        lane
    }

    fn class_of(&self, stored: u64, classes: u8) -> u8 {
        if self.depleted || self.lacking || stored <= self.store.settings.floor || stored == 0 {
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
        let edge = self.store.settings.edge_above(self.class, classes);
        Some((edge + capacity / HYSTERESIS).clamp(self.store.settings.floor + 1, capacity))
    }

    /// The class to report if it has changed. Falls are reported at the edge, rises past it by the hysteresis.
    pub fn class_change(&mut self, classes: u8) -> Option<u8> {
        if classes == 0 {
            return None;
        }
        let stored = self.store.book().stored;
        let capacity = self.store.settings.capacity;
        let recovered = self.store.settings.floor.saturating_add(capacity / HYSTERESIS);
        if self.lacking && self.class == 0 && stored >= recovered.min(capacity) {
            self.lacking = false;
        }
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

    /// What must be usable so that `bits` leave a floor's level \[bits\].
    pub fn needed(&self, bits: u64, floor: u64) -> u64 {
        bits + floor.saturating_sub(self.store.settings.floor)
    }

    /// Whether a request may take `bits` now without passing those that wait before it. One that waits for the level
    /// of a higher floor is not in its way.
    pub fn may_serve(&self, request: RequestId, bits: u64, terms: Terms) -> bool {
        let own = self.waiters.place_of(request);
        let place = own.unwrap_or_else(|| self.waiters.place_for(terms.priority));
        let mut before = self.waiters.iter().take(place);
        let in_the_way = |waiter: &Waiter| !waiter.has_been_told() && waiter.terms.floor <= terms.floor;
        !before.any(in_the_way) && self.has_for(place, bits, terms)
    }

    /// Whether the key suffices for `bits` in that place of the queue.
    pub fn has_for(&self, place: usize, bits: u64, terms: Terms) -> bool {
        self.store.usable() >= self.waiters.kept(place, terms) + self.needed(bits, terms.floor)
    }

    /// Puts a waiter into its place.
    pub fn wait(&mut self, waiter: Waiter) {
        self.waited.enter(waiter.since);
        self.waiters.insert(waiter);
    }

    /// The one in that place waits no longer.
    pub fn end_wait(&mut self, at: usize, now: Time) -> Waiter {
        let waiter = self.waiters.remove(at).expect("the caller has seen it there");
        self.waited.leave(now, waiter.since);
        waiter
    }

    /// Those that match wait no longer.
    pub fn end_waits(&mut self, now: Time, matches: impl Fn(&Waiter) -> bool) -> Vec<Waiter> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(waiter) = self.waiters.get(at) {
            if matches(waiter) {
                ended.push(self.end_wait(at, now));
            } else {
                at += 1;
            }
        }
        ended
    }

    /// Ends the wait of an attempt, and of those before it.
    pub fn forget(&mut self, ask: Ask, now: Time) -> bool {
        if self.waiters.place_of(ask.request).is_none() {
            return false;
        }
        let ended = self.end_waits(now, |waiter| {
            let later = matches!(waiter.waiting_for, WaitingFor::Reservation { attempt, .. } if attempt > ask.attempt);
            waiter.request == ask.request && !later
        });
        !ended.is_empty()
    }

    /// When something that waits here may have its key, a promise lapses, or a rise is to be reported.
    pub fn next_notice(&self, classes: u8, source: &mut dyn KeySource) -> Option<Time> {
        let mut lowest = u64::MAX;
        let mut served: Option<Time> = None;
        for (at, waiter) in self.waiters.iter().enumerate() {
            // Those behind it with the same floor cannot be served before it.
            if waiter.has_been_told() || waiter.terms.floor >= lowest {
                continue;
            }
            lowest = waiter.terms.floor;
            let needed = self.waiters.kept(at, waiter.terms) + self.needed(waiter.bits, waiter.terms.floor);
            let notice = self.store.notice(needed, source);
            served = served.into_iter().chain(notice).chain([waiter.deadline]).min();
            if lowest == 0 {
                break;
            }
        }
        let risen = self
            .next_edge(classes)
            .and_then(|edge| source.next_notice(edge.saturating_sub(self.store.book().stored).max(1)));
        let oldest = self.waiters.get(0).map(|waiter| waiter.deadline);
        served.into_iter().chain(risen).chain(oldest).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ControllerId, HopId, SessionId, StoreId};

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

    /// The level at which a rise is awaited is that at which the class is another, whatever the capacity.
    #[test]
    fn edges_and_classes_agree() {
        for capacity in [1, 3, 7, 10, 1_000, 1_001, u64::MAX] {
            for classes in [1, 3, 4, 255] {
                let mut lane = lane(0);
                lane.store.settings.capacity = capacity;
                for class in 1..classes {
                    let edge = lane.store.settings.edge_above(class, classes);
                    assert!(
                        lane.class_of(edge, classes) > class,
                        "{capacity} {classes} {class}"
                    );
                    assert!(
                        lane.class_of(edge - 1, classes) <= class,
                        "{capacity} {classes} {class}"
                    );
                }
            }
        }
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
            since: Time(0),
            deadline: Time(9),
            terms: Terms::default(),
            waiting_for: WaitingFor::Reservation {
                attempt: 2,
                reply_to: ControllerId(0),
                told,
            },
        };
        let terms = Terms::default();
        lane.wait(waits(0, 70, true));
        lane.wait(waits(1, 200, false));
        assert!(lane.may_serve(id(0), 70, terms));
        assert!(!lane.may_serve(id(1), 200, terms));
        assert!(!lane.may_serve(id(2), 10, terms));
        let ask = |attempt| Ask {
            request: id(1),
            attempt,
        };
        assert!(!lane.forget(ask(1), Time(5)), "a later attempt waits on");
        assert!(lane.forget(ask(2), Time(6)));
        assert!(lane.may_serve(id(2), 30, terms) && !lane.may_serve(id(2), 31, terms));
        assert_eq!((lane.waited.present(), lane.waited.spent), (1, 6));
    }

    fn waiter(number: u32, bits: u64, told: bool, terms: Terms) -> Waiter {
        Waiter {
            request: RequestId {
                session: SessionId(0),
                number,
            },
            bits,
            since: Time(0),
            deadline: Time(9),
            terms,
            waiting_for: WaitingFor::Reservation {
                attempt: 1,
                reply_to: ControllerId(0),
                told,
            },
        }
    }

    /// Shows FE-5: higher priorities first, first in first out within one; what is kept for a lower one is taken only
    /// where policy says so, and that one waits again.
    #[test]
    fn priorities_wait_in_front_and_take_promises_where_allowed() {
        let class = |priority, preempts| Terms {
            priority,
            preempts,
            ..Terms::default()
        };
        let mut lane = lane(100);
        for (number, priority) in [(0, 1), (1, 2), (2, 1), (3, 2)] {
            lane.wait(waiter(number, 60, false, class(priority, false)));
        }
        let order: Vec<u32> = lane.waiters.iter().map(|waiter| waiter.request.number).collect();
        assert_eq!(order, [1, 3, 0, 2]);

        lane.end_waits(Time(0), |_| true);
        lane.wait(waiter(0, 60, true, class(0, false)));
        let newcomer = waiter(1, 0, false, class(5, false)).request;
        assert!(lane.may_serve(newcomer, 40, class(5, false)));
        assert!(
            !lane.may_serve(newcomer, 50, class(5, false)),
            "60 bits are promised"
        );
        assert!(
            !lane.may_serve(newcomer, 50, class(0, true)),
            "no priority over it"
        );
        assert!(lane.may_serve(newcomer, 50, class(5, true)));
        lane.store.reserve(newcomer, 50, Time(9));
        lane.waiters.take_back_promises(lane.store.usable());
        let told = lane.waiters.get(0).is_some_and(Waiter::has_been_told);
        assert!(!told, "it waits again");
    }

    /// Shows FE-5: a floor is a level that its class leaves, and who waits for it is in nobody else's way.
    #[test]
    fn a_floor_keeps_key_for_others() {
        let floor = |floor| Terms {
            floor,
            ..Terms::default()
        };
        let mut lane = lane(100);
        let bronze = waiter(0, 30, false, floor(80));
        assert!(!lane.may_serve(bronze.request, 30, floor(80)));
        assert!(lane.may_serve(bronze.request, 20, floor(80)));
        lane.wait(bronze);
        let gold = waiter(1, 0, false, floor(0)).request;
        assert!(lane.may_serve(gold, 100, floor(0)));
        let silver = waiter(2, 0, false, floor(80)).request;
        assert!(!lane.may_serve(silver, 10, floor(80)), "first in, first out");
    }
}
