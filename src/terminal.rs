//! The only file that writes to stdout and stderr, colours, asks, and makes foreign text harmless.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use colored::Colorize as _;
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::redact::Redactor;
use openclaw_sec::secret::Secret;
use openclaw_sec::world::World;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use zeroize::Zeroize as _;

use crate::cli::{ColorChoice, Global};
use crate::output::Tone;

/// Columns of text that goes into a pipe or a file.
const WIDTH_WITHOUT_TERMINAL: usize = 100;

/// Bytes that are collected before they are written.
const STREAM_BUFFER: usize = 64 << 10;

/// Stdout for data that comes bit by bit.
pub type DataStream = io::BufWriter<std::fs::File>;

/// Why data did not reach stdout.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader of the pipe went away.
    #[error("the reader of stdout went away")]
    ReaderGone,
    /// The program was started without a stdout.
    #[error("stdout is closed; what was printed would be lost")]
    Closed,
    /// Anything else: a full disk, a broken device.
    #[error("cannot write to stdout: {0}")]
    Io(io::Error),
}

/// The streams, and what may be written to them.
pub struct Terminal {
    colors_out: bool,
    colors_err: bool,
    quiet: bool,
    verbose: u8,
    may_ask: bool,
    redactor: Redactor,
    /// What was typed; only a message ever makes it worth judging.
    words: Vec<String>,
    typed_secrets: OnceCell<Vec<String>>,
}

