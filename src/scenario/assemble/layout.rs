//! Where everything lies: lengths, relays, links and borders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::partition::Parts;
use super::{Borders, Joint, Settings};
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::topology::{Fibre, Length, Topology, great_circle_km};
use crate::units::{Metres, counted};

/// A topology's parts as a scenario has them.
#[derive(Debug)]
pub(super) struct Layout {
    /// For each QKDN the nodes that its sites do not include.
    relay_nodes: Vec<Vec<Value>>,
    links: Vec<Vec<Value>>,
    /// The borders.
    pub boundaries: Vec<Value>,
    /// The QKDNs that each border joins.
    pub joined: Vec<[usize; 2]>,
    /// The sites at the ends of the fibre that each border is a part of.
    pub border_sites: Vec<[usize; 2]>,
    /// Number of relays.
    pub relays: usize,
    /// Fibres between QKDNs that are no border, by their ends.
    pub left_out: Vec<String>,
    /// What was left out, in a sentence each.
    pub notes: Vec<String>,
}

/// Of how many fibres the length follows from how far apart their ends are, and of how many not even from that.
pub(super) fn estimated(topology: &Topology) -> [usize; 2] {
    let placed = |fibre: &Fibre| {
        fibre
            .ends
            .iter()
            .all(|&end| topology.sites[end].lon_lat.is_some())
    };
    let count = |is: &dyn Fn(&&Fibre) -> bool| topology.fibres.iter().filter(is).count();
    [
        count(&|fibre| match fibre.length {
            Length::Fibre(_) => false,
            Length::Straight(_) => true,
            Length::Unknown => placed(fibre),
        }),
        count(&|fibre| fibre.length == Length::Unknown && !placed(fibre)),
    ]
}

