//! From document to plan: names become ids, templates become links, boundaries become hops.
//!
//! The document is valid: [`load()`](super::load()) has seen to it, and derived variants of a valid document are valid.

mod protection;
mod provider;
mod routing;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{
    self, Arrivals, Authentication, Boundary, BoundaryKind, ChannelQuality, Control, Document, Iwn,
    LinkModel, Relay, Reservation, Sharing, Store, Stretch, TransferProtection, TransferredKeys,
};
use crate::architecture::surroundings::{self, LinkStateRefresh, Parameters, RelayScheme, ReservationScheme};
use crate::architecture::{Heartbeat, Procedure, Recovery};
use crate::ids::{DuctId, NodeId, QkdnId};
use crate::interworking::way::{Way, part_of};
use crate::kernel::{Span, Time};
use crate::network::builder::{LinkSpec, PlanBuilder, StoreAmounts};
use crate::network::channels::{Channels, Quality, Retransmission};
use crate::network::plan::{self, DuctSection, LocalDelays, Plan, Prices, Processing, RandomFault, RunPlan};
use crate::network::sharing;
use crate::quantum::generation::{Drift, Generation, LinkTable, Making};
use crate::quantum::models::{BlockSchedule, Channel};
use crate::service::demand::{
    ArrivalProcess, HoldingTime, OnOff, Periodic, Poisson, Replay, Scaled, Sessions,
};
use crate::units::{Bits, Decibels, Fraction, Metres};

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
    for pool in &document.pools {
        compiler.builder.class(&pool.class);
    }
    if matches!(document.security.sharing, Sharing::KsaKeys(_)) {
        compiler.builder.class(sharing::CLASS);
    }
    compiler.providers();
    let mut plan = compiler.builder.build();
    if let Sharing::KsaKeys(keys) = &document.security.sharing {
        plan.share_by_ksa_keys(sharing::SharingPlan {
            key_bits: keys.key.0,
            period: keys.period,
            ck: keys.ck,
        });
    }
    protection::protect(document, &mut plan);
    faults(document, &mut plan);
    plan
}

/// Faults name what stands in the plan.
fn faults(document: &Document, plan: &mut Plan) {
    let mut labels: BTreeMap<String, u32> = BTreeMap::new();
    for event in &document.faults {
        let (name, kind) = (event.id.as_str(), event.fault.kind());
        let disturbances = kind.disturbances(plan);
        let mut fixed = |name: &str, at, repaired: Option<Span>| {
            let id = plan.add_fault(
                name,
                disturbances.clone(),
                Time::ZERO + at,
                repaired.map(|at| Time::ZERO + at),
            );
            let notice = kind.notice();
            plan.faults[id].announced = notice.map(|notice| Time::ZERO + Span(at.0.saturating_sub(notice.0)));
        };
        if let Some(at) = event.at {
            fixed(name, at, event.repair_after.map(|after| at + after));
        }
        for (number, outage) in (1..).zip(&event.outages) {
            fixed(&format!("{name}/{number}"), outage.at, outage.repair);
        }
        if let Some(renewal) = &event.random {
            let mut label = kind.label(plan).unwrap_or_else(|| format!("fault/{name}"));
            let before = labels.entry(label.clone()).or_default();
            *before += 1;
            if *before > 1 {
                label = format!("{label}/{before}"); // another one that comes by itself
            }
            plan.random_faults.push(RandomFault {
                name: name.to_owned(),
                label,
                disturbances,
                renewal: renewal.clone(),
            });
        }
    }
}

fn recovery(document: &Document) -> Recovery {
    let recovery = &document.protocol.recovery;
    Recovery {
        heartbeat: match &recovery.detection {
            document::Detection::Alarm(_) => None,
            document::Detection::Heartbeat(beats) => Some(Heartbeat {
                period: beats.period,
                misses: beats.misses,
                phase: beats.phase,
            }),
        },
        hold_off: recovery.hold_off,
        wait_to_restore: recovery.wait_to_restore,
        revertive: recovery.revertive,
        on_depletion: recovery.on_depletion,
        leaves_depleted: recovery.on_depletion || classes_refill(document),
    }
}

