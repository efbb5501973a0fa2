//! A part of a sweep that can be drawn or put into a table: the points at which some paths have the values that are
//! wanted, and the paths that still vary among them.

use crate::archive::{ComparisonRow, MetricRow, Pair, PointRecord, SweepRecord};
use crate::catalogue::suggest;

/// Scopes that a hint names at most.
const MOST_SCOPES: usize = 8;

/// What is wanted of a sweep's points.
#[derive(Clone, Default, Debug)]
pub struct Wanted {
    /// Paths and the values that they are to have, as `path=value`.
    pub places: Vec<String>,
    /// The scope of metrics; default: the network.
    pub scope: Option<String>,
    /// Only this pair of variants, as `A vs B`.
    pub pair: Option<String>,
}

/// The part.
#[derive(Clone, Debug)]
pub struct Slice<'a> {
    /// The sweep.
    pub record: &'a SweepRecord,
    /// Its points that are wanted.
    pub points: Vec<&'a PointRecord>,
    /// The paths that vary among them, with their values in the order of the points.
    pub free: Vec<(&'a str, Vec<&'a str>)>,
    /// The scope of metrics.
    pub scope: String,
    pair: Option<String>,
}

impl<'a> Slice<'a> {
    /// The points that are wanted.
    ///
    /// # Errors
    /// If a path, a value, a scope or a pair is none of the sweep's, with what there is.
    pub fn of(
        record: &'a SweepRecord,
        points: &'a [PointRecord],
        wanted: &Wanted,
    ) -> Result<Slice<'a>, String> {
        let mut chosen: Vec<&PointRecord> = points.iter().collect();
        for place in &wanted.places {
            let Some((path, value)) = place.split_once('=') else {
                return Err(format!("--where {place}: expected path=value"));
            };
            let path = path.trim();
            if !record.paths.iter().any(|known| known == path) {
                let hint = suggest(path, &record.paths);
                return Err(format!(
                    "--where {place}: this sweep has no path {path}\n  hint: {hint}"
                ));
            }
            chosen.retain(|point| point.value(path) == value.trim());
            if chosen.is_empty() {
                let mut values: Vec<&str> = points.iter().map(|point| point.value(path)).collect();
                values.dedup();
                let hint = suggest(value.trim(), &values);
                return Err(format!("--where {place}: no point is there\n  hint: {hint}"));
            }
        }
        let mut free = Vec::new();
        for path in &record.paths {
            let mut values: Vec<&str> = Vec::new();
            for point in &chosen {
                let value = point.value(path);
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            if values.len() > 1 {
                free.push((path.as_str(), values));
            }
        }
        let scope = wanted.scope.clone().unwrap_or_else(|| "network".to_owned());
        let mut scopes: Vec<&str> = Vec::new();
        let summaries = chosen.iter().flat_map(|point| point.summaries());
        for row in summaries.flat_map(|(_, summary)| &summary.metrics) {
            if !scopes.contains(&row.scope.as_str()) {
                scopes.push(&row.scope);
            }
        }
        if !scopes.contains(&scope.as_str()) {
            let hint = suggest(&scope, &scopes);
            return Err(format!("nothing is measured in scope {scope}\n  hint: {hint}"));
        }
        let slice = Slice {
            record,
            points: chosen,
            free,
            scope,
            pair: wanted.pair.clone(),
        };
        let pairs = slice.all_pairs();
        match &wanted.pair {
            Some(pair) if !pairs.iter().any(|known| known == pair) => {
                let hint = if pairs.is_empty() {
                    "only sweeps with --gwn-vs-iwn compare".to_owned()
                } else {
                    suggest(pair, &pairs)
                };
                Err(format!("there is no pair {pair}\n  hint: {hint}"))
            }
            _ => Ok(slice),
        }
    }

