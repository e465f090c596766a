//! No rotation loses a line or repeats one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Following, append, numbered};

const FOLLOW: [&str; 6] = ["audit.log", "--follow", "-n", "0", "--format", "raw"];

struct Scene {
    folder: tempfile::TempDir,
    log: PathBuf,
    written: usize,
    following: Following,
}

impl Scene {
    /// A follower that has caught up with a log of ten lines.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        append(&log, &numbered(0..10));
        let following = Following::start(folder.path(), &FOLLOW);
        let mut scene = Self {
            folder,
            log,
            written: 10,
            following,
        };
        // The follower is ready once it shows a line.
        let started = Instant::now();
        while scene.following.out().is_empty() {
            scene.write(1);
            std::thread::sleep(Duration::from_millis(20));
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{}",
                scene.following.err()
            );
        }
        scene
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

    /// Every line came once; with one writer, in order.
    fn prove(self, is_in_order: bool) {
        let last = format!("\"line {}\"", self.written - 1);
        let expected = self.written;
        let numbers = |out: &str| -> Vec<usize> {
            out.lines()
                .filter_map(|line| line.split("\"n\":").nth(1)?.split(',').next()?.parse().ok())
                .collect()
        };
        let out = self.following.wait_for(|out| out.contains(&last));
        let first = numbers(&out)[0];
        self.following
            .wait_for(|out| numbers(out).len() >= expected - first);
        let mut found = numbers(&self.following.out());
        if !is_in_order {
            found.sort_unstable();
        }
        let wanted: Vec<usize> = (first..expected).collect();
        assert_eq!(found, wanted, "{}", self.following.err());
    }
}

fn pause() {
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn written_to_after_the_name_moved() {
    let mut scene = Scene::new();
    let old = scene.path("audit.log.1");
    fs::rename(&scene.log, &old).unwrap();
    scene.write_to(&old, 20);
    scene.write(20);
    pause();
    scene.write_to(&old, 20);
    scene.prove(false);
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
        pause();
    }
    scene.prove(true);
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
        pause();
    }
    scene.prove(true);
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn deleted_and_made_anew() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.write(30);
        pause();
        fs::remove_file(&scene.log).unwrap();
        scene.write(30);
    }
    scene.prove(true);
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
    pause();
    assert_eq!(following.out(), numbered(0..9));
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn copied_and_moved_over_with_the_same_content() {
    let mut scene = Scene::new();
    scene.write(20);
    pause();
    fs::copy(&scene.log, scene.path("copy")).unwrap();
    fs::rename(scene.path("copy"), &scene.log).unwrap();
    scene.write(20);
    scene.prove(true);
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
    pause();
    fs::create_dir(&inner).unwrap();
    append(&log, &numbered(5..9));
    following.wait_for(|out| out.lines().count() == 9);
    assert_eq!(following.out(), numbered(0..9));
    assert_eq!(
        following.err().matches("waiting for it").count(),
        2,
        "{}",
        following.err()
    );
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn replaced_by_a_pipe_and_back() {
    let mut scene = Scene::new();
    scene.write(5);
    pause();
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
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn a_half_line_waits_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&log, "whole\nha");
    let following = Following::start(
        folder.path(),
        &["audit.log", "--follow", "--all", "--format", "raw"],
    );
    following.wait_for(|out| out.contains("whole"));
    pause();
    assert_eq!(following.out(), "whole\n");
    append(&log, "lf\nrest");
    following.wait_for(|out| out.contains("half"));
    assert_eq!(following.out(), "whole\nhalf\n");
    let (code, out, err) = following.interrupt();
    assert_eq!((code, out.as_str()), (Some(130), "whole\nhalf\nrest"));
    assert!(err.contains("3 events shown"), "{err}");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
    assert_eq!(following.out(), numbered(0..52));
    assert!(following.err().contains("NUL bytes"), "{}", following.err());
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn hundreds_of_rotations_leave_no_descriptors_behind() {
    let mut scene = Scene::new();
    for round in 1..=100 {
        scene.write(3);
        fs::rename(
            &scene.log,
            scene.path(&format!("audit.log.{}", 1000 - round)),
        )
        .unwrap();
        scene.write(3);
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(5600));
    let open = fs::read_dir(format!("/proc/{}/fd", scene.following.pid()))
        .unwrap()
        .count();
    assert!(open < 12, "{open} descriptors");
    scene.prove(true);
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
            pause();
        }
        let status = Command::new("logrotate")
            .args(["--force", "--state"])
            .arg(scene.path("rotate.state"))
            .arg(&config)
            .status();
        let Ok(status) = status else {
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
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_that_creates() {
    logrotate("create 0644 root root");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_that_creates_and_compresses() {
    logrotate("create 0644 root root\n compress");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_that_compresses_late() {
    logrotate("create 0644 root root\n compress\n delaycompress");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_that_copies_and_truncates() {
    logrotate("copytruncate");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_that_copies_truncates_and_compresses() {
    logrotate("copytruncate\n compress");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
fn real_logrotate_with_dates() {
    logrotate("create 0644 root root\n dateext");
}

#[test]
#[ignore = "open: under load a rotation loses or repeats lines now and then"]
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
        assert!(started.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}
