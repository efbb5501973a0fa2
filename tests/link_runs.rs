//! Links in whole runs: the key that comes out is the model's, alarms come as often as the binomial says, states and
//! performance are told over Cq and Mq, and both ends' skew is waited for.

mod common_links;

use std::sync::Arc;

use common_links::holds;
use qkdni::architecture::message::LinkState::{self, Active, Off, Passive, Pending};
use qkdni::architecture::message::{ControlMessage, LinkPerformance, ManagementMessage};
use qkdni::architecture::{Address, Envelope, Message, Observation};
use qkdni::ids::{FaultId, LinkId};
use qkdni::kernel::Time;
use qkdni::network::plan::Plan;
use qkdni::network::world::World;
use qkdni::network::{Options, simulate};
use qkdni::observe::Observer;
use qkdni::observe::outcome::Outcome;
use qkdni::quantum::models::{Channel, Evaluation};
use qkdni::scenario;
use serde_json::{Value, json};
use statrs::distribution::{Binomial, DiscreteCDF};

const MODEL: &str = "decoy_bb84_vacuum_weak";

/// One link of 25 km, a1 to a2, all of whose key is a1's to send, and a demand over it; the rest is scenery.
fn plan(change: impl FnOnce(&mut Value)) -> Arc<Plan> {
    let scenery = json!({ "fixed_rate": { "rate": "1 kbit/s" } });
    let mut document = json!({
        "name": "one-link",
        "run": { "warm_up": "0 s", "duration": "100 s", "seed": 1, "replications": 1 },
        "qkdns": [
            { "id": "A", "nodes": [{ "id": "a1" }, { "id": "a2" }], "links": [{
                "id": "link", "between": ["a1", "a2"], "length": "25 km", "model": { MODEL: {} },
                "generation": {}, "store": { "initial": "0 bit", "capacity": "1 Gbit", "lane_share": 1 } }] },
            { "id": "B", "nodes": [{ "id": "b1" }, { "id": "b2" }], "links": [{
                "id": "link", "between": ["b1", "b2"], "length": "1 km", "model": scenery }] }
        ],
        "boundaries": [{ "id": "border", "between": ["A/a2", "B/b1"], "duct": { "length": "1 km" },
            "kind": { "gwn": { "link": { "model": scenery } } } }],
        "demands": [{ "id": "d", "between": ["A/a1", "A/a2"], "arrivals": { "poisson": { "rate": "0.1 /s" } },
            "key": "256 bit", "timeout": "10 s" }]
    });
    change(&mut document);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenario.json");
    std::fs::write(&path, document.to_string()).expect("writable");
    let loaded = scenario::load(&path.to_string_lossy(), &[]).unwrap_or_else(|findings| panic!("{findings}"));
    Arc::new(scenario::compile(&loaded.document))
}

fn link(document: &mut Value) -> &mut Value {
    &mut document["qkdns"][0]["links"][0]
}

fn evaluation(parameters: &str) -> Evaluation {
    let model = scenario::link_model(MODEL, parameters).expect("valid");
    model.evaluate(&Channel::quiet(25_000.0, 5.0))
}

fn run(plan: &Arc<Plan>) -> Outcome {
    let options = Options {
        trace: false,
        audit: true,
    };
    let outcome = simulate(plan, 0, options);
    assert!(
        outcome.audit.iter().all(|check| check.passed),
        "{:?}",
        outcome.audit
    );
    outcome
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let mut found = outcome.metrics.iter();
    let found = found.find(|metric| metric.name == name && metric.scope == "demand:d");
    found.and_then(|metric| metric.value).expect("measured")
}

