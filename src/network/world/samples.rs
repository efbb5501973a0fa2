//! Levels of stores at equal distances of time, for pictures.
//!
//! A sample is taken between two events, on copies of the stores and of what fills them: it is no event, and the run
//! goes on as if nobody had looked. What an idle store's copy was advanced to is kept, so that an idle link is not
//! followed from the beginning each time.

use crate::ids::{Arena, Id as _, StoreId};
use crate::kernel::{Span, Time};
use crate::key_management::store::Book;
use crate::network::availability::Ahead;

/// A copy, and the amounts of the store that it was made of.
#[derive(Clone, Debug)]
struct Copied {
    of: Book,
    ahead: Ahead,
}

/// The samples of a run.
#[derive(Clone, Debug)]
pub struct Samples {
    period: Span,
    end: Time,
    next: Time,
    copies: Arena<StoreId, Option<Box<Copied>>>,
    taken: Vec<(Time, Vec<Book>)>,
}

impl Samples {
    /// `count` equal periods from time 0 to `end`; no samples with a count of 0.
    pub(super) fn new(count: u32, end: Time, stores: usize) -> Samples {
        let period = end.0.checked_div(u64::from(count)).unwrap_or(0).max(1);
        Samples {
            period: Span(period),
            end,
            next: if count == 0 { Time::NEVER } else { Time::ZERO },
            copies: (0..stores).map(|_| None).collect(),
            taken: Vec::new(),
        }
    }

    /// The next instant to sample at.
    #[inline]
    pub(super) fn next(&self) -> Time {
        self.next
    }

    /// What fills a store has been stopped or started: its copy is stale.
    pub(super) fn forget(&mut self, store: StoreId) {
        self.copies[store] = None;
    }

    /// Samples every store: `of` tells a store's amounts at its last look, `copy` copies it.
    /// The books of pools, which change by messages only, stand behind those of the stores.
    pub(super) fn take(
        &mut self,
        of: impl Fn(StoreId) -> Book,
        copy: impl Fn(StoreId) -> Ahead,
        pools: &[Book],
    ) {
        let now = self.next;
        let mut books = Vec::with_capacity(self.copies.len());
        for at in 0..self.copies.len() {
            let store = StoreId::from_index(at);
            let book = of(store);
            let slot = &mut self.copies[store];
            if slot.as_ref().is_none_or(|copied| copied.of != book) {
                *slot = Some(Box::new(Copied {
                    of: book,
                    ahead: copy(store),
                }));
            }
            let copied = slot.as_mut().expect("it was just made");
            copied.ahead.store.look(now, &mut copied.ahead.source);
            books.push(copied.ahead.store.book());
        }
        books.extend(pools);
        self.taken.push((now, books));
        let next = now + self.period;
        self.next = if next > self.end { Time::NEVER } else { next };
    }

    /// Instants and the books of all stores at each.
    pub(crate) fn taken(&self) -> &[(Time, Vec<Book>)] {
        &self.taken
    }
}
