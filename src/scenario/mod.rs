//! The document as written, its findings, and how files become one document.

pub mod document;
