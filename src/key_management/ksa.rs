//! The key supply agent (KSA): keys of both ends are synchronised and authenticated (Kx-2, Kxi-2, Kx-2), then
//! supplied over Ak (functional element FE-2; P9 steps 8 and 9, P12 steps 10 and 11).
//!
//! The notification goes from the source through the border KSAs to the destination and back. The destination
//! supplies as it answers, the source when the answer has come; what the source could not supply in time is
//! one-sided and never used again.

use rustc_hash::FxHashMap;

use super::kma::relay::HeldKey;
use super::kma::{Context, KeyManager};
use super::legs::{Gathered, Splits};
use crate::architecture::message::{
    BorderChoice, FailureCause, KeyManagementMessage, KeyMaterial, KeyRequest, Purpose, ServiceMessage,
    Supply, UsageSegment,
};
use crate::architecture::observation::RequestEnd;
use crate::architecture::{Address, Label, Outbox, Procedure, RequestId, Step};
use crate::ids::{ApplicationId, NodeId, PoolId, QkdnId, SessionId};
use crate::kernel::Time;

/// What a KSA keeps beside its KMA.
#[derive(Clone, Debug, Default)]
pub struct Ksa {
    /// Synchronisations that are under way through here, or from here.
    under_way: FxHashMap<RequestId, UnderWay>,
    /// Requests that were split into legs here.
    pub(super) splits: Splits,
    /// Keys of legs that are being put together here.
    gathered: Gathered,
}

impl Ksa {
    /// Whatever is under way is forgotten, but for what concerns pools.
    pub(super) fn forget(&mut self) {
        self.under_way.retain(|_, it| it.pool.is_some());
        self.gathered.forget();
    }
}

/// A synchronisation that awaits its answer.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    /// Whom the answer goes back to; itself at the source.
    back: NodeId,
    supply: Supply,
    /// The QKDN that it came from over a border, to be passed on to the next one, and by which procedure.
    from: Option<(QkdnId, Procedure)>,
    /// The QKDN that it crosses into here, and by which procedure.
    into: Option<(QkdnId, Procedure)>,
    /// The procedure that it came by: the answer goes back by it.
    procedure: Procedure,
    /// The pool that it is about: what both ends hold of it must agree, whatever happens to their KMs.
    pool: Option<PoolId>,
}

/// The pool that a synchronisation is about.
fn pool_of(purpose: &Purpose) -> Option<PoolId> {
    match purpose {
        Purpose::Refill(pool) => Some(*pool),
        Purpose::Draw(draw) => Some(draw.pool),
        Purpose::Supply | Purpose::Part(_) => None,
    }
}

impl KeyManager {
    /// The key is at the destination: the KSAs synchronise.
    pub(super) fn synchronise(&mut self, request: RequestId, procedure: Procedure, out: &mut Outbox) {
        let order = *self.sources.order(request).expect("the caller has it");
        let purpose = match (self.part_of(request), self.refilled(request)) {
            (Some(part), _) => Purpose::Part(part),
            (None, Some(pool)) => Purpose::Refill(pool),
            (None, None) => Purpose::Supply,
        };
        self.notify(&order, request.session, purpose, procedure, out);
    }

    /// The destination KSA is told what is about to be supplied, along the way of a session.
    pub(super) fn notify(
        &mut self,
        order: &KeyRequest,
        way: SessionId,
        purpose: Purpose,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let request = order.request;
        let source = self.surroundings.node;
        // The route that is in force; another border may be asked about already.
        let route = self.routes.get(&way);
        let border = route
            .and_then(|route| route.border)
            .or_else(|| self.sources.border(way));
        let entry = route.and_then(|route| route.entry(source));
        let next = match (border, entry) {
            (None, _) => order.destination,
            // The source is the border KM itself.
            (Some(border), Some(entry)) if border.near == source => entry,
            (Some(border), _) => border.near,
        };
        let under_way = UnderWay {
            back: source,
            supply: self.supply_of(order),
            from: None,
            into: self.across(border.filter(|border| border.near == source), &purpose),
            procedure,
            pool: pool_of(&purpose),
        };
        let notification = KeyManagementMessage::SupplyNotification {
            request,
            source,
            destination: order.destination,
            destination_qkdn: order.destination_qkdn,
            peer: order.peer,
            supply: self.supply_of(order),
            purpose,
        };
        self.ksa.under_way.insert(request, under_way);
        let label = Label::new(procedure, Step::Synchronisation);
        out.send_as(self.my_ksa(), Address::ksa(next), label, notification);
    }

