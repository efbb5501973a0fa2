//! The QKDN manager: QLM, KMLM and QCLM hand what they receive to the XLMO (Y.3818 6.1, FE-7 … FE-11). What passes between
//! a layer manager and the XLMO is internal; [`fault_management`](super::fault_management) is its part of P11 and P14,
//! `sharing` is what goes to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::accounting::Ledger;
use super::configuration::Configuration;
use super::performance::PerformanceMonitor;
use super::security::SecurityLog;
use super::user_network::UserSessions;
use crate::architecture::message::{LinkPerformance, ManagementMessage, Subject, UsageRecord, UsageSegment};
use crate::architecture::surroundings::ManagerSurroundings;
use crate::architecture::{Address, Envelope, Label, Message, Outbox, Step};
use crate::ids::{BoundaryId, ControllerId, FaultId, HopId, LinkId, SessionId};
use crate::kernel::Time;

/// What the XLMO knows of a session's use of the key supply service.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SessionUsage {
    /// Usage records.
    pub records: u64,
    /// Supplied to applications of this QKDN \[bits\].
    pub supplied_bits: u64,
    /// Handed across the border \[bits\].
    pub crossed_bits: u64,
}

/// A link alarm or its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Which link.
    pub link: LinkId,
    /// Whether it generates.
    pub generating: bool,
    /// The fault behind it, for traces.
    pub fault: Option<FaultId>,
    /// When the manager had it.
    pub at: Time,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Manager {
    pub(super) surroundings: Arc<ManagerSurroundings>,
    pub(super) ledger: Ledger,
    pub(super) performance: PerformanceMonitor,
    pub(super) security: SecurityLog,
    pub(super) configuration: Configuration,
    pub(super) users: UserSessions,
    usage: BTreeMap<SessionId, SessionUsage>,
    alarms: Vec<Alarm>,
    links: BTreeMap<LinkId, LinkPerformance>,
    pub(super) relay_failures: u64,
    /// Boundaries over which relays fail at present.
    pub(super) failing: BTreeSet<BoundaryId>,
    /// Failures that were shared and are not over: by the hop that lacked key, sessions with boundary and fault.
    pub(super) shared: BTreeMap<HopId, BTreeMap<SessionId, (BoundaryId, Option<FaultId>)>>,
}

impl Manager {
    /// A manager that has received nothing.
    pub fn new(surroundings: Arc<ManagerSurroundings>) -> Manager {
        Manager {
            ledger: Ledger::new(surroundings.parameters.management.settlement_period),
            performance: PerformanceMonitor::default(),
            security: SecurityLog::default(),
            configuration: Configuration::default(),
            users: UserSessions::default(),
            surroundings,
            usage: BTreeMap::new(),
            alarms: Vec::new(),
            links: BTreeMap::new(),
            relay_failures: 0,
            failing: BTreeSet::new(),
            shared: BTreeMap::new(),
        }
    }

