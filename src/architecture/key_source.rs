//! Kq-1 as a pull: what a KMA may ask of the QKD modules below it.
//!
//! An idle link costs no events: blocks arrive on a schedule that is evaluated at the next look at the store. The
//! quantum layer implements [`KeySource`], the network lends it to the KMA.

use super::message::{Material, OtpKeys, RequestId};
use crate::ids::{FaultId, SessionId, StoreId};
use crate::kernel::{Span, Time};

/// `count` blocks of `bits` each, the first at `first`, one every `period`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockRun {
    /// Arrival of the first block.
    pub first: Time,
    /// Distance of the arrivals.
    pub period: Span,
    /// Number of blocks.
    pub count: u64,
    /// Secret bits per block.
    pub bits: u64,
}

impl BlockRun {
    /// All bits of the run.
    pub fn total_bits(&self) -> u64 {
        self.count * self.bits
    }
}

/// The key that one end of one lane of a QKD link gets.
pub trait KeySource {
    /// All blocks since the previous look, up to and including `now`, in order.
    fn advance_to(&mut self, now: Time, blocks: &mut Vec<BlockRun>);

    /// The first instant after the previous look at which `bits` further bits will have come, as things stand.
    fn next_notice(&mut self, bits: u64) -> Option<Time>;

    /// Whether the link makes key at present (link state ACTIVE, ETSI GS QKD 015).
    fn is_generating(&self) -> bool;
}

/// Which end of a lane looks: both ends of a store hold their own copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreEnd {
    /// The end that allocates and sends.
    Sending,
    /// The end that follows.
    Receiving,
}

/// The key sources of a whole quantum layer, as lent to one KMA at a time.
pub trait KeySources {
    /// The source that fills one end of a store.
    fn source(&mut self, store: StoreId, end: StoreEnd) -> &mut dyn KeySource;

    /// The fault that keeps what fills a store from generating, for traces and records.
    fn fault_behind(&self, _store: StoreId) -> Option<FaultId> {
        None
    }

    /// The bits that stand at these ids at one end of a store; `None` where keys are amounts only.
    fn bits(&self, _store: StoreId, _end: StoreEnd, _keys: &OtpKeys) -> Option<Box<Material>> {
        None
    }

    /// Bits at these places of all that a source KM draws for the requests of a session, one after the other; `None` as
    /// above.
    fn drawn(&self, _session: SessionId, _keys: &OtpKeys) -> Option<Box<Material>> {
        None
    }

    /// The key that a source KM draws for a request, from random numbers of its own; `None` as above.
    fn fresh(&self, _request: RequestId, _bits: u64) -> Option<Box<Material>> {
        None
    }
}
