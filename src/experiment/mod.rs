//! Experiments: many replications of one or several variants, and what may be said about them.
//!
//! [`run`] turns outcomes into a summary, [`compare`] sets variants against each other in pairs,
//! [`sweep`] lays out points, [`statistics`] holds the mathematics, [`distribute`]
//! the threads and machines.
//! Nothing here reads a file, a clock or a scenario: a variant is a closure from the number of a
//! replication to its [`Outcome`](crate::observe::outcome::Outcome).

pub mod compare;
pub mod distribute;
pub mod expectation;
pub mod run;
pub mod statistics;
pub mod sweep;
