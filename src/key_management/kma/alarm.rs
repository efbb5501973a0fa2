//! The KM's alarms to its KMLM over Mk: P11 and P14 step 0.

use super::{Context, KeyManager};
use crate::architecture::key_source::StoreEnd;
use crate::architecture::message::{FailureCause, ManagementMessage};
use crate::architecture::{Address, Label, Outbox, RequestId, Step};
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
        let store = self.outgoing.get(&hop).and_then(|way| way.store);
        let generating = store.is_none_or(|lane| {
            let id = self.lanes[lane].store.settings.id;
            cx.sources.source(id, StoreEnd::Sending).is_generating()
        });
        let alarm = ManagementMessage::RelayFailure {
            request,
            hop,
            generating,
            cause,
            at: cx.now,
            boundary,
            decider,
        };
        let label = Label::new(procedure.fault_management(), Step::FailureAlarm);
        out.send(Address::manager(self.surroundings.manager), label, alarm);
    }
}
