//! Reroutes instant by instant: t0 … t7 as elements let them be seen.
//!
//! Several controllers may look at one session for one fault: those at both ends of a lost border find out at once, and
//! what lies in two QKDNs is rerouted in each of them. Each has an account of its own here; the one that is last in
//! force is the critical path, with both sides' commands where the two have agreed. A report that comes after keys have
//! flowed over the new route is another story, and in no record.
//!
//! Where the deciding controller is lost with its node, nobody gives the session back: its source finds by a time-out that
//! nobody answers. Assumption: the fault behind that is the one that came last of those that last and lose messages, and
//! where no controller has brought a route into force, the source's time-out is report, decision and command, and its new
//! attempt the route. Where no element has declared the fault before, the time-out does, for that session.

use std::collections::{BTreeMap, BTreeSet};

use super::Observer;
use crate::architecture::message::ControlMessage;
use crate::architecture::observation::{RequestEnd, ReroutingInstant, SessionState};
use crate::architecture::{Address, Envelope, Layer, Message, Observation};
use crate::ids::{FaultId, Id as _, SessionId};
use crate::kernel::{Span, Time};

/// One fault's own instants, and what was sent about it that concerns no one session.
#[derive(Clone, Copy, Default, Debug)]
struct FaultLife {
    began: Option<Time>,
    ended: bool,
    declared: Option<Time>,
    messages: u64,
    bytes: u64,
}

/// What one controller has decided about one session, and how far its KMs are.
#[derive(Clone, Copy, Debug)]
struct Account {
    controller: Address,
    /// t2 … t5.
    decision: [Option<Time>; 4],
    /// The account (by its number) of the other side that has agreed to what this one has proposed.
    agreed_with: Option<usize>,
    /// It switches by another's proposal, whose account tells the story.
    follows: bool,
    /// It has given the session back to its source.
    gives_back: bool,
    /// KMs that are told; `None` as long as none is.
    told: Option<u32>,
    /// How many have received their command, and when the last one did.
    commanded: (u32, Option<Time>),
    /// How many routes are active, and since when the last one is.
    active: (u32, Option<Time>),
}

impl Account {
    fn new(controller: Address) -> Account {
        Account {
            controller,
            decision: [None; 4],
            agreed_with: None,
            follows: false,
            gives_back: false,
            told: None,
            commanded: (0, None),
            active: (0, None),
        }
    }

    fn switched(&self) -> Option<Time> {
        self.decision[ReroutingInstant::Coordinated as usize]
    }

    /// t6 and t7 of its own KMs: its switch instant where none needs to be told, nothing while some have yet to answer.
    fn own_kms(&self) -> [Option<Time>; 2] {
        let (Some(told), Some(switched)) = (self.told, self.switched()) else {
            return [None; 2];
        };
        [self.commanded, self.active].map(|(count, last)| {
            let all = count >= told;
            all.then(|| last.map_or(switched, |last| last.max(switched)))
        })
    }
}

/// What was seen of one session under one fault.
#[derive(Clone, Default, Debug)]
struct SessionLife {
    accounts: Vec<Account>,
    /// Which side of a border switched first, when, and when the other did or one of them gave the session back.
    switched: Option<(Address, Time, Option<Time>)>,
    /// A border has been agreed on.
    agreed: bool,
    /// When its source has found by itself that nobody answers.
    found: Option<Time>,
    messages: u64,
    bytes: u64,
}

impl SessionLife {
    /// t2 … t7 as an account has them, with the other side's where both have agreed.
    fn instants_of(&self, account: &Account) -> [Option<Time>; 6] {
        let mut instants = [None; 6];
        instants[..4].copy_from_slice(&account.decision);
        instants[4..].copy_from_slice(&account.own_kms());
        if let Some(other) = account.agreed_with.map(|at| &self.accounts[at]) {
            // The later of both sides; nothing while one of them is behind.
            let [commanded, active] = other.own_kms();
            for (at, theirs) in [(3, other.switched()), (4, commanded), (5, active)] {
                instants[at] = instants[at].and_then(|mine| Some(mine.max(theirs?)));
            }
            instants[4] = instants[4].max(instants[3].filter(|_| instants[4].is_some()));
        }
        instants
    }