    /// A message has been processed by the manager's server.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time, out: &mut Outbox) {
        let Message::Management(message) = &envelope.message else {
            unreachable!("managers speak management messages only")
        };
        match message {
            ManagementMessage::Usage(
                record @ UsageRecord {
                    request,
                    application,
                    bits,
                    ..
                },
            ) => {
                let usage = self.usage.entry(request.session).or_default();
                usage.records += 1;
                match (application, record.segment) {
                    (Some(_), _) => usage.supplied_bits += bits,
                    (None, UsageSegment::Transit) => {} // its way on is counted at the border
                    (None, _) => usage.crossed_bits += bits,
                }
                self.on_usage(*record, envelope.label, out);
            }
            ManagementMessage::LinkAlarm { link, cause, fault } => {
                self.alarms.push(Alarm {
                    link: *link,
                    generating: cause.is_none(),
                    fault: *fault,
                    at: now,
                });
                if cause.is_none() {
                    self.relays_work_over(*link);
                }
                self.on_link(*link, *cause, *fault, now, out);
            }
            ManagementMessage::LinkReport {
                link, performance, ..
            } => {
                self.links.insert(*link, *performance);
            }
            ManagementMessage::RelayRestored { .. } | ManagementMessage::RelayRestoredShared { .. } => {
                self.on_relay_restored(message, envelope.label.procedure, out);
            }
            ManagementMessage::RelayFailure { .. } | ManagementMessage::RelayFailureShared { .. } => {
                self.on_relay_failure(message, envelope.label.procedure, out);
                if let &ManagementMessage::RelayFailure {
                    request,
                    boundary,
                    fault,
                    ..
                } = message
                {
                    let subject = Subject::session(request.session, fault);
                    self.count_relay_failure(subject, boundary, now, out);
                }
            }
            ManagementMessage::Decision { .. } | ManagementMessage::Maintenance { .. } => {
                unreachable!("decisions go to controllers")
            }
            ManagementMessage::SessionClosed { session } => {
                self.on_session_closed(*session, envelope.label, now, out);
            }
            ManagementMessage::SettlementStatement(_)
            | ManagementMessage::SettlementSigned(_)
            | ManagementMessage::SettlementAcknowledged(_) => {
                self.on_settlement(message, envelope.from, now, out);
            }
            ManagementMessage::ProviderReport(report) => self.on_provider_report(envelope.from, **report),
            ManagementMessage::LevelAlarm { hop, low } => self.on_level(*hop, *low, now, out),
            ManagementMessage::Capability { node, capability } => {
                self.configuration.on_capability(*node, *capability);
            }
            ManagementMessage::RouteProvisioned(record) => {
                self.count_route(&record.hops);
                self.configuration.on_route((**record).clone());
            }
            ManagementMessage::UserReport(_) => unreachable!("reports to users go to their network"),
        }
    }

    /// The operator takes a link out of service soon, or has put it back: the controller of its end is told.
    pub fn announce(
        &self,
        link: LinkId,
        planned: bool,
        fault: FaultId,
        controller: ControllerId,
        out: &mut Outbox,
    ) {
        let message = ManagementMessage::Maintenance { link, planned, fault };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        out.send(Address::controller(controller), label, message);
    }

    /// The provider's books.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Records of KMs and routes.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Security events, and the reports of other providers.
    pub fn security(&self) -> &SecurityLog {
        &self.security
    }

    /// Usage by session.
    pub fn usage(&self) -> &BTreeMap<SessionId, SessionUsage> {
        &self.usage
    }

    /// Link alarms, in order.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// The last that was heard of each link.
    pub fn performance(&self) -> &BTreeMap<LinkId, LinkPerformance> {
        &self.links
    }

    /// Relay failures that KMs reported.
    pub fn relay_failures(&self) -> u64 {
        self.relay_failures
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::alone;
    use super::*;
    use crate::architecture::{Procedure, RequestId};
    use crate::ids::{ApplicationId, ClassId, ManagerId, NodeId, QkdnId};

    /// Shows FE-9 in part: what is supplied and what crosses the border are kept apart, per session.
    #[test]
    fn usage_is_kept_by_session() {
        let mut manager = Manager::new(alone());
        let mut out = Outbox::new(Address::manager(ManagerId(0)));
        for (number, application) in [Some(ApplicationId(0)), None, Some(ApplicationId(0))]
            .into_iter()
            .enumerate()
        {
            let request = RequestId {
                session: SessionId(7),
                number: number as u32,
            };
            let record = UsageRecord {
                request,
                km: NodeId(1),
                application,
                segment: if application.is_some() {
                    UsageSegment::Source
                } else {
                    UsageSegment::Border
                },
                partner: QkdnId(0),
                class: ClassId(0),
                keys: 1,
                bits: 10,
                for_own_user: true,
                at: Time(5),
            };
            let envelope = Envelope {
                from: Address::kma(NodeId(1)),
                to: Address::manager(ManagerId(0)),
                label: Label::new(Procedure::P9, Step::Usage),
                message: ManagementMessage::Usage(record).into(),
                tag: None,
            };
            manager.on_message(&envelope, Time(9), &mut out);
        }
        let usage = manager.usage()[&SessionId(7)];
        assert_eq!(
            usage,
            SessionUsage {
                records: 3,
                supplied_bits: 20,
                crossed_bits: 10
            }
        );
    }
}
