//! Keys for what providers share (Y.3818 7.1 and 7.2: "with encryption between QKDNs"; requirement S2): the encryptors of
//! Cxi and Mxi, and of Ck where asked for, are users of the QKDNs. They take KSA-keys over Ak as applications do, by P9 or
//! P12 across a border, so that what they spend is drawn from the pools hop by hop and accounted for to the bit.
//!
//! Assumptions: each way between two nodes has one encryptor at either end, for both directions, whose key is renewed at
//! equal distances; until the first key and where one fails to come, what was there before serves on (pre-shared keys,
//! computational). Inside one node or one interworking site nothing needs a key. The class is called "ksa-keys".

use std::collections::BTreeSet;
use std::sync::Arc;

use super::plan::{ApplicationPlan, Plan, Role, SessionPlan};
use super::wiring;
use crate::architecture::{Address, ReferencePoint};
use crate::ids::{NodeId, SessionId};
use crate::kernel::{Span, Time};
use crate::service::demand::Periodic;

/// Name of the class in which encryptors ask.
pub const CLASS: &str = "ksa-keys";

/// How the encryptors are keyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SharingPlan {
    /// Length of a key \[bits\].
    pub key_bits: u64,
    /// Time between two keys.
    pub period: Span,
    /// Whether Ck between different nodes is encrypted too.
    pub ck: bool,
}

impl Plan {
    /// Adds the encryptors' requests. The plan has their class.
    ///
    /// # Panics
    /// If it has not.
    pub fn share_by_ksa_keys(&mut self, sharing: SharingPlan) {
        let class = self.classes.iter().find(|(_, class)| class.name == CLASS);
        let class = class.expect("the class was added before policies and tariffs").0;
        let timeouts = self.sessions.values().map(|session| session.timeout);
        let timeout = timeouts.max().unwrap_or(sharing.period).min(sharing.period);
        for (point, ends) in self.encrypted_ways(sharing.ck) {
            let [a, b] = ends.map(|node| self.nodes[node].name.clone());
            let name = format!("{}:{a}:{b}", point.name());
            let [source, destination] = [(0, "source"), (1, "destination")].map(|(end, role)| {
                self.applications.push(ApplicationPlan {
                    name: format!("encryptor {name} {role}"),
                    node: ends[end],
                })
            });
            let session = self.sessions.push(SessionPlan {
                name,
                source,
                destination,
                arrivals: Arc::new(Periodic {
                    period: sharing.period,
                    phase: None,
                }),
                bits: sharing.key_bits,
                keys: 1,
                timeout,
                class,
                active: [Time::ZERO, self.end()],
                for_sharing: true,
                role: Role::Demand,
            });
            self.keep_from_users(session);
        }
        self.sharing = Some(sharing);
    }

    /// A session's keys are no user's: its provider's manager knows.
    pub(super) fn keep_from_users(&mut self, session: SessionId) {
        let source = self.applications[self.sessions[session].source].node;
        let manager = self.qkdns[self.nodes[source].qkdn].manager;
        let surroundings = Arc::make_mut(&mut self.manager_surroundings[manager]);
        surroundings.own_sessions.insert(session);
    }

    /// Between which nodes something passes that is to be encrypted, in a fixed order.
    fn encrypted_ways(&self, ck: bool) -> BTreeSet<(ReferencePoint, [NodeId; 2])> {
        let mut pairs = Vec::new();
        for controller in self.controller_surroundings.values() {
            let own = |node: &NodeId| controller.domain.controller_of.get(node) == Some(&controller.id);
            let me = Address::controller(controller.id);
            for border in controller.borders.iter().filter(|border| own(&border.hop.from)) {
                pairs.push((me, Address::controller(border.far_controller)));
            }
            for &km in controller.kms.iter().filter(|_| ck) {
                pairs.push((me, Address::kma(km)));
            }
        }
        for manager in self.manager_surroundings.values() {
            let me = Address::manager(manager.id);
            for border in &manager.borders {
                pairs.push((me, Address::manager(border.far_manager)));
            }
        }
        let ways = pairs.into_iter().filter_map(|(a, b)| {
            let point = wiring::reference_point(self, a, b)?;
            let prime = matches!(point, ReferencePoint::CxiPrime | ReferencePoint::MxiPrime);
            let mut ends = [a, b].map(|element| self.placement(element).node);
            ends.sort();
            (!prime && ends[0] != ends[1]).then_some((point, ends))
        });
        ways.collect()
    }
}
