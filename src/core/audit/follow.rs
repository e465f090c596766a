//! Follows a log by its name through every kind of rotation, without losing or repeating a line.
//!
//! One look reads what old files still get, then takes one step after the other until nothing is
//! new: read the open file; when it was cut or another file has its name, first give out what
//! rotated files hold that nobody has read, then go on. A file's first byte is given out only
//! after that. Whatever changes in the middle of a look is met by the next step or look, since
//! each decision rests on open descriptors and is checked after it was read.

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
use super::siblings::{dated, plain_reader};
use disk::Disk;
use footprint::{Footprint, Identity, KNOWN_BY};
use memory::{Memory, Remembered};
use stream::{Reach, Stream};
use survey::{Beginning, Candidate, Survey, Verdict};

/// How long after its last growth an old file is still read: loggers write late.
const DRAIN: Duration = Duration::from_secs(5);
/// Old files that are open at most.
const MOST_DRAINING: usize = 64;
/// How often the folder is listed until two listings agree, within one look.
const ATTEMPTS: usize = 8;
/// How long a folder may change so fast that no two listings agree.
const PATIENCE: Duration = Duration::from_secs(2);
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
}

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
            let reach = stream.read_on(&mut self.disk, now, sink)?;
            has_more |= reach == Reach::More;
            let is_silent = now.saturating_duration_since(stream.grew_at) >= DRAIN || at < excess;
            if reach == Reach::Cut || (reach == Reach::End && is_silent) {
                stream.give_rest(sink)?;
                self.remember(stream.identity, stream.footprint);
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
            Some(Reach::Cut) => return self.begin_again(now, sink, notices),
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
                    self.last_complaint = Some(complaint);
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
                .settle(fresh, None, None, now, sink, notices)?
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

    /// The open file was cut. What a copy holds of it comes first.
    fn begin_again(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let Some(mut cut) = self.current.take() else {
            return Ok(Step::Done);
        };
        let Ok(mut again) = cut.from_start_again(now) else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        let offset = cut.footprint.offset();
        let fresh = Fresh {
            stream: &mut again,
            has_name: false,
        };
        let Some(is_held) = self.settle(fresh, None, Some(&mut cut), now, sink, notices)? else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        notices.push(Notice::Truncated(self.path.clone()));
        if !is_held && offset > 0 {
            notices.push(Notice::Vanished(self.path.clone(), offset));
        }
        self.remember(cut.identity, cut.footprint);
        self.current = Some(again);
        Ok(Step::Again)
    }

    /// Another file has the name.
    fn go_over_to(
        &mut self,
        file: File,
        metadata: &Metadata,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        self.follow_link();
        let mut next = Stream::from_start(file, metadata, &self.path, now);
        if self.returns(&mut next, metadata, now) || self.goes_on_in(&mut next, metadata, now) {
            self.change_to(next, now);
            return Ok(Step::Again);
        }
        let left = self.current.take();
        let fresh = Fresh {
            stream: &mut next,
            has_name: true,
        };
        let settled = self.settle(fresh, left.as_ref(), None, now, sink, notices);
        self.current = left;
        let Some(is_held) = settled? else {
            return Ok(Step::Done);
        };
        if let Some(left) = &self.current {
            notices.push(Notice::Replaced(self.path.clone()));
            let is_gone = self
                .disk
                .state_of(&left.file)
                .is_ok_and(|it| it.nlink() == 0);
            let offset = left.footprint.offset();
            if is_gone && !is_held && offset > 0 {
                notices.push(Notice::Vanished(self.path.clone(), offset));
            }
        }
        self.change_to(next, now);
        Ok(Step::Again)
    }

    fn change_to(&mut self, next: Stream, now: Instant) {
        if let Some(mut left) = self.current.replace(next) {
            left.grew_at = now;
            self.draining.push(left);
        }
    }

    /// A file that we know has its name back: it goes on where we stopped.
    fn returns(&mut self, next: &mut Stream, metadata: &Metadata, now: Instant) -> bool {
        let is_it = |stream: &Stream| stream.identity == next.identity;
        if let Some(at) = self.draining.iter().position(is_it) {
            *next = self.draining.remove(at);
            return true;
        }
        let readings: Vec<Footprint> = self.memory.readings_of(next.identity).cloned().collect();
        let Some(read) = readings
            .into_iter()
            .find(|read| read.offset() > 0 && read.stands_in(&mut self.disk, &next.file))
        else {
            return false;
        };
        let Ok(file) = next.file.try_clone() else {
            return false;
        };
        *next = Stream::from_footprint(file, metadata, &self.path, now, read, None);
        true
    }

    /// `cp` and `mv` over the name: another file with the same content.
    fn goes_on_in(&mut self, next: &mut Stream, metadata: &Metadata, now: Instant) -> bool {
        let Some(left) = &mut self.current else {
            return false;
        };
        let offset = left.footprint.offset();
        if offset > 0 && left.footprint.stands_in(&mut self.disk, &next.file) {
            left.hand_over_to(next);
            return true;
        }
        // We may have read more of the old file than was copied. A log that only begins like the
        // last one, with the same title, is no copy: that one was not taken away, or is longer.
        let length = metadata.len();
        let is_gone = || left.file.metadata().is_ok_and(|it| it.nlink() == 0);
        if length < KNOWN_BY as u64
            || length >= offset
            || !is_gone()
            || !survey::is_beginning_of(&mut self.disk, &next.file, length, &left.file)
        {
            return false;
        }
        let read = Footprint::at(&mut self.disk, &next.file, length);
        let Ok(file) = next.file.try_clone() else {
            return false;
        };
        *next = Stream::from_footprint(file, metadata, &self.path, now, read, None);
        true
    }

    /// Gives out what rotated files hold that nobody has read, before the first byte of a fresh
    /// file; first of all the rest of a file that was `cut`. Returns whether content like that of
    /// the file we leave is held by a rotated one, and nothing where the folder would not keep
    /// still long enough to say.
    fn settle(
        &mut self,
        fresh: Fresh<'_>,
        left: Option<&Stream>,
        mut cut: Option<&mut Stream>,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Option<bool>> {
        let Some((survey, open)) = self.survey(&fresh, left, now) else {
            return Ok(None);
        };
        let Fresh { stream: fresh, .. } = fresh;
        if let Some(own) = open.first() {
            // Whatever is read from now on must begin like this.
            fresh.is_settled = !own.head.is_empty();
            fresh.footprint = Footprint::begins_with(own.head.clone());
        }
        let cut_footprint = cut.as_ref().map(|cut| cut.footprint.clone());
        let left_footprint = left.map(|left| &left.footprint);
        let judged = survey.candidates.into_iter().map(|candidate| {
            let (identity, head) = (candidate.identity, &candidate.head);
            let cut = cut_footprint.as_ref();
            let verdict = survey::judge(identity, head, cut, &open, &mut self.memory);
            (verdict, candidate)
        });
        // What was rotated after the fresh file itself comes when that one is left.
        let judged: Vec<(Verdict, Candidate)> = judged
            .take_while(|(_, candidate)| candidate.identity != fresh.identity)
            .collect();
        let is_held = judged.iter().any(|(verdict, candidate)| {
            *verdict == Verdict::CopyOfCut
                || left_footprint.is_some_and(|left| left.agrees_with(&candidate.head))
        });
        if let Some(cut) = &mut cut {
            self.read_copies(cut, &judged, sink)?;
        }
        for (_, candidate) in judged
            .into_iter()
            .filter(|(verdict, _)| *verdict == Verdict::News)
        {
            self.read_news(candidate, now, sink, notices)?;
        }
        Ok(Some(is_held))
    }

    /// The rotated files, and how the open ones begin, at one moment.
    fn survey(
        &mut self,
        fresh: &Fresh<'_>,
        left: Option<&Stream>,
        now: Instant,
    ) -> Option<(Survey, Vec<Beginning>)> {
        let places = self.places();
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let survey = Survey::take(&mut self.disk, &places);
            let mut open = vec![beginning_of(&mut self.disk, fresh.stream)];
            // What holds other content by now, or its first, is judged as any rotated file: a copy
            // may have been made onto it.
            let disk = &mut self.disk;
            for stream in left.into_iter().chain(&self.draining) {
                let head = disk.bytes_at(&stream.file, 0, KNOWN_BY);
                let is_read = stream.is_settled || head.is_empty();
                if is_read && stream.footprint.stands_in(disk, &stream.file) {
                    let identity = stream.identity;
                    open.push(Beginning { identity, head });
                }
            }
            let has_name = !fresh.has_name
                || self
                    .disk
                    .metadata(&self.path)
                    .is_ok_and(|it| Identity::of(&it) == fresh.stream.identity);
            if has_name && survey.still_holds(&mut self.disk, &places, &open) {
                self.unsettled_since = None;
                return Some((survey, open));
            }
            last = Some((survey, open));
        }
        let since = *self.unsettled_since.get_or_insert(now);
        let is_out_of_patience = now.saturating_duration_since(since) >= PATIENCE;
        last.filter(|_| is_out_of_patience)
    }

    /// Reads the rest of a file that was cut, in the latest copy that holds it.
    fn read_copies(
        &mut self,
        cut: &mut Stream,
        judged: &[(Verdict, Candidate)],
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let copies = judged
            .iter()
            .rev()
            .filter(|(verdict, _)| *verdict == Verdict::CopyOfCut);
        for (_, copy) in copies {
            let Ok(Some(mut reader)) = copy
                .file
                .try_clone()
                .and_then(|file| survey::rest_in_copy(&cut.footprint, file))
            else {
                continue;
            };
            // What cannot be read of a copy is lost: there is no other.
            let _ = cut.read_through(&mut reader, sink)?;
            cut.identity = copy.identity;
            break;
        }
        cut.give_rest(sink)
    }

    fn read_news(
        &mut self,
        candidate: Candidate,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let Ok(metadata) = self.disk.state_of(&candidate.file) else {
            return Ok(());
        };
        let is_compressed = survey::is_compressed(&mut self.disk, &candidate.file);
        let file = candidate.file.try_clone();
        let Candidate {
            file: own,
            path,
            head,
            ..
        } = candidate;
        let mut stream = Stream::news(own, &metadata, &path, now, head);
        if !is_compressed {
            while stream.read_on(&mut self.disk, now, sink)? == Reach::More {}
            self.draining.push(stream);
            return Ok(());
        }
        if let Ok((mut reader, _)) = file.and_then(plain_reader)
            && let Err(error) = stream.read_through(&mut reader, sink)?
        {
            notices.push(Notice::Damaged(path, error.to_string()));
        }
        stream.give_rest(sink)?;
        self.remember(stream.identity, stream.footprint);
        Ok(())
    }

    fn go_to_next_date(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let name = self.path.file_name().and_then(std::ffi::OsStr::to_str);
        if name.and_then(dated).is_none() {
            return Ok(Step::Done);
        }
        let Some(next) = self.disk.later_dated(&self.path) else {
            return Ok(Step::Done);
        };
        let Ok(Some((file, metadata))) = self.disk.open(&next) else {
            return Ok(Step::Done);
        };
        // The last lines under the old name come first.
        match self.read_current(now, sink, notices)? {
            Some(Reach::End) => {}
            Some(_) => return Ok(Step::Again),
            None => return Ok(Step::Done),
        }
        let mut stream = Stream::from_start(file, &metadata, &next, now);
        let left = self.current.take();
        let fresh = Fresh {
            stream: &mut stream,
            has_name: false,
        };
        let settled = self.settle(fresh, left.as_ref(), None, now, sink, notices);
        self.current = left;
        if settled?.is_none() {
            return Ok(Step::Done);
        }
        // Its own rotated files, if there are any by now, are met before its first byte.
        stream.is_settled = false;
        stream.footprint = Footprint::default();
        self.change_to(stream, now);
        self.path.clone_from(&next);
        self.last_complaint = None;
        notices.push(Notice::NextDate(next));
        Ok(Step::Again)
    }

    /// What lies where a link leads to now is no news.
    fn follow_link(&mut self) {
        let target = self.disk.target(&self.path);
        if target == self.target {
            return;
        }
        self.target = target;
        if let Some(target) = self.target.clone() {
            let survey = Survey::take(&mut self.disk, &[target]);
            self.remember_all(survey);
        }
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
                may_have_grown: true,
            });
        }
    }

    fn remember(&mut self, identity: Identity, footprint: Footprint) {
        self.memory.remember(Remembered {
            identity,
            footprint,
            may_have_grown: false,
        });
    }
}

fn beginning_of(disk: &mut Disk, stream: &Stream) -> Beginning {
    Beginning {
        identity: stream.identity,
        head: disk.bytes_at(&stream.file, 0, KNOWN_BY),
    }
}

/// A file whose first byte was not given out.
struct Fresh<'f> {
    stream: &'f mut Stream,
    /// Whether it must have the followed name.
    has_name: bool,
}
