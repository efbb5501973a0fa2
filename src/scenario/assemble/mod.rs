//! From a topology to a scenario: QKDNs, relays on long fibres, borders, links, demands.
//!
//! What comes out is a scenario file that has been read and checked like any other. What was estimated or left out
//! stands in it, under `sources`, `note` and `estimated`.

mod layout;
mod partition;
mod traffic;

pub use partition::Partition;

use serde_json::{Value, json};

use super::diagnostics::{Diagnostic, Diagnostics};
use super::load::load_text;
use super::topology::Topology;
use crate::catalogue::Severity;
use crate::units::{BitRate, Metres, counted};

/// Which fibres between two QKDNs are borders.
#[derive(Clone, Debug, PartialEq)]
pub enum Borders {
    /// All of them.
    All,
    /// The shortest between each two QKDNs.
    Shortest,
    /// Those between these pairs of sites.
    Named(Vec<[String; 2]>),
}

/// What stands at a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Gateway nodes.
    Gwn,
    /// An interworking node in the middle.
    Iwn,
}

/// How a topology becomes a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The scenario's name; default: the topology's.
    pub name: Option<String>,
    /// Which site is in which QKDN.
    pub partition: Partition,
    /// Where QKDNs are joined.
    pub borders: Borders,
    /// How they are joined.
    pub joint: Joint,
    /// Longest fibre without a relay: one of length d gets ceil(d / span) − 1 relays.
    pub span: Metres,
    /// Fibre per distance as the crow flies, where no length is given. Assumption: 1.2.
    pub detour: f64,
    /// Length of a fibre whose length does not follow from the file.
    pub default_length: Option<Metres>,
    /// Share of its key rate that the busiest lane is asked for.
    pub load: f64,
    /// Key rate of a demand of 1 in the file; instead of `load`.
    pub demand_unit: Option<BitRate>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            name: None,
            partition: Partition::Even(2),
            borders: Borders::All,
            joint: Joint::Gwn,
            span: Metres(80_000),
            detour: 1.2,
            default_length: None,
            load: 0.5,
            demand_unit: None,
        }
    }
}

/// A scenario that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    /// The scenario file's text.
    pub text: String,
    /// What should be looked at before trusting its results.
    pub warnings: Diagnostics,
    /// Sites, relays not counted.
    pub sites: usize,
    /// Relays.
    pub relays: usize,
    /// QKDNs.
    pub qkdns: usize,
    /// Borders.
    pub borders: usize,
    /// Demands.
    pub demands: usize,
}

/// Makes a scenario of a topology; `file` is where it comes from, for findings.
///
/// # Errors
/// All findings: sites without places where lengths follow from them, a QKDN of one node or in pieces, borders that
/// are none, and whatever the scenario's own checks find.
pub fn assemble(topology: &Topology, settings: &Settings, file: &str) -> Result<Assembled, Diagnostics> {
    let mut findings = Vec::new();
    settings.check(&mut findings);
    let lengths = layout::lengths(topology, settings, file, &mut findings);
    let parts = settings.partition.divide(topology, file, &mut findings);
    let (Some(parts), true) = (parts, findings.is_empty()) else {
        return Err(Diagnostics(findings));
    };
    let mut layout = layout::lay(topology, settings, &parts, &lengths);
    layout.choose_borders(topology, &parts, settings, &lengths, file, &mut findings);
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let mut notes = topology.notes.clone();
    notes.append(&mut layout.notes.clone());
    let asked = traffic::asked(topology, &parts, &layout, &mut notes);
    let mut document = json!({
        "name": super::import::clean(settings.name.as_deref().unwrap_or(&topology.name)),
        "description": description(topology, &layout, &notes),
        "sources": sources(topology, settings),
        "run": { "warm_up": "2 min", "duration": "10 min", "seed": 1, "replications": 10 },
        "qkdns": layout.qkdns(topology, &parts, settings),
        "boundaries": layout.boundaries,
        "demands": traffic::demands(&asked, &layout, &vec![1.0; asked.len()]),
    });
    // Rates follow from routes, and routes from the scenario itself.
    let draft = checked(&document, file)?;
    let rates = traffic::rates(&asked, &draft.document, settings);
    document["demands"] = traffic::demands(&asked, &layout, &rates);
    let mut done = checked(&document, file)?;
    for note in &topology.notes {
        let hint = "add by hand what is missed: a second fibre as more module pairs (\"systems\")";
        done.warnings.0.push(Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::about_file("edges_left_out", file, note.clone(), hint)
        });
    }
    for note in &layout.notes {
        let text = format!("{note}: {}", layout.left_out.join(", "));
        let hint = "--border all makes a border of each";
        done.warnings.0.push(Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::about_file("fibres_left_out", file, text, hint)
        });
    }
    Ok(Assembled {
        text: format!("{document:#}\n"),
        warnings: done.warnings,
        sites: topology.sites.len(),
        relays: layout.relays,
        qkdns: parts.names.len(),
        borders: layout.boundaries.len(),
        demands: asked.len(),
    })
}

