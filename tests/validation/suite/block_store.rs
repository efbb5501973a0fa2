//! Form 2: a store of K places, B keys every T, a steady demand c: starved exactly when cT > min(B, K).

use super::{Exact, audited, metric, plan};

/// One row per case: the share of requests that found the store empty is 0 on one side of the edge, and what is missing per
/// period on the other.
pub fn rows() -> Vec<Exact> {
    let base = "block-store.json";
    // A block that is more than the store holds is warned of, so no file has it.
    let large = |period: &str| {
        let link = "qkdns.Q.links.l.model.fixed_rate";
        vec![
            format!("{link}.rate=2048 bit/s"),
            format!("{link}.block=20480 bit"),
            format!("demands.d.arrivals.periodic.period={period}"),
        ]
    };
    // Scenario, settings, and c·T, B, K in keys.
    let cases = [
        (base, Vec::new(), [40.0, 40.0, 60.0]),
        ("block-store.json:starved", Vec::new(), [10.0 / 0.24, 40.0, 60.0]),
        (base, large("170 ms"), [10.0 / 0.17, 80.0, 60.0]),
        (base, large("160 ms"), [10.0 / 0.16, 80.0, 60.0]),
    ];
    let row = |(scenario, sets, [asked, block, places]): (&'static str, Vec<String>, [f64; 3])| {
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let plan = plan(&format!("validation/{scenario}"), &sets);
        let lost: Vec<f64> = (0..plan.run.replications)
            .map(|replication| metric(&audited(&plan, replication), "kkdlr", "network"))
            .collect();
        let served = f64::min(block, places);
        let starved = asked > served;
        assert!(
            lost.iter().all(|&share| (share > 0.0) == starved),
            "{scenario}: {lost:?}"
        );
        Exact {
            form: "2",
            quantity: format!("share lost, cT {asked:.1}, B {block}, K {places}"),
            unit: "1",
            simulated: lost.iter().sum::<f64>() / lost.len() as f64,
            reference: (1.0 - served / asked).max(0.0),
            wording: None,
            source: "starved exactly when cT > min(B, K)",
            // A period more or less of some 360.
            tolerance: if starved { 1e-3 } else { 0.0 },
            scenario,
        }
    };
    cases.into_iter().map(row).collect()
}
