//! Topologies from files of other tools: GraphML, GML (Internet Topology Zoo), SNDlib XML, node-link JSON.
//!
//! A format is one file with a [`Format`] and one line in [`FORMATS`]. A reader only gathers what the file says; what
//! is wrong with it is found here, all at once.

mod gml;
mod graphml;
mod node_link;
mod sndlib;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::text::{Sources, decode_text, read_file};
use super::topology::{Asked, Fibre, Length, Site, Topology};
use crate::catalogue::{Entry, Origin, Severity, suggest};

/// A format of topology files.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name and what it is.
    pub entry: Entry,
    /// Whether a text looks like it.
    recognises: fn(&str) -> bool,
    /// Reads it.
    read: fn(&Text) -> Result<Raw, Diagnostics>,
}

/// All formats, in the order in which they are tried.
pub const FORMATS: &[Format] = &[graphml::FORMAT, sndlib::FORMAT, node_link::FORMAT, gml::FORMAT];

/// A topology file's text.
#[derive(Debug)]
struct Text {
    sources: Sources,
}

impl Text {
    fn as_str(&self) -> &str {
        self.sources.text(0)
    }

    /// `length` bytes from `start`.
    #[allow(clippy::unused_self)] // a place is one of this text
    fn at(&self, start: usize, length: usize) -> Origin {
        Origin {
            source: 0,
            start: start as u32,
            end: (start + length) as u32,
        }
    }

    fn finding(&self, code: &'static str, origin: Origin, message: String, hint: &str) -> Diagnostic {
        Diagnostic::at(
            &self.sources,
            Severity::Error,
            code,
            origin,
            String::new(),
            message,
            Some(hint.to_owned()),
        )
    }

    fn wrong(&self, code: &'static str, origin: Origin, message: String, hint: &str) -> Diagnostics {
        self.finding(code, origin, message, hint).into()
    }
}

/// What a file says, as it says it.
#[derive(Debug, Default)]
struct Raw {
    name: Option<String>,
    source: Option<String>,
    nodes: Vec<RawNode>,
    edges: Vec<RawEdge>,
    demands: Vec<RawDemand>,
    notes: Vec<String>,
}

/// A node with its attributes, whose names are in lower case.
#[derive(Debug)]
struct RawNode {
    id: String,
    attributes: BTreeMap<String, String>,
    origin: Origin,
}

#[derive(Debug)]
struct RawEdge {
    ends: [String; 2],
    attributes: BTreeMap<String, String>,
    origin: Origin,
}

#[derive(Debug)]
struct RawDemand {
    ends: [String; 2],
    value: f64,
    origin: Origin,
}

/// Reads a topology file; the format is recognised by its content unless it is named.
///
/// # Errors
/// All findings: a file that cannot be read, an unknown format, mistakes of syntax, ids that are there twice or lead
/// nowhere, a network in several pieces.
pub fn import(path: &Path, format: Option<&str>) -> Result<Topology, Diagnostics> {
    let name = path.display().to_string();
    let text = decode_text(&read_file(path, &name)?, &name)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    import_text(&name, &stem.unwrap_or_default(), text, format)
}

/// Reads a topology from text; `stem` is its name where it has none.
///
/// # Errors
/// As [`import()`].
pub fn import_text(
    file: &str,
    stem: &str,
    content: String,
    format: Option<&str>,
) -> Result<Topology, Diagnostics> {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.entry.name).collect();
    let found = match format {
        Some(name) => FORMATS.iter().find(|format| format.entry.name == name),
        None => FORMATS.iter().find(|format| (format.recognises)(&content)),
    };
    let Some(found) = found else {
        let (message, hint) = match format {
            Some(name) => (format!("there is no format \"{name}\""), suggest(name, &names)),
            None => (
                "this is none of the formats that can be imported".to_owned(),
                format!("{}; name one with --format", suggest("", &names)),
            ),
        };
        return Err(Diagnostic::about_file("unknown_format", file, message, &hint).into());
    };
    let mut sources = Sources::default();
    sources.add(file, content);
    let text = Text { sources };
    let raw = (found.read)(&text)?;
    let format = found.entry.name;
    interpret(&text, raw, file, stem, format)
}

/// Names under which files give a longitude and a latitude, in lower case.
const PLACES: [[&str; 2]; 3] = [["longitude", "latitude"], ["lon", "lat"], ["long", "lat"]];

