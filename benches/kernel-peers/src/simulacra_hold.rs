//! The hold model on simulacra's synchronous kernel.

use simulacra::{Duration, Simulation, Time};

use crate::{Delays, Event, Hold, World};

/// The hold model on `simulacra::Simulation`.
#[derive(Debug)]
pub struct SimulacraHold {
    simulation: Simulation<Event>,
    world: World,
}

impl SimulacraHold {
    /// A simulation with `pending` events.
    pub fn new(delays: Delays, pending: usize) -> Self {
        let mut simulation = Simulation::with_capacity(pending + 1);
        let mut world = World::new(delays);
        for index in 0..pending {
            simulation.schedule(Time::from_nanos(world.next_delay()), World::first_event(index));
        }
        SimulacraHold { simulation, world }
    }
}

impl Hold for SimulacraHold {
    /// Steps, as `run` and `run_until` consume the simulation; both are the same loop as this one.
    fn run(&mut self, events: u64) -> u64 {
        let end = self.simulation.events_processed() + events;
        while let Some(scheduled) = self.simulation.step() {
            let (delay, next) = self.world.handle(scheduled.event);
            self.simulation.schedule_in(Duration::from_nanos(delay), next);
            if self.simulation.events_processed() == end {
                break;
            }
        }
        events
    }
}
