//! Names beside the nodes of a map: none lies on another, whole or not at all.

use std::fmt::Write as _;

use super::frame::escaped;

/// A name and the node that it is of.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// Where the node is.
    pub at: [f64; 2],
    /// How large it is.
    pub radius: f64,
    /// Its name.
    pub text: String,
}

/// Left, top, right, bottom.
type Area = [f64; 4];

fn meet(a: Area, b: Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// Writes the labels that find room, the first ones first: a label goes where it covers no node and no other label.
pub(super) fn write(
    svg: &mut String,
    labels: &[Label],
    nodes: &[[f64; 2]],
    radius: f64,
    [width, height]: [f64; 2],
    size: f64,
) {
    // The title and the legends.
    let mut taken: Vec<Area> = vec![[0.0, 0.0, width, 66.0], [0.0, height - 50.0, width, height]];
    let nodes: Vec<Area> = (nodes.iter())
        .map(|[x, y]| [x - radius, y - radius, x + radius, y + radius])
        .collect();
    svg.push_str("<g class=\"names\">\n");
    for label in labels {
        let places = areas(label, size);
        let free = |area: &&(Area, f64)| {
            let inside = area.0[0] >= 2.0 && area.0[2] <= width - 2.0;
            inside && !taken.iter().any(|other| meet(area.0, *other))
        };
        let clear = |area: &&(Area, f64)| !nodes.iter().any(|node| meet(area.0, *node));
        let Some((area, x)) = places.iter().filter(free).find(clear) else {
            continue;
        };
        taken.push(*area);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"{size}\" fill=\"#000000\" stroke=\"#FFFFFF\" \
             stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
            area[3] - 0.25 * size,
            escaped(&label.text)
        );
    }
    svg.push_str("</g>\n");
}

/// Places for a label, the best first, each with the middle of its text: below, above, beside, at the corners; then the
/// same farther off.
fn areas(label: &Label, size: f64) -> Vec<(Area, f64)> {
    // DejaVu Sans is 0.6 em wide on average, and some texts are wider.
    let (width, height) = (0.66 * size * label.text.chars().count() as f64, 1.25 * size);
    let [x, y] = label.at;
    let mut places = Vec::new();
    for gap in [1.0, 8.0] {
        let off = label.radius + gap;
        let (beside, corner) = (off + width / 2.0 + 1.0, 0.7 * off + width / 2.0);
        let (below, far) = (off + height / 2.0, 0.7 * off + height / 2.0);
        for [right, down] in [
            [0.0, below],
            [0.0, -below],
            [beside, 0.0],
            [-beside, 0.0],
            [corner, far],
            [-corner, far],
            [corner, -far],
            [-corner, -far],
        ] {
            let (x, y) = (x + right, y + down);
            places.push((
                [
                    x - width / 2.0,
                    y - height / 2.0,
                    x + width / 2.0,
                    y + height / 2.0,
                ],
                x,
            ));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_names_that_collide_stays() {
        let label = |x: f64, text: &str| Label {
            at: [x, 300.0],
            radius: 7.0,
            text: text.to_owned(),
        };
        let draw = |labels: &[Label]| {
            let mut svg = String::new();
            let at: Vec<[f64; 2]> = labels.iter().map(|label| label.at).collect();
            write(&mut svg, labels, &at, 7.0, [920.0, 600.0], 11.0);
            svg
        };
        let two = draw(&[label(400.0, "Amsterdam"), label(420.0, "Rotterdam")]);
        assert!(two.contains("Amsterdam") && two.contains("Rotterdam"), "{two}");
        let many: Vec<Label> = (0..40)
            .map(|at| label(400.0, &format!("Amsterdam-{at}")))
            .collect();
        let crowded = draw(&many);
        assert!(crowded.contains(">Amsterdam-0<") && !crowded.contains(">Amsterdam-39<"));
        // Whole, or not at all.
        assert!(!crowded.contains('…'));
    }
}
