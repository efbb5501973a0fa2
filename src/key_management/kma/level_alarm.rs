//! Alarms about the level of the border's stores (Mk), where the scenario asks for them (FE-10).

use super::KeyManager;
use crate::architecture::message::ManagementMessage;
use crate::architecture::{Address, Label, Outbox, Procedure, Step};
use crate::units::Bits;

impl KeyManager {
    /// A lane's level has changed: the KMLM is told when a store of the border becomes low, and when it no longer is.
    pub(super) fn watch_level(&mut self, lane: usize, out: &mut Outbox) {
        let parameters = &self.surroundings.parameters;
        let Some(share) = parameters.management.reports.level_below else {
            return;
        };
        let settings = &self.lanes[lane].store.settings;
        let (hop, edge) = (settings.hop, Bits(settings.capacity).part(share).0);
        // Where crossing spends no key, the border's key is that of the links which lead there.
        let crosses = |hop: &crate::architecture::Hop| hop.crosses_border && hop.store().is_none();
        let at_border = self.outgoing[&hop].crosses_border || self.surroundings.outgoing.iter().any(crosses);
        let low = self.lanes[lane].store.book().stored < edge;
        if !at_border || low == self.lanes[lane].low {
            return;
        }
        self.lanes[lane].low = low;
        let procedure = if parameters.rerouting == Procedure::P13 {
            Procedure::P14
        } else {
            Procedure::P11
        };
        let label = Label::new(procedure, Step::LayerReport);
        let manager = Address::manager(self.surroundings.manager);
        out.send(manager, label, ManagementMessage::LevelAlarm { hop, low });
    }
}
