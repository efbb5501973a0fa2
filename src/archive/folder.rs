//! A results folder on a disk, in the making.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::sink::Hashing;
use super::{ArchiveError, Files, Manifest, Sink, canonical_json, whole};

/// `DIR.partial`, which becomes `DIR` when it is [sealed](Folder::seal) and is removed when it is dropped
/// before.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    partial: PathBuf,
    files: Files,
    finished: bool,
    /// Held while this process writes: the system gives it up for one that was killed.
    lock: Option<File>,
}

/// The file in a folder in the making that its writer keeps locked.
const LOCK: &str = ".lock";

/// What to do where somebody else has the lock.
const WAIT: &str = "another run is writing there: wait for it, or name another folder with --out";

impl Folder {
    /// Claims the folder `target` by making `target.partial`.
    ///
    /// # Errors
    /// If `target` exists and is not an empty folder, if `target.partial` exists, or if the operating system
    /// refuses.
    pub fn create(target: &Path) -> Result<Folder, ArchiveError> {
        refuse_occupied(target)?;
        let Some(name) = target.file_name() else {
            let error = ArchiveError::new("cannot create", target, "this is not a name for a new folder");
            return Err(error.hint("end the path with a name"));
        };
        let mut partial_name = OsString::from(name);
        partial_name.push(".partial");
        let partial = target.with_file_name(partial_name);
        if let Some(parent) = partial.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| ArchiveError::io("cannot create", parent, &error))?;
        }
        let fail = |error: &io::Error| ArchiveError::io("cannot create", &partial, error);
        let lock = match fs::create_dir(&partial) {
            Ok(()) => lock_new(&partial)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => take_over(&partial)?,
            Err(error) => return Err(fail(&error)),
        };
        Ok(Folder {
            target: target.to_owned(),
            partial,
            files: Files::new(),
            finished: false,
            lock: Some(lock),
        })
    }

    /// The name that the folder will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes a manifest into the subfolder `prefix` (empty, or ending with a slash). It is not hashed.
    ///
    /// # Errors
    /// [`ArchiveError`] if it cannot be written.
    pub fn manifest(&mut self, prefix: &str, manifest: &Manifest) -> Result<(), ArchiveError> {
        self.store(&format!("{prefix}manifest.json"), &mut |out| {
            canonical_json(out, manifest)
        })?;
        Ok(())
    }

    /// Completes `manifest` with the hashes of all files, writes it, and gives the folder its name.
    ///
    /// # Errors
    /// [`ArchiveError`] if something cannot be written; the results then remain as `target.partial` if
    /// only the renaming failed.
    pub fn seal(mut self, mut manifest: Manifest) -> Result<PathBuf, ArchiveError> {
        manifest.files.clone_from(&self.files);
        self.manifest("", &manifest)?;
        self.finished = true;
        let unlocked = fs::remove_file(self.partial.join(LOCK));
        unlocked.map_err(|error| ArchiveError::io("cannot remove", &self.partial.join(LOCK), &error))?;
        let complete = |action, error: &io::Error, place: &Path| {
            ArchiveError::io(action, &self.target, error)
                .hint(format!("the results are complete in {}", place.display()))
        };
        sync_folders(&self.partial)
            .and_then(|()| fs::rename(&self.partial, &self.target))
            .map_err(|error| complete("cannot rename to", &error, &self.partial))?;
        // Not before: whoever waited for it must find no folder to take over.
        self.lock = None;
        whole::sync_folder(whole::folder_of(&self.target))
            .map_err(|error| complete("cannot bring to the disk", &error, &self.target))?;
        Ok(self.target.clone())
    }

    /// Writes one file to the disk itself and returns its hash.
    fn store(
        &mut self,
        path: &str,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<String, ArchiveError> {
        let full = self.partial.join(path);
        let written = (|| {
            if let Some(parent) = full.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut hashing = Hashing::new(BufWriter::with_capacity(1 << 16, File::create_new(&full)?));
            fill(&mut hashing)?;
            let (hash, buffer) = hashing.finish();
            // Only a file that has reached the disk is known to have found room there.
            buffer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            Ok(hash)
        })();
        written
            .map_err(|error: io::Error| ArchiveError::io("cannot write", &full, &error).hint(self.discard()))
    }

    /// Removes what was written; returns what became of it.
    fn discard(&mut self) -> String {
        self.finished = true;
        let partial = self.partial.display();
        match fs::remove_dir_all(&self.partial) {
            Ok(()) => format!("no results were kept: {partial} was removed again"),
            Err(_) => format!("no results were kept: what is left in {partial} is incomplete, remove it"),
        }
    }
}

impl Sink for Folder {
    fn file(
        &mut self,
        path: &str,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let hash = self.store(path, fill)?;
        self.files.insert(path.to_owned(), hash);
        Ok(())
    }

    fn files(&self) -> &Files {
        &self.files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.finished {
            self.discard();
        }
    }
}

fn lock(partial: &Path) -> io::Result<File> {
    let file = File::create(partial.join(LOCK))?;
    file.try_lock()?;
    Ok(file)
}

/// Locks a folder that was just made, unless another run has taken it over since: then it is the other's.
fn lock_new(partial: &Path) -> Result<File, ArchiveError> {
    let file = File::create(partial.join(LOCK)).map_err(|error| {
        // Only while it is empty.
        let _ = fs::remove_dir(partial);
        ArchiveError::io("cannot create", partial, &error)
    })?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(ArchiveError::new("cannot create", partial, "another run took it over").hint(WAIT))
        }
        // Some file systems have no locks; then a killed run's folder is not taken over.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Brings the names in a folder and in all folders below it to the disk.
fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    whole::sync_folder(folder)
}

/// Empties a folder whose writer was killed, and takes it over.
fn take_over(partial: &Path) -> Result<File, ArchiveError> {
    let path = partial.join(LOCK);
    let fail = |error: &io::Error| ArchiveError::io("cannot take over", partial, error);
    if !path.is_file() {
        let error = ArchiveError::new(
            "cannot create",
            partial,
            "it exists, and is no folder in the making",
        );
        return Err(error.hint("move it away, or name another folder with --out"));
    }
    let file = lock(partial).map_err(|error| fail(&error).hint(WAIT))?;
    for entry in fs::read_dir(partial).map_err(|error| fail(&error))? {
        let entry = entry.map_err(|error| fail(&error))?;
        let removed = if entry.file_name() == LOCK {
            Ok(())
        } else if entry.path().is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.map_err(|error| fail(&error))?;
    }
    Ok(file)
}

/// An error unless `target` is free or an empty folder.
fn refuse_occupied(target: &Path) -> Result<(), ArchiveError> {
    let problem = match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => return Ok(()),
            Some(_) => "the folder is not empty".to_owned(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory && target.exists() => {
            "this is a file".to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(ArchiveError::new("cannot write results to", target, problem)
        .hint("name another folder with --out; results are never overwritten"))
}

#[cfg(test)]
mod tests;
