//! Bench-only wrappers of peer kernels.
