//! From the managers' books to results: usage, settlements, configuration.

use std::sync::Arc;

use super::plan::Plan;
use crate::architecture::tariff::Amount;
use crate::ids::{Arena, HopId, ManagerId, QkdnId};
use crate::management::accounting::LineState;
use crate::management::manager::Manager;
use crate::observe::accounting::{Accounting, Names, SettlementRecord};
use crate::observe::outcome::{ConfigurationRecord, Measured};

/// What the providers' books hold.
pub fn accounting(plan: &Plan, managers: &Arena<ManagerId, Manager>) -> Accounting {
    let names = Names {
        qkdns: plan.qkdns.values().map(|qkdn| qkdn.name.clone()).collect(),
        sessions: plan
            .sessions
            .values()
            .map(|session| session.name.clone())
            .collect(),
        applications: plan.applications.values().map(|one| one.name.clone()).collect(),
        classes: plan.classes.values().map(|class| class.name.clone()).collect(),
        tariffs: plan.qkdns.values().map(|qkdn| qkdn.tariff.clone()).collect(),
    };
    let mut usage = Vec::new();
    let mut settlements = Vec::new();
    for (provider, qkdn) in plan.qkdns.iter() {
        let ledger = managers[qkdn.manager].ledger();
        usage.push((provider, ledger.usage().to_vec()));
        for (&(session, _), account) in ledger.accounts() {
            let owed = if account.owes { account.partner } else { provider };
            let tariff = plan.qkdns[owed].tariff.as_deref();
            for state in LineState::ALL {
                let total = account.total(state);
                if total.requests == 0 {
                    continue;
                }
                settlements.push(SettlementRecord {
                    provider,
                    partner: account.partner,
                    session,
                    class: account.class,
                    owes: account.owes,
                    state: state.name(),
                    keys: total.keys,
                    bits: total.bits,
                    // What one side alone says was supplied, nobody owes.
                    amount: tariff
                        .filter(|_| state != LineState::OneSided)
                        .map(|tariff| account.worth(total, tariff)),
                });
            }
        }
    }
    Accounting {
        names: Arc::new(names),
        usage,
        settlements,
    }
}

/// What each provider with a tariff has settled with others: what they owe it, and what it owes them.
pub fn metrics(plan: &Plan, accounting: &Accounting) -> Vec<Measured> {
    let mut metrics = Vec::new();
    if plan.qkdns.values().all(|qkdn| qkdn.tariff.is_none()) {
        return metrics;
    }
    for (provider, qkdn) in plan.qkdns.iter() {
        for (name, owes) in [("settled_income", false), ("settled_expense", true)] {
            let settled = accounting.settlements.iter().filter(|record| {
                record.provider == provider
                    && record.owes == owes
                    && record.state == LineState::Settled.name()
            });
            let mut sum = Amount::default();
            for amount in settled.filter_map(|record| record.amount) {
                sum += amount;
            }
            let scope = format!("qkdn:{}", qkdn.name);
            metrics.push(Measured::new(name, &scope, Some(sum.0 as f64 / 1e12), Vec::new()));
        }
    }
    metrics
}

/// What managers know of KMs and routes.
pub fn configuration(plan: &Plan, managers: &Arena<ManagerId, Manager>) -> Vec<ConfigurationRecord> {
    let hop = |hop: &HopId| {
        let hop = &plan.hops[*hop];
        format!("{} → {}", plan.nodes[hop.from].name, plan.nodes[hop.to].name)
    };
    let mut records = Vec::new();
    for qkdn in plan.qkdns.values() {
        let known = managers[qkdn.manager].configuration();
        for (&node, capability) in known.capabilities() {
            let content = match (capability.relays, capability.crosses_border) {
                (true, true) => "relays, crosses the border",
                (true, false) => "relays",
                (false, true) => "crosses the border",
                (false, false) => "supplies only",
            };
            records.push(ConfigurationRecord {
                t_ns: 0,
                qkdn: qkdn.name.clone(),
                kind: "capability",
                subject: plan.nodes[node].name.clone(),
                epoch: None,
                content: content.to_owned(),
            });
        }
        for route in known.routes() {
            records.push(ConfigurationRecord {
                t_ns: route.at.0,
                qkdn: qkdn.name.clone(),
                kind: "route",
                subject: plan.sessions[route.session].name.clone(),
                epoch: Some(route.epoch),
                content: route.hops.iter().map(hop).collect::<Vec<String>>().join(", "),
            });
        }
    }
    records
}

/// A supply that a provider counts as settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SettledSupply {
    /// Whether the provider that says so owes for it.
    pub owes: bool,
    /// The provider that owes, and the one that is owed.
    pub between: [QkdnId; 2],
    /// Which request.
    pub request: crate::architecture::RequestId,
    /// Amount \[bits\].
    pub bits: u64,
}

/// All supplies that providers count as settled.
pub fn settled(plan: &Plan, managers: &Arena<ManagerId, Manager>) -> Vec<SettledSupply> {
    let mut settled = Vec::new();
    for (provider, qkdn) in plan.qkdns.iter() {
        for (&(session, partner), account) in managers[qkdn.manager].ledger().accounts() {
            settled.extend(account.settled().map(|line| SettledSupply {
                owes: account.owes,
                between: if account.owes {
                    [provider, partner]
                } else {
                    [partner, provider]
                },
                request: crate::architecture::RequestId {
                    session,
                    number: line.number,
                },
                bits: line.bits,
            }));
        }
    }
    settled
}
