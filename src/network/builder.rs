//! Building a plan: from networks, nodes, links and boundaries to hops, stores and surroundings.
//!
//! Callers (the scenario's compiler, library users, tests) hand in valid values; the builder derives everything that
//! follows from placement: hops, stores, controllers, borders, the data network, what each element may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;

use super::channels::Channels;
use super::data_network::DataNetwork;
use super::plan::{
    ApplicationPlan, BoundaryPlan, ClassPlan, Control, ControllerPlan, DuctPlan, DuctSection, LinkPlan,
    LocalDelays, ManagerPlan, MaterialPlan, NodePlan, Plan, Prices, Processing, QkdnPlan, Role, RunPlan,
    Serving, SessionPlan, StorePlan, StoreSource,
};
use crate::architecture::distances::Distances;
use crate::architecture::policy::Policy;
use crate::architecture::surroundings::{
    Border, ControllerSurroundings, Domain, KmSurroundings, ManagedBorder, ManagerSurroundings, Parameters,
    Placement, RelayScheme, StoreSettings,
};
use crate::architecture::tariff::Tariff;
use crate::architecture::{Handover, Hop, Procedure, Protection};
use crate::control::reachability::{Member, provisioned};
use crate::control::routing::RoutingAlgorithm;
use crate::ids::{
    ApplicationId, Arena, BoundaryId, ClassId, ControllerId, DuctId, HopId, Id, IwnId, LinkId, ManagerId,
    NodeId, QkdnId, SessionId, StoreId,
};
use crate::kernel::{Span, Time};
use crate::quantum::generation::Making;
use crate::quantum::models::BlockSchedule;
use crate::service::demand::ArrivalProcess;
use crate::units::{Bits, Fraction};

/// Amounts of a link's or a local store, both lanes together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreAmounts {
    /// Fill at the start \[bits\].
    pub initial: u64,
    /// Capacity \[bits\].
    pub capacity: u64,
    /// Minimum level that is not served \[bits\].
    pub floor: u64,
    /// Age at which keys expire.
    pub max_age: Option<Span>,
    /// Share of blocks, fill, capacity and floor that goes to the first end's lane.
    pub first_lane: Fraction,
}

impl StoreAmounts {
    /// One lane's share of an amount: the first lane's is rounded down, the second gets the rest.
    fn share(&self, amount: u64, lane: usize) -> u64 {
        let first = lane_share(amount, self.first_lane);
        if lane == 0 { first } else { amount - first }
    }
}

/// The first lane's share of an amount, rounded down.
pub fn lane_share(amount: u64, first_lane: Fraction) -> u64 {
    Bits(amount).part(first_lane).0
}

/// A QKD link to add.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// Qualified name.
    pub name: String,
    /// Its nodes.
    pub ends: [NodeId; 2],
    /// Length \[m\].
    pub length_m: u64,
    /// Total loss \[dB\].
    pub loss_db: f64,
    /// Module pairs side by side.
    pub systems: u64,
    /// Whether each of them has an untrusted station in the middle.
    pub middle_station: bool,
    /// What one module pair makes; `None`: no key over this channel.
    pub schedule: Option<BlockSchedule>,
    /// How the blocks of all module pairs together differ from one another; `None`: not at all.
    pub making: Option<Making>,
    /// Store, both lanes together.
    pub store: StoreAmounts,
    /// Where it lies.
    pub ducts: Vec<DuctSection>,
}

