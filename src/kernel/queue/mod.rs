//! Event queues: one order, two implementations.
//!
//! Every queue here pops in the **total order (time, sequence)**. The sequence is the number of the push, given by
//! the queue: of two events at one instant the one pushed first is popped first. An event pushed at the very instant
//! that is being popped (a delay of zero) comes after everything already queued for that instant. The order is a
//! function of the pushes alone; it depends on no address, hash, thread or clock.
//!
//! - [`LadderQueue`] is the one simulations run on: constant cost per event from a hundred to a million pending ones.
//! - [`HeapQueue`] is a plain 4-ary heap: slower, short, and the oracle the ladder is tested against.
//! - [`ShuffleQueue`] permutes ties on purpose, to find results that depend on them by accident.
//!
//! What is not here: cancelling a queued event. Keep the deadline in the component and let the event find out.

mod chunks;
mod heap;
mod ladder;
mod shuffle;

pub use heap::HeapQueue;
pub use ladder::LadderQueue;
pub use shuffle::ShuffleQueue;

use crate::kernel::Time;

/// A queue of pending events that pops in the order (time, sequence); see the [module documentation](self).
pub trait EventQueue<E: Copy> {
    /// Queues `event` for the instant `at` \[ns\].
    ///
    /// # Panics
    /// If `at` is earlier than the last popped instant, for time never runs backwards, or is [`Time::NEVER`].
    fn push(&mut self, at: Time, event: E);

    /// Removes and returns the earliest event and its instant \[ns\], or `None` if the queue is empty.
    fn pop(&mut self) -> Option<(Time, E)>;

    /// The instant \[ns\] of the event that [`pop`](Self::pop) would return.
    ///
    /// It may sort events on the way, hence `&mut`; what is popped later does not depend on it.
    fn peek_time(&mut self) -> Option<Time>;

    /// The number of pending events.
    fn len(&self) -> usize;

    /// Whether no event is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Stops a run whose next event would lie in the past, or at no time at all.
#[cold]
#[inline(never)]
fn refuse(at: Time, last: Time) -> ! {
    assert!(
        at != Time::NEVER,
        "an event at Time::NEVER would never happen: do not queue it"
    );
    panic!(
        "an event at {} ns is earlier than the last popped one at {} ns",
        at.0, last.0
    );
}
