//! From document to plan: names become ids, templates become links, boundaries become hops.
//!
//! The document is valid: [`load()`](super::load()) has seen to it, and derived variants of a valid document are valid.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{
    Arrivals, Boundary, BoundaryKind, Control, Document, Iwn, LinkModel, Relay, Reservation, Routing, Store,
    Stretch, TransferProtection,
};
use crate::architecture::Procedure;
use crate::architecture::surroundings::{Parameters, ReservationScheme};
use crate::control::routing::{FewestHops, RoutingAlgorithm, ShortestLength, Widest};
use crate::ids::{DuctId, NodeId, QkdnId};
use crate::interworking::way::{Way, part_of};
use crate::kernel::Time;
use crate::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use crate::network::plan::{self, DuctSection, LocalDelays, Plan, Processing, RunPlan};
use crate::quantum::models::{self, BlockSchedule, Channel, FixedRate, MeasuredTable};
use crate::service::demand::{ArrivalProcess, Periodic, Poisson};
use crate::units::{Bits, Decibels, Metres};

/// What a valid document means.
///
/// # Panics
/// If the document was not checked: names that lead nowhere, tables out of order.
pub fn compile(document: &Document) -> Plan {
    let mut compiler = Compiler {
        document,
        builder: PlanBuilder::new(
            &document.name,
            run(document),
            parameters(document),
            processing(document),
        ),
        qkdns: BTreeMap::new(),
        nodes: BTreeMap::new(),
        ducts: BTreeMap::new(),
    };
    compiler.networks();
    for boundary in &document.boundaries {
        compiler.boundary(boundary);
    }
    compiler.controls();
    compiler.traffic();
    compiler.builder.build()
}

fn run(document: &Document) -> RunPlan {
    RunPlan {
        warm_up: document.run.warm_up,
        duration: document.run.duration,
        seed: document.run.seed,
        replications: document.run.replications,
    }
}

fn parameters(document: &Document) -> Parameters {
    let (protocol, timing) = (&document.protocol, &document.timing);
    Parameters {
        reservation: match protocol.reservation {
            Reservation::Segment => ReservationScheme::Segment,
            Reservation::PerHop => ReservationScheme::PerHop,
        },
        usage_records: protocol.usage_records,
        status_reports: protocol.status_reports,
        level_classes: if protocol.status_reports {
            protocol.level_classes.min(255) as u8
        } else {
            0
        },
        detection: timing.detection,
        analysis: timing.analysis,
        computation: timing.computation,
        installation: timing.installation,
        rerouting: Procedure::P10, // the builder knows better once it has the boundaries
    }
}

fn processing(document: &Document) -> Processing {
    let processing = &document.timing.processing;
    Processing {
        key_manager: processing.key_manager,
        controller: processing.controller,
        manager: processing.manager,
    }
}

/// One link wherever it comes from.
struct Wanted<'a> {
    name: String,
    ends: [NodeId; 2],
    length: Metres,
    loss: Decibels,
    systems: u32,
    model: &'a LinkModel,
    store: &'a Store,
    ducts: Vec<DuctSection>,
}

struct Compiler<'a> {
    document: &'a Document,
    builder: PlanBuilder,
    qkdns: BTreeMap<String, QkdnId>,
    /// By qualified name; an IWN's sides as "BOUNDARY/QKDN".
    nodes: BTreeMap<String, NodeId>,
    ducts: BTreeMap<String, DuctId>,
}

