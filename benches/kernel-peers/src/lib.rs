//! Bench-only: the hold model on qkdni's kernel and on its peers.
//!
//! **The hold model.** `Q` events are pending. Each event that happens goes, by a `match` on its kind, to one of
//! [`COMPONENTS`] components, which adds to a counter, takes the next delay from a table shared by all kernels, and
//! schedules one event that far ahead. So exactly `Q` events stay pending. The delays are drawn before the clock
//! starts, so that nobody pays for random numbers, and everybody sees the same ones.
//!
//! **How each peer is run: the fastest single-threaded way its documentation offers.**
//! - *qkdni* and its 4-ary heap: [`qkdni::kernel::Simulation`], a `match` on the event.
//! - *simulacra 0.1*: `Simulation::with_capacity` and `run_until` with a closure, the synchronous kernel below its
//!   async layers, with the same event and the same `match`.
//! - *nexosim 1.0*: models that schedule their own input with `schedulable!`, a plain (not `async`) input method,
//!   `SimInit::with_num_threads(1)`, `step` until the count is reached. Its models are its components; a message
//!   needs no `match` there, so there is none.

mod delays;
mod nexosim_hold;
mod qkdni_hold;
mod simulacra_hold;

pub use delays::{Delays, Load};
pub use nexosim_hold::NexosimHold;
pub use qkdni_hold::{HeapHold, LadderHold};
pub use simulacra_hold::SimulacraHold;

/// Components that events go to.
pub const COMPONENTS: usize = 64;

/// A kernel with `Q` pending events that can be made to run.
pub trait Hold {
    /// Handles at least `events` further events and returns how many it were.
    fn run(&mut self, events: u64) -> u64;
}

/// What a component keeps: enough that no compiler removes it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Component {
    /// Events of the first kind.
    pub sent: u64,
    /// Events of the second kind.
    pub received: u64,
}

/// The event of all kernels that take an enum: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// Handled by counting `sent`.
    Send {
        /// The component it goes to.
        to: u32,
        /// A payload.
        amount: u64,
    },
    /// Handled by counting `received`.
    Receive {
        /// The component it goes to.
        to: u32,
        /// A payload.
        amount: u64,
    },
}

const _: () = assert!(size_of::<Event>() == 16);

/// The state of a hold model on kernels that take an enum.
#[derive(Debug)]
pub struct World {
    components: Vec<Component>,
    delays: Delays,
}

impl World {
    /// A world that draws its delays from a table.
    pub fn new(delays: Delays) -> Self {
        World {
            components: vec![Component::default(); COMPONENTS],
            delays,
        }
    }

    /// The delay of the next event to schedule \[ns\].
    #[inline]
    pub fn next_delay(&mut self) -> u64 {
        self.delays.next_delay()
    }

    /// The event of a component at the start.
    pub fn first_event(index: usize) -> Event {
        let to = (index % COMPONENTS) as u32;
        Event::Send { to, amount: 1 }
    }

    /// Handles an event and returns the one to schedule and its delay \[ns\].
    #[inline]
    pub fn handle(&mut self, event: Event) -> (u64, Event) {
        let delay = self.delays.next_delay();
        let next = match event {
            Event::Send { to, amount } => {
                self.components[to as usize].sent += amount;
                Event::Receive {
                    to: (to + 1) % COMPONENTS as u32,
                    amount,
                }
            }
            Event::Receive { to, amount } => {
                self.components[to as usize].received += amount;
                Event::Send { to, amount }
            }
        };
        (delay, next)
    }
}