/// What a builder collects; see the module's documentation.
#[derive(Debug)]
pub struct PlanBuilder {
    name: String,
    run: RunPlan,
    parameters: Parameters,
    processing: Processing,
    qkdns: Arena<QkdnId, (String, Arc<dyn RoutingAlgorithm>)>,
    control: Vec<(Control, Option<NodeId>)>,
    relay: Vec<RelayScheme>,
    iwns: Arena<IwnId, (String, Span)>,
    transfer_rates: BTreeMap<HopId, u64>,
    nodes: Arena<NodeId, (String, QkdnId, Option<IwnId>)>,
    hops: Arena<HopId, Hop>,
    stores: Arena<StoreId, StorePlan>,
    links: Arena<LinkId, LinkPlan>,
    ducts: Arena<DuctId, DuctPlan>,
    boundaries: Arena<BoundaryId, BoundaryPlan>,
    applications: Arena<ApplicationId, ApplicationPlan>,
    sessions: Arena<SessionId, SessionPlan>,
    classes: Arena<ClassId, ClassPlan>,
    policies: Arena<QkdnId, Policy>,
    tariffs: Arena<QkdnId, Option<Arc<Tariff>>>,
    routes: Vec<(NodeId, NodeId, u64)>,
    /// Longitude and latitude \[degrees\], where they are known.
    places: FxHashMap<NodeId, [f64; 2]>,
    serving: Serving,
    session_limits: BTreeMap<HopId, u32>,
    delays: LocalDelays,
    channels: Channels,
    interruption_threshold: Option<Span>,
    prices: Option<Prices>,
    material: Option<MaterialPlan>,
    exposure: bool,
}

impl PlanBuilder {
    /// An empty plan.
    pub fn new(name: &str, run: RunPlan, parameters: Parameters, processing: Processing) -> PlanBuilder {
        PlanBuilder {
            name: name.to_owned(),
            run,
            parameters,
            processing,
            serving: Serving::default(),
            session_limits: BTreeMap::new(),
            qkdns: Arena::new(),
            control: Vec::new(),
            relay: Vec::new(),
            iwns: Arena::new(),
            transfer_rates: BTreeMap::new(),
            nodes: Arena::new(),
            hops: Arena::new(),
            stores: Arena::new(),
            links: Arena::new(),
            ducts: Arena::new(),
            boundaries: Arena::new(),
            applications: Arena::new(),
            sessions: Arena::new(),
            classes: Arena::new(),
            policies: Arena::new(),
            tariffs: Arena::new(),
            routes: Vec::new(),
            places: FxHashMap::default(),
            delays: LocalDelays::default(),
            channels: Channels::default(),
            interruption_threshold: None,
            prices: None,
            material: None,
            exposure: false,
        }
    }

    /// Adds a QKDN; its control is distributed until [`control`](Self::control) says otherwise.
    pub fn qkdn(&mut self, name: &str, routing: Arc<dyn RoutingAlgorithm>) -> QkdnId {
        self.control.push((Control::Distributed, None));
        self.relay.push(RelayScheme::HopByHop);
        self.policies.push(Policy::default());
        self.tariffs.push(None);
        self.qkdns.push((name.to_owned(), routing))
    }

    /// Says how a QKDN is controlled and where its manager stands (default: at the controller, else its first node).
    pub fn control(&mut self, qkdn: QkdnId, control: Control, manager_at: Option<NodeId>) {
        self.control[qkdn.index()] = (control, manager_at);
    }

    /// Says how a QKDN relays keys; hop by hop until then.
    pub fn relay(&mut self, qkdn: QkdnId, scheme: RelayScheme) {
        self.relay[qkdn.index()] = scheme;
    }

    /// Adds an IWN: a site whose sides are `delay` apart.
    pub fn iwn(&mut self, name: &str, delay: Span) -> IwnId {
        self.iwns.push((name.to_owned(), delay))
    }

    /// Says how fast keys are transferred over a boundary inside a site, each way \[bit/s\]; where nothing is said, at once.
    pub fn transfer_rate(&mut self, boundary: BoundaryId, bit_per_s: u64) {
        let hops = self.boundaries[boundary].hops;
        self.transfer_rates.extend(hops.map(|hop| (hop, bit_per_s)));
    }

    /// Adds a node under its qualified name.
    pub fn node(&mut self, name: &str, qkdn: QkdnId, iwn: Option<IwnId>) -> NodeId {
        self.nodes.push((name.to_owned(), qkdn, iwn))
    }

