//! Equal blocks at random distances: a Poisson process of key.

use std::collections::VecDeque;

use crate::architecture::key_source::{BlockRun, KeySource};
use crate::kernel::{Span, Stream, Time};

/// What one end of one lane gets of a link whose blocks come at exponential distances.
#[derive(Clone, Debug)]
pub struct RandomSource {
    /// Bits of this lane per block.
    bits: u64,
    /// Mean distance \[ns\].
    mean_ns: f64,
    random: Stream,
    /// Arrivals that were found ahead and not handed out, in order.
    ahead: VecDeque<Time>,
    /// The last arrival that was found.
    found: Time,
    /// When the link stopped, if it has.
    stopped: Option<Time>,
    horizon: Time,
}

impl RandomSource {
    /// A lane's end; both lanes and ends begin with the same stream.
    pub fn new(bits: u64, mean: Span, random: Stream, horizon: Time) -> RandomSource {
        RandomSource {
            bits,
            mean_ns: mean.0 as f64,
            random,
            ahead: VecDeque::new(),
            found: Time::ZERO,
            stopped: None,
            horizon,
        }
    }

    fn find(&mut self) -> Time {
        let gap = libm::round(self.random.exponential(self.mean_ns)) as u64;
        self.found += Span(gap);
        self.ahead.push_back(self.found);
        self.found
    }

    /// The link stops.
    pub fn stop(&mut self, now: Time) {
        if self.stopped.is_none() {
            while self.found <= now {
                self.find();
            }
            self.stopped = Some(now);
        }
    }

    /// The link works again. What was left of the time to the next block is as long as any: it goes on, so that however far
    /// was looked ahead, the draws are the same.
    pub fn start(&mut self, now: Time) {
        let Some(stopped) = self.stopped.take() else {
            return;
        };
        let pause = now.since(stopped);
        for at in &mut self.ahead {
            if *at > stopped {
                *at += pause;
            }
        }
        self.found += pause;
    }
}

impl KeySource for RandomSource {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        let until = self.stopped.unwrap_or(now).min(now);
        while self.found <= until {
            self.find();
        }
        while let Some(&at) = self.ahead.front()
            && at <= until
        {
            self.ahead.pop_front();
            if self.bits > 0 {
                blocks.push(BlockRun {
                    first: at,
                    period: Span::ZERO,
                    count: 1,
                    bits: self.bits,
                });
            }
        }
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        if self.bits == 0 {
            return None;
        }
        let blocks = bits.div_ceil(self.bits).max(1) as usize;
        while self.ahead.len() < blocks && self.stopped.is_none() {
            if self.found > self.horizon {
                return None;
            }
            self.find();
        }
        let at = *self.ahead.get(blocks - 1)?;
        (self.stopped.is_none_or(|stopped| at <= stopped)).then_some(at)
    }

    fn is_generating(&self) -> bool {
        self.stopped.is_none() && self.bits > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn source() -> RandomSource {
        let stream = Streams::new(5, 0).stream("link/l", "blocks");
        RandomSource::new(10, Span(1_000), stream, Time(10_000_000))
    }

    fn blocks(source: &mut RandomSource, now: u64) -> Vec<u64> {
        let mut runs = Vec::new();
        source.advance_to(Time(now), &mut runs);
        runs.iter().map(|run| run.first.0).collect()
    }

    #[test]
    fn blocks_are_the_same_however_often_one_looks() {
        let (mut once, mut often) = (source(), source());
        let all = blocks(&mut once, 5_000_000);
        // 5000 on average, with a standard deviation of 71.
        assert!((4_650..5_350).contains(&all.len()), "{}", all.len());
        let mut found = Vec::new();
        for at in 1..=5_000 {
            let notice = often.next_notice(30);
            let seen = found.len();
            found.extend(blocks(&mut often, at * 1_000));
            if let Some(&third) = all.get(seen + 2) {
                assert_eq!(notice, Some(Time(third)));
            }
        }
        assert_eq!(found, all);
    }

    #[test]
    fn nothing_comes_while_it_stands_still_whatever_was_found_ahead() {
        let run = |look_ahead: bool| {
            let mut source = source();
            let mut found = blocks(&mut source, 10_000);
            if look_ahead {
                source.next_notice(5_000);
            }
            source.stop(Time(20_000));
            assert!(!source.is_generating());
            found.extend(blocks(&mut source, 50_000));
            assert!(found.iter().all(|&at| at <= 20_000));
            assert_eq!(source.next_notice(1), None);
            source.start(Time(60_000));
            let more = blocks(&mut source, 100_000);
            assert!(more.iter().all(|&at| at > 60_000) && more.len() > 20);
            found.extend(more);
            found
        };
        assert_eq!(run(false), run(true));
    }
}
