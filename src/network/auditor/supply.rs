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
}

/// How far the ends are: source, destination.
#[derive(Clone, Copy, Default, Debug)]
pub struct Supplies {
    synchronised: [bool; 2],
    supplied: [bool; 2],
}

impl Supplies {
    /// A message about the request is sent: whether it may be.
    pub fn sent(&mut self, envelope: &Envelope, ends: &Ends) -> bool {
        match &envelope.message {
            Message::KeyManagement(KeyManagementMessage::SupplyResponse { accepted: true, .. }) => {
                // The response is on its way to the source from the last one that passes it on.
                self.synchronised[0] |= envelope.to == ends.ksas[0];
                let answers = envelope.from == ends.ksas[1];
                self.synchronised[1] |= answers;
                answers || self.synchronised[1]
            }
            Message::Service(ServiceMessage::KeySupply { .. }) => self.supplies(envelope.to, ends),
            Message::Management(ManagementMessage::Usage(record)) => match record.segment {
                UsageSegment::Source => self.supplied[0],
                UsageSegment::Destination | UsageSegment::Border | UsageSegment::Transit => self.supplied[1],
            },
            _ => true,
        }
    }

    /// An application is supplied: whether it may be.
    fn supplies(&mut self, application: Address, ends: &Ends) -> bool {
        let end = usize::from(application != ends.application);
        self.supplied[end] = true;
        self.synchronised[end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Label, Procedure, RequestId, Step};
    use crate::ids::{ApplicationId, NodeId, SessionId};

    const REQUEST: RequestId = RequestId {
        session: SessionId(0),
        number: 0,
    };

    /// Shows FE-2: nobody is supplied before its end has synchronised, and no answer comes from nowhere.
    #[test]
    fn each_end_synchronises_before_it_supplies() {
        let [source, border, destination] = [0, 1, 2].map(|node| Address::ksa(NodeId(node)));
        let asks = Address::application(ApplicationId(0));
        let peer = Address::application(ApplicationId(1));
        let ends = Ends {
            ksas: [source, destination],
            application: asks,
        };
        let response = |from, to| Envelope {
            from,
            to,
            label: Label::new(Procedure::P9, Step::Synchronisation),
            message: Message::KeyManagement(KeyManagementMessage::SupplyResponse {
                request: REQUEST,
                source: NodeId(0),
                accepted: true,
            }),
            tag: None,
        };
        let mut supplies = Supplies::default();
        let mut early = supplies;
        assert!(!early.sent(&response(border, source), &ends));
        for application in [asks, peer] {
            let mut early = supplies;
            assert!(!early.supplies(application, &ends));
        }
        assert!(supplies.sent(&response(destination, border), &ends));
        assert!(supplies.supplies(peer, &ends));
        let mut early = supplies;
        assert!(!early.supplies(asks, &ends));
        assert!(supplies.sent(&response(border, source), &ends));
        assert!(supplies.supplies(asks, &ends));
    }
}
