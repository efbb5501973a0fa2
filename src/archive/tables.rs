//! Rows of a results folder's tables, for those who read them back.

use std::fs::File;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ArchiveError, Archived};

/// A row of `requests.csv`, as far as pictures need it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RequestRow {
    /// The replication.
    pub replication: u32,
    /// The demand.
    pub demand: String,
    /// When the application asked \[ns\].
    pub sent_ns: u64,
    /// When the request ended \[ns\].
    pub ended_ns: u64,
    /// `delivered` or `failed`.
    pub outcome: String,
}

/// A row of `timeseries.csv`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SeriesRow {
    /// The replication.
    pub replication: u32,
    /// When \[ns\].
    pub t_ns: u64,
    /// `link:ID` or `demand:ID`.
    pub element: String,
    /// What it is.
    pub series: String,
    /// How much \[bits\]; it holds until the next row.
    pub value: u64,
}

/// A row of `routes.csv`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RouteRow {
    /// The replication.
    pub replication: u32,
    /// The demand.
    pub session: String,
    /// Where the hop begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// When it was first used \[ns\].
    pub first_ns: u64,
    /// When it was last used \[ns\].
    pub last_ns: u64,
    /// Requests whose key was sent over it.
    pub requests: u64,
}

/// A row of `reroutes.json`, as far as pictures need it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RerouteRow {
    /// The fault.
    pub fault: String,
    /// The demand.
    pub session: String,
    /// The replication.
    pub replication: u32,
    /// Lengths of the stages \[ns\] by name; null where not reached.
    pub stages_ns: serde_json::Map<String, serde_json::Value>,
}

impl Archived {
    /// All rows of a table.
    ///
    /// # Errors
    /// If the file cannot be read, or a row is not what was expected.
    pub fn rows<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ArchiveError> {
        let full = self.folder().join(path);
        let file = File::open(&full).map_err(|error| ArchiveError::io("cannot read", &full, &error))?;
        let mut reader = csv::Reader::from_reader(file);
        reader
            .deserialize()
            .collect::<Result<Vec<T>, _>>()
            .map_err(|error| {
                ArchiveError::new("cannot use", &full, format!("damaged: {error}"))
                    .hint("a folder of another version may hold other columns: run the scenario again")
            })
    }

    /// Whether the folder was written with this file.
    pub fn has(&self, path: &str) -> bool {
        self.manifest().files.contains_key(path)
    }

    /// An error unless every file is as it was written.
    ///
    /// # Errors
    /// All that is missing or was changed.
    pub fn whole(&self) -> Result<(), ArchiveError> {
        self.sound(|_| true)
    }

    /// An error unless the files that are needed, of those that were written, are as they were.
    ///
    /// # Errors
    /// All of them that are missing or were changed.
    pub fn sound(&self, needed: impl Fn(&str) -> bool) -> Result<(), ArchiveError> {
        let damage = self.damage_of(needed)?;
        if damage.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = damage.iter().take(10).map(super::Damage::describe).collect();
        let more = if damage.len() > 10 { ", …" } else { "" };
        Err(ArchiveError::new(
            "cannot use",
            self.folder(),
            format!(
                "{} of its {} files are not what was written: {}{more}",
                damage.len(),
                self.manifest().files.len(),
                shown.join(", ")
            ),
        )
        .hint("run the scenario again, or take another copy of the folder"))
    }
}
