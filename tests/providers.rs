//! Two providers: policy, session states, accounting and settlement, reports (FE-3, FE-5, FE-6, FE-8 … FE-11, S4, S6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qkdni::network::{Options, simulate};
use qkdni::observe::accounting::Row;
use qkdni::observe::outcome::Outcome;
use qkdni::scenario::{compile, load};
use serde_json::Value;

fn run(file: &str, set: &[&str]) -> Outcome {
    let set: Vec<String> = set.iter().map(|&set| set.to_owned()).collect();
    let loaded = load(file, &set).expect("a valid scenario");
    let watched = Options {
        trace: true,
        audit: true,
    };
    let outcome = simulate(&Arc::new(compile(&loaded.document)), 0, watched);
    for check in &outcome.audit {
        assert!(check.passed, "{}: {}", check.check, check.detail);
    }
    outcome
}

const PROVIDERS: &str = "scenarios/providers.json";

fn lines(bytes: &[u8]) -> Vec<Value> {
    bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("every line is JSON"))
        .collect()
}

fn share(outcome: &Outcome, scope: &str) -> f64 {
    let found = outcome
        .metrics
        .iter()
        .find(|metric| metric.name == "served_share" && metric.scope == scope);
    found.and_then(|metric| metric.value).expect("it has requests")
}

