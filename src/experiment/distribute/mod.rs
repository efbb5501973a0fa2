//! Where replications are worked off. The results are the same wherever that is.

#[cfg(feature = "mpi")]
pub mod machines;
pub mod threads;

pub use threads::{Control, Stopped, in_order, threads_of};

/// Why a piece of shared work has no result, in a form that can travel between processes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trouble {
    /// Whether an invariant was broken: a bug.
    pub broken: bool,
    /// What to say about it.
    pub text: String,
}

/// One piece of work: its content, or nothing if it was interrupted.
pub type Work<'a> = &'a (dyn Fn(u32) -> Result<Option<Vec<u8>>, Trouble> + Sync);

/// Keeps a finished piece.
pub type Keep<'a> = &'a (dyn Fn(u32, &[u8]) -> Result<(), Trouble> + Sync);
