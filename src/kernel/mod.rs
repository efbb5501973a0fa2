//! A discrete-event kernel that has never heard of keys: integer time, a totally ordered event queue,
//! one random stream per label.

pub mod deadline;
pub mod queue;
pub mod simulation;
pub mod streams;
pub mod time;

pub use deadline::{Deadline, Due, Generation};
pub use queue::{EventQueue, HeapQueue, LadderQueue, ShuffleQueue};
pub use simulation::Simulation;
pub use streams::{Stream, Streams};
pub use time::{Span, Time};
