//! Reading a results folder back, and telling whether it is still what it was.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;

use super::sink::Hashing;
use super::{ArchiveError, Files, Manifest, SCHEMA_VERSION};

/// A results folder that was opened.
#[derive(Clone, Debug)]
pub struct Archived {
    folder: PathBuf,
    manifest: Manifest,
}

/// A file that is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file is gone.
    Missing(String),
    /// The file has another hash.
    Changed(String),
}

impl Damage {
    /// One line about it.
    pub fn describe(&self) -> String {
        match self {
            Damage::Missing(path) => format!("{path} is missing"),
            Damage::Changed(path) => format!("{path} was changed"),
        }
    }
}

/// What a folder is called while results are missing.
fn partial(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    folder.with_file_name(name)
}

impl Archived {
    /// Opens a folder by its manifest.
    ///
    /// # Errors
    /// If there is no manifest, if it cannot be read or is of another version, or if it names files outside
    /// of the folder.
    pub fn open(folder: &Path) -> Result<Archived, ArchiveError> {
        let path = folder.join("manifest.json");
        let refuse = |reason: String| ArchiveError::new("cannot use", &path, reason);
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !folder.exists() && partial(folder).exists() => ArchiveError::new(
                "cannot read",
                folder,
                format!(
                    "its results are not complete: there is only {}",
                    partial(folder).display()
                ),
            )
            .hint("wait for the command that writes it; one that was interrupted is given again, and a sweep goes on then"),
            io::ErrorKind::NotFound if !folder.exists() => ArchiveError::io("cannot read", folder, &error),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ArchiveError::new(
                "cannot read",
                folder,
                "not a results folder: it has no manifest.json",
            )
            .hint("a folder that ends with .partial belongs to a run that did not finish"),
            _ => ArchiveError::io("cannot read", &path, &error),
        })?;
        // The version first: a manifest of another version need not have today's fields.
        let value: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| refuse(format!("damaged: {error}")))?;
        let version = &value["schema_version"];
        if *version != SCHEMA_VERSION {
            let reason = format!("its schema_version is {version}, this program reads {SCHEMA_VERSION}");
            return Err(
                refuse(reason).hint("read it with the version that wrote it, or run the scenario again")
            );
        }
        let manifest: Manifest =
            serde_json::from_value(value).map_err(|error| refuse(format!("damaged: {error}")))?;
        let folders = manifest.variants.iter().map(|variant| &variant.folder);
        if let Some(path) = manifest.files.keys().chain(folders).find(|path| !is_inside(path)) {
            return Err(refuse(format!(
                "damaged: {path} is not a path inside of the folder"
            )));
        }
        Ok(Archived {
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Compares every file with its hash in the manifest.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub fn damage(&self) -> Result<Vec<Damage>, ArchiveError> {
        self.damage_of(|_| true)
    }

    /// The same of the files that are needed.
    pub(super) fn damage_of(&self, needed: impl Fn(&str) -> bool) -> Result<Vec<Damage>, ArchiveError> {
        let mut damage = Vec::new();
        for (path, expected) in self.manifest.files.iter().filter(|(path, _)| needed(path)) {
            match hash_of(&self.folder.join(path)) {
                Ok(hash) if hash == *expected => {}
                Ok(_) => damage.push(Damage::Changed(path.clone())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    damage.push(Damage::Missing(path.clone()));
                }
                Err(error) => return Err(ArchiveError::io("cannot read", &self.folder.join(path), &error)),
            }
        }
        Ok(damage)
    }

    /// Reads one of the folder's JSON files.
    ///
    /// # Errors
    /// If the file cannot be read or is not what was expected.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ArchiveError> {
        let full = self.folder.join(path);
        let text = fs::read(&full).map_err(|error| ArchiveError::io("cannot read", &full, &error))?;
        serde_json::from_slice(&text)
            .map_err(|error| ArchiveError::new("cannot use", &full, format!("damaged: {error}")))
    }

    /// The files whose hashes differ from those of a repeated run, sorted: changed, missing or new.
    pub fn differences(&self, repeated: &Files) -> Vec<String> {
        let ours = &self.manifest.files;
        let mut paths: Vec<String> = ours
            .keys()
            .chain(repeated.keys())
            .filter(|path| ours.get(*path) != repeated.get(*path))
            .cloned()
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// Whether a path from a manifest stays inside of the folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn hash_of(path: &Path) -> io::Result<String> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hashing)?;
    Ok(hashing.finish().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::contents::tests::empty_summary;
    use crate::archive::{Command, Digest, Folder, Host, RunRecord, Sink, Summary, write_run};

    fn write(sink: &mut dyn Sink, seed: u64) {
        let summary = Summary {
            seed,
            ..empty_summary()
        };
        let resolved = serde_json::json!({ "name": "test" });
        let record = RunRecord {
            resolved: &resolved,
            variant: None,
            summary: &summary,
            outcomes: &[],
            trace: false,
        };
        write_run(sink, "", &record).expect("room");
    }

    fn sealed(place: &Path) -> PathBuf {
        let mut folder = Folder::create(&place.join("run")).expect("a free name");
        write(&mut folder, 1);
        folder
            .seal(Manifest::new(Command::Run, "test", Host::here(1, &[])))
            .expect("renamed")
    }

    #[test]
    fn a_folder_reads_back() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let archived = Archived::open(&sealed(place.path())).expect("whole");
        assert_eq!(archived.damage().expect("readable"), []);
        assert_eq!(
            archived.json::<Summary>("summary.json").expect("readable"),
            empty_summary()
        );
        let mut same = Digest::default();
        write(&mut same, 1);
        assert_eq!(archived.differences(same.files()), [] as [String; 0]);
        let mut other = Digest::default();
        write(&mut other, 2);
        assert_eq!(archived.differences(other.files()), ["README.md", "summary.json"]);
    }

    #[test]
    fn changes_are_found() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = sealed(place.path());
        fs::remove_file(folder.join("requests.csv")).expect("removed");
        fs::write(folder.join("summary.json"), "{}").expect("written");
        let archived = Archived::open(&folder).expect("the manifest is whole");
        let damage = archived.damage().expect("readable");
        assert_eq!(
            damage,
            [
                Damage::Missing("requests.csv".to_owned()),
                Damage::Changed("summary.json".to_owned())
            ]
        );
        let error = archived
            .json::<Summary>("summary.json")
            .expect_err("no summary")
            .to_string();
        assert!(
            error.contains("damaged") && error.contains("summary.json"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_results_folder_is_refused() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let refuse = |text: &str| {
            fs::write(place.path().join("manifest.json"), text).expect("written");
            Archived::open(place.path()).expect_err("refused").to_string()
        };
        assert!(refuse("{").contains("damaged"));
        assert!(refuse(r#"{ "schema_version": 999 }"#).contains("999"));
        assert!(refuse(r#"{ "schema_version": 1 }"#).contains("damaged"));
        let mut manifest = Manifest::new(Command::Run, "test", Host::here(1, &[]));
        manifest.files.insert("../elsewhere".to_owned(), String::new());
        assert!(refuse(&serde_json::to_string(&manifest).expect("JSON")).contains("../elsewhere"));
        fs::remove_file(place.path().join("manifest.json")).expect("removed");
        let error = Archived::open(place.path()).expect_err("empty").to_string();
        assert!(error.contains("no manifest.json"), "{error}");
        assert!(Archived::open(&place.path().join("nowhere")).is_err());
    }
}