/// A link at the end of its reach: few sifted bits, so long blocks; no key is lost to thresholds or to whole bits.
#[test]
fn a_weak_link_makes_what_its_model_says() {
    let model = scenario::link_model("decoy_bb84_asymptotic", r#"{"preset": "gys"}"#).expect("valid");
    let rate = model.evaluate(&Channel::quiet(138_095.0, 29.0)).rate_bps;
    assert!(rate > 0.5 && rate < 100.0, "{rate} bit/s");
    let plan = plan(|document| {
        document["run"]["duration"] = json!("1000010 s");
        link(document)["model"] = json!({ "decoy_bb84_asymptotic": { "preset": "gys" } });
        link(document)["length"] = json!("138095 m");
        link(document)["loss"] = json!("29 dB");
        document["demands"][0]["key"] = json!(format!("{} bit", (rate * 100.0) as u64));
        document["demands"][0]["arrivals"] = json!({ "periodic": { "period": "20 s" } });
    });
    let outcome = run(&plan);
    let found = metric(&outcome, "throughput_bps");
    assert!((found / rate - 1.0).abs() < 0.01, "{found} bit/s of {rate}");
}

/// More is asked for than the link makes; a tenth of its blocks is lost. What is delivered is nine tenths of the model's
/// rate.
#[test]
fn key_delivered_per_second_is_the_models_rate() {
    let lost = 0.1_f64;
    let rate = evaluation(r#"{"clock": "1 MHz"}"#).rate_bps;
    let (seconds, key_bits) = (30_000.0, (rate / 4.0) as u64);
    let plan = plan(|document| {
        document["run"]["duration"] = json!("30010 s");
        link(document)["model"] = json!({ MODEL: { "clock": "1 MHz" } });
        link(document)["generation"] = json!({ "frame_error": lost });
        document["demands"][0]["key"] = json!(format!("{key_bits} bit"));
        document["demands"][0]["arrivals"] = json!({ "poisson": { "rate": "6 /s" } });
    });
    let outcome = run(&plan);
    assert!(
        metric(&outcome, "served_share") < 0.8,
        "more is asked for than there is"
    );
    // Blocks of a second, each kept or lost by itself.
    let deviation = rate * (lost * (1.0 - lost) / seconds).sqrt();
    holds(metric(&outcome, "throughput_bps"), rate * (1.0 - lost), deviation);
}

/// What the modules say of the link, as the controller and the manager are told by either end.
#[derive(Default)]
struct Told {
    /// Alarms at the manager, by end.
    alarms: [u64; 2],
    /// Reports: when, from which end, over Cq.
    reports: Vec<(Time, usize, LinkPerformance)>,
    over_mq: usize,
}

impl Observer for Told {
    fn sent(&mut self, now: Time, envelope: &Envelope, _: bool) {
        let end = |link: LinkId| usize::from(envelope.from == Address::module(link, 1));
        match &envelope.message {
            Message::Management(ManagementMessage::LinkAlarm {
                link, cause: Some(_), ..
            }) if envelope.from == Address::module(*link, 0)
                || envelope.from == Address::module(*link, 1) =>
            {
                self.alarms[end(*link)] += 1;
            }
            Message::Management(ManagementMessage::LinkReport { .. }) => self.over_mq += 1,
            Message::Control(ControlMessage::LinkReport {
                link, performance, ..
            }) => {
                self.reports.push((now, end(*link), *performance));
            }
            _ => {}
        }
    }
    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}
    fn observed(&mut self, _: Time, _: Address, _: &Observation) {}
    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}

fn told(plan: &Arc<Plan>) -> Told {
    let mut told = Told::default();
    World::new(Arc::clone(plan), 0, Watch(&mut told)).run();
    told
}

/// An observer that is kept.
struct Watch<'a>(&'a mut Told);

impl Observer for Watch<'_> {
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        self.0.sent(now, envelope, internal);
    }
    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}
    fn observed(&mut self, _: Time, _: Address, _: &Observation) {}
    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}

