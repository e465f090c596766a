//! Reading to the end: files, whatever their compression.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use openclaw_sec::audit::assemble::{Assembler, Part};
use openclaw_sec::audit::backward::{Last, last_lines};
use openclaw_sec::audit::filter::Carry;
use openclaw_sec::audit::reading::Show as _;
use openclaw_sec::audit::seal::shortfall;
use openclaw_sec::audit::siblings::{Compression, plain_reader, siblings};
use openclaw_sec::order;

use super::super::{Context, Failure, interrupt};
use super::input::{give, tell_alerts, wait_for_input};
use super::plan::{Log, Range};
use super::rotated::{first_time, read_siblings};
use super::stdin::read_stdin;
use super::{Ended, Run, Stop};

/// Shorter work needs no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often progress is shown anew.
const STEP: Duration = Duration::from_millis(200);

pub fn read_all(run: &mut Run, context: &mut Context<'_>) -> Result<Ended, Stop> {
    let signals = interrupt::notice().map_err(Failure::output)?;
    let logs = in_turn(run);
    let mut errors = Vec::new();
    let mut done = 0;
    for log in &logs {
        let Some(path) = &log.path else {
            run.shower.begin_file();
            run.reading.begin_file("-");
            if read_stdin(run, context, &signals)? == Ended::BySignal {
                return Ok(Ended::BySignal);
            }
            done += 1;
            continue;
        };
        match open(path) {
            Ok(file) => {
                done += 1;
                if read_log(run, log, path, file, context, &signals)? == Ended::BySignal {
                    return Ok(Ended::BySignal);
                }
            }
            Err(error) => {
                errors.push(format!("{}: {error}", path.display()));
                // Between a rotation and the next line there is no log.
                if siblings(path).is_ok_and(|siblings| !siblings.is_empty())
                    && run.plan.filter.since.is_some()
                {
                    done += 1;
                    if read_siblings(run, log, path, None, 0, context, &signals)? == Ended::BySignal
                    {
                        return Ok(Ended::BySignal);
                    }
                }
            }
        }
    }
    if errors.is_empty() {
        return Ok(Ended::AtTheEnd);
    }
    if done == 0 {
        return Err(Failure::usage(anyhow!("{}", errors.join("; "))).into());
    }
    for error in errors {
        context.terminal.error(&error);
    }
    run.is_incomplete = true;
    Ok(Ended::AtTheEnd)
}

/// The logs as they were named; with detectors the one that begins first comes first, since an attack in
/// one log may end in another, and `audit.log*` names the newest first.
fn in_turn(run: &Run) -> Vec<Log> {
    let logs = run.plan.logs.clone();
    if run.reading.detectors.is_none() || logs.len() < 2 {
        return logs;
    }
    let begins = |log: Log| {
        // Nothing is taken out of a pipe.
        let path = log.path.as_ref().filter(|path| path.is_file())?;
        Some((first_time(path, run)?, log))
    };
    let timed: Option<Vec<_>> = logs.iter().cloned().map(begins).collect();
    let Some(mut timed) = timed else {
        return logs;
    };
    order::sort_by_key(&mut timed, |(time, _)| *time);
    timed.into_iter().map(|(_, log)| log).collect()
}

pub fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = File::from(
        rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())).map_err(
            |errno| match errno {
                rustix::io::Errno::NOENT => {
                    io::Error::other("there is no such file; --follow would wait for it")
                }
                other => other.into(),
            },
        )?,
    );
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("is a folder, not a log"));
    }
    Ok(file)
}

