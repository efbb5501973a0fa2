//! The map of a network: colour tells how full a link's stores are, width how much of its key is spent.

use std::fmt::Write as _;

use serde::Serialize;

use super::frame::{escaped, open};
use super::labels::{Label, write as write_labels};
use super::layout::{geography, places};
use super::{COLOURS, Picture, time_unit};
use crate::report::study::{Map, MapFault, Run};

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 600.0;
/// Around the map \[px\]: left, top, right, bottom.
const MARGIN: [f64; 4] = [60.0, 74.0, 60.0, 76.0];
/// From here on nodes are drawn small.
const MANY: usize = 48;

/// A site's radius where there is room \[px\].
const SITE: f64 = 7.0;

/// A relay's size as a share of a site's.
const RELAY: f64 = 0.5;

/// Levels in this order, from empty to full: name, lowest share \[percent\], colour.
const LEVELS: [(&str, u8, &str); 5] = [
    ("under 2 %", 0, "#d7263d"),
    ("2 to 25 %", 2, "#f08a24"),
    ("25 to 50 %", 25, "#c9b31f"),
    ("50 to 75 %", 50, "#4fa34a"),
    ("over 75 %", 75, "#1f77b4"),
];

/// A link that a fault cuts, whatever its stores hold.
const FAILED: &str = "#b03fc0";

/// What changes on the map over time, for the report's slider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// Instants \[ns\]; none where no time series was kept.
    pub times: Vec<u64>,
    /// By link, then instant: how full the emptier direction's store is \[percent\]; null without a store.
    pub levels: Vec<Option<Vec<u8>>>,
    /// By link, then instant: key spent since the instant before, as a share of the largest of all \[percent\].
    pub loads: Vec<Option<Vec<u8>>>,
}

impl Changes {
    /// What changes in a run.
    pub fn of(run: &Run) -> Changes {
        let links = 0..run.map.links.len();
        let level = |link: usize| {
            let capacity = run.map.links[link].capacity;
            let values = run.of_link(link, "lowest_bits")?;
            let share = |&value: &u64| (u128::from(value) * 100 / u128::from(capacity.max(1))).min(100) as u8;
            Some(values.iter().map(share).collect())
        };
        let spent = |link: usize| -> Option<Vec<u64>> {
            let values = run.of_link(link, "spent_bits")?;
            let first = std::iter::once(0);
            let steps = values.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
            Some(first.chain(steps).collect())
        };
        let spent: Vec<Option<Vec<u64>>> = links.clone().map(spent).collect();
        let most = spent
            .iter()
            .flatten()
            .flatten()
            .copied()
            .max()
            .unwrap_or(0)
            .max(1);
        let share = |value: &u64| (u128::from(*value) * 100 / u128::from(most)) as u8;
        Changes {
            times: run.times.clone(),
            levels: links.map(level).collect(),
            loads: (spent.iter())
                .map(|steps| Some(steps.as_ref()?.iter().map(share).collect()))
                .collect(),
        }
    }
}

/// Which of the classes a level \[percent\] falls into.
fn class(level: u8) -> usize {
    LEVELS
        .iter()
        .rposition(|&(_, from, _)| level >= from)
        .unwrap_or(0)
}

