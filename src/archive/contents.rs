//! What stands in the files of a results folder.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::explained::{README, of_comparison, of_run};
use super::{ArchiveError, Comparison, Sink, Summary, sha256_hex};
use crate::observe::outcome::{Outcome, RerouteRecord};

/// Everything that the folder of one run holds besides its manifest.
#[derive(Clone, Copy, Debug)]
pub struct RunRecord<'a> {
    /// The scenario as it was run.
    pub resolved: &'a Value,
    /// The variant that it is, if one was named.
    pub variant: Option<&'a str>,
    /// What the replications say together.
    pub summary: &'a Summary,
    /// The replications, in order.
    pub outcomes: &'a [Outcome],
    /// Whether a trace was asked for.
    pub trace: bool,
}

/// Writes the files of one run; `prefix` is empty or ends with a slash.
///
/// # Errors
/// [`ArchiveError`] if the sink does not take a file.
pub fn write_run(sink: &mut dyn Sink, prefix: &str, record: &RunRecord<'_>) -> Result<(), ArchiveError> {
    let mut files: Vec<String> = Vec::new();
    let mut put = |name: &str, fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>| {
        files.push(name.to_owned());
        sink.file(&format!("{prefix}{name}"), fill)
    };
    put("scenario.resolved.json", &mut |out| {
        canonical_json(out, record.resolved)
    })?;
    put("summary.json", &mut |out| canonical_json(out, record.summary))?;
    put("reroutes.json", &mut |out| {
        canonical_json(out, &reroutes(record.outcomes))
    })?;
    put("requests.csv", &mut |out| requests(out, record.outcomes))?;
    put("accounting.csv", &mut |out| accounting(out, record.outcomes))?;
    if record
        .outcomes
        .iter()
        .any(|outcome| !outcome.configuration.is_empty())
    {
        put("configuration.csv", &mut |out| {
            configuration(out, record.outcomes)
        })?;
    }
    put("sessions.csv", &mut |out| sessions(out, record.outcomes))?;
    if record
        .outcomes
        .iter()
        .any(|outcome| !outcome.series.t_ns.is_empty())
    {
        put("timeseries.csv", &mut |out| series(out, record.outcomes))?;
        put("routes.csv", &mut |out| routes(out, record.outcomes))?;
    }
    if record.trace {
        put("trace.jsonl", &mut |out| {
            record
                .outcomes
                .iter()
                .try_for_each(|outcome| out.write_all(&outcome.trace))
        })?;
        put("decisions.jsonl", &mut |out| {
            record
                .outcomes
                .iter()
                .try_for_each(|outcome| out.write_all(&outcome.decisions))
        })?;
        put("audit.jsonl", &mut |out| {
            record
                .outcomes
                .iter()
                .try_for_each(|outcome| out.write_all(&outcome.trail))
        })?;
    }
    let readme = of_run(record.summary, record.variant, &files);
    sink.file(&format!("{prefix}{README}"), &mut |out| {
        out.write_all(readme.as_bytes())
    })
}

/// Writes `compare.json` and what explains the folder.
///
/// # Errors
/// [`ArchiveError`] if the sink does not take a file.
pub fn write_comparison(sink: &mut dyn Sink, comparison: &Comparison) -> Result<(), ArchiveError> {
    sink.file("compare.json", &mut |out| canonical_json(out, comparison))?;
    let readme = of_comparison(comparison);
    sink.file(README, &mut |out| out.write_all(readme.as_bytes()))
}

/// JSON as every file and every `--json` has it: two spaces of indent, a line end at the end.
///
/// # Errors
/// If the writer fails.
pub fn canonical_json<W: Write + ?Sized, T: Serialize + ?Sized>(out: &mut W, value: &T) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// The bytes of [`canonical_json`].
///
/// # Panics
/// If the value is none that JSON can have.
pub fn canonical_bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical_json(&mut bytes, value).expect("memory takes all of it");
    bytes
}

/// SHA-256 of `scenario.resolved.json` as it will be written.
pub fn scenario_hash(resolved: &Value) -> String {
    sha256_hex(&canonical_bytes(resolved))
}

