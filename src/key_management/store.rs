//! Key stores: what each end of a lane holds of it.
//!
//! A store is a first-in-first-out sequence of accepted bits; a key id is a place in that sequence. The sending end
//! allocates, so two ends never race; the receiving end follows and checks. Life of a bit: generated → stored →
//! reserved → spent | expired | discarded, and per store, to the bit,
//! generated = stored + reserved + spent + expired + discarded.

use std::collections::{BTreeMap, VecDeque};

use super::births::Births;
use crate::architecture::RequestId;
use crate::architecture::key_source::{BlockRun, KeySource};
use crate::architecture::message::{KeyRange, OtpKeys};
use crate::architecture::surroundings::StoreSettings;
use crate::kernel::Time;

/// The amounts of one store, by what became of them \[bits\].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Book {
    /// Came out of the modules, the pre-shared fill included.
    pub generated: u64,
    /// Usable or below the floor.
    pub stored: u64,
    /// Promised to requests.
    pub reserved: u64,
    /// Used as one-time pad.
    pub spent: u64,
    /// Too old.
    pub expired: u64,
    /// Overflow.
    pub discarded: u64,
}

impl Book {
    /// Whether every bit is accounted for.
    pub fn balances(&self) -> bool {
        self.generated == self.stored + self.reserved + self.spent + self.expired + self.discarded
    }
}

/// A reservation: the keys, and when it lapses.
#[derive(Clone, Debug)]
struct Reserved {
    keys: OtpKeys,
    deadline: Time,
    /// The other end has been told the ids, and may use them before the deadline.
    announced: bool,
}

/// The sending end of a lane.
#[derive(Clone, Debug)]
pub struct SendingStore {
    /// What the store is provisioned for.
    pub settings: StoreSettings,
    book: Book,
    /// Bits accepted so far: the next key id.
    accepted: u64,
    /// Stored runs, in order of their ids; nearly always one.
    free: VecDeque<KeyRange>,
    /// Only kept where keys expire.
    births: Births,
    /// Bits up to here are past their age, wherever they are.
    too_old: u64,
    reservations: BTreeMap<RequestId, Reserved>,
    /// No reservation lapses before this.
    next_lapse: Time,
    /// Announced promises that have lapsed since they were taken last.
    lapsed: Vec<(RequestId, OtpKeys)>,
    blocks: Vec<BlockRun>,
}

impl SendingStore {
    /// A store with its pre-shared fill.
    pub fn new(settings: StoreSettings) -> SendingStore {
        let initial = settings.initial;
        let mut store = SendingStore {
            settings,
            book: Book::default(),
            accepted: 0,
            free: VecDeque::with_capacity(2),
            births: Births::default(),
            too_old: 0,
            reservations: BTreeMap::new(),
            next_lapse: Time::NEVER,
            lapsed: Vec::new(),
            blocks: Vec::new(),
        };
        store.accept(initial, Time::ZERO);
        store
    }

    /// The amounts.
    pub fn book(&self) -> Book {
        self.book
    }

    /// What may be promised or spent now \[bits\].
    pub fn usable(&self) -> u64 {
        self.book.stored.saturating_sub(self.settings.floor)
    }

    fn accept(&mut self, bits: u64, at: Time) {
        let room = self
            .settings
            .capacity
            .saturating_sub(self.book.stored + self.book.reserved);
        let taken = bits.min(room);
        self.book.generated += bits;
        self.book.discarded += bits - taken;
        if taken == 0 {
            return;
        }
        self.book.stored += taken;
        let range = KeyRange {
            start: self.accepted,
            bits: taken,
        };
        self.accepted += taken;
        match self.free.back_mut() {
            Some(last) if last.end() == range.start => last.bits += taken,
            _ => self.free.push_back(range),
        }
        if self.settings.max_age.is_some() {
            self.births.add(at, taken, self.accepted);
        }
    }

