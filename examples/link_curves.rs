//! Draws the curve of every link model of `docs/link-models.md` anew.
//!
//! ```text
//! cargo run --release --example link_curves
//! ```

use std::fs;

use qkdni::quantum::models::{BLOCK_SIFTED, bounds};
use qkdni::report::link_curve::{LinkPoint, picture};
use qkdni::scenario::link_model;

/// Models, their parameters, and the farthest distance to draw \[km\].
const MODELS: [(&str, &str, u32); 14] = [
    ("decoy_bb84_asymptotic", "{}", 200),
    ("decoy_bb84_vacuum_weak", "{}", 200),
    ("gllp_no_decoy_muopt", "{}", 100),
    ("decoy_bb84_finite_lim2014_fixed", "{}", 200),
    ("decoy_bb84_finite_lim2014_opt", "{}", 200),
    ("cv_gg02_homodyne_RR", "{}", 200),
    ("cv_gg02_heterodyne_RR", "{}", 200),
    ("sns_tfqkd_asymptotic_fixed", "{}", 500),
    ("sns_tfqkd_asymptotic_opt", "{}", 500),
    ("mdi_wcs_asymptotic_fixed", "{}", 250),
    ("mdi_wcs_asymptotic_opt", "{}", 250),
    ("bbm92_pdc_middle_fixed", "{}", 350),
    ("bbm92_pdc_middle_opt", "{}", 350),
    ("measured_table", r#"{"preset": "toshiba_high_rate"}"#, 100),
];

fn main() -> Result<(), String> {
    for (name, parameters, farthest) in MODELS {
        let model = link_model(name, parameters).map_err(|findings| findings.render())?;
        let point = |step: u32| {
            let distance_km = f64::from(farthest * step) / 100.0;
            let channel = model.over_distance(distance_km);
            let found = model.evaluate(&channel);
            LinkPoint {
                distance_km,
                eta: found.eta,
                qber: found.qber,
                rate_per_pulse: found.rate_per_pulse,
                rate_bps: Some(found.rate_bps),
                block_time_s: found.block_time_s(BLOCK_SIFTED),
                plob: Some(bounds::plob(channel.transmittance())).filter(|bound| bound.is_finite()),
            }
        };
        let points: Vec<LinkPoint> = (0..=100).map(point).collect();
        let path = format!("docs/link-models/{name}.svg");
        fs::write(&path, picture(name, &points)?).map_err(|error| format!("{path}: {error}"))?;
        println!("{path}");
    }
    Ok(())
}
