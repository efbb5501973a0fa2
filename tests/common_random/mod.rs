//! Random plans: two networks with random topology, borders of both kinds, random stores, loads and cuts.

#![allow(dead_code)] // each test binary uses its part

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use qkdni::architecture::distances::Weight;
use qkdni::architecture::policy::Policy;
use qkdni::architecture::protection::{Combiner, Draws};
use qkdni::architecture::surroundings::{
    LinkStateRefresh, ManagementOptions, Parameters, RelayScheme, ReportTriggers, ReservationScheme,
    TransferredKeys,
};
use qkdni::architecture::{Address, Channel, Disturbance, Heartbeat, Procedure, Recovery, ReferencePoint};
use qkdni::control::routing::{
    DistanceVector, FewestHops, FirstFit, Gpsrq, KeyAware, LeastDelay, RoutingAlgorithm, ShortestLength,
    VectorExchange, Widest, WidestShortest,
};
use qkdni::fault::{DuctCut, FaultKind as _, Site as _};
use qkdni::ids::{LinkId, NodeId, QkdnId, SessionId};
use qkdni::kernel::{Span, Time};
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::channels::Channels;
use qkdni::network::plan::{Control, DuctSection, Plan, Processing, RunPlan};
use qkdni::network::protection::PoolAmounts;
use qkdni::quantum::models::BlockSchedule;
use qkdni::service::demand::{ArrivalProcess, Periodic, Poisson};
use qkdni::units::Fraction;

/// A link: how long, how full, how fast. Blocks of 0 bits: it makes no key.
#[derive(Clone, Debug)]
pub struct LinkRecipe {
    length_m: u64,
    initial: u64,
    room: u64,
    floor: u64,
    block_bits: u64,
    period_ms: u64,
    max_age_ms: Option<u64>,
    first_lane: u64,
    systems: u64,
}

/// A network: `parents` makes it connected, `extra` adds links.
#[derive(Clone, Debug)]
pub struct NetworkRecipe {
    parents: Vec<Index>,
    extra: Vec<(Index, Index)>,
    controller_at: Option<Index>,
    routing: u8,
    relay: RelayRecipe,
}

/// How a network relays keys.
#[derive(Clone, Debug)]
pub enum RelayRecipe {
    HopByHop,
    Destination,
    CentralAt(Index),
}

/// A border: an interworking site (with or without key of its own), or a link between two gateways.
#[derive(Clone, Debug)]
pub struct BoundaryRecipe {
    site: bool,
    ends: [Index; 2],
    local: Option<(u64, u64)>,
}

/// A demand: from where to where, how often, how much, how patient.
#[derive(Clone, Debug)]
pub struct DemandRecipe {
    sides: [bool; 2],
    ends: [Index; 2],
    poisson: bool,
    period_ms: u64,
    keys: u64,
    key_bits: u64,
    timeout_ms: u64,
    class: usize,
}

/// What protects a demand.
#[derive(Clone, Copy, Debug)]
pub enum ProtectionRecipe {
    Nothing,
    Both,
    Sum { legs: u8 },
    Ahead { refill: u64, times: u64 },
    Pool { refill: u64, times: u64, waits: bool },
}

/// A cut of one link's duct.
#[derive(Clone, Debug)]
pub struct CutRecipe {
    link: Index,
    at_ms: u64,
    repaired_after_ms: Option<u64>,
    cuts_data: bool,
}

/// Something else that breaks: which kind of thing, and which of them.
#[derive(Clone, Debug)]
pub struct OutageRecipe {
    kind: u8,
    of: [Index; 2],
    at_ms: u64,
    repaired_after_ms: Option<u64>,
}

/// What a random plan is made of; all that a failure needs to be seen again.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // independent choices
pub struct Recipe {
    networks: [NetworkRecipe; 2],
    boundaries: Vec<BoundaryRecipe>,
    links: Vec<LinkRecipe>,
    demands: Vec<DemandRecipe>,
    cuts: Vec<CutRecipe>,
    outages: Vec<OutageRecipe>,
    recovery: Recovery,
    refresh: LinkStateRefresh,
    /// How each demand is protected; those beyond the list are not.
    protection: Vec<ProtectionRecipe>,
    per_hop: bool,
    usage_records: bool,
    status_reports: bool,
    level_classes: u8,
    /// Whether classes rank, and the higher ones preempt.
    ranks: bool,
    tag_bits: u64,
    processing_us: [u64; 3],
    stages_us: [u64; 4],
    warm_up_ms: u64,
    seed: u64,
}