    /// Says where a node is: longitude and latitude \[degrees\].
    pub fn place(&mut self, node: NodeId, lon_lat: [f64; 2]) {
        self.places.insert(node, lon_lat);
    }

    /// Where a node is, if that was said.
    pub fn place_of(&self, node: NodeId) -> Option<[f64; 2]> {
        self.places.get(&node).copied()
    }

    /// Adds a duct of that length \[m\].
    pub fn duct(&mut self, name: &str, length_m: u64) -> DuctId {
        self.ducts.push(DuctPlan {
            name: name.to_owned(),
            length_m,
        })
    }

    /// Adds a link, its stores and its two hops. Between QKDNs it is a GWN–GWN link.
    pub fn link(&mut self, spec: LinkSpec) -> LinkId {
        let id = self.links.next_id();
        let schedule = spec.schedule.map(|schedule| schedule.times(spec.systems));
        let hops = [0, 1].map(|lane| {
            let (from, to) = (spec.ends[lane], spec.ends[1 - lane]);
            let lane_bits = schedule.map_or(0, |schedule| {
                let first = lane_share(schedule.bits, spec.store.first_lane);
                if lane == 0 { first } else { schedule.bits - first }
            });
            let rate_bps = schedule.map_or(0.0, |schedule| lane_bits as f64 * 1e9 / schedule.period.0 as f64);
            let source = StoreSource::Lane(id, lane);
            self.padded_hop((from, to), Handover::Relay, &spec.store, lane, source, |hop| {
                hop.link = Some(id);
                hop.length_m = spec.length_m;
                hop.rate_bps = rate_bps;
            })
        });
        self.links.push(LinkPlan {
            name: spec.name,
            ends: spec.ends,
            length_m: spec.length_m,
            loss_db: spec.loss_db,
            systems: spec.systems,
            middle_station: spec.middle_station,
            schedule,
            making: spec.making,
            first_lane: spec.store.first_lane,
            ducts: spec.ducts,
            hops,
        })
    }

    fn padded_hop(
        &mut self,
        (from, to): (NodeId, NodeId),
        handover: Handover,
        amounts: &StoreAmounts,
        lane: usize,
        source: StoreSource,
        fill_in: impl FnOnce(&mut Hop),
    ) -> HopId {
        let store = self.stores.next_id();
        let mut hop = self.bare_hop(from, to, Protection::OneTimePad(store), handover);
        fill_in(&mut hop);
        let settings = StoreSettings {
            id: store,
            hop: hop.id,
            initial: amounts.share(amounts.initial, lane),
            capacity: amounts.share(amounts.capacity, lane),
            floor: amounts.share(amounts.floor, lane),
            max_age: amounts.max_age,
        };
        self.stores.push(StorePlan { settings, source });
        self.hops.push(hop)
    }

    fn bare_hop(&self, from: NodeId, to: NodeId, protection: Protection, handover: Handover) -> Hop {
        Hop {
            id: self.hops.next_id(),
            from,
            to,
            protection,
            handover,
            link: None,
            length_m: 0,
            delay: Span::ZERO,
            rate_bps: f64::INFINITY,
            crosses_border: self.nodes[from].1 != self.nodes[to].1,
            to_qkdn: self.nodes[to].1,
        }
    }

    /// Makes a link between two QKDNs a boundary: its ends are the gateway nodes.
    pub fn relay_boundary(&mut self, name: &str, link: LinkId) -> BoundaryId {
        let hops = self.links[link].hops;
        assert!(self.hops[hops[0]].crosses_border, "a boundary joins two QKDNs");
        self.boundaries.push(BoundaryPlan {
            name: name.to_owned(),
            hops,
        })
    }

