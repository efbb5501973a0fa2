//! The folder of a sweep: it grows point by point, and what is in it survives whatever kills the program.
//!
//! While points are missing it is called `DIR.partial`. A point's file is written under another name, brought to the
//! disk and then renamed, so it is there as a whole or not at all, and a point that is there is not computed again.
//! Several processes may work on different parts of one sweep; the last one, whichever that is, gathers the points
//! and gives the folder its name.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::sweep::{PointRecord, SweepRecord, write_tables};
use super::{ArchiveError, Archived, Command, Damage, Files, Host, Manifest, SCHEMA_VERSION, Status};
use super::{canonical_bytes, sha256_hex, whole};

/// What a sweep's folder was found to be.
#[derive(Debug)]
pub enum SweepPlace {
    /// All points are there and gathered.
    Complete(PathBuf),
    /// Points are missing.
    Open(Box<SweepFolder>),
}

/// A sweep's folder in the making.
#[derive(Debug)]
pub struct SweepFolder {
    target: PathBuf,
    partial: PathBuf,
    record: SweepRecord,
    hash: String,
    /// Held, so that no second process works on the same part.
    _lock: File,
}

impl SweepFolder {
    /// Opens the folder of a sweep, or begins it; `part` names what this process is going to work on.
    ///
    /// # Errors
    /// If the folder holds something else, a sweep by another version or one that is damaged, if another process
    /// works on this part, or if the operating system refuses.
    pub fn open(
        target: &Path,
        record: &SweepRecord,
        scenario: &Value,
        part: &str,
    ) -> Result<SweepPlace, ArchiveError> {
        if target
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
            || target.is_file()
        {
            return complete(target, record).map(SweepPlace::Complete);
        }
        let Some(name) = target.file_name() else {
            let error = ArchiveError::new("cannot create", target, "this is not a name for a folder");
            return Err(error.hint("end the path with a name"));
        };
        let mut partial_name = name.to_owned();
        partial_name.push(".partial");
        let partial = target.with_file_name(partial_name);
        let points = partial.join("points");
        fs::create_dir_all(&points).map_err(|error| ArchiveError::io("cannot create", &points, &error))?;
        let part: String = part.replace('/', "-of-");
        let lock = lock(&partial, &part)?;
        let folder = SweepFolder {
            target: target.to_owned(),
            partial,
            hash: record.hash(),
            record: record.clone(),
            _lock: lock,
        };
        folder.begin(scenario)?;
        Ok(SweepPlace::Open(Box::new(folder)))
    }

