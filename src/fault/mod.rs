//! Room `fault`.
