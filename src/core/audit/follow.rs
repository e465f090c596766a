//! Follows a log by its name through every kind of rotation, without losing or repeating a line.

pub mod watch;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::assemble::{Assembler, Chunk};
use super::siblings::{later_dated, plain_reader, rotation_number, siblings};
use crate::order;

/// How long after its last growth an old file is still read: loggers write late.
const DRAIN: Duration = Duration::from_secs(5);
/// Bytes at the beginning of a file, and before our offset, by which it is known again.
const KNOWN_BY: usize = 1024;
/// Beginnings of files that are remembered.
const MOST_HEADS: usize = 256;

/// Something a person should know, said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The file is not there yet, or not any more.
    Waiting(PathBuf),
    /// It cannot be opened.
    CannotOpen(PathBuf, String),
    /// The name leads to no regular file.
    NotRegular(PathBuf),
    /// It was cut, and is read from its beginning again.
    Truncated(PathBuf),
    /// Another file has taken its name.
    Replaced(PathBuf),
    /// NUL bytes were passed over.
    Hole(PathBuf, u64),
    /// Content vanished: no sibling holds what stood there up to this offset.
    Vanished(PathBuf, u64),
    /// The log goes on in a file with a later date.
    NextDate(PathBuf),
}

/// Takes the chunks, with the path they were read from.
pub type Sink<'s> = dyn FnMut(&Chunk<'_>, &Path) -> io::Result<()> + 's;

/// One followed name.
pub struct Follower {
    path: PathBuf,
    current: Option<Open>,
    draining: Vec<Open>,
    heads: Vec<Vec<u8>>,
    last_complaint: Option<Notice>,
}

struct Open {
    file: File,
    identity: (u64, u64),
    assembler: Assembler,
    head: Vec<u8>,
    before: Vec<u8>,
    looked_at: Option<(u64, i64, i64, i64, i64)>,
    grew_at: Instant,
}

impl Follower {
    /// Follows `path`. Siblings that are there already are no news.
    pub fn new(path: &Path) -> Self {
        let heads = siblings(path)
            .iter()
            .filter_map(|sibling| head_of(sibling))
            .collect();
        Self {
            path: path.to_path_buf(),
            current: None,
            draining: Vec::new(),
            heads,
            last_complaint: None,
        }
    }

