//! What every way of reading does: waits for input, gives it out, and tells alerts.

use std::fs::File;
use std::io;
use std::time::Duration;

use openclaw_sec::audit::assemble::{Assembler, Chunk};

use super::super::Context;
use super::Run;

/// Gives out what is complete, and at the end the rest.
pub fn give(
    run: &mut Run,
    assembler: &mut Assembler,
    shown: &str,
    start: u64,
    is_end: bool,
) -> io::Result<()> {
    while let Some(chunk) = assembler.chunk() {
        take(run, &chunk, shown, start)?;
    }
    if is_end && let Some(chunk) = assembler.rest() {
        take(run, &chunk, shown, start)?;
    }
    Ok(())
}

fn take(run: &mut Run, chunk: &Chunk<'_>, shown: &str, start: u64) -> io::Result<()> {
    if run.reading.is_transparent() && run.shower.takes_raw_bytes() && chunk.offset >= start {
        let newlines = memchr::memchr_iter(b'\n', chunk.bytes).count();
        run.shower.count_lines(newlines as u64);
        return run.shower.write(chunk.bytes);
    }
    run.reading.take(chunk, shown, start, &mut run.shower)
}

/// Says what has come up, between the events.
pub fn tell_alerts(run: &mut Run, context: &mut Context<'_>) {
    let alerts = run.shower.take_pending_alerts();
    if !alerts.is_empty() {
        run.has_lost_alerts |= context.terminal.alerts(&alerts).is_err();
    }
    if let Some(trouble) = run.shower.trouble() {
        context.terminal.error(&trouble);
    }
}

/// Waits a moment for input, and notices when the reader of stdout goes away.
pub fn wait_for_input(input: &File) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags};
    let stdout = crate::terminal::stdout();
    let mut watched = [
        PollFd::new(input, PollFlags::IN),
        PollFd::from_borrowed_fd(stdout, PollFlags::empty()),
    ];
    let _ = rustix::event::poll(&mut watched, Some(&timespec(Duration::from_millis(250))));
    if watched[1]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP)
    {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Whether there is something to read, or the end, within `patience`.
pub fn is_readable(input: &File, patience: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags};
    let mut watched = [PollFd::new(input, PollFlags::IN)];
    rustix::event::poll(&mut watched, Some(&timespec(patience))).is_ok_and(|ready| ready > 0)
}

/// A span for the system.
pub fn timespec(span: Duration) -> rustix::event::Timespec {
    rustix::event::Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(span.subsec_nanos()),
    }
}
