//! `compare.json`: variants against each other.

use serde::{Deserialize, Serialize};

use super::OfVariants;

/// The content of `compare.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this layout.
    pub schema_version: u32,
    /// Names of the variants.
    pub variants: Vec<String>,
    /// Replications that every variant finished.
    pub replications: u32,
    /// The pairs that were compared, and what their verdicts require.
    pub pairs: Vec<Pair>,
    /// What the variants cost, where it is known: in the order of `variants`.
    pub prices: Vec<Option<Price>>,
    /// One row per pair, metric and scope.
    pub metrics: Vec<ComparisonRow>,
    /// What the network's rows say together, pair by pair.
    #[serde(default)]
    pub bottom_lines: Vec<BottomLine>,
    /// Which variants no other one beats.
    #[serde(default)]
    pub pareto: Pareto,
    /// What to know of the variants though nothing is wrong.
    #[serde(default)]
    pub warnings: Vec<OfVariants>,
}

/// What a pair's rows of the network as a whole say together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottomLine {
    /// The pair, as rows name it.
    pub pair: String,
    /// Metrics in which `b` is better.
    pub better: Vec<String>,
    /// Metrics in which `b` is worse.
    pub worse: Vec<String>,
    /// Number of metrics without evidence.
    pub no_evidence: u32,
    /// Number of metrics that differ without being judged, because the better side is dearer.
    pub no_verdict: u32,
    /// One sentence.
    pub text: String,
}

/// The variants as points whose coordinates are means of the network; what a Pareto picture shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pareto {
    /// The coordinates: metrics that every variant has a value of, and `price` where every price is known.
    pub objectives: Vec<Objective>,
    /// The variants, in the order of the comparison.
    pub points: Vec<ParetoPoint>,
}

/// One coordinate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The metric, or `price`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// `higher` or `lower`.
    pub better: String,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoPoint {
    /// The variant.
    pub variant: String,
    /// Its values, one per objective.
    pub values: Vec<f64>,
    /// Variants that are nowhere worse and somewhere better, by these means alone; empty on the Pareto front.
    pub dominated_by: Vec<String>,
}

/// Two variants that are compared; verdicts speak of `b` as seen from `a`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The variant that is the measure.
    pub a: String,
    /// The variant that is judged.
    pub b: String,
    /// What a verdict requires besides significance.
    pub rule: Rule,
}

impl Pair {
    /// How rows name the pair that they rest on.
    pub fn label(&self) -> String {
        format!("{} vs {}", self.a, self.b)
    }
}

/// What a verdict requires besides significance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nothing: the two differ only in what is being judged.
    Plain,
    /// The better side must not be dearer: the two also differ in what they are built of.
    NotDearer,
}

/// What a variant is built of, and its price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// QKD modules.
    pub modules: u32,
    /// Key managers.
    pub key_managers: u32,
    /// Controllers.
    #[serde(default)]
    pub controllers: u32,
    /// Trusted sites.
    pub sites: u32,
    /// Untrusted stations in the middle of links.
    #[serde(default)]
    pub middle_stations: u32,
    /// QKD links.
    #[serde(default)]
    pub links: u32,
    /// All of it by the scenario's price table; what decides which variant is dearer.
    pub total: f64,
    /// The currency of the price table.
    #[serde(default)]
    pub currency: String,
}

/// One metric of one scope in two variants.
///
/// Means and difference are over the replications in which both have a value; where there is none, each
/// mean is the variant's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// The metric.
    pub name: String,
    /// `network`, `qkdn:ID`, `demand:ID`, `link:ID` or `class:NAME`.
    pub scope: String,
    /// Unit of all values of the row.
    pub unit: String,
    /// The variant that is the measure.
    pub a: String,
    /// The variant that is judged.
    pub b: String,
    /// Mean of `a`.
    pub mean_a: Option<f64>,
    /// Mean of `b`.
    pub mean_b: Option<f64>,
    /// Mean of the paired differences, b − a.
    pub difference: Option<f64>,
    /// Student interval of the difference, of 95 %, not corrected; null with fewer than two pairs.
    pub ci95: Option<[f64; 2]>,
    /// Number of pairs.
    pub pairs: u32,
    /// p-value of the paired t-test after Holm's correction over the rows of the network of all pairs, or over all others;
    /// null with fewer than two pairs.
    pub p_holm: Option<f64>,
    /// What may be said of `b`.
    pub verdict: Verdict,
    /// The pair that the verdict rests on.
    pub rests_on: String,
}

impl Comparison {
    /// The rows of that metric and scope, one per pair that has it.
    pub fn of<'a>(&'a self, name: &'a str, scope: &'a str) -> impl Iterator<Item = &'a ComparisonRow> {
        self.metrics
            .iter()
            .filter(move |row| row.name == name && row.scope == scope)
    }

    /// The scopes that have a metric, in order.
    pub fn scopes_of(&self, name: &str) -> Vec<&str> {
        let mut scopes = Vec::new();
        for row in self.metrics.iter().filter(|row| row.name == name) {
            if !scopes.contains(&row.scope.as_str()) {
                scopes.push(row.scope.as_str());
            }
        }
        scopes
    }
}

/// What may be said of the second variant of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Significantly better than the first.
    #[serde(rename = "better")]
    Better,
    /// Significantly worse than the first.
    #[serde(rename = "worse")]
    Worse,
    /// No significant difference: these replications do not tell the two apart.
    #[serde(rename = "no evidence")]
    NoEvidence,
    /// Significantly different, yet not to be judged: neither direction is better, or the better side is
    /// also the dearer one.
    #[serde(rename = "no_verdict")]
    NoVerdict,
    /// Fewer than two pairs, or a metric that is neither good nor bad: nothing can be said.
    #[serde(rename = "none")]
    None,
}

impl Verdict {
    /// The word in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::NoEvidence => "no evidence",
            Verdict::NoVerdict => "no_verdict",
            Verdict::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_files_use_the_same_words() {
        for verdict in [
            Verdict::Better,
            Verdict::Worse,
            Verdict::NoEvidence,
            Verdict::NoVerdict,
            Verdict::None,
        ] {
            let written = serde_json::to_value(verdict).expect("a string");
            assert_eq!(written, verdict.name());
        }
    }
}
