//! Starting the binary and keeping what it prints.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The binary with its state in `folder`.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw-sec"));
    command
        .current_dir(folder)
        .env_remove("TZ")
        .env("TZ", "UTC")
        .arg("--state-dir")
        .arg(folder.join("state"))
        .arg("audit-tail");
    command
}

/// Runs to the end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A follower in the background.
pub struct Following {
    child: Child,
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    collectors: Vec<JoinHandle<()>>,
}

/// More than any machine needs, however busy it is.
const PATIENCE: Duration = Duration::from_secs(60);

impl Following {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_as(folder, arguments, |_| {})
    }

    /// With more said about how it starts.
    pub fn start_as(folder: &Path, arguments: &[&str], how: impl FnOnce(&mut Command)) -> Self {
        let mut command = program(folder);
        how(&mut command);
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, out_collector) = collect(child.stdout.take().unwrap());
        let (err, err_collector) = collect(child.stderr.take().unwrap());
        Self {
            child,
            out,
            err,
            collectors: vec![out_collector, err_collector],
        }
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap()).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().unwrap()).into_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the output satisfies `is_enough`, or for so long that it never will.
    pub fn wait_for(&self, is_enough: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let out = self.out();
            if is_enough(&out) || started.elapsed() > PATIENCE {
                return out;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn wait_for_err(&self, text: &str) {
        let started = Instant::now();
        while !self.err().contains(text) {
            assert!(
                started.elapsed() < PATIENCE,
                "{text} is not in {}",
                self.err()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn wait_for_err_twice(&self, text: &str) {
        let started = Instant::now();
        while self.err().matches(text).count() < 2 {
            assert!(
                started.elapsed() < PATIENCE,
                "{text} is not twice in {}",
                self.err()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGINT, and the exit code.
    pub fn interrupt(mut self) -> (Option<i32>, String, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        for collector in self.collectors.drain(..) {
            collector.join().unwrap();
        }
        (status.code(), self.out(), self.err())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut pipe: impl std::io::Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&bytes);
    let collector = std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(count) = pipe.by_ref().read(&mut buffer) {
            if count == 0 {
                break;
            }
            copy.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    });
    (bytes, collector)
}

/// Appends lines.
pub fn append(path: &PathBuf, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Numbered lines.
pub fn numbered(range: std::ops::Range<usize>) -> String {
    range
        .map(|n| format!("{{\"time\":\"2026-11-20T10:00:00Z\",\"n\":{n},\"msg\":\"line {n}\"}}\n"))
        .collect()
}
