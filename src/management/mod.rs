//! The QKDN management layer: one manager per QKDN, with its layer managers and its cross-layer orchestration (XLMO).

pub mod accounting;
pub mod configuration;
pub mod fault_management;
pub mod manager;
pub mod performance;
pub mod security;
mod sharing;
#[cfg(test)]
mod tests;
pub mod user_network;
