//! Where the nodes of a map stand: on a map of the earth where every node's place is known; else distances on the page
//! follow distances in the network.
//!
//! The map of the earth is equirectangular with its middle latitude in true scale. Without places: stress majorization (Gansner, Koren, North: "Graph drawing by stress majorization", 2004) from a start that two
//! pairs of far apart nodes span. It draws no random number: the same map gives the same places.

use petgraph::algo::dijkstra;
use petgraph::graph::{NodeIndex, UnGraph};

use crate::report::study::Map;

/// From here on each node keeps its distance to this many others only.
const LANDMARKS: usize = 160;
const ROUNDS: usize = 80;

/// Nodes that stand closer than this are moved apart \[px\].
const APART: f64 = 16.0;

/// A place per node, in `width` and `height`, by longitude and latitude; none where not every node has them, or all
/// have the same.
pub fn geography(map: &Map, width: f64, height: f64) -> Option<Vec<[f64; 2]>> {
    let places = map.places.as_ref()?;
    let first = places.first()?;
    // Longitudes the shorter way round.
    let at: Vec<[f64; 2]> = (places.iter())
        .map(|[lon, lat]| [libm::remainder(lon - first[0], 360.0), *lat])
        .collect();
    let ends = |axis: usize| {
        let values = || at.iter().map(move |place| place[axis]);
        [
            values().fold(f64::MAX, f64::min),
            values().fold(f64::MIN, f64::max),
        ]
    };
    let [south, north] = ends(1);
    let shrink = libm::cos(f64::midpoint(south, north).to_radians()).max(0.01);
    let at: Vec<[f64; 2]> = at.iter().map(|[lon, lat]| [lon * shrink, -lat]).collect();
    let wide = |axis: usize| {
        let values = || at.iter().map(|place| place[axis]);
        values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min)
    };
    (wide(0) + wide(1) > 1e-6).then(|| apart(fit(&at, width, height, 1.0)))
}

/// Nodes at one place, such as the sides of an interworking node, side by side.
fn apart(mut at: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    for _ in 0..ROUNDS {
        let mut moved = false;
        for first in 0..at.len() {
            for second in first + 1..at.len() {
                let way = [0, 1].map(|axis| at[second][axis] - at[first][axis]);
                let length = libm::hypot(way[0], way[1]);
                if length >= APART - 0.01 {
                    continue;
                }
                moved = true;
                let way = if length > 1e-6 {
                    way.map(|way| way / length)
                } else {
                    [1.0, 0.0]
                };
                for axis in 0..2 {
                    let step = way[axis] * (APART - length) / 2.0;
                    at[first][axis] -= step;
                    at[second][axis] += step;
                }
            }
        }
        if !moved {
            break;
        }
    }
    at
}

/// A place per node, in `width` and `height`, with the longer side of the map lying.
pub fn places(map: &Map, width: f64, height: f64) -> Vec<[f64; 2]> {
    let count = map.nodes.len();
    if count < 2 {
        return vec![[width / 2.0, height / 2.0]; count];
    }
    let distances = Distances::of(map);
    let mut at = distances.start();
    for _ in 0..ROUNDS {
        at = distances.round(&at);
    }
    fit(&lying(&at), width, height, 2.0)
}

/// Distances that are kept: to landmarks, and along links.
struct Distances {
    /// The landmarks, each far from those before.
    landmarks: Vec<usize>,
    /// By landmark, then node.
    to_landmark: Vec<Vec<f64>>,
    /// By node.
    kept: Vec<Vec<(usize, f64)>>,
}

impl Distances {
    fn of(map: &Map) -> Distances {
        let count = map.nodes.len();
        let mean = map.links.iter().map(|link| link.length_km).sum::<f64>() / map.links.len().max(1) as f64;
        let mut graph = UnGraph::<(), f64>::new_undirected();
        for _ in 0..count {
            graph.add_node(());
        }
        // Short links keep some length, so that their ends can be told apart.
        let length = |km: f64| 0.5 * mean.max(1e-3) + km;
        for link in &map.links {
            let [a, b] = link.ends.map(NodeIndex::new);
            graph.add_edge(a, b, length(link.length_km));
        }
        let from = |node: usize| {
            let found = dijkstra(&graph, NodeIndex::new(node), None, |edge| *edge.weight());
            let far = found.values().copied().fold(0.0, f64::max) * 1.3 + length(mean);
            (0..count)
                .map(|other| found.get(&NodeIndex::new(other)).copied().unwrap_or(far))
                .collect::<Vec<f64>>()
        };
        let mut landmarks = vec![0];
        let mut to_landmark = vec![from(0)];
        let mut nearest = to_landmark[0].clone();
        while landmarks.len() < LANDMARKS.min(count) {
            let next = (0..count).fold(
                0,
                |best, node| if nearest[node] > nearest[best] { node } else { best },
            );
            let distances = from(next);
            for (nearest, &distance) in nearest.iter_mut().zip(&distances) {
                *nearest = nearest.min(distance);
            }
            landmarks.push(next);
            to_landmark.push(distances);
        }
        let mut kept: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        for (&landmark, distances) in landmarks.iter().zip(&to_landmark) {
            for (node, kept) in kept.iter_mut().enumerate().filter(|&(node, _)| node != landmark) {
                kept.push((landmark, distances[node]));
            }
        }
        for link in &map.links {
            let [a, b] = link.ends;
            kept[a].push((b, length(link.length_km)));
            kept[b].push((a, length(link.length_km)));
        }
        Distances {
            landmarks,
            to_landmark,
            kept,
        }
    }

