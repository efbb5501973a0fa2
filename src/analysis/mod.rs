//! What needs no simulation: routes and capacities of a plan, bounds, availability, criticality.

pub mod routes;