    /// The QKDN beyond a border that is crossed here, and the procedure that crosses it. Nothing crosses for key that is
    /// taken from a pool.
    fn across(&self, border: Option<BorderChoice>, purpose: &Purpose) -> Option<(QkdnId, Procedure)> {
        let border = border.filter(|_| !matches!(purpose, Purpose::Draw(_)))?;
        let mut hops = self.surroundings.outgoing.iter();
        let hop = hops.find(|hop| hop.crosses_border && hop.to == border.far)?;
        Some((hop.to_qkdn, border.procedure))
    }

    fn supply_of(&self, order: &KeyRequest) -> Supply {
        Supply {
            keys: order.keys,
            bits: order.bits,
            class: order.class,
            qkdns: [self.surroundings.qkdn, order.destination_qkdn],
        }
    }

    /// A notification or an answer among KSAs.
    pub(super) fn on_supply(
        &mut self,
        message: &KeyManagementMessage,
        from: NodeId,
        label: Label,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        match *message {
            KeyManagementMessage::SupplyNotification {
                request,
                source,
                destination,
                destination_qkdn,
                peer,
                supply,
                ref purpose,
            } => {
                if destination == self.surroundings.node {
                    let key = match purpose {
                        Purpose::Draw(draw) => self.take_from_copy(draw.pool, &draw.keys, out),
                        _ => None,
                    };
                    let held = self.held.remove(&request).filter(|held| held.deadline >= cx.now);
                    let held = match key {
                        Some(key) => Some(HeldKey {
                            key,
                            deadline: Time::NEVER,
                        }),
                        None => held,
                    };
                    let answer = KeyManagementMessage::SupplyResponse {
                        request,
                        source,
                        accepted: held.is_some(),
                    };
                    out.send_as(self.my_ksa(), Address::ksa(from), label, answer);
                    if let Some(held) = held {
                        self.supply_here(
                            request,
                            peer,
                            purpose,
                            supply,
                            held,
                            (label.procedure, cx.now),
                            out,
                        );
                    }
                    return;
                }
                let me = self.surroundings.node;
                let way = match purpose {
                    Purpose::Draw(draw) => draw.session,
                    _ => request.session,
                };
                let border = self.routes.get(&way).and_then(|route| route.border);
                let here = border.filter(|border| border.near == me);
                let inside = destination_qkdn == self.surroundings.qkdn;
                let next = match (here, border) {
                    (Some(border), _) => Some(border.far),
                    _ if inside => Some(destination),
                    (None, border) => border.map(|border| border.near),
                };
                let Some(next) = next else {
                    // The session is over here, and with it the way across.
                    let answer = KeyManagementMessage::SupplyResponse {
                        request,
                        source,
                        accepted: false,
                    };
                    return out.send_as(self.my_ksa(), Address::ksa(from), label, answer);
                };
                let own = self.surroundings.qkdn;
                let relayed = !matches!(purpose, Purpose::Draw(_));
                let came_across = {
                    let mut hops = self.surroundings.outgoing.iter();
                    hops.any(|hop| hop.crosses_border && hop.to == from)
                };
                let under_way = UnderWay {
                    back: from,
                    supply,
                    from: Some((supply.qkdns[0], label.procedure))
                        .filter(|_| relayed && !inside && came_across),
                    into: self.across(here, purpose),
                    procedure: label.procedure,
                    pool: pool_of(purpose),
                };
                self.ksa.under_way.insert(request, under_way);
                // To the next QKDN this one is the customer, and of those before it nothing is said (S6).
                let customer = if here.is_some() { own } else { supply.qkdns[0] };
                let notification = KeyManagementMessage::SupplyNotification {
                    request,
                    source,
                    destination,
                    destination_qkdn,
                    peer,
                    supply: Supply {
                        qkdns: [customer, supply.qkdns[1]],
                        ..supply
                    },
                    purpose: purpose.clone(),
                };
                let procedure = here.map_or(label.procedure, |border| border.procedure);
                let label = Label::new(procedure, label.step);
                out.send_as(self.my_ksa(), Address::ksa(next), label, notification);
            }
            KeyManagementMessage::SupplyResponse {
                request,
                source,
                accepted,
            } => {
                let Some(under_way) = self.ksa.under_way.remove(&request) else {
                    return;
                };
                let at_source = source == self.surroundings.node;
                let label = Label::new(under_way.procedure, label.step);
                self.end_of_key_data(request, label.procedure, out);
                if at_source {
                    self.on_answer(request, accepted, &under_way, cx, out);
                } else {
                    let back = Address::ksa(under_way.back);
                    out.send_as(self.my_ksa(), back, label, message.clone());
                }
                // KM-A's usage record: key was handed across the border, and is supplied there.
                let ways = [
                    (under_way.from, UsageSegment::Transit),
                    (under_way.into, UsageSegment::Border),
                ];
                for (partner, segment) in ways {
                    if let (true, Some((partner, procedure))) = (accepted, partner) {
                        let supply = under_way.supply;
                        self.account(request, None, partner, segment, supply, procedure, cx.now, out);
                    }
                }
                if at_source {
                    self.close_if_over(request.session, out);
                }
            }
            _ => unreachable!("dispatched by type"),
        }
    }

