//! The plan: what a scenario means. Immutable, validated, with integer ids and integer time; shared by all
//! replications and threads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::channels::Channels;
use super::data_network::DataNetwork;
use super::sharing::SharingPlan;
use crate::architecture::policy::Policy;
use crate::architecture::protection::PoolSettings;
use crate::architecture::surroundings::{
    ControllerSurroundings, KmSurroundings, ManagerSurroundings, Parameters, Placement, StoreSettings,
};
use crate::architecture::tariff::Tariff;
use crate::architecture::{Address, Disturbance, ElementKind, Hop};
use crate::control::routing::RoutingAlgorithm;
use crate::fault::Site;
use crate::fault::occurrence::Renewal;
use crate::ids::{
    ApplicationId, Arena, BoundaryId, ClassId, ControllerId, DuctId, FaultId, HopId, IwnId, LinkId,
    ManagerId, NodeId, PoolId, QkdnId, SessionId, StoreId,
};
use crate::kernel::{Span, Streams, Time};
use crate::quantum::generation::Making;
use crate::quantum::models::BlockSchedule;
use crate::service::demand::ArrivalProcess;
use crate::units::{Fraction, Metres};

/// How a QKDN is controlled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// One controller per node.
    Distributed,
    /// One controller for all, at this node.
    Centralized(NodeId),
}

/// A QKD network.
#[derive(Clone, Debug)]
pub struct QkdnPlan {
    /// Its id in the scenario.
    pub name: String,
    /// Its manager.
    pub manager: ManagerId,
    /// Its routing.
    pub routing: Arc<dyn RoutingAlgorithm>,
    /// What its provider charges.
    pub tariff: Option<Arc<Tariff>>,
    /// Whether one controller serves it all.
    pub centralized: bool,
    /// What its provider lets keys have and do.
    pub policy: Arc<Policy>,
}

/// A trusted node with its KM. An IWN is one node per attached QKDN.
#[derive(Clone, Debug)]
pub struct NodePlan {
    /// Qualified name, `QKDN/NODE`.
    pub name: String,
    /// The QKDN that it counts to.
    pub qkdn: QkdnId,
    /// The IWN that it is a side of.
    pub iwn: Option<IwnId>,
    /// The controller that serves it.
    pub controller: ControllerId,
}

/// A QKD link: two modules, a channel, a store per direction.
#[derive(Clone, Debug)]
pub struct LinkPlan {
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
    /// What all of them make together; `None`: no key over this channel.
    pub schedule: Option<BlockSchedule>,
    /// How blocks differ from one another; `None`: they are all like the schedule's.
    pub making: Option<Making>,
    /// Share of every block that goes to the first end's lane.
    pub first_lane: Fraction,
    /// Where it lies.
    pub ducts: Vec<DuctSection>,
    /// Its hops: from the first end, from the second.
    pub hops: [HopId; 2],
}

/// A stretch of a duct.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DuctSection {
    /// Which duct.
    pub duct: DuctId,
    /// From here \[m from the duct's first end\].
    pub from_m: u64,
    /// To here; greater than `from_m`.
    pub to_m: u64,
}

impl DuctSection {
    /// Whether that place of that duct \[m\] belongs to it.
    pub fn holds(self, duct: DuctId, position_m: u64) -> bool {
        self.duct == duct && self.from_m <= position_m && position_m < self.to_m
    }
}

/// A duct.
#[derive(Clone, Debug)]
pub struct DuctPlan {
    /// Qualified name.
    pub name: String,
    /// Length \[m\].
    pub length_m: u64,
}

/// What fills a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreSource {
    /// One lane of a link: 0 is the first end's.
    Lane(LinkId, usize),
    /// A source inside a trusted node.
    Local(BlockSchedule),
}

/// A directed key store.
#[derive(Clone, Debug)]
pub struct StorePlan {
    /// What its KMs know of it.
    pub settings: StoreSettings,
    /// What fills it.
    pub source: StoreSource,
}

/// A controller.
#[derive(Clone, Debug)]
pub struct ControllerPlan {
    /// Name.
    pub name: String,
    /// Where it stands, and what it counts to.
    pub placement: Placement,
}