impl Compiler<'_> {
    fn node(&self, qkdn: &str, node: &str) -> NodeId {
        self.nodes[&format!("{qkdn}/{node}")]
    }

    fn add_node(&mut self, name: String, qkdn: QkdnId, iwn: Option<crate::ids::IwnId>) -> NodeId {
        let id = self.builder.node(&name, qkdn, iwn);
        self.nodes.insert(name, id);
        id
    }

    fn add_duct(&mut self, name: &str, length: Metres) -> DuctId {
        let id = self.builder.duct(name, length.0);
        self.ducts.insert(name.to_owned(), id);
        id
    }

    fn networks(&mut self) {
        for duct in &self.document.ducts {
            self.add_duct(duct.id.as_str(), duct.length);
        }
        for qkdn in &self.document.qkdns {
            let routing: Arc<dyn RoutingAlgorithm> = match qkdn.routing {
                Routing::FewestHops(_) => Arc::new(FewestHops),
                Routing::ShortestLength(_) => Arc::new(ShortestLength),
                Routing::Widest(_) => Arc::new(Widest),
            };
            let Relay::HopByHop(_) = qkdn.relay;
            let id = self.builder.qkdn(qkdn.id.as_str(), routing);
            self.qkdns.insert(qkdn.id.0.clone(), id);
            for node in &qkdn.nodes {
                self.add_node(format!("{}/{}", qkdn.id, node.id), id, None);
            }
        }
        for qkdn in &self.document.qkdns {
            for link in &qkdn.links {
                let name = format!("{}/{}", qkdn.id, link.id);
                let ducts = if link.ducts.is_empty() {
                    let duct = self.add_duct(&name, link.length);
                    vec![DuctSection {
                        duct,
                        from_m: 0,
                        to_m: link.length.0,
                    }]
                } else {
                    let stretches = self.stretches(&link.ducts);
                    stretches.into_iter().map(section).collect()
                };
                self.link(Wanted {
                    ends: [0, 1].map(|end| self.node(qkdn.id.as_str(), &link.between[end])),
                    length: link.length,
                    loss: link.total_loss(),
                    systems: link.systems,
                    model: &link.model,
                    store: &link.store,
                    ducts,
                    name,
                });
            }
        }
    }

    fn stretches(&self, stretches: &[Stretch]) -> Vec<Way> {
        let ends = |stretch: &Stretch| {
            let length = self.document.duct_length(&stretch.duct).expect("a checked name");
            Way {
                duct: self.ducts[&stretch.duct],
                from: stretch.from.0,
                to: stretch.to.unwrap_or(length).0,
            }
        };
        stretches.iter().map(ends).collect()
    }

    fn link(&mut self, wanted: Wanted<'_>) -> crate::ids::LinkId {
        let channel = Channel {
            length_m: wanted.length.0,
            loss_db: wanted.loss.as_db(),
        };
        self.builder.link(LinkSpec {
            name: wanted.name,
            ends: wanted.ends,
            length_m: wanted.length.0,
            loss_db: channel.loss_db,
            systems: u64::from(wanted.systems),
            schedule: schedule(wanted.model, channel),
            store: amounts(wanted.store),
            ducts: wanted.ducts,
        })
    }

    fn boundary(&mut self, boundary: &Boundary) {
        let name = boundary.id.as_str();
        let length = boundary.duct.length;
        let way = if boundary.ducts.is_empty() {
            vec![Way {
                duct: self.add_duct(name, length),
                from: 0,
                to: length.0,
            }]
        } else {
            self.stretches(&boundary.ducts)
        };
        let borders =
            [0, 1].map(|side| self.node(&boundary.between[side].qkdn, &boundary.between[side].node));
        let loss = boundary.duct.total_loss();
        match &boundary.kind {
            BoundaryKind::Gwn(gwn) => {
                let link = self.link(Wanted {
                    name: name.to_owned(),
                    ends: borders,
                    length,
                    loss,
                    systems: gwn.link.systems,
                    model: &gwn.link.model,
                    store: &gwn.link.store,
                    ducts: way.into_iter().map(section).collect(),
                });
                self.builder.relay_boundary(name, link);
            }
            BoundaryKind::Iwn(iwn) => self.iwn(boundary, iwn, borders, &way),
        }
    }

    /// An IWN is one node per attached QKDN, at the same site.
    fn iwn(&mut self, boundary: &Boundary, iwn: &Iwn, borders: [NodeId; 2], way: &[Way]) {
        let (length, loss) = (boundary.duct.length, boundary.duct.total_loss());
        let site = boundary.site();
        let id = self.builder.iwn(boundary.id.as_str(), iwn.kxi1_prime_delay);
        let templates = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
        let up_to_site = loss.up_to(site, length);
        let sides = [0, 1].map(|side| {
            let qkdn = &boundary.between[side].qkdn;
            let name = format!("{}/{qkdn}", boundary.id);
            let node = self.add_node(name.clone(), self.qkdns[qkdn], Some(id));
            let (from, to) = if side == 0 {
                (0, site.0)
            } else {
                (site.0, length.0)
            };
            self.link(Wanted {
                name,
                ends: [borders[side], node],
                length: Metres(to - from),
                loss: if side == 0 {
                    up_to_site
                } else {
                    Decibels(loss.0 - up_to_site.0)
                },
                systems: templates[side].systems,
                model: &templates[side].model,
                store: &templates[side].store,
                ducts: part_of(way, from, to).into_iter().map(section).collect(),
            });
            node
        });
        let local = match &iwn.kxi1_prime_protection {
            TransferProtection::None(_) => None,
            TransferProtection::Otp(store) => {
                let schedule = blocks(store.rate.0 as f64, None);
                let all = Store {
                    initial: store.initial,
                    capacity: store.capacity,
                    ..Store::default()
                };
                schedule.map(|schedule| (schedule, amounts(&all)))
            }
        };
        self.builder.transfer_boundary(boundary.id.as_str(), sides, local);
    }

    /// A node of the QKDN by its id, or its side of an IWN by the boundary's.
    fn place(&self, qkdn: &str, at: &str) -> NodeId {
        let own = self.nodes.get(&format!("{qkdn}/{at}"));
        *own.unwrap_or_else(|| &self.nodes[&format!("{at}/{qkdn}")])
    }

    fn controls(&mut self) {
        for qkdn in &self.document.qkdns {
            let id = self.qkdns[qkdn.id.as_str()];
            let manager_at = qkdn
                .manager_at
                .as_ref()
                .map(|at| self.place(qkdn.id.as_str(), at));
            let control = match (qkdn.control, &qkdn.controller_at) {
                (Control::Centralized, Some(at)) => {
                    plan::Control::Centralized(self.place(qkdn.id.as_str(), at))
                }
                (Control::Centralized, None) => unreachable!("the checks ask where it is"),
                (Control::Distributed, _) => plan::Control::Distributed,
            };
            self.builder.control(id, control, manager_at);
        }
    }

    fn traffic(&mut self) {
        let document = self.document;
        let timing = &document.timing;
        self.builder.delays(LocalDelays {
            ak: timing.ak_delay,
            local: timing.local_delay,
        });
        if let Some(threshold) = document.run.interruption_threshold {
            self.builder.interruption_threshold(threshold);
        }
        for demand in &document.demands {
            let ends = [0, 1].map(|end| self.node(&demand.between[end].qkdn, &demand.between[end].node));
            let arrivals: Arc<dyn ArrivalProcess> = match &demand.arrivals {
                Arrivals::Periodic(periodic) => Arc::new(Periodic {
                    period: periodic.period,
                    phase: None,
                }),
                Arrivals::Poisson(poisson) => Arc::new(Poisson {
                    rate: poisson.rate.per_second(),
                }),
            };
            let class = self.builder.class(&demand.class);
            let (name, keys) = (demand.id.as_str(), u64::from(demand.number));
            let session =
                self.builder
                    .session(name, ends, arrivals, keys, demand.key.0, demand.timeout, class);
            let until = demand.until.map_or(Time::NEVER, |until| Time::ZERO + until);
            self.builder.active(session, Time::ZERO + demand.from, until);
        }
        for event in &document.faults {
            let disturbances = event.fault.kind().disturbances(&self.builder);
            let at = Time::ZERO + event.at;
            let repaired = event.repair_after.map(|after| at + after);
            self.builder.fault(event.id.as_str(), disturbances, at, repaired);
        }
        for route in &document.data_network.routes {
            let [a, b] = [0, 1].map(|end| self.node(&route.between[end].qkdn, &route.between[end].node));
            self.builder.data_route(a, b, route.length.0);
        }
    }
}

