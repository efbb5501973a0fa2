//! A QKD module: one end of a QKD link. It declares what happens to the link over Cq and Mq (P10/P13 step 5).

use super::process::{Block, Fate};
use crate::architecture::message::{
    AlarmCause, ControlMessage, LinkPerformance, LinkState, ManagementMessage, StatusAnswer, StatusChange,
};
use crate::architecture::recovery::Change;
use crate::architecture::{
    Address, Detection, Label, Observation, Outbox, Procedure, Step, Timer, Unnoticed,
};
use crate::ids::{ControllerId, FaultId, LinkId, ManagerId};
use crate::kernel::{Span, Time};

/// What a link is provisioned for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Secret key rate \[bit/s\].
    pub skr_bps: u64,
    /// Consumption \[bit/s\], if the scenario says.
    pub consumption_bps: Option<u64>,
    /// How often to report besides changes of the state.
    pub report_every: Option<Span>,
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
    /// Whether it declares by itself what happens to its link; else it answers who asks.
    declares: bool,
    /// Physical events not declared yet.
    undeclared: Unnoticed,
    /// Whether the channel is there.
    up: bool,
    /// The fault that took the channel.
    fault: Option<FaultId>,
    /// Whether the controller has ordered it to stop.
    stopped: bool,
    /// What was declared last: whether the link makes key.
    declared: bool,
    /// What was reported last.
    state: LinkState,
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
            declares: true,
            undeclared: Unnoticed::default(),
            up: true,
            fault: None,
            stopped: false,
            declared: true,
            state: LinkState::Active,
        }
    }

    /// The same, but it only answers who asks (P10/P13 step 2).
    #[must_use]
    pub fn declaring(self, declares: bool) -> Module {
        Module { declares, ..self }
    }

    /// Time 0.
    pub fn on_start(&mut self, out: &mut Outbox) {
        self.report_later(Time::ZERO, out);
    }

    fn report_later(&self, now: Time, out: &mut Outbox) {
        if let Some(every) = self.expected.and_then(|expected| expected.report_every) {
            out.wake(now + every, Timer::LinkReport);
        }
    }

    /// The controller asks, or orders (P10/P13 steps 1, 2 and 4). A link that was ordered to stop is passive, one that
    /// was ordered to go on is pending until its first block.
    pub fn on_message(&mut self, message: &ControlMessage, now: Time, out: &mut Outbox) {
        match message {
            ControlMessage::StatusRequest => {
                let answer = StatusAnswer {
                    link: Some((self.link, self.declared && self.up && !self.stopped)),
                    levels: Box::default(),
                    at: now,
                    fault: self.fault,
                };
                if let Some(fault) = self.fault {
                    out.observe(Observation::Declared { fault });
                }
                let label = Label::new(self.procedure, Step::StatusAnswer);
                let to = Address::controller(self.controller);
                out.send(to, label, ControlMessage::StatusAnswer(Box::new(answer)));
            }
            ControlMessage::GenerationControl { generate, .. } => {
                let changed = self.stopped == *generate;
                self.stopped = !generate;
                if changed && self.state != LinkState::Off {
                    let state = if *generate {
                        LinkState::Pending
                    } else {
                        LinkState::Passive
                    };
                    self.report(state, None, None, out);
                }
            }
            other => unreachable!("no one sends a module {other:?}"),
        }
    }

    /// Whether the controller has ordered it to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether it waits for the first block that tells how the link does.
    pub fn awaits_block(&self) -> bool {
        self.state == LinkState::Pending && self.declared && self.expected.is_some()
    }

    /// The quantum channel went or came back.
    pub fn on_disturbance(&mut self, now: Time, generating: bool, fault: FaultId, out: &mut Outbox) {
        (self.up, self.fault) = (generating, (!generating).then_some(fault));
        if !self.declares {
            return;
        }
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
        let state = match (generating, self.stopped) {
            (false, _) => LinkState::Off,
            (true, true) => LinkState::Passive,
            (true, false) => LinkState::Pending,
        };
        let cause = (!generating).then_some(AlarmCause::Interrupted);
        self.declare(cause, origin, Some(fault), out);
        self.report(state, None, Some(fault), out);
    }

    /// A report is due; `block` is the last one that was made.
    pub fn on_report(&mut self, now: Time, block: Option<&Block>, out: &mut Outbox) {
        let block = block.filter(|_| matches!(self.state, LinkState::Active | LinkState::Pending));
        self.report(self.state, block, None, out);
        self.report_later(now, out);
    }

    /// Blocks are thrown away from this one on (QBER alarm, no key to authenticate), or are good again.
    /// `fault`: what is known to lie behind it.
    pub fn on_turn(&mut self, now: Time, block: &Block, fault: Option<FaultId>, out: &mut Outbox) {
        let healthy = block.is_healthy();
        let state = if healthy {
            LinkState::Active
        } else {
            LinkState::Pending
        };
        let cause = match block.fate {
            Fate::Kept | Fate::FrameError => None,
            Fate::Aborted => Some(AlarmCause::Errors {
                qber_ppm: block.qber.map_or(0, millionths),
            }),
            Fate::Unauthenticated => Some(AlarmCause::NotAuthenticated),
        };
        if healthy != self.declared {
            if let (false, Some(fault)) = (healthy, fault) {
                out.observe(Observation::Declared { fault });
            }
            self.declare(cause, now, fault, out);
        }
        self.report(state, Some(block), fault, out);
    }

    /// Says over Cq and Mq how the link does.
    fn report(&mut self, state: LinkState, block: Option<&Block>, fault: Option<FaultId>, out: &mut Outbox) {
        self.state = state;
        let Some(expected) = self.expected else { return };
        let label = Label::new(self.procedure, Step::StatusReport);
        let link = self.link;
        let performance = LinkPerformance {
            state,
            skr_bps: block.map_or(0, Block::rate_bps),
            expected_skr_bps: expected.skr_bps,
            expected_consumption_bps: expected.consumption_bps,
            qber_ppm: block.and_then(|block| block.qber).map(millionths),
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
    fn declare(&mut self, cause: Option<AlarmCause>, origin: Time, fault: Option<FaultId>, out: &mut Outbox) {
        let label = Label::new(self.procedure, Step::StatusReport);
        let link = self.link;
        let generating = cause.is_none();
        self.declared = generating;
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
        let alarm = ManagementMessage::LinkAlarm { link, cause, fault };
        out.send(Address::manager(self.manager), label, alarm);
    }
}

/// A rate in 10⁻⁶, to the nearest.
fn millionths(rate: f64) -> u32 {
    libm::round(rate * 1e6) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Effect, Message};

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
        let effects = out.take();
        assert!(matches!(
            effects[..],
            [Effect::Wake {
                at: Time(150),
                timer: Timer::Detection
            }]
        ));
        module.on_timer(Time(150), &mut out);
        let effects = out.take();
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
                out.take().first(),
                Some(Effect::Wake { at, .. }) if *at == Time(down_due)
            ));
            if up >= down_due {
                module.on_timer(Time(down_due), &mut out);
            }
            module.on_disturbance(Time(up), true, FaultId(0), &mut out);
            module.on_timer(Time(down_due), &mut out);
            module.on_timer(Time(up_due), &mut out);
            let said = out.take();
            let said = said.iter().filter(|effect| matches!(effect, Effect::Send(_)));
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
