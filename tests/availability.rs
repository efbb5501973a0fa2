//! Availability against cases computed by hand.

mod common;

use std::sync::Arc;

use common::{Kind, Setting, plan};
use qkdni::architecture::surroundings::ReservationScheme;
use qkdni::kernel::{Span, Time};
use qkdni::network::plan::Plan;
use qkdni::network::{Options, simulate};
use qkdni::quantum::models::BlockSchedule;
use qkdni::service::demand::Periodic;

fn availability(plan: &Arc<Plan>) -> f64 {
    let outcome = simulate(plan, 0, Options::default());
    let of = |scope: &str| {
        let mut metrics = outcome.metrics.iter();
        let found = metrics.find(|metric| metric.name == "availability" && metric.scope == scope);
        found.expect("it is there").value.expect("it is defined")
    };
    assert!(
        (of("network") - of("demand:d1")).abs() < 1e-12,
        "one demand is the mean"
    );
    of("demand:d1")
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// Nothing in store; every lane gets 100 bits a second, from 1 s on; nobody asks before the end of the run.
fn idle() -> Setting {
    Setting {
        initial: 0,
        block: Some(BlockSchedule {
            bits: 200,
            period: Span::from_seconds(1),
        }),
        arrivals: Arc::new(Periodic {
            period: Span::from_seconds(1_000),
            phase: Some(Span::from_seconds(999)),
        }),
        key_bits: 256,
        timeout: Span::from_seconds(5),
        duration: Span::from_seconds(15),
        ..Setting::default()
    }
}

#[test]
fn stores_that_fill_count_from_the_block_that_suffices() {
    // 256 bits are there with the third block, at 3 s of the 10 s counted.
    near(availability(&plan(&idle())), 0.7);
}

#[test]
fn more_than_enough_is_always_available() {
    let setting = Setting {
        initial: 1 << 20,
        ..idle()
    };
    near(availability(&plan(&setting)), 1.0);
}

#[test]
fn without_key_nothing_is_available() {
    let setting = Setting {
        block: None,
        ..idle()
    };
    near(availability(&plan(&setting)), 0.0);
}

#[test]
fn a_cut_loses_the_block_in_the_making_and_delays_the_rest() {
    // One link has 100 bits at 1 s and 200 at 2 s, is cut from 2.5 s to 4.25 s, and gets its third block at 5.25 s.
    let setting = Setting {
        cut: Some(("A/A1-A2", Time(2_500_000_000), Some(Time(4_250_000_000)))),
        ..idle()
    };
    near(availability(&plan(&setting)), 0.475);
}

#[test]
fn a_cut_link_with_key_left_is_usable() {
    let setting = Setting {
        initial: 1 << 20,
        cut: Some(("A/A1-A2", Time(2_500_000_000), None)),
        ..idle()
    };
    near(availability(&plan(&setting)), 1.0);
}

#[test]
fn a_second_path_makes_up_for_a_cut_one() {
    // In a ring of three, A1 – A3 goes past A2: the cut of A1 – A2 from the start costs nothing.
    let cut = Some(("A/A1-A2", Time(500_000_000), None));
    let line = Setting { cut, ..idle() };
    near(availability(&plan(&line)), 0.0);
    let ring = Setting { ring: true, ..line };
    near(availability(&plan(&ring)), 0.7);
}

#[test]
fn a_sawtooth_is_available_part_of_the_time() {
    // 256 bits per lane at the start and every 2 s; each request, at 0.5 s, 2.5 s …, spends them as the relay passes.
    // So the path is usable for the first 0.5 s of every 2 s: the first hop spends when the request comes, except that
    // the first request has its route found before.
    let setting = Setting {
        kind: Kind::Iwn,
        processing: Span::ZERO,
        reservation: ReservationScheme::PerHop,
        initial: 512,
        block: Some(BlockSchedule {
            bits: 512,
            period: Span::from_seconds(2),
        }),
        arrivals: Arc::new(Periodic {
            period: Span::from_seconds(2),
            phase: Some(Span::from_millis(500)),
        }),
        ..idle()
    };
    let plan = plan(&setting);
    let outcome = simulate(&plan, 0, Options::default());
    assert!(outcome.requests.iter().all(|request| request.failure.is_none()));
    let found = availability(&plan);
    let first = (found - 0.25) * 10.0;
    assert!(
        (0.0..0.005).contains(&first),
        "{found}: the first route takes {first} s"
    );
}
