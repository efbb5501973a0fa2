//! The key that comes out of a link, evaluated at the moment of a look: an idle link costs no events.

use std::collections::BTreeMap;

use super::block_source::BlockSource;
use super::material::KeyBits;
use super::pass_source::PassSource;
use super::process::{Block, BlockProcess};
use super::random_source::RandomSource;
use crate::architecture::RequestId;
use crate::architecture::key_source::{BlockRun, KeySource, KeySources, StoreEnd};
use crate::architecture::message::{Material, OtpKeys};
use crate::ids::{Arena, FaultId, Id, SessionId, StoreId};
use crate::kernel::{Span, Time};

/// Equal blocks at equal distance, with interruptions: what one end of one lane gets.
#[derive(Clone, Debug)]
pub struct ScheduledSource {
    bits: u64,
    period: Span,
    /// Block k of the present stretch comes at `start` + k periods.
    start: Time,
    /// Blocks of the present stretch that were handed out.
    handed: u64,
    generating: bool,
    /// Blocks of stretches that ended before they were looked at.
    earlier: Vec<BlockRun>,
}

impl ScheduledSource {
    /// A source that makes `bits` every `period` from time 0 on; none if `bits` is 0.
    pub fn new(bits: u64, period: Span) -> ScheduledSource {
        assert!(bits == 0 || period > Span::ZERO, "blocks need time");
        let generating = bits > 0;
        ScheduledSource {
            bits,
            period,
            start: Time::ZERO,
            handed: 0,
            generating,
            earlier: Vec::new(),
        }
    }

    /// A source that never makes any.
    pub fn silent() -> ScheduledSource {
        ScheduledSource::new(0, Span::ZERO)
    }

    fn run_until(&mut self, now: Time) -> Option<BlockRun> {
        if !self.generating {
            return None;
        }
        let due = now.since(self.start).0 / self.period.0;
        let count = due.checked_sub(self.handed).filter(|&count| count > 0)?;
        let first = self.start + self.period * (self.handed + 1);
        self.handed = due;
        Some(BlockRun {
            first,
            period: self.period,
            count,
            bits: self.bits,
        })
    }

    /// The link stops: a block in the making is lost.
    pub fn stop(&mut self, now: Time) {
        if let Some(run) = self.run_until(now) {
            self.earlier.push(run);
        }
        self.generating = false;
    }

    /// The link works again: the first block comes one period later.
    pub fn start(&mut self, now: Time) {
        if self.bits > 0 && !self.generating {
            (self.start, self.handed, self.generating) = (now, 0, true);
        }
    }
}

impl KeySource for ScheduledSource {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        if !self.earlier.is_empty() {
            blocks.append(&mut self.earlier);
        }
        blocks.extend(self.run_until(now));
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        let mut lacking = bits;
        for run in &self.earlier {
            if run.total_bits() >= lacking {
                let blocks = lacking.div_ceil(run.bits).max(1);
                return Some(run.first + run.period * (blocks - 1));
            }
            lacking -= run.total_bits();
        }
        let blocks = self.handed + lacking.div_ceil(self.bits.max(1)).max(1);
        self.generating.then(|| self.start + self.period * blocks)
    }

    fn is_generating(&self) -> bool {
        self.generating
    }
}

/// What fills one end of one lane of a link.
#[derive(Clone, Debug)]
pub enum LinkSource {
    /// Equal blocks at equal distance: runs of them cost one look.
    Steady(ScheduledSource),
    /// Block by block, each with its own errors and fate.
    Blocks(Box<BlockSource>),
    /// Lumps after a satellite's passes.
    Passes(Box<PassSource>),
    /// Equal blocks at random distances.
    Random(Box<RandomSource>),
}

