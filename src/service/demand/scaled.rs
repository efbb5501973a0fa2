//! Any process, faster or slower.

use std::sync::Arc;

use super::ArrivalProcess;
use crate::kernel::{Span, Stream};

/// Another process whose times are divided by a factor: the same draws, so many times as often.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// The process.
    pub process: Arc<dyn ArrivalProcess>,
    /// How many times as often; above 0.
    pub factor: f64,
}

impl Scaled {
    fn span(&self, span: Span) -> Span {
        Span(libm::round(span.0 as f64 / self.factor) as u64)
    }
}

impl ArrivalProcess for Scaled {
    fn first(&self, random: &mut Stream) -> Span {
        self.span(self.process.first(random))
    }

    fn next(&self, random: &mut Stream) -> Span {
        self.span(self.process.next(random))
    }

    fn mean_rate(&self) -> f64 {
        self.process.mean_rate() * self.factor
    }
}
