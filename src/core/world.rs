//! Everything outside the program that is not a plain file: the clock, the variables, this host's
//! root folder, other programs and the generator of random bytes.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Variables a child process may see; everything else is cleared, because our own environment may
/// hold the very secrets we look for.
const VARIABLES_FOR_CHILDREN: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
];

/// More of what a program says is not read, in bytes.
const MOST_STDERR: u64 = 64 << 10;
/// How often a program that runs for a limited time is looked at.
const LOOK_AT_CHILD_EVERY: Duration = Duration::from_millis(10);
/// How long a child that is asked to end may take.
const TIME_TO_END: Duration = Duration::from_secs(2);

/// What a finished program left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code, or `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: Vec<u8>,
    /// What it printed on stderr: foreign text.
    pub stderr: Vec<u8>,
}

/// A program to run: never through a shell, never with an inherited environment.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// The program's name or path.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: Vec<&'a OsStr>,
    /// Variables set on top of the short list every child gets.
    pub variables: Vec<(&'a str, &'a OsStr)>,
    /// The folder to run in.
    pub folder: Option<&'a Path>,
    /// What the program reads on stdin.
    pub input: &'a [u8],
}

impl<'a> Invocation<'a> {
    /// `program` with `arguments`, an empty stdin and no extra variables.
    pub fn new(program: &'a str, arguments: &'a [&'a str]) -> Self {
        Self {
            program: OsStr::new(program),
            arguments: arguments.iter().map(OsStr::new).collect(),
            variables: Vec::new(),
            folder: None,
            input: b"",
        }
    }
}

/// Runs programs; tests put something else in its place.
pub trait Runner: Send + Sync {
    /// Runs to the end and collects what was printed.
    ///
    /// # Errors
    /// When the program cannot be started or talked to.
    fn run(
        &self,
        invocation: &Invocation<'_>,
        base: &[(OsString, OsString)],
    ) -> io::Result<Finished>;

    /// Runs with both ends open; see [`World::stream`]. What only collects cannot do it.
    ///
    /// # Errors
    /// When the program cannot be started or `read` fails.
    fn stream(
        &self,
        _invocation: &Invocation<'_>,
        _base: &[(OsString, OsString)],
        _feed: Feed<'_>,
        _read: Take<'_>,
    ) -> io::Result<Finished> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Runs to the end of the program itself, not of what it leaves running in the background;
    /// only stderr is collected. Once somebody wants it to `stop`, it is ended.
    ///
    /// # Errors
    /// When the program cannot be started.
    fn run_and_leave(
        &self,
        invocation: &Invocation<'_>,
        base: &[(OsString, OsString)],
        _stop: &dyn Fn() -> bool,
    ) -> io::Result<Finished> {
        self.run(invocation, base)
    }
}

/// Writes a child's stdin, on a thread of its own.
pub type Feed<'f> = &'f mut (dyn FnMut(&mut dyn Write) -> io::Result<()> + Send);

/// Reads a child's stdout while it runs.
pub type Take<'t> = &'t mut dyn FnMut(&mut dyn Read) -> io::Result<()>;

/// The outside world, handed to every command.
pub struct World {
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    variables: Vec<(OsString, OsString)>,
    root: PathBuf,
    runner: Box<dyn Runner>,
}

impl World {
    /// The real one.
    pub fn real() -> Self {
        Self {
            clock: Box::new(system_clock),
            variables: std::env::vars_os().collect(),
            root: PathBuf::from("/"),
            runner: Box::new(RealRunner),
        }
    }

