//! The source KM of a request: P9 and P12 steps 0–1, the start of the relay, time-outs, the session's end.
//!
//! Requests of a session wait first in first out. Once the session's route is installed, each asks for its
//! reservation (P9 step 4a, P12 step 5); one that was refused for want of key holds up those behind it until the
//! lacking KM can serve. The source decides how a request ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;

use rustc_hash::FxHashMap;

use super::{Context, KeyManager};
use crate::architecture::message::{
    Ask, AvoidedBorders, BorderChoice, ControlMessage, FailureCause, KeyManagementMessage, KeyMaterial,
    KeyRequest, ManagementMessage, RelayOrder, RelayOutcome, ReservationResult, ServiceMessage, Subject,
};
use crate::architecture::observation::{Choice, Decision, ReroutingInstant};
use crate::architecture::surroundings::ReservationScheme;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{BoundaryId, ControllerId, FaultId, PoolId, SessionId};
use crate::kernel::Time;

/// Where a request stands at its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Behind others, or the session has no route yet.
    Queued,
    /// Its route or its reservation has been asked for; `can_serve`: the lacking KM spoke before the refusal came.
    Asking {
        /// See above.
        can_serve: bool,
    },
    /// Refused for want of key; first of its session's queue.
    Refused,
    /// On its way.
    Relaying,
    /// At the destination; the KSAs synchronise.
    Synchronising,
    /// To be served from a pool: it waits for key there, or the KSAs agree on it.
    Drawing,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) order: KeyRequest,
    pub(super) state: State,
    /// Whether key was ever lacking, for the cause of a time-out.
    pub(super) lacked: bool,
    /// Whether an element that it needed could not be reached, likewise.
    unreachable: bool,
    /// Its session's attempt that it is at.
    pub(super) attempt: u32,
    /// When it came.
    since: Time,
    /// When that attempt was made.
    asked: Time,
}

impl Request {
    /// Whether its attempt was made in the first half of its life: that it was not answered then tells of the route.
    fn was_asked_early(&self) -> bool {
        let left = self.order.deadline.max(self.asked).since(self.asked);
        self.asked.since(self.since) <= left
    }

    /// Whether more than half of its life is over.
    fn is_old(&self, now: Time) -> bool {
        now.since(self.since) > self.order.deadline.max(now).since(now)
    }
}

/// A session's route as its source knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RouteState {
    None,
    /// By this request.
    Establishing(u32),
    Installed(ControllerId),
}

#[expect(clippy::struct_excessive_bools, reason = "independent marks beside its state")]
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) route: RouteState,
    /// Who has decided on its routes: they are told of its end.
    deciders: BTreeSet<ControllerId>,
    pub(super) border: Option<BorderChoice>,
    pub(super) procedure: Procedure,
    /// Requests that are not on their way yet, by number.
    pub(super) queue: VecDeque<u32>,
    /// Counts what was asked for its requests.
    attempts: u32,
    /// The attempt that established its route, or is to.
    generation: u32,
    /// Requests by deadline; ended ones stay until they are first.
    deadlines: VecDeque<u32>,
    armed: bool,
    /// Borders beyond which there was no way for the request of that number, which looked for a route last.
    refused: (u32, Vec<BoundaryId>),
    /// It has found by itself that its route does not answer, and has no other yet.
    began_anew: bool,
    /// A reroute that began with the loss of this route.
    lost_by: Option<FaultId>,
    last: Option<u32>,
    /// Its end has been told: what comes late does not end it again.
    closed: bool,
    /// Sessions of the demand that were refused, until their end: one that is refused is refused for good.
    blocked: BTreeMap<NonZeroU32, Time>,
    /// Whether a route for it has been found, or looked for in vain: other legs wait for that at the beginning.
    pub(super) tried: bool,
    /// Whether its requests are served from a pool, because its own route has failed.
    switched: Switch,
}

impl Session {
    fn refused_for(&self, number: u32) -> &[BoundaryId] {
        let (of, refused) = &self.refused;
        if *of == number { refused } else { &[] }
    }

    /// The route, or who was to make it, does not answer.
    fn give_up_route(&mut self, id: SessionId, out: &mut Outbox) {
        if matches!(self.route, RouteState::Installed(_)) {
            self.began_anew = true;
            out.observe(Observation::BeginsAnew { session: id });
        }
        self.route = RouteState::None;
    }
}

