//! The simulator behind the verbs: scenarios are loaded, compiled and run.

use std::sync::Arc;

use serde_json::Value;

use super::engine::{CatalogueEntry, Engine, Prepared, Rejected};
use super::warnings::load;
use crate::archive::Price;
use crate::catalogue::Severity;
use crate::experiment::expectation::Expectation;
use crate::interworking::layout::Which;
use crate::network::plan::Plan;
use crate::network::{Options, simulate_sampled};
use crate::report::chart::Roster;
use crate::scenario::configuration::configuration;
use crate::scenario::document::Document;
use crate::scenario::{self, Diagnostic, Diagnostics, compile, derive};

/// The engine of the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulator;

impl Engine for Simulator {
    fn prepare(&self, source: &str, sets: &[String]) -> Result<Prepared, Rejected> {
        let loaded = scenario::load(source, sets).map_err(|findings| rejected(&findings))?;
        let label = loaded
            .variant
            .clone()
            .unwrap_or_else(|| loaded.document.name.clone());
        let warnings = loaded.warnings.0.clone();
        let mut prepared = prepared(&loaded.document, loaded.resolved, label, warnings);
        prepared.written = loaded.written;
        prepared.variant = loaded.variant;
        Ok(prepared)
    }

    fn check(&self, source: &str, sets: &[String]) -> Vec<Diagnostic> {
        let mut findings = scenario::validate(source, sets).0;
        let loaded = scenario::load(source, sets).ok();
        let named = loaded.as_ref().and_then(|loaded| loaded.variant.clone());
        let variants = loaded.map_or_else(Vec::new, |loaded| loaded.variants);
        let others = if named.is_some() { Vec::new() } else { variants };
        let others = others.iter().map(|variant| format!("{source}:{variant}"));
        for source in std::iter::once(source.to_owned()).chain(others) {
            let remark = self.prepare(&source, sets).ok().as_ref().and_then(load);
            let known = |text: &String| findings.iter().any(|finding| finding.message == *text);
            if let Some((kind, text)) = remark.filter(|(_, text)| !known(text)) {
                let hint = "`qkdni bounds` says what each demand asks for; a lower rate, smaller keys or more links help";
                findings.push(Diagnostic {
                    severity: Severity::Warning,
                    ..Diagnostic::about_file(kind, &source, text, hint)
                });
            }
        }
        findings
    }

    fn derive(&self, source: &str, sets: &[String]) -> Result<Vec<Prepared>, Rejected> {
        let loaded = scenario::load(source, sets).map_err(|findings| rejected(&findings))?;
        if loaded.document.boundaries.is_empty() {
            return Err(Rejected::Invalid(vec![Diagnostic::about_file(
                "no_boundary",
                &loaded.file,
                "there is no boundary to derive GWN and IWN variants from".to_owned(),
                "join two QKDNs by a boundary",
            )]));
        }
        let mut warnings: Vec<Diagnostic> = loaded.warnings.0.clone();
        let mut variants = Vec::new();
        for which in Which::ALL {
            let document = derive(&loaded.document, which);
            let resolved = resolved(&document);
            // What is derived is held to the same rules as what is written.
            let checked = scenario::load_text(which.name(), &resolved.to_string(), &[])
                .map_err(|findings| rejected(&findings))?;
            let derived = prepared(
                &checked.document,
                checked.resolved,
                which.name().to_owned(),
                std::mem::take(&mut warnings),
            );
            variants.push(Prepared {
                variant: Some(which.name().to_owned()),
                ..derived
            });
        }
        Ok(variants)
    }

    fn roster(&self, resolved: &Value, replication: u32) -> Result<Roster, Rejected> {
        let loaded = scenario::load_text("scenario.resolved.json", &resolved.to_string(), &[])
            .map_err(|findings| rejected(&findings))?;
        let plan = Arc::new(compile(&loaded.document));
        Ok(Roster::of(&plan.of_replication(replication)))
    }

    fn schema(&self) -> Value {
        scenario::schema()
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        let catalogues = scenario::catalogues();
        let entries = catalogues.into_iter().flat_map(|(kind, entries)| {
            entries.iter().map(move |entry| CatalogueEntry {
                kind: kind.to_owned(),
                name: entry.name.to_owned(),
                meaning: entry.doc.trim().to_owned(),
            })
        });
        let presets = scenario::presets()
            .into_iter()
            .map(|(model, preset)| CatalogueEntry {
                kind: "presets".to_owned(),
                name: format!("{model} {}", preset.name),
                meaning: preset.source.to_owned(),
            });
        entries.chain(presets).collect()
    }
}

fn resolved(document: &Document) -> Value {
    use crate::catalogue::Described as _;
    document.encode()
}

fn prepared(document: &Document, resolved: Value, label: String, warnings: Vec<Diagnostic>) -> Prepared {
    let plan = Arc::new(compile(document));
    Prepared {
        name: document.name.clone(),
        label,
        variant: None,
        written: resolved.clone(),
        boundaries: document
            .boundaries
            .iter()
            .map(|boundary| {
                let [a, b] = [0, 1].map(|end| &boundary.between[end]);
                format!(
                    "{}: {a} – {b}, {}",
                    boundary.id,
                    configuration(document, boundary)
                )
            })
            .collect(),
        resolved,
        seed: document.run.seed,
        replications: document.run.replications,
        warnings,
        expectations: document
            .expect
            .iter()
            .map(|expectation| Expectation {
                metric: expectation.metric.clone(),
                scope: expectation.scope.clone(),
                at_most: expectation.at_most,
                at_least: expectation.at_least,
            })
            .collect(),
        price: price(&plan, &document.prices.currency),
        plan: Some(Arc::clone(&plan)),
        simulate: Box::new(move |replication, watch| {
            let options = Options {
                trace: watch.trace,
                audit: true,
            };
            let samples = if replication == 0 { watch.samples } else { 0 };
            simulate_sampled(&plan, replication, options, samples)
        }),
    }
}

/// What a scenario is built of, by its own price table.
fn price(plan: &Plan, currency: &str) -> Option<Price> {
    let inventory = plan.inventory();
    Some(Price {
        modules: inventory.modules as u32,
        key_managers: inventory.key_managers as u32,
        controllers: plan.controllers.len() as u32,
        sites: inventory.sites as u32,
        middle_stations: inventory.middle_stations as u32,
        links: inventory.links as u32,
        total: plan.cost()? as f64,
        currency: currency.to_owned(),
    })
}

fn rejected(diagnostics: &Diagnostics) -> Rejected {
    if diagnostics.is_input_output() {
        let texts: Vec<String> = diagnostics
            .iter()
            .map(|it| format!("{}: {}", it.file, it.message))
            .collect();
        return Rejected::Unreadable(texts.join("\n"));
    }
    Rejected::Invalid(diagnostics.0.clone())
}
