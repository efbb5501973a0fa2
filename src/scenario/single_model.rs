//! One link model by its name and parameters, without a scenario around it: for `qkdni link`.

use std::sync::Arc;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::document::LinkModel;
use super::text::{Sources, parse};
use crate::catalogue::{Decoder, Described as _, Finding, Member, Node, Origin, Path, Severity, Tree};
use crate::quantum::models;

/// Where the findings are said to be.
const PARAMETERS: &str = "--params";

/// The model of that name with parameters written as a JSON object, as in a scenario.
///
/// # Errors
/// Everything that is wrong with name and parameters.
pub fn link_model(name: &str, parameters: &str) -> Result<Arc<dyn models::LinkModel>, Diagnostics> {
    let mut sources = Sources::default();
    let written = sources.add(PARAMETERS, parameters.to_owned());
    let named = sources.add("--model", name.to_owned());
    let value = parse(&sources, written)?;
    let key_origin = Origin {
        source: named,
        start: 0,
        end: name.len() as u32,
    };
    let tree = Node {
        origin: value.origin,
        tree: Tree::Object(vec![Member {
            key: name.to_owned(),
            key_origin,
            value,
        }]),
    };
    let mut decoder = Decoder::default();
    let entry = LinkModel::decode(&tree, &mut decoder);
    let findings = if decoder.findings.is_empty() {
        match entry.model() {
            Ok(model) => return Ok(model),
            Err(problems) => problems
                .into_iter()
                .map(|problem| {
                    let path = Path::default().then(name).then(problem.parameter);
                    Finding {
                        severity: Severity::Error,
                        code: problem.code,
                        message: problem.message,
                        hint: Some(problem.hint),
                        origin: tree.origin_of(&path),
                        path,
                    }
                })
                .collect(),
        }
    } else {
        decoder.findings
    };
    let about = |finding| Diagnostic::from_finding(finding, &tree, &sources);
    Err(Diagnostics(findings.into_iter().map(about).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_said_at_once() {
        let findings =
            link_model("mdi_wcs_asymptotic_fixed", r#"{"e_d": 0.6, "mu": -1, "eta": 1}"#).unwrap_err();
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["unknown_field"]);
        let findings = link_model("mdi_wcs_asymptotic_fixed", r#"{"e_d": 0.6, "mu": -1}"#).unwrap_err();
        let paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(
            paths,
            ["mdi_wcs_asymptotic_fixed.e_d", "mdi_wcs_asymptotic_fixed.mu"]
        );
        let findings = link_model("mdi_wcs_fixed", "{}").unwrap_err();
        assert!(
            findings
                .iter()
                .next()
                .unwrap()
                .hint
                .as_ref()
                .unwrap()
                .contains("mdi_wcs_asymptotic_fixed")
        );
    }
}
