//! A backbone with metropolitan networks on it.

use super::{Drawing, Size, Template, turn};
use crate::catalogue::Entry;

/// The first QKDN is a backbone ring, all others are metropolitan networks joined to it.
pub(super) const TEMPLATE: Template = Template {
    entry: Entry {
        name: "backbone_metros",
        doc: "the first QKDN a ring with fibres four times as long, each other one a metro joined to a site of it",
    },
    fewest_qkdns: 2,
    draw,
};

/// How much longer the backbone's fibres are.
const BACKBONE: f64 = 4.0;

fn draw(size: Size, drawing: &mut Drawing) {
    let n = size.nodes;
    let long = BACKBONE * size.length_km;
    let radius = long / (2.0 * libm::sin(std::f64::consts::PI / f64::from(n)));
    let on_circle = |radius: f64, angle: f64| (radius * libm::cos(angle), radius * libm::sin(angle));
    let backbone: Vec<usize> = (0..n)
        .map(|number| {
            let (east, north) = on_circle(radius, turn(number, n));
            drawing.site(0, number, east, north)
        })
        .collect();
    for pair in backbone.windows(2) {
        drawing.join(pair[0], pair[1], long);
    }
    if n > 2 {
        drawing.join(backbone[backbone.len() - 1], backbone[0], long);
    }
    let metros = size.qkdns - 1;
    for metro in 0..metros {
        let at = (u64::from(metro) * u64::from(n) / u64::from(metros)) as u32;
        // Metros at one site stand behind each other.
        let before = (0..metro)
            .filter(|other| (u64::from(*other) * u64::from(n) / u64::from(metros)) as u32 == at)
            .count();
        let out = radius + (2.0 + 3.0 * before as f64) * size.length_km;
        let (east, north) = on_circle(out, turn(at, n));
        let hubs = drawing.metro(size, metro + 1, east, north);
        let length = (1.0 + 3.0 * before as f64) * size.length_km;
        drawing.join(backbone[at as usize], hubs[0], length);
    }
}
