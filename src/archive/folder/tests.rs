//! Folders that come into being, and folders that cannot.

use std::process::Command as Process;

use super::*;
use crate::archive::{Command, Host};

fn manifest() -> Manifest {
    Manifest::new(Command::Run, "test", Host::here(1, &[]))
}

fn fill(folder: &mut Folder, path: &str, bytes: usize) -> Result<(), ArchiveError> {
    folder.file(path, &mut |out| out.write_all(&vec![b'x'; bytes]))
}

#[test]
fn a_folder_appears_only_when_it_is_whole() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let target = place.path().join("some/where/run");
    let mut folder = Folder::create(&target).expect("a free name");
    fill(&mut folder, "variants/a/summary.json", 10).expect("room");
    assert!(!target.exists() && target.with_file_name("run.partial").is_dir());
    assert_eq!(folder.seal(manifest()).expect("renamed"), target);
    assert!(!target.with_file_name("run.partial").exists());
    let text = fs::read_to_string(target.join("manifest.json")).expect("written");
    let read: Manifest = serde_json::from_str(&text).expect("a manifest");
    assert_eq!(read.files.keys().collect::<Vec<_>>(), ["variants/a/summary.json"]);
}

#[test]
fn an_abandoned_folder_leaves_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let mut folder = Folder::create(&place.path().join("run")).expect("a free name");
    fill(&mut folder, "summary.json", 10).expect("room");
    drop(folder);
    assert_eq!(fs::read_dir(place.path()).expect("there").count(), 0);
}

#[test]
fn an_empty_folder_may_be_used_and_a_full_one_not() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::create(place.path().join("x").as_path()).expect("a free name");
    folder.seal(manifest()).expect("renamed");
    let error = Folder::create(&place.path().join("x"))
        .expect_err("full")
        .to_string();
    assert!(error.contains("not empty") && error.contains("--out"), "{error}");

    fs::create_dir(place.path().join("empty")).expect("made");
    let folder = Folder::create(&place.path().join("empty")).expect("an empty folder");
    folder.seal(manifest()).expect("renamed over it");
}

#[test]
fn names_that_cannot_be_a_folder() {
    let place = tempfile::tempdir().expect("a temporary folder");
    fs::write(place.path().join("file"), "x").expect("written");
    let below_a_file = place.path().join("file/run");
    for (target, part) in [
        (place.path().join("file"), "this is a file"),
        (below_a_file, "file"),
        (place.path().join("new/.."), "cannot"),
    ] {
        let error = Folder::create(&target).expect_err("not possible").to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let target = place.path().join("run");
    let first = Folder::create(&target).expect("a free name");
    let error = Folder::create(&target).expect_err("taken").to_string();
    assert!(error.contains("run.partial") && error.contains("hint"), "{error}");
    first.seal(manifest()).expect("the first is not disturbed");
}

#[test]
fn a_folder_that_was_taken_over_before_it_was_locked_is_the_others() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let partial = place.path().join("run.partial");
    fs::create_dir(&partial).expect("made, as the first run does");
    File::create(partial.join(LOCK)).expect("and not locked yet");
    let _others = take_over(&partial).expect("the second run is faster");
    fs::write(partial.join("summary.json"), "x").expect("written by the second");
    let error = lock_new(&partial).expect_err("taken").to_string();
    assert!(
        error.contains("another run took it over") && error.contains("--out"),
        "{error}"
    );
    assert!(
        partial.join("summary.json").exists(),
        "what the second writes stays"
    );
}

#[test]
fn what_a_killed_run_left_is_taken_over_and_nothing_else_is() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (target, partial) = (place.path().join("run"), place.path().join("run.partial"));
    fs::create_dir_all(partial.join("variants")).expect("made");
    fs::write(partial.join("variants/half"), "x").expect("written");
    let error = Folder::create(&target).expect_err("not ours").to_string();
    assert!(error.contains("no folder in the making"), "{error}");
    assert!(partial.join("variants/half").exists(), "nothing was touched");
    // The writer was killed: its lock is gone, the file is not.
    fs::write(partial.join(".lock"), "").expect("written");
    let folder = Folder::create(&target).expect("taken over");
    assert!(!partial.join("variants").exists());
    folder.seal(manifest()).expect("sealed");
    let names = fs::read_dir(&target).expect("there").flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["manifest.json"]);
}

