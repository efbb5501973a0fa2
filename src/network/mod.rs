//! The network: the plan, the world that changes, the wiring between elements, the auditor.

pub mod accounts;
pub mod auditor;
pub mod availability;
pub mod builder;
pub mod carrier;
pub mod channels;
pub mod custody;
pub mod data_network;
pub mod felt;
pub mod heartbeats;
pub mod measure;
pub mod plan;
pub mod protection;
mod series;
pub mod servers;
pub mod sharing;
#[cfg(feature = "trace")]
pub mod trace;
pub mod wiring;
pub mod world;

use std::sync::Arc;

use self::auditor::{Auditor, LastLook};
use self::custody::Custody;
use self::measure::Evidence;
use self::plan::Plan;
#[cfg(feature = "trace")]
use self::trace::Trace;
use self::world::{Event, World};
use crate::ids::{LinkId, QkdnId};
use crate::kernel::{EventQueue, LadderQueue};
use crate::observe::outcome::{AuditCheck, Measured, Outcome, SessionRecord};
use crate::observe::requests::Requests;
use crate::observe::reroutes::Reroutes;
use crate::observe::routes::Routes;
use crate::observe::sessions::Sessions;
use crate::observe::{Observer, Unobserved};

/// What to watch in a run. Watching changes no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Write the trace and the decisions; without effect in a build without the feature `trace`.
    pub trace: bool,
    /// Have the auditor watch.
    pub audit: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            trace: false,
            audit: true,
        }
    }
}

/// Runs one replication of a plan.
///
/// The outcome is a function of the plan (its seed included) and the replication's number alone.
pub fn simulate(plan: &Arc<Plan>, replication: u32, options: Options) -> Outcome {
    simulate_sampled(plan, replication, options, 0)
}

/// The same with time series of `samples` equal periods, and the routes that sessions used; no other number changes.
pub fn simulate_sampled(plan: &Arc<Plan>, replication: u32, options: Options, samples: u32) -> Outcome {
    simulate_on(plan, replication, options, samples, LadderQueue::new())
}

/// The same on an empty queue of choice: a test of the simulator itself. On any that pops in the same order as the ladder
/// nothing differs; on one that permutes ties, results differ, and the audit passes.
pub fn simulate_on<Q: EventQueue<Event>>(
    plan: &Arc<Plan>,
    replication: u32,
    options: Options,
    samples: u32,
    queue: Q,
) -> Outcome {
    let plan = &plan.of_replication(replication);
    match options {
        #[cfg(feature = "trace")]
        Options { trace: true, .. } => {
            let watch = (
                Auditor::new(Arc::clone(plan)),
                Trace::new(Arc::clone(plan), replication),
            );
            run(
                plan,
                queue,
                [replication, samples],
                true,
                watch,
                |(auditor, trace), audit| (auditor.conclude(&audit), trace.lines, trace.decisions),
            )
        }
        Options { audit: true, .. } => run(
            plan,
            queue,
            [replication, samples],
            false,
            Auditor::new(Arc::clone(plan)),
            |auditor, last| (auditor.conclude(&last), Vec::new(), Vec::new()),
        ),
        Options { audit: false, .. } => run(
            plan,
            queue,
            [replication, samples],
            false,
            Unobserved,
            |Unobserved, _| (Vec::new(), Vec::new(), Vec::new()),
        ),
    }
}

