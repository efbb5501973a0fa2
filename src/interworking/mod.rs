//! Interworking of QKDNs, before there is a run: what joins two of them (Y.3818 clause 6), how a boundary lies along
//! its duct, and clause 8's configurations as data.
//!
//! At run time nobody asks "GWN or IWN?": a boundary has become ordinary hops, each with a protection and a handover.

pub mod configuration;
pub mod handover;
pub mod layout;
pub mod way;