    /// Makes the two sides of an IWN a boundary. `local` protects the transfer by key from a source inside the node;
    /// without it the transfer spends none.
    pub fn transfer_boundary(
        &mut self,
        name: &str,
        sides: [NodeId; 2],
        local: Option<(BlockSchedule, StoreAmounts)>,
    ) -> BoundaryId {
        let iwn = self.nodes[sides[0]].2;
        assert!(
            iwn.is_some() && iwn == self.nodes[sides[1]].2,
            "both sides stand in the same IWN"
        );
        let hops = [0, 1].map(|lane| {
            let (from, to) = (sides[lane], sides[1 - lane]);
            match &local {
                Some((schedule, amounts)) => {
                    let bits = lane_share(schedule.bits, amounts.first_lane);
                    let bits = if lane == 0 { bits } else { schedule.bits - bits };
                    let schedule = BlockSchedule {
                        bits,
                        period: schedule.period,
                    };
                    let source = StoreSource::Local(schedule);
                    self.padded_hop((from, to), Handover::Transfer, amounts, lane, source, |hop| {
                        hop.rate_bps = schedule.rate_bps();
                    })
                }
                None => {
                    let hop = self.bare_hop(from, to, Protection::TrustedNode, Handover::Transfer);
                    self.hops.push(hop)
                }
            }
        });
        self.boundaries.push(BoundaryPlan {
            name: name.to_owned(),
            hops,
        })
    }

    /// Gives a QKDN's provider a policy; the priorities in it are those of the classes.
    pub fn policy(&mut self, qkdn: QkdnId, policy: Policy) {
        self.policies[qkdn] = policy;
    }

    /// Gives a QKDN's provider a tariff.
    pub fn tariff(&mut self, qkdn: QkdnId, tariff: Tariff) {
        self.tariffs[qkdn] = Some(Arc::new(tariff));
    }

    /// The QoS class of that name, if a demand is of it.
    pub fn find_class(&self, name: &str) -> Option<ClassId> {
        let found = self.classes.iter().find(|(_, known)| known.name == name);
        found.map(|(id, _)| id)
    }

    /// The names of all QoS classes, by id.
    pub fn class_names(&self) -> impl Iterator<Item = &str> {
        self.classes.values().map(|class| class.name.as_str())
    }

    /// Has requests of a QoS class fail at once where they find too little key.
    pub fn impatient(&mut self, class: ClassId) {
        self.classes[class].fails_at_once = true;
    }

    /// Has what a QoS class lacks at a hop relayed round that hop.
    pub fn refilled(&mut self, class: ClassId) {
        self.classes[class].refills = true;
    }

    /// Gives a QoS class a priority.
    pub fn priority(&mut self, class: ClassId, priority: u32) {
        self.classes[class].priority = priority;
    }

    /// A QoS class by name, added if it is new.
    pub fn class(&mut self, name: &str) -> ClassId {
        self.find_class(name).unwrap_or_else(|| {
            self.classes.push(ClassPlan {
                name: name.to_owned(),
                priority: 0,
                fails_at_once: false,
                refills: false,
            })
        })
    }

    /// Adds a demand with an application at each end.
    #[allow(clippy::too_many_arguments)] // each is one line of the scenario
    pub fn session(
        &mut self,
        name: &str,
        ends: [NodeId; 2],
        arrivals: Arc<dyn ArrivalProcess>,
        keys: u64,
        key_bits: u64,
        timeout: Span,
        class: ClassId,
    ) -> SessionId {
        let [source, destination] = [(0, "source"), (1, "destination")].map(|(end, role)| {
            self.applications.push(ApplicationPlan {
                name: format!("application {name} {role}"),
                node: ends[end],
            })
        });
        self.sessions.push(SessionPlan {
            name: name.to_owned(),
            source,
            destination,
            arrivals,
            bits: keys * key_bits,
            keys,
            timeout,
            class,
            active: [Time::ZERO, self.end()],
            for_sharing: false,
            role: Role::Demand,
        })
    }

