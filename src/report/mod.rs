//! Results for people: terminal tables now, pictures and pages later.
//!
//! A report computes nothing: it shows what `summary.json` and `compare.json` hold.

pub mod link_curve;
pub mod quantity;
pub mod tables;