    /// Two axes between far apart nodes, slightly disturbed so that no two nodes share a place.
    fn start(&self) -> Vec<[f64; 2]> {
        let landmark = |at: usize| &self.to_landmark[at.min(self.landmarks.len() - 1)];
        let (a, b, c, d) = (landmark(1), landmark(2), landmark(3), landmark(4));
        let place = |node: usize| {
            let turn = node as f64 * 2.399_963;
            let shift = 1e-3 * (1.0 + a[node]);
            [
                a[node] - b[node] + shift * libm::cos(turn),
                c[node] - d[node] + shift * libm::sin(turn),
            ]
        };
        (0..self.kept.len()).map(place).collect()
    }

    /// Every node to the weighted mean of where the others want it.
    fn round(&self, at: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let place = |(node, kept): (usize, &Vec<(usize, f64)>)| {
            let (mut sum, mut weights) = ([0.0; 2], 0.0);
            for &(other, distance) in kept {
                let weight = 1.0 / (distance * distance);
                let apart = [0, 1].map(|axis| at[node][axis] - at[other][axis]);
                let length = libm::hypot(apart[0], apart[1]).max(1e-9);
                for axis in 0..2 {
                    sum[axis] += weight * (at[other][axis] + apart[axis] * distance / length);
                }
                weights += weight;
            }
            if weights > 0.0 {
                sum.map(|sum| sum / weights)
            } else {
                at[node]
            }
        };
        self.kept.iter().enumerate().map(place).collect()
    }
}

/// Turned so that the direction of most spread lies.
fn lying(at: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let count = at.len() as f64;
    let mean = [0, 1].map(|axis| at.iter().map(|place| place[axis]).sum::<f64>() / count);
    let of = |a: usize, b: usize| -> f64 {
        at.iter()
            .map(|place| (place[a] - mean[a]) * (place[b] - mean[b]))
            .sum()
    };
    let angle = 0.5 * libm::atan2(2.0 * of(0, 1), of(0, 0) - of(1, 1));
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    let first = at.first().copied().unwrap_or_default();
    let turned = |place: &[f64; 2]| {
        let [x, y] = [0, 1].map(|axis| place[axis] - mean[axis]);
        [x * cosine + y * sine, y * cosine - x * sine]
    };
    // The first node stands on the left.
    let side = if turned(&first)[0] > 0.0 { -1.0 } else { 1.0 };
    at.iter().map(turned).map(|[x, y]| [x * side, y]).collect()
}

/// Scaled into the page, up to `uneven` times as much in one direction as in the other.
fn fit(at: &[[f64; 2]], width: f64, height: f64, uneven: f64) -> Vec<[f64; 2]> {
    let ends = [0, 1].map(|axis| {
        let values = || at.iter().map(move |place| place[axis]);
        [
            values().fold(f64::MAX, f64::min),
            values().fold(f64::MIN, f64::max),
        ]
    });
    let spread = ends.map(|[low, high]| (high - low).max(1e-9));
    let most = [width / spread[0], height / spread[1]];
    let least = most[0].min(most[1]);
    let scale = most.map(|scale| scale.min(uneven * least));
    let margin = [
        (width - spread[0] * scale[0]) / 2.0,
        (height - spread[1] * scale[1]) / 2.0,
    ];
    let place =
        |place: &[f64; 2]| [0, 1].map(|axis| margin[axis] + (place[axis] - ends[axis][0]) * scale[axis]);
    at.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::study::{MapLink, MapNode};

    fn line(count: usize) -> Map {
        let node = |at: usize| MapNode {
            name: at.to_string(),
            qkdn: 0,
            interworking: false,
            relay: false,
        };
        let link = |at: usize| MapLink {
            name: at.to_string(),
            ends: [at, at + 1],
            length_km: 10.0,
            border: false,
            capacity: 1,
        };
        Map {
            nodes: (0..count).map(node).collect(),
            links: (0..count - 1).map(link).collect(),
            ..Map::default()
        }
    }

    #[test]
    fn geography_has_north_above_and_true_shapes() {
        let mut map = line(4);
        // A degree of longitude at 60° is half as long as one of latitude; across the date line; two at one place.
        map.places = Some(vec![[179.0, 59.0], [-179.0, 59.0], [179.0, 61.0], [179.0, 61.0]]);
        let at = geography(&map, 1000.0, 600.0).expect("all places are known");
        let [east, up] = [at[1][0] - at[0][0], at[0][1] - at[2][1]];
        assert!(east > 0.0 && (up / east - 2.0).abs() < 0.1, "{at:?}");
        assert!((at[3][0] - at[2][0] - APART).abs() < 0.1, "{at:?}");
        map.places = None;
        assert_eq!(geography(&map, 1000.0, 600.0), None);
        map.places = Some(vec![[1.0, 1.0]; 4]);
        assert_eq!(geography(&map, 1000.0, 600.0), None);
    }

    #[test]
    fn a_line_is_drawn_as_one() {
        let at = places(&line(12), 900.0, 500.0);
        assert!(at.windows(2).all(|pair| pair[1][0] > pair[0][0] + 40.0), "{at:?}");
        assert_eq!(at, places(&line(12), 900.0, 500.0));
        assert!(
            at.iter()
                .flatten()
                .all(|value| value.is_finite() && *value >= 0.0)
        );
        assert_eq!(places(&line(1), 900.0, 500.0), [[450.0, 250.0]]);
    }
}
