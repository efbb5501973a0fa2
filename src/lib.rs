//! `qkdni`: a discrete-event simulator of QKD network interworking after ITU-T Y.3818 (09/2023).
//!
//! Two QKD networks (QKDNs) are joined by gateway nodes (GWN) or an interworking node (IWN). A scenario becomes a
//! document, the document a plan, and each replication a world in which elements exchange the Recommendation's messages
//! at its reference points. `ARCHITECTURE.md` has the invariants and all assumptions.
//!
//! | clause of Y.3818 | room |
//! |---|---|
//! | 6.1, 6.2 layers and reference points | [`architecture`], [`network::wiring`] |
//! | 6 quantum layer; Kq-1 | [`quantum`] |
//! | 7 key relay, key transfer, key supply | [`key_management`] |
//! | 7 session, routing, configuration control | [`control`] |
//! | 7 fault, accounting, performance management | [`management`] |
//! | 8 configurations: gwn-dd … iwn-cc | [`interworking::configuration`], [`network::builder`] |
//! | 9 procedures P9 … P14 | [`architecture::procedure`]; the machines of each layer |
//! | 10 security considerations | types of [`architecture::message`], [`network::auditor`] |
//!
//! # Quickstart
//! ```
//! use std::sync::Arc;
//! use qkdni::network::{Options, simulate};
//! use qkdni::scenario::{compile, load};
//!
//! let loaded = load("scenarios/clause8/gwn-dd.json", &["run.duration=20 s".to_owned()]).expect("a valid scenario");
//! let plan = Arc::new(compile(&loaded.document));
//! let outcome = simulate(&plan, 0, Options::default());
//! assert!(outcome.audit.iter().all(|check| check.passed));
//! assert!(outcome.requests.iter().all(|request| request.failure.is_none()));
//! ```

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
