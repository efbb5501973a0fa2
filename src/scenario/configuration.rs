//! Which configuration of clause 8 a boundary of a document is in: it follows from placement.

use super::document::{Boundary, BoundaryKind, Control, Document};
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
