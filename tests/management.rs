//! Status that is asked for, fault management that decides, and states of sessions that are so (P10, P11, P13, P14; FE-3,
//! FE-4, FE-7).

use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load};
use serde_json::Value;

const SECOND: u64 = 1_000_000_000;

/// Runs a scenario with settings, traced, and holds it to the auditor.
fn run(file: &str, sets: &[&str]) -> Outcome {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = load(&format!("scenarios/{file}"), &sets).unwrap_or_else(|wrong| panic!("{wrong}"));
    let options = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, options);
    for check in &outcome.audit {
        assert!(check.passed, "{file}: {}: {}", check.check, check.detail);
    }
    outcome
}

fn lines(text: &[u8]) -> Vec<Value> {
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
        .collect()
}

/// Shows P11 and P14 steps 2 and 6: what managers tell each other is a step of the procedure of the border between them,
/// whatever borders else a session crosses; that reports are packed and shared is the text's with gateway nodes only.
#[test]
fn what_crosses_mxi_is_of_the_procedure_of_its_border() {
    let loaded = load("tests/data/found/borders-of-both-kinds.json", &[]).expect("a valid scenario");
    let options = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, options);
    let mut seen = std::collections::BTreeSet::new();
    for line in lines(&outcome.trace) {
        let [from, to] = ["from", "to"].map(|end| line[end].as_str().unwrap_or_default().to_owned());
        let (Some(from), Some(to)) = (from.strip_prefix("manager "), to.strip_prefix("manager ")) else {
            continue;
        };
        if from == to || !["2", "6"].contains(&line["step"].as_str().unwrap_or_default()) {
            continue;
        }
        // A and B, C and D are joined by gateway nodes, B and C by an interworking node.
        let transfer = [from, to].iter().all(|name| ["B", "C"].contains(name));
        assert_eq!(line["procedure"], if transfer { "P14" } else { "P11" }, "{line}");
        let packed = line["step"] == "6";
        // That the end of a failure is told too is ours.
        let ours = line["message"] == "relay failure over" || (transfer && packed);
        let provenance = if ours { "inferred" } else { "text" };
        assert_eq!(line["provenance"], provenance, "{line}");
        seen.insert((transfer, packed));
    }
    assert!(
        seen.contains(&(true, false)) && seen.contains(&(false, false)),
        "{seen:?}"
    );
}

fn at(line: &Value) -> u64 {
    line["t_ns"].as_u64().expect("a time")
}

/// What a field of each line says, where it has it.
fn said<'a>(lines: &'a [Value], field: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line[field].as_str()).collect()
}

/// The states of a session at one controller, with their instants.
fn states(outcome: &Outcome, session: &str, controller: &str) -> Vec<(u64, &'static str)> {
    let own = outcome.sessions.iter();
    own.filter(|record| record.session == session && record.controller == controller)
        .map(|record| (record.t_ns, record.state))
        .collect()
}

const EAVESDROPPER: &str = r#"faults=[
    {"id": "f1", "fault": {"eavesdropper": {"link": "A/a1-a3"}}, "at": "20 s", "repair_after": "30 s"},
    {"id": "f2", "fault": {"duct_cut": {"duct": "A/a1-a2", "position": "5 km"}}, "at": "35 s", "repair_after": "20 s"}
]"#;

