//! Key from a satellite: it lands in lumps, one after each pass that has a clear sky.
//!
//! A pass is a circular orbit past the station: with γ the angle at Earth's centre, cos γ = cos γ_min·cos(ωt), ω =
//! sqrt(GM/(R + h)³), and tan θ = (cos γ − R/(R + h))/sin γ. While the satellite stands above the lowest elevation, the
//! decoy-state rate over the downlink's loss is added up second by second. Or a pass says what it gave.

use std::sync::Arc;

use super::parameters::{Preset, Problem};
use super::satellite::EARTH_RADIUS_KM;
use super::{Channel, DecoyBb84VacuumWeak, Evaluation, LinkModel, Parameters, SatelliteDownlink};
use crate::catalogue::record;
use crate::kernel::{Span, Time};
use crate::units::{Bits, Fraction};

/// Earth's gravity \[km³/s²\].
const GRAVITY: f64 = 398_600.441_8;

record! {
    /// Key from a satellite, in lumps: passes, repeated every day or so, each with a chance of clear sky.
    pub struct SatellitePass {
        /// The passes of one period.
        passes: Vec<Pass>,
        /// After this the passes come again.
        every: Span = Span(86_400_000_000_000),
        /// Probability of a clear sky, for each pass on its own. Assumption: always clear.
        clear_sky: Fraction = Fraction::ONE,
        /// Elevation from which the link works in degrees. Assumption: 10.
        lowest_elevation_deg: f64 = 10.0,
        /// The downlink.
        downlink: Option<SatelliteDownlink>,
        /// The decoy-state source; its receiver is the downlink's.
        source: Option<DecoyBb84VacuumWeak>,
    }
}

record! {
    /// One pass.
    pub struct Pass {
        /// Closest approach, from the beginning of the period.
        at: Span,
        /// Elevation there in degrees.
        max_elevation_deg: f64,
        /// Key of the whole pass under a clear sky, if measured; else it follows from downlink and source.
        key: Option<Bits>,
    }
}

/// What a pass gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lump {
    /// Where the pass begins, from the beginning of the period.
    pub begin: Time,
    /// Where it ends and the key lands.
    pub end: Time,
    /// Secret bits under a clear sky.
    pub bits: u64,
}

/// All lumps of a period.
#[derive(Clone, PartialEq, Debug)]
pub struct Passes {
    /// In order of landing.
    pub lumps: Vec<Lump>,
    /// The period.
    pub every: Span,
    /// Probability of a clear sky.
    pub clear_sky: f64,
}

