//! Files that are old or new at every instant: replaced by a rename, or created and never overwritten.

mod attributes;
mod staging;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};
use zeroize::Zeroizing;

use staging::Staging;

/// Why a file was not written. Unless it says otherwise the old file is whole and nothing is left
/// beside it.
#[derive(Debug, thiserror::Error)]
pub enum AtomicFileError {
    /// A new file was asked for and something has its name.
    #[error("{}: exists already; remove it or choose another name", .0.display())]
    AlreadyExists(PathBuf),
    /// The file has several names and a rename would split them.
    #[error("{}: has {links} hard links, which a safe replacement would split; copy it to a file of its own", .path.display())]
    HardLinked {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// The file is a mount point of its own.
    #[error("{}: is mounted as a single file and cannot be replaced; mount its folder instead", .0.display())]
    MountedAlone(PathBuf),
    /// Somebody else changed the file since it was read.
    #[error("{}: was changed by someone else meanwhile and is left as it is; run the command again", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// Not a regular file.
    #[error("{}: is no regular file", .0.display())]
    NotRegular(PathBuf),
    /// A named pipe that nobody reads.
    #[error("{}: is a pipe that nothing reads; start the reader first", .0.display())]
    NoReader(PathBuf),
    /// Another process is writing the same file.
    #[error("{}: another process has been writing it for 5 s; wait for it and try again", .0.display())]
    Busy(PathBuf),
    /// Owner, group or an extended attribute cannot be given to the new file.
    #[error("{}: its {attribute} cannot be kept: {source}; run as its owner or as root", .path.display())]
    AttributeLost {
        /// The file.
        path: PathBuf,
        /// Which one, as the system names it.
        attribute: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The **new** content is in place, but the system does not confirm that it would survive a
    /// power cut.
    #[error("{}: is written, but the disk does not confirm it: {source}", .path.display())]
    NotFlushed {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Anything else that the system reports: disk full, read-only, permission denied, …
    #[error("{}: cannot {action}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

/// What the file must hold for a replacement to happen.
#[derive(Debug, Clone, Copy)]
pub enum Expected<'a> {
    /// Whatever it holds is replaced.
    Anything,
    /// Exactly these bytes, looked at again just before the rename.
    Content(&'a [u8]),
}

/// Replaces the content of an existing regular file (behind all links), keeping owner, group,
/// mode, ACL, SELinux label and all other extended attributes. Readers see the old or the new
/// content, also after a crash at any instant.
///
/// # Errors
/// See [`AtomicFileError`]; several hard links and a file that is a mount point are refused.
pub fn replace(path: &Path, bytes: &[u8], expected: Expected<'_>) -> Result<(), AtomicFileError> {
    replace_with_mode(path, bytes, expected, None)
}

fn replace_with_mode(
    path: &Path,
    bytes: &[u8],
    expected: Expected<'_>,
    mode: Option<u32>,
) -> Result<(), AtomicFileError> {
    let target = path.canonicalize().map_err(failed(path, "find the file"))?;
    let old = open_regular(&target)?;
    let links = old
        .metadata()
        .map_err(failed(path, "look at the file"))?
        .nlink();
    if links > 1 {
        return Err(AtomicFileError::HardLinked {
            path: target,
            links,
        });
    }
    let mut staging = Staging::create(&target, Mode::RUSR | Mode::WUSR)?;
    staging.write(bytes)?;
    attributes::copy(&old, staging.file(), &target)?;
    set_mode(&staging, path, mode)?;
    staging.flush()?;
    if let Expected::Content(content) = expected
        && !holds(&target, content)?
    {
        return Err(AtomicFileError::ChangedMeanwhile(target));
    }
    staging.rename_over()
}

/// Creates a file with exactly these permission bits, whatever the umask; never overwrites.
///
/// # Errors
/// [`AtomicFileError::AlreadyExists`] if anything has that name, a broken link included.
pub fn create_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AtomicFileError> {
    if path.symlink_metadata().is_ok() {
        return Err(AtomicFileError::AlreadyExists(path.to_owned()));
    }
    let mut staging = Staging::create(path, Mode::RUSR | Mode::WUSR)?;
    staging.write(bytes)?;
    set_mode(&staging, path, Some(mode))?;
    staging.flush()?;
    staging.rename_to_new()
}

/// Names of what some process has open already. A rename would miss it.
const OPEN_DESCRIPTORS: &[&str] = &["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];

/// Writes a report: a regular file is replaced and a missing one created, both at once; devices,
/// pipes and open descriptors such as `/dev/stdout` are written directly. `mode` is what a regular
/// file gets in any case; without one it keeps its own, and a new one is as the umask says.
///
/// # Errors
/// See [`AtomicFileError`]; a full device counts as a failed write.
pub fn write_output(path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<(), AtomicFileError> {
    let is_direct = OPEN_DESCRIPTORS.iter().any(|place| path.starts_with(place));
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() || is_direct => {
            write_directly(path, bytes, OFlags::empty())
        }
        Ok(_) => replace_with_mode(path, bytes, Expected::Anything, mode),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let target = resolve(path).map_err(failed(path, "find the folder"))?;
            let mut staging = Staging::create(&target, Mode::from_raw_mode(0o666))?;
            staging.write(bytes)?;
            set_mode(&staging, path, mode)?;
            staging.flush()?;
            staging.rename_over()
        }
        Err(error) => Err(failed(path, "look at the file")(error)),
    }
}

/// Adds to the end of a file, which is created where it is missing; what stands there stays.
///
/// # Errors
/// See [`AtomicFileError`].
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), AtomicFileError> {
    write_directly(path, bytes, OFlags::CREATE)
}

/// Removes what a killed [`replace`] or [`create_new`] of this file left beside it; true if there
/// was something. A file that another process is writing at the moment is left alone.
///
/// # Errors
/// [`AtomicFileError::Io`] if it is there and cannot be removed.
pub fn remove_leftover(path: &Path) -> Result<bool, AtomicFileError> {
    let target = resolve(path).map_err(failed(path, "find the file"))?;
    staging::remove_leftover(&target)
}

/// The path without links, also for a file that does not exist yet: the last link's target then.
///
/// # Errors
/// The system's, for a missing folder or links that lead in a circle.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    /// As many links as the kernel follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        match path.read_link() {
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => {
                let name = path.file_name().ok_or(io::ErrorKind::NotFound)?;
                return Ok(folder_of(&path).canonicalize()?.join(name));
            }
        }
    }
    Err(Errno::LOOP.into())
}

