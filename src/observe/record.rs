//! The lines of `trace.jsonl` and `decisions.jsonl`, for those who write them and for those who read them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One line of `trace.jsonl`: a message, or a step inside an element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine<'a> {
    /// Number of the replication.
    pub replication: u32,
    /// When it was sent \[ns\].
    pub t_ns: u64,
    /// Procedure: `P9` … `P14`, `local`.
    #[serde(borrow)]
    pub procedure: Cow<'a, str>,
    /// Step as the procedures print it.
    #[serde(borrow)]
    pub step: Cow<'a, str>,
    /// `text`, `analogue` or `inferred`.
    #[serde(borrow)]
    pub provenance: Cow<'a, str>,
    /// Reference point; none inside one element.
    #[serde(borrow)]
    pub reference_point: Option<Cow<'a, str>>,
    /// Sender.
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    /// Receiver.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    /// What is said or done.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// The session, if it is about one.
    #[serde(borrow)]
    pub session: Option<Cow<'a, str>>,
    /// The request's number within its session.
    pub request: Option<u32>,
    /// The fault, if it is about one.
    #[serde(borrow)]
    pub fault: Option<Cow<'a, str>>,
    /// Size \[bytes\].
    pub bytes: u64,
    /// Whether it goes encrypted from one provider to the other.
    pub encrypted: bool,
    /// Counts the transmissions of the same message; left out at the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What it says of a link; left out where it says nothing of one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkLine<'a>>,
}

/// State and performance of a link, as ETSI GS QKD 015 has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLine<'a> {
    /// `ACTIVE`, `PASSIVE`, `PENDING`, `OFF`.
    #[serde(borrow)]
    pub state: Cow<'a, str>,
    /// Secret key rate of the last block \[bit/s\].
    pub skr_bps: u64,
    /// Secret key rate that the link is provisioned for \[bit/s\].
    pub expected_skr_bps: u64,
    /// Consumption that it is provisioned for \[bit/s\].
    pub expected_consumption_bps: Option<u64>,
    /// Error rate of the last block \[10⁻⁶\].
    pub qber_ppm: Option<u32>,
}

/// One line of `decisions.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionLine<'a> {
    /// Number of the replication.
    pub replication: u32,
    /// When \[ns\].
    pub t_ns: u64,
    /// Who decided.
    #[serde(borrow)]
    pub element: Cow<'a, str>,
    /// What kind of decision: `request`, `queue`, `border`, `route`, `sufficiency`, `wait`, `resume`, `admit`, `refuse`,
    /// `analyse`, `reroute`, `supply`, `fail`.
    #[serde(borrow)]
    pub decision: Cow<'a, str>,
    /// About which session.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// About which of its requests; none: about the session.
    pub request: Option<u32>,
    /// The fault behind it.
    #[serde(borrow)]
    pub fault: Option<Cow<'a, str>>,
    /// Why.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// The hop or KM that it is about.
    #[serde(borrow)]
    pub place: Option<Cow<'a, str>>,
    /// Key that is needed \[bits\].
    pub needed_bits: Option<u64>,
    /// Key that is usable there \[bits\].
    pub usable_bits: Option<u64>,
    /// The hops of what was chosen.
    pub hops: Option<Vec<String>>,
    /// What there was to choose from.
    pub candidates: Vec<CandidateLine>,
}

impl DecisionLine<'_> {
    /// The same, kept apart from the text that it was read from.
    pub fn into_owned(self) -> DecisionLine<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        DecisionLine {
            replication: self.replication,
            t_ns: self.t_ns,
            element: owned(self.element),
            decision: owned(self.decision),
            session: owned(self.session),
            request: self.request,
            fault: self.fault.map(owned),
            reason: owned(self.reason),
            place: self.place.map(owned),
            needed_bits: self.needed_bits,
            usable_bits: self.usable_bits,
            hops: self.hops,
            candidates: self.candidates,
        }
    }
}

/// One way that could have been taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateLine {
    /// Its hops.
    pub hops: Vec<String>,
    /// Its cost, in `unit`.
    pub cost: f64,
    /// `hops`, `m`; `bit/s` is a width, of which more is better.
    pub unit: String,
    /// Whether it was taken.
    pub chosen: bool,
    /// What keeps it from being used.
    pub obstacle: Option<String>,
}
