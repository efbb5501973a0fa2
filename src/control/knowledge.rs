//! What a controller knows: the provisioned topology and status at time 0, and what was pushed since, with the time of
//! its origin. It may be stale; nobody reads a store from afar.

use rustc_hash::FxHashMap;

pub use crate::architecture::hop::HopState;

use crate::architecture::Hop;
use crate::architecture::message::StatusChange;
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
}

impl Knowledge {
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

    fn generating(&self, hop: &Hop) -> bool {
        hop.link
            .is_none_or(|link| self.links.get(&link).is_none_or(|known| known.value))
    }

    /// The state of a hop.
    pub fn state(&self, hop: &Hop, domain: &Domain) -> HopState {
        if self.generating(hop) {
            return HopState::Active;
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

    /// The fault that took a hop's link down.
    pub fn fault(&self, hop: &Hop) -> Option<FaultId> {
        self.links.get(&hop.link?)?.fault
    }
}
