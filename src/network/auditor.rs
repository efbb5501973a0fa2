//! The auditor: stands outside the elements, sees every envelope and observation, and recounts.
//!
//! Checks: messages use legal reference points (RP-rule, A3, A5); no key material in control or management messages
//! (S1); steps of P9 to P14 keep the partial order of their procedure; a key is relayed from where it is and supplied only after it
//! is held, the same to both ends where real bits flow; every request ends once; every one-time-pad key is used once; books
//! balance and both ends agree; providers settle the same, and what crossed the border; L = λ·W for every queue.

mod order;
mod supply;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::order::Order;
use self::supply::{Ends, Supplies};
use super::accounts::SettledSupply;
use super::plan::{Plan, Role};
use super::servers::ServerLog;
use super::wiring;
use crate::architecture::message::{
    ControlMessage, Draw, KeyManagementMessage, KeyRange, Purpose, RelayOutcome, ReservationResult,
    ServiceMessage, Tag,
};
use crate::architecture::observation::{RequestEnd, SessionState};
use crate::architecture::protection::Combiner;
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{
    Address, ElementKind, Envelope, Label, Message, Observation, Procedure, RequestId, Step,
};
use crate::ids::{ApplicationId, Arena, FaultId, NodeId, QkdnId, SessionId, StoreId};
use crate::kernel::{Occupancy, Time};
use crate::key_management::store::Book;
use crate::observe::Observer;
use crate::observe::outcome::AuditCheck;

/// What is checked, in the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Check {
    ReferencePoints,
    KeyMaterial,
    StepOrder,
    KeyPath,
    SupplyAfterRelay,
    EndsOnce,
    UsedOnce,
    Conservation,
    EndsAgree,
    SameKey,
    Settlement,
    Little,
}

impl Check {
    const ALL: [Check; 12] = [
        Check::ReferencePoints,
        Check::KeyMaterial,
        Check::StepOrder,
        Check::KeyPath,
        Check::SupplyAfterRelay,
        Check::EndsOnce,
        Check::UsedOnce,
        Check::Conservation,
        Check::EndsAgree,
        Check::SameKey,
        Check::Settlement,
        Check::Little,
    ];

    const fn name(self) -> &'static str {
        match self {
            Check::ReferencePoints => "messages use legal reference points",
            Check::KeyMaterial => "no key material in control or management messages",
            Check::StepOrder => "steps keep their procedure's partial order",
            Check::KeyPath => "a key is relayed from where it is",
            Check::SupplyAfterRelay => "no key is supplied before it is relayed",
            Check::EndsOnce => "every request ends once",
            Check::UsedOnce => "every one-time-pad key is used at most once",
            Check::Conservation => "generated = stored + reserved + spent + expired + discarded",
            Check::EndsAgree => "both ends of every store agree",
            Check::SameKey => "both applications of a request hold the same key",
            Check::Settlement => "settlements of both providers and the key stores agree",
            Check::Little => "L = λ·W for every queue",
        }
    }
}

/// What the auditor keeps of a request.
#[derive(Clone, Copy, Default, Debug)]
struct Request {
    /// When it was sent.
    sent: Time,
    /// Steps seen, one bit each.
    steps: u32,
    /// Where the key is; `None` before the relay starts.
    key_at: Option<NodeId>,
    /// The KM to which the key went in parts, until it sends the sum on.
    combiner: Option<NodeId>,
    /// Digest of what the first end was supplied.
    digest: Option<u64>,
    held: bool,
    completed: bool,
    supplied: [bool; 2],
    failed: bool,
    /// Key that crossed borders for it, at every border anew \[bits\].
    crossed: u64,
    /// Borders that it crossed.
    crossings: u32,
    /// The KM that keys start from, once it is known.
    source: Option<NodeId>,
    /// How far its ends are with its supply.
    supplies: Supplies,
    /// The latest attempt at reserving, and KMs that were asked in it and have not answered.
    attempt: (u32, i32),
}

/// What the auditor is told at the end.
#[derive(Clone, Debug)]
pub struct LastLook {
    /// The instant.
    pub now: Time,
    /// Books, by store.
    pub books: Vec<Book>,
    /// The receiving ends' (generated, spent), by store.
    pub receiving: Vec<(u64, u64)>,
    /// What became of the messages at every server.
    pub servers: Vec<ServerLog>,
    /// Those that waited for key of each store.
    pub lanes: Vec<(StoreId, Occupancy)>,
    /// What providers count as settled.
    pub settled: Vec<SettledSupply>,
    /// Messages that were lost on the way.
    pub lost: u64,
}

