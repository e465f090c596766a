//! No rotation loses a line or repeats one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Following, append, numbered};

const FOLLOW: [&str; 5] = ["audit.log", "--follow", "--all", "--format", "raw"];
/// The longest that a test waits for what will come.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    folder: tempfile::TempDir,
    log: PathBuf,
    written: usize,
    following: Following,
}

impl Scene {
    /// A follower that has shown a log of ten lines.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        append(&log, &numbered(0..10));
        let following = Following::start(folder.path(), &FOLLOW);
        let scene = Self {
            folder,
            log,
            written: 10,
            following,
        };
        scene.catch_up();
        scene
    }

    /// Waits until everything that was written has come.
    fn catch_up(&self) {
        let written = self.written;
        let out = self
            .following
            .wait_for(|out| out.lines().count() >= written);
        assert_eq!(out.lines().count(), written, "{}", self.following.err());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&mut self, lines: usize) {
        let log = self.log.clone();
        self.write_to(&log, lines);
    }

    fn write_to(&mut self, path: &Path, lines: usize) {
        append(
            &path.to_path_buf(),
            &numbered(self.written..self.written + lines),
        );
        self.written += lines;
    }

    /// Every line came once; with one writer, in order. Nothing comes after that.
    fn prove(self, is_in_order: bool) {
        let written = self.written;
        self.following.wait_for(|out| numbers(out).len() >= written);
        let (code, out, err) = self.following.interrupt();
        let mut found = numbers(&out);
        if !is_in_order {
            found.sort_unstable();
        }
        assert_eq!(found, (0..written).collect::<Vec<usize>>(), "{err}");
        assert_eq!(code, Some(130));
    }
}

fn numbers(out: &str) -> Vec<usize> {
    out.lines()
        .filter_map(|line| line.split("\"n\":").nth(1)?.split(',').next()?.parse().ok())
        .collect()
}

#[test]
fn renamed_and_made_anew() {
    let mut scene = Scene::new();
    for round in 0..5 {
        scene.write(50);
        fs::rename(&scene.log, scene.path(&format!("audit.log.{}", 9 - round))).unwrap();
        scene.write(50);
    }
    scene.prove(true);
}

#[test]
fn written_to_after_the_name_moved() {
    let mut scene = Scene::new();
    let old = scene.path("audit.log.1");
    fs::rename(&scene.log, &old).unwrap();
    let moved = Instant::now();
    scene.write_to(&old, 20);
    scene.write(20);
    scene.catch_up();
    scene.write_to(&old, 20);
    if moved.elapsed() > Duration::from_secs(4) {
        println!("skipped: the machine is too busy to write in time");
        return;
    }
    scene.prove(false);
}

#[test]
fn rotated_twice_between_two_looks() {
    let mut scene = Scene::new();
    for _ in 0..10 {
        scene.write(20);
        let _ = fs::rename(scene.path("audit.log.1"), scene.path("audit.log.2"));
        fs::rename(&scene.log, scene.path("audit.log.1")).unwrap();
        scene.write(20);
        let _ = fs::rename(scene.path("audit.log.1"), scene.path("audit.log.2"));
        fs::rename(&scene.log, scene.path("audit.log.1")).unwrap();
        scene.write(20);
        // The next round removes number 2.
        scene.catch_up();
    }
    scene.prove(true);
}

#[test]
fn copied_and_truncated() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.write(50);
        fs::copy(&scene.log, scene.path("audit.log.1")).unwrap();
        fs::OpenOptions::new()
            .write(true)
            .open(&scene.log)
            .unwrap()
            .set_len(0)
            .unwrap();
        scene.write(80);
        // The next round removes the copy.
        scene.catch_up();
    }
    scene.prove(true);
}

#[test]
fn deleted_and_made_anew() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.write(30);
        scene.catch_up();
        fs::remove_file(&scene.log).unwrap();
        scene.write(30);
    }
    scene.prove(true);
}

#[test]
fn a_symlink_that_is_pointed_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, log) = (
        folder.path().join("one"),
        folder.path().join("two"),
        folder.path().join("audit.log"),
    );
    append(&one, &numbered(0..5));
    std::os::unix::fs::symlink(&one, &log).unwrap();
    let following = Following::start(
        folder.path(),
        &["audit.log", "--follow", "--all", "--format", "raw"],
    );
    following.wait_for(|out| out.lines().count() == 5);
    append(&two, &numbered(5..9));
    std::os::unix::fs::symlink(&two, folder.path().join("new")).unwrap();
    fs::rename(folder.path().join("new"), &log).unwrap();
    following.wait_for(|out| out.lines().count() >= 9);
    assert_eq!(following.interrupt().1, numbered(0..9));
}

#[test]
fn copied_and_moved_over_with_the_same_content() {
    let mut scene = Scene::new();
    scene.write(20);
    scene.catch_up();
    fs::copy(&scene.log, scene.path("copy")).unwrap();
    fs::rename(scene.path("copy"), &scene.log).unwrap();
    scene.write(20);
    scene.prove(true);
}

