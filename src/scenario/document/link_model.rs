//! What key rate a link has: the catalogue of link models.

use std::sync::Arc;

use crate::catalogue::{choice, record};
use crate::quantum::models::{self, Channel, Parameters, Problem};
use crate::units::{BitRate, Bits, Decibels, Fraction};

record! {
    /// A link that makes key at one rate whatever its loss.
    pub struct FixedRate {
        /// Key rate of one module pair, both lanes together.
        rate: BitRate,
        /// Bits that come at once. Assumption: what one second makes.
        block: Option<Bits>,
    }
}

record! {
    /// A link that makes key at one rate whatever its loss, in equal blocks that come at random: at exponential distances,
    /// as a Poisson process. Several module pairs each make blocks of their own.
    pub struct RandomBlocks {
        /// Mean key rate of one module pair, both lanes together.
        rate: BitRate,
        /// Bits that come at once.
        block: Bits,
    }
}

record! {
    /// A measured key rate over loss: either points (log₁₀ of the rate is interpolated linearly over the loss), or
    /// a rate at 10 dB from which the rate falls by a factor of 10 per 10 dB, or a preset. No key beyond the last point
    /// or `loss_max`; below the first point the rate is the first's.
    pub struct MeasuredTable {
        /// A system by what was published of it; `qkdni list presets` names them.
        preset: Option<String>,
        /// Points in order of loss.
        points: Vec<TablePoint>,
        /// Key rate of one module pair at 10 dB, both lanes together.
        rate_at_10_db: Option<BitRate>,
        /// Loss beyond which there is no key.
        loss_max: Option<Decibels>,
        /// Bits that come at once. Assumption: what one second makes.
        block: Option<Bits>,
    }
}

record! {
    /// One point of a measured table.
    pub struct TablePoint {
        /// Loss of the fibre.
        loss: Decibels,
        /// Key rate of one module pair, both lanes together.
        rate: BitRate,
    }
}

choice! {
    /// What key rate a link has. Physical models take the parameters of the reference vectors, each optional: what is
    /// left out is the preset's. Their channel is the link's; blocks are what one second makes unless the model's key
    /// is finite.
    pub enum LinkModel ("link model") as dyn Parameters {
        /// One rate whatever the loss.
        fixed_rate => FixedRate(FixedRate),
        /// One rate whatever the loss, in equal blocks at exponential distances.
        random_blocks => RandomBlocks(RandomBlocks),
        /// A measured rate over loss.
        measured_table => MeasuredTable(MeasuredTable),
        /// Decoy-state BB84, infinitely many decoys, asymptotic.
        decoy_bb84_asymptotic => DecoyBb84Asymptotic(models::DecoyBb84Asymptotic),
        /// Decoy-state BB84, vacuum and one weak decoy, asymptotic.
        decoy_bb84_vacuum_weak => DecoyBb84VacuumWeak(models::DecoyBb84VacuumWeak),
        /// BB84 without decoys (GLLP), best intensity.
        gllp_no_decoy_muopt => GllpNoDecoy(models::GllpNoDecoy),
        /// Decoy-state BB84, finite key, as set.
        decoy_bb84_finite_lim2014_fixed => DecoyBb84FiniteFixed(models::DecoyBb84FiniteFixed),
        /// Decoy-state BB84, finite key, best setting.
        decoy_bb84_finite_lim2014_opt => DecoyBb84FiniteOpt(models::DecoyBb84FiniteOpt),
        /// CV-QKD GG02, homodyne detection, reverse reconciliation.
        cv_gg02_homodyne_RR => CvGg02Homodyne(models::CvGg02Homodyne),
        /// CV-QKD GG02, heterodyne detection, reverse reconciliation.
        cv_gg02_heterodyne_RR => CvGg02Heterodyne(models::CvGg02Heterodyne),
        /// Sending-or-not-sending twin-field QKD, as set.
        sns_tfqkd_asymptotic_fixed => TwinFieldFixed(models::TwinFieldFixed),
        /// Sending-or-not-sending twin-field QKD, best setting.
        sns_tfqkd_asymptotic_opt => TwinFieldOpt(models::TwinFieldOpt),
        /// MDI-QKD, weak coherent states, as set.
        mdi_wcs_asymptotic_fixed => MdiFixed(models::MdiFixed),
        /// MDI-QKD, weak coherent states, best intensity.
        mdi_wcs_asymptotic_opt => MdiOpt(models::MdiOpt),
        /// BBM92 with a pair source in the middle, as set.
        bbm92_pdc_middle_fixed => Bbm92Fixed(models::Bbm92Fixed),
        /// BBM92 with a pair source in the middle, best brightness.
        bbm92_pdc_middle_opt => Bbm92Opt(models::Bbm92Opt),
        /// A satellite's passes: key in lumps.
        satellite_pass => SatellitePass(models::SatellitePass),
        /// What arrives of a satellite's downlink; no link by itself.
        satellite_downlink_loss => SatelliteDownlink(models::SatelliteDownlink),
        /// The PLOB bound; no link.
        plob_bound => PlobBound(models::PlobBound),
    }
}

impl LinkModel {
    /// The model behind the entry.
    ///
    /// # Errors
    /// What is wrong with its parameters or points.
    pub fn model(&self) -> Result<Arc<dyn models::LinkModel>, Vec<Problem>> {
        self.kind().model()
    }

    /// Whether its blocks differ from one another even where the scenario does not say so: a physical model.
    pub fn is_physical(&self) -> bool {
        !matches!(
            self,
            LinkModel::FixedRate(_) | LinkModel::RandomBlocks(_) | LinkModel::MeasuredTable(_)
        )
    }