/// The observer.
#[derive(Debug)]
pub struct Auditor {
    plan: Arc<Plan>,
    requests: Arena<SessionId, Vec<Request>>,
    looked_at: [u64; 12],
    /// Requests that have not ended, by session.
    open: Arena<SessionId, Occupancy>,
    findings: BTreeMap<Check, String>,
    /// Ids used, by store, and behind them by pool; likewise the amounts.
    used: Vec<BTreeMap<u64, u64>>,
    spent: Vec<u64>,
    /// Key of pools that requests are to take, until the other end has answered.
    drawn: BTreeMap<RequestId, Draw>,
    order: Order,
    /// Whether a session's route was installed by some request of it: later ones go by that.
    installed: Arena<SessionId, bool>,
}

const fn bit(step: Step) -> u32 {
    1 << step as u32
}

impl Auditor {
    /// An auditor of a plan's run.
    pub fn new(plan: Arc<Plan>) -> Auditor {
        Auditor {
            requests: plan.sessions.ids().map(|_| Vec::new()).collect(),
            looked_at: [0; 12],
            open: plan.sessions.ids().map(|_| Occupancy::default()).collect(),
            findings: BTreeMap::new(),
            used: vec![BTreeMap::new(); plan.stores.len() + plan.pools.len()],
            spent: vec![0; plan.stores.len() + plan.pools.len()],
            drawn: BTreeMap::new(),
            installed: plan.sessions.ids().map(|_| false).collect(),
            order: Order::default(),
            plan,
        }
    }

    fn check(&mut self, check: Check, now: Time, holds: bool, finding: impl FnOnce(&Plan) -> String) {
        self.looked_at[check as usize] += 1;
        if !holds {
            let plan = &self.plan;
            self.findings
                .entry(check)
                .or_insert_with(|| format!("at {} ns: {}", now.0, finding(plan)));
        }
    }

    /// Whether something is so of a request; of one with legs: of one of them where one is enough, else of all.
    fn holds(&self, id: RequestId, what: impl Fn(&Request) -> bool) -> bool {
        let of = |id: RequestId| {
            self.requests[id.session]
                .get(id.number as usize)
                .is_some_and(&what)
        };
        match self.plan.legs_of(id.session) {
            None => of(id),
            Some(legs) if legs.combiner == Combiner::First => legs.requests(id.number).any(of),
            Some(legs) => legs.requests(id.number).all(of),
        }
    }

    fn request(&mut self, id: RequestId) -> Option<&mut Request> {
        self.requests[id.session].get_mut(id.number as usize)
    }

    /// What must have been seen of a request before a step may be sent; `installed`: its session has a route.
    fn before(&self, procedure: Procedure, step: Step, installed: bool) -> u32 {
        let segment = self.plan.parameters.reservation == ReservationScheme::Segment;
        let started = if segment {
            bit(Step::Start)
        } else {
            bit(Step::KeyRequest)
        };
        match step {
            Step::KeyRequest => 0,
            Step::Requirement => bit(Step::BorderChoice),
            Step::RouteRequest if procedure == Procedure::Local => bit(Step::KeyRequest),
            Step::RouteRequest => bit(Step::Requirement),
            Step::Computation | Step::SegmentOffer => bit(Step::RouteRequest),
            // Each request of a session whose route is installed has its instruction to transfer.
            Step::RouteInformation if procedure == Procedure::P12 && !installed => {
                bit(Step::SegmentOffer) | bit(Step::Sufficiency)
            }
            Step::RouteInformation if !installed => bit(Step::SegmentOffer) | bit(Step::Computation),
            // A session whose route is installed begins here.
            Step::Reservation if !installed && procedure == Procedure::Local => bit(Step::Computation),
            Step::Reservation if !installed => bit(Step::SegmentOffer) | bit(Step::Computation),
            Step::RelayNear | Step::Crossing => started,
            Step::RelayFar => started | bit(Step::Crossing),
            Step::Accepted => bit(Step::Crossing),
            Step::CompletionFar => bit(Step::RelayFar),
            Step::CompletionCrossing => bit(Step::Crossing),
            Step::CompletionNear => bit(Step::RelayNear),
            // An acknowledgement that finds no key for its tag is not sent; the KM keeps its own records all the same.
            Step::Metadata | Step::KeyData | Step::KeyDataVoid
                if self.plan.parameters.authentication_tag > 0 =>
            {
                bit(Step::Crossing)
            }
            Step::Metadata | Step::KeyData | Step::KeyDataVoid => bit(Step::CompletionCrossing),
            // With the agreement on a key's supply, or where its request is void. What finds no key for its tag is never sent,
            // and kept until then.
            Step::KeyDataEnd if self.plan.parameters.authentication_tag > 0 => started,
            Step::KeyDataEnd => bit(Step::Crossing),
            Step::Voiding | Step::VoidingNear | Step::VoidingFar => started,
            Step::Usage => bit(Step::Supply),
            _ => bit(Step::KeyRequest),
        }
    }

