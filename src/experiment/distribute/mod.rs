//! Where replications are worked off. The results are the same wherever that is.

pub mod threads;

pub use threads::{Control, Stopped, in_order};
