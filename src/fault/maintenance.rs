//! A window of maintenance: links are taken out of service, and the controllers know beforehand.
//!
//! Assumption: from the announcement on no route is made over these links and sessions leave them; alarms of the links
//! are expected, and nothing is done about them, until the window is over.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;
use crate::kernel::Span;

record! {
    /// Links are taken out of service, announced beforehand.
    pub struct Maintenance {
        /// The links: "QKDN/LINK", a boundary's id, or "BOUNDARY/QKDN".
        links: Vec<String>,
        /// How long before. Assumption: a minute.
        notice: Span = Span::from_seconds(60),
    }
}

impl FaultKind for Maintenance {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        let unknown = |link: &String| unknown(ground, Named::Link, "links", link);
        let mut complaints: Vec<Complaint> = self.links.iter().filter_map(unknown).collect();
        let again = |(at, link): &(usize, &String)| self.links[..*at].contains(link);
        if let Some((_, link)) = self.links.iter().enumerate().find(again) {
            complaints.push(Complaint {
                code: "repeated_link",
                field: "links",
                message: format!("link \"{link}\" is listed twice"),
                hint: "name each link once".to_owned(),
            });
        }
        if self.links.is_empty() {
            complaints.push(Complaint {
                code: "empty_group",
                field: "links",
                message: "no link is maintained".to_owned(),
                hint: "list the links".to_owned(),
            });
        }
        complaints
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let links = self.links.iter();
        links
            .map(|link| Disturbance::Maintenance(site.link(link).expect("a checked name")))
            .collect()
    }

    fn notice(&self) -> Option<Span> {
        Some(self.notice)
    }

    fn window(&self) -> &[String] {
        &self.links
    }
}
