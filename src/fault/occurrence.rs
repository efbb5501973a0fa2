//! When random faults come: times to failure and to repair, by one inverse transform each.
//!
//! Each replication draws its own occurrences from the stream of the fault's label, in turn a time to failure and a time
//! to repair, whatever else happens in the run.

use crate::catalogue::{choice, record};
use crate::kernel::{Span, Stream, Time};

record! {
    /// Memoryless.
    pub struct Exponential {
        /// The mean.
        mean: Span,
    }
}

record! {
    /// Weibull: of a shape above 1 wear, below 1 early failures.
    pub struct Weibull {
        /// The mean.
        mean: Span,
        /// The shape.
        shape: f64,
    }
}

record! {
    /// Always the same.
    pub struct Fixed {
        /// The time.
        mean: Span,
    }
}

choice! {
    /// How a time is distributed.
    pub enum Lifetime ("distribution") {
        /// Memoryless.
        exponential => Exponential(Exponential),
        /// Weibull.
        weibull => Weibull(Weibull),
        /// Always the same.
        fixed => Fixed(Fixed),
    }
}

impl Lifetime {
    /// Its mean.
    pub fn mean(&self) -> Span {
        match self {
            Lifetime::Exponential(of) => of.mean,
            Lifetime::Weibull(of) => of.mean,
            Lifetime::Fixed(of) => of.mean,
        }
    }

    /// One draw; a nanosecond at least, so that time goes on.
    pub fn draw(&self, random: &mut Stream) -> Span {
        let uniform = random.uniform_open();
        let mean = self.mean().0 as f64;
        let drawn = match self {
            Lifetime::Exponential(_) => -mean * libm::log(uniform),
            Lifetime::Weibull(Weibull { shape, .. }) => {
                let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
                scale * libm::pow(-libm::log(uniform), 1.0 / shape)
            }
            Lifetime::Fixed(_) => mean,
        };
        // Half of the range of time is for ever.
        Span(libm::round(drawn).clamp(1.0, 9e18) as u64)
    }
}

record! {
    /// A fault that comes again and again: it is repaired, and then works for another time to failure. Assumption:
    /// independent of everything else.
    pub struct Renewal {
        /// From the start of the run, or the last repair, to the failure.
        time_to_failure: Lifetime,
        /// From the failure to its repair.
        time_to_repair: Lifetime,
    }
}

impl Renewal {
    /// Mean times to failure and to repair.
    pub fn means(&self) -> [Span; 2] {
        [self.time_to_failure.mean(), self.time_to_repair.mean()]
    }

    /// Failures before `end`, each with its repair.
    pub fn occurrences(&self, random: &mut Stream, end: Time) -> Vec<(Time, Time)> {
        let mut found = Vec::new();
        let mut works_from = Time::ZERO;
        loop {
            let at = Time(works_from.0.saturating_add(self.time_to_failure.draw(random).0));
            if at >= end {
                return found;
            }
            let repaired = Time(at.0.saturating_add(self.time_to_repair.draw(random).0));
            found.push((at, repaired));
            works_from = repaired;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    /// Means and, of the Weibull distribution, the share that outlives the mean are those of the formulas; five standard
    /// errors.
    #[test]
    fn draws_have_the_distribution_that_they_are_named_after() {
        const DRAWS: u32 = 20_000;
        let mean = Span::from_seconds(100);
        let shape = 2.5;
        let (gamma1, gamma2) = (libm::tgamma(1.4), libm::tgamma(1.8));
        let deviation = libm::sqrt(gamma2 / (gamma1 * gamma1) - 1.0);
        let outlives = libm::exp(-libm::pow(gamma1, shape));
        let laws = [
            (Lifetime::Exponential(Exponential { mean }), 1.0, libm::exp(-1.0)),
            (Lifetime::Weibull(Weibull { mean, shape }), deviation, outlives),
        ];
        for (number, (law, deviation, outlives)) in laws.into_iter().enumerate() {
            let mut random = Streams::new(number as u64, 0).stream("fault/f1", "occurrences");
            let draws: Vec<f64> = (0..DRAWS).map(|_| law.draw(&mut random).as_seconds()).collect();
            let average = draws.iter().sum::<f64>() / f64::from(DRAWS);
            let error = 100.0 * deviation / f64::from(DRAWS).sqrt();
            assert!((average - 100.0).abs() < 5.0 * error, "{law:?}: {average}");
            let share = draws.iter().filter(|&&draw| draw > 100.0).count() as f64 / f64::from(DRAWS);
            let error = (outlives * (1.0 - outlives) / f64::from(DRAWS)).sqrt();
            assert!((share - outlives).abs() < 5.0 * error, "{law:?}: {share}");
        }
        let mut random = Streams::new(1, 0).stream("fault/f1", "occurrences");
        assert_eq!(Lifetime::Fixed(Fixed { mean }).draw(&mut random), mean);
    }

    #[test]
    fn occurrences_follow_one_another() {
        let mean = |seconds| Exponential {
            mean: Span::from_seconds(seconds),
        };
        let renewal = Renewal {
            time_to_failure: Lifetime::Exponential(mean(30)),
            time_to_repair: Lifetime::Exponential(mean(3)),
        };
        let mut random = Streams::new(7, 0).stream("fault/f1", "occurrences");
        let end = Time(1_000_000_000_000);
        let found = renewal.occurrences(&mut random, end);
        assert!(found.len() > 10);
        assert!(found.iter().all(|(at, repaired)| at < repaired && *at < end));
        assert!(found.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
