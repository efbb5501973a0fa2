//! Which lines of a trace a chart shows, and what is wrong with a filter that names what is not there.

use std::collections::BTreeMap;

use super::Roster;
use crate::architecture::{Procedure, Provenance, ReferencePoint};
use crate::catalogue::suggest;
use crate::observe::record::TraceLine;

/// The word for steps inside one element, which have no reference point.
const INTERNAL: &str = "internal";

/// What is wanted. Filters of different kinds must all let a line through; of one kind, any.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Selection {
    /// Only this replication.
    pub replication: u32,
    /// Only this session.
    pub session: Option<String>,
    /// Only this request of the session.
    pub request: Option<u32>,
    /// Only this fault; an id of the scenario means all its occurrences, "ID/1", "ID/2" ….
    pub fault: Option<String>,
    /// Only to or from these elements, KMs or nodes.
    pub elements: Vec<String>,
    /// Only over these reference points, or `internal`.
    pub reference_points: Vec<String>,
    /// Only these procedures.
    pub procedures: Vec<String>,
    /// Only of this provenance.
    pub provenances: Vec<String>,
}

impl Selection {
    /// Reads `NUMBER` or `SESSION/NUMBER`; `last`: the number of each session's last request.
    ///
    /// # Errors
    /// A text if it is neither, contradicts the session that is wanted, or leaves open which session is meant.
    pub fn read_request(
        &mut self,
        request: &str,
        roster: &Roster,
        last: &BTreeMap<String, u32>,
    ) -> Result<(), String> {
        let (session, number) = match request.rsplit_once('/') {
            Some((session, number)) => (Some(session), number),
            None => (None, request),
        };
        let Ok(number) = number.parse::<u32>() else {
            return Err(format!(
                "\"{request}\" names no request\n  hint: write NUMBER or SESSION/NUMBER, as in {}/0",
                roster.sessions.first().map_or("d1", String::as_str)
            ));
        };
        self.request = Some(number);
        match (session, &self.session, roster.sessions.as_slice()) {
            (Some(one), Some(other), _) if one != other => {
                return Err(format!(
                    "request {request} is not of session {other}\n  hint: name the session once"
                ));
            }
            (Some(session), ..) => self.session = Some(session.to_owned()),
            (None, Some(_), _) => {}
            (None, None, [only]) => self.session = Some(only.clone()),
            (None, None, sessions) => {
                let ranges = sessions
                    .iter()
                    .map(|session| Some((session, *last.get(session)?)));
                let ranges: Vec<(&String, u32)> = ranges.flatten().collect();
                let having = ranges.iter().filter(|(_, last)| *last >= number);
                let having: Vec<&String> = having.map(|(session, _)| *session).collect();
                return Err(match having.as_slice() {
                    [] => {
                        let range =
                            |(session, last): &(&String, u32)| format!("{session}/0 to {session}/{last}");
                        let there: Vec<String> = ranges.iter().take(20).map(range).collect();
                        format!(
                            "no session has a request {number}\n  hint: there are {}",
                            there.join(", ")
                        )
                    }
                    [only] => {
                        self.session = Some((*only).clone());
                        return Ok(());
                    }
                    several => {
                        let choices = several.iter().take(20);
                        let choices: Vec<String> =
                            choices.map(|session| format!("{session}/{number}")).collect();
                        format!(
                            "there are {} sessions with a request {number}\n  hint: name one of {}",
                            several.len(),
                            choices.join(", ")
                        )
                    }
                });
            }
        }
        Ok(())
    }

    /// Everything that is wrong with it, each with what there is and what is nearest.
    pub fn findings(&self, roster: &Roster, replications: u32) -> Vec<String> {
        let mut findings = Vec::new();
        let mut look = |what: &str, wanted: &[String], known: &[String]| {
            for name in wanted {
                if !known.iter().any(|known| known == name) {
                    findings.push(unknown(what, name, known));
                }
            }
        };
        let one = |name: &Option<String>| name.clone().into_iter().collect::<Vec<String>>();
        look("session", &one(&self.session), &roster.sessions);
        look("fault", &one(&self.fault), &roster.fault_names());
        if !self.elements.is_empty() {
            look("element", &self.elements, &roster.names());
        }
        look("reference point", &self.reference_points, &reference_points());
        look("procedure", &self.procedures, &procedures());
        look("provenance", &self.provenances, &provenances());
        if self.replication >= replications {
            findings.push(format!(
                "there is no replication {}\n  hint: they are numbered from 0 to {}",
                self.replication,
                replications.saturating_sub(1)
            ));
        }
        findings
    }

    /// Whether a line is of the replication and the session, request or fault that is wanted.
    pub fn is_subject(&self, line: &TraceLine<'_>) -> bool {
        line.replication == self.replication
            && (self.session.is_none() || self.session.as_deref() == line.session.as_deref())
            && (self.request.is_none() || self.request == line.request)
            && (self.fault.as_deref())
                .is_none_or(|fault| line.fault.as_deref().is_some_and(|of| is_of(of, fault)))
    }

    /// Whether the other filters let a line through.
    pub fn passes(&self, line: &TraceLine<'_>, roster: &Roster) -> bool {
        let any = |wanted: &[String], of: &str| wanted.is_empty() || wanted.iter().any(|name| name == of);
        let meant = |by: &String| roster.is_meant(&line.from, by) || roster.is_meant(&line.to, by);
        any(
            &self.reference_points,
            line.reference_point.as_deref().unwrap_or(INTERNAL),
        ) && any(&self.procedures, &line.procedure)
            && any(&self.provenances, &line.provenance)
            && (self.elements.is_empty() || self.elements.iter().any(meant))
    }

