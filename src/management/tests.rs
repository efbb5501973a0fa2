//! Surroundings for tests of managers.

use std::sync::Arc;

use crate::architecture::Procedure;
use crate::architecture::surroundings::{ManagedBorder, ManagerSurroundings, Parameters, ReservationScheme};
use crate::ids::{ManagerId, QkdnId};
use crate::kernel::Span;

fn surroundings(borders: Vec<ManagedBorder>) -> Arc<ManagerSurroundings> {
    let parameters = Parameters {
        reservation: ReservationScheme::Segment,
        usage_records: true,
        status_reports: true,
        management: Default::default(),
        level_classes: 4,
        detection: Span(1),
        analysis: Span(1),
        computation: Span(1),
        installation: Span(1),
        rerouting: Procedure::P10,
    };
    Arc::new(ManagerSurroundings {
        id: ManagerId(0),
        qkdn: QkdnId(0),
        borders,
        tariff: None,
        parameters: Arc::new(parameters),
    })
}

/// A manager of a QKDN without borders.
pub(super) fn alone() -> Arc<ManagerSurroundings> {
    surroundings(Vec::new())
}
