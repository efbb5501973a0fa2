//! Delays drawn in advance.

use std::sync::Arc;

use qkdni::kernel::Streams;

/// Length of the table; a power of two.
const TABLE: usize = 1 << 16;

/// Mean time between two events of the simulation \[ns\].
const GAP: f64 = 1_000.0;

/// The distribution of the delays of a hold model with `Q` pending events. The mean is `Q` microseconds in all of
/// them, so that one event happens per microsecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Load {
    /// Exponential.
    Exponential,
    /// One to eight steps of time, so that an eighth of all pending events share an instant.
    Tied,
    /// Nine of ten delays are exponential and short, one of ten is a hundred times as long.
    Bimodal,
}

impl Load {
    /// All of them.
    pub const ALL: [Load; 3] = [Load::Exponential, Load::Tied, Load::Bimodal];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Load::Exponential => "exponential",
            Load::Tied => "tied",
            Load::Bimodal => "bimodal",
        }
    }
}

/// A cyclic table of delays. Copies share the table and start at its beginning.
#[derive(Debug)]
pub struct Delays {
    table: Arc<[u64]>,
    next: usize,
}

impl Clone for Delays {
    fn clone(&self) -> Self {
        Delays {
            table: Arc::clone(&self.table),
            next: 0,
        }
    }
}

impl Delays {
    /// The table for a load with `pending` events.
    pub fn new(load: Load, pending: usize) -> Self {
        let mean = pending as f64 * GAP;
        let mut stream = Streams::new(1, 0).stream("bench/hold", load.name());
        let draw = |_| match load {
            Load::Exponential => 1 + stream.exponential(mean) as u64,
            Load::Tied => (1 + stream.below(8)) * (mean / 4.5) as u64,
            Load::Bimodal => {
                let short = mean / 10.9;
                let long = stream.bernoulli(0.1);
                1 + stream.exponential(if long { 100.0 * short } else { short }) as u64
            }
        };
        Delays {
            table: (0..TABLE).map(draw).collect(),
            next: 0,
        }
    }

    /// The same table, started at the `index`th of `of` places that divide it evenly.
    pub fn starting_at(&self, index: usize, of: usize) -> Self {
        Delays {
            table: Arc::clone(&self.table),
            next: (index * (TABLE / of)) & (TABLE - 1),
        }
    }

    /// The next delay \[ns\].
    #[inline]
    pub fn next_delay(&mut self) -> u64 {
        let delay = self.table[self.next];
        self.next = (self.next + 1) & (TABLE - 1);
        delay
    }
}
