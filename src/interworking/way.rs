//! How a boundary lies in its ducts: stretches in the direction in which it runs, and the parts that its links take.

use crate::ids::DuctId;

/// A stretch of a duct in the direction in which a link runs through it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// Which duct.
    pub duct: DuctId,
    /// Where it enters \[m from the duct's first end\].
    pub from: u64,
    /// Where it leaves \[m from the duct's first end\]; smaller than `from` if it runs backwards.
    pub to: u64,
}

/// The part of a way from `from` to `to`, counted along it \[m\].
pub fn part_of(way: &[Way], from: u64, to: u64) -> Vec<Way> {
    let mut passed = 0;
    let mut parts = Vec::new();
    for stretch in way {
        let length = stretch.from.abs_diff(stretch.to);
        let (enters, leaves) = (
            from.clamp(passed, passed + length) - passed,
            to.clamp(passed, passed + length) - passed,
        );
        passed += length;
        if enters < leaves {
            let at = |along: u64| {
                if stretch.from <= stretch.to {
                    stretch.from + along
                } else {
                    stretch.from - along
                }
            };
            parts.push(Way {
                duct: stretch.duct,
                from: at(enters),
                to: at(leaves),
            });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_way_keeps_ducts_and_directions() {
        let way = [
            Way {
                duct: DuctId(0),
                from: 100,
                to: 400,
            },
            Way {
                duct: DuctId(1),
                from: 900,
                to: 200,
            },
        ];
        let part = |duct, from, to| Way {
            duct: DuctId(duct),
            from,
            to,
        };
        assert_eq!(part_of(&way, 0, 1_000), [part(0, 100, 400), part(1, 900, 200)]);
        assert_eq!(part_of(&way, 0, 300), [part(0, 100, 400)]);
        assert_eq!(part_of(&way, 200, 500), [part(0, 300, 400), part(1, 900, 700)]);
    }
}
