//! A pool of chunks of events, and first-in-first-out chains of chunks.
//!
//! A chunk is [`CHUNK`] consecutive slots of one vector. A chain is a linked list of chunks that are full except for
//! the last. Appending writes to consecutive memory, and a chain is given back in one step.

/// Events per chunk; a power of two.
pub(super) const CHUNK: usize = 32;

/// No chunk.
const NONE: u32 = u32::MAX;

/// A pending event: 24 bytes when the payload takes 16. Its sequence is its place in the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<E> {
    /// The instant \[ns\].
    pub at: u64,
    /// The payload.
    pub event: E,
}

/// A first-in-first-out list of events in a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The first chunk; without meaning if the chain is empty.
    head: u32,
    /// The slot for the next event; a multiple of [`CHUNK`] when a new chunk is needed.
    end: u32,
    /// The number of chunks. The number of events follows from it and `end`, so that most pushes change `end` alone.
    chunks: u32,
}

impl Chain {
    /// A chain without events or chunks.
    pub const EMPTY: Chain = Chain {
        head: NONE,
        end: 0,
        chunks: 0,
    };

    /// The number of events.
    #[inline]
    pub fn len(&self) -> usize {
        let vacant = (self.end as usize).wrapping_neg() % CHUNK;
        self.chunks as usize * CHUNK - vacant
    }
}

/// The memory of all chains of one queue. It grows by a sixteenth at a time and never shrinks.
#[derive(Clone, Debug)]
pub(super) struct Pool<E> {
    entries: Vec<Entry<E>>,
    /// Per chunk, the chunk that follows it in its chain or in the free list.
    next: Vec<u32>,
    /// The first free chunk: the one given back last, which is still in the cache.
    free: u32,
}

impl<E: Copy> Pool<E> {
    pub fn new() -> Self {
        Pool {
            entries: Vec::new(),
            next: Vec::new(),
            free: NONE,
        }
    }

    /// Appends to a chain; returns whether that took a new chunk, as the first event of a chain does.
    #[allow(clippy::inline_always)] // See `LadderQueue::push`.
    #[inline(always)]
    pub fn push(&mut self, chain: &mut Chain, entry: Entry<E>) -> bool {
        let mut slot = chain.end;
        let full = (slot as usize).is_multiple_of(CHUNK);
        if full {
            slot = self.extend(
                chain,
                &Entry {
                    at: entry.at,
                    event: entry.event,
                },
            );
        }
        self.entries[slot as usize] = entry;
        chain.end = slot + 1;
        full
    }

    /// Links a chunk to the end of a chain and returns its first slot.
    #[inline]
    fn extend(&mut self, chain: &mut Chain, filler: &Entry<E>) -> u32 {
        if self.free == NONE {
            self.grow(filler);
        }
        let chunk = self.free;
        self.free = self.next[chunk as usize];
        if chain.chunks == 0 {
            chain.head = chunk;
        } else {
            self.next[chain.end as usize / CHUNK - 1] = chunk;
        }
        chain.chunks += 1;
        chunk * CHUNK as u32
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, filler: &Entry<E>) {
        let old = self.next.len();
        let new = old + (old / 16).max(64);
        assert!(
            new * CHUNK < NONE as usize,
            "more than 4 thousand million pending events"
        );
        self.entries.reserve_exact(new * CHUNK - self.entries.len());
        self.entries.resize(new * CHUNK, *filler);
        self.next.reserve_exact(new - old);
        self.next.extend(old as u32 + 1..new as u32);
        self.next.push(NONE);
        self.free = old as u32;
    }

    /// Gives all chunks of a chain back. What was read of it is no longer valid after the next push.
    pub fn release(&mut self, chain: &Chain) {
        if chain.chunks > 0 {
            let last = (chain.end as usize - 1) / CHUNK;
            self.next[last] = self.free;
            self.free = chain.head;
        }
    }

    /// Takes the first chunk off a chain: returns its events and leaves the rest. The slots are given back, so that
    /// the events, which are copied, must not be looked up again.
    #[inline]
    pub fn take_chunk(&mut self, chain: &mut Chain, into: &mut Vec<Entry<E>>) {
        let chunk = chain.head as usize;
        let count = chain.len().min(CHUNK);
        into.extend_from_slice(&self.entries[chunk * CHUNK..chunk * CHUNK + count]);
        chain.chunks -= 1;
        chain.head = self.next[chunk];
        if chain.chunks == 0 {
            *chain = Chain::EMPTY;
        }
        self.next[chunk] = self.free;
        self.free = chunk as u32;
    }

    /// Takes all events off a chain, in order, and gives its chunks back one by one.
    #[inline]
    pub fn drain(&mut self, chain: &Chain, mut f: impl FnMut(&mut Self, Entry<E>)) {
        let mut chunk = chain.head as usize;
        let mut left = chain.len();
        while left > 0 {
            let count = left.min(CHUNK);
            for slot in chunk * CHUNK..chunk * CHUNK + count {
                let entry = self.entries[slot];
                f(self, entry);
            }
            left -= count;
            let next = std::mem::replace(&mut self.next[chunk], self.free);
            self.free = chunk as u32;
            chunk = next as usize;
        }
    }

    /// Calls `f(slot, event)` for every event of a chain, in order.
    #[inline]
    pub fn for_each(&self, chain: &Chain, mut f: impl FnMut(usize, &Entry<E>)) {
        let mut chunk = chain.head as usize;
        let mut left = chain.len();
        while left > 0 {
            let count = left.min(CHUNK);
            let first = chunk * CHUNK;
            for (slot, entry) in (first..).zip(&self.entries[first..first + count]) {
                f(slot, entry);
            }
            left -= count;
            if left > 0 {
                chunk = self.next[chunk] as usize;
            }
        }
    }

    /// The event in a slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Entry<E> {
        self.entries[slot]
    }

    /// The memory held \[bytes\].
    pub fn allocated_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<E>>() + self.next.capacity() * size_of::<u32>()
    }
}
