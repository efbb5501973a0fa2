//! Sessions that hold a hop: where a link carries only so many, its sending KM counts them and refuses further ones.
//!
//! A demand whose sessions come and go holds a place for each of them, from its admission to its end, which it states
//! when it opens; any other demand is one session, and holds its place until that is closed. Assumption: places are
//! counted per direction, by the KM that sends; a place on a hop that a session has left is kept until it ends; that of a KM
//! whose own next hop was changed is free at once.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::architecture::RequestId;
use crate::architecture::message::{Ask, Hold};
use crate::ids::{HopId, SessionId};
use crate::kernel::Time;

/// Which of a demand's sessions; `None` where the demand is one.
type Number = Option<NonZeroU32>;

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Until when it is held.
    until: Time,
    /// The request that it was given to.
    opened_by: RequestId,
}

/// The sessions that hold one hop.
#[derive(Clone, Debug)]
struct Places {
    at_most: u32,
    held: BTreeMap<(SessionId, Number), Place>,
}

/// The sessions that hold the hops of a KM, where links carry only so many.
#[derive(Clone, Debug, Default)]
pub struct HeldHops {
    hops: BTreeMap<HopId, Places>,
}

impl HeldHops {
    /// Nobody holds anything yet; the hops that are not named carry as many as there are.
    pub fn new(limits: &BTreeMap<HopId, u32>) -> HeldHops {
        let places = |at_most| Places {
            at_most,
            held: BTreeMap::new(),
        };
        HeldHops {
            hops: limits
                .iter()
                .map(|(&hop, &at_most)| (hop, places(at_most)))
                .collect(),
        }
    }

    /// Whether a request's session holds the hop, or gets a place now. One that is over gets none.
    pub fn admit(&mut self, hop: HopId, request: RequestId, hold: Option<Hold>, now: Time) -> bool {
        let Some(places) = self.hops.get_mut(&hop) else {
            return true;
        };
        let key = (request.session, hold.map(|hold| hold.number));
        let until = hold.map_or(Time::NEVER, |hold| hold.until);
        places.held.retain(|_, place| place.until > now);
        if places.held.contains_key(&key) {
            return true;
        }
        let room = places.held.len() < places.at_most as usize && until > now;
        if room {
            let opened_by = request;
            places.held.insert(key, Place { until, opened_by });
        }
        room
    }

    /// A promise is given back: a session that opened with it has not come about.
    pub fn give_back(&mut self, ask: Ask) {
        for places in self.hops.values_mut() {
            places.held.retain(|_, place| place.opened_by != ask.request);
        }
    }

    /// A demand is over, or goes by another hop than this one (`None`: any).
    pub fn leave(&mut self, session: SessionId, hop: Option<HopId>) {
        let left = self.hops.iter_mut();
        for (_, places) in left.filter(|(id, _)| hop.is_none_or(|hop| hop == **id)) {
            places.held.retain(|(holder, _), _| *holder != session);
        }
    }

    /// The KM is out of service: what it had admitted is forgotten.
    pub fn forget(&mut self) {
        for places in self.hops.values_mut() {
            places.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(session: u32, number: u32) -> RequestId {
        RequestId {
            session: SessionId(session),
            number,
        }
    }

    fn hold(number: u32, until: u64) -> Option<Hold> {
        Some(Hold {
            number: NonZeroU32::new(number + 1)?,
            until: Time(until),
        })
    }

    #[test]
    fn a_full_link_refuses_until_a_session_ends() {
        let hop = HopId(3);
        let mut held = HeldHops::new(&BTreeMap::from([(hop, 2)]));
        assert!(held.admit(hop, request(0, 0), hold(0, 100), Time(0)));
        assert!(held.admit(hop, request(0, 1), hold(1, 50), Time(1)));
        assert!(!held.admit(hop, request(0, 2), hold(2, 90), Time(2)), "full");
        assert!(
            held.admit(hop, request(0, 3), hold(0, 100), Time(3)),
            "it holds it"
        );
        assert!(
            held.admit(HopId(4), request(0, 4), hold(2, 90), Time(3)),
            "no limit"
        );
        assert!(!held.admit(hop, request(0, 4), hold(2, 90), Time(49)));
        assert!(
            held.admit(hop, request(0, 5), hold(3, 90), Time(50)),
            "one has ended"
        );
        assert!(
            !held.admit(hop, request(0, 6), hold(4, 60), Time(60)),
            "over as it comes"
        );
    }

    #[test]
    fn what_does_not_come_about_holds_nothing() {
        let hop = HopId(0);
        let mut held = HeldHops::new(&BTreeMap::from([(hop, 1)]));
        let ask = |request| Ask { request, attempt: 1 };
        assert!(held.admit(hop, request(0, 0), hold(0, 100), Time(0)));
        held.give_back(ask(request(0, 7)));
        assert!(!held.admit(hop, request(1, 0), None, Time(1)));
        held.give_back(ask(request(0, 0)));
        assert!(
            held.admit(hop, request(1, 1), None, Time(2)),
            "a demand is one session"
        );
        assert!(held.admit(hop, request(1, 2), None, Time(3)));
        assert!(!held.admit(hop, request(0, 1), hold(1, 200), Time(4)));
        held.leave(SessionId(1), Some(HopId(9)));
        assert!(!held.admit(hop, request(0, 2), hold(1, 200), Time(5)));
        held.leave(SessionId(1), None);
        assert!(held.admit(hop, request(0, 3), hold(1, 200), Time(6)));
        held.forget();
        assert!(held.admit(hop, request(1, 3), None, Time(7)));
    }
}
