//! What a provider decides: policy and tariff (Y.3818, 7.1 and 7.2), and what managers report.

use crate::catalogue::{names, record};
use crate::kernel::time::Span;
use crate::units::{Bits, Fraction};

record! {
    /// A provider's policy: which partner and which class may use how much of the border's key.
    pub struct Policy {
        /// All rules that match a request hold: the highest floor, and every quota.
        rules: Vec<PolicyRule>,
        /// Whether a request may take key that is kept for a waiting one of a lower priority which has not reserved it, or
        /// promised to one whose relay has not started.
        preemption: bool = false,
        /// Whether keys between two other QKDNs may pass through. Assumption: they may.
        transit: Transit = Transit::Allow,
        /// Cost class of keys between two others, 0 to 255: the sum over a way's providers is what QKDNs before them choose it
        /// by, next to whether it makes key. Assumption: 0.
        transit_cost: u32 = 0,
        /// Whether offers of ways through here name the level class of the least store on them. Assumption: they do not.
        offers_levels: bool = false,
    }
}

impl Default for Policy {
    fn default() -> Self {
        super::defaults()
    }
}

names! {
    /// What a provider says to keys between two other QKDNs.
    pub enum Transit ("rule for transit") {
        /// They may pass through.
        allow => Allow,
        /// They are refused.
        refuse => Refuse,
    }
}

record! {
    /// One rule of a policy.
    pub struct PolicyRule {
        /// Keys shared with this QKDN; default: with any other.
        partner: Option<String>,
        /// Keys of this class; default: of any.
        class: Option<String>,
        /// Level of the border's store below which these keys are not served: of the lane that this QKDN sends over, or
        /// where crossing spends no key, of the hop next to the border.
        floor: Bits = Bits::ZERO,
        /// How much of the border's key they may use; a request beyond it is refused.
        quota: Option<Quota>,
    }
}

record! {
    /// A quota of key. It is counted by the controller that decides, in periods from time 0.
    pub struct Quota {
        /// How much.
        amount: Bits,
        /// In which time.
        period: Span,
    }
}

record! {
    /// What a provider charges: its own users for what they are supplied, and other providers for what it delivers to
    /// its users for theirs.
    pub struct Tariff {
        /// The currency.
        currency: Option<String>,
        /// Price of a key, to six decimals.
        per_key: f64 = 0.0,
        /// Price of a megabit of key, to six decimals.
        per_mbit: f64 = 0.0,
        /// Price on top of a megabit that crossed the border, to six decimals.
        border_surcharge_per_mbit: f64 = 0.0,
        /// Classes with prices of their own.
        classes: Vec<ClassPrice>,
    }
}

record! {
    /// The prices of a class.
    pub struct ClassPrice {
        /// Which class.
        class: String,
        /// Price of a key, to six decimals.
        per_key: f64 = 0.0,
        /// Price of a megabit of key, to six decimals.
        per_mbit: f64 = 0.0,
    }
}

record! {
    /// What managers exchange beside usage records and alarms. Nothing of it is sent unless it is asked for.
    pub struct Management {
        /// How often the records of an open session are settled; default: when it is over.
        settlement_period: Option<Span>,
        /// Whether controllers tell their manager of capabilities and provisioned routes.
        configuration_records: bool = false,
        /// Whether managers report on sessions to their users' networks (Mu).
        user_reports: bool = false,
        /// Performance and security reports to the other providers (P11 and P14, steps 5 and 6).
        reports: Reports = Reports::default(),
    }
}

impl Default for Management {
    fn default() -> Self {
        super::defaults()
    }
}

record! {
    /// When managers share performance and security reports.
    pub struct Reports {
        /// At equal distances; default: never.
        period: Option<Span>,
        /// When a link alarm begins or ends.
        on_alarm: bool = false,
        /// When a relay or transfer fails.
        on_relay_failure: bool = false,
        /// When a store of the border falls below this share of its capacity.
        on_level_below: Option<Fraction>,
    }
}

impl Default for Reports {
    fn default() -> Self {
        super::defaults()
    }
}