    /// The same at the first value of all paths but those.
    #[must_use]
    pub fn along(&self, paths: &[&str]) -> Slice<'a> {
        let mut slice = self.clone();
        for (path, values) in &self.free {
            if !paths.contains(path) {
                slice.points.retain(|point| point.value(path) == values[0]);
            }
        }
        slice.free.retain(|(path, _)| paths.contains(path));
        slice
    }

    /// Where the slice lies, for titles: the values of the paths that do not vary.
    pub fn place(&self) -> String {
        let fixed = self.record.paths.iter().filter_map(|path| {
            let varies = self.free.iter().any(|(free, _)| free == path);
            let value = self.points.first()?.value(path);
            (!varies && !value.is_empty()).then(|| format!("{} = {value}", tail(path)))
        });
        fixed.collect::<Vec<String>>().join(", ")
    }

    /// Names of the variants; one without a name where nothing is compared.
    pub fn variants(&self) -> Vec<&'a str> {
        let first = self.points.first().copied();
        first.map_or_else(Vec::new, |point| {
            point.summaries().map(|(name, _)| name).collect()
        })
    }

    fn all_pairs(&self) -> Vec<String> {
        let comparison = self.points.first().and_then(|point| point.comparison.as_ref());
        comparison.map_or_else(Vec::new, |comparison| {
            comparison.pairs.iter().map(Pair::label).collect()
        })
    }

    /// The pairs that are wanted.
    pub fn pairs(&self) -> Vec<String> {
        let mut pairs = self.all_pairs();
        pairs.retain(|pair| self.pair.as_ref().is_none_or(|wanted| wanted == pair));
        pairs
    }

    /// A metric of a variant at a point.
    pub fn metric(&self, point: &'a PointRecord, variant: &str, name: &str) -> Option<&'a MetricRow> {
        point.summary_of(variant)?.metric(name, &self.scope)
    }

    /// The difference of a pair in a metric at a point.
    pub fn difference(&self, point: &'a PointRecord, pair: &str, name: &str) -> Option<&'a ComparisonRow> {
        let rows = &point.comparison.as_ref()?.metrics;
        let is_wanted =
            |row: &&ComparisonRow| row.rests_on == pair && row.name == name && row.scope == self.scope;
        rows.iter().find(is_wanted)
    }

    /// An error unless the metric is measured in the scope, with what there is.
    ///
    /// # Errors
    /// What to name instead: another metric, or another scope of this one.
    pub fn check(&self, name: &str) -> Result<(), String> {
        if self.measured().contains(&name) {
            return Ok(());
        }
        let elsewhere = self.scopes_of(name);
        let hint = if elsewhere.is_empty() {
            suggest(name, &self.measured())
        } else {
            let more = if elsewhere.len() > MOST_SCOPES {
                ", …"
            } else {
                ""
            };
            let named: Vec<&str> = elsewhere.iter().take(MOST_SCOPES).copied().collect();
            format!(
                "it is measured in {}{more}: name one with --scope",
                named.join(", ")
            )
        };
        Err(format!(
            "{name} is not measured in scope {}\n  hint: {hint}",
            self.scope
        ))
    }

    /// What tells a point from the others, for rows: the values of the paths that vary.
    pub fn label(&self, point: &PointRecord) -> String {
        let parts: Vec<String> = (self.free.iter())
            .filter(|(path, _)| !point.value(path).is_empty())
            .map(|(path, _)| {
                let value = point.value(path);
                if self.is_of_variants(path) {
                    value.to_owned()
                } else {
                    format!("{} {value}", tail(path))
                }
            })
            .collect();
        if parts.is_empty() && self.record.design == "one-at-a-time" {
            "as the scenario has it".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// Whether a path is an axis of variants.
    pub fn is_of_variants(&self, path: &str) -> bool {
        let axes = self.record.variants.iter();
        axes.filter_map(|axis| axis.split_once('='))
            .any(|(name, _)| name.trim() == path)
    }

    fn rows(&self) -> impl Iterator<Item = &'a MetricRow> {
        let summaries = self.points.iter().flat_map(|point| point.summaries());
        summaries.flat_map(|(_, summary)| &summary.metrics)
    }

    /// Scopes in which a metric has a value.
    pub fn scopes_of(&self, name: &str) -> Vec<&'a str> {
        let mut scopes: Vec<&str> = Vec::new();
        for row in self.rows().filter(|row| row.name == name && row.mean.is_some()) {
            if !scopes.contains(&row.scope.as_str()) {
                scopes.push(&row.scope);
            }
        }
        scopes
    }

    /// Metrics that have a value in the scope.
    pub fn measured(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for row in self
            .rows()
            .filter(|row| row.scope == self.scope && row.mean.is_some())
        {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        names
    }

    /// Metrics of the scope that differ between points or variants, in the order in which they are measured.
    pub fn differing(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for (_, summary) in self.points.first().iter().flat_map(|point| point.summaries()) {
            for row in summary.metrics.iter().filter(|row| row.scope == self.scope) {
                if !names.contains(&row.name.as_str()) {
                    names.push(&row.name);
                }
            }
        }
        let variants = self.variants();
        names.retain(|name| {
            let all = self.points.iter().flat_map(|point| {
                let of = variants.iter();
                of.filter_map(|variant| self.metric(point, variant, name)?.mean)
            });
            let mut means = all;
            let first = means.next();
            means.any(|mean| Some(mean) != first)
        });
        names
    }
}

/// The last two parts of a path, of the first one where several have the same value: enough to know it by.
pub fn tail(path: &str) -> &str {
    let path = path.split('&').next().unwrap_or(path).trim();
    let mut dots = path.rmatch_indices('.').map(|(at, _)| at);
    match dots.nth(1) {
        Some(at) => &path[at + 1..],
        None => path,
    }
}

/// The number and the unit of a value such as "4 /s".
pub fn quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_their_ends_and_values_by_number_and_unit() {
        assert_eq!(tail("run.seed"), "run.seed");
        assert_eq!(tail("boundaries.a.site_at & boundaries.b.site_at"), "a.site_at");
        assert_eq!(
            tail("protocol.recovery.detection.heartbeat.period"),
            "heartbeat.period"
        );
        assert_eq!(quantity("4 /s"), Some((4.0, "/s")));
        assert_eq!(quantity("1e3"), Some((1000.0, "")));
        assert_eq!(quantity("dd"), None);
    }
}
