//! An hour of a log in a minute: every line once, and neither memory nor descriptors grow.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::commands::{Case, PATIENCE, Place, Stdout, interrupt};
use crate::together::amount;

/// A logger that is held up for longer than this may write to a file that nobody reads any more:
/// five seconds after its last growth a rotated file is closed.
const LATEST: Duration = Duration::from_secs(4);

/// What memory may grow by after the first third of a run, in KiB. A line that is kept costs more.
const GROWTH_KIB: u64 = 6 << 10;

/// One event of the hour: many users and addresses, now and then a failure.
fn line(number: usize) -> String {
    let (minute, second, milli) = (number / 1200 % 60, number / 20 % 60, number % 20 * 50);
    let (user, host) = (number * 7 % 97, number * 13 % 250);
    let success = !number.is_multiple_of(9);
    format!(
        "{{\"time\":\"2026-11-20T10:{minute:02}:{second:02}.{milli:03}Z\",\"event\":\"auth.login\",\"success\":{success},\"user\":\"user{user}\",\"ip\":\"192.0.2.{host}\",\"message\":\"line {number} of the hour\"}}\n"
    )
}

/// Which of our lines this is; none for an alert.
fn number(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("\"message\":\"line ")?;
    rest.split_once(' ')?.0.parse().ok()
}

/// How often each line was printed.
#[derive(Default)]
struct Printed {
    times: Mutex<Vec<u8>>,
    lines: AtomicUsize,
}

/// A follower whose lines are counted as they come.
struct Following {
    child: Child,
    printed: Arc<Printed>,
    collectors: Vec<JoinHandle<String>>,
}

impl Following {
    fn start(place: &Place) -> Self {
        let words = "audit-tail audit.log --follow --all --detect --format json";
        let mut command = place.program(&Case::new(words, 130, Stdout::Reading));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let printed = Arc::new(Printed::default());
        let (stdout, counts) = (child.stdout.take().unwrap(), Arc::clone(&printed));
        let counting = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Some(number) = number(&line.unwrap()) else {
                    continue;
                };
                let mut times = counts.times.lock().unwrap();
                if times.len() <= number {
                    times.resize(number + 1, 0);
                }
                times[number] += 1;
                counts.lines.fetch_add(1, Ordering::SeqCst);
            }
            String::new()
        });
        let stderr = child.stderr.take().unwrap();
        let saying = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap());
        Self {
            child,
            printed,
            collectors: vec![counting, saying],
        }
    }

    fn lines(&self) -> usize {
        self.printed.lines.load(Ordering::SeqCst)
    }

    fn catch_up(&self, written: usize) {
        let until = Instant::now() + PATIENCE;
        while self.lines() < written {
            assert!(
                Instant::now() < until,
                "{} of {written} lines",
                self.lines()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Resident memory in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("RssAnon:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Open descriptors; nobody but root may look, since the program hides its memory.
    fn descriptors(&self) -> Option<usize> {
        Some(
            fs::read_dir(format!("/proc/{}/fd", self.child.id()))
                .ok()?
                .count(),
        )
    }

    /// Ends it, and gives out how often each line came and what was said.
    fn end(mut self) -> (Vec<u8>, String) {
        interrupt(&self.child);
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        let said = self
            .collectors
            .drain(..)
            .map(|it| it.join().unwrap())
            .collect();
        let times = std::mem::take(&mut *self.printed.times.lock().unwrap());
        (times, said)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A logger: it writes line by line into the file that it has open.
struct Logger {
    path: PathBuf,
    file: File,
    written: usize,
    last: Instant,
    longest_pause: Duration,
}

impl Logger {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: Self::open(path),
            written: 0,
            last: Instant::now(),
            longest_pause: Duration::ZERO,
        }
    }

    fn open(path: &Path) -> File {
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap()
    }

    fn reopen(&mut self) {
        self.file = Self::open(&self.path);
    }

    fn write(&mut self, lines: usize) {
        for _ in 0..lines {
            self.longest_pause = self.longest_pause.max(self.last.elapsed());
            self.last = Instant::now();
            self.file.write_all(line(self.written).as_bytes()).unwrap();
            self.written += 1;
        }
    }

    /// Writes on for as long as `other` runs.
    fn write_during(&mut self, other: impl FnOnce() + Send) {
        let ends = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                other();
                ends.store(true, Ordering::SeqCst);
            });
            while !ends.load(Ordering::SeqCst) {
                self.write(1);
                // As many lines as a busy service, and not as many as the disk takes.
                std::thread::sleep(Duration::from_micros(200));
            }
        });
    }
}

/// Rotates once with the real program; false where it is not installed.
fn logrotate(place: &Place, mode: &str) -> bool {
    let log = place.path("work/audit.log");
    let text = format!(
        "{} {{\n rotate 8\n size 1\n missingok\n {mode}\n}}\n",
        log.display()
    );
    place.write("logrotate.conf", &text);
    let status = Command::new("logrotate")
        .args(["--force", "--state"])
        .arg(place.path("logrotate.state"))
        .arg(place.path("logrotate.conf"))
        .status();
    match status {
        Ok(status) => {
            assert!(status.success());
            true
        }
        Err(_) => false,
    }
}

