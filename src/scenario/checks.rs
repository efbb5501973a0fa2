//! What a schema cannot say: references, connectivity, Y.3818's own rules, and loads that show nothing.

use std::collections::{BTreeMap, VecDeque};

use super::document::{
    Boundary, BoundaryKind, Control, Document, Fault, LinkModel, LinkTemplate, MeasuredTable, Place, Qkdn,
    Store, Stretch,
};
use crate::catalogue::{Decoder, Finding, Node, Path, Severity, Step, suggest};
use crate::kernel::time::Span;
use crate::units::{Bits, Decibels, Metres};

/// The metrics that results have, by name.
pub const METRICS: &[&str] = &[
    "requests",
    "delivered",
    "throughput_bps",
    "served_share",
    "kkrd_s",
    "kkrdv_s",
    "kkder",
    "kkdlr",
    "availability",
    "service_interruption_s",
    "service_restoration_s",
    "rerouting_latency_s",
    "link_key_bits_per_key_bit",
    "authentication_bits",
    "wasted_link_key_bits",
    "expired_link_key_bits",
    "total_link_key_bits",
    "key_utilisation",
    "exposed_bits_per_node",
    "drawdown_bits",
    "half_switched_s",
    "control_messages",
    "control_bytes",
    "cost",
    "events",
];

/// Checks a decoded document; what the decoder could not read is passed over.
pub fn check(document: &Document, tree: &Node, decoder: &Decoder) -> Vec<Finding> {
    let mut checker = Checker {
        document,
        tree,
        decoder,
        findings: Vec::new(),
    };
    checker.run();
    checker.ids();
    checker.qkdns();
    checker.boundaries();
    checker.ducts();
    checker.demands();
    checker.faults();
    checker.expectations();
    checker.data_network();
    checker.realistic_load();
    checker.findings
}

/// A path from literals and numbers.
macro_rules! at {
    ($($step:expr),* $(,)?) => {
        Path(vec![$(Step::from($step)),*])
    };
}

struct Checker<'a> {
    document: &'a Document,
    tree: &'a Node,
    decoder: &'a Decoder,
    findings: Vec<Finding>,
}

/// Keys per direction on one link: (amount at the start, amount asked).
type Lanes = BTreeMap<(String, bool), (Bits, u128)>;