/// Shows P10 step 2: who is asked tells state, rate, errors and levels. A link whose blocks are all thrown away is PENDING and
/// makes no key, so no session is put onto it.
#[test]
fn p10_a_link_that_throws_its_blocks_away_does_not_answer_that_it_makes_key() {
    let outcome = run(
        "clause8/gwn-dd.json",
        &[
            r#"qkdns.A.links.a1-a3.model={"fixed_rate": null, "decoy_bb84_asymptotic": {"preset": "modern"}}"#,
            "protocol.polling=5 s",
            EAVESDROPPER,
        ],
    );
    let all = lines(&outcome.trace);
    let answers: Vec<&Value> = all
        .iter()
        .filter(|line| line["message"] == "status" && line["step"] == "2")
        .filter(|line| line["from"].as_str().is_some_and(|from| from.contains("a1-a3")))
        .collect();
    let (attacked, quiet): (Vec<&Value>, Vec<&Value>) = answers
        .iter()
        .partition(|line| (25 * SECOND..50 * SECOND).contains(&at(line)));
    assert!(attacked.len() >= 8, "{answers:?}");
    for line in attacked {
        assert_eq!(line["link"]["state"], "PENDING", "{line}");
        assert!(line["link"]["qber_ppm"].as_u64() > Some(110_000), "{line}");
        assert_eq!(line["fault"], "f1", "{line}");
    }
    for line in quiet.iter().filter(|line| at(line) < 20 * SECOND) {
        assert_eq!(line["link"]["state"], "ACTIVE", "{line}");
        assert!(line["link"]["skr_bps"].as_u64() > Some(0), "{line}");
    }
    // Levels of KMs come with the same step.
    let of_km = |line: &&Value| line["from"].as_str().is_some_and(|from| from.starts_with("KMA"));
    assert!(
        all.iter()
            .filter(|line| line["step"] == "2" && line["message"] == "status")
            .any(|line| of_km(&line))
    );
    let onto_it: Vec<Value> = lines(&outcome.decisions)
        .into_iter()
        .filter(|line| line["decision"] == "reroute" && (21 * SECOND..50 * SECOND).contains(&at(line)))
        .filter(|line| {
            let none = Vec::new();
            let candidates = line["candidates"].as_array().unwrap_or(&none);
            let taken = candidates.iter().filter(|it| it["chosen"] == true);
            taken.into_iter().any(|it| it.to_string().contains("A/a1 → A/a3"))
        })
        .collect();
    assert!(onto_it.is_empty(), "{onto_it:?}");
}

/// Shows P10 and P13 step 4: a link makes key for both its directions, so it is stopped by one controller and where both are full.
/// Here hardly anything goes from B to A; what goes from A to B is served all the same.
#[test]
fn p10_a_link_is_not_stopped_for_the_direction_that_nobody_uses() {
    for configuration in ["iwn-dd", "gwn-dd", "gwn-cc"] {
        let outcome = run(
            &format!("clause8/{configuration}.json"),
            &[
                "protocol.polling=2 s",
                r#"protocol.generation_control={"stop_at": "30 %", "start_at": "10 %"}"#,
                "demands.b-to-a.arrivals.periodic.period=10 s",
            ],
        );
        let asked = outcome
            .requests
            .iter()
            .filter(|request| request.demand == "a-to-b" && request.sent_ns > 5 * SECOND);
        assert!(asked.clone().count() >= 590, "{configuration}");
        let failed = asked.filter(|request| request.failure.is_some()).count();
        assert_eq!(failed, 0, "{configuration}");
        // Orders to a link take turns, and come from one controller.
        let all = lines(&outcome.trace);
        let mut ordered = std::collections::BTreeMap::<&str, Vec<(&str, &str)>>::new();
        for line in all.iter().filter(|line| line["step"] == "4") {
            let [from, to, order] = ["from", "to", "message"].map(|field| line[field].as_str());
            let Some((link, "stop generating" | "generate")) = to
                .and_then(|to| to.strip_prefix("QKD module "))
                .and_then(|module| module.split(" at ").next())
                .zip(order)
            else {
                continue;
            };
            let what = (from.expect("a sender"), order.expect("an order"));
            ordered.entry(link).or_default().push(what);
        }
        let count = |order| {
            ordered
                .values()
                .flatten()
                .filter(|(_, told)| *told == order)
                .count()
        };
        assert!(
            count("generate") > 0 && count("stop generating") > 0,
            "{ordered:?}"
        );
        for (link, orders) in &ordered {
            for (number, (from, order)) in orders.iter().enumerate() {
                let expected = ["stop generating", "generate"][number % 2];
                assert_eq!(
                    (*from, *order),
                    (orders[0].0, expected),
                    "{configuration} {link}: {orders:?}"
                );
            }
        }
    }
}

