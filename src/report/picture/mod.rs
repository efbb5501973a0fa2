//! Pictures of results as SVG: the same ones for `plot` and for the report.
//!
//! A picture carries its marks, the places that have a value to tell; the report shows them under the pointer and
//! under the arrow keys. Colours are plain attributes, so that a stylesheet can turn a picture to a dark page.

mod bars;
mod frame;
mod heat;
mod labels;
mod layout;
pub mod map;
pub mod of_comparison;
pub mod of_run;
pub mod of_sweep;
mod plane;
#[cfg(feature = "png")]
pub mod png;

use serde::Serialize;

pub(crate) use frame::escaped;

/// Width and usual height of pictures \[px\].
pub const SIZE: (u32, u32) = (920, 460);

/// A place in a picture that has a value to tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// From the left \[px\].
    pub x: i32,
    /// From the top \[px\].
    pub y: i32,
    /// What it says.
    pub text: String,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its name, for files and anchors: `stores`.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// What to know for reading it.
    pub note: String,
    /// The picture itself.
    pub svg: String,
    /// Its marks, from left to right where that has a meaning.
    pub marks: Vec<Mark>,
}

/// Colours that are told apart on white and on black, and by most eyes: Okabe and Ito's, without black and yellow.
const COLOURS: [(u8, u8, u8); 8] = [
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (140, 86, 75),
    (127, 127, 127),
];

/// A time with a unit that suits `longest`: the factor from nanoseconds, and the unit's name.
fn time_unit(longest_ns: u64) -> (f64, &'static str) {
    match longest_ns {
        0..300_000_000_000 => (1e9, "s"),
        300_000_000_000..18_000_000_000_000 => (60e9, "min"),
        18_000_000_000_000..432_000_000_000_000 => (3600e9, "h"),
        _ => (86_400e9, "d"),
    }
}

/// So many things, for distances in pixels.
fn pixels(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A text of at most so many letters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}
