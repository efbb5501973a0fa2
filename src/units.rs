//! Room `units`.