/// Whether a session's requests are served from what was relayed ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Switch {
    /// Its own route carries them.
    No,
    /// Its own route has failed.
    Yes,
    /// Its own route carries them again where there is no key ahead.
    YesIfKey,
}

/// Sessions and requests of this KM's applications.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub(super) sessions: FxHashMap<SessionId, Session>,
    pub(super) requests: FxHashMap<RequestId, Request>,
    /// All sessions, in order.
    known: BTreeSet<SessionId>,
    /// Legs whose queues may go on for what happened to another leg.
    pub(super) unblocked: BTreeSet<SessionId>,
    /// Pools whose refills are to be tried again later.
    pub(super) paused: BTreeSet<PoolId>,
    /// Pools that may be filled now that the routes which they protect are found.
    pub(super) ready: BTreeSet<PoolId>,
    /// Pools whose applications ask no more.
    pub(super) over: BTreeSet<PoolId>,
}

impl Sources {
    /// Requests that have not ended.
    pub fn open(&self) -> usize {
        self.requests.len()
    }

    /// The order of a request that is at the KSAs.
    pub(in crate::key_management) fn order(&self, request: RequestId) -> Option<&KeyRequest> {
        self.requests.get(&request).map(|request| &request.order)
    }

    /// Whether a session's requests are served from a pool because its own route has failed.
    pub(super) fn switched(&self, session: SessionId) -> Switch {
        self.sessions
            .get(&session)
            .map_or(Switch::No, |session| session.switched)
    }

    /// Whether a session's route is there, as far as its source knows.
    pub(super) fn has_route(&self, session: SessionId) -> bool {
        let session = self.sessions.get(&session);
        session.is_some_and(|session| matches!(session.route, RouteState::Installed(_)))
    }

    /// Notes that they are, or no longer.
    pub(super) fn switch(&mut self, session: SessionId, switched: Switch) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.switched = switched;
        }
    }

    /// Whether a session has requests that have not ended.
    pub(super) fn has_open(&self, id: SessionId) -> bool {
        let deadlines = self.sessions.get(&id).map(|session| &session.deadlines);
        let mut numbers = deadlines.into_iter().flatten();
        numbers.any(|&number| self.requests.contains_key(&RequestId { session: id, number }))
    }

    /// A session's last request is this one.
    pub(super) fn ends_with(&mut self, session: SessionId, last: u32) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.last = Some(last);
        }
    }

    /// The near border KM of a session, if it crosses one.
    pub(in crate::key_management) fn border(&self, session: SessionId) -> Option<BorderChoice> {
        self.sessions.get(&session)?.border
    }
}

impl KeyManager {
    /// Step 0: an application asks. A request of a session with legs is split into one of each.
    pub(super) fn on_key_request(
        &mut self,
        order: KeyRequest,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let protections = &self.surroundings.protections;
        match protections.legs.get(&order.request.session).cloned() {
            Some(legs) => self.split(order, &legs, label, cx, out),
            None => {
                let leg = protections.places.get(&order.request.session).copied();
                let order = KeyRequest { leg, ..order };
                match self.serving_pool(&order) {
                    Some(pool) => {
                        self.take_up(order, State::Drawing, label, cx, out);
                        self.wait_at_pool(pool, order.request, cx, out);
                    }
                    None => self.take_up(order, State::Queued, label, cx, out),
                }
            }
        }
    }

    /// A request, an application's own or not, joins its session's queue, unless a pool is to serve it.
    pub(in crate::key_management::kma) fn take_up(
        &mut self,
        order: KeyRequest,
        state: State,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let RequestId { session: id, number } = order.request;
        if !self.sources.sessions.contains_key(&id) {
            self.sources.known.insert(id);
        }
        let session = self.sources.sessions.entry(id).or_insert_with(|| Session {
            route: RouteState::None,
            refused: (0, Vec::new()),
            began_anew: false,
            deciders: BTreeSet::new(),
            border: None,
            procedure: label.procedure,
            queue: VecDeque::new(),
            attempts: 0,
            generation: 0,
            deadlines: VecDeque::new(),
            armed: false,
            lost_by: None,
            last: None,
            closed: false,
            blocked: BTreeMap::new(),
            tried: false,
            switched: Switch::No,
        });
        session.blocked.retain(|_, until| *until > cx.now);
        let blocked = order
            .hold
            .is_some_and(|hold| session.blocked.contains_key(&hold.number));
        if state == State::Queued && !blocked {
            session.queue.push_back(number);
        }
        session.deadlines.push_back(number);
        if order.last {
            session.last = Some(number);
        }
        if !session.armed {
            session.armed = true;
            // Before a busy KM the request may have waited longer than its application does.
            out.wake(order.deadline.max(cx.now), Timer::RequestDeadline(id));
        }
        self.sources.requests.insert(
            order.request,
            Request {
                order,
                state,
                lacked: false,
                unreachable: false,
                attempt: 0,
                since: cx.now,
                asked: cx.now,
            },
        );
        if blocked {
            return self.fail(order.request, FailureCause::SessionLimit, out);
        }
        if state == State::Queued {
            out.explain(|| self.why_queued(order.request));
            self.pump(id, cx, out);
        }
    }

