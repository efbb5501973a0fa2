//! Arrival processes: when an application asks. One process per file; arrivals never depend on outcomes.

mod on_off;
mod periodic;
mod poisson;
mod replay;
mod scaled;
mod sessions;

pub use on_off::OnOff;
pub use periodic::Periodic;
pub use poisson::Poisson;
pub use replay::Replay;
pub use scaled::Scaled;
pub use sessions::{HoldingTime, Sessions};

use std::fmt;

use crate::architecture::message::Hold;
use crate::kernel::{Span, Stream};

/// A request that is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// From the demand's beginning to the request.
    pub at: Span,
    /// The session that it belongs to, where a demand has several that come and go. Its instants count from the demand's
    /// beginning, too.
    pub hold: Option<Hold>,
}

/// When requests are sent. Draws come from the demand's own stream, so that variants face the same requests.
pub trait ArrivalProcess: fmt::Debug + Send + Sync {
    /// The requests of one run, from the first on. Who asks for no request past `horizon` may be given none.
    fn begin(&self, horizon: Span) -> Box<dyn Arrivals>;

    /// Mean rate of requests \[1/s\].
    fn mean_rate(&self) -> f64;
}

/// The requests of one run.
pub trait Arrivals: fmt::Debug + Send {
    /// The next request, in order of time; `None`: there is none any more.
    fn next(&mut self, random: &mut Stream) -> Option<Arrival>;
}

/// An exponential time by inverse transform, to the nearest nanosecond: one draw.
fn exponential(mean_ns: f64, random: &mut Stream) -> Span {
    Span(libm::round(random.exponential(mean_ns)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn first(process: &dyn ArrivalProcess, seed: u64, seconds: u64) -> Vec<Arrival> {
        let mut random = Streams::new(seed, 0).stream("demand/d", "arrivals");
        let mut arrivals = process.begin(Span::from_seconds(seconds));
        let end = Span::from_seconds(seconds);
        std::iter::from_fn(|| arrivals.next(&mut random))
            .take_while(|arrival| arrival.at < end)
            .collect()
    }

    fn all() -> Vec<(Box<dyn ArrivalProcess>, f64)> {
        let second = Span::from_seconds(1);
        let sessions = |holding, requests_per_s| Sessions {
            rate: 2.0,
            holding,
            requests_per_s,
        };
        vec![
            (Box::new(Poisson { rate: 5.0 }), 0.05),
            (
                Box::new(Periodic {
                    period: second * 3,
                    phase: None,
                }),
                0.01,
            ),
            (
                Box::new(OnOff {
                    on: second * 2,
                    off: second * 6,
                    rate: 20.0,
                }),
                0.1,
            ),
            (Box::new(sessions(HoldingTime::Fixed(second * 4), 0.0)), 0.05),
            (
                Box::new(sessions(HoldingTime::Exponential(second * 4), 1.5)),
                0.05,
            ),
        ]
    }

    /// Over a long time the rate is what it says; requests are in order; the same stream gives the same requests.
    #[test]
    fn rates_order_and_repetition() {
        for (process, tolerance) in all() {
            let requests = first(&*process, 7, 20_000);
            let rate = requests.len() as f64 / 20_000.0;
            let expected = process.mean_rate();
            assert!(
                (rate / expected - 1.0).abs() < tolerance,
                "{process:?}: {rate} instead of {expected}"
            );
            assert!(requests.is_sorted_by_key(|arrival| arrival.at), "{process:?}");
            assert_eq!(requests, first(&*process, 7, 20_000), "{process:?}");
        }
    }

    /// Requests of a session come while it is held, its first one as it opens; sessions are numbered as they open.
    #[test]
    fn a_session_is_held_from_its_first_request_to_its_end() {
        let second = Span::from_seconds(1);
        let process = Sessions {
            rate: 1.0,
            holding: HoldingTime::Fixed(second * 5),
            requests_per_s: 2.0,
        };
        let requests = first(&process, 3, 200);
        let mut opened = Vec::new();
        for Arrival { at, hold } in requests {
            let hold = hold.expect("all belong to sessions");
            if hold.number.get() as usize == opened.len() + 1 {
                opened.push(at);
            }
            let open = opened[hold.number.get() as usize - 1];
            assert!(hold.until.0 == (open + second * 5).0 && at.0 < hold.until.0);
        }
        assert!((150..250).contains(&opened.len()), "{}", opened.len());
    }

    /// While off, nothing comes: the squared coefficient of variation of an interrupted Poisson process is
    /// 1 + 2 λ r / (r + s)², r and s being the rates of leaving on and off (Kuczura, BSTJ 52 (1973) 437).
    #[test]
    fn on_off_is_an_interrupted_poisson_process() {
        let process = OnOff {
            on: Span::from_seconds(2),
            off: Span::from_seconds(6),
            rate: 20.0,
        };
        let at: Vec<f64> = first(&process, 11, 200_000)
            .iter()
            .map(|arrival| arrival.at.as_seconds())
            .collect();
        let gaps: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let square = gaps.iter().map(|gap| gap * gap).sum::<f64>() / gaps.len() as f64;
        let found = square / (mean * mean) - 1.0;
        let (r, s) = (0.5, 1.0 / 6.0);
        let expected = 1.0 + 2.0 * 20.0 * r / ((r + s) * (r + s));
        assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
    }

    #[test]
    fn a_trace_is_replayed_as_it_is() {
        let times = [3, 3, 8].map(Span).to_vec();
        let process = Replay::new(times.clone());
        let found: Vec<Span> = first(&process, 1, 1).iter().map(|arrival| arrival.at).collect();
        assert_eq!(found, times);
    }
}
