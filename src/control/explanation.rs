//! Why a controller decided as it did: the ways that there were, what each costs, and what stood in the way.
//!
//! Worked out only where someone asks, by [`Outbox::explain`](crate::architecture::Outbox::explain), and by the same
//! routing algorithm that decides: with each hop of the chosen path forbidden in turn, it finds the second best, among
//! others; with every hop allowed, it finds what could have been taken if all worked.

use super::controller::Controller;
use super::knowledge::HopState;
use crate::architecture::Hop;
use crate::architecture::observation::Candidate;
use crate::architecture::surroundings::Border;
use crate::ids::{HopId, NodeId};

impl Controller {
    /// The ways from one KM to another: the chosen one first, then others by rising effort, each with the border hop.
    pub(super) fn candidates(
        &self,
        ([from, to], bits): ([NodeId; 2], u64),
        border: Option<HopId>,
        chosen: Option<&[HopId]>,
    ) -> Vec<Candidate> {
        let domain = &self.surroundings.domain;
        let mut paths: Vec<Vec<HopId>> = chosen.map(<[HopId]>::to_vec).into_iter().collect();
        let mut add = |path: Option<Vec<HopId>>| {
            if let Some(path) = path.filter(|path| !paths.contains(path)) {
                paths.push(path);
            }
        };
        for &avoided in chosen.unwrap_or_default() {
            let other = [HopState::Active, HopState::Passive]
                .into_iter()
                .find_map(|worst| {
                    let usable = |hop: &Hop| hop.id != avoided && self.knowledge.state(hop, domain) <= worst;
                    self.view(|view| view.path(from, to, bits, &usable))
                });
            add(other);
        }
        add(self.view(|view| view.path(from, to, bits, &|_| true)));
        let candidate = |(place, path): (usize, Vec<HopId>)| {
            let hops: Box<[HopId]> = path.into_iter().chain(border).collect();
            let whole: Vec<&Hop> = hops.iter().map(|&hop| self.hop(hop)).collect();
            let (cost, unit) = self.view(|view| view.cost(&whole));
            Candidate {
                cost,
                unit,
                chosen: place == 0 && chosen.is_some(),
                obstacle: self.obstacle(&hops),
                hops,
            }
        };
        paths.into_iter().enumerate().map(candidate).collect()
    }

    /// The borders that lead to a QKDN, in the order of the file; what they cost is the way there.
    pub(super) fn border_candidates<'a>(
        &'a self,
        from: NodeId,
        borders: impl Iterator<Item = &'a Border>,
        chosen: Option<&Border>,
    ) -> Vec<Candidate> {
        let candidate = |border: &Border| {
            let path = self.route(from, border.hop.from, 0);
            let reached = path.is_some();
            let hops: Box<[HopId]> = path.into_iter().flatten().chain([border.hop.id]).collect();
            Candidate {
                cost: hops.len() as f64,
                unit: "hops",
                chosen: chosen.is_some_and(|chosen| chosen.boundary == border.boundary),
                obstacle: if reached {
                    self.obstacle(&hops)
                } else {
                    Some((border.hop.id, "out of reach"))
                },
                hops,
            }
        };
        borders.map(candidate).collect()
    }

    /// The hop that is worst off, if it makes no key.
    fn obstacle(&self, hops: &[HopId]) -> Option<(HopId, &'static str)> {
        let (state, hop) = self.worst_of(hops);
        let state = match state {
            HopState::Active => return None,
            HopState::Passive => "PASSIVE",
            HopState::Off => "OFF",
        };
        hop.map(|hop| (hop, state))
    }
}
