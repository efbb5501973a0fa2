//! Routes of legs: whatever the QKDN's routing, kept out of the nodes that other legs pass.

use std::collections::BTreeSet;

use super::disjoint::disjoint_paths;
use super::search::{Cost, cheapest};
use super::{Query, RoutingAlgorithm};
use crate::architecture::Hop;
use crate::architecture::surroundings::Domain;
use crate::ids::{HopId, NodeId};

/// What other legs pass.
#[derive(Clone, Default, Debug)]
pub struct Taken {
    /// Nodes.
    pub nodes: BTreeSet<NodeId>,
    /// Hops: where two KMs have nobody between them, legs still have links of their own if there are several ways.
    pub hops: BTreeSet<HopId>,
}

/// The QKDN's routing over what is left of it: without nodes and hops that are taken, else without such nodes. Where nothing
/// is left, the path that passes the fewest taken nodes, then hops, unless none shall be passed.
#[derive(Debug)]
pub struct Apart<'a> {
    /// The QKDN's routing.
    pub routing: &'a dyn RoutingAlgorithm,
    /// What other legs pass.
    pub taken: &'a Taken,
    /// For how many further legs between the same two KMs it leaves room, if it can.
    pub room: usize,
    /// Whether there is no path rather than one through taken nodes.
    pub strict: bool,
}

impl RoutingAlgorithm for Apart<'_> {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let is_taken = |node: NodeId| node != query.to && self.taken.nodes.contains(&node);
        let apart = |hop: &Hop| query.usable(hop) && !is_taken(hop.to);
        let free = |hop: &Hop| apart(hop) && !self.taken.hops.contains(&hop.id);
        if let Some(path) = self.routing.route(&query.over(&free)) {
            return Some(self.leaving_room(query.domain, &free, path, [query.from, query.to]));
        }
        if let Some(path) = self.routing.route(&query.over(&apart)) {
            return Some(path);
        }
        if self.strict {
            return None;
        }
        // One more taken node is worse than any number of hops, taken or not.
        let passes = |hop: &Hop| {
            let taken = u64::from(self.taken.hops.contains(&hop.id));
            (u64::from(is_taken(hop.to)) << 24) + (taken << 12) + 1
        };
        cheapest(query, Cost::Known(1, &passes))
    }

    fn cost(&self, query: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        self.routing.cost(query, path)
    }
}

impl Apart<'_> {
    /// That path, or where it would leave no room for the legs to come, one of paths that do.
    fn leaving_room(
        &self,
        domain: &Domain,
        free: &dyn Fn(&Hop) -> bool,
        path: Vec<HopId>,
        [from, to]: [NodeId; 2],
    ) -> Vec<HopId> {
        if self.room == 0 || from == to {
            return path;
        }
        let hops = || domain.graph.edge_weights().filter(|hop| path.contains(&hop.id));
        let inner: BTreeSet<NodeId> = hops().map(|hop| hop.to).filter(|&node| node != to).collect();
        let left = |hop: &Hop| free(hop) && !inner.contains(&hop.to) && !path.contains(&hop.id);
        let together = disjoint_paths(domain, free, from, to, self.room + 1);
        let after_it = disjoint_paths(domain, &left, from, to, self.room).len();
        if after_it + 1 >= together.len() {
            return path;
        }
        together.into_iter().next().unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plain as domain;
    use super::super::{FewestHops, Widest};
    use super::*;

    fn ladder() -> Domain {
        // 0–1–2–5 is shortest, and leaves no second path; 0–1–4–7–5 and 0–3–6–2–5 are disjoint.
        let links = [
            (0, 1),
            (1, 2),
            (2, 5),
            (0, 3),
            (3, 6),
            (6, 2),
            (1, 4),
            (4, 7),
            (7, 5),
        ];
        domain(8, &links.map(|(a, b)| (a, b, 1, 1.0)))
    }

    fn nodes(domain: &Domain, path: &[HopId]) -> Vec<u32> {
        let hop = |id| {
            domain
                .graph
                .edge_weights()
                .find(|hop| hop.id == id)
                .expect("it is there")
        };
        path.iter().map(|&id| hop(id).to.0).collect()
    }

    #[test]
    fn a_leg_leaves_room_for_those_to_come_and_keeps_out_of_those_before() {
        let ladder = ladder();
        let route = |nodes: &BTreeSet<NodeId>, room, strict, routing: &dyn RoutingAlgorithm| {
            let taken = &Taken {
                nodes: nodes.clone(),
                ..Taken::default()
            };
            let apart = Apart {
                routing,
                taken,
                room,
                strict,
            };
            apart.route(&Query::new(&ladder, NodeId(0), NodeId(5)))
        };
        let none = BTreeSet::new();
        let greedy = route(&none, 0, false, &FewestHops).expect("there is one");
        assert_eq!(nodes(&ladder, &greedy), [1, 2, 5], "the shortest");
        for routing in [&FewestHops as &dyn RoutingAlgorithm, &Widest] {
            let first = route(&none, 1, true, routing).expect("there is one");
            let taken: BTreeSet<NodeId> = nodes(&ladder, &first).into_iter().map(NodeId).collect();
            let second = route(&taken, 0, true, routing).expect("there is room");
            assert!(
                nodes(&ladder, &second)
                    .iter()
                    .all(|&node| node == 5 || !taken.contains(&NodeId(node)))
            );
        }
    }

    #[test]
    fn where_no_room_is_left_it_shares_as_few_nodes_as_it_can_or_has_no_path() {
        let ladder = ladder();
        let taken = Taken {
            nodes: BTreeSet::from([NodeId(1), NodeId(2)]),
            ..Taken::default()
        };
        let route = |strict| {
            let apart = Apart {
                routing: &FewestHops,
                taken: &taken,
                room: 0,
                strict,
            };
            apart.route(&Query::new(&ladder, NodeId(0), NodeId(5)))
        };
        assert_eq!(route(true), None);
        let path = route(false).expect("there is one");
        let shared = nodes(&ladder, &path)
            .iter()
            .filter(|&&node| node == 1 || node == 2)
            .count();
        assert_eq!(shared, 1);
    }

    #[test]
    fn two_legs_between_neighbours_take_two_links() {
        let triangle = domain(3, &[(0, 1, 1, 1.0), (0, 2, 1, 1.0), (2, 1, 1, 1.0)]);
        let taken = Taken {
            hops: BTreeSet::from([HopId(0)]),
            ..Taken::default()
        };
        let apart = |usable: &dyn Fn(&Hop) -> bool| {
            let apart = Apart {
                routing: &FewestHops,
                taken: &taken,
                room: 0,
                strict: true,
            };
            apart.route(&Query::new(&triangle, NodeId(0), NodeId(1)).over(usable))
        };
        assert_eq!(
            apart(&|_| true).map(|path| nodes(&triangle, &path)),
            Some(vec![2, 1])
        );
        let without_detour = |hop: &Hop| hop.to != NodeId(2);
        assert_eq!(
            apart(&without_detour),
            Some(vec![HopId(0)]),
            "no node is shared all the same"
        );
    }
}
