//! What managers report: to each other (P11 and P14, steps 5 and 6; FE-10, FE-11), and to their users' networks (Mu).
//!
//! To each other provider goes what concerns both: amounts and counts of the keys that crossed the border with it and of that
//! border's links and stores, never a link, a node or a store by name (A5, S6). Assumption: too many errors, or blocks that
//! cannot be authenticated, concern whoever shares keys with the QKDN, wherever the link is.

use super::Subject;
use crate::ids::{ApplicationId, HopId, SessionId};
use crate::kernel::Time;

/// What the analysis of a provider's own figures says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Condition {
    /// Nothing was noticed.
    #[default]
    Normal,
    /// Links are down or border key runs low, and keys are relayed all the same.
    Degraded,
    /// Relays or transfers fail.
    Failing,
}

impl Condition {
    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Condition::Normal => "normal",
            Condition::Degraded => "degraded",
            Condition::Failing => "failing",
        }
    }
}

/// Performance at the border with one other provider since the last report to it, and what it comes to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Performance {
    /// Links of the border that make no key at present (QLM).
    pub links_down: u64,
    /// Supplied here to applications of keys that crossed the border with it, either way (KMLM) \[bits\].
    pub supplied_bits: u64,
    /// Handed across the border to it (KMLM) \[bits\].
    pub crossed_bits: u64,
    /// Relays and transfers that failed, of sessions that cross the border (KMLM).
    pub relay_failures: u64,
    /// Border stores that are low at present (KMLM).
    pub low_stores: u64,
    /// Routes over the border to it that were provisioned or changed, where controllers tell of them (QCLM).
    pub routes: u64,
    /// The analysis.
    pub condition: Condition,
}

/// Security events that concern one other provider, since the last report to it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Security {
    /// Links of the border that were interrupted: each may be an attack on the link's availability (S3).
    pub link_alarms: u64,
    /// Links whose blocks had too many errors: each may be an eavesdropper.
    pub error_alarms: u64,
    /// Links that had no key left to authenticate their blocks.
    pub authentication_alarms: u64,
    /// Supplies about which the two providers' records differ (S4).
    pub disputed_supplies: u64,
}

/// Packed performance and security information (P11/P14 step 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProviderReport {
    /// When it was packed.
    pub at: Time,
    /// Performance.
    pub performance: Performance,
    /// Security.
    pub security: Security,
    /// What set it off, for traces; nothing where a period was over.
    pub cause: Subject,
}

/// What a node's KM can do, as its controller reports it (FE-6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// Whether it can relay keys of others: it has more than one neighbour.
    pub relays: bool,
    /// Whether it can hand keys to another QKDN.
    pub crosses_border: bool,
}

/// A route that was provisioned or changed (FE-6, FE-8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteRecord {
    /// For which session.
    pub session: SessionId,
    /// Counts the session's routes on this segment.
    pub epoch: u32,
    /// Its hops.
    pub hops: Box<[HopId]>,
    /// When.
    pub at: Time,
}

/// What a user's network is told of one session (FCAPS over Mu): its faults, its performance, its account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserReport {
    /// Which session.
    pub session: SessionId,
    /// The user's own application, once it was supplied.
    pub application: Option<ApplicationId>,
    /// Supplies.
    pub supplies: u64,
    /// Keys.
    pub keys: u64,
    /// Amount \[bits\].
    pub bits: u64,
    /// Relays and transfers of the session that failed in this QKDN.
    pub relay_failures: u64,
    /// What it costs, in 10⁻¹² of the tariff's currency; `None`: there is no tariff.
    pub cost: Option<u128>,
}
