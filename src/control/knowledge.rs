//! What a controller knows: the provisioned topology and status at time 0, and what was pushed since, with the time of
//! its origin. It may be stale; nobody reads a store from afar.

use rustc_hash::FxHashMap;

pub use crate::architecture::hop::HopState;

use super::routing::KnownKey;
use crate::architecture::Hop;
use crate::architecture::message::{HopReport, Plane, StatusChange};
use crate::architecture::surroundings::Domain;
use crate::ids::{ControllerId, FaultId, HopId, LinkId};
use crate::kernel::{Span, Time};

#[derive(Clone, Copy, Debug)]
struct Known<T> {
    value: T,
    origin: Time,
    fault: Option<FaultId>,
    /// It was heard of in an advertisement, whose instant is not that of the change; the change itself is still to be told.
    advertised: bool,
}

/// Status that was pushed.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    links: FxHashMap<LinkId, Known<bool>>,
    levels: FxHashMap<HopId, Known<u8>>,
    /// Whether the ends of a hop reach one another; they do where nothing is known.
    reachable: FxHashMap<(HopId, Plane), Known<bool>>,
    /// Links that are not in a window of maintenance; others are in none that is known of.
    unplanned: FxHashMap<LinkId, Known<bool>>,
    /// Whether a store below its floor counts as a failure of its hop.
    leaves_depleted: bool,
    now: Time,
    /// Age from which what others serve counts as unknown.
    max_age: Option<Span>,
    /// When other controllers last said how their hops do, and the number of that.
    advertised: FxHashMap<ControllerId, (u32, Time)>,
    /// The controller that knows.
    me: Option<ControllerId>,
}

/// What a report told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum News {
    /// Nothing: as much was known, or more.
    Nothing,
    /// That it is still so.
    Confirmed,
    /// Something else than was known.
    Changed,
}

impl Knowledge {
    /// What is provisioned, and nothing else. `leaves_depleted`: a store below its floor counts as a failure of its hop.
    /// Knowledge of hops that others than `me` serve ages, if it does.
    pub fn new(leaves_depleted: bool, me: ControllerId, max_age: Option<Span>) -> Knowledge {
        Knowledge {
            leaves_depleted,
            max_age,
            me: Some(me),
            ..Knowledge::default()
        }
    }

    /// Another controller's advertisement; `false` if it, or a later one, was heard before.
    pub fn hear(&mut self, origin: ControllerId, sequence: u32, at: Time) -> bool {
        let heard = self.advertised.entry(origin).or_insert((0, Time::ZERO));
        if heard.0 >= sequence || Some(origin) == self.me {
            return false;
        }
        *heard = (sequence, at);
        true
    }

    /// How a hop does, for others to know.
    pub fn report(&self, hop: &Hop) -> HopReport {
        let reached = |plane| {
            self.reachable
                .get(&(hop.id, plane))
                .is_none_or(|known| known.value)
        };
        HopReport {
            hop: hop.id,
            generating: self.generating(hop),
            reachable: [Plane::KeyManagers, Plane::Controllers].map(reached),
            class: self.levels.get(&hop.id).map(|known| known.value),
        }
    }

    /// How old the knowledge of a hop is that another controller serves: since its last advertisement, or the last report of
    /// its level.
    fn age(&self, hop: &Hop, domain: &Domain) -> Option<Span> {
        let serving = domain.controller_of.get(&hop.from)?;
        if Some(*serving) == self.me {
            return None;
        }
        let advertised = self.advertised.get(serving).map_or(Time::ZERO, |&(_, at)| at);
        let told = self.levels.get(&hop.id).map_or(Time::ZERO, |known| known.origin);
        Some(self.since(advertised.max(told)))
    }

    /// How long ago an instant was; nothing of one to come.
    fn since(&self, origin: Time) -> Span {
        self.now.max(origin).since(origin)
    }

    /// Whether knowledge of a hop is too old to count.
    fn is_stale(&self, hop: &Hop, domain: &Domain) -> bool {
        let too_old = |most| self.age(hop, domain).is_some_and(|age| age > most);
        self.max_age.is_some_and(too_old)
    }