/// An alarm is raised where a block over the threshold follows one below: with independent blocks that are over it with
/// probability p, p(1 − p) per block, whose number scatters with the variance p(1 − p)(1 − 3p(1 − p)) per block.
#[test]
fn alarms_come_as_often_as_the_binomial_says() {
    let parameters = r#"{"clock": "20 kHz"}"#;
    let (found, above, blocks) = (evaluation(parameters), 0.0135, 500_000.0);
    let period = found.rate_bps.floor() / found.rate_bps;
    let trials = (found.sifted_bps.unwrap() * period).round();
    let most = (above * trials).floor() as u64;
    let over = 1.0
        - Binomial::new(found.qber.unwrap(), trials as u64)
            .unwrap()
            .cdf(most);
    let plan = plan(|document| {
        document["run"]["duration"] = json!(format!("{} s", (blocks * period) as u64));
        link(document)["model"] = json!({ MODEL: { "clock": "20 kHz" } });
        link(document)["generation"] = json!({ "abort_above": above, "block_sifted": 1 });
        document["demands"][0]["arrivals"] = json!({ "poisson": { "rate": "0.001 /s" } });
        document["demands"][0]["key"] = json!("1 bit");
    });
    let told = told(&plan);
    assert_eq!(told.alarms[0], told.alarms[1], "both ends see the same blocks");
    let turns = over * (1.0 - over);
    let deviation = (turns * (1.0 - 3.0 * turns) * blocks).sqrt();
    holds(told.alarms[0] as f64, turns * blocks, deviation);
}

/// The first request waits for the first block of a second. Whichever end has its key later is waited for: the sending
/// end allocates nothing that the other cannot use yet, and at the end of the run both have the same (audit).
#[test]
fn the_later_end_is_waited_for() {
    let delay = |first: &str, second: &str| {
        let plan = plan(|document| {
            link(document)["generation"] = json!({ "skew_first": first, "skew_second": second });
            document["demands"][0]["arrivals"] = json!({ "poisson": { "rate": "10 /s" } });
        });
        let outcome = run(&plan);
        let first = outcome.requests.iter().min_by_key(|request| request.number);
        let first = first.expect("ten a second were asked for");
        assert_eq!((first.number, first.failure), (0, None));
        first.ended_ns
    };
    let even = delay("0 s", "0 s");
    for (first, second) in [("3 s", "0 s"), ("0 s", "3 s"), ("3 s", "3 s")] {
        let later = delay(first, second) - even;
        assert!(
            later.abs_diff(3_000_000_000) < 10_000_000,
            "{first} {second}: {later} ns"
        );
    }
}

/// Cut, repaired, first block: passive while key is left, pending, active; between them reports at equal distance, with
/// the last block's rate. The trace says so too, over Cq and Mq.
#[test]
fn states_are_told_as_they_change_and_performance_with_a_period() {
    let plan = plan(|document| {
        link(document)["generation"] = json!({ "report_every": "10 s", "resynchronisation": "14 s" });
        document["faults"] = json!([{ "id": "cut", "at": "32 s", "repair_after": "20 s",
            "fault": { "duct_cut": { "duct": "A/link", "position": "1 km" } } }]);
    });
    let told = told(&plan);
    assert_eq!(told.reports.len(), told.over_mq);
    let of_one: Vec<(u64, LinkState, bool)> = (told.reports.iter())
        .filter(|report| report.1 == 0)
        // To the nearest second: detection takes 10 ms, and a block of whole bits ends a little before its second.
        .map(|(at, _, performance)| {
            let second = (at.0 + 500_000_000) / 1_000_000_000;
            (second, performance.state, performance.skr_bps > 0)
        })
        .collect();
    let expected = [
        (10, Active, true),
        (20, Active, true),
        (30, Active, true),
        (32, Passive, false),
        (40, Passive, false),
        (50, Passive, false),
        (52, Pending, false),
        // It resynchronises: what it did before the cut is not told again.
        (60, Pending, false),
        (67, Active, true),
        (70, Active, true),
        (80, Active, true),
        (90, Active, true),
        (100, Active, true),
    ];
    assert!(of_one == expected, "{of_one:?}");
    let traced = traced(&plan);
    for point in ["Cq", "Mq"] {
        let lines = traced.iter().filter(|line| line["reference_point"] == point);
        let of_one = lines.filter(|line| line["from"] == "QKD module A/link at A/a1");
        let states: Vec<&str> = of_one.filter_map(|line| line["link"]["state"].as_str()).collect();
        let expected: Vec<&str> = expected.iter().map(|(_, state, _)| state.name()).collect();
        assert_eq!(states, expected, "{point}");
    }
    let rate = evaluation("{}").rate_bps;
    for (_, _, performance) in told.reports.iter().filter(|report| report.2.state == Active) {
        assert!(
            (performance.skr_bps as f64 / rate - 1.0).abs() < 1e-3,
            "{performance:?}"
        );
        assert_eq!(performance.expected_skr_bps, performance.skr_bps);
        assert!(
            performance
                .qber_ppm
                .is_some_and(|qber| qber > 5_000 && qber < 20_000)
        );
    }
}