    fn see(&mut self, now: Time, id: RequestId, procedure: Procedure, step: Step) {
        if !matches!(procedure, Procedure::P9 | Procedure::P12 | Procedure::Local) {
            return;
        }
        let before = self.before(procedure, step, self.installed[id.session]);
        let Some(request) = self.request(id) else { return };
        let missing = before & !request.steps;
        request.steps |= bit(step);
        if step == Step::Lacking {
            request.steps |= bit(Step::Sufficiency); // step 4 is over, either way
        }
        self.installed[id.session] |= matches!(step, Step::Reservation | Step::RouteInformation);
        self.check(Check::StepOrder, now, missing == 0, |plan| {
            format!(
                "{step:?} of {}#{} came too early",
                plan.sessions[id.session].name, id.number
            )
        });
    }

    /// A step inside an element.
    fn noted(&mut self, now: Time, element: Address, label: Label, session: Option<SessionId>) {
        let may = self.order.noted(element, label, session);
        self.check(Check::StepOrder, now, may, |plan| {
            let (name, procedure) = (plan.name_of(element), label.procedure.name());
            format!("{name}: {procedure} step {} came too early", label.number())
        });
    }

    /// Synchronisation, supply and usage, end by end.
    fn see_supply(&mut self, now: Time, envelope: &Envelope) {
        let Some(id) = envelope.message.subject().request_id() else {
            return;
        };
        let session = &self.plan.sessions[id.session];
        let node = |application: ApplicationId| self.plan.applications[application].node;
        let ends = Ends {
            ksas: [session.source, session.destination].map(|end| Address::ksa(node(end))),
            application: Address::application(session.source),
            supplies: session.role == Role::Demand,
        };
        let mut may = self
            .request(id)
            .is_none_or(|request| request.supplies.sent(envelope, &ends));
        if matches!(
            envelope.message,
            Message::Service(ServiceMessage::KeySupply { .. })
        ) {
            let end = ends.end_of(envelope.to);
            may &= self.holds(id, |request| request.supplies.is_synchronised(end));
        }
        self.check(Check::StepOrder, now, may, |plan| {
            let (from, name) = (plan.name_of(envelope.from), envelope.message.name());
            format!("{from}: \"{name}\" before its end has come so far")
        });
    }

