//! The new content on its way: a file beside the target that exists from creation to rename only.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::{AtomicFileError, failed, failed_errno, folder_of, rename_without_replacing};

/// What the name of every staged file ends in. It is no ending that anything reads by pattern.
const ENDING: &[u8] = b".openclaw-sec.tmp";

/// How long another writer of the same file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two looks at another writer.
const PAUSE: Duration = Duration::from_millis(2);

/// A staged file. Dropped before it got its name, it is removed.
///
/// Its name follows from the target's, so that a later run finds what a killed one left. A living
/// writer holds a lock on it: unlocked means left behind.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    staged: PathBuf,
    file: File,
    is_renamed: bool,
}

impl Staging {
    pub(super) fn create(target: &Path, mode: Mode) -> Result<Self, AtomicFileError> {
        let staged = staged_name(target);
        let started = Instant::now();
        loop {
            if let Some(file) = try_create(&staged, mode)
                .map_err(failed_errno(target, "create a file beside it"))?
            {
                return Ok(Self {
                    target: target.to_owned(),
                    staged,
                    file,
                    is_renamed: false,
                });
            }
            if !remove_leftover(target)? {
                if started.elapsed() > PATIENCE {
                    return Err(AtomicFileError::Busy(target.to_owned()));
                }
                std::thread::sleep(PAUSE);
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), AtomicFileError> {
        self.file
            .write_all(bytes)
            .map_err(failed(&self.target, "write the new content beside it"))
    }

    pub(super) fn flush(&self) -> Result<(), AtomicFileError> {
        self.file
            .sync_all()
            .map_err(failed(&self.target, "flush the new content to the disk"))
    }

    pub(super) fn rename_over(mut self) -> Result<(), AtomicFileError> {
        rustix::fs::rename(&self.staged, &self.target).map_err(|errno| match errno {
            Errno::BUSY | Errno::XDEV => AtomicFileError::MountedAlone(self.target.clone()),
            _ => failed_errno(&self.target, "put the new content in its place")(errno),
        })?;
        self.is_renamed = true;
        flush_folder(&self.target)
    }

    pub(super) fn rename_to_new(mut self) -> Result<(), AtomicFileError> {
        rename_without_replacing(&self.staged, &self.target).map_err(|errno| match errno {
            Errno::EXIST => AtomicFileError::AlreadyExists(self.target.clone()),
            _ => failed_errno(&self.target, "give the new file its name")(errno),
        })?;
        self.is_renamed = true;
        flush_folder(&self.target)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_renamed {
            // Nothing better can be done about a failure here; the next writer tries again.
            let _ = rustix::fs::unlink(&self.staged);
        }
    }
}

/// Removes the staged file of a writer that is gone; false if there is none or it is at work.
pub(super) fn remove_leftover(target: &Path) -> Result<bool, AtomicFileError> {
    let staged = staged_name(target);
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match retry_on_intr(|| rustix::fs::open(&staged, flags, Mode::empty())) {
        Err(Errno::NOENT) => return Ok(false),
        // Whatever cannot be opened is no staged file of a writer that we could meet.
        Err(_) => {}
        Ok(file) => {
            if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
                == Err(Errno::WOULDBLOCK)
            {
                return Ok(false);
            }
            if !has_name(&file, &staged) {
                return Ok(false);
            }
            return unlink(&staged, target);
        }
    }
    unlink(&staged, target)
}

fn unlink(staged: &Path, target: &Path) -> Result<bool, AtomicFileError> {
    match rustix::fs::unlink(staged) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(failed_errno(
            target,
            "remove what an earlier run left beside it",
        )(errno)),
    }
}

/// A new file that nobody else has, or `None` when the name is taken.
fn try_create(staged: &Path, mode: Mode) -> Result<Option<File>, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match retry_on_intr(|| rustix::fs::open(staged, flags, mode)) {
        Err(Errno::EXIST) => return Ok(None),
        file => file?,
    };
    // Between creation and lock a cleaner may have taken the file for a leftover.
    let is_locked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        != Err(Errno::WOULDBLOCK);
    Ok((is_locked && has_name(&file, staged)).then(|| file.into()))
}

/// Whether this open file is still the one that goes by the name.
fn has_name(file: &impl AsFd, staged: &Path) -> bool {
    match (rustix::fs::fstat(file), rustix::fs::lstat(staged)) {
        (Ok(open), Ok(named)) => (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino),
        _ => false,
    }
}

/// `.env` → `.env.openclaw-sec.tmp`, `prod.env` → `.prod.env.openclaw-sec.tmp`: hidden, no longer
/// than a name may be.
fn staged_name(target: &Path) -> PathBuf {
    const LONGEST: usize = 255;
    let name = target.file_name().unwrap_or_default().as_bytes();
    let mut staged = Vec::with_capacity(LONGEST);
    if !name.starts_with(b".") {
        staged.push(b'.');
    }
    staged.extend_from_slice(name);
    staged.truncate(LONGEST - ENDING.len());
    staged.extend_from_slice(ENDING);
    folder_of(target).join(OsString::from_vec(staged))
}

fn flush_folder(target: &Path) -> Result<(), AtomicFileError> {
    match File::open(folder_of(target)).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot flush a folder and need not.
        Err(error) if error.raw_os_error() != Some(Errno::INVAL.raw_os_error()) => {
            Err(AtomicFileError::NotFlushed {
                path: target.to_owned(),
                source: error,
            })
        }
        _ => Ok(()),
    }
}
