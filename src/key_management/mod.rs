//! The key management layer: key stores, the KMA that relays and transfers keys, the KSA that supplies them
//! (Y.3818 6.1, 6.2, 7).
//!
//! One [`KeyManager`](kma::KeyManager) holds a node's KMA and KSA; what passes between them is internal.

mod births;
pub mod kma;
pub mod ksa;
pub mod legs;
pub mod pool;
pub mod store;
