//! Reroutes instant by instant: t0 … t7 as elements let them be seen.

use std::collections::BTreeMap;

use super::Observer;
use crate::architecture::message::ControlMessage;
use crate::architecture::observation::ReroutingInstant;
use crate::architecture::{Address, Envelope, Layer, Message, Observation};
use crate::ids::{FaultId, SessionId};
use crate::kernel::{Span, Time};

/// One fault's own instants, and what was sent about it that concerns no one session.
#[derive(Clone, Copy, Default, Debug)]
struct FaultLife {
    began: Option<Time>,
    declared: Option<Time>,
    messages: u64,
    bytes: u64,
}

/// Instants t2 … t7 of one session, and what was sent about it.
#[derive(Clone, Default, Debug)]
struct SessionLife {
    instants: [Option<Time>; 6],
    /// t2 … t4 of each controller that looked at it.
    by_controller: BTreeMap<Address, [Option<Time>; 3]>,
    /// Whose proposal both sides have committed to, or who gave the session back to its source: it decided, and its
    /// stages are on the critical path.
    led_by: Option<Address>,
    /// Both sides have been asked to switch: which one did first, when, and when the other did or gave the session back.
    committed: bool,
    switched: Option<(Address, Time, Option<Time>)>,
    /// A reroute is in force, and the session is looked at again: that is another story.
    over: bool,
    messages: u64,
    bytes: u64,
}

/// The observer.
#[derive(Clone, Default, Debug)]
pub struct Reroutes {
    faults: BTreeMap<FaultId, FaultLife>,
    sessions: BTreeMap<(FaultId, SessionId), SessionLife>,
}

/// One reroute as observed: instants t0 … t7, messages, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reroute {
    /// Which fault.
    pub fault: FaultId,
    /// Which session.
    pub session: SessionId,
    /// t0 … t7; `None` where not reached.
    pub instants: [Option<Time>; 8],
    /// How long the two sides of a border were on different routes; `None` where none was agreed on, or the other side
    /// never followed.
    pub half_switched: Option<Span>,
    /// Control and management messages about it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Reroutes {
    /// All reroutes, by fault and session.
    pub fn all(&self) -> impl Iterator<Item = Reroute> + '_ {
        self.sessions.iter().map(|(&(fault, session), life)| {
            let of_fault = self.faults.get(&fault).copied().unwrap_or_default();
            let mut instants = [None; 8];
            instants[0] = of_fault.began;
            instants[1] = of_fault.declared;
            instants[2..].copy_from_slice(&life.instants);
            if let Some(stages) = life.led_by.and_then(|led_by| life.by_controller.get(&led_by)) {
                instants[2..5].copy_from_slice(stages);
            }
            Reroute {
                fault,
                session,
                instants,
                half_switched: life.switched.and_then(|(_, from, to)| Some(to?.since(from))),
                messages: of_fault.messages + life.messages,
                bytes: of_fault.bytes + life.bytes,
            }
        })
    }
}

impl Observer for Reroutes {
    #[inline]
    fn sent(&mut self, _now: Time, envelope: &Envelope, internal: bool) {
        // Nothing else tells of faults, and most messages are something else.
        if !matches!(envelope.message, Message::Control(_) | Message::Management(_)) {
            return;
        }
        let subject = envelope.message.subject();
        let Some(fault) = subject.fault else { return };
        let layer = envelope.to.kind().layer();
        if internal || !matches!(layer, Layer::Control | Layer::Management | Layer::KeyManagement) {
            return;
        }
        let bytes = envelope.message.bytes();
        match subject.session {
            Some(session) => {
                let life = self.sessions.entry((fault, session)).or_default();
                life.messages += 1;
                life.bytes += bytes;
                if matches!(envelope.message, Message::Control(ControlMessage::Commit { .. })) {
                    life.led_by = Some(envelope.from);
                    life.committed = true;
                }
            }
            None => {
                let life = self.faults.entry(fault).or_default();
                life.messages += 1;
                life.bytes += bytes;
            }
        }
    }

    fn repeated(&mut self, now: Time, envelope: &Envelope, _attempt: u32) {
        self.sent(now, envelope, false);
    }

    #[inline]
    fn observed(&mut self, now: Time, from: Address, observation: &Observation) {
        match *observation {
            Observation::Declared { fault } => {
                self.faults.entry(fault).or_default().declared.get_or_insert(now);
            }
            Observation::Rerouting {
                fault,
                session,
                instant,
            } => {
                let life = self.sessions.entry((fault, session)).or_default();
                life.over |= instant == ReroutingInstant::Reported && life.instants[5].is_some();
                if life.over {
                    return;
                }
                if instant <= ReroutingInstant::Computed {
                    let stages = life.by_controller.entry(from).or_default();
                    let (past, yet_to_come) = stages.split_at_mut(instant as usize + 1);
                    past[instant as usize] = Some(now);
                    yet_to_come.fill(None); // a new attempt
                }
                // The controllers at both ends of a lost border find out at once; once one of them has given the session
                // back or agreed, what the other still decides and computes leads to nothing.
                let coordinated = life.instants[ReroutingInstant::Coordinated as usize].is_some();
                let late = matches!(instant, ReroutingInstant::Decided | ReroutingInstant::Computed);
                if coordinated && late && life.led_by.is_some_and(|led_by| led_by != from) {
                    return;
                }
                if instant == ReroutingInstant::Coordinated {
                    life.led_by.get_or_insert(from);
                    if life.committed {
                        match &mut life.switched {
                            None => life.switched = Some((from, now, None)),
                            Some((first, _, other)) if *first != from => {
                                other.get_or_insert(now);
                            }
                            Some(_) => {}
                        }
                    }
                }
                // The last of all KMs and of all attempts counts, and what follows is yet to come again.
                let (past, yet_to_come) = life.instants.split_at_mut(instant as usize + 1);
                past[instant as usize] = Some(now);
                yet_to_come.fill(None);
            }
            _ => {}
        }
    }

    fn disturbed(&mut self, now: Time, fault: FaultId, begins: bool) {
        if begins {
            self.faults.entry(fault).or_default().began.get_or_insert(now);
        }
    }
}