    fn see_key(&mut self, now: Time, envelope: &Envelope) {
        match &envelope.message {
            Message::KeyManagement(KeyManagementMessage::KeyRelay {
                request,
                hop,
                otp,
                key,
                source,
                source_qkdn,
                trail,
                ..
            }) => {
                let (from, to) = (self.plan.hops[*hop].from, self.plan.hops[*hop].to);
                let crosses = self.plan.hops[*hop].crosses_border;
                let Some(state) = self.request(*request) else {
                    return;
                };
                let sent_on = Address::kma(to) == envelope.to
                    && state.combiner.is_some_and(|km| envelope.from == Address::kma(km));
                if sent_on {
                    // The sum of the parts, over the last hop: its keys were seen in the last part.
                    state.combiner = None;
                    return;
                }
                let at = state.key_at.replace(to).unwrap_or(*source);
                state.source = Some(*source);
                if crosses {
                    state.crossed += key.bits;
                    state.crossings += 1;
                }
                let mut holds =
                    at == from && (envelope.from, envelope.to) == (Address::kma(from), Address::kma(to));
                if crosses {
                    // Never back to a QKDN that it has left; and it says truly which.
                    let crossings = state.crossings as usize;
                    let [here, into] = [from, to].map(|node| self.plan.nodes[node].qkdn);
                    let left = trail.qkdns();
                    holds &= left.len() + 1 == crossings && left.last().unwrap_or(source_qkdn) == &here;
                    holds &= into != *source_qkdn && !left.contains(&into);
                }
                self.check(Check::KeyPath, now, holds, |plan| {
                    format!("a key leaves {} and not from where it is", plan.nodes[from].name)
                });
                if let (Some(keys), Some(store)) = (otp, self.plan.hops[*hop].store()) {
                    for range in keys.ranges() {
                        self.use_keys(now, store, range);
                    }
                }
            }
            Message::KeyManagement(KeyManagementMessage::RelayPart(part)) => {
                let formation = &part.formation;
                let hop = &self.plan.hops[part.hop];
                let (from, store) = (hop.from, hop.store());
                let ends = (Address::kma(from), Address::kma(formation.combiner));
                let in_place = formation.kms.get(usize::from(part.position)) == Some(&from);
                let Some(state) = self.request(part.order.ask.request) else {
                    return;
                };
                let mut holds = in_place && (envelope.from, envelope.to) == ends;
                state.source = Some(part.order.source);
                if part.position == 0 {
                    let at = state.key_at.replace(formation.end).unwrap_or(part.order.source);
                    holds &= at == from;
                    state.combiner = (formation.combiner != formation.end).then_some(formation.combiner);
                }
                self.check(Check::KeyPath, now, holds, |plan| {
                    format!("{} sends a part that is not its own", plan.nodes[from].name)
                });
                if let Some(store) = store {
                    for range in part.otp.ranges() {
                        self.use_keys(now, store, range);
                    }
                }
            }
            Message::KeyManagement(KeyManagementMessage::KeysVoid { hop, keys, .. }) => {
                let store = self.plan.hops[*hop].store();
                let store = store.expect("only hops that spend have keys to void");
                // What was sent has been seen; what was only announced is spent now.
                for range in keys.ranges() {
                    if !self.is_used(store, range) {
                        self.use_keys(now, store, range);
                    }
                }
            }
            Message::KeyManagement(KeyManagementMessage::Completion { request, outcome })
                if *outcome == RelayOutcome::Relayed =>
            {
                let held = self.request(*request).is_some_and(|request| request.held);
                self.check(Check::SupplyAfterRelay, now, held, |_| {
                    "completion before the key is held".into()
                });
                // Completion goes back the way that the key came: inside the first QKDN last of all.
                let label = envelope.label;
                let last = label.step == Step::CompletionNear && label.procedure != Procedure::Local;
                if let Some(request) = self.request(*request) {
                    request.completed |= request.source.map(Address::kma) == Some(envelope.to);
                    let crossed = request.steps & bit(Step::CompletionCrossing) != 0;
                    self.check(Check::StepOrder, now, crossed || !last, |_| {
                        "completion inside the first QKDN before that across the border".into()
                    });
                }
            }
            // The key has been at both ends since it was relayed.
            Message::KeyManagement(KeyManagementMessage::SupplyNotification {
                request,
                purpose: Purpose::Draw(draw),
                ..
            }) => {
                self.drawn.insert(*request, (**draw).clone());
            }
            Message::KeyManagement(KeyManagementMessage::SupplyResponse {
                request, accepted, ..
            }) if self.drawn.contains_key(request) => self.see_drawn(now, *request, *accepted),
            Message::KeyManagement(KeyManagementMessage::SupplyNotification { request, .. }) => {
                let completed = self.request(*request).is_some_and(|request| request.completed);
                self.check(Check::SupplyAfterRelay, now, completed, |_| {
                    "synchronised before completion".into()
                });
            }
            Message::Control(ControlMessage::Reserve(reservation))
                if envelope.to.kind() == ElementKind::Kma =>
            {
                let ask = reservation.ask;
                if let Some(request) = self.request(ask.request) {
                    if ask.attempt > request.attempt.0 {
                        request.attempt = (ask.attempt, 0);
                    }
                    request.attempt.1 += i32::from(ask.attempt == request.attempt.0);
                }
            }
            Message::Control(ControlMessage::ReserveAnswer { ask, .. })
                if envelope.from.kind() == ElementKind::Kma =>
            {
                if let Some(request) = self.request(ask.request) {
                    request.attempt.1 -= i32::from(ask.attempt == request.attempt.0);
                }
            }
            Message::Control(ControlMessage::Start {
                ask,
                result: ReservationResult::Confirmed,
                ..
            }) => {
                let asked = bit(Step::Reservation) | bit(Step::RouteInformation);
                let confirmed = self.request(ask.request).is_some_and(|request| {
                    let (attempt, unanswered) = request.attempt;
                    request.steps & asked != 0 && (attempt != ask.attempt || unanswered <= 0)
                });
                self.check(Check::StepOrder, now, confirmed, |_| {
                    "a start before every KM has confirmed its reservation".into()
                });
            }
            Message::Service(ServiceMessage::KeySupply { request, .. }) => {
                let synchronised = self.holds(*request, |request| {
                    request.steps & bit(Step::Synchronisation) != 0
                });
                self.check(Check::StepOrder, now, synchronised, |_| {
                    "supplied before synchronisation".into()
                });
                let held = self.holds(*request, |request| request.held);
                self.check(Check::SupplyAfterRelay, now, held, |_| {
                    "supplied before the key is held".into()
                });
            }
            _ => {}
        }
    }