    /// Takes in what has come by `now`, and lets lapse and expire what is due. Returns the bits that came.
    pub fn look(&mut self, now: Time, source: &mut dyn KeySource) -> u64 {
        let before = self.book.generated;
        let mut blocks = std::mem::take(&mut self.blocks);
        source.advance_to(now, &mut blocks);
        for run in blocks.drain(..) {
            if self.settings.max_age.is_some() {
                for number in 0..run.count {
                    let at = run.first + run.period * number;
                    self.expire(at);
                    self.accept(run.bits, at);
                }
            } else {
                self.accept(run.total_bits(), run.first);
            }
        }
        self.blocks = blocks;
        self.expire(now);
        if self.next_lapse <= now {
            self.lapse(now);
        }
        self.book.generated - before
    }

    fn expire(&mut self, now: Time) {
        let Some(max_age) = self.settings.max_age else {
            return;
        };
        let born = now.0.checked_sub(max_age.0).map(Time);
        let Some(end) = born.and_then(|born| self.births.forget_until(born)) else {
            return;
        };
        self.too_old = end;
        while let Some(first) = self.free.front_mut() {
            let old = end.saturating_sub(first.start).min(first.bits);
            if old == 0 {
                break;
            }
            self.book.stored -= old;
            self.book.expired += old;
            (first.start, first.bits) = (first.start + old, first.bits - old);
            if first.bits == 0 {
                self.free.pop_front();
            }
        }
    }

