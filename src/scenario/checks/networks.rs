//! Checks of QKDNs, links, ducts and boundaries.

use std::collections::BTreeMap;

use super::{Checker, at};
use crate::catalogue::{Path, suggest};
use crate::kernel::time::Span;
use crate::quantum::models::{Channel, MEASURED_PRESETS};
use crate::scenario::document::{
    self, BoundaryKind, Control, LinkModel, LinkTemplate, MeasuredTable, Qkdn, Relay, Reservation, Store,
    Stretch, quantum_channel,
};
use crate::units::{Bits, Decibels, Fraction, Metres};

/// Longer than any link, satellites included.
const LONGEST: Metres = Metres(100_000_000);

impl Checker<'_> {
    pub(super) fn qkdns(&mut self) {
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
            self.relay(&here, qkdn);
            self.routing(&here, qkdn);
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
                self.length(path.then("length"), &format!("link {}", link.id), link.length);
                if link.loss.is_some() && link.attenuation.is_some() {
                    self.two_losses(path.then("attenuation"));
                }
                self.model(&path, &link.model, &link.store, link.systems);
                self.session_limit(&path, link.max_sessions);
                self.channel(&path, &link.model, link.channel.as_ref());
                self.generation(&path, &link.model, link.generation.as_ref());
                if known {
                    let place = path.then(if link.loss.is_some() { "loss" } else { "length" });
                    self.reach(
                        (&place, &path),
                        &format!("link {}", link.id),
                        (&link.model, link.generation.as_ref()),
                        quantum_channel(link.channel.as_ref(), link.length, link.total_loss()),
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
                if !joined && self.boundaries_are_whole() {
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
    pub(super) fn placement(&mut self, here: &Path, qkdn: &Qkdn) {
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

    /// Checks a relay scheme: whether its central KM is somewhere, and whether keys are reserved for it.
    fn relay(&mut self, here: &Path, qkdn: &Qkdn) {
        if let Relay::Centralized(central) = &qkdn.relay {
            let at_border = self.document.boundary(&central.at).is_some_and(|boundary| {
                matches!(boundary.kind, BoundaryKind::Iwn(_))
                    && boundary.between.iter().any(|end| qkdn.id == end.qkdn)
            });
            if !at_border && !qkdn.nodes.iter().any(|node| node.id == central.at) {
                let names: Vec<&str> = qkdn.nodes.iter().map(|node| node.id.as_str()).collect();
                self.error(
                    "unknown_node",
                    here.then("relay").then("centralized").then("at"),
                    format!(
                        "QKDN {} has no node \"{}\" for its central key manager",
                        qkdn.id, central.at
                    ),
                    suggest(&central.at, &names),
                );
            }
        }
        let in_parts = !matches!(qkdn.relay, Relay::HopByHop(_));
        if in_parts && self.document.protocol.reservation == Reservation::PerHop {
            self.error(
                "unreserved_parts",
                here.then("relay"),
                format!(
                    "QKDN {} relays in parts, at all nodes at once, and keys are reserved hop after hop",
                    qkdn.id
                ),
                "write \"reservation\": \"segment\", or relay \"hop_by_hop\"",
            );
        }
    }

    pub(super) fn not_depicted(&mut self, path: Path, what: &str) {
        self.warning(
            "not_depicted",
            path,
            format!("{what}: Y.3818 does not depict this in clause 8"),
            "it runs; clause 8 names its figures \"several examples\"",
        );
    }

    pub(super) fn two_losses(&mut self, path: Path) {
        self.error(
            "two_losses",
            path,
            "there is a loss already",
            "give the measured loss or an attenuation, not both",
        );
    }

    /// Checks one end of a link; false if it is no node of the QKDN.
    pub(super) fn link_end(&mut self, path: &Path, qkdn: &Qkdn, name: &str) -> bool {
        if self.ways.has(&qkdn.id.0, name) {
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

    pub(super) fn inside_iwn(&mut self, path: Path, name: &str) {
        self.error(
            "qx_inside_iwn",
            path,
            format!("\"{name}\" is inside an IWN, where no link ends but the two that the boundary makes"),
            "Y.3818, 6.2: no Qx between the two QKD modules inside an IWN",
        );
    }

    /// Checks model, store and number of systems of a link or a template at `path`.
    pub(super) fn model(&mut self, path: &Path, model: &LinkModel, store: &Store, systems: u32) {
        let here = path.then("model").then(model.name());
        match model {
            LinkModel::FixedRate(document::FixedRate { rate, .. })
            | LinkModel::RandomBlocks(document::RandomBlocks { rate, .. }) => {
                if rate.0 == 0 {
                    self.error(
                        "zero_rate",
                        here.then("rate"),
                        "the link makes no key",
                        "write a rate above 0, or leave the link out",
                    );
                }
            }
            LinkModel::MeasuredTable(table) => self.table(&here, table),
            physical => self.physical(&here, physical),
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

    /// Checks how many sessions a link at `path` may carry.
    fn session_limit(&mut self, path: &Path, max_sessions: Option<u32>) {
        let path = path.then("max_sessions");
        if max_sessions == Some(0) {
            self.error(
                "zero_sessions",
                path.clone(),
                "the link carries nobody's keys",
                "write 1 or more, or leave the limit out",
            );
        }
        if max_sessions.is_some() && self.document.protocol.reservation == Reservation::PerHop {
            self.error(
                "session_limit_per_hop",
                path,
                "sessions are admitted where hops are reserved before the relay, and here they are not",
                "write \"reservation\": \"segment\" in \"protocol\"",
            );
        }
    }

    pub(super) fn table(&mut self, here: &Path, table: &MeasuredTable) {
        let law = table.rate_at_10_db.is_some() || table.loss_max.is_some();
        if let Some(preset) = &table.preset {
            let names: Vec<&str> = MEASURED_PRESETS.iter().map(|preset| preset.name).collect();
            if !names.contains(&preset.as_str()) {
                self.error(
                    "unknown_preset",
                    here.then("preset"),
                    format!("there is no preset \"{preset}\""),
                    suggest(preset, &names),
                );
            }
            if law || !table.points.is_empty() {
                self.error(
                    "table_form",
                    here.clone(),
                    "two tables in one",
                    "give either a preset or a table of your own",
                );
            }
            return;
        }
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
                "give either \"points\", or \"rate_at_10_db\" and \"loss_max\", or a \"preset\"",
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

    /// Checks a physical model's parameters.
    fn physical(&mut self, here: &Path, model: &LinkModel) {
        if !model.is_link() {
            self.error(
                "not_a_link",
                here.clone(),
                format!("{} makes no key: it is for `qkdni link`", model.name()),
                "choose another model",
            );
        }
        if !self.decoder.is_known(here) {
            return;
        }
        for problem in model.model().err().unwrap_or_default() {
            self.error(
                problem.code,
                here.then(problem.parameter),
                problem.message,
                problem.hint,
            );
        }
    }

    /// Checks what a channel adds.
    fn channel(&mut self, path: &Path, model: &LinkModel, channel: Option<&document::Channel>) {
        let Some(channel) = channel else { return };
        let here = path.then("channel");
        if channel.raman.is_some() && !model.counts_photons() {
            self.warning(
                "raman_without_effect",
                here.then("raman"),
                format!(
                    "{} counts no photons, so light of other channels changes nothing",
                    model.name()
                ),
                "leave it out, or choose a model that counts photons",
            );
        }
        let mut positive = |within: &str, key: &str, value: f64, most: f64| {
            if !(value > 0.0 && value <= most) {
                self.error(
                    "parameter_range",
                    here.then(within).then(key),
                    format!("{key} is {value}"),
                    format!("write a number above 0 and up to {most}"),
                );
            }
        };
        if let Some(raman) = &channel.raman {
            positive("raman", "power_mw", raman.power_mw, 1e4);
            positive("raman", "scattering", raman.scattering, 1.0);
            positive("raman", "filter_nm", raman.filter_nm, 1e3);
            positive("raman", "gate_ns", raman.gate_ns, 1e6);
            positive("raman", "receiver", raman.receiver, 1.0);
        }
        if let Some(beam) = &channel.free_space {
            positive("free_space", "aperture_m", beam.aperture_m, 1e3);
            positive("free_space", "divergence_urad", beam.divergence_urad, 1e6);
        }
    }

    /// Checks how a link works from block to block.
    fn generation(&mut self, path: &Path, model: &LinkModel, generation: Option<&document::Generation>) {
        let Some(generation) = generation else { return };
        let here = path.then("generation");
        if matches!(model, LinkModel::RandomBlocks(_)) {
            self.error(
                "generation_of_random_blocks",
                here.clone(),
                "blocks at random are all alike: they have no errors, no drift and no post-processing",
                "leave it out, or choose another link model",
            );
        }
        if matches!(model, LinkModel::SatellitePass(_)) {
            self.error(
                "generation_of_satellite",
                here.clone(),
                "a satellite's key comes in lumps after its passes: they have no errors, no drift and no reports",
                "leave it out; clear skies, passes and their key are parameters of the model",
            );
        }
        if generation.error_drift.is_some() && !model.shows_errors() {
            self.warning(
                "drift_without_effect",
                here.then("error_drift"),
                format!("{} has no errors that could drift", model.name()),
                "leave it out, or choose a physical model",
            );
        }
        if generation.frame_error >= Fraction::ONE {
            self.warning(
                "every_frame_lost",
                here.then("frame_error"),
                "every block is lost in error correction: the link makes no key",
                "write a probability below 1",
            );
        }
        let lean = generation.start_key.0 / 10 < generation.authentication.0;
        if lean && generation.start_key >= generation.authentication && generation.authentication.0 > 0 {
            self.warning(
                "little_start_key",
                here.then("start_key"),
                format!(
                    "{} pay for {} blocks: as many lost one after the other, and the modules have no key left to \
                     authenticate with, for good",
                    generation.start_key,
                    generation.start_key.0 / generation.authentication.0
                ),
                "pre-share key for more blocks than an attack or a fault may spoil",
            );
        }
        if generation.abort_above.is_some_and(|above| above > Fraction::HALF) {
            self.error(
                "error_rate_over_half",
                here.then("abort_above"),
                "half of all bits wrong is what no key at all has",
                "write an error rate of at most 50 %",
            );
        }
        if generation.start_key < generation.authentication {
            self.error(
                "no_start_key",
                here.then("start_key"),
                format!(
                    "a block costs {} of authentication key, and {} are there for the first",
                    generation.authentication, generation.start_key
                ),
                "pre-share a start key that pays for a block at least",
            );
        }
        if generation.report_every == Some(Span::ZERO) {
            self.error(
                "zero_period",
                here.then("report_every"),
                "reports without a period never end",
                "write a time such as \"1 min\"",
            );
        }
        let correlations = [
            (
                "loss_drift",
                generation.loss_drift.as_ref().map(|drift| drift.correlation),
            ),
            (
                "error_drift",
                generation.error_drift.as_ref().map(|drift| drift.correlation),
            ),
        ];
        for (key, correlation) in correlations {
            if correlation == Some(Span::ZERO) {
                self.error(
                    "zero_correlation",
                    here.then(key).then("correlation"),
                    "what forgets at once does not drift",
                    "write a time such as \"1 h\"",
                );
            }
        }
    }

    /// Warns of a link whose model makes no key over its channel, or whose blocks are expected to be thrown away; `path`:
    /// where its length is, `link`: where the link is.
    pub(super) fn reach(
        &mut self,
        (path, link): (&Path, &Path),
        what: &str,
        (model, generation): (&LinkModel, Option<&document::Generation>),
        channel: Channel,
    ) {
        let Ok(found) = model.model().map(|model| model.evaluate(&channel)) else {
            return;
        };
        let above = generation.and_then(|generation| generation.abort_above);
        let above = above.unwrap_or(model.usual_abort());
        let makes_key = model.shows_errors() && found.rate_bps > 0.0;
        let expected = found.observed.or(found.qber).filter(|_| makes_key);
        if let Some(expected) = expected.filter(|&expected| expected > above.as_number()) {
            self.warning(
                "errors_above_threshold",
                link.then("generation").then("abort_above"),
                format!(
                    "{what} has {:.2} % of errors and throws its blocks away",
                    expected * 100.0
                ),
                format!("its threshold is {above}; raise it, or shorten the link"),
            );
        }
        let loss = Decibels(libm::round(channel.loss_db * 1e9) as u64);
        if !model.is_link() || makes_key || model.reaches_over(&channel) {
            return;
        }
        if let Some(reach) = model.reach(&channel) {
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
    pub(super) fn stretches(&mut self, path: &Path, stretches: &[Stretch], length: Metres) {
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
            sum = sum.map(|sum: u64| sum.saturating_add(to.0.abs_diff(stretch.from.0)));
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

    /// Checks that a length is one of something on or above Earth.
    pub(super) fn length(&mut self, path: Path, what: &str, length: Metres) {
        if length == Metres::ZERO {
            self.error(
                "zero_length",
                path,
                format!("{what} has no length"),
                "write \"1 m\" for two modules in one building",
            );
        } else if length > LONGEST {
            self.error(
                "too_long",
                path,
                format!("{what} is {length} long"),
                format!("{LONGEST} is the most"),
            );
        }
    }

    pub(super) fn ducts(&mut self) {
        for (index, duct) in self.document.ducts.iter().enumerate() {
            self.length(
                at!("ducts", index, "length"),
                &format!("duct {}", duct.id),
                duct.length,
            );
        }
    }

    /// Whether all links of a QKDN could be read and end at its nodes: else nothing can be said of its routes.
    pub(super) fn is_whole(&self, qkdn: &Qkdn) -> bool {
        let index = self.document.qkdns.iter().position(|other| other.id == qkdn.id);
        let node = |name: &String| self.ways.has(&qkdn.id.0, name);
        index.is_some_and(|index| self.decoder.is_known(&at!("qkdns", index, "links")))
            && qkdn.links.iter().all(|link| link.between.iter().all(node))
    }

    /// Whether all boundaries could be read and end at nodes.
    pub(super) fn boundaries_are_whole(&self) -> bool {
        self.decoder.is_known(&at!("boundaries"))
            && self.document.boundaries.iter().all(|boundary| {
                let mut places = boundary.between.iter();
                places.all(|place| self.ways.has(&place.qkdn, &place.node))
            })
    }

    /// Warns of nodes that no link reaches from the first.
    pub(super) fn connected(&mut self, here: &Path, qkdn: &Qkdn) {
        if !self.is_whole(qkdn) {
            return;
        }
        let Some(first) = qkdn.nodes.first() else { return };
        let reached = self.ways.reached(qkdn, first.id.as_str());
        for (index, node) in qkdn.nodes.iter().enumerate() {
            if !reached[index] {
                self.warning(
                    "unreached_node",
                    here.then("nodes").then(index).then("id"),
                    format!("no links lead from {} to {}", first.id, node.id),
                    format!("add a link, or is QKDN {} meant to be in parts?", qkdn.id),
                );
            }
        }
    }

    pub(super) fn boundaries(&mut self) {
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
            if let Some(owner) = &boundary.site_owner
                && resolved
                && *owner != a.qkdn
                && *owner != b.qkdn
            {
                self.error(
                    "unknown_owner",
                    path.then("site_owner"),
                    format!("\"{owner}\" is neither side of the boundary"),
                    format!("write \"{}\" or \"{}\"", a.qkdn, b.qkdn),
                );
            }
            let duct = path.then("duct");
            let known = self.decoder.is_known(&duct.then("length"))
                && self.decoder.is_known(&path.then("site_at"))
                && self.decoder.is_known(&path.then("kind"));
            let what = format!("the duct of boundary {}", boundary.id);
            self.length(duct.then("length"), &what, boundary.duct.length);
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
                        let length = boundary.duct.length;
                        let channel = quantum_channel(gwn.link.channel.as_ref(), length, loss);
                        let own = kind.then("link");
                        let model = (&gwn.link.model, gwn.link.generation.as_ref());
                        self.reach((&own.then("model"), &own), &what, model, channel);
                    }
                }
                BoundaryKind::Iwn(iwn) => {
                    if iwn.kxi1_prime_rate.is_some_and(|rate| rate.0 == 0) {
                        self.error(
                            "zero_rate",
                            kind.then("kxi1_prime_rate"),
                            "no key would ever pass from one key manager to the other",
                            "write a rate such as \"10 Mbit/s\", or leave it out: at once",
                        );
                    }
                    self.template(&kind.then("link"), &iwn.link);
                    if let Some(link) = &iwn.link_b {
                        self.template(&kind.then("link_b"), link);
                    }
                    if known {
                        let first = loss.up_to(boundary.site(), boundary.duct.length);
                        let rest = Decibels(loss.0 - first.0);
                        let key = if iwn.link_b.is_some() { "link_b" } else { "link" };
                        let other = iwn.link_b.as_ref().unwrap_or(&iwn.link);
                        let site = boundary.site();
                        let beyond = Metres(boundary.duct.length.0.saturating_sub(site.0));
                        let spans = [(a, "link", &iwn.link, site, first), (b, key, other, beyond, rest)];
                        for (end, key, link, length, loss) in spans {
                            let what = format!("the link of boundary {} from {end}", boundary.id);
                            let channel = quantum_channel(link.channel.as_ref(), length, loss);
                            let own = kind.then(key);
                            let model = (&link.model, link.generation.as_ref());
                            self.reach((&own.then("model"), &own), &what, model, channel);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn template(&mut self, path: &Path, link: &LinkTemplate) {
        self.model(path, &link.model, &link.store, link.systems);
        self.session_limit(path, link.max_sessions);
        self.channel(path, &link.model, link.channel.as_ref());
        self.generation(path, &link.model, link.generation.as_ref());
    }
}