impl SatellitePass {
    /// The lumps of a period.
    ///
    /// # Errors
    /// What is wrong with the parameters: no passes, passes that never rise or reach beyond the period.
    pub fn lumps(&self) -> Result<Passes, Vec<Problem>> {
        let problem = |parameter, code, message: String, hint: &str| Problem {
            parameter,
            code,
            message,
            hint: hint.to_owned(),
        };
        let mut problems = Vec::new();
        if self.passes.is_empty() {
            let hint = "add \"passes\": [{\"at\": \"2 h\", \"max_elevation_deg\": 60}]";
            problems.push(problem(
                "passes",
                "no_passes",
                "the satellite never passes".to_owned(),
                hint,
            ));
        }
        let lowest = self.lowest_elevation_deg;
        if !(0.0..90.0).contains(&lowest) {
            let message = format!("the lowest elevation is {lowest} degrees");
            problems.push(problem(
                "lowest_elevation_deg",
                "parameter_range",
                message,
                "write 0 to 90",
            ));
        }
        let models = self.models();
        let downlink = match models {
            Ok(models) => Some(models),
            Err(more) => {
                problems.extend(more);
                None
            }
        };
        let (mut lumps, height_km) = (Vec::new(), self.downlink().height_km());
        for pass in &self.passes {
            let top = pass.max_elevation_deg;
            if !(top > lowest && top <= 90.0) {
                let message = format!("a pass rises to {top} degrees, the link works from {lowest}");
                problems.push(problem(
                    "passes",
                    "pass_too_low",
                    message,
                    "write an elevation up to 90",
                ));
                continue;
            }
            let Some((downlink, source)) = &downlink else {
                continue;
            };
            let orbit = Orbit::new(height_km, top);
            let half = orbit.seconds_above(lowest);
            let half_span = Span((half * 1e9) as u64);
            if pass.at < half_span || pass.at + half_span > self.every {
                let message = format!(
                    "the pass at {} takes {:.0} s and does not fit into the period",
                    pass.at,
                    2.0 * half
                );
                problems.push(problem(
                    "passes",
                    "pass_outside",
                    message,
                    "move it away from the period's edge",
                ));
                continue;
            }
            let rate_at = |second: f64| {
                let range_m = orbit.range_km(second) * 1e3;
                let eta = downlink.evaluate(&Channel::quiet(range_m, 0.0)).eta;
                source.rate_bps(&Channel::quiet(range_m, -10.0 * libm::log10(eta.max(1e-30))))
            };
            // By the middles of equal steps, near a second each.
            let steps = libm::ceil(2.0 * half).max(1.0);
            let step = 2.0 * half / steps;
            let sum: f64 = (0..steps as u32)
                .map(|k| rate_at((f64::from(k) + 0.5) * step - half))
                .sum();
            lumps.push(Lump {
                begin: Time(pass.at.0 - half_span.0),
                end: Time(pass.at.0 + half_span.0),
                bits: pass.key.map_or((sum * step) as u64, |key| key.0),
            });
        }
        if problems.is_empty() {
            lumps.sort_by_key(|lump| lump.end);
            Ok(Passes {
                lumps,
                every: self.every,
                clear_sky: self.clear_sky.as_number(),
            })
        } else {
            Err(problems)
        }
    }

    fn downlink(&self) -> SatelliteDownlink {
        self.downlink.clone().unwrap_or_else(SatelliteDownlink::usual)
    }

    /// The downlink, and the source behind a receiver without loss of its own.
    #[expect(clippy::type_complexity, reason = "two models or what is wrong with them")]
    fn models(&self) -> Result<(Arc<dyn LinkModel>, Arc<dyn LinkModel>), Vec<Problem>> {
        let source = DecoyBb84VacuumWeak {
            eta_bob: Some(1.0),
            ..self.source.clone().unwrap_or_else(DecoyBb84VacuumWeak::usual)
        };
        let within = |parameter: &'static str| {
            move |problems: Vec<Problem>| -> Vec<Problem> {
                let named = problems
                    .into_iter()
                    .map(|problem| Problem { parameter, ..problem });
                named.collect()
            }
        };
        match (
            self.downlink().model().map_err(within("downlink")),
            source.model().map_err(within("source")),
        ) {
            (Ok(downlink), Ok(source)) => Ok((downlink, source)),
            (downlink, source) => Err([downlink.err(), source.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        }
    }
}

/// A circular orbit past a station.
#[derive(Clone, Copy, Debug)]
struct Orbit {
    /// R + h \[km\].
    radius_km: f64,
    /// Least angle at Earth's centre between station and satellite \[rad\].
    least: f64,
    /// Angular velocity \[rad/s\].
    omega: f64,
}

impl Orbit {
    fn new(height_km: f64, top_deg: f64) -> Orbit {
        let radius_km = EARTH_RADIUS_KM + height_km;
        Orbit {
            radius_km,
            least: Orbit::angle(radius_km, top_deg),
            omega: libm::sqrt(GRAVITY / (radius_km * radius_km * radius_km)),
        }
    }

    /// The angle at Earth's centre under which a satellite is seen at an elevation.
    fn angle(radius_km: f64, elevation_deg: f64) -> f64 {
        let elevation = elevation_deg.to_radians();
        libm::acos((EARTH_RADIUS_KM / radius_km * libm::cos(elevation)).min(1.0)) - elevation
    }

