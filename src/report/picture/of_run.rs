//! The pictures of a run: what happened over time, how long delivery took, what reroutes were made of.

use super::bars::{Line, Part, Rows, in_order};
use super::plane::{Axis, Curve, Plane};
use super::{Picture, time_unit};
use crate::archive::RerouteRow;
use crate::experiment::statistics::Sample;
use crate::observe::outcome::RerouteRecord;
use crate::report::quantity::Scale;
use crate::report::study::Run;

/// Curves in one picture, at most.
const CURVES: usize = 8;
/// Rows in one picture, at most.
const ROWS: usize = 24;
/// Steps of a distribution.
const STEPS: usize = 100;

/// Stores, key rate and service over time; nothing where no time series was kept.
pub fn timeseries(run: &Run) -> Vec<Picture> {
    [stores(run), key_rate(run), service(run)]
        .into_iter()
        .flatten()
        .collect()
}

fn instants(run: &Run, factor: f64) -> Vec<(f64, String)> {
    let mut instants = Vec::new();
    for fault in &run.map.faults {
        instants.push((fault.at_ns as f64 / factor, fault.name.clone()));
        if let Some(at) = fault.repaired_ns.filter(|&at| at <= run.end_ns) {
            instants.push((at as f64 / factor, format!("{} repaired", fault.name)));
        }
    }
    instants.retain(|&(at, _)| at * factor <= run.end_ns as f64);
    instants.truncate(ROWS);
    instants
}

fn plane(run: &Run, id: &str, title: &str, label: String, note: &str, curves: Vec<Curve>) -> Option<Picture> {
    let (factor, unit) = time_unit(run.end_ns);
    let plane = Plane {
        caption: String::new(),
        id: id.to_owned(),
        title: format!("{}: {title}", run.name),
        note: note.to_owned(),
        x: Axis::plain(format!("time [{unit}]")),
        y: Axis::plain(label),
        curves,
        instants: instants(run, factor),
    };
    plane.draw().ok()
}

/// The links whose stores are emptiest on average, the emptier direction of each.
fn stores(run: &Run) -> Option<Picture> {
    let (factor, _) = time_unit(run.end_ns);
    let mut links: Vec<(f64, usize)> = (0..run.map.links.len())
        .filter_map(|link| {
            let values = run.of_link(link, "lowest_bits")?;
            let capacity = run.map.links[link].capacity.max(1) as f64;
            let mean = values.iter().sum::<u64>() as f64 / values.len().max(1) as f64;
            Some((mean / capacity, link))
        })
        .collect();
    let all = links.len();
    links.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    links.truncate(CURVES);
    let most = links
        .iter()
        .filter_map(|&(_, link)| run.of_link(link, "lowest_bits")?.iter().max().copied());
    let scale = Scale::of("bit", most.max()? as f64);
    let curve = |&(_, link): &(f64, usize)| {
        let values = run.of_link(link, "lowest_bits")?;
        let points = run.times.iter().zip(values);
        let points = points.map(|(&at, &value)| (at as f64 / factor, value as f64 / scale.factor()));
        Some(Curve::line(run.map.links[link].name.clone(), points.collect()))
    };
    let title = if all > CURVES {
        format!("key stores of the {CURVES} of {all} links that are emptiest on average")
    } else {
        "key stores".to_owned()
    };
    plane(
        run,
        "stores",
        &title,
        format!("stored key, emptier direction [{}]", scale.name()),
        "First replication.",
        links.iter().filter_map(curve).collect(),
    )
}

/// Rates between samples \[per second\].
fn rates(run: &Run, name: &str) -> Option<Vec<(u64, f64)>> {
    let values = run.total(name)?;
    let pairs = run.times.windows(2).zip(values.windows(2));
    let rate = |(times, values): (&[u64], &[u64])| {
        let seconds = (times[1] - times[0]) as f64 / 1e9;
        (times[1], values[1].saturating_sub(values[0]) as f64 / seconds)
    };
    Some(pairs.map(rate).collect())
}

