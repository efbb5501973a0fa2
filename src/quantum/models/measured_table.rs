//! Measured table: secret key rate over loss, interpolated in log10 of the rate.

use std::fmt;

use super::{Channel, Evaluation, LinkModel, Preset};

/// Systems by what was published of them, as tables: either pairs of `loss` \[dB\] and `rate` \[bit/s\], or `rate_at_10_db`
/// and `loss_max`. None was compared with a data sheet. A system known by one point makes that rate at less loss too,
/// and nothing at more; one given by its rate at 10 dB makes more at less loss, ten times as much at 0 dB.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "toshiba_high_rate",
        source: "13.72 Mbit/s at 2 dB; 304 kbit/s at 45 km, 14.5 dB (Tokyo, 24 h); recalled. Assumption: one system on one line",
        values: &[("loss", 2.0), ("rate", 13.72e6), ("loss", 14.5), ("rate", 304e3)],
    },
    Preset {
        name: "toshiba_cambridge",
        source: "2.2 to 2.6 Mbit/s at 2.5 to 4.2 dB (Cambridge, 580 days); recalled. Assumption: most at least loss",
        values: &[("loss", 2.5), ("rate", 2.6e6), ("loss", 4.2), ("rate", 2.2e6)],
    },
    Preset {
        name: "toshiba_long_distance",
        source: "300 kbit/s at 10 dB, 120 to 150 km; recalled. Assumption: 120 km at 0.2 dB/km, a decade per 10 dB, below 10 dB too",
        values: &[("rate_at_10_db", 300e3), ("loss_max", 24.0)],
    },
    Preset {
        name: "id_quantique_clavis_xg",
        source: "100 kbit/s at 10 dB, up to 30 dB; recalled. Assumption: a decade per 10 dB, below 10 dB too",
        values: &[("rate_at_10_db", 100e3), ("loss_max", 30.0)],
    },
    Preset {
        name: "id_quantique_cerberis_xg",
        source: "about 2 kbit/s at 12 dB; recalled",
        values: &[("loss", 12.0), ("rate", 2e3)],
    },
    Preset {
        name: "id_quantique_secoqc",
        source: "1 kbit/s at 25 km, 5.75 dB (SECOQC); recalled",
        values: &[("loss", 5.75), ("rate", 1e3)],
    },
    Preset {
        name: "thinkquantum_quky",
        source: "160 bit/s at 110 km, 23 dB; recalled",
        values: &[("loss", 23.0), ("rate", 160.0)],
    },
    Preset {
        name: "thinkquantum_quky_snspd",
        source: "4.75 kbit/s at 110 km, 23 dB with superconducting detectors; recalled. Assumption: the same link",
        values: &[("loss", 23.0), ("rate", 4.75e3)],
    },
    Preset {
        name: "quantumctek_cn_qcn",
        source: "8 to 25 kbit/s per route, mean hop 70 km (CN-QCN); recalled. Assumption: the least, at 14 dB",
        values: &[("loss", 14.0), ("rate", 8e3)],
    },
];

/// Rates at losses, as a data sheet or a field trial gives them.
///
/// Between two points log10 R is linear in the loss; left of the first point the first rate holds (a detector
/// saturates), beyond the last the rate is 0: that loss is the model's reach.
#[derive(Clone, PartialEq, Debug)]
pub struct MeasuredTable {
    points: Vec<(f64, f64)>,
}

/// What is wrong with a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeasuredTableError {
    /// It has no points.
    Empty,
    /// Losses do not rise from point to point.
    LossesNotRising,
    /// A rate is not above 0.
    RatesNotPositive,
}

impl fmt::Display for MeasuredTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MeasuredTableError::Empty => "the table has no points",
            MeasuredTableError::LossesNotRising => "losses must rise from point to point",
            MeasuredTableError::RatesNotPositive => "rates must be above 0",
        })
    }
}

impl std::error::Error for MeasuredTableError {}

impl MeasuredTable {
    /// A table of (loss \[dB\], rate \[bit/s\]) in order of loss.
    ///
    /// # Errors
    /// If there is no point, losses do not rise, or rates are not positive.
    pub fn new(points: Vec<(f64, f64)>) -> Result<MeasuredTable, MeasuredTableError> {
        if points.is_empty() {
            return Err(MeasuredTableError::Empty);
        }
        if points
            .windows(2)
            .any(|pair| pair[0].0.total_cmp(&pair[1].0).is_ge())
        {
            return Err(MeasuredTableError::LossesNotRising);
        }
        if points.iter().any(|point| point.1.is_nan() || point.1 <= 0.0) {
            return Err(MeasuredTableError::RatesNotPositive);
        }
        Ok(MeasuredTable { points })
    }