/// The length of every fibre; what has none goes into `findings`.
pub(super) fn lengths(
    topology: &Topology,
    settings: &Settings,
    file: &str,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Metres> {
    // A building is some metres long, and two sites at one place are in one.
    let metres = |km: f64| Metres((libm::round(km * 1e3) as u64).max(1));
    let mut without = Vec::new();
    let lengths = topology.fibres.iter().map(|fibre| {
        let places = fibre.ends.map(|end| topology.sites[end].lon_lat);
        match (fibre.length, places) {
            (Length::Fibre(km), _) => metres(km),
            (Length::Straight(km), _) => metres(km * settings.detour),
            (Length::Unknown, [Some(a), Some(b)]) => metres(great_circle_km(a, b) * settings.detour),
            (Length::Unknown, places) => settings.default_length.unwrap_or_else(|| {
                let missing = fibre.ends.iter().zip(places).filter(|(_, place)| place.is_none());
                without.extend(missing.map(|(end, _)| *end));
                Metres(1)
            }),
        }
    });
    let lengths = lengths.collect();
    without.sort_unstable();
    without.dedup();
    if !without.is_empty() {
        let shown: Vec<&str> = without
            .iter()
            .take(8)
            .map(|site| topology.sites[*site].id.as_str())
            .collect();
        let more = if without.len() > 8 { " …" } else { "" };
        findings.push(Diagnostic::about_file(
            "no_coordinates",
            file,
            format!(
                "{} of {} nodes have no coordinates, so that lengths do not follow: {}{more}",
                without.len(),
                topology.sites.len(),
                shown.join(", ")
            ),
            "add Longitude and Latitude to the nodes or lengths to the edges, or give one for all with --default-length \"20 km\"",
        ));
    }
    lengths
}

/// Nodes and links inside the QKDNs, with relays.
pub(super) fn lay(topology: &Topology, settings: &Settings, parts: &Parts, lengths: &[Metres]) -> Layout {
    let mut layout = Layout {
        relay_nodes: vec![Vec::new(); parts.names.len()],
        links: vec![Vec::new(); parts.names.len()],
        boundaries: Vec::new(),
        joined: Vec::new(),
        border_sites: Vec::new(),
        relays: 0,
        left_out: Vec::new(),
        notes: Vec::new(),
    };
    for (number, fibre) in topology.fibres.iter().enumerate() {
        let [a, b] = fibre.ends.map(|end| parts.of_site[end]);
        if a == b {
            layout.stretch(topology, settings, number, lengths[number], [a, b], None);
        }
    }
    layout
}

/// The link model and the store of every link. Assumption: a module pair of the Toshiba LD class.
fn model() -> Value {
    json!({ "measured_table": { "rate_at_10_db": "300 kbit/s", "loss_max": "24 dB", "block": "8 kbit" } })
}

fn store() -> Value {
    json!({ "capacity": "8 Mbit" })
}

impl Layout {
    /// Lays a fibre: relays at equal distances, and links between them. Of a fibre between two QKDNs the stretch in
    /// the middle is the border; relays before it are the first one's.
    fn stretch(
        &mut self,
        topology: &Topology,
        settings: &Settings,
        number: usize,
        length: Metres,
        [near, far]: [usize; 2],
        names: Option<&Parts>,
    ) {
        let fibre = &topology.fibres[number];
        let [a, b] = fibre.ends.map(|end| &topology.sites[end]);
        let relays = (length.0.div_ceil(settings.span.0) - 1) as usize;
        let border = names.map(|parts| (parts, relays / 2));
        let owner = |part: usize| {
            if border.is_none_or(|(_, middle)| part <= middle) {
                near
            } else {
                far
            }
        };
        let name = |part: usize| match part {
            0 => a.id.clone(),
            part if part == relays + 1 => b.id.clone(),
            part => format!("{}--{}-{part}", a.id, b.id),
        };
        // Where a relay stands is estimated, and so is what of the fibre is whose.
        let whole = relays == 0;
        let known = [
            matches!(fibre.length, Length::Fibre(_)) && !fibre.estimates[0] && whole,
            fibre.loss_db.is_some() && !fibre.estimates[1] && whole,
        ];
        let estimated = ["length", "loss"].into_iter().zip(known);
        let estimated: Vec<&str> = estimated
            .filter_map(|(name, known)| (!known).then_some(name))
            .collect();
        let lossy = |mut value: Value, own: Metres| {
            if let Some(loss) = fibre.loss_db {
                let share = loss * own.0 as f64 / length.0.max(1) as f64;
                value["loss"] = json!(format!("{} dB", libm::round(share * 1e6) / 1e6));
            }
            value
        };
        let with_estimates = |mut value: Value| {
            if !estimated.is_empty() {
                value["estimated"] = json!(estimated);
            }
            value
        };
        self.relays += relays;
        for relay in 1..=relays {
            let mut node = json!({ "id": name(relay), "note": "relay", "estimated": ["node"] });
            if let (Some(from), Some(to)) = (a.lon_lat, b.lon_lat) {
                let part = relay as f64 / (relays + 1) as f64;
                for (axis, key) in ["lon", "lat"].into_iter().enumerate() {
                    let at = from[axis] + (to[axis] - from[axis]) * part;
                    node[key] = json!(libm::round(at * 1e5) / 1e5);
                }
                node["estimated"] = json!(["node", "lon", "lat"]);
            }
            self.relay_nodes[owner(relay)].push(node);
        }
        for part in 0..=relays {
            let at = |part: usize| length.0 * part as u64 / (relays + 1) as u64;
            let own = Metres(at(part + 1) - at(part));
            let ends = [name(part), name(part + 1)];
            let id = format!("{}--{}", ends[0], ends[1]);
            match border {
                Some((parts, middle)) if middle == part => {
                    let link = json!({ "model": model(), "store": store() });
                    let kind = match settings.joint {
                        Joint::Gwn => json!({ "gwn": { "link": link } }),
                        Joint::Iwn => json!({ "iwn": { "link": link } }),
                    };
                    self.boundaries.push(with_estimates(json!({
                        "id": id,
                        "between": [
                            format!("{}/{}", parts.names[near], ends[0]),
                            format!("{}/{}", parts.names[far], ends[1]),
                        ],
                        "duct": lossy(json!({ "length": own.to_string() }), own),
                        "kind": kind,
                    })));
                    self.joined.push([near, far]);
                    self.border_sites.push(fibre.ends);
                }
                _ => {
                    let link = json!({
                        "id": id,
                        "between": ends,
                        "length": own.to_string(),
                        "model": model(),
                        "store": store(),
                    });
                    self.links[owner(part)].push(with_estimates(lossy(link, own)));
                }
            }
        }
    }

    /// Lays the fibres between QKDNs that are to be borders.
    pub(super) fn choose_borders(
        &mut self,
        topology: &Topology,
        parts: &Parts,
        settings: &Settings,
        lengths: &[Metres],
        file: &str,
        findings: &mut Vec<Diagnostic>,
    ) {
        let pair = |number: usize| {
            let [a, b] = topology.fibres[number].ends.map(|end| parts.of_site[end]);
            [a.min(b), a.max(b)]
        };
        let across: Vec<usize> = (0..topology.fibres.len())
            .filter(|number| pair(*number)[0] != pair(*number)[1])
            .collect();
        let chosen: Vec<usize> = match &settings.borders {
            Borders::All => across.clone(),
            Borders::Shortest => {
                let mut shortest: BTreeMap<[usize; 2], usize> = BTreeMap::new();
                for &number in &across {
                    let best = shortest.entry(pair(number)).or_insert(number);
                    if lengths[number] < lengths[*best] {
                        *best = number;
                    }
                }
                shortest.into_values().collect()
            }
            Borders::Named(wanted) => wanted
                .iter()
                .filter_map(|names| {
                    let found = across.iter().copied().find(|number| {
                        let [a, b] = topology.fibres[*number].ends.map(|end| &topology.sites[end].id);
                        [a, b] == [&names[0], &names[1]] || [b, a] == [&names[0], &names[1]]
                    });
                    if found.is_none() {
                        findings.push(no_border(topology, &across, names, file));
                    }
                    found
                })
                .collect(),
        };
        let dropped = across.len() - chosen.len();
        if dropped > 0 {
            let name = |number: &usize| {
                let [a, b] = topology.fibres[*number].ends.map(|end| &topology.sites[end].id);
                format!("{a}–{b}")
            };
            let left = across.iter().filter(|number| !chosen.contains(number));
            self.left_out = left.map(name).collect();
            let (are, were) = if dropped == 1 {
                ("is", "was")
            } else {
                ("are", "were")
            };
            self.notes.push(format!(
                "{} between QKDNs {are} no border and {were} left out",
                counted(dropped as u64, "fibre")
            ));
        }
        for number in chosen {
            let ends = topology.fibres[number].ends.map(|end| parts.of_site[end]);
            self.stretch(topology, settings, number, lengths[number], ends, Some(parts));
        }
    }

    /// The QKDNs of the scenario.
    pub(super) fn qkdns(&self, topology: &Topology, parts: &Parts, settings: &Settings) -> Value {
        let qkdns = parts.names.iter().enumerate().map(|(number, name)| {
            let sites = topology
                .sites
                .iter()
                .enumerate()
                .filter(|(site, _)| parts.of_site[*site] == number);
            let mut nodes: Vec<Value> = sites
                .map(|(_, site)| match site.lon_lat {
                    Some([lon, lat]) => json!({ "id": site.id, "lon": lon, "lat": lat }),
                    None => json!({ "id": site.id }),
                })
                .collect();
            nodes.extend(self.relay_nodes[number].iter().cloned());
            let mut qkdn = json!({
                "id": name,
                "control": "distributed",
                "nodes": nodes,
                "links": self.links[number],
            });
            if matches!(settings.partition, super::Partition::Even(_)) {
                qkdn["estimated"] = json!(["the division into QKDNs"]);
            }
            qkdn
        });
        Value::Array(qkdns.collect())
    }
}

fn no_border(topology: &Topology, across: &[usize], names: &[String; 2], file: &str) -> Diagnostic {
    let known: Vec<String> = across
        .iter()
        .take(12)
        .map(|number| {
            let [a, b] = topology.fibres[*number]
                .ends
                .map(|end| topology.sites[end].id.as_str());
            format!("{a}:{b}")
        })
        .collect();
    Diagnostic::about_file(
        "no_border",
        file,
        format!("no fibre between two QKDNs joins {} and {}", names[0], names[1]),
        &format!("there are {}", known.join(", ")),
    )
}
