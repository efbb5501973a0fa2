//! The KM's alarms to its KMLM over Mk: P11 and P14 step 0.

use super::{Context, KeyManager};
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{FailureCause, ManagementMessage};
use crate::architecture::{Address, Label, Observation, Outbox, RequestId, Step};
use crate::ids::{HopId, SessionId};

impl KeyManager {
    /// A request could not go on over a hop.
    pub(super) fn alarm(
        &mut self,
        request: RequestId,
        hop: HopId,
        cause: FailureCause,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Some(route) = self.routes.get(&request.session) else {
            return; // nobody decides on a session without a route
        };
        let boundary = route.border.map(|border| border.boundary);
        let (decider, procedure) = (route.decider, route.procedure);
        let store = self.outgoing.get(&hop).and_then(|way| way.store);
        let store = store.map(|lane| self.lanes[lane].store.settings.id);
        let generating =
            store.is_none_or(|store| cx.sources.source(store, StoreEnd::Sending).is_generating());
        let fault = store.and_then(|store| cx.sources.fault_behind(store));
        if let Some(fault) = fault {
            out.observe(Observation::Declared { fault });
        }
        if !generating {
            self.alarmed.insert(hop, fault);
        }
        let alarm = ManagementMessage::RelayFailure {
            request,
            hop,
            at_border: self.outgoing.get(&hop).is_some_and(|way| way.crosses_border),
            generating,
            cause,
            at: cx.now,
            boundary,
            decider,
            fault,
        };
        let label = Label::new(procedure.fault_management(), Step::FailureAlarm);
        out.send(Address::manager(self.surroundings.manager), label, alarm);
    }

    /// Key of a session goes over a hop: an alarm about the hop is over.
    pub(super) fn clear_alarm(
        &mut self,
        session: SessionId,
        hop: HopId,
        cx: &mut Context<'_>,
        out: &mut Outbox,
    ) {
        let Some(fault) = self.alarmed.remove(&hop) else {
            return;
        };
        let Some(route) = self.routes.get(&session) else {
            return;
        };
        let (decider, procedure) = (route.decider, route.procedure);
        let boundary = route.border.map(|border| border.boundary);
        let lane = self.outgoing.get(&hop).and_then(|way| way.store);
        let store = lane.map(|lane| self.lanes[lane].store.settings.id);
        let restored = ManagementMessage::RelayRestored {
            session,
            hop,
            at_border: self.outgoing.get(&hop).is_some_and(|way| way.crosses_border),
            generating: store.is_none_or(|store| cx.sources.source(store, StoreEnd::Sending).is_generating()),
            at: cx.now,
            boundary,
            decider,
            fault,
        };
        let label = Label::new(procedure.fault_management(), Step::FailureAlarm);
        out.send(Address::manager(self.surroundings.manager), label, restored);
    }
}
