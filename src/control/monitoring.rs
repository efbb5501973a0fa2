//! Polling of status, sharing it with the QKDN beyond a border, and control of key generation: P10 and P13 steps 1 to 4.
//!
//! Off unless the scenario asks for a polling period. A controller asks its own modules and KMs; once all have answered
//! it tells the controllers beyond its borders how those borders do, and orders links to stop and start making key by
//! the level of their stores.
//!
//! Assumption: polls are numbered, and each is a round of its own. It is over with its last answer, or with half of the period;
//! who has not answered by then, or could not be asked, counts as not heard in this round. What he says later is news, but counts
//! for no round, and a round in which nobody was heard is not shared.
//!
//! Assumption: a link makes key for both directions at once or for neither. It stops where both are full, and starts where
//! either has fallen. The controller of its first end decides, by what its KMs say in one round; they see both directions, that of the
//! other end by their own copies. A direction of which nothing was heard keeps the link from stopping.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;

use super::controller::Controller;
use super::knowledge::HopState;
use crate::architecture::hop::Hop;
use crate::architecture::message::{BorderStatus, ControlMessage, LaneLevel, StatusAnswer, StatusChange};
use crate::architecture::surroundings::Border;
use crate::architecture::{Address, Label, Outbox, Step, Timer};
use crate::ids::{BoundaryId, HopId, LinkId};
use crate::kernel::{Span, Time};

/// Where a controller's polling stands, and what it has learned by it.
#[derive(Clone, Debug, Default)]
pub struct Monitoring {
    /// Counts the rounds of polling.
    round: u32,
    /// Whose answers are awaited in this round.
    awaited: BTreeSet<Address>,
    /// Whether anyone has answered in this round.
    heard: bool,
    /// How full links are, by their two directions, as this round says; of two that tell, the less.
    levels: BTreeMap<LinkId, BTreeMap<HopId, u8>>,
    /// Links that were ordered to stop.
    stopped: BTreeSet<LinkId>,
    /// How the borders do, as the other side says.
    beyond: BTreeMap<BoundaryId, BorderStatus>,
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

