//! What the XLMO shares: settlements with other providers (P9 step 10, P12 step 11), packed performance and security
//! information (P11 and P14, steps 5 and 6), and reports to the users' network (Mu).

use super::manager::Manager;
use super::security::SecurityEvent;
use crate::architecture::message::{
    AlarmCause, ManagementMessage, ProviderReport, Settlement, Subject, UsageRecord, UsageSegment,
};
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{FaultId, HopId, LinkId, ManagerId, QkdnId, SessionId};
use crate::kernel::Time;

impl Manager {
    /// The start of the run: the first periodic report is set.
    pub fn on_start(&mut self, out: &mut Outbox) {
        if let Some(period) = self.surroundings.parameters.management.reports.period {
            out.wake(Time::ZERO + period, Timer::ProviderReport);
        }
    }

    /// The period of reports is over.
    pub fn on_timer(&mut self, timer: Timer, now: Time, out: &mut Outbox) {
        debug_assert_eq!(timer, Timer::ProviderReport, "managers set no other");
        self.share_report(now, out);
        if let Some(period) = self.surroundings.parameters.management.reports.period {
            out.wake(now + period, Timer::ProviderReport);
        }
    }

    /// A usage record of this QKDN's KMs.
    pub(super) fn on_usage(&mut self, record: UsageRecord, label: Label, out: &mut Outbox) {
        self.performance.on_usage(&record);
        if self.surroundings.parameters.management.user_reports {
            self.users.on_usage(
                &record,
                self.surroundings.tariff.as_deref(),
                self.surroundings.qkdn,
            );
        }
        let said = self
            .ledger
            .on_usage(record, self.surroundings.qkdn, label.procedure);
        let Some((partner, said)) = said else { return };
        let message = if matches!(record.segment, UsageSegment::Border | UsageSegment::Source) {
            ManagementMessage::SettlementStatement
        } else {
            ManagementMessage::SettlementSigned
        };
        self.say(Some(said), partner, message, record.at, out);
    }

    /// The last request of a session of this QKDN's users has ended.
    pub(super) fn on_session_closed(
        &mut self,
        session: SessionId,
        label: Label,
        now: Time,
        out: &mut Outbox,
    ) {
        for (partner, said) in self.ledger.on_session_closed(session) {
            self.say(
                Some(said),
                partner,
                ManagementMessage::SettlementStatement,
                now,
                out,
            );
        }
        if self.surroundings.parameters.management.user_reports {
            let report = self.users.report(session);
            let to = Address::user_network_manager(self.surroundings.id);
            out.send(to, label, ManagementMessage::UserReport(Box::new(report)));
        }
    }

    /// Another provider states, signs or acknowledges.
    pub(super) fn on_settlement(
        &mut self,
        message: &ManagementMessage,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        let partner = self.provider(from);
        match message {
            ManagementMessage::SettlementStatement(statement) => {
                let (said, onward) = self.ledger.on_statement(partner, statement);
                self.say(said, partner, ManagementMessage::SettlementSigned, now, out);
                for (next, statement) in onward {
                    self.say(
                        Some(statement),
                        next,
                        ManagementMessage::SettlementStatement,
                        now,
                        out,
                    );
                }
            }
            ManagementMessage::SettlementSigned(signed) => {
                self.note_disputes(signed, now, out);
                let said = self.ledger.on_countersignature(partner, signed);
                self.say(said, partner, ManagementMessage::SettlementAcknowledged, now, out);
            }
            ManagementMessage::SettlementAcknowledged(said) => self.ledger.on_acknowledgement(partner, said),
            _ => unreachable!("dispatched by type"),
        }
    }

    /// Puts something about a session to the other provider.
    fn say(
        &mut self,
        said: Option<Settlement>,
        partner: QkdnId,
        message: fn(Box<Settlement>) -> ManagementMessage,
        now: Time,
        out: &mut Outbox,
    ) {
        let Some(said) = said else { return };
        self.note_disputes(&said, now, out);
        let account = &self.ledger.accounts()[&(said.session, partner)];
        let label = Label::new(account.procedure, Step::Usage);
        if let Some(manager) = self.manager_of(partner) {
            out.send(Address::manager(manager), label, message(Box::new(said)));
        }
    }

