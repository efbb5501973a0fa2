//! The QKDN manager: QLM, KMLM and QCLM hand what they receive to the XLMO, which keeps it (Y.3818 6.1, FE-7, FE-9).
//!
//! What passes between a layer manager and the XLMO is internal. Sharing over Mxi and the diagnosis that goes from the
//! XLMO to the QCLM (P11, P14) are not part of this machine yet.

use std::collections::BTreeMap;

use crate::architecture::message::{LinkPerformance, ManagementMessage, UsageRecord};
use crate::architecture::{Envelope, Message};
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
#[derive(Clone, Debug, Default)]
pub struct Manager {
    usage: BTreeMap<SessionId, SessionUsage>,
    alarms: Vec<Alarm>,
    performance: BTreeMap<LinkId, LinkPerformance>,
    relay_failures: u64,
}

impl Manager {
    /// A manager that has received nothing.
    pub fn new() -> Manager {
        Manager::default()
    }

    /// A message has been processed by the manager's server.
    pub fn on_message(&mut self, envelope: &Envelope, now: Time) {
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
            ManagementMessage::RelayFailure { .. } => self.relay_failures += 1,
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
    use super::*;
    use crate::architecture::{Address, Label, Procedure, RequestId, Step};
    use crate::ids::{ApplicationId, ManagerId, NodeId};

    /// Shows FE-9 in part: what is supplied and what crosses the border are kept apart, per session.
    #[test]
    fn usage_is_kept_by_session() {
        let mut manager = Manager::new();
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
            manager.on_message(&envelope, Time(9));
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
