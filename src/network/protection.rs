//! Legs in a plan: sessions of their own, beside the demand that they carry keys for.
//!
//! A leg is called after its demand, "DEMAND/leg1" …; that is also the label of the streams that its keys come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{Plan, Role, SessionPlan};
use crate::architecture::protection::{Combiner, Leg, Legs, Protections};
use crate::ids::{NodeId, SessionId};

impl Plan {
    /// Gives a demand so many legs. Its key is what the combiner makes of theirs.
    pub fn add_legs(&mut self, whole: SessionId, combiner: Combiner, of: u8, strict: bool) {
        let demand = self.sessions[whole].clone();
        let sessions: Box<[SessionId]> = (0..of)
            .map(|place| {
                self.sessions.push(SessionPlan {
                    name: format!("{}/leg{}", demand.name, place + 1),
                    role: Role::Leg(whole),
                    ..demand.clone()
                })
            })
            .collect();
        let source = self.applications[demand.source].node;
        let protections = self.protections_mut(source);
        for (place, &session) in (0..).zip(&sessions) {
            protections.whole.insert(session, whole);
            let leg = Leg {
                group: whole,
                place,
                of,
                strict,
            };
            protections.places.insert(session, leg);
        }
        let legs = Legs { combiner, sessions };
        protections.legs.insert(whole, Arc::new(legs));
    }

    fn protections_mut(&mut self, node: NodeId) -> &mut Protections {
        let km = Arc::make_mut(&mut self.km_surroundings[node]);
        Arc::make_mut(&mut km.protections)
    }

    /// The legs of a demand, if it has any.
    pub fn legs_of(&self, whole: SessionId) -> Option<&Legs> {
        let source = self.applications[self.sessions[whole].source].node;
        let legs = self.km_surroundings[source].protections.legs.get(&whole);
        legs.map(|legs| &**legs)
    }

    /// The demand that a session is a leg of.
    pub fn whole_of(&self, session: SessionId) -> Option<SessionId> {
        match self.sessions[session].role {
            Role::Leg(whole) => Some(whole),
            Role::Demand => None,
        }
    }

    /// Demands with legs, and how their keys are put together, by leg.
    pub fn legs(&self) -> BTreeMap<SessionId, (SessionId, Combiner)> {
        let of = |session| {
            let whole = self.whole_of(session)?;
            Some((session, (whole, self.legs_of(whole)?.combiner)))
        };
        self.sessions.ids().filter_map(of).collect()
    }
}
