//! The kernel's queues against one another: the ladder must pop exactly what the heap pops.

use proptest::prelude::*;
use qkdni::kernel::{EventQueue, HeapQueue, LadderQueue, Simulation, Span, Streams, Time};

/// An event of 16 bytes, as the simulator's.
type Event = (u64, u64);

/// The delays of a load, to be drawn one by one.
#[derive(Clone, Copy, Debug)]
enum Load {
    Exponential { mean: f64 },
    Bimodal { short: f64, long: f64 },
    Tied { step: u64 },
    ZeroDelay,
    FarFuture,
    Bursty,
}

fn any_load() -> impl Strategy<Value = Load> {
    prop_oneof![
        (0.5..40.0).prop_map(|log2| Load::Exponential {
            mean: libm::exp2(log2)
        }),
        (0.5..20.0, 20.0..50.0).prop_map(|(a, b)| Load::Bimodal {
            short: libm::exp2(a),
            long: libm::exp2(b)
        }),
        (1..1_u64 << 40).prop_map(|step| Load::Tied { step }),
        Just(Load::ZeroDelay),
        Just(Load::FarFuture),
        Just(Load::Bursty),
    ]
}

/// The ladder and its oracle, fed alike.
struct Pair {
    ladder: LadderQueue<Event>,
    heap: HeapQueue<Event>,
    stream: qkdni::kernel::Stream,
    now: Time,
    pushed: u64,
}

impl Pair {
    fn new(seed: u64) -> Self {
        Pair {
            ladder: LadderQueue::new(),
            heap: HeapQueue::new(),
            stream: Streams::new(seed, 0).stream("kernel", "differential"),
            now: Time::ZERO,
            pushed: 0,
        }
    }

    fn push(&mut self, at: Time) {
        let at = at.min(Time(u64::MAX - 1));
        let event = (self.pushed, at.0);
        self.pushed += 1;
        self.ladder.push(at, event);
        self.heap.push(at, event);
    }

    fn push_delayed(&mut self, load: Load) {
        let stream = &mut self.stream;
        let delay = match load {
            Load::Exponential { mean } => stream.exponential(mean) as u64,
            Load::Bimodal { short, long } => {
                let mean = if stream.bernoulli(0.1) { long } else { short };
                stream.exponential(mean) as u64
            }
            Load::Tied { step } => stream.below(4) * step,
            Load::ZeroDelay => u64::from(stream.bernoulli(0.02)) * stream.below(50),
            Load::FarFuture => stream.bits() >> stream.below(64),
            Load::Bursty => match stream.below(20) {
                0 => 1_000_000 + stream.below(1_000_000_000),
                n => n / 4,
            },
        };
        self.push(Time(self.now.0.saturating_add(delay)));
    }

    /// Pops from both; returns whether there was anything.
    fn pop(&mut self) -> bool {
        if self.stream.bernoulli(0.1) {
            assert_eq!(self.ladder.peek_time(), self.heap.peek_time());
        }
        let popped = self.ladder.pop();
        assert_eq!(popped, self.heap.pop(), "after {} pushes", self.pushed);
        assert_eq!(self.ladder.len(), self.heap.len());
        if let Some((at, _)) = popped {
            self.now = at;
        }
        popped.is_some()
    }