/// From what the file says to sites and fibres.
fn interpret(text: &Text, raw: Raw, file: &str, stem: &str, format: &str) -> Result<Topology, Diagnostics> {
    let mut findings = Vec::new();
    let mut notes = raw.notes;
    let mut numbers = BTreeMap::new();
    for (number, node) in raw.nodes.iter().enumerate() {
        if numbers.insert(node.id.clone(), number).is_some() {
            findings.push(text.finding(
                "duplicate_id",
                node.origin,
                format!("there is a node \"{}\" already", node.id),
                "give every node an id of its own",
            ));
        }
    }
    findings.extend(raw.nodes.iter().filter_map(|node| place_on_earth(text, node)));
    findings.extend(raw.edges.iter().filter_map(|edge| length_of_fibre(text, edge)));
    findings.extend(raw.edges.iter().filter_map(|edge| loss_of_fibre(text, edge)));
    let known: Vec<&str> = numbers.keys().map(String::as_str).collect();
    let mut resolve = |ends: &[String; 2], origin| {
        let found = ends.clone().map(|end| {
            let number = numbers.get(&end).copied();
            if number.is_none() {
                findings.push(text.finding(
                    "unknown_node",
                    origin,
                    format!("there is no node \"{end}\""),
                    &suggest(&end, &known),
                ));
            }
            number
        });
        match found {
            [Some(a), Some(b)] => Some([a, b]),
            _ => None,
        }
    };
    let mut fibres: Vec<Fibre> = Vec::new();
    let mut places: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    let (mut loops, mut parallel) = (0, 0);
    for edge in &raw.edges {
        let Some(ends) = resolve(&edge.ends, edge.origin) else {
            continue;
        };
        if ends[0] == ends[1] {
            loops += 1;
            continue;
        }
        let fibre = Fibre {
            ends,
            length: length(&edge.attributes),
            loss_db: given(&edge.attributes, &LOSSES, decibels),
            estimates: [LENGTHS.as_flattened(), &LOSSES]
                .map(|names| calls_estimated(&edge.attributes, names)),
        };
        let pair = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        match places.get(&pair) {
            Some(_) => parallel += 1,
            None => {
                places.insert(pair, fibres.len());
                fibres.push(fibre);
            }
        }
    }
    let demands: Vec<Asked> = raw
        .demands
        .iter()
        .filter_map(|demand| {
            let ends = resolve(&demand.ends, demand.origin)?;
            (ends[0] != ends[1] && demand.value > 0.0).then_some(Asked {
                ends,
                value: demand.value,
            })
        })
        .collect();
    for (count, what) in [
        (loops, "edges from a node to itself were left out"),
        (
            parallel,
            "edges beside another one between the same nodes were left out",
        ),
    ] {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    }
    if raw.nodes.len() < 2 {
        findings.push(Diagnostic::about_file(
            "no_nodes",
            file,
            format!("a network needs two nodes; this file has {}", raw.nodes.len()),
            "is this the right file?",
        ));
    }
    if findings.is_empty() {
        findings.extend(pieces(&raw.nodes, &fibres, file));
    }
    if !findings.is_empty() {
        let mut all = Diagnostics(findings);
        all.sort();
        return Err(all);
    }
    let name = raw.name.filter(|name| !name.trim().is_empty());
    let source = match raw.source {
        Some(source) => format!("Topology: {format} file, which names as its source {source}"),
        None => format!("Topology: {format} file {}", short(file)),
    };
    Ok(Topology {
        name: name.unwrap_or_else(|| stem.to_owned()),
        sources: vec![source],
        notes,
        sites: sites(raw.nodes),
        fibres,
        demands,
    })
}

