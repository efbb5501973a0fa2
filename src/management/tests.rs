//! Surroundings for tests of managers.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::architecture::Procedure;
use crate::architecture::surroundings::{
    ManagedBorder, ManagementOptions, ManagerSurroundings, Parameters, ReservationScheme, TransferredKeys,
};
use crate::ids::{BoundaryId, ControllerId, HopId, LinkId, ManagerId, QkdnId, SessionId};
use crate::kernel::Span;

fn surroundings(borders: Vec<ManagedBorder>) -> Arc<ManagerSurroundings> {
    let parameters = Parameters {
        reservation: ReservationScheme::Segment,
        usage_records: true,
        transferred_keys: TransferredKeys::Store,
        status_reports: true,
        authentication_tag: 0,
        management: ManagementOptions::default(),
        level_classes: 4,
        detection: Span(1),
        analysis: Span(1),
        computation: Span(1),
        installation: Span(1),
        polling: None,
        generation_control: None,
        recovery: crate::architecture::Recovery::default(),
        refresh: crate::architecture::surroundings::LinkStateRefresh::default(),
        coordination_guard: Span::from_millis(5),
        coordination_timeout: Span::from_millis(500),
        coordination_retries: 3,
        rerouting: Procedure::P10,
    };
    Arc::new(ManagerSurroundings {
        id: ManagerId(0),
        qkdn: QkdnId(0),
        borders,
        own_sessions: BTreeSet::from([SessionId(9)]),
        tariff: None,
        parameters: Arc::new(parameters),
    })
}

/// A manager of a QKDN without borders.
pub(super) fn alone() -> Arc<ManagerSurroundings> {
    surroundings(Vec::new())
}

/// A manager of a QKDN with one border, hop 4 over link 3, whose controller here is number 2.
pub(super) fn with_border() -> Arc<ManagerSurroundings> {
    surroundings(vec![ManagedBorder {
        boundary: BoundaryId(0),
        far_qkdn: QkdnId(1),
        far_manager: ManagerId(1),
        fault_management: Procedure::P11,
        near_controller: ControllerId(2),
        hop: HopId(4),
        link: Some(LinkId(3)),
        stores: Box::new([(HopId(4), Some(LinkId(3)))]),
    }])
}
