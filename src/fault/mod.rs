//! Faults: what may break, one file each. A fault says what is wrong with its own fields, and what it comes down to:
//! [`Disturbance`]s that begin with it and end with its repair.
//!
//! To add one: a file with its record and an `impl FaultKind`, and a line in the catalogue below. When faults come is
//! the business of [`occurrence`].

mod channel_cut;
mod controller_outage;
mod duct_cut;
mod eavesdropper;
mod group;
mod km_outage;
mod link_cut;
mod maintenance;
mod manager_outage;
mod module_failure;
mod node_loss;
pub mod occurrence;
mod slow_drift;
mod store_corruption;

pub use self::channel_cut::ChannelCut;
pub use self::controller_outage::ControllerOutage;
pub use self::duct_cut::DuctCut;
pub use self::eavesdropper::Eavesdropper;
pub use self::group::Group;
pub use self::km_outage::KmOutage;
pub use self::link_cut::LinkCut;
pub use self::maintenance::Maintenance;
pub use self::manager_outage::ManagerOutage;
pub use self::module_failure::ModuleFailure;
pub use self::node_loss::NodeLoss;
pub use self::slow_drift::SlowDrift;
pub use self::store_corruption::StoreCorruption;

use crate::architecture::{Address, Disturbance, ElementKind};
use crate::catalogue::{choice, suggest};
use crate::ids::{DuctId, LinkId, NodeId};
use crate::kernel::Span;
use crate::units::Metres;

/// What a fault's record must be able to do.
pub trait FaultKind {
    /// Everything that is wrong with its fields.
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint>;

    /// What it does while it lasts. The record has no [`complaints`](Self::complaints).
    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance>;

    /// The label of the stream that its random times come from; `None`: the fault's own id. Two variants that share the
    /// label share the times; of several faults of a scenario with one label each has times of its own.
    fn label(&self, site: &dyn Site) -> Option<String> {
        let _ = site;
        None
    }

    /// How long before it is announced; `None`: it comes as a surprise.
    fn notice(&self) -> Option<Span> {
        None
    }

    /// The links of an announced window; windows of the same link must not overlap.
    fn window(&self) -> &[String] {
        &[]
    }
}

choice! {
    /// What breaks.
    pub enum Fault ("fault") as dyn FaultKind {
        /// All that lies at one place of a duct is cut.
        duct_cut => DuctCut(DuctCut),
        /// One link's quantum and Qx channels are cut.
        link_cut => LinkCut(LinkCut),
        /// The QKD module at one end of a link fails.
        module_failure => ModuleFailure(ModuleFailure),
        /// A key manager is out of service and restarts.
        km_outage => KmOutage(KmOutage),
        /// A controller is out of service.
        controller_outage => ControllerOutage(ControllerOutage),
        /// A manager is out of service.
        manager_outage => ManagerOutage(ManagerOutage),
        /// All that stands at a node is lost: a border node too.
        node_loss => NodeLoss(NodeLoss),
        /// Messages between two elements, or at a reference point, do not get through.
        channel_cut => ChannelCut(ChannelCut),
        /// An eavesdropper intercepts and resends a share of a link's pulses.
        eavesdropper => Eavesdropper(Eavesdropper),
        /// A link's error rate rises slowly.
        slow_drift => SlowDrift(SlowDrift),
        /// The two ends of a link's key stores no longer agree.
        store_corruption => StoreCorruption(StoreCorruption),
        /// Several at once: a group of shared risk.
        group => Group(Group),
        /// A window of maintenance, announced beforehand.
        maintenance => Maintenance(Maintenance),
    }
}

/// Something wrong with a field of a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    /// Its code in findings.
    pub code: &'static str,
    /// The field.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

/// Kinds of things that a fault may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// Ducts.
    Duct,
    /// Links: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN" where an interworking site splits it.
    Link,
    /// Key managers, by their nodes: "QKDN/NODE", or "BOUNDARY/QKDN".
    KeyManager,
    /// Nodes: "QKDN/NODE", or a boundary's id for the site that stands on it.
    Node,
    /// Controllers: "QKDN" where control is centralized, else "QKDN/NODE" or "BOUNDARY/QKDN".
    Controller,
    /// QKDNs.
    Qkdn,
    /// Elements by their names in traces: "controller A", "KMA A/a1", "manager A".
    Element,
}

impl Named {
    /// The code of the finding when a name leads nowhere, and what was looked for.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Named::Duct => ("unknown_duct", "duct"),
            Named::Link => ("unknown_link", "link"),
            Named::KeyManager => ("unknown_key_manager", "key manager at"),
            Named::Node => ("unknown_node", "node"),
            Named::Controller => ("unknown_controller", "controller"),
            Named::Qkdn => ("unknown_qkdn", "QKDN"),
            Named::Element => ("unknown_element", "element"),
        }
    }
}

/// What a fault may name, by the names of the scenario.
pub trait Ground {
    /// The length of a duct.
    fn duct_length(&self, name: &str) -> Option<Metres>;

    /// All names of a kind.
    fn names(&self, kind: Named) -> Vec<String>;

    /// The kind and the QKDN of an element, by its name in traces.
    fn element(&self, name: &str) -> Option<(ElementKind, String)>;

    /// The two ends of a link, as names of key managers' nodes.
    fn ends(&self, link: &str) -> Option<[String; 2]>;

    /// Whether a link's blocks have errors of their own, so that an eavesdropper shows.
    fn has_errors(&self, link: &str) -> bool;
}

/// What lies where in a plan.
pub trait Site {
    /// A duct and its length.
    fn duct(&self, name: &str) -> Option<(DuctId, Metres)>;

    /// The links that lie at a place of a duct, in order.
    fn links_at(&self, duct: DuctId, position_m: u64) -> Vec<LinkId>;

    /// A link.
    fn link(&self, name: &str) -> Option<LinkId>;

    /// The nodes of that name: both sides of an interworking site.
    fn nodes(&self, name: &str) -> Vec<NodeId>;

    /// An element by its name in traces.
    fn element(&self, name: &str) -> Option<Address>;

    /// All that stands at a node and can fail with it: its KM, controllers, managers, modules.
    fn standing_at(&self, node: NodeId) -> Vec<Address>;
}

/// The complaint about a name that leads nowhere.
fn unknown(ground: &dyn Ground, kind: Named, field: &'static str, name: &str) -> Option<Complaint> {
    let names = ground.names(kind);
    let (code, what) = kind.words();
    (!names.iter().any(|known| known == name)).then(|| Complaint {
        code,
        field,
        message: format!("there is no {what} \"{name}\""),
        hint: suggest(name, &names),
    })
}

/// The complaint about a link on which errors would show nothing.
fn without_errors(ground: &dyn Ground, field: &'static str, link: &str) -> Option<Complaint> {
    (!ground.has_errors(link)).then(|| Complaint {
        code: "no_error_rate",
        field,
        message: format!("the model of link \"{link}\" has no errors: nothing would show"),
        hint: "give it a physical model, and no satellite's".to_owned(),
    })
}
