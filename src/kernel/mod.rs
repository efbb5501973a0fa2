//! A discrete-event kernel that has never heard of keys.
//!
//! What is here:
//!
//! | module | what |
//! |---|---|
//! | [`time`] | instants and spans in whole nanoseconds |
//! | [`queue`] | pending events in the total order (time, sequence) |
//! | [`simulation`] | the driver: clock, queue, count of events |
//! | [`streams`] | one random stream per label and purpose |
//!
//! What is deliberately absent: wall-clock time, threads, callbacks, boxed events, cancelling in the queue, and any
//! knowledge of what an event means. Whoever drives the simulation takes the next event, matches on it, and
//! schedules what follows.
//!
//! # The order of events
//! Events are handed out by time, and events of one instant **in the order in which they were scheduled**. An event
//! scheduled with a delay of zero comes after everything already scheduled for that instant. The order is total and
//! depends on the calls alone, so a run repeats exactly. Scheduling in the past panics.
//!
//! A result should not rest on the order within an instant by accident: [`Simulation::shuffled`] permutes it from a
//! seed, for a test to compare.
//!
//! # Events
//! An event is any `Copy` type; 16 bytes or fewer keep a pending event at 24 bytes. What is bigger lives in a slab of
//! the caller's, and the event carries its slot.
//!
//! # Random numbers
//! [`Streams::stream`] makes a stream from seed, replication, label and purpose. Streams do not influence one
//! another, and each variate takes one draw, so that variants of a model can be compared under common random numbers.
//!
//! # Example
//! A shop with one counter: customers arrive at random, wait, and are served one by one.
//! ```
//! use qkdni::kernel::{Simulation, Span, Streams, Time};
//!
//! #[derive(Clone, Copy)]
//! enum Event {
//!     Arrival,
//!     Departure,
//! }
//!
//! let streams = Streams::new(1, 0);
//! let mut gaps = streams.stream("customers", "gaps");
//! let mut services = streams.stream("counter", "services");
//! let mut gap = || Span(gaps.exponential(2e9) as u64);
//! let mut service = || Span(services.exponential(1e9) as u64);
//!
//! let mut simulation = Simulation::new();
//! let (mut waiting, mut served) = (0, 0);
//! simulation.schedule_in(gap(), Event::Arrival);
//! while let Some((_, event)) = simulation.next_until(Time::ZERO + Span::from_seconds(3600)) {
//!     match event {
//!         Event::Arrival => {
//!             waiting += 1;
//!             if waiting == 1 {
//!                 simulation.schedule_in(service(), Event::Departure);
//!             }
//!             simulation.schedule_in(gap(), Event::Arrival);
//!         }
//!         Event::Departure => {
//!             waiting -= 1;
//!             served += 1;
//!             if waiting > 0 {
//!                 simulation.schedule_in(service(), Event::Departure);
//!             }
//!         }
//!     }
//! }
//! assert!((1600..2000).contains(&served)); // about 1800 in an hour
//! ```

mod normal;
mod occupancy;
pub mod queue;
pub mod simulation;
pub mod streams;
pub mod time;

pub use normal::normal_quantile;
pub use occupancy::Occupancy;
pub use queue::{EventQueue, HeapQueue, LadderQueue, ShuffleQueue};
pub use simulation::Simulation;
pub use streams::{Keystream, Stream, Streams};
pub use time::{Span, Time};
