//! The queue simulations run on: a ladder of buckets that moves every event a few times, always to consecutive
//! memory, and compares events only in handfuls.
//!
//! ```text
//!   pop <-- run --- rung 2 --- rung 1 ------------- rung 0 ------------------------------- top
//!           sorted  256 buckets inside a bucket     256 buckets                            unsorted
//!           now .. front 2 .. front 1 .. front 0 ..                                 .. end of time
//! ```
//!
//! - A **rung** divides a stretch of time into 256 buckets of equal, power-of-two width: the bucket of an instant is a
//!   subtraction and a shift. Whatever lies beyond rung 0 is its 257th bucket, the **top**.
//! - A **bucket** is an unsorted chain of chunks ([`super::chunks`]), first in, first out.
//! - The first buckets, of up to 64 events together, are sorted into the **run**, from which `pop` reads. A bucket of more
//!   events is spread over a new, deeper rung that fits its earliest and its latest event. When all of rung 0 is
//!   used up, the top is spread over rung 0 anew.
//! - The **front** of a rung is the instant from which on it still takes events; what is earlier belongs to the
//!   deeper rungs, and what is earlier than all fronts to the run. After a bucket was sorted its front is just behind
//!   the latest event of the run, so that the bucket stays open for what follows.
//! - A bucket whose events all have the same instant is in order already. Its chain feeds the run as it is
//!   (**tied**), and an event pushed at that instant goes to the end of the chain.
//!
//! **Why the sequence is not stored.** At every moment each instant has one place: the run, the tied chain, or one
//! bucket. Places are filled at the end, and they are emptied as a whole and in order. So events of one instant stay
//! in the order of their pushes, and the sort of the run, whose key is (time, position), keeps it. An event with 16
//! bytes of payload takes 24 bytes, not 32.
//!
//! There is no estimate of a width, no resizing, and no allocation per event: the pool grows by sixteenths and its
//! chunks are used again, the last one freed first.

use super::chunks::{Chain, Entry, Pool};
use super::{EventQueue, refuse};
use crate::kernel::Time;

/// Buckets per rung, without the top.
const BUCKETS: usize = 256;
/// The fewest buckets that a rung spreads its events over.
const BUCKETS_LEAST: usize = 16;
/// Rung 0 is given a bucket per this many events. The first buckets get several times as many, for most delays crowd
/// towards the present.
const EVENTS_PER_TOP_BUCKET: usize = 4;
/// The other rungs are given a bucket per this many events; inside one bucket events are spread evenly.
const EVENTS_PER_BUCKET: usize = 16;
/// A bucket of at most this many events is sorted.
const LEAF: usize = 64;
/// Bits of a position in a leaf.
const LEAF_BITS: u32 = LEAF.trailing_zeros();
/// Bits of a time in a sort key, which is a positive `i32`.
const KEY_BITS: u32 = 31 - LEAF_BITS;
/// Further buckets join the run while it has fewer events than this.
const LEAF_ENOUGH: usize = 12;
/// A run that pushes have made longer than this gives its later half back.
const RUN_MAX: usize = 192;
/// Keys compared at once: two vectors of the least x86-64.
const LANES: usize = 8;

/// One rung. The last bucket is the top, and only rung 0 uses it.
#[derive(Clone, Debug)]
struct Rung {
    /// The start of bucket 0 \[ns\]; earlier instants behind the front belong to bucket 0 as well.
    start: u64,
    /// The width of a bucket is `1 << shift` \[ns\].
    shift: u32,
    /// The rung takes events from this instant on \[ns\].
    front: u64,
    /// One bit per bucket that holds an event.
    occupied: [u64; BUCKETS / 64 + 1],
    buckets: [Chain; BUCKETS + 1],
}

impl Rung {
    fn new() -> Self {
        Rung {
            start: 0,
            shift: 0,
            front: 0,
            occupied: [0; BUCKETS / 64 + 1],
            buckets: [Chain::EMPTY; BUCKETS + 1],
        }
    }