/// Shows FE-5: a quota admits so much per period and refuses the rest at once, with the reason among the decisions.
#[test]
fn fe5_a_quota_refuses_what_goes_beyond_it() {
    let outcome = run(
        PROVIDERS,
        &[
            "qkdns.A.policy.rules=[{\"class\":\"bulk\",\"quota\":{\"amount\":\"20 kbit\",\"period\":\"10 s\"}}]",
        ],
    );
    let refused = outcome
        .requests
        .iter()
        .filter(|request| request.failure == Some("refused_by_policy"));
    let demands: BTreeSet<&str> = refused.map(|request| request.demand.as_str()).collect();
    assert_eq!(demands, BTreeSet::from(["bulk"]));
    let decisions = lines(&outcome.decisions);
    assert!(decisions.iter().any(|line| {
        line["decision"] == "refuse"
            && line["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("quota"))
    }));

    // It is the controller's policy that refuses, and no KM; the other QKDN's is named as well.
    let places = |decisions: &[Value]| -> BTreeSet<String> {
        let refused = decisions
            .iter()
            .filter(|line| line["decision"] == "refuse" && line["reason"] == "refused_by_policy");
        refused
            .map(|line| line["place"].as_str().unwrap_or("none").to_owned())
            .collect()
    };
    assert_eq!(places(&decisions), BTreeSet::from(["controller A/a3".to_owned()]));
    let beyond = run(
        PROVIDERS,
        &[
            "qkdns.B.policy.rules=[{\"class\":\"bulk\",\"quota\":{\"amount\":\"20 kbit\",\"period\":\"10 s\"}}]",
            "qkdns.A.policy.rules=[]",
        ],
    );
    let beyond = places(&lines(&beyond.decisions));
    assert_eq!(beyond, BTreeSet::from(["controller B/b1".to_owned()]));

    // What started in each period of 10 s, from the trace: never more than the quota.
    let mut started: BTreeMap<u64, u64> = BTreeMap::new();
    for line in lines(&outcome.trace) {
        if line["session"] == "bulk" && line["message"] == "start" && line["reference_point"] == "Ck" {
            *started
                .entry(line["t_ns"].as_u64().unwrap() / 10_000_000_000)
                .or_default() += 512;
        }
    }
    assert!(started.len() > 5);
    // A request that was admitted in the last milliseconds of a period starts in the next one.
    assert!(started.values().all(|&bits| bits <= 20_000 + 512), "{started:?}");
    assert!(started.values().any(|&bits| bits > 15_000), "{started:?}");
}

/// Shows FE-5: of two classes in want of key, the one of higher priority is served.
#[test]
fn fe5_priority_decides_who_waits() {
    let no_rules = "qkdns.A.policy.rules=[]";
    let ranked = run(PROVIDERS, &[no_rules, "qkdns.A.policy.preemption=false"]);
    let preempting = run(PROVIDERS, &[no_rules]);
    let alike = run(
        PROVIDERS,
        &[
            no_rules,
            "qkdns.A.policy.preemption=false",
            "classes.premium.priority=0",
        ],
    );
    assert!(
        share(&alike, "class:premium") < 0.9,
        "{}",
        share(&alike, "class:premium")
    );
    assert!(share(&ranked, "class:premium") > share(&alike, "class:premium"));
    assert!(share(&ranked, "class:bulk") < share(&alike, "class:bulk"));
    assert!(share(&preempting, "class:premium") >= share(&ranked, "class:premium"));
}

/// Shows FE-5: a floor keeps the border's last key from a class; another has it.
#[test]
fn fe5_a_floor_keeps_key_for_others() {
    // 5,120 bits in the lane and none to come; bulk asks for 512 at a time.
    let none_comes = "boundaries.border.kind.gwn.link.model.fixed_rate.block=1 Mbit";
    let only = "demands.a-to-b.from=30 s";
    let measured = |name: &str, rules: &str, class: &str| {
        let outcome = run(
            PROVIDERS,
            &[
                none_comes,
                only,
                "run.warm_up=0 s",
                &format!("qkdns.A.policy.rules={rules}"),
            ],
        );
        let scope = if class == "premium" {
            "demand:a-to-b"
        } else {
            "demand:bulk"
        };
        let found = outcome
            .metrics
            .iter()
            .find(|metric| metric.name == name && metric.scope == scope);
        found.unwrap().value.unwrap()
    };
    let delivered = |rules: &str, class: &str| measured("delivered_bits", rules, class);
    let floor = "[{\"class\":\"bulk\",\"floor\":\"2 kbit\"}]";
    assert_eq!(
        (delivered("[]", "bulk"), delivered("[]", "premium")),
        (5_120.0, 0.0)
    );
    // Six times 512 leave 2,048 of 5,120.
    assert_eq!(
        (delivered(floor, "bulk"), delivered(floor, "premium")),
        (3_072.0, 2_048.0)
    );
    // What the floor holds back from a class is no key that it can use.
    let all = "[{\"class\":\"bulk\",\"floor\":\"5 kbit\"}]";
    assert!(measured("availability", "[]", "bulk") > 0.0);
    assert!(measured("availability", all, "bulk") <= 0.0);
    assert!(measured("availability", all, "premium") > measured("availability", "[]", "premium"));
}

/// Shows P12 step 4: requests that find too little key wait, fail, or have it relayed round the hop that lacks it, as
/// their class's policy says.
#[test]
fn p12_a_lack_of_key_is_met_as_policy_says() {
    let lacking = |variant: &str| {
        let outcome = run(&format!("scenarios/lacking.json{variant}"), &[]);
        let causes: BTreeSet<&str> = outcome
            .requests
            .iter()
            .filter_map(|request| request.failure)
            .collect();
        let reroutes = outcome
            .sessions
            .iter()
            .filter(|change| change.state == "rerouting");
        let shares = ["demand:a-to-b", "demand:b-to-a"].map(|demand| share(&outcome, demand));
        (shares, reroutes.count(), format!("{causes:?}"))
    };
    let (waits, reroutes, cause) = lacking("");
    assert!(waits[0] < 0.3 && waits[1] > 0.999 && reroutes == 0, "{waits:?}");
    assert_eq!(cause, "{\"insufficient_key\"}");
    let (fails, reroutes, cause) = lacking(":fail");
    assert!(fails[0] < 0.3 && reroutes == 0, "{fails:?}");
    assert_eq!(cause, "{\"insufficient_key\"}");
    let (refilled, reroutes, _) = lacking(":refill");
    assert!(
        refilled.iter().all(|share| *share > 0.999) && reroutes > 0,
        "{refilled:?}, {reroutes}"
    );
}

/// Shows P12: a request that has waited for key at step 4 of P12 is given its transfer instruction by step 5, once.
#[test]
fn p12_who_waited_for_key_gets_the_transfer_instruction() {
    let outcome = run(
        "scenarios/lacking.json",
        &["qkdns.A.links.a1-a3.store.initial=0 bit"],
    );
    let first = |line: &Value| line["session"] == "a-to-b" && line["request"] == 0;
    let steps: Vec<String> = lines(&outcome.trace)
        .iter()
        .filter(|line| first(line) && ["4", "5"].iter().any(|step| line["step"] == *step))
        .filter(|line| line["step"] == "4" || line["provenance"] == "text")
        .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        steps,
        [
            "insufficient keys: the request waits where they lack",
            "route and reservation"
        ]
    );
}

