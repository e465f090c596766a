//! Follows a log by its name through every kind of rotation, without losing or repeating a line.
//!
//! One look reads what old files still get, then takes one step after the other until nothing is
//! new: read the open file; when it was cut or another file has its name, first give out what
//! rotated files hold that nobody has read, then go on. A file's first byte is given out only
//! after that. Whatever changes in the middle of a look is met by the next step or look, since
//! each decision rests on open descriptors and is checked after it was read.

mod before;
mod change;
mod disk;
mod footprint;
mod memory;
mod stream;
mod survey;
#[cfg(test)]
mod tests;
pub mod watch;

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::assemble::Chunk;
use before::Fresh;
use disk::Disk;
use footprint::{Footprint, Identity, KNOWN_BY};
use memory::{End, Memory, Remembered};
use stream::{Reach, Stream};
use survey::{Beginning, Survey, Verdict};

/// How long after its last growth an old file is still read: loggers write late.
const DRAIN: Duration = Duration::from_secs(5);
/// Old files that are open at most.
const MOST_DRAINING: usize = 64;
/// How often the folder is listed until two listings agree, within one look.
const ATTEMPTS: usize = 8;
/// How long a folder may change so fast that no two listings agree.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longer than the clock of a file system takes for one tick, however busy the machine.
const TICK: Duration = Duration::from_secs(1);
/// Steps of one look; the next look goes on.
const MOST_STEPS: usize = 32;

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
    /// A rotated file could not be read to its end.
    Damaged(PathBuf, String),
    /// The log goes on in a file with a later date.
    NextDate(PathBuf),
}

/// Takes the chunks, with the path they were read from.
pub type Sink<'s> = dyn FnMut(&Chunk<'_>, &Path) -> io::Result<()> + 's;

/// What one look brought.
#[derive(Debug, Default)]
pub struct Looked {
    /// What is worth saying.
    pub notices: Vec<Notice>,
    /// Whether there is more to read at once.
    pub has_more: bool,
}

/// One followed name.
pub struct Follower {
    path: PathBuf,
    target: Option<PathBuf>,
    current: Option<Stream>,
    draining: Vec<Stream>,
    memory: Memory,
    disk: Disk,
    last_complaint: Option<Notice>,
    unsettled_since: Option<Instant>,
    /// The state of the folder while nothing has the name, and since when.
    folder_seen: Option<(FolderState, Instant)>,
}

/// When a folder was modified and changed, where it is there.
type FolderState = Option<[i64; 4]>;

/// What a step came to.
#[derive(PartialEq, Eq)]
enum Step {
    /// Something changed: another step.
    Again,
    /// Nothing more for now.
    Done,
    /// There is more to read, after others had their turn.
    More,
}

/// What has the name.
enum Named {
    TheSame,
    Another(File, Metadata),
    Nothing(Notice),
}

impl Follower {
    /// Follows `path`. Siblings that are there already are no news. The file is returned, where
    /// there is one, for [`Follower::begin`].
    pub fn start(path: &Path) -> (Self, Option<File>) {
        let mut follower = Self {
            path: path.to_path_buf(),
            target: None,
            current: None,
            draining: Vec::new(),
            memory: Memory::default(),
            disk: Disk::default(),
            last_complaint: None,
            unsettled_since: None,
            folder_seen: None,
        };
        let mut opened = None;
        for _ in 0..ATTEMPTS {
            follower.target = follower.disk.target(path);
            let places = follower.places();
            let survey = Survey::take(&mut follower.disk, &places);
            opened = follower.disk.open(path).ok().flatten();
            let has_name = match (&opened, follower.disk.metadata(path)) {
                (Some((_, ours)), Ok(now)) => Identity::of(ours) == Identity::of(&now),
                (None, _) => true,
                (Some(_), Err(_)) => false,
            };
            if has_name && survey.still_holds(&mut follower.disk, &places, &[]) {
                follower.remember_all(survey);
                break;
            }
        }
        (follower, opened.map(|(file, _)| file))
    }

