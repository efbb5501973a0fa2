//! Sites at random places of a square, joined to those nearby.

use super::{Drawing, Size, Template};
use crate::catalogue::Entry;
use crate::kernel::streams::Streams;

/// Random sites for each QKDN.
pub(super) const TEMPLATE: Template = Template {
    entry: Entry {
        name: "random_geometric",
        doc: "each QKDN sites at random in a square, joined up to --length, and pieces by their nearest sites",
    },
    fewest_qkdns: 1,
    draw,
};

/// Shortest fibre \[km\]: two sites at one place are in one building.
const SHORTEST: f64 = 0.001;

fn draw(size: Size, drawing: &mut Drawing) {
    let n = size.nodes as usize;
    // Each site has the square of two thirds of a length to itself, so that it has some seven neighbours within one.
    let side = libm::sqrt(n as f64) * size.length_km * 2.0 / 3.0;
    let mut last: Vec<(usize, [f64; 2])> = Vec::new();
    for qkdn in 0..size.qkdns {
        let mut stream = Streams::new(size.seed, 0).stream(&format!("template/q{}", qkdn + 1), "places");
        let west = f64::from(qkdn) * (side + size.length_km);
        let sites: Vec<(usize, [f64; 2])> = (0..n)
            .map(|number| {
                let place = [west + stream.uniform() * side, stream.uniform() * side];
                (drawing.site(qkdn, number as u32, place[0], place[1]), place)
            })
            .collect();
        let mut piece: Vec<usize> = (0..n).collect();
        for a in 0..n {
            for b in a + 1..n {
                let length = distance(sites[a].1, sites[b].1);
                if length <= size.length_km {
                    drawing.join(sites[a].0, sites[b].0, length);
                    merge(&mut piece, a, b);
                }
            }
        }
        while let Some(nearest) = nearest(&sites, &sites, |a, b| piece[a] != piece[b]) {
            let [a, b] = nearest;
            drawing.join(sites[a].0, sites[b].0, distance(sites[a].1, sites[b].1));
            merge(&mut piece, a, b);
        }
        if let Some([a, b]) = nearest(&last, &sites, |_, _| true) {
            drawing.join(last[a].0, sites[b].0, distance(last[a].1, sites[b].1));
        }
        last = sites;
    }
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    libm::sqrt(x * x + y * y).max(SHORTEST)
}

fn merge(piece: &mut [usize], a: usize, b: usize) {
    let (keep, drop) = (piece[a], piece[b]);
    for member in piece.iter_mut().filter(|member| **member == drop) {
        *member = keep;
    }
}

/// The two sites nearest to each other, one of each list, among those that fit.
fn nearest(
    from: &[(usize, [f64; 2])],
    to: &[(usize, [f64; 2])],
    fits: impl Fn(usize, usize) -> bool,
) -> Option<[usize; 2]> {
    let pairs = (0..from.len()).flat_map(|a| (0..to.len()).map(move |b| [a, b]));
    pairs
        .filter(|[a, b]| fits(*a, *b))
        .map(|[a, b]| (distance(from[a].1, to[b].1), [a, b]))
        .min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)))
        .map(|(_, pair)| pair)
}
