//! What breaks the service most: every single fault of a node, a link or a duct that several links share, ranked by the
//! service that it takes.
//!
//! A demand's service is what its max-flow in the long run still carries of what it asks for, each demand for itself;
//! a demand whose own site fails has none.

use std::collections::BTreeSet;

use petgraph::algo::articulation_points::articulation_points;
use petgraph::algo::bridges::bridges;
use petgraph::algo::connected_components;
use petgraph::graph::UnGraph;
use serde::Serialize;

use super::bounds::asked_bps;
use super::capacity::{Flow, max_flow, per_second};
use super::ducts::{Stretch, stretches};
use super::routes::{ends, makes_key, place, places};
use crate::ids::{HopId, Id as _, LinkId, NodeId};
use crate::network::plan::Plan;
use crate::units::Metres;

/// Something that can fail as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Element {
    /// `node`, `site` (all sides of an interworking node), `link`, `border` (a link from one QKDN to another), or `duct`
    /// (all links in one stretch of it).
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The network falls into pieces without it: an articulation point, a bridge, or a duct that holds a cut.
    pub splits: bool,
    #[serde(skip)]
    nodes: Vec<NodeId>,
    #[serde(skip)]
    hops: Vec<HopId>,
}

/// What a fault takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// What fails: one element, or two at once.
    pub fails: Vec<String>,
    /// Of what kind each of them is.
    pub kinds: Vec<&'static str>,
    /// Share of the service that is lost.
    pub lost_share: f64,
    /// Demands that lose all.
    pub cut_off: Vec<String>,
    /// Demands that lose a part.
    pub reduced: Vec<String>,
}

/// All single faults, and pairs where asked for, the worst first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Criticality {
    /// What can fail.
    pub elements: Vec<Element>,
    /// Single faults.
    pub single: Vec<Loss>,
    /// Two faults at once that take more than the worse of them alone, if asked for.
    pub pairs: Option<Vec<Loss>>,
}

/// Ranks all faults; `pairs`: every two at once as well.
pub fn criticality(plan: &Plan, pairs: bool) -> Criticality {
    let plan = &*plan.without_legs();
    let elements = elements(plan);
    let study = Study::new(plan);
    let alone: Vec<Loss> = elements.iter().map(|element| study.without(&[element])).collect();
    let both = pairs.then(|| {
        let mut losses = Vec::new();
        for (i, a) in elements.iter().enumerate() {
            for (j, b) in elements.iter().enumerate().skip(i + 1) {
                let loss = study.without(&[a, b]);
                if loss.lost_share > alone[i].lost_share.max(alone[j].lost_share) + 1e-9 {
                    losses.push(loss);
                }
            }
        }
        ranked(losses)
    });
    Criticality {
        single: ranked(alone),
        pairs: both,
        elements,
    }
}

/// The worst first; equals in the order of the file.
fn ranked(mut losses: Vec<Loss>) -> Vec<Loss> {
    losses.sort_by(|a, b| {
        b.lost_share
            .total_cmp(&a.lost_share)
            .then(b.cut_off.len().cmp(&a.cut_off.len()))
    });
    losses
}

/// All nodes, sites and links that make key, and ducts that these share, with what falls into pieces without them.
fn elements(plan: &Plan) -> Vec<Element> {
    // Places are nodes of the graph; numbers that no place has stay alone.
    let mut graph: UnGraph<(), LinkId> = UnGraph::new_undirected();
    let at: Vec<_> = (0..places(plan)).map(|_| graph.add_node(())).collect();
    for (id, link) in plan.links.iter().filter(|(_, link)| link.schedule.is_some()) {
        let [a, b] = link.ends.map(|end| at[place(plan, end)]);
        graph.add_edge(a, b, id);
    }
    let mut splitting_links: Vec<LinkId> = bridges(&graph).map(|edge| *edge.weight()).collect();
    splitting_links.sort_unstable();
    let mut splitting_places: Vec<usize> = articulation_points(&graph)
        .iter()
        .map(|node| node.index())
        .collect();
    splitting_places.sort_unstable();
    let hops_at = |nodes: &[NodeId]| -> Vec<HopId> {
        let at = plan
            .hops
            .iter()
            .filter(|(_, hop)| nodes.contains(&hop.from) || nodes.contains(&hop.to));
        at.map(|(id, _)| id).collect()
    };
    let nodes = plan
        .nodes
        .iter()
        .filter(|(_, node)| node.iwn.is_none())
        .map(|(id, node)| Element {
            kind: "node",
            name: node.name.clone(),
            splits: splitting_places.contains(&place(plan, id)),
            hops: hops_at(&[id]),
            nodes: vec![id],
        });
    let sites = plan.iwns.iter().map(|(iwn, name)| {
        let sides: Vec<NodeId> = plan
            .nodes
            .iter()
            .filter(|(_, node)| node.iwn == Some(iwn))
            .map(|(id, _)| id)
            .collect();
        Element {
            kind: "site",
            name: name.clone(),
            splits: splitting_places.contains(&(plan.nodes.len() + iwn.index())),
            hops: hops_at(&sides),
            nodes: sides,
        }
    });
    let links = plan
        .links
        .iter()
        .filter(|(_, link)| link.schedule.is_some())
        .map(|(id, link)| Element {
            kind: if plan.nodes[link.ends[0]].qkdn == plan.nodes[link.ends[1]].qkdn {
                "link"
            } else {
                "border"
            },
            name: link.name.clone(),
            splits: splitting_links.contains(&id),
            hops: link.hops.to_vec(),
            nodes: Vec::new(),
        });
    nodes
        .chain(sites)
        .chain(links)
        .chain(shared_ducts(plan, &graph))
        .collect()
}

