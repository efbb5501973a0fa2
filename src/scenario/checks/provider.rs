//! Checks of what providers decide: policies and tariffs that contradict themselves.

use super::{Checker, at};
use crate::catalogue::{Path, suggest};
use crate::kernel::time::Span;
use crate::scenario::document::{BoundaryKind, PolicyRule, Qkdn, Reservation, Sharing, Tariff};
use crate::units::Bits;

impl Checker<'_> {
    pub(super) fn providers(&mut self) {
        let document = self.document;
        for (index, qkdn) in document.qkdns.iter().enumerate() {
            let here = at!("qkdns", index);
            self.policy(&here.then("policy"), qkdn);
            if let Some(tariff) = &qkdn.tariff {
                self.tariff(&here.then("tariff"), qkdn, tariff);
            }
        }
        let management = &document.protocol.management;
        let path = at!("protocol", "management");
        if management.settlement_period.is_some() && !document.protocol.usage_records {
            self.error(
                "settlement_without_usage",
                path.then("settlement_period"),
                "nothing can be settled: key managers send no usage records",
                "write \"usage_records\": true",
            );
        }
        let keys = match &document.security.sharing {
            Sharing::KsaKeys(keys) => Some(keys.period),
            Sharing::Computational(_) => None,
        };
        let periods = [
            (at!("security", "sharing", "ksa_keys", "period"), keys),
            (path.then("settlement_period"), management.settlement_period),
            (path.then("reports").then("period"), management.reports.period),
        ];
        for (path, period) in periods {
            if period == Some(Span::ZERO) {
                self.error(
                    "zero_period",
                    path,
                    "the period is no time at all",
                    "write a period such as \"1 min\", or leave it out",
                );
            }
        }
    }

    fn policy(&mut self, here: &Path, qkdn: &Qkdn) {
        let document = self.document;
        let policy = &qkdn.policy;
        if policy.transit_cost > 255 {
            self.error(
                "high_transit_cost",
                here.then("transit_cost"),
                format!("{} is no cost class", policy.transit_cost),
                "write a number from 0 to 255",
            );
        }
        if policy.offers_levels && !document.protocol.status_reports {
            self.error(
                "levels_unknown",
                here.then("offers_levels"),
                "key managers report no levels, so that none can be offered",
                "write \"status_reports\": true",
            );
        }
        let priorities = document.classes.iter().map(|class| class.priority);
        // A demand may always be of the class "default", which has priority 0 unless it is declared.
        let distinct = priorities.collect::<std::collections::BTreeSet<u32>>().len();
        if policy.preemption && distinct < 2 {
            self.error(
                "preemption_among_equals",
                here.then("preemption"),
                format!("QKDN {}: no class has a higher priority than another", qkdn.id),
                "give \"classes\" different priorities, or leave \"preemption\" out",
            );
        }
        for (index, rule) in policy.rules.iter().enumerate() {
            let path = here.then("rules").then(index);
            self.rule(&path, qkdn, rule);
            let same = |other: &PolicyRule| other.partner == rule.partner && other.class == rule.class;
            if policy.rules[..index].iter().any(same) {
                self.error(
                    "repeated_rule",
                    path,
                    "there is a rule for this partner and class already",
                    "write its floor and its quota into one rule",
                );
            }
        }
    }

    fn rule(&mut self, path: &Path, qkdn: &Qkdn, rule: &PolicyRule) {
        let document = self.document;
        if let Some(partner) = &rule.partner {
            let others = document.qkdns.iter().filter(|other| other.id != qkdn.id);
            let names: Vec<&str> = others.map(|other| other.id.as_str()).collect();
            if qkdn.id == *partner {
                self.error(
                    "own_partner",
                    path.then("partner"),
                    format!("QKDN {partner} is not its own partner"),
                    "rules are about keys shared with other QKDNs",
                );
            } else if !names.contains(&partner.as_str()) {
                self.error(
                    "unknown_qkdn",
                    path.then("partner"),
                    format!("there is no QKDN \"{partner}\""),
                    suggest(partner, &names),
                );
            }
        }
        if let Some(class) = &rule.class {
            self.class(&path.then("class"), class);
        }
        if rule.floor == Bits::ZERO && rule.quota.is_none() {
            self.error(
                "empty_rule",
                path.clone(),
                "the rule says nothing",
                "add a \"floor\" or a \"quota\"",
            );
        }
        let capacity = self.border_capacity(qkdn, rule.partner.as_deref());
        if let Some(capacity) = capacity
            && rule.floor > Bits::ZERO
            && rule.floor >= capacity
        {
            self.error(
                "floor_above_capacity",
                path.then("floor"),
                format!(
                    "the floor {} is not below what the border's store can hold, {capacity}",
                    rule.floor
                ),
                "no key would ever be served; a store's capacity is split between its two lanes",
            );
        }
        let Some(quota) = &rule.quota else { return };
        if document.protocol.reservation == Reservation::PerHop {
            self.error(
                "quota_without_reservation",
                path.then("quota"),
                "with reservation \"per_hop\" no controller sees every request",
                "write \"reservation\": \"segment\" in \"protocol\"",
            );
        }
        if quota.period == Span::ZERO {
            self.error(
                "zero_period",
                path.then("quota").then("period"),
                "the period is no time at all",
                "write a period such as \"1 min\"",
            );
        }
        if quota.amount == Bits::ZERO && rule.floor > Bits::ZERO {
            self.error(
                "contradictory_policy",
                path.clone(),
                "a quota of nothing and a floor: what is never admitted has no use for a level",
                "leave one of the two out",
            );
        }
        let (own, class) = (qkdn.id.as_str(), rule.class.as_deref());
        let concerned = document.demands.iter().filter(|demand| {
            let [from, to] = [&demand.between[0].qkdn, &demand.between[1].qkdn];
            let partner = if from == own { to } else { from };
            from != to
                && (from == own || to == own)
                && rule.partner.as_ref().is_none_or(|wanted| wanted == partner)
                && class.is_none_or(|class| demand.class == class)
        });
        for demand in concerned {
            let asked = demand.key.0.saturating_mul(u64::from(demand.number));
            if quota.amount > Bits::ZERO && quota.amount.0 < asked {
                self.error(
                    "quota_below_request",
                    path.then("quota").then("amount"),
                    format!(
                        "one request of demand {} asks for {}, more than the quota",
                        demand.id,
                        Bits(asked)
                    ),
                    "write 0 bit to admit none, or more than one request",
                );
            }
        }
    }

    /// Checks that a class is one that demands may be of.
    fn class(&mut self, path: &Path, class: &str) {
        let document = self.document;
        let declared = document.classes.iter().map(|class| class.id.as_str());
        let used = document.demands.iter().map(|demand| demand.class.as_str());
        let mut names: Vec<&str> = declared.chain(["default"]).collect();
        if document.classes.is_empty() {
            names.extend(used);
        }
        names.sort_unstable();
        names.dedup();
        if !names.contains(&class) {
            self.error(
                "unknown_class",
                path.clone(),
                format!("there is no class \"{class}\""),
                suggest(class, &names),
            );
        }
    }

    /// What the largest store of a QKDN's border with a partner can hold, both lanes together.
    fn border_capacity(&self, qkdn: &Qkdn, partner: Option<&str>) -> Option<Bits> {
        let boundaries = self.document.boundaries.iter().filter_map(|boundary| {
            let side = boundary.between.iter().position(|place| qkdn.id == place.qkdn)?;
            let other = boundary.between[1 - side].qkdn.as_str();
            if partner.is_some_and(|partner| partner != other) {
                return None;
            }
            Some(match &boundary.kind {
                BoundaryKind::Gwn(gwn) => gwn.link.store.capacity,
                BoundaryKind::Iwn(iwn) if side == 0 => iwn.link.store.capacity,
                BoundaryKind::Iwn(iwn) => iwn.link_b.as_ref().unwrap_or(&iwn.link).store.capacity,
            })
        });
        boundaries.max()
    }

    fn tariff(&mut self, path: &Path, qkdn: &Qkdn, tariff: &Tariff) {
        if tariff.currency.as_ref().is_none_or(|name| name.trim().is_empty()) {
            self.error(
                "tariff_without_currency",
                path.clone(),
                format!("the tariff of QKDN {} has no currency", qkdn.id),
                "add \"currency\": \"EUR\"",
            );
        }
        let mut prices = vec![
            (path.then("per_key"), tariff.per_key),
            (path.then("per_mbit"), tariff.per_mbit),
            (
                path.then("border_surcharge_per_mbit"),
                tariff.border_surcharge_per_mbit,
            ),
        ];
        for (index, price) in tariff.classes.iter().enumerate() {
            let here = path.then("classes").then(index);
            self.class(&here.then("class"), &price.class);
            if tariff.classes[..index]
                .iter()
                .any(|other| other.class == price.class)
            {
                self.error(
                    "repeated_rule",
                    here.then("class"),
                    format!("class {} has a price already", price.class),
                    "keep one of the two",
                );
            }
            prices.push((here.then("per_key"), price.per_key));
            prices.push((here.then("per_mbit"), price.per_mbit));
        }
        for (path, price) in prices {
            if !(0.0..=1e9).contains(&price) {
                self.error(
                    "bad_price",
                    path,
                    format!("{price} is no price"),
                    "write a number from 0 to 1e9",
                );
            } else if (price * 1e6 - libm::round(price * 1e6)).abs()
                > 2.0 * f64::EPSILON * (price * 1e6).max(1.0)
            {
                self.error(
                    "price_too_fine",
                    path,
                    format!("{price} has more than six places after the point"),
                    "prices count in millionths: write 0.000001 or a multiple of it",
                );
            }
        }
    }
}
