//! A provider's policy (functional element FE-5): which partner QKDN and which class may use how much of the border's
//! key. It is part of what a QKDN's own controllers know; key managers are told only the terms of each reservation.

use crate::ids::{ClassId, QkdnId};
use crate::kernel::Span;

/// The terms on which a key manager serves a request.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Terms {
    /// Waiters of a higher priority are served first.
    pub priority: u32,
    /// Level of the hop's store that must be left \[bits\].
    pub floor: u64,
    /// Whether it may take what was kept for waiters of a lower priority that have not reserved it yet, or is promised to
    /// those that have not started.
    pub preempts: bool,
    /// Whether it fails at once where it finds too little key, instead of waiting.
    pub fails_at_once: bool,
    /// Whether what it lacks is relayed round the hop: that counts as failed until its level has risen.
    pub refills: bool,
}

/// At most `bits` in each period, counted from time 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// How much \[bits\].
    pub bits: u64,
    /// In which time.
    pub period: Span,
}

/// One rule. All rules that match a request hold: the highest floor, and every quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Keys shared with this QKDN; `None`: with any other.
    pub partner: Option<QkdnId>,
    /// Keys of this class; `None`: of any.
    pub class: Option<ClassId>,
    /// Minimum level of the border's store, below which these keys are not served \[bits\].
    pub floor: u64,
    /// How much of the border's key they may use.
    pub quota: Option<Quota>,
}

impl Rule {
    /// Whether the rule is about keys shared with that QKDN, in that class.
    pub fn matches(&self, partner: QkdnId, class: ClassId) -> bool {
        self.partner.is_none_or(|own| own == partner) && self.class.is_none_or(|own| own == class)
    }
}

/// A provider's policy.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Policy {
    /// What holds at the border.
    pub rules: Vec<Rule>,
    /// Whether a request may take what was kept for waiters of a lower priority, or promised to one that has not started.
    pub preemption: bool,
    /// Whether keys between two other QKDNs are refused.
    pub refuses_transit: bool,
    /// Cost class of keys between two other QKDNs: what those before choose their way by.
    pub transit_cost: u8,
    /// Whether offers of ways through this QKDN name the class of the least store on them.
    pub offers_levels: bool,
    /// Priority of each class, by its id; 0 where there is none.
    pub priorities: Vec<u32>,
    /// Classes whose requests fail at once where they find too little key.
    pub impatient: Vec<ClassId>,
    /// Classes of which what lacks at a hop is relayed round it.
    pub refilled: Vec<ClassId>,
}

impl Policy {
    /// The floor of the border's store that keys shared with a QKDN keep, in whatever class.
    pub fn floor(&self, partner: QkdnId) -> u64 {
        let about = self
            .rules
            .iter()
            .filter(|rule| rule.partner.is_none_or(|own| own == partner));
        about.map(|rule| rule.floor).max().unwrap_or_default()
    }

    /// The terms of a class; `partner`: the QKDN across the border, where the hop spends border key.
    pub fn terms(&self, partner: Option<QkdnId>, class: ClassId) -> Terms {
        let floors = self
            .rules
            .iter()
            .filter(|rule| partner.is_some_and(|partner| rule.matches(partner, class)));
        Terms {
            priority: self.priorities.get(class.0 as usize).copied().unwrap_or_default(),
            floor: floors.map(|rule| rule.floor).max().unwrap_or_default(),
            preempts: self.preemption,
            fails_at_once: self.fails_at_once(class),
            refills: self.refilled.contains(&class),
        }
    }

    /// Whether requests of a class fail at once where they find too little key.
    pub fn fails_at_once(&self, class: ClassId) -> bool {
        self.impatient.contains(&class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows FE-5: the highest floor of the rules that match holds, and only at the border.
    #[test]
    fn terms_follow_from_the_rules_that_match() {
        let rule = |partner, class, floor| Rule {
            partner,
            class,
            floor,
            quota: None,
        };
        let policy = Policy {
            rules: vec![
                rule(Some(QkdnId(1)), None, 10),
                rule(None, Some(ClassId(1)), 70),
                rule(Some(QkdnId(2)), Some(ClassId(1)), 500),
            ],
            preemption: true,
            refuses_transit: false,
            transit_cost: 0,
            offers_levels: false,
            priorities: vec![3, 0],
            impatient: vec![ClassId(1)],
            refilled: vec![ClassId(0)],
        };
        let terms = |partner, class| policy.terms(partner, ClassId(class));
        assert_eq!(
            (
                terms(Some(QkdnId(1)), 0).floor,
                terms(Some(QkdnId(1)), 0).priority
            ),
            (10, 3)
        );
        assert_eq!(terms(Some(QkdnId(1)), 1).floor, 70);
        assert_eq!(terms(Some(QkdnId(2)), 1).floor, 500);
        assert_eq!(terms(None, 1).floor, 0);
        assert!(terms(None, 1).fails_at_once && !terms(None, 0).fails_at_once);
        assert!(terms(None, 0).refills && !terms(None, 1).refills);
    }
}
