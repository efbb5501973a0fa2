//! Blocks that differ from one another, evaluated at the moment of a look.
//!
//! The process is run ahead as far as a look or a notice asks; what it found waits here until it is due. A scout runs
//! further, to the next alarm, and keeps nothing else. A disturbance drops what was found beyond it: the process is run
//! again from a settled copy, with the same draws.

use std::collections::VecDeque;

use super::process::{Block, BlockProcess};
use crate::architecture::key_source::{BlockRun, KeySource};
use crate::kernel::{Span, Time};
use crate::units::{Bits, Fraction};

/// Blocks after which the settled copy is renewed, so that a disturbance never runs through a whole life again.
const RENEWED_AFTER: u32 = 256;

/// Key of one block that is not handed out yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// End of its acquisition.
    end: Time,
    /// When it is there.
    at: Time,
    /// Bits of this lane.
    bits: u64,
    /// Bits found up to and with it.
    found: u64,
}

/// What one end of one lane gets of a link's blocks.
#[derive(Clone, Debug)]
pub struct BlockSource {
    /// As of some moment that lies behind every disturbance so far.
    settled: BlockProcess,
    /// Run ahead of it.
    ahead: BlockProcess,
    /// Blocks between the two since the copy was renewed.
    since: u32,
    /// The last block before `ahead`.
    last: Option<Block>,
    /// The last block before `settled` that was done when it was asked for, and those after it, before `settled`.
    done: Option<Block>,
    coming: VecDeque<Block>,
    /// When the link was interrupted last.
    interrupted: Time,
    /// Looks for turns.
    scout: Option<BlockProcess>,
    /// What is not handed out yet.
    pending: VecDeque<Pending>,
    /// Bits handed out.
    handed_out: u64,
    /// Blocks at which the link turns bad or good again, that are not past yet.
    turns: VecDeque<Block>,
    /// How it was before them.
    healthy: bool,
    /// Share of every block that goes to the link's first lane, and whether this is that lane.
    first_lane: Fraction,
    is_first: bool,
    /// This end is later by so much.
    skew: Span,
    /// Nothing is asked of a link beyond this.
    horizon: Time,
}

impl BlockSource {
    /// A lane's end. Both lanes and both ends of a link begin with the same process.
    pub fn new(
        process: BlockProcess,
        first_lane: Fraction,
        is_first: bool,
        skew: Span,
        horizon: Time,
    ) -> BlockSource {
        BlockSource {
            settled: process.clone(),
            ahead: process,
            since: 0,
            last: None,
            done: None,
            coming: VecDeque::new(),
            interrupted: Time::ZERO,
            scout: None,
            pending: VecDeque::new(),
            handed_out: 0,
            turns: VecDeque::new(),
            healthy: true,
            first_lane,
            is_first,
            skew,
            horizon,
        }
    }

    fn evaluate(&mut self) {
        let block = self.ahead.finish();
        self.since += 1;
        self.last = Some(block);
        let first = Bits(block.bits).part(self.first_lane).0;
        let bits = if self.is_first { first } else { block.bits - first };
        if bits > 0 {
            let found = self.pending.back().map_or(self.handed_out, |last| last.found) + bits;
            self.pending.push_back(Pending {
                end: block.end,
                at: block.done + self.skew,
                bits,
                found,
            });
        }
    }

    /// Looks at the next block for a turn.
    fn look_for_turn(&mut self, scout: &mut BlockProcess) {
        let block = scout.finish();
        let before = self.turns.back().map_or(self.healthy, Block::is_healthy);
        if block.is_healthy() != before {
            self.turns.push_back(block);
        }
    }

    /// Evaluates every block whose acquisition has ended by `now`.
    fn run_to(&mut self, now: Time) {
        while self.ahead.next_end().is_some_and(|end| end <= now) {
            self.evaluate();
        }
    }

