//! Pools: stores between two KMs that are filled by relay, ahead of the requests that are served from them.
//!
//! The n-th refill brings the bits from n times its size on: both ends name key by these places, so that they need not
//! agree on the order in which refills come. Life of a bit: generated (relayed and synchronised) → stored → reserved →
//! spent; the sending end allocates, first in, first out. Assumption: keys of a pool do not expire.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::architecture::RequestId;
use crate::architecture::message::{KeyMaterial, KeyRange, OtpKeys};
use crate::architecture::protection::PoolSettings;
use crate::key_management::store::Book;

/// The sending end.
#[derive(Clone, Debug)]
pub struct Pool {
    /// What it is provisioned for.
    pub settings: Arc<PoolSettings>,
    /// Requests that wait for its key, in order.
    pub waiting: VecDeque<RequestId>,
    /// Nobody needs it any more.
    pub closed: bool,
    /// A refill has failed; none is tried until later.
    pub paused: bool,
    book: Book,
    free: VecDeque<KeyRange>,
    reserved: BTreeMap<RequestId, OtpKeys>,
    /// Refills that are under way.
    coming: u64,
    /// Refills so far.
    refills: u32,
    filling: bool,
}

impl Pool {
    /// An empty pool.
    pub fn new(settings: Arc<PoolSettings>) -> Pool {
        Pool {
            settings,
            waiting: VecDeque::new(),
            closed: false,
            paused: false,
            book: Book::default(),
            free: VecDeque::new(),
            reserved: BTreeMap::new(),
            coming: 0,
            refills: 0,
            filling: false,
        }
    }

    /// The amounts.
    pub fn book(&self) -> Book {
        self.book
    }

    /// Whether a request could be served now.
    pub fn can_serve(&self, bits: u64) -> bool {
        !self.closed && self.waiting.is_empty() && self.book.stored >= bits
    }

    /// The number of the next refill, if one is to be asked for now: from below the low watermark up to the high one.
    pub fn next_refill(&mut self) -> Option<u32> {
        let ahead = self.book.stored + self.coming * self.settings.refill;
        self.filling |= ahead < self.settings.low;
        self.filling &= ahead + self.book.reserved + self.settings.refill <= self.settings.high;
        if !self.filling || self.closed || self.paused {
            return None;
        }
        self.coming += 1;
        self.refills += 1;
        Some(self.refills - 1)
    }

    /// The number of the last refill that was asked for.
    pub fn last_refill(&self) -> Option<u32> {
        self.refills.checked_sub(1)
    }

    /// A refill has come at both ends, or has failed.
    pub fn ended(&mut self, number: u32, came: bool) {
        self.coming -= 1;
        if came {
            let bits = self.settings.refill;
            self.book.generated += bits;
            let start = u64::from(number) * bits;
            self.put(KeyRange { start, bits });
        }
    }

    fn put(&mut self, range: KeyRange) {
        self.book.stored += range.bits;
        let at = self.free.partition_point(|run| run.start < range.start);
        self.free.insert(at, range);
    }

    /// Promises key to a request.
    pub fn reserve(&mut self, request: RequestId, bits: u64) -> Option<OtpKeys> {
        if self.book.stored < bits || bits == 0 {
            return None;
        }
        let mut ranges = Vec::new();
        let mut lacking = bits;
        while lacking > 0 {
            let first = self.free.front_mut().expect("as much is stored as the book says");
            let run = KeyRange {
                start: first.start,
                bits: first.bits.min(lacking),
            };
            (first.start, first.bits) = (first.start + run.bits, first.bits - run.bits);
            if first.bits == 0 {
                self.free.pop_front();
            }
            lacking -= run.bits;
            ranges.push(run);
        }
        (self.book.stored, self.book.reserved) = (self.book.stored - bits, self.book.reserved + bits);
        let keys = OtpKeys {
            first: ranges.remove(0),
            rest: (!ranges.is_empty()).then(|| Box::new(ranges)),
        };
        self.reserved.insert(request, keys.clone());
        Some(keys)
    }

    /// What was promised has been used at the other end.
    pub fn spend(&mut self, request: RequestId) -> Option<OtpKeys> {
        let keys = self.reserved.remove(&request)?;
        let bits = keys.bits();
        (self.book.reserved, self.book.spent) = (self.book.reserved - bits, self.book.spent + bits);
        Some(keys)
    }

    /// What was promised has not been used at the other end, and will not be.
    pub fn give_back(&mut self, request: RequestId) {
        if let Some(keys) = self.reserved.remove(&request) {
            for range in keys.ranges() {
                self.book.reserved -= range.bits;
                self.put(range);
            }
        }
    }
}

/// The receiving end: what has come, by the place of its first bit, less what was used.
#[derive(Clone, Default, Debug)]
pub struct PoolCopy {
    pieces: BTreeMap<u64, KeyMaterial>,
    generated: u64,
    spent: u64,
}

impl PoolCopy {
    /// A refill has come.
    pub fn come(&mut self, number: u32, key: KeyMaterial) {
        self.generated += key.bits;
        self.pieces.insert(u64::from(number) * key.bits, key);
    }

