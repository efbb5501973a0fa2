//! Who may speak to whom, over what: reference points follow from placement alone (requirement RP-rule).

use super::plan::Plan;
use crate::architecture::reference_point::Relation;
use crate::architecture::{Address, ReferencePoint};

/// How two elements lie to each other.
pub fn relation(plan: &Plan, a: Address, b: Address) -> Relation {
    let (a, b) = (plan.placement(a), plan.placement(b));
    match (a.iwn, b.iwn) {
        _ if a.qkdn == b.qkdn => Relation::SameQkdn,
        (Some(one), Some(other)) if one == other => Relation::WithinIwn,
        _ => Relation::BetweenQkdns,
    }
}

/// The reference point between two elements; `None`: they may not speak.
pub fn reference_point(plan: &Plan, from: Address, to: Address) -> Option<ReferencePoint> {
    ReferencePoint::between(from.kind(), to.kind(), relation(plan, from, to))
}
