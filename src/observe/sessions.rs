//! The states that sessions went through, as their deciding controllers saw them (functional element FE-3).

use super::Observer;
use crate::architecture::observation::SessionState;
use crate::architecture::{Address, Envelope, Observation};
use crate::ids::{FaultId, SessionId};
use crate::kernel::Time;

/// A session came to a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When.
    pub at: Time,
    /// Which session.
    pub session: SessionId,
    /// Which state.
    pub state: SessionState,
    /// The controller that says so.
    pub controller: Address,
}

/// The observer.
#[derive(Clone, Default, Debug)]
pub struct Sessions {
    changes: Vec<Change>,
}

impl Sessions {
    /// All changes, in order of time.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

impl Observer for Sessions {
    #[inline]
    fn sent(&mut self, _: Time, _: &Envelope, _: bool) {}

    #[inline]
    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        if let Observation::Session { session, state, .. } = *observation {
            self.changes.push(Change {
                at: now,
                session,
                state,
                controller: from,
            });
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
