//! What a KM keeps for requests until their deadlines: found in their order, so that nothing is looked through to forget.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::architecture::RequestId;
use crate::kernel::Time;

/// Deadlines of requests that something is kept for.
#[derive(Clone, Debug, Default)]
pub struct Expiry(BinaryHeap<Reverse<(Time, RequestId)>>);

impl Expiry {
    /// Something is kept for a request until its deadline.
    pub fn add(&mut self, request: RequestId, deadline: Time) {
        self.0.push(Reverse((deadline, request)));
    }

    /// A request whose deadline is past. What is kept for it may be for a later attempt.
    pub fn next_past(&mut self, now: Time) -> Option<RequestId> {
        let &Reverse((deadline, request)) = self.0.peek()?;
        if deadline >= now {
            return None;
        }
        self.0.pop();
        Some(request)
    }
}
