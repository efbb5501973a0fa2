//! Availability of a demand from that of fibres and sites (closed form 6): exact where the network is small, else
//! between two bounds that hold.
//!
//! Paths are taken one after the other, and what is left when an element of one fails is looked at in the order of
//! its probability (Dotson and Gobien, 1979). Series and parallel networks come out exactly.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::routes::ends;
use crate::ids::{Id as _, NodeId, SessionId};
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

/// Something that may fail: a fibre between two places, or a place.
#[derive(Clone, Debug)]
pub struct Element {
    /// The places that it joins; of a place itself twice that.
    pub ends: [usize; 2],
    /// Share of the time in which it is up.
    pub up: f64,
}

/// Gap below which bounds count as one value.
const CLOSE_ENOUGH: f64 = 1e-12;

/// Most cases looked at.
const CASES: usize = 2_000;

/// Cases less probable than this are left between the bounds.
const NEGLIGIBLE: f64 = 1e-15;

/// Availability of a demand: some way of fibres and sites between its ends is up. Its own sites are taken as up.
pub fn of_demand(plan: &Plan, session: SessionId, failures: &Failures) -> Between {
    // The sides of an interworking site fail together.
    let place = |node: NodeId| match plan.nodes[node].iwn {
        Some(iwn) => plan.nodes.len() + iwn.index(),
        None => node.index(),
    };
    let [from, to] = ends(plan, &plan.sessions[session]).map(place);
    let mut elements: Vec<Element> = plan
        .links
        .values()
        .filter(|link| link.schedule.is_some())
        .map(|link| Element {
            ends: link.ends.map(place),
            up: failures.fibre(link.length_m),
        })
        .collect();
    let mut places: Vec<usize> = plan.nodes.ids().map(place).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let up = if place == from || place == to {
            1.0
        } else {
            failures.node
        };
        elements.push(Element {
            ends: [place, place],
            up,
        });
    }
    connected(&elements, from, to)
}

/// The probability that a way of elements that are up leads from one place to another.
pub fn connected(elements: &[Element], from: usize, to: usize) -> Between {
    let network = Network::new(elements);
    let mut cases = BinaryHeap::from([Case {
        probability: 1.0,
        fixed: vec![None; elements.len()],
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
        let Some(path) = network.path(&case.fixed, from, to) else {
            down += case.probability;
            continue;
        };
        let mut rest = case.probability;
        let mut fixed = case.fixed;
        for element in path {
            if fixed[element].is_some() {
                continue;
            }
            let up = elements[element].up;
            if rest * (1.0 - up) > NEGLIGIBLE {
                let mut failed = fixed.clone();
                failed[element] = Some(false);
                cases.push(Case {
                    probability: rest * (1.0 - up),
                    fixed: failed,
                });
            }
            rest *= up;
            fixed[element] = Some(true);
        }
        low += rest;
    }
    Between {
        low,
        high: 1.0 - down,
    }
}

/// Some elements are known to be up or down.
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
struct Network {
    /// At each place the other ends and the elements that lead there.
    around: Vec<Vec<(usize, usize)>>,
    /// The element that a place itself is.
    places: Vec<Option<usize>>,
}

impl Network {
    fn new(elements: &[Element]) -> Network {
        let size = elements
            .iter()
            .flat_map(|element| element.ends)
            .max()
            .map_or(0, |end| end + 1);
        let mut network = Network {
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
        let up = |element: usize| fixed[element] != Some(false);
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

    fn element(a: usize, b: usize, up: f64) -> Element {
        Element { ends: [a, b], up }
    }

    /// A way from 0 to `last` of five fibres of 80 km with nodes in between, numbered from `first`.
    fn way(first: usize, last: usize) -> Vec<Element> {
        let failures = Failures::default();
        let stops: Vec<usize> = [0].into_iter().chain(first..first + 4).chain([last]).collect();
        let fibres = stops
            .windows(2)
            .map(|pair| element(pair[0], pair[1], failures.fibre(80_000)));
        let nodes = stops[1..5]
            .iter()
            .map(|node| element(*node, *node, failures.node));
        fibres.chain(nodes).collect()
    }

    #[test]
    fn closed_form_6() {
        near(Failures::default().fibre(80_000), 0.999_701, 5e-7);
        let one = connected(&way(1, 20), 0, 20);
        near(one.low, 0.997_148, 1e-6);
        near(one.high, one.low, 1e-12);
        let two = connected(&[way(1, 20), way(5, 20)].concat(), 0, 20);
        near(two.low, 0.999_991_9, 5e-8);
        near(two.high, two.low, 1e-11);
    }

    /// All states of all elements.
    fn by_enumeration(elements: &[Element], from: usize, to: usize) -> f64 {
        let network = Network::new(elements);
        let states = 0..1_u32 << elements.len();
        states
            .map(|state| {
                let fixed: Vec<Option<bool>> =
                    (0..elements.len()).map(|at| Some(state >> at & 1 == 1)).collect();
                let parts = elements.iter().zip(&fixed);
                let probability: f64 = parts
                    .map(|(element, up)| {
                        if *up == Some(true) {
                            element.up
                        } else {
                            1.0 - element.up
                        }
                    })
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
            links in proptest::collection::vec((0_usize..5, 0_usize..5, 0.0_f64..1.0), 1..12),
        ) {
            let elements: Vec<Element> = links.iter().map(|&(a, b, up)| element(a, b, up)).collect();
            // A place that is there twice is one element only: keep the first.
            let mut seen = Vec::new();
            let elements: Vec<Element> = elements
                .into_iter()
                .filter(|it| it.ends[0] != it.ends[1] || !seen.contains(&it.ends[0]) && { seen.push(it.ends[0]); true })
                .collect();
            let size = elements.iter().flat_map(|it| it.ends).max().expect("some");
            let to = size.max(1);
            if to < Network::new(&elements).around.len() {
                let found = connected(&elements, 0, to);
                let exact = by_enumeration(&elements, 0, to);
                proptest::prop_assert!(found.low <= exact + 1e-9 && exact <= found.high + 1e-9);
                proptest::prop_assert!(found.high - found.low < 1e-9);
            }
        }
    }
}