/// Shows P12 step 9, "delete or store the key data": KM-A deletes a key when it is acknowledged; KM-B stores it until the
/// KSAs have agreed on its supply, or deletes it too, as the scenario says. What is stored longer is in clear longer.
#[test]
fn p12_transferred_keys_are_stored_or_deleted() {
    let life = |policy: &str| {
        let policy = format!("protocol.transferred_keys={policy}");
        let outcome = run(
            "scenarios/clause8/iwn-dd.json",
            &[&policy, "security.exposure=true"],
        );
        let first = |line: &Value| line["request"] == 0 && line["step"] == "9";
        let trace = lines(&outcome.trace);
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let notes: Vec<[String; 2]> = trace
            .iter()
            .filter(|line| first(line) && line["session"] == trace[0]["session"])
            .map(|line| [text(line, "message"), text(line, "provenance")])
            .collect();
        let retention = outcome
            .metrics
            .iter()
            .find(|metric| metric.name == "retention_s" && metric.scope == "node:border");
        let notes: BTreeSet<[String; 2]> = notes.into_iter().collect();
        (
            notes,
            retention.and_then(|metric| metric.value).expect("keys pass"),
        )
    };
    let set = |notes: &[[&str; 2]]| -> BTreeSet<[String; 2]> {
        notes.iter().map(|note| note.map(str::to_owned)).collect()
    };
    let [deleted, stored, ended] = [
        ["deletes the transferred keys", "text"],
        ["stores the transferred keys", "text"],
        ["deletes the stored keys", "inferred"],
    ];
    let (notes, long) = life("store");
    assert_eq!(notes, set(&[deleted, stored, ended]));
    let (notes, short) = life("delete");
    assert_eq!(notes, set(&[deleted]));
    assert!(long > short, "{long} s, {short} s");
}

/// Shows FE-3: a session opens, is active, reroutes and is active again, and closes; a trace note tells each.
#[test]
fn fe3_sessions_have_visible_states() {
    for (file, controllers) in [("gwn-dd", 2), ("gwn-cc", 2), ("iwn-dd", 2), ("iwn-cc", 2)] {
        let outcome = run(&format!("scenarios/clause8/{file}.json:cut"), &[]);
        let states = |controller: &str| -> Vec<&'static str> {
            let own = outcome.sessions.iter();
            own.filter(|record| record.session == "a-to-b" && record.controller == controller)
                .map(|record| record.state)
                .collect()
        };
        let seen: BTreeSet<&str> = outcome
            .sessions
            .iter()
            .filter(|record| record.session == "a-to-b")
            .map(|record| record.controller.as_str())
            .collect();
        assert_eq!(seen.len(), controllers, "{file}: {seen:?}");
        let all: Vec<Vec<&str>> = seen.iter().map(|controller| states(controller)).collect();
        for states in &all {
            assert_eq!(states[..2], ["open", "active"], "{file}");
            assert_eq!(states.last(), Some(&"closed"), "{file}");
        }
        assert!(
            all.iter()
                .any(|states| states.windows(2).any(|pair| pair == ["rerouting", "active"])),
            "{file}: {all:?}"
        );
        let trace = lines(&outcome.trace);
        assert!(
            trace
                .iter()
                .any(|line| line["message"] == "session rerouting" && line["session"] == "a-to-b")
        );
    }
}

/// Shows FE-9 and S4: usage records of every supply, rated; both providers settle the same, to the bit; statement,
/// countersignature and acknowledgement pass over Mxi.
#[test]
fn fe9_providers_settle_what_both_recorded() {
    let outcome = run(PROVIDERS, &[]);
    let rows: Vec<Row> = outcome.accounting.rows().collect();
    let usage = |segment: &str, provider: &str, session: &str| -> u64 {
        let own = rows.iter().filter(|row| {
            (row.kind, row.segment, row.provider, row.session) == ("usage", segment, provider, session)
        });
        own.map(|row| row.bits).sum()
    };
    for (session, from, to) in [("a-to-b", "A", "B"), ("b-to-a", "B", "A"), ("bulk", "A", "B")] {
        let of = |provider: &str| -> Vec<&Row> {
            rows.iter()
                .filter(|row| row.kind == "settlement" && row.provider == provider && row.session == session)
                .collect()
        };
        let (debtor, creditor) = (of(from), of(to));
        assert_eq!(
            (debtor.len(), creditor.len()),
            (1, 1),
            "{session}: everything is settled"
        );
        assert_eq!((debtor[0].state, creditor[0].state), ("settled", "settled"));
        assert_eq!((debtor[0].segment, creditor[0].segment), ("owes", "is_owed"));
        assert_eq!(
            (debtor[0].bits, debtor[0].keys, debtor[0].amount),
            (creditor[0].bits, creditor[0].keys, creditor[0].amount)
        );
        assert!(debtor[0].bits > 0 && debtor[0].amount.is_some());
        assert_eq!(debtor[0].bits, usage("border", from, session));
        assert_eq!(creditor[0].bits, usage("destination", to, session));
    }
    // Assumption of the rating: the user that asked pays; B charges half a thousandth per key, and 0.05 per Mbit.
    let owed = rows
        .iter()
        .find(|row| row.kind == "settlement" && row.provider == "A" && row.session == "bulk");
    let owed = owed.expect("there is one");
    let exact = u128::from(owed.keys) * 500 * 1_000_000 + u128::from(owed.bits) * 50_000;
    assert_eq!(owed.amount.map(|amount| amount.0), Some(exact));
    assert!(
        rows.iter()
            .all(|row| row.kind != "usage" || row.amount.is_some() == (row.segment == "source"))
    );

    let trace = lines(&outcome.trace);
    for message in [
        "settlement statement",
        "settlement countersigned",
        "settlement acknowledged",
    ] {
        let found: Vec<&Value> = trace.iter().filter(|line| line["message"] == message).collect();
        assert!(!found.is_empty(), "{message}");
        assert!(
            found
                .iter()
                .all(|line| line["reference_point"] == "Mxi" && line["step"] == "10")
        );
        assert!(found.iter().all(|line| line["encrypted"] == true));
    }
}

