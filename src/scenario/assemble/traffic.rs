//! Who asks for how much: the file's demands, or one each way between neighbouring QKDNs.

use serde_json::{Value, json};

use super::Settings;
use super::layout::Layout;
use super::partition::{Parts, hops_from};
use crate::analysis::routes::route;
use crate::ids::HopId;
use crate::scenario::compile::compile;
use crate::scenario::document::Document;
use crate::scenario::topology::{Asked, Topology};

/// A demand of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Demand {
    between: [String; 2],
    value: f64,
}

/// Length of a key \[bit\]. Assumption: 16 keys of AES-256 at once.
const KEY_BITS: f64 = 4_096.0;

/// The demands that the scenario can have: those inside one QKDN and between neighbours.
pub(super) fn asked(
    topology: &Topology,
    parts: &Parts,
    layout: &Layout,
    notes: &mut Vec<String>,
) -> Vec<Demand> {
    let own = |asked: &Asked| Demand {
        between: asked.ends.map(|end| {
            let site = &topology.sites[end];
            format!("{}/{}", parts.names[parts.of_site[end]], site.id)
        }),
        value: asked.value,
    };
    if topology.demands.is_empty() {
        return between_neighbours(topology, parts, layout)
            .iter()
            .map(own)
            .collect();
    }
    let served = |asked: &&Asked| {
        let [a, b] = asked.ends.map(|end| parts.of_site[end]);
        a == b
            || layout
                .joined
                .iter()
                .any(|pair| *pair == [a, b] || *pair == [b, a])
    };
    let demands: Vec<Demand> = topology.demands.iter().filter(served).map(own).collect();
    let dropped = topology.demands.len() - demands.len();
    if dropped > 0 {
        notes.push(format!(
            "{dropped} demands between QKDNs that are no neighbours were left out"
        ));
    }
    demands
}

/// One demand each way between neighbours, from the site farthest from the border to the other side's.
fn between_neighbours(topology: &Topology, parts: &Parts, layout: &Layout) -> Vec<Asked> {
    let mut demands = Vec::new();
    let mut seen = Vec::new();
    for (pair, sites) in layout.joined.iter().zip(&layout.border_sites) {
        let [a, b] = *pair;
        if seen.contains(&[a.min(b), a.max(b)]) {
            continue;
        }
        seen.push([a.min(b), a.max(b)]);
        let ends = [0, 1].map(|side| {
            let inside = |site: usize| parts.of_site[site] == pair[side];
            let hops = hops_from(topology, sites[side], &inside);
            let of_part = hops
                .iter()
                .enumerate()
                .filter_map(|(site, hops)| Some(((*hops)?, site)));
            of_part
                .max_by_key(|(hops, site)| (*hops, std::cmp::Reverse(*site)))
                .map_or(sites[side], |(_, site)| site)
        });
        for ends in [ends, [ends[1], ends[0]]] {
            demands.push(Asked { ends, value: 1.0 });
        }
    }
    if demands.is_empty() {
        // One QKDN alone: from its first site to the one farthest from it.
        let hops = hops_from(topology, 0, &|_| true);
        let far = (0..hops.len()).max_by_key(|site| (hops[*site], std::cmp::Reverse(*site)));
        let far = far.unwrap_or(0);
        demands.extend([[0, far], [far, 0]].map(|ends| Asked { ends, value: 1.0 }));
    }
    demands
}

/// Key rate of every demand \[bit/s\].
pub(super) fn rates(asked: &[Demand], draft: &Document, settings: &Settings) -> Vec<f64> {
    if let Some(unit) = settings.demand_unit {
        return asked.iter().map(|demand| demand.value * unit.0 as f64).collect();
    }
    let plan = compile(draft);
    let mut load = vec![0.0; plan.hops.len()];
    for (session, demand) in plan.sessions.ids().zip(asked) {
        for hop in route(&plan, session).unwrap_or_default() {
            load[hop.0 as usize] += demand.value;
        }
    }
    let carried = load.iter().enumerate().filter(|(_, load)| **load > 0.0);
    let unit = carried
        .map(|(hop, load)| plan.hops[HopId(hop as u32)].rate_bps / load)
        .fold(f64::INFINITY, f64::min);
    let unit = if unit.is_finite() {
        unit * settings.load
    } else {
        1.0
    };
    asked.iter().map(|demand| demand.value * unit).collect()
}

/// The demands as a scenario has them, with those key rates \[bit/s\].
pub(super) fn demands(asked: &[Demand], layout: &Layout, rates: &[f64]) -> Value {
    debug_assert_eq!(layout.joined.len(), layout.boundaries.len());
    let demands = asked
        .iter()
        .zip(rates)
        .enumerate()
        .map(|(number, (demand, rate))| {
            // A rate of less than one request in 70 days asks nothing of anyone.
            let per_minute = (rate / KEY_BITS * 60.0).max(1e-5);
            json!({
                "id": format!("d{}", number + 1),
                "between": demand.between,
                "arrivals": { "poisson": { "rate": format!("{per_minute:.5} /min") } },
                "key": format!("{KEY_BITS} bit"),
                "timeout": "30 s",
            })
        });
    Value::Array(demands.collect())
}
