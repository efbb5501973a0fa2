//! Watching a run without changing it.

pub mod outcome;