/// Shows FE-5, FE-10 and FE-11: what one QKDN shares with the other over Cxi and Mxi is flagged as encrypted, and
/// nothing else is.
#[test]
fn sharing_between_providers_is_encrypted() {
    for file in ["gwn-dd", "iwn-dd", "iwn-cc"] {
        let outcome = run(&format!("scenarios/clause8/{file}.json"), &["run.duration=10 s"]);
        let mut seen = 0;
        for line in lines(&outcome.trace) {
            let between = matches!(
                line["reference_point"].as_str(),
                Some("Cxi" | "Cxi'" | "Mxi" | "Mxi'")
            );
            assert_eq!(line["encrypted"] == true, between, "{line}");
            seen += usize::from(between);
        }
        assert!(seen > 0);
    }
}

/// Shows FE-10, FE-11, P11 steps 5 and 6: reports by period and by trigger, packed over Mxi; off by default.
#[test]
fn fe10_fe11_reports_are_shared() {
    let file = "scenarios/clause8/gwn-dd.json:cut";
    let reports = |set: &[&str]| -> Vec<Value> {
        let trace = lines(&run(file, set).trace);
        trace
            .into_iter()
            .filter(|line| line["message"] == "provider report")
            .collect()
    };
    assert!(reports(&[]).is_empty());
    let periodic = reports(&["protocol.management.reports.period=20 s"]);
    // At 20, 40 and 60 s, from both.
    assert_eq!(periodic.len(), 6);
    assert!(periodic.iter().all(|line| line["reference_point"] == "Mxi"
        && line["step"] == "6"
        && line["procedure"] == "P11"
        && line["encrypted"] == true));
    // What stops inside concerns nobody else; at the border both tell, of the fault that set it off.
    let on_alarm = "protocol.management.reports.on_alarm=true";
    assert!(reports(&[on_alarm]).is_empty());
    let alarmed = lines(&run("scenarios/clause8/gwn-dd.json:border-cut", &[on_alarm]).trace);
    let alarmed = alarmed
        .into_iter()
        .filter(|line| line["message"] == "provider report" && line["fault"] == "f1");
    let from: BTreeSet<String> = alarmed.map(|line| line["from"].to_string()).collect();
    assert_eq!(from.len(), 2, "{from:?}");
    let low = reports(&["protocol.management.reports.on_level_below=99 %"]);
    assert!(!low.is_empty());
}

/// Shows FE-11, S3, P11 steps 5 and 6: blocks with too many errors, as an eavesdropper would cause, are a security event.
/// The module tells its controller over Cq and its manager over Mq; the QLM reports it, and the packed report goes to
/// the other provider.
#[test]
fn fe11_security_events_of_the_quantum_layer_are_reported() {
    let sets = [
        "qkdns.A.links.a1-a2.generation.abort_above=0.0105",
        "run.duration=2 min",
        "protocol.management.reports.on_alarm=true",
    ];
    let trace = lines(&run("scenarios/link-physics.json", &sets).trace);
    let of = |word: &str| -> Vec<&Value> {
        let says = |line: &&Value| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.contains(word))
        };
        trace.iter().filter(says).collect()
    };
    let alarms = of("link alarm");
    let events = of("too many errors");
    assert!(!events.is_empty());
    assert_eq!(
        alarms.len(),
        2 * events.len(),
        "both ends of the link alarm, it is one event"
    );
    for event in &events {
        let place = ["procedure", "step", "provenance", "from"].map(|field| event[field].as_str());
        assert_eq!(place, [Some("P11"), Some("5"), Some("text"), Some("manager A")]);
        let at_once = |line: &&&Value| line["t_ns"] == event["t_ns"] && line["from"] == "manager A";
        assert_eq!(of("provider report").iter().filter(at_once).count(), 1);
    }
    // What each module tells its manager, it tells its controller at the same instant.
    for alarm in &alarms {
        let told = trace.iter().any(|line| {
            line["from"] == alarm["from"]
                && line["t_ns"] == alarm["t_ns"]
                && line["message"] == "status report"
                && line["reference_point"] == "Cq"
        });
        assert!(told, "{alarm}");
    }
}

