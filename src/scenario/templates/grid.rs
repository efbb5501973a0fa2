//! Grids side by side.

use super::{Drawing, Size, Template};
use crate::catalogue::Entry;

/// A rectangular grid for each QKDN.
pub(super) const TEMPLATE: Template = Template {
    entry: Entry {
        name: "grid",
        doc: "each QKDN a grid as square as it can be; neighbouring grids are joined in their first row",
    },
    fewest_qkdns: 1,
    draw,
};

fn draw(size: Size, drawing: &mut Drawing) {
    let n = size.nodes as usize;
    let columns = (1..=n).find(|columns| columns * columns >= n).unwrap_or(n);
    let mut last = None;
    for qkdn in 0..size.qkdns {
        let west = f64::from(qkdn) * columns as f64 * size.length_km;
        let sites: Vec<usize> = (0..n)
            .map(|number| {
                let (row, column) = (number / columns, number % columns);
                drawing.site(
                    qkdn,
                    number as u32,
                    west + column as f64 * size.length_km,
                    -(row as f64) * size.length_km,
                )
            })
            .collect();
        for number in 0..n {
            if (number + 1) % columns != 0 && number + 1 < n {
                drawing.join(sites[number], sites[number + 1], size.length_km);
            }
            if number + columns < n {
                drawing.join(sites[number], sites[number + columns], size.length_km);
            }
        }
        if let Some(last) = last {
            drawing.join(last, sites[0], size.length_km);
        }
        last = Some(sites[columns.min(n) - 1]);
    }
}
