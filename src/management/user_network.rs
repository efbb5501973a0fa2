//! The user network manager, beyond Mu: outside the QKDN, it is told of its users' sessions and of nothing else (FCAPS to
//! users, S6); and what the QKDN manager keeps for that.

use std::collections::BTreeMap;

use crate::architecture::Envelope;
use crate::architecture::message::{ManagementMessage, Message, UsageRecord, UsageSegment, UserReport};
use crate::architecture::tariff::Tariff;
use crate::ids::{QkdnId, SessionId};
use crate::kernel::Time;

/// The sessions of a QKDN's own users, as its manager sees them.
#[derive(Clone, Debug, Default)]
pub struct UserSessions {
    sessions: BTreeMap<SessionId, UserReport>,
}

impl UserSessions {
    fn of(&mut self, session: SessionId) -> &mut UserReport {
        self.sessions.entry(session).or_insert(UserReport {
            session,
            application: None,
            supplies: 0,
            keys: 0,
            bits: 0,
            relay_failures: 0,
            cost: None,
        })
    }

    /// Key was supplied; what concerns another user or the border is passed over.
    pub fn on_usage(&mut self, record: &UsageRecord, tariff: Option<&Tariff>, own: QkdnId) {
        if record.segment != UsageSegment::Source {
            return;
        }
        let report = self.of(record.request.session);
        report.application = record.application;
        report.supplies += 1;
        report.keys += u64::from(record.keys);
        report.bits += record.bits;
        if let Some(tariff) = tariff {
            let crossed = record.partner != own;
            let cost = tariff.rate(record.class, u64::from(record.keys), record.bits, crossed);
            report.cost = Some(report.cost.unwrap_or_default() + cost.0);
        }
    }

    /// A relay or transfer of a session failed in this QKDN.
    pub fn on_relay_failure(&mut self, session: SessionId) {
        self.of(session).relay_failures += 1;
    }

    /// All that is known of a session.
    pub fn report(&mut self, session: SessionId) -> UserReport {
        *self.of(session)
    }
}

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct UserNetworkManager {
    reports: Vec<(Time, UserReport)>,
}

impl UserNetworkManager {
    /// A report of the QKDN manager.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time) {
        let Message::Management(ManagementMessage::UserReport(report)) = &envelope.message else {
            unreachable!("QKDN managers send user networks reports only")
        };
        self.reports.push((now, **report));
    }

    /// Reports, as they came.
    pub fn reports(&self) -> &[(Time, UserReport)] {
        &self.reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::RequestId;
    use crate::ids::{ApplicationId, ClassId, NodeId};

    /// Shows S6 and FE-9: a user's report counts its own supplies, and names its own application only.
    #[test]
    fn a_user_is_told_of_its_own_session() {
        let mut users = UserSessions::default();
        let record = |session, segment, application| UsageRecord {
            request: RequestId {
                session: SessionId(session),
                number: 0,
            },
            km: NodeId(0),
            application,
            segment,
            partner: QkdnId(1),
            class: ClassId(0),
            keys: 2,
            bits: 512,
            for_own_user: true,
            at: Time(1),
        };
        let own = Some(ApplicationId(4));
        users.on_usage(&record(0, UsageSegment::Source, own), None, QkdnId(0));
        users.on_usage(&record(0, UsageSegment::Border, None), None, QkdnId(0));
        users.on_usage(
            &record(1, UsageSegment::Destination, Some(ApplicationId(7))),
            None,
            QkdnId(0),
        );
        users.on_relay_failure(SessionId(0));
        let report = users.report(SessionId(0));
        assert_eq!(
            (report.application, report.supplies, report.keys, report.bits),
            (own, 1, 2, 512)
        );
        assert_eq!((report.relay_failures, report.cost), (1, None));
        assert_eq!(users.report(SessionId(1)).application, None);
    }
}
