//! The QKDN control layer: controllers, what they know, and how they route (Y.3818 6.1, 6.2, 7).

pub mod routing;
