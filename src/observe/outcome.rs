//! What one replication of a run leaves behind: plain data, in a deterministic order.

use super::accounting::Accounting;
use super::metrics;

/// Everything that one replication measured.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Number of the replication, from 0.
    pub replication: u32,
    /// Events that the kernel dispatched.
    pub events: u64,
    /// The metrics of `Exact meanings`, one entry per (name, scope).
    pub metrics: Vec<Measured>,
    /// One record per counted request, by (sent, demand, number).
    pub requests: Vec<RequestRecord>,
    /// One record per (fault, session).
    pub reroutes: Vec<RerouteRecord>,
    /// The states that sessions went through, by time.
    pub sessions: Vec<SessionRecord>,
    /// What the providers' books hold.
    pub accounting: Accounting,
    /// What managers know of KMs and routes, where controllers tell them.
    pub configuration: Vec<ConfigurationRecord>,
    /// The auditor's findings: one entry per check.
    pub audit: Vec<AuditCheck>,
    /// Amounts over time; empty unless asked for.
    pub series: Samples,
    /// The hops that sessions' key was sent over; empty unless asked for.
    pub routes: Vec<RouteRecord>,
    /// The trace as JSON lines; empty unless asked for.
    pub trace: Vec<u8>,
    /// Routing and admission decisions as JSON lines; empty unless asked for.
    pub decisions: Vec<u8>,
    /// The audit trail of supplied keys as JSON lines; empty unless a trace was asked for.
    pub trail: Vec<u8>,
}

/// Amounts at some instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The instants \[ns\].
    pub t_ns: Vec<u64>,
    /// What was sampled at all of them.
    pub series: Vec<Series>,
}

/// One amount of one element over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// `link:ID` or `demand:ID`.
    pub element: String,
    /// What it is: an amount \[bits\]. Those that count what has happened since time 0 never fall.
    pub name: &'static str,
    /// One value per instant.
    pub values: Vec<u64>,
}

/// A hop that a session's key was sent over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// The session's (demand's) id.
    pub session: String,
    /// Where the hop begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// When it was first used \[ns\].
    pub first_ns: u64,
    /// When it was last used \[ns\].
    pub last_ns: u64,
    /// Requests whose key was sent over it.
    pub requests: u64,
}

/// One metric of one scope in one replication.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Metric name as fixed by the documentation of results.
    pub name: &'static str,
    /// Unit as printed ("s", "bit/s", "1" …).
    pub unit: &'static str,
    /// `network`, `qkdn:ID`, `demand:ID`, `link:ID`, `class:NAME`, `node:ID`.
    pub scope: String,
    /// The replication's value; `None` where nothing was there to measure.
    pub value: Option<f64>,
    /// Individual observations \[ns\] behind the value, where the metric has any: pooled over all
    /// replications for p50 and p99.
    pub samples_ns: Vec<u64>,
}

impl Measured {
    /// A metric of one scope in the unit that [`metrics`] gives it.
    ///
    /// # Panics
    /// If there is no metric of that name.
    pub fn new(name: &'static str, scope: &str, value: Option<f64>, samples_ns: Vec<u64>) -> Measured {
        let metric = metrics::find(name).unwrap_or_else(|| panic!("no metric {name}"));
        Measured {
            name,
            unit: metric.unit,
            scope: scope.to_owned(),
            value,
            samples_ns,
        }
    }
}

/// One counted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// The demand's id.
    pub demand: String,
    /// Number of the request within its demand, from 0.
    pub number: u32,
    /// When the application asked over Ak \[ns\].
    pub sent_ns: u64,
    /// When the request ended \[ns\].
    pub ended_ns: u64,
    /// Bits asked for (number of keys times length).
    pub bits: u64,
    /// `None` if delivered, else why not.
    pub failure: Option<&'static str>,
    /// Hops of the relay path; 0 if none was used.
    pub hops: u32,
    /// The key manager whose missing keys made it wait last, if any did.
    pub waited_for: Option<String>,
    /// Whether only one end got the key.
    pub one_sided: bool,
}

/// One fault as one session saw it, stage by stage (instants t0 … t8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RerouteRecord {
    /// The fault's id.
    pub fault: String,
    /// The session's (demand's) id.
    pub session: String,
    /// Stage lengths \[ns\] in the order detection, report, analysis, computation, coordination, command,
    /// installation, `first_key`; `None` where never reached.
    pub stages_ns: [Option<u64>; 8],
    /// Interruption that the applications saw \[ns\]; `None` where not defined.
    pub service_interruption_ns: Option<u64>,
    /// Control and management messages spent on it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl RerouteRecord {
    /// Names of the stages, in order.
    pub const STAGES: [&'static str; 8] = [
        "detection",
        "report",
        "analysis",
        "computation",
        "coordination",
        "command",
        "installation",
        "first_key",
    ];

    /// Sum of the first seven stages \[ns\], `None` if one was not reached.
    pub fn control_plane_ns(&self) -> Option<u64> {
        self.stages_ns[..7].iter().copied().sum()
    }

    /// Sum of all stages \[ns\], `None` if one was not reached.
    pub fn total_ns(&self) -> Option<u64> {
        self.stages_ns.iter().copied().sum()
    }
}

/// A session came to a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// When \[ns\].
    pub t_ns: u64,
    /// The session's (demand's) id.
    pub session: String,
    /// `open`, `active`, `rerouting`, `closed` or `failed`.
    pub state: &'static str,
    /// The controller that says so.
    pub controller: String,
}

/// A capability or a provisioned route, as a manager has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationRecord {
    /// When the manager's QKDN had it so \[ns\].
    pub t_ns: u64,
    /// The QKDN.
    pub qkdn: String,
    /// `capability` or `route`.
    pub kind: &'static str,
    /// The node, or the session.
    pub subject: String,
    /// Which of the session's routes.
    pub epoch: Option<u32>,
    /// What the KM can do, or the route's hops.
    pub content: String,
}

/// One thing that the auditor checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// What was checked.
    pub check: &'static str,
    /// Whether it held throughout.
    pub passed: bool,
    /// How much was looked at, or the first finding.
    pub detail: String,
}
