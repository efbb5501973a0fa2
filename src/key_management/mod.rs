//! Room `key_management`.
