//! Any process, faster or slower.

use std::sync::Arc;

use super::{Arrival, ArrivalProcess, Arrivals};
use crate::architecture::message::Hold;
use crate::kernel::{Span, Stream, Time};

/// Another process whose times are divided by a factor: the same draws, so many times as often. What it holds, it holds
/// for as much shorter.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// The process.
    pub process: Arc<dyn ArrivalProcess>,
    /// How many times as often; above 0.
    pub factor: f64,
}

#[derive(Debug)]
struct Requests {
    of: Box<dyn Arrivals>,
    factor: f64,
}

fn divided(span: Span, by: f64) -> Span {
    Span(libm::round(span.0 as f64 / by) as u64)
}

impl ArrivalProcess for Scaled {
    fn begin(&self, horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Requests {
            of: self.process.begin(divided(horizon, 1.0 / self.factor)),
            factor: self.factor,
        })
    }

    fn mean_rate(&self) -> f64 {
        self.process.mean_rate() * self.factor
    }
}

impl Arrivals for Requests {
    fn next(&mut self, random: &mut Stream) -> Option<Arrival> {
        let Arrival { at, hold } = self.of.next(random)?;
        Some(Arrival {
            at: divided(at, self.factor),
            hold: hold.map(|hold| Hold {
                until: Time(divided(Span(hold.until.0), self.factor).0),
                ..hold
            }),
        })
    }
}
