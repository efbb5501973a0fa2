//! How the program ends.

use std::io;

use super::engine::Rejected;
use crate::archive::ArchiveError;
use crate::scenario::Diagnostic;

/// How the program ended, as its exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// Done, but an expectation of the scenario failed, or a difference was found that was asked for.
    Difference,
    /// The command line makes no sense.
    Usage,
    /// The scenario is invalid.
    Invalid,
    /// Something cannot be read or written.
    InputOutput,
    /// A broken invariant: a bug.
    Broken,
    /// Interrupted; what was finished is kept.
    Interrupted,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Difference => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::InputOutput => 4,
            Exit::Broken => 5,
            Exit::Interrupted => 130,
        }
    }
}

/// Why a verb could not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Options have values that make no sense.
    Options(Vec<Diagnostic>),
    /// A scenario is invalid.
    Invalid(Vec<Diagnostic>),
    /// No scenario can be made of a topology.
    Unfit(Vec<Diagnostic>),
    /// A file or folder cannot be read or written.
    InputOutput(String),
    /// A replication broke an invariant.
    Broken(String),
    /// Interrupted before anything was finished.
    Interrupted,
    /// The reader of standard output has gone away and wants no more.
    Unread,
}

impl Failure {
    /// The exit that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) | Failure::Options(_) => Exit::Usage,
            Failure::Invalid(_) | Failure::Unfit(_) => Exit::Invalid,
            Failure::InputOutput(_) => Exit::InputOutput,
            Failure::Broken(_) => Exit::Broken,
            Failure::Interrupted => Exit::Interrupted,
            Failure::Unread => Exit::Done,
        }
    }

    /// What is wrong with the scenario, if that is the reason.
    pub fn findings(&self) -> &[Diagnostic] {
        match self {
            Failure::Options(findings) | Failure::Invalid(findings) | Failure::Unfit(findings) => findings,
            _ => &[],
        }
    }

    /// What to say about it, if anything.
    pub fn text(&self) -> Option<String> {
        match self {
            Failure::Usage(text) | Failure::InputOutput(text) | Failure::Broken(text) => Some(text.clone()),
            Failure::Options(findings) => Some(listed("the command line makes no sense", findings)),
            Failure::Invalid(findings) => Some(listed("the scenario is invalid", findings)),
            Failure::Unfit(findings) => Some(listed("no scenario can be made of this topology", findings)),
            Failure::Interrupted => {
                Some("interrupted before a replication was finished: no results".to_owned())
            }
            Failure::Unread => None,
        }
    }
}

fn listed(head: &str, findings: &[Diagnostic]) -> String {
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("{head}\n{}", findings.join("\n"))
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Failure {
        Failure::InputOutput(error.to_string())
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Failure {
        match rejected {
            Rejected::Unreadable(text) => Failure::InputOutput(text),
            Rejected::Invalid(findings) => Failure::Invalid(findings),
        }
    }
}

impl From<io::Error> for Failure {
    /// An error of the standard streams: files have an [`ArchiveError`].
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::InputOutput(format!("cannot write to standard output: {error}")),
        }
    }
}