    /// t2 … t7 of the critical path: of what is in force last, else of what has come furthest.
    fn instants(&self) -> [Option<Time>; 6] {
        let told = self.accounts.iter().filter(|account| !account.follows);
        let all = told.map(|account| self.instants_of(account));
        // Of equals the later account.
        let furthest = all.max_by_key(|instants| (instants[5], instants.iter().flatten().count()));
        let mut instants = furthest.unwrap_or([None; 6]);
        // Who gave the session back for what a controller beyond had found out looked at nothing itself.
        if let (None, Some(coordinated)) = (instants[0], instants[3]) {
            let others = self.accounts.iter().map(|account| account.decision);
            let before = others.filter(|decision| decision[2].is_some_and(|at| at <= coordinated));
            if let Some(found) = before.max_by_key(|decision| decision[2]) {
                instants[..3].copy_from_slice(&found[..3]);
            }
        }
        instants
    }

    /// The account of a controller that is being written. A story that is in force stays as it is.
    fn account(&mut self, controller: Address, anew: bool) -> &mut Account {
        let place = self.accounts.iter().rposition(|it| it.controller == controller);
        let in_force = |life: &SessionLife, at: usize| life.instants_of(&life.accounts[at])[5].is_some();
        match place {
            Some(at) if !anew => return &mut self.accounts[at],
            Some(at) if !in_force(self, at) && !self.accounts[at].follows => {
                self.accounts[at] = Account::new(controller);
                return &mut self.accounts[at];
            }
            _ => {}
        }
        self.accounts.push(Account::new(controller));
        self.accounts.last_mut().expect("it was just added")
    }

    /// The account that a KM speaks of: its decider's, or the one that gave the session back.
    fn account_of_km(&mut self, decider: Option<Address>) -> Option<&mut Account> {
        let mut accounts = self.accounts.iter_mut().rev();
        accounts.find(|account| match decider {
            Some(decider) => account.controller == decider && account.told.is_some(),
            None => account.gives_back,
        })
    }

    /// COMMIT: two sides have agreed.
    fn commit(&mut self, proposer: Address, other: Address) {
        self.agreed = true;
        let account = self.account(proposer, false);
        if account.agreed_with.is_some() || account.follows {
            return; // said again, by either side
        }
        self.account(other, true).follows = true;
        let follower = self.accounts.iter().rposition(|it| it.controller == other);
        self.account(proposer, false).agreed_with = follower;
    }
}

/// The observer.
#[derive(Clone, Default, Debug)]
pub struct Reroutes {
    /// Faults by which messages are lost.
    silencing: BTreeSet<FaultId>,
    faults: BTreeMap<FaultId, FaultLife>,
    sessions: BTreeMap<(FaultId, SessionId), SessionLife>,
    /// When each session was last supplied.
    supplied: Vec<Option<Time>>,
    /// When each controller opened each session first and last.
    opened: BTreeMap<SessionId, BTreeMap<Address, (Time, Time)>>,
    /// Of which one side of a border alone has switched yet.
    half_switched: Vec<(FaultId, SessionId)>,
    /// Sessions that have begun anew by themselves: since when, and the fault behind it.
    anew: BTreeMap<SessionId, (Time, FaultId)>,
}

