//! What providers decide: policies and tariffs, with names of partners and classes made ids.

use super::Compiler;
use crate::architecture::policy::{Policy, Quota, Rule};
use crate::architecture::surroundings::{ManagementOptions, ReportTriggers};
use crate::architecture::tariff::{Price, Tariff};
use crate::scenario::document::{self, Management};

impl Compiler<'_> {
    /// Comes after the demands: classes that nobody asks in concern nobody.
    pub(super) fn providers(&mut self) {
        let document = self.document;
        for class in &document.classes {
            if let Some(id) = self.builder.find_class(class.id.as_str()) {
                self.builder.priority(id, class.priority);
                match class.lacking {
                    document::Lacking::Wait => {}
                    document::Lacking::Refill => self.builder.refilled(id),
                    document::Lacking::Fail => self.builder.impatient(id),
                }
            }
        }
        for qkdn in &document.qkdns {
            let id = self.qkdns[qkdn.id.as_str()];
            let rules = qkdn.policy.rules.iter().filter_map(|rule| self.rule(rule));
            let policy = Policy {
                rules: rules.collect(),
                preemption: qkdn.policy.preemption,
                refuses_transit: qkdn.policy.transit == document::Transit::Refuse,
                transit_cost: qkdn.policy.transit_cost.min(255) as u8,
                offers_levels: qkdn.policy.offers_levels,
                ..Policy::default()
            };
            self.builder.policy(id, policy);
            if let Some(tariff) = &qkdn.tariff {
                let tariff = self.tariff(tariff);
                self.builder.tariff(id, tariff);
            }
        }
    }

    /// A rule, unless it is about a class that nobody asks in.
    fn rule(&self, rule: &document::PolicyRule) -> Option<Rule> {
        let class = match &rule.class {
            Some(name) => Some(self.builder.find_class(name)?),
            None => None,
        };
        Some(Rule {
            partner: rule.partner.as_ref().map(|name| self.qkdns[name.as_str()]),
            class,
            floor: rule.floor.0,
            quota: rule.quota.as_ref().map(|quota| Quota {
                bits: quota.amount.0,
                period: quota.period,
            }),
        })
    }

    fn tariff(&self, tariff: &document::Tariff) -> Tariff {
        let price = |per_key, per_mbit| Price {
            per_key: millionths(per_key),
            per_mbit: millionths(per_mbit),
        };
        let of_class = |name: &str| {
            let own = tariff.classes.iter().find(|price| price.class == name);
            own.map_or(price(tariff.per_key, tariff.per_mbit), |own| {
                price(own.per_key, own.per_mbit)
            })
        };
        Tariff {
            currency: tariff.currency.clone().expect("the checks ask for it"),
            prices: self.builder.class_names().map(of_class).collect(),
            border_surcharge_per_mbit: millionths(tariff.border_surcharge_per_mbit),
        }
    }
}

/// What managers are asked for.
pub(super) fn management(management: &Management) -> ManagementOptions {
    let reports = &management.reports;
    ManagementOptions {
        settlement_period: management.settlement_period,
        configuration_records: management.configuration_records,
        user_reports: management.user_reports,
        reports: ReportTriggers {
            period: reports.period,
            on_alarm: reports.on_alarm,
            on_relay_failure: reports.on_relay_failure,
            level_below: reports.on_level_below,
        },
    }
}

/// A price in millionths, to the nearest.
fn millionths(price: f64) -> u64 {
    libm::round(price * 1e6) as u64
}