/// While a block is being processed, the one before is the last that is known, whatever happens to the link meanwhile.
#[test]
fn a_report_between_acquisition_and_key_tells_of_the_block_before() {
    let plan = plan(|document| {
        link(document)["generation"] = json!({ "report_every": "10 s", "post_processing": "900 ms" });
        document["faults"] = json!([{ "id": "eve", "at": "29.9 s", "repair_after": "20 ms",
            "fault": { "eavesdropper": { "link": "A/link", "share": 0.001 } } }]);
    });
    let told = told(&plan);
    let (_, _, report) = (told.reports.iter())
        .find(|(at, end, _)| *end == 0 && *at == Time(30_000_000_000))
        .expect("a report is due");
    assert_eq!(report.state, Active);
    assert!(report.skr_bps > 0 && report.qber_ppm.is_some(), "{report:?}");
}

/// Intercepting and resending adds two shot-noise units to what a CV link sees: it makes no key and says so.
#[test]
fn a_cv_link_notices_an_eavesdropper() {
    let plan = plan(|document| {
        link(document)["model"] = json!({ "cv_gg02_homodyne_RR": { "clock": "1 MHz" } });
        link(document)["generation"] = json!({ "report_every": "10 s" });
        document["faults"] = json!([{ "id": "eve", "at": "31.5 s", "repair_after": "20 s",
            "fault": { "eavesdropper": { "link": "A/link", "share": 1 } } }]);
    });
    let told = told(&plan);
    let state = |second: u64| {
        let mut reports = told.reports.iter().filter(|report| report.1 == 0);
        let report = reports.find(|report| report.0 == Time(second * 1_000_000_000));
        report.expect("a report is due").2.state
    };
    assert_eq!([30, 40, 50, 60].map(state), [Active, Pending, Pending, Active]);
}

/// The errors that sending or not brings with it are no reason to throw blocks away.
#[test]
fn a_twin_field_link_keeps_its_blocks() {
    let model = json!({ "eps": 0.12, "mu": 0.3, "e_a": 0.01, "f": 1.0, "clock": "1 MHz" });
    let expected = {
        let model = scenario::link_model("sns_tfqkd_asymptotic_fixed", &model.to_string()).expect("valid");
        let found = model.evaluate(&Channel::quiet(25_000.0, 5.0));
        assert!(found.observed.or(found.qber).is_some_and(|errors| errors > 0.11));
        found.rate_bps
    };
    let plan = plan(|document| {
        link(document)["model"] = json!({ "sns_tfqkd_asymptotic_fixed": model });
        link(document)["generation"] = json!({ "report_every": "10 s" });
    });
    let told = told(&plan);
    let last = told.reports.last().expect("reports").2;
    assert!((last.skr_bps as f64 / expected - 1.0).abs() < 0.01, "{last:?}");
}

/// Key for the authentication of Qx is counted block by block, in the counting time.
#[test]
fn authentication_of_qx_is_measured() {
    let plan = plan(|document| {
        link(document)["model"] = json!({ "cv_gg02_homodyne_RR": { "clock": "1 MHz" } });
        link(document)["generation"] = json!({ "authentication": "100 bit", "start_key": "10 kbit" });
    });
    let outcome = run(&plan);
    for scope in ["network", "link:A/link"] {
        let mut found = outcome.metrics.iter();
        let found = found.find(|metric| metric.name == "qx_authentication_bits" && metric.scope == scope);
        // Ninety seconds, a block a second.
        let bits = found.and_then(|metric| metric.value).expect("measured");
        assert!(
            (8_900.0..=9_100.0).contains(&bits) && bits % 100.0 == 0.0,
            "{scope}: {bits}"
        );
    }
}