#[test]
fn a_folder_that_is_removed_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("logs");
    let log = inner.join("audit.log");
    let following = Following::start(
        folder.path(),
        &["logs/audit.log", "--follow", "--format", "raw"],
    );
    following.wait_for_err("waiting for it");
    fs::create_dir(&inner).unwrap();
    append(&log, &numbered(0..5));
    following.wait_for(|out| out.lines().count() == 5);
    fs::remove_dir_all(&inner).unwrap();
    following.wait_for_err_twice("waiting for it");
    fs::create_dir(&inner).unwrap();
    append(&log, &numbered(5..9));
    following.wait_for(|out| out.lines().count() >= 9);
    let (_, out, err) = following.interrupt();
    assert_eq!(out, numbered(0..9));
    assert_eq!(err.matches("waiting for it").count(), 2, "{err}");
}

#[test]
fn replaced_by_a_pipe_and_back() {
    let mut scene = Scene::new();
    scene.write(5);
    fs::rename(&scene.log, scene.path("audit.log.1")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&scene.log)
            .status()
            .unwrap()
            .success()
    );
    scene.following.wait_for_err("no regular file");
    fs::remove_file(&scene.log).unwrap();
    scene.write(5);
    scene.prove(true);
}

#[test]
fn a_half_line_waits_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&log, "whole\nha");
    let following = Following::start(
        folder.path(),
        &["audit.log", "--follow", "--all", "--format", "raw"],
    );
    following.wait_for(|out| out.contains("whole"));
    assert_eq!(following.out(), "whole\n");
    append(&log, "lf\nrest");
    following.wait_for(|out| out.contains("half"));
    assert_eq!(following.out(), "whole\nhalf\n");
    let (code, out, err) = following.interrupt();
    assert_eq!((code, out.as_str()), (Some(130), "whole\nhalf\nrest"));
    assert!(err.contains("3 events shown"), "{err}");
}

#[test]
fn a_hole_of_nul_bytes_is_passed_over() {
    use std::os::unix::fs::FileExt as _;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&log, &numbered(0..50));
    let following = Following::start(
        folder.path(),
        &["audit.log", "--follow", "--all", "--format", "raw"],
    );
    following.wait_for(|out| out.lines().count() == 50);
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    let end = file.metadata().unwrap().len();
    file.set_len(0).unwrap();
    file.write_all_at(numbered(50..52).as_bytes(), end).unwrap();
    following.wait_for(|out| out.lines().count() >= 52);
    let (_, out, err) = following.interrupt();
    assert_eq!(out, numbered(0..52));
    assert!(err.contains("NUL bytes"), "{err}");
}

#[test]
fn the_next_date_is_the_next_file() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("gateway-2026-11-20.log");
    append(&one, &numbered(0..5));
    let following = Following::start(
        folder.path(),
        &[
            "gateway-2026-11-20.log",
            "--follow",
            "--all",
            "--format",
            "raw",
        ],
    );
    following.wait_for(|out| out.lines().count() == 5);
    append(
        &folder.path().join("gateway-2026-11-21.log"),
        &numbered(5..9),
    );
    following.wait_for(|out| out.lines().count() == 9);
    assert_eq!(following.out(), numbered(0..9));
}