fn read_log(
    run: &mut Run,
    log: &Log,
    path: &Path,
    file: File,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Ended, Stop> {
    let last = match last_shown(run, &file) {
        Ok(last) => last,
        Err(error) => {
            context.terminal.error(&format!("{}: {error}", log.shown));
            run.is_incomplete = true;
            return Ok(Ended::AtTheEnd);
        }
    };
    let found = last.map_or(0, |last| last.found);
    if read_siblings(run, log, path, Some(&file), found, context, signals)? == Ended::BySignal {
        return Ok(Ended::BySignal);
    }
    run.shower.begin_file();
    run.reading.begin_file(&log.shown);
    let start = last.unwrap_or_default();
    match read_plain(run, &log.shown, file, start, context, signals) {
        Ok(ended) => {
            compare_with_seal(run, log, path)?;
            tell_alerts(run, context);
            Ok(ended)
        }
        Err(ReadError::Output(error)) => Err(Stop::Output(error)),
        Err(ReadError::Input(error)) => {
            context.terminal.error(&format!("{}: {error}", log.shown));
            run.is_incomplete = true;
            Ok(Ended::AtTheEnd)
        }
    }
}

/// A log that is shorter than its seal lost something.
pub fn compare_with_seal(run: &mut Run, log: &Log, path: &Path) -> io::Result<()> {
    let Some(detectors) = &mut run.reading.detectors else {
        return Ok(());
    };
    let Some((sealed, now)) = shortfall(path) else {
        return Ok(());
    };
    let why =
        format!("{sealed} bytes were sealed, {now} are there; no rotated file holds the rest");
    let alerts = detectors.truncated(&log.shown, now, &why);
    alerts.iter().try_for_each(|alert| run.shower.alert(alert))
}

/// The last events of a file, if only those are asked for.
fn last_shown(run: &mut Run, file: &File) -> io::Result<Option<Last>> {
    match run.plan.range {
        Range::Last(lines) if file.metadata()?.is_file() => last_in(run, file, lines).map(Some),
        _ => Ok(None),
    }
}

/// The last events of a file that pass the filters, however it is compressed.
pub fn last_in(run: &mut Run, file: &File, lines: usize) -> io::Result<Last> {
    match Compression::of_file(file)? {
        Compression::None => last_events(run, file, lines),
        _ => last_in_stream(run, file.try_clone()?, lines),
    }
}

/// The last events of a plain file that pass the filters.
pub fn last_events(run: &mut Run, file: &File, lines: usize) -> io::Result<Last> {
    let reading = &mut run.reading;
    last_lines(
        file,
        file.metadata()?.len(),
        lines,
        |block, is_first, each| reading.count(block, &mut Carry::default(), is_first, each),
    )
}

/// A compressed file is read twice.
fn last_in_stream(run: &mut Run, file: File, lines: usize) -> io::Result<Last> {
    use std::io::Seek as _;
    let mut again = file.try_clone()?;
    let mut carry = Carry::default();
    let (mut reader, _) = plain_reader(file)?;
    let mut assembler = Assembler::new(0, None, false);
    let mut last = VecDeque::with_capacity(lines.min(1 << 16) + 1);
    let mut end = 0;
    loop {
        // What is damaged is told when it is shown, up to there.
        let count = assembler.read(&mut *reader).unwrap_or(0);
        while let Some(chunk) = if count == 0 {
            assembler.rest()
        } else {
            assembler.chunk()
        } {
            end = chunk.offset + chunk.bytes.len() as u64;
            // The rest of a line that is too long for one chunk is no line of its own.
            if matches!(chunk.part, Part::Middle | Part::End) {
                continue;
            }
            let offset = chunk.offset;
            run.reading.count(chunk.bytes, &mut carry, true, |(at, _)| {
                last.push_back(offset + at as u64);
                if last.len() > lines {
                    last.pop_front();
                }
            });
        }
        if count == 0 {
            break;
        }
    }
    again.rewind()?;
    let start = if lines == 0 {
        end
    } else {
        last.front().copied().unwrap_or(0)
    };
    Ok(Last {
        start,
        context: start,
        found: last.len(),
    })
}

/// Why a file was not read to its end.
pub enum ReadError {
    Input(io::Error),
    Output(io::Error),
}

pub fn read_plain(
    run: &mut Run,
    shown: &str,
    file: File,
    last: Last,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Ended, ReadError> {
    use std::io::Seek as _;
    let metadata = file.metadata().map_err(ReadError::Input)?;
    let mut raw = file.try_clone().map_err(ReadError::Input)?;
    let (mut reader, compression) = plain_reader(file).map_err(ReadError::Input)?;
    // Detectors see what comes before the part that is shown, too.
    let can_seek =
        compression == Compression::None && metadata.is_file() && run.reading.detectors.is_none();
    let start = last.start;
    let begins_at = if can_seek { last.context } else { 0 };
    if begins_at > 0 {
        raw.seek(io::SeekFrom::Start(begins_at))
            .map_err(ReadError::Input)?;
    }
    // Only JSON says which line it was.
    let counts_lines = begins_at == 0 && run.plan.format == super::Format::Json;
    let mut assembler = Assembler::new(
        begins_at,
        counts_lines.then_some(1),
        run.plan.format != super::Format::Raw,
    );
    let mut progress = Progress::new(metadata.len());
    loop {
        if signals.asks_to_end() {
            progress.end(context);
            return Ok(Ended::BySignal);
        }
        if !metadata.is_file() {
            wait_for_input(&raw).map_err(ReadError::Output)?;
        }
        let count = match assembler.read(&mut *reader) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            other => other,
        };
        let count = match count {
            Ok(count) => count,
            Err(error) => {
                // What was decoded before the damage is shown.
                give(run, &mut assembler, shown, start, true).map_err(ReadError::Output)?;
                progress.end(context);
                return Err(ReadError::Input(error));
            }
        };
        give(run, &mut assembler, shown, start, count == 0).map_err(ReadError::Output)?;
        let skipped = assembler.take_skipped();
        if skipped > 0 {
            context.terminal.note(&format!(
                "{shown}: passed over a hole of {skipped} NUL bytes"
            ));
        }
        if !metadata.is_file() {
            run.shower.flush().map_err(ReadError::Output)?;
        }
        tell_alerts(run, context);
        progress.show(&mut raw, context);
        if count == 0 {
            progress.end(context);
            return Ok(Ended::AtTheEnd);
        }
    }
}

/// How far a long read is.
struct Progress {
    total: u64,
    started: Instant,
    shown: Option<Instant>,
}

impl Progress {
    fn new(total: u64) -> Self {
        Self {
            total,
            started: Instant::now(),
            shown: None,
        }
    }

    fn show(&mut self, file: &mut File, context: &mut Context<'_>) {
        use std::io::Seek as _;
        let elapsed = self.started.elapsed();
        if elapsed < PATIENCE
            || self.total == 0
            || self.shown.is_some_and(|shown| shown.elapsed() < STEP)
        {
            return;
        }
        self.shown = Some(Instant::now());
        let done = file.stream_position().unwrap_or(0);
        let share = done as f64 / self.total as f64;
        let rate = done as f64 / elapsed.as_secs_f64();
        let left = if rate > 0.0 {
            self.total.saturating_sub(done) as f64 / rate
        } else {
            0.0
        };
        context.terminal.show_progress(&format!(
            "{} of {} MB ({:.0} %), {:.0} MB/s, {left:.0} s left",
            done >> 20,
            self.total >> 20,
            share * 100.0,
            rate / 1e6,
        ));
    }

    fn end(&mut self, context: &mut Context<'_>) {
        if self.shown.take().is_some() {
            context.terminal.end_progress();
        }
    }
}