/// Draws the map at an instant of the time series (`None`: the last one before the end); `failures`: with what has failed
/// then, which in a report its script shows.
pub fn draw(run: &Run, at_ns: Option<u64>, failures: bool) -> Picture {
    let map = &run.map;
    let changes = Changes::of(run);
    let moment = at_ns.map_or(changes.times.len(), |at| {
        changes.times.partition_point(|&time| time <= at)
    });
    let moment = moment.checked_sub(1);
    let title = match moment {
        Some(moment) => {
            let (factor, unit) = time_unit(run.end_ns);
            let after = super::plane::number(changes.times[moment] as f64 / factor);
            format!("{}: stores and load after {after} {unit}", run.name)
        }
        None => format!("{}: topology", run.name),
    };
    let inner = [WIDTH - MARGIN[0] - MARGIN[2], HEIGHT - MARGIN[1] - MARGIN[3]];
    let known = geography(map, inner[0], inner[1]);
    let geographic = known.is_some();
    let at: Vec<[f64; 2]> = known
        .unwrap_or_else(|| places(map, inner[0], inner[1]))
        .into_iter()
        .map(|[x, y]| [x + MARGIN[0], y + MARGIN[1]])
        .collect();
    let mut svg = open(&title, WIDTH, HEIGHT);
    let many = map.nodes.iter().filter(|node| !node.relay).count() > MANY;
    svg.push_str("<g class=\"links\">\n");
    for (number, link) in map.links.iter().enumerate() {
        let of = |values: &[Option<Vec<u8>>]| {
            values[number]
                .as_ref()
                .and_then(|values| values.get(moment?).copied())
        };
        let (level, load) = (of(&changes.levels), of(&changes.loads));
        let colour = level.map_or("#8a8f98", |level| LEVELS[class(level)].2);
        let base = if many { 1.2 } else { 2.2 };
        let width = base + f64::from(load.unwrap_or(0)) / 100.0 * 2.6 * base;
        let [a, b] = link.ends.map(|end| at[end]);
        let now = moment.map(|moment| changes.times[moment]).filter(|_| failures);
        let fails = now.is_some_and(|now| {
            let lasts =
                |fault: &&MapFault| fault.at_ns <= now && fault.repaired_ns.is_none_or(|end| now < end);
            map.faults
                .iter()
                .filter(lasts)
                .any(|fault| fault.links.contains(&number))
        });
        let colour = if fails { FAILED } else { colour };
        let dashes = if fails {
            " stroke-dasharray=\"2 5\""
        } else if link.border {
            " stroke-dasharray=\"7 3\""
        } else {
            ""
        };
        let says = match level {
            Some(level) => format!("{}: emptier store {level} % full", link.name),
            None => link.name.clone(),
        };
        let _ = writeln!(
            svg,
            "<line data-link=\"{number}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
             stroke-width=\"{width:.2}\" stroke-linecap=\"butt\"{dashes}><title>{}</title></line>",
            a[0],
            a[1],
            b[0],
            b[1],
            escaped(&says)
        );
    }
    svg.push_str("</g>\n<g class=\"nodes\">\n");
    let site = if many {
        3.2
    } else {
        SITE.min(0.42 * least_distance(&at)).max(2.6)
    };
    for (number, node) in map.nodes.iter().enumerate() {
        let radius = if node.relay { RELAY * site } else { site };
        let (r, g, b) = COLOURS[[0, 1, 3, 2, 6, 4, 5, 7][node.qkdn % COLOURS.len()]];
        let [x, y] = at[number];
        let fill = format!("#{r:02x}{g:02x}{b:02x}");
        let name = escaped(&node.name);
        let shape = if node.interworking {
            let side = radius * 1.8;
            format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"",
                x - side / 2.0,
                y - side / 2.0
            )
        } else {
            format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"")
        };
        let _ = writeln!(
            svg,
            "{shape} data-node=\"{number}\" fill=\"{fill}\" stroke=\"#FFFFFF\" stroke-width=\"1\"><title>{name}</title>{}",
            if node.interworking { "</rect>" } else { "</circle>" }
        );
    }
    svg.push_str("</g>\n");
    let size = if many { 9.0 } else { 11.0 };
    write_labels(
        &mut svg,
        &labels(map, &at, site),
        &at,
        site,
        [WIDTH, HEIGHT],
        size,
    );
    legend(&mut svg, run, moment.is_some());
    let how = if geographic {
        "Places: geography"
    } else {
        "Places: by distances in the network"
    };
    let _ = writeln!(
        svg,
        "<text x=\"14\" y=\"{}\" font-size=\"11\" fill=\"#505050\">{how}. Width: key spent in the period before. Dashed: between QKDNs, dotted: failed. Squares: \
         interworking nodes. Small: relays.</text>",
        HEIGHT - 38.0
    );
    svg.push_str("</svg>\n");
    Picture {
        id: "topology".to_owned(),
        title,
        note: "Colour: how full the emptier direction's store is. Width: key spent in the period before, as a share of \
               the busiest link's. Dashed: between QKDNs. Dotted: failed. Squares: sides of an interworking node. Small: relays. Names \
               that would lie on others are left out; hover for them."
            .to_owned(),
        svg,
        marks: Vec::new(),
    }
}

