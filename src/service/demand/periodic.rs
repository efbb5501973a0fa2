//! Periodic requests with a random phase.

use super::{Arrival, ArrivalProcess, Arrivals};
use crate::kernel::{Span, Stream};

/// One request every `period`; the first at a phase drawn uniformly from \[0, period) unless it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Periodic {
    /// Time between requests.
    pub period: Span,
    /// The first request, if it shall not be random.
    pub phase: Option<Span>,
}

#[derive(Debug)]
struct Run {
    process: Periodic,
    before: Option<Span>,
}

impl ArrivalProcess for Periodic {
    fn begin(&self, _horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Run {
            process: *self,
            before: None,
        })
    }

    fn mean_rate(&self) -> f64 {
        1.0 / self.period.as_seconds()
    }
}

impl Arrivals for Run {
    fn next(&mut self, random: &mut Stream) -> Option<Arrival> {
        let Periodic { period, phase } = self.process;
        let at = match self.before {
            Some(before) => before + period,
            // Drawn in any case: a given phase moves no one else's numbers.
            None => {
                let drawn = Span(random.below(period.0));
                phase.unwrap_or(drawn)
            }
        };
        self.before = Some(at);
        Some(Arrival { at, hold: None })
    }
}
