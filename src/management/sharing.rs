//! What the XLMO shares: settlements with other providers (P9 step 10, P12 step 11), packed performance and security
//! information (P11 and P14, steps 5 and 6), and reports to the users' network (Mu).

use std::collections::BTreeSet;

use super::manager::Manager;
use super::security::SecurityEvent;
use crate::architecture::message::{
    AlarmCause, ManagementMessage, ProviderReport, Settlement, Subject, UsageRecord, UsageSegment,
};
use crate::architecture::surroundings::ManagedBorder;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{BoundaryId, FaultId, HopId, LinkId, ManagerId, QkdnId, SessionId};
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
        let partners = self.partners(|_| true);
        self.share_report(&partners, Subject::default(), now, out);
        if let Some(period) = self.surroundings.parameters.management.reports.period {
            out.wake(now + period, Timer::ProviderReport);
        }
    }

    /// A usage record of this QKDN's KMs.
    pub(super) fn on_usage(&mut self, record: UsageRecord, label: Label, out: &mut Outbox) {
        self.count_usage(&record);
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

    /// The last request of a session that begins here has ended. Users are told of their own.
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
        let of_user = !self.surroundings.own_sessions.contains(&session);
        if self.surroundings.parameters.management.user_reports && of_user {
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
                self.note_disputes(signed, partner, now, out);
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
        self.note_disputes(&said, partner, now, out);
        let account = &self.ledger.accounts()[&(said.session, partner)];
        let label = Label::new(account.procedure, Step::Usage);
        if let Some(manager) = self.manager_of(partner) {
            out.send(Address::manager(manager), label, message(Box::new(said)));
        }
    }

    fn note_disputes(&mut self, said: &Settlement, partner: QkdnId, now: Time, out: &mut Outbox) {
        for &number in &said.disputed {
            let request = RequestId {
                session: said.session,
                number,
            };
            let event = SecurityEvent::Disputed { request };
            self.security.note(now, event, &[partner]);
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
        let at_border = |border: &ManagedBorder| border.stores.iter().any(|&(_, it)| it == Some(link));
        let mut partners = self.partners(at_border);
        let subject = Subject {
            fault,
            ..Subject::default()
        };
        if let Some(cause) = cause {
            if !matches!(cause, AlarmCause::Interrupted | AlarmCause::NoKey) {
                partners = self.partners(|_| true);
            }
            let event = SecurityEvent::LinkAlarm { link, cause, fault };
            self.security.note(now, event, &partners);
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
                out.observe(Observation::Internal { label, subject, note });
            }
        }
        if self.surroundings.parameters.management.reports.on_alarm {
            self.share_report(&partners, subject, now, out);
        }
    }

    /// KMLM: a store of the border is low, or no longer.
    pub(super) fn on_level(&mut self, hop: HopId, low: bool, now: Time, out: &mut Outbox) {
        self.performance.on_level(hop, low);
        if low {
            let at_border = |border: &ManagedBorder| border.stores.iter().any(|&(it, _)| it == hop);
            let partners = self.partners(at_border);
            self.share_report(&partners, Subject::default(), now, out);
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

    /// KMLM: key was supplied that crossed the border with another provider, or was handed across it.
    fn count_usage(&mut self, record: &UsageRecord) {
        let UsageRecord { request, bits, .. } = *record;
        match record.segment {
            UsageSegment::Source => {
                if let Some(partner) = self.ledger.crossed_to(request) {
                    self.performance.count(partner).supplied_bits += bits;
                }
            }
            UsageSegment::Border => {
                let own = record.for_own_user && self.ledger.is_supplied(request);
                let counted = self.performance.count(record.partner);
                counted.crossed_bits += bits;
                counted.supplied_bits += if own { bits } else { 0 };
            }
            UsageSegment::Destination if record.partner != self.surroundings.qkdn => {
                self.performance.count(record.partner).supplied_bits += bits;
            }
            // What stays inside concerns nobody else; what passes on is counted at the border.
            UsageSegment::Destination | UsageSegment::Transit => {}
        }
    }

    /// KMLM: a relay or transfer of this QKDN failed; the provider beyond the boundary that its session leaves by is
    /// concerned.
    pub(super) fn count_relay_failure(
        &mut self,
        subject: Subject,
        boundary: Option<BoundaryId>,
        now: Time,
        out: &mut Outbox,
    ) {
        let partners = self.partners(|border| Some(border.boundary) == boundary);
        for &partner in &partners {
            self.performance.count(partner).relay_failures += 1;
        }
        let management = &self.surroundings.parameters.management;
        if let (true, Some(session)) = (management.user_reports, subject.session) {
            self.users.on_relay_failure(session);
        }
        if management.reports.on_relay_failure {
            self.share_report(&partners, subject, now, out);
        }
    }

    /// QCLM: a route was provisioned or changed; those beyond the borders that it leads over are concerned.
    pub(super) fn count_route(&mut self, hops: &[HopId]) {
        for partner in self.partners(|border| hops.contains(&border.hop)) {
            self.performance.count(partner).routes += 1;
        }
    }

    /// The providers beyond some of the borders, in order.
    fn partners(&self, at: impl Fn(&ManagedBorder) -> bool) -> Vec<QkdnId> {
        let borders = self.surroundings.borders.iter().filter(|border| at(border));
        let partners: BTreeSet<QkdnId> = borders.map(|border| border.far_qkdn).collect();
        partners.into_iter().collect()
    }

    /// Inside this QKDN: P11, or P14 where all boundaries are transfers.
    fn fault_management(&self) -> Procedure {
        self.surroundings.parameters.rerouting.fault_management()
    }

    /// Steps 5 and 6: the layer managers' figures are packed for each of these providers, and go there.
    fn share_report(&mut self, partners: &[QkdnId], cause: Subject, now: Time, out: &mut Outbox) {
        if partners.is_empty() {
            return;
        }
        let with = |partner: QkdnId| {
            let borders = self.surroundings.borders.iter();
            borders.filter(move |border| border.far_qkdn == partner)
        };
        // With gateway nodes between two providers, if there are any, it is the text's P11.
        let over = |partner: QkdnId| with(partner).map(|border| border.fault_management).min();
        let procedures: BTreeSet<Procedure> = partners.iter().filter_map(|&partner| over(partner)).collect();
        for &procedure in &procedures {
            out.observe(Observation::Internal {
                label: Label::new(procedure, Step::LayerReport),
                subject: cause,
                note: "QLM, KMLM and QCLM report performance and security to the XLMO",
            });
        }
        for &partner in partners {
            let procedure = over(partner).expect("partners are beyond borders");
            let shared = with(partner);
            let report = ProviderReport {
                at: now,
                performance: self.performance.report(partner, shared),
                security: self.security.report(partner),
                cause,
            };
            let manager = self.manager_of(partner).expect("partners are beyond borders");
            let label = Label::new(procedure, Step::ReportShared);
            let message = ManagementMessage::ProviderReport(Box::new(report));
            out.send(Address::manager(manager), label, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::with_border;
    use super::*;
    use crate::architecture::message::{Condition, FailureCause, Performance};
    use crate::architecture::{Effect, Envelope};
    use crate::ids::{ApplicationId, ClassId, ControllerId, NodeId};

    const NEIGHBOUR: QkdnId = QkdnId(1);

    fn tell(manager: &mut Manager, message: ManagementMessage) -> Vec<ManagementMessage> {
        let mut out = Outbox::new(Address::manager(ManagerId(0)));
        let envelope = Envelope {
            from: Address::kma(NodeId(0)),
            to: Address::manager(ManagerId(0)),
            label: Label::new(Procedure::P9, Step::Usage),
            message: message.into(),
            tag: None,
        };
        manager.on_message(&envelope, Time(5), &mut out);
        sent(out)
    }

    fn sent(mut out: Outbox) -> Vec<ManagementMessage> {
        let sent = out.take().into_iter().filter_map(|effect| match effect {
            Effect::Send(envelope) => match envelope.message {
                crate::architecture::Message::Management(message) => Some(message),
                _ => None,
            },
            _ => None,
        });
        sent.collect()
    }

    fn used(number: u32, segment: UsageSegment, partner: QkdnId, for_own_user: bool) -> ManagementMessage {
        ManagementMessage::Usage(UsageRecord {
            request: RequestId {
                session: SessionId(0),
                number,
            },
            km: NodeId(0),
            application: (segment != UsageSegment::Border).then_some(ApplicationId(0)),
            segment,
            partner,
            class: ClassId(0),
            keys: 1,
            bits: 100,
            for_own_user,
            at: Time(1),
        })
    }

    fn failure(boundary: Option<BoundaryId>) -> ManagementMessage {
        ManagementMessage::RelayFailure {
            request: RequestId {
                session: SessionId(0),
                number: 0,
            },
            hop: HopId(8),
            at_border: false,
            generating: true,
            cause: FailureCause::InsufficientKey,
            at: Time(2),
            boundary,
            decider: ControllerId(2),
            fault: None,
        }
    }

    fn interrupted(link: LinkId) -> ManagementMessage {
        ManagementMessage::LinkAlarm {
            link,
            cause: Some(AlarmCause::Interrupted),
            fault: None,
        }
    }

    fn periodic(manager: &mut Manager) -> ProviderReport {
        let mut out = Outbox::new(Address::manager(ManagerId(0)));
        manager.on_timer(Timer::ProviderReport, Time(9), &mut out);
        match &sent(out)[..] {
            [ManagementMessage::ProviderReport(report)] => **report,
            other => panic!("{other:?}"),
        }
    }

    fn with_triggers() -> Manager {
        let mut surroundings = Arc::unwrap_or_clone(with_border());
        let parameters = Arc::make_mut(&mut surroundings.parameters);
        parameters.management.user_reports = true;
        parameters.management.reports.on_alarm = true;
        parameters.management.reports.on_relay_failure = true;
        Manager::new(Arc::new(surroundings))
    }

    /// Shows S6 and FE-10: a provider is told of the border with it; keys, links, failures and routes that are this
    /// provider's own neither change what it is told nor when.
    #[test]
    fn what_is_inside_is_not_told() {
        let own = QkdnId(0);
        let mut manager = with_triggers();
        let inside = [
            used(0, UsageSegment::Source, own, true),
            used(0, UsageSegment::Destination, own, true),
            used(1, UsageSegment::Source, NEIGHBOUR, true), // not known to have crossed
            failure(None),
            interrupted(LinkId(77)),
            ManagementMessage::LevelAlarm {
                hop: HopId(77),
                low: true,
            },
        ];
        for message in inside {
            let said = tell(&mut manager, message.clone());
            let report = |it: &ManagementMessage| matches!(it, ManagementMessage::ProviderReport(_));
            assert!(!said.iter().any(report), "{message:?}: {said:?}");
        }
        manager.count_route(&[HopId(1), HopId(77)]);
        let nothing = periodic(&mut manager);
        assert_eq!(
            (nothing.performance, nothing.security),
            (
                Performance::default(),
                crate::architecture::message::Security::default()
            )
        );
        // What was supplied before it is known to have crossed counts with the border's record, and once.
        for message in [
            used(1, UsageSegment::Border, NEIGHBOUR, true),
            used(2, UsageSegment::Border, NEIGHBOUR, true),
            used(2, UsageSegment::Source, NEIGHBOUR, true),
            used(3, UsageSegment::Border, NEIGHBOUR, true), // its user was never supplied
            used(4, UsageSegment::Destination, NEIGHBOUR, false),
        ] {
            tell(&mut manager, message);
        }
        manager.count_route(&[HopId(1), HopId(4)]);
        let report = periodic(&mut manager).performance;
        let counted = (report.supplied_bits, report.crossed_bits, report.routes);
        assert_eq!(counted, (300, 300, 1));
        let told = tell(&mut manager, failure(Some(BoundaryId(0))));
        let Some(ManagementMessage::ProviderReport(report)) = told.last() else {
            panic!("{told:?}")
        };
        assert_eq!(
            report.cause.session,
            Some(SessionId(0)),
            "the trace says what set it off"
        );
        assert_eq!(
            (report.performance.relay_failures, report.performance.condition),
            (1, Condition::Failing)
        );
        assert_eq!(tell(&mut manager, interrupted(LinkId(3))).len(), 1);
    }

    /// Shows RP-Mu and S6: sessions that the provider asks for itself are no users'.
    #[test]
    fn users_are_not_told_of_the_providers_own_sessions() {
        let mut manager = with_triggers();
        for (session, reports) in [(SessionId(0), 1), (SessionId(9), 0)] {
            let said = tell(&mut manager, ManagementMessage::SessionClosed { session });
            assert_eq!(said.len(), reports, "{session:?}");
        }
    }
}