    /// What a request finds at its source.
    fn why_queued(&self, request: RequestId) -> Decision {
        let session = &self.sources.sessions[&request.session];
        let reason = match session.route {
            RouteState::None => "its session has no route: one is asked for",
            RouteState::Establishing(_) => "the route of its session is being found for a request before it",
            RouteState::Installed(_) if session.queue.front() != Some(&request.number) => {
                "a request of its session waits before it"
            }
            RouteState::Installed(_) => "the route of its session is there",
        };
        Decision::new(Choice::Queue, Subject::request(request), reason)
    }

    /// Moves a session's queue as far as it goes.
    pub(super) fn pump(&mut self, id: SessionId, cx: &mut Context<'_>, out: &mut Outbox) {
        let per_hop = self.surroundings.parameters.reservation == ReservationScheme::PerHop;
        if self.awaits_other_leg(id) {
            return;
        }
        while let Some(session) = self.sources.sessions.get_mut(&id)
            && let Some(&number) = session.queue.front()
        {
            let request = RequestId { session: id, number };
            let entry = self
                .sources
                .requests
                .get_mut(&request)
                .expect("queued requests are open");
            match session.route {
                RouteState::None => {
                    // The search for a route ends with its request. Where requests have waited for long, the oldest has little
                    // time left for it, and so would each after it: the youngest looks.
                    let seeks = if entry.is_old(cx.now) {
                        session.queue.pop_back()
                    } else {
                        session.queue.pop_front()
                    };
                    let number = seeks.expect("it was just there");
                    let request = RequestId { session: id, number };
                    let entry = self.sources.requests.get_mut(&request);
                    let entry = entry.expect("queued requests are open");
                    session.route = RouteState::Establishing(number);
                    (entry.state, entry.asked) = (State::Asking { can_serve: false }, cx.now);
                    session.attempts += 1;
                    (entry.attempt, session.generation) = (session.attempts, session.attempts);
                    let (order, attempt) = (entry.order, entry.attempt);
                    self.establish(order, attempt, out);
                    return;
                }
                RouteState::Establishing(_) => return,
                RouteState::Installed(_) if entry.state == State::Refused => return,
                RouteState::Installed(_) if per_hop => {
                    session.queue.pop_front();
                    self.start_relay(request, cx, out);
                }
                RouteState::Installed(decider) => {
                    session.queue.pop_front();
                    (entry.state, entry.asked) = (State::Asking { can_serve: false }, cx.now);
                    session.attempts += 1;
                    entry.attempt = session.attempts;
                    let label = Label::new(session.procedure, Step::Reservation);
                    let message = ControlMessage::SegmentRequest {
                        order: entry.order,
                        attempt: entry.attempt,
                        source: self.surroundings.node,
                        decider,
                    };
                    out.send(self.controller(), label, message);
                }
            }
        }
    }

    /// Steps 0a–2: from nothing to a route.
    fn establish(&mut self, order: KeyRequest, attempt: u32, out: &mut Outbox) {
        let session = &self.sources.sessions[&order.request.session];
        if order.destination_qkdn == self.surroundings.qkdn {
            let label = Label::new(Procedure::Local, Step::RouteRequest);
            let order = RelayOrder {
                order,
                source: self.me(),
                attempt,
                source_controller: self.surroundings.controller,
                border: None,
            };
            out.send(
                self.controller(),
                label,
                ControlMessage::RouteRequest(Box::new(order)),
            );
        } else {
            let label = Label::new(session.procedure, Step::BorderChoice);
            let taken = self.borders_of_other_legs(order.request.session);
            let query = ControlMessage::BorderQuery {
                order,
                attempt,
                avoided: Box::new(AvoidedBorders {
                    taken,
                    refused: session.refused_for(order.request.number).to_vec(),
                }),
            };
            out.send(self.controller(), label, query);
        }
    }

