//! Availability of a demand from that of fibres and sites (closed form 6): exact where the network is small, else
//! between two bounds that hold.
//!
//! What fails is a stretch of a duct, with all links in it, or a site. Paths are taken one after the other, and what is left when a part of one fails is looked at in the order of
//! its probability (Dotson and Gobien, 1979). Series and parallel networks come out exactly.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use super::ducts::stretches;
use super::routes::{ends, place, places};
use crate::architecture::{Disturbance, ElementKind};
use crate::ids::{LinkId, SessionId};
use crate::kernel::Span;
use crate::network::plan::Plan;

/// How often things fail. Assumption: all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failures {
    /// Cuts per 1000 km of fibre and year.
    pub cuts_per_1000_km_and_year: f64,
    /// Time to repair a cut \[h\].
    pub repair_hours: f64,
    /// Share of the time in which a node is up.
    pub node: f64,
}

impl Default for Failures {
    fn default() -> Failures {
        Failures {
            cuts_per_1000_km_and_year: 2.73,
            repair_hours: 12.0,
            node: 0.99966,
        }
    }
}

/// Hours of a year of 365 days.
const YEAR: f64 = 8_760.0;

impl Failures {
    /// Share of the time in which a fibre is up: MTBF / (MTBF + MTTR).
    pub fn fibre(&self, length_m: u64) -> f64 {
        let cuts = self.cuts_per_1000_km_and_year * length_m as f64 / 1e6;
        if cuts <= 0.0 {
            return 1.0;
        }
        let between = YEAR / cuts;
        between / (between + self.repair_hours)
    }
}

/// Bounds of a probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// It is not below.
    pub low: f64,
    /// It is not above.
    pub high: f64,
}

/// A fibre between two places, or a place: up while all its parts are. Fibres in one duct have a part in common.
#[derive(Clone, Debug)]
pub struct Element {
    /// The places that it joins; of a place itself twice that.
    pub ends: [usize; 2],
    /// The parts that it needs, by their numbers.
    pub parts: Vec<usize>,
}

/// Gap below which bounds count as one value.
const CLOSE_ENOUGH: f64 = 1e-12;

/// Most cases looked at.
const CASES: usize = 2_000;

/// Cases less probable than this are left between the bounds.
const NEGLIGIBLE: f64 = 1e-15;

/// What of a plan may fail, each part for itself: the stretches of ducts, and the places.
///
/// Links that lie in the same stretch fail together; a link that shares its duct with none has one of its own.
#[derive(Clone, Debug)]
pub struct Parts {
    elements: Vec<Element>,
    /// Share of the time in which each part is up.
    up: Vec<f64>,
    /// The part that a place is.
    of_place: BTreeMap<usize, usize>,
}

impl Parts {
    /// The parts of a plan, with that many failures.
    pub fn new(plan: &Plan, failures: &Failures) -> Parts {
        // Stretches with the same links fail for the same ones: they are one part, however long in all.
        let mut lengths: BTreeMap<Vec<LinkId>, u64> = BTreeMap::new();
        for stretch in stretches(plan) {
            *lengths.entry(stretch.links).or_default() += stretch.to_m - stretch.from_m;
        }
        let making = || plan.links.iter().filter(|(_, link)| link.schedule.is_some());
        for (id, link) in making().filter(|(_, link)| link.ducts.is_empty()) {
            *lengths.entry(vec![id]).or_default() += link.length_m;
        }
        let mut up: Vec<f64> = lengths.values().map(|length| failures.fibre(*length)).collect();
        let mut of_link: BTreeMap<LinkId, Vec<usize>> = BTreeMap::new();
        for (part, links) in lengths.keys().enumerate() {
            for link in links {
                of_link.entry(*link).or_default().push(part);
            }
        }
        let mut elements: Vec<Element> = making()
            .map(|(id, link)| Element {
                ends: link.ends.map(|end| place(plan, end)),
                parts: of_link.remove(&id).unwrap_or_default(),
            })
            .collect();
        let places: BTreeSet<usize> = plan.nodes.ids().map(|node| place(plan, node)).collect();
        let mut of_place = BTreeMap::new();
        for place in places {
            of_place.insert(place, up.len());
            elements.push(Element {
                ends: [place, place],
                parts: vec![up.len()],
            });
            up.push(failures.node);
        }
        Parts {
            elements,
            up,
            of_place,
        }
    }

    /// Availability of a demand: some way of fibres and sites between its ends is up. Its own sites are taken as up.
    pub fn of_demand(&self, plan: &Plan, session: SessionId) -> Between {
        let [from, to] = ends(plan, &plan.sessions[session]).map(|end| place(plan, end));
        let mut up = self.up.clone();
        for end in [from, to] {
            up[self.of_place[&end]] = 1.0;
        }
        connected(&self.elements, &up, from, to)
    }
}

