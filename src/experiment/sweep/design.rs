//! Which combinations of values are points: all of them, or a number that fills the space evenly.

use std::fmt;
use std::str::FromStr;

use super::MOST_POINTS;
use super::axis::{Axis, Mistake};
use crate::kernel::{Stream, Streams};

/// Points that the library's Sobol sequence gives before it repeats.
const MOST_SOBOL_POINTS: u32 = 1 << 16;

/// How the points of a sweep are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Every value of every path with every value of the others.
    Grid,
    /// The scenario as it is, then every value of every path by itself, the other paths as they are.
    OneAtATime,
    /// So many points, of which each of as many equal parts of each axis holds one: M. D. McKay, R. J. Beckman,
    /// W. J. Conover, Technometrics 21, 239 (1979).
    LatinHypercube(u32),
    /// So many points of the Sobol sequence with Owen scrambling, which fill the space more evenly than drawn ones:
    /// I. M. Sobol (1967), B. Burley, J. Comput. Graph. Tech. 9 (4), 1 (2020). Best with a power of two.
    Sobol(u32),
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Design::Grid => f.write_str("grid"),
            Design::OneAtATime => f.write_str("one-at-a-time"),
            Design::LatinHypercube(points) => write!(f, "lhs:{points}"),
            Design::Sobol(points) => write!(f, "sobol:{points}"),
        }
    }
}

impl FromStr for Design {
    type Err = String;

    fn from_str(text: &str) -> Result<Design, String> {
        if text == "grid" {
            return Ok(Design::Grid);
        }
        if text == "one-at-a-time" {
            return Ok(Design::OneAtATime);
        }
        let (name, points) = text.split_once(':').unwrap_or((text, ""));
        let (most, design): (u32, fn(u32) -> Design) = match name {
            "lhs" => (MOST_POINTS, Design::LatinHypercube),
            "sobol" => (MOST_SOBOL_POINTS, Design::Sobol),
            _ => return Err("designs are grid, one-at-a-time, lhs:N and sobol:N".to_owned()),
        };
        match points.parse() {
            Ok(points) if (1..=most).contains(&points) => Ok(design(points)),
            _ => Err(format!(
                "write it like {name}:64, with a number of points from 1 to {most}"
            )),
        }
    }
}

impl Design {
    /// Number of points over these axes.
    ///
    /// # Errors
    /// If they are too many, or more axes than the design can fill.
    pub fn points(self, axes: &[Axis]) -> Result<u32, Mistake> {
        let most_axes = sobol_burley::NUM_DIMENSIONS as usize;
        if matches!(self, Design::Sobol(_)) && axes.len() > most_axes {
            return Err(Mistake {
                message: format!("the {self} fills {most_axes} axes at most, not {}", axes.len()),
                hint: "sweep several paths as one axis, or take --design lhs:N".to_owned(),
            });
        }
        let of_variants = || axes.iter().filter(|axis| axis.is_of_variants());
        let of_paths = || axes.iter().filter(|axis| !axis.is_of_variants());
        let grid = |points: u32, axis: &Axis| points.checked_mul(u32::try_from(axis.len()).ok()?);
        let points = match self {
            Design::LatinHypercube(points) | Design::Sobol(points) => Some(points),
            Design::Grid => axes.iter().try_fold(1, grid),
            Design::OneAtATime => {
                let alone = of_paths().try_fold(1_u32, |points, axis| {
                    points.checked_add(u32::try_from(axis.len()).ok()?)
                });
                alone.and_then(|alone| of_variants().try_fold(alone, grid))
            }
        };
        points
            .filter(|points| *points <= MOST_POINTS)
            .ok_or_else(|| Mistake {
                message: format!("the {self} has more than {MOST_POINTS} points"),
                hint: "take fewer values, or a number of points that fill the space with --design sobol:N"
                    .to_owned(),
            })
    }

    /// Where each point lies on each axis, in \[0, 1); nothing where points are counted off.
    pub fn places(self, axes: &[Axis], seed: u64) -> Vec<Vec<f64>> {
        match self {
            Design::Grid | Design::OneAtATime => Vec::new(),
            Design::LatinHypercube(points) => {
                let columns: Vec<Vec<f64>> = (axes.iter())
                    .map(|axis| {
                        let label = format!("sweep/{}", axis.path());
                        latin(
                            points,
                            &mut Streams::new(seed, 0).stream(&label, "latin hypercube"),
                        )
                    })
                    .collect();
                (0..points as usize)
                    .map(|point| columns.iter().map(|column| column[point]).collect())
                    .collect()
            }
            Design::Sobol(points) => {
                // The scrambling takes 32 bits; both halves of the seed count.
                let seed = (seed ^ (seed >> 32)) as u32;
                (0..points)
                    .map(|point| {
                        (0..axes.len() as u32)
                            .map(|axis| f64::from(sobol_burley::sample(point, axis, seed)))
                            .collect()
                    })
                    .collect()
            }
        }
    }
}

/// One place in each of `points` equal parts, in an order that is drawn (Fisher and Yates).
fn latin(points: u32, stream: &mut Stream) -> Vec<f64> {
    let mut parts: Vec<u32> = (0..points).collect();
    for last in (1..parts.len()).rev() {
        parts.swap(last, stream.below(last as u64 + 1) as usize);
    }
    parts
        .into_iter()
        .map(|part| (f64::from(part) + stream.uniform()) / f64::from(points))
        .collect()
}