    /// A world for tests: a fixed time, the given variables, a folder that stands for `/`, and
    /// programs that are answered by `runner`.
    pub fn made_of(
        now: Timestamp,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        root: impl Into<PathBuf>,
        runner: Box<dyn Runner>,
    ) -> Self {
        Self {
            clock: Box::new(move || now),
            variables: variables.into_iter().collect(),
            root: root.into(),
            runner,
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// An environment variable; empty counts as unset.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.variables.iter().find(|(known, _)| known == name)?;
        Some(value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// All environment variables whose name begins with `prefix`.
    pub fn variables_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a OsStr)> {
        self.variables.iter().filter_map(move |(name, value)| {
            let name = name.to_str()?;
            name.starts_with(prefix)
                .then_some((name, value.as_os_str()))
        })
    }

    /// Where a system file lies on this host: `/etc/passwd` is `host("etc/passwd")`.
    pub fn host(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path of this host, absolute or not, as seen below the root folder.
    pub fn below_root(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("/") {
            Ok(relative) => self.root.join(relative),
            Err(_) => path.to_path_buf(),
        }
    }

    /// The folder of the user's own files.
    pub fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from)
    }

    /// Runs a program to its end, without a shell and with a cleared environment.
    ///
    /// # Errors
    /// When the program cannot be started or talked to.
    pub fn run(&self, invocation: &Invocation<'_>) -> io::Result<Finished> {
        self.runner.run(invocation, &self.base(&|_, _| false))
    }

    /// Runs a program whose output is too long to collect: `feed` writes its stdin on another
    /// thread, `read` takes its stdout as it comes; `stdout` of the answer is empty. A child whose
    /// output `read` no longer wants is ended.
    ///
    /// # Errors
    /// When the program cannot be started, or what `read` reports.
    pub fn stream(
        &self,
        invocation: &Invocation<'_>,
        feed: Feed<'_>,
        read: Take<'_>,
    ) -> io::Result<Finished> {
        let base = self.base(&|_, _| false);
        self.runner.stream(invocation, &base, feed, read)
    }

    /// [`World::run`] without the variables that `is_hidden` (name, value).
    ///
    /// # Errors
    /// When the program cannot be started or talked to.
    pub fn run_hiding(
        &self,
        invocation: &Invocation<'_>,
        is_hidden: &dyn Fn(&OsStr, &OsStr) -> bool,
    ) -> io::Result<Finished> {
        self.runner.run(invocation, &self.base(is_hidden))
    }

    /// The same for a program that leaves others running behind: it is not waited for longer than it
    /// runs itself, and only its stderr is collected. Once somebody wants it to `stop`, it is ended.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run_and_leave_hiding(
        &self,
        invocation: &Invocation<'_>,
        is_hidden: &dyn Fn(&OsStr, &OsStr) -> bool,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Finished> {
        self.runner
            .run_and_leave(invocation, &self.base(is_hidden), stop)
    }

    fn base(&self, is_hidden: &dyn Fn(&OsStr, &OsStr) -> bool) -> Vec<(OsString, OsString)> {
        VARIABLES_FOR_CHILDREN
            .iter()
            .filter_map(|name| Some((OsString::from(name), self.variable(name)?.to_os_string())))
            .filter(|(name, value)| !is_hidden(name, value))
            .collect()
    }
}

/// How a [`BoundedRun`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundedEnd {
    /// By itself.
    Done {
        /// Whether its exit code was 0.
        success: bool,
    },
    /// We ended it, with all its children.
    Killed,
}

/// A program that may be run again and again, each time for a limited time and in a process group
/// of its own.
#[derive(Debug, Clone)]
pub struct BoundedRun {
    words: Vec<String>,
    variables: Vec<(OsString, OsString)>,
}

impl World {
    /// Prepares a program, given as words, with a cleared environment and no shell.
    pub fn bounded_run(&self, words: Vec<String>) -> BoundedRun {
        BoundedRun {
            words,
            variables: self.base(&|_, _| false),
        }
    }
}

impl BoundedRun {
    /// Runs it with `input` on stdin; what it prints is thrown away. After `limit`, or once
    /// `stops` is set, its process group is killed.
    ///
    /// # Errors
    /// When it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place programs are started"
    )]
    pub fn run(&self, input: &[u8], limit: Duration, stops: &AtomicBool) -> io::Result<BoundedEnd> {
        use std::os::unix::process::CommandExt as _;
        let (program, arguments) = self
            .words
            .split_first()
            .ok_or_else(|| io::Error::other("no program is named"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let group = rustix::process::Pid::from_child(&child);
        let stdin = child.stdin.take();
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut pipe) = stdin {
                    // A child that does not read its input says so by its exit code.
                    let _ = pipe.write_all(input);
                }
            });
            loop {
                if let Some(status) = child.try_wait()? {
                    // What it left running in its group ends with it.
                    let _ =
                        rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                    return Ok(BoundedEnd::Done {
                        success: status.success(),
                    });
                }
                if started.elapsed() >= limit || stops.load(Ordering::SeqCst) {
                    let _ =
                        rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                    child.wait()?;
                    return Ok(BoundedEnd::Killed);
                }
                std::thread::sleep(LOOK_AT_CHILD_EVERY);
            }
        })
    }
}

/// Fills `bytes` from the system's generator.
///
/// # Errors
/// When it does not answer.
pub fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    use rand::TryRng as _;
    rand::rngs::SysRng
        .try_fill_bytes(bytes)
        .map_err(io::Error::other)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place the clock comes from"
)]
fn system_clock() -> Timestamp {
    Timestamp::now()
}

struct RealRunner;

