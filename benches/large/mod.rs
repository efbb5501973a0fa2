//! A large QKDN: the template random_geometric, one controller, links of 20 kbit/s and 80 kbit/s.

use std::sync::Arc;

use qkdni::architecture::surroundings::{
    LinkStateRefresh, ManagementOptions, Parameters, ReservationScheme, TransferredKeys,
};
use qkdni::architecture::{Procedure, Recovery};
use qkdni::control::routing::FewestHops;
use qkdni::ids::NodeId;
use qkdni::kernel::Span;
use qkdni::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use qkdni::network::plan::{Control, Plan, Processing, RunPlan};
use qkdni::quantum::models::BlockSchedule;
use qkdni::scenario::templates::{Size, draw};
use qkdni::scenario::topology::Length;
use qkdni::units::Fraction;

/// The plan of so many nodes, in one QKDN.
pub fn plan(nodes: u32) -> Plan {
    let size = Size {
        qkdns: 1,
        nodes,
        length_km: 30.0,
        seed: 1,
    };
    let topology = draw("random_geometric", size).expect("a template and a size that it can have");
    let run = RunPlan {
        warm_up: Span::ZERO,
        duration: Span::from_seconds(10),
        seed: 1,
        replications: 1,
    };
    let time = Span::from_micros(100);
    let processing = Processing {
        key_manager: time,
        controller: time,
        manager: time,
    };
    let mut plan = PlanBuilder::new("large", run, parameters(), processing);
    let qkdn = plan.qkdn("Q", Arc::new(FewestHops));
    let sites: Vec<NodeId> = (topology.sites.iter())
        .map(|site| {
            let node = plan.node(&site.id, qkdn, None);
            plan.place(node, site.lon_lat.expect("templates place their sites"));
            node
        })
        .collect();
    for (number, fibre) in topology.fibres.iter().enumerate() {
        let Length::Fibre(length_km) = fibre.length else {
            unreachable!("templates give lengths of fibre")
        };
        let rate = if number % 3 == 0 { 20_000 } else { 80_000 };
        plan.link(LinkSpec {
            name: format!("link {number}"),
            ends: fibre.ends.map(|end| sites[end]),
            length_m: (length_km * 1e3) as u64,
            loss_db: length_km * 0.2,
            systems: 1,
            middle_station: false,
            schedule: Some(BlockSchedule {
                bits: rate,
                period: Span::from_seconds(1),
            }),
            making: None,
            store: StoreAmounts {
                initial: 2_000_000,
                capacity: 8_000_000,
                floor: 0,
                max_age: None,
                first_lane: Fraction::HALF,
            },
            ducts: Vec::new(),
        });
    }
    plan.control(qkdn, Control::Centralized(sites[0]), None);
    plan.build()
}

fn parameters() -> Parameters {
    Parameters {
        reservation: ReservationScheme::Segment,
        usage_records: true,
        transferred_keys: TransferredKeys::Store,
        status_reports: true,
        authentication_tag: 0,
        management: ManagementOptions::default(),
        level_classes: 4,
        detection: Span::from_millis(10),
        analysis: Span::from_millis(1),
        computation: Span::from_millis(1),
        installation: Span::from_millis(1),
        polling: None,
        generation_control: None,
        coordination_guard: Span::from_millis(5),
        coordination_timeout: Span::from_millis(500),
        coordination_retries: 3,
        recovery: Recovery::default(),
        refresh: LinkStateRefresh::default(),
        rerouting: Procedure::P10,
    }
}
