//! A duct is cut at one place: by default the QKD links in it are down, and the data network stays up.

use super::{Complaint, FaultKind, Ground, Named, Site, unknown};
use crate::architecture::Disturbance;
use crate::catalogue::record;
use crate::ids::DuctId;
use crate::units::Metres;

record! {
    /// A duct is cut: the QKD links in it are down; the data network too if asked for.
    pub struct DuctCut {
        /// The duct: a shared duct's id, "QKDN/LINK", or a boundary's id.
        duct: String,
        /// Where, from the duct's first end; default: in the middle, rounded down.
        position: Option<Metres>,
        /// Whether the data network is cut there too. Assumption: it is not.
        cuts_data: bool = false,
    }
}

impl DuctCut {
    /// The duct, and where it is cut \[m\]; the far end belongs to the last metre.
    fn place(&self, site: &dyn Site) -> (DuctId, u64) {
        let (duct, length) = site.duct(&self.duct).expect("a checked name");
        let position_m = self.position.map_or(length.0 / 2, |position| position.0);
        (duct, position_m.min(length.0.saturating_sub(1)))
    }
}

impl FaultKind for DuctCut {
    fn complaints(&self, ground: &dyn Ground) -> Vec<Complaint> {
        let length = ground.duct_length(&self.duct);
        let complaint = match (length, self.position) {
            (None, _) => unknown(ground, Named::Duct, "duct", &self.duct),
            (Some(length), Some(position)) if position > length => Some(Complaint {
                code: "position_beyond",
                field: "position",
                message: format!("{position} is beyond the duct's end at {length}"),
                hint: "positions count from the duct's first end".to_owned(),
            }),
            _ => None,
        };
        complaint.into_iter().collect()
    }

    fn disturbances(&self, site: &dyn Site) -> Vec<Disturbance> {
        let (duct, position_m) = self.place(site);
        let data = self
            .cuts_data
            .then_some(Disturbance::DataCut { duct, position_m });
        let links = site.links_at(duct, position_m);
        data.into_iter()
            .chain(links.into_iter().map(Disturbance::LinkDown))
            .collect()
    }

    /// The duct and the kilometre: whatever lies there in a variant breaks at the same times.
    fn label(&self, site: &dyn Site) -> Option<String> {
        let (_, position_m) = self.place(site);
        Some(format!("duct/{}/{} km", self.duct, position_m / 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Address;
    use crate::ids::{LinkId, NodeId};

    /// One duct of 10 m with a link in its second half.
    struct TenMetres;

    impl Site for TenMetres {
        fn duct(&self, name: &str) -> Option<(DuctId, Metres)> {
            (name == "d").then_some((DuctId(0), Metres(10)))
        }
        fn links_at(&self, _: DuctId, position_m: u64) -> Vec<LinkId> {
            if position_m >= 5 { vec![LinkId(7)] } else { vec![] }
        }
        fn link(&self, _: &str) -> Option<LinkId> {
            None
        }
        fn nodes(&self, _: &str) -> Vec<NodeId> {
            Vec::new()
        }
        fn element(&self, _: &str) -> Option<Address> {
            None
        }
        fn standing_at(&self, _: NodeId) -> Vec<Address> {
            Vec::new()
        }
    }

    #[test]
    fn a_cut_takes_what_lies_there() {
        let cut = |position: Option<u64>, cuts_data| DuctCut {
            duct: "d".to_owned(),
            position: position.map(Metres),
            cuts_data,
        };
        let down = Disturbance::LinkDown(LinkId(7));
        assert_eq!(cut(None, false).disturbances(&TenMetres), [down]);
        assert_eq!(cut(Some(10), false).disturbances(&TenMetres), [down]);
        assert_eq!(cut(Some(4), false).disturbances(&TenMetres), []);
        let data = Disturbance::DataCut {
            duct: DuctId(0),
            position_m: 4,
        };
        assert_eq!(cut(Some(4), true).disturbances(&TenMetres), [data]);
    }
}
