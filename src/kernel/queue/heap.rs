//! The oracle: a 4-ary heap, short enough to be seen to be right.

use super::{EventQueue, refuse};
use crate::kernel::Time;

/// Children per node.
const ARITY: usize = 4;

/// An event with its full key; 32 bytes when the payload takes 16.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: Time,
    sequence: u64,
    event: E,
}

impl<E> Entry<E> {
    fn key(&self) -> (Time, u64) {
        (self.at, self.sequence)
    }
}

/// A 4-ary heap over the key (time, sequence): `O(log n)` per push and pop.
///
/// It is there to be compared with [`LadderQueue`](super::LadderQueue), by the tests for the order and by the benches
/// for the time.
#[derive(Clone, Debug)]
pub struct HeapQueue<E> {
    entries: Vec<Entry<E>>,
    sequence: u64,
    last: Time,
}

impl<E: Copy> HeapQueue<E> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        HeapQueue {
            entries: Vec::new(),
            sequence: 0,
            last: Time::ZERO,
        }
    }

    /// Queues an event whose place among those of its instant is given by `rank`, which no other event may have.
    pub(super) fn push_ranked(&mut self, at: Time, rank: u64, event: E) {
        if at < self.last || at == Time::NEVER {
            refuse(at, self.last);
        }
        let new = Entry {
            at,
            sequence: rank,
            event,
        };
        let mut hole = self.entries.len();
        self.entries.push(new);
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.entries[parent].key() <= new.key() {
                break;
            }
            self.entries[hole] = self.entries[parent];
            hole = parent;
        }
        self.entries[hole] = new;
    }
}

impl<E: Copy> Default for HeapQueue<E> {
    fn default() -> Self {
        HeapQueue::new()
    }
}

impl<E: Copy> EventQueue<E> for HeapQueue<E> {
    fn push(&mut self, at: Time, event: E) {
        self.push_ranked(at, self.sequence, event);
        self.sequence += 1;
    }

    fn pop(&mut self) -> Option<(Time, E)> {
        let moved = self.entries.pop()?;
        let Some(&first) = self.entries.first() else {
            self.last = moved.at;
            return Some((moved.at, moved.event));
        };
        let mut hole = 0;
        loop {
            let child = hole * ARITY + 1;
            let end = (child + ARITY).min(self.entries.len());
            let Some(least) = (child..end).min_by_key(|&i| self.entries[i].key()) else {
                break;
            };
            if moved.key() <= self.entries[least].key() {
                break;
            }
            self.entries[hole] = self.entries[least];
            hole = least;
        }
        self.entries[hole] = moved;
        self.last = first.at;
        Some((first.at, first.event))
    }

    fn peek_time(&mut self) -> Option<Time> {
        self.entries.first().map(|entry| entry.at)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }
}