/// Mean over the demands of the share of the time in which some way between their sites is up, by the means of the random
/// faults of the plan itself: what fails is links, by themselves or with a module, and key managers. Stores, which serve on
/// after a cut, and controllers do not count. `None` where no fault comes at random.
pub fn by_faults(plan: &Plan) -> Option<Between> {
    let demands = plan.without_legs();
    if plan.random_faults.is_empty() || demands.sessions.is_empty() {
        return None;
    }
    let mut up = Vec::new();
    let mut of_link: BTreeMap<LinkId, Vec<usize>> = BTreeMap::new();
    let mut of_place: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (part, fault) in plan.random_faults.iter().enumerate() {
        let [works, fails] = fault.renewal.means().map(Span::as_seconds);
        up.push(works / (works + fails));
        for disturbance in &fault.disturbances {
            match *disturbance {
                Disturbance::LinkDown(link) => of_link.entry(link).or_default().push(part),
                Disturbance::ElementDown(element) => match element.kind() {
                    ElementKind::QkdModule => {
                        of_link.entry(LinkId(element.index() / 2)).or_default().push(part);
                    }
                    ElementKind::Kma => of_place
                        .entry(place(plan, element.node()))
                        .or_default()
                        .push(part),
                    _ => {}
                },
                _ => {}
            }
        }
    }
    let making = plan.links.iter().filter(|(_, link)| link.schedule.is_some());
    let links = making.map(|(id, link)| Element {
        ends: link.ends.map(|end| place(plan, end)),
        parts: of_link.remove(&id).unwrap_or_default(),
    });
    let mut elements: Vec<Element> = links.collect();
    elements.extend(of_place.iter().map(|(&place, parts)| Element {
        ends: [place, place],
        parts: parts.clone(),
    }));
    let pairs: Vec<[usize; 2]> = (demands.sessions.values())
        .map(|session| ends(plan, session).map(|end| place(plan, end)))
        .collect();
    // A path's first place is not looked at: the application stands before it, where no other way leads through.
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    for [from, _] in &pairs {
        let next = places(plan) + before.len();
        before.entry(*from).or_insert(next);
    }
    elements.extend(before.iter().map(|(&from, &before)| Element {
        ends: [before, from],
        parts: Vec::new(),
    }));
    let network = Network::new(&elements);
    let mut known: BTreeMap<[usize; 2], Between> = BTreeMap::new();
    let all: Vec<Between> = (pairs.into_iter())
        .map(|[from, to]| {
            let found = known.entry([from, to]);
            *found.or_insert_with(|| network.connected(&up, before[&from], to))
        })
        .collect();
    let mean = |of: fn(&Between) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    Some(Between {
        low: mean(|it| it.low),
        high: mean(|it| it.high),
    })
}

/// The probability that a way of elements that are up leads from one place to another; `up` is that of each part.
pub fn connected(elements: &[Element], up: &[f64], from: usize, to: usize) -> Between {
    Network::new(elements).connected(up, from, to)
}

/// Some parts are known to be up or down.
struct Case {
    probability: f64,
    fixed: Vec<Option<bool>>,
}

impl PartialEq for Case {
    fn eq(&self, other: &Case) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Case {}

impl PartialOrd for Case {
    fn partial_cmp(&self, other: &Case) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Case {
    fn cmp(&self, other: &Case) -> Ordering {
        self.probability
            .total_cmp(&other.probability)
            .then_with(|| self.fixed.cmp(&other.fixed))
    }
}

/// Which element joins what.
struct Network<'a> {
    elements: &'a [Element],
    /// At each place the other ends and the elements that lead there.
    around: Vec<Vec<(usize, usize)>>,
    /// The element that a place itself is.
    places: Vec<Option<usize>>,
}

impl<'a> Network<'a> {
    /// The probability that a way of elements that are up leads from one place to another.
    fn connected(&self, up: &[f64], from: usize, to: usize) -> Between {
        let mut cases = BinaryHeap::from([Case {
            probability: 1.0,
            fixed: vec![None; up.len()],
        }]);
        let (mut low, mut down, mut looked_at) = (0.0_f64, 0.0_f64, 0);
        while let Some(case) = cases.pop() {
            let left = 1.0 - low - down;
            if looked_at == CASES || left <= CLOSE_ENOUGH {
                return Between {
                    low,
                    high: 1.0 - down,
                };
            }
            looked_at += 1;
            let Some(path) = self.path(&case.fixed, from, to) else {
                down += case.probability;
                continue;
            };
            let mut rest = case.probability;
            let mut fixed = case.fixed;
            for &part in path.into_iter().flat_map(|element| &self.elements[element].parts) {
                if fixed[part].is_some() {
                    continue;
                }
                let up = up[part];
                if rest * (1.0 - up) > NEGLIGIBLE {
                    let mut failed = fixed.clone();
                    failed[part] = Some(false);
                    cases.push(Case {
                        probability: rest * (1.0 - up),
                        fixed: failed,
                    });
                }
                rest *= up;
                fixed[part] = Some(true);
            }
            low += rest;
        }
        Between {
            low,
            high: 1.0 - down,
        }
    }

