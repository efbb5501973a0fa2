//! `reroutes.json`: one record per fault and session, whose stages are those of `Exact meanings` – recounted here from the
//! trace of runs in which all sorts of things break, and to the nanosecond where nothing is random.

mod common;
mod common_random;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::{INSIDE_M, Setting, plan};
use common_random::{Recipe, plan as random_plan, troubled};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use qkdni::architecture::{Heartbeat, Recovery};
use qkdni::fault::{Fault, LinkCut};
use qkdni::kernel::{Span, Time};
use qkdni::network::channels::Channels;
use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::{Measured, Outcome, RerouteRecord};
use qkdni::scenario::{compile, load};
use qkdni::service::demand::Periodic;
use serde_json::Value;

const SECOND: u64 = 1_000_000_000;
const LIGHT_NS_PER_M: u64 = 5;

const WATCHED: Options = Options {
    trace: true,
    audit: true,
};

fn lines(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("every line is JSON"))
}

fn metric<'a>(outcome: &'a Outcome, name: &str, scope: &str) -> &'a Measured {
    let mut all = outcome.metrics.iter();
    let found = all.find(|metric| metric.name == name && metric.scope == scope);
    found.unwrap_or_else(|| panic!("there is {name} of {scope}"))
}

/// What the trace says about a fault and a session, or about the fault alone.
#[derive(Default, Debug)]
struct Said {
    messages: u64,
    bytes: u64,
    /// When routes became active.
    active: BTreeSet<u64>,
    proposed: bool,
    given_back: bool,
}

/// Recounts messages by their layer: what goes to KMs, controllers and managers about a fault.
fn said(trace: &[u8]) -> BTreeMap<(String, Option<String>), Said> {
    let mut all: BTreeMap<(String, Option<String>), Said> = BTreeMap::new();
    for line in lines(trace) {
        let Some(fault) = line["fault"].as_str() else {
            continue;
        };
        let session = line["session"].as_str().map(str::to_owned);
        let said = all.entry((fault.to_owned(), session)).or_default();
        let to = line["to"].as_str().expect("a name");
        let message = line["message"].as_str().expect("a name");
        match message {
            // A KM tells its controller as its route becomes active; the controller may stand beside it.
            "route active" if line["from"].as_str().is_some_and(|from| from.starts_with("KMA")) => {
                said.active.insert(line["t_ns"].as_u64().expect("a time"));
            }
            "PROPOSE" => said.proposed = true,
            "route lost" | "segment degraded" => said.given_back = true,
            _ => {}
        }
        let layer = ["KMA ", "KSA ", "controller ", "manager "];
        if line["reference_point"].is_string() && layer.iter().any(|layer| to.starts_with(layer)) {
            said.messages += 1;
            said.bytes += line["bytes"].as_u64().expect("a size");
        }
    }
    all
}

