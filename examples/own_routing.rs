//! A routing algorithm of one's own, put into a plan: the path of the shortest longest link, because a long link is
//! the one that loses most.
//!
//! ```text
//! cargo run --release --example own_routing
//! ```

use std::sync::Arc;

use petgraph::algo::astar;
use petgraph::visit::EdgeFiltered;
use qkdni::architecture::Hop;
use qkdni::control::routing::{Query, RoutingAlgorithm};
use qkdni::ids::HopId;
use qkdni::network::{Options, simulate_sampled};
use qkdni::scenario::{compile, load};

/// Among the paths whose longest link is shortest, one of fewest hops.
#[derive(Debug)]
pub struct ShortestLongest;

impl RoutingAlgorithm for ShortestLongest {
    fn route(&self, query: &Query<'_>) -> Option<Vec<HopId>> {
        let ([start, goal], domain) = (query.ends()?, query.domain);
        let mut lengths: Vec<u64> = domain.hops.values().map(|hop| hop.length_m).collect();
        lengths.sort_unstable();
        lengths.dedup();
        // The first limit that leaves a way; a result must be a function of the query alone.
        lengths.into_iter().find_map(|limit| {
            let within = |hop: &Hop| hop.length_m <= limit && query.usable(hop);
            let graph = EdgeFiltered::from_fn(&domain.graph, |edge| within(edge.weight()));
            let (_, nodes) = astar(&graph, start, |node| node == goal, |_| 1_u32, |_| 0)?;
            let hops = nodes.windows(2).map(|pair| {
                let between = domain.graph.edges_connecting(pair[0], pair[1]);
                let usable = between.map(|edge| edge.weight()).filter(|hop| within(hop));
                usable.min_by_key(|hop| hop.id).expect("the path uses it").id
            });
            Some(hops.collect())
        })
    }

    fn cost(&self, _: &Query<'_>, path: &[&Hop]) -> (f64, &'static str) {
        let longest = path.iter().map(|hop| hop.length_m).max().unwrap_or(0);
        (longest as f64, "m")
    }
}

/// Routes QKDN A of a committed scenario by it, and by what the file says.
pub fn main() {
    let sets = ["run.duration=25 s".to_owned()];
    let loaded = load("scenarios/clause8/gwn-dd.json", &sets).unwrap_or_else(|findings| panic!("{findings}"));
    let theirs = compile(&loaded.document);
    let mut ours = theirs.clone();
    let a = ours.qkdns.iter().find(|(_, qkdn)| qkdn.name == "A").expect("A").0;
    ours.qkdns[a].routing = Arc::new(ShortestLongest);
    for (name, plan) in [("the file's", theirs), ("our own", ours)] {
        // Routes are kept with time series, so one sample is asked for.
        let outcome = simulate_sampled(&Arc::new(plan), 0, Options::default(), 1);
        assert!(outcome.audit.iter().all(|check| check.passed));
        let hops: Vec<String> = (outcome.routes.iter())
            .filter(|route| route.session == "a-to-b")
            .map(|route| format!("{} → {}", route.from, route.to))
            .collect();
        println!("{name} routing: {}", hops.join(", "));
        let longest = hops.iter().any(|hop| hop == "A/a1 → A/a3");
        assert_eq!(
            longest,
            name == "the file's",
            "40 km in one hop, or 10 km and 20 km in two"
        );
    }
}