/// One row of `reroutes.json`.
#[derive(Serialize)]
struct Reroute<'a> {
    fault: &'a str,
    replication: u32,
    session: &'a str,
    stages_ns: serde_json::Map<String, Value>,
    control_plane_ns: Option<u64>,
    total_ns: Option<u64>,
    service_interruption_ns: Option<u64>,
    messages: u64,
    bytes: u64,
}

fn reroutes(outcomes: &[Outcome]) -> Vec<Reroute<'_>> {
    outcomes
        .iter()
        .flat_map(|outcome| {
            outcome.reroutes.iter().map(|record| Reroute {
                fault: &record.fault,
                replication: outcome.replication,
                session: &record.session,
                stages_ns: RerouteRecord::STAGES
                    .iter()
                    .zip(record.stages_ns)
                    .map(|(stage, length)| ((*stage).to_owned(), length.into()))
                    .collect(),
                control_plane_ns: record.control_plane_ns(),
                total_ns: record.total_ns(),
                service_interruption_ns: record.service_interruption_ns,
                messages: record.messages,
                bytes: record.bytes,
            })
        })
        .collect()
}

/// `requests.csv`, quoted as RFC 4180 has it, lines ended by a line feed alone.
fn requests(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(
        out,
        "replication,demand,number,sent_ns,ended_ns,bits,outcome,cause,hops,waited_for,one_sided"
    )?;
    for outcome in outcomes {
        for request in &outcome.requests {
            writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{}",
                outcome.replication,
                field(&request.demand),
                request.number,
                request.sent_ns,
                request.ended_ns,
                request.bits,
                if request.failure.is_none() {
                    "delivered"
                } else {
                    "failed"
                },
                field(request.failure.unwrap_or("")),
                request.hops,
                field(request.waited_for.as_deref().unwrap_or("")),
                request.one_sided,
            )?;
        }
    }
    Ok(())
}

/// `accounting.csv`: usage records and settlements (FE-9).
fn accounting(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(
        out,
        "replication,kind,t_ns,provider,partner,session,request,segment,application,class,keys,bits,amount,currency,state"
    )?;
    let or_nothing = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    for outcome in outcomes {
        for row in outcome.accounting.rows() {
            writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                outcome.replication,
                row.kind,
                or_nothing(row.t_ns),
                field(row.provider),
                field(row.partner),
                field(row.session),
                or_nothing(row.request.map(u64::from)),
                row.segment,
                field(row.application),
                field(row.class),
                row.keys,
                row.bits,
                row.amount.map(|amount| amount.to_string()).unwrap_or_default(),
                field(row.currency),
                row.state,
            )?;
        }
    }
    Ok(())
}

/// `configuration.csv`: capabilities and provisioned routes (FE-6, FE-8).
fn configuration(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(out, "replication,t_ns,qkdn,kind,subject,epoch,content")?;
    for outcome in outcomes {
        for record in &outcome.configuration {
            writeln!(
                out,
                "{},{},{},{},{},{},{}",
                outcome.replication,
                record.t_ns,
                field(&record.qkdn),
                record.kind,
                field(&record.subject),
                record.epoch.map(|epoch| epoch.to_string()).unwrap_or_default(),
                field(&record.content),
            )?;
        }
    }
    Ok(())
}

/// `sessions.csv`: the states that sessions went through (FE-3).
fn sessions(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(out, "replication,t_ns,session,state,controller")?;
    for outcome in outcomes {
        for record in &outcome.sessions {
            writeln!(
                out,
                "{},{},{},{},{}",
                outcome.replication,
                record.t_ns,
                field(&record.session),
                record.state,
                field(&record.controller),
            )?;
        }
    }
    Ok(())
}

/// `timeseries.csv`: amounts of links and demands over time \[bits\]; a row where a value is not what it was.
fn series(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(out, "replication,t_ns,element,series,value")?;
    for outcome in outcomes {
        let samples = &outcome.series;
        for series in &samples.series {
            let element = field(&series.element);
            let mut before = None;
            for (t_ns, &value) in samples.t_ns.iter().zip(&series.values) {
                if before != Some(value) {
                    let name = series.name;
                    writeln!(out, "{},{t_ns},{element},{name},{value}", outcome.replication)?;
                }
                before = Some(value);
            }
        }
    }
    Ok(())
}

