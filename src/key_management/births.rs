//! When the key of a store was born, by runs of blocks that came one like the other.

use std::collections::VecDeque;

use crate::kernel::{Span, Time};

/// Blocks that were accepted one after the other: as many bits each, one every `period`.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Birth of the first block.
    first: Time,
    /// Where its key ids end.
    end: u64,
    /// Bits of each block.
    bits: u64,
    /// Distance of the births; nothing yet where there is one block only.
    period: Span,
    /// Number of blocks.
    count: u64,
}

impl Run {
    /// Whether a block goes on with the run.
    fn goes_on(&self, at: Time, bits: u64) -> bool {
        let last = self.first + self.period * (self.count - 1);
        let distance = if self.count == 1 {
            at > last
        } else {
            at == last + self.period
        };
        self.bits == bits && distance
    }
}

/// Births of all key that is not too old yet, in the order of its ids.
#[derive(Clone, Debug, Default)]
pub struct Births(VecDeque<Run>);

impl Births {
    /// A block was accepted; its key ids begin where the last one's end, and end at `end`.
    pub fn add(&mut self, at: Time, bits: u64, end: u64) {
        match self.0.back_mut() {
            Some(run) if run.goes_on(at, bits) => {
                if run.count == 1 {
                    run.period = at.since(run.first);
                }
                run.count += 1;
            }
            _ => self.0.push_back(Run {
                first: at,
                end,
                bits,
                period: Span::ZERO,
                count: 1,
            }),
        }
    }

    /// Forgets what was born by then; returns where its key ids end.
    pub fn forget_until(&mut self, born: Time) -> Option<u64> {
        let mut old = None;
        while let Some(run) = self.0.front_mut().filter(|run| run.first <= born) {
            let due = match run.period {
                Span::ZERO => run.count,
                period => run.count.min(born.since(run.first).0 / period.0 + 1),
            };
            old = Some(run.end + run.bits * (due - 1));
            if due == run.count {
                self.0.pop_front();
                continue;
            }
            run.first += run.period * due;
            run.end += run.bits * due;
            run.count -= due;
            break;
        }
        old
    }

    /// The earliest birth.
    pub fn first(&self) -> Option<Time> {
        self.0.front().map(|run| run.first)
    }

    /// Nothing is left.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn like_blocks_are_one_run() {
        let mut births = Births::default();
        for number in 1..=1_000 {
            births.add(Time(10 * number), 64, 64 * number);
        }
        assert_eq!((births.0.len(), births.first()), (1, Some(Time(10))));
        assert_eq!(births.forget_until(Time(5_004)), Some(64 * 500));
        assert_eq!((births.0.len(), births.first()), (1, Some(Time(5_010))));
    }

    proptest! {
        /// As if every block were kept by itself.
        #[test]
        fn runs_tell_what_single_blocks_do(
            operations in prop::collection::vec((0u64..4, 1u64..3, prop::option::weighted(0.2, 0u64..30)), 1..120),
        ) {
            let (mut births, mut single) = (Births::default(), VecDeque::new());
            let (mut now, mut end) = (0, 0);
            for (wait, bits, age) in operations {
                now += wait;
                end += bits;
                births.add(Time(now), bits, end);
                single.push_back((end, Time(now)));
                if let Some(born) = age.and_then(|age| now.checked_sub(age)) {
                    let mut old = None;
                    while single.front().is_some_and(|&(_, at)| at <= Time(born)) {
                        old = single.pop_front().map(|(end, _)| end);
                    }
                    prop_assert_eq!(births.forget_until(Time(born)), old);
                }
                prop_assert_eq!(births.first(), single.front().map(|&(_, at)| at));
            }
        }
    }
}
