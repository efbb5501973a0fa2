//! Results for people: terminal tables, pictures, the HTML report, sequence charts, explanations.
//!
//! A report computes nothing: it shows what the files of a results folder and the room `analysis` hold.

pub mod bounds;
pub mod chart;
pub mod explanation;
pub mod link_curve;
pub mod page;
pub mod picture;
pub mod quantity;
pub mod slice;
pub mod study;
pub mod sweep_table;
pub mod tables;
