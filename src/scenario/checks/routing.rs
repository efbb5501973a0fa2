//! Checks of routing: parameters in their ranges, and places where an algorithm goes by places.

use super::{Checker, at};
use crate::catalogue::Path;
use crate::kernel::time::Span;
use crate::scenario::document::{Control, QkdNode, Qkdn, Routing};
use crate::units::Bits;

/// Most paths that are looked at for one request.
const MOST_PATHS: u32 = 64;

/// Farthest that a link's rate counts ahead.
const FARTHEST: Span = Span::from_seconds(86_400);

impl Checker<'_> {
    /// Checks a QKDN's routing; `here` is the QKDN's path.
    pub(super) fn routing(&mut self, here: &Path, qkdn: &Qkdn) {
        self.places(here, qkdn);
        let path = here.then("routing").then(qkdn.routing.name());
        match &qkdn.routing {
            Routing::KShortest(shortest) if shortest.k == 0 => self.error(
                "zero_k",
                path.then("k"),
                format!("QKDN {} looks at no route", qkdn.id),
                "write 1 for the shortest route alone, or more",
            ),
            Routing::KShortest(shortest) if shortest.k > MOST_PATHS => self.error(
                "too_many_routes",
                path.then("k"),
                format!("{} routes for each request are too many", shortest.k),
                format!("{MOST_PATHS} is the most"),
            ),
            Routing::KeyAware(key_aware) => {
                if key_aware.reference == Bits::ZERO {
                    self.error(
                        "zero_reference",
                        path.then("reference"),
                        "want of key counts for nothing: that is \"fewest_hops\"",
                        "write an amount such as \"1 Mbit\"",
                    );
                }
                if key_aware.horizon > FARTHEST {
                    self.error(
                        "far_horizon",
                        path.then("horizon"),
                        format!("a rate counts no farther than {FARTHEST} ahead"),
                        "write a time such as \"10 s\"",
                    );
                }
            }
            Routing::DistanceVector(vectors) => {
                if qkdn.control == Control::Centralized {
                    self.error(
                        "vectors_centralized",
                        here.then("routing"),
                        format!("QKDN {} is centralized: its controller has nobody to exchange distances with", qkdn.id),
                        "write \"control\": \"distributed\", or routing \"fewest_hops\", which finds the same routes",
                    );
                }
                if vectors.period == Span::ZERO {
                    self.error(
                        "zero_period",
                        path.then("period"),
                        "updates would follow without end",
                        "write a time such as \"30 s\"",
                    );
                }
                if vectors.pause == Span::ZERO {
                    self.error(
                        "zero_pause",
                        path.then("pause"),
                        "after a failure that parts the network, updates would double at every node",
                        "write a time such as \"1 s\"",
                    );
                }
                if !(2..=u32::from(u16::MAX)).contains(&vectors.infinity) {
                    self.error(
                        "bad_infinity",
                        path.then("infinity"),
                        format!("{} hops cannot count as unreachable", vectors.infinity),
                        "write a number of hops from 2 to 65535 that no route has",
                    );
                }
            }
            Routing::Gpsrq(_) => {
                let without: Vec<&str> = qkdn
                    .nodes
                    .iter()
                    .filter(|node| node.place().is_none())
                    .map(|node| node.id.as_str())
                    .collect();
                if let Some(first) = without.first() {
                    let others = match without.len() - 1 {
                        0 => String::new(),
                        more => format!(" and {more} more"),
                    };
                    self.error(
                        "no_places",
                        here.then("routing"),
                        format!(
                            "gpsrq goes by places, and QKDN {} has nodes without: {first}{others}",
                            qkdn.id
                        ),
                        "add \"lon\" and \"lat\", or choose another algorithm: qkdni list routing",
                    );
                }
            }
            _ => {}
        }
    }

    /// Checks how controllers keep each other's knowledge fresh.
    pub(super) fn link_state(&mut self) {
        let here = at!("protocol", "link_state");
        let state = &self.document.protocol.link_state;
        let (refresh, max_age) = (state.refresh, state.max_age);
        if refresh == Some(Span::ZERO) {
            self.error(
                "zero_period",
                here.then("refresh"),
                "refreshes would follow without end",
                "leave it out for none",
            );
        }
        match (refresh, max_age) {
            (None, Some(_)) => self.error(
                "ageing_without_refresh",
                here.then("max_age"),
                "all knowledge would grow too old, and nothing makes it fresh again",
                "add \"refresh\": a time shorter than \"max_age\"",
            ),
            (Some(refresh), Some(max_age)) if max_age <= refresh => self.error(
                "ageing_before_refresh",
                here.then("max_age"),
                format!("knowledge grows too old in {max_age}, before the next refresh after {refresh}"),
                "make it some times as long as \"refresh\"",
            ),
            _ => {}
        }
    }

    /// Checks that places are on the globe.
    fn places(&mut self, here: &Path, qkdn: &Qkdn) {
        for (index, QkdNode { lon, lat, .. }) in qkdn.nodes.iter().enumerate() {
            for (key, what, degrees, most) in
                [("lon", "longitude", lon, 180.0), ("lat", "latitude", lat, 90.0)]
            {
                if degrees.is_some_and(|degrees| !(-most..=most).contains(&degrees)) {
                    self.error(
                        "off_the_globe",
                        here.then("nodes").then(index).then(key),
                        format!("{} is no {what}", degrees.unwrap_or_default()),
                        format!("degrees from -{most} to {most}"),
                    );
                }
            }
        }
    }
}
