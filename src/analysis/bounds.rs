//! What theory says of a plan: how much it can serve, how soon, how often, and who sees the keys.
//!
//! **Hard** bounds hold for every run: no simulation serves more or sooner. **Steady** values are those of the long
//! run, without initial stores and without waiting for blocks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::availability::{Failures, Parts, by_faults};
use super::capacity::{UNLIMITED, counting_time, in_run, max_flow, min_cut, per_second};
use super::commodities::most_served;
use super::routes::{ends, hop_name, inner_nodes, route, trusted_node};
use crate::ids::{HopId, Id as _, NodeId, QkdnId, SessionId};
use crate::kernel::Span;
use crate::network::plan::Plan;

/// All that is said of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// Between the networks, one row per direction in which something is asked.
    pub networks: Vec<NetworkBound>,
    /// One row per demand.
    pub demands: Vec<DemandBound>,
    /// All demands together.
    pub all: AllDemands,
    /// The hop that is asked for most of what it makes; null if no demand's route spends key.
    pub busiest: Option<Busiest>,
    /// Nodes that hold keys of others in clear, the most exposed first.
    pub exposure: Vec<Exposure>,
}

/// The hop of all demands' routes with the highest load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Busiest {
    /// Where it begins and ends.
    pub hop: String,
    /// Key that the demands on whose route it lies ask for on average, over the key that it makes.
    pub load: f64,
}

/// Capacity from one QKDN to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkBound {
    /// Where keys are asked for.
    pub from: String,
    /// Where the peers are.
    pub to: String,
    /// What is asked for on average \[bit/s\].
    pub asked_bps: f64,
    /// Max-flow in the long run \[bit/s\].
    pub steady_bps: f64,
    /// Hard: no run delivers more per counting time \[bit/s\].
    pub hard_bps: f64,
    /// A minimum cut of the long run.
    pub cut: Vec<String>,
}

/// What a demand can get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemandBound {
    /// The demand.
    pub demand: String,
    /// What it asks for on average \[bit/s\].
    pub asked_bps: f64,
    /// Hops of its route in the undisturbed network; null if it has none.
    pub hops: Option<usize>,
    /// The hop of its route that makes least key.
    pub bottleneck: Option<String>,
    /// What that hop makes \[bit/s\]; null if the route spends nothing.
    pub bottleneck_bps: Option<f64>,
    /// Max-flow over all routes in the long run, for this demand alone \[bit/s\].
    pub max_flow_bps: f64,
    /// Hard: no run delivers more per counting time \[bit/s\].
    pub hard_bps: f64,
    /// Relay latency in the idle network, over its route: from the first key relay message to the destination's KM,
    /// propagation and one processing time per hop \[s\]. First and later requests alike.
    pub relay_latency_s: Option<f64>,
    /// Hard: no key is at both applications sooner after its request \[s\]. Included are the relay over the least
    /// delay, the completion, and notice and response of the KSAs; not the reservation, which comes on top.
    pub kkrd_at_least_s: Option<f64>,
    /// Availability from ducts and nodes, its own ends not counted: not below, not above.
    pub availability: [f64; 2],
    /// Nodes that hold its keys in clear, its own ends not counted.
    pub relays_in_clear: usize,
}

/// All demands together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AllDemands {
    /// What they ask for on average \[bit/s\].
    pub asked_bps: f64,
    /// The most of it that can be served in the long run (multi-commodity flow) \[bit/s\]; null if the linear
    /// program is too large.
    pub steady_bps: Option<f64>,
    /// Hard: no run delivers more per counting time \[bit/s\].
    pub hard_bps: f64,
}

/// What a node could betray.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exposure {
    /// The node.
    pub node: String,
    /// Demands of others whose keys it holds in clear.
    pub demands: usize,
    /// Their share of all that is asked for.
    pub share: f64,
}

/// Hard bounds of all demands together, to be held against a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hard {
    /// No run has a higher `throughput_bps` \[bit/s\].
    pub throughput_bps: f64,
    /// No request has a shorter `kkrd_s` \[s\].
    pub kkrd_s: Option<f64>,
}

/// What theory says of a run: hard bounds, and what is to be expected in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// What no run is beyond.
    #[serde(flatten)]
    pub hard: Hard,
    /// Not hard: `availability` in the long run, stores apart, by the scenario's random faults; between these two.
    pub availability: Option<[f64; 2]>,
}