impl Terminal {
    /// Decides about each stream once. Of `words`, those that look like keys are never repeated.
    pub fn new(global: &Global, world: &World, words: Vec<String>) -> Self {
        let choice = global.color.unwrap_or(ColorChoice::Auto);
        let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            colors_out: wants_color(choice, io::stdout().is_terminal(), world),
            colors_err: wants_color(choice, io::stderr().is_terminal(), world),
            quiet: global.quiet,
            verbose: global.verbose,
            may_ask: asks && !global.no_input && world.variable("CI").is_none(),
            redactor: Redactor::default(),
            words,
            typed_secrets: OnceCell::new(),
        }
    }

    /// From now on no stream shows what `redactor` knows.
    pub fn set_redactor(&mut self, redactor: Redactor) {
        self.redactor = redactor;
    }

    /// What no output of this run may show.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Whether details are asked for.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Whether a person sits at both ends.
    pub fn may_ask(&self) -> bool {
        self.may_ask
    }

    /// Whether stdout is a screen.
    pub fn shows_data_to_a_person(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The columns of stdout: the screen's, at most 100.
    pub fn width(&self) -> usize {
        let columns = rustix::termios::tcgetwinsize(rustix::stdio::stdout())
            .map_or(WIDTH_WITHOUT_TERMINAL, |size| usize::from(size.ws_col));
        match columns {
            0 => WIDTH_WITHOUT_TERMINAL,
            columns => columns.clamp(40, WIDTH_WITHOUT_TERMINAL),
        }
    }

    /// Colours text that is meant for stdout, or leaves it as it is.
    pub fn tint_data(&self, tone: Tone, text: &str) -> String {
        tint(tone, text, self.colors_out)
    }

    /// Writes data to stdout, whole and flushed.
    pub fn data(&self, bytes: &[u8]) -> Result<(), OutputError> {
        if STDOUT_IS_CLOSED.load(Ordering::Relaxed) {
            return Err(OutputError::Closed);
        }
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => OutputError::ReaderGone,
                _ => OutputError::Io(error),
            })
    }

    /// Foreign text for stdout, without secrets and without power over a terminal.
    pub fn harmless(&self, text: &str) -> String {
        harmless(&self.redactor.clean(text)).into_owned()
    }

    /// Text without secrets.
    pub fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.clean(text)
    }

    /// Whether text holds a secret beyond doubt.
    pub fn is_secret_in(&self, text: &str) -> bool {
        self.redactor.is_sure_of(text)
    }

    /// Opens stdout for data that comes bit by bit; it is flushed when asked to.
    ///
    /// # Errors
    /// When there is no stdout.
    pub fn stream(&self) -> Result<DataStream, OutputError> {
        if STDOUT_IS_CLOSED.load(Ordering::Relaxed) {
            return Err(OutputError::Closed);
        }
        let stdout = rustix::io::dup(rustix::stdio::stdout())
            .map_err(|errno| OutputError::Io(errno.into()))?;
        Ok(io::BufWriter::with_capacity(STREAM_BUFFER, stdout.into()))
    }

    /// Shows how far a long job is; the next line on stderr takes its place.
    pub fn show_progress(&self, text: &str) {
        if !self.quiet && io::stderr().is_terminal() {
            let columns = rustix::termios::tcgetwinsize(rustix::stdio::stderr())
                .map_or(0, |size| usize::from(size.ws_col));
            let columns = if columns == 0 { 80 } else { columns };
            // A line that wraps could not be taken off again.
            let line: String = harmless(text).chars().take(columns - 1).collect();
            write_to_stderr(&format!("\r{line}\x1b[K"));
        }
    }

    /// Takes the last [`Terminal::show_progress`] off the screen.
    pub fn end_progress(&self) {
        if !self.quiet && io::stderr().is_terminal() {
            write_to_stderr("\r\x1b[K");
        }
    }

    /// Writes lines that are data where stdout holds something else, such as alerts beside raw lines.
    ///
    /// # Errors
    /// When they did not reach stderr.
    pub fn alerts(&self, text: &str) -> io::Result<()> {
        let mut lines = String::with_capacity(text.len());
        let is_clean = matches!(self.redactor.clean(text), Cow::Borrowed(_));
        for line in text.lines() {
            // What looks like a secret over several lines must not take the others with it.
            let line = if is_clean {
                Cow::Borrowed(line)
            } else {
                self.redactor.clean(line)
            };
            match harmless(&line) {
                plain if !self.colors_err => lines.push_str(&plain),
                plain => lines.push_str(&tint(Tone::Bad, &plain, true)),
            }
            lines.push('\n');
        }
        io::stderr().lock().write_all(lines.as_bytes())
    }

    /// Whether stdout gets colours.
    pub fn colors_data(&self) -> bool {
        self.colors_out
    }

    /// Writes help, a list or a report to stdout and returns the exit code: a reader who has seen
    /// enough and goes away is no error.
    pub fn reading_matter(&self, bytes: &[u8], code: u8) -> u8 {
        match self.data(bytes) {
            Ok(()) => code,
            Err(OutputError::ReaderGone) => 0,
            Err(error) => {
                self.error(&error.to_string());
                4
            }
        }
    }

    /// Tells a person what happened. Silent under `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line("", Tone::Plain, text);
        }
    }

    /// Tells a person details, under `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose > 0 {
            self.line("", Tone::Muted, text);
        }
    }

    /// Tells a person about something that may surprise. Silent under `--quiet`.
    pub fn warn(&self, text: &str) {
        if !self.quiet {
            self.line("warning: ", Tone::Warning, text);
        }
    }

    /// Tells a person what went wrong.
    pub fn error(&self, text: &str) {
        self.line("error: ", Tone::Bad, text);
    }

    /// Writes text of several lines, such as a usage error, cleaned but with its line breaks.
    pub fn usage(&self, text: &str) {
        let cleaned = self.clean(text);
        let lines: Vec<Cow<'_, str>> = cleaned.lines().map(harmless).collect();
        write_to_stderr(&format!("{}\n", lines.join("\n")));
    }

    /// Asks a person to agree. Only call it when [`Terminal::may_ask`].
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let question = self.clean(question);
        dialoguer::Confirm::new()
            .with_prompt(harmless(&question))
            .default(false)
            .interact()
            .map_err(io::Error::other)
    }

    /// A line on stderr that tells how far long work is; for persons alone.
    pub fn progress(&self) -> ProgressLine {
        ProgressLine {
            is_shown: io::stderr().is_terminal() && !self.quiet,
            started: Instant::now(),
            has_spoken: AtomicBool::new(false),
        }
    }

    /// Asks for a secret without showing what is typed; `stops` gives the exit code that ends the
    /// program. Only call it when [`Terminal::may_ask`].
    pub fn password(
        &self,
        question: &str,
        stops: &(dyn Fn() -> Option<u8> + Sync),
    ) -> io::Result<Secret> {
        let question = self.redactor.clean(question);
        let typed = while_watching(stops, || {
            dialoguer::Password::new()
                .with_prompt(harmless(&question))
                .report(false)
                .interact()
        });
        typed
            .map(|mut typed| {
                let secret = Secret::new(typed.as_bytes());
                typed.zeroize();
                secret
            })
            .map_err(io::Error::other)
    }

    /// Waits for Enter; false if `q` was typed, the input ended, or it is time to stop. The terminal
    /// stays as it is, so Ctrl-C is a signal. Only call it when [`Terminal::may_ask`].
    pub fn wait_for_enter(&self, request: &str, stops: &dyn Fn() -> bool) -> io::Result<bool> {
        /// The pause between two looks at whether to stop.
        const PAUSE: rustix::event::Timespec = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        let request = self.redactor.clean(request);
        let request = harmless(&request);
        write_to_stderr(&format!("{request} (q leaves it for later): "));
        let stdin = rustix::stdio::stdin();
        let mut line = [0; 256];
        loop {
            if stops() {
                write_to_stderr("\n");
                return Ok(false);
            }
            let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
            match rustix::event::poll(&mut waiting, Some(&PAUSE)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            match rustix::io::read(stdin, &mut line) {
                Ok(0) => return Ok(false),
                Ok(length) => return Ok(!line[..length].trim_ascii().eq_ignore_ascii_case(b"q")),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes out what is known to be secret, and what was typed and looks so.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let typed = self.typed_secrets.get_or_init(|| {
            let words = self.words.iter().map(String::as_str);
            openclaw_sec::redact::likely_secrets(words)
        });
        for secret in typed {
            text = text.replace(secret, openclaw_sec::redact::REMOVED);
        }
        self.redactor.clean_in_place(&mut text);
        text
    }

    fn line(&self, label: &str, tone: Tone, text: &str) {
        let cleaned = self.clean(text);
        let label = tint(tone, label, self.colors_err);
        write_to_stderr(&format!("{label}{}\n", harmless(&cleaned)));
    }
}

/// One line that is written again and again, and wiped at the end.
pub struct ProgressLine {
    is_shown: bool,
    started: Instant,
    has_spoken: AtomicBool,
}

impl ProgressLine {
    /// Work that is done sooner needs no line.
    const PATIENCE: Duration = Duration::from_millis(400);

    /// Objects and bytes so far.
    pub fn tell(&self, objects: u64, bytes: u64) {
        let elapsed = self.started.elapsed();
        if self.is_shown && elapsed > Self::PATIENCE {
            self.has_spoken.store(true, Ordering::Relaxed);
            let megabytes = bytes as f64 / 1e6;
            let rate = megabytes / elapsed.as_secs_f64();
            write_to_stderr(&format!(
                "\r\x1b[Ksearched {objects} objects, {megabytes:.0} MB, {rate:.0} MB/s"
            ));
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.has_spoken.load(Ordering::Relaxed) {
            write_to_stderr("\r\x1b[K");
        }
    }
}

/// Asks while another thread looks for signals: reading from a terminal goes on after one, and the
/// echo that a question switched off must come back before the program ends.
fn while_watching<T>(stops: &(dyn Fn() -> Option<u8> + Sync), ask: impl FnOnce() -> T) -> T {
    /// The pause between two looks.
    const PAUSE: Duration = Duration::from_millis(50);
    /// Most questions end by themselves within this time.
    const GRACE: u32 = 6;
    let before = rustix::termios::tcgetattr(rustix::stdio::stdin()).ok();
    let is_answered = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut looks = 0;
            while !is_answered.load(Ordering::SeqCst) {
                std::thread::sleep(PAUSE);
                let Some(code) = stops() else { continue };
                looks += 1;
                if looks > GRACE {
                    end_with_echo(before.as_ref(), code);
                }
            }
        });
        let answer = ask();
        is_answered.store(true, Ordering::SeqCst);
        answer
    })
}

