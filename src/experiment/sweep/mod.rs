//! Sweeps: one scenario at many points, which are the values that some of its paths take, and the variants of its file.
//!
//! [`axis`] reads what a path is to take, [`design`] says which combinations; the points that follow from both have
//! numbers, so that any process can work on any of them, in any order.
//!
//! All points keep the scenario's seed: neighbours face the same random numbers, and a curve over them is smooth.

pub mod axis;
pub mod design;

use axis::{Axis, Mistake};
use design::Design;

/// The value of an axis of variants that takes none.
const NO_VARIANT: &str = "-";

/// Most points that a sweep may have.
pub const MOST_POINTS: u32 = 1_000_000;

/// The points of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    axes: Vec<Axis>,
    design: Design,
    /// Where each point lies on each axis, in \[0, 1); empty where points are counted off.
    places: Vec<Vec<f64>>,
    points: u32,
}

impl Sweep {
    /// Reads the axes (`name=variant,variant`; `path=v1,v2` or `path=from..to:step unit`) and lays the points out; `seed`
    /// decides where designs that are drawn put them.
    ///
    /// # Errors
    /// Everything that is wrong with the axes and the design.
    pub fn plan(
        variants: &[String],
        axes: &[String],
        design: Design,
        seed: u64,
    ) -> Result<Sweep, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut read: Vec<Axis> = Vec::new();
        let variants = variants.iter().map(|text| Axis::parse_variants(text));
        for axis in variants.chain(axes.iter().map(|text| Axis::parse(text, design))) {
            match axis {
                Ok(axis) => {
                    mistakes.extend(axis.paths().enumerate().filter_map(|(place, path)| {
                        let elsewhere = read.iter().flat_map(Axis::paths);
                        let twice = elsewhere
                            .chain(axis.paths().take(place))
                            .any(|other| other == path);
                        twice.then(|| Mistake {
                            message: format!("{path} is swept twice"),
                            hint: "name all values of a path in one option".to_owned(),
                        })
                    }));
                    read.push(axis);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let points = design.points(&read).map_err(|mistake| vec![mistake])?;
        Ok(Sweep {
            places: design.places(&read, seed),
            axes: read,
            design,
            points,
        })
    }

    /// Number of points.
    pub fn points(&self) -> u32 {
        self.points
    }

    /// The paths that are swept, in the order in which they were named.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().map(Axis::path)
    }

    /// The values of a point, one per path; `None`: as the scenario has it. In a grid the last path's values change
    /// fastest.
    ///
    /// # Panics
    /// If the sweep has no such point.
    pub fn values(&self, point: u32) -> Vec<Option<String>> {
        assert!(
            point < self.points,
            "there is no point {point} of {}",
            self.points
        );
        let mut rest = point as usize;
        match self.design {
            Design::LatinHypercube(_) | Design::Sobol(_) => {
                let places = &self.places[point as usize];
                let at = |(axis, place): (&Axis, &f64)| Some(axis.at(*place));
                self.axes.iter().zip(places).map(at).collect()
            }
            Design::Grid => counted_off(&self.axes, &mut rest),
            Design::OneAtATime => {
                let of_variants = self.axes.iter().filter(|axis| axis.is_of_variants()).count();
                let (variants, paths) = self.axes.split_at(of_variants);
                let alone = 1 + paths.iter().map(Axis::len).sum::<usize>();
                let mut changed = rest % alone;
                rest /= alone;
                let mut values = counted_off(variants, &mut rest);
                for axis in paths {
                    let here = (1..=axis.len()).contains(&changed);
                    values.push(here.then(|| axis.value(changed - 1)));
                    changed = changed.checked_sub(axis.len()).filter(|_| !here).unwrap_or(0);
                }
                values
            }
        }
    }

    fn chosen(&self, point: u32, of_variants: bool) -> impl Iterator<Item = (&Axis, String)> {
        let values = self.axes.iter().zip(self.values(point));
        values.filter_map(move |(axis, value)| {
            Some((axis, value?)).filter(|_| axis.is_of_variants() == of_variants)
        })
    }

    /// The changes `path=value` that make the scenario this point; `a&b` are two paths that have the same value.
    pub fn sets(&self, point: u32) -> Vec<String> {
        let mut sets = Vec::new();
        for (axis, value) in self.chosen(point, false) {
            sets.extend(axis.paths().map(|path| format!("{path}={value}")));
        }
        sets
    }

    /// The variants of the file that make the scenario this point, in the order of their axes.
    pub fn variants(&self, point: u32) -> Vec<String> {
        let chosen = self.chosen(point, true).map(|(_, value)| value);
        chosen.filter(|name| name != NO_VARIANT).collect()
    }
}

/// The values of a number that counts all combinations, the last axis fastest; what is left of it counts on.
fn counted_off(axes: &[Axis], rest: &mut usize) -> Vec<Option<String>> {
    let mut values: Vec<Option<String>> = (axes.iter().rev())
        .map(|axis| {
            let index = *rest % axis.len();
            *rest /= axis.len();
            Some(axis.value(index))
        })
        .collect();
    values.reverse();
    values
}

/// A part of a sweep's points: every `of`-th from the `index`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    index: u32,
    /// How many parts there are.
    of: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 1, of: 1 };

    /// Whether a point belongs to the part.
    pub fn has(self, point: u32) -> bool {
        point % self.of == self.index - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if 1 <= index && index <= of => Ok(Shard { index, of }),
            Some((_, 0)) => {
                Err("a sweep has one part at least: write it like 2/8, the second of eight".to_owned())
            }
            Some((_, of)) => Err(format!("the first of {of} parts is 1/{of}, the last {of}/{of}")),
            None => Err("write it like 2/8, the second of eight parts".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