    /// Something happens to the link now.
    pub fn disturb(&mut self, now: Time, change: impl FnOnce(&mut BlockProcess)) {
        self.run_to(now);
        while self.pending.back().is_some_and(|block| block.end > now) {
            self.pending.pop_back();
        }
        while self.turns.back().is_some_and(|block| block.end > now) {
            self.turns.pop_back();
        }
        while self.settled.next_end().is_some_and(|end| end <= now) {
            self.coming.push_back(self.settled.finish());
        }
        let scout = self.scout.take().map(|mut scout| {
            while scout.next_end().is_some_and(|end| end <= now) {
                self.look_for_turn(&mut scout);
            }
        });
        let worked = self.settled.is_generating();
        change(&mut self.settled);
        if worked && !self.settled.is_generating() {
            self.interrupted = now;
        }
        self.scout = scout.map(|()| self.settled.clone());
        self.last = self.coming.back().copied().or(self.done);
        self.ahead = self.settled.clone();
        self.since = 0;
    }

    /// Authentication key that blocks acquired by `now` have taken \[bits\], of the whole link. No disturbance may come
    /// before `now` any more.
    pub fn authentication_spent(&self, now: Time) -> u64 {
        let mut process = self.settled.clone();
        while process.next_end().is_some_and(|end| end <= now) {
            process.finish();
        }
        process.authentication_spent()
    }

    /// Forgets the turns that are past.
    fn pass_turns(&mut self, now: Time) {
        while let Some(turn) = self.turns.front().filter(|turn| turn.done <= now) {
            self.healthy = turn.is_healthy();
            self.turns.pop_front();
        }
    }

    /// The last block that is done by now, unless the link was interrupted since it began, and the next one as things
    /// stand.
    pub fn around(&mut self, now: Time) -> [Option<Block>; 2] {
        let processing = self.settled.generation().post_processing;
        // No disturbance comes before now any more: what is done by now is settled.
        while self.settled.next_end().is_some_and(|end| end + processing <= now) {
            self.coming.push_back(self.settled.finish());
        }
        while self.coming.front().is_some_and(|block| block.done <= now) {
            self.done = self.coming.pop_front();
        }
        let last = self.done.filter(|block| block.begin >= self.interrupted);
        let next = self
            .settled
            .is_generating()
            .then(|| self.settled.clone().finish());
        [last, next]
    }

    /// The next block after now and by `until` at which the link turns bad (alarm) or good again, as things stand.
    pub fn next_turn(&mut self, now: Time, until: Time) -> Option<Block> {
        let mut scout = self.scout.take().unwrap_or_else(|| self.settled.clone());
        while scout.next_end().is_some_and(|end| end <= now) {
            self.look_for_turn(&mut scout);
        }
        self.pass_turns(now);
        while self.turns.is_empty() && scout.next_end().is_some_and(|end| end <= until) {
            self.look_for_turn(&mut scout);
        }
        self.scout = Some(scout);
        self.turns.front().copied().filter(|turn| turn.done <= until)
    }
}

impl KeySource for BlockSource {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        self.run_to(now);
        while let Some(&Pending { at, bits, found, .. }) = self.pending.front()
            && at <= now
        {
            self.pending.pop_front();
            self.handed_out = found;
            blocks.push(BlockRun {
                first: at,
                period: Span::ZERO,
                count: 1,
                bits,
            });
        }
        self.pass_turns(now);
        if self.since >= RENEWED_AFTER && self.last.is_none_or(|block| block.done <= now) {
            self.settled = self.ahead.clone();
            self.done = self.last;
            self.coming.clear();
            self.since = 0;
        }
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        let wanted = self.handed_out.saturating_add(bits.max(1));
        loop {
            if self.pending.back().is_some_and(|last| last.found >= wanted) {
                let before = self.pending.partition_point(|block| block.found < wanted);
                return Some(self.pending[before].at);
            }
            self.ahead.next_end().filter(|&end| end <= self.horizon)?;
            self.evaluate();
        }
    }

    fn is_generating(&self) -> bool {
        self.settled.is_generating()
    }
}