    /// The table of one of [`PRESETS`].
    ///
    /// # Errors
    /// As [`MeasuredTable::new`].
    pub fn of_preset(preset: &Preset) -> Result<MeasuredTable, MeasuredTableError> {
        match preset.values {
            [("rate_at_10_db", rate), ("loss_max", loss)] => MeasuredTable::from_rate_at_10_db(*rate, *loss),
            values => MeasuredTable::new(values.chunks(2).map(|pair| (pair[0].1, pair[1].1)).collect()),
        }
    }

    /// The greatest loss with key \[dB\].
    pub fn reach_db(&self) -> f64 {
        self.points[self.points.len() - 1].0
    }

    /// The straight line of a system known by one figure: log10 R(loss) = log10 R10 − (loss − 10)/10 from 0 dB to
    /// `loss_max_db`, cut off there.
    ///
    /// # Errors
    /// As [`MeasuredTable::new`].
    pub fn from_rate_at_10_db(rate_bps: f64, loss_max_db: f64) -> Result<MeasuredTable, MeasuredTableError> {
        let rate_at = |loss: f64| rate_bps * libm::pow(10.0, (10.0 - loss) / 10.0);
        MeasuredTable::new(vec![(0.0, rate_at(0.0)), (loss_max_db, rate_at(loss_max_db))])
    }
}

impl LinkModel for MeasuredTable {
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        Evaluation {
            rate_per_pulse: None,
            rate_bps: self.rate_bps(channel),
            ..Evaluation::pulsed(channel.transmittance(), 0.0, 0.0)
        }
    }

    fn rate_bps(&self, channel: &Channel) -> f64 {
        let loss = channel.loss_db;
        let after = self.points.partition_point(|point| point.0 < loss);
        match after {
            0 => self.points[0].1,
            n if n == self.points.len() => 0.0,
            n => {
                let ((loss_0, rate_0), (loss_1, rate_1)) = (self.points[n - 1], self.points[n]);
                let share = (loss - loss_0) / (loss_1 - loss_0);
                let (log_0, log_1) = (libm::log10(rate_0), libm::log10(rate_1));
                libm::pow(10.0, log_0 + share * (log_1 - log_0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(loss_db: f64) -> Channel {
        Channel::quiet(0.0, loss_db)
    }

    #[test]
    fn one_figure_gives_a_decade_per_ten_decibels() {
        let table = MeasuredTable::from_rate_at_10_db(300_000.0, 30.0).unwrap();
        assert!((table.rate_bps(&at(10.0)) / 300_000.0 - 1.0).abs() < 1e-12);
        assert!((table.rate_bps(&at(20.0)) / 30_000.0 - 1.0).abs() < 1e-12);
        assert!(
            (table.rate_bps(&at(0.0)) / 3_000_000.0 - 1.0).abs() < 1e-12,
            "at less loss too"
        );
        assert!(table.rate_bps(&at(30.0)) > 0.0);
        assert!(table.rate_bps(&at(30.1)) == 0.0);
    }

    /// Every figure of every preset is met at its loss, and none is promised beyond.
    #[test]
    fn presets_give_the_figures_that_they_name() {
        for preset in PRESETS {
            let table = MeasuredTable::of_preset(preset).unwrap();
            let figures: Vec<(f64, f64)> = match preset.values {
                [("rate_at_10_db", rate), ("loss_max", _)] => vec![(10.0, *rate)],
                values => values.chunks(2).map(|pair| (pair[0].1, pair[1].1)).collect(),
            };
            for (loss, rate) in figures {
                let found = table.rate_bps(&at(loss));
                assert!((found / rate - 1.0).abs() < 1e-12, "{}: {found}", preset.name);
            }
            assert!(table.rate_bps(&at(table.reach_db())) > 0.0);
            assert!(table.rate_bps(&at(table.reach_db() + 0.01)) == 0.0);
            assert!(preset.source.contains("recalled"), "{}", preset.name);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let table = |points: &[(f64, f64)]| MeasuredTable::new(points.to_vec()).unwrap_err();
        assert_eq!(table(&[]), MeasuredTableError::Empty);
        assert_eq!(
            table(&[(2.0, 1.0), (1.0, 1.0)]),
            MeasuredTableError::LossesNotRising
        );
        assert_eq!(table(&[(1.0, 0.0)]), MeasuredTableError::RatesNotPositive);
        assert_eq!(table(&[(1.0, f64::NAN)]), MeasuredTableError::RatesNotPositive);
    }
}
