//! The old value beside the env file, 0600, until it is not needed any more.

use std::path::Path;

use super::RotateError;
use super::journal::remove;
use crate::atomic_file::{self, AtomicFileError};
use crate::env_file::EnvFile;
pub use crate::env_file::backup_path as path;
use crate::secret::Secret;
use crate::small_file;

/// A larger file is no backup of ours, in bytes.
const LARGEST: u64 = 1 << 20;

/// Whether nothing lies where the backup goes.
///
/// # Errors
/// [`RotateError::BackupExists`], whatever it is.
pub fn is_free(target: &Path, name: &str) -> Result<(), RotateError> {
    let path = path(target, name);
    match path.symlink_metadata() {
        Ok(_) => Err(RotateError::BackupExists(path)),
        Err(_) => Ok(()),
    }
}

/// Writes the old value as it stands in the file, with its quotes.
///
/// # Errors
/// When it cannot be written; [`RotateError::BackupExists`] when something lies there.
pub fn write(target: &Path, name: &str, written: &Secret) -> Result<(), RotateError> {
    let path = path(target, name);
    match atomic_file::create_new(&path, written.expose(), 0o600) {
        Err(AtomicFileError::AlreadyExists(_)) => Err(RotateError::BackupExists(path)),
        written => Ok(written.map(|_| ())?),
    }
}

/// The old value as it was written; none if there is no backup.
///
/// # Errors
/// When it cannot be read.
pub fn read(target: &Path, name: &str) -> Result<Option<Secret>, RotateError> {
    let path = path(target, name);
    match small_file::read(&path, LARGEST) {
        Ok(bytes) => Ok(Some(Secret::new(bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RotateError::Backup { path, source }),
    }
}

/// What Node would make of a value as it was written.
pub fn value(written: &Secret) -> Option<Secret> {
    let mut line = zeroize::Zeroizing::new(b"K=".to_vec());
    line.extend_from_slice(written.expose());
    line.push(b'\n');
    let file = EnvFile::parse(std::mem::take(&mut *line));
    Some(file.get("K")?.value.clone())
}

/// Removes what a crash left of it.
///
/// # Errors
/// When it cannot be removed.
pub fn tidy(target: &Path, name: &str) -> Result<(), RotateError> {
    atomic_file::remove_leftover(&path(target, name))?;
    Ok(())
}

/// Removes it, and what a crash left of it.
///
/// # Errors
/// When it cannot be removed.
pub fn discard(target: &Path, name: &str) -> Result<(), RotateError> {
    tidy(target, name)?;
    let path = path(target, name);
    remove(&path).map_err(|source| RotateError::Backup { path, source })
}
