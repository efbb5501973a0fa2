//! Room `management`.
