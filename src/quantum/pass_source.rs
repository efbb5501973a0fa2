//! Key that lands in lumps, one after each pass of a satellite under a clear sky.

use std::sync::Arc;

use super::models::Passes;
use crate::architecture::key_source::{BlockRun, KeySource};
use crate::kernel::{Span, Stream, Time};
use crate::units::{Bits, Fraction};

/// What one end of one lane gets of a satellite's passes.
#[derive(Clone, Debug)]
pub struct PassSource {
    passes: Arc<Passes>,
    /// One draw per pass, used or not: whether its sky is clear.
    weather: Stream,
    /// The next pass: which period, which lump.
    period: u64,
    lump: usize,
    first_lane: Fraction,
    is_first: bool,
    generating: bool,
    /// Passes that began before this are lost: the station was down.
    down_until: Time,
    /// Lumps that landed before the link stopped and were not handed out.
    landed: Vec<BlockRun>,
    horizon: Time,
}

impl PassSource {
    /// A lane's end; both lanes and ends begin with the same weather.
    pub fn new(
        passes: Arc<Passes>,
        weather: Stream,
        first_lane: Fraction,
        is_first: bool,
        horizon: Time,
    ) -> PassSource {
        PassSource {
            passes,
            weather,
            period: 0,
            lump: 0,
            first_lane,
            is_first,
            generating: true,
            down_until: Time::ZERO,
            landed: Vec::new(),
            horizon,
        }
    }

    /// The next lump that lands by `now`: passes that give nothing are passed over.
    fn next(&mut self, now: Time) -> Option<BlockRun> {
        loop {
            let lump = *self.passes.lumps.get(self.lump)?;
            let offset = self.passes.every * self.period;
            if lump.end + offset > now {
                return None;
            }
            self.lump += 1;
            if self.lump == self.passes.lumps.len() {
                (self.lump, self.period) = (0, self.period + 1);
            }
            let clear = self.weather.bernoulli(self.passes.clear_sky);
            let first = Bits(lump.bits).part(self.first_lane).0;
            let bits = if self.is_first { first } else { lump.bits - first };
            let up = self.generating && lump.begin + offset >= self.down_until;
            if clear && up && bits > 0 {
                return Some(BlockRun {
                    first: lump.end + offset,
                    period: Span::ZERO,
                    count: 1,
                    bits,
                });
            }
        }
    }

    /// The station goes down: a pass under way is lost.
    pub fn stop(&mut self, now: Time) {
        while let Some(run) = self.next(now) {
            self.landed.push(run);
        }
        self.generating = false;
    }

    /// The station works again, from the next pass on.
    pub fn start(&mut self, now: Time) {
        if !self.generating {
            while self.next(now).is_some() {}
            (self.generating, self.down_until) = (true, now);
        }
    }
}

impl KeySource for PassSource {
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>) {
        blocks.append(&mut self.landed);
        while let Some(run) = self.next(now) {
            blocks.push(run);
        }
    }

    fn next_notice(&mut self, bits: u64) -> Option<Time> {
        let mut lacking = bits.max(1);
        let mut ahead = self.clone();
        let mut landed = std::mem::take(&mut ahead.landed).into_iter();
        loop {
            let run = landed
                .next()
                .or_else(|| ahead.next(self.horizon).filter(|_| self.generating))?;
            if run.bits >= lacking {
                return Some(run.first);
            }
            lacking -= run.bits;
        }
    }

    fn is_generating(&self) -> bool {
        self.generating
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;
    use crate::quantum::models::Lump;

    fn source(clear_sky: f64) -> PassSource {
        let lump = |begin: u64, bits| Lump {
            begin: Time(begin),
            end: Time(begin + 10),
            bits,
        };
        let passes = Passes {
            lumps: vec![lump(20, 100), lump(60, 200)],
            every: Span(100),
            clear_sky,
        };
        let weather = Streams::new(1, 0).stream("link/sky", "weather");
        PassSource::new(Arc::new(passes), weather, Fraction::ONE, true, Time(1_000_000))
    }

    fn bits(source: &mut PassSource, now: u64) -> u64 {
        let mut runs = Vec::new();
        source.advance_to(Time(now), &mut runs);
        runs.iter().map(BlockRun::total_bits).sum()
    }

    #[test]
    fn key_lands_in_lumps_and_a_pass_under_way_is_lost() {
        let mut satellite = source(1.0);
        assert_eq!(satellite.next_notice(150), Some(Time(70)));
        assert_eq!(bits(&mut satellite, 29), 0);
        assert_eq!(bits(&mut satellite, 30), 100);
        satellite.stop(Time(65));
        satellite.start(Time(69));
        assert_eq!(bits(&mut satellite, 99), 0);
        assert_eq!(satellite.next_notice(1), Some(Time(130)));
        assert_eq!(bits(&mut satellite, 200), 300);
    }

    #[test]
    fn clouds_take_their_share_however_often_one_looks() {
        let (mut once, mut often) = (source(0.5), source(0.5));
        let total = bits(&mut once, 1_000_000);
        let in_steps: u64 = (0..=1_000).map(|at| bits(&mut often, at * 1_000)).sum();
        assert_eq!(total, in_steps);
        // 10000 passes of either kind: half of 3000000 bits, the standard deviation being 11180.
        assert!((total as f64 - 1_500_000.0).abs() < 5.0 * 11_180.0, "{total}");
    }
}
