//! A group of shared risk: several things break at once and are repaired at once.

use super::{Complaint, Fault, FaultKind, Ground, Site};
use crate::architecture::Disturbance;
use crate::catalogue::record;

record! {
    /// Several faults with a common cause.
    pub struct Group {
        /// What breaks.
        of: Vec<Fault>,
    }
}

impl FaultKind for Group {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        if self.of.is_empty() {
            return vec![Complaint {
                code: "empty_group",
                field: "of",
                message: "nothing breaks".to_owned(),
                hint: "list the faults that have this common cause".to_owned(),
            }];
        }
        let inside = self.of.iter().map(|fault| (fault.name(), fault.kind()));
        let mut complaints = Vec::new();
        for (name, kind) in inside {
            if kind.notice().is_some() {
                complaints.push(Complaint {
                    code: "announced_in_group",
                    field: "of",
                    message: "what is announced has no common cause with what is not".to_owned(),
                    hint: "give the maintenance a fault of its own; it may name several links".to_owned(),
                });
            }
            let own = kind.complaints(ground).into_iter();
            complaints.extend(own.map(|complaint| Complaint {
                field: "of",
                message: format!("{name}: {}", complaint.message),
                ..complaint
            }));
        }
        complaints
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        self.of
            .iter()
            .flat_map(|fault| fault.kind().disturbances(site))
            .collect()
    }
}
