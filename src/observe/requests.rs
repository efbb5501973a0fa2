//! What became of every request, and the messages that it took.

use std::collections::BTreeMap;

use super::Observer;
use crate::architecture::message::{FailureCause, Message, OtpKeys};
use crate::architecture::observation::RequestEnd;
use crate::architecture::protection::Combiner;
use crate::architecture::{Address, ElementKind, Envelope, Observation, RequestId};
use crate::ids::{Arena, FaultId, NodeId, PoolId, QkdnId, SessionId, StoreId};
use crate::kernel::Time;

/// One request's life.
#[derive(Clone, Copy, Debug)]
pub struct RequestLife {
    /// Sent over Ak.
    pub sent: Time,
    /// Bits asked for.
    pub bits: u64,
    /// The source application holds the key.
    pub at_source: Option<Time>,
    /// The destination application holds the key.
    pub at_destination: Option<Time>,
    /// The source KSA gave it up.
    pub failed: Option<(Time, FailureCause)>,
    /// One-time-pad key spent on it \[bits\].
    pub spent_bits: u64,
    /// Hops that its key was sent over.
    pub hops: u32,
    /// First relay message sent.
    pub relay_started: Option<Time>,
    /// The destination KM holds the key.
    pub held: Option<Time>,
    /// The KM that lacked key last.
    pub waited_for: Option<NodeId>,
    /// Sum of the digests of what both ends were supplied: 0 once both hold the same key. Always 0 where no real bits
    /// flow.
    pub digests: u64,
}

impl RequestLife {
    /// When both applications held the key, if the request was delivered.
    pub fn delivered(&self) -> Option<Time> {
        match (self.failed, self.at_source, self.at_destination) {
            (None, Some(source), Some(destination)) => Some(source.max(destination)),
            _ => None,
        }
    }

    /// Whether only the destination got its key: the request has failed, and the key is never used again.
    pub fn one_sided(&self) -> bool {
        self.failed.is_some() && self.at_destination.is_some()
    }

    /// When the request ended.
    pub fn ended(&self) -> Option<Time> {
        self.failed.map(|(at, _)| at).or_else(|| self.delivered())
    }
}

/// Control- and management-layer messages of the counting time, by sending QKDN.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
    /// Messages among the controllers of the QKDN about what they route by.
    pub routing_messages: u64,
    /// Their bytes.
    pub routing_bytes: u64,
}

/// The observer.
#[derive(Clone, Debug)]
pub struct Requests {
    /// The counting time.
    counting: [Time; 2],
    lives: Arena<SessionId, Vec<RequestLife>>,
    open: u64,
    /// Key that tags have spent \[bits\], and messages not sent for want of it, by store.
    authentication: BTreeMap<StoreId, (u64, u64)>,
    traffic: Arena<QkdnId, Traffic>,
    controllers: Vec<QkdnId>,
    managers: Vec<QkdnId>,
    nodes: Vec<QkdnId>,
    modules: Vec<QkdnId>,
    /// Legs: the session that each belongs to, and how its keys are put together.
    legs: BTreeMap<SessionId, (SessionId, Combiner)>,
    /// The session that fills each pool, and what one refill brings \[bits\].
    pools: BTreeMap<PoolId, (SessionId, u64)>,
}

impl Requests {
    /// An observer of `sessions` sessions that counts traffic and tags from one instant to another; the tables say which QKDN nodes, controllers, managers and modules count to.
    pub fn new(
        (from, to): (Time, Time),
        sessions: usize,
        qkdns: usize,
        nodes: Vec<QkdnId>,
        controllers: Vec<QkdnId>,
        managers: Vec<QkdnId>,
        modules: Vec<QkdnId>,
    ) -> Requests {
        Requests {
            counting: [from, to],
            lives: (0..sessions).map(|_| Vec::new()).collect(),
            open: 0,
            authentication: BTreeMap::new(),
            traffic: (0..qkdns).map(|_| Traffic::default()).collect(),
            controllers,
            managers,
            nodes,
            modules,
            legs: BTreeMap::new(),
            pools: BTreeMap::new(),
        }
    }

    /// Counts what is spent on legs for the requests that they are parts of, too, and what is spent on refills of pools for
    /// the requests that are served from them.
    #[must_use]
    pub fn with_protection(
        self,
        legs: BTreeMap<SessionId, (SessionId, Combiner)>,
        pools: BTreeMap<PoolId, (SessionId, u64)>,
    ) -> Requests {
        Requests { legs, pools, ..self }
    }

    /// A request took key from a pool: its share of what that key's refills have spent, to the bit.
    fn draw(&mut self, request: RequestId, pool: PoolId, keys: &OtpKeys) {
        let Some(&(session, refill)) = self.pools.get(&pool) else {
            return;
        };
        for range in keys.ranges() {
            let mut at = range.start;
            while at < range.end() {
                let number = (at / refill) as u32;
                let (from, until) = (at % refill, refill.min(at % refill + range.end() - at));
                let source = *self.life(RequestId { session, number });
                let share = |bits: u64| {
                    (u128::from(source.spent_bits) * u128::from(bits) / u128::from(refill)) as u64
                };
                let life = self.life(request);
                life.spent_bits += share(until) - share(from);
                life.hops = life.hops.max(source.hops);
                at += until - from;
            }
        }
    }