    /// The name as it is followed now; a dated one moves on.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins with an open file at `offset`, the start of a line.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn begin(&mut self, file: File, offset: u64, line: Option<u64>) -> io::Result<()> {
        self.current = Some(Open::new(file, offset, line)?);
        Ok(())
    }

    /// Descriptors that are open: one, and those of old files for some seconds.
    pub fn open_files(&self) -> usize {
        self.draining.len() + usize::from(self.current.is_some())
    }

    /// Reads everything that is new and returns what is worth saying.
    ///
    /// # Errors
    /// Only what `sink` says; what cannot be read is tried again.
    pub fn poll(&mut self, now: Instant, sink: &mut Sink<'_>) -> io::Result<Vec<Notice>> {
        let mut notices = Vec::new();
        self.drain(now, sink)?;
        self.look_at_name(now, sink, &mut notices)?;
        if let Some(current) = &mut self.current {
            current.read_on(now, &self.path, sink)?;
            let skipped = current.assembler.take_skipped();
            if skipped > 0 {
                notices.push(Notice::Hole(self.path.clone(), skipped));
            }
        }
        self.move_to_next_date(now, sink, &mut notices)?;
        Ok(notices)
    }

    /// Gives out incomplete lines: nobody will complete them for us.
    ///
    /// # Errors
    /// What `sink` says.
    pub fn end(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        for open in self.draining.iter_mut().chain(&mut self.current) {
            if let Some(chunk) = open.assembler.rest() {
                sink(&chunk, &self.path)?;
            }
        }
        Ok(())
    }

    fn drain(&mut self, now: Instant, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut open = std::mem::take(&mut self.draining);
        for old in &mut open {
            old.read_on(now, &self.path, sink)?;
        }
        for mut old in open {
            if now.duration_since(old.grew_at) < DRAIN {
                self.draining.push(old);
                continue;
            }
            if let Some(chunk) = old.assembler.rest() {
                sink(&chunk, &self.path)?;
            }
            old.note_head();
            self.remember(old.head);
        }
        Ok(())
    }

    fn look_at_name(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) => {
                let complaint = match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                        Notice::Waiting(self.path.clone())
                    }
                    _ => Notice::CannotOpen(self.path.clone(), error.to_string()),
                };
                self.complain(complaint, notices);
                return Ok(());
            }
        };
        let identity = (metadata.dev(), metadata.ino());
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.identity == identity)
        {
            self.last_complaint = None;
            return self.look_for_truncation(&metadata, now, sink, notices);
        }
        if !metadata.is_file() {
            self.complain(Notice::NotRegular(self.path.clone()), notices);
            return Ok(());
        }
        match open_regular(&self.path) {
            Ok(Some(file)) => self.take_over(file, now, sink, notices),
            Ok(None) => {
                self.complain(Notice::NotRegular(self.path.clone()), notices);
                Ok(())
            }
            Err(error) => {
                self.complain(
                    Notice::CannotOpen(self.path.clone(), error.to_string()),
                    notices,
                );
                Ok(())
            }
        }
    }

    fn look_for_truncation(
        &mut self,
        metadata: &Metadata,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if !current.was_cut(metadata) {
            return Ok(());
        }
        let offset = current.assembler.read_offset();
        let Some(mut old) = self.current.take() else {
            return Ok(());
        };
        let held = self.read_copy_of(&mut old, now, sink)?;
        if let Some(chunk) = old.assembler.rest() {
            sink(&chunk, &self.path)?;
        }
        notices.push(Notice::Truncated(self.path.clone()));
        if !held && offset > 0 {
            notices.push(Notice::Vanished(self.path.clone(), offset));
        }
        self.remember(std::mem::take(&mut old.head));
        match Open::new(old.file, 0, Some(1)) {
            Ok(open) => self.current = Some(open),
            Err(error) => self.complain(
                Notice::CannotOpen(self.path.clone(), error.to_string()),
                notices,
            ),
        }
        Ok(())
    }

    /// Another file has the name. What is left of the old one comes first, then siblings that
    /// nobody has read: two rotations may have happened.
    fn take_over(
        &mut self,
        file: File,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let mut fresh = match Open::new(file, 0, Some(1)) {
            Ok(open) => open,
            Err(error) => {
                self.complain(
                    Notice::CannotOpen(self.path.clone(), error.to_string()),
                    notices,
                );
                return Ok(());
            }
        };
        let had_complaint = self.last_complaint.take().is_some();
        if let Some(back) = self
            .draining
            .iter()
            .position(|old| old.identity == fresh.identity)
        {
            let returned = self.draining.remove(back);
            let left = self.current.replace(returned);
            self.draining.extend(left);
            return Ok(());
        }
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.identity == fresh.identity)
        {
            return Ok(());
        }
        let Some(mut old) = self.current.take() else {
            if had_complaint {
                self.read_unseen_siblings(&fresh, None, now, sink)?;
            }
            self.current = Some(fresh);
            return Ok(());
        };
        old.read_on(now, &self.path, sink)?;
        if let Some(tail) = old.continues_in(&fresh.file) {
            // `cp` and `mv` over it: the same content, a new inode.
            fresh.file.seek(SeekFrom::Start(tail))?;
            fresh.assembler = old.assembler;
            fresh.head = old.head;
            fresh.before = old.before;
            self.current = Some(fresh);
            return Ok(());
        }
        notices.push(Notice::Replaced(self.path.clone()));
        let held = self.read_unseen_siblings(&fresh, Some(&old), now, sink)?;
        let is_gone = old
            .file
            .metadata()
            .map_or(true, |metadata| metadata.nlink() == 0);
        let offset = old.assembler.read_offset();
        if is_gone && !held && offset > 0 {
            notices.push(Notice::Vanished(self.path.clone(), offset));
        }
        old.grew_at = now;
        self.draining.push(old);
        self.current = Some(fresh);
        Ok(())
    }

    /// Reads what a copy made before a truncation holds beyond our offset; whether there is a copy.
    fn read_copy_of(
        &mut self,
        old: &mut Open,
        now: Instant,
        sink: &mut Sink<'_>,
    ) -> io::Result<bool> {
        for sibling in by_modification(&self.path) {
            let Some(mut reader) = old.copy_in(&sibling) else {
                continue;
            };
            while matches!(old.assembler.read(&mut *reader), Ok(count) if count > 0) {
                old.grew_at = now;
                while let Some(chunk) = old.assembler.chunk() {
                    sink(&chunk, &self.path)?;
                }
            }
            return Ok(true);
        }
        // A shorter copy holds at least the beginning.
        Ok(siblings(&self.path)
            .iter()
            .filter_map(|sibling| head_of(sibling))
            .any(|head| is_same(&head, &old.head)))
    }

    /// Whether a sibling holds what `old` held.
    fn read_unseen_siblings(
        &mut self,
        fresh: &Open,
        old: Option<&Open>,
        now: Instant,
        sink: &mut Sink<'_>,
    ) -> io::Result<bool> {
        let mut held = false;
        for sibling in by_modification(&self.path) {
            let Ok(metadata) = sibling.metadata() else {
                continue;
            };
            let identity = (metadata.dev(), metadata.ino());
            if identity == fresh.identity {
                continue;
            }
            let Some(head) = head_of(&sibling) else {
                continue;
            };
            let is_old =
                old.is_some_and(|old| old.identity == identity || is_same(&head, &old.head));
            held |= is_old;
            let is_known = is_old
                || self
                    .draining
                    .iter()
                    .any(|open| open.identity == identity || is_same(&head, &open.head))
                || self.heads.iter().any(|known| is_same(&head, known));
            if is_known {
                continue;
            }
            self.remember(head);
            let Ok(Some(file)) = open_regular(&sibling) else {
                continue;
            };
            let Ok((mut reader, _)) = plain_reader(file) else {
                continue;
            };
            let mut assembler = Assembler::new(0, Some(1), true);
            while matches!(assembler.read(&mut *reader), Ok(count) if count > 0) {
                while let Some(chunk) = assembler.chunk() {
                    sink(&chunk, &sibling)?;
                }
            }
            if let Some(chunk) = assembler.rest() {
                sink(&chunk, &sibling)?;
            }
            let _ = now;
        }
        Ok(held)
    }

    fn move_to_next_date(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let Some(next) = later_dated(&self.path) else {
            return Ok(());
        };
        let Ok(Some(file)) = open_regular(&next) else {
            return Ok(());
        };
        if let Some(mut old) = self.current.take() {
            old.read_on(now, &self.path, sink)?;
            old.grew_at = now;
            self.draining.push(old);
        }
        self.path = next;
        self.heads = siblings(&self.path)
            .iter()
            .filter_map(|sibling| head_of(sibling))
            .collect();
        notices.push(Notice::NextDate(self.path.clone()));
        if let Ok(open) = Open::new(file, 0, Some(1)) {
            self.current = Some(open);
            if let Some(current) = &mut self.current {
                current.read_on(now, &self.path, sink)?;
            }
        }
        Ok(())
    }

    fn complain(&mut self, notice: Notice, notices: &mut Vec<Notice>) {
        if self.last_complaint.as_ref() != Some(&notice) {
            notices.push(notice.clone());
            self.last_complaint = Some(notice);
        }
    }

    fn remember(&mut self, head: Vec<u8>) {
        if head.is_empty() {
            return;
        }
        if self.heads.len() >= MOST_HEADS {
            self.heads.remove(0);
        }
        self.heads.push(head);
    }
}

