//! Measured table: secret key rate over loss, interpolated in log10 of the rate.

use std::fmt;

use super::{Channel, Evaluation, LinkModel};

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
    /// A rate is not above 0, or rises with loss.
    RatesNotFalling,
}

impl fmt::Display for MeasuredTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MeasuredTableError::Empty => "the table has no points",
            MeasuredTableError::LossesNotRising => "losses must rise from point to point",
            MeasuredTableError::RatesNotFalling => "rates must be above 0 and must not rise with loss",
        })
    }
}

impl std::error::Error for MeasuredTableError {}

impl MeasuredTable {
    /// A table of (loss \[dB\], rate \[bit/s\]) in order of loss.
    ///
    /// # Errors
    /// If there is no point, losses do not rise, or rates rise or are not positive.
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
        if points.iter().any(|point| point.1.is_nan() || point.1 <= 0.0)
            || points.windows(2).any(|pair| pair[1].1 > pair[0].1)
        {
            return Err(MeasuredTableError::RatesNotFalling);
        }
        Ok(MeasuredTable { points })
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
        assert!(table.rate_bps(&at(30.0)) > 0.0);
        assert!(table.rate_bps(&at(30.1)) == 0.0);
    }

    #[test]
    fn nonsense_is_refused() {
        let table = |points: &[(f64, f64)]| MeasuredTable::new(points.to_vec()).unwrap_err();
        assert_eq!(table(&[]), MeasuredTableError::Empty);
        assert_eq!(
            table(&[(2.0, 1.0), (1.0, 1.0)]),
            MeasuredTableError::LossesNotRising
        );
        assert_eq!(
            table(&[(1.0, 1.0), (2.0, 2.0)]),
            MeasuredTableError::RatesNotFalling
        );
        assert_eq!(table(&[(1.0, f64::NAN)]), MeasuredTableError::RatesNotFalling);
    }
}