    /// Narrows the time in which a demand asks.
    pub fn active(&mut self, session: SessionId, from: Time, until: Time) {
        self.sessions[session].active = [from, until.min(self.end())];
    }

    fn end(&self) -> Time {
        Time::ZERO + self.run.warm_up + self.run.duration
    }

    /// Sets how the servers serve beside their processing times.
    pub fn serving(&mut self, serving: Serving) {
        self.serving = serving;
    }

    /// Limits how many sessions a link carries at once, in each direction.
    pub fn session_limit(&mut self, link: LinkId, at_most: u32) {
        for hop in self.links[link].hops {
            self.session_limits.insert(hop, at_most);
        }
    }

    /// Sets the delays where there is no fibre between.
    pub fn delays(&mut self, delays: LocalDelays) {
        self.delays = delays;
    }

    /// Lets real bits flow, so that both applications' keys can be compared.
    pub fn material_check(&mut self) {
        self.material = Some(MaterialPlan::default());
    }

    /// Works out which supplied keys each trusted node could have read.
    pub fn exposure(&mut self) {
        self.exposure = true;
    }

    /// Sets how well messages are carried.
    pub fn channels(&mut self, channels: Channels) {
        self.channels = channels;
    }

    /// Sets D of the service interruption.
    pub fn interruption_threshold(&mut self, threshold: Span) {
        self.interruption_threshold = Some(threshold);
    }

    /// Says what equipment costs.
    pub fn prices(&mut self, prices: Prices) {
        self.prices = Some(prices);
    }

    /// Gives the length of the data network's way between two nodes.
    pub fn data_route(&mut self, a: NodeId, b: NodeId, length_m: u64) {
        self.routes.push((a, b, length_m));
    }

