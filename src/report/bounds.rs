//! Tables of what theory says: bounds, break-even, criticality, and hard bounds beside a run.

use comfy_table::Cell;
use serde::Serialize;

use super::quantity::{Scale, grouped, money};
use super::tables::{DETAIL, Look, push, say, table};
use crate::analysis::bounds::{Bounds, Expected};
use crate::analysis::criticality::{Criticality, Loss};
use crate::archive::{Price, Summary};
use crate::units::counted;

/// One way of joining two networks, for the break-even.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// `G0`, `G0=`, `G1` or `I`.
    pub name: String,
    /// What it costs, in the scenario's prices.
    pub price: f64,
    /// What of the demands it can serve in the long run \[bit/s\]; null if that is too much to compute.
    pub steady_bps: Option<f64>,
    /// Capacity from network to network in the long run, the least of all directions \[bit/s\].
    pub capacity_bps: f64,
    /// Price of 1 bit/s of that capacity.
    pub price_per_bps: f64,
    /// By how much a site's price would have to change for this to cost what I costs; null where both have as many sites.
    pub site_price_change_to_break_even: Option<f64>,
    /// A site's price after that change: at which this would cost what I costs; null where no price from 0 on does it.
    pub site_price_at_break_even: Option<f64>,
}

fn rate(bps: f64) -> String {
    Scale::of("bit/s", bps).quantity(bps)
}

fn seconds(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| Scale::of("s", value).quantity(value))
}

/// What theory says of a scenario.
pub fn bounds(bounds: &Bounds, price: Option<&Price>, variants: &[Variant], look: Look) -> String {
    let mut text = String::new();
    if !bounds.networks.is_empty() {
        say(&mut text, "Between the networks (max-flow = min-cut):");
        let mut rows = table(
            look,
            &["from", "to", "long run", "at most in this run", "bottleneck"],
        );
        for row in &bounds.networks {
            rows.add_row([
                Cell::new(&row.from),
                Cell::new(&row.to),
                Cell::new(rate(row.steady_bps)),
                Cell::new(rate(row.hard_bps)),
                Cell::new(row.cut.join(", ")),
            ]);
        }
        push(&mut text, &rows);
        text.push('\n');
    }
    say(&mut text, "Each demand for itself:");
    let header = [
        "demand",
        "asks",
        "hops",
        "slowest hop",
        "max-flow",
        "at most",
        "idle relay",
        "KKRD from",
        "availability",
        "in clear",
    ];
    let mut rows = table(look, &header);
    for row in bounds.demands.iter().take(DETAIL) {
        let route = row.bottleneck_bps.map_or(String::new(), rate);
        let [low, high] = row.availability;
        let [low, high] = [low, high].map(|share| format!("{share:.5}"));
        let availability = if low == high {
            low
        } else {
            format!("{low} … {high}")
        };
        rows.add_row([
            Cell::new(&row.demand),
            Cell::new(rate(row.asked_bps)),
            Cell::new(row.hops.map_or("none".to_owned(), |hops| hops.to_string())),
            Cell::new(route),
            Cell::new(rate(row.max_flow_bps)),
            Cell::new(rate(row.hard_bps)),
            Cell::new(seconds(row.relay_latency_s)),
            Cell::new(seconds(row.kkrd_at_least_s)),
            Cell::new(availability),
            Cell::new(row.relays_in_clear),
        ]);
    }
    push(&mut text, &rows);
    more(&mut text, bounds.demands.len());
    let all = &bounds.all;
    let steady = all.steady_bps.map_or("too large to compute".to_owned(), rate);
    say(
        &mut text,
        &format!(
            "\nAll demands together ask for {}; long run, multi-commodity: {steady}; at most in this run: {}",
            rate(all.asked_bps),
            rate(all.hard_bps)
        ),
    );
    if let Some(busiest) = &bounds.busiest {
        let line = format!(
            "Busiest hop: {}, asked for {:.0} % of the key that it makes",
            busiest.hop,
            100.0 * busiest.load
        );
        say(&mut text, &line);
    }
    if !bounds.exposure.is_empty() {
        say(&mut text, "\nNodes that hold keys of others in clear:");
        let mut rows = table(look, &["node", "demands", "of all key"]);
        for row in bounds.exposure.iter().take(DETAIL) {
            rows.add_row([
                Cell::new(&row.node),
                Cell::new(row.demands),
                Cell::new(format!("{:.1} %", 100.0 * row.share)),
            ]);
        }
        push(&mut text, &rows);
        more(&mut text, bounds.exposure.len());
    }
    if let Some(price) = price {
        let total = money(price.total, &price.currency);
        let line = format!(
            "\nCost: {total} for {}, {}, {} between them, {}, {} and {}",
            counted(price.links, "link"),
            counted(price.modules, "module"),
            counted(price.middle_stations, "station"),
            counted(price.key_managers, "key manager"),
            counted(price.sites, "site"),
            counted(price.controllers, "controller")
        );
        say(&mut text, &line);
    }
    if !variants.is_empty() {
        say(&mut text, "\nGateway or interworking node, the same border:");
        let header = [
            "variant",
            "price",
            "serves at most",
            "capacity",
            "price per bit/s",
            "site price for I's cost",
        ];
        let currency = price.map_or("", |price| price.currency.as_str());
        let mut rows = table(look, &header);
        for row in variants {
            let site = match (row.site_price_change_to_break_even, row.site_price_at_break_even) {
                (None, _) => String::new(),
                (Some(_), None) => "none".to_owned(),
                (Some(_), Some(site)) => money(site, currency),
            };
            rows.add_row([
                Cell::new(&row.name),
                Cell::new(money(row.price, currency)),
                Cell::new(row.steady_bps.map_or(String::new(), rate)),
                Cell::new(rate(row.capacity_bps)),
                Cell::new(format!("{:.2} {currency}", row.price_per_bps).trim_end()),
                Cell::new(site),
            ]);
        }
        push(&mut text, &rows);
        let changes: Vec<String> = (variants.iter())
            .filter_map(|row| {
                let change = row.site_price_change_to_break_even?;
                let sign = if change > 0.0 { "+" } else { "" };
                Some(format!("{} {sign}{}", row.name, grouped(change.round())))
            })
            .collect();
        if !changes.is_empty() {
            let note = format!(
                "Site price for I's cost: the price of a site at which both would cost the same; none: no price above 0 does \
                 it.\nChange of the site price that it takes: {}.",
                changes.join(", ")
            );
            say(&mut text, &note);
        }
    }
    text
}

