//! A Poisson process.

use super::ArrivalProcess;
use crate::kernel::{Span, Stream};

/// Exponential times between requests, by inverse transform: one draw each.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Poisson {
    /// Requests per second \[1/s\].
    pub rate: f64,
}

impl ArrivalProcess for Poisson {
    fn first(&self, random: &mut Stream) -> Span {
        self.next(random)
    }

    fn next(&self, random: &mut Stream) -> Span {
        Span(libm::round(random.exponential(1e9 / self.rate)) as u64)
    }

    fn mean_rate(&self) -> f64 {
        self.rate
    }
}
