//! The network: the plan, the world that changes, the wiring between elements, the auditor.

pub mod builder;
pub mod data_network;
pub mod plan;
