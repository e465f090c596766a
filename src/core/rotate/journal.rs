//! The journal: what a rotation is about to do and has done, a line each, flushed before and after.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::retry_on_intr;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::RotateError;
use super::plan::Plan;
use crate::atomic_file;
use crate::hex;
use crate::order;
use crate::small_file;
use crate::state::StateDir;

/// The folder of journals in the state folder.
const FOLDER: &str = "rotations";
/// The number of a process and its newline, in bytes.
const LARGEST_NUMBER: u64 = 16;
/// A journal is a few kilobytes.
const LARGEST_JOURNAL: u64 = 1 << 20;

/// Something that is about to happen, or has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The provider's API is about to be asked for a key.
    Creating,
    /// It gave one.
    Created {
        /// Its fingerprint.
        new_fingerprint: String,
    },
    /// The new key is proven; the old value is about to be copied, the file about to be replaced.
    Staging,
    /// The old value lies in the backup.
    Staged,
    /// The env file holds the new key.
    Switched {
        /// The gateways that ran then.
        gateways: Vec<ProcessId>,
    },
    /// OpenClaw is about to be restarted.
    Restarting {
        /// The gateways that run before.
        gateways: Vec<ProcessId>,
    },
    /// It was.
    Restarted,
    /// A person says that it was.
    RestartClaimed,
    /// The health endpoint is green, or there is none.
    Healthy,
    /// Nothing that OpenClaw reads holds the old key any more.
    Clear,
    /// The old key is about to be revoked.
    Revoking,
    /// The provider refuses the old key.
    OldDead,
    /// The old value is about to come back.
    RollingBack {
        /// Why.
        reason: String,
        /// The gateways that run before.
        gateways: Vec<ProcessId>,
    },
    /// The old value is back in the file.
    PutBack,
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub start: u64,
}

/// The right to rotate one variable of one file, held for the whole rotation.
#[derive(Debug)]
pub struct Turn {
    folder: PathBuf,
    key: String,
    _lock: File,
}

impl Turn {
    /// Takes it, at once or not at all.
    ///
    /// # Errors
    /// [`RotateError::Busy`] if another process has it.
    pub fn take(state: &StateDir, target: &Path, name: &str) -> Result<Self, RotateError> {
        let folder = state.folder(FOLDER)?;
        let key = key(target, name);
        let path = folder.join(format!("{key}.lock"));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = retry_on_intr(|| rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR))
            .map_err(|errno| problem(&path)(errno.into()))?;
        let operation = FlockOperation::NonBlockingLockExclusive;
        match retry_on_intr(|| rustix::fs::flock(&lock, operation)) {
            Ok(()) => {
                let lock = File::from(lock);
                write_own_number(&lock);
                Ok(Self {
                    folder,
                    key,
                    _lock: lock,
                })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Err(RotateError::Busy {
                name: name.to_owned(),
                holder: holder(&path),
            }),
            Err(errno) => Err(problem(&path)(errno.into())),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.journal", self.key))
    }
}

/// The journal of one rotation.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    events: Vec<Event>,
}

impl Journal {
    /// Begins one.
    ///
    /// # Errors
    /// When it cannot be written, or one exists.
    pub fn begin(turn: &Turn, plan: &Plan, first: Event) -> Result<Self, RotateError> {
        let path = turn.path();
        let mut text = line(plan)?;
        text.push_str(&line(&first)?);
        atomic_file::create_new(&path, text.as_bytes(), 0o600)?;
        let file = open(&path).map_err(problem(&path))?;
        Ok(Self {
            path,
            file,
            events: vec![first],
        })
    }

    /// The unfinished one, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn load(turn: &Turn) -> Result<Option<(Plan, Self)>, RotateError> {
        let path = turn.path();
        let Some((plan, events, whole)) = read(&path)? else {
            return Ok(None);
        };
        let file = open(&path).map_err(problem(&path))?;
        // A line that a crash cut off never happened.
        file.set_len(whole).map_err(problem(&path))?;
        Ok(Some((plan, Self { path, file, events })))
    }

    /// Removes what a crash left beside the journal.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn tidy(turn: &Turn) -> Result<(), RotateError> {
        atomic_file::remove_leftover(&turn.path())?;
        Ok(())
    }

    /// What has happened so far, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The last thing that happened.
    pub fn last(&self) -> &Event {
        self.events.last().unwrap_or(&Event::Staging)
    }

    /// Adds an event and has the disk confirm it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, event: Event) -> Result<(), RotateError> {
        let text = line(&event)?;
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(problem(&self.path))?;
        self.events.push(event);
        Ok(())
    }

    /// The rotation is over.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn end(self) -> Result<(), RotateError> {
        remove(&self.path).map_err(problem(&self.path))
    }
}

/// All unfinished rotations of one env file, or of all; in the order of their beginning.
///
/// # Errors
/// When a journal cannot be read.
pub fn unfinished(
    state: &StateDir,
    target: Option<&Path>,
) -> Result<Vec<(Plan, Vec<Event>)>, RotateError> {
    let folder = state.path().join(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(problem(&folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(problem(&folder))?.path();
        if path.extension().is_some_and(|ending| ending == "journal")
            && let Some((plan, events, _)) = read(&path)?
            && target.is_none_or(|target| target == plan.target)
        {
            found.push((plan, events));
        }
    }
    order::sort_by_key(&mut found, |(plan, _)| plan.started_at);
    Ok(found)
}

/// Removes a file; one that is gone already is as good.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Leaves our process number in the lock for those who find it taken. It is only told to people, so
/// a lock without it is as good.
fn write_own_number(mut lock: &File) {
    let number = std::process::id();
    let _ = lock
        .set_len(0)
        .and_then(|()| lock.write_all(format!("{number}\n").as_bytes()));
}

/// Who has the lock, in words; nothing where it does not say.
fn holder(lock: &Path) -> String {
    let number = small_file::read_text(lock, LARGEST_NUMBER).unwrap_or_default();
    match number.trim().parse::<u32>() {
        Ok(number) => format!(" (process {number})"),
        Err(_) => String::new(),
    }
}

/// A name for one variable of one file.
fn key(target: &Path, name: &str) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut digest = Sha256::new();
    digest.update(target.as_os_str().as_bytes());
    digest.update([0]);
    digest.update(name.as_bytes());
    hex::lower(&digest.finalize()[..12])
}

fn line(record: &impl Serialize) -> Result<String, RotateError> {
    let json =
        serde_json::to_string(record).map_err(|error| problem(Path::new(FOLDER))(error.into()))?;
    Ok(format!("{json}\n"))
}

fn open(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new()
        .append(true)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)
}

/// Plan, events and the length of the whole lines.
fn read(path: &Path) -> Result<Option<(Plan, Vec<Event>, u64)>, RotateError> {
    let text = match small_file::read_text(path, LARGEST_JOURNAL) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(problem(path))?,
    };
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let mut lines = text[..whole].lines();
    let damaged = |error: serde_json::Error| problem(path)(error.into());
    let plan = lines.next().unwrap_or_default();
    let plan = serde_json::from_str(plan).map_err(damaged)?;
    let events = lines
        .map(serde_json::from_str)
        .collect::<Result<Vec<Event>, _>>()
        .map_err(damaged)?;
    Ok(Some((plan, events, whole as u64)))
}

fn problem(path: &Path) -> impl Fn(io::Error) -> RotateError {
    move |source| RotateError::Journal {
        path: path.to_owned(),
        source,
    }
}
