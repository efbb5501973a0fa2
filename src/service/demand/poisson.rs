//! A Poisson process.

use super::{Arrival, ArrivalProcess, Arrivals, exponential};
use crate::kernel::{Span, Stream};

/// Exponential times between requests, by inverse transform: one draw each.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Poisson {
    /// Requests per second \[1/s\].
    pub rate: f64,
}

#[derive(Debug)]
struct Run {
    mean_ns: f64,
    at: Span,
}

impl ArrivalProcess for Poisson {
    fn begin(&self, _horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Run {
            mean_ns: 1e9 / self.rate,
            at: Span::ZERO,
        })
    }

    fn mean_rate(&self) -> f64 {
        self.rate
    }
}

impl Arrivals for Run {
    fn next(&mut self, random: &mut Stream) -> Option<Arrival> {
        self.at += exponential(self.mean_ns, random);
        Some(Arrival {
            at: self.at,
            hold: None,
        })
    }
}
