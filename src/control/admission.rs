//! Admission by the provider's policy (functional element FE-5): quotas of the border's key.
//!
//! Assumption: a quota is counted by the controller that decides on the segment, in periods from time 0; key that was
//! refused or given back in the same period does not count.

use super::controller::Controller;
use super::segment::{Crossing, Segment};
use crate::architecture::message::{Ask, Subject};
use crate::architecture::observation::{Choice, Decision};
use crate::architecture::policy::{Policy, Quota, Rule, Terms};
use crate::architecture::{Outbox, RequestId};
use crate::ids::{ClassId, HopId, QkdnId};
use crate::kernel::Time;

/// What a rule's quota has been used for.
#[derive(Clone, Copy, Default, Debug)]
struct Used {
    period: u64,
    bits: u64,
}

/// Bits that were admitted in one period of each quota that matched, to be given back if nothing comes of it.
#[derive(Clone, Debug, Default)]
pub struct Charge {
    bits: u64,
    /// Rules, and the period of each.
    periods: Vec<(usize, u64)>,
}

/// How much of each quota is used.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    now: Time,
    used: Vec<Used>,
}

impl Admission {
    /// Time goes on: quotas of past periods are void.
    pub fn advance_to(&mut self, now: Time) {
        self.now = now;
    }

    /// The instant that it was told last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Charges a request to every quota that matches.
    ///
    /// # Errors
    /// Why not, if one of them is used up; then none is charged.
    pub fn admit(
        &mut self,
        policy: &Policy,
        partner: QkdnId,
        class: ClassId,
        bits: u64,
    ) -> Result<Charge, &'static str> {
        self.used.resize(policy.rules.len(), Used::default());
        let quotas = || {
            let matching = |rule: &Rule| rule.quota.filter(|_| rule.matches(partner, class));
            let rules = policy.rules.iter().enumerate();
            rules.filter_map(move |(at, rule)| Some((at, matching(rule)?)))
        };
        let now = self.now;
        let period = |quota: Quota| now.0 / quota.period.0.max(1);
        for (at, quota) in quotas() {
            let used = &mut self.used[at];
            if used.period != period(quota) {
                *used = Used {
                    period: period(quota),
                    bits: 0,
                };
            }
            if used.bits + bits > quota.bits {
                return Err("the quota of the border's key is used up for this period");
            }
        }
        let periods: Vec<(usize, u64)> = quotas().map(|(at, quota)| (at, period(quota))).collect();
        for &(at, _) in &periods {
            self.used[at].bits += bits;
        }
        Ok(Charge { bits, periods })
    }

    /// Nothing came of it.
    pub fn give_back(&mut self, charge: &Charge) {
        for &(at, period) in &charge.periods {
            if self.used[at].period == period {
                self.used[at].bits -= charge.bits;
            }
        }
    }
}

impl Charge {
    /// Together with another of the same request.
    fn and(mut self, other: Charge) -> Charge {
        self.bits = other.bits;
        self.periods.extend(other.periods);
        self
    }
}

impl Controller {
    /// Whether policy admits a further request of a segment; if so, what it is charged for.
    pub(super) fn admit(&mut self, ask: Ask, bits: u64, out: &mut Outbox) -> Option<Charge> {
        let RequestId { session, .. } = ask.request;
        let segment = &self.segments[&session];
        let policy = &self.surroundings.policy;
        let mut charge = Charge::default();
        // What passes through uses the key of two borders.
        for crossing in segment.crossings() {
            match self.admission.admit(policy, crossing.qkdn, segment.class, bits) {
                Ok(more) => charge = charge.and(more),
                Err(reason) => {
                    out.explain(|| Decision::new(Choice::Refuse, Subject::request(ask.request), reason));
                    self.admission.give_back(&charge);
                    return None;
                }
            }
        }
        Some(charge)
    }

    /// The terms of a segment's reservation at one hop: the floor is that of the border's store. Where crossing spends
    /// nothing, that is the store of the hop next to the border.
    pub(super) fn terms(&self, segment: &Segment, hop: HopId) -> Terms {
        let spends = |hop: &&HopId| self.hop(**hop).store().is_some();
        let last = segment.path.iter().rev().find(spends) == Some(&hop);
        let first = segment.path.first() == Some(&hop) && self.enters_without_key(segment);
        let across = |crossing: &Option<Crossing>| crossing.as_ref().map(|crossing| crossing.qkdn);
        let leaves = across(&segment.place.after).filter(|_| last);
        let enters = across(&segment.place.before).filter(|_| first);
        let terms = |partner| self.surroundings.policy.terms(partner, segment.class);
        Terms {
            floor: terms(leaves).floor.max(terms(enters).floor),
            ..terms(leaves)
        }
    }

    /// Whether keys come into the segment over a border hop that spends none.
    fn enters_without_key(&self, segment: &Segment) -> bool {
        let mut borders = self.surroundings.borders.iter();
        borders.any(|border| border.hop.from == segment.ends[0] && border.hop.store().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    /// Shows FE-5: a quota admits what fits in, per period, and takes back what came to nothing.
    #[test]
    fn a_quota_is_used_up_and_comes_back_with_its_period() {
        let rule = Rule {
            partner: None,
            class: Some(ClassId(1)),
            floor: 0,
            quota: Some(Quota {
                bits: 100,
                period: Span(10),
            }),
        };
        let policy = Policy {
            rules: vec![rule],
            ..Policy::default()
        };
        let mut admission = Admission::default();
        let admit = |admission: &mut Admission, class, bits| {
            admission.admit(&policy, QkdnId(1), ClassId(class), bits)
        };
        let first = admit(&mut admission, 1, 60).expect("it fits in");
        assert!(admit(&mut admission, 1, 60).is_err());
        assert!(admit(&mut admission, 0, 60).is_ok(), "another class has no quota");
        admission.give_back(&first);
        let second = admit(&mut admission, 1, 100).expect("the first was given back");
        admission.advance_to(Time(10));
        assert!(admit(&mut admission, 1, 100).is_ok(), "a new period");
        admission.give_back(&second);
        assert!(
            admit(&mut admission, 1, 1).is_err(),
            "what was given back is the last period's"
        );
    }
}