fn rate_curves(
    run: &Run,
    id: &str,
    title: &str,
    label: &str,
    note: &str,
    names: [(&str, &str); 2],
) -> Option<Picture> {
    let (factor, _) = time_unit(run.end_ns);
    let found: Vec<(&str, Vec<(u64, f64)>)> = names
        .into_iter()
        .filter_map(|(name, says)| Some((says, rates(run, name)?)))
        .collect();
    let most = found.iter().flat_map(|(_, rates)| rates).map(|rate| rate.1);
    let scale = Scale::of("bit/s", most.fold(0.0, f64::max));
    let curve = |(says, rates): &(&str, Vec<(u64, f64)>)| {
        let points = rates
            .iter()
            .map(|&(at, rate)| (at as f64 / factor, rate / scale.factor()));
        Curve::line(*says, points.collect())
    };
    let curves = found.iter().map(curve).collect();
    plane(
        run,
        id,
        title,
        format!("{label} [{}]", scale.name()),
        note,
        curves,
    )
}

fn key_rate(run: &Run) -> Option<Picture> {
    rate_curves(
        run,
        "key-rate",
        "secret key rate of all links",
        "key rate",
        "Each value is the mean over the period before. First replication.",
        [("generated_bits", "generated"), ("spent_bits", "spent")],
    )
}

fn service(run: &Run) -> Option<Picture> {
    rate_curves(
        run,
        "service",
        "demand and service",
        "key for applications",
        "Each value is the mean over the period before. First replication.",
        [("requested_bits", "asked for"), ("delivered_bits", "delivered")],
    )
}

/// The distribution of the delay of delivered requests: mean over replications, and the 95 % interval of that mean.
///
/// # Errors
/// If nothing was delivered.
pub fn delays(runs: &[&Run]) -> Result<Picture, String> {
    let curves: Vec<Curve> = runs.iter().filter_map(|run| distribution(run)).collect();
    let values = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.0);
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if curves.is_empty() {
        return Err("no request was delivered".to_owned());
    }
    let scale = Scale::of("s", high);
    let logarithmic = low > 0.0 && high > 50.0 * low;
    // What a Student interval says below the shortest delay there was is no delay; on a logarithmic axis it has no place.
    let shortest = (runs.iter().flat_map(|run| run.delays.iter().flatten()))
        .fold(f64::MAX, |least, &one| least.min(one));
    let scaled = |mut curve: Curve| {
        if logarithmic {
            not_below(shortest, &mut curve.band);
        }
        let factor = scale.factor();
        curve.points.iter_mut().for_each(|point| point.0 /= factor);
        for band in &mut curve.band {
            band.1 /= factor;
            band.2 /= factor;
        }
        curve
    };
    let name = match runs {
        [one] => one.name.clone(),
        _ => "variants".to_owned(),
    };
    let plane = Plane {
        caption: String::new(),
        id: "delays".to_owned(),
        title: format!("{name}: distribution of the key delay (KKRD)"),
        note: "Mean over replications of each quantile; band: 95 % Student interval of that mean, as far as \
               delays go."
            .to_owned(),
        x: Axis {
            label: format!("KKRD [{}]", scale.name()),
            logarithmic,
            from_zero: false,
            money: false,
        },
        y: Axis::plain("share of delivered requests"),
        curves: curves.into_iter().map(scaled).collect(),
        instants: Vec::new(),
    };
    plane.draw()
}

/// Ends a band along x where nothing was observed any more.
fn not_below(least: f64, band: &mut [(f64, f64, f64)]) {
    for (_, from, to) in band {
        (*from, *to) = (from.max(least), to.max(least));
    }
}