/// Stretches of ducts in which several links lie; those of one duct that hold the same links are one element.
fn shared_ducts(plan: &Plan, graph: &UnGraph<(), LinkId>) -> Vec<Element> {
    let mut shared: Vec<Stretch> = stretches(plan);
    shared.retain(|stretch| stretch.links.len() > 1);
    let mut seen = BTreeSet::new();
    shared.retain(|stretch| seen.insert((stretch.duct, stretch.links.clone())));
    let pieces = connected_components(graph);
    let element = |stretch: &Stretch| {
        let duct = &plan.ducts[stretch.duct].name;
        let of_duct = shared.iter().filter(|other| other.duct == stretch.duct);
        let without = graph.filter_map(
            |_, ()| Some(()),
            |_, link| (!stretch.links.contains(link)).then_some(()),
        );
        Element {
            kind: "duct",
            name: match of_duct.count() {
                1 => duct.clone(),
                _ => format!("{duct} at {}", Metres(stretch.from_m)),
            },
            splits: connected_components(&without) > pieces,
            nodes: Vec::new(),
            hops: (stretch.links.iter())
                .flat_map(|link| plan.links[*link].hops)
                .collect(),
        }
    };
    shared.iter().map(element).collect()
}

/// A plan with what every demand gets of it.
struct Study<'a> {
    plan: &'a Plan,
    rates: Vec<u64>,
    /// For each demand its ends, what it asks for, and what it gets \[10⁻³ bit/s\].
    demands: Vec<([NodeId; 2], u64, Flow)>,
    total: u64,
}

impl<'a> Study<'a> {
    fn new(plan: &'a Plan) -> Study<'a> {
        let mut rates = per_second(plan);
        for (id, hop) in plan.hops.iter() {
            if !makes_key(plan, hop) {
                rates[id.index()] = 0;
            }
        }
        let demands: Vec<_> = plan
            .sessions
            .iter()
            .map(|(id, session)| {
                let ends = ends(plan, session);
                let asked = libm::round(asked_bps(plan, id) * 1e3).max(1.0) as u64;
                let flow = max_flow(plan, &rates, &[ends[0]], &[ends[1]], asked);
                (ends, asked, flow)
            })
            .collect();
        Study {
            total: demands.iter().map(|(_, _, flow)| flow.value).sum(),
            plan,
            rates,
            demands,
        }
    }

    fn without(&self, failed: &[&Element]) -> Loss {
        let mut rates = self.rates.clone();
        for hop in failed.iter().flat_map(|element| &element.hops) {
            rates[hop.index()] = 0;
        }
        let mut loss = Loss {
            fails: failed.iter().map(|element| element.name.clone()).collect(),
            kinds: failed.iter().map(|element| element.kind).collect(),
            lost_share: 0.0,
            cut_off: Vec::new(),
            reduced: Vec::new(),
        };
        let mut lost = 0;
        for ((ends, asked, before), session) in self.demands.iter().zip(self.plan.sessions.values()) {
            let own = failed
                .iter()
                .any(|element| element.nodes.iter().any(|node| ends.contains(node)));
            let touched = failed
                .iter()
                .flat_map(|element| &element.hops)
                .any(|hop| before.by_hop[hop.index()] > 0);
            if before.value == 0 || !own && !touched {
                continue;
            }
            let after = if own {
                0
            } else {
                max_flow(self.plan, &rates, &[ends[0]], &[ends[1]], *asked).value
            };
            lost += before.value - after;
            if after == 0 {
                loss.cut_off.push(session.name.clone());
            } else if after < before.value {
                loss.reduced.push(session.name.clone());
            }
        }
        if self.total > 0 {
            loss.lost_share = lost as f64 / self.total as f64;
        }
        loss
    }
}
