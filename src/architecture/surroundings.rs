//! What an element may see of its world: its hops, its peers, its controller, its manager, its parameters – never the
//! plan. No controller sees the other QKDN's topology or stores (requirement A5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

use super::distances::Distances;
use super::hop::Hop;
use super::message::Offer;
use super::policy::Policy;
use super::procedure::Procedure;
use super::protection::Protections;
use super::recovery::Recovery;
use super::tariff::Tariff;
use crate::ids::{
    BoundaryId, ControllerId, HopId, IwnId, LinkId, ManagerId, NodeId, QkdnId, SessionId, StoreId,
};
use crate::kernel::Span;
use crate::units::Fraction;

/// When keys are reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservationScheme {
    /// All KMs of a segment confirm before a key is spent.
    Segment,
    /// Each KM reserves when the relay reaches it.
    PerHop,
}

/// What the second KM inside an IWN does with a key that it has acknowledged (P12 step 9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferredKeys {
    /// It stores it until the key's supply is agreed on.
    Store,
    /// It deletes it, as the first one does.
    Delete,
}

/// How keys are relayed inside one QKDN (Y.3803). All three spend the key's length on every hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelayScheme {
    /// Each KM decrypts and encrypts anew.
    HopByHop,
    /// Each KM sends the sum of its two links' keys straight to the segment's last KM.
    Destination,
    /// Each KM sends the sum of its two links' keys to the KM at this node, which combines them and sends on.
    Centralized(NodeId),
}

impl RelayScheme {
    /// Which KM combines the parts of a segment that ends there; `None`: there are no parts.
    pub fn combiner(self, end: NodeId) -> Option<NodeId> {
        match self {
            RelayScheme::HopByHop => None,
            RelayScheme::Destination => Some(end),
            RelayScheme::Centralized(at) => Some(at),
        }
    }
}

/// What managers exchange beside usage records and alarms; by default, nothing.
#[derive(Clone, Default, Debug)]
pub struct ManagementOptions {
    /// How often the records of an open session are settled; `None`: when it is over.
    pub settlement_period: Option<Span>,
    /// Whether controllers tell their manager of capabilities and provisioned routes (Mc).
    pub configuration_records: bool,
    /// Whether managers report on sessions to their users' networks (Mu).
    pub user_reports: bool,
    /// When managers share performance and security reports.
    pub reports: ReportTriggers,
}

/// When managers share performance and security reports (P11/P14 steps 5 and 6); by default, never.
#[derive(Clone, Default, Debug)]
pub struct ReportTriggers {
    /// At equal distances.
    pub period: Option<Span>,
    /// When a link alarm begins or ends.
    pub on_alarm: bool,
    /// When a relay or transfer fails.
    pub on_relay_failure: bool,
    /// When a store of the border falls below this share of its capacity.
    pub level_below: Option<Fraction>,
}

/// How controllers of one QKDN keep each other's knowledge fresh; by default, by changes alone.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LinkStateRefresh {
    /// How often each says anew how the hops do that it serves; `None`: never.
    pub period: Option<Span>,
    /// Age from which knowledge of hops that another controller serves counts as none.
    pub max_age: Option<Span>,
}

/// Parameters of the protocols and of the elements' times, the same for all elements of a run.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// When keys are reserved.
    pub reservation: ReservationScheme,
    /// Whether usage records are sent (P9 step 10).
    pub usage_records: bool,
    /// What becomes of transferred keys that are acknowledged.
    pub transferred_keys: TransferredKeys,
    /// Whether modules report the state of their links.
    pub status_reports: bool,
    /// Key that the authentication tag of a message between neighbouring KMAs spends \[bits\]; 0: authentication is
    /// computational.
    pub authentication_tag: u64,
    /// What managers exchange beside that.
    pub management: ManagementOptions,
    /// Number of level classes of a store that are reported; 0: levels are not reported.
    pub level_classes: u8,
    /// Physical event → the module declares it.
    pub detection: Span,
    /// A controller's analysis of a report.
    pub analysis: Span,
    /// A controller's computation of a new route.
    pub computation: Span,
    /// A KM's installation of a new route.
    pub installation: Span,
    /// Distance of polls for status; `None`: nobody polls.
    pub polling: Option<Span>,
    /// Levels at which a link is ordered to stop, and to start again \[percent of a store's capacity\].
    pub generation_control: Option<[u8; 2]>,
    /// Between the arrival of COMMIT and the agreed switch instant.
    pub coordination_guard: Span,
    /// How long a controller waits for the other side's answer before it repeats itself.
    pub coordination_timeout: Span,
    /// How often it repeats itself before it gives the other side up.
    pub coordination_retries: u8,
    /// How failures are noticed, and when something is done about them.
    pub recovery: Recovery,
    /// How controllers keep each other's knowledge fresh.
    pub refresh: LinkStateRefresh,
    /// Under which procedure status and rerouting are traced where no session says it: P13 if all boundaries are
    /// transfers, else P10. Set by the plan.
    pub rerouting: Procedure,
}

/// What a scenario that says nothing else gets.
impl Default for Parameters {
    fn default() -> Self {
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
}

/// A key store as its two KMs know it.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Which store.
    pub id: StoreId,
    /// The hop that spends from it.
    pub hop: HopId,
    /// Fill at the start (pre-shared) \[bits\].
    pub initial: u64,
    /// Capacity \[bits\].
    pub capacity: u64,
    /// Minimum level that is not served \[bits\].
    pub floor: u64,
    /// Age at which keys expire.
    pub max_age: Option<Span>,
}