    fn drain(&mut self) {
        while self.pop() {}
        assert!(self.ladder.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Phases of growth, hold and shrinking, each with its own load.
    #[test]
    fn ladder_pops_what_the_heap_pops(
        seed in any::<u64>(),
        phases in prop::collection::vec((any_load(), 0_u64..=10, 1_usize..3000), 1..6),
    ) {
        let mut pair = Pair::new(seed);
        for (load, growth, steps) in phases {
            for _ in 0..steps {
                // 0: only pops; 5: a hold model, on the average; 10: only pushes.
                if pair.stream.below(10) < growth {
                    pair.push_delayed(load);
                } else {
                    pair.pop();
                }
            }
        }
        pair.drain();
    }

    /// Pushes of arbitrary instants, as a caller that stopped at a horizon may make them: not before the last popped
    /// instant, but before instants that were looked at.
    #[test]
    fn ladder_takes_any_instant_after_the_last(
        steps in prop::collection::vec((any::<bool>(), any::<u64>(), 0_u32..64), 1..2000),
    ) {
        let mut pair = Pair::new(0);
        for (push, number, shift) in steps {
            if push {
                let at = pair.now.0.saturating_add(number >> shift);
                pair.push(Time(at));
                prop_assert_eq!(pair.ladder.peek_time(), pair.heap.peek_time());
            } else {
                pair.pop();
            }
        }
        pair.drain();
    }
}

#[test]
fn hold_models_of_a_hundred_thousand_agree() {
    for load in [
        Load::Exponential { mean: 1e8 },
        Load::Bimodal {
            short: 1e5,
            long: 1e9,
        },
        Load::Tied { step: 1000 },
        Load::Bursty,
        Load::FarFuture,
    ] {
        let mut pair = Pair::new(7);
        for _ in 0..100_000 {
            pair.push_delayed(load);
        }
        for _ in 0..200_000 {
            pair.pop();
            pair.push_delayed(load);
        }
        pair.drain();
    }
}

#[test]
fn events_of_one_instant_come_in_the_order_of_their_pushes() {
    let mut ladder = LadderQueue::new();
    for number in 0..50_000_u64 {
        ladder.push(Time(1000 + number % 3), number);
    }
    // Half-way through the first instant, more is pushed at that very instant.
    for number in (0..50_000_u64).step_by(3).take(8_000) {
        assert_eq!(ladder.pop(), Some((Time(1000), number)));
    }
    ladder.push(Time(1000), 50_000);
    for number in (0..50_000_u64).step_by(3).skip(8_000) {
        assert_eq!(ladder.pop(), Some((Time(1000), number)));
    }
    assert_eq!(ladder.pop(), Some((Time(1000), 50_000)));
    for first in [1, 2] {
        for number in (first..50_000_u64).step_by(3) {
            assert_eq!(ladder.pop(), Some((Time(1000 + first), number)));
        }
    }
    assert_eq!(ladder.pop(), None);
}

#[test]
fn a_crowd_that_stays_at_one_instant_takes_turns() {
    let mut simulation = Simulation::new();
    for number in 0..1000_u64 {
        simulation.schedule(Time(5), number);
    }
    for turn in 0..100_000_u64 {
        let (now, number) = simulation.next().expect("a thousand events are pending");
        assert_eq!((now, number), (Time(5), turn % 1000));
        simulation.schedule_in(Span::ZERO, number);
    }
    assert!(
        simulation.queue().allocated_bytes() < 200_000,
        "memory is used again"
    );
}

#[test]
fn many_pushes_into_the_nearest_future_stay_in_order() {
    let mut pair = Pair::new(3);
    for _ in 0..300 {
        pair.push(Time(1_000_000));
    }
    pair.push(Time(0));
    assert!(pair.pop());
    for number in 0..20_000_u64 {
        pair.push(Time(999_999 - (number * 7919) % 20_000));
    }
    pair.drain();
}

#[test]
fn the_last_instant_is_the_one_before_never() {
    let mut pair = Pair::new(0);
    for at in [u64::MAX - 1, 0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX - 2] {
        pair.push(Time(at));
    }
    for _ in 0..200 {
        pair.push(Time(u64::MAX - 1));
        pair.push(Time(5));
    }
    pair.drain();
}

#[test]
#[should_panic(expected = "earlier than the last popped")]
fn the_ladder_refuses_the_past() {
    let mut ladder = LadderQueue::new();
    ladder.push(Time(10), ());
    ladder.pop();
    ladder.push(Time(9), ());
}

#[test]
#[should_panic(expected = "would never happen")]
fn the_ladder_refuses_never() {
    LadderQueue::new().push(Time::NEVER, ());
}

/// 24 bytes of a pending event, a sixteenth of growth, chunks partly filled: at most 36 in all.
#[test]
fn a_pending_event_takes_at_most_36_bytes() {
    for pending in [100_000_usize, 300_000, 1_000_000] {
        for load in [
            Load::Exponential {
                mean: pending as f64 * 1e3,
            },
            Load::Bimodal {
                short: pending as f64 * 1e2,
                long: pending as f64 * 1e4,
            },
            Load::Tied { step: 1_000_000 },
        ] {
            let mut ladder = LadderQueue::new();
            let mut stream = Streams::new(1, 0).stream("kernel", "memory");
            let mut delay = move || match load {
                Load::Exponential { mean } => stream.exponential(mean) as u64,
                Load::Bimodal { short, long } => {
                    let long_one = stream.bernoulli(0.1);
                    stream.exponential(if long_one { long } else { short }) as u64
                }
                _ => (1 + stream.below(8)) * 1_000_000,
            };
            for number in 0..pending {
                ladder.push(Time(delay()), (number as u64, 0_u64));
            }
            for _ in 0..pending {
                let (now, event) = ladder.pop().expect("events are pending");
                ladder.push(Time(now.0 + delay()), event);
            }
            let bytes = ladder.allocated_bytes() as f64 / pending as f64;
            assert!(
                bytes <= 36.0,
                "{bytes:.1} bytes per event, {pending} pending, {load:?}"
            );
        }
    }
}

#[test]
fn a_shuffled_simulation_permutes_ties_and_nothing_else() {
    let order = |seed| {
        let mut simulation = Simulation::shuffled(seed);
        for number in 0..100_u64 {
            simulation.schedule(Time(number / 10), number);
        }
        let order: Vec<(Time, u64)> = simulation.collect();
        assert!(order.is_sorted_by_key(|&(at, _)| at));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().map(|&(_, number)| number).eq(0..100));
        order
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn a_simulation_stops_at_a_horizon_and_goes_on() {
    let mut simulation = Simulation::with_queue(HeapQueue::new());
    simulation.schedule(Time(10), 'b');
    simulation.schedule(Time(20), 'c');
    assert_eq!(simulation.next_until(Time(10)), Some((Time(10), 'b')));
    assert_eq!(simulation.next_until(Time(19)), None);
    assert_eq!(
        (simulation.now(), simulation.pending(), simulation.events()),
        (Time(10), 1, 1)
    );
    simulation.schedule(Time(15), 'x');
    assert_eq!(
        simulation.by_ref().map(|(_, event)| event).collect::<String>(),
        "xc"
    );
}
