//! Performance management (functional element FE-10): what QLM, KMLM and QCLM see is counted and analysed, and packed for
//! the other provider (P11 and P14, steps 5 and 6).

use std::collections::BTreeSet;

use crate::architecture::message::{Condition, Performance, UsageRecord, UsageSegment};
use crate::ids::{HopId, LinkId};

/// What has been seen since the last report.
#[derive(Clone, Debug, Default)]
pub struct PerformanceMonitor {
    down: BTreeSet<LinkId>,
    low: BTreeSet<HopId>,
    since: Performance,
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

    /// KMLM: a store of the border is low, or no longer.
    pub fn on_level(&mut self, hop: HopId, low: bool) {
        if low {
            self.low.insert(hop);
        } else {
            self.low.remove(&hop);
        }
    }

    /// KMLM: key was supplied, or crossed the border.
    pub fn on_usage(&mut self, record: &UsageRecord) {
        match record.segment {
            UsageSegment::Source | UsageSegment::Destination => self.since.supplied_bits += record.bits,
            UsageSegment::Border => self.since.crossed_bits += record.bits,
            UsageSegment::Transit => {} // its way on is counted at the border
        }
    }

    /// KMLM: a relay or transfer failed.
    pub fn on_relay_failure(&mut self) {
        self.since.relay_failures += 1;
    }

    /// QCLM: a route was provisioned or changed.
    pub fn on_route(&mut self) {
        self.since.routes += 1;
    }

    /// The figures since the last report, analysed. Assumption: failures are worse than what has not led to one yet.
    pub fn report(&mut self) -> Performance {
        let mut report = std::mem::take(&mut self.since);
        report.links_down = self.down.len() as u64;
        report.low_stores = self.low.len() as u64;
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
    use super::*;

    /// Shows FE-10: status is monitored and analysed; counts begin anew with each report, states last.
    #[test]
    fn figures_are_analysed() {
        let mut monitor = PerformanceMonitor::default();
        assert_eq!(monitor.report().condition, Condition::Normal);
        assert!(monitor.on_link(LinkId(1), false));
        assert!(
            !monitor.on_link(LinkId(1), false),
            "the other module says the same"
        );
        monitor.on_relay_failure();
        let report = monitor.report();
        assert_eq!((report.links_down, report.relay_failures), (1, 1));
        assert_eq!(report.condition, Condition::Failing);
        let report = monitor.report();
        assert_eq!((report.links_down, report.relay_failures), (1, 0));
        assert_eq!(report.condition, Condition::Degraded);
        assert!(monitor.on_link(LinkId(1), true));
        monitor.on_level(HopId(2), true);
        assert_eq!(monitor.report().low_stores, 1);
        monitor.on_level(HopId(2), false);
        assert_eq!(monitor.report(), Performance::default());
    }
}
