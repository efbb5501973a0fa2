//! The hops that the key of each session was sent over, as it was sent: what a map shows as the session's route.

use super::Observer;
use crate::architecture::{Address, Envelope, Observation};
use crate::ids::{Arena, FaultId, HopId, SessionId};
use crate::kernel::Time;

/// One hop of one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    /// Which hop.
    pub hop: HopId,
    /// When it was first used.
    pub first: Time,
    /// When it was last used.
    pub last: Time,
    /// How often.
    pub requests: u64,
}

/// The observer.
#[derive(Clone, Debug)]
pub struct Routes {
    used: Arena<SessionId, Vec<Used>>,
}

impl Routes {
    /// An observer of `sessions` sessions.
    pub fn new(sessions: usize) -> Routes {
        Routes {
            used: (0..sessions).map(|_| Vec::new()).collect(),
        }
    }

    /// Every session and the hops that it used, in the order of their first use.
    pub fn all(&self) -> impl Iterator<Item = (SessionId, Used)> + '_ {
        let of = |(session, used): (SessionId, &'_ Vec<Used>)| -> Vec<(SessionId, Used)> {
            used.iter().map(|&used| (session, used)).collect()
        };
        self.used.iter().flat_map(of)
    }
}

impl Observer for Routes {
    #[inline]
    fn sent(&mut self, _: Time, _: &Envelope, _: bool) {}

    #[inline]
    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}

    #[inline]
    fn observed(&mut self, now: Time, _: Address, observation: &Observation) {
        let Observation::Spent { request, hop, .. } = *observation else {
            return;
        };
        let used = &mut self.used[request.session];
        // Routes have few hops.
        match used.iter_mut().find(|used| used.hop == hop) {
            Some(known) => {
                known.last = now;
                known.requests += 1;
            }
            None => used.push(Used {
                hop,
                first: now,
                last: now,
                requests: 1,
            }),
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
