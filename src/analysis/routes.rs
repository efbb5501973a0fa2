//! The route that a demand takes in an undisturbed network: what the controllers choose at the start.

use crate::architecture::Hop;
use crate::ids::{HopId, Id as _, NodeId, SessionId};
use crate::network::plan::{Plan, SessionPlan};

/// The nodes at a demand's ends: who asks, and the peer.
pub fn ends(plan: &Plan, session: &SessionPlan) -> [NodeId; 2] {
    [session.source, session.destination].map(|end| plan.applications[end].node)
}

/// The route of a demand, hop by hop from its source; `None` if no border or path serves it.
///
/// As controllers choose at the start: of the borders to the destination's QKDN one that makes key, then the nearest
/// by hops, then the first of the file; inside each QKDN its own routing over all links that make key, else over all
/// that have key at the start.
pub fn route(plan: &Plan, session: SessionId) -> Option<Vec<HopId>> {
    let [source, destination] = ends(plan, &plan.sessions[session]);
    let far = plan.nodes[destination].qkdn;
    if plan.nodes[source].qkdn == far {
        return inside(plan, source, destination);
    }
    let surroundings = &plan.controller_surroundings[plan.nodes[source].controller];
    let borders = surroundings
        .borders
        .iter()
        .filter(|border| border.far_qkdn == far);
    let candidates = borders.filter_map(|border| {
        let near = inside(plan, source, border.hop.from)?;
        let key = (!makes_key(plan, &border.hop), near.len(), border.boundary);
        usable(plan, &border.hop).then_some((key, near, &border.hop))
    });
    let (_, mut hops, border) = candidates.min_by_key(|(key, ..)| *key)?;
    hops.push(border.id);
    hops.extend(inside(plan, border.to, destination)?);
    Some(hops)
}

/// The route inside one QKDN.
fn inside(plan: &Plan, from: NodeId, to: NodeId) -> Option<Vec<HopId>> {
    let node = &plan.nodes[from];
    let domain = &plan.controller_surroundings[node.controller].domain;
    let routing = &plan.qkdns[node.qkdn].routing;
    routing
        .route(domain, &|hop| makes_key(plan, hop), from, to)
        .or_else(|| routing.route(domain, &|hop| usable(plan, hop), from, to))
}

/// Whether a hop's store fills, or needs none.
pub fn makes_key(plan: &Plan, hop: &Hop) -> bool {
    hop.link.is_none_or(|link| plan.links[link].schedule.is_some())
}

/// Whether a hop makes key or has some above its floor.
fn usable(plan: &Plan, hop: &Hop) -> bool {
    makes_key(plan, hop)
        || hop.store().is_some_and(|store| {
            let settings = &plan.stores[store].settings;
            settings.initial > settings.floor
        })
}

/// What a hop is called: its link's name, or the two nodes inside a site.
pub fn hop_name(plan: &Plan, hop: HopId) -> String {
    let hop = &plan.hops[hop];
    match hop.link {
        Some(link) => plan.links[link].name.clone(),
        None => format!("{} > {}", plan.nodes[hop.from].name, plan.nodes[hop.to].name),
    }
}

/// The nodes in between: those that hold the demand's keys in clear without being its ends.
pub fn inner_nodes(plan: &Plan, route: &[HopId]) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = route.iter().skip(1).map(|hop| plan.hops[*hop].from).collect();
    nodes.sort_by_key(|node| node.index());
    nodes.dedup();
    nodes
}
