//! From one file to the next: it was cut, another one has its name, or a later date begins.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Instant, SystemTime};

use super::super::siblings::dated;
use super::before::Fresh;
use super::disk::Disk;
use super::footprint::{Footprint, KNOWN_BY};
use super::memory::{End, Remembered};
use super::stream::{Reach, Stream};
use super::survey::{self, Survey};
use super::{Follower, Notice, Sink, Step};

impl Follower {
    /// The open file was cut. What a copy holds of it comes first.
    pub(super) fn begin_again(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let Some(mut cut) = self.current.take() else {
            return Ok(Step::Done);
        };
        let Ok(mut again) = cut.begin_again(now) else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        let offset = cut.footprint.offset();
        let fresh = Fresh {
            stream: &mut again,
            has_name: false,
        };
        let Some(is_held) = self.settle(Some(fresh), None, Some(&mut cut), now, sink, notices)?
        else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        notices.push(Notice::Truncated(self.path.clone()));
        if !is_held && offset > 0 {
            notices.push(Notice::Vanished(self.path.clone(), offset));
        }
        self.remember_cut(cut);
        self.current = Some(again);
        Ok(Step::Again)
    }

    /// Whether the file that has the name is a copy of the open one, which was cut.
    pub(super) fn is_copied_to(&mut self, file: &File, metadata: &Metadata) -> bool {
        let Some(cut) = &self.current else {
            return false;
        };
        let cut_before = modified(&mut self.disk, &cut.file);
        is_copy(&mut self.disk, &cut.footprint, cut_before, file, metadata)
    }

    /// A copy of the open file took its name when it was cut. What is written to the one that was
    /// cut is read, too.
    pub(super) fn go_on_in_copy(
        &mut self,
        file: File,
        metadata: &Metadata,
        now: Instant,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let Some(mut cut) = self.current.take() else {
            return Ok(Step::Done);
        };
        let Ok(again) = cut.begin_again(now) else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        let mut next = Stream::from_start(file, metadata, &self.path, now);
        cut.hand_over_to(&mut next);
        self.remember_cut(cut);
        self.draining.push(again);
        self.current = Some(next);
        notices.push(Notice::Replaced(self.path.clone()));
        Ok(Step::Again)
    }

    /// Another file has the name.
    pub(super) fn go_over_to(
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
        let settled = self.settle(Some(fresh), left.as_ref(), None, now, sink, notices);
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

    pub(super) fn go_to_next_date(
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
        let settled = self.settle(Some(fresh), left.as_ref(), None, now, sink, notices);
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
        let readings = self.memory.readings_of(next.identity);
        let readings: Vec<Footprint> = readings.map(|it| it.footprint.clone()).collect();
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
        // It was cut since, and the copy took its name only now.
        if let Some(read) = self.copied_when_cut(next, metadata)
            && let Ok(file) = next.file.try_clone()
        {
            *next = Stream::from_footprint(file, metadata, &self.path, now, read, None);
            return true;
        }
        let Some(left) = &mut self.current else {
            return false;
        };
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

    /// What was read of the open file before it was cut, if another file holds it.
    fn copied_when_cut(&mut self, copy: &Stream, metadata: &Metadata) -> Option<Footprint> {
        let left = self.current.as_ref()?;
        let readings: Vec<Remembered> = self.memory.readings_of(left.identity).cloned().collect();
        let disk = &mut self.disk;
        readings
            .into_iter()
            .filter(|read| read.end == End::Cut)
            .find(|read| {
                let (footprint, cut_before) = (&read.footprint, read.cut_before);
                is_copy(disk, footprint, cut_before, &copy.file, metadata)
            })
            .map(|read| read.footprint)
    }

    fn remember_cut(&mut self, cut: Stream) {
        self.memory.remember(Remembered {
            cut_before: modified(&mut self.disk, &cut.file),
            identity: cut.identity,
            footprint: cut.footprint,
            end: End::Cut,
        });
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
}

/// Whether a file holds all that was read of one that was cut since. Any log may begin with the same
/// few lines: then a copy is told by being older than the cut.
fn is_copy(
    disk: &mut Disk,
    read: &Footprint,
    cut_before: Option<SystemTime>,
    file: &File,
    metadata: &Metadata,
) -> bool {
    let is_older = match (metadata.created(), cut_before) {
        (Ok(born), Some(cut)) => born <= cut,
        _ => false,
    };
    read.offset() > 0
        && (read.offset() >= KNOWN_BY as u64 || is_older)
        && read.stands_in(disk, file)
}

fn modified(disk: &mut Disk, file: &File) -> Option<SystemTime> {
    disk.state_of(file).and_then(|it| it.modified()).ok()
}