    /// Time goes on.
    pub fn advance_to(&mut self, now: Time) {
        self.now = now;
    }

    /// Takes in a report.
    pub fn learn(&mut self, change: StatusChange, origin: Time, fault: Option<FaultId>) -> News {
        self.take_in(change, origin, fault, false)
    }

    /// Takes in what another's advertisement says; whether it is news.
    pub fn learn_advertised(&mut self, change: StatusChange, at: Time) -> bool {
        self.take_in(change, at, None, true) == News::Changed
    }

    fn take_in(
        &mut self,
        change: StatusChange,
        origin: Time,
        fault: Option<FaultId>,
        advertised: bool,
    ) -> News {
        fn newer<K: std::hash::Hash + Eq, T: Ord>(
            known: &mut FxHashMap<K, Known<T>>,
            key: K,
            value: Known<T>,
        ) -> News {
            let Some(before) = known.get_mut(&key) else {
                known.insert(key, value);
                return News::Changed;
            };
            // Of two reports of the same instant the worse one holds, in whatever order they come.
            let later = before.origin < value.origin;
            let untold = before.advertised && !value.advertised;
            if before.value == value.value && (later || untold) {
                before.origin = before.origin.max(value.origin);
                before.fault = value.fault.or(before.fault);
                before.advertised &= value.advertised;
                return News::Confirmed;
            }
            if later || (before.origin == value.origin && value.value < before.value) {
                *before = value;
                return News::Changed;
            }
            News::Nothing
        }
        match change {
            StatusChange::Link { link, generating } => newer(
                &mut self.links,
                link,
                Known {
                    value: generating,
                    origin,
                    fault,
                    advertised,
                },
            ),
            StatusChange::Reachable {
                hop,
                plane,
                reachable,
            } => newer(
                &mut self.reachable,
                (hop, plane),
                Known {
                    value: reachable,
                    origin,
                    fault,
                    advertised,
                },
            ),
            StatusChange::Maintenance { link, planned } => newer(
                &mut self.unplanned,
                link,
                Known {
                    value: !planned,
                    origin,
                    fault,
                    advertised,
                },
            ),
            StatusChange::Level { hop, class } => newer(
                &mut self.levels,
                hop,
                Known {
                    value: class,
                    origin,
                    fault,
                    advertised,
                },
            ),
        }
    }

    /// Whether the link below a hop makes key, as far as is known.
    pub(super) fn generating(&self, hop: &Hop) -> bool {
        hop.link
            .is_none_or(|link| self.links.get(&link).is_none_or(|known| known.value))
    }

    /// What keeps the ends of a hop from reaching one another.
    fn apart(&self, hop: &Hop) -> Option<&Known<bool>> {
        [Plane::KeyManagers, Plane::Controllers]
            .iter()
            .filter_map(|&plane| self.reachable.get(&(hop.id, plane)))
            .find(|known| !known.value)
    }

    /// Whether the ends of a hop reach one another.
    pub fn ends_reach(&self, hop: &Hop) -> bool {
        self.apart(hop).is_none()
    }

    /// Whether the KMs at the two ends of a hop reach one another.
    pub fn kms_reach(&self, hop: &Hop) -> bool {
        let known = self.reachable.get(&(hop.id, Plane::KeyManagers));
        known.is_none_or(|known| known.value)
    }

    /// Whether the controllers at the two ends of a hop reach one another.
    pub fn controllers_reach(&self, hop: &Hop) -> bool {
        let known = self.reachable.get(&(hop.id, Plane::Controllers));
        known.is_none_or(|known| known.value)
    }

    /// Whether a link is in an announced window of maintenance.
    pub fn is_maintained(&self, link: LinkId) -> bool {
        self.unplanned.get(&link).is_some_and(|known| !known.value)
    }

