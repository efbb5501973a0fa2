//! The hold model on nexosim, one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::EventSource;
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::{Delays, Hold};

/// A component: counts, and sends itself the next event. Its delays and the common counter are not part of its
/// saved state.
#[derive(Default, Serialize, Deserialize)]
struct HoldModel {
    received: u64,
    #[serde(skip)]
    delays: Option<Delays>,
    #[serde(skip)]
    handled: Arc<AtomicU64>,
}

#[Model]
impl HoldModel {
    #[nexosim(schedulable)]
    fn receive(&mut self, amount: u64, cx: &Context<Self>) {
        self.received += amount;
        // One thread: a load and a store, so that the count costs nexosim no locked instruction.
        self.handled
            .store(self.handled.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.schedule(amount, cx);
    }

    fn start(&mut self, amount: u64, cx: &Context<Self>) {
        self.schedule(amount, cx);
    }

    fn schedule(&mut self, amount: u64, cx: &Context<Self>) {
        let delays = self
            .delays
            .as_mut()
            .expect("the bench never restores a saved state");
        let delay = Duration::from_nanos(delays.next_delay());
        cx.schedule_event(delay, schedulable!(Self::receive), amount)
            .expect("the delay is positive");
    }
}

/// The hold model on `nexosim::simulation::Simulation`.
#[derive(Debug)]
pub struct NexosimHold {
    simulation: Simulation,
    handled: Arc<AtomicU64>,
}

impl NexosimHold {
    /// A simulation with `pending` events at `components` models.
    pub fn new(delays: &Delays, pending: usize, components: usize) -> Self {
        let handled = Arc::new(AtomicU64::new(0));
        let mut init = SimInit::with_num_threads(1);
        let mut sources = Vec::new();
        for index in 0..components {
            let delays = delays.starting_at(index, components);
            let model = HoldModel {
                received: 0,
                delays: Some(delays),
                handled: Arc::clone(&handled),
            };
            let mailbox = Mailbox::new();
            sources.push(
                EventSource::new()
                    .connect(HoldModel::start, &mailbox)
                    .register(&mut init),
            );
            init = init.add_model(model, mailbox, &format!("component{index}"));
        }
        let mut simulation = init.init(MonotonicTime::EPOCH).expect("the bench is assembled");
        for index in 0..pending {
            simulation
                .process_event(&sources[index % components], 1)
                .expect("the model starts");
        }
        NexosimHold { simulation, handled }
    }
}

impl Hold for NexosimHold {
    fn run(&mut self, events: u64) -> u64 {
        let start = self.handled.load(Ordering::Relaxed);
        loop {
            let handled = self.handled.load(Ordering::Relaxed) - start;
            if handled >= events {
                return handled;
            }
            self.simulation.step().expect("the step runs");
        }
    }
}
