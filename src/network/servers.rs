//! The first-in-first-out servers of a world: key managers, controllers, managers.
//!
//! A message is served for the element's processing time: always so long, or exponentially distributed with that mean.
//! A key manager's queue may be limited; a message that finds it full is not taken. Each server keeps its
//! [`Occupancy`], of which the auditor holds L = λ·W.

use super::plan::{Plan, ServiceLaw};
use crate::architecture::Address;
use crate::ids::NodeId;
use crate::kernel::{Occupancy, Span, Stream, Streams, Time};

#[derive(Clone, Debug)]
struct Server {
    /// When it is free again.
    free: Time,
    /// Service times, where they are random.
    random: Option<Stream>,
    queue: Occupancy,
    /// Messages that found the queue full.
    refused: u64,
}

/// All servers: KMs, then controllers, then managers.
#[derive(Clone, Debug)]
pub struct Servers {
    all: Vec<Server>,
    /// The first so many are KMs.
    key_managers: usize,
    /// How many messages a KM holds, the one in service included.
    limit: Option<u64>,
}

/// What became of the messages at one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerLog {
    /// The element.
    pub element: Address,
    /// Those that it took, in the queue and in service.
    pub queue: Occupancy,
    /// Those that found its queue full.
    pub refused: u64,
}

impl Servers {
    /// All of a plan's servers, idle.
    pub fn new(plan: &Plan, streams: &Streams) -> Servers {
        let server = |element: Address| Server {
            free: Time::ZERO,
            random: match plan.serving.law {
                ServiceLaw::Fixed => None,
                ServiceLaw::Exponential => {
                    Some(streams.stream(&format!("element/{}", plan.name_of(element)), "service"))
                }
            },
            queue: Occupancy::default(),
            refused: 0,
        };
        Servers {
            all: elements(plan).map(server).collect(),
            key_managers: plan.nodes.len(),
            limit: plan.serving.key_manager_queue.map(u64::from),
        }
    }

    /// Whether a server takes no further message now; counts one that it does not take.
    pub fn refuses(&mut self, server: usize) -> bool {
        let full = self.limit.filter(|_| server < self.key_managers);
        let server = &mut self.all[server];
        let refuses = full.is_some_and(|limit| server.queue.present() >= limit);
        server.refused += u64::from(refuses);
        refuses
    }

    /// A message comes; when it has been served. What is not served at once is to [`leave`](Self::leave).
    pub fn serve(&mut self, server: usize, mean: Span, now: Time) -> Time {
        let server = &mut self.all[server];
        let time = match &mut server.random {
            None => mean,
            Some(random) => Span(libm::round(random.exponential(mean.0 as f64)) as u64),
        };
        let done = now.max(server.free) + time;
        server.free = done;
        if done == now {
            server.queue.pass();
        } else {
            server.queue.enter(now);
        }
        done
    }

    /// A message that came then has been served.
    pub fn leave(&mut self, server: usize, since: Time, now: Time) {
        self.all[server].queue.leave(now, since);
    }

    /// What became of all messages.
    pub fn logs(&self, plan: &Plan) -> Vec<ServerLog> {
        let log = |(element, server): (Address, &Server)| ServerLog {
            element,
            queue: server.queue,
            refused: server.refused,
        };
        elements(plan).zip(&self.all).map(log).collect()
    }
}

/// The elements that serve, in order.
fn elements(plan: &Plan) -> impl Iterator<Item = Address> + '_ {
    let kms = plan.nodes.ids().map(|node: NodeId| Address::kma(node));
    let controllers = plan.controllers.ids().map(Address::controller);
    kms.chain(controllers)
        .chain(plan.managers.ids().map(Address::manager))
}
