//! Clause 8's configurations as data (requirements C3 to C8): which kind of boundary, how each QKDN is controlled, and
//! where the controllers stand. Other placements run as well: 6.2 allows any controllers and managers inside the
//! interworking node, and clause 8 calls its figures "several examples".

use super::handover::Kind;

/// How a QKDN is controlled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scheme {
    /// One controller per node.
    Distributed,
    /// One controller for all nodes.
    Centralized,
}

impl Scheme {
    const fn letter(self) -> char {
        match self {
            Scheme::Distributed => 'd',
            Scheme::Centralized => 'c',
        }
    }
}

/// Where a QKDN's controller for the border stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Seat {
    /// In the border node: the gateway node, or the interworking node.
    BorderNode,
    /// Elsewhere in the QKDN; its Ck and Cq cross the QKDN's network (that "remote" is meant is inferred).
    Remote,
}

/// One side of a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Side {
    /// How it is controlled.
    pub scheme: Scheme,
    /// Where the controller that serves its border KM stands.
    pub seat: Seat,
    /// Whether its manager stands in the border node.
    pub manager_in_border: bool,
}

/// A configuration of a boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// Gateway nodes or an interworking node.
    pub kind: Kind,
    /// Both sides, in the order of the boundary.
    pub sides: [Side; 2],
}

/// A figure of clause 8: kind, and scheme and seat of both sides.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its number.
    pub number: u8,
    /// Gateway nodes or an interworking node.
    pub kind: Kind,
    /// Sides A and B.
    pub sides: [(Scheme, Seat); 2],
}

/// Clause 8's figures.
pub const FIGURES: [Figure; 6] = {
    use Scheme::{Centralized, Distributed};
    use Seat::{BorderNode, Remote};
    const fn figure(number: u8, kind: Kind, a: (Scheme, Seat), b: (Scheme, Seat)) -> Figure {
        Figure {
            number,
            kind,
            sides: [a, b],
        }
    }
    let (distributed, centralized) = ((Distributed, BorderNode), (Centralized, Remote));
    [
        figure(3, Kind::Gwn, distributed, distributed),
        figure(4, Kind::Gwn, centralized, distributed),
        figure(5, Kind::Gwn, centralized, centralized),
        figure(6, Kind::Iwn, distributed, distributed),
        figure(7, Kind::Iwn, centralized, distributed),
        figure(8, Kind::Iwn, centralized, centralized),
    ]
};

impl Configuration {
    /// The short name: `gwn-dd` … `iwn-cc`; a mirrored configuration is `gwn-dc` or `iwn-dc`.
    pub fn name(&self) -> String {
        let [a, b] = self.sides.map(|side| side.scheme.letter());
        format!("{}-{a}{b}", self.kind.name())
    }

    /// The figure of clause 8 that depicts it, and whether with A and B exchanged. Which manager stands where is not
    /// depicted for gateway nodes; for an interworking node, none inside it is.
    pub fn figure(&self) -> Option<(u8, bool)> {
        if self.kind == Kind::Iwn && self.sides.iter().any(|side| side.manager_in_border) {
            return None;
        }
        let [a, b] = self.sides.map(|side| (side.scheme, side.seat));
        [([a, b], false), ([b, a], true)]
            .into_iter()
            .find_map(|(sides, mirrored)| {
                let figure = FIGURES
                    .iter()
                    .find(|figure| figure.kind == self.kind && figure.sides == sides)?;
                Some((figure.number, mirrored))
            })
    }
}

impl std::fmt::Display for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.figure() {
            Some((number, false)) => write!(f, "{} (Figure {number})", self.name()),
            Some((number, true)) => write!(f, "{} (Figure {number}, mirrored)", self.name()),
            None => write!(f, "{} (not depicted in clause 8)", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(scheme: Scheme, seat: Seat) -> Side {
        Side {
            scheme,
            seat,
            manager_in_border: false,
        }
    }

    /// Shows C3 to C8: names, figures and mirrors follow from placement.
    #[test]
    fn clause_8_is_data() {
        let distributed = side(Scheme::Distributed, Seat::BorderNode);
        let centralized = side(Scheme::Centralized, Seat::Remote);
        for (kind, sides, name) in [
            (Kind::Gwn, [distributed; 2], "gwn-dd (Figure 3)"),
            (Kind::Gwn, [centralized, distributed], "gwn-cd (Figure 4)"),
            (Kind::Gwn, [centralized; 2], "gwn-cc (Figure 5)"),
            (Kind::Iwn, [distributed; 2], "iwn-dd (Figure 6)"),
            (Kind::Iwn, [centralized, distributed], "iwn-cd (Figure 7)"),
            (Kind::Iwn, [centralized; 2], "iwn-cc (Figure 8)"),
            (
                Kind::Gwn,
                [distributed, centralized],
                "gwn-dc (Figure 4, mirrored)",
            ),
            (
                Kind::Iwn,
                [side(Scheme::Centralized, Seat::BorderNode); 2],
                "iwn-cc (not depicted in clause 8)",
            ),
        ] {
            assert_eq!(Configuration { kind, sides }.to_string(), name);
        }
    }
}
