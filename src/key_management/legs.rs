//! Splitting a request into one of each leg, and putting its key together again, at either end.
//!
//! All of a request's legs must arrive for their sum to be its key; of legs that carry the same key, the first to arrive
//! supplies, and what the others bring is dropped. Each leg is synchronised over its own way, so that a border that fails
//! in between keeps nobody from the key that another leg has brought.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::architecture::message::{KeyMaterial, KeyRequest};
use crate::architecture::protection::{Combiner, Legs, Part};
use crate::architecture::{Procedure, RequestId};
use crate::ids::SessionId;
use crate::kernel::Time;

/// A request whose legs are under way.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What its application asked for.
    pub order: KeyRequest,
    /// The procedure that it was asked under.
    pub procedure: Procedure,
    /// Its legs.
    pub legs: Arc<Legs>,
    /// Legs that have not ended.
    open: usize,
}

/// What the end of a leg means for its request.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Nothing yet, or it is over.
    Nothing,
    /// The request has its key.
    Complete(Whole),
    /// The request cannot have its key any more.
    Failed(Whole),
}

/// Requests that were split here, the source's end, until they are over.
#[derive(Clone, Default, Debug)]
pub struct Splits {
    wholes: FxHashMap<RequestId, Whole>,
}

impl Splits {
    /// A request is split.
    pub fn split(&mut self, order: KeyRequest, procedure: Procedure, legs: Arc<Legs>) {
        let open = legs.sessions.len();
        let whole = Whole {
            order,
            procedure,
            legs,
            open,
        };
        self.wholes.insert(order.request, whole);
    }

    /// Whether a request is not over.
    pub fn is_open(&self, request: RequestId) -> bool {
        self.wholes.contains_key(&request)
    }

    /// A leg of a request has ended, well or not.
    pub fn leg_ended(&mut self, request: RequestId, well: bool) -> Progress {
        let Some(whole) = self.wholes.get_mut(&request) else {
            return Progress::Nothing;
        };
        whole.open -= 1;
        let complete = well && (whole.legs.combiner == Combiner::First || whole.open == 0);
        let failed = !well && (whole.legs.combiner == Combiner::Xor || whole.open == 0);
        if !complete && !failed {
            return Progress::Nothing;
        }
        let whole = self.wholes.remove(&request).expect("it was just there");
        if complete {
            Progress::Complete(whole)
        } else {
            Progress::Failed(whole)
        }
    }
}

/// A request whose legs arrive.
#[derive(Clone, Debug)]
struct Gathering {
    /// The sum so far; `None`: it has been supplied, or was lost with an outage.
    key: Option<KeyMaterial>,
    parts: u8,
}

/// Keys that are being put together here, the destination's end.
#[derive(Clone, Default, Debug)]
pub struct Gathered {
    requests: BTreeMap<RequestId, Gathering>,
    /// Which of them time out when, as they came.
    deadlines: VecDeque<(Time, RequestId)>,
}

impl Gathered {
    /// A leg has brought a key. Returns the request's key, once.
    pub fn add(&mut self, part: Part, key: KeyMaterial, deadline: Time, now: Time) -> Option<KeyMaterial> {
        while self.deadlines.front().is_some_and(|&(until, _)| until < now) {
            let (_, late) = self.deadlines.pop_front().expect("it was just there");
            self.requests.remove(&late);
        }
        let Some(gathering) = self.requests.get_mut(&part.whole) else {
            self.deadlines.push_back((deadline, part.whole));
            let supplies = part.combiner == Combiner::First || part.of == 1;
            let (kept, supplied) = if supplies {
                (None, Some(key))
            } else {
                (Some(key), None)
            };
            self.requests
                .insert(part.whole, Gathering { key: kept, parts: 1 });
            return supplied;
        };
        let sum = gathering.key.take()?; // supplied before
        gathering.parts += 1;
        let sum = sum.xor(key.material);
        if gathering.parts == part.of {
            return Some(sum);
        }
        gathering.key = Some(sum);
        None
    }

    /// Whatever has arrived is lost. That a request was supplied is not: another leg's key does not supply it again.
    pub fn forget(&mut self) {
        for gathering in self.requests.values_mut() {
            gathering.key = None;
        }
    }
}

