//! The hold model on qkdni's own kernel.

use qkdni::kernel::{EventQueue, HeapQueue, LadderQueue, Simulation, Span, Time};

use crate::{Delays, Event, Hold, World};

/// The hold model on any of qkdni's queues.
#[derive(Debug)]
pub struct QkdniHold<Q> {
    simulation: Simulation<Event, Q>,
    world: World,
}

/// On the ladder queue, as simulations run.
pub type LadderHold = QkdniHold<LadderQueue<Event>>;

/// On the 4-ary heap.
pub type HeapHold = QkdniHold<HeapQueue<Event>>;

impl<Q: EventQueue<Event> + Default> QkdniHold<Q> {
    /// A simulation with `pending` events.
    pub fn new(delays: Delays, pending: usize) -> Self {
        let mut simulation = Simulation::with_queue(Q::default());
        let mut world = World::new(delays);
        for index in 0..pending {
            simulation.schedule(Time(world.next_delay()), World::first_event(index));
        }
        QkdniHold { simulation, world }
    }

    /// The simulation, to look at.
    pub fn simulation(&self) -> &Simulation<Event, Q> {
        &self.simulation
    }
}

impl<Q: EventQueue<Event>> Hold for QkdniHold<Q> {
    fn run(&mut self, events: u64) -> u64 {
        let end = self.simulation.events() + events;
        while let Some((_, event)) = self.simulation.next() {
            let (delay, next) = self.world.handle(event);
            self.simulation.schedule_in(Span(delay), next);
            if self.simulation.events() == end {
                break;
            }
        }
        events
    }
}
