//! Forms 10 and 11: published runs.

use qkdni::observe::outcome::Outcome;

use super::{Exact, audited, metric, plan};

const SECOQC: &str = "published/secoqc-2008.json";
const STORES_ONLY: &str = "published/secoqc-2008.json:stores-only";
const TOKYO: &str = "published/tokyo-2010.json";

/// When the first and the last key of a demand went over a hop \[min\].
fn used(outcome: &Outcome, from: &str, to: &str) -> [f64; 2] {
    let mut all = outcome.routes.iter();
    let found = all.find(|route| route.from.ends_with(from) && route.to.ends_with(to));
    let found = found.unwrap_or_else(|| panic!("{from}–{to} is used: {:?}", outcome.routes));
    [found.first_ns, found.last_ns].map(|at| at as f64 / 60e9)
}

/// The instants at which SECOQC's three routes are left \[min\]: the first key over the next route, and the last over the third.
fn route_changes(scenario: &str) -> [f64; 3] {
    let outcome = audited(&plan(scenario, &[]), 0);
    let [_, first] = used(&outcome, "ERD", "BRT");
    let [second_begins, _] = used(&outcome, "ERD", "SIE");
    let [third_begins, third_ends] = used(&outcome, "ERD", "GUD");
    assert!(first < second_begins && second_begins < third_begins);
    // Where a route is left for good, the last key over it tells; a second later the next is asked for.
    [second_begins, third_begins, third_ends + 1.0 / 60.0]
}

/// Times of route changes, and whether the attack was noticed.
pub fn rows() -> Vec<Exact> {
    let mut rows = Vec::new();
    let alone = route_changes(STORES_ONLY);
    let lasting = [alone[0], alone[1] - alone[0], alone[2] - alone[1]];
    let exact = [3_584.0, 4_096.0, 1_843.2].map(|seconds| seconds / 60.0);
    for (route, (simulated, reference)) in lasting.into_iter().zip(exact).enumerate() {
        rows.push(Exact {
            form: "10",
            quantity: format!("SECOQC, stores alone: route {} lasts", route + 1),
            unit: "min",
            simulated,
            reference,
            wording: None,
            source: "(store − floor) / 8192 bit/s",
            // A request a second, and the reroute.
            tolerance: 1.5 / 60.0,
            scenario: STORES_ONLY,
        });
    }
    for (route, (simulated, reference)) in route_changes(SECOQC)
        .into_iter()
        .zip([60.0, 144.0, 175.0])
        .enumerate()
    {
        rows.push(Exact {
            form: "10",
            quantity: format!(
                "SECOQC, with 1.5 kbit/s on the second route: route {} is left",
                route + 1
            ),
            unit: "min",
            simulated,
            reference,
            wording: None,
            source: "published, read to about a minute",
            tolerance: 1.5,
            scenario: SECOQC,
        });
    }
    rows.extend(tokyo());
    rows
}

fn tokyo() -> Vec<Exact> {
    const ATTACK_S: f64 = 300.0;
    let plan = plan(TOKYO, &[]);
    let outcomes: Vec<Outcome> = (0..plan.run.replications)
        .map(|replication| audited(&plan, replication))
        .collect();
    let changed: Vec<f64> = outcomes
        .iter()
        .map(|outcome| used(outcome, "Koganei-1", "Otemachi-1")[0] * 60.0 - ATTACK_S)
        .collect();
    let latest = changed.iter().copied().fold(0.0, f64::max);
    assert!(changed.iter().all(|&after| after > 0.0), "{changed:?}");
    for outcome in &outcomes {
        let before = used(outcome, "Koganei-1", "Koganei-2")[0] * 60.0;
        assert!(before < 1.0, "the video begins over Koganei-2");
        assert_eq!(outcome.reroutes.len(), 1, "one attack, one session");
    }
    let lost = outcomes.iter().map(|outcome| metric(outcome, "kkdlr", "network"));
    vec![
        Exact {
            form: "11",
            quantity: "Tokyo: from the attack to the first key over the other route, latest of ten"
                .to_owned(),
            unit: "s",
            simulated: latest,
            reference: 0.0,
            wording: Some("within seconds"),
            source: "published; here at most 5 s",
            tolerance: 5.0,
            scenario: TOKYO,
        },
        Exact {
            form: "11",
            quantity: "Tokyo: share of requests that failed".to_owned(),
            unit: "1",
            simulated: lost.fold(0.0, f64::max),
            reference: 0.0,
            wording: None,
            source: "published: the stores hide it",
            tolerance: 0.0,
            scenario: TOKYO,
        },
    ]
}
