//! Why a request took its route, waited or failed: its decisions in order, with those of its session that it ran under.

use std::fmt::Write as _;

use serde::Serialize;

use super::chart::since;
use crate::observe::record::DecisionLine;

/// What is known of one request.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explanation {
    /// The session.
    pub session: String,
    /// The request's number within it.
    pub request: u32,
    /// The replication.
    pub replication: u32,
    /// When its application asked \[ns\].
    pub asked_ns: u64,
    /// How it ended: `supply`, or `fail` and why; none if the run ended before.
    pub outcome: Option<Ending>,
    /// The decisions about its session's route that were in force when it asked, in order.
    pub route: Vec<DecisionLine<'static>>,
    /// The decisions about itself, and those about its session while it was open, in order.
    pub decisions: Vec<DecisionLine<'static>>,
}

/// The end of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ending {
    /// Whether both ends hold the key.
    pub delivered: bool,
    /// Why not, as the source KSA told its application.
    pub cause: Option<String>,
    /// When \[ns\].
    pub ended_ns: u64,
}

/// Decisions that set, change or drop a session's route.
fn is_about_route(line: &DecisionLine<'_>) -> bool {
    matches!(line.decision.as_ref(), "border" | "route" | "analyse" | "reroute")
}

impl Explanation {
    /// Sorts out the decisions of one session in one replication; none if the request never asked.
    pub fn of(session: &str, request: u32, lines: &[DecisionLine<'static>]) -> Option<Explanation> {
        let ours = |line: &&DecisionLine<'_>| line.request == Some(request);
        let asked = lines
            .iter()
            .position(|line| ours(&line) && line.decision == "request")?;
        let end = (asked..lines.len())
            .find(|&at| ours(&&lines[at]) && matches!(lines[at].decision.as_ref(), "supply" | "fail"));
        // What other requests of the session had decided for its route, since the last border choice before.
        let before = &lines[..asked];
        let begun = before
            .iter()
            .rposition(|line| {
                line.decision == "border" || (line.decision == "route" && before_is_local(before))
            })
            .unwrap_or(0);
        let route = before[begun..].iter().filter(|line| is_about_route(line));
        let until = end.map_or(lines.len(), |end| end + 1);
        let decisions = lines[asked..until]
            .iter()
            .filter(|line| ours(line) || is_about_route(line));
        Some(Explanation {
            session: session.to_owned(),
            request,
            replication: lines[asked].replication,
            asked_ns: lines[asked].t_ns,
            outcome: end.map(|end| Ending {
                delivered: lines[end].decision == "supply",
                cause: (lines[end].decision == "fail").then(|| lines[end].reason.to_string()),
                ended_ns: lines[end].t_ns,
            }),
            route: route.cloned().collect(),
            decisions: decisions.cloned().collect(),
        })
    }

    /// The explanation as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let (session, request) = (&self.session, self.request);
        let ended = match &self.outcome {
            None => "was open when the run ended".to_owned(),
            Some(Ending {
                cause: Some(cause),
                ended_ns,
                ..
            }) => format!("failed after {}: {cause}", since(ended_ns - self.asked_ns)),
            Some(Ending { ended_ns, .. }) => {
                format!("was delivered after {}", since(ended_ns - self.asked_ns))
            }
        };
        writeln!(
            text,
            "Request {request} of {session} (replication {}, asked at {:.6} s) {ended}.",
            self.replication,
            self.asked_ns as f64 / 1e9
        )
        .expect("strings take text");
        let waits: Vec<&str> = self
            .decisions
            .iter()
            .filter(|line| line.request == Some(request) && line.decision == "wait")
            .map(|line| line.place.as_deref().unwrap_or("its controller"))
            .collect();
        if !waits.is_empty() {
            writeln!(text, "It waited at: {}.", waits.join(", then ")).expect("strings take text");
        }
        if !self.route.is_empty() {
            text.push_str("\nThe session's route, decided before:\n");
            for line in &self.route {
                describe(&mut text, line, &format!("at {:.6} s", line.t_ns as f64 / 1e9));
            }
        }
        text.push_str("\nFrom asking to the end:\n");
        for line in &self.decisions {
            describe(&mut text, line, &format!("+{}", since(line.t_ns - self.asked_ns)));
        }
        text
    }
}

/// Whether the session never chose a border: it stays inside one QKDN.
fn before_is_local(before: &[DecisionLine<'_>]) -> bool {
    before.iter().all(|line| line.decision != "border")
}

/// One decision, its candidates below it.
fn describe(text: &mut String, line: &DecisionLine<'_>, when: &str) {
    let place = line
        .place
        .as_deref()
        .map_or(String::new(), |place| format!(" at {place}"));
    let bits = match (line.needed_bits, line.usable_bits) {
        (Some(needed), Some(usable)) if usable == u64::MAX => {
            format!(" (needs {needed} bits, as many as it takes are usable)")
        }
        (Some(needed), Some(usable)) => format!(" (needs {needed} bits, {usable} are usable)"),
        _ => String::new(),
    };
    writeln!(
        text,
        "  {when:>16}  {:<11} {}: {}{place}{bits}",
        line.decision, line.element, line.reason
    )
    .expect("strings take text");
    for candidate in &line.candidates {
        let hops = if candidate.hops.is_empty() {
            "the same node".to_owned()
        } else {
            candidate.hops.join(", ")
        };
        let unit = match (candidate.unit.as_str(), candidate.hops.len()) {
            ("hops", 1) => "hop",
            (unit, _) => unit,
        };
        let remark = candidate
            .obstacle
            .as_deref()
            .map_or(String::new(), |obstacle| format!("; {obstacle}"));
        writeln!(
            text,
            "  {:>16}    {} {hops}: {} {unit}{remark}",
            "",
            if candidate.chosen { "taken " } else { "beside" },
            candidate.cost,
        )
        .expect("strings take text");
    }
}
