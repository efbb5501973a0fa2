//! Timers that can be moved and cancelled although queued events cannot.

use super::Time;

/// A timer whose deadline is kept in the component; one queued event finds out whether it is due.
///
/// A queue that could cancel would have to look for the event, or to remember all cancelled ones. Here cancelling
/// and moving the deadline are assignments: the event that is queued already comes, compares, and either fires, or
/// is queued again for the later deadline, or does nothing. However often a timer is re-armed to a later instant
/// (the usual case: "so long without an answer"), at most one event per timer is pending.
///
/// The component queues an event whenever [`arm`](Self::arm) or [`fired`](Self::fired) returns an instant to do so,
/// and calls `fired` whenever that event happens.
///
/// # Example
/// ```
/// use qkdni::kernel::{Deadline, Due, Time};
///
/// let mut patience = Deadline::new();
/// assert_eq!(patience.arm(Time(100)), Some(Time(100))); // queue an event for 100
/// assert_eq!(patience.arm(Time(150)), None); // later: the queued event will find out
/// assert_eq!(patience.fired(Time(100)), Due::At(Time(150))); // not yet: queue one for 150
/// assert_eq!(patience.fired(Time(150)), Due::Now);
/// patience.cancel();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// When the timer is due; never, if it is not armed.
    due: Time,
    /// When the queued event comes; never, if none is queued.
    queued: Time,
}

/// What an event of a [`Deadline`] has found.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The deadline is reached; the timer is no longer armed.
    Now,
    /// The deadline was moved: queue an event for this instant \[ns\].
    At(Time),
    /// The timer was cancelled, or another event stands for it: nothing to do.
    Never,
}

impl Deadline {
    /// A timer that is not armed.
    pub fn new() -> Self {
        Deadline {
            due: Time::NEVER,
            queued: Time::NEVER,
        }
    }

    /// Sets or moves the deadline to `due` \[ns\]. Returns the instant for which an event must be queued, which is
    /// `due`, or `None` if one that comes early enough is queued already.
    #[must_use]
    pub fn arm(&mut self, due: Time) -> Option<Time> {
        self.due = due;
        if due >= self.queued {
            return None;
        }
        self.queued = due;
        Some(due)
    }

    /// Disarms the timer; a queued event will do nothing.
    pub fn cancel(&mut self) {
        self.due = Time::NEVER;
    }

    /// Whether the timer is armed.
    pub fn is_armed(&self) -> bool {
        self.due != Time::NEVER
    }

    /// The deadline \[ns\], or [`Time::NEVER`].
    pub fn due(&self) -> Time {
        self.due
    }

    /// What an event of this timer, happening `now` \[ns\], means.
    pub fn fired(&mut self, now: Time) -> Due {
        if now != self.queued {
            return Due::Never; // Queued for a deadline that was then moved to an earlier instant.
        }
        self.queued = Time::NEVER;
        if self.due <= now {
            self.due = Time::NEVER;
            return Due::Now;
        }
        match self.arm(self.due) {
            Some(at) => Due::At(at),
            None => Due::Never,
        }
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline::new()
    }
}

/// The tag of events that a later decision may void: a timer or a message carries the generation it was made in, and
/// whoever receives it compares.
///
/// Where several events of one kind may be on their way at a time (a retry per attempt), this is the helper;
/// for a single deadline take [`Deadline`].
///
/// # Example
/// ```
/// use qkdni::kernel::Generation;
///
/// let mut current = Generation::default();
/// let tag = current; // carried by the event
/// assert_eq!(tag, current); // still meant
/// current.renew();
/// assert_ne!(tag, current); // stale: ignore the event
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Debug)]
pub struct Generation(u32);

impl Generation {
    /// Voids everything tagged so far. A tag comes back after 2³² renewals.
    pub fn renew(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_once_at_the_deadline() {
        let mut timer = Deadline::new();
        assert_eq!(timer.arm(Time(10)), Some(Time(10)));
        assert!(timer.is_armed());
        assert_eq!(timer.fired(Time(10)), Due::Now);
        assert!(!timer.is_armed());
        assert_eq!(timer.fired(Time(10)), Due::Never);
    }

    #[test]
    fn an_earlier_deadline_takes_a_new_event_and_voids_the_old_one() {
        let mut timer = Deadline::new();
        assert_eq!(timer.arm(Time(10)), Some(Time(10)));
        assert_eq!(timer.arm(Time(5)), Some(Time(5)));
        assert_eq!(timer.fired(Time(5)), Due::Now);
        assert_eq!(timer.fired(Time(10)), Due::Never);
    }

    #[test]
    fn cancelled_and_armed_again_it_uses_the_queued_event() {
        let mut timer = Deadline::new();
        assert_eq!(timer.arm(Time(10)), Some(Time(10)));
        timer.cancel();
        assert_eq!(timer.arm(Time(30)), None);
        assert_eq!(timer.fired(Time(10)), Due::At(Time(30)));
        timer.cancel();
        assert_eq!(timer.fired(Time(30)), Due::Never);
        assert_eq!(timer.due(), Time::NEVER);
    }
}