fn run<O: Observer, Q: EventQueue<Event>>(
    plan: &Arc<Plan>,
    queue: Q,
    [replication, samples]: [u32; 2],
    trail: bool,
    watch: O,
    conclude: impl FnOnce(O, LastLook) -> (Vec<AuditCheck>, Vec<u8>, Vec<u8>),
) -> Outcome {
    let custody = (plan.exposure || trail).then(|| Custody::new(Arc::clone(plan), replication, trail));
    let routes = (samples > 0).then(|| Routes::new(plan.sessions.len()));
    let own = (
        (requests_of(plan), Reroutes::new(plan.silencing_faults())),
        (Sessions::default(), routes),
    );
    let observers = ((own, custody), watch);
    let mut world = World::with_queue(Arc::clone(plan), replication, observers, queue).sampled(samples);
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
    if let Err(cause) = ran {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| cause.downcast_ref::<&str>().copied())
            .unwrap_or("broken invariant");
        let (now, events) = (world.now(), world.events());
        std::panic::resume_unwind(Box::new(format!("{text} (at {} ns, event {events})", now.0)));
    }
    let (events, now) = (world.events(), world.now());
    let (books, ends) = (world.books(), world.receiving_ends());
    let [before, after] = world
        .snapshots()
        .clone()
        .map(|look| look.expect("the counting time is within the run"));
    let kms = world.key_managers().values();
    let last = LastLook {
        now,
        books: books.clone(),
        receiving: ends,
        servers: world.servers(),
        lanes: kms.flat_map(|km| km.waited(now)).collect(),
        settled: accounts::settled(plan, world.managers()),
        lost: world.lost(),
    };
    let accounting = accounts::accounting(plan, world.managers());
    let configuration = accounts::configuration(plan, world.managers());
    let availability = world.availability();
    let carried = world.carried();
    let taken = world.samples().to_vec();
    let ((((requests, reroutes), (sessions, routes)), custody), watch) = world.into_observer();
    let felt = felt::felt(plan, &requests, &reroutes);
    let evidence = Evidence {
        plan,
        requests: &requests,
        felt: &felt,
        heartbeats: heartbeats::sent(plan, replication),
        availability: &availability,
        looks: [&before, &after],
        carried,
        events,
    };
    let (mut metrics, records) = (evidence.metrics(), evidence.request_records());
    metrics.extend(accounts::metrics(plan, &accounting));
    match custody.as_ref().filter(|_| plan.exposure) {
        Some(custody) => metrics.extend(custody.metrics()),
        None => metrics.push(Measured::new(
            "exposed_bits_per_node",
            "network",
            None,
            Vec::new(),
        )),
    }
    let trail = custody
        .filter(|_| trail)
        .map_or_else(Vec::new, |custody| custody.lines);
    let (audit, trace, decisions) = conclude(watch, last);
    Outcome {
        replication,
        events,
        metrics,
        requests: records,
        reroutes: felt.iter().map(|felt| felt.record().clone()).collect(),
        sessions: session_records(plan, &sessions),
        accounting,
        configuration,
        audit,
        series: series::samples(plan, &taken, &requests),
        routes: routes.map_or_else(Vec::new, |routes| series::routes(plan, &routes)),
        trace,
        decisions,
        trail,
    }
}

fn session_records(plan: &Plan, sessions: &Sessions) -> Vec<SessionRecord> {
    let changes = sessions.changes().iter();
    changes
        .map(|change| SessionRecord {
            t_ns: change.at.0,
            session: plan.sessions[change.session].name.clone(),
            state: change.state.name(),
            controller: plan.name_of(change.controller),
        })
        .collect()
}

fn requests_of(plan: &Plan) -> Requests {
    let of_module = |link: LinkId, end: usize| -> QkdnId { plan.nodes[plan.links[link].ends[end]].qkdn };
    Requests::new(
        plan.counting(),
        plan.sessions.len(),
        plan.qkdns.len(),
        plan.nodes.values().map(|node| node.qkdn).collect(),
        plan.controllers
            .values()
            .map(|controller| controller.placement.qkdn)
            .collect(),
        plan.managers
            .values()
            .map(|manager| manager.placement.qkdn)
            .collect(),
        plan.links
            .ids()
            .flat_map(|link| [of_module(link, 0), of_module(link, 1)])
            .collect(),
    )
    .with_protection(
        plan.legs(),
        (plan.pools.iter())
            .map(|(id, pool)| (id, (pool.settings.session, pool.settings.refill)))
            .collect(),
    )
}