    /// Seconds from reaching an elevation to the closest approach.
    fn seconds_above(&self, elevation_deg: f64) -> f64 {
        let edge = Orbit::angle(self.radius_km, elevation_deg);
        libm::acos((libm::cos(edge) / libm::cos(self.least)).min(1.0)) / self.omega
    }

    /// Slant range so many seconds from the closest approach.
    fn range_km(&self, second: f64) -> f64 {
        let cosine = libm::cos(self.least) * libm::cos(self.omega * second);
        let (r, s) = (EARTH_RADIUS_KM, self.radius_km);
        libm::sqrt(r * r + s * s - 2.0 * r * s * cosine)
    }
}

impl Parameters for SatellitePass {
    fn presets(&self) -> &'static [Preset] {
        &[]
    }

    fn model(&self) -> Result<Arc<dyn LinkModel>, Vec<Problem>> {
        Ok(Arc::new(self.lumps()?))
    }
}

impl Passes {
    /// Mean key rate, clouds included \[bit/s\].
    pub fn mean_bps(&self) -> f64 {
        let bits: u64 = self.lumps.iter().map(|lump| lump.bits).sum();
        bits as f64 * self.clear_sky * 1e9 / self.every.0 as f64
    }
}

impl LinkModel for Passes {
    /// The mean over the period: the loss is the pass's, not the channel's.
    fn evaluate(&self, channel: &Channel) -> Evaluation {
        Evaluation {
            rate_per_pulse: None,
            rate_bps: self.mean_bps(),
            ..Evaluation::pulsed(channel.transmittance(), 0.0, 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn satellite(passes: Vec<Pass>) -> SatellitePass {
        SatellitePass {
            passes,
            every: Span::from_seconds(86_400),
            clear_sky: Fraction::HALF,
            lowest_elevation_deg: 10.0,
            downlink: None,
            source: None,
        }
    }

    fn pass(max_elevation_deg: f64, key: Option<Bits>) -> Pass {
        Pass {
            at: Span::from_seconds(7_200),
            max_elevation_deg,
            key,
        }
    }

    /// An overhead pass at 500 km lasts some seven minutes above 10 degrees, and its closest range is the
    /// height.
    #[test]
    fn geometry() {
        let orbit = Orbit::new(500.0, 90.0);
        assert!((orbit.range_km(0.0) - 500.0).abs() < 1e-6);
        let half = orbit.seconds_above(10.0);
        // 14.06 degrees either way at 1.1085 mrad/s.
        assert!((2.0 * half - 442.7).abs() < 0.5, "{}", 2.0 * half);
        // The reference's slant range at 10 degrees.
        assert!((orbit.range_km(half) - 1694.567).abs() < 0.01);
    }

    #[test]
    fn higher_passes_give_more_and_measured_ones_what_was_measured() {
        let bits = |top| satellite(vec![pass(top, None)]).lumps().unwrap().lumps[0].bits;
        assert!(bits(90.0) > bits(40.0) && bits(40.0) > bits(20.0) && bits(20.0) > 0);
        let measured = satellite(vec![pass(60.0, Some(Bits(300_939)))]).lumps().unwrap();
        assert_eq!(measured.lumps[0].bits, 300_939);
        assert!((measured.mean_bps() - 300_939.0 / 2.0 / 86_400.0).abs() < 1e-9);
    }

    #[test]
    fn a_satellite_without_passes_is_refused() {
        let codes = |satellite: SatellitePass| -> Vec<&str> {
            satellite
                .lumps()
                .unwrap_err()
                .iter()
                .map(|problem| problem.code)
                .collect()
        };
        assert_eq!(codes(satellite(Vec::new())), ["no_passes"]);
        assert_eq!(codes(satellite(vec![pass(5.0, None)])), ["pass_too_low"]);
        let early = Pass {
            at: Span::ZERO,
            ..pass(60.0, None)
        };
        assert_eq!(codes(satellite(vec![early])), ["pass_outside"]);
    }
}