/// Holds every record of a run to what it means, and to the trace.
fn hold(plan: &Arc<Plan>) -> Result<(), TestCaseError> {
    let outcome = simulate(plan, 0, WATCHED);
    let said = said(&outcome.trace);
    let nothing = Said::default();
    let of = |fault: &str, session: Option<&str>| {
        let key = (fault.to_owned(), session.map(str::to_owned));
        said.get(&key).unwrap_or(&nothing)
    };
    // One record per fault and session, in order.
    let expected: Vec<(String, String)> = (plan.faults.values())
        .flat_map(|fault| {
            plan.sessions
                .values()
                .map(|session| (fault.name.clone(), session.name.clone()))
        })
        .collect();
    let found: Vec<(String, String)> = (outcome.reroutes.iter())
        .map(|record| (record.fault.clone(), record.session.clone()))
        .collect();
    prop_assert_eq!(found, expected);
    for record in &outcome.reroutes {
        let (about, alone) = (of(&record.fault, Some(&record.session)), of(&record.fault, None));
        let fault = plan
            .faults
            .values()
            .find(|fault| fault.name == record.fault)
            .expect("there");
        // What comes after a stage that was not reached is not reached either.
        let reached = record
            .stages_ns
            .iter()
            .take_while(|stage| stage.is_some())
            .count();
        prop_assert!(
            record.stages_ns[reached..].iter().all(Option::is_none),
            "{:?}",
            record
        );
        prop_assert_eq!(record.total_ns().is_some(), reached == 8);
        // Messages and bytes are those that the trace has.
        prop_assert_eq!(record.messages, about.messages + alone.messages, "{:?}", record);
        prop_assert_eq!(record.bytes, about.bytes + alone.bytes, "{:?}", record);
        let Some(control_plane) = record.control_plane_ns() else {
            continue;
        };
        let installed = fault.at.0 + control_plane;
        let told = !about.active.is_empty();
        if told && !about.given_back {
            // t7 is the instant at which a KM said that its route is active; the stages lead there to the nanosecond.
            prop_assert!(about.active.contains(&installed), "{:?}: {:?}", record, about);
        }
        if !about.proposed && !about.given_back {
            prop_assert_eq!(record.stages_ns[4], Some(0), "nothing to agree on: {:?}", record);
        }
        if let Some(total) = record.total_ns() {
            // t8: a request that was waiting when the last route became active is supplied at both ends.
            let first = fault.at.0 + total;
            let waiting = outcome
                .requests
                .iter()
                .filter(|request| request.demand == record.session);
            let mut waiting =
                waiting.filter(|request| request.sent_ns <= installed && request.failure.is_none());
            let (from, to) = plan.counting();
            let counted = (from.0..to.0).contains(&installed);
            prop_assert!(
                !counted
                    || waiting.any(|request| request.ended_ns >= first)
                    || installed < from.0 + 5 * SECOND
            );
        }
    }
    // The metrics are those of the records.
    let in_force = outcome
        .reroutes
        .iter()
        .filter(|record| record.control_plane_ns().is_some());
    let latencies: Vec<u64> = in_force.filter_map(RerouteRecord::control_plane_ns).collect();
    if !plan.faults.is_empty() {
        prop_assert_eq!(
            metric(&outcome, "reroutes", "network").value,
            Some(latencies.len() as f64)
        );
        prop_assert_eq!(
            &metric(&outcome, "rerouting_latency_s", "network").samples_ns,
            &latencies
        );
        let seven = RerouteRecord::STAGES.iter().take(7);
        let sum: u64 = seven
            .flat_map(|stage| &metric(&outcome, &format!("rerouting_{stage}_s"), "network").samples_ns)
            .sum();
        prop_assert_eq!(sum, latencies.iter().sum::<u64>());
    }
    Ok(())
}

/// The same plans every time; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look at others.
fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(3818);
    }
    config
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn records_are_what_the_trace_says(recipe in troubled(3, 4)) {
        let recipe: Recipe = recipe;
        hold(&random_plan(&recipe, Channels::default()))?;
    }
}

fn cut(link: &str) -> Fault {
    Fault::LinkCut(LinkCut {
        link: link.to_owned(),
    })
}

/// A ring in each QKDN, requests far apart, a cut of the direct link to the border at `at`.
fn idle(at: u64, centralized: bool, processing: Span, recovery: Recovery) -> Setting {
    Setting {
        ring: true,
        centralized: [centralized, false],
        processing,
        faults: vec![(cut("A/A1-A3"), Time(at), None)],
        recovery,
        arrivals: Arc::new(Periodic {
            period: Span::from_seconds(1),
            phase: Some(Span::from_millis(900)),
        }),
        ..Setting::default()
    }
}

fn only(outcome: &Outcome) -> &RerouteRecord {
    let [record] = &outcome.reroutes[..] else {
        panic!("one fault, one session: {:?}", outcome.reroutes)
    };
    record
}

/// Shows the closed form of rerouting (8) stage by stage to the nanosecond, for distributed and centralized control:
/// (d + kH − u) + report + analysis + computation + nothing to coordinate + max d_Ck and processing + installation.
#[test]
fn the_closed_form_is_met_with_heartbeats() {
    const PROCESSING: u64 = 100_000;
    let hop = INSIDE_M * LIGHT_NS_PER_M;
    for centralized in [false, true] {
        for (period_ms, misses, phase_ms, u) in [
            (1_000, 3, 0, 300_000_000),
            (400, 2, 130, 17_000_001),
            (250, 1, 249, 0),
        ] {
            let beats = Heartbeat {
                period: Span::from_millis(period_ms),
                misses,
                phase: Some(Span::from_millis(phase_ms)),
            };
            let recovery = Recovery {
                heartbeat: Some(beats),
                ..Recovery::default()
            };
            let period = period_ms * 1_000_000;
            let at = (4 * SECOND / period) * period + phase_ms * 1_000_000 + u;
            let setting = idle(at, centralized, Span(PROCESSING), recovery);
            let outcome = simulate(&plan(&setting), 0, WATCHED);
            let record = only(&outcome);
            // A beat that is sent at the instant of the failure still gets through; the link is five hops long.
            let detection = 5 * hop + u64::from(misses) * period - u;
            // The border's controller stands beside the module at A3; the central one is a hop from either end.
            let report = if centralized { hop } else { 0 } + PROCESSING;
            // KM A1 is two hops from A3 and told through its own controller; A2 is the middle.
            let command = if centralized {
                hop + PROCESSING
            } else {
                2 * hop + 2 * PROCESSING
            };
            let expected = [detection, report, 1_000_000, 2_000_000, 0, command, 3_000_000];
            assert_eq!(
                record.stages_ns[..7],
                expected.map(Some),
                "{centralized} {beats:?}"
            );
            assert_eq!(record.control_plane_ns(), Some(expected.iter().sum()));
        }
    }
}

