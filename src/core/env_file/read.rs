//! Reads an env file from a path or a descriptor, within a limit of size and time.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::EnvFile;

/// The largest file that is judged, in bytes: 64 MiB.
pub const LARGEST_BYTES: usize = 64 << 20;

/// How long a named pipe that nobody writes to may stay so.
const WRITER_GRACE: Duration = Duration::from_millis(250);

/// Why an env file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// Nothing has this name.
    #[error("{}: no such file; name the right one", .0.display())]
    Missing(PathBuf),
    /// The name belongs to a folder.
    #[error("{}: is a directory; name the env file in it", .0.display())]
    Directory(PathBuf),
    /// The name belongs to something that holds no file: a device or a socket.
    #[error("{}: is a {kind}; an env file is a regular file, a link to one, or a pipe", .path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A named pipe that no process writes to.
    #[error("{}: is a pipe that nothing writes to; start the writer first", .0.display())]
    NoWriter(PathBuf),
    /// A pipe whose writer did not finish in time.
    #[error("{}: the other end did not finish within {} s; raise --timeout", .path.display(), .deadline.as_secs_f32())]
    TimedOut {
        /// The path as given.
        path: PathBuf,
        /// The time that was granted.
        deadline: Duration,
    },
    /// Reading is not allowed.
    #[error("{}: permission denied; run as its owner", .0.display())]
    Unreadable(PathBuf),
    /// More than [`LARGEST_BYTES`].
    #[error("{}: is larger than 64 MiB; that is no env file", .0.display())]
    TooLarge(PathBuf),
    /// Links that lead to each other.
    #[error("{}: its links lead in a circle; repair them", .0.display())]
    LinkLoop(PathBuf),
    /// Anything else that the system reports.
    #[error("{}: cannot be read: {source}", .path.display())]
    Io {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Where an env file was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The path as given.
    pub path: PathBuf,
    /// The file behind all links; the same as `path` for a pipe.
    pub target: PathBuf,
    /// Device number.
    pub device: u64,
    /// Inode number; a rename over the file changes it.
    pub inode: u64,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// The owner's user id.
    pub owner: u32,
    /// The group id.
    pub group: u32,
    /// How many names the file has.
    pub hard_links: u64,
    /// Whether it is a regular file, which alone can be written back.
    pub is_regular: bool,
}

impl EnvFile {
    /// Reads a regular file, a link to one, or a pipe that somebody writes to (as with
    /// `--env <(sops -d …)`). Never waits longer than `deadline`.
    ///
    /// # Errors
    /// Everything in [`EnvFileError`]; each names the path.
    pub fn read(path: &Path, deadline: Duration) -> Result<Self, EnvFileError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))
            .map_err(|errno| error(path, errno))?;
        let file = File::from(file);
        let metadata = file.metadata().map_err(io_error(path))?;
        let is_pipe = match FileType::from_raw_mode(metadata.mode()) {
            FileType::RegularFile => false,
            FileType::Fifo => true,
            FileType::Directory => return Err(EnvFileError::Directory(path.to_owned())),
            other => return Err(not_a_file(path, other)),
        };
        let limit = Limit {
            needs_writer: is_pipe,
            ..Limit::new(deadline)
        };
        let mut bytes = read_to_end(&file, path, &limit)?;
        let mut env_file = Self::parse(std::mem::take(&mut *bytes));
        env_file.origin = Some(origin(path, &metadata));
        Ok(env_file)
    }

    /// Reads standard input (`--env -`) or any other open descriptor until its end.
    ///
    /// # Errors
    /// [`EnvFileError`] with `name` as the path: too large, too slow, a directory, unreadable.
    pub fn read_descriptor(
        descriptor: impl AsFd,
        name: &Path,
        deadline: Duration,
    ) -> Result<Self, EnvFileError> {
        let mut bytes = read_to_end(&descriptor, name, &Limit::new(deadline))?;
        Ok(Self::parse(std::mem::take(&mut *bytes)))
    }
}

/// How long to wait, and for what.
struct Limit {
    started: Instant,
    deadline: Duration,
    needs_writer: bool,
}

impl Limit {
    fn new(deadline: Duration) -> Self {
        Self {
            started: Instant::now(),
            deadline,
            needs_writer: false,
        }
    }

    /// The time left, at most `most`.
    fn left(&self, most: Duration) -> Timespec {
        let left = self
            .deadline
            .saturating_sub(self.started.elapsed())
            .min(most);
        // A time too far away for the system's clock is as good as none.
        Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: i64::from(i32::MAX),
            tv_nsec: 0,
        })
    }
}