    /// Writes what says which sweep this is, or holds what is there against it.
    fn begin(&self, scenario: &Value) -> Result<(), ArchiveError> {
        let path = self.partial.join("sweep.json");
        match fs::read(&path) {
            Ok(bytes) => {
                same_sweep(&path, &bytes, &self.record)?;
                let scenario = self.partial.join("scenario.json");
                if !scenario.exists() {
                    return Err(half_deleted(&self.partial, "scenario.json is missing"));
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.done()?.is_empty() {
                    return Err(half_deleted(&self.partial, "it has points but no sweep.json"));
                }
                // In this order, so that the last one says that both are there.
                self.put("scenario.json", &canonical_bytes(scenario))?;
                self.put("sweep.json", &canonical_bytes(&self.record))
            }
            Err(error) => Err(ArchiveError::io("cannot read", &path, &error)),
        }
    }

    /// The name that the folder has while points are missing.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// The points that are there.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn done(&self) -> Result<BTreeSet<u32>, ArchiveError> {
        let points = self.partial.join("points");
        let failed = |error: io::Error| ArchiveError::io("cannot read", &points, &error);
        let mut done = BTreeSet::new();
        for entry in fs::read_dir(&points).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number: Option<u32> = name
                .to_str()
                .and_then(|name| name.strip_suffix(".json")?.parse().ok());
            done.extend(number.filter(|number| *number < self.record.points));
        }
        Ok(done)
    }

    /// The hash that points name the sweep by.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Keeps a point.
    ///
    /// # Errors
    /// If it cannot be written; what was there before is still there.
    pub fn keep(&self, point: u32, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.put(&PointRecord::path(point), bytes)
    }

    /// Writes a file as a whole or not at all.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let full = self.partial.join(path);
        whole::replace(&full, bytes).map_err(|error| {
            ArchiveError::io("cannot write", &full, &error)
                .hint("the points that were finished before are kept; the same command goes on from there")
        })
    }

    /// Gathers all points into tables, writes the manifest and gives the folder its name; `None` if points are still
    /// missing.
    ///
    /// # Errors
    /// If a point is damaged or something cannot be written.
    pub fn seal(&self, host: &Host) -> Result<Option<PathBuf>, ArchiveError> {
        let gathering = self.partial.join("gathering.lock");
        let lock = File::create(&gathering).and_then(|file| file.lock().map(|()| file));
        if self.target.join("manifest.json").exists() {
            // Another process was faster.
            return Ok(Some(self.target.clone()));
        }
        let _lock = lock.map_err(|error| ArchiveError::io("cannot write", &gathering, &error))?;
        if self.done()?.len() < self.record.points as usize {
            return Ok(None);
        }
        let mut files = Files::new();
        let mut points = Vec::with_capacity(self.record.points as usize);
        for number in 0..self.record.points {
            let path = PointRecord::path(number);
            let bytes = self.read(&path)?;
            points.push(self.point(&path, number, &bytes)?);
            files.insert(path, sha256_hex(&bytes));
        }
        for path in ["scenario.json", "sweep.json"] {
            files.insert(path.to_owned(), sha256_hex(&self.read(path)?));
        }
        write_tables(&self.record, &points, &mut |path, bytes| {
            files.insert(path.to_owned(), sha256_hex(bytes));
            self.put(path, bytes)
        })?;
        let mut manifest = sweep_manifest(&self.record, &points, host);
        manifest.files = files;
        self.clean()?;
        self.put("manifest.json", &canonical_bytes(&manifest))?;
        fs::rename(&self.partial, &self.target)
            .and_then(|()| whole::sync_folder(whole::folder_of(&self.target)))
            .map_err(|error| ArchiveError::io("cannot rename to", &self.target, &error))?;
        Ok(Some(self.target.clone()))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ArchiveError> {
        let full = self.partial.join(path);
        fs::read(&full).map_err(|error| ArchiveError::io("cannot read", &full, &error))
    }

    /// Reads a point, which must be of this sweep.
    fn point(&self, path: &str, number: u32, bytes: &[u8]) -> Result<PointRecord, ArchiveError> {
        let damaged = |reason: String| {
            ArchiveError::new(
                "cannot use",
                &self.partial.join(path),
                format!("damaged: {reason}"),
            )
            .hint("remove this file; the same command computes the point again")
        };
        let point: PointRecord = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if point.sweep != self.hash || point.point != number {
            return Err(damaged(
                "it belongs to another sweep or is another point".to_owned(),
            ));
        }
        Ok(point)
    }

    /// Removes what processes that were killed left behind, and all locks.
    fn clean(&self) -> Result<(), ArchiveError> {
        for folder in [self.partial.clone(), self.partial.join("points")] {
            let failed = |error: io::Error| ArchiveError::io("cannot clean up", &folder, &error);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path
                    .extension()
                    .is_some_and(|kind| kind == "tmp" || kind == "lock")
                {
                    fs::remove_file(&path).map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}

/// The manifest of a sweep, without files and hashes.
fn sweep_manifest(record: &SweepRecord, points: &[PointRecord], host: &Host) -> Manifest {
    let mut manifest = Manifest::new(Command::Sweep, &record.name, host.clone());
    manifest.variant.clone_from(&record.variant);
    manifest.seed = record.seed;
    manifest.replications = points
        .iter()
        .flat_map(PointRecord::summaries)
        .map(|(_, summary)| summary.replications)
        .max()
        .unwrap_or(0);
    let summaries = || points.iter().flat_map(PointRecord::summaries);
    manifest.event_count = summaries().map(|(_, summary)| summary.events).sum();
    manifest.scenario_sha256.clone_from(&record.scenario_sha256);
    if summaries().any(|(_, summary)| summary.broken().is_some()) {
        manifest.status = Status::Broken;
    }
    manifest
}

/// Takes the lock of a part, which ends with the process, however that ends.
fn lock(partial: &Path, part: &str) -> Result<File, ArchiveError> {
    let path = partial.join(format!("part-{part}.lock"));
    let file = File::create(&path).map_err(|error| ArchiveError::io("cannot write", &path, &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(ArchiveError::new(
            "cannot use",
            partial,
            "another process works on this part of the sweep",
        )
        .hint("wait for it, or give each process a part of its own with --shard")),
        // Some file systems have no locks; then the user must see to it.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Holds a folder that is there under its final name against what was asked for.
fn complete(target: &Path, record: &SweepRecord) -> Result<PathBuf, ArchiveError> {
    if !target.join("manifest.json").exists() {
        if target.join("points").exists() || target.join("sweep.json").exists() {
            return Err(half_deleted(target, "manifest.json is missing"));
        }
        let reason = "the folder is not empty, and what is in it is no sweep";
        return Err(ArchiveError::new("cannot write results to", target, reason)
            .hint("name another folder with --out; results are never overwritten"));
    }
    let archived = Archived::open(target)?;
    let path = target.join("sweep.json");
    match fs::read(&path) {
        Ok(bytes) => same_sweep(&path, &bytes, record)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(if archived.manifest().command == Command::Sweep {
                half_deleted(target, "sweep.json is missing")
            } else {
                ArchiveError::new(
                    "cannot write results to",
                    target,
                    "it holds results of another kind",
                )
                .hint("name another folder with --out; results are never overwritten")
            });
        }
        Err(error) => return Err(ArchiveError::io("cannot read", &path, &error)),
    }
    let damage: Vec<String> = archived.damage()?.iter().map(Damage::describe).collect();
    match damage.as_slice() {
        [] => Ok(target.to_owned()),
        [first] => Err(half_deleted(target, first)),
        [first, others @ ..] => Err(half_deleted(
            target,
            &format!("{first}, and {} more files", others.len()),
        )),
    }
}

fn half_deleted(folder: &Path, what: &str) -> ArchiveError {
    ArchiveError::new("cannot use", folder, format!("damaged or half deleted: {what}"))
        .hint("bring the files back, or remove the folder and compute the sweep again")
}

/// An error unless `bytes` are the record of this sweep by this version.
fn same_sweep(path: &Path, bytes: &[u8], record: &SweepRecord) -> Result<(), ArchiveError> {
    let refuse = |reason: String, hint: &str| Err(ArchiveError::new("cannot use", path, reason).hint(hint));
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            return refuse(
                format!("damaged: {error}"),
                "remove the folder and compute the sweep again",
            );
        }
    };
    let version = &value["schema_version"];
    if *version != SCHEMA_VERSION {
        let reason = format!("its schema_version is {version}, this program writes {SCHEMA_VERSION}");
        return refuse(
            reason,
            "name another folder with --out, or go on with the version that began it",
        );
    }
    let [tool, commit] = ["tool_version", "git_commit"].map(|key| value[key].as_str().unwrap_or("?"));
    if tool != record.tool_version || commit != record.git_commit {
        let reason = format!(
            "begun by version {tool} (commit {commit}), this is {} (commit {})",
            record.tool_version, record.git_commit
        );
        return refuse(
            reason,
            "points of two versions do not mix: name another folder with --out",
        );
    }
    if value == serde_json::json!(record) {
        return Ok(());
    }
    let differs: Vec<String> = (serde_json::json!(record).as_object().into_iter().flatten())
        .filter(|(key, ours)| value[key.as_str()] != **ours)
        .map(|(key, ours)| difference(key, &value[key.as_str()], ours))
        .collect();
    refuse(
        format!("it holds another sweep: other {}", differs.join("; other ")),
        "name another folder with --out, or repeat the command that began this one",
    )
}

/// What differs between the folder's sweep and the one that is asked for.
fn difference(key: &str, theirs: &Value, ours: &Value) -> String {
    let name = match key {
        "scenario_sha256" => return "scenario, by its content".to_owned(),
        key => key.replace('_', " "),
    };
    let (theirs, ours) = match (theirs, ours) {
        // Of lists, what is not in both.
        (Value::Array(theirs), Value::Array(ours)) => {
            let only = |these: &[Value], others: &[Value]| -> Vec<String> {
                these
                    .iter()
                    .filter(|it| !others.contains(it))
                    .map(shown)
                    .collect()
            };
            (only(theirs, ours).join(", "), only(ours, theirs).join(", "))
        }
        (theirs, ours) => (shown(theirs), shown(ours)),
    };
    let named = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    if theirs.is_empty() && ours.is_empty() {
        format!("{name} (another order)")
    } else {
        format!("{name} ({} there, {} asked for)", named(theirs), named(ours))
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