/// A manager: QLM, KMLM, QCLM and XLMO.
#[derive(Clone, Debug)]
pub struct ManagerPlan {
    /// Name.
    pub name: String,
    /// Where it stands.
    pub placement: Placement,
}

/// A boundary between two QKDNs.
#[derive(Clone, Debug)]
pub struct BoundaryPlan {
    /// Its id in the scenario.
    pub name: String,
    /// The border hops, one each way.
    pub hops: [HopId; 2],
}

/// A cryptographic application.
#[derive(Clone, Debug)]
pub struct ApplicationPlan {
    /// Name.
    pub name: String,
    /// The node whose KSA supplies it.
    pub node: NodeId,
}

/// A demand: one session between two applications.
#[derive(Clone, Debug)]
pub struct SessionPlan {
    /// The demand's id in the scenario.
    pub name: String,
    /// The application that asks.
    pub source: ApplicationId,
    /// Its peer.
    pub destination: ApplicationId,
    /// When it asks.
    pub arrivals: Arc<dyn ArrivalProcess>,
    /// Keys per request times their length \[bits\].
    pub bits: u64,
    /// Keys per request.
    pub keys: u64,
    /// How long the application waits.
    pub timeout: Span,
    /// QoS class.
    pub class: ClassId,
    /// Between which instants it asks; the second is excluded.
    pub active: [Time; 2],
    /// Whether its keys are for what providers share, and no user's.
    pub for_sharing: bool,
    /// Who asks for its keys.
    pub role: Role,
}

/// Who asks for a session's keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// An application.
    Demand,
    /// The KSA of the demand whose leg it is.
    Leg(SessionId),
    /// The KM that fills a pool by it.
    Refill(PoolId),
}

/// A pool: a store between two KMs that is filled by relay.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    /// Its name.
    pub name: String,
    /// What the KM knows of it that fills it, and serves from it.
    pub settings: Arc<PoolSettings>,
}

/// A QoS class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassPlan {
    /// Its name.
    pub name: String,
    /// Those of a higher priority are served first.
    pub priority: u32,
    /// Its requests fail at once where they find too little key.
    pub fails_at_once: bool,
    /// What its requests lack at a hop is relayed round that hop.
    pub refills: bool,
}

/// A fault of the scenario.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Its id in the scenario.
    pub name: String,
    /// What it does, in this order, until it is repaired.
    pub disturbances: Vec<Disturbance>,
    /// When.
    pub at: Time,
    /// Until when.
    pub repaired: Option<Time>,
    /// When it is announced, if it is.
    pub announced: Option<Time>,
}

/// A fault that comes at random, in each replication anew.
#[derive(Clone, Debug)]
pub struct RandomFault {
    /// Its id in the scenario.
    pub name: String,
    /// The label of the stream that its times come from.
    pub label: String,
    /// What it does while it lasts.
    pub disturbances: Vec<Disturbance>,
    /// When it comes and goes.
    pub renewal: Renewal,
}

/// Service times of the first-in-first-out servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processing {
    /// Of a KM.
    pub key_manager: Span,
    /// Of a controller.
    pub controller: Span,
    /// Of a manager.
    pub manager: Span,
}

/// What a scenario that says nothing else gets: 100 us each.
impl Default for Processing {
    fn default() -> Self {
        let each = Span::from_micros(100);
        Processing {
            key_manager: each,
            controller: each,
            manager: each,
        }
    }
}

/// How service times are distributed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ServiceLaw {
    /// Always the processing time.
    #[default]
    Fixed,
    /// Exponential, with the processing time as its mean; drawn from a stream of each element.
    Exponential,
}

/// How the servers serve beside their processing times.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Serving {
    /// How service times are distributed.
    pub law: ServiceLaw,
    /// How many messages a KM holds at most, the one in service included; `None`: as many as come.
    pub key_manager_queue: Option<u32>,
}

/// Delays where there is no fibre between.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LocalDelays {
    /// Application – KSA, each way.
    pub ak: Span,
    /// Between two elements in one node, each way.
    pub local: Span,
}

/// Times and amounts of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunPlan {
    /// Before counting.
    pub warm_up: Span,
    /// Counting time and the longest time-out.
    pub duration: Span,
    /// The scenario's seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
}