    /// Derives what follows, and ends.
    pub fn build(mut self) -> Plan {
        let mut data_network = self.data_network();
        self.time_hops(&data_network);
        let mut parameters = self.parameters.clone();
        let transfers = |plan: &BoundaryPlan| self.hops[plan.hops[0]].handover == Handover::Transfer;
        let only_transfers = !self.boundaries.is_empty() && self.boundaries.values().all(transfers);
        parameters.rerouting = if only_transfers {
            Procedure::P13
        } else {
            Procedure::P10
        };
        let parameters = Arc::new(parameters);

        let mut controllers: Arena<ControllerId, ControllerPlan> = Arena::new();
        let mut managers: Arena<ManagerId, ManagerPlan> = Arena::new();
        let mut controller_of = vec![ControllerId(0); self.nodes.len()];
        let mut qkdns: Arena<QkdnId, QkdnPlan> = Arena::new();
        let priorities: Vec<u32> = self.classes.values().map(|class| class.priority).collect();
        let impatient: Vec<ClassId> = self
            .classes
            .iter()
            .filter_map(|(id, class)| class.fails_at_once.then_some(id))
            .collect();
        let refilled: Vec<ClassId> = self
            .classes
            .iter()
            .filter_map(|(id, class)| class.refills.then_some(id))
            .collect();
        let policies: Arena<QkdnId, Arc<Policy>> = self
            .policies
            .values()
            .map(|policy| {
                Arc::new(Policy {
                    priorities: priorities.clone(),
                    impatient: impatient.clone(),
                    refilled: refilled.clone(),
                    ..policy.clone()
                })
            })
            .collect();
        for (qkdn, (name, routing)) in self.qkdns.iter() {
            let (control, manager_at) = self.control[qkdn.index()];
            let members: Vec<NodeId> = self
                .nodes
                .iter()
                .filter(|(_, node)| node.1 == qkdn)
                .map(|(id, _)| id)
                .collect();
            let place = |node: NodeId| Placement {
                node,
                qkdn,
                iwn: self.nodes[node].2,
            };
            match control {
                Control::Centralized(at) => {
                    let name = format!("controller {name}");
                    let id = controllers.push(ControllerPlan {
                        name,
                        placement: place(at),
                    });
                    for node in &members {
                        controller_of[node.index()] = id;
                    }
                }
                Control::Distributed => {
                    for &node in &members {
                        let name = format!("controller {}", self.nodes[node].0);
                        controller_of[node.index()] = controllers.push(ControllerPlan {
                            name,
                            placement: place(node),
                        });
                    }
                }
            }
            let at = manager_at.unwrap_or(match control {
                Control::Centralized(at) => at,
                Control::Distributed => members[0],
            });
            data_network.hub(at);
            if let Control::Centralized(at) = control {
                data_network.hub(at);
            }
            let manager = managers.push(ManagerPlan {
                name: format!("manager {name}"),
                placement: place(at),
            });
            let centralized = matches!(control, Control::Centralized(_));
            qkdns.push(QkdnPlan {
                name: name.clone(),
                manager,
                routing: Arc::clone(routing),
                tariff: self.tariffs[qkdn].clone(),
                policy: Arc::clone(&policies[qkdn]),
                centralized,
            });
        }

        let domains: Vec<Arc<Domain>> = self
            .qkdns
            .ids()
            .map(|qkdn| Arc::new(self.domain(qkdn, &controller_of)))
            .collect();
        let borders: Vec<Arc<[Border]>> = self
            .qkdns
            .ids()
            .map(|qkdn| {
                let both = self
                    .boundaries
                    .iter()
                    .flat_map(|(boundary, plan)| plan.hops.map(|hop| (boundary, hop)));
                both.map(|(boundary, hop)| (boundary, &self.hops[hop]))
                    .filter(|(_, hop)| self.nodes[hop.from].1 == qkdn)
                    .map(|(boundary, hop)| Border {
                        boundary,
                        hop: hop.clone(),
                        far_qkdn: self.nodes[hop.to].1,
                        far_controller: controller_of[hop.to.index()],
                    })
                    .collect()
            })
            .collect();

        let members: Vec<Member<'_>> = self
            .qkdns
            .ids()
            .map(|qkdn| Member {
                domain: &domains[qkdn.index()],
                borders: &borders[qkdn.index()],
                routing: &*self.qkdns[qkdn].1,
                policy: &self.policies[qkdn],
                classes: parameters.level_classes,
            })
            .collect();
        let offers = provisioned(&members);
        drop(members);

        let nodes: Arena<NodeId, NodePlan> = self
            .nodes
            .iter()
            .map(|(id, (name, qkdn, iwn))| NodePlan {
                name: name.clone(),
                qkdn: *qkdn,
                iwn: *iwn,
                controller: controller_of[id.index()],
            })
            .collect();
        // Sending and receiving hops by node, in the order of their ids.
        let mut hops_at: Arena<NodeId, [Vec<Hop>; 2]> =
            nodes.ids().map(|_| [Vec::new(), Vec::new()]).collect();
        let mut neighbours: Arena<ControllerId, Vec<ControllerId>> =
            controllers.ids().map(|_| Vec::new()).collect();
        for hop in self.hops.values() {
            hops_at[hop.from][0].push(hop.clone());
            hops_at[hop.to][1].push(hop.clone());
            let [from, to] = [hop.from, hop.to].map(|node| controller_of[node.index()]);
            if from != to && !hop.crosses_border {
                neighbours[from].push(to);
            }
        }
        let km_surroundings = nodes
            .iter()
            .map(|(node, plan)| {
                let [outgoing, incoming] = std::mem::take(&mut hops_at[node]);
                let stores = |hops: &[Hop]| {
                    let ids = hops.iter().filter_map(Hop::store);
                    ids.map(|store| self.stores[store].settings.clone())
                        .collect::<Vec<StoreSettings>>()
                };
                Arc::new(KmSurroundings {
                    node,
                    qkdn: plan.qkdn,
                    controller: plan.controller,
                    manager: qkdns[plan.qkdn].manager,
                    sending_stores: stores(&outgoing),
                    receiving_stores: stores(&incoming),
                    session_limits: outgoing
                        .iter()
                        .filter_map(|hop| Some((hop.id, *self.session_limits.get(&hop.id)?)))
                        .collect(),
                    outgoing,
                    incoming,
                    protections: Arc::default(),
                    parameters: Arc::clone(&parameters),
                })
            })
            .collect();
        let mut modules_of: Arena<ControllerId, Vec<(LinkId, u8)>> =
            controllers.ids().map(|_| Vec::new()).collect();
        let mut kms_of: Arena<ControllerId, Vec<NodeId>> = controllers.ids().map(|_| Vec::new()).collect();
        for (km, node) in nodes.iter() {
            kms_of[node.controller].push(km);
        }
        for (link, plan) in self.links.iter() {
            for (end, &node) in plan.ends.iter().enumerate() {
                modules_of[controller_of[node.index()]].push((link, end as u8));
            }
        }
        let controller_surroundings = controllers
            .iter()
            .map(|(id, plan)| {
                let qkdn = plan.placement.qkdn;
                let domain = Arc::clone(&domains[qkdn.index()]);
                let mut flooding_peers = std::mem::take(&mut neighbours[id]);
                flooding_peers.sort();
                flooding_peers.dedup();
                Arc::new(ControllerSurroundings {
                    id,
                    manager: qkdns[qkdn].manager,
                    domain,
                    borders: Arc::clone(&borders[qkdn.index()]),
                    offers: Arc::clone(&offers[qkdn.index()]),
                    flooding_peers,
                    kms: std::mem::take(&mut kms_of[id]),
                    modules: std::mem::take(&mut modules_of[id]),
                    policy: Arc::clone(&policies[qkdn]),
                    parameters: Arc::clone(&parameters),
                })
            })
            .collect();

        let manager_surroundings = qkdns
            .iter()
            .map(|(qkdn, plan)| {
                let borders = borders[qkdn.index()].iter().map(|border| ManagedBorder {
                    boundary: border.boundary,
                    far_qkdn: border.far_qkdn,
                    far_manager: qkdns[border.far_qkdn].manager,
                    fault_management: border.procedure().fault_management(),
                    near_controller: controller_of[border.hop.from.index()],
                    hop: border.hop.id,
                    link: border.hop.link,
                    stores: key_of_border(&border.hop, &self.hops),
                });
                Arc::new(ManagerSurroundings {
                    id: plan.manager,
                    qkdn,
                    borders: borders.collect(),
                    own_sessions: BTreeSet::new(),
                    tariff: self.tariffs[qkdn].clone(),
                    parameters: Arc::clone(&parameters),
                })
            })
            .collect();

        Plan {
            name: self.name,
            run: self.run,
            qkdns,
            iwns: self.iwns.values().map(|(name, _)| name.clone()).collect(),
            transfer_rates: self.transfer_rates,
            nodes,
            hops: self.hops,
            stores: self.stores,
            links: self.links,
            ducts: self.ducts,
            controllers,
            managers,
            boundaries: self.boundaries,
            applications: self.applications,
            sessions: self.sessions,
            pools: Arena::new(),
            classes: self.classes,
            faults: Arena::new(),
            random_faults: Vec::new(),
            parameters,
            processing: self.processing,
            serving: self.serving,
            delays: self.delays,
            channels: self.channels,
            interruption_threshold: self.interruption_threshold,
            prices: self.prices,
            material: self.material,
            exposure: self.exposure,
            sharing: None,
            data_network,
            km_surroundings,
            manager_surroundings,
            controller_surroundings,
        }
    }