    /// Step 0a: which border serves. Step 1: the requirement goes there.
    pub(super) fn on_border_answer(
        &mut self,
        ask: Ask,
        border: Option<BorderChoice>,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let request = ask.request;
        if self.is_void(ask) {
            return;
        }
        let Some(border) = border else {
            return self.route_failed(request, FailureCause::NoRoute, cx, out);
        };
        let Some(session) = self.sources.sessions.get_mut(&request.session) else {
            return;
        };
        session.border = Some(border);
        session.procedure = border.procedure;
        let Some(entry) = self.sources.requests.get(&request) else {
            // It timed out meanwhile: the next one starts anew.
            session.route = RouteState::None;
            return self.pump(request.session, cx, out);
        };
        let requirement = KeyManagementMessage::Requirement {
            order: entry.order,
            attempt: ask.attempt,
            source: self.surroundings.node,
            source_controller: self.surroundings.controller,
        };
        out.send(
            Address::kma(border.near),
            Label::new(border.procedure, Step::Requirement),
            requirement,
        );
    }

    /// Step 2, at KM-A: the requirement goes to its controller.
    pub(super) fn on_requirement(&mut self, order: RelayOrder, label: Label, out: &mut Outbox) {
        let label = Label::new(label.procedure, Step::RouteRequest);
        out.send(
            self.controller(),
            label,
            ControlMessage::RouteRequest(Box::new(order)),
        );
    }

    /// Whether an answer is void: an open request has gone on to a later attempt, or waits to be asked for anew.
    fn is_void(&self, ask: Ask) -> bool {
        let entry = self.sources.requests.get(&ask.request);
        self.is_stale(ask) || entry.is_some_and(|entry| !matches!(entry.state, State::Asking { .. }))
    }

    /// Whether an open request has gone on to a later attempt: what is said of this one is void.
    fn is_stale(&self, ask: Ask) -> bool {
        let entry = self.sources.requests.get(&ask.request);
        entry.is_some_and(|entry| entry.attempt != ask.attempt)
    }

    /// Step 4b (P12 5a): all confirmed, or refused.
    pub(super) fn on_start_or_refusal(
        &mut self,
        ask: Ask,
        decider: ControllerId,
        result: ReservationResult,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        if self.is_void(ask) {
            return;
        }
        let request = ask.request;
        let id = request.session;
        let cause = match result {
            ReservationResult::Confirmed => None,
            ReservationResult::Refused(cause, _) => Some(cause),
            ReservationResult::Stale => unreachable!("a controller asks again by itself"),
        };
        let installed = matches!(
            cause,
            None | Some(FailureCause::InsufficientKey | FailureCause::TimeOut | FailureCause::SessionLimit)
        );
        if cause == Some(FailureCause::ElementDown) {
            return self.ask_again(ask, cx, out);
        }
        if cause == Some(FailureCause::NoRoute) && self.tries_another_border(request) {
            return self.pump(id, cx, out);
        }
        if !installed {
            return self.route_failed(request, cause.unwrap_or(FailureCause::NoRoute), cx, out);
        }
        let Some(session) = self.sources.sessions.get_mut(&id) else {
            return;
        };
        if session.route == RouteState::Establishing(request.number) {
            session.route = RouteState::Installed(decider);
            session.deciders.insert(decider);
            self.note_tried(id);
            // What an earlier route was asked for, nobody answers any more.
            self.queue_again(id);
            let session = self.sources.sessions.get_mut(&id).expect("it was just there");
            if std::mem::take(&mut session.began_anew) {
                out.observe(Observation::Renewed { session: id });
            }
            if let Some(fault) = session.lost_by.take() {
                let instant = ReroutingInstant::Active;
                out.observe(Observation::Rerouting {
                    fault,
                    session: id,
                    instant,
                    decider: None,
                });
            }
        }
        let lost_at_once = self
            .routes
            .get(&id)
            .is_some_and(|route| route.terms.fails_at_once);
        let needed = self.is_needed(request);
        let session = self.sources.sessions.get_mut(&id).expect("it was just there");
        match (cause, self.sources.requests.get_mut(&request)) {
            // Another leg has supplied, or one that it would need has failed.
            (_, Some(entry)) if !needed && matches!(entry.state, State::Asking { .. }) => {
                self.cancel(request, out);
            }
            (Some(FailureCause::SessionLimit), Some(entry)) => {
                if let Some(hold) = entry.order.hold {
                    session.blocked.insert(hold.number, hold.until);
                }
                self.fail(request, FailureCause::SessionLimit, out);
            }
            (Some(cause @ FailureCause::InsufficientKey), Some(_)) if lost_at_once => {
                self.fail(request, cause, out);
            }
            (None, Some(entry)) if matches!(entry.state, State::Asking { .. }) => {
                self.start_relay(request, cx, out);
            }
            (
                Some(FailureCause::InsufficientKey),
                Some(
                    entry @ Request {
                        state: State::Asking { .. },
                        ..
                    },
                ),
            ) => {
                let at_once = matches!(entry.state, State::Asking { can_serve: true });
                entry.state = if at_once { State::Queued } else { State::Refused };
                entry.lacked = true;
                let at = session.queue.partition_point(|&queued| queued < request.number);
                session.queue.insert(at, request.number);
            }
            _ => {} // it has ended meanwhile
        }
        self.pump(id, cx, out);
    }

