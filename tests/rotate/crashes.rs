//! Killed or failed at every system call: old or new, never a mixture, and the next command tidies up.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Alive, Bench, Mock, Reply, alive, is_alive, kill, names, program};

// Shapes that belong to nobody, so that they may be sent to this provider.
const OLD: &str = "plain-old-key-00000000000000000001";
const NEW: &str = "plain-new-key-00000000000000000002";
const NAME: &str = "GITHUB_TOKEN";

/// Every kind of call that touches the env folder, the state folder or a socket.
const CALLS: &[&str] = &[
    "openat",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "flock",
    "fchmod",
    "fchown",
    "fsetxattr",
    "flistxattr",
    "connect",
    "sendto",
    "recvfrom",
    "socket",
    "clone3",
    "wait4",
    "execve",
    "readlink",
    "pread64",
    "memfd_create",
];

fn env() -> String {
    format!("A=1\n{NAME}='{OLD}' # note\nB=2\n")
}

/// The program below `strace`; false where no tracing is possible.
fn traced(bench: &Bench, arguments: &[&str], inject: &str) -> Option<(bool, i32)> {
    let call = inject.split(':').next().unwrap_or_default();
    let log = bench.path("trace");
    let mut command = Command::new("strace");
    bench.surround(&mut command);
    let status = command
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={inject}"),
        ])
        .arg(program())
        .arg("rotate")
        .args(arguments)
        .args(["--no-input", "--format", "json", "--env", "env/.env"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    let log = fs::read_to_string(log).ok()?;
    let has_come_up = log.contains("INJECTED") || log.contains("killed by SIGKILL");
    Some((has_come_up, status.code().unwrap_or(-1)))
}

/// How many calls of each kind an undisturbed run makes.
fn counts(bench: &Bench, arguments: &[&str]) -> Option<Vec<(&'static str, usize)>> {
    let log = bench.path("trace");
    let mut command = Command::new("strace");
    bench.surround(&mut command);
    command
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg(program())
        .arg("rotate")
        .args(arguments)
        .args(["--no-input", "--format", "json", "--env", "env/.env"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    let log = fs::read_to_string(log).ok()?;
    let count = |call: &str| {
        log.lines()
            .filter(|line| line.contains(&format!(" {call}(")))
            .count()
    };
    Some(CALLS.iter().map(|call| (*call, count(call))).collect())
}

fn fresh(bench: &Bench, keys: &Alive) {
    let _ = fs::remove_dir_all(bench.path("state"));
    let _ = fs::remove_dir_all(bench.path("env"));
    fs::create_dir(bench.path("env")).expect("created");
    fs::write(bench.env(), env()).expect("written");
    *keys.lock().expect("unpoisoned") = [OLD, NEW].map(str::to_owned).into();
}

#[track_caller]
fn old_or_new(bench: &Bench, place: &str) {
    let text = bench.text();
    assert!(
        text == env() || text == env().replace(OLD, NEW),
        "{place}: neither old nor new: {text}"
    );
}

/// After `resume` nothing is left, and the old key was not lost while it was needed.
#[track_caller]
fn tidy(bench: &Bench, place: &str) {
    assert_eq!(
        bench.beside(),
        [".env"],
        "{place}: left beside the env file"
    );
    let rotations = names(&bench.path("state/rotations"));
    assert!(
        rotations.iter().all(|name| name.ends_with(".lock")),
        "{place}: left in the state folder: {rotations:?}"
    );
    let state = names(&bench.path("state"));
    assert!(
        state.iter().all(|name| !name.contains(".tmp")),
        "{place}: {state:?}"
    );
    let text = bench.state_bytes();
    assert!(
        !text.contains(OLD) && !text.contains(NEW),
        "{place}: a key in the state folder"
    );
}

/// GitHub: its revocation needs no admin key, so a rotation goes through all steps in one run.
fn github(keys: &Alive, env: std::path::PathBuf) -> Mock {
    let keys = std::sync::Arc::clone(keys);
    Mock::start(move |seen| {
        if seen.path == "/credentials/revoke" {
            // The new key is in its place when the revocation comes in.
            assert!(fs::read_to_string(&env).is_ok_and(|text| text.contains(NEW)));
            kill(&keys, OLD);
            return Reply::Json(202, serde_json::json!({}));
        }
        if is_alive(&keys, &seen.key()) {
            Reply::Json(200, serde_json::json!({"login": "me", "id": 7}))
        } else {
            Reply::Json(401, serde_json::json!({"message": "Bad credentials"}))
        }
    })
}

fn arguments(url: &str) -> Vec<&str> {
    vec![
        "--name",
        NAME,
        "--provider",
        "github",
        "--new-key-file",
        "new",
        "--revoke",
        "auto",
        "--restart",
        "true",
        "--provider-url",
        url,
    ]
}

fn bench() -> (Bench, Alive, Mock) {
    let keys = alive(&[OLD, NEW]);
    let bench = Bench::new("", &env());
    fs::write(bench.path("new"), NEW).expect("written");
    let mock = github(&keys, bench.env());
    (
        Bench {
            url: mock.url.clone(),
            ..bench
        },
        keys,
        mock,
    )
}

/// One call of each kind in `every`, so that a quick run still visits all parts of a rotation.
fn points(
    bench: &Bench,
    keys: &Alive,
    arguments: &[&str],
    every: usize,
) -> Option<Vec<(&'static str, usize)>> {
    fresh(bench, keys);
    let counts = counts(bench, arguments)?;
    let mut points = Vec::new();
    for (call, count) in counts {
        // Counts are per thread; more than one thread makes some numbers come up empty.
        points.extend((1..=count).map(|number| (call, number)));
    }
    Some(points.into_iter().step_by(every).collect())
}

fn step() -> usize {
    std::env::var("ROTATE_CRASH_STEP")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(23)
}

#[test]
fn killed_at_any_call_resume_finishes_and_abort_takes_back() {
    let (bench, keys, _mock) = bench();
    let arguments = arguments(&bench.url);
    let Some(points) = points(&bench, &keys, &arguments, step()) else {
        println!("skipped: strace is not installed or may not trace");
        return;
    };
    assert!(!points.is_empty());
    let mut killed = 0;
    for (call, number) in points {
        for then in ["resume", "abort"] {
            fresh(&bench, &keys);
            let place = format!("killed at {call} {number}, then {then}");
            let inject = format!("{call}:signal=KILL:when={number}");
            let Some((true, _)) = traced(&bench, &arguments, &inject) else {
                continue;
            };
            killed += 1;
            old_or_new(&bench, &place);
            let has_new = bench.text().contains(NEW);
            assert!(
                is_alive(&keys, OLD) || has_new,
                "{place}: revoked before it was replaced"
            );
            let done = bench.rotate(&[then]);
            old_or_new(&bench, &place);
            match (then, done.code) {
                ("resume", 0) => {}
                // Not we were killed but the restart: a failed one is rolled back.
                ("resume", 1) if done.json["status"] == "rolled-back" => {
                    assert_eq!(bench.text(), env(), "{place}");
                }
                ("abort", 0) => {
                    let is_back = bench.text() == env();
                    let is_done = !is_alive(&keys, OLD) && bench.text().contains(NEW);
                    assert!(is_back || is_done, "{place}: {done:?}");
                }
                ("abort", 2) => {
                    assert!(!is_alive(&keys, OLD), "{place}: {done:?}");
                    bench.rotate(&["resume"]).expect(0, "done");
                }
                _ => panic!("{place}: {done:?}"),
            }
            tidy(&bench, &place);
            assert!(
                is_alive(&keys, OLD) || bench.text().contains(NEW),
                "{place}: a dead key in the file"
            );
            let text = bench.text();
            bench.rotate(&[then]).expect(0, "done");
            assert_eq!(bench.text(), text, "{place}: twice is not harmless");
        }
    }
    println!("{killed} kills");
    assert!(killed > 5);
}

#[test]
fn a_broken_disk_leaves_old_or_new_and_resume_finishes() {
    let (bench, keys, _mock) = bench();
    let arguments = arguments(&bench.url);
    let Some(points) = points(&bench, &keys, &arguments, 1) else {
        println!("skipped: strace is not installed or may not trace");
        return;
    };
    let calls = [
        "write",
        "fsync",
        "fdatasync",
        "rename",
        "renameat2",
        "fchmod",
    ];
    let points: Vec<_> = points
        .into_iter()
        .filter(|(call, _)| calls.contains(call))
        .collect();
    for error in ["ENOSPC", "EIO", "EROFS"] {
        for (call, number) in points.iter().step_by(step().min(5)) {
            fresh(&bench, &keys);
            let place = format!("{error} at {call} {number}");
            let Some((true, code)) = traced(
                &bench,
                &arguments,
                &format!("{call}:error={error}:when={number}"),
            ) else {
                continue;
            };
            old_or_new(&bench, &place);
            assert!(matches!(code, 0..=4), "{place}: {code}");
            let has_new = bench.text().contains(NEW);
            assert!(
                is_alive(&keys, OLD) || has_new,
                "{place}: revoked before it was replaced"
            );
            let done = bench.rotate(&["resume"]);
            assert!(matches!(done.code, 0 | 1), "{place}: {done:?}");
            old_or_new(&bench, &place);
            tidy(&bench, &place);
        }
    }
}

#[test]
fn a_journal_that_cannot_be_written_leaves_nothing_behind() {
    let (bench, keys, _mock) = bench();
    fresh(&bench, &keys);
    let inject = "fdatasync:error=EIO:when=1";
    let Some((true, code)) = traced(&bench, &arguments(&bench.url), inject) else {
        println!("skipped: strace is not installed or may not trace");
        return;
    };
    assert_eq!((code, bench.text()), (4, env()));
    tidy(&bench, inject);
}

#[test]
fn a_full_file_system_leaves_the_old_file_and_ends_with_4() {
    let (bench, _keys, _mock) = bench();
    let script = "mount -t tmpfs -o size=16k none env || exit 99; cp saved env/.env; head -c 20000 /dev/zero >env/filler 2>/dev/null; \"$@\"; code=$?; cp env/.env after; ls -A env >listed; exit $code";
    fs::copy(bench.env(), bench.path("saved")).expect("copied");
    let mut command = Command::new("unshare");
    bench.surround(&mut command);
    let arguments = arguments(&bench.url);
    let output = command
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(program())
        .arg("rotate")
        .args(&arguments)
        .args(["--no-input", "--env", "env/.env"])
        .output();
    let Ok(output) = output else { return };
    if output.status.code() == Some(99) || !Path::new(&bench.path("after")).exists() {
        println!("skipped: no mount namespace here");
        return;
    }
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(
        fs::read_to_string(bench.path("after")).expect("read"),
        env()
    );
    let listed = fs::read_to_string(bench.path("listed")).expect("read");
    assert_eq!(listed.lines().collect::<Vec<_>>(), [".env", "filler"]);
}
