//! What a link makes block by block, apart from the model's rate: compiled once per link when the plan is made.

use std::sync::Arc;

use super::models::{BlockSchedule, Channel, LinkModel, Passes};
use crate::kernel::Span;

/// Step of the table in added loss \[dB\].
const LOSS_STEP: f64 = 0.05;
/// Step of the table in flips, and its last row: intercept-resend on every pulse.
const FLIPS_STEP: f64 = 0.0025;
const FLIPS_LAST: f64 = 0.25;

/// What a block is worth at some loss and rate of flips.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Worth {
    /// Time to acquire it \[ns\].
    pub period_ns: f64,
    /// Secret bits in it, not rounded.
    pub bits: f64,
    /// Expected error rate; `None` where the protocol has none.
    pub qber: Option<f64>,
    /// Sifted bits in which errors are counted.
    pub sifted: f64,
}

impl Worth {
    fn between(self, other: Worth, share: f64) -> Worth {
        let mix = |a: f64, b: f64| if share > 0.0 { a + share * (b - a) } else { a };
        Worth {
            period_ns: mix(self.period_ns, other.period_ns),
            bits: mix(self.bits, other.bits),
            qber: self.qber.zip(other.qber).map(|(a, b)| mix(a, b)),
            sifted: mix(self.sifted, other.sifted),
        }
    }
}

/// A model over one link's channel as a table: over the loss that drift adds, and over flips.
#[derive(Clone, PartialEq, Debug)]
pub struct LinkTable {
    /// Rows of equal loss, each over flips; the middle row is the link's own loss.
    rows: Vec<Vec<Worth>>,
}

impl LinkTable {
    /// Tabulates a model. `nominal` is what it makes over the channel as it is; `spread_db` how far the loss may drift
    /// either way; `systems` module pairs work side by side.
    pub fn new(
        model: &Arc<dyn LinkModel>,
        channel: &Channel,
        nominal: BlockSchedule,
        spread_db: f64,
        systems: u64,
    ) -> LinkTable {
        let model = model.settled(channel).unwrap_or_else(|| Arc::clone(model));
        let usual = model.evaluate(channel);
        let period_s = nominal.period.0 as f64 / 1e9;
        let worth = |added_db: f64, flips: f64| {
            let found = model.evaluate(&Channel {
                loss_db: (channel.loss_db + added_db).max(0.0),
                flips: channel.flips + flips,
                ..*channel
            });
            let period_s = match (found.block_s, usual.block_s) {
                (Some(block), Some(usual)) => period_s * block / usual,
                _ => period_s,
            };
            // Relative to the nominal block, so that its whole bits stay whole.
            let share = if usual.rate_bps > 0.0 {
                found.rate_bps / usual.rate_bps
            } else {
                0.0
            };
            Worth {
                period_ns: period_s * 1e9,
                bits: nominal.bits as f64 * share * (period_s * 1e9 / nominal.period.0 as f64),
                qber: found.observed.or(found.qber),
                sifted: found.sifted_bps.unwrap_or(0.0) * period_s * systems as f64,
            }
        };
        let losses = libm::ceil(spread_db / LOSS_STEP) as i32;
        let flips = libm::round(FLIPS_LAST / FLIPS_STEP) as u32;
        let row = |loss: i32| -> Vec<Worth> {
            let added = f64::from(loss) * LOSS_STEP;
            (0..=flips)
                .map(|step| worth(added, f64::from(step) * FLIPS_STEP))
                .collect()
        };
        LinkTable {
            rows: (-losses..=losses).map(row).collect(),
        }
    }

    /// What a block is worth; linear between the entries, held at the edges.
    pub fn worth(&self, added_db: f64, flips: f64) -> Worth {
        let middle = (self.rows.len() / 2) as f64;
        let across = (added_db / LOSS_STEP + middle).clamp(0.0, (self.rows.len() - 1) as f64);
        let row = libm::floor(across) as usize;
        let one = self.over_flips(row, flips);
        if row + 1 == self.rows.len() {
            return one;
        }
        one.between(self.over_flips(row + 1, flips), across - row as f64)
    }

    fn over_flips(&self, row: usize, flips: f64) -> Worth {
        let row = &self.rows[row];
        let along = (flips / FLIPS_STEP).clamp(0.0, (row.len() - 1) as f64);
        let at = libm::floor(along) as usize;
        if at + 1 == row.len() {
            return row[at];
        }
        row[at].between(row[at + 1], along - at as f64)
    }
}

/// A quantity that wanders: an Ornstein–Uhlenbeck process and a sine over the day.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drift {
    /// Standard deviation of the wandering.
    pub deviation: f64,
    /// Time in which it forgets.
    pub correlation: Span,
    /// Amplitude over the day.
    pub diurnal: f64,
}

impl Drift {
    /// Nothing wanders.
    pub const NONE: Drift = Drift {
        deviation: 0.0,
        correlation: Span(1),
        diurnal: 0.0,
    };

    /// How far it goes either way: four standard deviations and the amplitude.
    pub fn spread(&self) -> f64 {
        4.0 * self.deviation + self.diurnal.abs()
    }
}

/// How a link works from block to block.
#[derive(Clone, PartialEq, Debug)]
pub struct Generation {
    /// What blocks are worth.
    pub table: LinkTable,
    /// From the end of acquisition to the key. Assumption: pipelined, so that acquisition does not wait for it.
    pub post_processing: Span,
    /// Observed error rate above which a block is thrown away and an alarm raised.
    pub abort_above: f64,
    /// Probability that error correction fails and the block is lost.
    pub frame_error: f64,
    /// Authentication key per block \[bits\].
    pub authentication_bits: u64,
    /// Pre-shared key that authenticates the first blocks \[bits\]; also what the modules keep back later on.
    pub start_key_bits: u64,
    /// From the end of an interruption to the first pulse that counts.
    pub resynchronisation: Span,
    /// Drift of the loss \[dB\].
    pub loss_drift: Drift,
    /// Drift of the probability of flips.
    pub flips_drift: Drift,
    /// Consumption that the link is provisioned for \[bit/s\], for its reports.
    pub expected_consumption_bps: Option<u64>,
    /// Its modules report how it does so often; `None`: only when its state changes.
    pub report_every: Option<Span>,
    /// How much later than the other end each end of the link has a block.
    pub skew: [Span; 2],
}

/// How a link's key differs from equal blocks at equal distance.
#[derive(Clone, Debug)]
pub enum Making {
    /// Blocks drawn one by one.
    Blocks(Arc<Generation>),
    /// Lumps after a satellite's passes.
    Passes(Arc<Passes>),
    /// These blocks, at exponential distances with the schedule's period as their mean.
    Random(BlockSchedule),
}
