//! The QKDN management layer: one manager per QKDN, with its layer managers and its cross-layer orchestration (XLMO).

pub mod fault_management;
pub mod manager;
#[cfg(test)]
mod tests;
