//! Security management (functional element FE-11): security events are collected, and shared as counts with the other
//! providers that they concern.

use std::collections::BTreeMap;

use crate::architecture::message::{AlarmCause, ProviderReport, RequestId, Security};
use crate::ids::{FaultId, LinkId, QkdnId};
use crate::kernel::Time;

/// Something that security management takes note of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecurityEvent {
    /// A link makes no key: it may be an attack on its availability (S3), or an eavesdropper.
    LinkAlarm {
        /// Which link.
        link: LinkId,
        /// Why it makes none.
        cause: AlarmCause,
        /// The fault behind it, for traces.
        fault: Option<FaultId>,
    },
    /// The records of two providers differ (S4).
    Disputed {
        /// About which request.
        request: RequestId,
    },
}

/// The events of one QKDN, and what the others shared of theirs.
#[derive(Clone, Debug, Default)]
pub struct SecurityLog {
    events: Vec<(Time, SecurityEvent)>,
    since: BTreeMap<QkdnId, Security>,
    received: Vec<(QkdnId, ProviderReport)>,
}

impl SecurityLog {
    /// Something happened that concerns these providers.
    pub fn note(&mut self, at: Time, event: SecurityEvent, partners: &[QkdnId]) {
        for &partner in partners {
            let since = self.since.entry(partner).or_default();
            match event {
                SecurityEvent::LinkAlarm { cause, .. } => match cause {
                    AlarmCause::Interrupted | AlarmCause::NoKey => since.link_alarms += 1,
                    AlarmCause::Errors { .. } => since.error_alarms += 1,
                    AlarmCause::NotAuthenticated => since.authentication_alarms += 1,
                },
                SecurityEvent::Disputed { .. } => since.disputed_supplies += 1,
            }
        }
        self.events.push((at, event));
    }

    /// Counts since the last report to a provider.
    pub fn report(&mut self, partner: QkdnId) -> Security {
        self.since.remove(&partner).unwrap_or_default()
    }

    /// Another provider's report.
    pub fn receive(&mut self, from: QkdnId, report: ProviderReport) {
        self.received.push((from, report));
    }

    /// The events, as they came.
    pub fn events(&self) -> &[(Time, SecurityEvent)] {
        &self.events
    }

    /// The other providers' reports, as they came.
    pub fn received(&self) -> &[(QkdnId, ProviderReport)] {
        &self.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows FE-11: events are kept, and counted once in reports.
    #[test]
    fn events_are_counted_once() {
        let mut log = SecurityLog::default();
        let alarm = |cause| SecurityEvent::LinkAlarm {
            link: LinkId(0),
            cause,
            fault: None,
        };
        let events = [
            alarm(AlarmCause::Interrupted),
            alarm(AlarmCause::Errors { qber_ppm: 130_000 }),
            alarm(AlarmCause::NotAuthenticated),
            alarm(AlarmCause::Errors { qber_ppm: 120_000 }),
        ];
        for event in events {
            log.note(Time(1), event, &[QkdnId(1)]);
        }
        let expected = Security {
            link_alarms: 1,
            error_alarms: 2,
            authentication_alarms: 1,
            disputed_supplies: 0,
        };
        assert_eq!(log.report(QkdnId(2)), Security::default(), "it concerns another");
        assert_eq!(log.report(QkdnId(1)), expected);
        assert_eq!(log.report(QkdnId(1)), Security::default());
        assert_eq!(log.events(), events.map(|event| (Time(1), event)));
    }
}