/// Shows the closed form with polling: residual period, then a round trip to the module.
#[test]
fn the_closed_form_is_met_with_polling() {
    let hop = INSIDE_M * LIGHT_NS_PER_M;
    let poll = 700_000_000;
    for (centralized, at) in [(true, 4 * SECOND), (true, 4_199_000_000), (false, 4 * SECOND + 1)] {
        let setting = idle(at, centralized, Span::ZERO, Recovery::default());
        let mut plan = Plan::clone(&plan(&setting));
        let parameters = Arc::make_mut(&mut plan.parameters);
        (parameters.status_reports, parameters.polling) = (false, Some(Span(poll)));
        let changed = parameters.clone();
        for id in plan.controller_surroundings.ids().collect::<Vec<_>>() {
            Arc::make_mut(&mut plan.controller_surroundings[id]).parameters = Arc::new(changed.clone());
        }
        for id in plan.km_surroundings.ids().collect::<Vec<_>>() {
            Arc::make_mut(&mut plan.km_surroundings[id]).parameters = Arc::new(changed.clone());
        }
        let outcome = simulate(&Arc::new(plan), 0, WATCHED);
        let record = only(&outcome);
        let way = if centralized { hop } else { 0 };
        let residual = at.next_multiple_of(poll) - at;
        assert_eq!(record.stages_ns[0], Some(residual + way), "{record:?}");
        assert_eq!(record.stages_ns[1], Some(way), "{record:?}");
        let command = if centralized { hop } else { 2 * hop };
        let rest = [1_000_000, 2_000_000, 0, command, 3_000_000].map(Some);
        assert_eq!(record.stages_ns[2..7], rest, "{record:?}");
    }
}

/// P11 and P14: where no status is pushed, the KM's alarm declares the fault, and the record has all its stages.
#[test]
fn a_fault_that_a_key_manager_finds_has_its_record() {
    for configuration in ["gwn-dd", "gwn-cd", "gwn-cc", "iwn-dd", "iwn-cd", "iwn-cc"] {
        let file = format!("scenarios/clause8/{configuration}.json:relay-failure");
        let plan = Arc::new(compile(&load(&file, &[]).expect("valid").document));
        let outcome = simulate(&plan, 0, WATCHED);
        let alarm = lines(&outcome.trace).find(|line| line["message"] == "relay failure alarm");
        let alarm = alarm.expect("an alarm")["t_ns"].as_u64().expect("a time");
        let at = plan.faults.values().next().expect("a fault").at.0;
        let first = outcome
            .reroutes
            .iter()
            .filter_map(|record| record.stages_ns[0])
            .min();
        assert_eq!(first, Some(alarm - at), "{configuration}: the alarm declares it");
        let whole = outcome
            .reroutes
            .iter()
            .filter(|record| record.control_plane_ns().is_some());
        assert_eq!(whole.count(), 2, "{configuration}: {:?}", outcome.reroutes);
    }
}

/// A border node is lost, and its controller with it. The source, unanswered, begins anew over the other border and is
/// served: that is its way to flow again, in the record from the time-out on. What the controller says of the fault when it
/// is back, 20 s later, is no stage of anything.
#[test]
fn what_a_controller_says_when_it_is_back_is_no_stage() {
    let loaded = load("scenarios/faults.json:border-node-loss", &[]).expect("a valid scenario");
    let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, WATCHED);
    let d1 = outcome.reroutes.iter().find(|record| record.session == "d1");
    let d1 = d1.expect("one record per session");
    // The source asks nobody but the KM that is lost: no controller analyses, computes or agrees.
    let [
        detection,
        report,
        analysis,
        computation,
        coordination,
        command,
        ..,
    ] = d1.stages_ns;
    assert_eq!(detection, Some(10_000_000), "{d1:?}");
    assert!(report.is_some_and(|until_anew| until_anew > SECOND / 2), "{d1:?}");
    assert_eq!(
        [analysis, computation, coordination, command],
        [Some(0); 4],
        "{d1:?}"
    );
    let totals = outcome.reroutes.iter().map(|record| {
        let total = record.total_ns();
        total.unwrap_or_else(|| panic!("keys flow again: {record:?}"))
    });
    for total in totals {
        assert!(total < SECOND, "{:?}", outcome.reroutes);
    }
}