#[expect(
    clippy::exit,
    reason = "the question that blocks the program cannot be taken back"
)]
fn end_with_echo(before: Option<&rustix::termios::Termios>, code: u8) {
    if let Some(before) = before {
        let now = rustix::termios::OptionalActions::Now;
        // Nothing better can be done about a failure here.
        let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), now, before);
    }
    write_to_stderr("\n");
    std::process::exit(i32::from(code));
}

/// Says that the program itself is at fault, and where; nothing of what it was working on.
pub fn report_panic(place: Option<&std::panic::Location<'_>>) {
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    write_to_stderr(&format!(
        "error: internal error{place}; please report it with the command that led to it\n"
    ));
}

fn wants_color(choice: ColorChoice, is_terminal: bool, world: &World) -> bool {
    let set = |name| world.variable(name).is_some();
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if world.variable("CLICOLOR_FORCE").is_some_and(|v| v != "0") => true,
        ColorChoice::Auto => {
            is_terminal && world.variable("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn tint(tone: Tone, text: &str, colors: bool) -> String {
    if !colors || text.is_empty() {
        return text.to_owned();
    }
    // `colored` decides once, from stdout alone; we have decided for this stream already.
    colored::control::set_override(true);
    let tinted = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => text.green(),
        Tone::Bad => text.red().bold(),
        Tone::Warning => text.yellow(),
        Tone::Muted => text.dimmed(),
        Tone::Strong => text.bold(),
    };
    tinted.to_string()
}

/// Errors are of no use here: there is no other place to tell them.
fn write_to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether the program was started without a stdout: what is written there is lost.
static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The descriptor that data goes to, for those who wait until its reader goes away.
pub fn stdout() -> BorrowedFd<'static> {
    rustix::stdio::stdout()
}

/// Remembers that the program was started without a stdout.
pub fn stdout_was_closed() {
    STDOUT_IS_CLOSED.store(true, Ordering::Relaxed);
}
