//! Sequence charts of traced messages, in the style of Y.3818's Figures 9–14: participants as columns, grouped by QKDN,
//! with the border in the middle; a row per message or internal step.
//!
//! [`Chart::of`] says what stands where; each form draws it: [`list`] and [`ladder`] as text, [`mermaid`], [`svg`].

pub mod ladder;
pub mod list;
pub mod mermaid;
mod roster;
mod selection;
pub mod svg;

pub use roster::{Element, Roster};
pub use selection::Selection;

use crate::architecture::Layer;
use crate::observe::record::TraceLine;

/// A participant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name: an element's, or a KM's for KMA and KSA.
    pub name: String,
    /// Its layer.
    pub layer: Layer,
    /// Which of the chart's groups it stands in.
    pub group: usize,
    /// Whether it stands at a border.
    pub border: bool,
}

/// A message, or a step inside one element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Since the start: the first row, unless another is known \[ns\].
    pub after_ns: u64,
    /// Columns of sender and receiver; the same for what stays inside a KM or an element.
    pub ends: [usize; 2],
    /// Procedure.
    pub procedure: String,
    /// Step.
    pub step: String,
    /// `text`, `analogue` or `inferred`.
    pub provenance: String,
    /// Reference point; none inside an element.
    pub reference_point: Option<String>,
    /// What is said or done.
    pub message: String,
    /// Whether it answers another message.
    pub response: bool,
}

impl Row {
    /// Step, reference point and message, as charts print them at an arrow.
    pub fn label(&self) -> String {
        let point = self.reference_point.as_deref();
        let parts = [Some(self.step.as_str()), point, Some(self.message.as_str())];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// Whether it is a note rather than an arrow.
    pub fn is_note(&self) -> bool {
        self.ends[0] == self.ends[1]
    }
}

/// What stands where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Names of the groups, from left to right: QKDNs, and an interworking node between them.
    pub groups: Vec<String>,
    /// Participants, from left to right.
    pub columns: Vec<Column>,
    /// Messages and steps, in the trace's order.
    pub rows: Vec<Row>,
}

/// Last words of messages that answer: their arrows are dashed.
const ANSWERS: [&str; 12] = [
    "answer",
    "offer",
    "confirmed",
    "refused",
    "accepted",
    "completion",
    "failure",
    "response",
    "supply",
    "refusal",
    "active",
    "acknowledgement",
];

impl Chart {
    /// The chart of some lines of a trace; elements that the roster does not know stand on the far right. `start`: from when
    /// times count \[ns\], if not from the first line.
    pub fn of(title: &str, lines: &[TraceLine<'_>], roster: &Roster, start: Option<u64>) -> Chart {
        let mut places: Vec<Place> = Vec::new();
        for line in lines {
            for name in [&line.from, &line.to] {
                let place = Place::of(name, roster);
                if !places.iter().any(|known| known.column == place.column) {
                    places.push(place);
                }
            }
        }
        let path = relay_path(lines, roster);
        let first_qkdn = first_qkdn(lines, roster).unwrap_or_default();
        places.sort_by_cached_key(|place| place.rank(&first_qkdn, &path));
        let mut groups: Vec<String> = Vec::new();
        let mut columns = Vec::new();
        for place in places {
            if groups.last() != Some(&place.group) {
                groups.push(place.group.clone());
            }
            columns.push(Column {
                name: place.column,
                layer: place.layer,
                group: groups.len() - 1,
                border: place.border,
            });
        }
        let start = self::start(lines, start);
        let row = |line: &TraceLine<'_>| {
            let column = |name: &str| {
                let wanted = Place::of(name, roster).column;
                let mut known = columns.iter();
                known
                    .position(|column| column.name == wanted)
                    .expect("every element of a line has its column")
            };
            let last_word = line.message.rsplit(' ').next().unwrap_or_default();
            Row {
                after_ns: line.t_ns - start,
                ends: [column(&line.from), column(&line.to)],
                procedure: line.procedure.to_string(),
                step: line.step.to_string(),
                provenance: line.provenance.to_string(),
                reference_point: line.reference_point.as_deref().map(str::to_owned),
                message: line.message.to_string(),
                response: ANSWERS.contains(&last_word),
            }
        };
        let rows = lines.iter().map(row).collect();
        Chart {
            title: title.to_owned(),
            groups,
            columns,
            rows,
        }
    }

