//! Closed forms and published runs: whole simulations against what is known exactly. The full suite and its table:
//! `cargo run --release --example validation_soak`; here every experiment is run at a reduced effort, at the same level of its
//! intervals and with the half-width that each states.

mod suite;

use suite::{Experiment, experiments, intervals, level};

/// The `at`-th experiment of a module, at reduced effort.
fn reduced(all: &[Experiment]) {
    for experiment in all {
        let effort = experiment.reduced;
        assert!(
            effort.replications < experiment.full.replications,
            "the soak runs more"
        );
        let plan = experiment.plan(effort);
        let rows: Vec<_> = (0..effort.replications)
            .map(|replication| (experiment.estimate)(&plan, replication))
            .collect();
        let found = intervals(&rows, level());
        for (quantity, found) in experiment.quantities.iter().zip(found) {
            let (exact, relative) = (quantity.exact, found.half_width / quantity.exact);
            println!(
                "form {}: {}: {}: {:.6} ± {:.2} % (exact {exact:.6})",
                experiment.form,
                experiment.scenario,
                quantity.name,
                found.mean,
                relative * 100.0
            );
            assert!(found.holds(exact), "{}: {found:?}, exact {exact}", quantity.name);
            assert!(
                relative <= quantity.reduced_half_width,
                "{}: ± {relative}",
                quantity.name
            );
        }
    }
}

#[test]
fn form_1_a_key_store_is_mm1k() {
    reduced(&suite::key_store::experiments());
}

#[test]
fn form_3_a_key_manager_is_a_server() {
    reduced(&suite::km_server::experiments());
}

#[test]
fn form_4_erlang_b() {
    reduced(&suite::erlang::experiments());
}

#[test]
fn form_6_availability() {
    reduced(&suite::availability::experiments());
}

#[test]
fn form_8_rerouting_over_random_phase() {
    reduced(&suite::rerouting::experiments());
}

/// Every row that is exact, or whose reference is a published figure.
fn hold(rows: Vec<suite::Exact>) {
    for row in rows {
        println!(
            "form {}: {}: {}: {} {} ({} {}, {})",
            row.form,
            row.scenario,
            row.quantity,
            row.simulated,
            row.unit,
            row.reference,
            row.unit,
            row.source
        );
        let deviation = (row.simulated - row.reference).abs();
        assert!(deviation <= row.tolerance, "{row:?}");
    }
}

#[test]
fn form_2_a_block_store_is_starved_exactly_beyond_the_edge() {
    hold(suite::block_store::rows());
}

#[test]
fn form_7_capacity() {
    hold(suite::capacity::rows());
}

#[test]
fn form_8_detection_is_exact_given_the_phase() {
    hold(suite::rerouting::rows());
}

#[test]
fn form_9_relay_latency() {
    hold(suite::latency::rows());
}

#[test]
fn forms_10_and_11_published_runs() {
    hold(suite::published::rows());
}

/// Shows S5 as well: whoever lacks one share knows nothing.
#[test]
fn form_12_xor_over_disjoint_paths() {
    hold(suite::multipath::rows());
}

/// Form 5, L = λ·W: the auditor holds it for every server, lane and demand of every run; here of runs in which all kinds of
/// queues are used, and it says how many it looked at.
#[test]
fn form_5_littles_law_is_audited() {
    for (scenario, duration) in [
        ("validation/km-server.json", "2 h"),
        ("validation/km-server.json:exponential-queue", "2 h"),
        ("validation/capacity.json:many", "5 min"),
        ("sessions.json", "5 min"),
        ("sessions.json:bursts", "5 min"),
        ("sessions.json:replay", "5 min"),
        ("sessions.json:random-blocks", "5 min"),
    ] {
        let plan = suite::plan(scenario, &[&format!("run.duration={duration}")]);
        let outcome = suite::audited(&plan, 0);
        let check = outcome.audit.iter().find(|check| check.check.starts_with("L = "));
        let check = check.expect("it is in the audit");
        let looked_at: usize = check
            .detail
            .split(' ')
            .next()
            .expect("a number")
            .parse()
            .expect("a number");
        let queues = plan.nodes.len()
            + plan.controllers.len()
            + plan.managers.len()
            + plan.stores.len()
            + plan.sessions.len();
        assert_eq!(looked_at, queues, "{}", check.detail);
    }
}

/// The suite's own arithmetic: published values of the closed forms, and the size of the suite.
#[test]
fn closed_forms_have_their_published_values() {
    let near = |found: f64, published: f64, digits: i32| {
        assert!(
            (found - published).abs() <= 0.5 * libm::pow(10.0, f64::from(-digits)),
            "{found} {published}"
        );
    };
    near(suite::key_store::closed_form(10.0, 12.0, 50)[0], 0.16668, 5);
    let [refused, count, time] = suite::km_server::mm1k(0.8, 1.0, 10);
    near(refused, 0.023_493, 6);
    near(count, 2.96631, 5);
    near(time, 3.79710, 5);
    for (load, places, blocking) in [
        (5.0, 10, 0.018_385),
        (10.0, 10, 0.214_582),
        (20.0, 30, 0.008_457),
        (50.0, 60, 0.021_668),
    ] {
        near(suite::erlang::erlang_b(load, places), blocking, 6);
    }
    let availability: Vec<f64> = suite::availability::experiments()
        .iter()
        .map(|one| 1.0 - one.quantities[0].exact)
        .collect();
    near(availability[0], 0.999_701, 6);
    near(availability[1], 0.997_148, 6);
    // The third has parts that fail more often.
    near(1.0 - libm::pow(1.0 - availability[1], 2.0), 0.999_991_9, 7);
    let m: usize = experiments().iter().map(|one| one.quantities.len()).sum();
    assert_eq!(m, 20);
}

/// Regression on controls of known mean is what it says: exact where a value is linear in them.
#[test]
fn controls_take_away_what_they_explain() {
    let rows: Vec<suite::Estimates> = (0..12)
        .map(|at| {
            let (a, b) = (f64::from(at % 5) - 2.0, f64::from(at % 3) * 1e3);
            suite::Estimates {
                values: vec![7.0 + 3.0 * a - 0.02 * b, f64::from(at % 2)],
                controls: vec![a, b],
            }
        })
        .collect();
    let found = intervals(&rows, 0.99);
    assert!(
        (found[0].mean - 7.0).abs() < 1e-9 && found[0].half_width < 1e-9,
        "{found:?}"
    );
    let plain: Vec<suite::Estimates> = [1.0, 2.0, 3.0, 4.0]
        .into_iter()
        .map(|value| suite::Estimates {
            values: vec![value],
            controls: Vec::new(),
        })
        .collect();
    let [found] = intervals(&plain, 0.95)[..] else {
        panic!("one quantity")
    };
    // 2.5 ± t(3, .975) · 1.291 / 2.
    assert!((found.mean - 2.5).abs() < 1e-12 && (found.half_width - 2.0542).abs() < 1e-3);
}
