//! The follower's accesses to files, one by one, so that a test can let a rotation happen in between.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::super::siblings::{later_dated, plain_reader, siblings};
use super::footprint::KNOWN_BY;

/// How much is read at once, in bytes. Never a mapping: a truncation under one is SIGBUS.
const PIECE: usize = 256 << 10;

/// Real files. Every method is one access, or stands for one.
#[derive(Default)]
pub struct Disk {
    /// What happens before each access: nothing, outside tests.
    pub(super) before_each: Option<Box<dyn FnMut()>>,
    piece: Vec<u8>,
    again: Vec<u8>,
}

impl Disk {
    fn access(&mut self) {
        if let Some(happens) = &mut self.before_each {
            happens();
        }
    }

    /// What stands at a path, links followed.
    ///
    /// # Errors
    /// What `stat` says.
    pub fn metadata(&mut self, path: &Path) -> io::Result<Metadata> {
        self.access();
        std::fs::metadata(path)
    }

    /// Opens without waiting, whatever lies there; `None` for what is no regular file.
    ///
    /// # Errors
    /// What `open` says.
    pub fn open(&mut self, path: &Path) -> io::Result<Option<(File, Metadata)>> {
        use rustix::fs::{Mode, OFlags};
        self.access();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file = File::from(rustix::io::retry_on_intr(|| {
            rustix::fs::open(path, flags, Mode::empty())
        })?);
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some((file, metadata)))
    }

    /// The rotated siblings of a path.
    pub fn siblings(&mut self, path: &Path) -> Vec<PathBuf> {
        self.access();
        // What cannot be listed now is at the next look.
        siblings(path).unwrap_or_default()
    }

    /// The file of the next date.
    pub fn later_dated(&mut self, path: &Path) -> Option<PathBuf> {
        self.access();
        later_dated(path)
    }

    /// Where a link leads; nothing for what is no link.
    pub fn target(&mut self, path: &Path) -> Option<PathBuf> {
        self.access();
        let is_link = path.symlink_metadata().is_ok_and(|it| it.is_symlink());
        is_link.then(|| path.canonicalize().ok()).flatten()
    }

    /// Whether these bytes stand there now. What cannot be read is believed.
    pub fn holds(&mut self, file: &File, bytes: &[u8], offset: u64) -> bool {
        if bytes.is_empty() {
            return true;
        }
        self.access();
        let mut there = [0; KNOWN_BY];
        match fill(file, &mut there[..bytes.len()], offset) {
            Ok(count) => there[..count] == *bytes,
            Err(_) => true,
        }
    }

    /// Reads the next piece; returns its length.
    ///
    /// # Errors
    /// What `read` says.
    pub fn read_piece(&mut self, file: &File, offset: u64) -> io::Result<usize> {
        self.access();
        self.piece.resize(PIECE, 0);
        fill(file, &mut self.piece, offset)
    }

    /// The bytes of the last piece.
    pub fn piece(&self, count: usize) -> &[u8] {
        &self.piece[..count]
    }

    /// Whether the last piece still stands where it was read.
    pub fn piece_still_stands(&mut self, file: &File, offset: u64, count: usize) -> bool {
        self.access();
        self.again.resize(count, 0);
        let read = fill(file, &mut self.again, offset);
        let stands = matches!(read, Ok(read) if self.again[..read] == self.piece[..count]);
        self.again = Vec::new();
        stands
    }

    /// Up to `most` bytes from an offset.
    pub fn bytes_at(&mut self, file: &File, offset: u64, most: usize) -> Vec<u8> {
        self.access();
        let mut bytes = vec![0; most];
        let count = fill(file, &mut bytes, offset).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    /// The beginning of a file's plain content; empty where it cannot be decoded. The file stands
    /// at its start again.
    pub fn plain_head(&mut self, file: &mut File) -> Vec<u8> {
        self.access();
        let mut head = Vec::new();
        if let Ok((reader, _)) = file.try_clone().and_then(plain_reader) {
            // What a damaged or half-written file still says is enough.
            let _ = reader.take(KNOWN_BY as u64).read_to_end(&mut head);
        }
        let _ = file.rewind();
        head
    }

    /// Length and link count now.
    ///
    /// # Errors
    /// What `fstat` says.
    pub fn state_of(&mut self, file: &File) -> io::Result<Metadata> {
        self.access();
        file.metadata()
    }

    /// Where data begins at or after an offset, behind a hole.
    pub fn data_after(&mut self, file: &File, offset: u64) -> Option<u64> {
        self.access();
        rustix::fs::seek(file, rustix::fs::SeekFrom::Data(offset)).ok()
    }
}

fn fill(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match file.read_at(&mut bytes[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if count == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(count)
}
