//! Which site is in which QKDN.

use std::collections::BTreeMap;

use crate::catalogue::suggest;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::import::clean;
use crate::scenario::topology::Topology;

/// How sites are divided into QKDNs.
#[derive(Clone, Debug, PartialEq)]
pub enum Partition {
    /// By an attribute of the nodes, such as `Country`.
    Attribute(String),
    /// By lists of sites: a QKDN's id and its sites. A QKDN without sites has all that no list names.
    Lists(Vec<(String, Vec<String>)>),
    /// Into so many connected parts of about the same size.
    Even(u32),
}

/// The QKDNs' ids, and for each site the number of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    pub names: Vec<String>,
    pub of_site: Vec<usize>,
}

impl Partition {
    /// Divides the sites; what is wrong goes into `findings`.
    pub(super) fn divide(
        &self,
        topology: &Topology,
        file: &str,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Parts> {
        let before = findings.len();
        let mut wrong = |code, message: String, hint: &str| {
            findings.push(Diagnostic::about_file(code, file, message, hint));
        };
        let parts = match self {
            Partition::Attribute(name) => by_attribute(topology, name, &mut wrong),
            Partition::Lists(lists) => by_lists(topology, lists, &mut wrong),
            Partition::Even(count) => evenly(topology, *count as usize, &mut wrong),
        };
        for (number, name) in parts.names.iter().enumerate() {
            let members: Vec<usize> = (0..topology.sites.len())
                .filter(|site| parts.of_site[*site] == number)
                .collect();
            if members.len() < 2 {
                let message = format!(
                    "QKDN {name} would have {} site; a QKDN has two nodes at least (Y.3818, 3.1.5)",
                    members.len()
                );
                wrong("one_node_qkdn", message, "divide the sites otherwise");
                continue;
            }
            let inside = |site: usize| parts.of_site[site] == number;
            let reached = hops_from(topology, members[0], &inside);
            let cut_off: Vec<&str> = members
                .iter()
                .filter(|site| reached[**site].is_none())
                .map(|site| topology.sites[*site].id.as_str())
                .collect();
            if !cut_off.is_empty() {
                let message = format!(
                    "QKDN {name} would not be connected: from {} no fibre inside it leads to {}",
                    topology.sites[members[0]].id,
                    cut_off.join(", ")
                );
                wrong("unreached_node", message, "divide the sites otherwise");
            }
        }
        (findings.len() == before).then_some(parts)
    }
}

fn by_attribute(
    topology: &Topology,
    name: &str,
    wrong: &mut impl FnMut(&'static str, String, &str),
) -> Parts {
    let key = name.to_lowercase();
    let mut parts = Parts {
        names: Vec::new(),
        of_site: Vec::new(),
    };
    let mut without = Vec::new();
    for site in &topology.sites {
        let Some(value) = site.attributes.get(&key) else {
            without.push(site.id.as_str());
            parts.of_site.push(0);
            continue;
        };
        let value = clean(value);
        let number = parts.names.iter().position(|known| *known == value);
        let number = number.unwrap_or_else(|| {
            parts.names.push(value);
            parts.names.len() - 1
        });
        parts.of_site.push(number);
    }
    if !without.is_empty() {
        let mut known: Vec<&str> = topology
            .sites
            .iter()
            .flat_map(|site| site.attributes.keys().map(String::as_str))
            .collect();
        known.sort_unstable();
        known.dedup();
        let message = format!("these nodes have no attribute \"{name}\": {}", without.join(", "));
        wrong("no_attribute", message, &suggest(&key, &known));
    }
    parts
}

fn by_lists(
    topology: &Topology,
    lists: &[(String, Vec<String>)],
    wrong: &mut impl FnMut(&'static str, String, &str),
) -> Parts {
    let names: Vec<String> = lists.iter().map(|(name, _)| clean(name)).collect();
    let ids: Vec<&str> = topology.sites.iter().map(|site| site.id.as_str()).collect();
    let mut of_site: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, (name, members)) in lists.iter().enumerate() {
        if names[..number].contains(&names[number]) {
            let message = format!("there are two QKDNs {name}");
            wrong("duplicate_id", message, "name all sites of a QKDN in one --qkdn");
        }
        for member in members {
            match ids.iter().position(|id| id == member) {
                None => wrong(
                    "unknown_node",
                    format!("there is no node \"{member}\" for QKDN {name}"),
                    &suggest(member, &ids),
                ),
                Some(site) => {
                    if of_site.insert(site, number).is_some_and(|other| other != number) {
                        let message = format!("{member} is in two QKDNs");
                        wrong("duplicate_id", message, "name it once");
                    }
                }
            }
        }
    }
    let rest = lists.iter().position(|(_, members)| members.is_empty());
    let left: Vec<&str> = (0..ids.len())
        .filter(|site| !of_site.contains_key(site))
        .map(|site| ids[site])
        .collect();
    if rest.is_none() && !left.is_empty() {
        let message = format!("these sites are in no QKDN: {}", left.join(", "));
        wrong(
            "no_qkdn",
            message,
            "a --qkdn NAME without sites gets all the others",
        );
    }
    Parts {
        of_site: (0..ids.len())
            .map(|site| of_site.get(&site).copied().or(rest).unwrap_or(0))
            .collect(),
        names,
    }
}

/// Grows parts around sites that lie far from each other, the smallest part first.
fn evenly(topology: &Topology, count: usize, wrong: &mut impl FnMut(&'static str, String, &str)) -> Parts {
    let sites = topology.sites.len();
    let names = (1..=count).map(|number| format!("Q{number}")).collect();
    if count == 0 || 2 * count > sites {
        let message = format!("{sites} sites cannot be split into {count} QKDNs of two nodes or more");
        wrong("too_many", message, "ask for fewer");
        return Parts {
            names: Vec::new(),
            of_site: vec![0; sites],
        };
    }
    let everywhere = |_: usize| true;
    let farthest = |from: &[Option<usize>]| {
        let distances = from.iter().enumerate().map(|(site, hops)| (*hops, site));
        // The first of those that are farthest.
        distances
            .max_by_key(|(hops, site)| (*hops, std::cmp::Reverse(*site)))
            .map_or(0, |(_, site)| site)
    };
    let mut seeds = vec![farthest(&hops_from(topology, 0, &everywhere))];
    let mut nearest = hops_from(topology, seeds[0], &everywhere);
    let mut from_seeds = vec![nearest.clone()];
    while seeds.len() < count {
        let seed = farthest(&nearest);
        let hops = hops_from(topology, seed, &everywhere);
        nearest = nearest.iter().zip(&hops).map(|(a, b)| *a.min(b)).collect();
        seeds.push(seed);
        from_seeds.push(hops);
    }
    let mut of_site: Vec<Option<usize>> = vec![None; sites];
    let mut members = vec![0_usize; count];
    for (number, seed) in seeds.iter().enumerate() {
        of_site[*seed] = Some(number);
        members[number] += 1;
    }
    loop {
        // The nearest free neighbour of the smallest part that has one.
        let neighbours = topology.fibres.iter().flat_map(|fibre| {
            let [a, b] = fibre.ends;
            [[a, b], [b, a]]
        });
        let next = neighbours
            .filter_map(|[inside, free]| Some((of_site[inside]?, free)))
            .filter(|(_, free)| of_site[*free].is_none())
            .min_by_key(|(part, free)| (members[*part], *part, from_seeds[*part][*free], *free));
        let Some((part, site)) = next else { break };
        of_site[site] = Some(part);
        members[part] += 1;
    }
    Parts {
        names,
        of_site: of_site.into_iter().map(|part| part.unwrap_or(0)).collect(),
    }
}

/// Fewest hops from a site to all others, over sites inside only.
pub(super) fn hops_from(
    topology: &Topology,
    start: usize,
    inside: &dyn Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let mut around: Vec<Vec<usize>> = vec![Vec::new(); topology.sites.len()];
    for fibre in &topology.fibres {
        let [a, b] = fibre.ends;
        if inside(a) && inside(b) {
            around[a].push(b);
            around[b].push(a);
        }
    }
    let mut hops = vec![None; topology.sites.len()];
    hops[start] = Some(0);
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(site) = open.pop_front() {
        let further = hops[site].map(|hops| hops + 1);
        for &next in &around[site] {
            if hops[next].is_none() {
                hops[next] = further;
                open.push_back(next);
            }
        }
    }
    hops
}
