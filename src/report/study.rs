//! A run's results folder in memory, as far as pictures and the report show it.

use std::collections::BTreeMap;

use crate::architecture::{Disturbance, ElementKind};
use crate::archive::{
    ArchiveError, Archived, Manifest, RequestRow, RerouteRow, RouteRow, SeriesRow, Summary,
};
use crate::ids::Id as _;
use crate::network::plan::Plan;
use crate::scenario::document::{Document, QkdNode, place_between};

/// A node of the map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapNode {
    /// Its name.
    pub name: String,
    /// Number of its QKDN.
    pub qkdn: usize,
    /// Whether it is a side of an interworking node.
    pub interworking: bool,
    /// Whether it is a relay on a long fibre: no site of its own.
    pub relay: bool,
}

/// What joins two nodes.
#[derive(Clone, PartialEq, Debug)]
pub struct MapLink {
    /// Its name; an interworking node's own for what joins its sides.
    pub name: String,
    /// Its nodes.
    pub ends: [usize; 2],
    /// Its length \[km\].
    pub length_km: f64,
    /// Whether it leads from one QKDN to another.
    pub border: bool,
    /// What one direction's store holds at most \[bits\]; 0 where there is no store.
    pub capacity: u64,
}

/// A fault as the scenario has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapFault {
    /// Its name.
    pub name: String,
    /// When it begins \[ns\].
    pub at_ns: u64,
    /// When it is repaired \[ns\].
    pub repaired_ns: Option<u64>,
    /// Links that it takes down.
    pub links: Vec<usize>,
}

/// A demand and its ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapDemand {
    /// Its name.
    pub name: String,
    /// From which node to which.
    pub ends: [usize; 2],
}

/// What there is in a scenario.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Map {
    /// QKDNs.
    pub qkdns: Vec<String>,
    /// Nodes.
    pub nodes: Vec<MapNode>,
    /// Longitude and latitude of every node \[degrees\]; none where some node has none.
    pub places: Option<Vec<[f64; 2]>>,
    /// Links, then the inside of interworking nodes.
    pub links: Vec<MapLink>,
    /// Faults.
    pub faults: Vec<MapFault>,
    /// Demands.
    pub demands: Vec<MapDemand>,
}

impl Map {
    /// What there is in a plan; `document` is the scenario that it was made of.
    pub fn of(plan: &Plan, document: &Document) -> Map {
        let described: BTreeMap<String, &QkdNode> = (document.qkdns.iter())
            .flat_map(|qkdn| {
                qkdn.nodes
                    .iter()
                    .map(|node| (format!("{}/{}", qkdn.id, node.id), node))
            })
            .collect();
        let sides = sides(document, &described);
        let place = |name: &str| match described.get(name) {
            Some(node) => node.place(),
            None => sides.get(name).copied().flatten(),
        };
        let capacity = |hops: &[crate::ids::HopId; 2]| {
            let stores = hops.iter().filter_map(|&hop| plan.hops[hop].store());
            let capacities = stores.map(|store| plan.stores[store].settings.capacity);
            capacities.max().unwrap_or(0)
        };
        let joined = |name: &str, ends: [usize; 2], length_m: u64, capacity| MapLink {
            name: name.to_owned(),
            ends,
            length_km: length_m as f64 / 1e3,
            border: false,
            capacity,
        };
        let mut links: Vec<MapLink> = (plan.links.values())
            .map(|link| {
                let ends = link.ends.map(crate::ids::Id::index);
                joined(&link.name, ends, link.length_m, capacity(&link.hops))
            })
            .collect();
        // Hops that need no link: between the sides of an interworking node.
        for boundary in plan.boundaries.values() {
            let hop = &plan.hops[boundary.hops[0]];
            let ends = [hop.from.index(), hop.to.index()];
            let same = |link: &MapLink| link.ends == ends || link.ends == [ends[1], ends[0]];
            if !links.iter().any(same) {
                links.push(joined(&boundary.name, ends, 0, 0));
            }
        }
        for link in &mut links {
            let [a, b] = link
                .ends
                .map(|end| plan.nodes[crate::ids::NodeId::from_index(end)].qkdn);
            link.border = a != b;
        }
        let node_of = |application| {
            let node: crate::ids::NodeId = plan.applications[application].node;
            node.index()
        };
        Map {
            qkdns: plan.qkdns.values().map(|qkdn| qkdn.name.clone()).collect(),
            nodes: (plan.nodes.values())
                .map(|node| MapNode {
                    name: node.name.clone(),
                    qkdn: node.qkdn.index(),
                    interworking: node.iwn.is_some(),
                    relay: described
                        .get(node.name.as_str())
                        .is_some_and(|node| is_relay(node)),
                })
                .collect(),
            places: plan.nodes.values().map(|node| place(&node.name)).collect(),
            links,
            faults: (plan.faults.values())
                .map(|fault| MapFault {
                    name: fault.name.clone(),
                    at_ns: fault.at.0,
                    repaired_ns: fault.repaired.map(|at| at.0),
                    links: (fault.disturbances.iter())
                        .filter_map(|disturbance| match disturbance {
                            Disturbance::LinkDown(link)
                            | Disturbance::Maintenance(link)
                            | Disturbance::Intercepted { link, .. }
                            | Disturbance::Drift { link, .. }
                            | Disturbance::StoresLost(link) => Some(link.index()),
                            Disturbance::ElementDown(element) if element.kind() == ElementKind::QkdModule => {
                                Some(element.index() as usize / 2)
                            }
                            Disturbance::ElementDown(_)
                            | Disturbance::ChannelCut(_)
                            | Disturbance::DataCut { .. } => None,
                        })
                        .collect(),
                })
                .collect(),
            demands: (plan.demands())
                .map(|(_, session)| MapDemand {
                    name: session.name.clone(),
                    ends: [node_of(session.source), node_of(session.destination)],
                })
                .collect(),
        }
    }
}

