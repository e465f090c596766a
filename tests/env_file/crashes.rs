//! Killed or failed at every system call, the file is the old one or the new one, and whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use openclaw_sec::env_file::{EnvFile, Lock};
use openclaw_sec::secret::Secret;

const OLD: &str = "A=1\nK=old # note\n";
const NEW: &str = "A=1\nK=new # note\n";

/// Names the folder to [`change_one_value`].
const FOLDER: &str = "OPENCLAW_SEC_TEST_FOLDER";

/// Every kind of call that saving makes, and more than it makes of each.
const CALLS: &[&str] = &[
    "open",
    "openat",
    "read",
    "ppoll",
    "mkdir",
    "flistxattr",
    "write",
    "fsync",
    "fchmod",
    "fchown",
    "fsetxattr",
    "flock",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "close",
    "fstat",
    "statx",
    "newfstatat",
];

#[test]
#[ignore = "the process that the other tests here kill"]
fn change_one_value() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let patience = Duration::from_secs(5);
    let path = folder.join("env/.env");
    let lock = Lock::acquire(&path, &folder.join("state"), patience).expect("locked");
    let file = EnvFile::read(&path, patience).expect("read");
    let edited = file.set("K", &Secret::new("new")).expect("clear");
    edited.save(&lock).expect("saved");
}

/// Runs the change below `strace` with one fault; false if the fault never came up.
fn run_with_fault(folder: &Path, call: &str, fault: &str, number: usize) -> Option<bool> {
    let own = std::env::current_exe().ok()?;
    let trace = folder.join("trace");
    Command::new("strace")
        .args(["-f", "-o"])
        .arg(&trace)
        .args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={call}:{fault}:when={number}"),
        ])
        .arg(own)
        .args([
            "--exact",
            "crashes::change_one_value",
            "--ignored",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    let trace = fs::read_to_string(trace).ok()?;
    Some(trace.contains("INJECTED") || trace.contains("killed by SIGKILL"))
}

/// Puts the old file there, runs the change with the fault, and returns whether the fault came up.
fn check(folder: &Path, call: &str, fault: &str, number: usize) -> Option<bool> {
    let env = folder.join("env");
    let _ = fs::remove_dir_all(folder.join("state"));
    fs::create_dir_all(&env).ok()?;
    fs::write(env.join(".env"), OLD).ok()?;
    let has_come_up = run_with_fault(folder, call, fault, number)?;
    let text = fs::read_to_string(env.join(".env")).expect("the file is there");
    let place = format!("{fault} at {call} number {number}");
    assert!(text == OLD || text == NEW, "{place}: neither old nor new");
    if !fault.contains("KILL") && !call.starts_with("unlink") {
        assert_eq!(
            fs::read_dir(&env).expect("listed").count(),
            1,
            "{place}: something is left"
        );
    }
    // The next run finishes the work and takes along what is left.
    fs::write(env.join(".env"), OLD).ok()?;
    run_with_fault(folder, "fsync", "error=EIO", 99)?;
    assert_eq!(
        fs::read_to_string(env.join(".env")).expect("the file is there"),
        NEW,
        "{place}: next run"
    );
    assert_eq!(
        fs::read_dir(&env).expect("listed").count(),
        1,
        "{place}: the next run leaves something"
    );
    Some(has_come_up)
}

fn every_point(fault: &str, calls: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut points = 0;
    for call in calls {
        for number in 1.. {
            match check(folder.path(), call, fault, number) {
                None => {
                    println!("skipped: strace is not installed or may not trace");
                    return;
                }
                Some(false) => break,
                Some(true) => points += 1,
            }
        }
    }
    println!("{fault}: {points} points");
    assert!(points > 3, "faults come up at all");
}

#[test]
fn killed_at_any_call_the_file_is_old_or_new_and_the_next_run_tidies_up() {
    every_point("signal=KILL", CALLS);
}

#[test]
fn a_full_broken_or_read_only_disk_leaves_the_old_file_and_nothing_beside_it() {
    let calls = ["write", "fsync", "rename", "renameat", "fchmod"];
    for fault in ["error=ENOSPC", "error=EIO", "error=EROFS"] {
        every_point(fault, &calls);
    }
}