impl Runner for RealRunner {
    fn run(
        &self,
        invocation: &Invocation<'_>,
        base: &[(OsString, OsString)],
    ) -> io::Result<Finished> {
        let mut child = command(invocation, base).spawn()?;
        let mut stdin = child.stdin.take();
        let (fed, output) = std::thread::scope(|scope| {
            let feeder = scope.spawn(|| match stdin.take() {
                Some(mut pipe) => pipe.write_all(invocation.input),
                None => Ok(()),
            });
            let output = child.wait_with_output();
            (feeder.join(), output)
        });
        let output = output?;
        whole_input(fed)?;
        Ok(Finished {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    fn stream(
        &self,
        invocation: &Invocation<'_>,
        base: &[(OsString, OsString)],
        feed: Feed<'_>,
        read: Take<'_>,
    ) -> io::Result<Finished> {
        let mut child = command(invocation, base).spawn()?;
        let mut stdin = child.stdin.take();
        let mut stdout = child.stdout.take();
        let mut stderr = child.stderr.take();
        std::thread::scope(|scope| {
            let feeder = scope.spawn(|| match stdin.take() {
                Some(mut pipe) => feed(&mut pipe),
                None => Ok(()),
            });
            let complaints = scope.spawn(|| {
                let mut text = Vec::new();
                if let Some(mut pipe) = stderr.take() {
                    let _ = (&mut pipe).take(MOST_COMPLAINTS).read_to_end(&mut text);
                    let _ = io::copy(&mut pipe, &mut io::sink());
                }
                text
            });
            let result = match &mut stdout {
                Some(pipe) => read(pipe),
                None => Ok(()),
            };
            drop(stdout.take());
            if result.is_err() {
                let _ = child.kill();
            }
            let status = child.wait()?;
            let stderr = complaints.join().unwrap_or_default();
            result.and_then(|()| whole_input(feeder.join()))?;
            Ok(Finished {
                code: status.code(),
                stdout: Vec::new(),
                stderr,
            })
        })
    }

    fn run_and_leave(
        &self,
        invocation: &Invocation<'_>,
        base: &[(OsString, OsString)],
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Finished> {
        // A pipe would end with the last process that holds it, and break for those that go on.
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let said = std::fs::File::from(rustix::fs::memfd_create("stderr", flags)?);
        let mut child = command(invocation, base)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.try_clone()?)
            .spawn()?;
        let status = wait_or_end(&mut child, stop)?;
        let length = said.metadata()?.len().min(MOST_STDERR);
        let mut stderr = vec![0; usize::try_from(length).unwrap_or(0)];
        // Not by moving the position, which a program that goes on shares.
        said.read_exact_at(&mut stderr, 0)?;
        Ok(Finished {
            code: status.code(),
            stdout: Vec::new(),
            stderr,
        })
    }
}

/// Waits for a child, and ends it once somebody wants it to `stop`: first asked to, later not.
fn wait_or_end(child: &mut Child, stop: &dyn Fn() -> bool) -> io::Result<ExitStatus> {
    let mut asked: Option<Instant> = None;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        match asked {
            None if stop() => {
                asked = Some(Instant::now());
                // Who ended meanwhile needs no signal.
                let _ = rustix::process::kill_process(
                    rustix::process::Pid::from_child(child),
                    rustix::process::Signal::TERM,
                );
            }
            Some(asked) if asked.elapsed() >= TIME_TO_END => {
                child.kill()?;
                return child.wait();
            }
            _ => std::thread::sleep(LOOK_AT_CHILD_EVERY),
        }
    }
}

/// An answer to half of a question must not pass for the answer.
fn whole_input(fed: std::thread::Result<io::Result<()>>) -> io::Result<()> {
    match fed {
        // A child that does not read its input says so by its exit code.
        Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Ok(fed) => fed,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// At most this many bytes of a long-running program's stderr are kept.
const MOST_COMPLAINTS: u64 = 64 << 10;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place programs are started"
)]
fn command(invocation: &Invocation<'_>, base: &[(OsString, OsString)]) -> Command {
    let mut command = Command::new(invocation.program);
    command
        .args(&invocation.arguments)
        .env_clear()
        .envs(base.iter().map(|(name, value)| (name, value)))
        .envs(invocation.variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = invocation.folder {
        command.current_dir(folder);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_no_zeros_and_others_each_time() {
        let mut drawn = [[0; 32]; 2];
        for bytes in &mut drawn {
            fill_random(bytes).unwrap();
            assert_ne!(*bytes, [0; 32]);
        }
        assert_ne!(drawn[0], drawn[1]);
    }
}
