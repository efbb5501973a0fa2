//! A QKD module: one end of a QKD link. It declares what happens to the link over Cq and Mq (P10/P13 step 5).

use std::collections::VecDeque;

use super::process::{Block, Fate};
use crate::architecture::message::{
    AlarmCause, ControlMessage, LinkPerformance, LinkState, ManagementMessage, StatusAnswer, StatusChange,
};
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, Step, Timer};
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
    detection: Span,
    procedure: Procedure,
    /// What the link is provisioned for, where its blocks have errors of their own.
    expected: Option<Expected>,
    /// Physical events not declared yet: when, generating or not, by which fault.
    undeclared: VecDeque<(Time, bool, FaultId)>,
    /// Whether the channel is there.
    up: bool,
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
        detection: Span,
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
            undeclared: VecDeque::new(),
            up: true,
            stopped: false,
            declared: true,
            state: LinkState::Active,
        }
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
                    link: Some((self.link, self.up && !self.stopped)),
                    levels: Box::default(),
                    at: now,
                };
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
        self.up = generating;
        self.undeclared.push_back((now, generating, fault));
        out.wake(now + self.detection, Timer::Detection);
    }

    /// Detection is over: declare.
    pub fn on_timer(&mut self, _now: Time, out: &mut Outbox) {
        let (origin, generating, fault) = self.undeclared.pop_front().expect("one timer per event");
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
    pub fn on_turn(&mut self, now: Time, block: &Block, out: &mut Outbox) {
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
            self.declare(cause, now, None, out);
        }
        self.report(state, Some(block), None, out);
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
            Span(50),
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
}