/// All faults, the worst first.
pub fn criticality(found: &Criticality, look: Look) -> String {
    let mut text = String::new();
    let splitting: Vec<&str> = found
        .elements
        .iter()
        .filter(|it| it.splits)
        .map(|it| it.name.as_str())
        .collect();
    let names = match splitting.len() {
        0 => "none".to_owned(),
        _ => splitting
            .iter()
            .take(DETAIL)
            .copied()
            .collect::<Vec<_>>()
            .join(", "),
    };
    let rest = if splitting.len() > DETAIL { " …" } else { "" };
    say(
        &mut text,
        &format!(
            "What splits the networks when it fails: bridges, articulation points and ducts ({}): {names}{rest}\n",
            splitting.len()
        ),
    );
    say(&mut text, &format!("Single faults ({}):", found.single.len()));
    losses(&mut text, &found.single, look);
    if let Some(pairs) = &found.pairs {
        say(
            &mut text,
            "\nTwo faults at once that take more than the worse of them alone:",
        );
        losses(&mut text, pairs, look);
    }
    text
}

fn losses(text: &mut String, losses: &[Loss], look: Look) {
    let mut rows = table(
        look,
        &["what fails", "service lost", "demands cut off", "reduced"],
    );
    for loss in losses.iter().take(2 * DETAIL) {
        rows.add_row([
            Cell::new(named(loss)),
            Cell::new(format!("{:.1} %", 100.0 * loss.lost_share)),
            Cell::new(loss.cut_off.len()),
            Cell::new(loss.reduced.len()),
        ]);
    }
    push(text, &rows);
    if losses.len() > 2 * DETAIL {
        say(text, &format!("… {} more with --json", losses.len() - 2 * DETAIL));
    }
}

/// What fails, each with its kind.
fn named(loss: &Loss) -> String {
    let names = loss.kinds.iter().zip(&loss.fails);
    let names: Vec<String> = names.map(|(kind, name)| format!("{kind} {name}")).collect();
    names.join(" + ")
}

fn more(text: &mut String, rows: usize) {
    if rows > DETAIL {
        say(text, &format!("… {} more with --json", rows - DETAIL));
    }
}

/// What theory says beside what a run found; `asked_bps` is what all demands together ask for.
pub fn beside(expected: &Expected, asked_bps: f64, summary: &Summary) -> String {
    let mean = |name| summary.metric(name, "network").and_then(|row| row.mean);
    let mut parts = Vec::new();
    if let Some(found) = mean("throughput_bps") {
        let most = expected.hard.throughput_bps;
        let asked = if asked_bps < most {
            format!("{} asked for, ", rate(asked_bps))
        } else {
            String::new()
        };
        parts.push(format!(
            "throughput_bps at most {} ({asked}{} found)",
            rate(most),
            rate(found)
        ));
    }
    if let (Some(least), Some(found)) = (expected.hard.kkrd_s, mean("kkrd_s")) {
        let found = seconds(Some(found));
        parts.push(format!(
            "kkrd_s at least {} ({found} found)",
            seconds(Some(least))
        ));
    }
    if let (Some([low, high]), Some(found)) = (expected.availability, mean("availability")) {
        let between = if high - low < 5e-6 {
            format!("{low:.5}")
        } else {
            format!("{low:.5} … {high:.5}")
        };
        parts.push(format!(
            "availability {between} by the faults' means, stores apart ({found:.5} found)"
        ));
    }
    format!("theory: {}", parts.join("; "))
}
