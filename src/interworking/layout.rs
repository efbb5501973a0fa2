//! What stands along the duct of a boundary in the variants G0, G0=, G1 and I: the neutral rule for GWN against IWN.

use crate::units::Metres;

/// Longest span between two relays.
pub const RELAY_SPACING: Metres = Metres(80_000);

/// Which variant of a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Gateway nodes at both ends of the duct.
    G0,
    /// The same with as many module pairs as I's price buys.
    G0Equal,
    /// The site is a node of its owner's QKDN and its gateway.
    G1,
    /// The site is the interworking node.
    I,
}

impl Which {
    /// All variants, in the order of tables.
    pub const ALL: [Which; 4] = [Which::G0, Which::G0Equal, Which::G1, Which::I];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Which::G0 => "G0",
            Which::G0Equal => "G0=",
            Which::G1 => "G1",
            Which::I => "I",
        }
    }
}

/// What stands at a place of the duct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// One of the two border nodes.
    End,
    /// A relay, which is an ordinary node of that side.
    Relay,
    /// An ordinary node at the site.
    SiteNode,
    /// The interworking node.
    Iwn,
}

/// A place of the duct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where \[m from the first end\].
    pub at: Metres,
    /// 0: of the first QKDN, 1: of the second; an IWN is of neither.
    pub side: usize,
    /// What stands there.
    pub stands: Stands,
}

/// Whether a link after a template (0: from the first end, 1: from the second) makes key between two places.
pub type Reaches<'a> = &'a dyn Fn(usize, Metres, Metres) -> bool;

/// What stands along a duct in a variant, in order; the site is at `site`, the second border node at `end`. The site's
/// `owner` is the first QKDN (0) or the second one (1: G1 mirrored).
pub fn points(which: Which, owner: usize, site: Metres, end: Metres, reaches: Reaches<'_>) -> Vec<Point> {
    let border = |at, side| Point {
        at,
        side,
        stands: Stands::End,
    };
    let relays = |template, from, to| {
        let places = if reaches(template, from, to) {
            Vec::new()
        } else {
            relays_between(from, to)
        };
        places.into_iter().map(|at: Metres| Point {
            at,
            side: usize::from(at > site),
            stands: Stands::Relay,
        })
    };
    let start = Metres::ZERO;
    let mut points = vec![border(start, 0)];
    match which {
        Which::G0 | Which::G0Equal => points.extend(relays(0, start, end)),
        Which::G1 | Which::I => {
            points.extend(relays(0, start, site));
            points.push(Point {
                at: site,
                side: if which == Which::G1 { owner } else { 0 },
                stands: if which == Which::I {
                    Stands::Iwn
                } else {
                    Stands::SiteNode
                },
            });
            points.extend(relays(1, site, end));
        }
    }
    points.push(border(end, 1));
    points
}

/// Relays that cut a span into ceil(span / 80 km) equal parts.
fn relays_between(from: Metres, to: Metres) -> Vec<Metres> {
    let span = to.0 - from.0;
    let parts = span.div_ceil(RELAY_SPACING.0);
    (1..parts)
        .map(|part| Metres(from.0 + (u128::from(span) * u128::from(part) / u128::from(parts)) as u64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Stands::{End, Iwn, Relay, SiteNode};
    use super::*;

    #[test]
    fn relays_stand_on_their_own_side_of_the_site() {
        let reach = |_: usize, from: Metres, to: Metres| to.0 - from.0 <= 90_000;
        let at = |which, owner| {
            let points = points(which, owner, Metres(80_000), Metres(200_000), &reach);
            points
                .into_iter()
                .map(|point| (point.at.0 / 1_000, point.side, point.stands))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            at(Which::G0, 1),
            [(0, 0, End), (66, 0, Relay), (133, 1, Relay), (200, 1, End)]
        );
        let around = |site, side| [(0, 0, End), (80, side, site), (140, 1, Relay), (200, 1, End)];
        assert_eq!(at(Which::G1, 0), around(SiteNode, 0));
        assert_eq!(at(Which::G1, 1), around(SiteNode, 1));
        assert_eq!(at(Which::I, 1), around(Iwn, 0));
    }
}