    fn note_disputes(&mut self, said: &Settlement, now: Time, out: &mut Outbox) {
        for &number in &said.disputed {
            let request = RequestId {
                session: said.session,
                number,
            };
            self.security.note(now, SecurityEvent::Disputed { request });
            out.observe(Observation::Disputed { request });
        }
    }

    fn manager_of(&self, qkdn: QkdnId) -> Option<ManagerId> {
        let mut borders = self.surroundings.borders.iter();
        borders
            .find(|border| border.far_qkdn == qkdn)
            .map(|border| border.far_manager)
    }

    /// QLM: a module's alarm, or its end.
    pub(super) fn on_link(
        &mut self,
        link: LinkId,
        cause: Option<AlarmCause>,
        fault: Option<FaultId>,
        now: Time,
        out: &mut Outbox,
    ) {
        // Both modules of a link say so.
        if !self.performance.on_link(link, cause.is_none()) {
            return;
        }
        if let Some(cause) = cause {
            let event = SecurityEvent::LinkAlarm { link, cause, fault };
            self.security.note(now, event);
            let note = match cause {
                AlarmCause::Interrupted | AlarmCause::NoKey => None,
                AlarmCause::Errors { .. } => {
                    Some("QLM reports a security event to the XLMO: a link's blocks have too many errors")
                }
                AlarmCause::NotAuthenticated => {
                    Some("QLM reports a security event to the XLMO: a link's blocks cannot be authenticated")
                }
            };
            if let Some(note) = note {
                let label = Label::new(self.fault_management(), Step::LayerReport);
                let subject = Subject {
                    fault,
                    ..Subject::default()
                };
                out.observe(Observation::Internal { label, subject, note });
            }
        }
        if self.surroundings.parameters.management.reports.on_alarm {
            self.share_report(now, out);
        }
    }

    /// KMLM: a store of the border is low, or no longer.
    pub(super) fn on_level(&mut self, hop: HopId, low: bool, now: Time, out: &mut Outbox) {
        self.performance.on_level(hop, low);
        if low {
            self.share_report(now, out);
        }
    }

    /// Another provider's packed report.
    pub(super) fn on_provider_report(&mut self, from: Address, report: ProviderReport) {
        self.security.receive(self.provider(from), report);
    }

    /// The QKDN of a neighbouring provider's manager.
    fn provider(&self, manager: Address) -> QkdnId {
        let mut borders = self.surroundings.borders.iter();
        let border = borders.find(|border| Address::manager(border.far_manager) == manager);
        border.expect("only neighbouring providers speak").far_qkdn
    }

    /// KMLM: a relay or transfer of this QKDN failed.
    pub(super) fn count_relay_failure(&mut self, session: SessionId, now: Time, out: &mut Outbox) {
        self.performance.on_relay_failure();
        let management = &self.surroundings.parameters.management;
        if management.user_reports {
            self.users.on_relay_failure(session);
        }
        if management.reports.on_relay_failure {
            self.share_report(now, out);
        }
    }

    /// P11, or P14 where all boundaries are transfers.
    fn fault_management(&self) -> Procedure {
        self.surroundings.parameters.rerouting.fault_management()
    }

    /// Steps 5 and 6: the layer managers' figures are packed, and go to every neighbouring provider.
    pub(super) fn share_report(&mut self, now: Time, out: &mut Outbox) {
        let procedure = self.fault_management();
        out.observe(Observation::Internal {
            label: Label::new(procedure, Step::LayerReport),
            subject: Subject::default(),
            note: "QLM, KMLM and QCLM report performance and security to the XLMO",
        });
        let report = ProviderReport {
            at: now,
            performance: self.performance.report(),
            security: self.security.report(),
        };
        let mut partners: Vec<ManagerId> = self
            .surroundings
            .borders
            .iter()
            .map(|border| border.far_manager)
            .collect();
        partners.sort();
        partners.dedup();
        for partner in partners {
            let label = Label::new(procedure, Step::ReportShared);
            let message = ManagementMessage::ProviderReport(Box::new(report));
            out.send(Address::manager(partner), label, message);
        }
    }
}
