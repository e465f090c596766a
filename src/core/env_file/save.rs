//! Puts an edited env file in the place of the one that was read, one writer at a time.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};

use super::EnvFile;
use crate::atomic_file::{self, AtomicFileError, Expected};
use crate::hex;

/// The pause between two attempts at a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(2);

/// Why an env file is not saved; the old one is whole.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another process holds the lock.
    #[error("{}: another openclaw-sec is changing it; wait for it and try again", .0.display())]
    Locked(PathBuf),
    /// The lock cannot be taken.
    #[error("{}: cannot lock the env file: {source}", .path.display())]
    Lock {
        /// The lock, or the folder of the env file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no place for it.
    #[error("{}: {}", .path.display(), unreachable(.source))]
    Unreachable {
        /// The path as it was given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It came from a pipe or standard input.
    #[error("{}: was not read from a regular file and cannot be written back", .0.display())]
    NotWritable(PathBuf),
    /// The lock belongs to another file than the one that was read.
    #[error("{}: its link was pointed elsewhere meanwhile; run the command again", .0.display())]
    MovedMeanwhile(PathBuf),
    /// Writing failed or was refused.
    #[error(transparent)]
    File(#[from] AtomicFileError),
}

fn unreachable(source: &io::Error) -> String {
    match Errno::from_io_error(source) {
        Some(Errno::LOOP) => "its links lead in a circle; repair them".to_owned(),
        Some(Errno::NOENT | Errno::NOTDIR) => {
            "its folder is not there; create it, or correct the path".to_owned()
        }
        _ => source.to_string(),
    }
}

/// What saving did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// There was no file; it has mode 0600.
    Created,
    /// The file has the new content and everything else as before.
    Replaced,
    /// The content is what lies on the disk already; nothing was written.
    Unchanged,
}

/// The right to change one env file, held from reading to saving and given back on drop. Others
/// that lock first wait; editors that know no lock are noticed by the content.
#[derive(Debug)]
pub struct Lock {
    target: PathBuf,
    _file: File,
}

impl Lock {
    /// Locks the env file behind `path`, which need not exist yet. The lock is a file in `folder`
    /// (created 0700 if missing), so that nothing of ours stays beside the env file.
    ///
    /// # Errors
    /// [`SaveError::Locked`] if another process keeps it for longer than `patience`.
    pub fn acquire(path: &Path, folder: &Path, patience: Duration) -> Result<Self, SaveError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SaveError::Lock { path, source }
        };
        let target = atomic_file::resolve(path).map_err(|source| SaveError::Unreachable {
            path: path.to_owned(),
            source,
        })?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed(folder))?;
        let lock = folder.join(lock_name(&target).map_err(failed(path))?);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = retry_on_intr(|| rustix::fs::open(&lock, flags, Mode::RUSR | Mode::WUSR))
            .map_err(|errno| failed(&lock)(errno.into()))?;
        let started = Instant::now();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    return Ok(Self {
                        target,
                        _file: file.into(),
                    });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) if started.elapsed() < patience => {
                    std::thread::sleep(PAUSE);
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Err(SaveError::Locked(target)),
                Err(errno) => return Err(failed(&lock)(errno.into())),
            }
        }
    }

    /// The file behind all links.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

impl EnvFile {
    /// Puts this content in the place of the file that was read under the lock: owner, mode, ACL,
    /// attributes and links stay, and a crash leaves the old file or the new one. A content that
    /// was read from no path becomes a new file, mode 0600.
    ///
    /// # Errors
    /// [`SaveError`]; a file that somebody changed since it was read is not overwritten.
    pub fn save(&self, lock: &Lock) -> Result<Saved, SaveError> {
        let Some(origin) = &self.origin else {
            atomic_file::create_new(&lock.target, self.bytes(), 0o600)?;
            return Ok(Saved::Created);
        };
        if !origin.is_regular {
            return Err(SaveError::NotWritable(origin.path.clone()));
        }
        if origin.target != lock.target {
            return Err(SaveError::MovedMeanwhile(origin.path.clone()));
        }
        if self.bytes == self.on_disk {
            return Ok(Saved::Unchanged);
        }
        let expected = Expected::Content(self.on_disk.expose());
        atomic_file::replace(&lock.target, self.bytes(), expected)?;
        Ok(Saved::Replaced)
    }
}

/// One name per file: the folder's identity and the file's name, since a rename gives the file
/// itself a new identity.
fn lock_name(target: &Path) -> io::Result<String> {
    let folder = target.parent().unwrap_or(Path::new("/")).metadata()?;
    let mut digest = Sha256::new();
    digest.update(folder.dev().to_be_bytes());
    digest.update(folder.ino().to_be_bytes());
    digest.update(target.file_name().unwrap_or_default().as_bytes());
    let name = hex::lower(&digest.finalize()[..16]);
    Ok(format!("env-{name}.lock"))
}