    /// From when times count in a chart of one fault: its own instant \[ns\].
    pub fn start_ns(&self, roster: &Roster) -> Option<u64> {
        let wanted = self.fault.as_deref()?;
        let own = roster.begins.iter().filter(|(fault, _)| is_of(fault, wanted));
        own.map(|(_, &at)| at).min()
    }

    /// What is shown, for titles.
    pub fn title(&self, scenario: &str) -> String {
        let mut parts = Vec::new();
        if let Some(fault) = &self.fault {
            parts.push(format!("fault {fault}"));
        }
        match (self.request, &self.session) {
            (Some(number), Some(session)) => parts.push(format!("request {number} of {session}")),
            (None, Some(session)) => parts.push(format!("session {session}")),
            _ => {}
        }
        let filters = [
            &self.procedures,
            &self.reference_points,
            &self.provenances,
            &self.elements,
        ];
        parts.extend(
            filters
                .into_iter()
                .filter(|it| !it.is_empty())
                .map(|it| it.join(" or ")),
        );
        format!(
            "{scenario}: {}, replication {}",
            parts.join(", "),
            self.replication
        )
    }
}

/// Whether a fault is the one that is wanted, or one of its occurrences.
fn is_of(fault: &str, wanted: &str) -> bool {
    let rest = fault.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is unknown, the nearest, and all that is known (or as many as fit).
fn unknown(what: &str, name: &str, known: &[String]) -> String {
    let nearest = suggest(name, known);
    let all = suggest("", known);
    let hint = if nearest == all {
        all
    } else {
        format!("{nearest} {all}")
    };
    format!("unknown {what} \"{name}\"\n  hint: {hint}")
}

fn reference_points() -> Vec<String> {
    let names = ReferencePoint::ALL.iter().map(|point| point.name().to_owned());
    names.chain([INTERNAL.to_owned()]).collect()
}

fn procedures() -> Vec<String> {
    Procedure::ALL.iter().map(|it| it.name().to_owned()).collect()
}

fn provenances() -> Vec<String> {
    Provenance::ALL.iter().map(|it| it.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_nothing_that_is_there_says_what_there_is() {
        let roster = Roster {
            sessions: vec!["d1".to_owned(), "d2".to_owned()],
            ..Roster::default()
        };
        let wanted = Selection {
            session: Some("d3".to_owned()),
            reference_points: vec!["Kxi.1".to_owned(), "Cxi".to_owned()],
            procedures: vec!["P99".to_owned()],
            replication: 2,
            ..Selection::default()
        };
        let findings = wanted.findings(&roster, 2);
        assert_eq!(findings.len(), 4, "{findings:#?}");
        assert!(findings[0].contains("unknown session \"d3\"") && findings[0].contains("d1, d2"));
        assert!(findings[1].contains("did you mean \"Kxi-1\"?") && findings[1].contains("Mxi'"));
        assert!(findings[2].contains("P14, local"));
        assert!(findings[3].contains("from 0 to 1"));
    }

    #[test]
    fn a_faults_id_means_all_its_occurrences() {
        let roster = Roster {
            faults: vec!["f1/1".to_owned(), "f1/2".to_owned(), "f10".to_owned()],
            ..Roster::default()
        };
        assert_eq!(roster.fault_names(), ["f1/1", "f1/2", "f10", "f1"]);
        for (wanted, meant) in [
            ("f1", [true, true, false]),
            ("f1/2", [false, true, false]),
            ("f10", [false, false, true]),
        ] {
            let own = Selection {
                fault: Some(wanted.to_owned()),
                ..Selection::default()
            };
            assert!(own.findings(&roster, 1).is_empty(), "{wanted}");
            assert_eq!(
                ["f1/1", "f1/2", "f10"].map(|fault| is_of(fault, wanted)),
                meant,
                "{wanted}"
            );
        }
    }

    #[test]
    fn requests_are_named_by_session_and_number() {
        let mut roster = Roster {
            sessions: vec!["d1".to_owned()],
            ..Roster::default()
        };
        let mut wanted = Selection::default();
        let last = |numbers: [u32; 2]| -> BTreeMap<String, u32> {
            ["d1", "d2"].map(str::to_owned).into_iter().zip(numbers).collect()
        };
        assert_eq!(wanted.read_request("7", &roster, &last([9, 9])), Ok(()));
        assert_eq!((wanted.session.as_deref(), wanted.request), (Some("d1"), Some(7)));
        roster.sessions.push("d2".to_owned());
        let mut wanted = Selection::default();
        assert!(
            wanted
                .read_request("7", &roster, &last([9, 9]))
                .is_err_and(|text| text.contains("d1/7, d2/7"))
        );
        assert!(
            wanted
                .read_request("7", &roster, &last([3, 5]))
                .is_err_and(|text| text.contains("no session") && text.contains("d2/0 to d2/5"))
        );
        let mut one = Selection::default();
        assert_eq!(one.read_request("7", &roster, &last([3, 9])), Ok(()));
        assert_eq!(one.session.as_deref(), Some("d2"), "no other has so many");
        let last = last([9, 9]);
        let mut wanted = Selection::default();
        assert_eq!(wanted.read_request("d2/7", &roster, &last), Ok(()));
        assert_eq!(wanted.session.as_deref(), Some("d2"));
        assert!(wanted.read_request("d1/7", &roster, &last).is_err());
        assert!(wanted.read_request("x", &roster, &last).is_err());
    }
}
