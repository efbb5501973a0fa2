//! What providers' books hold at the end of a run: usage records and settlements (functional element FE-9), ids with their
//! names beside them so that a record stays small.

use std::sync::Arc;

use crate::architecture::message::{UsageRecord, UsageSegment};
use crate::architecture::tariff::{Amount, Tariff};
use crate::ids::{ClassId, Id, QkdnId, SessionId};

/// Names of what records name by id, and the tariffs.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// QKDNs.
    pub qkdns: Vec<String>,
    /// Sessions (demands).
    pub sessions: Vec<String>,
    /// Applications.
    pub applications: Vec<String>,
    /// QoS classes.
    pub classes: Vec<String>,
    /// Tariffs, by QKDN.
    pub tariffs: Vec<Option<Arc<Tariff>>>,
}

/// A session's account with the other provider in one state, as one of the two has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettlementRecord {
    /// Whose books.
    pub provider: QkdnId,
    /// The other provider.
    pub partner: QkdnId,
    /// Which session.
    pub session: SessionId,
    /// Its class.
    pub class: ClassId,
    /// Whether `provider` owes.
    pub owes: bool,
    /// `settled`, `sent`, `open`, `claimed` or `disputed`.
    pub state: &'static str,
    /// Keys.
    pub keys: u64,
    /// Amount of key \[bits\].
    pub bits: u64,
    /// By the tariff of the one that is owed.
    pub amount: Option<Amount>,
}

/// The books of all providers.
#[derive(Clone, Debug, Default)]
pub struct Accounting {
    /// Names.
    pub names: Arc<Names>,
    /// Usage records by provider, as they came.
    pub usage: Vec<(QkdnId, Vec<UsageRecord>)>,
    /// Settlements by provider, session and state.
    pub settlements: Vec<SettlementRecord>,
}

/// One row of `accounting.csv`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Row<'a> {
    /// `usage` or `settlement`.
    pub kind: &'static str,
    /// When \[ns\]; none in a settlement, which stands for many.
    pub t_ns: Option<u64>,
    /// Whose books.
    pub provider: &'a str,
    /// The QKDN that the keys are shared with.
    pub partner: &'a str,
    /// The session.
    pub session: &'a str,
    /// Number of the request.
    pub request: Option<u32>,
    /// `source`, `border`, `transit` or `destination`; in a settlement `owes` or `is_owed`.
    pub segment: &'static str,
    /// The provider's own application that was supplied.
    pub application: &'a str,
    /// QoS class.
    pub class: &'a str,
    /// Keys.
    pub keys: u64,
    /// Amount of key \[bits\].
    pub bits: u64,
    /// What it costs, where there is a tariff.
    pub amount: Option<Amount>,
    /// In which currency.
    pub currency: &'a str,
    /// Of a settlement: `settled`, `sent`, `open`, `claimed` or `disputed`.
    pub state: &'static str,
}

impl Accounting {
    /// All rows: usage by provider as it came, then settlements.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let names = &*self.names;
        let usage = self.usage.iter().flat_map(|(provider, records)| {
            records.iter().map(|record| {
                // Assumption: the user that asked pays its provider, which pays the other.
                let tariff = names.tariffs[provider.index()].as_ref();
                let tariff = tariff.filter(|_| record.segment == UsageSegment::Source);
                let crossed = record.partner != *provider;
                Row {
                    kind: "usage",
                    t_ns: Some(record.at.0),
                    provider: &names.qkdns[provider.index()],
                    partner: &names.qkdns[record.partner.index()],
                    session: &names.sessions[record.request.session.index()],
                    request: Some(record.request.number),
                    segment: record.segment.name(),
                    application: record
                        .application
                        .map_or("", |application| names.applications[application.index()].as_str()),
                    class: &names.classes[record.class.index()],
                    keys: u64::from(record.keys),
                    bits: record.bits,
                    amount: tariff
                        .map(|it| it.rate(record.class, u64::from(record.keys), record.bits, crossed)),
                    currency: tariff.map_or("", |it| it.currency.as_str()),
                    state: "",
                }
            })
        });
        let settlements = self.settlements.iter().map(|record| {
            let owed = if record.owes {
                record.partner
            } else {
                record.provider
            };
            let tariff = names.tariffs[owed.index()].as_ref();
            Row {
                kind: "settlement",
                provider: &names.qkdns[record.provider.index()],
                partner: &names.qkdns[record.partner.index()],
                session: &names.sessions[record.session.index()],
                segment: if record.owes { "owes" } else { "is_owed" },
                class: &names.classes[record.class.index()],
                keys: record.keys,
                bits: record.bits,
                amount: record.amount,
                currency: tariff.map_or("", |it| it.currency.as_str()),
                state: record.state,
                ..Row::default()
            }
        });
        usage.chain(settlements)
    }
}
