//! A simulator that draws a few numbers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalogue::Severity;
use crate::scenario::Diagnostic;
use serde_json::{Value, json};

use super::super::{CatalogueEntry, Engine, Prepared, Rejected, Simulate};
use crate::archive::Price;
use crate::experiment::expectation::Expectation;
use crate::observe::outcome::{AuditCheck, Measured, Outcome};
use crate::report::chart::Roster;

/// The simulator; a scenario with `interrupt_at` sets `stop` in that replication.
pub(super) struct Toy {
    pub stop: Arc<AtomicBool>,
}

/// Writes a scenario of six replications; `more` are further fields.
pub(super) fn write_scenario(place: &Path, name: &str, more: &str) {
    let text =
        format!("{{ {more}\n  \"name\": \"{name}\",\n  \"run\": {{ \"seed\": 7, \"replications\": 6 }} }}\n");
    fs::write(place.join(format!("{name}.json")), text).expect("room");
}

impl Engine for Toy {
    fn prepare(&self, source: &str, sets: &[String]) -> Result<Prepared, Rejected> {
        let text = fs::read(source).map_err(|error| Rejected::Unreadable(format!("{source}: {error}")))?;
        let mut document: Value = serde_json::from_slice(&text).expect("the tests write JSON");
        let written = document.clone();
        for set in sets {
            let (path, value) = set.split_once('=').expect("path=value");
            let pointer = format!("/{}", path.replace('.', "/"));
            let value = value.parse().expect("the tests set numbers");
            match document.pointer_mut(&pointer) {
                Some(place) => *place = value,
                None => document[path] = value,
            }
        }
        let finding = |severity| Diagnostic {
            severity,
            code: "mistake",
            excerpt: None,
            message: "a mistake".to_owned(),
            file: source.to_owned(),
            line: 3,
            column: 7,
            path: "run".to_owned(),
            hint: None,
        };
        if document["invalid"] == true {
            return Err(Rejected::Invalid(vec![finding(Severity::Error)]));
        }
        let warnings = if document["warn"] == true {
            vec![finding(Severity::Warning)]
        } else {
            vec![]
        };
        let name = document["name"].as_str().expect("a name").to_owned();
        let expectation = |limit| Expectation {
            metric: "served_share".to_owned(),
            scope: "network".to_owned(),
            at_most: None,
            at_least: Some(limit),
        };
        Ok(Prepared {
            label: name.clone(),
            variant: None,
            boundaries: Vec::new(),
            name,
            seed: document["run"]["seed"].as_u64().expect("a seed"),
            replications: document["run"]["replications"].as_u64().expect("a number") as u32,
            warnings,
            expectations: document["at_least"]
                .as_f64()
                .map(expectation)
                .into_iter()
                .collect(),
            price: None,
            plan: None,
            simulate: simulate(document.clone(), Arc::clone(&self.stop)),
            resolved: document,
            written,
        })
    }

    fn check(&self, source: &str, sets: &[String]) -> Vec<Diagnostic> {
        match self.prepare(source, sets) {
            Ok(prepared) => prepared.warnings,
            Err(Rejected::Invalid(findings)) => findings,
            Err(Rejected::Unreadable(text)) => vec![Diagnostic::about_file("not_found", source, text, "")],
        }
    }

    fn derive(&self, source: &str, sets: &[String]) -> Result<Vec<Prepared>, Rejected> {
        [
            ("G0", 0.25, 10.0),
            ("G0=", 0.375, 13.0),
            ("G1", 0.5, 12.0),
            ("I", 0.75, 12.0),
        ]
        .into_iter()
        .map(|(label, level, total)| {
            let mut sets = sets.to_vec();
            sets.push(format!("level={level}"));
            let mut prepared = self.prepare(source, &sets)?;
            prepared.label = label.to_owned();
            prepared.price = Some(Price {
                modules: 2,
                key_managers: 4,
                controllers: 2,
                sites: 1,
                middle_stations: 0,
                links: 1,
                total,
                currency: "EUR".to_owned(),
            });
            Ok(prepared)
        })
        .collect()
    }

    fn roster(&self, _: &Value, _: u32) -> Result<Roster, Rejected> {
        Ok(Roster {
            sessions: vec!["d1".to_owned()],
            ..Roster::default()
        })
    }

    fn schema(&self) -> Value {
        json!({ "title": "toy" })
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        let entry = |kind: &str, name: &str| CatalogueEntry {
            kind: kind.to_owned(),
            name: name.to_owned(),
            meaning: "for tests".to_owned(),
        };
        vec![entry("routing", "fewest_hops"), entry("routing", "widest")]
    }
}

/// The noise is a whole number of 1/64 and depends on seed and replication alone, so that paired differences
/// are exact.
fn simulate(document: Value, stop: Arc<AtomicBool>) -> Simulate {
    let seed = document["run"]["seed"].as_u64().expect("a seed");
    let level = document["level"].as_f64().unwrap_or(0.5);
    Box::new(move |replication, watch| {
        let at = |field: &str| document[field].as_u64() == Some(u64::from(replication));
        assert!(!at("panic_at"), "a store has lost a key");
        if at("interrupt_at") {
            stop.store(true, Ordering::Relaxed);
        }
        let noise = (seed * 31 + u64::from(replication) * 17) % 8;
        Outcome {
            replication,
            events: 100,
            metrics: vec![Measured {
                name: "served_share",
                unit: "1",
                scope: "network".to_owned(),
                value: Some(level + noise as f64 / 64.0),
                samples_ns: vec![],
            }],
            audit: vec![AuditCheck {
                check: "conservation",
                passed: document["audit_fails"] != true,
                detail: "1 store".to_owned(),
            }],
            trace: if watch.trace {
                format!("{{\"replication\":{replication}}}\n").into_bytes()
            } else {
                vec![]
            },
            ..Outcome::default()
        }
    })
}
