//! Results for people: terminal tables, sequence charts, explanations.
//!
//! A report computes nothing: it shows what the files of a results folder and the room `analysis` hold.

pub mod bounds;
pub mod chart;
pub mod explanation;
pub mod link_curve;
pub mod quantity;
pub mod tables;
