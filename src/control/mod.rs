//! The QKDN control layer: controllers, what they know, and how they route (Y.3818 6.1, 6.2, 7).
//!
//! Centralized control is distributed control with one controller: the same machine, told by its surroundings which
//! nodes it serves and who its peers are. The work is split by procedure: [`establishment`] finds a session's route
//! (P9 and P12 steps 0a–4), [`reservation`] has it promised (4a, 4b), [`rerouting`] changes it inside
//! its QKDN and [`negotiation`] across the border (P10, P13), when and whether, `recovery` says; [`reachability`] is
//! what QKDNs tell each other of ways to further ones, `link_state` keeps what controllers
//! of one QKDN know fresh, [`vectors`] are what they exchange instead of floods, [`transit`] what a QKDN does that keys only pass; [`undelivered`]
//! deals with what the carrier gave up.

pub mod admission;
pub mod configuration;
mod controller;
pub mod establishment;
mod explanation;
mod flooding;
pub mod knowledge;
mod legs;
mod link_state;
pub mod monitoring;
#[cfg(test)]
mod monitoring_tests;
pub mod negotiation;
#[cfg(test)]
mod negotiation_tests;
pub mod reachability;
mod recovery;
pub mod rerouting;
pub mod reservation;
pub mod routing;
pub mod segment;
#[cfg(test)]
mod tests;
pub mod transit;
pub mod undelivered;
pub mod vectors;

pub use controller::Controller;
