//! A discrete-event kernel that has never heard of keys: integer time, a totally ordered event queue,
//! one random stream per label.

pub mod time;

pub use time::{Span, Time};
