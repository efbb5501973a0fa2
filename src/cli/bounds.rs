//! `qkdni bounds`: what theory says without simulating.

use serde_json::json;

use super::args::Bounds;
use super::work::Context;
use super::{Exit, Failure, Prepared};
use crate::analysis::availability::Failures;
use crate::analysis::bounds::bounds as of_plan;
use crate::archive::SCHEMA_VERSION;
use crate::report::bounds::{Variant, bounds as show};

pub(super) fn bounds(context: &mut Context<'_>, arguments: &Bounds) -> Result<Exit, Failure> {
    let failures = Failures {
        cuts_per_1000_km_and_year: arguments.cuts,
        repair_hours: arguments.repair.as_seconds() / 3_600.0,
        node: arguments.node_availability,
    };
    let prepared = context.engine.prepare(&arguments.file, &arguments.sets)?;
    context.warn(&prepared);
    let plan = prepared.plan.as_deref().expect("the simulator gives a plan");
    let found = of_plan(plan, &failures);
    let variants = match context.engine.derive(&arguments.file, &arguments.sets) {
        Ok(variants) if !plan.boundaries.is_empty() => break_even(&variants, &failures),
        // A scenario without a boundary, or one that no variant can be derived from, has no break-even.
        _ => Vec::new(),
    };
    if context.console.json() {
        let document = json!({
            "schema_version": SCHEMA_VERSION,
            "name": prepared.name,
            "bounds": found,
            "price": prepared.price,
            "variants": variants,
        });
        context.console.document(&document)?;
    } else {
        let look = context.console.look();
        let text = show(&found, prepared.price.as_ref(), &variants, look);
        context.console.data(&text)?;
    }
    Ok(Exit::Done)
}

/// What each way of joining the networks costs and carries.
fn break_even(variants: &[Prepared], failures: &Failures) -> Vec<Variant> {
    let interworking = variants
        .iter()
        .find(|variant| variant.label == "I")
        .and_then(|variant| variant.price.as_ref());
    let row = |variant: &Prepared| {
        let (plan, price) = (variant.plan.as_deref()?, variant.price.as_ref()?);
        let found = of_plan(plan, failures);
        let capacity = found
            .networks
            .iter()
            .map(|row| row.steady_bps)
            .fold(f64::INFINITY, f64::min);
        let change = interworking.and_then(|other| {
            let sites = f64::from(other.sites) - f64::from(price.sites);
            (sites != 0.0).then_some((price.total - other.total) / sites)
        });
        Some(Variant {
            name: variant.label.clone(),
            price: price.total,
            steady_bps: found.all.steady_bps,
            capacity_bps: if capacity.is_finite() { capacity } else { 0.0 },
            price_per_bps: price.total / capacity,
            site_price_change_to_break_even: change,
            site_price_at_break_even: change.and_then(|change| {
                let now = plan.prices?.site as f64;
                (now + change >= 0.0).then_some(now + change)
            }),
        })
    };
    variants.iter().filter_map(row).collect()
}
