//! What a scenario expects of its own results: `expect: [{ "metric", "scope", "at_most", "at_least" }]`.

use serde::Deserialize;

use crate::archive::{ExpectationRow, Summary};

/// A limit to the mean of a metric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Expectation {
    /// The metric.
    pub metric: String,
    /// Its scope.
    #[serde(default = "network")]
    pub scope: String,
    /// The largest mean allowed.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// The smallest mean allowed.
    #[serde(default)]
    pub at_least: Option<f64>,
}

fn network() -> String {
    "network".to_owned()
}

/// Holds a summary against the expectations. A metric without a value meets none.
pub fn check(expectations: &[Expectation], summary: &Summary) -> Vec<ExpectationRow> {
    expectations
        .iter()
        .map(|expectation| {
            let row = summary.metric(&expectation.metric, &expectation.scope);
            let mean = row.and_then(|row| row.mean);
            let met = mean.is_some_and(|mean| {
                expectation.at_most.is_none_or(|limit| mean <= limit)
                    && expectation.at_least.is_none_or(|limit| mean >= limit)
            });
            ExpectationRow {
                metric: expectation.metric.clone(),
                scope: expectation.scope.clone(),
                at_most: expectation.at_most,
                at_least: expectation.at_least,
                mean,
                met,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::run::summarize;
    use crate::observe::outcome::{Measured, Outcome};

    #[test]
    fn limits_are_inclusive_and_nothing_meets_none() {
        let metrics = vec![Measured {
            name: "kkdlr",
            unit: "1",
            scope: "network".to_owned(),
            value: Some(0.25),
            samples_ns: vec![],
        }];
        let summary = summarize(
            "test",
            1,
            &[Outcome {
                metrics,
                ..Outcome::default()
            }],
        );
        let expectations: Vec<Expectation> = serde_json::from_str(
            r#"[{ "metric": "kkdlr", "scope": "network", "at_most": 0.25 },
                { "metric": "kkdlr", "at_most": 0.2 },
                { "metric": "kkdlr", "at_least": 0.3, "at_most": 1 },
                { "metric": "kkdlr", "scope": "demand:d1", "at_most": 1 }]"#,
        )
        .expect("expectations");
        let met: Vec<bool> = check(&expectations, &summary).iter().map(|row| row.met).collect();
        assert_eq!(met, [true, false, false, false]);
    }
}
