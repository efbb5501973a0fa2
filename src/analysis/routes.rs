//! The route that a demand takes in an undisturbed network: what the controllers choose at the start.

use crate::architecture::Hop;
use crate::architecture::hop::HopState;
use crate::control::reachability::View;
use crate::control::routing::KnownKey;
use crate::ids::{HopId, Id as _, NodeId, SessionId};
use crate::network::plan::{Plan, SessionPlan};

/// The nodes at a demand's ends: who asks, and the peer.
pub fn ends(plan: &Plan, session: &SessionPlan) -> [NodeId; 2] {
    [session.source, session.destination].map(|end| plan.applications[end].node)
}

/// Where a node stands, as a number below [`places`]: the sides of an interworking site are one place, and fail together.
pub fn place(plan: &Plan, node: NodeId) -> usize {
    match plan.nodes[node].iwn {
        Some(iwn) => plan.nodes.len() + iwn.index(),
        None => node.index(),
    }
}

/// How many numbers places have; those of a site's sides stay unused.
pub fn places(plan: &Plan) -> usize {
    plan.nodes.len() + plan.iwns.len()
}

/// The route of a demand, hop by hop from its source; `None` if no border or path serves it.
///
/// As controllers choose at the start: in each QKDN on the way, of the borders that lead to the destination's one that
/// makes key, then through the fewest QKDNs, then the nearest by hops, then the first of the file; inside each QKDN its own
/// routing over all links that make key, else over all that have key at the start.
pub fn route(plan: &Plan, session: SessionId) -> Option<Vec<HopId>> {
    let bits = plan.sessions[session].bits;
    let [source, destination] = ends(plan, &plan.sessions[session]);
    let to = plan.nodes[destination].qkdn;
    let (mut at, mut hops, mut passed) = (source, Vec::new(), Vec::new());
    loop {
        let node = &plan.nodes[at];
        let surroundings = &plan.controller_surroundings[node.controller];
        let offers = &surroundings.offers;
        let view = View {
            domain: &surroundings.domain,
            borders: &surroundings.borders,
            routing: &*plan.qkdns[node.qkdn].routing,
            state: &|hop| state(plan, hop),
            key: &|hop| KnownKey::provisioned(&surroundings.domain, hop),
            class: &|_| None,
            policy: &surroundings.policy,
            vectors: None,
            offered: &|boundary, to| {
                let mut offers = offers.iter();
                let found = offers.find(|(across, offer)| *across == boundary && offer.destination() == to);
                found.map(|(_, offer)| offer)
            },
        };
        if node.qkdn == to {
            hops.extend(view.route(at, destination, bits)?);
            return Some(hops);
        }
        let way = view.ways(at, to, &passed, bits).min_by_key(|way| way.rank)?;
        hops.extend(way.path);
        hops.push(way.border.hop.id);
        at = way.border.hop.to;
        passed.push(node.qkdn);
    }
}

/// The state of a hop at the start.
fn state(plan: &Plan, hop: &Hop) -> HopState {
    if makes_key(plan, hop) {
        HopState::Active
    } else if usable(plan, hop) {
        HopState::Passive
    } else {
        HopState::Off
    }
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

/// The nodes in between, by name: those that hold the demand's keys in clear without being its ends. Both sides of an
/// interworking node are one.
pub fn inner_nodes<'a>(plan: &'a Plan, route: &[HopId]) -> Vec<&'a str> {
    let mut nodes: Vec<NodeId> = route.iter().skip(1).map(|hop| plan.hops[*hop].from).collect();
    nodes.sort_by_key(|node| node.index());
    let mut names = Vec::new();
    for name in nodes.into_iter().map(|node| trusted_node(plan, node)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name of the trusted node that a key manager's node is, or is a side of.
pub fn trusted_node(plan: &Plan, node: NodeId) -> &str {
    let node = &plan.nodes[node];
    node.iwn.map_or(&node.name, |iwn| &plan.iwns[iwn])
}