    /// The state of a hop. One whose ends do not reach one another is OFF, and so is one under maintenance; one of which
    /// nothing is known any more counts as one that makes no key.
    pub fn state(&self, hop: &Hop, domain: &Domain) -> HopState {
        if self.apart(hop).is_some() || hop.link.is_some_and(|link| self.is_maintained(link)) {
            return HopState::Off;
        }
        if self.is_stale(hop, domain) {
            return HopState::Passive;
        }
        if self.generating(hop) {
            let known = self.levels.get(&hop.id).filter(|_| self.leaves_depleted);
            return match known {
                Some(level) if level.value == 0 => HopState::Passive,
                _ => HopState::Active,
            };
        }
        let left = match self.levels.get(&hop.id) {
            Some(known) => known.value > 0,
            None => domain
                .stores
                .get(&hop.id)
                .is_some_and(|store| store.initial > store.floor),
        };
        if left { HopState::Passive } else { HopState::Off }
    }

    /// The state of a border from whose far side keys come, by this side's hop across: the sending store is the other
    /// side's, so that only the link and the way between the KMs count.
    pub fn state_towards(&self, hop: &Hop, domain: &Domain) -> HopState {
        if self.apart(hop).is_some() || hop.link.is_some_and(|link| self.is_maintained(link)) {
            HopState::Off
        } else if self.generating(hop) && !self.is_stale(hop, domain) {
            HopState::Active
        } else {
            HopState::Passive
        }
    }

    /// Whether a hop is known to have found too little key.
    pub fn is_depleted(&self, hop: HopId) -> bool {
        self.levels.get(&hop).is_some_and(|known| known.value == 0)
    }

    /// Key that is surely usable on a hop, as far as is known \[bits\]: the lower edge of its class.
    pub fn usable_bits(&self, hop: &Hop, domain: &Domain, classes: u8) -> u64 {
        let Some(store) = domain.stores.get(&hop.id) else {
            return u64::MAX;
        };
        if self.is_stale(hop, domain) {
            return 0;
        }
        match self.levels.get(&hop.id) {
            Some(known) if classes > 0 => {
                let edge = store.edge_above(known.value.saturating_sub(1), classes);
                edge.saturating_sub(store.floor)
            }
            _ => store.initial.saturating_sub(store.floor),
        }
    }

    /// Level class of a hop's store: as it was told, else as provisioned; `None` where no key is spent.
    pub fn class(&self, hop: &Hop, domain: &Domain, classes: u8) -> Option<u8> {
        let store = domain.stores.get(&hop.id)?;
        let told = self.levels.get(&hop.id).map(|known| known.value);
        let share = || u128::from(store.initial) * u128::from(classes) / u128::from(store.capacity.max(1));
        Some(told.unwrap_or_else(|| {
            if store.initial > store.floor {
                (1 + share()).min(u128::from(classes)) as u8
            } else {
                0
            }
        }))
    }

    /// What is known of the key on a hop.
    pub fn key(&self, hop: &Hop, domain: &Domain, classes: u8) -> KnownKey {
        let told = self.levels.get(&hop.id);
        KnownKey {
            usable_bits: self.usable_bits(hop, domain, classes),
            age: told.map(|known| self.since(known.origin)),
        }
    }

    /// When the last was heard of a hop's link and of whether its ends reach one another; the start where nothing was.
    pub fn told(&self, hop: &Hop) -> Time {
        let of_link = |known: &FxHashMap<LinkId, Known<bool>>| Some(known.get(&hop.link?)?.origin);
        let of_ends = |plane| Some(self.reachable.get(&(hop.id, plane))?.origin);
        let links = [&self.links, &self.unplanned].map(of_link);
        let ends = [Plane::KeyManagers, Plane::Controllers].map(of_ends);
        let all = links.into_iter().chain(ends).flatten();
        all.max().unwrap_or(Time::ZERO)
    }

    /// The fault that keeps a hop from being used.
    pub fn fault(&self, hop: &Hop) -> Option<FaultId> {
        let of_link = || self.links.get(&hop.link?).filter(|known| !known.value);
        self.apart(hop).or_else(of_link)?.fault
    }
}