    fn start_relay(&mut self, request: RequestId, cx: &mut Context<'_>, out: &mut Outbox) {
        let procedure = self.sources.sessions[&request.session].procedure;
        let entry = self
            .sources
            .requests
            .get_mut(&request)
            .expect("the caller has it");
        entry.state = State::Relaying;
        let order = entry.order;
        let secret = self.secret_of(request);
        let key = KeyMaterial::new(order.bits, cx.sources.fresh(secret, order.bits));
        let first = self.first_relay(request, order.destination, key, order.deadline, procedure);
        self.send_on(first, cx, out);
    }

    /// The lacking KM can serve, or a new route is there: the request that was refused asks again (step 4a).
    pub(super) fn on_can_serve(&mut self, ask: Ask, cx: &mut Context<'_>, out: &mut Outbox) {
        let request = ask.request;
        if self.is_stale(ask) {
            return;
        }
        match self.sources.requests.get_mut(&request) {
            Some(entry) if entry.state == State::Refused => {
                entry.state = State::Queued;
                self.pump(request.session, cx, out);
            }
            // The refusal is still on its way.
            Some(entry) if matches!(entry.state, State::Asking { .. }) => {
                entry.state = State::Asking { can_serve: true };
            }
            _ => {}
        }
    }

    /// An element that an attempt needed could not be reached: the request begins anew with step 0a.
    pub(super) fn ask_again(&mut self, ask: Ask, cx: &mut Context<'_>, out: &mut Outbox) {
        let RequestId { session: id, number } = ask.request;
        if self.is_stale(ask) {
            return;
        }
        let Some(session) = self.sources.sessions.get_mut(&id) else {
            return;
        };
        // A route that was found since is another matter.
        let by_another = matches!(session.route, RouteState::Establishing(by) if by != number)
            || session.generation > ask.attempt;
        match self.sources.requests.get_mut(&ask.request) {
            Some(entry) if matches!(entry.state, State::Asking { .. }) => {
                entry.state = State::Queued;
                entry.unreachable = true;
                let at = session.queue.partition_point(|&queued| queued < number);
                session.queue.insert(at, number);
                if !by_another {
                    session.give_up_route(id, out);
                }
            }
            None if session.route == RouteState::Establishing(number) => session.route = RouteState::None,
            _ => {}
        }
        self.pump(id, cx, out);
    }

    /// There is no route for a request, or policy refuses it.
    fn route_failed(
        &mut self,
        request: RequestId,
        cause: FailureCause,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        if let Some(session) = self.sources.sessions.get_mut(&request.session)
            && matches!(session.route, RouteState::Establishing(by) if by == request.number)
        {
            session.route = RouteState::None;
        }
        self.note_tried(request.session);
        self.fail(request, cause, out);
        self.pump(request.session, cx, out);
    }