    fn lapse(&mut self, now: Time) {
        let due: Vec<RequestId> = self
            .reservations
            .iter()
            .filter(|(_, kept)| kept.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for request in due {
            match self.void_announced(request) {
                Some(keys) => self.lapsed.push((request, keys)),
                None => {
                    self.release(request);
                }
            }
        }
        self.next_lapse = self
            .reservations
            .values()
            .map(|kept| kept.deadline)
            .min()
            .unwrap_or(Time::NEVER);
    }

    /// The first `bits` stored bits, out of the sequence.
    fn take(&mut self, bits: u64) -> OtpKeys {
        debug_assert!(bits <= self.book.stored && bits > 0);
        self.book.stored -= bits;
        let first = self.take_run(bits);
        if first.bits == bits {
            return OtpKeys::single(first);
        }
        let mut lacking = bits - first.bits;
        let mut rest = Vec::new();
        while lacking > 0 {
            let run = self.take_run(lacking);
            lacking -= run.bits;
            rest.push(run);
        }
        OtpKeys {
            first,
            rest: Some(Box::new(rest)),
        }
    }

    fn take_run(&mut self, at_most: u64) -> KeyRange {
        let first = self.free.front_mut().expect("as much is stored as the book says");
        let run = KeyRange {
            start: first.start,
            bits: first.bits.min(at_most),
        };
        (first.start, first.bits) = (first.start + run.bits, first.bits - run.bits);
        if first.bits == 0 {
            self.free.pop_front();
        }
        run
    }

    /// Promises keys to a request. The caller has looked, and asked [`usable`](Self::usable).
    pub fn reserve(&mut self, request: RequestId, bits: u64, deadline: Time) {
        debug_assert!(
            !self.reservations.contains_key(&request),
            "one reservation per request"
        );
        let keys = self.take(bits);
        self.book.reserved += bits;
        self.next_lapse = self.next_lapse.min(deadline);
        let reserved = Reserved {
            keys,
            deadline,
            announced: false,
        };
        self.reservations.insert(request, reserved);
    }

    /// Whether keys are promised to a request.
    pub fn has_reserved(&self, request: RequestId) -> bool {
        self.reservations.contains_key(&request)
    }

    /// The keys that are promised to a request, to be told to the other end: from now on they do not come back by a lapse.
    pub fn announce(&mut self, request: RequestId) -> Option<&OtpKeys> {
        let reserved = self.reservations.get_mut(&request)?;
        reserved.announced = true;
        Some(&reserved.keys)
    }

    /// When the next announced promise lapses.
    pub fn next_announced_lapse(&self) -> Option<Time> {
        let announced = self.reservations.values().filter(|reserved| reserved.announced);
        announced.map(|reserved| reserved.deadline).min()
    }

    /// Spends what was promised and announced, for nothing: the other end may have used it.
    pub fn void_announced(&mut self, request: RequestId) -> Option<OtpKeys> {
        let announced = |reserved: &Reserved| reserved.announced;
        self.reservations
            .get(&request)
            .is_some_and(announced)
            .then(|| self.spend_reserved(request))?
    }

    /// Whether announced promises have lapsed.
    pub fn has_lapsed(&self) -> bool {
        !self.lapsed.is_empty()
    }

    /// Announced promises that have lapsed, and so were spent for nothing, since this was asked last.
    pub fn take_lapsed(&mut self) -> Vec<(RequestId, OtpKeys)> {
        std::mem::take(&mut self.lapsed)
    }

    /// Spends what was promised; `None` if the promise has lapsed.
    pub fn spend_reserved(&mut self, request: RequestId) -> Option<OtpKeys> {
        let reserved = self.reservations.remove(&request)?;
        let bits = reserved.keys.bits();
        self.book.reserved -= bits;
        self.book.spent += bits;
        Some(reserved.keys)
    }

    /// Spends without a promise. The caller has looked, and asked [`usable`](Self::usable).
    pub fn spend(&mut self, bits: u64) -> OtpKeys {
        let keys = self.take(bits);
        self.book.spent += bits;
        keys
    }

    /// Spends for an authentication tag, from below the floor too; `None` if there is not as much.
    pub fn draw(&mut self, bits: u64) -> Option<OtpKeys> {
        if self.book.stored < bits {
            return None;
        }
        let keys = self.take(bits);
        self.book.spent += bits;
        Some(keys)
    }

    /// Gives a promise back, if there is one.
    pub fn release(&mut self, request: RequestId) -> bool {
        let Some(reserved) = self.reservations.remove(&request) else {
            return false;
        };
        for range in reserved.keys.ranges() {
            self.book.reserved -= range.bits;
            // What grew too old while it was promised is not given back.
            let old = self.too_old.saturating_sub(range.start).min(range.bits);
            self.book.expired += old;
            let (start, bits) = (range.start + old, range.bits - old);
            if bits > 0 {
                self.book.stored += bits;
                self.give_back(KeyRange { start, bits });
            }
        }
        true
    }

    /// Gives all promises back, but for those that are announced: they lapse at the next look, and are spent for nothing.
    pub fn release_all(&mut self) {
        let promised: Vec<RequestId> = self.reservations.keys().copied().collect();
        self.next_lapse = Time::NEVER;
        for request in promised {
            match self.reservations.get_mut(&request).filter(|kept| kept.announced) {
                Some(kept) => (kept.deadline, self.next_lapse) = (Time::ZERO, Time::ZERO),
                None => drop(self.release(request)),
            }
        }
    }

    /// Discards whatever is stored, promised or not, but for what is announced: see [`release_all`](Self::release_all).
    pub fn discard_all(&mut self) {
        self.release_all();
        self.book.discarded += self.book.stored;
        self.book.stored = 0;
        self.free.clear();
        self.births.clear();
    }

    fn give_back(&mut self, range: KeyRange) {
        let mut at = self.free.partition_point(|run| run.start < range.start);
        if at > 0 && self.free[at - 1].end() == range.start {
            at -= 1;
            self.free[at].bits += range.bits;
        } else {
            self.free.insert(at, range);
        }
        if at + 1 < self.free.len() && self.free[at].end() == self.free[at + 1].start {
            self.free[at].bits += self.free[at + 1].bits;
            self.free.remove(at + 1);
        }
    }

    /// The next instant at which a promise may lapse or keys expire, as things stand.
    pub fn next_loss_or_lapse(&self) -> Option<Time> {
        let lapse = (self.next_lapse < Time::NEVER).then_some(self.next_lapse);
        let first = self.births.first().zip(self.settings.max_age);
        let expiry = first.map(|(born, max_age)| born + max_age);
        lapse.into_iter().chain(expiry).min()
    }

    /// When the store will have `usable` bits, or a promise lapses, as things stand.
    pub fn notice(&self, usable: u64, source: &mut dyn KeySource) -> Option<Time> {
        let stored = usable + self.settings.floor;
        if stored > self.settings.capacity {
            return (self.next_lapse < Time::NEVER).then_some(self.next_lapse);
        }
        let lacking = stored.saturating_sub(self.book.stored).max(1);
        let comes = source.next_notice(lacking);
        comes
            .into_iter()
            .chain((self.next_lapse < Time::NEVER).then_some(self.next_lapse))
            .min()
    }
}

/// What a receiving end found wrong with the keys that it was told to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disagreement {
    /// The key has not come to this end.
    NotGenerated,
    /// The key was used before.
    UsedTwice,
}

