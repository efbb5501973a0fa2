//! The driver: a clock, a queue, a count.

use super::queue::{EventQueue, LadderQueue, ShuffleQueue};
use super::{Span, Time};

/// A running simulation: the present instant and the events to come.
///
/// It is an iterator that is fed while it runs: `next` moves the clock to the next event and hands that event out,
/// and whoever handles it schedules further ones. What an event means, the simulation does not know.
///
/// `Q` is the queue: the ladder by default, [`HeapQueue`](super::HeapQueue) to check it, [`ShuffleQueue`] to permute
/// ties. The choice is made by type and costs nothing at run time.
///
/// # Example
/// ```
/// use qkdni::kernel::{Simulation, Span, Time};
///
/// #[derive(Clone, Copy)]
/// enum Event {
///     Ping,
///     Pong,
/// }
///
/// let mut simulation = Simulation::new();
/// simulation.schedule(Time::ZERO, Event::Ping);
/// while let Some((_, event)) = simulation.next_until(Time(10_000)) {
///     match event {
///         Event::Ping => simulation.schedule_in(Span::from_micros(1), Event::Pong),
///         Event::Pong => simulation.schedule_in(Span::from_micros(2), Event::Ping),
///     }
/// }
/// assert_eq!(simulation.now(), Time(10_000));
/// assert_eq!(simulation.events(), 8);
/// ```
#[derive(Clone, Debug)]
pub struct Simulation<E, Q = LadderQueue<E>> {
    now: Time,
    events: u64,
    queue: Q,
    payload: std::marker::PhantomData<E>,
}

impl<E: Copy> Simulation<E> {
    /// A simulation at time zero with nothing to do, on the ladder queue.
    pub fn new() -> Self {
        Simulation::with_queue(LadderQueue::new())
    }
}

impl<E: Copy> Default for Simulation<E> {
    fn default() -> Self {
        Simulation::new()
    }
}

impl<E: Copy> Simulation<E, ShuffleQueue<E>> {
    /// A simulation that permutes the events of each instant by `seed`; see [`ShuffleQueue`].
    pub fn shuffled(seed: u64) -> Self {
        Simulation::with_queue(ShuffleQueue::new(seed))
    }
}

impl<E: Copy, Q: EventQueue<E>> Simulation<E, Q> {
    /// A simulation at time zero on an empty queue of choice.
    pub fn with_queue(queue: Q) -> Self {
        Simulation {
            now: Time::ZERO,
            events: 0,
            queue,
            payload: std::marker::PhantomData,
        }
    }

    /// The present instant: that of the event handed out last \[ns\].
    #[inline]
    pub fn now(&self) -> Time {
        self.now
    }

    /// How many events have been handed out.
    #[inline]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many events are to come.
    #[inline]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The queue, to look at.
    pub fn queue(&self) -> &Q {
        &self.queue
    }

    /// Schedules an event for an instant \[ns\].
    ///
    /// # Panics
    /// If `at` lies in the past or is [`Time::NEVER`].
    #[allow(clippy::inline_always)] // See `LadderQueue::push`.
    #[inline(always)]
    pub fn schedule(&mut self, at: Time, event: E) {
        self.queue.push(at, event);
    }

    /// Schedules an event after a delay \[ns\]; a delay of zero puts it behind everything queued for this instant.
    #[allow(clippy::inline_always)] // See `LadderQueue::push`.
    #[inline(always)]
    pub fn schedule_in(&mut self, delay: Span, event: E) {
        self.queue.push(self.now + delay, event);
    }

    /// The next event if it is due at `end` or before; otherwise `None`, and the clock stays where it is.
    #[inline]
    pub fn next_until(&mut self, end: Time) -> Option<(Time, E)> {
        match self.queue.peek_time() {
            Some(at) if at <= end => self.next(),
            _ => None,
        }
    }
}

impl<E: Copy, Q: EventQueue<E>> Iterator for Simulation<E, Q> {
    type Item = (Time, E);

    #[inline]
    fn next(&mut self) -> Option<(Time, E)> {
        let (at, event) = self.queue.pop()?;
        self.now = at;
        self.events += 1;
        Some((at, event))
    }
}