/// Whose secret a leg carries: its own where the sum is the key, else its request's.
pub fn secret_of(leg: RequestId, whole: SessionId, combiner: Combiner) -> RequestId {
    match combiner {
        Combiner::Xor => leg,
        Combiner::First => RequestId {
            session: whole,
            ..leg
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::message::Material;
    use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId};

    const WHOLE: RequestId = RequestId {
        session: SessionId(0),
        number: 4,
    };

    fn key(byte: u8) -> KeyMaterial {
        let mut material = Material::default();
        material.append(&[byte], 0, 8);
        KeyMaterial::new(8, Some(Box::new(material)))
    }

    fn splits(combiner: Combiner, legs: u32) -> Splits {
        let order = KeyRequest {
            request: WHOLE,
            application: ApplicationId(0),
            peer: ApplicationId(1),
            destination: NodeId(1),
            destination_qkdn: QkdnId(0),
            keys: 1,
            bits: 8,
            class: ClassId(0),
            deadline: Time(9),
            hold: None,
            last: false,
            leg: None,
        };
        let sessions = (1..=legs).map(SessionId).collect();
        let mut splits = Splits::default();
        splits.split(order, Procedure::Local, Arc::new(Legs { combiner, sessions }));
        splits
    }

    fn part(combiner: Combiner, of: u8) -> Part {
        Part {
            whole: WHOLE,
            combiner,
            of,
        }
    }

    #[test]
    fn a_sum_needs_all_legs_and_fails_with_any() {
        let mut splits = splits(Combiner::Xor, 3);
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Nothing));
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Nothing));
        assert!(splits.is_open(WHOLE));
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Complete(_)));
        assert!(!splits.is_open(WHOLE));

        let mut splits = super::tests::splits(Combiner::Xor, 3);
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Nothing));
        assert!(matches!(splits.leg_ended(WHOLE, false), Progress::Failed(_)));
        assert!(
            matches!(splits.leg_ended(WHOLE, false), Progress::Nothing),
            "it is over"
        );
    }

    #[test]
    fn one_of_two_is_enough_and_only_both_can_fail() {
        let mut splits = splits(Combiner::First, 2);
        assert!(matches!(splits.leg_ended(WHOLE, false), Progress::Nothing));
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Complete(_)));
        assert!(matches!(splits.leg_ended(WHOLE, true), Progress::Nothing));
        let mut splits = super::tests::splits(Combiner::First, 2);
        assert!(matches!(splits.leg_ended(WHOLE, false), Progress::Nothing));
        assert!(matches!(splits.leg_ended(WHOLE, false), Progress::Failed(_)));
    }

    #[test]
    fn the_destination_adds_up_or_takes_the_first_once() {
        let mut gathered = Gathered::default();
        let shares = part(Combiner::Xor, 3);
        assert_eq!(gathered.add(shares, key(0b1100), Time(9), Time(1)), None);
        assert_eq!(gathered.add(shares, key(0b1010), Time(9), Time(2)), None);
        assert_eq!(
            gathered.add(shares, key(0b1001), Time(9), Time(3)),
            Some(key(0b1111))
        );
        assert_eq!(gathered.add(shares, key(1), Time(9), Time(4)), None, "once");

        let mut gathered = Gathered::default();
        let both = part(Combiner::First, 2);
        assert_eq!(gathered.add(both, key(7), Time(9), Time(1)), Some(key(7)));
        gathered.forget();
        assert_eq!(
            gathered.add(both, key(7), Time(9), Time(2)),
            None,
            "not even after an outage"
        );
        // What timed out is forgotten, so that nothing grows without end.
        let other = Part {
            whole: RequestId { number: 5, ..WHOLE },
            ..both
        };
        assert_eq!(gathered.add(other, key(8), Time(30), Time(20)), Some(key(8)));
        assert_eq!(gathered.requests.len(), 1);
    }

    #[test]
    fn legs_of_a_sum_carry_keys_of_their_own() {
        let leg = RequestId {
            session: SessionId(3),
            number: 4,
        };
        assert_eq!(secret_of(leg, SessionId(0), Combiner::Xor), leg);
        assert_eq!(secret_of(leg, SessionId(0), Combiner::First), WHOLE);
    }
}
