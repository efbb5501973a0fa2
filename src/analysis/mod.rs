//! What needs no simulation: routes and capacities of a plan, bounds, availability, criticality.

pub mod availability;
pub mod bounds;
pub mod capacity;
pub mod commodities;
pub mod criticality;
pub mod ducts;
pub mod routes;
