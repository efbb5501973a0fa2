//! The auditor: stands outside the elements, sees every envelope and observation, and recounts.
//!
//! Checks: messages use legal reference points (RP-rule, A3, A5); no key material in control or management messages
//! (S1); steps keep the partial order of their procedure; a key is relayed from where it is and supplied only after it
//! is held; every request ends once; every one-time-pad key is used once; books balance and both ends agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Plan;
use super::wiring;
use crate::architecture::message::{
    ControlMessage, KeyManagementMessage, KeyRange, RelayOutcome, ReservationResult, ServiceMessage,
};
use crate::architecture::observation::RequestEnd;
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{Address, Envelope, Message, Observation, Procedure, RequestId, Step};
use crate::ids::{Arena, FaultId, NodeId, SessionId, StoreId};
use crate::kernel::Time;
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
}

impl Check {
    const ALL: [Check; 9] = [
        Check::ReferencePoints,
        Check::KeyMaterial,
        Check::StepOrder,
        Check::KeyPath,
        Check::SupplyAfterRelay,
        Check::EndsOnce,
        Check::UsedOnce,
        Check::Conservation,
        Check::EndsAgree,
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
        }
    }
}

/// What the auditor keeps of a request.
#[derive(Clone, Copy, Default, Debug)]
struct Request {
    /// Steps seen, one bit each.
    steps: u32,
    /// Where the key is; `None` before the relay starts.
    key_at: Option<NodeId>,
    held: bool,
    completed: bool,
    supplied: [bool; 2],
    failed: bool,
}

/// The observer.
#[derive(Debug)]
pub struct Auditor {
    plan: Arc<Plan>,
    requests: Arena<SessionId, Vec<Request>>,
    looked_at: [u64; 9],
    findings: BTreeMap<Check, String>,
    used: Vec<BTreeMap<u64, u64>>,
    spent: Vec<u64>,
}

const fn bit(step: Step) -> u32 {
    1 << step as u32
}