    /// How long a message takes over each hop.
    fn time_hops(&mut self, data_network: &DataNetwork) {
        let processing = self.processing.key_manager;
        for at in 0..self.hops.len() {
            let hop = &mut self.hops[HopId::from_index(at)];
            // Nothing can be relayed where no way leads: such a hop counts as the longest.
            let way = data_network.delay(hop.from, hop.to);
            hop.delay = way.map_or(Span(u64::MAX), |way| way + processing);
        }
    }

    fn data_network(&self) -> DataNetwork {
        let mut network = DataNetwork::new(self.nodes.len());
        for link in self.links.values() {
            network.join(link.ends[0], link.ends[1], link.length_m, &link.ducts);
        }
        for (iwn, (_, delay)) in self.iwns.iter() {
            let sides: Vec<NodeId> = self
                .nodes
                .iter()
                .filter(|(_, node)| node.2 == Some(iwn))
                .map(|(id, _)| id)
                .collect();
            for (number, &a) in sides.iter().enumerate() {
                sides[number + 1..]
                    .iter()
                    .for_each(|&b| network.join_locally(a, b, *delay));
            }
        }
        for &(a, b, length_m) in &self.routes {
            network.give(a, b, length_m);
        }
        network
    }

    /// One QKDN's own topology: its nodes and the hops between them; border hops are not in it.
    fn domain(&self, qkdn: QkdnId, controller_of: &[ControllerId]) -> Domain {
        let mut graph = DiGraph::new();
        let mut index = FxHashMap::default();
        let mut controllers = FxHashMap::default();
        for (node, _) in self.nodes.iter().filter(|(_, plan)| plan.1 == qkdn) {
            index.insert(node, graph.add_node(node));
            controllers.insert(node, controller_of[node.index()]);
        }
        for hop in self.hops.values() {
            if let (Some(&from), Some(&to)) = (index.get(&hop.from), index.get(&hop.to)) {
                graph.add_edge(from, to, hop.clone());
            }
        }
        let own = || self.hops.values().filter(|hop| index.contains_key(&hop.from));
        let stores = own()
            .filter_map(|hop| Some((hop.id, self.stores[hop.store()?].settings.clone())))
            .collect();
        let hops = own().map(|hop| (hop.id, hop.clone())).collect();
        Domain {
            qkdn,
            graph,
            index,
            relay: self.relay[qkdn.index()],
            controller_of: controllers,
            hops,
            stores,
            positions: self.positions(qkdn),
            distances: Distances::default(),
        }
    }