/// Faults of one id are measured together, whichever come in a replication; what they did to all is of the network.
#[test]
fn stages_are_metrics_by_fault_demand_and_network() {
    let loaded = load("scenarios/faults.json:at-random", &[]).expect("valid");
    let plan = Arc::new(compile(&loaded.document));
    let rows = |replication| {
        let outcome = simulate(&plan, replication, Options::default());
        let rows: Vec<(String, String)> = (outcome.metrics.iter())
            .map(|metric| (metric.name.to_owned(), metric.scope.clone()))
            .collect();
        (rows, outcome)
    };
    let (first, outcome) = rows(0);
    assert_eq!(first, rows(1).0, "the same rows in every replication");
    let scopes: BTreeSet<&str> = first.iter().map(|(_, scope)| scope.as_str()).collect();
    assert!(
        scopes.iter().any(|scope| scope.starts_with("fault:")),
        "{scopes:?}"
    );
    assert!(
        scopes
            .iter()
            .all(|scope| !scope.contains('/') || !scope.starts_with("fault:")),
        "{scopes:?}"
    );
    let count = |scope: &str| -> u64 {
        let of_scope = outcome
            .metrics
            .iter()
            .filter(|metric| metric.name == "reroutes" && metric.scope.starts_with(scope));
        of_scope.filter_map(|metric| metric.value).sum::<f64>() as u64
    };
    assert_eq!(count("network"), count("demand:"));
    assert_eq!(count("network"), count("fault:"));
    assert!(count("network") > 0);
}

/// Heartbeats are counted where they are on: as many as senders, listeners and periods make, none from what is down.
#[test]
fn heartbeats_are_counted_and_nothing_else_changes() {
    let run = |heartbeat| {
        let recovery = Recovery {
            heartbeat,
            ..Recovery::default()
        };
        let setting = Setting {
            faults: Vec::new(),
            ..idle(4 * SECOND, false, Span::ZERO, recovery)
        };
        simulate(&plan(&setting), 0, Options::default())
    };
    let beats = Heartbeat {
        period: Span::from_millis(250),
        misses: 3,
        phase: Some(Span::ZERO),
    };
    let (with, without) = (run(Some(beats)), run(None));
    // Seven links, of which one crosses: 14 modules send along them, 14 to their KMs; 14 directed hops of KMs, and the
    // same of controllers, which stand at every node. The counting time is 10 s less the time-out of 5 s.
    let periods = 20;
    let expected = f64::from((14 + 14 + 14 + 14) * periods);
    assert_eq!(
        metric(&with, "heartbeat_messages", "network").value,
        Some(expected)
    );
    assert_eq!(
        metric(&with, "heartbeat_bytes", "network").value,
        Some(64.0 * expected)
    );
    let of_qkdns =
        ["qkdn:A", "qkdn:B"].map(|scope| metric(&with, "heartbeat_messages", scope).value.expect("a count"));
    assert_eq!(of_qkdns.map(|value| value as u64), [expected as u64 / 2; 2]);
    let others: Vec<&Measured> = (with.metrics.iter())
        .filter(|metric| !metric.name.starts_with("heartbeat_"))
        .collect();
    assert_eq!(others, without.metrics.iter().collect::<Vec<_>>());
}

/// A cut finds the same heartbeats in every variant of a border: what differs in detection is the length of the link alone.
#[test]
fn variants_of_a_border_are_paired_in_detection() {
    use qkdni::interworking::layout::Which;
    let loaded = load("results/rerouting/scenario.json:dd+hops-1+border", &[]).expect("valid");
    let detection = |which, replication| {
        let plan = Arc::new(compile(&qkdni::scenario::derive(&loaded.document, which)));
        let outcome = simulate(&plan, replication, Options::default());
        outcome.reroutes[0].stages_ns[0].expect("declared")
    };
    let mut seen = BTreeSet::new();
    for replication in 0..4 {
        let [whole, half, site] = [Which::G0, Which::G1, Which::I].map(|which| detection(which, replication));
        assert_eq!(half, site, "{replication}");
        assert_eq!(whole - half, 40_000 * LIGHT_NS_PER_M, "{replication}");
        seen.insert(half);
    }
    assert_eq!(seen.len(), 4, "other phases in each replication");
}
