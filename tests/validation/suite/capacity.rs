//! Form 7: what is delivered is at most the minimum over the path, plus what stores and warm-up add; many demands by hops at
//! most what all links make.

use qkdni::analysis::bounds::hard;

use super::{Exact, audited, metric, plan};

/// One path, and demands that share it.
pub fn rows() -> Vec<Exact> {
    let (one, many) = ("capacity.json", "capacity.json:many");
    let run = |scenario: &str| {
        let plan = plan(&format!("validation/{scenario}"), &[]);
        let outcomes: Vec<_> = (0..plan.run.replications)
            .map(|replication| audited(&plan, replication))
            .collect();
        (plan, outcomes)
    };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let (path, outcomes) = run(one);
    let bound = hard(&path).throughput_bps;
    let throughputs = outcomes
        .iter()
        .map(|outcome| metric(outcome, "throughput_bps", "network"));
    let throughputs: Vec<f64> = throughputs.collect();
    assert!(
        throughputs.iter().all(|&found| found <= bound),
        "{throughputs:?} of {bound}"
    );
    let slowest = path
        .links
        .values()
        .filter_map(|link| link.schedule.map(|schedule| schedule.rate_bps()))
        .fold(f64::INFINITY, f64::min);
    let (shared, outcomes) = run(many);
    let made: f64 = shared
        .links
        .values()
        .filter_map(|link| link.schedule.map(|schedule| schedule.rate_bps()))
        .sum();
    let hops = [("ad", 3.0), ("ab", 1.0), ("bd", 2.0), ("cd", 1.0)];
    let used: Vec<f64> = outcomes
        .iter()
        .map(|outcome| {
            hops.iter()
                .map(|(demand, hops)| hops * metric(outcome, "throughput_bps", &format!("demand:{demand}")))
                .sum()
        })
        .collect();
    // Stores are empty at the start and hold 8 kB: what they add is within the tolerance.
    vec![
        Exact {
            form: "7",
            quantity: "throughput of one path, min g of 8, 5 and 12 kbit/s".to_owned(),
            unit: "bit/s",
            simulated: mean(throughputs),
            reference: slowest,
            wording: None,
            source: "min g_l; hard bound kept in every replication",
            tolerance: 0.01 * slowest,
            scenario: one,
        },
        Exact {
            form: "7",
            quantity: "Σ throughput · hops of four demands against Σ g of the links".to_owned(),
            unit: "bit/s",
            simulated: mean(used),
            reference: made,
            wording: None,
            source: "Σ demand · hops ≤ Σ g_l",
            tolerance: 0.02 * made,
            scenario: many,
        },
    ]
}
