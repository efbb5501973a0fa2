//! Legs and pools: sessions that stand behind all demands.

use std::collections::BTreeMap;

use crate::architecture::protection::{Combiner, Draws};
use crate::ids::{ClassId, NodeId, PoolId, SessionId};
use crate::kernel::Span;
use crate::network::plan::Plan;
use crate::network::protection::PoolAmounts;
use crate::scenario::document::{Document, Protection, WhenEmpty};

/// Gives demands their legs and pools.
pub(super) fn protect(document: &Document, plan: &mut Plan) {
    let mut pools: BTreeMap<&str, (PoolId, WhenEmpty)> = BTreeMap::new();
    for pool in &document.pools {
        let ends = [0, 1].map(|end| {
            let name = pool.between[end].to_string();
            let node = plan.nodes.iter().find(|(_, node)| node.name == name);
            node.expect("a checked name").0
        });
        let amounts = PoolAmounts {
            low: pool.low.0,
            high: pool.high.0,
            refill: pool.refill.0,
            timeout: pool.timeout,
            retry: pool.retry,
            class: class(plan, &pool.class),
        };
        let id = plan.add_pool(pool.id.as_str(), ends, &amounts);
        pools.insert(pool.id.as_str(), (id, pool.when_empty));
    }
    let demands: Vec<SessionId> = plan.sessions.ids().take(document.demands.len()).collect();
    for (session, demand) in demands.into_iter().zip(&document.demands) {
        if let Some(&(pool, when_empty)) = demand.pool.as_deref().and_then(|name| pools.get(name)) {
            let waits = when_empty == WhenEmpty::Wait;
            plan.draw_from(session, pool, Draws::Always { waits }, false);
        }
        match &demand.protection {
            Protection::None(_) => {}
            Protection::OnePlusOne(both) => plan.add_legs(session, Combiner::First, 2, both.strict),
            Protection::MultipathXor(shares) => {
                plan.add_legs(session, Combiner::Xor, shares.legs as u8, shares.strict);
            }
            Protection::OneToOne(ahead) => {
                let amounts = PoolAmounts {
                    low: ahead.keys.0.saturating_sub(ahead.refill.0) + 1,
                    high: ahead.keys.0,
                    refill: ahead.refill.0,
                    timeout: Span::from_seconds(10),
                    retry: Span::from_seconds(1),
                    class: plan.sessions[session].class,
                };
                let demand = &plan.sessions[session];
                let ends: [NodeId; 2] =
                    [demand.source, demand.destination].map(|end| plan.applications[end].node);
                let name = format!("{}/ahead", demand.name);
                let pool = plan.add_pool(&name, ends, &amounts);
                plan.draw_from(session, pool, Draws::WhenFailed, ahead.strict);
            }
            Protection::OneToN(shared) => {
                let (pool, _) = pools[shared.pool.as_str()];
                plan.draw_from(session, pool, Draws::WhenFailed, shared.strict);
            }
        }
    }
}

fn class(plan: &Plan, name: &str) -> ClassId {
    let found = plan.classes.iter().find(|(_, class)| class.name == name);
    found.expect("the classes of pools were added").0
}
