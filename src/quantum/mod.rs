//! The quantum layer: QKD links and modules, and the key that comes out of them (Y.3818 6.1; Kq-1).

pub mod binomial;
pub mod block_source;
pub mod channel;
pub mod functions;
pub mod generation;
pub mod material;
pub mod models;
pub mod module;
pub mod optimum;
pub mod pass_source;
pub mod process;
pub mod random_source;
pub mod source;