    #[allow(clippy::inline_always)] // See `EventQueue::push` below.
    #[inline(always)]
    fn push<E: Copy>(&mut self, pool: &mut Pool<E>, entry: Entry<E>) {
        let bucket = (entry.at.saturating_sub(self.start) >> self.shift).min(BUCKETS as u64) as usize;
        if pool.push(&mut self.buckets[bucket], entry) {
            self.occupied[bucket / 64] |= 1 << (bucket % 64);
        }
    }

    /// The first bucket that holds an event.
    #[inline]
    fn first(&self) -> Option<usize> {
        let word = self.occupied.iter().position(|&word| word != 0)?;
        Some(word * 64 + self.occupied[word].trailing_zeros() as usize)
    }

    #[inline]
    fn take(&mut self, bucket: usize) -> Chain {
        self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        std::mem::replace(&mut self.buckets[bucket], Chain::EMPTY)
    }

    /// The first instant behind a bucket \[ns\], at most `u64::MAX`.
    fn end_of(&self, bucket: usize) -> u64 {
        let end = (self.start as u128) + ((bucket as u128 + 1) << self.shift);
        end.min(u64::MAX as u128) as u64
    }

    /// Lays an empty rung out so that `least` to `greatest` \[ns\] take about so many buckets.
    fn lay_out(&mut self, least: u64, greatest: u64, buckets: usize) {
        let buckets = buckets.next_power_of_two().clamp(BUCKETS_LEAST, BUCKETS);
        let range = greatest - least;
        let range_bits = u64::BITS - range.leading_zeros();
        self.start = least;
        self.shift = range_bits.saturating_sub(buckets.trailing_zeros());
    }
}

/// A cache-conscious ladder queue; how it works stands at the head of its source file.
///
/// # Complexity
/// Constant per push and pop, amortised, whatever the distribution of the delays: an event moves once per rung, and
/// each rung divides the time by 16 at least.
///
/// # Example
/// ```
/// use qkdni::kernel::{EventQueue, LadderQueue, Time};
///
/// let mut queue = LadderQueue::new();
/// queue.push(Time(20), 'c');
/// queue.push(Time(10), 'a');
/// queue.push(Time(10), 'b');
/// assert_eq!(queue.pop(), Some((Time(10), 'a')));
/// assert_eq!(queue.pop(), Some((Time(10), 'b')));
/// assert_eq!(queue.pop(), Some((Time(20), 'c')));
/// assert_eq!(queue.pop(), None);
/// ```
#[derive(Clone, Debug)]
pub struct LadderQueue<E> {
    /// The next events, sorted; those before `head` are gone.
    run: Vec<Entry<E>>,
    head: usize,
    /// The last popped instant \[ns\].
    last: u64,
    len: usize,
    /// The rungs in use, from the widest to the narrowest; at least one.
    depth: usize,
    rungs: Vec<Rung>,
    pool: Pool<E>,
    /// Events of the one instant `tied_at` that follow those in the run.
    tied: Chain,
    tied_at: u64,
}