    /// The other end has answered about key of a pool: it is used there, or will not be.
    fn see_drawn(&mut self, now: Time, request: RequestId, accepted: bool) {
        use crate::ids::Id as _;
        let Some(draw) = self.drawn.remove(&request).filter(|_| accepted) else {
            return;
        };
        let settings = Arc::clone(&self.plan.pools[draw.pool].settings);
        let at = StoreId::from_index(self.plan.stores.len() + draw.pool.index());
        for range in draw.keys.ranges() {
            let refills = range.start / settings.refill..=(range.end() - 1) / settings.refill;
            let came = refills.into_iter().all(|number| {
                let of = self.requests[settings.session].get(number as usize);
                of.is_some_and(|refill| refill.supplied == [true; 2])
            });
            self.check(Check::SupplyAfterRelay, now, came, |_| {
                "key of a pool is supplied before it is at both ends".into()
            });
            self.use_keys(now, at, range);
        }
        if let Some(state) = self.request(request) {
            state.held = true;
        }
    }

    fn use_keys_of(&mut self, now: Time, tag: &Tag) {
        let store = self.plan.hops[tag.hop].store();
        let store = store.expect("only padded hops have key to spend");
        for range in tag.keys.ranges() {
            self.use_keys(now, store, range);
        }
    }

    /// Whether the first key of a run is used: a run is used as a whole.
    fn is_used(&self, store: StoreId, range: KeyRange) -> bool {
        use crate::ids::Id as _;
        let before = self.used[store.index()].range(..=range.start).next_back();
        before.is_some_and(|(_, &end)| end > range.start)
    }

    fn use_keys(&mut self, now: Time, store: StoreId, range: KeyRange) {
        use crate::ids::Id as _;
        self.spent[store.index()] += range.bits;
        let used = &mut self.used[store.index()];
        let before = used
            .range(..range.end())
            .next_back()
            .map(|(&start, &end)| (start, end));
        let free = before.is_none_or(|(_, end)| end <= range.start);
        match before {
            Some((start, end)) if end == range.start => {
                used.insert(start, range.end());
            }
            _ => {
                used.insert(range.start, range.end());
            }
        }
        self.check(Check::UsedOnce, now, free, |plan| {
            let hop = plan.stores.get(store).map(|store| &plan.hops[store.settings.hop]);
            let what = hop.map_or("a pool".to_owned(), |hop| format!("a store of {hop:?}"));
            format!("key {} of {what} is used again", range.start)
        });
    }