impl Recipe {
    /// Hop by hop, among equals, without tags: so that a key's way can be read off its relay messages.
    pub fn plain(mut self) -> Recipe {
        for network in &mut self.networks {
            network.relay = RelayRecipe::HopByHop;
        }
        (self.ranks, self.tag_bits) = (false, 0);
        self
    }
}

fn link() -> impl Strategy<Value = LinkRecipe> {
    let amounts = (
        prop_oneof![Just(0), 0..20_000u64, 0..2_000_000u64],
        prop_oneof![0..20_000u64, 0..2_000_000u64],
        prop_oneof![3 => Just(0), 1 => 1..3_000u64],
    );
    let blocks = (
        prop_oneof![1 => Just(0), 4 => 1..4_000u64, 2 => 1..100_000u64],
        1..900u64,
    );
    let age = prop_oneof![3 => Just(None), 1 => (1..5_000u64).prop_map(Some)];
    let lane = prop_oneof![3 => Just(500_000_000), 1 => 0..=1_000_000_000u64];
    (1..150_000u64, amounts, blocks, age, lane, 1..3u64).prop_map(
        |(length_m, (initial, room, floor), (block_bits, period_ms), max_age_ms, first_lane, systems)| {
            LinkRecipe {
                length_m,
                initial,
                room,
                floor,
                block_bits,
                period_ms,
                max_age_ms,
                first_lane,
                systems,
            }
        },
    )
}

fn network() -> impl Strategy<Value = NetworkRecipe> {
    (
        prop::collection::vec(any::<Index>(), 1..=6),
        prop::collection::vec(any::<(Index, Index)>(), 0..4),
        any::<Option<Index>>(),
        0..ALGORITHMS,
        prop_oneof![
            4 => Just(RelayRecipe::HopByHop),
            1 => Just(RelayRecipe::Destination),
            1 => any::<Index>().prop_map(RelayRecipe::CentralAt),
        ],
    )
        .prop_map(|(parents, extra, controller_at, routing, relay)| NetworkRecipe {
            parents,
            extra,
            controller_at,
            routing,
            relay,
        })
}

fn boundary() -> impl Strategy<Value = BoundaryRecipe> {
    let local = prop_oneof![2 => Just(None), 1 => (0..5_000u64, 0..100_000u64).prop_map(Some)];
    (any::<bool>(), any::<[Index; 2]>(), local).prop_map(|(site, ends, local)| BoundaryRecipe {
        site,
        ends,
        local,
    })
}

fn demand() -> impl Strategy<Value = DemandRecipe> {
    (
        any::<[bool; 2]>(),
        any::<[Index; 2]>(),
        any::<bool>(),
        prop_oneof![20..200u64, 200..3_000u64],
        (1..4u64, 1..3_000u64),
        prop_oneof![1..50u64, 50..4_000u64],
        0..3usize,
    )
        .prop_map(
            |(sides, ends, poisson, period_ms, (keys, key_bits), timeout_ms, class)| DemandRecipe {
                sides,
                ends,
                poisson,
                period_ms,
                keys,
                key_bits,
                timeout_ms,
                class,
            },
        )
}

fn cut() -> impl Strategy<Value = CutRecipe> {
    (
        any::<Index>(),
        0..9_000u64,
        prop_oneof![Just(None), (0..5_000u64).prop_map(Some)],
        any::<bool>(),
    )
        .prop_map(|(link, at_ms, repaired_after_ms, cuts_data)| CutRecipe {
            link,
            at_ms,
            repaired_after_ms,
            cuts_data,
        })
}