    /// Whether an untrusted station stands in the middle of its link, which has its price.
    pub fn has_middle_station(&self) -> bool {
        matches!(
            self,
            LinkModel::TwinFieldFixed(_)
                | LinkModel::TwinFieldOpt(_)
                | LinkModel::MdiFixed(_)
                | LinkModel::MdiOpt(_)
                | LinkModel::Bbm92Fixed(_)
                | LinkModel::Bbm92Opt(_)
        )
    }

    /// Whether errors show in what it makes: those of an eavesdropper, or of a drift.
    pub fn shows_errors(&self) -> bool {
        self.is_physical() && !matches!(self, LinkModel::SatellitePass(_))
    }

    /// Whether light of other channels disturbs it: it counts photons.
    pub fn counts_photons(&self) -> bool {
        self.shows_errors()
            && !matches!(
                self,
                LinkModel::CvGg02Homodyne(_) | LinkModel::CvGg02Heterodyne(_)
            )
    }

    /// Observed error rate above which its blocks are thrown away, where the scenario does not say.
    pub fn usual_abort(&self) -> Fraction {
        match self {
            LinkModel::TwinFieldFixed(_) | LinkModel::TwinFieldOpt(_) => Fraction::HALF,
            _ => Fraction(110_000_000),
        }
    }

    /// Whether it can fill a store: bounds and bare losses cannot.
    pub fn is_link(&self) -> bool {
        !matches!(self, LinkModel::SatelliteDownlink(_) | LinkModel::PlobBound(_))
    }

    /// The loss beyond which the model gives no key; `None` if there is no such loss.
    pub fn reach(&self, channel: &Channel) -> Option<Decibels> {
        match self {
            LinkModel::FixedRate(_) | LinkModel::RandomBlocks(_) => None,
            LinkModel::MeasuredTable(table) => {
                let preset = table.of_preset().and_then(Result::ok);
                let reach = preset.map(|preset| Decibels(libm::round(preset.reach_db() * 1e9) as u64));
                reach
                    .or(table.loss_max)
                    .or_else(|| table.points.iter().rev().find(|p| p.rate.0 > 0).map(|p| p.loss))
            }
            _ => {
                let reach = self.model().ok()?.reach_db(channel)?;
                // To a hundredth of a decibel, down.
                Some(Decibels((reach * 100.0) as u64 * 10_000_000))
            }
        }
    }

    /// Whether a link over that channel makes any key.
    pub fn reaches_over(&self, channel: &Channel) -> bool {
        match self {
            LinkModel::FixedRate(_) | LinkModel::RandomBlocks(_) => true,
            LinkModel::MeasuredTable(_) => self
                .reach(channel)
                .is_none_or(|reach| channel.loss_db <= reach.as_db()),
            _ => self.model().is_ok_and(|model| model.rate_bps(channel) > 0.0),
        }
    }

    /// Bits that come at once, if the scenario says.
    pub fn block(&self) -> Option<Bits> {
        match self {
            LinkModel::FixedRate(model) => model.block,
            LinkModel::RandomBlocks(model) => Some(model.block),
            LinkModel::MeasuredTable(model) => model.block,
            _ => None,
        }
    }
}

impl Parameters for FixedRate {
    fn presets(&self) -> &'static [models::Preset] {
        &[]
    }

    fn model(&self) -> Result<Arc<dyn models::LinkModel>, Vec<Problem>> {
        Ok(Arc::new(models::FixedRate {
            rate_bps: self.rate.0 as f64,
        }))
    }
}

impl Parameters for RandomBlocks {
    fn presets(&self) -> &'static [models::Preset] {
        &[]
    }

    fn model(&self) -> Result<Arc<dyn models::LinkModel>, Vec<Problem>> {
        Ok(Arc::new(models::FixedRate {
            rate_bps: self.rate.0 as f64,
        }))
    }
}

impl MeasuredTable {
    /// The table of the preset that is named, if one is and there is such a one.
    fn of_preset(&self) -> Option<Result<models::MeasuredTable, models::MeasuredTableError>> {
        let named = self.preset.as_deref()?;
        let preset = models::MEASURED_PRESETS
            .iter()
            .find(|preset| preset.name == named)?;
        Some(models::MeasuredTable::of_preset(preset))
    }
}

impl Parameters for MeasuredTable {
    fn presets(&self) -> &'static [models::Preset] {
        models::MEASURED_PRESETS
    }

    fn model(&self) -> Result<Arc<dyn models::LinkModel>, Vec<Problem>> {
        let table = match (self.of_preset(), self.rate_at_10_db, self.loss_max) {
            (Some(table), ..) => table,
            (None, Some(rate), Some(loss_max)) => {
                models::MeasuredTable::from_rate_at_10_db(rate.0 as f64, loss_max.as_db())
            }
            _ => {
                let points = self
                    .points
                    .iter()
                    .map(|point| (point.loss.as_db(), point.rate.0 as f64));
                models::MeasuredTable::new(points.take_while(|point| point.1 > 0.0).collect())
            }
        };
        match table {
            Ok(table) => Ok(Arc::new(table)),
            Err(error) => Err(vec![Problem {
                parameter: "points",
                code: "table_form",
                message: error.to_string(),
                hint: "give a \"preset\", \"points\", or \"rate_at_10_db\" and \"loss_max\"".to_owned(),
            }]),
        }
    }
}