/// One reroute as observed: instants t0 … t7, messages, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reroute {
    /// t0 … t7; `None` where not reached.
    pub instants: [Option<Time>; 8],
    /// How long the two sides of a border were on different routes; `None` where none was agreed on, or the other side
    /// never followed.
    pub half_switched: Option<Span>,
    /// Control and management messages about it; those about the fault alone count in each of its sessions.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Reroutes {
    /// An observer that has seen nothing; `silencing`: the faults by which messages are lost.
    pub fn new(silencing: BTreeSet<FaultId>) -> Reroutes {
        Reroutes {
            silencing,
            ..Reroutes::default()
        }
    }

    /// What a session saw of a fault.
    pub fn of(&self, fault: FaultId, session: SessionId) -> Reroute {
        let of_fault = self.faults.get(&fault).copied().unwrap_or_default();
        let mut reroute = Reroute {
            messages: of_fault.messages,
            bytes: of_fault.bytes,
            ..Reroute::default()
        };
        (reroute.instants[0], reroute.instants[1]) = (of_fault.began, of_fault.declared);
        if let Some(life) = self.sessions.get(&(fault, session)) {
            reroute.instants[2..].copy_from_slice(&life.instants());
            if let Some(found) = life.found {
                let declared = of_fault.declared.map_or(found, |declared| declared.min(found));
                reroute.instants[1] = Some(declared);
            }
            reroute.half_switched = life.switched.and_then(|(_, from, to)| Some(to?.since(from)));
            reroute.messages += life.messages;
            reroute.bytes += life.bytes;
        }
        reroute
    }

    /// Whether a session was supplied since its new route is in force: the one that was commanded, or one that its source
    /// found by itself, beginning anew.
    fn is_over(&self, (fault, session): (FaultId, SessionId)) -> bool {
        let supplied = self.supplied.get(session.index()).copied().flatten();
        let life = self.sessions.get(&(fault, session));
        let in_force = life.and_then(|life| life.instants()[5]);
        let began = self.faults.get(&fault).and_then(|life| life.began);
        let renewed = || {
            let began = began?;
            let opened = self.opened.get(&session)?.values();
            let again = opened.filter(|(first, last)| *first < began && began < *last);
            again.map(|&(_, last)| last).max()
        };
        supplied.is_some_and(|supplied| in_force.or_else(renewed).is_some_and(|at| supplied > at))
    }

    /// The route that one side has switched to is left: that side gives the session up, or a later attempt is made by
    /// whichever controller (`None`).
    fn leaves(&mut self, session: SessionId, side: Option<Address>, now: Time) {
        let Reroutes {
            half_switched,
            sessions,
            ..
        } = self;
        half_switched.retain(|key| {
            let switched = sessions.get_mut(key).and_then(|life| life.switched.as_mut());
            match switched {
                Some((first, _, until @ None))
                    if key.1 == session && side.is_none_or(|side| side == *first) =>
                {
                    *until = Some(now);
                    false
                }
                Some((_, _, until)) => until.is_none(),
                None => false,
            }
        });
    }

    /// The fault that has begun last of those that last and lose messages.
    fn present(&self) -> Option<FaultId> {
        let silencing = self
            .faults
            .iter()
            .filter(|(fault, _)| self.silencing.contains(fault));
        let lasting = silencing.filter(|(_, life)| !life.ended);
        let begun = lasting.filter_map(|(&fault, life)| Some((life.began?, fault)));
        begun.max().map(|(_, fault)| fault)
    }

    /// A session that has begun anew by itself has a route again.
    fn renewed(&mut self, session: SessionId, source: Address, now: Time) {
        let Some((since, fault)) = self.anew.remove(&session) else {
            return;
        };
        if self.is_over((fault, session)) {
            return;
        }
        let life = self.sessions.entry((fault, session)).or_default();
        if life.instants()[5].is_some() {
            return;
        }
        life.found = Some(since);
        life.accounts.push(Account {
            decision: [Some(since); 4],
            told: Some(1),
            commanded: (1, Some(since)),
            active: (1, Some(now)),
            ..Account::new(source)
        });
    }

    fn instant(
        &mut self,
        now: Time,
        from: Address,
        key: (FaultId, SessionId),
        instant: ReroutingInstant,
        decider: Option<Address>,
    ) {
        // Whatever was supplied meanwhile: the other side follows.
        if let (ReroutingInstant::Coordinated, Some(life)) = (instant, self.sessions.get_mut(&key))
            && let Some((first, _, other @ None)) = &mut life.switched
            && *first != from
        {
            *other = Some(now);
        }
        if instant <= ReroutingInstant::Coordinated && self.is_over(key) {
            return;
        }
        let life = self.sessions.entry(key).or_default();
        match instant {
            ReroutingInstant::Commanded => {
                if let Some(account) = life.account_of_km(decider) {
                    account.commanded = (account.commanded.0 + 1, Some(now));
                }
            }
            ReroutingInstant::Active => {
                if let Some(account) = life.account_of_km(decider) {
                    account.active = (account.active.0 + 1, Some(now));
                }
            }
            ReroutingInstant::Reported => life.account(from, true).decision[0] = Some(now),
            ReroutingInstant::Decided | ReroutingInstant::Computed => {
                life.account(from, false).decision[instant as usize] = Some(now);
            }
            ReroutingInstant::Coordinated => {
                life.account(from, false).decision[instant as usize] = Some(now);
                if life.agreed && life.switched.is_none() {
                    life.switched = Some((from, now, None));
                    self.half_switched.push(key);
                }
            }
        }
    }
}