/// Shows FE-6 and FE-8: capabilities and provisioned routes are recorded, rerouted ones anew.
#[test]
fn fe6_fe8_configuration_is_recorded() {
    let outcome = run(
        "scenarios/clause8/gwn-dd.json:cut",
        &["protocol.management.configuration_records=true"],
    );
    let of = |kind: &str, subject: &str| -> Vec<&str> {
        let records = outcome.configuration.iter();
        records
            .filter(|record| record.kind == kind && record.subject == subject)
            .map(|record| record.content.as_str())
            .collect()
    };
    assert_eq!(of("capability", "A/a3"), ["relays, crosses the border"]);
    assert_eq!(of("capability", "B/b3"), ["relays"]);
    let told = lines(&outcome.trace);
    for message in ["capability report", "provisioned route"] {
        let mut of = told.iter().filter(|line| line["message"] == message).peekable();
        assert!(of.peek().is_some(), "{message}");
        let label = ["FCAPS", "C", "inferred", "Mc"];
        let fields = ["procedure", "step", "provenance", "reference_point"];
        assert!(
            of.all(|line| fields.map(|field| line[field].as_str()) == label.map(Some)),
            "{message}"
        );
    }
    let routes = of("route", "a-to-b");
    assert!(routes.contains(&"A/a1 → A/a3, A/a3 → B/b1"), "{routes:?}");
    assert!(
        routes.contains(&"A/a1 → A/a2, A/a2 → A/a3, A/a3 → B/b1"),
        "{routes:?}"
    );
    assert!(routes.contains(&"B/b1 → B/b3"), "{routes:?}");
    assert!(
        run("scenarios/clause8/gwn-dd.json", &["run.duration=10 s"])
            .configuration
            .is_empty()
    );
}

/// Shows RP-Mu, A4 and S6: users' networks are told of their own sessions over Mu, and of nothing else.
#[test]
fn users_are_told_of_their_sessions() {
    // The encryptors' sessions are no users'.
    for sets in [
        &[][..],
        &["security.sharing={\"ksa_keys\":{\"period\":\"10 s\"}}"],
    ] {
        users_are_told_with(sets);
    }
}

fn users_are_told_with(sets: &[&str]) {
    let outcome = run(PROVIDERS, sets);
    let trace = lines(&outcome.trace);
    let reports: Vec<(&str, &str, &str)> = trace
        .iter()
        .filter(|line| line["reference_point"] == "Mu")
        .map(|line| {
            let text = |field: &str| line[field].as_str().expect("text");
            (text("from"), text("to"), text("session"))
        })
        .collect();
    let mut expected = vec![
        ("manager A", "user network manager A", "a-to-b"),
        ("manager A", "user network manager A", "bulk"),
        ("manager B", "user network manager B", "b-to-a"),
    ];
    let mut reports = reports;
    reports.sort_unstable();
    expected.sort_unstable();
    assert_eq!(reports, expected);
}

/// Shows RP-Kxi-1': what crosses there is a key transfer, whether it is encrypted or not (P12 step 6).
#[test]
fn an_encrypted_transfer_is_a_transfer() {
    let otp = r#"boundaries.border.kind.iwn.kxi1_prime_protection={"otp":{"rate":"64 kbit/s"}}"#;
    for sets in [&[][..], &[otp]] {
        let outcome = run("scenarios/clause8/iwn-dd.json", sets);
        let names: BTreeSet<String> = lines(&outcome.trace)
            .iter()
            .filter(|line| line["reference_point"] == "Kxi-1'" && line["step"] == "6")
            .map(|line| line["message"].to_string())
            .collect();
        assert_eq!(names, BTreeSet::from(["\"key transfer\"".to_owned()]), "{sets:?}");
    }
}
