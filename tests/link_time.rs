//! What links make over time: lazily evaluated blocks against an event per block, rates and alarms against theory.

mod common_links;

use std::sync::Arc;

use common_links::share_holds;
use qkdni::architecture::key_source::{BlockRun, KeySources as _, StoreEnd};
use qkdni::architecture::message::{ControlMessage, LinkState, ManagementMessage, StatusChange};
use qkdni::architecture::{Address, Effect, KeySource, Message, Outbox, Procedure};
use qkdni::ids::{ControllerId, LinkId, ManagerId};
use qkdni::kernel::{Simulation, Span, Stream, Streams, Time};
use qkdni::quantum::block_source::BlockSource;
use qkdni::quantum::generation::{Drift, Generation, LinkTable};
use qkdni::quantum::models::{BlockSchedule, Channel, LinkModel};
use qkdni::quantum::module::{Expected, Module};
use qkdni::quantum::process::{Block, BlockProcess, Fate};
use qkdni::quantum::source::{LinkSource, QuantumLayer};
use qkdni::scenario;
use qkdni::units::Fraction;
use statrs::distribution::{Binomial, DiscreteCDF};

/// Half a second of the "modern" decoy-state link over 25 km in a block.
fn schedule(model: &Arc<dyn LinkModel>, channel: &Channel) -> BlockSchedule {
    let rate = model.rate_bps(channel);
    BlockSchedule::from_rate(rate, (rate / 2.0) as u64).unwrap()
}

fn generation(parameters: &str, drift_db: f64) -> Generation {
    let model = scenario::link_model("decoy_bb84_vacuum_weak", parameters).unwrap();
    let channel = Channel::quiet(25_000.0, 5.0);
    let loss_drift = Drift {
        deviation: drift_db,
        correlation: Span::from_seconds(100),
        diurnal: drift_db,
    };
    Generation {
        table: LinkTable::new(
            &model,
            &channel,
            schedule(&model, &channel),
            loss_drift.spread(),
            1,
        ),
        post_processing: Span::ZERO,
        abort_above: 0.11,
        frame_error: 0.0,
        authentication_bits: 0,
        start_key_bits: 0,
        resynchronisation: Span::ZERO,
        loss_drift,
        flips_drift: Drift::NONE,
        expected_consumption_bps: None,
        report_every: None,
        skew: [Span::ZERO; 2],
    }
}

fn stream(purpose: &str) -> Stream {
    Streams::new(7, 0).stream("link/a-b", purpose)
}

fn process(generation: &Generation) -> BlockProcess {
    BlockProcess::new(Arc::new(generation.clone()), stream("blocks"))
}

/// What may happen to a link.
#[derive(Clone, Copy, Debug)]
enum Change {
    Stop,
    Start,
    Intercept(f64),
}

fn apply(process: &mut BlockProcess, now: Time, change: Change) {
    match change {
        Change::Stop => process.stop(),
        Change::Start => process.start(now),
        Change::Intercept(fraction) => process.intercept(now, fraction),
    }
}

/// Disturbances at random instants, in order.
fn changes(until: f64) -> Vec<(Time, Change)> {
    let mut draws = stream("changes");
    let (mut changes, mut at) = (Vec::new(), 0.0);
    loop {
        at += draws.exponential(until / 60.0);
        if at >= until {
            return changes;
        }
        let change = match draws.below(4) {
            0 => Change::Stop,
            1 => Change::Start,
            2 => Change::Intercept(draws.uniform()),
            _ => Change::Intercept(0.0),
        };
        changes.push((Time(at as u64), change));
    }
}