/// What theory says of a run of a plan.
pub fn expected(plan: &Plan) -> Expected {
    Expected {
        hard: hard(plan),
        availability: by_faults(plan).map(|found| [found.low, found.high]),
    }
}

/// Hard bounds of all demands together.
pub fn hard(plan: &Plan) -> Hard {
    let plan = &*plan.without_legs();
    let bits = in_run(plan);
    let alone: f64 = plan
        .sessions
        .ids()
        .map(|session| demand_flow(plan, &bits, session) as f64)
        .sum();
    let together = most_served(plan, &bits, &vec![f64::INFINITY; plan.sessions.len()]);
    let seconds = counting_time(plan).as_seconds();
    let kkrd = plan
        .sessions
        .ids()
        .filter_map(|session| least_delay(plan, session))
        .min();
    Hard {
        throughput_bps: together.map_or(alone, |together| together.min(alone)) / seconds,
        kkrd_s: kkrd.map(Span::as_seconds),
    }
}

/// All that is said of a plan, with that many failures.
pub fn bounds(plan: &Plan, failures: &Failures) -> Bounds {
    let plan = &*plan.without_legs();
    let (bits, rates) = (in_run(plan), per_second(plan));
    let parts = Parts::new(plan, failures);
    let seconds = counting_time(plan).as_seconds();
    let asked: Vec<f64> = plan
        .sessions
        .ids()
        .map(|session| asked_bps(plan, session))
        .collect();
    let demands = plan.sessions.iter().map(|(id, session)| {
        let way = route(plan, id);
        let slowest = way.as_ref().and_then(|way| {
            let spending = way.iter().filter(|hop| plan.hops[**hop].store().is_some());
            spending
                .min_by(|a, b| plan.hops[**a].rate_bps.total_cmp(&plan.hops[**b].rate_bps))
                .copied()
        });
        let availability = parts.of_demand(plan, id);
        DemandBound {
            demand: session.name.clone(),
            asked_bps: asked[id.index()],
            hops: way.as_ref().map(Vec::len),
            bottleneck: slowest.map(|hop| hop_name(plan, hop)),
            bottleneck_bps: slowest.map(|hop| plan.hops[hop].rate_bps),
            max_flow_bps: demand_flow(plan, &rates, id) as f64 / 1e3,
            hard_bps: demand_flow(plan, &bits, id) as f64 / seconds,
            relay_latency_s: way
                .as_ref()
                .and_then(|way| relay_latency(plan, way))
                .map(Span::as_seconds),
            kkrd_at_least_s: least_delay(plan, id).map(Span::as_seconds),
            availability: [availability.low, availability.high],
            relays_in_clear: way.map_or(0, |way| inner_nodes(plan, &way).len()),
        }
    });
    let steady: Vec<f64> = asked.iter().map(|bps| bps * 1e3).collect();
    Bounds {
        networks: between_networks(plan),
        demands: demands.collect(),
        all: AllDemands {
            asked_bps: asked.iter().sum(),
            steady_bps: most_served(plan, &rates, &steady).map(|served| served / 1e3),
            hard_bps: hard(plan).throughput_bps,
        },
        busiest: busiest(plan),
        exposure: exposure(plan, &asked),
    }
}

/// The hop with the highest load, all demands over their routes in the undisturbed network.
pub fn busiest(plan: &Plan) -> Option<Busiest> {
    let mut asked = vec![0.0; plan.hops.len()];
    for session in plan.sessions.ids() {
        for hop in route(plan, session).unwrap_or_default() {
            asked[hop.index()] += asked_bps(plan, session);
        }
    }
    let spending = plan.hops.iter().filter(|(_, hop)| hop.store().is_some());
    let loads = spending.filter_map(|(id, hop)| {
        let bps = asked[id.index()];
        (bps > 0.0 && hop.rate_bps > 0.0).then(|| (hop, bps / hop.rate_bps))
    });
    // Of equals the first of the file.
    let most = loads.reduce(|most, other| if other.1 > most.1 { other } else { most });
    most.map(|(hop, load)| Busiest {
        hop: format!("{} → {}", plan.nodes[hop.from].name, plan.nodes[hop.to].name),
        load,
    })
}