/// Random plans with at most so many cuts.
pub fn recipe(cuts: usize) -> impl Strategy<Value = Recipe> {
    let shape = (
        [network(), network()],
        prop::collection::vec(boundary(), 1..=3),
        prop::collection::vec(link(), 1..8),
        prop::collection::vec(demand(), 1..=5),
        prop::collection::vec(cut(), 0..=cuts),
    );
    let policy = (
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.85),
        prop_oneof![Just(0u8), Just(4), 1..10u8],
        any::<bool>(),
        prop_oneof![3 => Just(0u64), 1 => 1..300u64],
        prop_oneof![2 => Just(None), 1 => (300..2_000u64).prop_map(Some)],
    );
    let processing = prop_oneof![
        Just([0, 0, 0]),
        [0..500u64, 0..500u64, 0..500u64],
        [0..20_000u64, 0..20_000u64, 0..20_000u64],
    ];
    let stages = prop_oneof![
        Just([0, 0, 0, 0]),
        [0..50_000u64, 0..50_000u64, 0..50_000u64, 0..50_000u64],
    ];
    (
        shape,
        policy,
        processing,
        stages,
        prop_oneof![Just(0), 0..2_000u64],
        any::<u64>(),
    )
        .prop_map(
            |(
                (networks, boundaries, links, demands, cuts),
                (per_hop, usage_records, status_reports, level_classes, ranks, tag_bits, refresh_ms),
                processing_us,
                stages_us,
                warm_up_ms,
                seed,
            )| Recipe {
                networks,
                boundaries,
                links,
                demands,
                cuts,
                outages: Vec::new(),
                recovery: Recovery::default(),
                refresh: LinkStateRefresh {
                    period: refresh_ms.map(Span::from_millis),
                    max_age: refresh_ms.map(|period| Span::from_millis(2 * period)),
                },
                protection: Vec::new(),
                per_hop,
                usage_records,
                status_reports,
                level_classes,
                ranks,
                tag_bits,
                processing_us,
                stages_us,
                warm_up_ms,
                seed,
            },
        )
}

/// How many algorithms there are.
const ALGORITHMS: u8 = 9;

fn algorithm(number: u8) -> Arc<dyn RoutingAlgorithm> {
    match number {
        0 => Arc::new(FewestHops),
        1 => Arc::new(ShortestLength),
        2 => Arc::new(LeastDelay),
        3 => Arc::new(KeyAware {
            reference_bits: 3_000,
            horizon: Span::from_millis(500),
        }),
        4 => Arc::new(Widest),
        5 => Arc::new(WidestShortest),
        6 => Arc::new(FirstFit {
            paths: 3,
            by: Weight::Hops,
        }),
        7 => Arc::new(Gpsrq {
            distance_weight: Fraction::HALF,
        }),
        _ => Arc::new(DistanceVector {
            exchange: VectorExchange {
                period: Span::from_millis(1_700),
                pause: Span::from_millis(150),
                infinity: 16,
            },
        }),
    }
}

struct Cook<'a> {
    recipe: &'a Recipe,
    plan: PlanBuilder,
    links: usize,
    ducts: Vec<String>,
}

