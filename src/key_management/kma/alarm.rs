//! The KM's alarms to its KMLM over Mk: P11 and P14 step 0.

use super::{Context, KeyManager};
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{FailureCause, ManagementMessage};
use crate::architecture::{Address, Label, Observation, Outbox, RequestId, Step};
use crate::ids::HopId;

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
        let lane = self.outgoing.get(&hop).and_then(|way| way.store);
        let store = lane.map(|lane| self.lanes[lane].store.settings.id);
        let generating = store.is_none_or(|id| cx.sources.source(id, StoreEnd::Sending).is_generating());
        let fault = store.and_then(|id| cx.sources.fault(id)).filter(|_| !generating);
        if let Some(fault) = fault {
            out.observe(Observation::Declared { fault });
        }
        let alarm = ManagementMessage::RelayFailure {
            request,
            hop,
            generating,
            fault,
            cause,
            at: cx.now,
            boundary,
            decider,
        };
        let label = Label::new(procedure.fault_management(), Step::FailureAlarm);
        out.send(Address::manager(self.surroundings.manager), label, alarm);
    }
}
