//! Requests at the instants of a trace.

use std::sync::Arc;

use super::{Arrival, ArrivalProcess, Arrivals};
use crate::kernel::{Span, Stream};

/// Requests at given instants from the demand's beginning, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    times: Arc<[Span]>,
}

impl Replay {
    /// # Panics
    /// If the instants are not in order.
    pub fn new(times: Vec<Span>) -> Replay {
        assert!(times.is_sorted(), "a trace goes forward in time");
        Replay { times: times.into() }
    }
}

#[derive(Debug)]
struct Run {
    times: Arc<[Span]>,
    next: usize,
}

impl ArrivalProcess for Replay {
    fn begin(&self, _horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Run {
            times: Arc::clone(&self.times),
            next: 0,
        })
    }

    /// Over the time from the demand's beginning to the last request.
    fn mean_rate(&self) -> f64 {
        let last = self.times.last().map_or(0.0, |last| last.as_seconds());
        if last > 0.0 {
            self.times.len() as f64 / last
        } else {
            0.0
        }
    }
}

impl Arrivals for Run {
    fn next(&mut self, _random: &mut Stream) -> Option<Arrival> {
        let at = *self.times.get(self.next)?;
        self.next += 1;
        Some(Arrival { at, hold: None })
    }
}
