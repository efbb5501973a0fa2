//! Protection: a session has legs and a combiner. Secret sharing and 1+1 are the same mechanism with another combiner;
//! 1:1, 1:n and pre-provisioned keys are a store between two KMs that is filled by relay.
//!
//! A leg is a session of its own: it is routed, reserved for, rerouted and settled like any other. The source KSA splits a
//! request into one of each leg and combines what comes of them, the destination KSA likewise.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::RequestId;
use super::procedure::Procedure;
use crate::ids::{ApplicationId, ClassId, NodeId, PoolId, QkdnId, SessionId};
use crate::kernel::{Span, Time};

/// How the keys of a request's legs become one key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Combiner {
    /// All legs carry the same key, and the first to arrive supplies (1+1).
    First,
    /// Every leg carries a key of its own; their bitwise sum is the key (secret sharing, k of k).
    Xor,
}

/// A session's place among those that keep out of each other's nodes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Leg {
    /// What they have in common: the session whose legs they are.
    pub group: SessionId,
    /// Its place among them; those of the same place do not mind one another.
    pub place: u8,
    /// How many places there are.
    pub of: u8,
    /// Whether it has no route rather than one through another's nodes.
    pub strict: bool,
    /// Whether a pool serves its requests as soon as its route fails.
    pub is_backed: bool,
}

impl Leg {
    /// Whether it keeps out of the other's nodes.
    pub fn avoids(&self, other: &Leg) -> bool {
        self.group == other.group && self.place != other.place
    }
}

/// What the request of a leg is a part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// The application's request.
    pub whole: RequestId,
    /// How it is put together.
    pub combiner: Combiner,
    /// Of how many parts.
    pub of: u8,
}

/// The legs of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Legs {
    /// How their keys become one.
    pub combiner: Combiner,
    /// The legs, by place.
    pub sessions: Box<[SessionId]>,
}

impl Legs {
    /// The requests of the legs for one of the session's.
    pub fn requests(&self, number: u32) -> impl Iterator<Item = RequestId> + '_ {
        self.sessions
            .iter()
            .map(move |&session| RequestId { session, number })
    }
}

/// When a session's requests are served from a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Draws {
    /// Whenever it has the key; else they wait for it there, or go the ordinary way.
    Always {
        /// Whether they wait.
        waits: bool,
    },
    /// While the session's own route has failed (1:1, 1:n).
    WhenFailed,
}

/// A pool as its sending KM is provisioned for it.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// Which pool.
    pub id: PoolId,
    /// The session that fills it.
    pub session: SessionId,
    /// What stands for the KMs in that session's requests: nobody asks, and nobody is supplied.
    pub ends: [ApplicationId; 2],
    /// The KM at the other end.
    pub far: NodeId,
    /// Its QKDN.
    pub far_qkdn: QkdnId,
    /// Below this level it is refilled \[bits\].
    pub low: u64,
    /// It never holds more than this \[bits\].
    pub high: u64,
    /// What one relay brings \[bits\].
    pub refill: u64,
    /// When a refill that has not come has failed.
    pub timeout: Span,
    /// How long after a failure the next one is tried.
    pub retry: Span,
    /// QoS class of the refills.
    pub class: ClassId,
    /// Under which procedure the refills begin.
    pub procedure: Procedure,
    /// From this instant on no application asks.
    pub until: Time,
}

/// How the sessions of a KM's applications are protected.
#[derive(Clone, Default, Debug)]
pub struct Protections {
    /// Sessions that have legs.
    pub legs: BTreeMap<SessionId, Arc<Legs>>,
    /// The session whose leg a session is.
    pub whole: BTreeMap<SessionId, SessionId>,
    /// The places of sessions that keep out of others' nodes.
    pub places: BTreeMap<SessionId, Leg>,
    /// Pools that this KM fills.
    pub pools: BTreeMap<PoolId, Arc<PoolSettings>>,
    /// The pool that a session fills.
    pub fills: BTreeMap<SessionId, PoolId>,
    /// The pool that a session's requests are served from, and when.
    pub draws: BTreeMap<SessionId, (PoolId, Draws)>,
}

impl Protections {
    /// The sessions whose routes a pool protects.
    pub fn backed(&self, pool: PoolId) -> impl Iterator<Item = SessionId> + '_ {
        let draws = self.draws.iter();
        let backed = draws.filter(move |&(_, &(of, draws))| of == pool && draws == Draws::WhenFailed);
        backed.map(|(&session, _)| session)
    }
}
