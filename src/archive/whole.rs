//! Files that are there as a whole or not at all, whatever kills the program or stops the machine.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes a file in place of what is there.
///
/// # Errors
/// If the operating system refuses; what was there before is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = write_beside(path, bytes)?;
    fs::rename(&scratch, path).inspect_err(|_| remove(&scratch))?;
    sync_folder(folder_of(path))
}

/// Writes a file that is not there yet.
///
/// # Errors
/// If there is one, or the operating system refuses.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = write_beside(path, bytes)?;
    let linked = fs::hard_link(&scratch, path);
    remove(&scratch);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Some file systems have no links.
        Err(_) => fill(path, bytes)?,
    }
    sync_folder(folder_of(path))
}

/// Brings the names in a folder to the disk: only then a file that was renamed is known to be found again.
///
/// # Errors
/// If the disk fails. File systems that cannot do this, or do not let the folder be read, are left alone.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes a file of another name into the same folder: the full name, so that no two files share one, the process, and
/// a number where another machine has a process of that number, or a killed one left its file.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is not a name for a file",
        ));
    };
    let process = std::process::id();
    let mut number = 0_u32;
    loop {
        let mut scratch: OsString = name.to_owned();
        scratch.push(match number {
            0 => format!(".{process}.tmp"),
            _ => format!(".{process}-{number}.tmp"),
        });
        let scratch = path.with_file_name(scratch);
        match fill(&scratch, bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            filled => return filled.map(|()| scratch),
        }
    }
}

/// Makes a file and brings it to the disk; what is left of it after a failure is of no use, and takes room.
fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| remove(path))
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).expect("there");
        let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_of_like_names_do_not_disturb_one_another() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| place.path().join(name);
        fs::create_dir(at("map.partial")).expect("made");
        // What a killed process of the same number left.
        fs::write(at(&format!("map.svg.{}.tmp", std::process::id())), "half").expect("written");
        replace(&at("map.svg"), b"old").expect("room");
        replace(&at("map.svg"), b"svg").expect("room");
        replace(&at("map.png"), b"png").expect("room");
        assert_eq!(fs::read(at("map.svg")).expect("there"), b"svg");
        assert_eq!(fs::read(at("map.png")).expect("there"), b"png");
        assert_eq!(names(place.path()).len(), 4, "nothing else is left");
    }

    #[test]
    fn a_new_file_overwrites_nothing() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("scenario.json");
        create(&path, b"first").expect("room");
        let error = create(&path, b"second").expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("there"), b"first");
        assert_eq!(names(place.path()), ["scenario.json"]);
    }

    #[test]
    fn what_cannot_be_renamed_leaves_nothing() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("map.svg");
        fs::create_dir(&path).expect("made");
        replace(&path, b"x").expect_err("a folder is in the way");
        create(&place.path().join("no/such/folder"), b"x").expect_err("there is none");
        replace(Path::new("/"), b"x").expect_err("no name");
        assert_eq!(names(place.path()), ["map.svg"]);
    }
}
