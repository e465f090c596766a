//! Following: what is there first, then every line as it is written.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use openclaw_sec::audit::backward::start_of_last;
use openclaw_sec::audit::follow::watch::Watch;
use openclaw_sec::audit::follow::{Follower, Notice};
use openclaw_sec::audit::reading::Show as _;

use super::super::{Context, Failure, interrupt};
use super::plan::{Log, Range};
use super::{Ended, Run, Stop, batch};

/// The backstop where the kernel does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub fn follow(run: &mut Run, context: &mut Context<'_>) -> Result<Ended, Stop> {
    let signals = interrupt::notice().map_err(Failure::output)?;
    let mut watch = Watch::new();
    let mut followers = Vec::new();
    for log in run.plan.logs.clone() {
        let Some(path) = log.path.clone() else {
            continue;
        };
        let follower = begin(run, &log, &path, context, &signals)?;
        followers.push((log, follower));
    }
    let mut armed_at: Option<Instant> = None;
    let mut was_told_of_polling = false;
    loop {
        if armed_at.is_none_or(|armed| armed.elapsed() >= LOOK_EVERY) {
            watch.arm(followers.iter().map(|(_, follower)| follower.path()));
            armed_at = Some(Instant::now());
            if let Some(trouble) = watch.trouble.as_ref().filter(|_| !was_told_of_polling) {
                was_told_of_polling = true;
                context.terminal.note(&format!(
                    "the kernel does not tell of changes ({trouble}): looking every 250 ms instead"
                ));
            }
        }
        watch.clear();
        run.reading.set_now(context.world.now());
        let mut notices = Vec::new();
        for (log, follower) in &mut followers {
            run.reading.begin_file_again(&log.shown);
            let told = poll(run, log, follower)?;
            notices.extend(told.into_iter().map(|notice| (log.shown.clone(), notice)));
        }
        for (shown, notice) in notices {
            say(run, &shown, &notice, context)?;
        }
        run.shower.flush()?;
        batch::tell_alerts(run, context);
        if signals.asks_to_end() {
            for (log, follower) in &mut followers {
                let (reading, shower) = (&mut run.reading, &mut run.shower);
                follower.end(&mut |chunk, _| reading.take(chunk, &log.shown, 0, shower))?;
            }
            return Ok(Ended::BySignal);
        }
        wait(&watch)?;
    }
}

fn poll(run: &mut Run, log: &Log, follower: &mut Follower) -> Result<Vec<Notice>, Stop> {
    let (reading, shower) = (&mut run.reading, &mut run.shower);
    let own = follower.path().to_path_buf();
    let is_dated = log.path.as_deref() != Some(own.as_path());
    let notices = follower.poll(Instant::now(), &mut |chunk, path| {
        let name;
        let shown = if path == own && !is_dated {
            &log.shown
        } else {
            name = path.to_string_lossy();
            &*name
        };
        reading.take(chunk, shown, 0, shower)
    })?;
    Ok(notices)
}

/// Shows what is there and opens the file where following begins.
fn begin(
    run: &mut Run,
    log: &Log,
    path: &Path,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Follower, Stop> {
    if run.plan.range == Range::WithSiblings {
        batch::read_siblings(run, log, path, context, signals)?;
    }
    run.reading.begin_file(&log.shown);
    let mut follower = Follower::new(path);
    let Some(file) = batch::open(path)
        .ok()
        .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))
    else {
        return Ok(follower);
    };
    let start = match run.plan.range {
        Range::Last(lines) => start(run, &file, lines).unwrap_or(0),
        _ => 0,
    };
    follower
        .begin(file, start, (start == 0).then_some(1))
        .map_err(Failure::output)?;
    Ok(follower)
}

fn start(run: &mut Run, file: &File, lines: usize) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    if lines > 0 {
        let reading = &mut run.reading;
        return start_of_last(file, length, lines, |block, each| {
            reading.count(block, each)
        });
    }
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last == [b'\n'] {
        return Ok(length);
    }
    // The last line is still being written: it is new once it is complete.
    start_of_last(file, length, 1, |block, each| {
        let mut at = 0;
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            each(at);
            at += line.len();
        }
    })
}

fn say(run: &mut Run, shown: &str, notice: &Notice, context: &mut Context<'_>) -> Result<(), Stop> {
    let terminal = &*context.terminal;
    match notice {
        Notice::Waiting(path) => {
            terminal.note(&format!("{}: not there, waiting for it", path.display()))
        }
        Notice::CannotOpen(path, why) => terminal.note(&format!(
            "{}: cannot be opened, trying again: {why}",
            path.display()
        )),
        Notice::NotRegular(path) => terminal.note(&format!(
            "{}: is no regular file, waiting for one",
            path.display()
        )),
        Notice::Truncated(path) => terminal.note(&format!(
            "{}: was truncated, reading from its beginning",
            path.display()
        )),
        Notice::Replaced(path) => terminal.note(&format!(
            "{}: was rotated, reading the new file",
            path.display()
        )),
        Notice::Hole(path, bytes) => terminal.note(&format!(
            "{}: passed over a hole of {bytes} NUL bytes",
            path.display()
        )),
        Notice::NextDate(path) => terminal.note(&format!("the log goes on in {}", path.display())),
        Notice::Vanished(path, offset) => {
            terminal.warn(&format!(
                "{}: {offset} bytes vanished; no rotated file holds them",
                path.display()
            ));
            if let Some(detectors) = &mut run.reading.detectors {
                let alerts: Vec<_> = detectors
                    .truncated(
                        shown,
                        *offset,
                        &format!("{offset} bytes vanished; no rotated file holds them"),
                    )
                    .collect();
                for alert in alerts {
                    run.shower.alert(&alert)?;
                }
            }
        }
    }
    Ok(())
}

/// Waits until something happens, and notices when the reader of stdout goes away.
fn wait(watch: &Watch) -> Result<(), Stop> {
    use rustix::event::{PollFd, PollFlags};
    let stdout = crate::terminal::stdout();
    let mut watched = vec![PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    if let Some(descriptor) = watch.descriptor() {
        watched.push(PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
    }
    let _ = rustix::event::poll(&mut watched, Some(&batch::timespec(LOOK_EVERY)));
    if watched[0]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP)
    {
        return Err(Stop::Output(std::io::ErrorKind::BrokenPipe.into()));
    }
    Ok(())
}
