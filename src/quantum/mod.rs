//! The quantum layer: QKD links and modules, and the key that comes out of them (Y.3818 6.1; Kq-1).

pub mod material;
pub mod models;
pub mod module;
pub mod source;
