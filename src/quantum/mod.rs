//! Room `quantum`.