/// The folder that a path names its file in; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn open_regular(target: &Path) -> Result<File, AtomicFileError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = retry_on_intr(|| rustix::fs::open(target, flags, Mode::empty()))
        .map_err(failed_errno(target, "open the file"))?;
    let status = rustix::fs::fstat(&file).map_err(failed_errno(target, "look at the file"))?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(file.into()),
        _ => Err(AtomicFileError::NotRegular(target.to_owned())),
    }
}

/// Whether the file of this name holds exactly these bytes now.
fn holds(target: &Path, content: &[u8]) -> Result<bool, AtomicFileError> {
    let file = match open_regular(target) {
        Err(AtomicFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(false);
        }
        file => file?,
    };
    let mut now = Zeroizing::new(Vec::with_capacity(content.len() + 1));
    let most = content.len() as u64 + 1;
    file.take(most)
        .read_to_end(&mut now)
        .map_err(failed(target, "read the file again"))?;
    Ok(now.as_slice() == content)
}

/// Gives a staged file exactly these permission bits, if there are any.
fn set_mode(staging: &Staging, path: &Path, mode: Option<u32>) -> Result<(), AtomicFileError> {
    let Some(mode) = mode else {
        return Ok(());
    };
    rustix::fs::fchmod(staging.file(), Mode::from_raw_mode(mode))
        .map_err(failed_errno(path, "set the mode of the file"))
}

fn write_directly(path: &Path, bytes: &[u8], more: OFlags) -> Result<(), AtomicFileError> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = retry_on_intr(|| rustix::fs::open(path, flags | more, Mode::from_raw_mode(0o666)))
        .map_err(|errno| match errno {
        Errno::NXIO => AtomicFileError::NoReader(path.to_owned()),
        _ => failed_errno(path, "open it")(errno),
    })?;
    // Only opening must not wait: a slow reader may take its time.
    rustix::fs::fcntl_setfl(&file, OFlags::APPEND).map_err(failed_errno(path, "write to it"))?;
    File::from(file)
        .write_all(bytes)
        .map_err(failed(path, "write to it"))
}

fn failed(path: &Path, action: &'static str) -> impl Fn(io::Error) -> AtomicFileError {
    move |source| AtomicFileError::Io {
        path: path.to_owned(),
        action,
        source,
    }
}

fn failed_errno(path: &Path, action: &'static str) -> impl Fn(Errno) -> AtomicFileError {
    move |errno| failed(path, action)(errno.into())
}

/// Gives the staged file its name without touching one that exists.
fn rename_without_replacing(staged: &Path, target: &Path) -> Result<(), Errno> {
    match rustix::fs::renameat_with(CWD, staged, CWD, target, RenameFlags::NOREPLACE) {
        // Some file systems know no such rename; a second name, then one less, does the same.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            rustix::fs::link(staged, target)?;
            rustix::fs::unlink(staged)
        }
        result => result,
    }
}
