//! Reading `trace.jsonl` and `decisions.jsonl` back, line by line: they may be larger than memory.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};

use serde::Deserialize;

use super::{ArchiveError, Archived, Command};
use crate::observe::record::{DecisionLine, TraceLine};

impl Archived {
    /// Hands over every line of the trace, as it stands in the file and as it was understood.
    ///
    /// # Errors
    /// If there is no trace, or it cannot be read or understood.
    pub fn trace(&self, mut each: impl FnMut(&str, TraceLine<'_>)) -> Result<(), ArchiveError> {
        self.lines("trace.jsonl", &mut |text| {
            each(text, parse(text)?);
            Ok(())
        })
    }

    /// Hands over every decision.
    ///
    /// # Errors
    /// If there are none, or they cannot be read or understood.
    pub fn decisions(&self, mut each: impl FnMut(DecisionLine<'_>)) -> Result<(), ArchiveError> {
        self.lines("decisions.jsonl", &mut |text| {
            each(parse(text)?);
            Ok(())
        })
    }

    fn lines(
        &self,
        name: &str,
        each: &mut dyn FnMut(&str) -> Result<(), serde_json::Error>,
    ) -> Result<(), ArchiveError> {
        let path = self.folder().join(name);
        if !path.exists() {
            return Err(self.untraced(name));
        }
        let failed = |error: io::Error| ArchiveError::io("cannot read", &path, &error);
        let mut file = BufReader::with_capacity(1 << 16, File::open(&path).map_err(failed)?);
        let (mut text, mut number) = (String::new(), 0);
        while file.read_line(&mut text).map_err(failed)? > 0 {
            number += 1;
            each(text.trim_end_matches('\n')).map_err(|error| {
                ArchiveError::new("cannot use", &path, format!("line {number} is damaged: {error}"))
                    .hint("a folder of another version may hold other fields: run the scenario again")
            })?;
            text.clear();
        }
        Ok(())
    }

    /// Why there is no trace, and how to get one.
    fn untraced(&self, name: &str) -> ArchiveError {
        let folder = self.folder();
        if self.manifest().command == Command::Compare {
            let variants: Vec<String> = self
                .manifest()
                .variants
                .iter()
                .map(|variant| folder.join(&variant.folder).display().to_string())
                .collect();
            return ArchiveError::new(
                "cannot read",
                folder,
                "this is a comparison, with a trace per variant",
            )
            .hint(format!("name one of {}", variants.join(", ")));
        }
        if self.manifest().command == Command::Sweep {
            return ArchiveError::new(
                "cannot read",
                folder,
                "this is a sweep, and its points keep no trace",
            )
            .hint(format!(
                "run one of its points: qkdni run {} --set PATH=VALUE --trace --replications 1 --out NEW",
                folder.join("scenario.json").display()
            ));
        }
        if self.manifest().trace {
            return ArchiveError::new("cannot read", &folder.join(name), "the file is gone");
        }
        let reason = format!("there is no {name}: this was run without --trace");
        ArchiveError::new("cannot read", folder, reason).hint(format!(
            "qkdni run {} --trace --replications 1 --out NEW",
            folder.join("scenario.resolved.json").display()
        ))
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