    fn new(elements: &'a [Element]) -> Network<'a> {
        let size = elements
            .iter()
            .flat_map(|element| element.ends)
            .max()
            .map_or(0, |end| end + 1);
        let mut network = Network {
            elements,
            around: vec![Vec::new(); size],
            places: vec![None; size],
        };
        for (number, element) in elements.iter().enumerate() {
            let [a, b] = element.ends;
            if a == b {
                network.places[a] = Some(number);
            } else {
                network.around[a].push((b, number));
                network.around[b].push((a, number));
            }
        }
        network
    }

    /// The elements of a shortest way that none is down on, the start's own left out.
    fn path(&self, fixed: &[Option<bool>], from: usize, to: usize) -> Option<Vec<usize>> {
        let up = |element: usize| {
            let mut parts = self.elements[element].parts.iter();
            parts.all(|part| fixed[*part] != Some(false))
        };
        let mut before: Vec<Option<(usize, usize)>> = vec![None; self.around.len()];
        let mut open = VecDeque::from([from]);
        while let Some(at) = open.pop_front() {
            if at == to {
                let mut path = Vec::new();
                let mut here = to;
                while here != from {
                    let (previous, element) = before[here]?;
                    path.push(element);
                    path.extend(self.places[here]);
                    here = previous;
                }
                return Some(path);
            }
            for &(next, element) in &self.around[at] {
                let place_is_up = self.places[next].is_none_or(up);
                if next != from && before[next].is_none() && up(element) && place_is_up {
                    before[next] = Some((at, element));
                    open.push_back(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    /// A fibre or a place that fails by itself, with the share of the time in which it is up.
    type Alone = ([usize; 2], f64);

    /// Every element is a part of its own.
    fn apart(alone: &[Alone]) -> (Vec<Element>, Vec<f64>) {
        let elements = alone.iter().enumerate().map(|(part, &(ends, _))| Element {
            ends,
            parts: vec![part],
        });
        (elements.collect(), alone.iter().map(|&(_, up)| up).collect())
    }

    fn connected_apart(alone: &[Alone], from: usize, to: usize) -> Between {
        let (elements, up) = apart(alone);
        connected(&elements, &up, from, to)
    }

    /// A way from 0 to `last` of five fibres of 80 km with nodes in between, numbered from `first`.
    fn way(first: usize, last: usize) -> Vec<Alone> {
        let failures = Failures::default();
        let stops: Vec<usize> = [0].into_iter().chain(first..first + 4).chain([last]).collect();
        let fibres = stops
            .windows(2)
            .map(|pair| ([pair[0], pair[1]], failures.fibre(80_000)));
        let nodes = stops[1..5].iter().map(|node| ([*node; 2], failures.node));
        fibres.chain(nodes).collect()
    }

    #[test]
    fn closed_form_6() {
        near(Failures::default().fibre(80_000), 0.999_701, 5e-7);
        let one = connected_apart(&way(1, 20), 0, 20);
        near(one.low, 0.997_148, 1e-6);
        near(one.high, one.low, 1e-12);
        let two = connected_apart(&[way(1, 20), way(5, 20)].concat(), 0, 20);
        near(two.low, 0.999_991_9, 5e-8);
        near(two.high, two.low, 1e-11);
    }

    /// All states of all parts.
    fn by_enumeration(elements: &[Element], up: &[f64], from: usize, to: usize) -> f64 {
        let network = Network::new(elements);
        let states = 0..1_u32 << up.len();
        states
            .map(|state| {
                let fixed: Vec<Option<bool>> = (0..up.len()).map(|at| Some(state >> at & 1 == 1)).collect();
                let parts = up.iter().zip(&fixed);
                let probability: f64 = parts
                    .map(|(up, is_up)| if *is_up == Some(true) { *up } else { 1.0 - up })
                    .product();
                if network.path(&fixed, from, to).is_some() {
                    probability
                } else {
                    0.0
                }
            })
            .sum()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
        #[test]
        fn small_networks_agree_with_all_their_states(
            links in proptest::collection::vec((0_usize..5, 0_usize..5, 0_usize..12, 0_usize..12), 1..12),
            up in proptest::collection::vec(0.0_f64..1.0, 12),
            shared in 1_usize..12,
        ) {
            // Every element has a part, and some have two or share them.
            let element = |(number, &(a, b, one, two)): (usize, &(usize, usize, usize, usize))| Element {
                ends: [a, b],
                parts: if shared > 6 { vec![number] } else { vec![one % shared, two % shared] },
            };
            // A place that is there twice is one element only: keep the first.
            let mut seen = Vec::new();
            let elements: Vec<Element> = links.iter().enumerate().map(element)
                .filter(|it| it.ends[0] != it.ends[1] || !seen.contains(&it.ends[0]) && { seen.push(it.ends[0]); true })
                .collect();
            let size = elements.iter().flat_map(|it| it.ends).max().expect("some");
            let to = size.max(1);
            if to < Network::new(&elements).around.len() {
                let found = connected(&elements, &up, 0, to);
                let exact = by_enumeration(&elements, &up, 0, to);
                proptest::prop_assert!(found.low <= exact + 1e-9 && exact <= found.high + 1e-9);
                proptest::prop_assert!(found.high - found.low < 1e-9);
            }
        }
    }
}