    /// A request's life, and that of the request that it is a part of.
    fn lives_of(&mut self, request: RequestId, mut tell: impl FnMut(&mut RequestLife, Option<Combiner>)) {
        tell(self.life(request), None);
        if let Some(&(session, combiner)) = self.legs.get(&request.session) {
            tell(self.life(RequestId { session, ..request }), Some(combiner));
        }
    }

    fn qkdn_of(&self, address: Address) -> QkdnId {
        use crate::architecture::ElementKind as K;
        let at = address.index() as usize;
        match address.kind() {
            K::Controller => self.controllers[at],
            K::Manager => self.managers[at],
            K::QkdModule => self.modules[at],
            K::Kma | K::Ksa => self.nodes[at],
            K::Application | K::UserNetworkManager => {
                unreachable!("what lies outside the QKDN sends no control messages")
            }
        }
    }

    /// Whether controllers of one QKDN tell each other by it what they route by.
    fn is_routing_information(&self, envelope: &Envelope) -> bool {
        let controllers = [envelope.from, envelope.to].map(Address::kind) == [ElementKind::Controller; 2];
        let tells =
            matches!(&envelope.message, Message::Control(message) if message.is_routing_information());
        controllers && tells && self.qkdn_of(envelope.from) == self.qkdn_of(envelope.to)
    }

    fn counts(&self, now: Time) -> bool {
        self.counting[0] <= now && now < self.counting[1]
    }

    fn life(&mut self, request: RequestId) -> &mut RequestLife {
        &mut self.lives[request.session][request.number as usize]
    }

    /// Requests that have not ended.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// The lives of one session's requests, by number.
    pub fn of(&self, session: SessionId) -> &[RequestLife] {
        &self.lives[session]
    }

    /// Key that authentication tags have spent from a store in the counting time \[bits\], and messages not sent for
    /// want of it.
    pub fn authentication(&self, store: StoreId) -> (u64, u64) {
        self.authentication.get(&store).copied().unwrap_or_default()
    }

    /// Control and management traffic of a QKDN in the counting time.
    pub fn traffic(&self, qkdn: QkdnId) -> Traffic {
        self.traffic[qkdn]
    }
}

impl Observer for Requests {
    #[inline]
    fn sent(&mut self, now: Time, envelope: &Envelope, internal: bool) {
        // Controllers and managers are spoken to in no other words, nor speak others.
        let controls = matches!(envelope.message, Message::Control(_) | Message::Management(_));
        if controls && !internal && self.counts(now) {
            let qkdn = self.qkdn_of(envelope.from);
            let floods = self.is_routing_information(envelope);
            let traffic = &mut self.traffic[qkdn];
            let bytes = envelope.message.bytes();
            traffic.messages += 1;
            traffic.bytes += bytes;
            if floods {
                traffic.routing_messages += 1;
                traffic.routing_bytes += bytes;
            }
        }
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, _attempt: u32) {
        self.sent(now, envelope, false);
    }

    #[inline]
    fn observed(&mut self, now: Time, _from: Address, observation: &Observation) {
        match *observation {
            Observation::Requested { request, bits } => {
                let lives = &mut self.lives[request.session];
                assert_eq!(
                    lives.len(),
                    request.number as usize,
                    "requests are numbered as they are sent"
                );
                lives.push(RequestLife {
                    sent: now,
                    bits,
                    at_source: None,
                    at_destination: None,
                    failed: None,
                    spent_bits: 0,
                    hops: 0,
                    relay_started: None,
                    held: None,
                    waited_for: None,
                    digests: 0,
                });
                self.open += 1;
            }
            Observation::Supplied { request, end, digest } => {
                let life = self.life(request);
                life.digests ^= digest.unwrap_or(0);
                match end {
                    RequestEnd::Source => {
                        life.at_source = Some(now);
                        self.open -= 1;
                    }
                    RequestEnd::Destination => life.at_destination = Some(now),
                }
            }
            Observation::Failed { request, cause } => {
                self.life(request).failed = Some((now, cause));
                self.open -= 1;
            }
            Observation::Authenticated { store, bits } if self.counts(now) => {
                self.authentication.entry(store).or_default().0 += bits;
            }
            Observation::Unsent { store, .. } if self.counts(now) => {
                self.authentication.entry(store).or_default().1 += 1;
            }
            Observation::Waits { request, km } => {
                self.lives_of(request, |life, _| life.waited_for = Some(km));
            }
            Observation::RelayStarted { request } => self.lives_of(request, |life, leg| match leg {
                None => life.relay_started = Some(now),
                Some(_) => {
                    life.relay_started.get_or_insert(now);
                }
            }),
            Observation::KeyHeld { request } => self.lives_of(request, |life, leg| match leg {
                Some(Combiner::First) => {
                    life.held.get_or_insert(now);
                }
                None | Some(Combiner::Xor) => life.held = Some(now),
            }),
            Observation::Drawn {
                request,
                pool,
                ref keys,
            } => self.draw(request, pool, keys),
            Observation::Spent { request, bits, .. } => self.lives_of(request, |life, _| {
                life.spent_bits += bits;
                life.hops += 1;
            }),
            _ => {}
        }
    }

    fn disturbed(&mut self, _: Time, _: FaultId, _: bool) {}
}
