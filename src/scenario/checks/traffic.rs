//! Checks of demands, faults, expectations and the data network.

use super::routes::{Found, joins, lets_pass, transit};
use super::{Checker, at};
use crate::catalogue::{Path, suggest};
use crate::kernel::time::Span;
use crate::observe::metrics;
use crate::scenario::document::{
    Arrivals, Authentication, BoundaryKind, Demand, Detection, Holding, Place, Sharing,
};
use crate::units::Bits;

impl Checker<'_> {
    pub(super) fn demands(&mut self) {
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
        let factors = [
            ("demand_scale", Some(document.demand_scale)),
            ("load", document.load),
        ];
        for (name, factor) in factors {
            if factor.is_some_and(|factor| !(1e-6..=1e6).contains(&factor)) {
                self.error(
                    "factor_out_of_range",
                    Path::default().then(name),
                    "demand by this factor cannot be simulated",
                    "write a number from 0.000001 to 1000000, such as 0.8",
                );
            }
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
            self.arrivals(&arrivals, demand);
            // These have been found above.
            let found = match &demand.arrivals {
                Arrivals::Replay(_) => true,
                Arrivals::OnOff(bursts) => bursts.on == Span::ZERO,
                _ => false,
            };
            if !found && demand.arrivals.requests_in(Span(u64::MAX / 2)) == 0 {
                self.error(
                    "zero_demand_rate",
                    arrivals.then("rate"),
                    format!("demand {} never asks", demand.id),
                    "write a rate above 0, or leave the demand out",
                );
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
                        "no time is left for demand {}, which begins at {}",
                        demand.id, demand.from
                    ),
                    format!("the run ends at {}", document.end()),
                );
            }
        }
    }

    /// Checks when a demand asks, beside its rate.
    fn arrivals(&mut self, path: &Path, demand: &Demand) {
        match &demand.arrivals {
            Arrivals::Periodic(periodic) if periodic.period == Span::ZERO => self.error(
                "zero_period",
                path.then("period"),
                format!("demand {} asks infinitely often", demand.id),
                "write a period such as \"100 ms\"",
            ),
            Arrivals::OnOff(bursts) if bursts.on == Span::ZERO => self.error(
                "zero_period",
                path.then("on"),
                format!("demand {} is never on", demand.id),
                "write a time such as \"10 s\"",
            ),
            Arrivals::Sessions(sessions) => {
                let (time, field) = match &sessions.holding {
                    Holding::Exponential(held) => (held.mean, "mean"),
                    Holding::Fixed(held) => (held.time, "time"),
                };
                if time == Span::ZERO {
                    self.error(
                        "zero_holding_time",
                        path.then("holding").then(sessions.holding.name()).then(field),
                        format!("sessions of demand {} are over as they open", demand.id),
                        "write a time such as \"3 min\"",
                    );
                }
                if sessions.requests.is_some_and(|rate| rate.0 == 0) {
                    self.error(
                        "zero_demand_rate",
                        path.then("requests"),
                        "sessions that ask no more after their first request have no rate",
                        "leave it out",
                    );
                }
            }
            Arrivals::Replay(replay) => {
                let late = replay.times.windows(2).position(|pair| pair[0] > pair[1]);
                if let Some(index) = late {
                    self.error(
                        "trace_order",
                        path.then("times").then(index + 1),
                        format!(
                            "{} does not come after {}",
                            replay.times[index + 1],
                            replay.times[index]
                        ),
                        "write the instants in order of time",
                    );
                }
                let until = demand.until.unwrap_or(self.document.end());
                let inside = |at: &&Span| **at >= demand.from && **at < until;
                // A file that could not be read has its own finding.
                if replay.file.is_none() && !replay.times.iter().any(|at| inside(&at)) {
                    self.error(
                        "empty_trace",
                        path.clone(),
                        format!("the trace of demand {} has no request in its time", demand.id),
                        "give \"times\" or a \"file\" with instants between its beginning and its end",
                    );
                }
            }
            _ => {}
        }
    }

    /// Checks that a demand can be served at all.
    pub(super) fn route(&mut self, path: &Path, between: &[Place; 2]) {
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
        let whole = between
            .iter()
            .all(|place| document.qkdn(&place.qkdn).is_some_and(|qkdn| self.is_whole(qkdn)));
        if !whole || !self.boundaries_are_whole() {
            return;
        }
        match self.ways.shortest(between, &lets_pass) {
            Found::Way(_) => return,
            Found::Nothing => {}
            Found::TooMany => {
                return self.warning(
                    "unchecked_demand",
                    path.clone(),
                    format!("whether links and boundaries lead from {a} to {b} was not found out: too many ways to look at"),
                    "a QKDN between them is in parts: join them by links",
                );
            }
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
        } else if matches!(self.ways.shortest(between, &|_| true), Found::Way(_)) {
            self.error(
                "transit_refused",
                path.clone(),
                format!(
                    "keys from {} to {} would cross a QKDN whose policy refuses transit",
                    a.qkdn, b.qkdn
                ),
                "write \"transit\": \"allow\" there, or add a boundary between the two",
            );
        } else if transit(document, &a.qkdn, &b.qkdn) {
            self.error(
                "unconnected_demand",
                path.clone(),
                format!("no links lead from {a} over boundaries to {b}"),
                "add links between these nodes and the boundaries on the way",
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

    pub(super) fn expectations(&mut self) {
        let document = self.document;
        for (index, expectation) in document.expect.iter().enumerate() {
            let path = at!("expect", index);
            if metrics::find(&expectation.metric).is_none() {
                let names: Vec<&str> = metrics::METRICS.iter().map(|metric| metric.name).collect();
                self.error(
                    "unknown_metric",
                    path.then("metric"),
                    format!("there is no metric \"{}\"", expectation.metric),
                    suggest(&expectation.metric, &names),
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
                Some(("node", id)) => {
                    let iwn = document.boundary(id);
                    iwn.is_some_and(|boundary| matches!(boundary.kind, BoundaryKind::Iwn(_)))
                        || id.split_once('/').is_some_and(|(qkdn, node)| {
                            document
                                .qkdn(qkdn)
                                .is_some_and(|qkdn| qkdn.nodes.iter().any(|other| other.id == *node))
                        })
                }
                Some(("fault", id)) => document.faults.iter().any(|fault| fault.id == *id),
                Some(_) => false,
            };
            self.measured(&path.then("metric"), expectation.metric.as_str());
            if !known {
                self.error(
                    "unknown_scope",
                    path.then("scope"),
                    format!("there is no scope \"{scope}\""),
                    "scopes are network, qkdn:ID, demand:ID, link:QKDN/LINK, link:BOUNDARY, class:NAME, fault:ID, node:QKDN/NODE, node:BOUNDARY",
                );
            }
        }
    }

    /// A metric that only a setting of its own measures cannot be expected without it.
    fn measured(&mut self, path: &Path, metric: &str) {
        let document = self.document;
        let tags = matches!(document.security.authentication, Authentication::WegmanCarter(_));
        let (on, setting) = match metric {
            "kkder" => (document.run.material_check, "\"material_check\": true in \"run\""),
            "exposed_bits_per_node" | "clear_bits_per_node" | "nodes_in_clear" | "retention_s" => {
                (document.security.exposure, "\"exposure\": true in \"security\"")
            }
            "authentication_bits" | "unauthenticated_messages" => (
                tags,
                "\"authentication\": {\"wegman_carter\": {}} in \"security\"",
            ),
            "heartbeat_messages" | "heartbeat_bytes" => (
                matches!(document.protocol.recovery.detection, Detection::Heartbeat(_)),
                "\"detection\": {\"heartbeat\": {}} in \"recovery\" in \"protocol\"",
            ),
            of_reroutes
                if of_reroutes == "reroutes"
                    || (of_reroutes.starts_with("rerouting_") && of_reroutes != "rerouting_latency_s") =>
            {
                (!document.faults.is_empty(), "a fault in \"faults\"")
            }
            "sharing_link_key_bits" => (
                matches!(document.security.sharing, Sharing::KsaKeys(_)),
                "\"sharing\": {\"ksa_keys\": {}} in \"security\"",
            ),
            _ => return,
        };
        if !on {
            self.error(
                "not_measured",
                path.clone(),
                format!("this run does not measure \"{metric}\""),
                format!("write {setting}"),
            );
        }
    }

    pub(super) fn data_network(&mut self) {
        let document = self.document;
        for (index, route) in document.data_network.routes.iter().enumerate() {
            let [from, to] = &route.between;
            let what = format!("the route from {from} to {to}");
            self.length(
                at!("data_network", "routes", index, "length"),
                &what,
                route.length,
            );
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
}
