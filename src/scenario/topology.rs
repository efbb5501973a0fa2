//! A bare topology: sites, fibres and what is asked, before it is a scenario.
//!
//! Importers and templates make one; [`assemble()`](super::assemble::assemble) turns it into a scenario.

use std::collections::BTreeMap;

/// The attribute in which templates say which QKDN a site is in.
pub const QKDN: &str = "qkdn";

/// Sites and the fibres between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// Its name.
    pub name: String,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// What the reader left out or took for granted.
    pub notes: Vec<String>,
    /// The sites.
    pub sites: Vec<Site>,
    /// The fibres.
    pub fibres: Vec<Fibre>,
    /// Who asks whom for how much, relative to the others.
    pub demands: Vec<Asked>,
}

/// A site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Its id in the file.
    pub id: String,
    /// Longitude and latitude \[degrees\].
    pub lon_lat: Option<[f64; 2]>,
    /// What else the file says of it, by name.
    pub attributes: BTreeMap<String, String>,
}

/// What is known of a fibre's length \[km\].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// Nothing: it follows from the places of its ends.
    Unknown,
    /// The fibre's own.
    Fibre(f64),
    /// The distance of its ends as the crow flies.
    Straight(f64),
}

/// A fibre between two sites.
#[derive(Clone, Debug, PartialEq)]
pub struct Fibre {
    /// The sites at its ends, by number.
    pub ends: [usize; 2],
    /// Its length.
    pub length: Length,
    /// Its loss, where the file gives one \[dB\].
    pub loss_db: Option<f64>,
    /// Whether the file itself says that its length and its loss are estimates.
    pub estimates: [bool; 2],
}

/// A demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Who asks, and for a key with whom.
    pub ends: [usize; 2],
    /// How much, in the file's unit.
    pub value: f64,
}

/// Mean radius of the Earth \[km\] (IUGG R₁).
const EARTH_KM: f64 = 6_371.008_8;

/// Distance of two places on the globe \[km\] (haversine).
pub fn great_circle_km(a: [f64; 2], b: [f64; 2]) -> f64 {
    let [lon_a, lat_a] = a.map(f64::to_radians);
    let [lon_b, lat_b] = b.map(f64::to_radians);
    let sine = |angle: f64| libm::sin(angle / 2.0);
    let (by_lat, by_lon) = (sine(lat_b - lat_a), sine(lon_b - lon_a));
    let chord = by_lat * by_lat + libm::cos(lat_a) * libm::cos(lat_b) * by_lon * by_lon;
    2.0 * EARTH_KM * libm::asin(libm::sqrt(chord.min(1.0)))
}

/// The place `east` and `north` kilometres from 10° E, 50° N, for topologies that lie nowhere; good to a percent
/// over some 500 km.
pub fn place_on_map(east: f64, north: f64) -> [f64; 2] {
    const KM_PER_DEGREE: f64 = 111.195;
    let round = |degrees: f64| libm::round(degrees * 1e5) / 1e5;
    let at_50 = libm::cos(50_f64.to_radians());
    [
        round(10.0 + east / (KM_PER_DEGREE * at_50)),
        round(50.0 + north / KM_PER_DEGREE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_topohub() {
        // data/sndlib/polska.json of topohub 1.5.1: Gdansk – Warsaw 273.93 km, Katowice – Krakow 78.70 km.
        assert!((great_circle_km([18.6, 54.2], [21.0, 52.2]) - 273.93).abs() < 0.3);
        assert!((great_circle_km([18.8, 50.3], [19.8, 50.0]) - 78.70).abs() < 0.1);
    }

    #[test]
    fn places_on_the_map_are_as_far_apart_as_meant() {
        let far = great_circle_km(place_on_map(0.0, 0.0), place_on_map(30.0, 40.0));
        assert!((far - 50.0).abs() < 0.5, "{far}");
    }
}
