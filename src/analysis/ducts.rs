//! What lies in one duct: links that a cut takes together.

use std::collections::BTreeMap;

use crate::ids::{DuctId, LinkId};
use crate::network::plan::{DuctSection, Plan};

/// A stretch of a duct with the same links all along it: a cut anywhere in it takes them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The duct.
    pub duct: DuctId,
    /// From here \[m from the duct's first end\].
    pub from_m: u64,
    /// To here.
    pub to_m: u64,
    /// The links that make key in it, in the order of the file.
    pub links: Vec<LinkId>,
}

/// The stretches of all ducts that hold links that make key, in the order of the file and of each duct.
pub fn stretches(plan: &Plan) -> Vec<Stretch> {
    let mut within: BTreeMap<DuctId, Vec<(LinkId, DuctSection)>> = BTreeMap::new();
    for (id, link) in plan.links.iter().filter(|(_, link)| link.schedule.is_some()) {
        for section in &link.ducts {
            within.entry(section.duct).or_default().push((id, *section));
        }
    }
    let mut stretches = Vec::new();
    for (duct, sections) in within {
        let ends = sections
            .iter()
            .flat_map(|(_, section)| [section.from_m, section.to_m]);
        let mut ends: Vec<u64> = ends.collect();
        ends.sort_unstable();
        ends.dedup();
        for pair in ends.windows(2) {
            let here = sections
                .iter()
                .filter(|(_, section)| section.holds(duct, pair[0]));
            let mut links: Vec<LinkId> = here.map(|(link, _)| *link).collect();
            links.dedup();
            if !links.is_empty() {
                stretches.push(Stretch {
                    duct,
                    from_m: pair[0],
                    to_m: pair[1],
                    links,
                });
            }
        }
    }
    stretches
}
