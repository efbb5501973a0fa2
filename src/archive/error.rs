//! What can go wrong with a results folder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A results folder could not be written or read.
#[derive(Debug)]
pub struct ArchiveError {
    /// The file or folder concerned.
    pub path: PathBuf,
    /// What failed, as a verb: "cannot write".
    action: &'static str,
    /// Why.
    reason: String,
    /// What became of the results, or what to do.
    hint: Option<String>,
}

impl ArchiveError {
    /// The operating system refused.
    pub fn io(action: &'static str, path: &Path, error: &io::Error) -> ArchiveError {
        ArchiveError::new(action, path, error.to_string())
    }

    /// Something else than the operating system is the reason.
    pub fn new(action: &'static str, path: &Path, reason: impl Into<String>) -> ArchiveError {
        ArchiveError {
            path: path.to_owned(),
            action,
            reason: reason.into(),
            hint: None,
        }
    }

    /// Adds what became of the results, or what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> ArchiveError {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.action, self.path.display(), self.reason)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ArchiveError {}
