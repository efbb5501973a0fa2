//! A KM's outage and restart, what it notices of others, and stores that are lost.
//!
//! Assumption: stores, books and what was received but not processed yet survive an outage; promises, routes, held and
//! transferred keys and the requests of its applications do not: those fail at once, because the applications see their KSA
//! go. Relays that it has passed on are remembered: one that never arrives must still be voided at the other end.

use super::{Context, KeyManager};
use crate::architecture::message::{ControlMessage, FailureCause, KeyRequest, Plane, StatusChange};
use crate::architecture::{Address, ElementKind, Label, Observation, Outbox, Step};
use crate::ids::{FaultId, Id as _, LinkId};
use crate::kernel::Time;

impl KeyManager {
    /// The KM goes out of service.
    pub fn on_outage(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        self.routes.clear();
        self.grants.clear();
        self.parts.clear();
        self.combining.clear();
        self.held.clear();
        self.key_data.forget();
        self.held_hops.forget();
        self.ksa.forget();
        for lane in 0..self.lanes.len() {
            self.look(lane, cx, out);
            let state = &mut self.lanes[lane];
            state.end_waits(cx.now, |_| true);
            state.store.release_all();
            let (store, usable) = (state.store.settings.id, state.store.usable());
            out.observe(Observation::Level { store, usable });
        }
        self.lose_requests(out);
    }

    /// The KM is in service again: levels that are to be reported are watched.
    pub fn on_restart(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            self.lanes[lane].armed = Time::NEVER;
            self.look(lane, cx, out);
            self.after_change(lane, cx, out);
        }
        self.restart_pools(cx, out);
        self.set_retries(cx, out);
    }

    /// An application asks while the KM is out of service, or while its queue is full: it is told at once.
    pub fn refuse(&mut self, order: &KeyRequest, cause: FailureCause, label: Label, out: &mut Outbox) {
        self.fail_unknown(order, cause, label.procedure, out);
    }

    /// A neighbouring KM, or a module of this node, is not heard any more, or is again.
    pub fn on_peer(
        &mut self,
        peer: Address,
        reachable: bool,
        origin: Time,
        fault: FaultId,
        out: &mut Outbox,
    ) {
        if !reachable {
            out.observe(Observation::Declared { fault });
        }
        let changes: Vec<StatusChange> = if peer.kind() == ElementKind::QkdModule {
            let link = LinkId::from_index(peer.index() as usize / 2);
            let generating = reachable;
            vec![StatusChange::Link { link, generating }]
        } else {
            let node = peer.node();
            if reachable {
                self.unheard.remove(&node);
            } else {
                self.unheard.insert(node);
            }
            let leaving = self.surroundings.outgoing.iter().filter(|hop| hop.to == node);
            // The neighbour, if it is alive, says so of its own; where it is not, nobody else does.
            let coming = self
                .surroundings
                .incoming
                .iter()
                .filter(|hop| hop.from == node && !hop.crosses_border);
            let hops = leaving.chain(coming);
            let change = |hop| StatusChange::Reachable {
                hop,
                plane: Plane::KeyManagers,
                reachable,
            };
            hops.map(|hop| change(hop.id)).collect()
        };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        for change in changes {
            let report = ControlMessage::Status {
                change,
                origin,
                fault: Some(fault),
            };
            out.send(self.controller(), label, report);
        }
    }

    /// The stores over a link are lost at this end. At a sending end the bits are counted as discarded; the receiving end
    /// follows.
    pub fn on_stores_lost(&mut self, link: LinkId, cx: &mut Context<'_>, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].link == Some(link) {
                self.look(lane, cx, out);
                self.lanes[lane].store.discard_all();
                self.look(lane, cx, out);
                self.after_change(lane, cx, out);
            }
        }
        let hops = self.surroundings.incoming.iter();
        let over_it = hops.filter(|hop| hop.link == Some(link));
        let stores: Vec<usize> = over_it.filter_map(|hop| self.incoming[&hop.id].store).collect();
        for store in stores {
            let copy = &mut self.follows[store];
            let id = copy.settings.id;
            copy.look(
                cx.now,
                cx.sources
                    .source(id, crate::architecture::key_source::StoreEnd::Receiving),
            );
            copy.discard_all();
        }
        self.authenticate(cx, out);
    }
}