/// What equipment costs, in whole units of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prices {
    /// A pair of QKD modules.
    pub module_pair: u64,
    /// A key manager.
    pub key_manager: u64,
    /// A controller.
    pub controller: u64,
    /// A trusted site.
    pub site: u64,
    /// An untrusted station in the middle of a link, per module pair.
    pub middle_station: u64,
    /// A QKD link.
    pub link: u64,
}

/// Equipment, for prices.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Inventory {
    /// QKD modules.
    pub modules: u64,
    /// Key managers.
    pub key_managers: u64,
    /// Trusted sites.
    pub sites: u64,
    /// Untrusted stations in the middle of links.
    pub middle_stations: u64,
    /// QKD links.
    pub links: u64,
}

/// Real bits.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MaterialPlan {
    /// Receiving ends of stores whose place is off by so many bits: what the check is there to find.
    pub drifts: Vec<(StoreId, u64)>,
}

/// What a scenario means.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario's name.
    pub name: String,
    /// Times and amounts.
    pub run: RunPlan,
    /// QKD networks.
    pub qkdns: Arena<QkdnId, QkdnPlan>,
    /// Interworking nodes, by name.
    pub iwns: Arena<IwnId, String>,
    /// How fast keys are transferred over hops inside a site \[bit/s\], where that takes time.
    pub transfer_rates: BTreeMap<HopId, u64>,
    /// Nodes.
    pub nodes: Arena<NodeId, NodePlan>,
    /// Hops, both ways.
    pub hops: Arena<HopId, Hop>,
    /// Stores.
    pub stores: Arena<StoreId, StorePlan>,
    /// Links.
    pub links: Arena<LinkId, LinkPlan>,
    /// Ducts.
    pub ducts: Arena<DuctId, DuctPlan>,
    /// Controllers.
    pub controllers: Arena<ControllerId, ControllerPlan>,
    /// Managers.
    pub managers: Arena<ManagerId, ManagerPlan>,
    /// Boundaries.
    pub boundaries: Arena<BoundaryId, BoundaryPlan>,
    /// Applications.
    pub applications: Arena<ApplicationId, ApplicationPlan>,
    /// Sessions.
    pub sessions: Arena<SessionId, SessionPlan>,
    /// Pools.
    pub pools: Arena<PoolId, PoolPlan>,
    /// QoS classes.
    pub classes: Arena<ClassId, ClassPlan>,
    /// Faults.
    pub faults: Arena<FaultId, FaultPlan>,
    /// Faults that come at random; a replication's plan has them among the [`faults`](Self::faults).
    pub random_faults: Vec<RandomFault>,
    /// Parameters of the protocols.
    pub parameters: Arc<Parameters>,
    /// Service times.
    pub processing: Processing,
    /// How they are served.
    pub serving: Serving,
    /// Delays inside a node.
    pub delays: LocalDelays,
    /// How well messages are carried.
    pub channels: Channels,
    /// D of the service interruption; `None`: the largest KKRD before the fault.
    pub interruption_threshold: Option<Span>,
    /// What equipment costs, where the scenario says so.
    pub prices: Option<Prices>,
    /// Whether real bits flow, and what may be wrong with their places.
    pub material: Option<MaterialPlan>,
    /// Whether to work out which supplied keys each trusted node could have read.
    pub exposure: bool,
    /// How Cxi and Mxi are keyed, if with KSA-keys.
    pub sharing: Option<SharingPlan>,
    /// Delays of the data network.
    pub data_network: DataNetwork,
    /// What each KM sees.
    pub km_surroundings: Arena<NodeId, Arc<KmSurroundings>>,
    /// What each manager sees.
    pub manager_surroundings: Arena<ManagerId, Arc<ManagerSurroundings>>,
    /// What each controller sees.
    pub controller_surroundings: Arena<ControllerId, Arc<ControllerSurroundings>>,
}

impl Plan {
    /// Sessions whose keys applications ask for.
    pub fn demands(&self) -> impl Iterator<Item = (SessionId, &SessionPlan)> {
        let all = self.sessions.iter();
        all.filter(|(_, session)| session.role == Role::Demand)
    }