/// A file's name without its folders, which are nobody else's.
fn short(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Names under which files give the length of a fibre, and the distance of its ends, in lower case.
const LENGTHS: [[&str; 2]; 2] = [["length_km", "length"], ["dist", "distance"]];

/// Longer than once round the earth no fibre is \[km\].
const LONGEST_KM: f64 = 40_000.0;

fn kilometres(value: &str) -> Option<f64> {
    let value = value.trim().parse::<f64>().ok()?;
    (value > 0.0 && value <= LONGEST_KM).then_some(value)
}

/// What an edge's attributes say of its length. Assumption: kilometres, as in the collections that these formats
/// come from; `dist` and `distance` are as the crow flies.
fn length(attributes: &BTreeMap<String, String>) -> Length {
    let [fibre, straight] = LENGTHS.map(|names| given(attributes, &names, kilometres));
    match (fibre, straight) {
        (Some(km), _) => Length::Fibre(km),
        (None, Some(km)) => Length::Straight(km),
        (None, None) => Length::Unknown,
    }
}

/// The first of an edge's attributes of these names that is a number of that kind.
fn given(
    attributes: &BTreeMap<String, String>,
    names: &[&str],
    kind: fn(&str) -> Option<f64>,
) -> Option<f64> {
    names.iter().find_map(|name| kind(attributes.get(*name)?))
}

/// Names under which files give the loss of a fibre in decibels, in lower case.
const LOSSES: [&str; 2] = ["loss_db", "attenuation_db"];

/// No fibre that light is expected to come out of loses more \[dB\].
const MOST_DB: f64 = 1_000.0;

fn decibels(value: &str) -> Option<f64> {
    let value = value.trim().parse::<f64>().ok()?;
    (0.0..=MOST_DB).contains(&value).then_some(value)
}

/// The attribute in which a file lists an edge's attributes that are estimates.
const ESTIMATED: &str = "estimated";

fn calls_estimated(attributes: &BTreeMap<String, String>, names: &[&str]) -> bool {
    let listed = attributes.get(ESTIMATED).map_or("", String::as_str);
    listed.split(',').any(|name| names.contains(&name.trim()))
}

/// The finding if an edge gives a loss that is none.
fn loss_of_fibre(text: &Text, edge: &RawEdge) -> Option<Diagnostic> {
    let given = LOSSES
        .iter()
        .filter_map(|name| Some((name, edge.attributes.get(*name)?)));
    let (name, value) = given
        .filter(|(_, value)| !value.trim().is_empty())
        .find(|(_, value)| decibels(value).is_none())?;
    let [a, b] = &edge.ends;
    Some(text.finding(
        "bad_loss",
        edge.origin,
        format!("{name} of the edge from {a} to {b} is \"{value}\": no loss of a fibre"),
        "write decibels, from 0 to 1000, without a unit; or leave it out, and 0.2 dB/km are assumed",
    ))
}

/// The finding if an edge gives a length that is none.
fn length_of_fibre(text: &Text, edge: &RawEdge) -> Option<Diagnostic> {
    let given = LENGTHS
        .as_flattened()
        .iter()
        .filter_map(|name| Some((name, edge.attributes.get(*name)?)));
    let (name, value) = given
        .filter(|(_, value)| !value.trim().is_empty())
        .find(|(_, value)| kilometres(value).is_none())?;
    let [a, b] = &edge.ends;
    Some(text.finding(
        "bad_length",
        edge.origin,
        format!("{name} of the edge from {a} to {b} is \"{value}\": no length of a fibre"),
        "write kilometres, above 0 and at most 40000, without a unit; or leave it out, and it is estimated",
    ))
}

/// The finding if a node gives a place that is not on earth.
fn place_on_earth(text: &Text, node: &RawNode) -> Option<Diagnostic> {
    let given = PLACES
        .as_flattened()
        .iter()
        .filter_map(|name| Some((*name, node.attributes.get(*name)?)));
    let wrong = |(name, value): &(&str, &String)| {
        let most = if name.starts_with("lat") { 90.0 } else { 180.0 };
        !value.trim().is_empty()
            && !value
                .trim()
                .parse::<f64>()
                .is_ok_and(|degrees| degrees.abs() <= most)
    };
    let (name, value) = given.into_iter().find(wrong)?;
    Some(text.finding(
        "bad_coordinate",
        node.origin,
        format!("{name} of node {} is \"{value}\": no place on earth", node.id),
        "write degrees: a longitude from -180 to 180, a latitude from -90 to 90",
    ))
}

/// Sites under ids that a scenario can use: the label, cleaned, or the id where labels are alike.
fn sites(nodes: Vec<RawNode>) -> Vec<Site> {
    let wanted: Vec<String> = nodes
        .iter()
        .map(|node| clean(node.attributes.get("label").unwrap_or(&node.id)))
        .collect();
    let mut taken = BTreeSet::new();
    let named = nodes.into_iter().zip(&wanted);
    named
        .map(|(node, name)| {
            let alike = wanted.iter().filter(|other| *other == name).count() > 1;
            let mut id = if alike {
                format!("{name}-{}", clean(&node.id))
            } else {
                name.clone()
            };
            while !taken.insert(id.clone()) {
                id.push('+');
            }
            let place = PLACES.iter().find_map(|names| {
                let [lon, lat] = names.map(|name| node.attributes.get(name)?.trim().parse::<f64>().ok());
                Some([lon?, lat?]).filter(|[lon, lat]| lon.abs() <= 180.0 && lat.abs() <= 90.0)
            });
            Site {
                id,
                lon_lat: place,
                attributes: node.attributes,
            }
        })
        .collect()
}

/// A text with only what may stand in an id.
pub(super) fn clean(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '+') {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "node" } else { name }.to_owned()
}

/// The first site of the piece that a site is in.
fn root(piece: &mut [usize], mut at: usize) -> usize {
    while piece[at] != at {
        piece[at] = piece[piece[at]];
        at = piece[at];
    }
    at
}

/// A finding if the network is in several pieces.
fn pieces(nodes: &[RawNode], fibres: &[Fibre], file: &str) -> Option<Diagnostic> {
    let mut piece: Vec<usize> = (0..nodes.len()).collect();
    for fibre in fibres {
        let [a, b] = fibre.ends.map(|end| root(&mut piece, end));
        piece[a.max(b)] = a.min(b);
    }
    let mut members: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (number, node) in nodes.iter().enumerate() {
        members
            .entry(root(&mut piece, number))
            .or_default()
            .push(&node.id);
    }
    if members.len() < 2 {
        return None;
    }
    let mut sizes: Vec<&Vec<&str>> = members.values().collect();
    sizes.sort_by_key(|nodes| std::cmp::Reverse(nodes.len()));
    let cut_off: Vec<&str> = sizes[1..]
        .iter()
        .flat_map(|nodes| nodes.iter().copied())
        .collect();
    let shown = cut_off.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let more = if cut_off.len() > 8 { " …" } else { "" };
    Some(Diagnostic::about_file(
        "disconnected",
        file,
        format!(
            "the network is in {} pieces: not joined with the rest are {shown}{more}",
            members.len()
        ),
        "join the pieces by edges, or take the others out of the file",
    ))
}

#[cfg(test)]
mod tests;