impl LinkSource {
    /// The link stops: a block in the making is lost.
    pub fn stop(&mut self, now: Time) {
        match self {
            LinkSource::Steady(source) => source.stop(now),
            LinkSource::Blocks(source) => source.disturb(now, BlockProcess::stop),
            LinkSource::Passes(source) => source.stop(now),
            LinkSource::Random(source) => source.stop(now),
        }
    }

    /// The link works again.
    pub fn start(&mut self, now: Time) {
        match self {
            LinkSource::Steady(source) => source.start(now),
            LinkSource::Blocks(source) => source.disturb(now, |process| process.start(now)),
            LinkSource::Passes(source) => source.start(now),
            LinkSource::Random(source) => source.start(now),
        }
    }

    /// From now on this fraction of the pulses is intercepted and resent (0: none). A steady link has no error rate
    /// that could tell.
    pub fn intercept(&mut self, now: Time, fraction: f64) {
        if let LinkSource::Blocks(source) = self {
            source.disturb(now, |process| process.intercept(now, fraction));
        }
    }

    /// The last block that is done by now, and the next one as things stand.
    pub fn around(&mut self, now: Time) -> [Option<Block>; 2] {
        match self {
            LinkSource::Steady(_) | LinkSource::Passes(_) | LinkSource::Random(_) => [None; 2],
            LinkSource::Blocks(source) => source.around(now),
        }
    }

    /// Authentication key that the whole link's modules have taken from their pool by now \[bits\].
    pub fn authentication_spent(&self, now: Time) -> u64 {
        match self {
            LinkSource::Steady(_) | LinkSource::Passes(_) | LinkSource::Random(_) => 0,
            LinkSource::Blocks(source) => source.authentication_spent(now),
        }
    }

    /// The next block at which the link turns bad (alarm) or good again, as things stand.
    pub fn next_turn(&mut self, now: Time, until: Time) -> Option<Block> {
        match self {
            LinkSource::Steady(_) | LinkSource::Passes(_) | LinkSource::Random(_) => None,
            LinkSource::Blocks(source) => source.next_turn(now, until),
        }
    }
}

impl KeySource for LinkSource {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        match self {
            LinkSource::Steady(source) => source.advance_to(now, blocks),
            LinkSource::Blocks(source) => source.advance_to(now, blocks),
            LinkSource::Passes(source) => source.advance_to(now, blocks),
            LinkSource::Random(source) => source.advance_to(now, blocks),
        }
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        match self {
            LinkSource::Steady(source) => source.next_notice(bits),
            LinkSource::Blocks(source) => source.next_notice(bits),
            LinkSource::Passes(source) => source.next_notice(bits),
            LinkSource::Random(source) => source.next_notice(bits),
        }
    }

    fn is_generating(&self) -> bool {
        match self {
            LinkSource::Steady(source) => source.is_generating(),
            LinkSource::Blocks(source) => source.is_generating(),
            LinkSource::Passes(source) => source.is_generating(),
            LinkSource::Random(source) => source.is_generating(),
        }
    }
}

/// All sources of a run: one per store and end, so that both ends hold their own copy.
#[derive(Clone, Debug, Default)]
pub struct QuantumLayer {
    ends: Arena<StoreId, [LinkSource; 2]>,
    /// Which faults keep sources from generating.
    faults: BTreeMap<StoreId, FaultId>,
    /// Where real bits flow.
    bits: Option<KeyBits>,
}

impl QuantumLayer {
    /// Adds the sources of the next store: the sending end's, the receiving end's.
    pub fn add(&mut self, ends: [LinkSource; 2]) -> StoreId {
        self.ends.push(ends)
    }

    /// Lets real bits flow.
    pub fn make_bits(&mut self, bits: KeyBits) {
        self.bits = Some(bits);
    }

    /// What fills the sending end of a store.
    pub fn sending(&self, store: StoreId) -> &LinkSource {
        &self.ends[store][0]
    }