fn classes_refill(document: &Document) -> bool {
    let mut classes = document.classes.iter();
    classes.any(|class| class.lacking == document::Lacking::Refill)
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
        transferred_keys: match protocol.transferred_keys {
            TransferredKeys::Store => surroundings::TransferredKeys::Store,
            TransferredKeys::Delete => surroundings::TransferredKeys::Delete,
        },
        status_reports: protocol.status_reports,
        authentication_tag: match &document.security.authentication {
            Authentication::Computational(_) => 0,
            Authentication::WegmanCarter(tags) => tags.tag.0,
        },
        management: provider::management(&protocol.management),
        level_classes: if protocol.status_reports {
            protocol.level_classes as u8 // checked to fit, as are the retries below
        } else {
            0
        },
        detection: timing.detection,
        analysis: timing.analysis,
        computation: timing.computation,
        installation: timing.installation,
        polling: protocol.polling,
        generation_control: protocol.generation_control.as_ref().map(|control| {
            [control.stop_at, control.start_at].map(|share| libm::round(share.as_number() * 100.0) as u8)
        }),
        coordination_guard: timing.coordination_guard,
        coordination_timeout: timing.coordination_timeout,
        coordination_retries: timing.coordination_retries as u8,
        recovery: recovery(document),
        refresh: LinkStateRefresh {
            period: protocol.link_state.refresh,
            max_age: protocol.link_state.max_age,
        },
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

fn serving(document: &Document) -> plan::Serving {
    let processing = &document.timing.processing;
    plan::Serving {
        law: match processing.law {
            document::ServiceLaw::Fixed => plan::ServiceLaw::Fixed,
            document::ServiceLaw::Exponential => plan::ServiceLaw::Exponential,
        },
        key_manager_queue: processing.key_manager_queue,
    }
}

/// One link wherever it comes from.
struct Wanted<'a> {
    name: String,
    ends: [NodeId; 2],
    length: Metres,
    loss: Decibels,
    systems: u32,
    channel: Option<&'a document::Channel>,
    model: &'a LinkModel,
    generation: Option<&'a document::Generation>,
    store: &'a Store,
    max_sessions: Option<u32>,
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
            let id = self
                .builder
                .qkdn(qkdn.id.as_str(), routing::algorithm(&qkdn.routing));
            self.qkdns.insert(qkdn.id.0.clone(), id);
            for node in &qkdn.nodes {
                let added = self.add_node(format!("{}/{}", qkdn.id, node.id), id, None);
                if let Some(place) = node.place() {
                    self.builder.place(added, place);
                }
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
                    channel: link.channel.as_ref(),
                    model: &link.model,
                    generation: link.generation.as_ref(),
                    store: &link.store,
                    max_sessions: link.max_sessions,
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
        let channel = document::quantum_channel(wanted.channel, wanted.length, wanted.loss);
        let usual = document::Generation::default();
        let generation = wanted.generation.unwrap_or(&usual);
        let schedule = schedule(wanted.model, &channel, generation.block_sifted);
        let making = schedule
            .and_then(|schedule| making(&wanted, &channel, schedule.times(u64::from(wanted.systems))));
        let link = self.builder.link(LinkSpec {
            name: wanted.name,
            ends: wanted.ends,
            length_m: wanted.length.0,
            loss_db: channel.loss_db,
            systems: u64::from(wanted.systems),
            middle_station: wanted.model.has_middle_station(),
            schedule,
            making,
            store: amounts(wanted.store),
            ducts: wanted.ducts,
        });
        if let Some(at_most) = wanted.max_sessions {
            self.builder.session_limit(link, at_most);
        }
        link
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
                    channel: gwn.link.channel.as_ref(),
                    model: &gwn.link.model,
                    generation: gwn.link.generation.as_ref(),
                    store: &gwn.link.store,
                    max_sessions: gwn.link.max_sessions,
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
        // An IWN whose place cannot be known counts as being where the border node is.
        let places = borders.map(|border| self.builder.place_of(border));
        let at_site = match places {
            [Some(a), Some(b)] => Some(document::place_between(a, b, site.0 as f64 / length.0 as f64)),
            _ => None,
        };
        let sides = [0, 1].map(|side| {
            let qkdn = &boundary.between[side].qkdn;
            let name = format!("{}/{qkdn}", boundary.id);
            let node = self.add_node(name.clone(), self.qkdns[qkdn], Some(id));
            if let Some(place) = at_site.or(places[side]) {
                self.builder.place(node, place);
            }
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
                channel: templates[side].channel.as_ref(),
                model: &templates[side].model,
                generation: templates[side].generation.as_ref(),
                store: &templates[side].store,
                max_sessions: templates[side].max_sessions,
                ducts: part_of(way, from, to).into_iter().map(section).collect(),
            });
            node
        });
        let local = match &iwn.kxi1_prime_protection {
            TransferProtection::None(_) => None,
            TransferProtection::Otp(store) => {
                let schedule = blocks(store.rate.0 as f64, 1.0, None);
                let all = Store {
                    initial: store.initial,
                    capacity: store.capacity,
                    ..Store::default()
                };
                schedule.map(|schedule| (schedule, amounts(&all)))
            }
        };
        let border = self.builder.transfer_boundary(boundary.id.as_str(), sides, local);
        if let Some(rate) = iwn.kxi1_prime_rate {
            self.builder.transfer_rate(border, rate.0);
        }
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
            let relay = match &qkdn.relay {
                Relay::HopByHop(_) => RelayScheme::HopByHop,
                Relay::Destination(_) => RelayScheme::Destination,
                Relay::Centralized(central) => {
                    RelayScheme::Centralized(self.place(qkdn.id.as_str(), &central.at))
                }
            };
            self.builder.relay(id, relay);
        }
    }

    fn traffic(&mut self) {
        let document = self.document;
        let timing = &document.timing;
        self.builder.serving(serving(document));
        self.builder.delays(LocalDelays {
            ak: timing.ak_delay,
            local: timing.local_delay,
        });
        self.builder.channels(channels(document));
        let prices = &document.prices;
        self.builder.prices(Prices {
            module_pair: prices.module_pair,
            key_manager: prices.key_manager,
            controller: prices.controller,
            site: prices.site,
            middle_station: prices.middle_station,
            link: prices.link,
        });
        if let Some(threshold) = document.run.interruption_threshold {
            self.builder.interruption_threshold(threshold);
        }
        if document.run.material_check {
            self.builder.material_check();
        }
        if document.security.exposure {
            self.builder.exposure();
        }
        for demand in &document.demands {
            let ends = [0, 1].map(|end| self.node(&demand.between[end].qkdn, &demand.between[end].node));
            let arrivals = arrivals(&demand.arrivals, demand.from);
            let factor = document.demand_scale;
            let arrivals = if factor.total_cmp(&1.0).is_eq() {
                arrivals
            } else {
                Arc::new(Scaled {
                    process: arrivals,
                    factor,
                })
            };
            let class = self.builder.class(&demand.class);
            let (name, keys) = (demand.id.as_str(), u64::from(demand.number));
            let session =
                self.builder
                    .session(name, ends, arrivals, keys, demand.key.0, demand.timeout, class);
            let until = demand.until.map_or(Time::NEVER, |until| Time::ZERO + until);
            self.builder.active(session, Time::ZERO + demand.from, until);
        }
        for route in &document.data_network.routes {
            let [a, b] = [0, 1].map(|end| self.node(&route.between[end].qkdn, &route.between[end].node));
            self.builder.data_route(a, b, route.length.0);
        }
    }
}