impl Open {
    fn new(mut file: File, offset: u64, line: Option<u64>) -> io::Result<Self> {
        let metadata = file.metadata()?;
        file.seek(SeekFrom::Start(offset))?;
        let mut open = Self {
            identity: (metadata.dev(), metadata.ino()),
            file,
            assembler: Assembler::new(offset, line, true),
            head: Vec::new(),
            before: Vec::new(),
            looked_at: None,
            grew_at: Instant::now(),
        };
        open.note_head();
        open.note_before();
        Ok(open)
    }

    fn read_on(&mut self, now: Instant, path: &Path, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut grew = false;
        loop {
            if self.assembler.is_in_hole() {
                self.jump_over_hole();
            }
            // What cannot be read now is tried again at the next look.
            let Ok(count) = self.assembler.read(&mut self.file) else {
                break;
            };
            while let Some(chunk) = self.assembler.chunk() {
                sink(&chunk, path)?;
            }
            if count == 0 {
                break;
            }
            grew = true;
        }
        if grew {
            self.grew_at = now;
            if self.head.len() < KNOWN_BY {
                self.note_head();
            }
            self.note_before();
        }
        Ok(())
    }

    fn jump_over_hole(&mut self) {
        let at = self.assembler.read_offset();
        if let Ok(data) = rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(at)) {
            self.assembler.jump(data);
        }
        // Where there is no data yet, or no support, reading goes on where it stood.
        let _ = self
            .file
            .seek(SeekFrom::Start(self.assembler.read_offset()));
    }

    /// The beginning of the file, as far as it was read.
    fn note_head(&mut self) {
        let known = usize::try_from(self.assembler.read_offset())
            .unwrap_or(KNOWN_BY)
            .min(KNOWN_BY);
        let mut head = vec![0; known];
        if let Ok(read) = self.file.read_at(&mut head, 0)
            && read == known
        {
            self.head = head;
        }
    }

    fn note_before(&mut self) {
        let offset = self.assembler.read_offset();
        let length = usize::try_from(offset).unwrap_or(KNOWN_BY).min(KNOWN_BY);
        let mut before = vec![0; length];
        let start = offset - length as u64;
        self.before = match self.file.read_exact_at(&mut before, start) {
            Ok(()) => before,
            Err(_) => Vec::new(),
        };
    }

    /// Size below our offset, or other bytes at the beginning or before our offset. Size alone
    /// misses a file that grew past the old offset between two looks.
    fn was_cut(&mut self, metadata: &Metadata) -> bool {
        let offset = self.assembler.read_offset();
        if metadata.len() < offset {
            return true;
        }
        let state = (
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        );
        if self.looked_at == Some(state) {
            return false;
        }
        self.looked_at = Some(state);
        !holds(&self.file, &self.head, 0)
            || !holds(&self.file, &self.before, offset - self.before.len() as u64)
    }

    /// The offset at which another file goes on, if it begins with exactly what was read here.
    fn continues_in(&self, other: &File) -> Option<u64> {
        let offset = self.assembler.read_offset();
        let is_continued = offset > 0
            && !self.head.is_empty()
            && holds(other, &self.head, 0)
            && holds(other, &self.before, offset - self.before.len() as u64);
        is_continued.then_some(offset)
    }

    /// A reader of what a copy holds beyond our offset.
    fn copy_in(&self, sibling: &Path) -> Option<Box<dyn Read>> {
        let offset = self.assembler.read_offset();
        if offset == 0 || self.head.is_empty() {
            return None;
        }
        let (mut reader, _) = plain_reader(open_regular(sibling).ok()??).ok()?;
        let mut head = vec![0; self.head.len()];
        reader.read_exact(&mut head).ok()?;
        if head != self.head {
            return None;
        }
        let before_start = offset - self.before.len() as u64;
        let head_end = head.len() as u64;
        if before_start >= head_end {
            let between = before_start - head_end;
            let skipped = io::copy(&mut (&mut reader).take(between), &mut io::sink()).ok()?;
            let mut before = vec![0; self.before.len()];
            reader.read_exact(&mut before).ok()?;
            return (skipped == between && before == self.before).then_some(reader);
        }
        // The windows overlap: the head is known to be right, the rest is compared.
        let mut rest = vec![0; usize::try_from(offset - head_end).ok()?];
        reader.read_exact(&mut rest).ok()?;
        self.before.ends_with(&rest).then_some(reader)
    }
}

