//! Distributed link state: how controllers of one QKDN keep each other's knowledge fresh.
//!
//! Changes are flooded as they happen ([`rerouting`](super::rerouting)). Where the scenario asks for a refresh, each
//! controller also says, with that period, how all hops do that it serves; an advertisement has a number, and who has heard
//! it, or a later one, does not pass it on. What a lost message kept from someone it learns by the next refresh; what is
//! older than the maximum age counts as unknown.
//!
//! Assumption: controllers do not refresh at the same instant, but each at its own, spread over the period by their number;
//! advertisements are traced as status reports (P10/P13 step 5).

use std::sync::Arc;

use super::controller::Controller;
use crate::architecture::message::{Advertisement, ControlMessage, HopReport, Plane, StatusChange};
use crate::architecture::{Address, Hop, Label, Outbox, Step, Timer};
use crate::ids::ControllerId;
use crate::kernel::{Span, Time};

/// Controllers whose numbers differ by this do so at the same instant.
const SPREAD: u64 = 64;

/// When a controller does first what it does once in every period.
pub(super) fn place_in(period: Span, controller: ControllerId) -> Span {
    Span(period.0 / SPREAD * (u64::from(controller.0) % SPREAD + 1))
}

impl Controller {
    /// The start of the run.
    pub(super) fn arm_refresh(&self, now: Time, out: &mut Outbox) {
        if let Some(period) = self.surroundings.parameters.refresh.period
            && !self.surroundings.flooding_peers.is_empty()
            && self.vectors.is_none()
        {
            out.wake(now + place_in(period, self.me()), Timer::Refresh);
        }
    }

    /// Says how the hops do that this controller serves.
    pub(super) fn on_refresh(&mut self, now: Time, out: &mut Outbox) {
        let period = self.surroundings.parameters.refresh.period;
        out.wake(
            now + period.expect("there is a timer only with a period"),
            Timer::Refresh,
        );
        self.refreshed += 1;
        let mut hops: Vec<HopReport> = self.served().map(|hop| self.knowledge.report(hop)).collect();
        hops.sort_by_key(|report| report.hop);
        self.tells_all(&hops);
        let all = Arc::new(Advertisement {
            origin: self.me(),
            sequence: self.refreshed,
            at: now,
            hops: hops.into(),
        });
        self.pass_on(&all, None, out);
    }

    /// Hops that the KMs of this controller send over.
    fn served(&self) -> impl Iterator<Item = &Hop> {
        let domain = &self.surroundings.domain;
        let inside = self.surroundings.kms.iter().flat_map(|km| {
            let edges = domain.index.get(km).map(|&at| domain.graph.edges(at));
            edges.into_iter().flatten().map(|edge| edge.weight())
        });
        let across = self.surroundings.borders.iter().map(|border| &border.hop);
        inside.chain(across.filter(|hop| domain.controller_of.get(&hop.from) == Some(&self.me())))
    }

    fn pass_on(&self, all: &Arc<Advertisement>, from: Option<Address>, out: &mut Outbox) {
        let label = Label::new(self.surroundings.parameters.rerouting, Step::StatusReport);
        for &peer in &self.surroundings.flooding_peers {
            let to = Address::controller(peer);
            if Some(to) != from {
                out.send(to, label, ControlMessage::Advertisement(Arc::clone(all)));
            }
        }
    }

    /// Another controller's advertisement, from it or passed on.
    pub(super) fn on_advertisement(
        &mut self,
        all: &Arc<Advertisement>,
        from: Address,
        now: Time,
        out: &mut Outbox,
    ) {
        if !self.knowledge.hear(all.origin, all.sequence, all.at) {
            return;
        }
        self.pass_on(all, Some(from), out);
        for report in &all.hops {
            for change in self.changes(report) {
                if self.knowledge.learn_advertised(change, all.at) {
                    self.act_on(change, now, out);
                }
            }
        }
    }

    /// What a report says, as changes; nothing of what was never otherwise.
    fn changes(&self, report: &HopReport) -> Vec<StatusChange> {
        let hop = report.hop;
        let now = self.knowledge.report(self.hop(hop));
        let mut changes = Vec::new();
        if let Some(link) = self.hop(hop).link {
            let generating = report.generating;
            if generating != now.generating {
                changes.push(StatusChange::Link { link, generating });
            }
        }
        for (at, plane) in [Plane::KeyManagers, Plane::Controllers].into_iter().enumerate() {
            let reachable = report.reachable[at];
            if reachable != now.reachable[at] {
                changes.push(StatusChange::Reachable {
                    hop,
                    plane,
                    reachable,
                });
            }
        }
        if let Some(class) = report.class
            && now.class.is_none_or(|known| known != class)
        {
            changes.push(StatusChange::Level { hop, class });
        }
        changes
    }
}