    /// Uses the keys that the sending end named; `None` if they are not here, or were used before.
    pub fn take(&mut self, keys: &OtpKeys) -> Option<KeyMaterial> {
        let here = |range: KeyRange| {
            let piece = self.pieces.range(..=range.start).next_back();
            piece.is_some_and(|(&start, piece)| range.end() <= start + piece.bits)
        };
        if !keys.ranges().all(here) {
            return None;
        }
        keys.ranges()
            .map(|range| self.take_run(range))
            .reduce(|all, part| all.followed_by(&part))
    }

    fn take_run(&mut self, range: KeyRange) -> KeyMaterial {
        let (&start, _) = self
            .pieces
            .range(..=range.start)
            .next_back()
            .expect("it was just there");
        let piece = self.pieces.remove(&start).expect("it was just there");
        let (before, after) = (range.start - start, start + piece.bits - range.end());
        if before > 0 {
            self.pieces.insert(start, piece.part(0, before));
        }
        if after > 0 {
            self.pieces
                .insert(range.end(), piece.part(before + range.bits, after));
        }
        self.spent += range.bits;
        piece.part(before, range.bits)
    }

    /// What has come and what was used \[bits\].
    pub fn amounts(&self) -> (u64, u64) {
        (self.generated, self.spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Procedure;
    use crate::ids::{ApplicationId, ClassId, NodeId, PoolId, QkdnId, SessionId};
    use crate::kernel::{Span, Time};
    use proptest::prelude::*;

    fn pool(low: u64, high: u64, refill: u64) -> Pool {
        Pool::new(Arc::new(PoolSettings {
            id: PoolId(0),
            session: SessionId(1),
            ends: [ApplicationId(0), ApplicationId(1)],
            far: NodeId(1),
            far_qkdn: QkdnId(0),
            low,
            high,
            refill,
            timeout: Span(1),
            retry: Span(1),
            class: ClassId(0),
            procedure: Procedure::Local,
            until: Time(9),
        }))
    }

    fn request(number: u32) -> RequestId {
        RequestId {
            session: SessionId(0),
            number,
        }
    }

    #[test]
    fn refills_start_below_the_low_watermark_and_stop_at_the_high_one() {
        let mut pool = pool(300, 1_000, 100);
        let asked: Vec<u32> = std::iter::from_fn(|| pool.next_refill()).collect();
        assert_eq!(asked.len(), 10);
        for number in asked {
            pool.ended(number, true);
        }
        assert_eq!(pool.book().stored, 1_000);
        for number in 0..7 {
            assert!(pool.reserve(request(number), 100).is_some());
            assert!(pool.spend(request(number)).is_some());
            assert_eq!(pool.next_refill(), None, "300 and more are left");
        }
        assert!(pool.reserve(request(7), 1).is_some());
        pool.spend(request(7));
        let again = std::iter::from_fn(|| pool.next_refill()).count();
        assert_eq!(again, 7, "299 and 700 do not exceed the high watermark");
        pool.ended(10, false);
        pool.paused = true;
        assert_eq!(pool.next_refill(), None, "a failure is waited for");
    }

    proptest! {
        /// Conservation to the bit at both ends, whatever order refills come in at either, and no key used twice.
        #[test]
        fn both_ends_agree(
            steps in proptest::collection::vec((0u8..5, 1u64..90, any::<bool>()), 1..150),
        ) {
            let mut pool = pool(200, 600, 70);
            let mut copy = PoolCopy::default();
            let mut open: Vec<u32> = Vec::new();
            let mut promised: Vec<(RequestId, OtpKeys)> = Vec::new();
            let mut used = std::collections::BTreeSet::new();
            for (number, (kind, bits, good)) in (0..).zip(steps) {
                match kind {
                    0 => open.extend(pool.next_refill()),
                    1 if !open.is_empty() => {
                        let refill = open.remove(bits as usize % open.len());
                        if good {
                            copy.come(refill, KeyMaterial::new(70, None));
                        }
                        pool.ended(refill, good);
                    }
                    2 => promised.extend(pool.reserve(request(number), bits).map(|keys| (request(number), keys))),
                    3 | 4 if !promised.is_empty() => {
                        let (request, keys) = promised.remove(bits as usize % promised.len());
                        if good {
                            let key = copy.take(&keys);
                            prop_assert_eq!(key.map(|key| key.bits), Some(keys.bits()));
                            for bit in keys.ranges().flat_map(|range| range.start..range.end()) {
                                prop_assert!(used.insert(bit), "bit {} is used twice", bit);
                            }
                            prop_assert!(copy.take(&keys).is_none());
                            pool.spend(request);
                        } else {
                            pool.give_back(request);
                        }
                    }
                    _ => {}
                }
                let book = pool.book();
                prop_assert!(book.balances() && book.stored + book.reserved <= 600);
                prop_assert_eq!(copy.amounts(), (book.generated, book.spent));
            }
        }
    }
}
