//! A QKD module: one end of a QKD link. It declares what happens to the link over Cq and Mq (P10/P13 step 5).

use super::process::Block;
use crate::architecture::message::{
    ControlMessage, LinkPerformance, LinkState, ManagementMessage, StatusAnswer, StatusChange,
};
use crate::architecture::recovery::Change;
use crate::architecture::{
    Address, Detection, Label, Observation, Outbox, Procedure, Step, Timer, Unnoticed,
};
use crate::ids::{ControllerId, FaultId, LinkId, ManagerId};
use crate::kernel::Time;

/// What a link is provisioned for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Secret key rate \[bit/s\].
    pub skr_bps: u64,
    /// Consumption \[bit/s\], if the scenario says.
    pub consumption_bps: Option<u64>,
}

/// The machine. It takes no processing time; detection has a delay of its own.
#[derive(Clone, Debug)]
pub struct Module {
    link: LinkId,
    controller: ControllerId,
    manager: ManagerId,
    detection: Detection,
    procedure: Procedure,
    /// What the link is provisioned for, where its blocks have errors of their own.
    expected: Option<Expected>,
    /// Physical events not declared yet.
    undeclared: Unnoticed,
    /// Whether the channel is there.
    up: bool,
    /// Whether the controller has ordered it to stop.
    stopped: bool,
}

impl Module {
    /// A module at one end of a link, served by that end's controller and manager.
    pub fn new(
        link: LinkId,
        controller: ControllerId,
        manager: ManagerId,
        detection: Detection,
        procedure: Procedure,
        expected: Option<Expected>,
    ) -> Module {
        Module {
            link,
            controller,
            manager,
            detection,
            procedure,
            expected,
            undeclared: Unnoticed::default(),
            up: true,
            stopped: false,
        }
    }

    /// The controller asks, or orders (P10/P13 steps 1, 2 and 4).
    pub fn on_message(&mut self, message: &ControlMessage, now: Time, out: &mut Outbox) {
        match message {
            ControlMessage::StatusRequest => {
                let answer = StatusAnswer {
                    link: Some((self.link, self.up && !self.stopped)),
                    levels: Box::default(),
                    at: now,
                };
                let label = Label::new(self.procedure, Step::StatusAnswer);
                let to = Address::controller(self.controller);
                out.send(to, label, ControlMessage::StatusAnswer(Box::new(answer)));
            }
            ControlMessage::GenerationControl { generate, .. } => self.stopped = !generate,
            other => unreachable!("no one sends a module {other:?}"),
        }
    }

    /// Whether the controller has ordered it to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The quantum channel went or came back.
    pub fn on_disturbance(&mut self, now: Time, generating: bool, fault: FaultId, out: &mut Outbox) {
        self.up = generating;
        if let Some(due) = self.undeclared.add(self.detection, now, generating, fault) {
            out.wake(due, Timer::Detection);
        }
    }

    /// Detection is over: declare.
    pub fn on_timer(&mut self, now: Time, out: &mut Outbox) {
        let Some(change) = self.undeclared.notice(now) else {
            return;
        };
        let Change {
            origin,
            works: generating,
            fault,
            ..
        } = change;
        if !generating {
            out.observe(Observation::Declared { fault });
        }
        // Repaired, it resynchronises before the next block.
        let state = if generating {
            LinkState::Pending
        } else {
            LinkState::Off
        };
        self.declare(generating, origin, Some(fault), out);
        self.report(state, None, Some(fault), out);
    }

    /// Blocks are thrown away from this one on (QBER alarm, no key to authenticate), or are good again.
    /// `fault`: what is known to lie behind it.
    pub fn on_turn(&mut self, now: Time, block: &Block, fault: Option<FaultId>, out: &mut Outbox) {
        let healthy = block.is_healthy();
        if let (false, Some(fault)) = (healthy, fault) {
            out.observe(Observation::Declared { fault });
        }
        let state = if healthy {
            LinkState::Active
        } else {
            LinkState::Pending
        };
        self.declare(healthy, now, fault, out);
        self.report(state, Some(block), fault, out);
    }