fn distribution(run: &Run) -> Option<Curve> {
    let known: Vec<&Vec<f64>> = run.delays.iter().filter(|delays| !delays.is_empty()).collect();
    if known.is_empty() {
        return None;
    }
    let mut curve = Curve::line(run.name.clone(), Vec::new());
    curve.band_along_x = true;
    for step in 0..=STEPS {
        let share = step as f64 / STEPS as f64;
        // Nearest rank, as the summary's quantiles.
        let quantile = |delays: &&Vec<f64>| {
            let rank = libm::ceil(share * delays.len() as f64) as usize;
            delays[rank.clamp(1, delays.len()) - 1]
        };
        let values: Vec<f64> = known.iter().map(quantile).collect();
        let sample = Sample::of(&values);
        curve.points.push((sample.mean, share));
        if let Some([from, to]) = sample.interval(0.95) {
            curve.band.push((share, from.max(0.0), to));
        }
    }
    Some(curve)
}

/// How many times as long as all other stages the wait for the first key may be to be drawn with them.
const LONG: f64 = 4.0;

/// What each reroute's time was made of: means over replications.
///
/// # Errors
/// If there was no reroute.
pub fn reroutes(run: &Run) -> Result<Picture, String> {
    // A session that the fault did not touch has a record as well: of the fault's detection, and nothing after it.
    let touched = |row: &&RerouteRow| {
        let mut later = RerouteRecord::STAGES.iter().skip(1);
        later.any(|stage| row.stages_ns.get(*stage).is_some_and(|length| !length.is_null()))
    };
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for row in run.reroutes.iter().filter(touched) {
        let key = (row.fault.as_str(), row.session.as_str());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let all = keys.len();
    keys.truncate(ROWS);
    let mean = |key: (&str, &str), stage: &str| {
        let of_key = run
            .reroutes
            .iter()
            .filter(|row| (row.fault.as_str(), row.session.as_str()) == key);
        let values: Vec<f64> = of_key
            .filter_map(|row| row.stages_ns.get(stage)?.as_f64())
            .collect();
        (!values.is_empty()).then(|| {
            (
                values.iter().sum::<f64>() / values.len() as f64 / 1e6,
                values.len(),
            )
        })
    };
    let stages = &RerouteRecord::STAGES;
    let mut rows = Vec::new();
    for &key in &keys {
        let (mut from, mut parts, mut after) = (0.0, Vec::new(), String::new());
        for (number, stage) in stages.iter().enumerate() {
            let Some((length, count)) = mean(key, stage) else {
                continue;
            };
            // The wait for key can be a thousand times as long as all the rest: then it is told, not drawn.
            if number + 1 == stages.len() && length > LONG * from && from > 0.0 {
                after = format!("first key {} ms later", super::plane::number(length));
            } else if length > 0.0 {
                parts.push(Part {
                    name: number,
                    ends: [from, from + length],
                    text: format!(
                        "{}: {} ms (mean of {count})",
                        stage.replace('_', " "),
                        super::plane::number(length)
                    ),
                    point: None,
                });
            }
            from += length;
        }
        rows.push(Line {
            name: format!("{}: {}", key.0, key.1),
            parts,
            after,
        });
    }
    let more = if all > ROWS {
        format!(", the first {ROWS} of {all}")
    } else {
        String::new()
    };
    Rows {
        id: "reroutes".to_owned(),
        title: format!("{}: rerouting, stage by stage{more}", run.name),
        note: "Each bar is a fault and a session; means over the replications that reached the stage."
            .to_owned(),
        label: "time since the fault [ms]".to_owned(),
        names: in_order(stages.iter().map(|stage| stage.replace('_', " "))),
        lines: rows,
    }
    .draw()
    .map_err(|_| "no fault touched a session".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A band that begins at 0 would run to the left edge of a logarithmic axis.
    #[test]
    fn bands_end_at_the_shortest_delay() {
        let mut band = [(0.0, 0.0, 0.5), (0.5, 0.8, 3.0)];
        not_below(0.75, &mut band);
        assert_eq!(band, [(0.0, 0.75, 0.75), (0.5, 0.8, 3.0)]);
    }
}
