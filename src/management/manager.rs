//! The QKDN manager: QLM, KMLM and QCLM hand what they receive to the XLMO (Y.3818 6.1, FE-7, FE-9). What passes between
//! a layer manager and the XLMO is internal; [`fault_management`](super::fault_management) is its part of P11 and P14.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::architecture::message::{LinkPerformance, ManagementMessage, UsageRecord};
use crate::architecture::surroundings::ManagerSurroundings;
use crate::architecture::{Envelope, Message, Outbox};
use crate::ids::{FaultId, LinkId, SessionId};
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
    usage: BTreeMap<SessionId, SessionUsage>,
    alarms: Vec<Alarm>,
    performance: BTreeMap<LinkId, LinkPerformance>,
    pub(super) relay_failures: u64,
}

impl Manager {
    /// A manager that has received nothing.
    pub fn new(surroundings: Arc<ManagerSurroundings>) -> Manager {
        Manager {
            surroundings,
            usage: BTreeMap::new(),
            alarms: Vec::new(),
            performance: BTreeMap::new(),
            relay_failures: 0,
        }
    }

    /// A message has been processed by the manager's server.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time, out: &mut Outbox) {
        let Message::Management(message) = &envelope.message else {
            unreachable!("managers speak management messages only")
        };
        match message {
            ManagementMessage::Usage(UsageRecord {
                request,
                application,
                bits,
                ..
            }) => {
                let usage = self.usage.entry(request.session).or_default();
                usage.records += 1;
                match application {
                    Some(_) => usage.supplied_bits += bits,
                    None => usage.crossed_bits += bits,
                }
            }
            ManagementMessage::LinkAlarm {
                link,
                generating,
                fault,
            } => {
                self.alarms.push(Alarm {
                    link: *link,
                    generating: *generating,
                    fault: *fault,
                    at: now,
                });
            }
            ManagementMessage::LinkReport {
                link, performance, ..
            } => {
                self.performance.insert(*link, *performance);
            }
            ManagementMessage::RelayFailure { .. } | ManagementMessage::RelayFailureShared { .. } => {
                self.on_relay_failure(message, envelope.label.procedure, out);
            }
            ManagementMessage::Decision { .. } => unreachable!("decisions go to controllers"),
        }
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
        &self.performance
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
    use crate::architecture::{Address, Label, Procedure, RequestId, Step};
    use crate::ids::{ApplicationId, ManagerId, NodeId};

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
                bits: 10,
                at: Time(5),
            };
            let envelope = Envelope {
                from: Address::kma(NodeId(1)),
                to: Address::manager(ManagerId(0)),
                label: Label::new(Procedure::P9, Step::Usage),
                message: ManagementMessage::Usage(record).into(),
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
