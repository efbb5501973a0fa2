//! Room `interworking`.