/// The name goes over to new files again and again, faster than anybody looks.
fn storm(logger: &mut Logger, round: usize, place: &Place) {
    for number in 0..20 {
        let old = place.path(&format!(
            "work/audit.log.{}",
            1_000_000 - round * 100 - number
        ));
        fs::rename(&logger.path, old).unwrap();
        logger.write(1);
        logger.reopen();
        logger.write(1);
    }
}

#[test]
fn an_hour_of_rotated_log_is_printed_once_with_flat_memory_and_descriptors() {
    let place = Place::new();
    let log = place.path("work/audit.log");
    fs::write(&log, "").unwrap();
    let mut logger = Logger::new(&log);
    logger.write(100);
    let following = Following::start(&place);
    following.catch_up(logger.written);
    let opened = following.descriptors();
    let rounds = amount(24, 400);
    let lines = amount(1200, 72_000 / 40);
    let mut memory = 0;
    for round in 0..rounds {
        logger.write(lines);
        match round % 4 {
            0 => storm(&mut logger, round, &place),
            1 => {
                let mut is_there = true;
                logger.write_during(|| is_there = logrotate(&place, "create 0644"));
                if !is_there {
                    println!("skipped: logrotate is not installed");
                    return;
                }
                logger.write(20);
                logger.reopen();
            }
            // What a logger writes between copy and truncation is lost to everybody; it rests.
            2 => assert!(logrotate(&place, "copytruncate")),
            _ => {
                logger.write_during(|| {
                    logrotate(&place, "create 0644\n compress\n delaycompress");
                });
                logger.reopen();
            }
        }
        logger.write(10);
        if logger.longest_pause > LATEST {
            println!("skipped: the machine is too busy to write in time");
            return;
        }
        // What logrotate removes in the end must have been read.
        following.catch_up(logger.written);
        logger.last = Instant::now();
        if round == rounds / 3 {
            memory = following.memory();
        }
        tidy(&place);
    }
    let grown = following.memory().saturating_sub(memory);
    let until = Instant::now() + PATIENCE;
    while following.descriptors() > opened {
        assert!(
            Instant::now() < until,
            "{:?} descriptors",
            following.descriptors()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let (times, said) = following.end();
    let wrong: Vec<_> = times
        .iter()
        .enumerate()
        .filter(|(_, times)| **times != 1)
        .collect();
    assert!(
        wrong.is_empty() && times.len() == logger.written,
        "{wrong:?}: {said}"
    );
    assert!(grown < GROWTH_KIB, "{grown} KiB more than {memory} KiB");
    assert!(
        !said.contains("vanished") && !said.contains("internal error"),
        "{said}"
    );
    println!(
        "{} lines, {rounds} rotations, {memory} KiB and {grown} KiB more",
        times.len()
    );
}

/// Storms leave more files behind than logrotate removes.
fn tidy(place: &Place) {
    for entry in fs::read_dir(place.path("work")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .strip_prefix("audit.log.")
            .and_then(|it| it.parse::<usize>().ok());
        if number.is_some_and(|number| number > 500_000) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_logger_that_never_rests_under_copytruncate_has_no_line_printed_twice_and_none_lost_that_survives()
 {
    let place = Place::new();
    let log = place.path("work/audit.log");
    fs::write(&log, "").unwrap();
    let mut logger = Logger::new(&log);
    logger.write(50);
    let following = Following::start(&place);
    following.catch_up(logger.written);
    for round in 0..amount(8, 100) {
        let (from, to) = (
            place.path("work/audit.log"),
            place.path(&format!("work/audit.log.{}", 900 - round)),
        );
        logger.write(300);
        logger.write_during(|| {
            // What logrotate does, with a name of its own each time so that all copies stay.
            fs::copy(&from, &to).unwrap();
            OpenOptions::new()
                .write(true)
                .open(&from)
                .unwrap()
                .set_len(0)
                .unwrap();
        });
    }
    logger.write(50);
    let mut survivors = BTreeSet::new();
    for entry in fs::read_dir(place.path("work")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("audit.log") {
            let text = fs::read_to_string(entry.path()).unwrap();
            survivors.extend(text.lines().filter_map(number));
        }
    }
    let is_printed = |number: &usize| {
        let times = following.printed.times.lock().unwrap();
        times.get(*number).is_some_and(|times| *times > 0)
    };
    let until = Instant::now() + PATIENCE;
    while let Some(missing) = survivors.iter().find(|number| !is_printed(number)) {
        assert!(
            Instant::now() < until,
            "line {missing} is on the disk and not printed"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let written = logger.written;
    let (times, said) = following.end();
    let twice = times.iter().filter(|times| **times > 1).count();
    assert_eq!(twice, 0, "{said}");
    println!(
        "{written} lines, {} survive, {} printed",
        survivors.len(),
        times.iter().filter(|it| **it == 1).count()
    );
}
