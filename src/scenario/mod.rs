//! The document as written, its findings, and how files become one document; topologies that become scenarios.
//!
//! [`load()`] reads `FILE` or `FILE:VARIANT`, merges what it extends, the variant and `--set`, decodes the result and
//! checks it. All findings come at once, each with file, line, column, path and hint.

pub mod assemble;
pub mod checks;
pub mod compile;
pub mod configuration;
mod demand_load;
pub mod diagnostics;
pub mod document;
mod ground;
pub mod import;
pub mod load;
pub mod merge;
pub mod single_model;
pub mod templates;
pub mod text;
pub mod topology;
mod traces;
pub mod variants;

pub use compile::compile;
pub use diagnostics::{Diagnostic, Diagnostics};
pub use document::{Document, catalogues, presets, schema};
pub use load::{Loaded, load, load_text, validate};
pub use single_model::link_model;
pub use variants::derive;