    /// Beyond the border that was chosen there is no way: another one is asked for, as long as there is one.
    fn tries_another_border(&mut self, request: RequestId) -> bool {
        let RequestId { session: id, number } = request;
        let (Some(session), Some(entry)) = (
            self.sources.sessions.get_mut(&id),
            self.sources.requests.get_mut(&request),
        ) else {
            return false;
        };
        let tried = session.border.map(|border| border.boundary);
        let Some(tried) = tried.filter(|tried| !session.refused_for(number).contains(tried)) else {
            return false;
        };
        if session.route != RouteState::Establishing(number) || !matches!(entry.state, State::Asking { .. }) {
            return false;
        }
        if session.refused.0 != number {
            session.refused = (number, Vec::new());
        }
        session.refused.1.push(tried);
        entry.state = State::Queued;
        let at = session.queue.partition_point(|&queued| queued < number);
        session.queue.insert(at, number);
        session.route = RouteState::None;
        true
    }

    /// The route is lost with its border: later requests begin anew with the border choice.
    pub(super) fn on_route_lost(
        &mut self,
        id: SessionId,
        generation: u32,
        fault: Option<FaultId>,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Some(session) = self.sources.sessions.get_mut(&id) else {
            return;
        };
        if session.generation > generation {
            // It has begun anew already; what the lost route was asked for, nobody answers any more.
            self.queue_again(id);
            return self.pump(id, cx, out);
        }
        if let Some(fault) = fault {
            let instant = ReroutingInstant::Commanded;
            out.observe(Observation::Rerouting {
                fault,
                session: id,
                instant,
                decider: None,
            });
        }
        session.route = RouteState::None;
        session.lost_by = fault;
        if session.switched == Switch::Yes {
            session.switched = Switch::YesIfKey; // whether there is another way is yet to be seen
        }
        self.queue_again(id);
        self.pump(id, cx, out);
    }

    /// A controller that was out of service asks whether it still decides on a session.
    pub(super) fn on_standing_query(
        &self,
        session: SessionId,
        generation: u32,
        decider: ControllerId,
        label: Label,
        out: &mut Outbox,
    ) {
        let known = self.sources.sessions.get(&session);
        let stands = known.is_some_and(|known| {
            !known.closed && known.generation == generation && known.route != RouteState::None
        });
        let answer = if stands {
            ControlMessage::Stands {
                session,
                generation,
                decider,
            }
        } else {
            ControlMessage::SessionClose {
                session,
                generation,
                decider,
                km: None,
            }
        };
        out.send(self.controller(), label, answer);
    }

    /// What a route that is gone had been asked for is asked for again; what the present one is being asked for is not.
    fn queue_again(&mut self, id: SessionId) {
        let session = self.sources.sessions.get_mut(&id).expect("the caller has looked");
        let (gone, generation) = (session.route == RouteState::None, session.generation);
        session.queue.clear();
        for &number in &session.deadlines {
            let Some(entry) = self.sources.requests.get_mut(&RequestId { session: id, number }) else {
                continue;
            };
            let lost = gone || entry.attempt < generation;
            match entry.state {
                State::Queued => {}
                State::Asking { .. } | State::Refused if lost => entry.state = State::Queued,
                State::Refused => {}
                State::Asking { .. } | State::Relaying | State::Synchronising | State::Drawing => continue,
            }
            session.queue.push_back(number);
        }
    }

    /// Requests of a session that are not on their way are taken from its queue, to be served otherwise.
    pub(super) fn withdraw_waiting(&mut self, id: SessionId, out: &mut Outbox) -> Vec<RequestId> {
        let controller = self.controller();
        let Some(session) = self.sources.sessions.get_mut(&id) else {
            return Vec::new();
        };
        let mut waiting = Vec::new();
        for &number in &session.deadlines {
            let request = RequestId { session: id, number };
            let Some(entry) = self.sources.requests.get_mut(&request) else {
                continue;
            };
            let before = std::mem::replace(&mut entry.state, State::Drawing);
            match (before, session.route) {
                (State::Queued, _) => {}
                (State::Asking { .. } | State::Refused, RouteState::Installed(decider)) => {
                    let attempt = entry.attempt;
                    let label = Label::new(session.procedure, Step::Reservation);
                    out.send(controller, label, cancellation(Ask { request, attempt }, decider));
                }
                (State::Asking { .. } | State::Refused, _) => {}
                (State::Relaying | State::Synchronising | State::Drawing, _) => {
                    entry.state = before;
                    continue;
                }
            }
            waiting.push(request);
        }
        session.queue.clear();
        if matches!(session.route, RouteState::Establishing(_)) {
            session.route = RouteState::None;
        }
        waiting
    }