    /// A QKDN's nodes in a plane: the equirectangular projection about its first node, good where a QKDN is small against
    /// the Earth.
    fn positions(&self, qkdn: QkdnId) -> FxHashMap<NodeId, [f64; 2]> {
        /// Mean radius of the Earth (IUGG R₁).
        const EARTH_M: f64 = 6_371_008.8;
        let members = self.nodes.iter().filter(|(_, plan)| plan.1 == qkdn);
        let mut placed = members.filter_map(|(node, _)| Some((node, self.place_of(node)?)));
        let Some((first, [lon_0, lat_0])) = placed.next() else {
            return FxHashMap::default();
        };
        let narrow = libm::cos(lat_0.to_radians());
        let project = |(node, [lon, lat]): (NodeId, [f64; 2])| {
            // The shorter way round.
            let east = libm::remainder(lon - lon_0, 360.0).to_radians() * narrow;
            (node, [east * EARTH_M, (lat - lat_0).to_radians() * EARTH_M])
        };
        [(first, [lon_0, lat_0])]
            .into_iter()
            .chain(placed)
            .map(project)
            .collect()
    }
}

/// Hops whose stores hold a border's key, with their links.
fn key_of_border(across: &Hop, hops: &Arena<HopId, Hop>) -> Box<[(HopId, Option<LinkId>)]> {
    let holds = |hop: &&Hop| {
        if across.store().is_some() {
            hop.id == across.id
        } else {
            hop.from == across.from && hop.store().is_some()
        }
    };
    let stores = hops.values().filter(holds);
    stores.map(|hop| (hop.id, hop.link)).collect()
}