fn read_to_end(
    descriptor: &impl AsFd,
    path: &Path,
    limit: &Limit,
) -> Result<Zeroizing<Vec<u8>>, EnvFileError> {
    let status = rustix::fs::fstat(descriptor).map_err(|errno| error(path, errno))?;
    let size = usize::try_from(status.st_size).unwrap_or(0);
    if size > LARGEST_BYTES {
        return Err(EnvFileError::TooLarge(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(vec![0; size.max(4096) + 1]);
    let mut filled = 0;
    if limit.needs_writer {
        filled = read_from_writer(descriptor, path, limit, &mut bytes)?;
    }
    loop {
        if filled == bytes.len() {
            bytes = grown(&bytes);
        }
        match read_some(descriptor, path, limit, &mut bytes[filled..])? {
            0 => break,
            length => filled += length,
        }
        if filled > LARGEST_BYTES {
            return Err(EnvFileError::TooLarge(path.to_owned()));
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// `Vec` leaves its old memory behind when it grows; this wipes it.
fn grown(bytes: &Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let mut larger = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
    larger.extend_from_slice(bytes);
    larger.resize(bytes.len() * 2, 0);
    larger
}

/// The first bytes of a pipe that was opened without blocking. Until a writer comes it reports
/// its end at once, and no event.
fn read_from_writer(
    descriptor: &impl AsFd,
    path: &Path,
    limit: &Limit,
    buffer: &mut [u8],
) -> Result<usize, EnvFileError> {
    is_ready(descriptor, path, limit, WRITER_GRACE)?;
    match rustix::io::read(descriptor, &mut *buffer) {
        Ok(0) => Err(EnvFileError::NoWriter(path.to_owned())),
        Ok(length) => Ok(length),
        Err(Errno::AGAIN | Errno::INTR) => read_some(descriptor, path, limit, buffer),
        Err(errno) => Err(error(path, errno)),
    }
}

fn read_some(
    descriptor: &impl AsFd,
    path: &Path,
    limit: &Limit,
    buffer: &mut [u8],
) -> Result<usize, EnvFileError> {
    loop {
        if !is_ready(descriptor, path, limit, Duration::MAX)? {
            return Err(EnvFileError::TimedOut {
                path: path.to_owned(),
                deadline: limit.deadline,
            });
        }
        match rustix::io::read(descriptor, &mut *buffer) {
            Ok(length) => return Ok(length),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(error(path, errno)),
        }
    }
}

/// Whether a read would not wait, now or within `most` and the deadline.
fn is_ready(
    descriptor: &impl AsFd,
    path: &Path,
    limit: &Limit,
    most: Duration,
) -> Result<bool, EnvFileError> {
    loop {
        let mut waiting = [PollFd::new(descriptor, PollFlags::IN)];
        match poll(&mut waiting, Some(&limit.left(most))) {
            Ok(events) => return Ok(events > 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(error(path, errno)),
        }
    }
}

fn origin(path: &Path, metadata: &Metadata) -> Origin {
    let is_regular = metadata.is_file();
    let target = if is_regular {
        path.canonicalize().ok()
    } else {
        None
    };
    Origin {
        path: path.to_owned(),
        target: target.unwrap_or_else(|| path.to_owned()),
        device: metadata.dev(),
        inode: metadata.ino(),
        mode: metadata.mode(),
        owner: metadata.uid(),
        group: metadata.gid(),
        hard_links: metadata.nlink(),
        is_regular,
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> EnvFileError {
    move |source| EnvFileError::Io {
        path: path.to_owned(),
        source,
    }
}

fn error(path: &Path, errno: Errno) -> EnvFileError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => EnvFileError::Missing(path),
        Errno::LOOP => EnvFileError::LinkLoop(path),
        Errno::ACCESS | Errno::PERM => EnvFileError::Unreadable(path),
        Errno::ISDIR => EnvFileError::Directory(path),
        Errno::NXIO => EnvFileError::NotAFile {
            path,
            kind: "socket or a device without a driver",
        },
        _ => EnvFileError::Io {
            path,
            source: errno.into(),
        },
    }
}

fn not_a_file(path: &Path, kind: FileType) -> EnvFileError {
    let kind = match kind {
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        FileType::Socket => "socket",
        _ => "special file",
    };
    EnvFileError::NotAFile {
        path: path.to_owned(),
        kind,
    }
}
