//! The order of synchronisation, supply and usage of one request (P9 steps 8, 9 and 10; P12 steps 10 and 11), end by end.
//!
//! Assumption: each end goes by its own part of a step. The destination has synchronised when it answers that it holds the
//! key, the source when it has that answer; then each supplies its application, and records usage afterwards. What was
//! handed across a border is recorded once the destination has supplied. So the destination is done before the answer is
//! back at the source: to hold it back until the source has supplied would take the way from end to end once more, for
//! every key.

use crate::architecture::message::{
    KeyManagementMessage, ManagementMessage, Message, ServiceMessage, UsageSegment,
};
use crate::architecture::{Address, Envelope};

/// The two ends of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Their KSAs: source, destination.
    pub ksas: [Address; 2],
    /// The application that asks.
    pub application: Address,
    /// Whether its key is for applications: that of a leg or of a pool goes to none, and is recorded once synchronised.
    pub supplies: bool,
}

impl Ends {
    /// At which end an application stands.
    pub fn end_of(&self, application: Address) -> usize {
        usize::from(application != self.application)
    }
}

/// How far the ends are: source, destination.
#[derive(Clone, Copy, Default, Debug)]
pub struct Supplies {
    synchronised: [bool; 2],
    supplied: [bool; 2],
}

impl Supplies {
    /// Whether an end has synchronised: 0 the source, 1 the destination.
    pub const fn is_synchronised(self, end: usize) -> bool {
        self.synchronised[end]
    }

    /// A message about the request is sent: whether it may be. Whether what is supplied was synchronised, of which a request
    /// with legs knows nothing itself, is asked of [`is_synchronised`](Self::is_synchronised).
    pub fn sent(&mut self, envelope: &Envelope, ends: &Ends) -> bool {
        match &envelope.message {
            Message::KeyManagement(KeyManagementMessage::SupplyResponse { accepted: true, .. }) => {
                // The response is on its way to the source from the last one that passes it on.
                self.synchronised[0] |= envelope.to == ends.ksas[0];
                let answers = envelope.from == ends.ksas[1];
                self.synchronised[1] |= answers;
                answers || self.synchronised[1]
            }
            Message::Service(ServiceMessage::KeySupply { .. }) => {
                self.supply(ends.end_of(envelope.to));
                true
            }
            Message::Management(ManagementMessage::Usage(record)) => {
                let end = match record.segment {
                    UsageSegment::Source => 0,
                    UsageSegment::Destination | UsageSegment::Border | UsageSegment::Transit => 1,
                };
                self.supplied[end] || (!ends.supplies && self.synchronised[end])
            }
            _ => true,
        }
    }

    /// An end supplies its application.
    fn supply(&mut self, end: usize) {
        self.supplied[end] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::message::UsageRecord;
    use crate::architecture::{Label, Procedure, RequestId, Step};
    use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId, SessionId};
    use crate::kernel::Time;

    const REQUEST: RequestId = RequestId {
        session: SessionId(0),
        number: 0,
    };

    fn envelope(from: Address, to: Address, step: Step, message: impl Into<Message>) -> Envelope {
        Envelope {
            from,
            to,
            label: Label::new(Procedure::P9, step),
            message: message.into(),
            tag: None,
        }
    }

    /// Shows FE-2: an end has synchronised when its answer is there, records after its supply, and no answer comes from
    /// nowhere.
    #[test]
    fn each_end_synchronises_supplies_and_records() {
        let [source, border, destination] = [0, 1, 2].map(|node| Address::ksa(NodeId(node)));
        let asks = Address::application(ApplicationId(0));
        let ends = Ends {
            ksas: [source, destination],
            application: asks,
            supplies: true,
        };
        let response = |from, to| {
            let message = KeyManagementMessage::SupplyResponse {
                request: REQUEST,
                source: NodeId(0),
                accepted: true,
            };
            envelope(from, to, Step::Synchronisation, message)
        };
        let usage = |segment| {
            let record = UsageRecord {
                request: REQUEST,
                km: NodeId(1),
                application: None,
                segment,
                partner: QkdnId(1),
                class: ClassId(0),
                keys: 1,
                bits: 8,
                for_own_user: true,
                at: Time(0),
            };
            envelope(border, source, Step::Usage, ManagementMessage::Usage(record))
        };
        let beyond = [
            UsageSegment::Destination,
            UsageSegment::Border,
            UsageSegment::Transit,
        ];
        let mut supplies = Supplies::default();
        let mut early = supplies;
        assert!(!early.sent(&response(border, source), &ends));
        assert!(supplies.sent(&response(destination, border), &ends));
        assert!(supplies.is_synchronised(1) && !supplies.is_synchronised(0));
        for segment in beyond {
            assert!(!supplies.sent(&usage(segment), &ends));
        }
        supplies.supply(1);
        for segment in beyond {
            assert!(supplies.sent(&usage(segment), &ends));
        }
        assert!(supplies.sent(&response(border, source), &ends));
        assert!(supplies.is_synchronised(0));
        assert!(!supplies.sent(&usage(UsageSegment::Source), &ends));
        supplies.supply(0);
        assert!(supplies.sent(&usage(UsageSegment::Source), &ends));
    }
}