/// When a demand asks that begins then.
fn arrivals(arrivals: &Arrivals, from: Span) -> Arc<dyn ArrivalProcess> {
    match arrivals {
        Arrivals::Periodic(periodic) => Arc::new(Periodic {
            period: periodic.period,
            phase: None,
        }),
        Arrivals::Poisson(poisson) => Arc::new(Poisson {
            rate: poisson.rate.per_second(),
        }),
        Arrivals::OnOff(bursts) => Arc::new(OnOff {
            on: bursts.on,
            off: bursts.off,
            rate: bursts.rate.per_second(),
        }),
        Arrivals::Sessions(sessions) => Arc::new(Sessions {
            rate: sessions.rate.per_second(),
            holding: match sessions.holding {
                document::Holding::Exponential(document::MeanTime { mean }) => HoldingTime::Exponential(mean),
                document::Holding::Fixed(document::FixedTime { time }) => HoldingTime::Fixed(time),
            },
            requests_per_s: sessions.requests.map_or(0.0, crate::units::Rate::per_second),
        }),
        Arrivals::Replay(replay) => {
            let after = replay.times.iter().filter_map(|at| at.0.checked_sub(from.0));
            Arc::new(Replay::new(after.map(Span).collect()))
        }
    }
}

fn channels(document: &Document) -> Channels {
    let quality = |of: &ChannelQuality| Quality {
        loss: of.loss,
        duplication: of.duplication,
        delay: of.delay,
        jitter: of.jitter,
    };
    let (channels, rules) = (&document.channels, &document.protocol.retransmission);
    Channels {
        control: quality(&channels.control),
        key_management: quality(&channels.key_management),
        management: quality(&channels.management),
        retransmission: Retransmission {
            timeout: rules.timeout,
            retries: rules.retries,
        },
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

/// Blocks at that rate: as large as the scenario says, else what so many seconds make comes at once.
fn blocks(rate_bps: f64, seconds: f64, block: Option<Bits>) -> Option<BlockSchedule> {
    let block = block.map_or(((rate_bps * seconds) as u64).max(1), |bits| bits.0);
    BlockSchedule::from_rate(rate_bps, block)
}

/// The blocks of a model over a channel; `None` beyond its reach. Assumption: where neither the model nor the scenario
/// says how large they are, they take a second, or as long as it takes to sift so many bits.
fn schedule(model: &LinkModel, channel: &Channel, block_sifted: u32) -> Option<BlockSchedule> {
    let evaluation = model.model().ok()?.evaluate(channel);
    match evaluation.block_s {
        Some(block_s) => {
            let bits = libm::round(evaluation.rate_bps * block_s) as u64;
            BlockSchedule::from_rate(bits as f64 / block_s, bits)
        }
        None => {
            let seconds = evaluation.block_time_s(block_sifted).unwrap_or(1.0);
            blocks(evaluation.rate_bps, seconds, model.block())
        }
    }
}

/// How a link's blocks differ from one another; `None` where neither the scenario nor the model says that they do.
fn making(wanted: &Wanted<'_>, channel: &Channel, nominal: BlockSchedule) -> Option<Making> {
    if let LinkModel::SatellitePass(satellite) = wanted.model {
        let mut passes = satellite.lumps().ok()?;
        for lump in &mut passes.lumps {
            lump.bits *= u64::from(wanted.systems);
        }
        return Some(Making::Passes(Arc::new(passes)));
    }
    if let LinkModel::RandomBlocks(model) = wanted.model {
        let pairs = nominal.bits / model.block.0.max(1);
        let period = Span(nominal.period.0 / pairs.max(1));
        let bits = model.block.0;
        return Some(Making::Random(BlockSchedule { bits, period }));
    }
    let usual = document::Generation::default();
    let physical = wanted.model.is_physical();
    let written = wanted.generation.or(physical.then_some(&usual))?;
    let share = |fraction: Fraction| fraction.as_number();
    let loss_drift = written.loss_drift.as_ref().map_or(Drift::NONE, |drift| Drift {
        deviation: drift.deviation.as_db(),
        correlation: drift.correlation,
        diurnal: drift.diurnal.as_db(),
    });
    let flips_drift = written.error_drift.as_ref().map_or(Drift::NONE, |drift| Drift {
        deviation: share(drift.deviation),
        correlation: drift.correlation,
        diurnal: share(drift.diurnal),
    });
    let model = wanted.model.model().ok()?;
    Some(Making::Blocks(Arc::new(Generation {
        table: LinkTable::new(
            &model,
            channel,
            nominal,
            loss_drift.spread(),
            u64::from(wanted.systems),
        ),
        post_processing: written.post_processing,
        abort_above: share(written.abort_above.unwrap_or(wanted.model.usual_abort())),
        frame_error: share(written.frame_error),
        authentication_bits: written.authentication.0,
        start_key_bits: written.start_key.0,
        resynchronisation: written.resynchronisation,
        loss_drift,
        flips_drift,
        expected_consumption_bps: written.expected_consumption.map(|rate| rate.0),
        report_every: written.report_every,
        skew: [written.skew_first, written.skew_second],
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    /// A plan made in code has by default what a scenario file has.
    #[test]
    fn defaults_in_code_are_those_of_files() {
        let mut document = load("scenarios/ring-of-four.json", &[]).expect("valid").document;
        document.protocol = document::Protocol::default();
        document.timing = document::Timing::default();
        document.security = document::Security::default();
        assert_eq!(
            format!("{:?}", parameters(&document)),
            format!("{:?}", Parameters::default())
        );
        assert_eq!(processing(&document), Processing::default());
    }
}