    /// Providers' settlements against each other and against what was relayed across borders; and that against what the
    /// borders' stores have spent.
    fn settlements(&mut self, last: &LastLook) {
        let now = last.now;
        let mut settled: [BTreeMap<(RequestId, [QkdnId; 2]), u64>; 2] = [BTreeMap::new(), BTreeMap::new()];
        for supply in &last.settled {
            let key = (supply.request, supply.between);
            let twice = settled[usize::from(supply.owes)].insert(key, supply.bits);
            self.check(Check::Settlement, now, twice.is_none(), |plan| {
                let id = supply.request;
                format!(
                    "{}#{} is settled twice",
                    plan.sessions[id.session].name, id.number
                )
            });
            let seen = self.request(supply.request).copied().unwrap_or_default();
            let holds =
                seen.supplied == [true, true] && seen.crossed == supply.bits * u64::from(seen.crossings);
            self.check(Check::Settlement, now, holds, |_| {
                format!("{supply:?} is settled, but it went so: {seen:?}")
            });
        }
        // The last acknowledgement of a settlement may be lost with its way: then only the one that owes has it settled.
        let [owed, owes] = settled;
        let agree = if last.lost == 0 {
            owed == owes
        } else {
            owed.iter().all(|(request, bits)| owes.get(request) == Some(bits))
        };
        self.check(Check::Settlement, now, agree, |_| {
            let (owed, owes): (u64, u64) = (owed.values().sum(), owes.values().sum());
            format!("{owes} bits are owed by the ones, {owed} are owed to the others")
        });
        let (mut crossed, mut unsettled) = (0, 0);
        for (session, requests) in self.requests.iter() {
            for (number, request) in (0..).zip(requests) {
                crossed += request.crossed;
                let id = RequestId { session, number };
                let all = (id, [QkdnId(0); 2])..=(id, [QkdnId(u32::MAX); 2]);
                let settled = owes.range(all).count() as u64;
                if request.supplied[0] {
                    unsettled += u64::from(request.crossings).saturating_sub(settled);
                }
            }
        }
        let complete = unsettled == 0 || last.lost > 0 || !self.plan.parameters.usage_records;
        self.check(Check::Settlement, now, complete, |_| {
            format!("{unsettled} supplies across borders are not settled")
        });
        // Where every crossing spends key, the borders' stores have spent what crossed.
        let across = self.plan.hops.values().filter(|hop| hop.crosses_border);
        let stores: Option<Vec<StoreId>> = across.map(crate::architecture::Hop::store).collect();
        if let Some(stores) = stores {
            use crate::ids::Id as _;
            let spent: u64 = stores.iter().map(|store| last.books[store.index()].spent).sum();
            let tags = self.plan.parameters.authentication_tag > 0;
            let holds = if tags { spent >= crossed } else { spent == crossed };
            self.check(Check::Settlement, now, holds, |_| {
                format!("{crossed} bits crossed borders, whose stores have spent {spent}")
            });
        }
    }

    /// L = λ·W to the nanosecond, over the whole run with its drain: of the messages at every server, of those that waited
    /// for key of every store, and of every demand's requests from Ak to their end.
    fn littles_law(&mut self, last: &LastLook) {
        let now = last.now;
        for server in &last.servers {
            self.check(Check::Little, now, server.queue.holds(), |plan| {
                format!("at {}: {:?}", plan.name_of(server.element), server.queue)
            });
        }
        for (store, waited) in &last.lanes {
            self.check(Check::Little, now, waited.holds(), |_| {
                format!("those that waited for store {}: {waited:?}", store.0)
            });
        }
        for (session, open) in std::mem::take(&mut self.open).iter() {
            self.check(Check::Little, now, open.holds(), |plan| {
                format!("requests of {}: {open:?}", plan.sessions[session].name)
            });
        }
    }

    /// The findings, after the run.
    pub fn conclude(mut self, last: &LastLook) -> Vec<AuditCheck> {
        self.settlements(last);
        let (now, books, receiving) = (last.now, &last.books, &last.receiving);
        for (number, (book, &(generated, spent))) in books.iter().zip(receiving).enumerate() {
            self.check(Check::Conservation, now, book.balances(), |_| {
                format!("store {number}: {book:?}")
            });
            let recounted = self.spent[number];
            let agree = book.generated == generated && book.spent == recounted && book.spent == spent;
            self.check(Check::EndsAgree, now, agree, |_| {
                format!("store {number}: {book:?}, recounted {recounted}, other end {generated} and {spent}")
            });
        }
        for (session, requests) in std::mem::take(&mut self.requests).iter() {
            for (number, request) in requests.iter().enumerate() {
                let once = request.failed != request.supplied[0];
                self.check(Check::EndsOnce, now, once, |plan| {
                    format!("{}#{number}: {request:?}", plan.sessions[session].name)
                });
            }
        }
        self.littles_law(last);
        // Whose keys are amounts cannot differ: that check says nothing then.
        let compares = self.plan.material.is_some();
        Check::ALL
            .into_iter()
            .filter(|&check| compares || check != Check::SameKey)
            .map(|check| {
                let finding = self.findings.get(&check);
                AuditCheck {
                    check: check.name(),
                    passed: finding.is_none(),
                    detail: finding
                        .cloned()
                        .unwrap_or_else(|| format!("{} looked at", self.looked_at[check as usize])),
                }
            })
            .collect()
    }
}

