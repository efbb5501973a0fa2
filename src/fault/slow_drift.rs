//! A link drifts out of alignment: its error rate rises in small steps until the repair, which sets it back.
//!
//! Assumption: what drifts is the alignment, which flips bits; the rise is a staircase.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown, without_errors};
use crate::architecture::Disturbance;
use crate::catalogue::record;
use crate::kernel::Span;
use crate::units::Fraction;

/// An intercepted pulse is wrong in a quarter of all cases, so that no drift goes beyond that.
const MOST: Fraction = Fraction(250_000_000);

record! {
    /// A link's error rate rises slowly.
    pub struct SlowDrift {
        /// The link: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        link: String,
        /// By how much the error rate has risen in the end, 0.25 at most.
        errors: Fraction,
        /// In which time.
        over: Span,
        /// In how many steps. Assumption: 60.
        steps: u32 = 60,
    }
}

impl FaultKind for SlowDrift {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        let mut complaints: Vec<Complaint> = unknown(ground, Named::Link, "link", &self.link)
            .or_else(|| without_errors(ground, "link", &self.link))
            .into_iter()
            .collect();
        if self.errors > MOST || self.errors == Fraction::ZERO {
            complaints.push(Complaint {
                code: "drift_out_of_range",
                field: "errors",
                message: "the error rate rises by more than nothing and by 0.25 at most".to_owned(),
                hint: "0.08 brings most links to their threshold".to_owned(),
            });
        }
        if self.over == Span::ZERO || self.steps == 0 {
            complaints.push(Complaint {
                code: "drift_at_once",
                field: if self.steps == 0 { "steps" } else { "over" },
                message: "a drift takes time, and one step at least".to_owned(),
                hint: "write \"over\": \"30 min\", or use an eavesdropper for a sudden rise".to_owned(),
            });
        }
        complaints
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        vec![Disturbance::Drift {
            link: site.link(&self.link).expect("a checked name"),
            errors: self.errors,
            over: self.over,
            steps: self.steps,
        }]
    }
}
