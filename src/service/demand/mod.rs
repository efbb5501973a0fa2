//! Arrival processes: when an application asks. One process per file; arrivals never depend on outcomes.

mod periodic;
mod poisson;
mod scaled;

pub use periodic::Periodic;
pub use poisson::Poisson;
pub use scaled::Scaled;

use std::fmt;

use crate::kernel::{Span, Stream};

/// When requests are sent. Draws come from the demand's own stream, so that variants face the same requests.
pub trait ArrivalProcess: fmt::Debug + Send + Sync {
    /// From the start of the run to the first request.
    fn first(&self, random: &mut Stream) -> Span;

    /// From one request to the next.
    fn next(&self, random: &mut Stream) -> Span;

    /// Mean rate \[1/s\].
    fn mean_rate(&self) -> f64;
}
