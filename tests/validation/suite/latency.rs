//! Form 9: relay latency on an idle network is Σ (5 ns per metre + processing), to the nanosecond.

use std::sync::Arc;

use qkdni::analysis::bounds::relay_latency;
use qkdni::analysis::routes::route;
use qkdni::network::world::World;
use qkdni::observe::requests::Requests;

use super::{Exact, plan};

const SCENARIO: &str = "latency.json";

/// From the first relay message to the key at the destination's key manager.
pub fn rows() -> Vec<Exact> {
    let plan = plan(&format!("validation/{SCENARIO}"), &[]);
    let (session, _) = plan.sessions.iter().next().expect("one demand");
    let lengths: u64 = plan.links.values().map(|link| link.length_m).sum();
    let hops = plan.links.len() as u64;
    let exact = 5 * lengths + hops * plan.processing.key_manager.0;
    let way = route(&plan, session).expect("there is a route");
    assert_eq!(
        relay_latency(&plan, &way).expect("joined").0,
        exact,
        "the bound says the same"
    );
    let mut latencies = Vec::new();
    for replication in 0..plan.run.replications {
        let nobody = Requests::new(plan.counting(), 1, 0, vec![], vec![], vec![], vec![]);
        let mut world = World::new(Arc::clone(&plan), replication, Lives(nobody));
        world.run();
        let lives = world.into_observer().0;
        latencies.extend(lives.of(session).iter().map(|life| {
            let started = life.relay_started.expect("every request is served");
            life.held.expect("every key arrives").since(started).0
        }));
    }
    assert!(latencies.len() > 100, "{}", latencies.len());
    assert!(
        latencies.iter().all(|&latency| latency == exact),
        "{exact}: {latencies:?}"
    );
    vec![Exact {
        form: "9",
        quantity: format!(
            "relay latency over {hops} hops, every one of {} requests",
            latencies.len()
        ),
        unit: "ns",
        simulated: latencies[0] as f64,
        reference: exact as f64,
        wording: None,
        source: "Σ (5 ns/m · d + processing)",
        tolerance: 0.0,
        scenario: SCENARIO,
    }]
}

/// The lives of requests, without the traffic of controllers.
#[derive(Debug)]
struct Lives(Requests);

impl qkdni::observe::Observer for Lives {
    fn sent(&mut self, _: qkdni::kernel::Time, _: &qkdni::architecture::Envelope, _: bool) {}
    fn repeated(&mut self, _: qkdni::kernel::Time, _: &qkdni::architecture::Envelope, _: u32) {}
    fn observed(
        &mut self,
        now: qkdni::kernel::Time,
        from: qkdni::architecture::Address,
        observation: &qkdni::architecture::Observation,
    ) {
        qkdni::observe::Observer::observed(&mut self.0, now, from, observation);
    }
    fn disturbed(&mut self, _: qkdni::kernel::Time, _: qkdni::ids::FaultId, _: bool) {}
}
