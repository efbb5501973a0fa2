//! Requests in bursts: an interrupted Poisson process.

use super::{Arrival, ArrivalProcess, Arrivals, exponential};
use crate::kernel::{Span, Stream};

/// A Poisson process that is on and off by turns, each for an exponential time. It begins on with the probability with
/// which it is on at any instant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OnOff {
    /// Mean time for which it is on.
    pub on: Span,
    /// Mean time for which it is off.
    pub off: Span,
    /// Requests per second while it is on \[1/s\].
    pub rate: f64,
}

#[derive(Debug)]
struct Run {
    process: OnOff,
    horizon: Span,
    at: Span,
    /// When the present or the next burst ends; `None` before the first look.
    off_at: Option<Span>,
}

impl ArrivalProcess for OnOff {
    fn begin(&self, horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Run {
            process: *self,
            horizon,
            at: Span::ZERO,
            off_at: None,
        })
    }

    fn mean_rate(&self) -> f64 {
        let (on, off) = (self.on.as_seconds(), self.off.as_seconds());
        self.rate * on / (on + off)
    }
}

impl Run {
    /// The next burst begins after a pause.
    fn pause(&mut self, from: Span, random: &mut Stream) -> Span {
        self.at = from + exponential(self.process.off.0 as f64, random);
        self.burst(random)
    }

    /// A burst begins now; when it ends.
    fn burst(&mut self, random: &mut Stream) -> Span {
        let end = self.at + exponential(self.process.on.0 as f64, random);
        self.off_at = Some(end);
        end
    }
}

impl Arrivals for Run {
    fn next(&mut self, random: &mut Stream) -> Option<Arrival> {
        let OnOff { on, off, rate } = self.process;
        let mut off_at = match self.off_at {
            Some(off_at) => off_at,
            None if random.uniform() < on.0 as f64 / (on.0 as f64 + off.0 as f64) => self.burst(random),
            None => self.pause(Span::ZERO, random),
        };
        loop {
            let next = self.at + exponential(1e9 / rate, random);
            if next < off_at {
                self.at = next;
                return Some(Arrival { at: next, hold: None });
            }
            off_at = self.pause(off_at, random);
            if self.at > self.horizon {
                return None;
            }
        }
    }
}
