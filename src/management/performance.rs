//! Performance management (functional element FE-10): what QLM, KMLM and QCLM see is counted and analysed, and packed for
//! each other provider (P11 and P14, steps 5 and 6): what concerns the border with it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::message::{Condition, Performance};
use crate::architecture::surroundings::ManagedBorder;
use crate::ids::{HopId, LinkId, QkdnId};

/// What is so at present, and what has been seen since the last report to each provider.
#[derive(Clone, Debug, Default)]
pub struct PerformanceMonitor {
    down: BTreeSet<LinkId>,
    low: BTreeSet<HopId>,
    since: BTreeMap<QkdnId, Performance>,
}

impl PerformanceMonitor {
    /// QLM: a link stopped, or works again; whether that is news.
    pub fn on_link(&mut self, link: LinkId, generating: bool) -> bool {
        if generating {
            self.down.remove(&link)
        } else {
            self.down.insert(link)
        }
    }

    /// Whether a link makes key, as far as its modules' alarms say.
    pub fn makes_key(&self, link: LinkId) -> bool {
        !self.down.contains(&link)
    }

    /// KMLM: a store of the border is low, or no longer.
    pub fn on_level(&mut self, hop: HopId, low: bool) {
        if low {
            self.low.insert(hop);
        } else {
            self.low.remove(&hop);
        }
    }

    /// KMLM, QCLM: something that concerns the border with another provider, to be counted.
    pub fn count(&mut self, partner: QkdnId) -> &mut Performance {
        self.since.entry(partner).or_default()
    }

    /// The figures since the last report to a provider, analysed; `borders`: those with it. Assumption: failures are
    /// worse than what has not led to one yet.
    pub fn report<'a>(
        &mut self,
        partner: QkdnId,
        borders: impl Iterator<Item = &'a ManagedBorder>,
    ) -> Performance {
        let mut report = self.since.remove(&partner).unwrap_or_default();
        let stores: BTreeSet<(HopId, Option<LinkId>)> =
            borders.flat_map(|border| border.stores.iter().copied()).collect();
        let links: BTreeSet<LinkId> = stores.iter().filter_map(|&(_, link)| link).collect();
        report.links_down = links.intersection(&self.down).count() as u64;
        report.low_stores = stores.iter().filter(|(hop, _)| self.low.contains(hop)).count() as u64;
        report.condition = if report.relay_failures > 0 {
            Condition::Failing
        } else if report.links_down + report.low_stores > 0 {
            Condition::Degraded
        } else {
            Condition::Normal
        };
        report
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_border;
    use super::*;

    /// Shows FE-10: status is monitored and analysed; counts begin anew with each report, states last.
    #[test]
    fn figures_are_analysed() {
        let surroundings = with_border();
        let [border] = surroundings.borders.as_slice() else {
            panic!("one border")
        };
        let (partner, [(hop, Some(link))]) = (border.far_qkdn, &*border.stores) else {
            panic!("one store")
        };
        let mut monitor = PerformanceMonitor::default();
        let report = |monitor: &mut PerformanceMonitor| monitor.report(partner, [border].into_iter());
        assert_eq!(report(&mut monitor).condition, Condition::Normal);
        assert!(monitor.on_link(*link, false));
        assert!(!monitor.on_link(*link, false), "the other module says the same");
        assert!(!monitor.makes_key(*link));
        monitor.count(partner).relay_failures += 1;
        let first = report(&mut monitor);
        assert_eq!((first.links_down, first.relay_failures), (1, 1));
        assert_eq!(first.condition, Condition::Failing);
        let second = report(&mut monitor);
        assert_eq!((second.links_down, second.relay_failures), (1, 0));
        assert_eq!(second.condition, Condition::Degraded);
        assert!(monitor.on_link(*link, true));
        monitor.on_level(*hop, true);
        assert_eq!(report(&mut monitor).low_stores, 1);
        monitor.on_level(*hop, false);
        assert_eq!(report(&mut monitor), Performance::default());
        // What is not at the border with a provider is not told it.
        monitor.on_link(LinkId(77), false);
        monitor.on_level(HopId(77), true);
        monitor.count(QkdnId(77)).crossed_bits += 1;
        assert_eq!(report(&mut monitor), Performance::default());
    }
}
