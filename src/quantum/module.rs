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
    /// Whether it reports by itself. A link whose blocks are all alike has nothing to tell but its alarms.
    pub reports: bool,
    /// How often to report besides changes of the state.
    pub report_every: Option<Span>,
}

/// What a module is shown of its link when it speaks of it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sight {
    /// The last block that was made, where blocks are drawn one by one.
    pub block: Option<Block>,
    /// Whether its channel is down.
    pub cut: bool,
    /// The fault that lies behind that, or behind errors, for traces and records.
    pub fault: Option<FaultId>,
    /// Whether key that it made is left to be used, while its channel is down.
    pub keys_left: bool,
}

/// The machine. It takes no processing time; detection has a delay of its own.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is, what was said and what was ordered differ in time"
)]
#[derive(Clone, Debug)]
pub struct Module {
    link: LinkId,
    controller: ControllerId,
    manager: ManagerId,
    detection: Detection,
    procedure: Procedure,
    /// What the link is provisioned for.
    expected: Expected,
    /// Whether it declares by itself what happens to its link; else it answers who asks.
    declares: bool,
    /// Physical events not declared yet.
    undeclared: Unnoticed,
    /// Whether it was declared to be down.
    down: bool,
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
        expected: Expected,
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
            down: false,
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
        if let Some(every) = self.expected.report_every {
            out.wake(now + every, Timer::LinkReport);
        }
    }

    /// The controller asks, or orders (P10/P13 steps 1, 2 and 4). A link that was ordered to stop is passive, one that
    /// was ordered to go on is pending until its first block. Who is asked says what is so, declared or not: a link that
    /// is interrupted or throws its blocks away makes no key, and to be asked about it is to declare it.
    pub fn on_message(&mut self, message: &ControlMessage, now: Time, sight: &Sight, out: &mut Outbox) {
        match message {
            ControlMessage::StatusRequest { round } => {
                let works = !sight.cut && sight.block.is_none_or(|block| block.is_healthy());
                let fault = sight.fault.filter(|_| !works);
                if let Some(fault) = fault {
                    out.observe(Observation::Declared { fault });
                }
                let answer = StatusAnswer {
                    round: *round,
                    link: Some((self.link, works)),
                    performance: Some(self.performance(self.state_asked(works, sight), sight.block.as_ref())),
                    levels: Box::default(),
                    at: now,
                    fault,
                };
                let label = Label::new(self.procedure, Step::StatusAnswer);
                let to = Address::controller(self.controller);
                out.send(to, label, ControlMessage::StatusAnswer(Box::new(answer)));
            }
            ControlMessage::GenerationControl { generate, .. } => {
                let changed = self.stopped == *generate;
                self.stopped = !generate;
                if changed && !self.down {
                    let state = if *generate {
                        self.resuming()
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
        self.state == LinkState::Pending && self.declared && self.expected.reports
    }

    /// The state of a link that may go on: blocks that are all alike come at once.
    fn resuming(&self) -> LinkState {
        if self.expected.reports {
            LinkState::Pending
        } else {
            LinkState::Active
        }
    }

    /// The quantum channel went or came back.
    pub fn on_disturbance(&mut self, now: Time, generating: bool, fault: FaultId, out: &mut Outbox) {
        if !self.declares {
            return;
        }
        if let Some(due) = self
            .undeclared
            .add(self.detection, now, generating, fault, !self.down)
        {
            out.wake(due, Timer::Detection);
        }
    }

    /// Detection is over: declare.
    pub fn on_timer(&mut self, now: Time, sight: &Sight, out: &mut Outbox) {
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
        self.down = !generating;
        // Repaired, it resynchronises before the next block.
        let state = match (generating, self.stopped) {
            (false, _) => self.state_now(sight),
            (true, true) => LinkState::Passive,
            (true, false) => self.resuming(),
        };
        let cause = (!generating).then_some(AlarmCause::Interrupted);
        self.declare(cause, origin, Some(fault), out);
        self.report(state, None, Some(fault), out);
    }

    /// The state now: a link that is down is off once no key is left that it made.
    fn state_now(&self, sight: &Sight) -> LinkState {
        match (self.down, sight.keys_left) {
            (false, _) => self.state,
            (true, true) => LinkState::Passive,
            (true, false) => LinkState::Off,
        }
    }

    /// The state that is told to who asks.
    fn state_asked(&self, works: bool, sight: &Sight) -> LinkState {
        match (sight.cut, self.stopped, works) {
            (true, ..) if sight.keys_left => LinkState::Passive,
            (true, ..) => LinkState::Off,
            (false, true, _) => LinkState::Passive,
            (false, false, false) => LinkState::Pending,
            // The repair is not declared yet.
            (false, false, true) if self.down => self.resuming(),
            (false, false, true) => self.state,
        }
    }

    /// A report is due.
    pub fn on_report(&mut self, now: Time, sight: &Sight, out: &mut Outbox) {
        self.report(self.state_now(sight), sight.block.as_ref(), None, out);
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
            Fate::Empty => Some(AlarmCause::NoKey),
        };
        if healthy != self.declared {
            if let (false, Some(fault)) = (healthy, fault) {
                out.observe(Observation::Declared { fault });
            }
            self.declare(cause, now, fault, out);
        }
        self.report(state, Some(block), fault, out);
    }

    /// How the link does in a state; a link that makes no key has no block to tell of.
    fn performance(&self, state: LinkState, block: Option<&Block>) -> LinkPerformance {
        let expected = &self.expected;
        let block = block.filter(|_| matches!(state, LinkState::Active | LinkState::Pending));
        let steady = if expected.reports || state != LinkState::Active {
            0
        } else {
            expected.skr_bps
        };
        LinkPerformance {
            state,
            skr_bps: block.map_or(steady, Block::rate_bps),
            expected_skr_bps: expected.skr_bps,
            expected_consumption_bps: expected.consumption_bps,
            qber_ppm: block.and_then(|block| block.qber).map(millionths),
        }
    }

    /// Says over Cq and Mq how the link does.
    fn report(&mut self, state: LinkState, block: Option<&Block>, fault: Option<FaultId>, out: &mut Outbox) {
        self.state = state;
        if !self.expected.reports {
            return;
        }
        let label = Label::new(self.procedure, Step::StatusReport);
        let link = self.link;
        let performance = self.performance(state, block);
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
        let label = Label::new(Procedure::Fcaps, Step::Performance);
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
        let label = Label::new(Procedure::Fcaps, Step::Fault);
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

    const STEADY: Expected = Expected {
        skr_bps: 1_000,
        consumption_bps: None,
        reports: false,
        report_every: None,
    };

    #[test]
    fn a_cut_is_declared_once_over_cq_and_mq_after_the_detection_time() {
        let mut module = Module::new(
            LinkId(3),
            ControllerId(1),
            ManagerId(0),
            Detection::Alarm(Span(50)),
            Procedure::P10,
            STEADY,
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
        module.on_timer(Time(150), &Sight::default(), &mut out);
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
        let mut module = Module::new(link, controller, manager, beats, Procedure::P10, STEADY);
        let mut out = Outbox::new(Address::module(LinkId(3), 0));
        let mut declared = |down: u64, up: u64, down_due: u64, up_due: u64| {
            module.on_disturbance(Time(down), false, FaultId(0), &mut out);
            assert!(matches!(
                out.take().first(),
                Some(Effect::Wake { at, .. }) if *at == Time(down_due)
            ));
            if up >= down_due {
                module.on_timer(Time(down_due), &Sight::default(), &mut out);
            }
            module.on_disturbance(Time(up), true, FaultId(0), &mut out);
            module.on_timer(Time(down_due), &Sight::default(), &mut out);
            module.on_timer(Time(up_due), &Sight::default(), &mut out);
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
