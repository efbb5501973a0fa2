//! Small networks for whole-run tests: A1 – A2 – A3 | B1 – B2 – B3, joined by GWNs or by an IWN.

#![allow(dead_code)] // each test binary uses its part

use std::sync::Arc;

use qkdni::architecture::surroundings::{
    LinkStateRefresh, ManagementOptions, Parameters, RelayScheme, ReservationScheme, TransferredKeys,
};
use qkdni::architecture::{Procedure, Recovery};
use qkdni::control::routing::FewestHops;
use qkdni::fault::{DuctCut, Fault, FaultKind as _};
use qkdni::ids::{NodeId, QkdnId};
use qkdni::kernel::{Span, Time};
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::plan::{Control, DuctSection, Plan, Processing, RunPlan};
use qkdni::quantum::models::BlockSchedule;
use qkdni::service::demand::{ArrivalProcess, Periodic, Poisson};
use qkdni::units::{Fraction, Metres};

/// Which border.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Gwn,
    Iwn,
}

/// How keys are relayed; the central KM stands at that node of three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relay {
    HopByHop,
    Destination,
    CentralAt(usize),
}

/// What a test may want different.
#[allow(clippy::struct_excessive_bools)] // independent switches of a test setting
#[derive(Clone, Debug)]
pub struct Setting {
    pub kind: Kind,
    pub centralized: [bool; 2],
    pub backwards: bool,
    pub reservation: ReservationScheme,
    pub processing: Span,
    pub initial: u64,
    pub block: Option<BlockSchedule>,
    pub arrivals: Arc<dyn ArrivalProcess>,
    /// Keys per request.
    pub keys: u64,
    pub key_bits: u64,
    pub timeout: Span,
    pub duration: Span,
    pub cut: Option<(&'static str, Time, Option<Time>)>,
    pub faults: Vec<(Fault, Time, Option<Time>)>,
    pub recovery: Recovery,
    pub ring: bool,
    pub relay: [Relay; 2],
    pub material: bool,
    pub exposure: bool,
    pub tag_bits: u64,
    pub seed: u64,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            kind: Kind::Gwn,
            centralized: [false, false],
            backwards: false,
            reservation: ReservationScheme::Segment,
            processing: Span::from_micros(100),
            initial: 1 << 20,
            block: Some(BlockSchedule {
                bits: 20_000,
                period: Span::from_millis(100),
            }),
            arrivals: Arc::new(Periodic {
                period: Span::from_seconds(1),
                phase: Some(Span::from_millis(500)),
            }),
            keys: 1,
            key_bits: 256,
            timeout: Span::from_seconds(5),
            duration: Span::from_seconds(10),
            cut: None,
            faults: Vec::new(),
            recovery: Recovery::default(),
            ring: false,
            relay: [Relay::HopByHop; 2],
            material: false,
            exposure: false,
            tag_bits: 0,
            seed: 1,
        }
    }
}

pub fn poisson(rate: f64) -> Arc<dyn ArrivalProcess> {
    Arc::new(Poisson { rate })
}

/// Link lengths inside each network and across the border \[m\].
pub const INSIDE_M: u64 = 20_000;
pub const ACROSS_M: u64 = 30_000;

pub fn parameters(reservation: ReservationScheme) -> Parameters {
    Parameters {
        reservation,
        usage_records: true,
        transferred_keys: TransferredKeys::Store,
        status_reports: true,
        authentication_tag: 0,
        management: ManagementOptions::default(),
        level_classes: 4,
        detection: Span::from_millis(10),
        analysis: Span::from_millis(1),
        computation: Span::from_millis(2),
        installation: Span::from_millis(3),
        polling: None,
        generation_control: None,
        recovery: Recovery::default(),
        refresh: LinkStateRefresh::default(),
        coordination_guard: Span::from_millis(5),
        coordination_timeout: Span::from_millis(500),
        coordination_retries: 3,
        rerouting: Procedure::P10,
    }
}

struct Builder {
    plan: PlanBuilder,
    setting: Setting,
}

impl Builder {
    fn link(&mut self, name: &str, ends: [NodeId; 2], length_m: u64) -> qkdni::ids::LinkId {
        let duct = self.plan.duct(name, length_m);
        let store = StoreAmounts {
            initial: self.setting.initial,
            capacity: 4 << 20,
            floor: 0,
            max_age: None,
            first_lane: Fraction::HALF,
        };
        self.plan.link(LinkSpec {
            name: name.to_owned(),
            ends,
            length_m,
            loss_db: length_m as f64 * 0.0002,
            systems: 1,
            middle_station: false,
            schedule: self.setting.block,
            making: None,
            store,
            ducts: vec![DuctSection {
                duct,
                from_m: 0,
                to_m: length_m,
            }],
        })
    }