    /// The destination has answered the source.
    fn on_answer(
        &mut self,
        request: RequestId,
        accepted: bool,
        under_way: &UnderWay,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let (supply, procedure) = (under_way.supply, under_way.procedure);
        let refilled = self.refilled(request);
        if let (Some(pool), None) = (under_way.pool, refilled) {
            return self.on_drawn(request, pool, accepted, (supply, procedure), cx, out);
        }
        if refilled.is_some() && !accepted {
            return self.fail(request, FailureCause::TimeOut, out); // nobody else ends it
        }
        // A refill is in the other end's store, however late this one hears of it.
        if !accepted || (refilled.is_none() && self.is_late(request, cx.now)) {
            return;
        }
        let Some(order) = self.ended_well(request) else {
            return;
        };
        match (self.part_of(request), refilled) {
            (Some(part), _) => self.leg_arrived(&order, part, supply, procedure, cx, out),
            (None, Some(pool)) => self.refill_came(&order, pool, supply, procedure, cx, out),
            (None, None) => {
                // What the source drew, it can draw again: it keeps no key meanwhile.
                let key = KeyMaterial::new(order.bits, cx.sources.fresh(request, order.bits));
                let (to, segment) = (order.application, UsageSegment::Source);
                self.hand_over(request, to, key, procedure, out);
                self.account_supply(request, Some(to), segment, supply, procedure, cx.now, out);
            }
        }
    }

    /// The destination has a key: it goes to the application, or to where it is put together or kept.
    #[allow(clippy::too_many_arguments)] // what is supplied, and where
    fn supply_here(
        &mut self,
        request: RequestId,
        peer: ApplicationId,
        purpose: &Purpose,
        supply: Supply,
        held: HeldKey,
        (procedure, now): (Procedure, Time),
        out: &mut Outbox,
    ) {
        let segment = UsageSegment::Destination;
        let digest = held.key.digest();
        let supply = Supply {
            bits: held.key.bits,
            ..supply
        };
        match *purpose {
            Purpose::Supply => {
                self.hand_over(request, peer, held.key, procedure, out);
                self.account_supply(request, Some(peer), segment, supply, procedure, now, out);
            }
            Purpose::Part(part) => {
                Self::leg_used(request, RequestEnd::Destination, digest, procedure, out);
                if let Some(key) = self.ksa.gathered.add(part, held.key, held.deadline, now) {
                    self.hand_over(part.whole, peer, key, procedure, out);
                }
                self.account_supply(request, Some(peer), segment, supply, procedure, now, out);
            }
            Purpose::Refill(pool) => {
                Self::note_refill(request, RequestEnd::Destination, digest, procedure, out);
                self.copies
                    .entry(pool)
                    .or_default()
                    .come(request.number, held.key);
                self.account_supply(request, None, segment, supply, procedure, now, out);
            }
            Purpose::Draw(_) => {
                self.hand_over(request, peer, held.key, procedure, out);
                // What crossed a border for it was recorded when it filled the pool.
                let own = self.surroundings.qkdn;
                self.account(request, Some(peer), own, segment, supply, procedure, now, out);
            }
        }
    }

    /// A usage record of what one end supplies.
    #[allow(clippy::too_many_arguments)] // the fields of one record
    pub(super) fn account_supply(
        &self,
        request: RequestId,
        application: Option<ApplicationId>,
        segment: UsageSegment,
        supply: Supply,
        procedure: Procedure,
        now: Time,
        out: &mut Outbox,
    ) {
        let [from, to] = supply.qkdns;
        let partner = if segment == UsageSegment::Source { to } else { from };
        self.account(
            request,
            application,
            partner,
            segment,
            supply,
            procedure,
            now,
            out,
        );
    }

    /// A key goes to an application.
    pub(super) fn hand_over(
        &self,
        request: RequestId,
        application: ApplicationId,
        key: KeyMaterial,
        procedure: Procedure,
        out: &mut Outbox,
    ) {
        let label = Label::new(procedure, Step::Supply);
        let message = ServiceMessage::KeySupply { request, key };
        out.send_as(self.my_ksa(), Address::application(application), label, message);
    }
}
