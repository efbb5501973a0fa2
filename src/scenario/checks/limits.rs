//! Numbers that are too large to mean anything, or to be counted with: a run's clock ends after 584 years, and sums over
//! a network must stay exact.

use super::{Checker, at};
use crate::catalogue::Path;
use crate::kernel::time::Span;
use crate::scenario::document::{BoundaryKind, Detection};

/// No delay, time-out or service time is longer than this.
const LONGEST: Span = Span(86_400_000_000_000);
/// No more bits are asked for at once: counts stay exact in tables and in other tools.
const MOST_BITS: u64 = 1 << 53;
/// No piece of equipment costs more, and all module pairs together no more than this million times: sums of money stay
/// exact in tables and in other tools.
const HIGHEST_PRICE: u64 = 1_000_000_000;
/// Nothing is repeated more often.
const MOST_RETRIES: u32 = 255;

impl Checker<'_> {
    pub(super) fn limits(&mut self) {
        let document = self.document;
        let (timing, protocol) = (&document.timing, &document.protocol);
        let times = [
            ("ak_delay", timing.ak_delay),
            ("local_delay", timing.local_delay),
            ("detection", timing.detection),
            ("analysis", timing.analysis),
            ("computation", timing.computation),
            ("installation", timing.installation),
            ("coordination_guard", timing.coordination_guard),
            ("coordination_timeout", timing.coordination_timeout),
        ];
        for (name, span) in times {
            self.not_too_long(at!("timing", name), span);
        }
        let processing = &timing.processing;
        let processing = [
            ("key_manager", processing.key_manager),
            ("controller", processing.controller),
            ("manager", processing.manager),
        ];
        for (name, span) in processing {
            self.not_too_long(at!("timing", "processing", name), span);
        }
        let recovery = &protocol.recovery;
        self.not_too_long(at!("protocol", "recovery", "hold_off"), recovery.hold_off);
        self.not_too_long(
            at!("protocol", "recovery", "wait_to_restore"),
            recovery.wait_to_restore,
        );
        self.not_too_long(
            at!("protocol", "retransmission", "timeout"),
            protocol.retransmission.timeout,
        );
        if let Some(polling) = protocol.polling {
            self.not_too_long(at!("protocol", "polling"), polling);
        }
        if let Detection::Heartbeat(beats) = &recovery.detection {
            let whole = Span(beats.period.0.saturating_mul(u64::from(beats.misses.max(1))));
            self.not_too_long(at!("protocol", "recovery", "detection", "heartbeat"), whole);
        }
        let channels = &document.channels;
        for (kind, quality) in [
            ("control", &channels.control),
            ("key_management", &channels.key_management),
            ("management", &channels.management),
        ] {
            self.not_too_long(at!("channels", kind, "delay"), quality.delay);
            self.not_too_long(at!("channels", kind, "jitter"), quality.jitter);
        }
        let counts = [
            (
                at!("protocol", "retransmission", "retries"),
                protocol.retransmission.retries,
            ),
            (at!("timing", "coordination_retries"), timing.coordination_retries),
            (at!("protocol", "level_classes"), protocol.level_classes),
        ];
        for (path, count) in counts {
            if count > MOST_RETRIES {
                self.error(
                    "too_many",
                    path,
                    format!("{count} is too many"),
                    format!("{MOST_RETRIES} is the most"),
                );
            }
        }
        self.prices();
        for (index, demand) in document.demands.iter().enumerate() {
            let bits = demand.key.0.checked_mul(u64::from(demand.number));
            if bits.is_none_or(|bits| bits > MOST_BITS) {
                self.error(
                    "too_large_request",
                    at!("demands", index, "key"),
                    format!(
                        "a request of demand {} is {} times {}",
                        demand.id, demand.number, demand.key
                    ),
                    "a request of 2^53 bit is the largest",
                );
            }
        }
    }

    fn prices(&mut self) {
        let document = self.document;
        let prices = &document.prices;
        let each = [
            ("module_pair", prices.module_pair),
            ("key_manager", prices.key_manager),
            ("controller", prices.controller),
            ("site", prices.site),
            ("middle_station", prices.middle_station),
            ("link", prices.link),
        ];
        let mut high = false;
        for (name, price) in each {
            if price > HIGHEST_PRICE {
                high = true;
                self.error(
                    "price_too_high",
                    at!("prices", name),
                    format!("a price of {price} is beyond what is counted with"),
                    format!("{HIGHEST_PRICE} is the most: count in thousands or millions of the currency"),
                );
            }
        }
        let links = document.qkdns.iter().flat_map(|qkdn| &qkdn.links);
        let borders = document
            .boundaries
            .iter()
            .flat_map(|boundary| match &boundary.kind {
                BoundaryKind::Gwn(gwn) => [Some(gwn.link.systems), None],
                BoundaryKind::Iwn(iwn) => {
                    let far = iwn.link_b.as_ref().unwrap_or(&iwn.link);
                    [Some(iwn.link.systems), Some(far.systems)]
                }
            });
        let systems = links.map(|link| link.systems).chain(borders.flatten());
        let pairs: u128 = systems.map(u128::from).sum();
        let all = pairs * (u128::from(prices.module_pair) + u128::from(prices.middle_station));
        if !high && all > u128::from(HIGHEST_PRICE) * 1_000_000 {
            self.error(
                "price_too_high",
                at!("prices"),
                format!("the {pairs} module pairs of all links cost more than is counted with"),
                "count in thousands or millions of the currency, or check \"systems\"",
            );
        }
    }

    fn not_too_long(&mut self, path: Path, span: Span) {
        if span > LONGEST {
            self.error(
                "too_long_time",
                path,
                format!("{span} is longer than anything waits here"),
                format!("{LONGEST} is the most"),
            );
        }
    }
}
