//! What controllers of one QKDN tell each other over Cx: changes of status, as far as they can change what one of them
//! decides.
//!
//! Links, who is reachable and maintenance are told always. So are store levels, where routing or the sufficiency of a key
//! transfer (P12 step 4) weighs them. Elsewhere only the state of a hop counts, and a level makes a difference to that where
//! it leaves the lowest class or falls to it while the link makes no key, or while an empty store is a failure: only that is
//! told; what was not told while the link made key is told when it stops. The controller that serves the sending KM decides;
//! the others pass on what is news to them.
//!
//! Assumption: the standard does not say which changes controllers share. Every KM reports all its classes to its own
//! controller (Ck).

use std::collections::BTreeMap;

use super::controller::Controller;
use crate::architecture::message::{ControlMessage, HopReport, StatusChange};
use crate::architecture::{Address, ElementKind, Hop, Label, Outbox, Procedure, Step};
use crate::ids::{FaultId, HopId, LinkId};
use crate::kernel::Time;

/// What was told of the levels of those hops that a controller serves.
#[derive(Clone, Debug, Default)]
pub struct Flooding {
    /// Whether amounts are weighed in this QKDN, so that every class is told.
    pub(super) amounts: bool,
    /// Whether a hop was last told to have key left.
    told: BTreeMap<HopId, bool>,
    /// Levels that are not told while the link makes key.
    untold: BTreeMap<HopId, (u8, Time)>,
}

impl Controller {
    /// Whether levels above the lowest class are of use to other controllers of this QKDN.
    pub(super) fn weighs_amounts(&self) -> bool {
        let mut borders = self.surroundings.borders.iter();
        self.routing.weighs_key() || borders.any(|border| border.procedure() == Procedure::P12)
    }

    /// Whether this controller hears how much key a hop has: its own KMs tell it, others only where amounts are weighed.
    pub(super) fn hears_amounts_of(&self, hop: &Hop) -> bool {
        let serving = self.surroundings.domain.controller_of.get(&hop.from);
        self.flooding.amounts || serving == Some(&self.me())
    }

    /// News is told to the neighbouring controllers of the QKDN, but to the one that it comes from.
    pub(super) fn flood(
        &mut self,
        change: StatusChange,
        origin: Time,
        fault: Option<FaultId>,
        from: Address,
        out: &mut Outbox,
    ) {
        if self.surroundings.flooding_peers.is_empty()
            || !self.floods(change)
            || self.keeps_to_itself(change, origin, from)
        {
            return;
        }
        self.tell_others(change, origin, fault, Some(from), out);
        if let StatusChange::Link {
            link,
            generating: false,
        } = change
        {
            self.tell_levels(link, out);
        }
    }

    /// Whether a KM's report of its level is of no use to others, at least for now.
    fn keeps_to_itself(&mut self, change: StatusChange, origin: Time, from: Address) -> bool {
        let StatusChange::Level { hop, class } = change else {
            return false;
        };
        let surroundings = &self.surroundings;
        let domain = &surroundings.domain;
        let serves = domain.controller_of.get(&domain.hops[&hop].from) == Some(&surroundings.id);
        if self.flooding.amounts || !serves {
            return false;
        }
        let left = class > 0;
        let provisioned = || {
            domain
                .stores
                .get(&hop)
                .is_some_and(|store| store.initial > store.floor)
        };
        let told = self.flooding.told.get(&hop).copied().unwrap_or_else(provisioned);
        self.flooding.untold.remove(&hop);
        if from.kind() == ElementKind::Kma {
            if told == left {
                return true;
            }
            if self.knowledge.generating(self.hop(hop)) && !surroundings.parameters.recovery.leaves_depleted {
                self.flooding.untold.insert(hop, (class, origin));
                return true;
            }
        }
        self.flooding.told.insert(hop, left);
        false
    }

    /// The levels of the hops that this controller serves are told with all else that it knows of them.
    pub(super) fn tells_all(&mut self, reports: &[HopReport]) {
        let levels = reports
            .iter()
            .filter_map(|report| Some((report.hop, report.class? > 0)));
        self.flooding.told.extend(levels);
        self.flooding.untold.clear();
    }

    /// A link makes no key any more: now it matters whether the stores over it have some left.
    fn tell_levels(&mut self, link: LinkId, out: &mut Outbox) {
        let of_link = |hop: &Hop| hop.link == Some(link);
        let untold = self.flooding.untold.iter();
        let untold: Vec<(HopId, (u8, Time))> = untold
            .filter(|(hop, _)| of_link(self.hop(**hop)))
            .map(|(&hop, &level)| (hop, level))
            .collect();
        for (hop, (class, origin)) in untold {
            self.flooding.untold.remove(&hop);
            self.flooding.told.insert(hop, class > 0);
            self.tell_others(StatusChange::Level { hop, class }, origin, None, None, out);
        }
    }

    fn tell_others(
        &self,
        change: StatusChange,
        origin: Time,
        fault: Option<FaultId>,
        from: Option<Address>,
        out: &mut Outbox,
    ) {
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        for &peer in &self.surroundings.flooding_peers {
            let to = Address::controller(peer);
            if Some(to) != from {
                let message = ControlMessage::Status {
                    change,
                    origin,
                    fault,
                };
                out.send(to, label, message);
            }
        }
    }
}
