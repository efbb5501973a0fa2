//! An eavesdropper intercepts and resends pulses of a link: the error rate of its blocks rises by a quarter of the share,
//! the key in them shrinks, and above the threshold the link raises an alarm and makes none.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown, without_errors};
use crate::architecture::Disturbance;
use crate::catalogue::record;
use crate::units::Fraction;

record! {
    /// An eavesdropper on a link.
    pub struct Eavesdropper {
        /// The link: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        link: String,
        /// Share of the pulses that is intercepted and resent. Assumption: all of them.
        share: Fraction = Fraction::ONE,
    }
}

impl FaultKind for Eavesdropper {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        unknown(ground, Named::Link, "link", &self.link)
            .or_else(|| without_errors(ground, "link", &self.link))
            .into_iter()
            .collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        vec![Disturbance::Intercepted {
            link: site.link(&self.link).expect("a checked name"),
            share: self.share,
        }]
    }
}