impl StoreSettings {
    /// The least level of the class after `class`, of so many equal classes of the capacity \[bits\]; the first class is 1.
    pub fn edge_above(&self, class: u8, classes: u8) -> u64 {
        let share = u128::from(self.capacity) * u128::from(class);
        share.div_ceil(u128::from(classes.max(1))) as u64
    }
}

/// What a KM sees.
#[derive(Clone, Debug)]
pub struct KmSurroundings {
    /// Its node.
    pub node: NodeId,
    /// Its QKDN.
    pub qkdn: QkdnId,
    /// The controller that serves it.
    pub controller: ControllerId,
    /// The manager of its QKDN.
    pub manager: ManagerId,
    /// Hops that it sends over.
    pub outgoing: Vec<Hop>,
    /// Hops that it receives over.
    pub incoming: Vec<Hop>,
    /// Stores that it allocates from.
    pub sending_stores: Vec<StoreSettings>,
    /// Stores that it follows.
    pub receiving_stores: Vec<StoreSettings>,
    /// How many sessions its hops carry at once, where that is limited.
    pub session_limits: BTreeMap<HopId, u32>,
    /// How the sessions of its applications are protected.
    pub protections: Arc<Protections>,
    /// Parameters.
    pub parameters: Arc<Parameters>,
}

/// One QKDN as its own controllers know it: the provisioned topology.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Which QKDN.
    pub qkdn: QkdnId,
    /// Nodes, and the hops between them.
    pub graph: DiGraph<NodeId, Hop>,
    /// Where a node stands in the graph.
    pub index: FxHashMap<NodeId, NodeIndex>,
    /// How keys are relayed in it.
    pub relay: RelayScheme,
    /// Which controller serves a node.
    pub controller_of: FxHashMap<NodeId, ControllerId>,
    /// All hops that its KMs send over, border hops included.
    pub hops: FxHashMap<HopId, Hop>,
    /// Provisioned stores, for what is known of their levels.
    pub stores: FxHashMap<HopId, StoreSettings>,
    /// Where nodes are, in a plane: east and north of some point \[m\]. Empty where places are not known.
    pub positions: FxHashMap<NodeId, [f64; 2]>,
    /// Distances over its hops, for searches.
    pub distances: Distances,
}

impl Domain {
    /// Whether the node belongs to this QKDN (an IWN's side counts).
    pub fn contains(&self, node: NodeId) -> bool {
        self.index.contains_key(&node)
    }
}

/// A boundary as seen from one side.
#[derive(Clone, Debug)]
pub struct Border {
    /// Which boundary.
    pub boundary: BoundaryId,
    /// The hop from here across.
    pub hop: Hop,
    /// The QKDN beyond.
    pub far_qkdn: QkdnId,
    /// The controller beyond that it speaks to over Cxi or Cxi'.
    pub far_controller: ControllerId,
}

impl Border {
    /// Which procedure crosses here.
    pub fn procedure(&self) -> Procedure {
        self.hop.handover.procedure()
    }
}

/// What a controller sees.
#[derive(Clone, Debug)]
pub struct ControllerSurroundings {
    /// Which controller.
    pub id: ControllerId,
    /// The manager of its QKDN.
    pub manager: ManagerId,
    /// Its own QKDN.
    pub domain: Arc<Domain>,
    /// All borders of its QKDN, in order.
    pub borders: Arc<[Border]>,
    /// Ways to QKDNs beyond the neighbouring ones, as provisioned, by the boundary across which they are offered.
    pub offers: Arc<[(BoundaryId, Offer)]>,
    /// KMs that it serves.
    pub kms: Vec<NodeId>,
    /// Modules that it serves: link and end.
    pub modules: Vec<(LinkId, u8)>,
    /// Controllers of the same QKDN that it floods status to: those of neighbouring nodes.
    pub flooding_peers: Vec<ControllerId>,
    /// Its provider's policy.
    pub policy: Arc<Policy>,
    /// Parameters.
    pub parameters: Arc<Parameters>,
}

/// A boundary as a manager sees it.
#[derive(Clone, Debug)]
pub struct ManagedBorder {
    /// Which boundary.
    pub boundary: BoundaryId,
    /// The QKDN beyond.
    pub far_qkdn: QkdnId,
    /// Its manager.
    pub far_manager: ManagerId,
    /// Whose steps are what both managers tell each other of failures there: P11, or P14 where keys are transferred.
    pub fault_management: Procedure,
    /// The controller on this side that serves the border KM.
    pub near_controller: ControllerId,
    /// The hop across.
    pub hop: HopId,
    /// The QKD link across; none where keys are transferred.
    pub link: Option<LinkId>,
    /// Hops whose stores hold the border's key, with their links: the hop across; where it spends none, those from its KM.
    pub stores: Box<[(HopId, Option<LinkId>)]>,
}

/// What a manager sees.
#[derive(Clone, Debug)]
pub struct ManagerSurroundings {
    /// Which manager.
    pub id: ManagerId,
    /// Its QKDN.
    pub qkdn: QkdnId,
    /// The boundaries of its QKDN.
    pub borders: Vec<ManagedBorder>,
    /// Sessions that the provider itself asks for, whose keys are no user's: its encryptors', its pools' refills.
    pub own_sessions: BTreeSet<SessionId>,
    /// What its provider charges.
    pub tariff: Option<Arc<Tariff>>,
    /// Parameters.
    pub parameters: Arc<Parameters>,
}

/// Where an element stands: what its reference points follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// At which node.
    pub node: NodeId,
    /// In which QKDN.
    pub qkdn: QkdnId,
    /// Inside which IWN, if any.
    pub iwn: Option<IwnId>,
}