/// Shows P10 step 3: every round of polling is shared once, whoever is silent; with all that answer at once, else as soon as it is
/// known who cannot be asked, or at half of the period.
#[test]
fn p10_every_round_of_polling_is_shared_once() {
    let outage = r#"faults=[{"id": "k", "fault": {"group": {"of": [
        {"km_outage": {"node": "A/a3"}}, {"km_outage": {"node": "A/a2"}}]}}, "at": "20 s", "repair_after": "7 s"}]"#;
    for (polling, seconds) in [("3 s", 3), ("1 s", 1)] {
        let polling = format!("protocol.polling={polling}");
        let outcome = run(
            "clause8/gwn-cc.json",
            &[
                &polling,
                outage,
                "run.duration=40 s",
                "demands.a-to-b.timeout=2 s",
            ],
        );
        let all = lines(&outcome.trace);
        for controller in ["controller A", "controller B"] {
            let of = all.iter().filter(|line| line["from"] == controller);
            let shared: Vec<u64> = of
                .filter(|line| line["message"] == "border status" && line["attempt"].is_null())
                .map(at)
                .collect();
            let period = seconds * SECOND;
            let rounds: Vec<u64> = shared.iter().map(|at| at / period).collect();
            let last = *rounds.last().expect("it is shared");
            assert_eq!(
                rounds,
                (1..=last).collect::<Vec<u64>>(),
                "{controller} {polling}: {shared:?}"
            );
            assert!(last >= 40 / seconds);
            for when in shared {
                assert!(when % period <= period / 2, "{controller} {polling}: {when}");
            }
        }
    }
}

/// Shows P10 and P13 with polling alone: the poll that finds the fault declares it, and names it to the end of the reroute.
/// Closed form: detection = residual period + way there, and the record ends with the last new route.
#[test]
fn p10_a_poll_that_finds_a_fault_names_it() {
    for file in ["clause8/gwn-dd.json:cut", "clause8/iwn-cc.json:cut"] {
        let sets = ["protocol.polling=3 s", "protocol.status_reports=false"];
        let outcome = run(file, &sets);
        let all = lines(&outcome.trace);
        let begins = outcome.reroutes.iter().find(|record| record.fault == "f1");
        let record = begins.unwrap_or_else(|| panic!("{file}: {:?}", outcome.reroutes));
        // The fault is at 20 s, the next poll at 21 s.
        let answer = all
            .iter()
            .find(|line| line["message"] == "status" && line["fault"] == "f1")
            .expect("a module tells of it");
        assert!(
            (21 * SECOND..21 * SECOND + 5_000_000).contains(&at(answer)),
            "{file}: {answer}"
        );
        assert_eq!(record.stages_ns[0], Some(at(answer) - 20 * SECOND), "{file}");
        assert!(record.control_plane_ns().is_some(), "{file}: {record:?}");
        let decided = lines(&outcome.decisions);
        let analysed = decided
            .iter()
            .find(|line| line["decision"] == "analyse")
            .expect("one is");
        assert_eq!(analysed["fault"], "f1", "{file}: {analysed}");
    }
}

/// Shows FE-7, P11 and P14 step 4a: where no other border works the session is suspended, and restored by the KM's word that key
/// goes over the hop again. It stays suspended meanwhile: every note of step 6 says that nothing is to be done.
#[test]
fn p11_a_session_without_another_way_is_suspended_and_restored() {
    let fault = r#"faults=[{"id": "f1", "fault": {"duct_cut": {"duct": "border", "position": "10 km"}}, "at": "15 s", "repair_after": "30 s"}]"#;
    for configuration in ["gwn-dd", "gwn-cd", "gwn-cc"] {
        let file = format!("clause8/{configuration}.json");
        let outcome = run(&file, &["protocol.status_reports=false", fault]);
        let all = lines(&outcome.trace);
        let decisions: Vec<&Value> = all
            .iter()
            .filter(|line| line["step"] == "4a" && line["procedure"] == "P11")
            .collect();
        let of = |session: &str, manager: &str| -> Vec<&str> {
            let own = decisions.iter().filter(|line| line["session"] == session);
            let own = own.filter(|line| line["from"] == manager);
            own.filter_map(|line| line["message"].as_str()).collect()
        };
        for line in &decisions {
            assert_eq!(line["fault"], "f1", "{file}: {line}");
        }
        for (session, here, there) in [
            ("a-to-b", "manager A", "manager B"),
            ("b-to-a", "manager B", "manager A"),
        ] {
            let suspended_and_restored = ["decision: suspend", "decision: restore"];
            assert_eq!(of(session, here), suspended_and_restored, "{file} {session}");
            // The other side, which stood by, is told of the end over Mxi.
            let stood_by = ["decision: stand by", "decision: restore"];
            assert_eq!(of(session, there), stood_by, "{file} {session}");
            let shared = all
                .iter()
                .filter(|line| line["session"] == session && line["step"] == "2");
            let shared: Vec<&Value> = shared.filter(|line| line["reference_point"] == "Mxi").collect();
            let names: Vec<&str> = shared
                .iter()
                .filter_map(|line| line["message"].as_str())
                .collect();
            assert_eq!(names, ["relay failure", "relay failure over"], "{file} {session}");
            assert!(
                shared.iter().all(|line| line["fault"] == "f1"),
                "{file}: {shared:?}"
            );
            let suspended: Vec<&str> = outcome
                .sessions
                .iter()
                .filter(|record| record.session == session && record.state == "suspended")
                .map(|record| record.controller.as_str())
                .collect();
            let controllers: Vec<&str> = suspended.clone();
            assert!(!controllers.is_empty(), "{file}: {:?}", outcome.sessions);
            for controller in controllers {
                let told = states(&outcome, session, controller);
                let names: Vec<&str> = told.iter().map(|&(_, state)| state).collect();
                let end = names
                    .iter()
                    .position(|&state| state == "suspended")
                    .expect("it was found by it");
                assert_eq!(
                    names[end..],
                    ["suspended", "active", "closed"],
                    "{file} {session}: {told:?}"
                );
                assert!(
                    told[end].0 > 15 * SECOND && told[end + 1].0 >= 45 * SECOND,
                    "{told:?}"
                );
            }
        }
        // Each decision is followed by the controller's step 6.
        for decision in &decisions {
            let controller = &decision["to"];
            let notes = all.iter().filter(|line| {
                line["step"] == "6" && &line["from"] == controller && line["session"] == decision["session"]
            });
            assert!(
                notes.clone().any(|line| at(line) >= at(decision)),
                "{file}: {decision}"
            );
        }
    }
}