impl Auditor {
    /// An auditor of a plan's run.
    pub fn new(plan: Arc<Plan>) -> Auditor {
        Auditor {
            requests: plan.sessions.ids().map(|_| Vec::new()).collect(),
            looked_at: [0; 9],
            findings: BTreeMap::new(),
            used: vec![BTreeMap::new(); plan.stores.len()],
            spent: vec![0; plan.stores.len()],
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

    fn request(&mut self, id: RequestId) -> Option<&mut Request> {
        self.requests[id.session].get_mut(id.number as usize)
    }

    /// What must have been seen of a request before a step may be sent.
    fn before(&self, procedure: Procedure, step: Step) -> u32 {
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
            Step::RouteInformation if procedure == Procedure::P12 => {
                bit(Step::SegmentOffer) | bit(Step::Sufficiency)
            }
            Step::RouteInformation => bit(Step::SegmentOffer) | bit(Step::Computation),
            Step::RelayNear | Step::Crossing => started,
            Step::RelayFar => started | bit(Step::Crossing),
            Step::Accepted => bit(Step::Crossing),
            Step::CompletionFar => bit(Step::RelayFar),
            Step::CompletionCrossing => bit(Step::Crossing),
            Step::CompletionNear => bit(Step::RelayNear),
            Step::Metadata | Step::KeyData => bit(Step::CompletionCrossing),
            Step::Usage => bit(Step::Supply),
            _ => bit(Step::KeyRequest),
        }
    }

    fn see(&mut self, now: Time, id: RequestId, procedure: Procedure, step: Step) {
        if !matches!(procedure, Procedure::P9 | Procedure::P12 | Procedure::Local) {
            return;
        }
        let before = self.before(procedure, step);
        let Some(request) = self.request(id) else { return };
        let missing = before & !request.steps;
        request.steps |= bit(step);
        self.check(Check::StepOrder, now, missing == 0, |plan| {
            format!(
                "{step:?} of {}#{} came too early",
                plan.sessions[id.session].name, id.number
            )
        });
    }

    fn see_key(&mut self, now: Time, envelope: &Envelope) {
        match &envelope.message {
            Message::KeyManagement(KeyManagementMessage::KeyRelay {
                request,
                hop,
                otp,
                source,
                ..
            }) => {
                let (from, to) = (self.plan.hops[*hop].from, self.plan.hops[*hop].to);
                let Some(state) = self.request(*request) else {
                    return;
                };
                let at = state.key_at.replace(to).unwrap_or(*source);
                let ends = (envelope.from, envelope.to) == (Address::kma(from), Address::kma(to));
                self.check(Check::KeyPath, now, at == from && ends, |plan| {
                    format!("a key leaves {} and not from where it is", plan.nodes[from].name)
                });
                if let (Some(keys), Some(store)) = (otp, self.plan.hops[*hop].store()) {
                    for range in keys.ranges() {
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
                if let Some(request) = self.request(*request) {
                    request.completed = true;
                }
            }
            Message::KeyManagement(KeyManagementMessage::SupplyNotification { request, .. }) => {
                let completed = self.request(*request).is_some_and(|request| request.completed);
                self.check(Check::SupplyAfterRelay, now, completed, |_| {
                    "synchronised before completion".into()
                });
            }
            Message::Control(ControlMessage::Start {
                ask,
                result: ReservationResult::Confirmed,
                ..
            }) => {
                let asked = bit(Step::Reservation) | bit(Step::RouteInformation);
                let reserved = self
                    .request(ask.request)
                    .is_some_and(|request| request.steps & asked != 0);
                self.check(Check::StepOrder, now, reserved, |_| {
                    "a start before any reservation".into()
                });
            }
            Message::Service(ServiceMessage::KeySupply { request, .. }) => {
                let synchronised = self
                    .request(*request)
                    .is_some_and(|request| request.steps & bit(Step::Synchronisation) != 0);
                self.check(Check::StepOrder, now, synchronised, |_| {
                    "supplied before synchronisation".into()
                });
                let held = self.request(*request).is_some_and(|request| request.held);
                self.check(Check::SupplyAfterRelay, now, held, |_| {
                    "supplied before the key is held".into()
                });
            }
            _ => {}
        }
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
            format!(
                "key {} of a store of {:?} is used again",
                range.start, plan.hops[plan.stores[store].settings.hop]
            )
        });
    }

    /// The findings, after the run: books and the receiving ends' (generated, spent), by store.
    pub fn conclude(mut self, now: Time, books: &[Book], receiving: &[(u64, u64)]) -> Vec<AuditCheck> {
        for (number, (book, &(generated, spent))) in books.iter().zip(receiving).enumerate() {
            self.check(Check::Conservation, now, book.balances(), |_| {
                format!("store {number}: {book:?}")
            });
            let recounted = self.spent[number];
            let agree = book.generated == generated && book.spent == recounted;
            // A relay that a cut of the data network lost was spent at the sending end only.
            let agree = agree && spent <= book.spent;
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
        Check::ALL
            .into_iter()
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
        if let Some(id) = envelope.message.subject().request_id() {
            self.see(now, id, envelope.label.procedure, envelope.label.step);
        }
        self.see_key(now, envelope);
    }

    fn observed(&mut self, now: Time, _from: Address, observation: &Observation) {
        match *observation {
            Observation::Requested { request, .. } => {
                self.requests[request.session].push(Request::default());
            }
            Observation::Supplied { request, end } => {
                let Some(state) = self.request(request) else {
                    return;
                };
                let side = match end {
                    RequestEnd::Source => 0,
                    RequestEnd::Destination => 1,
                };
                let again = std::mem::replace(&mut state.supplied[side], true);
                let after_failure = side == 0 && state.failed;
                self.check(Check::EndsOnce, now, !again && !after_failure, |_| {
                    "a request is supplied twice".into()
                });
            }
            Observation::Failed { request, .. } => {
                let Some(state) = self.request(request) else {
                    return;
                };
                let again = std::mem::replace(&mut state.failed, true) || state.supplied[0];
                self.check(Check::EndsOnce, now, !again, |_| "a request ends twice".into());
            }
            Observation::KeyHeld { request } => {
                if let Some(state) = self.request(request) {
                    state.held = true;
                }
            }
            Observation::Internal { label, subject, .. } => {
                if let Some(request) = subject.request_id() {
                    self.see(now, request, label.procedure, label.step);
                }
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