impl Cook<'_> {
    fn link(&mut self, name: &str, ends: [NodeId; 2]) -> LinkId {
        let link = &self.recipe.links[self.links % self.recipe.links.len()];
        self.links += 1;
        let duct = self.plan.duct(name, link.length_m);
        self.ducts.push(name.to_owned());
        let schedule = (link.block_bits > 0).then_some(BlockSchedule {
            bits: link.block_bits,
            period: Span::from_millis(link.period_ms),
        });
        self.plan.link(LinkSpec {
            name: name.to_owned(),
            ends,
            length_m: link.length_m,
            loss_db: link.length_m as f64 * 0.0002,
            systems: link.systems,
            middle_station: false,
            schedule,
            making: None,
            store: StoreAmounts {
                initial: link.initial,
                capacity: link.initial + link.room,
                floor: link.floor.min(link.initial + link.room),
                max_age: link.max_age_ms.map(Span::from_millis),
                first_lane: Fraction(link.first_lane),
            },
            ducts: vec![DuctSection {
                duct,
                from_m: 0,
                to_m: link.length_m,
            }],
        })
    }

    fn network(&mut self, side: usize) -> (QkdnId, Vec<NodeId>) {
        let name = ["A", "B"][side];
        let recipe = &self.recipe.networks[side];
        let qkdn = self.plan.qkdn(name, algorithm(recipe.routing));
        let mut nodes = vec![self.plan.node(&format!("{name}/{name}1"), qkdn, None)];
        self.plan.place(nodes[0], [0.0, 0.0]);
        for (number, parent) in recipe.parents.iter().enumerate() {
            let node = self
                .plan
                .node(&format!("{name}/{name}{}", number + 2), qkdn, None);
            // Somewhere: places need not fit to lengths.
            let place = [7, 11].map(|step| (number * step % 13) as f64 * 0.1);
            self.plan.place(node, place);
            let parent = *parent.get(&nodes);
            self.link(&format!("{name}/tree{number}"), [parent, node]);
            nodes.push(node);
        }
        for (number, (a, b)) in recipe.extra.iter().enumerate() {
            let (a, b) = (*a.get(&nodes), *b.get(&nodes));
            if a != b {
                self.link(&format!("{name}/extra{number}"), [a, b]);
            }
        }
        if let Some(at) = recipe.controller_at {
            self.plan
                .control(qkdn, Control::Centralized(*at.get(&nodes)), None);
        }
        // Parts need every KM's promise before any of them sends.
        let scheme = match &recipe.relay {
            RelayRecipe::HopByHop => None,
            RelayRecipe::Destination => Some(RelayScheme::Destination),
            RelayRecipe::CentralAt(at) => Some(RelayScheme::Centralized(*at.get(&nodes))),
        };
        if let (Some(scheme), false) = (scheme, self.recipe.per_hop) {
            self.plan.relay(qkdn, scheme);
        }
        if self.recipe.ranks {
            let policy = Policy {
                preemption: true,
                ..Policy::default()
            };
            self.plan.policy(qkdn, policy);
        }
        (qkdn, nodes)
    }

    fn boundary(&mut self, number: usize, networks: &[(QkdnId, Vec<NodeId>); 2]) {
        let recipe = &self.recipe.boundaries[number];
        let [a, b] = [0, 1].map(|side| *recipe.ends[side].get(&networks[side].1));
        let name = format!("border{number}");
        if !recipe.site {
            let link = self.link(&name, [a, b]);
            self.plan.relay_boundary(&name, link);
            return;
        }
        let site = self.plan.iwn(&name, Span::from_micros(number as u64));
        let sides = [0, 1].map(|side| {
            let name = format!("{name}/{}", ["A", "B"][side]);
            let node = self.plan.node(&name, networks[side].0, Some(site));
            self.plan.place(node, [1.5, number as f64]);
            node
        });
        self.link(&format!("{name}/A-link"), [a, sides[0]]);
        self.link(&format!("{name}/B-link"), [sides[1], b]);
        let local = recipe.local.map(|(bits, initial)| {
            let schedule = BlockSchedule {
                bits,
                period: Span::from_millis(100),
            };
            let store = StoreAmounts {
                initial,
                capacity: 200_000,
                floor: 0,
                max_age: None,
                first_lane: Fraction::HALF,
            };
            (schedule, store)
        });
        self.plan.transfer_boundary(&name, sides, local);
    }
}

/// Length of the time in which applications ask, beyond the warm-up.
const DURATION: Span = Span::from_seconds(8);