/// The reference: a simulation with an event per block.
fn event_per_block(generation: &Generation, changes: &[(Time, Change)], until: Time) -> Vec<Block> {
    #[derive(Clone, Copy)]
    enum Event {
        BlockEnds { epoch: usize },
        Changes(usize),
    }
    let mut simulation = Simulation::new();
    let (mut process, mut blocks, mut epoch) = (process(generation), Vec::new(), 0);
    // A block that ends where a change begins has ended: it is scheduled first.
    simulation.schedule(process.next_end().unwrap(), Event::BlockEnds { epoch });
    let mut next = changes.iter().enumerate().peekable();
    if let Some((number, change)) = next.next() {
        simulation.schedule(change.0, Event::Changes(number));
    }
    while let Some((now, event)) = simulation.next_until(until) {
        match event {
            Event::BlockEnds { epoch: then } if then == epoch => blocks.push(process.finish()),
            Event::BlockEnds { .. } => continue,
            Event::Changes(number) => {
                apply(&mut process, now, changes[number].1);
                epoch += 1;
                if let Some((number, change)) = next.next() {
                    simulation.schedule(change.0, Event::Changes(number));
                }
            }
        }
        if let Some(end) = process.next_end() {
            simulation.schedule(end, Event::BlockEnds { epoch });
        }
    }
    blocks
}