    /// Says over Cq and Mq how the link does.
    fn report(&self, state: LinkState, block: Option<&Block>, fault: Option<FaultId>, out: &mut Outbox) {
        let Some(expected) = self.expected else { return };
        let label = Label::new(self.procedure, Step::StatusReport);
        let link = self.link;
        let performance = LinkPerformance {
            state,
            skr_bps: block.map_or(0, Block::rate_bps),
            expected_skr_bps: expected.skr_bps,
            expected_consumption_bps: expected.consumption_bps,
            qber_ppm: block.and_then(|block| Some(libm::round(block.qber? * 1e6) as u32)),
        };
        let to_controller = ControlMessage::LinkReport {
            link,
            performance,
            fault,
        };
        out.send(Address::controller(self.controller), label, to_controller);
        let to_manager = ManagementMessage::LinkReport {
            link,
            performance,
            fault,
        };
        out.send(Address::manager(self.manager), label, to_manager);
    }

    /// Says over Cq and Mq whether the link makes key.
    fn declare(&self, generating: bool, origin: Time, fault: Option<FaultId>, out: &mut Outbox) {
        let label = Label::new(self.procedure, Step::StatusReport);
        let link = self.link;
        let change = StatusChange::Link { link, generating };
        out.send(
            Address::controller(self.controller),
            label,
            ControlMessage::Status {
                change,
                origin,
                fault,
            },
        );
        let alarm = ManagementMessage::LinkAlarm {
            link,
            generating,
            fault,
        };
        out.send(Address::manager(self.manager), label, alarm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Effect, Message};
    use crate::kernel::Span;

    #[test]
    fn a_cut_is_declared_once_over_cq_and_mq_after_the_detection_time() {
        let mut module = Module::new(
            LinkId(3),
            ControllerId(1),
            ManagerId(0),
            Detection::Alarm(Span(50)),
            Procedure::P10,
            None,
        );
        let mut out = Outbox::new(Address::module(LinkId(3), 0));
        module.on_disturbance(Time(100), false, FaultId(0), &mut out);
        let effects: Vec<Effect> = out.drain().collect();
        assert!(matches!(
            effects[..],
            [Effect::Wake {
                at: Time(150),
                timer: Timer::Detection
            }]
        ));
        module.on_timer(Time(150), &mut out);
        let effects: Vec<Effect> = out.drain().collect();
        let to: Vec<Address> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send(envelope) => Some(envelope.to),
                _ => None,
            })
            .collect();
        assert_eq!(
            to,
            [
                Address::controller(ControllerId(1)),
                Address::manager(ManagerId(0))
            ]
        );
        assert!(effects.iter().any(|effect| matches!(
            effect,
            Effect::Send(envelope) if matches!(
                envelope.message,
                Message::Control(ControlMessage::Status { origin: Time(100), .. })
            )
        )));
    }

    /// With heartbeats an interruption that no beat falls into enough is not noticed, nor is its end.
    #[test]
    fn heartbeats_overlook_what_is_short() {
        let beats = Detection::Beats {
            period: Span(100),
            misses: 2,
            phase: Span(0),
            way: Span(5),
        };
        let (link, controller, manager) = (LinkId(3), ControllerId(1), ManagerId(0));
        let mut module = Module::new(link, controller, manager, beats, Procedure::P10, None);
        let mut out = Outbox::new(Address::module(LinkId(3), 0));
        let mut declared = |down: u64, up: u64, down_due: u64, up_due: u64| {
            module.on_disturbance(Time(down), false, FaultId(0), &mut out);
            assert!(matches!(
                out.drain().next(),
                Some(Effect::Wake { at, .. }) if at == Time(down_due)
            ));
            if up >= down_due {
                module.on_timer(Time(down_due), &mut out);
            }
            module.on_disturbance(Time(up), true, FaultId(0), &mut out);
            module.on_timer(Time(down_due), &mut out);
            module.on_timer(Time(up_due), &mut out);
            let said = out.drain().filter(|effect| matches!(effect, Effect::Send(_)));
            said.count()
        };
        assert_eq!(declared(110, 190, 305, 205), 0, "one beat would have come late");
        assert_eq!(declared(310, 420, 505, 505), 0, "the beat of 500 arrives in time");
        assert_eq!(
            declared(710, 950, 905, 1_005),
            4,
            "lost and found, over Cq and Mq"
        );
    }
}