/// The plan of a recipe whose messages pass over these channels.
pub fn plan(recipe: &Recipe, channels: Channels) -> Arc<Plan> {
    let run = RunPlan {
        warm_up: Span::from_millis(recipe.warm_up_ms),
        duration: DURATION,
        seed: recipe.seed,
        replications: 1,
    };
    let [detection, analysis, computation, installation] = recipe.stages_us.map(Span::from_micros);
    let parameters = Parameters {
        reservation: if recipe.per_hop {
            ReservationScheme::PerHop
        } else {
            ReservationScheme::Segment
        },
        usage_records: recipe.usage_records,
        transferred_keys: if recipe.seed.is_multiple_of(2) {
            TransferredKeys::Store
        } else {
            TransferredKeys::Delete
        },
        status_reports: recipe.status_reports,
        authentication_tag: recipe.tag_bits,
        management: ManagementOptions {
            settlement_period: recipe
                .level_classes
                .is_multiple_of(2)
                .then(|| Span::from_millis(700)),
            configuration_records: recipe.status_reports,
            user_reports: recipe.status_reports,
            reports: ReportTriggers {
                period: recipe.status_reports.then(|| Span::from_millis(900)),
                on_alarm: true,
                on_relay_failure: true,
                level_below: Some(Fraction::HALF),
            },
        },
        level_classes: recipe.level_classes,
        detection,
        analysis,
        computation,
        installation,
        rerouting: Procedure::P10,
        polling: None,
        generation_control: None,
        recovery: recipe.recovery,
        refresh: recipe.refresh,
        coordination_guard: Span::from_millis(5),
        coordination_timeout: Span::from_millis(500),
        coordination_retries: 3,
    };
    let [key_manager, controller, manager] = recipe.processing_us.map(Span::from_micros);
    let processing = Processing {
        key_manager,
        controller,
        manager,
    };
    let mut cook = Cook {
        recipe,
        plan: PlanBuilder::new("random", run, parameters, processing),
        links: 0,
        ducts: Vec::new(),
    };
    let networks = [cook.network(0), cook.network(1)];
    for number in 0..recipe.boundaries.len() {
        cook.boundary(number, &networks);
    }
    cook.plan.channels(channels);
    let classes = ["default", "silver", "gold"].map(|name| cook.plan.class(name));
    for (priority, &class) in (0..).zip(&classes) {
        if recipe.ranks {
            cook.plan.priority(class, priority);
        }
    }
    for (number, demand) in recipe.demands.iter().enumerate() {
        let from = *demand.ends[0].get(&networks[usize::from(demand.sides[0])].1);
        let to = &networks[usize::from(demand.sides[1])].1;
        let at = demand.ends[1].index(to.len());
        let to = if to[at] == from {
            to[(at + 1) % to.len()]
        } else {
            to[at]
        };
        let period = Span::from_millis(demand.period_ms);
        let arrivals: Arc<dyn ArrivalProcess> = if demand.poisson {
            Arc::new(Poisson {
                rate: 1.0 / period.as_seconds(),
            })
        } else {
            Arc::new(Periodic { period, phase: None })
        };
        let timeout = Span::from_millis(demand.timeout_ms);
        cook.plan.session(
            &format!("d{number}"),
            [from, to],
            arrivals,
            demand.keys,
            demand.key_bits,
            timeout,
            classes[demand.class],
        );
    }
    let ducts = std::mem::take(&mut cook.ducts);
    let mut plan = cook.plan.build();
    let demands: Vec<SessionId> = plan.sessions.ids().collect();
    for (number, protection) in recipe.protection.iter().enumerate() {
        if let Some(&demand) = demands.get(number) {
            protection.protect(&mut plan, demand, number % 2 == 0);
        }
    }
    for (number, cut) in recipe.cuts.iter().enumerate() {
        let disturbances = DuctCut {
            duct: cut.link.get(&ducts).clone(),
            position: None,
            cuts_data: cut.cuts_data,
        }
        .disturbances(&plan);
        let at = Time::ZERO + Span::from_millis(cut.at_ms);
        let repaired = cut.repaired_after_ms.map(|after| at + Span::from_millis(after));
        plan.add_fault(&format!("f{number}"), disturbances, at, repaired);
    }
    for (number, outage) in recipe.outages.iter().enumerate() {
        let disturbances = outage.disturbances(&plan);
        let at = Time::ZERO + Span::from_millis(outage.at_ms);
        let repaired = outage
            .repaired_after_ms
            .map(|after| at + Span::from_millis(after));
        let fault = plan.add_fault(&format!("g{number}"), disturbances, at, repaired);
        if outage.kind == 6 {
            plan.faults[fault].announced = Some(Time(at.0.saturating_sub(500_000_000)));
        }
    }
    Arc::new(plan)
}

impl ProtectionRecipe {
    fn protect(self, plan: &mut Plan, demand: SessionId, strict: bool) {
        let session = &plan.sessions[demand];
        let ends = [session.source, session.destination].map(|end| plan.applications[end].node);
        let (name, bits, class) = (format!("{}/ahead", session.name), session.bits, session.class);
        // Refills of a bit or two would be thousands at once.
        let refill = |least: u64| least.max(bits / 2 + 1);
        let amounts = |least: u64, times: u64| PoolAmounts {
            low: (refill(least) * times / 2).max(1),
            high: (refill(least) * (times + 1)).max(bits),
            refill: refill(least),
            timeout: Span::from_millis(700),
            retry: Span::from_millis(300),
            class,
        };
        match self {
            ProtectionRecipe::Nothing => {}
            ProtectionRecipe::Both => plan.add_legs(demand, Combiner::First, 2, strict),
            ProtectionRecipe::Sum { legs } => plan.add_legs(demand, Combiner::Xor, legs, strict),
            ProtectionRecipe::Ahead { refill, times } => {
                let pool = plan.add_pool(&name, ends, &amounts(refill, times));
                plan.draw_from(demand, pool, Draws::WhenFailed, strict);
            }
            ProtectionRecipe::Pool { refill, times, waits } => {
                let pool = plan.add_pool(&name, ends, &amounts(refill, times));
                plan.draw_from(demand, pool, Draws::Always { waits }, false);
            }
        }
    }
}

