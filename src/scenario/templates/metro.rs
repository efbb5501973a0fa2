//! Metropolitan networks in a row.

use super::{Drawing, Size, Template};
use crate::catalogue::Entry;

/// Two hubs and access sites with a fibre to each hub, for each QKDN.
pub(super) const TEMPLATE: Template = Template {
    entry: Entry {
        name: "metro",
        doc: "each QKDN two hubs with access sites that have a fibre to both; hubs join neighbours",
    },
    fewest_qkdns: 1,
    draw,
};

fn draw(size: Size, drawing: &mut Drawing) {
    let mut last = None;
    for qkdn in 0..size.qkdns {
        let hubs = drawing.metro(size, qkdn, f64::from(qkdn) * 3.0 * size.length_km, 0.0);
        if let Some(last) = last {
            drawing.join(last, hubs[0], 2.0 * size.length_km);
        }
        last = Some(hubs[1]);
    }
}
