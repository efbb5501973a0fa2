//! Room `architecture`.
