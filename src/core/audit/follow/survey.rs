//! Which rotated files hold what was not given out yet: looked at all together, then judged.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::siblings::{Compression, plain_reader, rotation_number};
use super::disk::Disk;
use super::footprint::{Footprint, Identity};
use super::memory::{Known, Memory};
use crate::order;

/// A rotated file, open.
pub struct Candidate {
    /// Its name when it was opened; it may have another one since.
    pub path: PathBuf,
    /// The descriptor, at its start.
    pub file: File,
    /// Which file it is.
    pub identity: Identity,
    /// The beginning of its plain content.
    pub head: Vec<u8>,
    modified: SystemTime,
}

/// All rotated files, oldest first.
pub struct Survey {
    listing: Vec<Listed>,
    is_whole: bool,
    /// The files.
    pub candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    path: PathBuf,
    identity: Identity,
    length: u64,
    modified: Option<SystemTime>,
}

impl Survey {
    /// Opens the siblings of all `paths`.
    pub fn take(disk: &mut Disk, paths: &[PathBuf]) -> Self {
        let listing = list(disk, paths);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut is_whole = true;
        for listed in &listing {
            let (mut file, metadata) = match disk.open(&listed.path) {
                Ok(Some(opened)) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    is_whole = false;
                    continue;
                }
                // What may not be read cannot be waited for.
                Ok(None) | Err(_) => continue,
            };
            let identity = Identity::of(&metadata);
            is_whole &= identity == listed.identity;
            if candidates.iter().any(|other| other.identity == identity) {
                continue;
            }
            candidates.push(Candidate {
                head: disk.plain_head(&mut file),
                path: listed.path.clone(),
                file,
                identity,
                modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
        // The kernel's clock for files ticks slowly: of two with one time the higher number is
        // older.
        order::sort_by_key(&mut candidates, |candidate| {
            let number = rotation_number(&candidate.path).unwrap_or(0);
            (candidate.modified, -number)
        });
        Self {
            listing,
            is_whole,
            candidates,
        }
    }

    /// Whether nothing changed since: a folder whose names move while it is listed hides files.
    /// Files that are `open` elsewhere may grow.
    pub fn still_holds(&self, disk: &mut Disk, paths: &[PathBuf], open: &[Beginning]) -> bool {
        let is_open = |identity| open.iter().any(|open| open.identity == identity);
        let now = list(disk, paths);
        self.is_whole
            && now.len() == self.listing.len()
            && now.iter().zip(&self.listing).all(|(now, then)| {
                now == then
                    || (now.path == then.path
                        && now.identity == then.identity
                        && is_open(now.identity))
            })
    }
}

fn list(disk: &mut Disk, paths: &[PathBuf]) -> Vec<Listed> {
    let mut found = Vec::new();
    for path in paths {
        for sibling in disk.siblings(path) {
            if let Ok(metadata) = disk.metadata(&sibling) {
                found.push(Listed {
                    identity: Identity::of(&metadata),
                    length: metadata.len(),
                    modified: metadata.modified().ok(),
                    path: sibling,
                });
            }
        }
    }
    found
}

/// An open file and how it begins, read after all candidates were.
pub struct Beginning {
    /// Which file it is.
    pub identity: Identity,
    /// Its first bytes.
    pub head: Vec<u8>,
}

/// What a candidate is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing can be said of it, or it holds nothing.
    Empty,
    /// It is open and read already.
    Open,
    /// It begins as the file did that was cut: it may hold more than was read of it.
    CopyOfCut,
    /// It begins as an open file does: a copy, perhaps still being made.
    CopyOfOpen,
    /// It was read before, perhaps when it was not compressed.
    Read,
    /// It begins as an older file did that was cut: it may hold more than was read of that.
    CopyOfOlderCut,
    /// Nobody has read it.
    News,
}

/// Decides what a rotated file is, by what is known of all others.
pub fn judge(
    identity: Identity,
    head: &[u8],
    cut: Option<&Footprint>,
    open: &[Beginning],
    memory: &mut Memory,
) -> Verdict {
    if open.iter().any(|open| open.identity == identity) {
        Verdict::Open
    } else if head.is_empty() {
        Verdict::Empty
    } else if cut.is_some_and(|cut| cut.agrees_with(head)) {
        Verdict::CopyOfCut
    } else if open.iter().any(|open| open.head.starts_with(head)) {
        Verdict::CopyOfOpen
    } else {
        match memory.knows(identity, head) {
            Some(Known::Read) => Verdict::Read,
            Some(Known::BeginsLikeCut) => Verdict::CopyOfOlderCut,
            None => Verdict::News,
        }
    }
}

/// What a copy holds beyond what was read of the file that was copied.
pub enum Rest {
    /// This, perhaps nothing.
    Behind(Box<dyn Read>),
    /// It ends before.
    Less,
    /// It is no copy: other bytes stand there.
    Other,
}

/// Reads a copy up to where `read` ends.
///
/// # Errors
/// When the copy cannot be read.
pub fn rest_in_copy(read: &Footprint, mut copy: File) -> io::Result<Rest> {
    let before_start = read.offset() - read.before().len() as u64;
    copy.rewind()?;
    let (mut reader, compression) = plain_reader(copy.try_clone()?)?;
    if compression == Compression::None {
        // The doubled descriptor stands where this one does.
        copy.seek(SeekFrom::Start(before_start))?;
    } else {
        let skipped = io::copy(&mut (&mut reader).take(before_start), &mut io::sink())?;
        if skipped < before_start {
            return Ok(Rest::Less);
        }
    }
    let mut before = Vec::new();
    (&mut reader)
        .take(read.before().len() as u64)
        .read_to_end(&mut before)?;
    Ok(if before == read.before() {
        Rest::Behind(reader)
    } else if read.before().starts_with(&before) {
        Rest::Less
    } else {
        Rest::Other
    })
}

/// Whether the file is compressed.
pub fn is_compressed(disk: &mut Disk, file: &File) -> bool {
    Compression::of(&disk.bytes_at(file, 0, 6)) != Compression::None
}

/// Whether `copy`, which is shorter than what was read, holds exactly the beginning of `file`.
pub fn is_beginning_of(disk: &mut Disk, copy: &File, length: u64, file: &File) -> bool {
    let whole = Footprint::at(disk, copy, length);
    whole.offset() == length && whole.stands_in(disk, file)
}

/// The name's siblings and those of where a link leads.
pub fn places(path: &Path, target: Option<&PathBuf>) -> Vec<PathBuf> {
    std::iter::once(path.to_path_buf())
        .chain(target.cloned())
        .collect()
}
