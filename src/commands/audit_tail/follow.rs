//! Following: what is there first, then every line as it is written.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use openclaw_sec::audit::backward::{Last, last_lines, read_fully};
use openclaw_sec::audit::follow::watch::Watch;
use openclaw_sec::audit::follow::{Follower, Looked, Notice};
use openclaw_sec::audit::reading::Show as _;

use super::super::{Context, Failure, interrupt};
use super::plan::{Log, Range};
use super::{Ended, Run, Stop, batch, input, rotated};

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
        batch::compare_with_seal(run, &log, &path)?;
        followers.push((log, follower));
    }
    let mut armed = Armed::default();
    loop {
        armed.renew(&mut watch, &followers, context);
        watch.clear();
        run.reading.set_now(context.world.now());
        let mut notices = Vec::new();
        let mut has_more = false;
        for (log, follower) in &mut followers {
            run.reading.begin_file_again(&log.shown);
            let looked = look(run, log, follower)?;
            has_more |= looked.has_more;
            let told = looked.notices.into_iter();
            notices.extend(told.map(|notice| (log.shown.clone(), notice)));
        }
        for (shown, notice) in notices {
            say(run, &shown, &notice, context)?;
        }
        run.shower.flush()?;
        input::tell_alerts(run, context);
        if signals.asks_to_end() {
            for (log, follower) in &mut followers {
                let (reading, shower) = (&mut run.reading, &mut run.shower);
                follower.end(&mut |chunk, _| reading.take(chunk, &log.shown, 0, shower))?;
            }
            return Ok(Ended::BySignal);
        }
        // What was written to a file before it was watched would not wake us.
        has_more |= armed.is_outdated(&followers);
        wait(&watch, if has_more { Duration::ZERO } else { LOOK_EVERY })?;
    }
}

/// What is watched, and since when.
#[derive(Default)]
struct Armed {
    at: Option<Instant>,
    files: Vec<RawFd>,
    told_of_trouble: bool,
}

impl Armed {
    fn is_outdated(&self, followers: &[(Log, Follower)]) -> bool {
        !open_files(followers)
            .map(AsRawFd::as_raw_fd)
            .eq(self.files.iter().copied())
    }

    fn renew(
        &mut self,
        watch: &mut Watch,
        followers: &[(Log, Follower)],
        context: &mut Context<'_>,
    ) {
        let is_recent = self.at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        if is_recent && !self.is_outdated(followers) {
            return;
        }
        let paths = followers.iter().map(|(_, follower)| follower.path());
        watch.arm(paths, open_files(followers));
        self.at = Some(Instant::now());
        self.files = open_files(followers).map(AsRawFd::as_raw_fd).collect();
        if let Some(trouble) = watch.trouble.as_ref().filter(|_| !self.told_of_trouble) {
            self.told_of_trouble = true;
            context.terminal.note(&format!(
                "the kernel does not tell of all changes ({trouble}): looking every 250 ms, too"
            ));
        }
    }
}

fn open_files(followers: &[(Log, Follower)]) -> impl Iterator<Item = &File> {
    followers
        .iter()
        .flat_map(|(_, follower)| follower.open_files())
}

fn look(run: &mut Run, log: &Log, follower: &mut Follower) -> Result<Looked, Stop> {
    let (reading, shower) = (&mut run.reading, &mut run.shower);
    let own = follower.path().to_path_buf();
    let is_dated = log.path.as_deref() != Some(own.as_path());
    let looked = follower.look(Instant::now(), &mut |chunk, path| {
        let name;
        let shown = if path == own && !is_dated {
            &log.shown
        } else {
            name = path.to_string_lossy();
            &*name
        };
        reading.take(chunk, shown, 0, shower)
    })?;
    Ok(looked)
}

/// Shows what is there and opens the file where following begins.
fn begin(
    run: &mut Run,
    log: &Log,
    path: &Path,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Follower, Stop> {
    // Before rotated files are read: what is rotated meanwhile is followed, not shown twice.
    let (mut follower, opened) = Follower::start(path);
    let last = match (run.plan.range, &opened) {
        (Range::Last(lines), Some(file)) => start(run, file, lines).unwrap_or_default(),
        _ => Last::default(),
    };
    rotated::read_siblings(
        run,
        log,
        path,
        opened.as_ref(),
        last.found,
        context,
        signals,
    )?;
    run.shower.begin_file();
    run.reading.begin_file(&log.shown);
    let Some(file) = opened else {
        return Ok(follower);
    };
    let start = last.start;
    let before = usize::try_from(start - last.context).unwrap_or(0);
    let mut deciding = vec![0; before];
    let read = read_fully(&file, &mut deciding, last.context).unwrap_or(0);
    run.reading.prime(&deciding[..read]);
    follower
        .begin(file, start, (start == 0).then_some(1))
        .map_err(Failure::output)?;
    Ok(follower)
}

fn start(run: &mut Run, file: &File, lines: usize) -> std::io::Result<Last> {
    let length = file.metadata()?.len();
    if lines > 0 {
        return batch::last_events(run, file, lines);
    }
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last == [b'\n'] {
        return Ok(Last {
            start: length,
            context: length,
            found: 0,
        });
    }
    // The last line is still being written: it is new once it is complete.
    last_lines(file, length, 1, |block, _, each| {
        let newline = memchr::memrchr(b'\n', block).map_or(0, |newline| newline + 1);
        each((newline, newline));
        0
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
        Notice::Damaged(path, why) => terminal.error(&format!(
            "{}: {why}; what is left of it cannot be shown",
            path.display()
        )),
        Notice::NextDate(path) => terminal.note(&format!("the log goes on in {}", path.display())),
        Notice::Vanished(path, offset) => {
            terminal.warn(&format!(
                "{}: {offset} bytes vanished; no rotated file holds them",
                path.display()
            ));
            if let Some(detectors) = &mut run.reading.detectors {
                let why = format!("{offset} bytes vanished; no rotated file holds them");
                for alert in detectors.truncated(shown, *offset, &why) {
                    run.shower.alert(alert)?;
                }
            }
        }
    }
    Ok(())
}

/// Waits until something happens, and notices when the reader of stdout goes away.
fn wait(watch: &Watch, at_most: Duration) -> Result<(), Stop> {
    use rustix::event::{PollFd, PollFlags};
    let stdout = crate::terminal::stdout();
    let mut watched = vec![PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    if let Some(descriptor) = watch.descriptor() {
        watched.push(PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
    }
    let _ = rustix::event::poll(&mut watched, Some(&input::timespec(at_most)));
    if watched[0]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP)
    {
        return Err(Stop::Output(std::io::ErrorKind::BrokenPipe.into()));
    }
    Ok(())
}