    /// Stops or starts what fills a store, at both ends.
    pub fn set_generating(&mut self, store: StoreId, generating: bool, now: Time) {
        for source in &mut self.ends[store] {
            if generating {
                source.start(now);
            } else {
                source.stop(now);
            }
        }
    }

    /// The fault that keeps what fills a store from generating, from now on; `None`: there is none any more.
    pub fn blame(&mut self, store: StoreId, fault: Option<FaultId>) {
        match fault {
            Some(fault) => self.faults.insert(store, fault),
            None => self.faults.remove(&store),
        };
    }

    /// An eavesdropper intercepts and resends this fraction of the pulses from now on (0: no longer), as both ends of
    /// a store see it.
    pub fn intercept(&mut self, store: StoreId, fraction: f64, now: Time) {
        for source in &mut self.ends[store] {
            source.intercept(now, fraction);
        }
    }

    /// The last block that filled a store and is done by now, and the next one as things stand.
    pub fn around(&mut self, store: StoreId, now: Time) -> [Option<Block>; 2] {
        self.ends[store][0].around(now)
    }

    /// The next block at which what fills a store turns bad (alarm) or good again, as things stand.
    pub fn next_turn(&mut self, store: StoreId, now: Time, until: Time) -> Option<Block> {
        self.ends[store][0].next_turn(now, until)
    }
}

impl KeySources for QuantumLayer {
    fn source(&mut self, store: StoreId, end: StoreEnd) -> &mut dyn KeySource {
        assert!(store.index() < self.ends.len(), "every store has its sources");
        &mut self.ends[store][match end {
            StoreEnd::Sending => 0,
            StoreEnd::Receiving => 1,
        }]
    }

    fn fault_behind(&self, store: StoreId) -> Option<FaultId> {
        self.faults.get(&store).copied()
    }

    fn bits(&self, store: StoreId, end: StoreEnd, keys: &OtpKeys) -> Option<Box<Material>> {
        let bits = self.bits.as_ref()?;
        Some(Box::new(bits.of_store(store, end, keys)))
    }

    fn drawn(&self, session: SessionId, keys: &OtpKeys) -> Option<Box<Material>> {
        let bits = self.bits.as_ref()?;
        Some(Box::new(bits.drawn(session, keys)))
    }

    fn fresh(&self, request: RequestId, bits: u64) -> Option<Box<Material>> {
        let keys = self.bits.as_ref()?;
        Some(Box::new(keys.fresh(request, bits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(source: &mut ScheduledSource, at: u64) -> u64 {
        let mut blocks = Vec::new();
        source.advance_to(Time(at), &mut blocks);
        blocks.iter().map(BlockRun::total_bits).sum()
    }

    #[test]
    fn looks_add_up_to_what_an_event_per_block_would_have_given() {
        let mut often = ScheduledSource::new(7, Span(10));
        let mut once = often.clone();
        let total: u64 = (0..=1_000).map(|at| looked(&mut often, at)).sum();
        assert_eq!(total, looked(&mut once, 1_000));
        assert_eq!(total, 700);
    }

    #[test]
    fn a_cut_loses_the_block_in_the_making_and_nothing_before() {
        let mut source = ScheduledSource::new(7, Span(10));
        source.stop(Time(25));
        source.start(Time(100));
        assert_eq!(source.next_notice(7), Some(Time(10)));
        assert_eq!(source.next_notice(15), Some(Time(110)));
        assert_eq!(looked(&mut source, 109), 14);
        assert_eq!(looked(&mut source, 110), 7);
        source.stop(Time(111));
        assert_eq!(source.next_notice(1), None);
    }

    #[test]
    fn a_notice_is_the_first_instant_with_enough() {
        let mut source = ScheduledSource::new(7, Span(10));
        for bits in 1..60 {
            let at = source.next_notice(bits).unwrap();
            assert!(looked(&mut source.clone(), at.0) >= bits);
            assert!(looked(&mut source.clone(), at.0 - 1) < bits);
        }
    }
}