    fn network(&mut self, name: &str, qkdn: QkdnId) -> [NodeId; 3] {
        let nodes = [1, 2, 3].map(|number| self.plan.node(&format!("{name}/{name}{number}"), qkdn, None));
        self.link(&format!("{name}/{name}1-{name}2"), [nodes[0], nodes[1]], INSIDE_M);
        self.link(&format!("{name}/{name}2-{name}3"), [nodes[1], nodes[2]], INSIDE_M);
        if self.setting.ring {
            self.link(
                &format!("{name}/{name}1-{name}3"),
                [nodes[0], nodes[2]],
                5 * INSIDE_M,
            );
        }
        nodes
    }
}

/// The plan of a setting.
pub fn plan(setting: &Setting) -> Arc<Plan> {
    let run = RunPlan {
        warm_up: Span::ZERO,
        duration: setting.duration,
        seed: setting.seed,
        replications: 1,
    };
    let processing = Processing {
        key_manager: setting.processing,
        controller: setting.processing,
        manager: setting.processing,
    };
    let parameters = Parameters {
        authentication_tag: setting.tag_bits,
        recovery: setting.recovery,
        ..parameters(setting.reservation)
    };
    let plan = PlanBuilder::new("test", run, parameters, processing);
    let mut builder = Builder {
        plan,
        setting: setting.clone(),
    };
    let qkdns = ["A", "B"].map(|name| builder.plan.qkdn(name, Arc::new(FewestHops)));
    let a = builder.network("A", qkdns[0]);
    let b = builder.network("B", qkdns[1]);
    match setting.kind {
        Kind::Gwn => {
            let link = builder.link("border", [a[2], b[0]], ACROSS_M);
            builder.plan.relay_boundary("border", link);
        }
        Kind::Iwn => {
            let iwn = builder.plan.iwn("border", Span::ZERO);
            let sides = [0, 1].map(|side| {
                builder
                    .plan
                    .node(["border/A", "border/B"][side], qkdns[side], Some(iwn))
            });
            builder.link("border/A-link", [a[2], sides[0]], ACROSS_M / 2);
            builder.link("border/B-link", [sides[1], b[0]], ACROSS_M / 2);
            builder.plan.transfer_boundary("border", sides, None);
        }
    }
    for (side, nodes) in [a, b].into_iter().enumerate() {
        if setting.centralized[side] {
            // Remote: not at the border.
            builder
                .plan
                .control(qkdns[side], Control::Centralized(nodes[1]), None);
        }
    }
    for (side, nodes) in [a, b].iter().enumerate() {
        let scheme = match setting.relay[side] {
            Relay::HopByHop => RelayScheme::HopByHop,
            Relay::Destination => RelayScheme::Destination,
            Relay::CentralAt(node) => RelayScheme::Centralized(nodes[node]),
        };
        builder.plan.relay(qkdns[side], scheme);
    }
    if setting.material {
        builder.plan.material_check();
    }
    if setting.exposure {
        builder.plan.exposure();
    }
    let class = builder.plan.class("default");
    let ends = if setting.backwards {
        [b[2], a[0]]
    } else {
        [a[0], b[2]]
    };
    builder.plan.session(
        "d1",
        ends,
        Arc::clone(&setting.arrivals),
        setting.keys,
        setting.key_bits,
        setting.timeout,
        class,
    );
    let mut plan = builder.plan.build();
    if let Some((duct, at, repaired)) = setting.cut {
        let cut = DuctCut {
            duct: duct.to_owned(),
            position: Some(Metres(10)),
            cuts_data: false,
        };
        let cut = cut.disturbances(&plan);
        plan.add_fault("f1", cut, at, repaired);
    }
    for (number, (fault, at, repaired)) in setting.faults.iter().enumerate() {
        let disturbances = fault.kind().disturbances(&plan);
        let id = plan.add_fault(&format!("g{number}"), disturbances, *at, *repaired);
        let notice = fault.kind().notice();
        plan.faults[id].announced = notice.map(|notice| Time(at.0 - notice.0));
    }
    Arc::new(plan)
}