    /// The same without legs, as who only looks at what is asked for sees it. Legs stand behind all demands.
    pub fn without_legs(&self) -> Cow<'_, Plan> {
        let demands = self.demands().count();
        if demands == self.sessions.len() {
            return Cow::Borrowed(self);
        }
        let sessions = self.sessions.values().take(demands).cloned().collect();
        Cow::Owned(Plan {
            sessions,
            ..self.clone()
        })
    }

    /// End of arrivals: warm-up and duration.
    pub fn end(&self) -> Time {
        Time::ZERO + self.run.warm_up + self.run.duration
    }

    /// No request lives longer than this: links are not read further ahead.
    pub fn horizon(&self) -> Time {
        let longest = self.sessions.values().map(|session| session.timeout).max();
        self.end() + longest.unwrap_or(Span::ZERO) + Span::from_seconds(1)
    }

    /// The counting time: from the warm-up to the end less the longest time-out.
    pub fn counting(&self) -> (Time, Time) {
        let demands = self.demands().map(|(_, session)| session.timeout);
        let longest = demands.max().unwrap_or(Span::ZERO);
        let from = Time::ZERO + self.run.warm_up;
        (from, Time(self.end().0.saturating_sub(longest.0).max(from.0)))
    }

    /// Whether a QKDN lets no keys of others pass.
    pub fn refuses_transit(&self, qkdn: QkdnId) -> bool {
        self.qkdns[qkdn].policy.refuses_transit
    }

    /// Whether a fault, or a full queue, can keep messages from getting through.
    pub fn loses_messages(&self) -> bool {
        if self.serving.key_manager_queue.is_some() {
            return true;
        }
        !self.silencing_faults().is_empty()
    }

    /// Faults by which messages are lost.
    pub fn silencing_faults(&self) -> BTreeSet<FaultId> {
        let silences = |&(_, fault): &(FaultId, &FaultPlan)| {
            let mut disturbances = fault.disturbances.iter();
            disturbances.any(Disturbance::loses_messages)
        };
        self.faults.iter().filter(silences).map(|(id, _)| id).collect()
    }

    /// Adds a fault.
    pub fn add_fault(
        &mut self,
        name: &str,
        disturbances: Vec<Disturbance>,
        at: Time,
        repaired: Option<Time>,
    ) -> FaultId {
        self.faults.push(FaultPlan {
            name: name.to_owned(),
            disturbances,
            at,
            repaired,
            announced: None,
        })
    }

    /// The plan of one replication: random faults have their times, the n-th of them is called `ID/n`. The same plan where
    /// nothing is random.
    pub fn of_replication(self: &Arc<Plan>, replication: u32) -> Arc<Plan> {
        if self.random_faults.is_empty() {
            return Arc::clone(self);
        }
        let streams = Streams::new(self.run.seed, replication);
        let mut own = Plan::clone(self);
        for fault in &self.random_faults {
            let mut random = streams.stream(&fault.label, "occurrences");
            let times = fault.renewal.occurrences(&mut random, self.end());
            for (number, (at, repaired)) in (1..).zip(times) {
                let name = format!("{}/{number}", fault.name);
                own.add_fault(&name, fault.disturbances.clone(), at, Some(repaired));
            }
        }
        Arc::new(own)
    }

    /// Where an element stands.
    pub fn placement(&self, address: Address) -> Placement {
        let of_node = |node: NodeId| {
            let plan = &self.nodes[node];
            Placement {
                node,
                qkdn: plan.qkdn,
                iwn: plan.iwn,
            }
        };
        let index = address.index();
        match address.kind() {
            ElementKind::Application => of_node(self.applications[ApplicationId(index)].node),
            ElementKind::Ksa | ElementKind::Kma => of_node(NodeId(index)),
            ElementKind::QkdModule => of_node(self.links[LinkId(index / 2)].ends[index as usize % 2]),
            ElementKind::Controller => self.controllers[ControllerId(index)].placement,
            ElementKind::Manager | ElementKind::UserNetworkManager => {
                self.managers[ManagerId(index)].placement
            }
        }
    }

    /// An element's name in traces.
    pub fn name_of(&self, address: Address) -> String {
        let index = address.index();
        match address.kind() {
            ElementKind::Application => self.applications[ApplicationId(index)].name.clone(),
            ElementKind::Ksa => format!("KSA {}", self.nodes[NodeId(index)].name),
            ElementKind::Kma => format!("KMA {}", self.nodes[NodeId(index)].name),
            ElementKind::QkdModule => {
                let link = &self.links[LinkId(index / 2)];
                let end = link.ends[index as usize % 2];
                format!("QKD module {} at {}", link.name, self.nodes[end].name)
            }
            ElementKind::Controller => self.controllers[ControllerId(index)].name.clone(),
            ElementKind::Manager => self.managers[ManagerId(index)].name.clone(),
            ElementKind::UserNetworkManager => {
                format!("user network {}", self.managers[ManagerId(index)].name)
            }
        }
    }

    /// What all of it costs, by the scenario's prices; `None` without prices.
    pub fn cost(&self) -> Option<u64> {
        let (prices, inventory) = (self.prices?, self.inventory());
        let parts = [
            (inventory.modules / 2, prices.module_pair),
            (inventory.key_managers, prices.key_manager),
            (self.controllers.len() as u64, prices.controller),
            (inventory.sites, prices.site),
            (inventory.middle_stations, prices.middle_station),
            (inventory.links, prices.link),
        ];
        // A scenario's prices are checked to be far from this.
        let sum = |whole: u64, (count, price): (u64, u64)| whole.saturating_add(count.saturating_mul(price));
        Some(parts.into_iter().fold(0, sum))
    }

    /// What there is to pay for.
    pub fn inventory(&self) -> Inventory {
        let mut iwns: Vec<IwnId> = self.nodes.values().filter_map(|node| node.iwn).collect();
        iwns.sort();
        let sides = iwns.len();
        iwns.dedup();
        Inventory {
            modules: self.links.values().map(|link| 2 * link.systems).sum(),
            middle_stations: (self.links.values())
                .filter(|link| link.middle_station)
                .map(|link| link.systems)
                .sum(),
            links: self.links.len() as u64,
            key_managers: self.nodes.len() as u64,
            sites: (self.nodes.len() - sides + iwns.len()) as u64,
        }
    }
}