fn checked(document: &Value, file: &str) -> Result<super::Loaded, Diagnostics> {
    let text = format!("{document:#}\n");
    load_text(&format!("scenario of {file}"), &text, &[]).map_err(|mut findings| {
        findings.0.retain(|finding| finding.severity == Severity::Error);
        findings
    })
}

impl Settings {
    fn check(&self, findings: &mut Vec<Diagnostic>) {
        let mut wrong = |option: &str, code, message: String, hint: &str| {
            findings.push(Diagnostic::about_file(code, option, message, hint));
        };
        if self.span == Metres::ZERO {
            wrong(
                "--span",
                "zero_length",
                "relays cannot be 0 m apart".to_owned(),
                "write --span \"80 km\"",
            );
        }
        if !(self.detour >= 1.0 && self.detour <= 10.0) {
            let message = format!(
                "fibre is 1 to 10 times as long as the way of a crow, not {}",
                self.detour
            );
            wrong("--detour", "bad_detour", message, "write --detour 1.2");
        }
        if !(self.load > 0.0 && self.load <= 100.0) {
            let message = format!("a load of {} makes no sense", self.load);
            wrong(
                "--load",
                "bad_load",
                message,
                "write --load 0.5 for half of what the busiest link makes",
            );
        }
        if self.default_length == Some(Metres::ZERO) {
            let message = "a fibre cannot be 0 m long".to_owned();
            wrong(
                "--default-length",
                "zero_length",
                message,
                "write --default-length \"20 km\"",
            );
        }
    }
}

fn description(topology: &Topology, layout: &layout::Layout, notes: &[String]) -> String {
    let mut text = format!(
        "{}, {}, {} on long ones.",
        counted(topology.sites.len() as u64, "site"),
        counted(topology.fibres.len() as u64, "fibre"),
        counted(layout.relays as u64, "relay")
    );
    for note in notes {
        text.push_str(" Note: ");
        text.push_str(note);
        text.push('.');
    }
    text
}

fn sources(topology: &Topology, settings: &Settings) -> Vec<String> {
    let mut sources = topology.sources.clone();
    let [by_place, by_default] = layout::estimated(topology);
    if by_place > 0 {
        sources.push(format!(
            "Lengths that the file does not give: great circle x {}, estimated",
            settings.detour
        ));
    }
    if let (Some(length), true) = (settings.default_length, by_default > 0) {
        sources.push(format!(
            "Lengths of {} whose ends' places the file does not give either: {length}, assumed",
            counted(by_default as u64, "fibre")
        ));
    }
    let losses = topology
        .fibres
        .iter()
        .filter(|fibre| fibre.loss_db.is_some())
        .count();
    let loss = match topology.fibres.len() - losses {
        0 => "losses as the file gives them, in equal parts per kilometre".to_owned(),
        without if losses > 0 => format!(
            "losses as the file gives them, in equal parts per kilometre; 0.2 dB/km where it gives none ({}), assumed",
            counted(without as u64, "fibre")
        ),
        _ => "loss 0.2 dB/km, assumed".to_owned(),
    };
    sources.push(format!(
        "Relays: ceil(length / {}) - 1 per fibre, estimated; {loss}",
        settings.span
    ));
    sources.push("Link model: 300 kbit/s at 10 dB (Toshiba LD class), to 24 dB; stores: assumed".to_owned());
    sources.push(match settings.demand_unit {
        Some(unit) => format!("Demands: {unit} of key for 1 in the file, assumed"),
        None => format!(
            "Demands: scaled so that the busiest lane is asked for {} of its key rate, assumed",
            settings.load
        ),
    });
    sources
}
