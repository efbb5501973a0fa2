//! What a schema cannot say: references, connectivity, Y.3818's own rules, and loads that show nothing.

mod channels;
mod faults;
mod limits;
mod networks;
mod protection;
mod provider;
mod routes;
mod routing;
mod traffic;

use std::collections::BTreeMap;

use routes::Ways;

use super::document::{Authentication, BoundaryKind, Document, Place};
use crate::catalogue::{Decoder, Finding, Node, Path, Severity, suggest};
use crate::kernel::time::Span;
use crate::units::Bits;

/// A path from literals and numbers.
macro_rules! at {
    ($($step:expr),* $(,)?) => {
        $crate::catalogue::Path(vec![$($crate::catalogue::Step::from($step)),*])
    };
}
use at;

/// Checks a decoded document; what the decoder could not read is passed over.
pub fn check(document: &Document, tree: &Node, decoder: &Decoder) -> Vec<Finding> {
    let mut checker = Checker {
        document,
        tree,
        decoder,
        ways: Ways::new(document),
        findings: Vec::new(),
    };
    checker.run();
    checker.ids();
    checker.qkdns();
    checker.link_state();
    checker.boundaries();
    checker.providers();
    checker.ducts();
    checker.demands();
    checker.protection();
    checker.faults();
    checker.expectations();
    checker.data_network();
    checker.channels();
    checker.limits();
    checker.requests_that_fit();
    checker.realistic_load();
    checker.findings
}

/// Longest run, so that no instant leaves the range of simulated time.
const LONGEST: Span = Span(100 * 365 * 86_400 * 1_000_000_000);

struct Checker<'a> {
    document: &'a Document,
    tree: &'a Node,
    decoder: &'a Decoder,
    ways: Ways<'a>,
    findings: Vec<Finding>,
}

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
        if document.timing.processing.key_manager_queue == Some(0) {
            self.error(
                "zero_queue",
                at!("timing", "processing", "key_manager_queue"),
                "key managers take no message",
                "write 1 or more, or leave the limit out",
            );
        }
        let protocol = &document.protocol;
        if protocol.polling == Some(Span::ZERO) {
            let hint = "leave it out for no polling";
            self.error(
                "zero_polling",
                at!("protocol", "polling"),
                "polls would follow without end",
                hint,
            );
        }
        if let Some(control) = &protocol.generation_control {
            let here = at!("protocol", "generation_control");
            if protocol.polling.is_none() {
                let message = "nobody polls, so no controller knows the levels";
                self.error(
                    "control_without_polling",
                    here.clone(),
                    message,
                    "add \"polling\": \"10 s\"",
                );
            }
            if control.start_at >= control.stop_at {
                let message = "links would start and stop at the same level";
                self.error(
                    "start_above_stop",
                    here.then("start_at"),
                    message,
                    "start below \"stop_at\"",
                );
            }
        }
        let whole = document.end() + document.longest_timeout();
        if whole > LONGEST {
            self.error(
                "too_long_run",
                at!("run", "duration"),
                format!("the run lasts {whole}"),
                format!("{LONGEST} (100 years) is the most"),
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
        if let Authentication::WegmanCarter(tags) = &document.security.authentication
            && tags.tag == Bits::ZERO
        {
            self.error(
                "zero_tag",
                at!("security", "authentication", "wegman_carter", "tag"),
                "an authentication tag without key authenticates nothing",
                "write \"128 bit\"",
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
            &at!("pools"),
            "pool",
            document.pools.iter().map(|x| x.id.as_str()),
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

    /// Checks a reference to a node; false if it leads nowhere.
    fn place(&mut self, path: &Path, place: &Place) -> bool {
        let document = self.document;
        if let Some(boundary) = document.boundary(&place.qkdn)
            && matches!(boundary.kind, BoundaryKind::Iwn(_))
            && document.qkdn(&place.qkdn).is_none()
        {
            self.inside_iwn(path.clone(), &place.to_string());
            return false;
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
        if self.ways.has(&place.qkdn, &place.node) {
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
}
