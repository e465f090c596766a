//! The rotated files beside a log, as far as `--since` reaches into them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use openclaw_sec::audit::backward::Last;
use openclaw_sec::audit::recognise::{Recogniser, Wanted};
use openclaw_sec::audit::siblings::{plain_reader, siblings};
use openclaw_sec::order;

use super::super::{Context, interrupt};
use super::batch::{ReadError, last_in, open, read_plain};
use super::plan::{Log, Range};
use super::{Ended, Run, Stop};

/// How much of a file is searched for its first time, in bytes.
const BEGINNING: u64 = 256 << 10;

/// Shows what `--since` reaches of a log's rotated siblings, oldest first, but not `current`, which
/// may be rotated just now and holds `found` of the last events that were asked for.
pub fn read_siblings(
    run: &mut Run,
    log: &Log,
    path: &Path,
    current: Option<&File>,
    found: usize,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Ended, Stop> {
    if run.plan.filter.since.is_none() || !reaches_back(run, found) {
        return Ok(Ended::AtTheEnd);
    }
    let mut siblings = in_order_of_time(path, run).unwrap_or_else(|error| {
        context.terminal.error(&format!(
            "{shown}: the rotated files beside it cannot be listed: {error}",
            shown = log.shown
        ));
        run.is_incomplete = true;
        Vec::new()
    });
    // `audit.log*` names them, too: each has its own turn.
    let named = run.plan.logs.iter().filter_map(|log| log.path.as_ref());
    let named: Vec<_> = named.filter_map(|path| identity(path.metadata())).collect();
    siblings.retain(|sibling| {
        identity(sibling.metadata()).is_none_or(|sibling| !named.contains(&sibling))
    });
    for (sibling, start) in with_starts(run, siblings, current, found) {
        run.shower.begin_file();
        run.reading.begin_file(&log.shown);
        let shown = sibling.to_string_lossy().into_owned();
        let read = match open(&sibling) {
            Ok(file) if current.is_some_and(|current| is_same_file(current, &file)) => continue,
            Ok(file) => read_plain(run, &shown, file, start, context, signals),
            Err(error) => Err(ReadError::Input(error)),
        };
        match read {
            Ok(Ended::AtTheEnd) => {}
            Ok(ended) => return Ok(ended),
            Err(ReadError::Output(error)) => return Err(Stop::Output(error)),
            Err(ReadError::Input(error)) => {
                context.terminal.error(&format!(
                    "{shown}: {error}; what is left of it cannot be shown"
                ));
                run.is_incomplete = true;
            }
        }
    }
    Ok(Ended::AtTheEnd)
}

fn is_same_file(one: &File, other: &File) -> bool {
    identity(one.metadata()).is_some_and(|it| Some(it) == identity(other.metadata()))
}

fn identity(metadata: io::Result<std::fs::Metadata>) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    metadata.ok().map(|it| (it.dev(), it.ino()))
}

/// Whether more is asked for than the `found` events of the current file.
fn reaches_back(run: &Run, found: usize) -> bool {
    match run.plan.range {
        Range::Last(lines) => found < lines || run.reading.detectors.is_some(),
        Range::All => false,
        Range::WithSiblings => true,
    }
}

/// Where to begin in each sibling, so that together they hold the last events that are missing.
fn with_starts(
    run: &mut Run,
    siblings: Vec<PathBuf>,
    current: Option<&File>,
    mut found: usize,
) -> Vec<(PathBuf, Last)> {
    let mut read = Vec::new();
    for sibling in siblings.into_iter().rev() {
        if !reaches_back(run, found) {
            break;
        }
        let last = match (run.plan.range, open(&sibling)) {
            (Range::Last(_), Ok(file)) if current.is_some_and(|it| is_same_file(it, &file)) => None,
            (Range::Last(lines), Ok(file)) => last_in(run, &file, lines - found.min(lines)).ok(),
            _ => None,
        };
        // What cannot be counted is shown from its start, as far as it can be read.
        let last = last.unwrap_or_default();
        found += last.found;
        read.push((sibling, last));
    }
    read.reverse();
    read
}

/// The siblings of a log, oldest first by the time of their first event.
///
/// # Errors
/// When they cannot be listed.
fn in_order_of_time(path: &Path, run: &Run) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<(Option<jiff::Timestamp>, std::time::SystemTime, PathBuf)> = siblings(path)?
        .into_iter()
        .map(|sibling| {
            let modified = sibling
                .metadata()
                .and_then(|metadata| metadata.modified())
                .unwrap_or(std::time::UNIX_EPOCH);
            (first_time(&sibling, run), modified, sibling)
        })
        .collect();
    order::sort_by(&mut found, |a, b| match (a.0, b.0) {
        (Some(first), Some(second)) => first.cmp(&second).then(a.1.cmp(&b.1)),
        _ => a.1.cmp(&b.1),
    });
    Ok(found.into_iter().map(|(_, _, path)| path).collect())
}

/// The time of a file's first event that has one.
pub fn first_time(path: &Path, run: &Run) -> Option<jiff::Timestamp> {
    let (reader, _) = plain_reader(open(path).ok()?).ok()?;
    let mut bytes = Vec::new();
    // A damaged file still has a beginning.
    let _ = reader.take(BEGINNING).read_to_end(&mut bytes);
    let mut recogniser = Recogniser::new(run.plan.times.clone(), run.plan.proxies.clone());
    bytes
        .split(|byte| *byte == b'\n')
        .take(100)
        .find_map(|line| {
            recogniser
                .read(&String::from_utf8_lossy(line), Wanted::TIME)
                .time
        })
}
