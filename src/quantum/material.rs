//! Bits on demand: where real bits flow, a store's key is a keyed keystream that both ends read at the place which the
//! key id names. Nothing is stored; if the ends' places drift apart, the keys differ.

use crate::architecture::RequestId;
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{KeyRange, Material, OtpKeys};
use crate::ids::{Id, SessionId, StoreId};
use crate::kernel::Keystream;

/// The keystreams of a run.
#[derive(Clone, Debug)]
pub struct KeyBits {
    /// What the modules make, by store.
    stores: Vec<Keystream>,
    /// What source KMs draw, by session.
    sessions: Vec<Keystream>,
    /// Receiving ends whose place is off by so many bits.
    drifts: Vec<(StoreId, u64)>,
}

impl KeyBits {
    /// Keystreams by store and by session, and the drift of receiving ends \[bits\].
    pub fn new(stores: Vec<Keystream>, sessions: Vec<Keystream>, drifts: Vec<(StoreId, u64)>) -> KeyBits {
        KeyBits {
            stores,
            sessions,
            drifts,
        }
    }

    /// The bits at these ids at one end of a store.
    pub fn of_store(&self, store: StoreId, end: StoreEnd, keys: &OtpKeys) -> Material {
        let drifts = self.drifts.iter().filter(|&&(drifting, _)| drifting == store);
        let drift = match end {
            StoreEnd::Sending => 0,
            StoreEnd::Receiving => drifts.map(|&(_, bits)| bits).sum(),
        };
        let mut material = Material::default();
        for KeyRange { start, bits } in keys.ranges() {
            read(&self.stores[store.index()], start + drift, bits, &mut material);
        }
        material
    }

    /// The bits at these places of what source KMs draw for a session.
    pub fn drawn(&self, session: SessionId, keys: &OtpKeys) -> Material {
        let mut material = Material::default();
        for KeyRange { start, bits } in keys.ranges() {
            read(&self.sessions[session.index()], start, bits, &mut material);
        }
        material
    }

    /// The key that a source KM draws for a request. Requests of a session ask for equal amounts.
    pub fn fresh(&self, request: RequestId, bits: u64) -> Material {
        let mut material = Material::default();
        let from = u64::from(request.number) * bits;
        read(&self.sessions[request.session.index()], from, bits, &mut material);
        material
    }
}

fn read(keys: &Keystream, from: u64, bits: u64, into: &mut Material) {
    let (first, shift) = (from / 8, from % 8);
    let mut bytes = vec![0; (shift + bits).div_ceil(8) as usize];
    keys.read(first, &mut bytes);
    into.append(&bytes, shift, bits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn keys() -> KeyBits {
        let streams = Streams::new(1, 0);
        let stores = (0..2)
            .map(|n| streams.keystream(&format!("{n}"), "test"))
            .collect();
        let sessions = vec![streams.keystream("d1", "test")];
        KeyBits::new(stores, sessions, vec![(StoreId(1), 3)])
    }

    fn run(start: u64, bits: u64) -> OtpKeys {
        OtpKeys::single(KeyRange { start, bits })
    }

    #[test]
    fn both_ends_read_the_same_unless_one_drifts() {
        let keys = keys();
        let of = |store, end, run: &OtpKeys| keys.of_store(StoreId(store), end, run);
        let range = run(77, 131);
        assert_eq!(
            of(0, StoreEnd::Sending, &range),
            of(0, StoreEnd::Receiving, &range)
        );
        assert_ne!(
            of(1, StoreEnd::Sending, &range),
            of(1, StoreEnd::Receiving, &range)
        );
        assert_eq!(
            of(1, StoreEnd::Sending, &run(80, 131)),
            of(1, StoreEnd::Receiving, &range)
        );
    }

    #[test]
    fn runs_that_follow_on_each_other_are_one_key() {
        let keys = keys();
        let whole = keys.of_store(StoreId(0), StoreEnd::Sending, &run(5, 60));
        let first = KeyRange { start: 5, bits: 11 };
        let rest = Box::new(vec![KeyRange { start: 16, bits: 49 }]);
        let parts = OtpKeys {
            first,
            rest: Some(rest),
        };
        assert_eq!(keys.of_store(StoreId(0), StoreEnd::Sending, &parts), whole);
    }

    #[test]
    fn no_two_requests_draw_the_same_key() {
        let keys = keys();
        let id = |number| RequestId {
            session: SessionId(0),
            number,
        };
        let drawn: Vec<Material> = (0..20).map(|number| keys.fresh(id(number), 100)).collect();
        for (at, key) in drawn.iter().enumerate() {
            assert!(key.bits() == 100 && !drawn[..at].contains(key));
        }
    }
}