/// Everything at once: drift (Ornstein–Uhlenbeck and over the day) of loss and errors, alarms, lost frames, a start from
/// pre-shared key, interruptions with resynchronisation, eavesdropping, post-processing, skew of one end.
#[test]
fn lazy_evaluation_gives_what_an_event_per_block_gives() {
    let generation = Generation {
        post_processing: Span::from_millis(730),
        abort_above: 0.03,
        frame_error: 0.07,
        authentication_bits: 5,
        start_key_bits: 50_000,
        resynchronisation: Span::from_millis(400),
        flips_drift: Drift {
            deviation: 0.002,
            correlation: Span::from_seconds(30),
            diurnal: 0.001,
        },
        skew: [Span::ZERO, Span::from_millis(5)],
        // A slow clock: few sifted bits, so that errors scatter and the link turns often.
        ..generation(r#"{"clock": "20 kHz"}"#, 0.3)
    };
    compare(&generation, &[Fate::Kept, Fate::Aborted, Fate::FrameError]);
    // And where a block's authentication costs more than it holds, so that the link starves in the end.
    let worth = generation.table.worth(0.0, 0.0).bits as u64;
    let starving = Generation {
        authentication_bits: worth + worth / 8,
        start_key_bits: 2_000 * worth,
        ..generation
    };
    compare(
        &starving,
        &[Fate::Kept, Fate::Aborted, Fate::FrameError, Fate::Unauthenticated],
    );
}

/// Lane by lane, watched and unwatched, against an event per block; every fate must have occurred.
fn compare(generation: &Generation, fates: &[Fate]) {
    let until = Time(3_000_000_000_000);
    let changes = changes(until.0 as f64);
    let blocks = event_per_block(generation, &changes, until);
    for &fate in fates {
        let count = blocks.iter().filter(|block| block.fate == fate).count();
        assert!(count > 50, "{fate:?}: {count} of {}", blocks.len());
    }
    let (share, mut turns) = (Fraction::HALF, 0);
    for (is_first, skew) in [(true, generation.skew[0]), (false, generation.skew[1])] {
        let lane = |block: &Block| {
            let first = block.bits / 2;
            let bits = if is_first { first } else { block.bits - first };
            (block.done + skew, bits)
        };
        let expected: Vec<(Time, u64)> = blocks
            .iter()
            .map(lane)
            .filter(|&(at, bits)| bits > 0 && at <= until)
            .collect();
        for watched in [false, true] {
            let mut source = BlockSource::new(process(generation), share, is_first, skew, until);
            let mut looks = stream("looks");
            let (mut now, mut found, mut runs) = (Time::ZERO, Vec::new(), Vec::new());
            let mut next = changes.iter().peekable();
            let (mut works, mut interrupted) = (true, Time::ZERO);
            while now < until {
                let look = Time(now.0 + looks.exponential(20e9) as u64).min(until);
                while let Some(&&(at, change)) = next.peek().filter(|change| change.0 <= look) {
                    source.disturb(at, |process| apply(process, at, change));
                    match change {
                        Change::Stop if works => (works, interrupted) = (false, at),
                        Change::Start => works = true,
                        _ => {}
                    }
                    next.next();
                }
                now = look;
                if looks.bernoulli(0.5) {
                    let bits = looks.below(2_000);
                    let seen = source.clone().next_notice(bits);
                    assert_eq!(source.next_notice(bits), seen, "asking changes nothing");
                }
                // What a periodic report says, and what a link that starts again waits for.
                let [last, next_block] = source.around(now);
                let done = blocks.iter().rfind(|block| block.done <= now);
                assert_eq!(last, done.filter(|block| block.begin >= interrupted).copied());
                let quiet = next.peek().map_or(until, |change| change.0);
                let coming = blocks.iter().find(|block| block.done > now && block.end < quiet);
                assert!(coming.is_none_or(|block| next_block == Some(*block)));
                if watched {
                    let turn = source.next_turn(now, until);
                    // As things stand: no change between now and the turn.
                    let before = blocks.iter().rfind(|block| block.done <= now);
                    let healthy = before.is_none_or(Block::is_healthy);
                    let first = blocks
                        .iter()
                        .find(|block| block.done > now && block.is_healthy() != healthy)
                        .filter(|block| block.end < quiet);
                    if let Some(first) = first {
                        assert_eq!(turn.as_ref(), Some(first));
                        turns += 1;
                    }
                }
                source.advance_to(now, &mut runs);
                found.extend(runs.drain(..).map(|run| (run.first, run.total_bits())));
            }
            assert_eq!(found, expected, "lane {is_first}, watched {watched}");
        }
    }
    assert!(turns > 20, "{turns}");
}

#[test]
fn the_mean_key_rate_is_the_models() {
    let generation = generation("{}", 0.0);
    let model = scenario::link_model("decoy_bb84_vacuum_weak", "{}").unwrap();
    let rate = model.rate_bps(&Channel::quiet(25_000.0, 5.0));
    let mut process = process(&generation);
    let (mut bits, mut end) = (0, Time::ZERO);
    for _ in 0..10_000 {
        let block = process.finish();
        bits += block.bits;
        end = block.end;
    }
    // Nothing is random in it: only a bit per block is rounded away.
    let found = bits as f64 / end.as_seconds();
    assert!(
        found <= rate * (1.0 + 1e-9) && found >= rate * (1.0 - 1e-5),
        "{found}, not {rate}"
    );
}

#[test]
fn lost_frames_take_their_share_of_the_rate() {
    let generation = Generation {
        frame_error: 0.5,
        ..generation("{}", 0.0)
    };
    let mut process = process(&generation);
    let count = 200_000;
    let kept = (0..count).filter(|_| process.finish().fate == Fate::Kept).count();
    share_holds(kept as f64 / f64::from(count), 0.5, f64::from(count));
}

#[test]
fn false_alarms_are_the_binomial_tail() {
    // Small blocks, so that the tail is one: a slow clock.
    let mut generation = generation(r#"{"clock": "20 kHz"}"#, 0.0);
    let worth = generation.table.worth(0.0, 0.0);
    let (trials, error) = (worth.sifted.round(), worth.qber.unwrap());
    for above in [0.0135, 0.02] {
        generation.abort_above = above;
        let most = (above * trials).floor();
        let exact = 1.0 - Binomial::new(error, trials as u64).unwrap().cdf(most as u64);
        assert!(exact > 0.01 && exact < 0.6, "{exact} of {trials} at {error}");
        let mut process = process(&generation);
        let count = (2.0 * 1.6e5 / exact).ceil();
        let aborted = (0..count as u64)
            .filter(|_| process.finish().fate == Fate::Aborted)
            .count();
        share_holds(aborted as f64 / count, exact, count);
    }
}

/// e = (1 − p)e0 + p(1/4 + e0/2): 11 % from 2 % at p = 0.375, and the key shrinks before the alarm.
#[test]
fn an_eavesdropper_raises_the_errors_and_shrinks_the_key() {
    let generation = generation(r#"{"e_det": 0.02, "Y0": 0}"#, 0.0);
    let mut process = process(&generation);
    let before = process.finish();
    process.intercept(before.end, 0.375);
    let errors: Vec<Block> = (0..200).map(|_| process.finish()).collect();
    let mean = errors.iter().map(|block| block.qber.unwrap()).sum::<f64>() / 200.0;
    assert!((mean - 0.11).abs() < 1e-4, "{mean}");
    process.intercept(errors[199].end, 0.1);
    let after = process.finish();
    assert!(
        after.fate == Fate::Kept && after.bits > 0 && after.bits < before.bits / 2,
        "{after:?}"
    );
}

/// An eavesdropper as a fault would have it: both ends of a store see fewer and worse bits, the module raises the alarm
/// over Cq and Mq, and takes it back when the eavesdropper is gone.
#[test]
fn an_eavesdropper_is_declared_by_the_module_and_so_is_the_end() {
    let generation = generation(r#"{"e_det": 0.02, "Y0": 0}"#, 0.0);
    let end = || {
        let process = process(&generation);
        LinkSource::Blocks(Box::new(BlockSource::new(
            process,
            Fraction::ONE,
            true,
            Span::ZERO,
            Time::NEVER,
        )))
    };
    let mut layer = QuantumLayer::default();
    let store = layer.add([end(), end()]);
    let until = Time::NEVER;
    assert_eq!(layer.next_turn(store, Time::ZERO, Time(600_000_000_000)), None);
    let (begins, ends) = (Time(60_200_000_000), Time(120_300_000_000));
    layer.intercept(store, 0.6, begins);
    let alarm = layer
        .next_turn(store, begins, until)
        .expect("half the bits of a block tell");
    // The block under way was intercepted in part; no key is left in one before its errors are above 11 %.
    assert!(matches!(alarm.fate, Fate::Aborted | Fate::Empty) && alarm.bits == 0 && alarm.done > begins);
    let settled = layer.around(store, Time(100_000_000_000))[0].unwrap();
    assert!(
        settled.fate == Fate::Aborted && (settled.qber.unwrap() - (0.02 + 0.6 / 4.0 * 0.96)).abs() < 2e-3,
        "{settled:?}"
    );
    layer.intercept(store, 0.0, ends);
    let restored = layer.next_turn(store, ends, until).expect("it is over");
    assert!(restored.is_healthy() && restored.done > ends);
    let mut keys = [0, 0];
    for (end, total) in [StoreEnd::Sending, StoreEnd::Receiving]
        .into_iter()
        .zip(&mut keys)
    {
        let mut runs = Vec::new();
        layer
            .source(store, end)
            .advance_to(Time(180_000_000_000), &mut runs);
        *total = runs.iter().map(BlockRun::total_bits).sum::<u64>();
        assert!(
            !runs
                .iter()
                .any(|run| run.first > alarm.done && run.first < restored.done)
        );
    }
    assert!(keys[0] == keys[1] && keys[0] > 0);
    let expected = Expected {
        skr_bps: 1,
        consumption_bps: None,
        reports: true,
        report_every: None,
    };
    let mut module = Module::new(
        LinkId(0),
        ControllerId(0),
        ManagerId(0),
        qkdni::architecture::Detection::Alarm(Span::ZERO),
        Procedure::P10,
        expected,
    );
    let mut out = Outbox::new(Address::module(LinkId(0), 0));
    for (block, state, generating) in [
        (alarm, LinkState::Pending, false),
        (restored, LinkState::Active, true),
    ] {
        module.on_turn(block.done, &block, None, &mut out);
        let sent: Vec<Message> = out
            .take()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Send(envelope) => Some(envelope.message),
                _ => None,
            })
            .collect();
        let [status, alarm, over_cq, over_mq] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert!(matches!(status, Message::Control(ControlMessage::Status {
            change: StatusChange::Link { generating: told, .. }, .. }) if *told == generating));
        assert!(
            matches!(alarm, Message::Management(ManagementMessage::LinkAlarm { cause, .. }) if cause.is_none() == generating)
        );
        assert!(
            matches!(over_cq, Message::Control(ControlMessage::LinkReport { performance, .. })
            if performance.state == state && performance.qber_ppm.is_some())
        );
        assert!(
            matches!(over_mq, Message::Management(ManagementMessage::LinkReport { performance, .. }) if performance.state == state)
        );
    }
}

#[test]
fn a_link_starves_where_authentication_costs_more_than_a_block_holds() {
    let worth = generation("{}", 0.0).table.worth(0.0, 0.0);
    let costly = Generation {
        authentication_bits: worth.bits as u64 + 1,
        start_key_bits: 10 * worth.bits as u64,
        ..generation("{}", 0.0)
    };
    let mut process = process(&costly);
    let fates: Vec<Fate> = (0..100_000).map(|_| process.finish().fate).collect();
    let last_kept = fates.iter().rposition(|fate| *fate == Fate::Kept).unwrap();
    assert!(
        last_kept > 8
            && fates[last_kept + 1..]
                .iter()
                .all(|fate| *fate == Fate::Unauthenticated)
    );
    // Where it costs less, the link pays for itself from its own blocks.
    let cheap = Generation {
        authentication_bits: 1_000,
        start_key_bits: 1_000,
        ..costly
    };
    let mut process = self::process(&cheap);
    let blocks: Vec<Block> = (0..1_000).map(|_| process.finish()).collect();
    assert!(blocks.iter().all(|block| block.bits == worth.bits as u64 - 1_000));
    assert_eq!(process.authentication_spent(), 1_000_000);
}

#[test]
fn an_interruption_costs_the_block_in_the_making_and_resynchronisation() {
    let generation = Generation {
        resynchronisation: Span::from_seconds(10),
        ..generation("{}", 0.0)
    };
    let mut source = BlockSource::new(process(&generation), Fraction::ONE, true, Span::ZERO, Time::NEVER);
    let period = generation.table.worth(0.0, 0.0).period_ns as u64;
    source.disturb(Time(3 * period + 5), BlockProcess::stop);
    assert!(!source.is_generating());
    let back = Time(10 * period);
    source.disturb(back, |process| process.start(back));
    let mut runs = Vec::new();
    source.advance_to(Time(40 * period), &mut runs);
    assert_eq!(runs[2].first, Time(3 * period));
    assert_eq!(runs[3].first, back + Span::from_seconds(10) + Span(period));
}

/// The drift of the loss is stationary with the deviation that was asked for, forgets in its correlation time, and
/// shows in the length of the key.
#[test]
fn drift_moves_the_rate_as_its_loss_says() {
    let mut generation = generation("{}", 0.5);
    generation.loss_drift.diurnal = 0.0;
    let nominal = generation.table.worth(0.0, 0.0).bits;
    let mut process = process(&generation);
    let count = 400_000;
    let decibels: Vec<f64> = (0..count)
        .map(|_| -10.0 * libm::log10(process.finish().bits as f64 / nominal))
        .collect();
    let mean = decibels.iter().sum::<f64>() / f64::from(count);
    let covariance = |lag: usize| {
        decibels
            .windows(lag + 1)
            .map(|w| (w[0] - mean) * (w[lag] - mean))
            .sum::<f64>()
            / (decibels.len() - lag) as f64
    };
    let deviation = covariance(0).sqrt();
    // 400000 blocks of half a second are 2000 correlation times: 0.5 ± 5 %.
    assert!((deviation - 0.5).abs() < 0.03, "{deviation}");
    let kept = covariance(200) / covariance(0);
    assert!((kept - libm::exp(-1.0)).abs() < 0.08, "{kept}");
}

/// Blocks over the threshold are told to controller and manager as they come, and cost no key accounting.
#[test]
fn alarms_and_performance_reach_controller_and_manager() {
    let sets = [
        "qkdns.A.links.a1-a2.generation.abort_above=0.0105",
        "run.duration=2 min",
    ];
    let loaded = scenario::load("scenarios/link-physics.json", &sets.map(str::to_owned)).expect("valid");
    let plan = Arc::new(scenario::compile(&loaded.document));
    let options = qkdni::network::Options {
        trace: true,
        audit: true,
    };
    let outcome = qkdni::network::simulate(&plan, 0, options);
    assert!(
        outcome.audit.iter().all(|check| check.passed),
        "{:?}",
        outcome.audit
    );
    let trace = String::from_utf8(outcome.trace).expect("text");
    let count = |point: &str, message: &str| {
        let has =
            |line: &&str| line.contains(&format!("\"{point}\"")) && line.contains(&format!("\"{message}\""));
        trace.lines().filter(has).count()
    };
    let reports = count("Cq", "link performance");
    assert!(reports > 0 && reports % 2 == 0, "both ends report: {reports}");
    assert_eq!(count("Mq", "link performance"), reports);
    assert_eq!(count("Mq", "link alarm") + count("Mq", "link restored"), reports);
}
