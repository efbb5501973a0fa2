//! What protects demands beside rerouting on demand: legs, and key that is relayed ahead.

use super::network::{Name, Nothing, Place};
use crate::catalogue::{choice, names, record};
use crate::kernel::time::Span;
use crate::units::Bits;

choice! {
    /// What protects a demand beside rerouting on demand. Legs are routes of their own, kept out of each other's nodes.
    pub enum Protection ("kind of protection") {
        /// Rerouting on demand alone.
        none => None(Nothing),
        /// Two legs carry the same key, and the first to arrive supplies.
        one_plus_one => OnePlusOne(OnePlusOne),
        /// Each leg carries a key of its own, and their sum is the key: whoever lacks one of them knows nothing.
        multipath_xor => MultipathXor(MultipathXor),
        /// Keys are relayed ahead over a second leg, and serve at once when the demand's own route fails.
        one_to_one => OneToOne(OneToOne),
        /// The same, with keys that several demands between the same nodes share, first come, first served.
        one_to_n => OneToN(OneToN),
    }
}

record! {
    /// Two legs carry the same key (1+1).
    pub struct OnePlusOne {
        /// Whether a leg has no route rather than one through a node of the other. Assumption: it shares as few as it can.
        strict: bool = false,
    }
}

record! {
    /// Secret sharing, k of k.
    pub struct MultipathXor {
        /// Number of legs, from 2 to 8.
        legs: u32 = 2,
        /// Whether a leg has no route rather than one through a node of another. Assumption: it shares as few as it can.
        strict: bool = false,
    }
}

record! {
    /// Keys of its own that are relayed ahead (1:1).
    pub struct OneToOne {
        /// How much.
        keys: Bits,
        /// What one relay brings. Assumption: 4096 bit.
        refill: Bits = Bits(4096),
        /// Whether there is no second leg rather than one through a node of the demand's own route. Assumption: it shares as
        /// few as it can.
        strict: bool = false,
    }
}

record! {
    /// Keys relayed ahead that several demands share (1:n).
    pub struct OneToN {
        /// The pool of "pools" that holds them.
        pool: String,
        /// Whether there is no second leg rather than one through a node of the demand's own route. Assumption: it shares as
        /// few as it can.
        strict: bool = false,
    }
}

names! {
    /// What a request does that finds a pool empty.
    pub enum WhenEmpty ("way out of an empty pool") {
        /// It is relayed like any other.
        relay => Relay,
        /// It waits for the next refill.
        wait => Wait,
    }
}

record! {
    /// A store of key between two nodes that is filled by relay, ahead of the requests that are served from it.
    pub struct Pool {
        /// Its id.
        id: Name,
        /// The node whose key manager fills it and serves from it, and the one at the other end.
        between: [Place; 2],
        /// Below this level it is refilled.
        low: Bits,
        /// It never holds more than this.
        high: Bits,
        /// What one relay brings. Assumption: 4096 bit.
        refill: Bits = Bits(4096),
        /// Time after which a refill that has not come has failed. Assumption: 10 s.
        timeout: Span = Span::from_seconds(10),
        /// How long after a failure the next one is tried. Assumption: 1 s.
        retry: Span = Span::from_seconds(1),
        /// What a request does that finds it empty. Assumption: it is relayed.
        when_empty: WhenEmpty = WhenEmpty::Relay,
        /// Class of service of the refills.
        class: String = "default".to_owned(),
        /// A remark.
        note: Option<String>,
    }
}
