//! Periodic requests with a random phase.

use super::ArrivalProcess;
use crate::kernel::{Span, Stream};

/// One request every `period`; the first at a phase drawn uniformly from \[0, period) unless it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Periodic {
    /// Time between requests.
    pub period: Span,
    /// The first request, if it shall not be random.
    pub phase: Option<Span>,
}

impl ArrivalProcess for Periodic {
    fn first(&self, random: &mut Stream) -> Span {
        // Drawn in any case: a given phase moves no one else's numbers.
        let drawn = Span(random.below(self.period.0));
        self.phase.unwrap_or(drawn)
    }

    fn next(&self, _random: &mut Stream) -> Span {
        self.period
    }

    fn mean_rate(&self) -> f64 {
        1.0 / self.period.as_seconds()
    }
}
