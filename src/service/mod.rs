//! The service layer: cryptographic applications and what they ask for.

pub mod application;
pub mod demand;
