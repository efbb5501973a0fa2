//! Results for people: terminal tables now, pictures and pages later.
//!
//! A report computes nothing: it shows what `summary.json`, `compare.json` and the room `analysis` hold.

pub mod bounds;
pub mod quantity;
pub mod tables;
