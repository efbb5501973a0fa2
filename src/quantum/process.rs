//! A link's blocks, one after the other: acquisition, errors, abort, loss, authentication.
//!
//! Every block takes four draws of the link's stream, in this order: the drift of its loss and of its flips where it
//! begins; its errors and its fate where acquisition ends. So a block's numbers do not hang on when it is looked at.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::binomial::binomial_quantile;
use super::functions::flipped;
use super::generation::{Drift, Generation};
use crate::kernel::{Span, Stream, Time};

/// A day \[ns\].
const DAY_NS: f64 = 86_400e9;

/// What became of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Its key is handed over.
    Kept,
    /// Too many errors: thrown away, alarm.
    Aborted,
    /// Error correction failed: lost.
    FrameError,
    /// No key was left to authenticate it: lost.
    Unauthenticated,
    /// Few enough errors, and no key left in it by the model.
    Empty,
}

/// A block that was acquired.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Block {
    /// Where its acquisition began.
    pub begin: Time,
    /// Where its acquisition ended.
    pub end: Time,
    /// When post-processing is done with it.
    pub done: Time,
    /// Secret bits that are handed over; 0 unless kept.
    pub bits: u64,
    /// Errors found in it, as a rate.
    pub qber: Option<f64>,
    /// What became of it.
    pub fate: Fate,
}

impl Block {
    /// Whether the link makes key: a frame that error correction lost is bad luck, not an alarm.
    pub fn is_healthy(&self) -> bool {
        matches!(self.fate, Fate::Kept | Fate::FrameError)
    }

    /// Its key over the time of its acquisition \[bit/s\].
    pub fn rate_bps(&self) -> u64 {
        let length = self.end.since(self.begin).0.max(1);
        (u128::from(self.bits) * 1_000_000_000 / u128::from(length)) as u64
    }
}

/// The block being acquired.
#[derive(Clone, Copy, Debug)]
struct Current {
    begin: Time,
    end: Time,
    added_db: f64,
    flips: f64,
    /// Intercepted share of the time up to `since`, in nanoseconds.
    exposed_ns: f64,
    since: Time,
}

/// The process.
#[derive(Clone, Debug)]
pub struct BlockProcess {
    generation: Arc<Generation>,
    stream: Stream,
    current: Option<Current>,
    /// Standardised drifts of loss and flips, and when they were so; none before the first block.
    drifts: Option<([f64; 2], Time)>,
    intercepted: f64,
    /// Key that the modules keep for authentication \[bits\].
    pool: u64,
    /// Authentication key spent \[bits\].
    authentication_spent: u64,
    /// What whole bits have left over so far \[bits\].
    fraction: f64,
}

impl BlockProcess {
    /// A link that begins at time 0, with its own stream.
    pub fn new(generation: Arc<Generation>, stream: Stream) -> BlockProcess {
        let mut process = BlockProcess {
            pool: generation.start_key_bits,
            generation,
            stream,
            current: None,
            drifts: None,
            intercepted: 0.0,
            authentication_spent: 0,
            fraction: 0.0,
        };
        process.begin(Time::ZERO);
        process
    }

    /// How the link works.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Whether a block is being acquired, or will be after resynchronisation.
    pub fn is_generating(&self) -> bool {
        self.current.is_some()
    }

    /// Where the acquisition of the current block ends.
    pub fn next_end(&self) -> Option<Time> {
        self.current.map(|current| current.end)
    }

    /// Authentication key spent so far \[bits\].
    pub fn authentication_spent(&self) -> u64 {
        self.authentication_spent
    }

    fn begin(&mut self, at: Time) {
        let draws = [self.stream.normal(), self.stream.normal()];
        let drifts = [self.generation.loss_drift, self.generation.flips_drift];
        let states = match self.drifts {
            None => draws,
            Some((before, since)) => [0, 1].map(|of| {
                // Exact over any time: an Ornstein–Uhlenbeck process is Gaussian and forgets exponentially.
                let kept = libm::exp(-(at.since(since).0 as f64) / drifts[of].correlation.0 as f64);
                before[of] * kept + libm::sqrt(1.0 - kept * kept) * draws[of]
            }),
        };
        self.drifts = Some((states, at));
        let sine = libm::sin(TAU * (at.0 as f64 / DAY_NS));
        let value = |drift: &Drift, state: f64| drift.deviation * state + drift.diurnal * sine;
        let added_db = value(&drifts[0], states[0]);
        let flips = value(&drifts[1], states[1]).clamp(0.0, 0.5);
        let period = self.generation.table.worth(added_db, flips).period_ns;
        // Whatever the loss, a block takes time and ends some day.
        let period = Span(libm::round(period).clamp(1.0, 1e18) as u64);
        self.current = Some(Current {
            begin: at,
            end: at + period,
            added_db,
            flips,
            exposed_ns: 0.0,
            since: at,
        });
    }

    /// Ends the acquisition of the current block and begins the next.
    ///
    /// # Panics
    /// If no block is being acquired.
    pub fn finish(&mut self) -> Block {
        let current = self.current.expect("a block is being acquired");
        let (errors, correction) = (self.stream.uniform(), self.stream.uniform());
        let generation = Arc::clone(&self.generation);
        let length = current.end.since(current.begin).0 as f64;
        let exposed = current.exposed_ns + self.intercepted * current.end.since(current.since).0 as f64;
        // An intercepted pulse is wrong with probability 1/4 + e/2: a flip in four.
        let flips = flipped(current.flips, exposed / length / 4.0);
        let worth = generation.table.worth(current.added_db, flips);
        let qber = worth.qber.map(|rate| {
            let sifted = libm::round(worth.sifted).max(1.0);
            binomial_quantile(sifted as u64, rate, errors) as f64 / sifted
        });
        let mut bits = 0;
        let fate = if self.pool < generation.authentication_bits {
            Fate::Unauthenticated
        } else {
            self.pool -= generation.authentication_bits;
            self.authentication_spent += generation.authentication_bits;
            if qber.is_some_and(|qber| qber > generation.abort_above) {
                Fate::Aborted
            } else if correction < generation.frame_error {
                Fate::FrameError
            } else {
                let is_empty = worth.bits <= 0.0;
                let whole = worth.bits.max(0.0) + self.fraction;
                bits = libm::floor(whole) as u64;
                self.fraction = whole - libm::floor(whole);
                let kept_back =
                    bits.min(generation.start_key_bits - self.pool.min(generation.start_key_bits));
                self.pool += kept_back;
                bits -= kept_back;
                if is_empty { Fate::Empty } else { Fate::Kept }
            }
        };
        self.begin(current.end);
        Block {
            begin: current.begin,
            end: current.end,
            done: current.end + generation.post_processing,
            bits,
            qber,
            fate,
        }
    }

    /// The link is interrupted: the block in the making is lost.
    pub fn stop(&mut self) {
        self.current = None;
    }

    /// The link works again; pulses count after resynchronisation.
    pub fn start(&mut self, now: Time) {
        if self.current.is_none() {
            self.begin(now + self.generation.resynchronisation);
        }
    }

    /// From now on this fraction of the pulses is intercepted and resent.
    pub fn intercept(&mut self, now: Time, fraction: f64) {
        if let Some(current) = &mut self.current
            && now > current.since
        {
            current.exposed_ns += self.intercepted * now.since(current.since).0 as f64;
            current.since = now;
        }
        self.intercepted = fraction;
    }
}
