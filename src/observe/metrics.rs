//! The metrics: name, unit, which way is better, and one sentence each.

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: a difference is worth knowing, not a merit.
    Neutral,
}

/// What one metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in every file.
    pub name: &'static str,
    /// Its unit in every file; `1` for shares, ratios and counts.
    pub unit: &'static str,
    /// Which way is better.
    pub direction: Direction,
    /// What it says, for people.
    pub meaning: &'static str,
}

use Direction::{Higher, Lower, Neutral};

/// All metrics, the ones read first in front.
///
/// Assumption: variants face the same requests, so whatever it takes to serve them (pad bits, messages,
/// money) is better the less it is; read it beside `served_share`, since serving nobody costs nothing.
pub const METRICS: &[Metric] = &[
    row("requests", "1", Neutral, "requests counted"),
    row(
        "delivered",
        "1",
        Higher,
        "counted requests whose keys both applications got",
    ),
    row("delivered_bits", "bit", Higher, "key bits delivered"),
    row("served_share", "1", Higher, "requests delivered / requests"),
    row(
        "throughput_bps",
        "bit/s",
        Higher,
        "key bits delivered per second of counting time",
    ),
    row(
        "kkrd_s",
        "s",
        Lower,
        "key delay (KKRD): request sent until both applications hold the key",
    ),
    row(
        "relay_latency_s",
        "s",
        Lower,
        "first key relay message sent until the destination KM holds the key",
    ),
    row("kkrdv_s", "s", Lower, "standard deviation of the key delay"),
    row("kkdlr", "1", Lower, "keys not delivered / keys requested"),
    row(
        "kkder",
        "1",
        Lower,
        "keys that differ between both ends / keys delivered; where real bits flow",
    ),
    row(
        "availability",
        "1",
        Higher,
        "share of time in which some permitted path has usable key for one request on every hop and every needed element is up, whether or not routing takes it and however many wait",
    ),
    row(
        "service_interruption_s",
        "s",
        Lower,
        "per demand and fault: first request sent between fault and repair that is not supplied within D until the first supply of it or of a later one, 0 if none; D: run.interruption_threshold, default the longest delay before the fault (of 100 requests or more)",
    ),
    row(
        "service_restoration_s",
        "s",
        Lower,
        "per demand and fault: fault until the end of that interruption",
    ),
    row(
        "unrestored_interruptions",
        "1",
        Lower,
        "interruptions that no supply ended in the run; they are in no mean",
    ),
    row(
        "rerouting_latency_s",
        "s",
        Lower,
        "fault until the new route is active",
    ),
    row(
        "reroutes",
        "1",
        Neutral,
        "reroutes that came into force, one per fault and session",
    ),
    // What counts is their sum: a stage that is shorter for another that is longer is no merit.
    row(
        "rerouting_detection_s",
        "s",
        Neutral,
        "fault until the first element declares it",
    ),
    row(
        "rerouting_report_s",
        "s",
        Neutral,
        "declaration until the deciding controller has the last report",
    ),
    row(
        "rerouting_analysis_s",
        "s",
        Neutral,
        "last report until the decision to reroute",
    ),
    row(
        "rerouting_computation_s",
        "s",
        Neutral,
        "decision until the path is computed",
    ),
    row(
        "rerouting_coordination_s",
        "s",
        Neutral,
        "path until the later side's agreed switch instant",
    ),
    row(
        "rerouting_command_s",
        "s",
        Neutral,
        "switch instant until the last KM has its command",
    ),
    row(
        "rerouting_installation_s",
        "s",
        Neutral,
        "last command until the last route is active",
    ),
    row(
        "rerouting_first_key_s",
        "s",
        Neutral,
        "last active route until the first key of those that wait",
    ),
    row(
        "rerouting_total_s",
        "s",
        Lower,
        "fault until the first key over the new route, where a request waited",
    ),
    row(
        "rerouting_messages",
        "1",
        Lower,
        "control and management messages about a fault and a session that it rerouted",
    ),
    row("rerouting_bytes", "byte", Lower, "their bytes"),
    row(
        "half_switched_s",
        "s",
        Lower,
        "the two sides of a border on different routes, where they agreed on a new one",
    ),
    row(
        "link_key_bits_per_key_bit",
        "1",
        Lower,
        "one-time-pad bits spent per key bit delivered",
    ),
    row("total_link_key_bits", "bit", Lower, "link key spent for anything"),
    row(
        "wasted_link_key_bits",
        "bit",
        Lower,
        "link key spent for keys that never arrived",
    ),
    row(
        "expired_link_key_bits",
        "bit",
        Lower,
        "link key that grew too old",
    ),
    // Who spends more link key per key delivered utilises more of it: no merit by itself.
    row(
        "key_utilisation",
        "1",
        Neutral,
        "link key spent for delivered keys / link key generated",
    ),
    row(
        "drawdown_bits",
        "bit",
        Neutral,
        "stores at the start less stores at the end of the counting time",
    ),
    row(
        "sharing_link_key_bits",
        "bit",
        Lower,
        "link key spent on the keys of Cxi and Mxi, and of Ck where asked for",
    ),
    row(
        "authentication_bits",
        "bit",
        Lower,
        "link key spent on authentication tags",
    ),
    row(
        "qx_authentication_bits",
        "bit",
        Lower,
        "key that modules keep back from their blocks to authenticate Qx; no part of total_link_key_bits",
    ),
    row(
        "unauthenticated_messages",
        "1",
        Lower,
        "messages not sent for want of key for their tag",
    ),
    row(
        "exposed_bits_per_node",
        "bit",
        Lower,
        "supplied key that one compromised node could have computed; of the network, the node that tells most",
    ),
    row(
        "clear_bits_per_node",
        "bit",
        Lower,
        "supplied key that one node held in clear; of the network, the node that held most",
    ),
    row(
        "nodes_in_clear",
        "1",
        Lower,
        "trusted nodes that held a supplied key in clear, its two ends included; mean over keys",
    ),
    row(
        "retention_s",
        "s",
        Lower,
        "how long a node held a supplied key in clear",
    ),
    row("control_messages", "1", Lower, "control and management messages"),
    row(
        "control_bytes",
        "byte",
        Lower,
        "bytes of control and management messages",
    ),
    row(
        "routing_messages",
        "1",
        Lower,
        "of these, what controllers of one QKDN tell each other to route by: floods, refreshes, distance vectors",
    ),
    row("routing_bytes", "byte", Lower, "their bytes"),
    row(
        "heartbeat_messages",
        "1",
        Lower,
        "heartbeats sent in the counting time, where they are on; in no other count",
    ),
    row("heartbeat_bytes", "byte", Lower, "their bytes"),
    row(
        "one_sided",
        "1",
        Lower,
        "counted requests whose key only the destination got",
    ),
    row(
        "retransmissions",
        "1",
        Lower,
        "messages sent again, in the whole run; likewise",
    ),
    row(
        "given_up_messages",
        "1",
        Lower,
        "messages given up after their retries; likewise",
    ),
    row(
        "lost_transmissions",
        "1",
        Neutral,
        "transmissions that the data network lost, acknowledgements included; likewise",
    ),
    row(
        "transport_messages",
        "1",
        Lower,
        "acknowledgements and skips of given-up messages; likewise",
    ),
    row("transport_bytes", "byte", Lower, "their bytes; likewise"),
    row(
        "cost",
        "1",
        Lower,
        "what the equipment costs by the scenario's prices, in their currency",
    ),
    // One provider's income is another's expense.
    row(
        "settled_income",
        "1",
        Neutral,
        "what other providers owe by settlements that both have signed, in the whole run, in the currency",
    ),
    row(
        "settled_expense",
        "1",
        Neutral,
        "what a provider owes others by them; likewise",
    ),
    row("events", "1", Neutral, "events that the simulator dispatched"),
];

const fn row(name: &'static str, unit: &'static str, direction: Direction, meaning: &'static str) -> Metric {
    Metric {
        name,
        unit,
        direction,
        meaning,
    }
}

/// The metric of that name, if it is one of [`METRICS`].
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Which way the metric of that name is better; a name that is not listed is neutral.
pub fn direction(name: &str) -> Direction {
    let (metric, _) = name.split_once('.').unwrap_or((name, ""));
    find(metric).map_or(Neutral, |metric| metric.direction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_carry_their_unit() {
        for (index, metric) in METRICS.iter().enumerate() {
            assert!(
                METRICS[..index].iter().all(|other| other.name != metric.name),
                "{}",
                metric.name
            );
            assert_eq!(metric.name.ends_with("_s"), metric.unit == "s", "{}", metric.name);
        }
    }

    #[test]
    fn directions() {
        assert_eq!(direction("served_share"), Higher);
        assert_eq!(direction("kkdlr"), Lower);
        assert_eq!(direction("a metric of a library user"), Neutral);
    }
}