/// How far apart the two nodes are that lie nearest to each other, without those that lie on one another.
fn least_distance(at: &[[f64; 2]]) -> f64 {
    let mut least = f64::MAX;
    for (number, a) in at.iter().enumerate() {
        for b in &at[..number] {
            let apart = libm::hypot(a[0] - b[0], a[1] - b[1]);
            if apart > 1.0 {
                least = least.min(apart);
            }
        }
    }
    least
}

/// The names to write, the most important first: ends of borders, then sites by their links. Relays inside a QKDN have
/// none.
fn labels(map: &Map, at: &[[f64; 2]], site: f64) -> Vec<Label> {
    let plain = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let twice = |text: &String| map.nodes.iter().filter(|node| plain(&node.name) == *text).count() > 1;
    let mut found: Vec<(usize, usize, Label)> = Vec::new();
    for (number, node) in map.nodes.iter().enumerate() {
        let links = || map.links.iter().filter(|link| link.ends.contains(&number));
        let border = node.interworking || links().any(|link| link.border);
        let class = match (border, node.relay) {
            (true, false) => 0,
            (false, false) => 1,
            (true, true) => 2,
            (false, true) => continue,
        };
        let short = plain(&node.name);
        let text = if node.interworking || twice(&short) {
            node.name.clone()
        } else {
            short
        };
        let label = Label {
            at: at[number],
            radius: if node.relay { RELAY * site } else { site },
            text,
        };
        found.push((class, usize::MAX - links().count(), label));
    }
    found.sort_by_key(|&(class, links, _)| (class, links));
    found.into_iter().map(|(_, _, label)| label).collect()
}

fn legend(svg: &mut String, run: &Run, levels: bool) {
    let (mut x, mut y) = (14.0, 40.0);
    for (number, qkdn) in run.map.qkdns.iter().enumerate() {
        let (r, g, b) = COLOURS[[0, 1, 3, 2, 6, 4, 5, 7][number % COLOURS.len()]];
        let width = 34.0 + 7.6 * qkdn.chars().count() as f64;
        if x + width > WIDTH && x > 14.0 {
            (x, y) = (14.0, y + 18.0);
        }
        if y > 60.0 {
            break;
        }
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"{y}\" r=\"5\" fill=\"#{r:02x}{g:02x}{b:02x}\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"#000000\">{}</text>",
            x + 5.0,
            x + 15.0,
            y + 4.0,
            escaped(qkdn)
        );
        x += width;
    }
    let mut x = 14.0;
    let y = HEIGHT - 16.0;
    if !levels {
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" fill=\"#505050\">no time series in this folder: run without --samples 0</text>"
        );
        return;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" fill=\"#000000\">store of the emptier direction:</text>"
    );
    x += 210.0;
    for (name, _, colour) in LEVELS {
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"5\"/>\
             <text x=\"{}\" y=\"{y}\" font-size=\"12\" fill=\"#000000\">{name}</text>",
            y - 4.0,
            x + 22.0,
            y - 4.0,
            x + 28.0
        );
        x += 114.0;
    }
    if !run.map.faults.is_empty() {
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{FAILED}\" stroke-width=\"5\" stroke-dasharray=\"2 5\"/>\
             <text x=\"{}\" y=\"{y}\" font-size=\"12\" fill=\"#000000\">failed</text>",
            y - 4.0,
            x + 22.0,
            y - 4.0,
            x + 28.0
        );
    }
}

/// The classes for the report's script: from which level \[percent\], which colour.
pub fn levels() -> Vec<(u8, &'static str)> {
    LEVELS.iter().map(|&(_, from, colour)| (from, colour)).collect()
}