impl<E: Copy> LadderQueue<E> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        LadderQueue {
            run: Vec::with_capacity(2 * RUN_MAX),
            head: 0,
            last: 0,
            len: 0,
            depth: 1,
            rungs: vec![Rung::new()],
            pool: Pool::new(),
            tied: Chain::EMPTY,
            tied_at: 0,
        }
    }

    /// The memory the queue holds \[bytes\]: events, free chunks, rungs and the run.
    pub fn allocated_bytes(&self) -> usize {
        size_of::<Self>()
            + self.run.capacity() * size_of::<Entry<E>>()
            + self.rungs.capacity() * size_of::<Rung>()
            + self.pool.allocated_bytes()
    }

    /// Queues an event earlier than the front of rung 0.
    #[inline(never)]
    fn push_near(&mut self, entry: &Entry<E>) {
        let entry = *entry;
        for rung in &mut self.rungs[1..self.depth] {
            if entry.at >= rung.front {
                rung.push(&mut self.pool, entry);
                return;
            }
        }
        if self.tied.len() > 0 {
            if entry.at >= self.tied_at {
                self.pool.push(&mut self.tied, entry);
                return;
            }
        } else if self.run.len() - self.head >= RUN_MAX && self.shorten_run(entry) {
            return;
        }
        if self.run.len() == self.run.capacity() && self.head * 2 >= self.run.len() {
            self.run.drain(..self.head);
            self.head = 0;
        }
        let place = self.head + self.run[self.head..].partition_point(|other| other.at <= entry.at);
        self.run.insert(place, entry);
    }

    /// Makes room in a run that pushes have made long, and queues the event if its place is no longer the run.
    ///
    /// The front of the deepest rung is moved back to the place where the run is cut, and what lay behind the cut
    /// goes to that rung's buckets. It is always the whole of an instant that moves.
    #[cold]
    #[inline(never)]
    fn shorten_run(&mut self, entry: Entry<E>) -> bool {
        let rung = &mut self.rungs[self.depth - 1];
        let run = &self.run[self.head..];
        let (first, last) = (run[0].at, run[run.len() - 1].at);
        if first == last {
            if entry.at < first {
                return false;
            }
            rung.front = first + 1;
            if entry.at == first {
                self.tied_at = first;
                self.pool.push(&mut self.tied, entry);
            } else {
                rung.push(&mut self.pool, entry);
            }
            return true;
        }
        let middle = run[run.len() / 2].at;
        let mut cut = run.partition_point(|other| other.at < middle);
        if cut == 0 {
            cut = run.partition_point(|other| other.at <= middle);
        }
        rung.front = run[cut].at;
        for &other in &run[cut..] {
            rung.push(&mut self.pool, other);
        }
        self.run.truncate(self.head + cut);
        if entry.at < rung.front {
            return false;
        }
        rung.push(&mut self.pool, entry);
        true
    }

    /// Fills the empty run with the next events; returns whether there are any.
    #[inline(never)]
    fn refill(&mut self) -> bool {
        self.run.clear();
        self.head = 0;
        loop {
            if self.tied.len() > 0 {
                self.pool.take_chunk(&mut self.tied, &mut self.run);
                return true;
            }
            let deepest = self.depth - 1;
            let rung = &mut self.rungs[deepest];
            let Some(bucket) = rung.first() else {
                if deepest == 0 {
                    return false;
                }
                self.depth -= 1;
                continue;
            };
            let chain = rung.take(bucket);
            if chain.len() <= LEAF {
                self.sort_into_run(chain);
                return true;
            }
            let (mut least, mut greatest) = (u64::MAX, 0);
            self.pool.for_each(&chain, |_, entry| {
                least = least.min(entry.at);
                greatest = greatest.max(entry.at);
            });
            if least == greatest {
                rung.front = least + 1;
                self.tied_at = least;
                self.tied = chain;
            } else {
                self.spread(chain, bucket, least, greatest);
            }
        }
    }

    /// Spreads a bucket of the deepest rung over a new one, or the top over rung 0.
    fn spread(&mut self, chain: Chain, bucket: usize, least: u64, greatest: u64) {
        if bucket < BUCKETS {
            if self.depth == self.rungs.len() {
                self.rungs.reserve_exact(1);
                self.rungs.push(Rung::new());
            }
            self.depth += 1;
        }
        let (above, below) = self.rungs[..self.depth].split_at_mut(self.depth - 1);
        let rung = &mut below[0];
        if bucket < BUCKETS {
            rung.lay_out(least, greatest, chain.len() / EVENTS_PER_BUCKET);
            let parent = &mut above[above.len() - 1];
            rung.front = parent.front;
            parent.front = parent.end_of(bucket).min(rung.end_of(BUCKETS - 1));
        } else {
            rung.lay_out(least, greatest, chain.len() / EVENTS_PER_TOP_BUCKET);
        }
        self.pool.drain(&chain, |pool, entry| rung.push(pool, entry));
    }

    /// Sorts a chain of the deepest rung, and the buckets behind it while they fit, into the empty run.
    fn sort_into_run(&mut self, mut chain: Chain) {
        let rung = &mut self.rungs[self.depth - 1];
        let mut distances = [0_u64; LEAF];
        let mut slots = [0_u32; LEAF];
        let mut count = 0;
        let mut seen = 0;
        loop {
            self.pool.for_each(&chain, |slot, entry| {
                let distance = entry.at - rung.front;
                seen |= distance;
                distances[count % LEAF] = distance;
                slots[count % LEAF] = slot as u32;
                count += 1;
            });
            self.pool.release(&chain);
            if count >= LEAF_ENOUGH {
                break;
            }
            match rung.first() {
                Some(bucket) if bucket < BUCKETS && count + rung.buckets[bucket].len() <= LEAF => {
                    chain = rung.take(bucket);
                }
                _ => break,
            }
        }
        // A key is the distance from the front, then the position. Where the distances need too many bits, the keys
        // sort roughly and the events once more by their times; either way equal times keep their order.
        let coarse = (u64::BITS - seen.leading_zeros()).saturating_sub(KEY_BITS);
        let mut keys = [i32::MAX; LEAF];
        for (position, (key, distance)) in (0..).zip(keys.iter_mut().zip(distances)).take(count) {
            *key = ((distance >> coarse) as i32) << LEAF_BITS | position;
        }
        let ranks = ranks(&keys, count);
        self.run.resize(count, self.pool.get(slots[0] as usize));
        for (&slot, &rank) in slots[..count].iter().zip(&ranks[..count]) {
            self.run[rank as usize] = self.pool.get(slot as usize);
        }
        if coarse > 0 {
            self.run.sort_by_key(|entry| entry.at);
        }
        rung.front = self.run[count - 1].at + 1;
    }
}

