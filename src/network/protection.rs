//! Legs and pools in a plan: sessions of their own, beside the demands that they carry keys for.
//!
//! A leg is called after its demand, "DEMAND/leg1" …, what fills a pool after the pool, "POOL/refill"; these are also the
//! labels of the streams that their keys come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{ApplicationPlan, Plan, PoolPlan, Role, SessionPlan};
use super::world::procedure_between;
use crate::architecture::protection::{Combiner, Draws, Leg, Legs, PoolSettings, Protections};
use crate::ids::{ClassId, NodeId, PoolId, SessionId};
use crate::kernel::Span;
use crate::service::demand::Periodic;

/// What a pool is provisioned for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolAmounts {
    /// Below this level it is refilled \[bits\].
    pub low: u64,
    /// It never holds more than this \[bits\].
    pub high: u64,
    /// What one relay brings \[bits\].
    pub refill: u64,
    /// When a refill that has not come has failed.
    pub timeout: Span,
    /// How long after a failure the next one is tried.
    pub retry: Span,
    /// QoS class of the refills.
    pub class: ClassId,
}

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
                is_backed: false,
            };
            protections.places.insert(session, leg);
        }
        let legs = Legs { combiner, sessions };
        protections.legs.insert(whole, Arc::new(legs));
    }

    /// Adds an empty pool that the first KM fills towards the second.
    pub fn add_pool(&mut self, name: &str, ends: [NodeId; 2], amounts: &PoolAmounts) -> PoolId {
        let id = self.pools.next_id();
        let roles = [(ends[0], "source"), (ends[1], "destination")];
        let ends_of = roles.map(|(node, role)| {
            let name = format!("pool {name} {role}");
            self.applications.push(ApplicationPlan { name, node })
        });
        let until = self.end();
        let session = self.sessions.push(SessionPlan {
            name: format!("{name}/refill"),
            source: ends_of[0],
            destination: ends_of[1],
            arrivals: Arc::new(Periodic {
                period: amounts.retry,
                phase: None,
            }),
            bits: amounts.refill,
            keys: 1,
            timeout: amounts.timeout,
            class: amounts.class,
            active: [until, until],
            for_sharing: false,
            role: Role::Refill(id),
        });
        self.keep_from_users(session);
        let settings = Arc::new(PoolSettings {
            id,
            session,
            ends: ends_of,
            far: ends[1],
            far_qkdn: self.nodes[ends[1]].qkdn,
            low: amounts.low,
            high: amounts.high,
            refill: amounts.refill,
            timeout: amounts.timeout,
            retry: amounts.retry,
            class: amounts.class,
            procedure: procedure_between(self, ends[0], ends[1]),
            until,
        });
        let protections = self.protections_mut(ends[0]);
        protections.pools.insert(id, Arc::clone(&settings));
        protections.fills.insert(session, id);
        self.pools.push(PoolPlan {
            name: name.to_owned(),
            settings,
        })
    }

    /// Serves a demand's requests from a pool between the same KMs. Where that is when its route fails, the pool is filled
    /// over other nodes.
    pub fn draw_from(&mut self, demand: SessionId, pool: PoolId, draws: Draws, strict: bool) {
        let refills = self.pools[pool].settings.session;
        let source = self.applications[self.sessions[demand].source].node;
        let protections = self.protections_mut(source);
        protections.draws.insert(demand, (pool, draws));
        if draws == Draws::WhenFailed {
            let leg = |place, is_backed| Leg {
                group: refills,
                place,
                of: 2,
                strict,
                is_backed,
            };
            protections.places.insert(demand, leg(0, true));
            protections.places.insert(refills, leg(1, false));
        }
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
            Role::Demand | Role::Refill(_) => None,
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
