//! What a controller knows: the provisioned topology and status at time 0, and what was pushed since, with the time of
//! its origin. It may be stale; nobody reads a store from afar.

use rustc_hash::FxHashMap;

pub use crate::architecture::hop::HopState;

use crate::architecture::Hop;
use crate::architecture::message::{Plane, StatusChange};
use crate::architecture::surroundings::Domain;
use crate::ids::{FaultId, HopId, LinkId};
use crate::kernel::Time;

#[derive(Clone, Copy, Debug)]
struct Known<T> {
    value: T,
    origin: Time,
    fault: Option<FaultId>,
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
    on_depletion: bool,
}

impl Knowledge {
    /// What is provisioned, and nothing else. `on_depletion`: a store below its floor counts as a failure of its hop.
    pub fn new(on_depletion: bool) -> Knowledge {
        Knowledge {
            on_depletion,
            ..Knowledge::default()
        }
    }

    /// Takes in a report; `false` if as much was known already.
    pub fn learn(&mut self, change: StatusChange, origin: Time, fault: Option<FaultId>) -> bool {
        fn newer<K: std::hash::Hash + Eq, T: Ord>(
            known: &mut FxHashMap<K, Known<T>>,
            key: K,
            value: Known<T>,
        ) -> bool {
            // Of two reports of the same instant the worse one holds, in whatever order they come.
            let news = known.get(&key).is_none_or(|before| {
                before.origin < value.origin || (before.origin == value.origin && value.value < before.value)
            });
            if news {
                known.insert(key, value);
            }
            news
        }
        match change {
            StatusChange::Link { link, generating } => newer(
                &mut self.links,
                link,
                Known {
                    value: generating,
                    origin,
                    fault,
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
                },
            ),
            StatusChange::Maintenance { link, planned } => newer(
                &mut self.unplanned,
                link,
                Known {
                    value: !planned,
                    origin,
                    fault,
                },
            ),
            StatusChange::Level { hop, class } => newer(
                &mut self.levels,
                hop,
                Known {
                    value: class,
                    origin,
                    fault,
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

    /// Whether the controllers at the two ends of a hop reach one another.
    pub fn controllers_reach(&self, hop: &Hop) -> bool {
        let known = self.reachable.get(&(hop.id, Plane::Controllers));
        known.is_none_or(|known| known.value)
    }

    /// Whether a link is in an announced window of maintenance.
    pub fn is_maintained(&self, link: LinkId) -> bool {
        self.unplanned.get(&link).is_some_and(|known| !known.value)
    }

    /// The state of a hop. One whose ends do not reach one another is OFF, and so is one under maintenance.
    pub fn state(&self, hop: &Hop, domain: &Domain) -> HopState {
        if self.apart(hop).is_some() || hop.link.is_some_and(|link| self.is_maintained(link)) {
            return HopState::Off;
        }
        if self.generating(hop) {
            let known = self.levels.get(&hop.id).filter(|_| self.on_depletion);
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

    /// Key that is surely usable on a hop, as far as is known \[bits\]: the lower edge of its class.
    pub fn usable_bits(&self, hop: &Hop, domain: &Domain, classes: u8) -> u64 {
        let Some(store) = domain.stores.get(&hop.id) else {
            return u64::MAX;
        };
        match self.levels.get(&hop.id) {
            Some(known) if classes > 0 => {
                let edge = store.capacity / u64::from(classes) * u64::from(known.value.saturating_sub(1));
                edge.saturating_sub(store.floor)
            }
            _ => store.initial.saturating_sub(store.floor),
        }
    }

    /// The fault that keeps a hop from being used.
    pub fn fault(&self, hop: &Hop) -> Option<FaultId> {
        let of_link = || self.links.get(&hop.link?).filter(|known| !known.value);
        self.apart(hop).or_else(of_link)?.fault
    }
}
