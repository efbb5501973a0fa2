//! Ties permuted on purpose.

use super::{EventQueue, HeapQueue};
use crate::kernel::Time;

/// A queue that pops the events of one instant in an order drawn from a seed.
///
/// The time order is kept. A result that changes with the seed rests on the order of simultaneous events, which the
/// model then ought to state instead of leaving it to the order of the pushes. One seed always gives one order.
///
/// The order is (time, scrambled sequence), where scrambling is a bijection of the 64-bit sequence numbers: it is
/// total as well. An event pushed at the instant that is being popped may come before others of that instant. This
/// queue is a heap: use it to look for accidents, not for speed.
#[derive(Clone, Debug)]
pub struct ShuffleQueue<E> {
    heap: HeapQueue<E>,
    seed: u64,
    sequence: u64,
}

impl<E: Copy> ShuffleQueue<E> {
    /// An empty queue at time zero whose ties are ordered by `seed`.
    pub fn new(seed: u64) -> Self {
        ShuffleQueue {
            heap: HeapQueue::new(),
            seed,
            sequence: 0,
        }
    }
}

impl<E: Copy> EventQueue<E> for ShuffleQueue<E> {
    fn push(&mut self, at: Time, event: E) {
        let rank = scramble(scramble(self.seed) ^ self.sequence);
        self.sequence += 1;
        self.heap.push_ranked(at, rank, event);
    }

    fn pop(&mut self) -> Option<(Time, E)> {
        self.heap.pop()
    }

    fn peek_time(&mut self) -> Option<Time> {
        self.heap.peek_time()
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection of 64-bit numbers.
fn scramble(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
