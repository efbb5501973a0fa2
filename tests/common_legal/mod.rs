//! Which (reference point, sender, receiver) a trace may hold, written down from clauses 6.1 and 6.2 of Y.3818 (and Y.3802 as
//! remembered), not from the program's own table. Judged by names and placements alone.

use std::collections::BTreeMap;

use qkdni::architecture::Address;
use qkdni::ids::LinkId;
use qkdni::network::plan::Plan;
use serde_json::Value;

/// An element as a reader of the trace knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Element {
    /// Its kind, and so its layer.
    kind: &'static str,
    layer: &'static str,
    qkdn: u32,
    iwn: Option<u32>,
    /// The node of what is bound to one.
    node: u32,
    /// A module's link.
    link: Option<u32>,
}

/// The elements of a plan by their names in traces.
pub struct Cast(BTreeMap<String, Element>);

impl Cast {
    pub fn of(plan: &Plan) -> Cast {
        let mut cast = BTreeMap::new();
        let mut add = |address: Address, kind, layer, link| {
            let place = plan.placement(address);
            let element = Element {
                kind,
                layer,
                qkdn: place.qkdn.0,
                iwn: place.iwn.map(|iwn| iwn.0),
                node: place.node.0,
                link,
            };
            let before = cast.insert(plan.name_of(address), element);
            assert!(
                before.is_none(),
                "two elements are called {}",
                plan.name_of(address)
            );
        };
        for node in plan.nodes.ids() {
            add(Address::kma(node), "KMA", "key management", None);
            add(Address::ksa(node), "KSA", "key management", None);
        }
        for link in plan.links.ids() {
            let LinkId(number) = link;
            for end in 0..2 {
                add(Address::module(link, end), "module", "quantum", Some(number));
            }
        }
        for controller in plan.controllers.ids() {
            add(Address::controller(controller), "controller", "control", None);
        }
        for manager in plan.managers.ids() {
            add(Address::manager(manager), "manager", "management", None);
            let user = Address::user_network_manager(manager);
            add(user, "user manager", "user network", None);
        }
        for application in plan.applications.ids() {
            add(Address::application(application), "application", "service", None);
        }
        Cast(cast)
    }

    /// What is illegal about a line of the trace, if anything.
    pub fn complaint(&self, line: &Value) -> Option<String> {
        let named = |field: &str| {
            let name = line[field].as_str().expect("a name");
            self.0
                .get(name)
                .copied()
                .ok_or_else(|| format!("nobody is called {name}: {line}"))
        };
        let (from, to) = match (named("from"), named("to")) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(complaint), _) | (_, Err(complaint)) => return Some(complaint),
        };
        let point = line["reference_point"].as_str();
        let same_qkdn = from.qkdn == to.qkdn;
        let same_iwn = from.iwn.is_some() && from.iwn == to.iwn;
        let mut kinds = [from.kind, to.kind];
        kinds.sort_unstable();
        let inside = |a: &str, b: &str| kinds == [a, b] && same_qkdn;
        let across = |kind: &str, prime: bool| kinds == [kind, kind] && !same_qkdn && prime == same_iwn;
        let here = from.node == to.node;
        let legal = match point {
            // What stays inside one element; a KM's agents and a manager's layer managers are one.
            None => from == to || (here && inside("KMA", "KSA")),
            Some("Qx") => kinds == ["module", "module"] && from.link == to.link && !here && !same_iwn,
            Some("Kq-1") => inside("KMA", "module") && here,
            Some("Kx-1") => inside("KMA", "KMA") && !here,
            Some("Kx-2") => inside("KSA", "KSA") && !here,
            Some("Ak") => inside("KSA", "application") && here,
            Some("Ck") => inside("KMA", "controller") || inside("KSA", "controller"),
            Some("Cq") => inside("controller", "module"),
            Some("Cx") => inside("controller", "controller") && from != to,
            Some("Mq") => inside("manager", "module"),
            Some("Mk") => inside("KMA", "manager") || inside("KSA", "manager"),
            Some("Mc") => inside("controller", "manager"),
            Some("Mu") => inside("manager", "user manager"),
            Some("Cxi") => across("controller", false),
            Some("Cxi'") => across("controller", true),
            Some("Kxi-1") => across("KMA", false),
            Some("Kxi-1'") => across("KMA", true),
            Some("Kxi-2") => across("KSA", false),
            Some("Kxi-2'") => across("KSA", true),
            Some("Mxi") => across("manager", false),
            Some("Mxi'") => across("manager", true),
            Some(_) => false,
        };
        (!legal).then(|| format!("illegal: {line}"))
    }

    /// The layer of an element.
    #[allow(dead_code)] // one of the tests that share this asks for it
    pub fn layer(&self, name: &str) -> &'static str {
        self.0[name].layer
    }
}