    /// Both sides have agreed on another border: the KSAs meet there, and later requests run its procedure.
    pub(super) fn on_new_border(
        &mut self,
        id: SessionId,
        border: Option<BorderChoice>,
        procedure: Procedure,
    ) {
        if let Some(session) = self.sources.sessions.get_mut(&id) {
            (session.border, session.procedure) = (border, procedure);
        }
    }

    /// The relay has ended, well or not.
    pub(super) fn on_relay_end(
        &mut self,
        request: RequestId,
        outcome: RelayOutcome,
        procedure: Procedure,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.sources.requests.get_mut(&request) else {
            return;
        };
        if entry.state != State::Relaying {
            return;
        }
        match outcome {
            RelayOutcome::Relayed => {
                entry.state = State::Synchronising;
                self.synchronise(request, procedure, out);
            }
            RelayOutcome::Failed(cause, _) => {
                self.fail(request, cause, out);
                self.pump(request.session, cx, out);
            }
            RelayOutcome::Voided => unreachable!("it answers a KM that has told the source already"),
        }
    }

    /// The earliest deadline of a session.
    pub(super) fn on_request_deadline(&mut self, id: SessionId, cx: &mut Context<'_>, out: &mut Outbox) {
        let controller = self.controller();
        let refills = self.surroundings.protections.fills.contains_key(&id);
        loop {
            let session = self.sources.sessions.get_mut(&id).expect("it has set the timer");
            let Some(&number) = session.deadlines.front() else {
                session.armed = false;
                break;
            };
            let request = RequestId { session: id, number };
            match self.sources.requests.get(&request) {
                None => {
                    session.deadlines.pop_front();
                }
                Some(entry) if entry.order.deadline > cx.now => {
                    out.wake(entry.order.deadline, Timer::RequestDeadline(id));
                    break;
                }
                // A refill that is at the other end already is waited for.
                Some(entry) if entry.state == State::Synchronising && refills => {
                    session.deadlines.pop_front();
                }
                Some(entry) => {
                    session.deadlines.pop_front();
                    // Both are in the order of numbers, so what is overdue is first in the queue or not in it.
                    if session.queue.front() == Some(&number) {
                        session.queue.pop_front();
                    }
                    let (state, lacked, attempt) = (entry.state, entry.lacked, entry.attempt);
                    let (unreachable, asked_early) = (entry.unreachable, entry.was_asked_early());
                    if let (State::Asking { .. } | State::Refused, RouteState::Installed(decider)) =
                        (state, session.route)
                    {
                        let label = Label::new(session.procedure, Step::Reservation);
                        out.send(controller, label, cancellation(Ask { request, attempt }, decider));
                    }
                    // Unanswered for half of its life at least, and not for want of key: the route, or what was to make
                    // it, is lost. What an earlier route did not answer says nothing of this one.
                    let lost_asking = matches!(state, State::Asking { .. })
                        && match session.route {
                            RouteState::Establishing(by) => by == number,
                            RouteState::Installed(_) => {
                                asked_early && !lacked && attempt >= session.generation
                            }
                            RouteState::None => false,
                        };
                    if lost_asking {
                        session.give_up_route(id, out);
                        self.queue_again(id);
                    }
                    let cause = if lacked {
                        FailureCause::InsufficientKey
                    } else if unreachable {
                        FailureCause::ElementDown
                    } else {
                        FailureCause::TimeOut
                    };
                    self.note_tried(id);
                    self.fail(request, cause, out);
                }
            }
        }
        self.pump(id, cx, out);
    }

    pub(in crate::key_management) fn fail(
        &mut self,
        request: RequestId,
        cause: FailureCause,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.sources.requests.remove(&request) else {
            return;
        };
        out.observe(Observation::Failed { request, cause });
        if self.leg_failed(request, cause, out) || self.refill_failed(request) {
            return self.close_if_over(request.session, out);
        }
        let procedure = self.sources.sessions[&request.session].procedure;
        out.send_as(
            self.my_ksa(),
            Address::application(entry.order.application),
            Label::new(procedure, Step::Supply),
            ServiceMessage::KeyRefusal { request, cause },
        );
        self.close_if_over(request.session, out);
    }

