//! The only file that writes to stdout and stderr, colours, asks, and makes foreign text harmless.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use colored::Colorize as _;
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::redact::Redactor;
use openclaw_sec::world::World;

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
}

impl Terminal {
    /// Decides about each stream once.
    pub fn new(global: &Global, world: &World) -> Self {
        let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            colors_out: wants_color(global.color, io::stdout().is_terminal(), world),
            colors_err: wants_color(global.color, io::stderr().is_terminal(), world),
            quiet: global.quiet,
            verbose: global.verbose,
            may_ask: asks && !global.no_input && world.variable("CI").is_none(),
            redactor: Redactor::default(),
        }
    }

    /// From now on no stream shows what `redactor` knows.
    pub fn set_redactor(&mut self, redactor: Redactor) {
        self.redactor = redactor;
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
        if stdout_is_closed() {
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

    /// Opens stdout for data that comes bit by bit; it is flushed when asked to.
    ///
    /// # Errors
    /// When there is no stdout.
    pub fn stream(&self) -> Result<DataStream, OutputError> {
        if stdout_is_closed() {
            return Err(OutputError::Closed);
        }
        let stdout = rustix::io::dup(rustix::stdio::stdout())
            .map_err(|errno| OutputError::Io(errno.into()))?;
        Ok(io::BufWriter::with_capacity(STREAM_BUFFER, stdout.into()))
    }

    /// Shows how far a long job is; the next line on stderr takes its place.
    pub fn progress(&self, text: &str) {
        if !self.quiet && io::stderr().is_terminal() {
            write_to_stderr(&format!("\r{}\x1b[K", harmless(text)));
        }
    }

    /// Takes the last [`Terminal::progress`] off the screen.
    pub fn end_progress(&self) {
        if !self.quiet && io::stderr().is_terminal() {
            write_to_stderr("\r\x1b[K");
        }
    }

    /// Writes lines that are data where stdout holds something else, such as alerts beside raw lines.
    pub fn alert(&self, text: &str) {
        let cleaned = self.redactor.clean(text);
        let line = tint(Tone::Bad, &harmless(&cleaned), self.colors_err);
        write_to_stderr(&format!("{line}\n"));
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
        let cleaned = self.redactor.clean(text);
        let lines: Vec<Cow<'_, str>> = cleaned.lines().map(harmless).collect();
        write_to_stderr(&format!("{}\n", lines.join("\n")));
    }

    /// Asks a person to agree. Only call it when [`Terminal::may_ask`].
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let question = self.redactor.clean(question);
        dialoguer::Confirm::new()
            .with_prompt(harmless(&question))
            .default(false)
            .interact()
            .map_err(io::Error::other)
    }

    fn line(&self, label: &str, tone: Tone, text: &str) {
        let cleaned = self.redactor.clean(text);
        let label = tint(tone, label, self.colors_err);
        write_to_stderr(&format!("{label}{}\n", harmless(&cleaned)));
    }
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

/// Rust opens `/dev/null` for reading and writing in place of a closed stdout, and everything
/// written is lost without an error. A shell's `>/dev/null` opens it for writing alone.
fn stdout_is_closed() -> bool {
    let stdout = rustix::stdio::stdout();
    let Ok(stat) = rustix::fs::fstat(stdout) else {
        return true;
    };
    let is_null_device = rustix::fs::FileType::from_raw_mode(stat.st_mode)
        == rustix::fs::FileType::CharacterDevice
        && (
            rustix::fs::major(stat.st_rdev),
            rustix::fs::minor(stat.st_rdev),
        ) == (1, 3);
    is_null_device
        && rustix::fs::fcntl_getfl(stdout)
            .is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR))
}