    /// Columns of a group: the first, and the one after the last.
    pub fn columns_of(&self, group: usize) -> [usize; 2] {
        let of = |group: usize| self.columns.partition_point(|column| column.group < group);
        [of(group), of(group + 1)]
    }
}

/// From when times count: what is told before, an announcement, begins them.
fn start(lines: &[TraceLine<'_>], known: Option<u64>) -> u64 {
    let first = lines.first().map_or(0, |line| line.t_ns);
    known.map_or(first, |known| known.min(first))
}

/// Where a participant belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    column: String,
    layer: Layer,
    qkdn: String,
    group: String,
    border: bool,
}

impl Place {
    fn of(name: &str, roster: &Roster) -> Place {
        match roster.elements.get(name) {
            Some(element) => {
                // An interworking node's KMs stand between the QKDNs; its controllers and managers with their own.
                let site = element
                    .site
                    .as_ref()
                    .filter(|_| element.layer == Layer::KeyManagement);
                Place {
                    column: element.column.clone(),
                    layer: element.layer,
                    qkdn: element.qkdn.clone(),
                    group: site
                        .map_or_else(|| format!("QKDN {}", element.qkdn), |site| format!("IWN {site}")),
                    border: element.border || element.site.is_some(),
                }
            }
            None => Place {
                column: name.to_owned(),
                layer: Layer::Service,
                qkdn: String::new(),
                group: "elsewhere".to_owned(),
                border: false,
            },
        }
    }

    /// From left to right: managers, controllers, applications, modules and KMs of the first QKDN, its border last;
    /// then the others, mirrored.
    fn rank(&self, first_qkdn: &str, path: &[String]) -> (u8, String, (u8, usize), String) {
        let layer = match self.layer {
            Layer::UserNetworkManagement | Layer::Management => 0,
            Layer::Control => 1,
            Layer::Service => 2,
            Layer::Quantum => 3,
            Layer::KeyManagement => 4,
        };
        // KMs, and what is named after their nodes, in the order of the path.
        let node = self.column.rsplit(' ').next().unwrap_or_default();
        let along = path.iter().position(|step| step == node);
        let along = along.unwrap_or(path.len()) + 1;
        let side = match self.qkdn.as_str() {
            "" => 2,
            qkdn if qkdn == first_qkdn => 0,
            _ => 1,
        };
        if side == 0 {
            let place = if self.border { usize::MAX } else { along };
            (side, String::new(), (layer, place), self.column.clone())
        } else {
            let place = if self.border { 0 } else { along };
            (side, self.qkdn.clone(), (4 - layer, place), self.column.clone())
        }
    }
}

/// Nodes in the order in which relayed key reaches them.
fn relay_path(lines: &[TraceLine<'_>], roster: &Roster) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let relays = lines
        .iter()
        .filter(|line| matches!(line.message.as_ref(), "key relay" | "key transfer"));
    for name in relays.flat_map(|line| [&line.from, &line.to]) {
        if let Some(element) = roster.elements.get(name.as_ref())
            && !path.contains(&element.node)
        {
            path.push(element.node.clone());
        }
    }
    path
}

/// The QKDN on the left: the one that begins.
fn first_qkdn(lines: &[TraceLine<'_>], roster: &Roster) -> Option<String> {
    let first = roster.elements.get(lines.first()?.from.as_ref())?;
    Some(first.qkdn.clone())
}

/// A time since the start, with a unit that suits it.
pub(crate) fn since(after_ns: u64) -> String {
    let after = after_ns as f64;
    match after_ns {
        0..10_000_000 => format!("{} us", after / 1e3),
        10_000_000..10_000_000_000 => format!("{:.3} ms", after / 1e6),
        _ => format!("{:.3} s", after / 1e9),
    }
}
