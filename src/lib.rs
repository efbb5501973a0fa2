//! `qkdni`: a discrete-event simulator of QKD network interworking after ITU-T Y.3818 (09/2023).

pub mod analysis;
pub mod architecture;
pub mod archive;
pub mod catalogue;
pub mod cli;
pub mod control;
pub mod experiment;
pub mod fault;
pub mod ids;
pub mod interworking;
pub mod kernel;
pub mod key_management;
pub mod management;
pub mod network;
pub mod observe;
pub mod quantum;
pub mod report;
pub mod scenario;
pub mod service;
pub mod units;
