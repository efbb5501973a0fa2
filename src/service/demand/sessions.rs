//! Sessions that come at random, hold their route for a time, and ask for keys while they do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;

use super::{Arrival, ArrivalProcess, Arrivals, exponential};
use crate::architecture::message::Hold;
use crate::kernel::{Span, Stream, Time};

/// How long a session is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HoldingTime {
    /// Exponentially distributed, with this mean.
    Exponential(Span),
    /// Always so long.
    Fixed(Span),
}

impl HoldingTime {
    fn mean(self) -> Span {
        match self {
            HoldingTime::Exponential(span) | HoldingTime::Fixed(span) => span,
        }
    }
}

/// Sessions open as a Poisson process, each with a request, and ask again as a Poisson process while they are held.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sessions {
    /// Sessions per second \[1/s\].
    pub rate: f64,
    /// How long each is held.
    pub holding: HoldingTime,
    /// Requests per second of each session beside its first \[1/s\]; 0: none.
    pub requests_per_s: f64,
}

#[derive(Debug)]
struct Run {
    process: Sessions,
    /// When the next session opens.
    opens: Option<Span>,
    /// The next one's number.
    next_number: NonZeroU32,
    /// Next requests of sessions that are held: instant, number, end of the session.
    held: BinaryHeap<Reverse<(Span, NonZeroU32, Span)>>,
}

impl ArrivalProcess for Sessions {
    fn begin(&self, _horizon: Span) -> Box<dyn Arrivals> {
        Box::new(Run {
            process: *self,
            opens: None,
            next_number: NonZeroU32::MIN,
            held: BinaryHeap::new(),
        })
    }

    fn mean_rate(&self) -> f64 {
        self.rate * (1.0 + self.requests_per_s * self.holding.mean().as_seconds())
    }
}

impl Run {
    fn request(at: Span, number: NonZeroU32, until: Span) -> Arrival {
        let until = Time::ZERO + until;
        let hold = Some(Hold { number, until });
        Arrival { at, hold }
    }

    /// Sets a session's next request, if there is one before its end.
    fn ask_again(&mut self, from: Span, number: NonZeroU32, until: Span, random: &mut Stream) {
        if self.process.requests_per_s > 0.0 {
            let next = from + exponential(1e9 / self.process.requests_per_s, random);
            if next < until {
                self.held.push(Reverse((next, number, until)));
            }
        }
    }
}

impl Arrivals for Run {
    fn next(&mut self, random: &mut Stream) -> Option<Arrival> {
        let gap = 1e9 / self.process.rate;
        let opens = match self.opens {
            Some(opens) => opens,
            None => exponential(gap, random),
        };
        self.opens = Some(opens);
        if let Some(&Reverse((at, number, until))) = self.held.peek()
            && at < opens
        {
            self.held.pop();
            self.ask_again(at, number, until, random);
            return Some(Run::request(at, number, until));
        }
        let holding = match self.process.holding {
            HoldingTime::Exponential(mean) => exponential(mean.0 as f64, random),
            HoldingTime::Fixed(span) => span,
        };
        let (number, until) = (self.next_number, opens + holding);
        self.next_number = self.next_number.saturating_add(1);
        self.opens = Some(opens + exponential(gap, random));
        self.ask_again(opens, number, until, random);
        Some(Run::request(opens, number, until))
    }
}