#[test]
fn hundreds_of_rotations_leave_no_descriptors_behind() {
    let mut scene = Scene::new();
    for round in 1..=300 {
        scene.write(3);
        fs::rename(
            &scene.log,
            scene.path(&format!("audit.log.{}", 1000 - round)),
        )
        .unwrap();
        scene.write(3);
    }
    let pid = scene.following.pid();
    // Five seconds after the last growth, old files are closed.
    let few = |count: &dyn Fn() -> usize, most: usize| {
        let started = Instant::now();
        while count() > most {
            assert!(started.elapsed() < PATIENCE, "{} are left", count());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    few(
        &|| fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
        12,
    );
    few(&|| watches(pid), 4);
    scene.prove(true);
}

/// The watches that a process holds.
fn watches(pid: u32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
    descriptors
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .map(|text| text.matches("inotify wd:").count())
        .sum()
}

#[test]
fn rotated_by_name_while_the_logger_never_stops() {
    let mut scene = Scene::new();
    for _ in 0..40 {
        let log = scene.log.clone();
        let (first, second) = (scene.path("audit.log.1"), scene.path("audit.log.2"));
        let from = scene.written;
        scene.written += 500;
        std::thread::scope(|threads| {
            threads.spawn(move || {
                for number in from..from + 500 {
                    append(&log, &numbered(number..number + 1));
                }
            });
            // In the middle of the writing, wherever that is.
            let _ = fs::rename(&first, &second);
            let _ = fs::rename(&scene.log, &first);
        });
        // Number 2 is overwritten next time, so it must have been seen.
        scene.catch_up();
    }
    scene.prove(false);
}

#[test]
fn nothing_of_what_was_there_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&folder.path().join("audit.log.1"), &numbered(0..5));
    append(&log, &numbered(5..9));
    let arguments = ["audit.log", "--follow", "-n", "0", "--format", "raw"];
    let following = Following::start(folder.path(), &arguments);
    // It has begun once the log is among its descriptors.
    let started = Instant::now();
    while watches(following.pid()) < 2 {
        assert!(started.elapsed() < PATIENCE, "{}", following.err());
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::rename(&log, folder.path().join("audit.log.2")).unwrap();
    append(&log, &numbered(9..12));
    following.wait_for(|out| out.lines().count() >= 3);
    assert_eq!(following.interrupt().1, numbered(9..12));
}

#[test]
fn a_log_that_may_not_be_read_any_more_is_read_on_and_its_successor_when_it_may() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(folder.path(), 0o777);
    append(&log, &numbered(0..5));
    // Root may read everything.
    let following = Following::start_as(folder.path(), &FOLLOW, |command| {
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
    });
    following.wait_for(|out| out.lines().count() == 5);
    allow(&log, 0o000);
    if rustix::process::geteuid().is_root() {
        append(&log, &numbered(5..7));
    } else {
        allow(&log, 0o644);
        append(&log, &numbered(5..7));
    }
    following.wait_for(|out| out.lines().count() == 7);
    let next = folder.path().join("next");
    append(&next, &numbered(7..9));
    allow(&next, 0o000);
    fs::rename(&log, folder.path().join("audit.log.1")).unwrap();
    fs::rename(&next, &log).unwrap();
    following.wait_for_err("cannot be opened, trying again");
    allow(&log, 0o644);
    following.wait_for(|out| out.lines().count() >= 9);
    let (_, out, err) = following.interrupt();
    assert_eq!(out, numbered(0..9));
    assert_eq!(err.matches("cannot be opened").count(), 1, "{err}");
}

#[test]
fn a_descriptor_is_read_to_its_end_though_following_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_openclaw-sec");
    let script = format!("'{program}' audit-tail <(printf 'one\\ntwo\\n') --follow --format raw");
    let output = Command::new("timeout")
        .args(["60", "bash", "-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(crate::support::stdout(&output), "one\ntwo\n", "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_pipe_in_place_of_the_log_is_not_waited_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let made = Command::new("mkfifo").arg(&log).status().unwrap();
    assert!(made.success());
    let following = Following::start(folder.path(), &FOLLOW);
    following.wait_for_err("no regular file");
    fs::remove_file(&log).unwrap();
    append(&log, &numbered(0..3));
    following.wait_for(|out| out.lines().count() >= 3);
    assert_eq!(following.interrupt().1, numbered(0..3));
}

#[test]
fn following_a_silent_log_costs_next_to_nothing() {
    let scene = Scene::new();
    let used = || -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", scene.following.pid())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = used();
    std::thread::sleep(Duration::from_secs(3));
    // In hundredths of a second. It does not grow with the machine's load.
    assert!(used() - before <= 10, "{} ticks", used() - before);
}

fn logrotate(mode: &str) {
    let mut scene = Scene::new();
    let config = scene.path("rotate.conf");
    fs::write(
        &config,
        format!(
            "{} {{\n rotate 50\n size 1\n missingok\n {mode}\n}}\n",
            scene.log.display()
        ),
    )
    .unwrap();
    for round in 0..6 {
        scene.write(40);
        if round % 2 == 0 {
            scene.catch_up();
        }
        let status = Command::new("logrotate")
            .args(["--force", "--state"])
            .arg(scene.path("rotate.state"))
            .arg(&config)
            .status();
        let Ok(status) = status else {
            println!("logrotate is not installed");
            return;
        };
        assert!(status.success());
        scene.write(40);
        if mode.contains("dateext") {
            break;
        }
    }
    scene.prove(true);
}

#[test]
fn real_logrotate_that_creates() {
    logrotate("create 0644 root root");
}

#[test]
fn real_logrotate_that_creates_and_compresses() {
    logrotate("create 0644 root root\n compress");
}

#[test]
fn real_logrotate_that_compresses_late() {
    logrotate("create 0644 root root\n compress\n delaycompress");
}

#[test]
fn real_logrotate_that_copies_and_truncates() {
    logrotate("copytruncate");
}

#[test]
fn real_logrotate_that_copies_truncates_and_compresses() {
    logrotate("copytruncate\n compress");
}

#[test]
fn real_logrotate_with_dates() {
    logrotate("create 0644 root root\n dateext");
}

#[test]
fn a_reader_that_goes_away_ends_us_while_the_log_is_silent() {
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("audit.log"), &numbered(0..5));
    let mut child = crate::support::program(folder.path())
        .args(["audit.log", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}