/// The receiving end of a lane: its own copy of what has come and what was used.
#[derive(Clone, Debug)]
pub struct ReceivingStore {
    /// What the store is provisioned for.
    pub settings: StoreSettings,
    generated: u64,
    spent: u64,
    /// Level as this end reckons it \[bits\]; behind the sending end's by what is under way.
    level: u64,
    /// Ids used, as disjoint runs; nearly always one or two.
    used: BTreeMap<u64, u64>,
    blocks: Vec<BlockRun>,
}

impl ReceivingStore {
    /// A store with its pre-shared fill.
    pub fn new(settings: StoreSettings) -> ReceivingStore {
        let level = settings.initial.min(settings.capacity);
        let generated = settings.initial;
        ReceivingStore {
            settings,
            generated,
            spent: 0,
            level,
            used: BTreeMap::new(),
            blocks: Vec::new(),
        }
    }

    /// Takes in what has come by `now`.
    pub fn look(&mut self, now: Time, source: &mut dyn KeySource) {
        source.advance_to(now, &mut self.blocks);
        for run in self.blocks.drain(..) {
            self.generated += run.total_bits();
            self.level = (self.level + run.total_bits()).min(self.settings.capacity);
        }
    }

    /// Uses the keys that the sending end named.
    ///
    /// # Errors
    /// If this end does not have them or has used them before: a finding, not a repair.
    pub fn follow(&mut self, keys: &OtpKeys) -> Result<(), Disagreement> {
        for range in keys.ranges() {
            if range.end() > self.generated {
                return Err(Disagreement::NotGenerated);
            }
            // Nearly always the keys follow on the last ones used.
            if let Some(mut last) = self.used.last_entry()
                && *last.get() == range.start
            {
                *last.get_mut() = range.end();
                self.spent += range.bits;
                self.level = self.level.saturating_sub(range.bits);
                continue;
            }
            let before = self
                .used
                .range(..=range.start)
                .next_back()
                .map(|(&start, &end)| (start, end));
            let after = self
                .used
                .range(range.start..)
                .next()
                .map(|(&start, &end)| (start, end));
            if before.is_some_and(|(_, end)| end > range.start)
                || after.is_some_and(|(start, _)| start < range.end())
            {
                return Err(Disagreement::UsedTwice);
            }
            let mut run = (range.start, range.end());
            if let Some((start, end)) = before
                && end == range.start
            {
                run.0 = start;
            }
            if let Some((start, end)) = after
                && start == range.end()
            {
                self.used.remove(&start);
                run.1 = end;
            }
            self.used.insert(run.0, run.1);
            self.spent += range.bits;
            self.level = self.level.saturating_sub(range.bits);
        }
        Ok(())
    }

    /// Keys that the sending end gave up count as used, whether the relay that named them came or not.
    pub fn void(&mut self, keys: &OtpKeys) {
        // Ids are used by one relay only: if it came, all of them are used.
        let first = keys.first;
        let before = self.used.range(..=first.start).next_back();
        if before.is_none_or(|(_, &end)| end <= first.start) {
            let voided = self.follow(keys);
            debug_assert!(voided.is_ok(), "what was sent was there");
        }
    }

