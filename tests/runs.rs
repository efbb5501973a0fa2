//! Whole runs of small networks.

mod common;

use common::{Kind, Setting, plan};
use qkdni::network::{Options, simulate};

#[test]
fn scratch() {
    for kind in [Kind::Gwn, Kind::Iwn] {
        let setting = Setting {
            kind,
            ..Setting::default()
        };
        let outcome = simulate(
            &plan(&setting),
            0,
            Options {
                trace: true,
                audit: true,
            },
        );
        for check in &outcome.audit {
            println!("{} {} {}", check.passed, check.check, check.detail);
        }
        let text = String::from_utf8(outcome.trace).unwrap();
        for line in text
            .lines()
            .filter(|l| l.contains("\"request\":0") || l.contains("\"request\":1,"))
        {
            let v: serde_json::Value = serde_json::from_str(line).unwrap();
            println!(
                "{:>12} {} {:>4} {:8} {:>6} {} -> {}: {} #{}",
                v["t_ns"],
                v["procedure"],
                v["step"].as_str().unwrap(),
                v["provenance"].as_str().unwrap(),
                v["reference_point"].as_str().unwrap_or("-"),
                v["from"].as_str().unwrap(),
                v["to"].as_str().unwrap(),
                v["message"].as_str().unwrap(),
                v["request"]
            );
        }
        println!(
            "{:#?}",
            outcome
                .metrics
                .iter()
                .filter(|m| m.scope == "network")
                .map(|m| (m.name, m.value))
                .collect::<Vec<_>>()
        );
    }
}
