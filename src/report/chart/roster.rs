//! Who there is: the elements of a plan by name, with layer, QKDN and interworking site, for columns and for filters.

use std::collections::BTreeMap;

use crate::architecture::{Address, ElementKind, Layer};
use crate::ids::Id as _;
use crate::network::plan::Plan;

/// An element as a chart needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    /// The column that it stands in: its own name, or its KM's for KMA and KSA.
    pub column: String,
    /// Its layer.
    pub layer: Layer,
    /// Its QKDN.
    pub qkdn: String,
    /// The interworking node that it is part of.
    pub site: Option<String>,
    /// Its node.
    pub node: String,
    /// Whether its node is one end of a border hop.
    pub border: bool,
}

/// All that filters may name.
#[derive(Clone, Default, Debug)]
pub struct Roster {
    /// Elements by their names in the trace.
    pub elements: BTreeMap<String, Element>,
    /// Sessions (demands), in the scenario's order.
    pub sessions: Vec<String>,
    /// Faults, in the scenario's order; random ones as they come in the replication that is looked at.
    pub faults: Vec<String>,
    /// When each begins \[ns\].
    pub begins: BTreeMap<String, u64>,
}

impl Element {
    /// What a controller or manager of this name is called after: its QKDN, or its node.
    fn short<'a>(&self, name: &'a str) -> Option<&'a str> {
        let after = matches!(
            self.layer,
            Layer::Control | Layer::Management | Layer::UserNetworkManagement
        );
        name.rsplit(' ').next().filter(|_| after)
    }
}

impl Roster {
    /// The roster of a plan.
    pub fn of(plan: &Plan) -> Roster {
        let indices = |kind, count: usize| (0..count as u32).map(move |at| Address::new(kind, at));
        let addresses = indices(ElementKind::Application, plan.applications.len())
            .chain(indices(ElementKind::Ksa, plan.nodes.len()))
            .chain(indices(ElementKind::Kma, plan.nodes.len()))
            .chain(indices(ElementKind::QkdModule, 2 * plan.links.len()))
            .chain(indices(ElementKind::Controller, plan.controllers.len()))
            .chain(indices(ElementKind::Manager, plan.managers.len()))
            .chain(indices(ElementKind::UserNetworkManager, plan.managers.len()));
        let border_nodes: Vec<usize> = plan
            .boundaries
            .values()
            .flat_map(|boundary| boundary.hops)
            .map(|hop| plan.hops[hop].from.index())
            .collect();
        let element = |address: Address| {
            let (name, kind) = (plan.name_of(address), address.kind());
            let placement = plan.placement(address);
            let node = plan.nodes[placement.node].name.clone();
            let key_manager = matches!(kind, ElementKind::Ksa | ElementKind::Kma);
            let element = Element {
                column: if key_manager {
                    format!("KM {node}")
                } else {
                    name.clone()
                },
                layer: kind.layer(),
                qkdn: plan.qkdns[placement.qkdn].name.clone(),
                site: placement.iwn.map(|site| plan.iwns[site].clone()),
                border: key_manager && border_nodes.contains(&placement.node.index()),
                node,
            };
            (name, element)
        };
        Roster {
            elements: addresses.map(element).collect(),
            sessions: plan
                .sessions
                .values()
                .map(|session| session.name.clone())
                .collect(),
            faults: plan.faults.values().map(|fault| fault.name.clone()).collect(),
            begins: plan
                .faults
                .values()
                .map(|fault| (fault.name.clone(), fault.at.0))
                .collect(),
        }
    }

    /// Names by which a filter may name faults: each one, and the id that occurrences "ID/1", "ID/2" … have in common.
    pub fn fault_names(&self) -> Vec<String> {
        let mut names = self.faults.clone();
        for (id, _) in self.faults.iter().filter_map(|name| name.split_once('/')) {
            if !names.iter().any(|name| name == id) {
                names.push(id.to_owned());
            }
        }
        names
    }

    /// Names by which a filter may name elements: elements, KMs, nodes, interworking nodes, and what controllers and managers are called after.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .elements
            .iter()
            .flat_map(|(name, element)| {
                let short = element.short(name).map(str::to_owned);
                [name.clone(), element.column.clone(), element.node.clone()]
                    .into_iter()
                    .chain(short)
                    .chain(element.site.clone())
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether a filter's name means this element.
    pub fn is_meant(&self, element: &str, by: &str) -> bool {
        element == by
            || self.elements.get(element).is_some_and(|known| {
                known.column == by
                    || known.node == by
                    || known.site.as_deref() == Some(by)
                    || known.short(element) == Some(by)
            })
    }
}