impl Site for Plan {
    fn duct(&self, name: &str) -> Option<(DuctId, Metres)> {
        let found = self.ducts.iter().find(|(_, plan)| plan.name == name);
        found.map(|(id, plan)| (id, Metres(plan.length_m)))
    }

    fn links_at(&self, duct: DuctId, position_m: u64) -> Vec<LinkId> {
        let lies_there = |link: &LinkPlan| link.ducts.iter().any(|section| section.holds(duct, position_m));
        let links = self.links.iter().filter(|(_, link)| lies_there(link));
        links.map(|(id, _)| id).collect()
    }

    fn link(&self, name: &str) -> Option<LinkId> {
        let found = self.links.iter().find(|(_, plan)| plan.name == name);
        found.map(|(id, _)| id)
    }

    fn nodes(&self, name: &str) -> Vec<NodeId> {
        let named = |plan: &NodePlan| {
            let site = plan.iwn.map(|site| self.iwns[site].as_str());
            plan.name == name || site == Some(name)
        };
        let found = self.nodes.iter().filter(|(_, plan)| named(plan));
        found.map(|(id, _)| id).collect()
    }

    fn element(&self, name: &str) -> Option<Address> {
        let mut all = self.elements();
        all.find(|&element| self.name_of(element) == name)
    }

    fn standing_at(&self, node: NodeId) -> Vec<Address> {
        self.elements()
            .filter(|&element| self.placement(element).node == node)
            .filter(|element| element.kind() != ElementKind::Ksa)
            .collect()
    }
}

impl Plan {
    /// All elements that can fail or be spoken to: KMAs, KSAs, controllers, managers, modules.
    pub fn elements(&self) -> impl Iterator<Item = Address> + '_ {
        let kms = self
            .nodes
            .ids()
            .flat_map(|node| [Address::kma(node), Address::ksa(node)]);
        let controllers = self.controllers.ids().map(Address::controller);
        let managers = self.managers.ids().map(Address::manager);
        let modules = self.links.ids();
        let modules = modules.flat_map(|link| [0, 1].map(|end| Address::module(link, end)));
        kms.chain(controllers).chain(managers).chain(modules)
    }
}
