//! How failures are noticed, and when something is done about them.

use super::{Nothing, defaults};
use crate::catalogue::{choice, record};
use crate::kernel::time::Span;

record! {
    /// Heartbeats between the ends of each link, between neighbouring key managers and between neighbouring controllers.
    pub struct Heartbeat {
        /// Their distance. Assumption: a second.
        period: Span = Span::from_seconds(1),
        /// So many missed in a row are a failure. Assumption: 3.
        misses: u32 = 3,
        /// When the first is sent; default: at random within the period, each sender for itself.
        phase: Option<Span>,
    }
}

choice! {
    /// How failures are noticed.
    pub enum Detection ("kind of detection") {
        /// By an alarm, "timing.detection" after the failure.
        alarm => Alarm(Nothing),
        /// By heartbeats that do not come.
        heartbeat => Heartbeat(Heartbeat),
    }
}

record! {
    /// How failures are noticed, and when something is done about them.
    pub struct Recovery {
        /// How they are noticed. Assumption: by alarms.
        detection: Detection = Detection::Alarm(Nothing {}),
        /// How long a controller waits after a report whether the failure goes away. Assumption: not at all.
        hold_off: Span = Span::ZERO,
        /// How long what works again must have worked before it is told. Assumption: not at all.
        wait_to_restore: Span = Span::ZERO,
        /// Whether sessions go back to the better path once it works again. Assumption: they stay.
        revertive: bool = false,
        /// Whether a hop whose store is below its floor (level class 0) is left like one that failed. Assumption: it is not,
        /// as long as its link makes key.
        on_depletion: bool = false,
    }
}

impl Default for Recovery {
    fn default() -> Self {
        defaults()
    }
}