/// The lines of the trace that tell of links.
fn traced(plan: &Arc<Plan>) -> Vec<Value> {
    let options = Options {
        trace: true,
        audit: true,
    };
    let text = String::from_utf8(simulate(plan, 0, options).trace).expect("UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    lines.filter(|line: &Value| !line["link"].is_null()).collect()
}

/// A link that is cut and whose key is used up is off: neither generating, nor anything left.
#[test]
fn a_cut_link_without_key_is_off() {
    let plan = plan(|document| {
        link(document)["generation"] = json!({ "report_every": "10 s" });
        // All that a second makes is taken at once.
        let all = evaluation("{}").rate_bps as u64;
        document["demands"][0]["key"] = json!(format!("{all} bit"));
        document["demands"][0]["arrivals"] = json!({ "poisson": { "rate": "5 /s" } });
        document["faults"] = json!([{ "id": "cut", "at": "32 s",
            "fault": { "duct_cut": { "duct": "A/link", "position": "1 km" } } }]);
    });
    let states: Vec<LinkState> = (told(&plan).reports.iter())
        .filter(|report| report.1 == 0 && report.0 > Time(33_000_000_000))
        .map(|report| report.2.state)
        .collect();
    assert!(
        states.len() >= 5 && states.iter().all(|state| *state == Off),
        "{states:?}"
    );
}

/// Shows P10 step 2: a module that is polled answers with state, rate and error rate (fields after ETSI GS QKD 015), and a
/// link whose blocks are all alike answers too.
#[test]
fn a_polled_module_answers_with_state_and_performance() {
    let plan = plan(|document| document["protocol"] = json!({ "polling": "5 s" }));
    let rate = evaluation("{}").rate_bps;
    let (mut physical, mut steady) = (0, 0);
    for line in traced(&plan) {
        assert_eq!(
            [
                &line["procedure"],
                &line["step"],
                &line["message"],
                &line["reference_point"]
            ],
            ["P10", "2", "status", "Cq"]
        );
        let told = &line["link"];
        assert_eq!(told["state"], "ACTIVE");
        assert_eq!(told["skr_bps"], told["expected_skr_bps"]);
        let skr = told["skr_bps"].as_f64().expect("a number");
        if line["from"].as_str().is_some_and(|from| from.contains("A/link")) {
            assert!((skr / rate - 1.0).abs() < 1e-3, "{told}");
            assert!(
                told["qber_ppm"].as_u64().is_some_and(|qber| qber > 5_000),
                "{told}"
            );
            physical += 1;
        } else {
            assert!(
                (skr - 1_000.0).abs() < 1.0 && told["qber_ppm"].is_null(),
                "{told}"
            );
            steady += 1;
        }
    }
    assert!(physical >= 36 && steady >= 2 * 36, "{physical} {steady}");
}

/// A full store stops its link by order of the controller: passive until what is taken from it lets it start.
#[test]
fn a_link_that_is_ordered_to_stop_is_passive() {
    let plan = plan(|document| {
        let capacity = (evaluation("{}").rate_bps * 10.0) as u64;
        link(document)["store"]["capacity"] = json!(format!("{capacity} bit"));
        document["protocol"] =
            json!({ "polling": "2 s", "generation_control": { "stop_at": "50 %", "start_at": "10 %" } });
        document["demands"][0]["key"] = json!(format!("{} bit", capacity / 50));
        document["demands"][0]["arrivals"] = json!({ "poisson": { "rate": "3 /s" } });
    });
    let states: Vec<LinkState> = (told(&plan).reports.iter())
        .filter(|report| report.1 == 0)
        .map(|report| report.2.state)
        .collect();
    assert!(states.len() >= 6, "{states:?}");
    for (number, state) in states.iter().enumerate() {
        assert_eq!(*state, [Passive, Pending, Active][number % 3], "{states:?}");
    }
}