/// Mean key rate that a demand asks for \[bit/s\].
pub fn asked_bps(plan: &Plan, session: SessionId) -> f64 {
    let session = &plan.sessions[session];
    session.bits as f64 * session.arrivals.mean_rate()
}

fn demand_flow(plan: &Plan, capacity: &[u64], session: SessionId) -> u64 {
    let [from, to] = ends(plan, &plan.sessions[session]);
    max_flow(plan, capacity, &[from], &[to], UNLIMITED).value
}

/// What gets from one QKDN to another, for each direction in which something is asked.
pub fn between_networks(plan: &Plan) -> Vec<NetworkBound> {
    let (bits, rates) = (&in_run(plan), &per_second(plan));
    let qkdn = |node: NodeId| plan.nodes[node].qkdn;
    let pairs: Vec<[NodeId; 2]> = plan
        .sessions
        .values()
        .map(|session| ends(plan, session))
        .collect();
    let mut directions: Vec<[QkdnId; 2]> = pairs.iter().map(|pair| pair.map(qkdn)).collect();
    directions.retain(|[from, to]| from != to);
    directions.sort_unstable();
    directions.dedup();
    let seconds = counting_time(plan).as_seconds();
    let row = |[from, to]: [QkdnId; 2]| {
        let between = pairs.iter().filter(|pair| pair.map(qkdn) == [from, to]);
        let side = |end: usize| {
            let mut nodes: Vec<NodeId> = between.clone().map(|pair| pair[end]).collect();
            nodes.sort_unstable();
            nodes.dedup();
            nodes
        };
        let (sources, sinks) = (side(0), side(1));
        let steady = max_flow(plan, rates, &sources, &sinks, UNLIMITED);
        let cut = min_cut(plan, rates, &sources, &steady);
        let asked = plan
            .sessions
            .iter()
            .filter(|(_, session)| ends(plan, session).map(qkdn) == [from, to]);
        NetworkBound {
            asked_bps: asked.map(|(id, _)| asked_bps(plan, id)).sum(),
            from: plan.qkdns[from].name.clone(),
            to: plan.qkdns[to].name.clone(),
            steady_bps: steady.value as f64 / 1e3,
            hard_bps: max_flow(plan, bits, &sources, &sinks, UNLIMITED).value as f64 / seconds,
            cut: cut.into_iter().map(|hop| hop_name(plan, hop)).collect(),
        }
    };
    directions.into_iter().map(row).collect()
}

/// Closed form 9: Σ (dᵢ · 5 ns/m + t_proc) over the hops of a route.
pub fn relay_latency(plan: &Plan, way: &[HopId]) -> Option<Span> {
    let mut total = Span::ZERO;
    for hop in way {
        let hop = &plan.hops[*hop];
        total = total + plan.data_network.delay(hop.from, hop.to)? + plan.processing.key_manager;
    }
    Some(total)
}

/// Four times the way between the ends, each with one processing at least: relay, completion, notice, response. What is
/// served from a pool was relayed before: notice and response.
fn least_delay(plan: &Plan, session: SessionId) -> Option<Span> {
    let [from, to] = ends(plan, &plan.sessions[session]);
    let way = plan.data_network.delay(from, to)? + plan.processing.key_manager;
    let draws = plan.km_surroundings[from]
        .protections
        .draws
        .contains_key(&session);
    Some(if draws { way + way } else { way + way + way + way })
}

fn exposure(plan: &Plan, asked: &[f64]) -> Vec<Exposure> {
    let total: f64 = asked.iter().sum();
    let mut held: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for session in plan.sessions.ids() {
        for node in inner_nodes(plan, &route(plan, session).unwrap_or_default()) {
            let (demands, bps) = held.entry(node).or_default();
            *demands += 1;
            *bps += asked[session.index()];
        }
    }
    let mut rows: Vec<Exposure> = (plan.nodes.ids())
        .filter_map(|node| {
            let name = trusted_node(plan, node);
            let (demands, bps) = held.remove(name)?;
            Some(Exposure {
                node: name.to_owned(),
                demands,
                share: bps / total,
            })
        })
        .collect();
    // Rows of one share stay in the order of the file.
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    rows
}