/// Runs `then` on a file system of 256 KiB; only root may mount one.
fn on_a_small_disk(then: impl FnOnce(&Path)) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let mounted = Process::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(place.path())
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no small file system can be mounted here");
        return;
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| then(place.path())));
    let unmounted = Process::new("umount").arg(place.path()).status();
    assert!(
        unmounted.is_ok_and(|status| status.success()),
        "umount {}",
        place.path().display()
    );
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_full_disk_leaves_nothing_that_looks_whole() {
    on_a_small_disk(|disk| {
        let mut folder = Folder::create(&disk.join("run")).expect("a free name");
        fill(&mut folder, "summary.json", 1000).expect("room");
        let error = fill(&mut folder, "trace.jsonl", 1 << 20)
            .expect_err("no room")
            .to_string();
        assert!(
            error.contains("trace.jsonl") && error.contains("No space left"),
            "{error}"
        );
        assert!(error.contains("no results were kept"), "{error}");
        drop(folder);
        assert_eq!(fs::read_dir(disk).expect("there").count(), 0);
    });
}

#[test]
fn a_disk_that_is_full_before_the_manifest_leaves_nothing_either() {
    on_a_small_disk(|disk| {
        let mut folder = Folder::create(&disk.join("run")).expect("a free name");
        let mut size = 200 * 1024;
        let mut number = 0;
        while size > 0 {
            let path = disk.join(format!("ballast-{number}"));
            number += 1;
            if fs::write(&path, vec![0; size]).is_err() {
                fs::remove_file(&path).expect("removed");
                size /= 2;
            }
        }
        let error = match fill(&mut folder, "summary.json", 1) {
            Err(error) => error,
            Ok(()) => folder.seal(manifest()).expect_err("no room"),
        };
        assert!(error.to_string().contains("No space left"), "{error}");
        assert!(!disk.join("run").exists() && !disk.join("run.partial").exists());
    });
}

/// Set in the child process that tries to write where it must not.
const FORBIDDEN: &str = "QKDNI_TEST_FORBIDDEN_FOLDER";

#[test]
fn an_ordinary_user_is_told_where_writing_is_forbidden() {
    if let Some(place) = std::env::var_os(FORBIDDEN) {
        let error = Folder::create(&Path::new(&place).join("run"))
            .expect_err("forbidden")
            .to_string();
        assert!(
            error.contains("run.partial") && error.contains("Permission denied"),
            "{error}"
        );
        let hidden = Folder::create(&Path::new(&place).join("hidden/run"))
            .expect_err("forbidden")
            .to_string();
        assert!(
            hidden.contains("hidden/run") && hidden.contains("Permission denied"),
            "{hidden}"
        );
        println!("both refused");
        return;
    }
    let place = tempfile::tempdir().expect("a temporary folder");
    let hidden = place.path().join("hidden");
    fs::create_dir(&hidden).expect("made");
    set_mode(place.path(), "755");
    set_mode(&hidden, "700");
    let name = "archive::folder::tests::an_ordinary_user_is_told_where_writing_is_forbidden";
    let child = Process::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", name, "--nocapture"])
        .env(FORBIDDEN, place.path())
        .output();
    match child {
        Ok(child) if child.status.success() => {
            assert!(String::from_utf8_lossy(&child.stdout).contains("both refused"));
        }
        Ok(child) if String::from_utf8_lossy(&child.stderr).contains("setpriv:") => {
            eprintln!("SKIPPED: this user cannot become another one");
        }
        Err(_) => eprintln!("SKIPPED: setpriv is not installed"),
        Ok(child) => panic!("{}", String::from_utf8_lossy(&child.stdout)),
    }
}

fn set_mode(path: &Path, mode: &str) {
    let status = Process::new("chmod").arg(mode).arg(path).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "chmod {mode} {}",
        path.display()
    );
}