/// `routes.csv`: the hops that each session's key was sent over.
fn routes(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    writeln!(out, "replication,session,from,to,first_ns,last_ns,requests")?;
    for outcome in outcomes {
        for route in &outcome.routes {
            writeln!(
                out,
                "{},{},{},{},{},{},{}",
                outcome.replication,
                field(&route.session),
                field(&route.from),
                field(&route.to),
                route.first_ns,
                route.last_ns,
                route.requests,
            )?;
        }
    }
    Ok(())
}

/// A field of CSV, in quotes where it has to be.
pub(super) fn field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::archive::{Digest, SCHEMA_VERSION};
    use crate::observe::outcome::RequestRecord;

    /// A summary of nothing.
    pub(in crate::archive) fn empty_summary() -> Summary {
        Summary {
            schema_version: SCHEMA_VERSION,
            name: "test".to_owned(),
            seed: 1,
            replications: 1,
            events: 0,
            metrics: vec![],
            audit: vec![],
            expectations: vec![],
            warnings: vec![],
        }
    }

    fn outcome() -> Outcome {
        Outcome {
            replication: 3,
            requests: vec![RequestRecord {
                demand: "a, \"b\"".to_owned(),
                number: 7,
                sent_ns: 10,
                ended_ns: 30,
                bits: 256,
                failure: Some("time-out"),
                hops: 2,
                waited_for: None,
                one_sided: false,
            }],
            reroutes: vec![RerouteRecord {
                fault: "f1".to_owned(),
                session: "d1".to_owned(),
                stages_ns: [
                    Some(1),
                    Some(2),
                    Some(0),
                    Some(4),
                    Some(0),
                    Some(6),
                    Some(7),
                    None,
                ],
                service_interruption_ns: None,
                messages: 5,
                bytes: 400,
            }],
            trace: b"{}\n".to_vec(),
            ..Outcome::default()
        }
    }

    fn text(fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        fill(&mut bytes).expect("memory does not fail");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn requests_are_quoted() {
        let csv = text(|out| requests(out, &[outcome()]));
        let row = csv.lines().nth(1).expect("one request");
        assert_eq!(row, "3,\"a, \"\"b\"\"\",7,10,30,256,failed,time-out,2,,false");
    }

    #[test]
    fn reroutes_have_null_where_a_stage_was_not_reached() {
        let written = serde_json::to_value(reroutes(&[outcome()])).expect("plain data");
        let expected = serde_json::json!([{
            "fault": "f1", "replication": 3, "session": "d1",
            "stages_ns": { "detection": 1, "report": 2, "analysis": 0, "computation": 4, "coordination": 0,
                           "command": 6, "installation": 7, "first_key": null },
            "control_plane_ns": 20, "total_ns": null, "service_interruption_ns": null,
            "messages": 5, "bytes": 400
        }]);
        assert_eq!(written, expected);
    }

    #[test]
    fn floats_are_short_and_read_back() {
        let values = [0.1, 1.0, 1e300, 1.0 / 3.0, 123_456_789.123_456_79];
        let json = text(|out| canonical_json(out, &values));
        assert!(json.contains(" 0.1,") && json.contains(" 1.0,"), "{json}");
        let read: [f64; 5] = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read.map(f64::to_bits), values.map(f64::to_bits));
        assert_eq!(text(|out| canonical_json(out, &f64::NAN)), "null\n");
    }

    #[test]
    fn a_trace_is_written_only_where_asked_for() {
        let (resolved, summary) = (Value::Null, empty_summary());
        for (trace, files) in [(false, 7), (true, 10)] {
            let mut digest = Digest::default();
            let outcomes = [outcome()];
            let record = RunRecord {
                resolved: &resolved,
                variant: None,
                summary: &summary,
                outcomes: &outcomes,
                trace,
            };
            write_run(&mut digest, "variants/x/", &record).expect("a digest takes all");
            assert_eq!(digest.files().len(), files);
            assert!(digest.files().contains_key("variants/x/summary.json"));
        }
    }
}