    /// The name as it is followed now; a dated one moves on.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins with an open file at `offset`, the start of line number `line`.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn begin(&mut self, file: File, offset: u64, line: Option<u64>) -> io::Result<()> {
        let metadata = file.metadata()?;
        let footprint = Footprint::at(&mut self.disk, &file, offset);
        let now = Instant::now();
        let stream = Stream::from_footprint(file, &metadata, &self.path, now, footprint, line);
        self.current = Some(stream);
        Ok(())
    }

    /// The descriptors that are read: one, and those of old files for some seconds.
    pub fn open_files(&self) -> impl Iterator<Item = &File> {
        self.current
            .iter()
            .chain(&self.draining)
            .map(|stream| &stream.file)
    }

    /// Reads everything that is new.
    ///
    /// # Errors
    /// Only what `sink` says; what cannot be read is tried again.
    pub fn look(&mut self, now: Instant, sink: &mut Sink<'_>) -> io::Result<Looked> {
        let mut looked = Looked::default();
        looked.has_more |= self.drain(now, sink)?;
        for _ in 0..MOST_STEPS {
            let mut step = self.step(now, sink, &mut looked.notices)?;
            if step == Step::Done {
                step = self.go_to_next_date(now, sink, &mut looked.notices)?;
            }
            looked.has_more |= step == Step::More;
            if step != Step::Again {
                break;
            }
        }
        Ok(looked)
    }

    /// Gives out incomplete lines: nobody will complete them for us.
    ///
    /// # Errors
    /// What `sink` says.
    pub fn end(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        for stream in self.draining.iter_mut().chain(&mut self.current) {
            stream.give_rest(sink)?;
        }
        Ok(())
    }

    /// Reads on in old files, and closes those that are silent.
    fn drain(&mut self, now: Instant, sink: &mut Sink<'_>) -> io::Result<bool> {
        let mut has_more = false;
        let mut streams = std::mem::take(&mut self.draining);
        // A file that was empty and has been read as any rotated file meanwhile is open twice.
        let read = streams.iter().filter(|stream| stream.is_settled);
        let read: Vec<Identity> = read.map(|stream| stream.identity).collect();
        streams.retain(|stream| stream.is_settled || !read.contains(&stream.identity));
        let excess = streams.len().saturating_sub(MOST_DRAINING);
        for (at, mut stream) in streams.into_iter().enumerate() {
            if !stream.is_settled && !self.is_written_late(&mut stream) {
                continue;
            }
            // One that is still empty is not read: its first line could come just now, unjudged.
            let reach = if stream.is_settled {
                stream.read_on(&mut self.disk, now, sink)?
            } else {
                Reach::End
            };
            has_more |= reach == Reach::More;
            let is_silent = now.saturating_duration_since(stream.grew_at) >= DRAIN || at < excess;
            if reach == Reach::Cut || (reach == Reach::End && is_silent) {
                stream.give_rest(sink)?;
                let end = match reach {
                    Reach::Cut => End::Cut,
                    Reach::End | Reach::More => End::Read,
                };
                self.remember(stream.identity, stream.footprint, end);
            } else {
                self.draining.push(stream);
            }
        }
        Ok(has_more)
    }

    /// Whether an old file that was empty got lines from its logger, or still nothing. A copy may
    /// have been made onto it, too: then it is no file of its own any more.
    fn is_written_late(&mut self, stream: &mut Stream) -> bool {
        let head = self.disk.bytes_at(&stream.file, 0, KNOWN_BY);
        if head.is_empty() {
            return true;
        }
        let others = self.current.iter().chain(&self.draining);
        let disk = &mut self.disk;
        let open: Vec<Beginning> = others.map(|other| beginning_of(disk, other)).collect();
        let current = self.current.as_ref().map(|current| &current.footprint);
        let verdict = survey::judge(stream.identity, &head, current, &open, &mut self.memory);
        stream.is_settled = true;
        stream.footprint = Footprint::begins_with(head);
        verdict == Verdict::News
    }

    fn step(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let named = self.look_at_name();
        // What the open file still holds comes before any other.
        match self.read_current(now, sink, notices)? {
            None => return Ok(Step::Done),
            Some(Reach::More) => return Ok(Step::More),
            Some(Reach::Cut) => {
                // It may have lost its name meanwhile.
                let named = match named {
                    Named::TheSame => self.look_at_name(),
                    named => named,
                };
                return match named {
                    Named::Another(file, metadata) if self.is_copied_to(&file, &metadata) => {
                        self.go_on_in_copy(file, &metadata, now, notices)
                    }
                    _ => self.begin_again(now, sink, notices),
                };
            }
            Some(Reach::End) => {}
        }
        match named {
            Named::TheSame => {
                self.last_complaint = None;
                Ok(Step::Done)
            }
            Named::Nothing(complaint) => {
                if self.last_complaint.as_ref() != Some(&complaint) {
                    notices.push(complaint.clone());
                    self.last_complaint = Some(complaint.clone());
                }
                if matches!(complaint, Notice::Waiting(_)) {
                    self.read_news_without_name(now, sink, notices)?;
                }
                Ok(Step::Done)
            }
            Named::Another(file, metadata) => {
                self.last_complaint = None;
                self.go_over_to(file, &metadata, now, sink, notices)
            }
        }
    }

    fn look_at_name(&mut self) -> Named {
        let cannot_open = |path: &Path, error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Named::Nothing(Notice::Waiting(path.to_path_buf()))
            }
            _ => Named::Nothing(Notice::CannotOpen(path.to_path_buf(), error.to_string())),
        };
        let found = match self.disk.metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) => return cannot_open(&self.path, &error),
        };
        let is_ours = |metadata: &Metadata| {
            let ours = self.current.as_ref().map(|current| current.identity);
            ours == Some(Identity::of(metadata))
        };
        if is_ours(&found) {
            return Named::TheSame;
        }
        if !found.is_file() {
            return Named::Nothing(Notice::NotRegular(self.path.clone()));
        }
        match self.disk.open(&self.path) {
            Ok(Some((_, metadata))) if is_ours(&metadata) => Named::TheSame,
            Ok(Some((file, metadata))) => Named::Another(file, metadata),
            Ok(None) => Named::Nothing(Notice::NotRegular(self.path.clone())),
            Err(error) => cannot_open(&self.path, &error),
        }
    }

    /// Nothing where the folder is in too much motion to say what comes before the first byte.
    fn read_current(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Option<Reach>> {
        let Some(mut current) = self.current.take() else {
            return Ok(Some(Reach::End));
        };
        let mut reach = Some(Reach::End);
        if !current.is_settled && self.has_changed(&mut current) {
            let fresh = Fresh {
                stream: &mut current,
                has_name: false,
            };
            if self
                .settle(Some(fresh), None, None, now, sink, notices)?
                .is_none()
            {
                reach = None;
                current.seen_empty = None;
            }
        }
        if current.is_settled && reach.is_some() {
            reach = Some(current.read_on(&mut self.disk, now, sink)?);
            let skipped = current.take_skipped();
            if skipped > 0 {
                notices.push(Notice::Hole(self.path.clone(), skipped));
            }
        }
        self.current = Some(current);
        Ok(reach)
    }

    /// Whether a file that was empty holds something, or may have in the meantime.
    fn has_changed(&mut self, stream: &mut Stream) -> bool {
        let Ok(state) = self.disk.state_of(&stream.file) else {
            return false;
        };
        let (modified, changed) = (state.mtime_nsec(), state.ctime_nsec());
        let seen = Some([state.mtime(), modified, state.ctime(), changed]);
        let is_same = stream.seen_empty == seen;
        stream.seen_empty = seen;
        state.len() > 0 || !is_same
    }

    fn places(&self) -> Vec<PathBuf> {
        survey::places(&self.path, self.target.as_ref())
    }

    fn remember_all(&mut self, survey: Survey) {
        for candidate in survey.candidates {
            let length = self.disk.state_of(&candidate.file).map_or(0, |it| it.len());
            let footprint = if survey::is_compressed(&mut self.disk, &candidate.file) {
                Footprint::begins_with(candidate.head)
            } else {
                Footprint::at(&mut self.disk, &candidate.file, length)
            };
            self.memory.remember(Remembered {
                identity: candidate.identity,
                footprint,
                end: End::MayHaveGrown,
                cut_before: None,
            });
        }
    }

    fn remember(&mut self, identity: Identity, footprint: Footprint, end: End) {
        self.memory.remember(Remembered {
            identity,
            footprint,
            end,
            cut_before: None,
        });
    }
}

fn beginning_of(disk: &mut Disk, stream: &Stream) -> Beginning {
    Beginning {
        identity: stream.identity,
        head: disk.bytes_at(&stream.file, 0, KNOWN_BY),
    }
}
