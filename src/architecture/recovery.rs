//! How failures are noticed, and how long one waits before anything is done about them.

use std::collections::VecDeque;

use crate::ids::FaultId;
use crate::kernel::{Span, Time};

/// Heartbeats between the two ends of a link, between neighbouring KMs and between neighbouring controllers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// Distance of beats.
    pub period: Span,
    /// So many missed beats in a row are a failure.
    pub misses: u32,
    /// When the first beat is sent; `None`: at random within the period, each sender for itself.
    pub phase: Option<Span>,
}

/// What is done about failures, and when.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Recovery {
    /// Heartbeats; `None`: a failure raises an alarm after the detection time.
    pub heartbeat: Option<Heartbeat>,
    /// How long a controller waits after a report whether the failure goes away by itself.
    pub hold_off: Span,
    /// How long what works again must have worked before it is told.
    pub wait_to_restore: Span,
    /// Whether sessions go back to the better path once it works again.
    pub revertive: bool,
    /// Whether every request that finds too little key has its hop left.
    pub on_depletion: bool,
    /// Whether a store below its floor counts as a failure of its hop: with `on_depletion`, and where policy has the lack
    /// of a class made good by relay.
    pub leaves_depleted: bool,
}

/// How one element notices that another, or its link, fails.
///
/// Heartbeats come at fixed instants, so that nobody has to send them one by one: what matters is when they would have
/// been missed. An idle network costs no events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detection {
    /// It is told, so long after the failure or its end.
    Alarm(Span),
    /// It listens to beats.
    Beats {
        /// Their distance.
        period: Span,
        /// How many must be missed.
        misses: u32,
        /// When they are sent: at this instant of every period.
        phase: Span,
        /// Their way.
        way: Span,
    },
}

impl Detection {
    /// When a failure is noticed: with heartbeats, `misses` periods after the last one before it arrived. A beat that
    /// is sent at the instant of the failure still gets through.
    pub fn lost(&self, at: Time) -> Time {
        match *self {
            Detection::Alarm(after) => at + after,
            Detection::Beats {
                period,
                misses,
                phase,
                way,
            } => {
                let since = (at.0 + period.0 - phase.0 % period.0) % period.0;
                let silence = period * u64::from(misses);
                // The last beat may lie before time 0; the failure does not.
                Time((at.0 + way.0 + silence.0).saturating_sub(since))
            }
        }
    }

    /// When the end of a failure is noticed: with heartbeats, when the first one after it arrives.
    pub fn found(&self, at: Time) -> Time {
        match *self {
            Detection::Alarm(after) => at + after,
            Detection::Beats {
                period, phase, way, ..
            } => {
                let since = (at.0 + period.0 - phase.0 % period.0) % period.0;
                let wait = (period.0 - since) % period.0;
                at + Span(wait) + way
            }
        }
    }
}

/// Something that failed or works again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When it is noticed.
    pub due: Time,
    /// When it happened.
    pub origin: Time,
    /// Whether it works again.
    pub works: bool,
    /// The fault behind it.
    pub fault: FaultId,
}

/// What has happened and is not noticed yet, in order.
#[derive(Clone, Default, Debug)]
pub struct Unnoticed(VecDeque<Change>);

impl Unnoticed {
    /// Something happens now to what the watcher `believes` to work, or not. Returns when it will be noticed; `None`:
    /// heartbeats overlook it, because too few beats are missed, or because none comes in between. Of what happens at one
    /// instant, such as several repairs in turn, only the end counts.
    pub fn add(
        &mut self,
        detection: Detection,
        now: Time,
        works: bool,
        fault: FaultId,
        believes: bool,
    ) -> Option<Time> {
        let undone = |before: &Change| before.origin == now && before.works != works;
        if self.0.back().is_some_and(undone) {
            self.0.pop_back();
            if self.0.back().map_or(believes, |before| before.works) == works {
                return None;
            }
        }
        let sign_of_life = detection.found(now);
        let due = if works { sign_of_life } else { detection.lost(now) };
        let overlooked = |before: &Change| before.works != works && before.due >= sign_of_life;
        let beats = matches!(detection, Detection::Beats { .. });
        if beats && self.0.back().is_some_and(overlooked) {
            self.0.pop_back();
            return None;
        }
        self.0.push_back(Change {
            due,
            origin: now,
            works,
            fault,
        });
        Some(due)
    }

    /// What is noticed now, if it was not overlooked after all.
    pub fn notice(&mut self, now: Time) -> Option<Change> {
        let due = self.0.front().is_some_and(|change| change.due <= now);
        if due { self.0.pop_front() } else { None }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two elements come back at one instant, one after the other: the first does not miss the second.
    #[test]
    fn of_one_instant_the_end_counts() {
        let alarm = Detection::Alarm(Span(5));
        let fault = FaultId(0);
        let mut unnoticed = Unnoticed::default();
        assert_eq!(unnoticed.add(alarm, Time(9), false, fault, true), Some(Time(14)));
        assert_eq!(unnoticed.add(alarm, Time(9), true, fault, true), None);
        assert!(unnoticed.is_empty());
        // What fails anew at the instant of its repair has not worked.
        unnoticed.add(alarm, Time(1), false, fault, true);
        unnoticed.add(alarm, Time(9), true, fault, true);
        assert_eq!(unnoticed.add(alarm, Time(9), false, fault, true), None);
        let change = unnoticed.notice(Time(14)).expect("the first failure");
        assert_eq!((change.origin, change.works), (Time(1), false));
        assert!(unnoticed.is_empty());
        // Believed to have failed, it comes back.
        unnoticed.add(alarm, Time(9), false, fault, false);
        assert_eq!(unnoticed.add(alarm, Time(9), true, fault, false), Some(Time(14)));
    }

    /// Shows the closed form of detection: d + kH − u.
    #[test]
    fn beats_are_missed_when_they_should_have_come() {
        let beats = Detection::Beats {
            period: Span(100),
            misses: 3,
            phase: Span(30),
            way: Span(7),
        };
        // The last beat was sent at 230; 330, 430 and 530 are missed.
        assert_eq!(beats.lost(Time(250)), Time(250 + 7 + 300 - 20));
        assert_eq!(beats.lost(Time(230)), Time(537));
        assert_eq!(beats.found(Time(250)), Time(337));
        assert_eq!(beats.found(Time(330)), Time(337));
        // Before the first beat of the run.
        assert_eq!(beats.lost(Time(10)), Time(10 + 7 + 300 - 80));
        let alarm = Detection::Alarm(Span(5));
        assert_eq!((alarm.lost(Time(9)), alarm.found(Time(9))), (Time(14), Time(14)));
    }
}
