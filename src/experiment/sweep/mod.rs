//! Sweeps: one scenario at many points, which are the values that some of its paths take.
//!
//! [`axis`] reads what a path is to take, [`design`] says which combinations; the points that follow from both have
//! numbers, so that any process can work on any of them, in any order.
//!
//! All points keep the scenario's seed: neighbours face the same random numbers, and a curve over them is smooth.

pub mod axis;
pub mod design;

use axis::{Axis, Mistake};
use design::Design;

/// Most points that a sweep may have.
pub const MOST_POINTS: u32 = 1_000_000;

/// The points of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    axes: Vec<Axis>,
    design: Design,
    /// Where each point lies on each axis, in \[0, 1); empty for a grid.
    places: Vec<Vec<f64>>,
    points: u32,
}

impl Sweep {
    /// Reads the axes (`path=v1,v2` or `path=from..to:step unit`) and lays the points out; `seed` decides where
    /// designs that are drawn put them.
    ///
    /// # Errors
    /// Everything that is wrong with the axes and the design.
    pub fn plan(axes: &[String], design: Design, seed: u64) -> Result<Sweep, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut read: Vec<Axis> = Vec::new();
        for text in axes {
            match Axis::parse(text, design) {
                Ok(axis) if read.iter().any(|other| other.path() == axis.path()) => mistakes.push(Mistake {
                    message: format!("{} is swept twice", axis.path()),
                    hint: "name all values of a path in one --set".to_owned(),
                }),
                Ok(axis) => read.push(axis),
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

    /// The values of a point, one per path. In a grid the last path's values change fastest.
    ///
    /// # Panics
    /// If the sweep has no such point.
    pub fn values(&self, point: u32) -> Vec<String> {
        assert!(
            point < self.points,
            "there is no point {point} of {}",
            self.points
        );
        if self.design != Design::Grid {
            let places = &self.places[point as usize];
            return (self.axes.iter().zip(places))
                .map(|(axis, place)| axis.at(*place))
                .collect();
        }
        let mut rest = point as usize;
        let mut values: Vec<String> = (self.axes.iter().rev())
            .map(|axis| {
                let index = rest % axis.len();
                rest /= axis.len();
                axis.value(index)
            })
            .collect();
        values.reverse();
        values
    }

    /// The changes `path=value` that make the scenario this point.
    pub fn sets(&self, point: u32) -> Vec<String> {
        (self.paths().zip(self.values(point)))
            .map(|(path, value)| format!("{path}={value}"))
            .collect()
    }
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
            Some((_, of)) => Err(format!("the first of {of} parts is 1/{of}, the last {of}/{of}")),
            None => Err("write it like 2/8, the second of eight parts".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