fn protection() -> impl Strategy<Value = ProtectionRecipe> {
    let amounts = || (1..3_000u64, 1..8u64);
    prop_oneof![
        1 => Just(ProtectionRecipe::Nothing),
        2 => Just(ProtectionRecipe::Both),
        2 => (2..4u8).prop_map(|legs| ProtectionRecipe::Sum { legs }),
        2 => amounts().prop_map(|(refill, times)| ProtectionRecipe::Ahead { refill, times }),
        2 => (amounts(), any::<bool>())
            .prop_map(|((refill, times), waits)| ProtectionRecipe::Pool { refill, times, waits }),
    ]
}

/// Plans whose demands are protected.
pub fn protected(recipes: impl Strategy<Value = Recipe>) -> impl Strategy<Value = Recipe> {
    let kinds = prop::collection::vec(protection(), 5);
    (recipes, kinds).prop_map(|(recipe, protection)| Recipe { protection, ..recipe })
}

impl OutageRecipe {
    fn disturbances(&self, plan: &Plan) -> Vec<Disturbance> {
        let all: Vec<Address> = plan.elements().collect();
        let links: Vec<LinkId> = plan.links.ids().collect();
        let nodes: Vec<NodeId> = plan.nodes.ids().collect();
        let [one, other] = [0, 1].map(|of| *self.of[of].get(&all));
        let link = *self.of[0].get(&links);
        match self.kind {
            0 => vec![Disturbance::LinkDown(link)],
            1 | 2 => vec![Disturbance::ElementDown(one)],
            3 => plan
                .standing_at(*self.of[0].get(&nodes))
                .into_iter()
                .map(Disturbance::ElementDown)
                .collect(),
            4 => vec![Disturbance::ChannelCut(Channel::Between(one, other))],
            5 => {
                let points = [
                    ReferencePoint::Cxi,
                    ReferencePoint::Kx1,
                    ReferencePoint::Ck,
                    ReferencePoint::Mxi,
                ];
                let point = *self.of[0].get(&points);
                vec![Disturbance::ChannelCut(Channel::At(point))]
            }
            6 => vec![Disturbance::Maintenance(link)],
            _ => vec![Disturbance::StoresLost(link)],
        }
    }
}

fn outage() -> impl Strategy<Value = OutageRecipe> {
    (
        0..8u8,
        any::<[Index; 2]>(),
        0..9_000u64,
        prop_oneof![1 => Just(None), 4 => (1..5_000u64).prop_map(Some)],
    )
        .prop_map(|(kind, of, at_ms, repaired_after_ms)| OutageRecipe {
            kind,
            of,
            at_ms,
            repaired_after_ms,
        })
}

fn recovery() -> impl Strategy<Value = Recovery> {
    let wait = || prop_oneof![Just(Span::ZERO), (0..1_000u64).prop_map(Span::from_millis)];
    let phase = prop_oneof![Just(None), (0..900u64).prop_map(|at| Some(Span::from_millis(at)))];
    let beats = (1..900u64, 1..4u32, phase).prop_map(|(period, misses, phase)| Heartbeat {
        period: Span::from_millis(period),
        misses,
        phase,
    });
    (
        prop::option::of(beats),
        wait(),
        wait(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(heartbeat, hold_off, wait_to_restore, revertive, on_depletion)| Recovery {
                heartbeat,
                hold_off,
                wait_to_restore,
                revertive,
                on_depletion,
                leaves_depleted: on_depletion,
            },
        )
}

/// Random plans in which all sorts of things break, and with all ways to notice and to wait.
pub fn troubled(cuts: usize, outages: usize) -> impl Strategy<Value = Recipe> {
    let outages = prop::collection::vec(outage(), 1..=outages);
    (recipe(cuts), outages, recovery()).prop_map(|(recipe, outages, recovery)| Recipe {
        outages,
        recovery,
        ..recipe
    })
}
