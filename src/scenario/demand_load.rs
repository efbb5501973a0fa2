//! Demand as a share of what the network can carry: `load` becomes `demand_scale`.

use super::document::Document;
use super::{compile, derive};
use crate::analysis::bounds::between_networks;
use crate::interworking::layout::Which;
use crate::units::Fraction;

/// The factor at which the busiest direction between two QKDNs asks for all that variant I carries in the long run
/// (max-flow between all sources and all sinks of the direction), the sites of all boundaries half-way: the same for
/// every variant and wherever the sites are. `None` if nothing is asked across a boundary, or nothing gets across.
pub(super) fn full_load(document: &Document) -> Option<f64> {
    let mut halfway = document.clone();
    for boundary in &mut halfway.boundaries {
        boundary.site_at = Fraction::HALF;
    }
    let plan = compile(&derive(&halfway, Which::I));
    let directions = between_networks(&plan);
    let factors = directions.iter().filter(|direction| direction.asked_bps > 0.0);
    let least = factors.map(|direction| direction.steady_bps / direction.asked_bps);
    least.min_by(f64::total_cmp).filter(|factor| *factor > 0.0)
}

#[cfg(test)]
mod tests {
    use crate::analysis::bounds::between_networks;
    use crate::interworking::layout::Which;
    use crate::scenario::{compile, derive, load};
    use crate::units::Fraction;

    /// At a load of 0.6 the busiest direction asks for 0.6 of the min-cut of I with its site half-way, wherever the site is
    /// and whatever the demand was; the resolved scenario says by which factor, and loads again as it is.
    #[test]
    fn load_is_a_share_of_the_min_cut() {
        let file = "scenarios/polska-nobel-germany.json";
        for sets in [
            vec![],
            vec!["boundaries.border.site_at=0.1".to_owned()],
            vec!["demand_scale=7".to_owned()],
        ] {
            let sets = [sets, vec!["load=0.6".to_owned()]].concat();
            let loaded = load(file, &sets).expect("valid");
            assert_eq!(loaded.document.load, None);
            let mut document = loaded.document.clone();
            document.boundaries[0].site_at = Fraction::HALF;
            let plan = compile(&derive(&document, Which::I));
            let directions = between_networks(&plan);
            let shares = directions
                .iter()
                .map(|direction| direction.asked_bps / direction.steady_bps);
            let busiest = shares.fold(0.0, f64::max);
            assert!((busiest - 0.6).abs() < 1e-9, "{busiest}");
            let again = crate::scenario::load_text("resolved", &loaded.resolved_text(), &[]).expect("valid");
            assert_eq!(again.document, loaded.document);
        }
    }
}