/// For each of the first `count` keys, how many keys are smaller: its place in the sorted order.
///
/// All pairs are compared, without a branch and eight at a time, which is faster for handfuls than sorting.
#[inline]
fn ranks(keys: &[i32; LEAF], count: usize) -> [i32; LEAF] {
    let mut ranks = [0; LEAF];
    for (mine, ranks) in keys
        .chunks_exact(LANES)
        .zip(ranks.chunks_exact_mut(LANES))
        .take(count.div_ceil(LANES))
    {
        let mut smaller = [0_i32; LANES];
        for &other in &keys[..count] {
            for (smaller, &mine) in smaller.iter_mut().zip(mine) {
                *smaller += i32::from(other < mine);
            }
        }
        ranks.copy_from_slice(&smaller);
    }
    ranks
}

impl<E: Copy> Default for LadderQueue<E> {
    fn default() -> Self {
        LadderQueue::new()
    }
}

impl<E: Copy> EventQueue<E> for LadderQueue<E> {
    // Always inlined, and the slow path gets a copy: an event that is built in registers is then stored field by field
    // straight into its slot. Handed on through memory it would be loaded in wider pieces than it was stored,
    // and the load waits for the stores.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn push(&mut self, at: Time, event: E) {
        if at.0 < self.last || at == Time::NEVER {
            refuse(at, Time(self.last));
        }
        self.len += 1;
        let rung = &mut self.rungs[0];
        if at.0 >= rung.front {
            rung.push(&mut self.pool, Entry { at: at.0, event });
        } else {
            self.push_near(&Entry { at: at.0, event });
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, E)> {
        if self.head >= self.run.len() && !self.refill() {
            return None;
        }
        let Entry { at, event } = self.run[self.head];
        self.head += 1;
        self.len -= 1;
        self.last = at;
        Some((Time(at), event))
    }

    #[inline]
    fn peek_time(&mut self) -> Option<Time> {
        if self.head >= self.run.len() && !self.refill() {
            return None;
        }
        Some(Time(self.run[self.head].at))
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}
