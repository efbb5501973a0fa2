//! Polling of status, sharing it with the QKDN beyond a border, and control of key generation: P10 and P13 steps 1 to 4.
//!
//! Off unless the scenario asks for a polling period. A controller asks its own modules and KMs; once all have answered
//! it tells the controllers beyond its borders how those borders do, and orders links to stop and start making key by
//! the level of their stores.

use super::controller::Controller;
use crate::architecture::message::{BorderStatus, ControlMessage, StatusAnswer, StatusChange};
use crate::architecture::{Address, Label, Outbox, Step, Timer};
use crate::ids::{BoundaryId, LinkId};
use crate::kernel::Time;

/// Where a controller's polling stands, and what it has learned by it.
#[derive(Clone, Debug, Default)]
pub struct Monitoring {
    /// Answers that are awaited.
    awaited: usize,
    /// Links that were ordered to stop.
    stopped: Vec<LinkId>,
    /// How the borders do, as the other side says.
    beyond: Vec<(BoundaryId, BorderStatus)>,
}

impl Controller {
    /// The start of the run.
    pub fn on_start(&mut self, now: Time, out: &mut Outbox) {
        self.report_capabilities(out);
        self.arm_poll(now, out);
        self.arm_refresh(now, out);
        self.arm_vectors(now, out);
    }

    fn arm_poll(&self, now: Time, out: &mut Outbox) {
        if let Some(period) = self.surroundings.parameters.polling {
            out.wake(now + period, Timer::Poll);
        }
    }

    /// Step 1: asks modules (Cq) and KMs (Ck).
    pub(super) fn on_poll(&mut self, now: Time, out: &mut Outbox) {
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusRequest);
        let modules = self.surroundings.modules.iter();
        let modules = modules.map(|&(link, end)| Address::module(link, usize::from(end)));
        let kms = self.surroundings.kms.iter().map(|&km| Address::kma(km));
        self.monitoring.awaited = 0;
        for to in modules.chain(kms) {
            self.monitoring.awaited += 1;
            out.send(to, label, ControlMessage::StatusRequest);
        }
        self.arm_poll(now, out);
    }

    /// Step 2: an answer. After the last one, steps 3 and 4.
    pub(super) fn on_status_answer(
        &mut self,
        answer: &StatusAnswer,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        if let Some((link, generating)) = answer.link {
            if let Some(performance) = answer.performance {
                self.note_performance(link, performance);
            }
            let change = StatusChange::Link { link, generating };
            self.on_status_report(change, answer.at, answer.fault, from, now, out);
        }
        for &(hop, percent) in &answer.levels {
            self.control_generation(hop, percent, out);
        }
        self.monitoring.awaited = self.monitoring.awaited.saturating_sub(1);
        if self.monitoring.awaited == 0 {
            self.share_status(out);
        }
    }

    /// Step 3: how the own borders do, to the controllers beyond them (Cxi).
    fn share_status(&self, out: &mut Outbox) {
        let domain = &self.surroundings.domain;
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusSharing);
        for border in self.surroundings.borders.iter() {
            if domain.controller_of[&border.hop.from] != self.me() {
                continue;
            }
            let classes = self.surroundings.parameters.level_classes;
            let status = BorderStatus {
                state: self.knowledge.state(&border.hop, domain),
                usable_bits: self.knowledge.usable_bits(&border.hop, domain, classes),
            };
            let boundary = border.boundary;
            let message = ControlMessage::StatusShare { boundary, status };
            out.send(Address::controller(border.far_controller), label, message);
        }
    }

    /// Step 3 at the other side.
    pub(super) fn on_status_share(&mut self, boundary: BoundaryId, status: BorderStatus) {
        self.monitoring.beyond.retain(|(known, _)| *known != boundary);
        self.monitoring.beyond.push((boundary, status));
    }

    /// How a border does, as the other side has shared it.
    pub fn status_beyond(&self, boundary: BoundaryId) -> Option<BorderStatus> {
        let known = self
            .monitoring
            .beyond
            .iter()
            .find(|(known, _)| *known == boundary);
        known.map(|(_, status)| *status)
    }

    /// Step 4: a link whose store is full stops, one whose store has fallen starts again.
    fn control_generation(&mut self, hop: crate::ids::HopId, percent: u8, out: &mut Outbox) {
        let Some([stop_at, start_at]) = self.surroundings.parameters.generation_control else {
            return;
        };
        let Some(link) = self.hop(hop).link else { return };
        let module = self.surroundings.modules.iter().find(|(of, _)| *of == link);
        let Some(&(_, end)) = module else { return };
        let stopped = self.monitoring.stopped.contains(&link);
        let generate = match (stopped, percent) {
            (false, level) if level >= stop_at => false,
            (true, level) if level <= start_at => true,
            _ => return,
        };
        self.monitoring.stopped.retain(|other| *other != link);
        if !generate {
            self.monitoring.stopped.push(link);
        }
        let label = Label::new(self.surroundings.parameters.rerouting, Step::KeyGeneration);
        let to = Address::module(link, usize::from(end));
        out.send(to, label, ControlMessage::GenerationControl { link, generate });
    }
}