    /// The KM goes out of service: every request of its applications fails, and sessions begin anew afterwards.
    pub(super) fn lose_requests(&mut self, out: &mut Outbox) {
        for id in self.sources.known.clone() {
            let session = self
                .sources
                .sessions
                .get_mut(&id)
                .expect("known sessions are there");
            session.queue.clear();
            let refills = self.surroundings.protections.fills.contains_key(&id);
            for number in std::mem::take(&mut session.deadlines) {
                let request = RequestId { session: id, number };
                let state = self.sources.requests.get(&request).map(|entry| entry.state);
                // A refill that is at the other end already is waited for.
                if !refills || state != Some(State::Synchronising) {
                    self.fail(request, FailureCause::ElementDown, out);
                }
            }
            let session = self
                .sources
                .sessions
                .get_mut(&id)
                .expect("known sessions are there");
            (session.route, session.lost_by, session.began_anew) = (RouteState::None, None, false);
        }
        self.sources.unblocked.clear();
    }

    /// A request that comes while the KM is out of service, or its queue full, fails.
    pub(super) fn fail_unknown(
        &mut self,
        order: &KeyRequest,
        cause: FailureCause,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let request = order.request;
        out.observe(Observation::Failed { request, cause });
        out.send_as(
            self.my_ksa(),
            Address::application(order.application),
            Label::new(procedure, Step::Supply),
            ServiceMessage::KeyRefusal { request, cause },
        );
        let protections = std::sync::Arc::clone(&self.surroundings.protections);
        let mut sessions = vec![request.session];
        for leg in protections
            .legs
            .get(&request.session)
            .into_iter()
            .flat_map(|legs| legs.requests(request.number))
        {
            let bits = order.bits;
            out.observe(Observation::Requested { request: leg, bits });
            out.observe(Observation::Failed { request: leg, cause });
            sessions.push(leg.session);
        }
        for id in sessions.into_iter().filter(|_| order.last) {
            if let Some(session) = self.sources.sessions.get_mut(&id) {
                session.last = Some(request.number);
                self.close_if_over(id, out);
            }
        }
    }

    /// The request has been supplied: it is over.
    pub(in crate::key_management) fn ended_well(&mut self, request: RequestId) -> Option<KeyRequest> {
        let entry = self.sources.requests.remove(&request)?;
        Some(entry.order)
    }

    /// Session close, after the session's last request (P9 step 10).
    pub(in crate::key_management) fn close_if_over(&mut self, id: SessionId, out: &mut Outbox) {
        if let Some(&(pool, _)) = self.surroundings.protections.draws.get(&id) {
            self.close_pool_if_over(pool, out);
        }
        let session = &self.sources.sessions[&id];
        let Some(last) = session.last.filter(|_| !session.closed) else {
            return;
        };
        let open = session.deadlines.iter().any(|&number| {
            self.sources
                .requests
                .contains_key(&RequestId { session: id, number })
        });
        if open
            || self.sources.requests.contains_key(&RequestId {
                session: id,
                number: last,
            })
        {
            return;
        }
        let session = self.sources.sessions.get_mut(&id).expect("it was just there");
        session.closed = true;
        let session = &self.sources.sessions[&id];
        let label = Label::new(session.procedure, Step::Usage);
        let parameters = &self.surroundings.parameters;
        let concerns_manager = session.border.is_some() || parameters.management.user_reports;
        if parameters.usage_records && concerns_manager {
            let manager = Address::manager(self.surroundings.manager);
            out.send(manager, label, ManagementMessage::SessionClosed { session: id });
        }
        for &decider in &session.deciders {
            out.send(
                self.controller(),
                label,
                ControlMessage::SessionClose {
                    session: id,
                    generation: session.attempts,
                    decider,
                    km: None,
                },
            );
        }
    }

    /// Now, as the source's own requests see it: whether one is past its deadline.
    pub(in crate::key_management) fn is_late(&self, request: RequestId, now: Time) -> bool {
        self.sources
            .requests
            .get(&request)
            .is_none_or(|entry| entry.order.deadline < now)
    }
}

/// The request is over: nobody need promise or wait for it any longer.
pub(super) fn cancellation(ask: Ask, decider: ControllerId) -> ControlMessage {
    ControlMessage::Release {
        ask,
        km: None,
        decider,
        cancel: true,
    }
}