    /// Discards whatever is stored.
    pub fn discard_all(&mut self) {
        self.level = 0;
    }

    /// What has come to this end \[bits\].
    pub fn generated(&self) -> u64 {
        self.generated
    }

    /// What this end has used \[bits\].
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Level as this end reckons it \[bits\].
    pub fn level(&self) -> u64 {
        self.level
    }

    /// What this end reckons to be usable \[bits\].
    pub fn usable(&self) -> u64 {
        self.level.saturating_sub(self.settings.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{HopId, SessionId, StoreId};
    use crate::kernel::Span;
    use proptest::prelude::*;

    /// Equal blocks at equal distance: the quantum layer is another room.
    #[derive(Clone)]
    struct ScheduledSource(u64, u64, u64);

    impl ScheduledSource {
        fn new(bits: u64, period: Span) -> ScheduledSource {
            ScheduledSource(bits, period.0, 0)
        }
    }

    impl KeySource for ScheduledSource {
        fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
            let count = now.0 / self.1 - self.2;
            let first = Time((self.2 + 1) * self.1);
            self.2 += count;
            blocks.push(BlockRun {
                first,
                period: Span(self.1),
                count,
                bits: self.0,
            });
        }
        fn next_notice(&mut self, bits: u64) -> Option<Time> {
            Some(Time((self.2 + bits.div_ceil(self.0)) * self.1))
        }
        fn is_generating(&self) -> bool {
            true
        }
    }

    fn settings(initial: u64, capacity: u64, max_age: Option<Span>) -> StoreSettings {
        StoreSettings {
            id: StoreId(0),
            hop: HopId(0),
            initial,
            capacity,
            floor: 0,
            max_age,
        }
    }

    fn request(number: u32) -> RequestId {
        RequestId {
            session: SessionId(0),
            number,
        }
    }

    /// What the other end may have used does not come back by a lapse; what was not announced does.
    #[test]
    fn announced_promises_are_spent_when_they_lapse() {
        let mut store = SendingStore::new(settings(100, 100, None));
        let mut source = ScheduledSource::new(1, Span(1_000_000));
        store.reserve(request(0), 30, Time(10));
        store.reserve(request(1), 20, Time(10));
        assert_eq!(store.announce(request(0)).map(OtpKeys::bits), Some(30));
        assert!(store.void_announced(request(1)).is_none());
        store.look(Time(9), &mut source);
        assert!(!store.has_lapsed());
        store.look(Time(10), &mut source);
        let lapsed = store.take_lapsed();
        assert_eq!(lapsed.len(), 1);
        assert_eq!((lapsed[0].0, lapsed[0].1.first.start), (request(0), 0));
        let book = store.book();
        assert_eq!((book.stored, book.reserved, book.spent), (70, 0, 30));
        assert!(book.balances() && !store.has_lapsed());
    }

    #[test]
    fn overflow_drops_the_newest() {
        let mut store = SendingStore::new(settings(90, 100, None));
        let mut source = ScheduledSource::new(8, Span(10));
        assert_eq!(store.look(Time(50), &mut source), 40);
        let book = store.book();
        assert_eq!((book.stored, book.discarded, book.generated), (100, 30, 130));
        assert!(book.balances());
    }

    #[test]
    fn keys_leave_first_in_first_out_and_come_back_in_their_place() {
        let mut store = SendingStore::new(settings(100, 100, None));
        store.reserve(request(0), 30, Time(99));
        store.reserve(request(1), 30, Time(99));
        assert!(store.release(request(0)));
        assert_eq!(store.spend(20).first, KeyRange { start: 0, bits: 20 });
        let keys = store.spend(20);
        assert_eq!(
            keys.ranges().collect::<Vec<_>>(),
            [KeyRange { start: 20, bits: 10 }, KeyRange { start: 60, bits: 10 }]
        );
        assert_eq!(
            store.spend_reserved(request(1)).unwrap().first,
            KeyRange { start: 30, bits: 30 }
        );
        assert_eq!(store.spend_reserved(request(1)), None);
        assert!(store.book().balances());
    }

    #[test]
    fn promises_lapse_and_keys_expire() {
        let mut store = SendingStore::new(settings(100, 200, Some(Span(50))));
        let mut source = ScheduledSource::new(10, Span(20));
        store.reserve(request(0), 40, Time(45));
        store.look(Time(44), &mut source);
        assert_eq!((store.book().reserved, store.book().expired), (40, 0));
        store.look(Time(50), &mut source);
        // The promise lapses, and what was promised is too old as well.
        assert_eq!((store.book().reserved, store.book().expired), (0, 100));
        store.look(Time(51), &mut source);
        assert_eq!((store.book().stored, store.book().expired), (20, 100));
        assert!(store.book().balances());
    }

    #[test]
    fn a_promise_given_back_in_time_is_not_too_old() {
        let mut store = SendingStore::new(settings(1_000, 1_000, Some(Span(50))));
        let mut source = ScheduledSource::new(0, Span(1_000));
        store.reserve(request(0), 100, Time(40));
        store.look(Time(45), &mut source);
        assert_eq!(
            (store.book().stored, store.book().reserved, store.book().expired),
            (1_000, 0, 0)
        );
        store.look(Time(50), &mut source);
        assert_eq!((store.book().stored, store.book().expired), (0, 1_000));
        assert!(store.book().balances());
    }

    #[test]
    fn the_receiving_end_finds_what_was_used_twice_or_never_came() {
        let mut store = ReceivingStore::new(settings(100, 100, None));
        let keys = |start, bits| OtpKeys::single(KeyRange { start, bits });
        assert_eq!(store.follow(&keys(0, 40)), Ok(()));
        assert_eq!(store.follow(&keys(60, 40)), Ok(()));
        assert_eq!(store.follow(&keys(40, 20)), Ok(()));
        assert_eq!(store.used.len(), 1);
        assert_eq!(store.follow(&keys(99, 1)), Err(Disagreement::UsedTwice));
        assert_eq!(store.follow(&keys(100, 1)), Err(Disagreement::NotGenerated));
        assert_eq!(store.spent(), 100);
    }

    proptest! {
        /// Conservation to the bit, and no key handed out twice, whatever happens to a store.
        #[test]
        fn every_bit_is_accounted_for_and_used_at_most_once(
            operations in proptest::collection::vec((0u8..5, 1u64..40, 0u64..30), 1..200),
            max_age in proptest::option::of(20u64..200),
            capacity in 50u64..300,
        ) {
            let mut sending = SendingStore::new(settings(40, capacity, max_age.map(Span)));
            let mut receiving = ReceivingStore::new(settings(40, capacity, None));
            let mut source = ScheduledSource::new(7, Span(5));
            let mut far_source = source.clone();
            let mut now = Time::ZERO;
            for (number, (kind, bits, wait)) in operations.into_iter().enumerate() {
                now += Span(wait);
                sending.look(now, &mut source);
                receiving.look(now, &mut far_source);
                let id = request(number as u32);
                let earlier = request((number as u32).saturating_sub(bits as u32 % 7));
                let keys = match kind {
                    0 | 1 if sending.usable() >= bits => {
                        sending.reserve(id, bits, now + Span(50));
                        None
                    }
                    2 => sending.spend_reserved(earlier),
                    3 => { sending.release(earlier); None }
                    4 if sending.usable() >= bits => Some(sending.spend(bits)),
                    _ => None,
                };
                if let Some(keys) = keys {
                    prop_assert_eq!(receiving.follow(&keys), Ok(()));
                }
                prop_assert!(sending.book().balances());
                prop_assert!(sending.book().stored + sending.book().reserved <= capacity);
            }
            prop_assert_eq!(sending.book().generated, receiving.generated());
            prop_assert_eq!(sending.book().spent, receiving.spent());
        }
    }
}
