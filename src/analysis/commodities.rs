//! All demands at once: the most that a network can serve (multi-commodity flow, a linear program).

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use std::collections::BTreeMap;

use super::capacity::UNLIMITED;
use super::routes::ends;
use crate::ids::{Id as _, NodeId};
use crate::network::plan::Plan;

/// Variables beyond which the program is not solved: it would take minutes.
const LARGEST: usize = 12_000;

/// Share by which the solver's sum may be too small, added to keep the bound a bound.
const TOLERANCE: f64 = 1e-6;

/// The most that all demands together can get, each at most what it asks for (`f64::INFINITY`: any amount), in the
/// unit of `capacity`; `None` where the program is too large or has no answer.
///
/// Demands of one source flow together, which changes nothing of the optimum.
pub fn most_served(plan: &Plan, capacity: &[u64], asked: &[f64]) -> Option<f64> {
    let pairs: Vec<[NodeId; 2]> = plan
        .sessions
        .values()
        .map(|session| ends(plan, session))
        .collect();
    let mut sources: Vec<NodeId> = pairs.iter().map(|pair| pair[0]).collect();
    sources.sort_unstable();
    sources.dedup();
    if sources.len() * plan.hops.len() + pairs.len() > LARGEST {
        return None;
    }
    let limited = capacity.iter().filter(|bits| **bits < UNLIMITED);
    // Numbers near 1 keep the solver's tolerances meaningful.
    let unit = limited.max().copied().unwrap_or(1).max(1) as f64;
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let mut over_hop: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); plan.hops.len()];
    let served: Vec<Variable> = asked
        .iter()
        .map(|asked| problem.add_var(1.0, (0.0, asked / unit)))
        .collect();
    for &source in &sources {
        let mut balance: BTreeMap<NodeId, Vec<(Variable, f64)>> = BTreeMap::new();
        for (id, hop) in plan.hops.iter() {
            if hop.to == source || capacity[id.index()] == 0 {
                continue;
            }
            let flow = problem.add_var(0.0, (0.0, f64::INFINITY));
            over_hop[id.index()].push((flow, 1.0));
            balance.entry(hop.to).or_default().push((flow, 1.0));
            if hop.from != source {
                balance.entry(hop.from).or_default().push((flow, -1.0));
            }
        }
        for (pair, served) in pairs.iter().zip(&served) {
            if pair[0] == source {
                balance.entry(pair[1]).or_default().push((*served, -1.0));
            }
        }
        for terms in balance.values() {
            problem.add_constraint(terms.as_slice(), ComparisonOp::Ge, 0.0);
        }
    }
    for (terms, bits) in over_hop.iter().zip(capacity) {
        if *bits < UNLIMITED && !terms.is_empty() {
            problem.add_constraint(terms.as_slice(), ComparisonOp::Le, *bits as f64 / unit);
        }
    }
    let solution = problem.solve().ok()?.into_solution().ok()?;
    Some(solution.objective() * unit * (1.0 + TOLERANCE))
}