impl Checker<'_> {
    fn add(&mut self, severity: Severity, code: &'static str, path: Path, message: String, hint: String) {
        if self.decoder.is_known(&path) {
            self.findings.push(Finding {
                severity,
                code,
                message,
                hint: (!hint.is_empty()).then_some(hint),
                origin: self.tree.origin_of(&path),
                path,
            });
        }
    }

    fn error(&mut self, code: &'static str, path: Path, message: impl Into<String>, hint: impl Into<String>) {
        self.add(Severity::Error, code, path, message.into(), hint.into());
    }

    fn warning(
        &mut self,
        code: &'static str,
        path: Path,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, path, message.into(), hint.into());
    }

    fn run(&mut self) {
        let document = self.document;
        if document.name.trim().is_empty() {
            self.error(
                "empty_name",
                at!("name"),
                "the scenario has no name",
                "its name is also that of its results folder",
            );
        }
        if document.run.duration == Span::ZERO {
            self.error(
                "zero_duration",
                at!("run", "duration"),
                "the run lasts no time",
                "write \"10 min\"",
            );
        } else if let (None, Some(longest)) = (
            document.counting_time(),
            document.demands.iter().max_by_key(|demand| demand.timeout),
        ) {
            self.error(
                "no_counting_time",
                at!("run", "duration"),
                format!(
                    "nothing can be counted: the duration {} is not longer than the longest time-out, {} of demand {}",
                    document.run.duration, longest.timeout, longest.id
                ),
                "make the run longer or the time-out shorter",
            );
        }
        if document.run.replications == 0 {
            self.error(
                "zero_replications",
                at!("run", "replications"),
                "there are no replications",
                "write 1 or more; intervals need 2",
            );
        }
        if document.protocol.level_classes == 0 {
            self.error(
                "zero_level_classes",
                at!("protocol", "level_classes"),
                "store levels need at least one class",
                "write 4 for quarters",
            );
        }
    }

    /// Notes every id of a list that stands there before.
    fn unique<'b>(&mut self, list: &Path, what: &str, ids: impl Iterator<Item = &'b str>) {
        let mut seen = BTreeMap::new();
        for (index, id) in ids.enumerate() {
            if let Some(first) = seen.insert(id, index) {
                seen.insert(id, first);
                self.error(
                    "duplicate_id",
                    list.then(index).then("id"),
                    format!("there is a {what} \"{id}\" already"),
                    "ids are unique within their list: rename one of them",
                );
            }
        }
    }

    fn ids(&mut self) {
        let document = self.document;
        self.unique(
            &at!("qkdns"),
            "QKDN",
            document.qkdns.iter().map(|x| x.id.as_str()),
        );
        self.unique(
            &at!("boundaries"),
            "boundary",
            document.boundaries.iter().map(|x| x.id.as_str()),
        );
        self.unique(
            &at!("ducts"),
            "duct",
            document.ducts.iter().map(|x| x.id.as_str()),
        );
        self.unique(
            &at!("classes"),
            "class",
            document.classes.iter().map(|x| x.id.as_str()),
        );
        self.unique(
            &at!("demands"),
            "demand",
            document.demands.iter().map(|x| x.id.as_str()),
        );
        self.unique(
            &at!("faults"),
            "fault",
            document.faults.iter().map(|x| x.id.as_str()),
        );
        for (index, qkdn) in document.qkdns.iter().enumerate() {
            self.unique(
                &at!("qkdns", index, "nodes"),
                "node",
                qkdn.nodes.iter().map(|x| x.id.as_str()),
            );
            self.unique(
                &at!("qkdns", index, "links"),
                "link",
                qkdn.links.iter().map(|x| x.id.as_str()),
            );
        }
        for (index, duct) in document.ducts.iter().enumerate() {
            let owner = document.boundary(duct.id.as_str());
            if owner.is_some_and(|boundary| boundary.ducts.is_empty()) {
                self.error(
                    "duplicate_id",
                    at!("ducts", index, "id"),
                    format!("the boundary \"{}\" has a duct of that id of its own", duct.id),
                    "name the duct in the boundary's \"ducts\", or rename it",
                );
            }
        }
    }

    fn qkdns(&mut self) {
        let document = self.document;
        if document.qkdns.is_empty() {
            self.error(
                "no_qkdn",
                at!("qkdns"),
                "there is no QKD network",
                "describe two QKDNs and the boundary between them",
            );
        }
        for (q, qkdn) in document.qkdns.iter().enumerate() {
            let here = at!("qkdns", q);
            if qkdn.nodes.len() < 2 {
                self.error(
                    "one_node_qkdn",
                    here.then("nodes"),
                    format!(
                        "QKDN {} has {} node{}; a QKDN has at least two (Y.3818, 3.1.5)",
                        qkdn.id,
                        qkdn.nodes.len(),
                        if qkdn.nodes.len() == 1 { "" } else { "s" }
                    ),
                    "add a node; an IWN does not count, it belongs to neither QKDN",
                );
            }
            self.placement(&here, qkdn);
            let mut pairs = BTreeMap::new();
            for (l, link) in qkdn.links.iter().enumerate() {
                let path = here.then("links").then(l);
                let mut resolved = true;
                for (end, name) in link.between.iter().enumerate() {
                    resolved &= self.link_end(&path.then("between").then(end), qkdn, name);
                }
                let [a, b] = &link.between;
                if a == b && resolved {
                    self.error(
                        "self_link",
                        path.then("between"),
                        format!("link {} joins {a} with itself", link.id),
                        "a link has two different ends",
                    );
                } else if resolved {
                    let pair = (a.min(b), a.max(b));
                    if let Some(first) = pairs.insert(pair, &link.id) {
                        pairs.insert(pair, first);
                        self.error(
                            "parallel_link",
                            path.then("between"),
                            format!("link {first} joins {a} and {b} already"),
                            "write \"systems\": 2 for two pairs of modules on one link",
                        );
                    }
                }
                let known = self.decoder.is_known(&path.then("length"));
                if link.length == Metres::ZERO && known {
                    self.error(
                        "zero_length",
                        path.then("length"),
                        format!("link {} has no length", link.id),
                        "write \"1 m\" for two modules in one building",
                    );
                }
                if link.loss.is_some() && link.attenuation.is_some() {
                    self.two_losses(path.then("attenuation"));
                }
                self.model(&path, &link.model, &link.store, link.systems);
                if known {
                    self.reach(
                        &path.then("loss"),
                        &format!("link {}", link.id),
                        &link.model,
                        link.total_loss(),
                    );
                }
                self.stretches(&path, &link.ducts, link.length);
            }
            self.connected(&here, qkdn);
        }
        if document.qkdns.len() > 1 {
            for (q, qkdn) in document.qkdns.iter().enumerate() {
                let joined = document
                    .boundaries
                    .iter()
                    .any(|boundary| boundary.between.iter().any(|place| qkdn.id == place.qkdn));
                if !joined && self.decoder.is_known(&at!("boundaries")) {
                    self.error(
                        "no_boundary",
                        at!("qkdns", q, "id"),
                        format!("QKDN {} has no boundary with another QKDN", qkdn.id),
                        "add one to \"boundaries\"",
                    );
                }
            }
        }
    }

    /// Checks where a QKDN's controller and manager are.
    fn placement(&mut self, here: &Path, qkdn: &Qkdn) {
        match (qkdn.control, &qkdn.controller_at) {
            (Control::Distributed, Some(_)) => self.error(
                "controller_at_distributed",
                here.then("controller_at"),
                format!("QKDN {} has a controller in every node", qkdn.id),
                "leave \"controller_at\" out, or write \"control\": \"centralized\"",
            ),
            (Control::Centralized, None) if self.decoder.is_known(&here.then("control")) => self.error(
                "missing_controller",
                here.then("control"),
                format!("QKDN {} is centralized, but where is its controller?", qkdn.id),
                "add \"controller_at\": the id of a node",
            ),
            _ => {}
        }
        for (key, what, place) in [
            ("controller_at", "controller", &qkdn.controller_at),
            ("manager_at", "manager", &qkdn.manager_at),
        ] {
            let Some(place) = place else { continue };
            let boundary = self
                .document
                .boundary(place)
                .filter(|boundary| matches!(boundary.kind, BoundaryKind::Iwn(_)))
                .filter(|boundary| boundary.between.iter().any(|end| qkdn.id == end.qkdn));
            if qkdn.nodes.iter().any(|node| node.id == *place) {
                let gateway = self.document.boundaries.iter().any(|boundary| {
                    matches!(boundary.kind, BoundaryKind::Gwn(_))
                        && boundary
                            .between
                            .iter()
                            .any(|end| qkdn.id == end.qkdn && end.node == *place)
                });
                if gateway && key == "controller_at" && qkdn.control == Control::Centralized {
                    self.not_depicted(
                        here.then(key),
                        &format!("the central controller of {} in its GWN", qkdn.id),
                    );
                }
            } else if boundary.is_some() {
                self.not_depicted(
                    here.then(key),
                    &format!("the {what} of {} inside the IWN", qkdn.id),
                );
            } else {
                let names: Vec<&str> = qkdn.nodes.iter().map(|node| node.id.as_str()).collect();
                self.error(
                    "unknown_node",
                    here.then(key),
                    format!("QKDN {} has no node \"{place}\" for its {what}", qkdn.id),
                    suggest(place, &names),
                );
            }
        }
    }

    fn not_depicted(&mut self, path: Path, what: &str) {
        self.warning(
            "not_depicted",
            path,
            format!("{what}: Y.3818 does not depict this in clause 8"),
            "it runs; clause 8 names its figures \"several examples\"",
        );
    }

    fn two_losses(&mut self, path: Path) {
        self.error(
            "two_losses",
            path,
            "there is a loss already",
            "give the measured loss or an attenuation, not both",
        );
    }

    /// Checks one end of a link; false if it is no node of the QKDN.
    fn link_end(&mut self, path: &Path, qkdn: &Qkdn, name: &str) -> bool {
        if qkdn.nodes.iter().any(|node| node.id == *name) {
            return true;
        }
        let document = self.document;
        let iwn = |id: &str| {
            document
                .boundary(id)
                .is_some_and(|boundary| matches!(boundary.kind, BoundaryKind::Iwn(_)))
        };
        if iwn(name.split('/').next().unwrap_or(name)) {
            self.inside_iwn(path.clone(), name);
            return false;
        }
        let elsewhere = match name.split_once('/') {
            Some((other, node)) => document
                .qkdn(other)
                .filter(|other| other.nodes.iter().any(|x| x.id == *node)),
            None => document
                .qkdns
                .iter()
                .find(|other| other.nodes.iter().any(|x| x.id == *name)),
        };
        match elsewhere {
            Some(other) if other.id == qkdn.id => self.error(
                "bad_reference",
                path.clone(),
                format!("\"{name}\" names a node of its own QKDN with the QKDN's id"),
                "inside a QKDN write the node's id alone",
            ),
            Some(other) => self.error(
                "link_across",
                path.clone(),
                format!("\"{name}\" is a node of QKDN {}, not of {}", other.id, qkdn.id),
                "QKDNs are joined by \"boundaries\", not by links",
            ),
            None => {
                let names: Vec<&str> = qkdn.nodes.iter().map(|node| node.id.as_str()).collect();
                self.error(
                    "unknown_node",
                    path.clone(),
                    format!("QKDN {} has no node \"{name}\"", qkdn.id),
                    suggest(name, &names),
                );
            }
        }
        false
    }

    fn inside_iwn(&mut self, path: Path, name: &str) {
        self.error(
            "qx_inside_iwn",
            path,
            format!("\"{name}\" is inside an IWN, where no link ends but the two that the boundary makes"),
            "Y.3818, 6.2: no Qx between the two QKD modules inside an IWN",
        );
    }

    /// Checks model, store and number of systems of a link or a template at `path`.
    fn model(&mut self, path: &Path, model: &LinkModel, store: &Store, systems: u32) {
        let here = path.then("model").then(model.name());
        match model {
            LinkModel::FixedRate(fixed) => {
                if fixed.rate.0 == 0 {
                    self.error(
                        "zero_rate",
                        here.then("rate"),
                        "the link makes no key",
                        "write a rate above 0, or leave the link out",
                    );
                }
            }
            LinkModel::MeasuredTable(table) => self.table(&here, table),
        }
        if systems == 0 {
            self.error(
                "zero_systems",
                path.then("systems"),
                "there are no modules",
                "write 1 or more",
            );
        }
        let at = path.then("store");
        for (key, amount) in [("initial", store.initial), ("floor", store.floor)] {
            if amount > store.capacity {
                self.error(
                    if key == "initial" {
                        "initial_over_capacity"
                    } else {
                        "floor_over_capacity"
                    },
                    at.then(key),
                    format!("{amount} is more than the store's capacity of {}", store.capacity),
                    "lower it or raise \"capacity\"",
                );
            }
        }
        if store.capacity == Bits::ZERO {
            self.error(
                "zero_capacity",
                at.then("capacity"),
                "nothing fits into the store",
                "write a capacity such as \"8 MiB\"",
            );
        }
        if store.max_age == Some(Span::ZERO) {
            self.error(
                "zero_max_age",
                at.then("max_age"),
                "every key expires at once",
                "leave \"max_age\" out for keys that never expire",
            );
        }
        if let Some(block) = model.block() {
            if block == Bits::ZERO {
                self.error(
                    "zero_block",
                    here.then("block"),
                    "a block has no bits",
                    "write a size such as \"256 bit\"",
                );
            } else if block > store.capacity && store.capacity != Bits::ZERO {
                self.warning(
                    "block_over_capacity",
                    here.then("block"),
                    format!(
                        "a block of {block} does not fit into the store of {}",
                        store.capacity
                    ),
                    "what does not fit is discarded: raise the store's \"capacity\"",
                );
            }
        }
    }

    fn table(&mut self, here: &Path, table: &MeasuredTable) {
        let law = table.rate_at_10_db.is_some() || table.loss_max.is_some();
        if table.points.is_empty() == law {
            if law && (table.rate_at_10_db.is_none() || table.loss_max.is_none()) {
                self.error(
                    "table_form",
                    here.clone(),
                    "a rate at 10 dB and a largest loss go together",
                    "give both \"rate_at_10_db\" and \"loss_max\"",
                );
            }
        } else {
            self.error(
                "table_form",
                here.clone(),
                if law {
                    "two tables in one"
                } else {
                    "the table is empty"
                },
                "give either \"points\", or \"rate_at_10_db\" and \"loss_max\"",
            );
        }
        for (index, pair) in table.points.windows(2).enumerate() {
            let path = here.then("points").then(index + 1);
            if pair[1].loss <= pair[0].loss {
                self.error(
                    "table_order",
                    path.then("loss"),
                    format!("{} does not come after {}", pair[1].loss, pair[0].loss),
                    "write the points in order of loss",
                );
            }
            if pair[1].rate > pair[0].rate {
                self.warning(
                    "table_rises",
                    path.then("rate"),
                    "the rate rises with the loss",
                    "check the measurement",
                );
            }
        }
        if !table.points.is_empty() && table.points.iter().all(|point| point.rate.0 == 0) {
            self.error(
                "zero_rate",
                here.then("points"),
                "the table has no rate above 0",
                "write the rates that were measured",
            );
        }
        if table.rate_at_10_db.is_some_and(|rate| rate.0 == 0) {
            self.error(
                "zero_rate",
                here.then("rate_at_10_db"),
                "the link makes no key",
                "write a rate above 0",
            );
        }
    }

    fn reach(&mut self, path: &Path, what: &str, model: &LinkModel, loss: Decibels) {
        let Some(reach) = model.reach() else { return };
        if loss > reach {
            self.warning(
                "beyond_reach",
                path.clone(),
                format!("{what} loses {loss} and makes no key: its model reaches {reach}"),
                format!(
                    "{reach} are {:.0} km at 0.2 dB/km; put a relay node on the way",
                    reach.as_db() / 0.2
                ),
            );
        }
    }

    /// Checks that stretches of ducts exist and add up to the link.
    fn stretches(&mut self, path: &Path, stretches: &[Stretch], length: Metres) {
        let mut sum = Some(0);
        for (index, stretch) in stretches.iter().enumerate() {
            let here = path.then("ducts").then(index);
            let Some(duct) = self.document.ducts.iter().find(|duct| duct.id == stretch.duct) else {
                let names: Vec<&str> = self.document.ducts.iter().map(|duct| duct.id.as_str()).collect();
                self.error(
                    "unknown_duct",
                    here.then("duct"),
                    format!("there is no duct \"{}\"", stretch.duct),
                    suggest(&stretch.duct, &names),
                );
                sum = None;
                continue;
            };
            let to = stretch.to.unwrap_or(duct.length);
            for (key, place) in [("from", stretch.from), ("to", to)] {
                if place > duct.length {
                    self.error(
                        "position_beyond",
                        here.then(key),
                        format!("{place} is beyond the duct's end at {}", duct.length),
                        "positions count from the duct's first end",
                    );
                    sum = None;
                }
            }
            sum = sum.map(|sum| sum + to.0.abs_diff(stretch.from.0));
        }
        if !stretches.is_empty() && sum.is_some_and(|sum| sum != length.0) {
            self.error(
                "duct_length",
                path.then("ducts"),
                format!(
                    "the stretches are {} in all, the fibre {length}",
                    Metres(sum.unwrap_or(0))
                ),
                "make the stretches add up to the length",
            );
        }
    }

    fn ducts(&mut self) {
        for (index, duct) in self.document.ducts.iter().enumerate() {
            if duct.length == Metres::ZERO {
                self.error(
                    "zero_length",
                    at!("ducts", index, "length"),
                    format!("duct {} has no length", duct.id),
                    "",
                );
            }
        }
    }

    /// Warns of nodes that no link reaches from the first.
    fn connected(&mut self, here: &Path, qkdn: &Qkdn) {
        let Some(first) = qkdn.nodes.first() else { return };
        let reached = hops_from(qkdn, first.id.as_str());
        for (index, node) in qkdn.nodes.iter().enumerate() {
            if !reached.contains_key(node.id.as_str()) {
                self.warning(
                    "unreached_node",
                    here.then("nodes").then(index).then("id"),
                    format!("no links lead from {} to {}", first.id, node.id),
                    format!("add a link, or is QKDN {} meant to be in parts?", qkdn.id),
                );
            }
        }
    }

    /// Checks a reference to a node; false if it leads nowhere.
    fn place(&mut self, path: &Path, place: &Place) -> bool {
        let document = self.document;
        if let Some(boundary) = document.boundary(&place.qkdn) {
            if matches!(boundary.kind, BoundaryKind::Iwn(_)) && document.qkdn(&place.qkdn).is_none() {
                self.inside_iwn(path.clone(), &place.to_string());
                return false;
            }
        }
        let Some(qkdn) = document.qkdn(&place.qkdn) else {
            let names: Vec<&str> = document.qkdns.iter().map(|qkdn| qkdn.id.as_str()).collect();
            self.error(
                "unknown_qkdn",
                path.clone(),
                format!("there is no QKDN \"{}\"", place.qkdn),
                suggest(&place.qkdn, &names),
            );
            return false;
        };
        if qkdn.nodes.iter().any(|node| node.id == place.node) {
            return true;
        }
        let names: Vec<&str> = qkdn.nodes.iter().map(|node| node.id.as_str()).collect();
        self.error(
            "unknown_node",
            path.clone(),
            format!("QKDN {} has no node \"{}\"", qkdn.id, place.node),
            suggest(&place.node, &names),
        );
        false
    }

    fn boundaries(&mut self) {
        for (index, boundary) in self.document.boundaries.iter().enumerate() {
            let path = at!("boundaries", index);
            let [a, b] = &boundary.between;
            let mut resolved = true;
            for (end, place) in boundary.between.iter().enumerate() {
                resolved &= self.place(&path.then("between").then(end), place);
            }
            if resolved && a.qkdn == b.qkdn {
                self.error(
                    "boundary_inside",
                    path.then("between"),
                    format!("boundary {} has QKDN {} on both sides", boundary.id, a.qkdn),
                    "a boundary joins two QKDNs; inside one write a link",
                );
            }
            if let Some(owner) = &boundary.site_owner {
                if resolved && *owner != a.qkdn && *owner != b.qkdn {
                    self.error(
                        "unknown_owner",
                        path.then("site_owner"),
                        format!("\"{owner}\" is neither side of the boundary"),
                        format!("write \"{}\" or \"{}\"", a.qkdn, b.qkdn),
                    );
                }
            }
            let duct = path.then("duct");
            let known = self.decoder.is_known(&duct.then("length"))
                && self.decoder.is_known(&path.then("site_at"))
                && self.decoder.is_known(&path.then("kind"));
            if boundary.duct.length == Metres::ZERO {
                self.error(
                    "zero_length",
                    duct.then("length"),
                    format!("the duct of boundary {} has no length", boundary.id),
                    "write \"1 m\" for two nodes in one building",
                );
            }
            if boundary.duct.loss.is_some() && boundary.duct.attenuation.is_some() {
                self.two_losses(duct.then("attenuation"));
            }
            self.stretches(&path, &boundary.ducts, boundary.duct.length);
            let loss = boundary.duct.total_loss();
            let kind = path.then("kind").then(boundary.kind.name());
            match &boundary.kind {
                BoundaryKind::Gwn(gwn) => {
                    self.template(&kind.then("link"), &gwn.link);
                    if known {
                        let what = format!("the link of boundary {}", boundary.id);
                        self.reach(&kind.then("link").then("model"), &what, &gwn.link.model, loss);
                    }
                }
                BoundaryKind::Iwn(iwn) => {
                    self.template(&kind.then("link"), &iwn.link);
                    if let Some(link) = &iwn.link_b {
                        self.template(&kind.then("link_b"), link);
                    }
                    if known {
                        let first = loss.up_to(boundary.site(), boundary.duct.length);
                        let rest = Decibels(loss.0 - first.0);
                        let key = if iwn.link_b.is_some() { "link_b" } else { "link" };
                        let other = iwn.link_b.as_ref().unwrap_or(&iwn.link);
                        for (end, key, link, loss) in [(a, "link", &iwn.link, first), (b, key, other, rest)] {
                            let what = format!("the link of boundary {} from {end}", boundary.id);
                            self.reach(&kind.then(key).then("model"), &what, &link.model, loss);
                        }
                    }
                }
            }
        }
    }

    fn template(&mut self, path: &Path, link: &LinkTemplate) {
        self.model(path, &link.model, &link.store, link.systems);
    }

    fn demands(&mut self) {
        let document = self.document;
        let classes: Vec<&str> = document
            .classes
            .iter()
            .map(|class| class.id.as_str())
            .chain(["default"])
            .collect();
        if document.demands.is_empty() {
            self.warning(
                "no_demand",
                at!("demands"),
                "nobody asks for keys",
                "add a demand, or there is nothing to measure",
            );
        }
        for (index, demand) in document.demands.iter().enumerate() {
            let path = at!("demands", index);
            let mut resolved = true;
            for (end, place) in demand.between.iter().enumerate() {
                resolved &= self.place(&path.then("between").then(end), place);
            }
            if resolved {
                self.route(&path.then("between"), &demand.between);
            }
            let arrivals = path.then("arrivals").then(demand.arrivals.name());
            if demand.arrivals.requests_in(Span(u64::MAX / 2)) == 0 {
                self.error(
                    "zero_demand_rate",
                    arrivals.then("rate"),
                    format!("demand {} never asks", demand.id),
                    "write a rate above 0, or leave the demand out",
                );
            }
            if let super::document::Arrivals::Periodic(periodic) = &demand.arrivals {
                if periodic.period == Span::ZERO {
                    self.error(
                        "zero_period",
                        arrivals.then("period"),
                        format!("demand {} asks infinitely often", demand.id),
                        "write a period such as \"100 ms\"",
                    );
                }
            }
            if demand.key == Bits::ZERO {
                self.error(
                    "zero_key",
                    path.then("key"),
                    format!("demand {} asks for keys without bits", demand.id),
                    "write a length such as \"256 bit\"",
                );
            }
            if demand.number == 0 {
                self.error(
                    "zero_number",
                    path.then("number"),
                    format!("demand {} asks for no keys", demand.id),
                    "write 1 or more",
                );
            }
            if demand.timeout == Span::ZERO {
                self.error(
                    "zero_timeout",
                    path.then("timeout"),
                    format!("every request of demand {} fails at once", demand.id),
                    "write a time-out such as \"30 s\"",
                );
            }
            if !document.classes.is_empty() && !classes.contains(&demand.class.as_str()) {
                self.error(
                    "unknown_class",
                    path.then("class"),
                    format!("there is no class \"{}\"", demand.class),
                    suggest(&demand.class, &classes),
                );
            }
            let until = demand.until.unwrap_or(document.end());
            if demand.from >= until.min(document.end()) && document.run.duration != Span::ZERO {
                self.error(
                    "empty_window",
                    path.then("from"),
                    format!(
                        "demand {} begins at {} and ends before it",
                        demand.id, demand.from
                    ),
                    format!("the run ends at {}", document.end()),
                );
            }
        }
    }

    /// Checks that a demand can be served at all.
    fn route(&mut self, path: &Path, between: &[Place; 2]) {
        let [a, b] = between;
        let document = self.document;
        if a == b {
            self.error(
                "self_demand",
                path.clone(),
                format!("{a} asks for keys with itself"),
                "a demand has two different ends",
            );
            return;
        }
        if shortest(document, between).is_some() {
            return;
        }
        if a.qkdn == b.qkdn {
            self.error(
                "unconnected_demand",
                path.clone(),
                format!("no links lead from {a} to {b}"),
                format!("add links to QKDN {}", a.qkdn),
            );
            return;
        }
        let adjacent = document
            .boundaries
            .iter()
            .any(|boundary| joins(boundary, &a.qkdn, &b.qkdn));
        if adjacent {
            self.error(
                "unconnected_demand",
                path.clone(),
                format!("no links lead from {a} over a boundary to {b}"),
                "add links between these nodes and the boundary",
            );
        } else if transit(document, &a.qkdn, &b.qkdn) {
            self.error(
                "needs_transit",
                path.clone(),
                format!("keys from {} to {} would cross a third QKDN", a.qkdn, b.qkdn),
                "transit is not simulated yet: add a boundary between the two",
            );
        } else {
            self.error(
                "unconnected_demand",
                path.clone(),
                format!("no boundary joins {} and {}", a.qkdn, b.qkdn),
                "add one to \"boundaries\"",
            );
        }
    }

    fn faults(&mut self) {
        let document = self.document;
        for (index, event) in document.faults.iter().enumerate() {
            let path = at!("faults", index);
            if event.at >= document.end() && document.run.duration != Span::ZERO {
                self.error(
                    "fault_after_end",
                    path.then("at"),
                    format!(
                        "fault {} comes at {}, the run ends at {}",
                        event.id,
                        event.at,
                        document.end()
                    ),
                    "fault times count from 0, warm-up included",
                );
            }
            if event.repair_after == Some(Span::ZERO) {
                self.error(
                    "repair_before_failure",
                    path.then("repair_after"),
                    format!("fault {} is repaired when it comes", event.id),
                    "the time counts from the fault; leave it out for no repair",
                );
            }
            let Fault::DuctCut(cut) = &event.fault;
            let here = path.then("fault").then("duct_cut");
            match document.duct_length(&cut.duct) {
                None => {
                    let names = duct_names(document);
                    self.error(
                        "unknown_duct",
                        here.then("duct"),
                        format!("there is no duct \"{}\"", cut.duct),
                        suggest(&cut.duct, &names),
                    );
                }
                Some(length) if cut.position.is_some_and(|position| position > length) => {
                    self.error(
                        "position_beyond",
                        here.then("position"),
                        format!(
                            "{} is beyond the duct's end at {length}",
                            cut.position.unwrap_or_default()
                        ),
                        "positions count from the duct's first end",
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn expectations(&mut self) {
        let document = self.document;
        for (index, expectation) in document.expect.iter().enumerate() {
            let path = at!("expect", index);
            if !METRICS.contains(&expectation.metric.as_str()) {
                self.error(
                    "unknown_metric",
                    path.then("metric"),
                    format!("there is no metric \"{}\"", expectation.metric),
                    suggest(&expectation.metric, METRICS),
                );
            }
            match (expectation.at_most, expectation.at_least) {
                (None, None) => self.error(
                    "empty_expectation",
                    path.clone(),
                    "nothing is expected",
                    "add \"at_most\" or \"at_least\"",
                ),
                (Some(most), Some(least)) if most < least => self.error(
                    "empty_expectation",
                    path.then("at_least"),
                    format!("nothing is at most {most} and at least {least}"),
                    "swap the two",
                ),
                _ => {}
            }
            let scope = expectation.scope.as_str();
            let known = match scope.split_once(':') {
                None => scope == "network",
                Some(("qkdn", id)) => document.qkdn(id).is_some(),
                Some(("demand", id)) => document.demands.iter().any(|demand| demand.id == *id),
                Some(("class", id)) => {
                    id == "default"
                        || document.classes.iter().any(|class| class.id == *id)
                        || document.demands.iter().any(|demand| demand.class == id)
                }
                Some(("link", id)) => {
                    document.boundary(id.split('/').next().unwrap_or(id)).is_some()
                        || id.split_once('/').is_some_and(|(qkdn, link)| {
                            document
                                .qkdn(qkdn)
                                .is_some_and(|qkdn| qkdn.links.iter().any(|other| other.id == *link))
                        })
                }
                Some(_) => false,
            };
            if !known {
                self.error(
                    "unknown_scope",
                    path.then("scope"),
                    format!("there is no scope \"{scope}\""),
                    "scopes are network, qkdn:ID, demand:ID, link:QKDN/LINK, link:BOUNDARY, class:NAME",
                );
            }
        }
    }

    fn data_network(&mut self) {
        let document = self.document;
        for (index, route) in document.data_network.routes.iter().enumerate() {
            let path = at!("data_network", "routes", index, "between");
            for (end, place) in route.between.iter().enumerate() {
                let side_of_iwn = document.boundary(&place.qkdn).is_some_and(|boundary| {
                    matches!(boundary.kind, BoundaryKind::Iwn(_))
                        && boundary.between.iter().any(|side| side.qkdn == place.node)
                });
                if !side_of_iwn {
                    self.place(&path.then(end), place);
                }
            }
            if route.between[0] == route.between[1] {
                self.error(
                    "self_link",
                    path,
                    format!("the route leads from {} to itself", route.between[0]),
                    "delays inside a node are \"timing.local_delay\"",
                );
            }
        }
    }

    /// Warns of demands that the initial stores cover, so that no key rate matters to them.
    fn realistic_load(&mut self) {
        let document = self.document;
        let mut lanes = Lanes::new();
        let mut routes = Vec::new();
        for (index, demand) in document.demands.iter().enumerate() {
            let end = demand.until.unwrap_or(document.end()).min(document.end());
            let span = Span(end.0.saturating_sub(demand.from.0));
            let bits = u128::from(demand.key.0)
                * u128::from(demand.number)
                * u128::from(demand.arrivals.requests_in(span));
            let Some(hops) = shortest(document, &demand.between) else {
                continue;
            };
            for (link, forward, initial) in &hops {
                let lane = lanes.entry((link.clone(), *forward)).or_insert((*initial, 0));
                lane.1 += bits;
            }
            routes.push((index, bits, hops));
        }
        for (index, bits, hops) in routes {
            let covered = hops
                .iter()
                .all(|(link, forward, initial)| lanes[&(link.clone(), *forward)].1 <= u128::from(initial.0));
            if covered && bits > 0 && !hops.is_empty() {
                let least = hops.iter().map(|hop| hop.2).min().unwrap_or_default();
                self.warning(
                    "covered_by_stores",
                    at!("demands", index, "key"),
                    format!(
                        "the initial stores cover this demand for the whole run: {} asked, {least} in the poorest store",
                        Bits(u64::try_from(bits).unwrap_or(u64::MAX)),
                    ),
                    "no key rate matters to it: lower the initial stores, or ask for more",
                );
            }
        }
    }
}

/// Whether a boundary joins these two QKDNs.
fn joins(boundary: &Boundary, a: &str, b: &str) -> bool {
    let [x, y] = &boundary.between;
    (x.qkdn == a && y.qkdn == b) || (x.qkdn == b && y.qkdn == a)
}

/// Whether boundaries lead from one QKDN to the other over others.
fn transit(document: &Document, a: &str, b: &str) -> bool {
    let mut reached = vec![a];
    let mut next = 0;
    while next < reached.len() {
        let here = reached[next];
        next += 1;
        for boundary in &document.boundaries {
            let [x, y] = &boundary.between;
            for (from, to) in [(x, y), (y, x)] {
                if from.qkdn == here && !reached.contains(&to.qkdn.as_str()) {
                    reached.push(&to.qkdn);
                }
            }
        }
    }
    reached.contains(&b)
}

/// The ducts that a fault may name.
fn duct_names(document: &Document) -> Vec<String> {
    let own = |stretches: &[Stretch]| stretches.is_empty();
    let links = document.qkdns.iter().flat_map(|qkdn| {
        qkdn.links
            .iter()
            .filter(|link| own(&link.ducts))
            .map(|link| format!("{}/{}", qkdn.id, link.id))
    });
    let boundaries = document
        .boundaries
        .iter()
        .filter(|boundary| own(&boundary.ducts))
        .map(|boundary| boundary.id.0.clone());
    let shared = document.ducts.iter().map(|duct| duct.id.0.clone());
    boundaries.chain(shared).chain(links).collect()
}

/// One hop of a route: link, whether from its first end to its second, key at the start on that lane.
type HopUse = (String, bool, Bits);

/// From where each node is reached first, with the hop: breadth first, links in the order written.
fn hops_from<'a>(qkdn: &'a Qkdn, start: &'a str) -> BTreeMap<&'a str, Option<(&'a str, HopUse)>> {
    let mut reached = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        for link in &qkdn.links {
            let [a, b] = &link.between;
            for (from, to, forward) in [(a, b, true), (b, a, false)] {
                if from == here && !reached.contains_key(to.as_str()) {
                    let hop = (
                        format!("{}/{}", qkdn.id, link.id),
                        forward,
                        lane(&link.store, forward),
                    );
                    reached.insert(to, Some((from.as_str(), hop)));
                    queue.push_back(to);
                }
            }
        }
    }
    reached
}

/// Key at the start on one lane.
fn lane(store: &Store, forward: bool) -> Bits {
    let first = store.initial.part(store.lane_share);
    if forward {
        first
    } else {
        Bits(store.initial.0 - first.0)
    }
}

/// The hops from `start` to `end` inside a QKDN, if links lead there.
fn inside(qkdn: &Qkdn, start: &str, end: &str) -> Option<Vec<HopUse>> {
    let reached = hops_from(qkdn, start);
    let mut hops = Vec::new();
    let mut here = end;
    while let Some((from, hop)) = reached.get(here)? {
        hops.push(hop.clone());
        here = from;
    }
    hops.reverse();
    Some(hops)
}

/// The hops of the shortest route of a demand, over one boundary at most.
fn shortest(document: &Document, between: &[Place; 2]) -> Option<Vec<HopUse>> {
    let [a, b] = between;
    let (from, to) = (document.qkdn(&a.qkdn)?, document.qkdn(&b.qkdn)?);
    if from.id == to.id {
        return inside(from, &a.node, &b.node);
    }
    document
        .boundaries
        .iter()
        .filter(|boundary| joins(boundary, &a.qkdn, &b.qkdn))
        .filter_map(|boundary| {
            let forward = boundary.between[0].qkdn == a.qkdn;
            let (near, far) = if forward { (0, 1) } else { (1, 0) };
            let mut hops = inside(from, &a.node, &boundary.between[near].node)?;
            match &boundary.kind {
                BoundaryKind::Gwn(gwn) => {
                    hops.push((boundary.id.0.clone(), forward, lane(&gwn.link.store, forward)));
                }
                BoundaryKind::Iwn(iwn) => {
                    // Both links have the border node as their first end.
                    let sides = [&iwn.link, iwn.link_b.as_ref().unwrap_or(&iwn.link)];
                    for (side, outward) in [(near, true), (far, false)] {
                        let id = format!("{}/{}", boundary.id, boundary.between[side].qkdn);
                        hops.push((id, outward, lane(&sides[side].store, outward)));
                    }
                }
            }
            hops.extend(inside(to, &boundary.between[far].node, &b.node)?);
            Some(hops)
        })
        .min_by_key(Vec::len)
}
