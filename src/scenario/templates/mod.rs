//! Topologies by rule: any number of QKDNs with any number of sites each. A template is one file and one line in
//! [`TEMPLATES`].

mod backbone_metros;
mod grid;
mod metro;
mod random_geometric;
mod ring;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::topology::{Fibre, Length, QKDN, Site, Topology, place_on_map};
use crate::catalogue::{Entry, suggest};

/// How large a topology shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// QKDNs.
    pub qkdns: u32,
    /// Sites in each, relays not counted.
    pub nodes: u32,
    /// Length of a typical fibre \[km\].
    pub length_km: f64,
    /// Seed of what is random.
    pub seed: u64,
}

/// A topology by rule.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name and what it is.
    pub entry: Entry,
    /// QKDNs that it needs at least.
    pub fewest_qkdns: u32,
    draw: fn(Size, &mut Drawing),
}

/// All templates.
pub const TEMPLATES: &[Template] = &[
    ring::TEMPLATE,
    grid::TEMPLATE,
    metro::TEMPLATE,
    backbone_metros::TEMPLATE,
    random_geometric::TEMPLATE,
];

/// Most sites that a template makes.
const MOST_SITES: u64 = 100_000;

/// The topology of that template and size.
///
/// # Errors
/// All findings: an unknown name, or a size that it cannot have.
pub fn draw(name: &str, size: Size) -> Result<Topology, Diagnostics> {
    let mut findings = Vec::new();
    let mut wrong = |option: &str, code, message: String, hint: &str| {
        findings.push(Diagnostic::about_file(code, option, message, hint));
    };
    let names: Vec<&str> = TEMPLATES.iter().map(|template| template.entry.name).collect();
    let template = TEMPLATES.iter().find(|template| template.entry.name == name);
    if template.is_none() {
        wrong(
            "--template",
            "unknown_template",
            format!("there is no template \"{name}\""),
            &suggest(name, &names),
        );
    }
    let fewest = template.map_or(1, |template| template.fewest_qkdns);
    if size.qkdns < fewest {
        let message = format!("{name} needs {fewest} QKDNs or more, not {}", size.qkdns);
        wrong("--qkdns", "too_few", message, "raise --qkdns");
    }
    if size.nodes < 2 {
        let message = format!(
            "a QKDN has two nodes at least (Y.3818, 3.1.5), not {}",
            size.nodes
        );
        wrong("--nodes", "too_few", message, "raise --nodes");
    }
    if u64::from(size.qkdns) * u64::from(size.nodes) > MOST_SITES {
        let message = format!("{} x {} sites are too many", size.qkdns, size.nodes);
        wrong(
            "--nodes",
            "too_many",
            message,
            &format!("{MOST_SITES} is the most"),
        );
    }
    if !(size.length_km > 0.0 && size.length_km <= 10_000.0) {
        let message = format!("fibres cannot be {} km long", size.length_km);
        wrong(
            "--length",
            "bad_length",
            message,
            "give a length between 1 m and 10000 km",
        );
    }
    let Some(template) = template.filter(|_| findings.is_empty()) else {
        return Err(Diagnostics(findings));
    };
    let mut drawing = Drawing::default();
    (template.draw)(size, &mut drawing);
    let mut topology = drawing.topology;
    // A drawing larger than the map has lengths, and no places.
    let is_on_map = |[lon, lat]: [f64; 2]| lon.abs() <= 180.0 && lat.abs() <= 90.0;
    if !(topology.sites.iter()).all(|site| site.lon_lat.is_none_or(is_on_map)) {
        for site in &mut topology.sites {
            site.lon_lat = None;
        }
    }
    topology.name = format!("{name}-{}x{}", size.qkdns, size.nodes);
    topology.sources = vec![format!(
        "Drawn by qkdni new --template {name} --qkdns {} --nodes {} --length \"{} km\" --seed {}: no real network",
        size.qkdns, size.nodes, size.length_km, size.seed
    )];
    Ok(topology)
}

/// A topology being drawn on a plane.
#[derive(Debug, Default)]
struct Drawing {
    topology: Topology,
}

impl Drawing {
    /// Adds a site `east` and `north` of the origin \[km\] to a QKDN; both count from 0.
    fn site(&mut self, qkdn: u32, number: u32, east: f64, north: f64) -> usize {
        let qkdn = format!("Q{}", qkdn + 1);
        self.topology.sites.push(Site {
            id: format!("{}-{}", qkdn.to_lowercase(), number + 1),
            lon_lat: Some(place_on_map(east, north)),
            attributes: [(QKDN.to_owned(), qkdn)].into(),
        });
        self.topology.sites.len() - 1
    }

    /// Joins two sites by a fibre of that length \[km\].
    fn join(&mut self, a: usize, b: usize, length_km: f64) {
        self.topology.fibres.push(Fibre {
            ends: [a, b],
            length: Length::Fibre(length_km),
            loss_db: None,
            estimates: [false; 2],
        });
    }

    /// Adds a metropolitan network around a place: two hubs that are joined, and access sites on a circle, each with
    /// a fibre to both hubs. Returns the hubs.
    fn metro(&mut self, size: Size, qkdn: u32, east: f64, north: f64) -> [usize; 2] {
        let half = size.length_km / 2.0;
        let hubs = [
            self.site(qkdn, 0, east - half, north),
            self.site(qkdn, 1, east + half, north),
        ];
        self.join(hubs[0], hubs[1], size.length_km);
        for number in 2..size.nodes {
            let angle = turn(number - 2, size.nodes - 2);
            let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
            let site = self.site(
                qkdn,
                number,
                east + size.length_km * cosine,
                north + size.length_km * sine,
            );
            // From a point of the circle to the hubs, half a length off its centre.
            let squared = |sign: f64| 1.25 + sign * cosine;
            self.join(hubs[0], site, size.length_km * libm::sqrt(squared(1.0)));
            self.join(hubs[1], site, size.length_km * libm::sqrt(squared(-1.0)));
        }
        hubs
    }
}

/// The angle of one of `of` equal parts of a circle.
fn turn(part: u32, of: u32) -> f64 {
    2.0 * std::f64::consts::PI * f64::from(part) / f64::from(of.max(1))
}