fn section(way: Way) -> DuctSection {
    DuctSection {
        duct: way.duct,
        from_m: way.from.min(way.to),
        to_m: way.from.max(way.to),
    }
}

fn amounts(store: &Store) -> StoreAmounts {
    StoreAmounts {
        initial: store.initial.0,
        capacity: store.capacity.0,
        floor: store.floor.0,
        max_age: store.max_age,
        first_lane: store.lane_share,
    }
}

/// Blocks at that rate. Assumption: where the scenario does not say, what one second makes comes at once.
fn blocks(rate_bps: f64, block: Option<Bits>) -> Option<BlockSchedule> {
    let block = block.map_or((rate_bps as u64).max(1), |bits| bits.0);
    BlockSchedule::from_rate(rate_bps, block)
}

/// The blocks of a model over a channel; `None` beyond its reach.
pub fn schedule(model: &LinkModel, channel: Channel) -> Option<BlockSchedule> {
    blocks(link_model(model)?.rate_bps(channel), model.block())
}

/// The link model of that name; `None` if it never makes key.
fn link_model(model: &LinkModel) -> Option<Box<dyn models::LinkModel>> {
    Some(match model {
        LinkModel::FixedRate(fixed) => Box::new(FixedRate {
            rate_bps: fixed.rate.0 as f64,
        }),
        LinkModel::MeasuredTable(table) => match (table.rate_at_10_db, table.loss_max) {
            (Some(rate), Some(loss_max)) => {
                Box::new(MeasuredTable::from_rate_at_10_db(rate.0 as f64, loss_max.as_db()).ok()?)
            }
            _ => {
                let points = table
                    .points
                    .iter()
                    .map(|point| (point.loss.as_db(), point.rate.0 as f64));
                Box::new(MeasuredTable::new(points.take_while(|point| point.1 > 0.0).collect()).ok()?)
            }
        },
    })
}