fn holds(file: &File, bytes: &[u8], offset: u64) -> bool {
    let mut there = vec![0; bytes.len()];
    file.read_exact_at(&mut there, offset).is_ok() && there == bytes
}

/// Whether one beginning is the other, as far as both are known.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let length = one.len().min(other.len());
    length > 0 && one[..length] == other[..length]
}

fn head_of(path: &Path) -> Option<Vec<u8>> {
    let (reader, _) = plain_reader(open_regular(path).ok()??).ok()?;
    let mut head = Vec::new();
    reader.take(KNOWN_BY as u64).read_to_end(&mut head).ok()?;
    (!head.is_empty()).then_some(head)
}

/// Opens without waiting, whatever lies there; `None` for what is no regular file.
fn open_regular(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    Ok(file.metadata()?.is_file().then_some(file))
}

fn by_modification(path: &Path) -> Vec<PathBuf> {
    // A folder that changes while it is listed may hide a file: two listings must agree.
    let mut names = siblings(path);
    for _ in 0..8 {
        let again = siblings(path);
        let agree = again == names;
        names = again;
        if agree {
            break;
        }
    }
    // The kernel's clock for files ticks slowly: of two with one time the higher number is older.
    let mut found: Vec<(std::time::SystemTime, i64, PathBuf)> = names
        .into_iter()
        .filter_map(|sibling| {
            let modified = sibling.metadata().ok()?.modified().ok()?;
            Some((modified, -rotation_number(&sibling).unwrap_or(0), sibling))
        })
        .collect();
    order::sort(&mut found);
    found.into_iter().map(|(_, _, path)| path).collect()
}