impl Observer for Auditor {
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        if !internal {
            let point = wiring::reference_point(&self.plan, envelope.from, envelope.to);
            self.check(Check::ReferencePoints, now, point.is_some(), |plan| {
                let (from, to) = (plan.name_of(envelope.from), plan.name_of(envelope.to));
                format!("{from} sends {to} \"{}\"", envelope.message.name())
            });
            let may = point.is_some_and(crate::architecture::ReferencePoint::may_carry_key);
            self.check(
                Check::KeyMaterial,
                now,
                may || !envelope.message.carries_key(),
                |_| format!("\"{}\" carries key over {point:?}", envelope.message.name()),
            );
        }
        let may = self.order.sent(envelope);
        self.check(Check::StepOrder, now, may, |plan| {
            let from = plan.name_of(envelope.from);
            let (label, name) = (envelope.label, envelope.message.name());
            format!(
                "{from}: \"{name}\" ({} step {}) came too early",
                label.procedure.name(),
                label.number()
            )
        });
        if let Some(id) = envelope.message.subject().request_id() {
            self.see(now, id, envelope.label.procedure, envelope.label.step);
        }
        self.see_supply(now, envelope);
        self.see_key(now, envelope);
        if let Some(tag) = &envelope.tag {
            self.use_keys_of(now, tag);
        }
    }

    // The same message to the same receiver: nothing new.
    fn repeated(&mut self, _: Time, _: &Envelope, _: u32) {}

    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match *observation {
            Observation::Requested { request, .. } => {
                self.open[request.session].enter(now);
                self.requests[request.session].push(Request {
                    sent: now,
                    ..Request::default()
                });
            }
            Observation::Supplied { request, end, digest } => {
                let Some(state) = self.request(request) else {
                    return;
                };
                let side = match end {
                    RequestEnd::Source => 0,
                    RequestEnd::Destination => 1,
                };
                let again = std::mem::replace(&mut state.supplied[side], true);
                let after_failure = side == 0 && state.failed;
                let sent = state.sent;
                let other = std::mem::replace(&mut state.digest, digest);
                if let (Some(one), Some(other)) = (digest, other) {
                    self.check(Check::SameKey, now, one == other, |plan| {
                        let name = &plan.sessions[request.session].name;
                        format!("the ends of {name}#{} hold different keys", request.number)
                    });
                }
                self.check(Check::EndsOnce, now, !again && !after_failure, |_| {
                    "a request is supplied twice".into()
                });
                if side == 0 && !again && !after_failure {
                    self.open[request.session].leave(now, sent);
                }
            }
            Observation::Failed { request, .. } => {
                let Some(state) = self.request(request) else {
                    return;
                };
                let again = std::mem::replace(&mut state.failed, true) || state.supplied[0];
                let sent = state.sent;
                self.check(Check::EndsOnce, now, !again, |_| "a request ends twice".into());
                if !again {
                    self.open[request.session].leave(now, sent);
                }
            }
            Observation::Declared { .. } if from.kind() == ElementKind::Controller => {
                self.order.found_out(from);
            }
            Observation::KeyHeld { request } => {
                if let Some(state) = self.request(request) {
                    state.held = true;
                }
            }
            Observation::Session {
                session,
                label,
                state,
                ..
            } => {
                self.noted(now, from, label, Some(session));
                if state == SessionState::Active {
                    self.order.settled(from, session);
                }
            }
            Observation::Internal { label, subject, .. } => {
                self.noted(now, from, label, subject.session);
                if let Some(request) = subject.request_id() {
                    self.see(now, request, label.procedure, label.step);
                }
            }
            Observation::Unsent {
                pad: Some(ref pad), ..
            } => self.use_keys_of(now, pad),
            Observation::Disputed { request } => {
                self.check(Check::Settlement, now, false, |plan| {
                    let name = &plan.sessions[request.session].name;
                    format!("the providers' records of {name}#{} differ", request.number)
                });
            }
            Observation::Finding { what, store } => {
                self.check(Check::UsedOnce, now, false, |_| {
                    format!("{what} (store {store:?})")
                });
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