    /// Step 1: asks modules (Cq) and KMs (Ck). A new round.
    pub(super) fn on_poll(&mut self, now: Time, out: &mut Outbox) {
        let Some(period) = self.surroundings.parameters.polling else {
            return;
        };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusRequest);
        let modules = self.surroundings.modules.iter();
        let modules = modules.map(|&(link, end)| Address::module(link, usize::from(end)));
        let kms = self.surroundings.kms.iter().map(|&km| Address::kma(km));
        let round = self.monitoring.round + 1;
        let mut awaited = BTreeSet::new();
        for to in modules.chain(kms) {
            awaited.insert(to);
            out.send(to, label, ControlMessage::StatusRequest { round });
        }
        let monitoring = &mut self.monitoring;
        (monitoring.round, monitoring.awaited, monitoring.heard) = (round, awaited, false);
        monitoring.levels.clear();
        out.wake(now + Span(period.0 / 2), Timer::PollOver(round));
        self.arm_poll(now, out);
    }

    /// Step 2: an answer. It is news whenever it comes, but counts in its own round only.
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
        let monitoring = &mut self.monitoring;
        if answer.round != monitoring.round || !monitoring.awaited.remove(&from) {
            return;
        }
        monitoring.heard = true;
        for &LaneLevel { link, hop, percent } in &answer.levels {
            let known = monitoring.levels.entry(link).or_default();
            let known = known.entry(hop).or_insert(percent);
            *known = percent.min(*known);
        }
        if monitoring.awaited.is_empty() {
            self.end_round(out);
        }
    }

    /// Someone could not be asked.
    pub(super) fn on_status_unasked(&mut self, whom: Address, round: u32, out: &mut Outbox) {
        let monitoring = &mut self.monitoring;
        if round == monitoring.round && monitoring.awaited.remove(&whom) && monitoring.awaited.is_empty() {
            self.end_round(out);
        }
    }

    /// The time for answers is over.
    pub(super) fn on_poll_over(&mut self, round: u32, out: &mut Outbox) {
        if round == self.monitoring.round && !self.monitoring.awaited.is_empty() {
            self.monitoring.awaited.clear();
            self.end_round(out);
        }
    }

    /// Steps 3 and 4, once in each round, by what is known then.
    fn end_round(&mut self, out: &mut Outbox) {
        if self.monitoring.heard {
            self.share_status(out);
            self.control_generation(out);
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
            let (boundary, status) = (border.boundary, self.border_status(border));
            let message = ControlMessage::StatusShare { boundary, status };
            out.send(Address::controller(border.far_controller), label, message);
        }
    }

    /// How a border does on this side. Where the step across spends no key, what its KM needs is key on the hop that keys
    /// reach it by, as in step 3 of P12: on the best one, where there are several.
    fn border_status(&self, border: &Border) -> BorderStatus {
        let domain = &self.surroundings.domain;
        let classes = self.surroundings.parameters.level_classes;
        let of = |hop: &Hop| BorderStatus {
            state: self.knowledge.state(hop, domain),
            usable_bits: self.knowledge.usable_bits(hop, domain, classes),
            origin: self.knowledge.told(hop),
        };
        let across = of(&border.hop);
        if border.hop.store().is_some() {
            return across;
        }
        let at = domain.index[&border.hop.from];
        let reaching = domain.graph.edges_directed(at, Direction::Incoming);
        let best = reaching
            .map(|edge| of(edge.weight()))
            .min_by_key(|status| (status.state, Reverse(status.usable_bits)));
        best.map_or(across, |best| BorderStatus {
            state: across.state.max(best.state),
            usable_bits: across.usable_bits.min(best.usable_bits),
            origin: across.origin.max(best.origin),
        })
    }

    /// Step 3 at the other side.
    pub(super) fn on_status_share(&mut self, boundary: BoundaryId, status: BorderStatus) {
        self.monitoring.beyond.insert(boundary, status);
    }

    /// How a border does, as the other side has shared it.
    pub fn status_beyond(&self, boundary: BoundaryId) -> Option<BorderStatus> {
        self.monitoring.beyond.get(&boundary).copied()
    }

    /// Whether a border is OFF by what the other side has shared, and nothing later is known of it.
    pub(super) fn is_off_beyond(&self, border: &Border) -> bool {
        let status = self.status_beyond(border.boundary);
        status.is_some_and(|status| {
            status.state == HopState::Off && status.origin >= self.knowledge.told(&border.hop)
        })
    }

    /// Step 7 offers a border: that is later than what step 3 has said of it. Whether that was OFF.
    pub(super) fn is_offered_beyond(&mut self, boundary: BoundaryId) -> bool {
        let off = self
            .status_beyond(boundary)
            .is_some_and(|status| status.state == HopState::Off);
        if off {
            self.monitoring.beyond.remove(&boundary);
        }
        off
    }

    /// Step 4: a link whose stores are full both ways stops; one of which either has fallen starts again.
    fn control_generation(&mut self, out: &mut Outbox) {
        let Some([stop_at, start_at]) = self.surroundings.parameters.generation_control else {
            return;
        };
        let label = Label::new(self.surroundings.parameters.rerouting, Step::KeyGeneration);
        let monitoring = &mut self.monitoring;
        for &(link, end) in self.surroundings.modules.iter().filter(|(_, end)| *end == 0) {
            let Some(lanes) = monitoring.levels.get(&link) else {
                continue;
            };
            let Some(&least) = lanes.values().min() else {
                continue;
            };
            let stopped = monitoring.stopped.contains(&link);
            let generate = match stopped {
                false if lanes.len() > 1 && least >= stop_at => false,
                true if least <= start_at => true,
                _ => continue,
            };
            if generate {
                monitoring.stopped.remove(&link);
            } else {
                monitoring.stopped.insert(link);
            }
            let to = Address::module(link, usize::from(end));
            out.send(to, label, ControlMessage::GenerationControl { link, generate });
        }
    }
}