/// Shows P14 steps 4 and 4a: a relay that is given up on a lossy channel, over hops that make key, is no reason for another
/// path, and the controller says so at P13 step 6. Nobody is down: the requests' time runs out.
#[test]
fn p14_lost_messages_are_no_reason_to_reroute() {
    let outcome = run(
        "clause8/iwn-dd.json",
        &[
            r#"channels.key_management={"loss": 0.3}"#,
            "protocol.retransmission.retries=1",
            "protocol.retransmission.timeout=2 ms",
        ],
    );
    let all = lines(&outcome.trace);
    let count = |message: &str| {
        said(&all, "message")
            .iter()
            .filter(|said| **said == message)
            .count()
    };
    let alarms = count("relay failure alarm");
    assert!(alarms > 100, "{alarms}");
    assert_eq!(count("decision: keep the route"), alarms);
    assert_eq!(count("decision: reroute"), 0);
    let analysed = all
        .iter()
        .filter(|line| line["procedure"] == "P13" && line["step"] == "6")
        .count();
    assert!(analysed >= alarms, "{analysed} of {alarms}");
    let failed = outcome.requests.iter().filter_map(|request| request.failure);
    assert!(failed.clone().count() > 100);
    assert!(failed.into_iter().all(|cause| cause != "element_down"));
}

/// Shows FE-3: a session whose route is lost has failed, and none is active while no request of it can pass.
#[test]
fn fe3_a_session_without_a_route_is_not_active() {
    let outcome = run("faults.json:cxi-cut", &[]);
    let between = (31 * SECOND, 49 * SECOND);
    let sessions: Vec<&str> = {
        let mut all: Vec<&str> = outcome
            .sessions
            .iter()
            .map(|record| record.session.as_str())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut judged = 0;
    for session in sessions {
        let asked = outcome
            .requests
            .iter()
            .filter(|request| request.demand == session && (between.0..between.1).contains(&request.sent_ns));
        if asked.clone().count() == 0 || asked.clone().any(|request| request.failure.is_none()) {
            continue;
        }
        judged += 1;
        let mut controllers: Vec<&str> = outcome
            .sessions
            .iter()
            .filter(|record| record.session == session)
            .map(|record| record.controller.as_str())
            .collect();
        controllers.sort_unstable();
        controllers.dedup();
        let mut failed = false;
        for controller in controllers {
            let told = states(&outcome, session, controller);
            let then = told
                .iter()
                .rev()
                .find(|(when, _)| *when <= between.0)
                .map(|&(_, state)| state);
            assert!(then != Some("active"), "{session} at {controller}: {told:?}");
            failed |= then == Some("failed");
        }
        assert!(failed, "{session}: {:?}", outcome.sessions);
    }
    assert!(judged > 0);
}
