//! A cryptographic application: asks its KSA for keys over Ak, and takes what it is supplied.

use std::sync::Arc;

use super::demand::{Arrival, ArrivalProcess, Arrivals};
use crate::architecture::message::{Hold, KeyRequest, ServiceMessage};
use crate::architecture::observation::RequestEnd;
use crate::architecture::{Address, Label, Observation, Outbox, Procedure, RequestId, Step, Timer};
use crate::ids::{ApplicationId, ClassId, NodeId, QkdnId, SessionId};
use crate::kernel::{Span, Stream, Time};

/// What an application asks for, again and again.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Its session.
    pub session: SessionId,
    /// The peer application.
    pub peer: ApplicationId,
    /// The peer's node.
    pub destination: NodeId,
    /// The peer's QKDN.
    pub destination_qkdn: QkdnId,
    /// Keys per request.
    pub keys: u32,
    /// Per request \[bits\].
    pub bits: u64,
    /// How long it waits.
    pub timeout: Span,
    /// QoS class.
    pub class: ClassId,
    /// When it asks.
    pub arrivals: Arc<dyn ArrivalProcess>,
    /// Which procedure its requests are traced under: by the first boundary to the peer's QKDN.
    pub procedure: Procedure,
    /// It sends no request before this.
    pub from: Time,
    /// It sends no request from this instant on.
    pub until: Time,
}

/// The machine. An application of the plan either asks (it has a demand) or is the peer of one that does.
#[derive(Debug)]
pub struct Application {
    id: ApplicationId,
    node: NodeId,
    asking: Option<Asking>,
}

#[derive(Debug)]
struct Asking {
    demand: Demand,
    arrivals: Box<dyn Arrivals>,
    random: Stream,
    /// The request that is to be sent next.
    next: Option<(Time, Option<Hold>)>,
    next_number: u32,
}

impl Asking {
    /// Looks for the next request; when it is to be sent, if it still is.
    fn look_ahead(&mut self) -> Option<Time> {
        let from = self.demand.from;
        let Arrival { at, hold } = self.arrivals.next(&mut self.random)?;
        let at = from + at;
        let hold = hold.map(|hold| Hold {
            until: from + hold.until.since(Time::ZERO),
            ..hold
        });
        self.next = (at < self.demand.until).then_some((at, hold));
        self.next.map(|(at, _)| at)
    }
}

impl Application {
    /// The peer of an application that asks.
    pub fn peer(id: ApplicationId, node: NodeId) -> Application {
        Application {
            id,
            node,
            asking: None,
        }
    }

    /// An application that asks; `random` is its demand's own stream.
    pub fn asking(id: ApplicationId, node: NodeId, demand: Demand, random: Stream) -> Application {
        Application {
            id,
            node,
            asking: Some(Asking {
                arrivals: demand.arrivals.begin(demand.until.since(Time::ZERO)),
                demand,
                random,
                next: None,
                next_number: 0,
            }),
        }
    }

    /// The start of the run: sets the first request.
    pub fn on_start(&mut self, out: &mut Outbox) {
        if let Some(asking) = &mut self.asking
            && let Some(first) = asking.look_ahead()
        {
            out.wake(first, Timer::NextRequest(asking.demand.session));
        }
    }

    /// Time for the next request.
    pub fn on_timer(&mut self, now: Time, out: &mut Outbox) {
        let asking = self.asking.as_mut().expect("only askers set timers");
        let (_, hold) = asking.next.take().expect("the timer was set for it");
        let request = RequestId {
            session: asking.demand.session,
            number: asking.next_number,
        };
        asking.next_number += 1;
        let next = asking.look_ahead();
        if let Some(next) = next {
            out.wake(next, Timer::NextRequest(request.session));
        }
        let demand = &asking.demand;
        out.observe(Observation::Requested {
            request,
            bits: demand.bits,
        });
        let order = KeyRequest {
            request,
            application: self.id,
            peer: demand.peer,
            destination: demand.destination,
            destination_qkdn: demand.destination_qkdn,
            keys: demand.keys,
            bits: demand.bits,
            class: demand.class,
            deadline: now + demand.timeout,
            hold,
            last: next.is_none(),
            leg: None,
        };
        let label = Label::new(demand.procedure, Step::KeyRequest);
        out.send(Address::ksa(self.node), label, ServiceMessage::KeyRequest(order));
    }

    /// Something came over Ak.
    pub fn on_message(&mut self, message: &ServiceMessage, out: &mut Outbox) {
        match message {
            ServiceMessage::KeySupply { request, key } => {
                let asked = self
                    .asking
                    .as_ref()
                    .is_some_and(|asking| asking.demand.session == request.session);
                let end = if asked {
                    RequestEnd::Source
                } else {
                    RequestEnd::Destination
                };
                out.observe(Observation::Supplied {
                    request: *request,
                    end,
                    digest: key.digest(),
                });
            }
            // The KSA has already told the observers why.
            ServiceMessage::KeyRefusal { .. } => {}
            ServiceMessage::KeyRequest(_) => unreachable!("no one asks an application"),
        }
    }
}