impl Observer for Reroutes {
    #[inline]
    fn sent(&mut self, _now: Time, envelope: &Envelope, internal: bool) {
        // Nothing else tells of faults, and most messages are something else.
        if !matches!(envelope.message, Message::Control(_) | Message::Management(_)) {
            return;
        }
        let subject = envelope.message.subject();
        let Some(fault) = subject.fault else { return };
        let layer = envelope.to.kind().layer();
        if internal || !matches!(layer, Layer::Control | Layer::Management | Layer::KeyManagement) {
            return;
        }
        let bytes = envelope.message.bytes();
        match subject.session {
            Some(session) => {
                let life = self.sessions.entry((fault, session)).or_default();
                life.messages += 1;
                life.bytes += bytes;
                if matches!(envelope.message, Message::Control(ControlMessage::Commit { .. })) {
                    life.commit(envelope.from, envelope.to);
                }
            }
            None => {
                let life = self.faults.entry(fault).or_default();
                life.messages += 1;
                life.bytes += bytes;
            }
        }
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, _attempt: u32) {
        self.sent(now, envelope, false);
    }

    #[inline]
    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match *observation {
            Observation::Supplied {
                request,
                end: RequestEnd::Source,
                ..
            } => {
                let at = request.session.index();
                if self.supplied.len() <= at {
                    self.supplied.resize(at + 1, None);
                }
                self.supplied[at] = Some(now);
            }
            Observation::Session {
                session,
                state: SessionState::Open,
                ..
            } => {
                let opened = self.opened.entry(session).or_default();
                opened.entry(from).or_insert((now, now)).1 = now;
                if !self.half_switched.is_empty() {
                    self.leaves(session, None, now);
                }
            }
            Observation::Session {
                session,
                state: SessionState::Failed | SessionState::Closed,
                ..
            } if !self.half_switched.is_empty() => self.leaves(session, Some(from), now),
            Observation::BeginsAnew { session } => {
                self.anew.remove(&session);
                if let Some(fault) = self.present() {
                    self.anew.insert(session, (now, fault));
                }
            }
            Observation::Renewed { session } => self.renewed(session, from, now),
            Observation::Declared { fault } => {
                self.faults.entry(fault).or_default().declared.get_or_insert(now);
            }
            Observation::Rerouting {
                fault,
                session,
                instant,
                decider,
            } => self.instant(
                now,
                from,
                (fault, session),
                instant,
                decider.map(Address::controller),
            ),
            Observation::Commands {
                fault,
                session,
                kms,
                gives_back,
            } => {
                let life = self.sessions.entry((fault, session)).or_default();
                let account = life.account(from, false);
                (account.told, account.commanded, account.active) = (Some(kms), (0, None), (0, None));
                account.gives_back = gives_back;
                if gives_back {
                    (account.agreed_with, account.follows) = (None, false);
                    self.leaves(session, Some(from), now);
                }
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, now: Time, fault: FaultId, begins: bool) {
        let life = self.faults.entry(fault).or_default();
        life.ended = !begins;
        if begins {
            life.began.get_or_insert(now);
        }
    }
}
