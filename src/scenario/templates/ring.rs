//! Rings in a row.

use super::{Drawing, Size, Template, turn};
use crate::catalogue::Entry;

/// A ring for each QKDN.
pub(super) const TEMPLATE: Template = Template {
    entry: Entry {
        name: "ring",
        doc: "each QKDN a ring; neighbouring rings are joined between their nearest sites",
    },
    fewest_qkdns: 1,
    draw,
};

fn draw(size: Size, drawing: &mut Drawing) {
    let n = size.nodes;
    let radius = size.length_km / (2.0 * libm::sin(std::f64::consts::PI / f64::from(n)));
    let mut last = None;
    for qkdn in 0..size.qkdns {
        let east = f64::from(qkdn) * (2.0 * radius + size.length_km);
        // The first site looks west, the one opposite to it east.
        let sites: Vec<usize> = (0..n)
            .map(|number| {
                let angle = std::f64::consts::PI + turn(number, n);
                drawing.site(
                    qkdn,
                    number,
                    east + radius * libm::cos(angle),
                    radius * libm::sin(angle),
                )
            })
            .collect();
        for pair in sites.windows(2) {
            drawing.join(pair[0], pair[1], size.length_km);
        }
        if n > 2 {
            drawing.join(sites[sites.len() - 1], sites[0], size.length_km);
        }
        if let Some(last) = last {
            drawing.join(last, sites[0], size.length_km);
        }
        last = Some(sites[sites.len() / 2]);
    }
}
