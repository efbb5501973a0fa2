//! Which configuration of clause 8 a boundary of a document is in: it follows from placement.

use super::document::{Boundary, BoundaryKind, Control, Document};
use crate::architecture::ReferencePoint;
use crate::interworking::configuration::{Configuration, Scheme, Seat, Side};
use crate::interworking::handover::Kind;

/// The configuration of one boundary of a valid document.
pub fn configuration(document: &Document, boundary: &Boundary) -> Configuration {
    let kind = match boundary.kind {
        BoundaryKind::Gwn(_) => Kind::Gwn,
        BoundaryKind::Iwn(_) => Kind::Iwn,
    };
    let side = |end: usize| {
        let place = &boundary.between[end];
        let qkdn = document.qkdn(&place.qkdn).expect("a checked name");
        let border_node = match kind {
            Kind::Gwn => place.node.as_str(),
            Kind::Iwn => boundary.id.as_str(),
        };
        let in_border = |at: &Option<String>| at.as_deref() == Some(border_node);
        let (scheme, seat) = match qkdn.control {
            Control::Distributed => (Scheme::Distributed, Seat::BorderNode),
            Control::Centralized if in_border(&qkdn.controller_at) => (Scheme::Centralized, Seat::BorderNode),
            Control::Centralized => (Scheme::Centralized, Seat::Remote),
        };
        Side {
            scheme,
            seat,
            manager_in_border: in_border(&qkdn.manager_at),
        }
    };
    Configuration {
        kind,
        sides: [side(0), side(1)],
    }
}

/// The reference points between QKDNs that a valid document's borders have.
pub fn reference_points(document: &Document) -> Vec<ReferencePoint> {
    use ReferencePoint as R;
    let borders = document.boundaries.iter().flat_map(|boundary| {
        let found = configuration(document, boundary);
        let iwn = found.kind == Kind::Iwn;
        let controllers = found.sides.iter().all(|side| side.seat == Seat::BorderNode);
        let managers = found.sides.iter().all(|side| side.manager_in_border);
        [
            if iwn { R::Kxi1Prime } else { R::Kxi1 },
            if iwn { R::Kxi2Prime } else { R::Kxi2 },
            if iwn && controllers { R::CxiPrime } else { R::Cxi },
            if iwn && managers { R::MxiPrime } else { R::Mxi },
        ]
    });
    borders.collect()
}