/// Whether a node was put on a fibre to relay, by an import or by the derivation of variants.
fn is_relay(node: &QkdNode) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let derived = |id: &str| id.rsplit_once("-relay-").is_some_and(|(_, end)| number(end));
    node.note.as_deref() == Some("relay") || derived(node.id.as_str())
}

/// Where the sides of interworking nodes are.
fn sides(document: &Document, nodes: &BTreeMap<String, &QkdNode>) -> BTreeMap<String, Option<[f64; 2]>> {
    let mut sides = BTreeMap::new();
    for boundary in &document.boundaries {
        let ends = [0, 1].map(|end| nodes.get(&boundary.between[end].to_string())?.place());
        let share = boundary.site().0 as f64 / boundary.duct.length.0 as f64;
        let site = ends[0].zip(ends[1]).map(|(a, b)| place_between(a, b, share));
        for end in &boundary.between {
            sides.insert(format!("{}/{}", boundary.id, end.qkdn), site);
        }
    }
    sides
}

/// Amounts over time of one element: the instants are those of [`Run::times`].
pub type Values = Vec<u64>;

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is called.
    pub name: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// What its replications say together.
    pub summary: Summary,
    /// What there is.
    pub map: Map,
    /// The end of arrivals \[ns\].
    pub end_ns: u64,
    /// Instants of the time series \[ns\]; none where they were not kept.
    pub times: Vec<u64>,
    /// Time series by element and name.
    pub series: BTreeMap<(String, String), Values>,
    /// Hops that sessions used.
    pub routes: Vec<RouteRow>,
    /// Delays of delivered requests \[s\], ascending, by replication.
    pub delays: Vec<Vec<f64>>,
    /// Reroutes.
    pub reroutes: Vec<RerouteRow>,
}

impl Run {
    /// Reads a folder; `document` is its scenario, and `plan` what that means.
    ///
    /// # Errors
    /// If a file is gone, was changed, or cannot be understood.
    pub fn read(
        name: &str,
        archived: &Archived,
        document: &Document,
        plan: &Plan,
    ) -> Result<Run, ArchiveError> {
        let requests: Vec<RequestRow> = archived.rows("requests.csv")?;
        let mut delays = vec![Vec::new(); archived.manifest().replications as usize];
        for row in requests.iter().filter(|row| row.outcome == "delivered") {
            if let Some(delays) = delays.get_mut(row.replication as usize) {
                delays.push(row.ended_ns.saturating_sub(row.sent_ns) as f64 / 1e9);
            }
        }
        for delays in &mut delays {
            delays.sort_by(f64::total_cmp);
        }
        let rows: Vec<SeriesRow> = if archived.has("timeseries.csv") {
            archived.rows("timeseries.csv")?
        } else {
            Vec::new()
        };
        let (times, series) = series(rows);
        Ok(Run {
            name: name.to_owned(),
            manifest: archived.manifest().clone(),
            summary: archived.json("summary.json")?,
            map: Map::of(plan, document),
            end_ns: plan.end().0,
            times,
            series,
            routes: if archived.has("routes.csv") {
                archived.rows("routes.csv")?
            } else {
                Vec::new()
            },
            delays,
            reroutes: archived.json("reroutes.json")?,
        })
    }

    /// A link's series, if it was kept.
    pub fn of_link(&self, link: usize, name: &str) -> Option<&Values> {
        let element = format!("link:{}", self.map.links[link].name);
        self.series.get(&(element, name.to_owned()))
    }

    /// The sum of a series over all elements that have it, per instant.
    pub fn total(&self, name: &str) -> Option<Values> {
        let mut sum: Option<Values> = None;
        for ((_, of), values) in &self.series {
            if of == name {
                let sum = sum.get_or_insert_with(|| vec![0; values.len()]);
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += value;
                }
            }
        }
        sum
    }
}

/// The instants, and every series filled in where its value stayed the same.
fn series(rows: Vec<SeriesRow>) -> (Vec<u64>, BTreeMap<(String, String), Values>) {
    let mut times: Vec<u64> = rows.iter().map(|row| row.t_ns).collect();
    times.sort_unstable();
    times.dedup();
    let mut series: BTreeMap<(String, String), Values> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.replication == 0) {
        let values = series.entry((row.element, row.series)).or_default();
        let at = times.partition_point(|&time| time < row.t_ns);
        let before = values.last().copied().unwrap_or(0);
        values.resize(at, before);
        values.push(row.value);
    }
    for values in series.values_mut() {
        values.resize(times.len(), values.last().copied().unwrap_or(0));
    }
    (times, series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_until_the_next_row() {
        let row = |t_ns, element: &str, value| SeriesRow {
            replication: 0,
            t_ns,
            element: element.to_owned(),
            series: "stored_bits".to_owned(),
            value,
        };
        let (times, series) = series(vec![
            row(0, "a", 5),
            row(20, "a", 7),
            row(0, "b", 1),
            row(10, "b", 2),
            row(30, "b", 3),
        ]);
        assert_eq!(times, [0, 10, 20, 30]);
        let of = |name: &str| series[&(name.to_owned(), "stored_bits".to_owned())].clone();
        assert_eq!((of("a"), of("b")), (vec![5, 5, 7, 7], vec![1, 2, 2, 3]));
    }
}
